/* Aggregates over counted values: what PostgreSQL 15 gives for the same rows,
 * and what a naive computation gives after any changes. */
#include "tests/unit/operators/aggregates.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

/* t, its delimiter d, the order o, a number j */
static const char *const in = "g:int t:text d:text o:int j:numeric";
static const char *const rows = "1 b , 2 1.0\n1 a ; 1 2.50\n1 null ! 0 3\n"
                                "1 c null 3 null\n1 a '+' 9 2.5\n";

static void gives(const char *columns, const char *text, const char *schema,
                  const agg_call *calls, unsigned n, const char *want)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, agg_node(&r, columns, "0", schema, calls, n));
    rig_push(&r, 0, text);
    rig_expect(&r, rig_commit(&r), schema, want);
    rig_close(&r);
}

Test(lists, string_agg_puts_a_row_s_delimiter_before_its_value)
{
    static const agg_call calls[] = {
        {.name = "string_agg", .arg = 1, .second = 2, .order = "4"},
        {.name = "string_agg", .arg = 1, .second = 2, .order = "-2 4"},
        {.name = "string_agg", .arg = 1, .second = 2, .distinct = true},
    };
    gives(in, rows, "g:int a:text b:text", calls, 2, "1 a,bc+a c,b;a+a\n");
    gives("g:int t:text d:text", "1 c ,\n+3 | 1 a ,\n1 b ,\n1 null ,\n",
          "g:int a:text", calls + 2, 1, "1 a,b,c\n");
    gives("g:int t:bytea d:bytea o:int",
          "1 '\\x62' '\\x2c' 2\n1 '\\x61' '\\x3b' 1\n", "g:int a:bytea", calls,
          1, "1 '\\x612c62'\n");
}

Test(lists, arrays_and_objects_keep_nulls)
{
    static const agg_call calls[] = {
        {.name = "array_agg", .arg = 1, .order = "4"},
        {.name = "array_agg", .arg = 1, .distinct = true},
        {.name = "array_agg", .arg = 1, .distinct = true, .order = "-2"},
        {.name = "array_agg", .arg = 4, .order = "-4"},
        {.name = "jsonb_agg", .arg = 1, .order = "4"},
        {.name = "jsonb_agg", .arg = 4, .order = "4"},
    };
    gives(in, rows,
          "g:int a:text[] b:text[] c:text[] d:numeric[] e:jsonb f:jsonb", calls,
          COUNT(calls),
          "1 {NULL,a,b,c,a} {a,b,c,NULL} {NULL,c,b,a} {2.5,NULL,1.0,2.50,3} "
          "'[null, \"a\", \"b\", \"c\", \"a\"]' '[3, 2.50, 1.0, null, 2.5]'\n");
    static const agg_call object = {
        .name = "jsonb_object_agg", .arg = 1, .second = 2, .order = "3"};
    gives("g:int k:text v:int", "1 a 3\n1 b null\n1 a 2\n", "g:int o:jsonb",
          &object, 1, "1 '{\"a\": 2, \"a\": 3, \"b\": null}'\n");
    static const agg_call times = {.name = "jsonb_agg", .arg = 1};
    gives("g:int x:timestamptz", "1 '2024-01-02 03:04:05+00'\n",
          "g:int a:jsonb", &times, 1, "1 '[\"2024-01-02T03:04:05+00:00\"]'\n");
}

Test(lists, a_null_name_is_an_error_of_its_group)
{
    static const agg_call call = {
        .name = "jsonb_object_agg", .arg = 1, .second = 2};
    const char *schema = "g:int o:jsonb";
    rig r;
    rig_open(&r, 4);
    rig_start(&r, agg_node(&r, "g:int k:text v:int", "0", schema, &call, 1));
    rig_push(&r, 0, "1 a 3\n1 null 4\n2 b 5\n");
    rig_expect(&r, rig_commit(&r), schema, "2 '{\"b\": 5}'\n");
    cr_assert_str_eq(r.letters,
                     "aggregate o 22023 field name must not be null\n");
    rig_push(&r, 0, "-1 | 1 null 4\n");
    rig_expect(&r, rig_commit(&r), schema, "1 '{\"a\": 3}'\n");
    rig_close(&r);
}

/* --- ordered sets -------------------------------------------------------- */

static const char *const pairs = "g:int v:float8 i:interval t:text";
static const char *const pair_rows = "1 1 '1 day' a\n1 2 '2 days' b\n"
                                     "1 4 '1 mon' b\n1 10 '3 hours' c\n"
                                     "1 null null null\n";

#define AT(nm, col, f)                                   \
    {                                                    \
        .name = nm, .arg = -1, .order = col, .direct = f \
    }
#define ATS(nm, col, f)                                   \
    {                                                     \
        .name = nm, .arg = -1, .order = col, .direct = f, \
        .direct_type = "float8[]"                         \
    }

Test(lists, percentiles_interpolate_or_choose)
{
    static const agg_call cont[] = {
        AT("percentile_cont", "2", "0.5"),
        AT("percentile_cont", "-2", "0.3"),
        AT("percentile_cont", "2", "0"),
        AT("percentile_cont", "2", "1"),
        ATS("percentile_cont", "2", "{0.25,NULL,0.9}"),
        AT("percentile_cont", "2", "null"),
    };
    gives(pairs, pair_rows,
          "g:int a:float8 b:float8 c:float8 d:float8 e:float8[] f:float8", cont,
          COUNT(cont),
          "1 3 4.6000000000000005 1 10 "
          "{1.75,NULL,8.200000000000001} null\n");
    static const agg_call times[] = {
        AT("percentile_cont", "3", "0.5"),
        AT("percentile_cont", "3", "0.9"),
        ATS("percentile_cont", "3", "{0.1,0.5}"),
    };
    gives(pairs, pair_rows, "g:int a:interval b:interval c:interval[]", times,
          3,
          "1 '1 day 12:00:00' '22 days -09:36:00' "
          "'{09:18:00,\"1 day 12:00:00\"}'\n");
    static const agg_call disc[] = {
        AT("percentile_disc", "2", "0.5"),
        AT("percentile_disc", "4", "0.51"),
        AT("percentile_disc", "4", "0"),
        ATS("percentile_disc", "-4", "{0.1,1}"),
        {.name = "mode", .arg = -1, .order = "4"},
        {.name = "mode", .arg = -1, .order = "2"},
        {.name = "mode", .arg = -1, .order = "-2"},
    };
    gives(pairs, pair_rows,
          "g:int a:float8 b:text c:text d:text[] e:text f:float8 h:float8",
          disc, COUNT(disc), "1 2 b a {c,a} b 1 10\n");
    gives(pairs, "1 null null null\n", "g:int a:float8 e:float8[]",
          (const agg_call[]){cont[0], cont[4]}, 2, "1 null null\n");
}

Test(lists, a_fraction_is_between_0_and_1)
{
    static const agg_call call = AT("percentile_cont", "2", "1.5");
    rig r;
    cu_op *op;
    rig_open(&r, 5);
    cu_node *n = agg_node(&r, pairs, "0", "g:int a:float8", &call, 1);
    int rc = cu_space_open(r.store, 3, 1, &r.space, &r.err);
    r.env.space = r.space;
    cr_assert_eq(rc, 0);
    cr_assert_eq(cu_op_open(n, &r.env, &op, &r.err), CU_DATA);
    cr_assert_str_eq(r.err.msg, "percentile value 1.5 is not between 0 and 1");
    cr_assert_eq(
        cu_pipeline_open(rig_source(&r, pairs), &r.env, &r.pipeline, &r.err),
        0);
    r.tap = cu_tap_new(NULL, NULL, NULL);
    rig_close(&r);
}

Test(lists, the_first_value_by_an_order_may_be_null)
{
    static const agg_call calls[] = {
        {.name = "first value", .arg = 3, .order = "2"},
        {.name = "first value", .arg = 3, .order = "-2"},
    };
    const char *schema = "g:int a:text b:text";
    for (int once = 0; once < 2; once++) {
        rig r;
        rig_open(&r, 6);
        cu_node *n = agg_node(&r, pairs, "0", schema, calls, 2);
        n->inputs[0]->append_only = once;
        rig_start(&r, n);
        rig_push(&r, 0, pair_rows);
        rig_expect(&r, rig_commit(&r), schema, "1 a null\n");
        rig_reopen(&r);
        rig_push(&r, 0, "1 0 null z\n1 99 null y\n");
        rig_expect(&r, rig_commit(&r), schema,
                   "-1 | 1 a null\n+1 | 1 z null\n");
        if (!once) {
            rig_push(&r, 0, "-1 | 1 0 null z\n-1 | 1 null null null\n");
            rig_expect(&r, rig_commit(&r), schema,
                       "-1 | 1 z null\n+1 | 1 a y\n");
        }
        rig_close(&r);
    }
}

Test(lists, a_scalar_subquery_has_one_row)
{
    static const agg_call call = {.name = "single row", .arg = 1};
    const char *schema = "g:int a:int";
    rig r;
    rig_open(&r, 7);
    rig_start(&r, agg_node(&r, "g:int v:int", "0", schema, &call, 1));
    rig_push(&r, 0, "1 5\n2 null\n");
    rig_expect(&r, rig_commit(&r), schema, "1 5\n2 null\n");
    rig_push(&r, 0, "1 6\n");
    rig_expect(&r, rig_commit(&r), schema, "-1 | 1 5\n");
    cr_assert_str_eq(r.letters,
                     "aggregate a 21000 more than one row returned by a "
                     "subquery used as an expression\n");
    rig_reopen(&r);
    rig_push(&r, 0, "-1 | 1 5\n");
    rig_expect(&r, rig_commit(&r), schema, "1 6\n");
    rig_close(&r);
}

Test(lists, filters_choose_rows_and_equal_calls_share_their_values)
{
    static const agg_call calls[] = {
        {.name = "array_agg", .arg = 1, .filter = 3},
        {.name = "jsonb_agg", .arg = 1, .filter = 3, .distinct = true},
        {.name = "array_agg", .arg = 1},
    };
    const char *schema = "g:int a:int[] b:jsonb c:int[]";
    rig r;
    rig_open(&r, 8);
    rig_start(&r, agg_node(&r, "g:int v:int f:bool", "0", schema, calls, 3));
    rig_push(&r, 0, "1 2 true\n1 1 false\n+2 | 1 3 true\n1 4 null\n");
    cr_assert_eq(rig_try_commit(&r), 0);
    cr_assert_eq(cu_space_dirty_keys(r.space), 1 + 2 + 4);
    rig_expect(&r, rig_commit(&r), schema, "1 {2,3,3} '[2, 3]' {1,2,3,3,4}\n");
    rig_close(&r);
}

/* --- against recomputation ----------------------------------------------- */

enum { ROWS = 40, GROUPS = 3, MOST = 400 };

typedef struct row {
    int g, v, o, count;
    bool null, pass;
} row;

static void put_row(char *text, size_t *len, const row *x, int w)
{
    char v[16] = "null";
    if (!x->null)
        sprintf(v, "%d", x->v);
    *len += (size_t)sprintf(text + *len, "%+d | %d %s %d %s t%d\n", w, x->g, v,
                            x->o, x->pass ? "true" : "false", x->v);
}

static void change(rig *r, row *all)
{
    char text[8192];
    size_t len = 0;
    for (unsigned i = 1 + rig_draw(r, 14); i > 0; i--) {
        row *x = &all[rig_draw(r, ROWS)];
        int w = (int)rig_draw(r, 3) + 1;
        if (x->count > 0 && rig_draw(r, 5) < 3)
            w = -(1 + (int)rig_draw(r, (unsigned)x->count));
        if (x->count + w > 6)
            continue;
        x->count += w;
        put_row(text, &len, x, w);
    }
    if (len)
        rig_push(r, 0, text);
}

/* By order, then value, NULL last. */
static int by_order(const void *a, const void *b)
{
    const row *x = a, *y = b;
    if (x->o != y->o)
        return x->o < y->o ? -1 : 1;
    if (x->null != y->null)
        return x->null ? 1 : -1;
    return x->null ? 0 : x->v - y->v;
}

static int by_value(const void *a, const void *b)
{
    const row *x = a, *y = b;
    return x->v - y->v;
}

static void put_list(char **p, const row *v, int n)
{
    *p += sprintf(*p, " {");
    for (int i = 0; i < n; i++)
        *p += v[i].null ? sprintf(*p, "%sNULL", i ? "," : "")
                        : sprintf(*p, "%s%d", i ? "," : "", v[i].v);
    *p += sprintf(*p, "}");
}

/* percentile_disc(0.3), percentile_cont(0.5) of half integers, mode */
static void put_ordered_set(char **p, row *v, int n)
{
    if (n == 0) {
        *p += sprintf(*p, " null null null");
        return;
    }
    qsort(v, (size_t)n, sizeof(*v), by_value);
    int at = (3 * n + 9) / 10, best = 0, most = 0;
    *p += sprintf(*p, " %d", v[at > 0 ? at - 1 : 0].v);
    *p += sprintf(*p, " %g", (v[(n - 1) / 2].v + v[n / 2].v) / 2.0);
    for (int i = 0, run = 0; i < n; i++) {
        run = i && v[i].v == v[i - 1].v ? run + 1 : 1;
        if (run > most) {
            most = run;
            best = v[i].v;
        }
    }
    *p += sprintf(*p, " %d", best);
}

static void expected(const row *all, char *text)
{
    char *p = text;
    *p = 0;
    for (int g = 0; g < GROUPS; g++) {
        row list[MOST], values[MOST], passing[MOST];
        int n = 0, m = 0, k = 0;
        for (int i = 0; i < ROWS; i++)
            for (int c = 0; all[i].g == g && c < all[i].count; c++) {
                list[n++] = all[i];
                if (!all[i].null)
                    values[m++] = all[i];
                if (all[i].pass)
                    passing[k++] = all[i];
            }
        if (n == 0)
            continue;
        qsort(list, (size_t)n, sizeof(*list), by_order);
        qsort(passing, (size_t)k, sizeof(*passing), by_order);
        p += sprintf(p, "%d", g);
        put_list(&p, list, n);
        if (k)
            put_list(&p, passing, k);
        else
            p += sprintf(p, " null");
        p += list[0].null ? sprintf(p, " null") : sprintf(p, " %d", list[0].v);
        put_ordered_set(&p, values, m);
        p += sprintf(p, "\n");
    }
}

Test(lists, equal_recomputation_whatever_the_cuts)
{
    static const agg_call calls[] = {
        {.name = "array_agg", .arg = 1, .order = "3"},
        {.name = "array_agg", .arg = 1, .order = "3", .filter = 4},
        {.name = "first value", .arg = 1, .order = "3"},
        AT("percentile_disc", "2", "0.3"),
        AT("percentile_cont", "2", "0.5"),
        {.name = "mode", .arg = -1, .order = "2"},
    };
    const char *schema = "g:int a:float8[] b:float8[] c:float8 d:float8 "
                         "e:float8 f:float8";
    for (uint64_t seed = 1; seed <= 40; seed++) {
        rig r;
        row now[ROWS] = {0}, committed[ROWS];
        char text[1 << 14];
        uint64_t digest;
        rig_open(&r, seed);
        for (int i = 0; i < ROWS; i++)
            now[i] = (row){.g = (int)rig_draw(&r, GROUPS),
                           .v = (int)rig_draw(&r, 12),
                           .o = (int)rig_draw(&r, 5),
                           .null = rig_draw(&r, 6) == 0,
                           .pass = rig_draw(&r, 2)};
        memcpy(committed, now, sizeof(now));
        rig_start(&r, agg_node(&r, "g:int v:float8 o:int f:bool t:text", "0",
                               schema, calls, COUNT(calls)));
        for (int round = 0; round < 25; round++) {
            for (unsigned i = rig_draw(&r, 4); i > 0; i--)
                change(&r, now);
            if (rig_draw(&r, 5) == 0) {
                rig_abort(&r);
                memcpy(now, committed, sizeof(now));
                continue;
            }
            rig_commit(&r);
            memcpy(committed, now, sizeof(now));
            expected(now, text);
            rig_expect(&r, rig_integral(&r), schema, text);
            if (rig_draw(&r, 4) == 0)
                rig_reopen(&r);
        }
        size_t len = 0;
        for (int i = 0; i < ROWS; i++)
            if (now[i].count)
                put_row(text, &len, &now[i], -now[i].count);
        if (len)
            rig_push(&r, 0, text);
        rig_commit(&r);
        rig_expect(&r, rig_integral(&r), schema, "");
        cr_assert_eq(cu_space_digest(r.space, &digest, &r.err), 0);
        cr_assert_eq(digest, 0);
        rig_close(&r);
    }
}

/* --- work ---------------------------------------------------------------- */

/* Work for `changes` changes, one a commit, to a group of `size` values. */
static uint64_t work(const agg_call *call, int size, int changes)
{
    rig r;
    char text[1 << 15];
    uint64_t before, after;
    rig_open(&r, 11);
    rig_start(&r,
              agg_node(&r, "g:int v:float8", "0", "g:int a:float8", call, 1));
    for (int i = 0; i < size;) {
        size_t len = 0;
        for (int k = 0; k < 500; k++, i++)
            len += (size_t)sprintf(text + len, "1 %d\n", i * 7919 % size);
        rig_push(&r, 0, text);
        rig_commit(&r);
    }
    before = cu_op_work(r.pipeline->root);
    for (int i = 0; i < changes; i++) {
        sprintf(text, "%s | 1 %u\n", i % 2 ? "-1" : "+1",
                (unsigned)(i / 2 * 104729 % size));
        rig_push(&r, 0, text);
        rig_commit(&r);
    }
    after = cu_op_work(r.pipeline->root);
    rig_close(&r);
    return after - before;
}

Test(lists, a_change_costs_the_same_in_a_group_twice_as_large)
{
    static const agg_call calls[] = {
        AT("percentile_cont", "2", "0.5"),
        AT("percentile_disc", "2", "0.99"),
        {.name = "first value", .arg = 1, .order = "2"},
        {.name = "mode", .arg = -1, .order = "2"},
    };
    for (size_t i = 0; i < COUNT(calls); i++) {
        uint64_t small = work(&calls[i], 2000, 400);
        uint64_t large = work(&calls[i], 4000, 400);
        cr_expect_lt(small, 400 * 12, "%s: %lu", calls[i].name, small);
        cr_expect_lt(large, small + small / 5, "%s: %lu, then %lu",
                     calls[i].name, small, large);
    }
}
