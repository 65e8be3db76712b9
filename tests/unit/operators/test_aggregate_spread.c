/* Bits, variances, regression: what PostgreSQL 15 gives for the same rows. */
#include "tests/unit/operators/aggregates.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

/* The rows of group 1 give `want`; without the rows nothing is left. */
static void gives(const char *in, const char *rows, const char *schema,
                  const agg_call *calls, unsigned n, const char *want)
{
    rig r;
    uint64_t digest;
    rig_open(&r, 7);
    rig_start(&r, agg_node(&r, in, "0", schema, calls, n));
    rig_push(&r, 0, rows);
    rig_expect(&r, rig_commit(&r), schema, want);
    rig_reopen(&r);
    char back[4096];
    size_t len = 0;
    for (const char *p = rows; *p;) { /* "+1 | …" becomes "-1 | …" */
        const char *end = strchr(p, '\n');
        len += (size_t)sprintf(back + len, "-%.*s\n", (int)(end - p - 1),
                               p + 1);
        p = end + 1;
    }
    rig_push(&r, 0, back);
    rig_commit(&r);
    rig_expect(&r, rig_integral(&r), schema, "");
    cr_assert_eq(cu_space_digest(r.space, &digest, &r.err), 0);
    cr_assert_eq(digest, 0);
    rig_close(&r);
}

/* Numbers within 1e-9 of PostgreSQL's. */
static void near(const char *in, const char *rows, const agg_call *calls,
                 unsigned n, const char *want)
{
    rig r;
    char schema[512] = "g:int";
    for (unsigned i = 0; i < n; i++)
        sprintf(schema + strlen(schema), " c%u:%s", i,
                strcmp(calls[i].name, "regr_count") ? "float8" : "int8");
    rig_open(&r, 8);
    rig_start(&r, agg_node(&r, in, "0", schema, calls, n));
    rig_push(&r, 0, rows);
    const char *got = rig_commit(&r);
    cr_assert_eq(strncmp(got, "+1 | 1 ", 7), 0, "%s", got);
    got += 7;
    for (unsigned i = 0; i < n; i++) {
        char x[64], y[64];
        int x_len = 0, y_len = 0;
        cr_assert_eq(sscanf(got, "%63s%n", x, &x_len), 1);
        cr_assert_eq(sscanf(want, "%63s%n", y, &y_len), 1);
        got += x_len;
        want += y_len;
        double a = strtod(x, NULL), b = strtod(y, NULL);
        bool same = !strcmp(x, y) || fabs(a - b) <= 1e-9 * fabs(b);
        cr_expect(same, "%s: %s, not %s", calls[i].name, x, y);
    }
    rig_close(&r);
}

Test(spread, bits_are_counted)
{
    static const agg_call calls[] = {
        {.name = "bit_and", .arg = 1}, {.name = "bit_or", .arg = 1},
        {.name = "bit_xor", .arg = 1}, {.name = "bit_and", .arg = 2},
        {.name = "bit_or", .arg = 2},  {.name = "bit_xor", .arg = 2},
        {.name = "bit_and", .arg = 3}, {.name = "bit_or", .arg = 3},
        {.name = "bit_xor", .arg = 3},
    };
    gives("g:int n:int s:int2 l:int8",
          "+1 | 1 12 12 -1\n+1 | 1 10 10 4611686018427387904\n"
          "+1 | 1 6 -6 7\n+1 | 1 null null null\n",
          "g:int a:int b:int c:int d:int2 e:int2 f:int2 h:int8 i:int8 j:int8",
          calls, COUNT(calls), "1 0 14 0 8 -2 -4 0 -1 -4611686018427387912\n");
    gives("g:int n:int", "+1 | 1 12\n+1 | 1 12\n+1 | 1 10\n", "g:int x:int",
          &(agg_call){.name = "bit_xor", .arg = 1, .distinct = true}, 1,
          "1 6\n");
    gives("g:int n:int", "+1 | 1 null\n", "g:int x:int",
          &(agg_call){.name = "bit_and", .arg = 1}, 1, "1 null\n");
}

static const agg_call variances[] = {{.name = "var_pop", .arg = 1},
                                     {.name = "var_samp", .arg = 1},
                                     {.name = "stddev_pop", .arg = 1},
                                     {.name = "stddev_samp", .arg = 1}};
static const char *const numerics = "g:int a:numeric b:numeric c:numeric "
                                    "d:numeric";

Test(spread, variances_of_exact_numbers_have_postgresql_s_digits)
{
    gives("g:int n:int",
          "+1 | 1 1\n+1 | 1 2\n+1 | 1 7\n+1 | 1 null\n+1 | 1 7\n", numerics,
          variances, 4,
          "1 7.6875000000000000 10.2500000000000000 2.7726341266023543 "
          "3.2015621187164243\n");
    gives("g:int n:numeric",
          "+1 | 1 1.5\n+1 | 1 2.25\n+1 | 1 100.125\n+1 | 1 0.0001\n", numerics,
          variances, 4,
          "1 1833.7047562518750000 2444.9396750025000000 42.8217789944775064 "
          "49.4463312592805008\n");
    static const agg_call wide[] = {{.name = "var_pop", .arg = 1},
                                    {.name = "stddev", .arg = 1}};
    gives("g:int n:int8",
          "+1 | 1 9223372036854775807\n+1 | 1 -9223372036854775807\n"
          "+1 | 1 5\n+1 | 1 9\n",
          "g:int a:numeric b:numeric", wide, 2,
          "1 42535295865117307923698453892116250639 7530851732716320751\n");
    gives("g:int n:numeric",
          "+1 | 1 15000000000.0\n+1 | 1 22500000000.00\n"
          "+1 | 1 1001250000000.000\n+1 | 1 1000000.0000\n",
          "g:int a:numeric b:numeric", wide, 2,
          "1 183370475625187500000000.00000000 494463312592.80500840\n");
}

Test(spread, variances_of_few_or_odd_values)
{
    gives("g:int n:int", "+1 | 1 1\n", numerics, variances, 4,
          "1 0 null 0 null\n");
    gives("g:int n:int", "+1 | 1 null\n", numerics, variances, 4,
          "1 null null null null\n");
    gives("g:int n:numeric", "+1 | 1 1.0\n+1 | 1 NaN\n", numerics, variances, 4,
          "1 NaN NaN NaN NaN\n");
    gives("g:int n:numeric", "+1 | 1 Infinity\n", numerics, variances, 4,
          "1 NaN null NaN null\n");
    static const agg_call once[] = {
        {.name = "var_pop", .arg = 1, .distinct = true},
        {.name = "stddev", .arg = 1, .distinct = true}};
    gives("g:int n:int", "+1 | 1 1\n+1 | 1 2\n+1 | 1 7\n+1 | 1 7\n",
          "g:int a:numeric b:numeric", once, 2,
          "1 6.8888888888888889 3.2145502536643183\n");
}

#define PAIR(nm)                          \
    {                                     \
        .name = nm, .arg = 1, .second = 2 \
    }

Test(spread, regression_of_y_and_x)
{
    static const agg_call calls[] = {
        PAIR("covar_pop"),  PAIR("covar_samp"),     PAIR("corr"),
        PAIR("regr_slope"), PAIR("regr_intercept"), PAIR("regr_r2"),
        PAIR("regr_avgx"),  PAIR("regr_avgy"),      PAIR("regr_count"),
        PAIR("regr_sxx"),   PAIR("regr_syy"),       PAIR("regr_sxy"),
    };
    const char *in = "g:int y:float8 x:float8";
    near(in, "1 1 2\n1 2.5 3\n1 4 5.5\n1 null 1\n1 3 null\n1 7 8\n", calls,
         COUNT(calls),
         "5.109375 6.8125 0.9890716149656056 0.9423631123919308 "
         "-0.7334293948126804 0.978262659530671 4.625 3.625 4 21.6875 19.6875 "
         "20.4375");
    near(in, "1 1 2\n", calls, COUNT(calls),
         "0 null null null null null 2 1 1 0 0 0");
    near(in, "1 1 2\n1 1 5\n", calls + 2, 4, "null 0 1 1");
    near(in, "1 2 1\n1 5 1\n", calls + 2, 4, "null null null null");
    near(in, "1 1 Infinity\n1 2 3\n", calls, COUNT(calls),
         "NaN NaN NaN NaN NaN NaN Infinity 1.5 2 NaN 0.5 NaN");
}

Test(spread, variances_of_floats)
{
    const char *in = "g:int x:float8";
    near(in, "1 2\n1 3\n1 5.5\n1 1\n1 8\n1 null\n", variances, 4,
         "6.44 8.05 2.5377155080899043 2.8372521918222215");
    near(in, "1 1e200\n1 1e200\n", variances, 1, "0");
    near(in, "1 Infinity\n1 3\n", variances, 4, "NaN NaN NaN NaN");
    near(in, "1 NaN\n", variances, 2, "NaN null");
    /* All digits are there, however far from zero the values lie. */
    near(in, "1 1000000000001\n1 1000000000002\n1 1000000000003\n", variances,
         2, "0.6666666666666667 1");
}

Test(spread, an_overflow_is_a_letter_and_no_row)
{
    const char *schema = "g:int v:float8";
    rig r;
    rig_open(&r, 9);
    rig_start(&r, agg_node(&r, "g:int x:float8", "0", schema, variances, 1));
    rig_push(&r, 0, "+1 | 1 1e200\n+1 | 2 5\n");
    rig_expect(&r, rig_commit(&r), schema, "1 0\n2 0\n");
    rig_push(&r, 0, "+1 | 1 -1e200\n+1 | 2 5\n");
    rig_expect(&r, rig_commit(&r), schema, "-1 | 1 0\n");
    cr_assert_str_eq(r.letters, "aggregate v 22003 value out of range\n");
    rig_reopen(&r);
    rig_push(&r, 0, "+1 | 1 3\n");
    rig_expect(&r, rig_commit(&r), schema, "");
    cr_assert_str_eq(r.letters, "aggregate v 22003 value out of range\n");
    rig_push(&r, 0, "-1 | 1 1e200\n-1 | 1 -1e200\n");
    rig_expect(&r, rig_commit(&r), schema, "1 0\n");
    rig_close(&r);
}

/* --- against recomputation ----------------------------------------------- */

/* Whatever comes and goes, the result is that of the rows that are there, to
 * the byte: another operator that never saw the others agrees. */
Test(spread, nothing_of_what_went_is_left)
{
    static const agg_call calls[] = {
        {.name = "var_samp", .arg = 1},
        {.name = "stddev_pop", .arg = 2},
        {.name = "corr", .arg = 1, .second = 3},
        {.name = "regr_intercept", .arg = 3, .second = 1},
    };
    const char *in = "g:int x:float8 n:numeric y:float8";
    const char *schema = "g:int a:float8 b:numeric c:float8 d:float8";
    for (uint64_t seed = 1; seed <= 20; seed++) {
        rig r, fresh;
        char all[8192] = "", kept[8192] = "", gone[8192] = "";
        rig_open(&r, seed);
        rig_open(&fresh, seed + 100);
        rig_start(&r, agg_node(&r, in, "0", schema, calls, COUNT(calls)));
        rig_start(&fresh,
                  agg_node(&fresh, in, "0", schema, calls, COUNT(calls)));
        for (int i = 0; i < 40; i++) {
            char row[128];
            sprintf(row, "| %u %d.%ue%d %u.%0*u -%u.5\n", rig_draw(&r, 2),
                    (int)rig_draw(&r, 20) - 10, rig_draw(&r, 1000),
                    (int)rig_draw(&r, 30) - 15, rig_draw(&r, 1000),
                    (int)rig_draw(&r, 6) + 1, rig_draw(&r, 10),
                    rig_draw(&r, 100));
            sprintf(all + strlen(all), "+1 %s", row);
            bool stays = rig_draw(&r, 2);
            sprintf((stays ? kept : gone) + strlen(stays ? kept : gone),
                    "%c1 %s", stays ? '+' : '-', row);
        }
        rig_push(&r, 0, all);
        rig_commit(&r);
        if (rig_draw(&r, 2))
            rig_reopen(&r);
        if (*gone)
            rig_push(&r, 0, gone);
        rig_commit(&r);
        if (*kept)
            rig_push(&fresh, 0, kept);
        rig_commit(&fresh);
        cr_expect_str_eq(rig_integral(&r), rig_integral(&fresh));
        rig_close(&fresh);
        rig_close(&r);
    }
}
