#include "ops/http.h"
#include "tests/unit/ops/rig.h"

#include <criterion/criterion.h>

Test(http, only_loopback_names_are_served_on_loopback)
{
    static const struct {
        const char *header;
        bool good;
    } cases[] = {{"localhost", true},
                 {"localhost:9100", true},
                 {"LOCALHOST:9100", true},
                 {"127.0.0.1:9100", true},
                 {"127.8.9.1", true},
                 {"[::1]:9100", true},
                 {"cupel.lan:9100", true},
                 {"evil.example", false},
                 {"127.0.0.1.evil", false},
                 {"localhost.evil:80", false},
                 {"10.0.0.1", false},
                 {"", false},
                 {NULL, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        cr_expect_eq(cu_host_allowed(cases[i].header, "cupel.lan"),
                     cases[i].good, "%s",
                     cases[i].header ? cases[i].header : "(none)");
}

Test(http, metrics_have_types_and_labels)
{
    cu_rig rig;
    cu_buf b = {0};
    cu_rig_open(&rig);
    cu_rig_app(&rig, "CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;"
                     "CREATE FOREIGN TABLE clicks (id bigint) SERVER kafka "
                     "OPTIONS (topic 't', format 'json', mode 'append');"
                     "CREATE MATERIALIZED VIEW v AS SELECT id, count(*) AS n "
                     "FROM clicks GROUP BY id;");
    cu_counts *c = cu_runtime_counts(cu_engine_runtime(rig.app.engine));
    c->tables[0].in = 7;
    c->views[0].rows = 3;
    c->lag = 5;
    cu_metrics_print(&rig.running, &b);
    cu_buf_put_u8(&b, 0);
    cr_expect(strstr(b.data, "# TYPE cupel_rows_in_total counter\n"
                             "cupel_rows_in_total{table=\"clicks\"} 7\n"),
              "%s", b.data);
    cr_expect(strstr(b.data, "cupel_view_changes_total{view=\"v\"} 3\n"));
    cr_expect(strstr(b.data, "cupel_lag_records 5\n"));
    cu_buf_free(&b);
    cu_rig_close(&rig);
}
