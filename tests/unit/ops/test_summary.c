#include "tests/unit/ops/rig.h"

#include <criterion/criterion.h>

static cu_rig rig;

static const char sql[] =
    "CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;"
    "CREATE FOREIGN TABLE orders (id bigint NOT NULL, product text) "
    "SERVER kafka OPTIONS (topic 'orders', format 'json', mode 'append');"
    "CREATE MATERIALIZED VIEW by_product AS SELECT product, count(*) AS n "
    "FROM orders GROUP BY product;";

static void open_rig(void)
{
    cu_rig_open(&rig);
    cu_rig_app(&rig, sql);
}

static void close_rig(void)
{
    cu_rig_close(&rig);
}

TestSuite(summary, .init = open_rig, .fini = close_rig);

static cu_counts *counts(void)
{
    return cu_runtime_counts(cu_engine_runtime(rig.app.engine));
}

static void set(int64_t in, int64_t applied, int64_t late, int64_t dead)
{
    counts()->tables[0].in = in;
    counts()->tables[0].applied = applied;
    counts()->tables[0].late = late;
    counts()->tables[0].dead = dead;
}

Test(summary, in_is_applied_and_late_and_dead)
{
    cu_table_counts k = {.in = 10, .applied = 6, .late = 3, .dead = 1};
    cr_expect(cu_adds_up(&k));
    k.late = 2;
    cr_expect_not(cu_adds_up(&k));
    k.late = 4;
    cr_expect_not(cu_adds_up(&k));
}

Test(summary, is_talk_for_people)
{
    set(1000, 990, 4, 6);
    counts()->views[0].rows = 12;
    cu_summary_print(&rig.running, 0);
    const char *text = cu_rig_said(&rig, 2);
    cr_expect(strstr(text, "table     in  applied  late  dead\n"
                           "orders  1000      990     4     6\n"),
              "%s", text);
    cr_expect(strstr(text, "by_product         12         0  shop.by_product"),
              "%s", text);
    cr_expect(strstr(text, "do not add up") == NULL);
    cr_expect_str_eq(cu_rig_said(&rig, 1), "");
}

Test(summary, a_lost_row_is_said_loudly)
{
    set(10, 8, 0, 1);
    cu_summary_print(&rig.running, 0);
    cr_expect(strstr(cu_rig_said(&rig, 2), "error: the rows do not add up"));
}

Test(summary, is_one_object_for_programs)
{
    set(10, 9, 0, 1);
    rig.c.o.output = CU_OUT_JSON;
    rig.running.started_us = cu_mono_us(rig.env);
    cu_summary_print(&rig.running, 0);
    const char *text = cu_rig_said(&rig, 1);
    const char *head =
        "{\"app\":\"shop\",\"collectors\":[],\"tables\":"
        "[{\"table\":\"orders\",\"in\":10,\"applied\":9,"
        "\"late\":0,\"dead\":1}],\"views\":[{\"view\":"
        "\"by_product\",\"published\":0,\"rejected\":0,"
        "\"late\":0}],\"sinks\":[],\"reports\":[],\"commits\":0,\"aborts\":0,";
    cr_expect_eq(strncmp(text, head, strlen(head)), 0, "%s", text);
    cr_expect(strstr(text, ",\"adds_up\":true}\n"));
    set(10, 9, 0, 0);
    cu_summary_print(&rig.running, 0);
    cr_expect(strstr(cu_rig_said(&rig, 1), ",\"adds_up\":false}\n"));
}

Test(summary, q_silences_people_not_programs)
{
    rig.c.o.quiet = true;
    cu_summary_print(&rig.running, 0);
    cr_expect_str_eq(cu_rig_said(&rig, 2), "");
    rig.c.o.output = CU_OUT_JSON;
    cu_summary_print(&rig.running, 0);
    cr_expect(strlen(cu_rig_said(&rig, 1)) > 10);
}

Test(summary, totals_and_grouped_numbers)
{
    set(10, 9, 0, 1);
    cu_table_totals t = cu_totals(&rig.running);
    cr_expect(t.in == 10 && t.applied == 9 && t.late == 0 && t.dead == 1);
    cu_arena *a = rig.c.arena;
    cr_expect_str_eq(cu_grouped(a, 0), "0");
    cr_expect_str_eq(cu_grouped(a, 999), "999");
    cr_expect_str_eq(cu_grouped(a, 1000), "1,000");
    cr_expect_str_eq(cu_grouped(a, 1234567), "1,234,567");
    cr_expect_str_eq(cu_grouped(a, -123456), "-123,456");
}
