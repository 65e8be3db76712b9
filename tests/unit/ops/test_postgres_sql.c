/* Statements, types and rows of the PostgreSQL sink; the e2e suite runs them.
 */
#include "ops/postgres_sql.h"
#include "tests/unit/ops/rig.h"

#include <criterion/criterion.h>

static cu_rig rig;

static void open_rig(void)
{
    cu_rig_open(&rig);
}

static void close_rig(void)
{
    cu_rig_close(&rig);
}

TestSuite(postgres_sql, .init = open_rig, .fini = close_rig);

#define SERVER                                                           \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                        \
    "CREATE FOREIGN TABLE bid (id bigint NOT NULL, name text, price "    \
    "numeric) SERVER k OPTIONS (topic 'bids', format 'json');"           \
    "CREATE SERVER w FOREIGN DATA WRAPPER postgres OPTIONS (dbname 'd')" \
    ";"

static cu_pg_plan plan_of(const char *sql)
{
    cu_pg_plan p;
    cu_rig_app(&rig, sql);
    const cu_program *program = rig.app.program;
    cu_pg_plan_make(program->views[0], rig.c.arena, &p);
    return p;
}

Test(postgres_sql, an_upsert_goes_through_a_temporary_table)
{
    cu_pg_plan p = plan_of(
        SERVER "CREATE FOREIGN TABLE t (\"Id\" bigint NOT NULL, name "
               "varchar(9), price numeric(12,2), PRIMARY KEY (\"Id\")) SERVER "
               "w OPTIONS (table 'dwh.\"T\"', mode 'upsert');"
               "INSERT INTO t SELECT id, name, price FROM bid;");
    cr_assert(p.upsert);
    cr_assert_str_eq(p.schema, "\"dwh\"");
    cr_assert_str_eq(p.name, "\"T\"");
    cr_assert_str_eq(p.create,
                     "CREATE TABLE \"dwh\".\"T\" (\"Id\" bigint NOT NULL, "
                     "\"name\" character varying(9), \"price\" numeric(12,2), "
                     "PRIMARY KEY (\"Id\"))");
    cr_assert_str_eq(p.copy, "COPY pg_temp.cupel_stage (\"Id\", \"name\", "
                             "\"price\", cupel_gone) FROM STDIN");
    cr_assert_str_eq(
        p.insert,
        "INSERT INTO \"dwh\".\"T\" (\"Id\", \"name\", \"price\") SELECT "
        "\"Id\", \"name\", \"price\" FROM pg_temp.cupel_stage WHERE NOT "
        "cupel_gone ON CONFLICT (\"Id\") DO UPDATE SET \"name\" = "
        "excluded.\"name\", \"price\" = excluded.\"price\"");
    cr_assert_str_eq(p.remove,
                     "DELETE FROM \"dwh\".\"T\" AS t USING "
                     "pg_temp.cupel_stage AS s WHERE s.cupel_gone AND "
                     "t.\"Id\" = s.\"Id\"");
}

Test(postgres_sql, a_table_that_is_all_key_has_nothing_to_update)
{
    cu_pg_plan p = plan_of(
        SERVER "CREATE FOREIGN TABLE t (id bigint, PRIMARY KEY (id)) SERVER w "
               "OPTIONS (table 't', mode 'upsert');"
               "INSERT INTO t SELECT id FROM bid;");
    cr_assert_null(p.schema);
    cr_assert_str_eq(strstr(p.insert, "ON CONFLICT"),
                     "ON CONFLICT (\"id\") DO NOTHING");
}

Test(postgres_sql, an_append_copies_into_the_table)
{
    cu_pg_plan p = plan_of(
        SERVER "CREATE FOREIGN TABLE t (id bigint, name text) SERVER w "
               "OPTIONS (table 't'); INSERT INTO t SELECT id, name FROM bid;");
    cr_assert_not(p.upsert);
    cr_assert_str_eq(p.copy, "COPY \"t\" (\"id\", \"name\") FROM STDIN");
    cr_assert_null(p.insert);
}

Test(postgres_sql, a_loaded_view_has_a_topic_of_its_own)
{
    cu_rig_app(&rig, SERVER
               "CREATE FOREIGN TABLE t (id bigint, name text) SERVER w "
               "OPTIONS (table 't'); INSERT INTO t SELECT id, name FROM bid;"
               "CREATE MATERIALIZED VIEW v WITH (into = 't', topic = 'own') AS "
               "SELECT id, name FROM bid;");
    const cu_program *p = rig.app.program;
    cr_assert(cu_view_is_loaded(p->views[0]));
    cr_assert_str_eq(cu_view_topic(p->views[0]), "shop.t_1");
    cr_assert_str_eq(cu_view_topic(p->views[1]), "own");
}

Test(postgres_sql, columns_may_be_wider_but_never_narrower)
{
    static const struct {
        const char *ours;
        cu_pg_column theirs;
        bool fits;
    } cases[] = {
        {"bigint", {"int8", false, false, -1}, true},
        {"bigint", {"int4", false, false, -1}, false},
        {"bigint", {"numeric", false, false, -1}, true},
        {"bigint", {"numeric", false, false, (18 << 16) + 4}, false},
        {"bigint", {"numeric", false, false, (19 << 16) + 4}, true},
        {"smallint", {"int8", false, false, -1}, true},
        {"integer", {"float8", false, false, -1}, false},
        {"real", {"float8", false, false, -1}, true},
        {"double precision", {"float4", false, false, -1}, false},
        {"numeric", {"numeric", false, false, -1}, true},
        {"numeric", {"numeric", false, false, (12 << 16 | 2) + 4}, false},
        {"numeric(10,2)", {"numeric", false, false, (12 << 16 | 2) + 4}, true},
        {"numeric(10,3)", {"numeric", false, false, (12 << 16 | 2) + 4}, false},
        {"numeric(12,1)", {"numeric", false, false, (12 << 16 | 2) + 4}, false},
        {"numeric(3,0)",
         {"numeric", false, false, (3 << 16 | (-2 & 0x7ff)) + 4},
         false},
        {"numeric", {"float8", false, false, -1}, false},
        {"text", {"varchar", false, false, 14}, true},
        {"text", {"bpchar", false, false, 14}, false},
        {"text", {"mood", false, true, -1}, true},
        {"timestamp", {"timestamp", false, false, -1}, true},
        {"timestamp", {"timestamp", false, false, 3}, false},
        {"timestamp(3)", {"timestamp", false, false, 3}, true},
        {"timestamp", {"timestamptz", false, false, -1}, false},
        {"jsonb", {"json", false, false, -1}, true},
        {"text[]", {"text", true, false, -1}, true},
        {"text[]", {"text", false, false, -1}, false},
        {"text", {"text", true, false, -1}, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        cu_type t;
        cu_err err = {0};
        cr_assert_eq(cu_type_parse(cu_slice_of(cases[i].ours), &t, &err), 0);
        cr_assert_eq(cu_pg_type_fits(t, &cases[i].theirs), cases[i].fits,
                     "%s into %s", cases[i].ours, cases[i].theirs.name);
    }
}

Test(postgres_sql, a_row_is_escaped_for_copy)
{
    cu_batch *b;
    cu_err err = {0};
    cu_buf out = {0};
    cr_assert_eq(cu_batch_parse(rig.c.arena, "i:int s:text n:numeric a:text[]",
                                "7 'a\tb\\c' 1.50 '{x,\"\\\\\"}'\n"
                                "null '' null null\n",
                                &b, &err),
                 0, "%s", err.msg);
    cu_pg_row(b, 0, &out);
    cu_buf_put_u8(&out, '|');
    cu_pg_row(b, 1, &out);
    cu_buf_put_u8(&out, 0);
    cr_assert_str_eq(out.data, "7\ta\\tb\\\\c\t1.50\t{x,\"\\\\\\\\\"}|"
                               "\\N\t\t\\N\t\\N");
    cu_buf_free(&out);
}

Test(postgres_sql, names_are_quoted)
{
    cu_buf out = {0};
    cu_pg_quote("a \"b\" C", &out);
    cu_buf_put_u8(&out, 0);
    cr_assert_str_eq(out.data, "\"a \"\"b\"\" C\"");
    cu_buf_free(&out);
}

Test(postgres_sql, errors_are_rows_outages_or_mistakes)
{
    static const struct {
        const char *state;
        cu_pg_verdict verdict;
    } cases[] = {{"23514", CU_PG_ROW},   {"22001", CU_PG_ROW},
                 {"P0001", CU_PG_ROW},   {"40001", CU_PG_AGAIN},
                 {"57P01", CU_PG_AGAIN}, {"53300", CU_PG_AGAIN},
                 {"42P01", CU_PG_WRONG}, {"42501", CU_PG_WRONG}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        cr_assert_eq(cu_pg_judge(cases[i].state), cases[i].verdict, "%s",
                     cases[i].state);
    cr_assert(cu_pg_refusal_passes("Connection refused"));
    cr_assert(
        cu_pg_refusal_passes("FATAL:  the database system is starting up"));
    cr_assert_not(cu_pg_refusal_passes(
        "FATAL:  password authentication failed for user \"etl\""));
}
