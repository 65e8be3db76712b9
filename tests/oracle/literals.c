/* Literals of every type: ordinary ones, edges, and a few that are wrong. */
#include "tests/oracle/tree.h"

#include "rows/type.h"

typedef struct pool {
    const char *const *at;
    uint32_t n;
} pool;

#define POOL(...)                                                             \
    {                                                                         \
        (const char *const[]){__VA_ARGS__},                                   \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *) \
    }

static const pool pools[CU_KINDS] = {
    [CU_T_BOOL] = POOL("t", "f"),
    [CU_T_INT2] = POOL("0", "1", "-1", "2", "7", "-13", "100", "32767",
                       "-32768"),
    [CU_T_INT4] = POOL("0", "1", "-1", "2", "3", "5", "10", "42", "-17", "1000",
                       "65536", "2147483647", "-2147483648"),
    [CU_T_INT8] = POOL("0", "1", "-1", "2", "7", "12", "-99", "123456789012",
                       "2147483648", "9223372036854775807",
                       "-9223372036854775808"),
    [CU_T_FLOAT4] = POOL("0", "-0", "1", "-1.5", "0.1", "3.25", "1e10", "1e-10",
                         "3.4e38", "16777217", "NaN", "Infinity", "-Infinity"),
    [CU_T_FLOAT8] = POOL("0", "-0", "1", "-1.5", "0.1", "2.5", "3.5", "1e15",
                         "1e16", "123456.789", "1e-7", "1.7e308", "5e-324",
                         "9007199254740993", "NaN", "Infinity", "-Infinity"),
    [CU_T_NUMERIC] = POOL("0", "0.00", "1", "-1", "1.5", "-2.50", "0.1", "3.14",
                          "100", "1e10", "12345678901234567890.123456789",
                          "-0.000001", "99999999999999999999999999999999999999",
                          "1234567890123456789012345678901234567890.5", "0.5",
                          "7", "2", "NaN", "Infinity", "-Infinity"),
    [CU_T_TEXT] = POOL("", "a", "abc", "ABC", "Hello World", " pad ", "a%b_c",
                       "x,y,z", "\xc3\xa9t\xc3\xa9", "\xe6\x97\xa5\xe6\x9c\xac",
                       "1", "-7", "2.5", "true", "it's", "back\\slash", "b",
                       "aXbXc", "\xf0\x9f\x98\x80 z", "a\tb", "null"),
    [CU_T_BYTEA] = POOL("\\x", "\\x00", "\\x6162", "\\xdeadbeef", "\\xff00ff",
                        "abc"),
    [CU_T_DATE] = POOL("2024-01-31", "2000-01-01", "1999-12-31", "2024-02-29",
                       "1970-01-01", "0001-01-01", "0044-03-15 BC",
                       "5874897-12-31", "2023-11-05", "infinity", "-infinity",
                       "1582-10-15"),
    [CU_T_TIME] = POOL("00:00", "10:30", "23:59:59.999999", "12:00:00.5",
                       "24:00", "01:02:03.000001"),
    [CU_T_TIMESTAMP] = POOL("2024-01-31 10:00", "2000-01-01", "infinity",
                            "1999-12-31 23:59:59.999999", "2024-02-29 12:34:56",
                            "1969-12-31 23:59:59.5", "0044-03-15 12:00 BC",
                            "2024-03-31 02:30", "2023-10-29 02:30", "-infinity",
                            "294276-12-31 23:59:59", "4713-01-01 00:00 BC"),
    [CU_T_TIMESTAMPTZ] = POOL("2024-01-31 10:00+00", "2000-01-01 00:00+05:30",
                              "2024-07-01 12:34:56.789+02", "infinity",
                              "1970-01-01 00:00:00+00", "-infinity",
                              "2024-03-31 01:30+00", "2023-10-29 00:30+00",
                              "1901-01-01 00:00-05", "2040-06-15 08:00+00"),
    [CU_T_INTERVAL] = POOL("0", "1 day", "1 month", "-1 month", "1 year 2 mons",
                           "15 minutes", "24:00:00", "-00:00:01.5", "1 hour",
                           "30 days 12:00", "1 mon -1 day 00:00:01",
                           "100 years", "1 microsecond", "2562047:47:16"),
    [CU_T_UUID] = POOL("550e8400-e29b-41d4-a716-446655440000",
                       "00000000-0000-0000-0000-000000000000",
                       "ffffffff-ffff-ffff-ffff-ffffffffffff",
                       "{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}"),
    [CU_T_JSONB] = POOL("null", "true", "1", "1.50", "-0", "1e3", "\"abc\"",
                        "\"\"", "[]", "{}", "[1, 2, 3]", "[1,\"a\",null,[2]]",
                        "{\"a\":1}", "{\"b\":2,\"a\":{\"c\":[1,{\"d\":null}]}}",
                        "{\"a\":1,\"a\":2}", "{\"a\":null,\"bb\":\"x\"}",
                        "\"\\u00e9\\n\\\"q\"", "[[],{}]", "\"12\"", "false",
                        "[{\"a\":1},{\"a\":2}]",
                        "12345678901234567890.12345678901234567890"),
};

/* What a text may hold that is cast to a type, beyond its own literals. */
static const char *const junk[] = {
    "",
    " ",
    "abc",
    "1.5",
    " 12 ",
    "12abc",
    "1e3",
    "0x10",
    "99999999999999999999",
    "2024-13-01",
    "2024-02-30",
    "25:00",
    "tru",
    "yes",
    "off",
    "{1,2}",
    "[1,",
    "{\"a\":}",
    "+5",
    "--5",
    "1_000",
    "Jan 5 2024",
    "20240131",
    "2024-1-5",
    "10:30:61",
    "1 day 2 fortnights",
    "P1Y2M3DT4H5M6S",
    "1-2",
    "NaN",
    "inf",
    "2024-01-31T10:00:00Z",
    "2024-01-31 10:00 PST",
    "{a,\"b c\",NULL}",
    "{}",
    "{{1},{2}}",
    "{1,}",
    "550e8400e29b41d4a716446655440000",
    "\\x1",
    "\\123",
    ".5",
    "5.",
    "- 5",
    "1e400",
    "1e-400",
    "t ",
    "0",
};

static const char *element(cu_rng *r, cu_type elem, cu_arena *a)
{
    if (cu_rng_chance(r, 12))
        return "NULL";
    const char *text = cu_literal(r, elem, a);
    cu_buf b = {0};
    cu_buf_put_str(&b, "\"");
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            cu_buf_put_str(&b, "\\");
        cu_buf_put(&b, p, 1);
    }
    cu_buf_put_str(&b, "\"");
    const char *out = cu_arena_strn(a, b.data, b.len);
    cu_buf_free(&b);
    return out;
}

const char *cu_literal(cu_rng *r, cu_type t, cu_arena *a)
{
    if (t.kind != CU_T_ARRAY) {
        const pool *p = &pools[t.kind];
        /* Often one of the first: equal values must meet. */
        uint32_t n = cu_rng_chance(r, 30) && p->n > 3 ? 3 : p->n;
        return p->at[cu_rng_below(r, n)];
    }
    uint32_t n = cu_rng_below(r, 4);
    const char *out = "{";
    for (uint32_t i = 0; i < n; i++)
        out = cu_arena_printf(a, "%s%s%s", out, i ? "," : "",
                              element(r, CU_TYPE(t.elem), a));
    return cu_arena_printf(a, "%s}", out);
}

const char *cu_literal_castable(cu_rng *r, cu_type to, cu_arena *a)
{
    if (cu_rng_chance(r, 60))
        return cu_literal(r, to, a);
    return junk[cu_rng_below(r, sizeof(junk) / sizeof(*junk))];
}

const char *cu_quoted(const char *text, cu_arena *a)
{
    cu_buf b = {0};
    cu_buf_put_str(&b, "'");
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            cu_buf_put_str(&b, "'");
        cu_buf_put(&b, p, 1);
    }
    cu_buf_put_str(&b, "'");
    const char *out = cu_arena_strn(a, b.data, b.len);
    cu_buf_free(&b);
    return out;
}

const char *cu_sql_type(cu_type t, cu_arena *a)
{
    char name[64];
    t.precision = 0;
    t.scale = -1;
    return cu_arena_str(a, cu_type_name(t, name));
}
