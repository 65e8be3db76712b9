/* Regular expressions below SQL; their answers are compared with PostgreSQL's
 * in tests/oracle. */
#include "processors/expr/regex.h"

#include <criterion/criterion.h>
#include <stdio.h>

static cu_regex *get(cu_memo *m, const char *pattern)
{
    cu_err err = {0};
    cu_regex *r;
    cr_assert_eq(cu_regex_get(m, cu_slice_of(pattern), 0, &r, &err), 0, "%s",
                 err.msg);
    return r;
}

/* "from-to" of the match and its groups. */
static const char *find(cu_memo *m, const char *pattern, const char *text)
{
    static char out[256];
    cu_regex_span spans[CU_REGEX_GROUPS];
    cu_err err = {0};
    bool hit;
    size_t len = 0;
    cu_regex *r = get(m, pattern);
    cr_assert_eq(cu_regex_find(r, cu_slice_of(text), 0, spans, &hit, &err), 0);
    out[0] = '\0';
    for (uint32_t i = 0; hit && i <= cu_regex_groups(r); i++)
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%d-%d",
                                i ? " " : "", (int)spans[i].from,
                                (int)spans[i].to);
    return out;
}

Test(regex, the_longest_match_counts_and_the_groups_follow)
{
    cu_memo *m = cu_memo_new();
    cr_assert_str_eq(find(m, "foo|foobar", "a foobar"), "2-8");
    cr_assert_str_eq(find(m, "(a?)(ab)?", "ab"), "0-2 0-0 0-2");
    cr_assert_str_eq(find(m, "Y*?([0-9]{1,3})", "XY1234Z"), "1-3 2-3");
    cr_assert_str_eq(find(m, "(b)|(c)", "c"), "0-1 -1--1 0-1");
    cr_assert_str_eq(find(m, "x", "abc"), "");
    cr_assert_str_eq(find(m, "(.)\\1", "abba"), "1-3 1-2");
    cu_memo_free(m);
}

Test(regex, many_patterns_are_forgotten_and_found_again)
{
    cu_memo *m = cu_memo_new();
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 100; i++) {
            char pattern[32], text[32];
            snprintf(pattern, sizeof(pattern), "^%d(x)$", i);
            snprintf(text, sizeof(text), "%dx", i);
            cr_assert_neq(*find(m, pattern, text), '\0');
        }
    cr_assert_eq(get(m, "^99(x)$"), get(m, "^99(x)$"));
    cu_memo_free(m);
}

Test(regex, what_would_take_for_ever_is_an_error)
{
    cu_memo *m = cu_memo_new();
    cu_err err = {0};
    bool hit;
    char text[64], state[6];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = 'b';
    cu_regex *r = get(m, "^(a|aa)+$");
    int rc = cu_regex_test(r, cu_slice_n(text, sizeof(text)), &hit, &err);
    cr_assert_neq(rc, 0);
    cr_assert_str_eq(cu_sqlstate_text(err.sqlstate, state), "54001");
    cu_memo_free(m);
}

static const char *error_of(const char *pattern)
{
    static char out[600];
    char state[6];
    cu_memo *m = cu_memo_new();
    cu_err err = {0};
    cu_regex *r;
    int rc = cu_regex_get(m, cu_slice_of(pattern), 0, &r, &err);
    snprintf(out, sizeof(out), "%s %s",
             rc ? cu_sqlstate_text(err.sqlstate, state) : "fine",
             rc ? err.msg : "");
    cu_memo_free(m);
    return out;
}

Test(regex, a_bad_pattern_says_what_is_wrong)
{
    cr_assert_str_eq(error_of("a("), "2201B invalid regular expression: "
                                     "parentheses () not balanced");
    cr_assert_str_eq(error_of("[b-a]"), "2201B invalid regular expression: "
                                        "invalid character range");
    cr_assert_str_eq(error_of("a{1,256}"), "2201B invalid regular expression: "
                                           "invalid repetition count(s)");
    char deep[2001];
    memset(deep, '(', 1000);
    memset(deep + 1000, ')', 1000);
    deep[2000] = '\0';
    cr_assert_str_eq(error_of(deep), "2201B invalid regular expression: "
                                     "regular expression is too complex");
}

Test(regex, nothing_of_pcres_own_language_is_reached)
{
    cr_assert_str_eq(error_of("(*ACCEPT)"), "2201B invalid regular expression: "
                                            "quantifier operand invalid");
    cr_assert_str_eq(error_of("\\Qa\\E"), "2201B invalid regular expression: "
                                          "invalid escape \\ sequence");
    cr_assert_str_eq(error_of("a++"), "2201B invalid regular expression: "
                                      "quantifier operand invalid");
    cr_assert_str_eq(error_of("(?<n>a)"), "2201B invalid regular expression: "
                                          "quantifier operand invalid");
}
