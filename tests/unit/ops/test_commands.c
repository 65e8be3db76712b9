/* Commands as a running process answers them, over memory. */
#include "tests/unit/ops/rig.h"

#include <criterion/criterion.h>

static cu_rig rig;

static const char sql[] =
    "CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;"
    "CREATE FOREIGN TABLE orders (id bigint NOT NULL, product text) "
    "SERVER kafka OPTIONS (topic 'orders', format 'json', mode 'append', "
    "partitions '2');"
    "CREATE MATERIALIZED VIEW by_product AS SELECT product, count(*) AS n "
    "FROM orders GROUP BY product;";

/* Four records, one of them bad, through a worker. */
static void open_rig(void)
{
    static const char *const values[] = {
        "{\"id\": 1, \"product\": \"a\"}", "{\"id\": 2, \"product\": \"b\"}",
        "{\"id\": 3, \"product\": \"a\"}", "{\"id\": null}", NULL};
    cu_worker *w;
    cu_err err = {0};
    cu_rig_open(&rig);
    cu_rig_app(&rig, sql);
    cu_rig_fill(&rig, "orders", values);
    cr_assert_eq(cu_worker_open(cu_engine_runtime(rig.app.engine), 0, &w, &err),
                 0);
    for (int i = 0; i < 50; i++) {
        bool busy;
        cr_assert_eq(cu_worker_step(w, 0, &busy, &err), 0, "%s", err.msg);
        cu_env_sim_advance(rig.env, 100000);
    }
    cr_assert_eq(cu_worker_commit(w, &err), 0, "%s", err.msg);
    cu_worker_close(w);
}

static void close_rig(void)
{
    cu_rig_close(&rig);
}

TestSuite(commands, .init = open_rig, .fini = close_rig);

static void gives(const char *words, int code, const char *out,
                  const char *talk)
{
    cr_expect_eq(cu_rig_run(&rig, words), code, "%s", words);
    cr_expect_str_eq(cu_rig_said(&rig, 1), out);
    cr_expect_str_eq(cu_rig_said(&rig, 2), talk);
}

Test(commands, query_gives_rows)
{
    gives("query SELECT~product,~n~FROM~by_product~ORDER~BY~product", 0,
          "product  n\na        2\nb        1\n", "");
    gives("query SELECT~count(*)~AS~n~FROM~orders -o csv", 0, "n\n3\n", "");
    gives("query SELECT~*~FROM~by_produkt", 2, "",
          "error: relation \"by_produkt\" does not exist [42P01]\n"
          "LINE 1: SELECT * FROM by_produkt\n"
          "                      ^\n"
          "hint: Perhaps you meant \"by_product\".\n");
    gives("query", 2, "",
          "error: query wants one SELECT behind the path, in quotes\n"
          "try: cupel help query\n");
}

Test(commands, tail_shows_records_in_every_form)
{
    gives("tail", 2, "",
          "error: tail wants the name of one topic or view\n"
          "try: cupel help tail\n");
    gives("tail orders --from-beginning -n 1", 0,
          "{\"id\": 1, \"product\": \"a\"}\n", "");
    gives("tail orders --from-beginning --until-end -f %p/%o;", 0,
          "0/0;0/1;0/2;0/3;", "");
    gives("tail orders --until-end", 0, "",
          "nothing new; --from-beginning starts at the oldest record\n");
    gives("tail orders --from-beginning -n 0", 0, "", "");
    gives("tail odrers", 1, "",
          "error: there is no topic \"odrers\"; did you mean orders?\n");
}

Test(commands, offsets_show_position_end_and_lag)
{
    static const char *const more[] = {"{\"id\": 4}", "{\"id\": 5}", NULL};
    gives("offsets show -o csv", 0,
          "group,topic,partition,position,end,lag,oldest\n"
          "shop,orders,0,4,4,0,0\nshop,orders,1,0,0,0,0\n"
          "shop,shop.by_product.by_product.repartition,0,1,1,0,0\n"
          "shop,shop.by_product.by_product.repartition,1,1,1,0,0\n",
          "");
    cu_rig_fill(&rig, "orders", more);
    cr_expect_eq(cu_rig_run(&rig, "offsets show"), 0);
    cr_expect_str_eq(cu_rig_said(&rig, 2), "lag 2\n");
}

Test(commands, dead_letters_are_counted_and_shown)
{
    cr_expect_eq(cu_rig_run(&rig, "dlq list -o csv"), 0);
    const char *list = cu_rig_said(&rig, 1);
    cr_expect(strstr(list, "23502,decode,orders,,1,"), "%s", list);
    cr_expect_eq(cu_rig_run(&rig, "dlq show"), 0);
    const char *one = cu_rig_said(&rig, 1);
    cr_expect(strstr(one, "value     {\"id\": null}\n"), "%s", one);
    gives("dlq list --code 99999", 0, "", "no dead letters\n");
    gives("dlq show 2", 1, "", "there are only 1 letters\n");
}

Test(commands, produce_writes_lines_in_transactions)
{
    rig.input = CU_LIT("one\n\ntwo\r\nthree");
    gives("produce orders", 0, "", "3 records to orders\n");
    rig.input = CU_LIT("{\"id\": 7}\n{\"x\": 1}\n{\"id\": 8}\n");
    gives("produce orders --key-field id", 1, "",
          "1 record to orders\nerror: line 2 has no field \"id\"\n");
    rig.input = CU_LIT("");
    gives("produce orders", 0, "", "0 records to orders\n");
}

Test(commands, topics_in_use_are_not_deleted)
{
    gives("topics delete orders --yes", 3, "",
          "refused: the running app shop uses topic orders; stop it first\n");
    gives("topics create t --partitions 3", 0, "",
          "made topic t with 3 partitions\n");
    gives("topics create t", 3, "",
          "error: topic t exists already, with 3 partitions\n");
    gives("topics delete t", 3, "",
          "this would delete topic t with its 0 records; nothing was changed: "
          "say --yes to do it\n");
    gives("topics delete t --yes", 0, "",
          "deleted topic t with its 0 records\n");
    gives("topics describe t", 1, "",
          "error: there is no topic \"t\"; cupel topics list shows all, cupel "
          "topics create t makes it\n");
}

Test(commands, state_is_counted_by_table)
{
    cr_expect_eq(cu_rig_run(&rig, "state show -o csv -q"), 0);
    const char *text = cu_rig_said(&rig, 1);
    cr_expect(strstr(text, ",aggregate,"), "%s", text);
    cr_expect(strstr(text, ",materialize,"), "%s", text);
}

Test(commands, collect_leaves_a_running_app_alone)
{
    cr_expect_eq(cu_rig_run(&rig, "collect"), 2);
    cr_expect(strstr(cu_rig_said(&rig, 2), "has no collected tables"));
}
