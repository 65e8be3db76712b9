/* Avro: schemas, records into columns, hostile bytes. */
#include "base/alloc.h"
#include "tests/unit/schemas/decode.h"

#define INVALID "! 22P03 -: invalid Avro record: "

static table *avro(const char *columns, const char *schema)
{
    table *t = table_new(columns);
    t->spec.format = CU_FORMAT_AVRO;
    t->spec.avro_schema = schema;
    return t;
}

static const char *fields(cu_arena *a, const char *list)
{
    return cu_arena_printf(
        a, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[%s]}", list);
}

/* One record of a single field `c` with the type; `bytes` as hex. */
static const char *one(const char *column, const char *type, const char *hex)
{
    static char said[4096];
    cu_arena *a = cu_arena_new(0);
    char *columns = cu_arena_printf(a, "c:%s", column);
    char *list = cu_arena_printf(a, "{\"name\":\"c\",\"type\":%s}", type);
    table *t = avro(columns, fields(a, list));
    char bytes[1024];
    size_t n = 0;
    for (const char *p = hex; *p;) {
        unsigned v = 0;
        for (int i = 0; i < 2; i++, p++)
            v = v << 4 | (unsigned)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
        bytes[n++] = (char)v;
        p += *p == ' ';
    }
    strncpy(said, table_take(t, bytes, n), sizeof(said) - 1);
    table_free(t);
    cu_arena_free(a);
    return said;
}

#define LOGICAL(type, name) \
    "{\"type\":\"" type "\",\"logicalType\":\"" name "\"}"
#define DECIMAL                                                         \
    "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":30," \
    "\"scale\":2}"

/* Column type, Avro type, bytes, what it gives. */
static const char *const scalars[][4] = {
    {"bigint", "\"long\"", "02", "+1 | 1\n"},
    {"bigint", "\"long\"", "ffffffffffffffffff01",
     "+1 | -9223372036854775808\n"},
    {"int", "\"int\"", "03", "+1 | -2\n"},
    {"smallint", "\"int\"", "80 80 04",
     "! 22003 c: value \"32768\" is out of range for type smallint\n"},
    {"text", "\"long\"", "02", "+1 | 1\n"},
    {"numeric", "\"long\"", "02", "+1 | 1\n"},
    {"boolean", "\"boolean\"", "01", "+1 | t\n"},
    {"text", "\"boolean\"", "00", "+1 | false\n"},
    {"float8", "\"double\"", "000000000000f83f", "+1 | 1.5\n"},
    {"float8", "\"float\"", "0000c03f", "+1 | 1.5\n"},
    {"float4", "\"float\"", "0000c03f", "+1 | 1.5\n"},
    {"int", "\"double\"", "000000000000f83f",
     "! 22P02 c: invalid input syntax for type integer: \"1.5\"\n"},
    {"text", "\"double\"", "000000000000f87f", "+1 | NaN\n"},
    {"text", "\"string\"", "04 6162", "+1 | ab\n"},
    {"int", "\"string\"", "04 3132", "+1 | 12\n"},
    {"bytea", "\"bytes\"", "04 00ff", "+1 | \\x00ff\n"},
    {"text", "\"bytes\"", "04 00ff",
     "! 22021 -: c: invalid byte sequence for encoding \"UTF8\": 0x00 at "
     "byte 1\n"},
    {"date", LOGICAL("int", "date"), "00", "+1 | 1970-01-01\n"},
    {"timestamp", LOGICAL("int", "date"), "02", "+1 | '1970-01-02 00:00:00'\n"},
    {"int", LOGICAL("int", "date"), "02", "+1 | 1\n"},
    {"time", LOGICAL("int", "time-millis"), "d00f", "+1 | 00:00:01\n"},
    {"time", LOGICAL("long", "time-micros"), "02", "+1 | 00:00:00.000001\n"},
    {"timestamptz", LOGICAL("long", "timestamp-millis"), "f6a1abfef962",
     "+1 | '2023-11-14 22:13:20.123+00'\n"},
    {"timestamptz", LOGICAL("long", "timestamp-micros"), "02",
     "+1 | '1970-01-01 00:00:00.000001+00'\n"},
    {"timestamp", LOGICAL("long", "local-timestamp-micros"), "02",
     "+1 | '1970-01-01 00:00:00.000001'\n"},
    {"timestamptz", LOGICAL("long", "timestamp-micros"), "feffffffffffffffff01",
     "+1 | infinity\n"},
    {"text", LOGICAL("long", "timestamp-millis"), "00",
     "+1 | 1970-01-01T00:00:00Z\n"},
    {"date", LOGICAL("long", "timestamp-millis"), "00", "+1 | 1970-01-01\n"},
    {"numeric", DECIMAL, "04 04d2", "+1 | 12.34\n"},
    {"numeric", DECIMAL, "02 ff", "+1 | -0.01\n"},
    {"numeric", DECIMAL, "04 ff38", "+1 | -2.00\n"},
    {"numeric", DECIMAL, "02 00", "+1 | 0.00\n"},
    {"numeric", DECIMAL, "00", "+1 | NaN\n"},
    {"numeric(4,1)", DECIMAL, "04 04d2", "+1 | 12.3\n"},
    {"numeric", DECIMAL, "1a 0fffffffff ffffffff ffffffff",
     "+1 | 12676506002282294014967032053.75\n"},
    {"numeric", DECIMAL, "22 80 00000000 00000000 00000000 00000000",
     "+1 | -435561429658801233233119497512663310663.68\n"},
    {"uuid", LOGICAL("string", "uuid"),
     "48 30303030303030302d303030302d303030302d303030302d303030303030303030"
     "303031",
     "+1 | 00000000-0000-0000-0000-000000000001\n"},
    {"uuid",
     "{\"type\":\"fixed\",\"name\":\"u\",\"size\":16,\"logicalType\":"
     "\"uuid\"}",
     "000102030405060708090a0b0c0d0e0f",
     "+1 | 00010203-0405-0607-0809-0a0b0c0d0e0f\n"},
    {"bytea", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":2}", "0102",
     "+1 | \\x0102\n"},
    {"text", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}",
     "02", "+1 | B\n"},
    {"int", "[\"null\",\"int\"]", "00", "+1 | null\n"},
    {"int", "[\"null\",\"int\"]", "02 08", "+1 | 4\n"},
    {"text", "[\"string\",\"int\",\"null\"]", "02 08", "+1 | 4\n"},
    {"int not null", "[\"null\",\"int\"]", "00",
     "! 23502 c: null value in column \"c\" violates not-null "
     "constraint\n"},
    {"int", "\"null\"", "", "+1 | null\n"},
    {"jsonb", "\"string\"", "10 7b2261223a20317d", "+1 | '{\"a\": 1}'\n"},
    {"jsonb", "\"long\"", "04", "+1 | 2\n"},
    {"jsonb", LOGICAL("int", "date"), "00", "+1 | \"1970-01-01\"\n"},
    {"jsonb", "\"bytes\"", "02 ff", "+1 | \"\\\\xff\"\n"},
};

Test(avro, scalars_into_columns)
{
    for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
        if (!strcmp(scalars[i][1], "\"null\"")) /* the column has no field */
            continue;
        expect_text(one(scalars[i][0], scalars[i][1], scalars[i][2]),
                    scalars[i][3]);
    }
}

Test(avro, containers_are_json)
{
    static const char array[] = "{\"type\":\"array\",\"items\":\"long\"}";
    static const char map[] =
        "{\"type\":\"map\",\"values\":[\"null\",\"double\"]}";
    static const char nested[] =
        "{\"type\":\"record\",\"name\":\"n\",\"fields\":[{\"name\":\"x\","
        "\"type\":\"int\"},{\"name\":\"y\",\"type\":\"string\"}]}";
    static const char tree[] =
        "{\"type\":\"record\",\"name\":\"tree\",\"fields\":[{\"name\":\"v\","
        "\"type\":\"int\"},{\"name\":\"kids\",\"type\":{\"type\":\"array\","
        "\"items\":\"tree\"}}]}";
    expect_text(one("jsonb", array, "04 02 04 00"), "+1 | '[1, 2]'\n");
    expect_text(one("jsonb", array, "03 04 02 04 00"), "+1 | '[1, 2]'\n");
    expect_text(one("jsonb", array, "02 02 02 04 00"), "+1 | '[1, 2]'\n");
    expect_text(one("jsonb", array, "00"), "+1 | []\n");
    expect_text(one("bigint[]", array, "04 02 04 00"), "+1 | {1,2}\n");
    expect_text(one("text", array, "04 02 04 00"), "+1 | '[1, 2]'\n");
    expect_text(one("jsonb", map, "04 02 61 00 02 62 02 000000000000f83f 00"),
                "+1 | '{\"a\": null, \"b\": 1.5}'\n");
    expect_text(one("jsonb", nested, "02 04 6122"),
                "+1 | '{\"x\": 1, \"y\": \"a\\\"\"}'\n");
    expect_text(one("jsonb", tree, "02 02 04 00 00"),
                "+1 | '{\"v\": 1, \"kids\": [{\"v\": 2, \"kids\": []}]}'\n");
}

Test(avro, paths_reach_into_records_arrays_and_maps)
{
    table *t = avro(
        "a:int b:text first:int whole:jsonb m:float8 n:jsonb z:int",
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
        "{\"name\":\"n\",\"type\":[\"null\",{\"type\":\"record\",\"name\":"
        "\"n\","
        "\"fields\":[{\"name\":\"skipped\",\"type\":\"string\"},"
        "{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":"
        "[\"null\",\"string\"]}]}]},"
        "{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":\"int\"}},"
        "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"double\"}},"
        "{\"name\":\"z\",\"type\":\"int\"}]}");
    table_col(t, "a")->path = "$.n.a";
    table_col(t, "b")->path = "$.n.b";
    table_col(t, "first")->path = "$.l[0]";
    table_col(t, "whole")->path = "$";
    table_col(t, "m")->path = "$.m[\"k.1\"]";
    expect_text(
        table_take(t,
                   "\x02\x02s\x0e\x02\x02x"
                   "\x04\x08\x0a\0"
                   "\x02\x06k.1\0\0\0\0\0\0\xf8\x3f\0"
                   "\x12",
                   7 + 4 + 14 + 1),
        "+1 | 7 x 4 '{\"l\": [4, 5], \"m\": {\"k.1\": 1.5}, \"n\": {\"a\": 7, "
        "\"b\": \"x\", \"skipped\": \"s\"}, \"z\": 9}' 1.5 '{\"a\": 7, \"b\": "
        "\"x\", \"skipped\": \"s\"}' 9\n");
    expect_text(table_take(t, "\0\0\0\x12", 4),
                "+1 | null null null '{\"l\": [], \"m\": {}, \"n\": null, "
                "\"z\": 9}' null null 9\n");
    table_free(t);
}

Test(avro, a_field_that_is_missing_is_refused_at_open)
{
    cu_arena *a = cu_arena_new(0);
    const char *schema = fields(a, "{\"name\":\"a\",\"type\":\"int\"}");
    table *t = avro("a:int b:int", schema);
    expect_text(table_open(t), "column \"b\": the Avro schema has no field b");
    table_col(t, "b")->path = "$.a.c";
    expect_text(table_open(t),
                "column \"b\": the Avro schema has no field $.a.c");
    table_free(t);
    cu_arena_free(a);
}

Test(avro, schemas_that_are_none_are_refused)
{
    static const char *const cases[][2] = {
        {"{", "Avro schema: no JSON at line 1"},
        {"\"ints\"", "Avro schema: unknown type \"ints\""},
        {"{\"type\":\"record\",\"fields\":[]}",
         "Avro schema: a record, enum or fixed needs a name"},
        {"{\"type\":\"record\",\"name\":\"r\"}",
         "Avro schema: no fields in record \"r\""},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\"}]}",
         "Avro schema: a type is missing"},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\","
         "\"type\":[[\"int\"]]}]}",
         "Avro schema: a union inside a union"},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\","
         "\"type\":{\"type\":\"fixed\",\"name\":\"r\",\"size\":1}}]}",
         "Avro schema: a type is defined twice: \"r\""},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[]}",
         "Avro schema: no symbols in enum \"e\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        table *t = avro("a:int", cases[i][0]);
        const char *said = table_open(t);
        cr_expect(!strncmp(said, cases[i][1], strlen(cases[i][1])),
                  "%s gives %s", cases[i][0], said);
        table_free(t);
    }
    table *t = avro("a:int", NULL);
    cr_expect(strstr(table_open(t), "needs a schema"));
    table_free(t);
}

Test(avro, namespaces_are_followed)
{
    table *t = avro(
        "a:text b:text",
        "{\"type\":\"record\",\"name\":\"r\",\"namespace\":\"x.y\",\"fields\":["
        "{\"name\":\"a\",\"type\":{\"type\":\"enum\",\"name\":\"e\","
        "\"symbols\":[\"P\",\"Q\"]}},{\"name\":\"b\",\"type\":\"x.y.e\"}]}");
    expect_text(table_take(t, "\x02\x00", 2), "+1 | Q P\n");
    table_free(t);
}

Test(avro, hostile_bytes_are_one_fault)
{
    static const char array[] = "{\"type\":\"array\",\"items\":\"null\"}";
    static const char tree[] =
        "{\"type\":\"record\",\"name\":\"t\",\"fields\":[{\"name\":\"k\","
        "\"type\":{\"type\":\"array\",\"items\":\"t\"}}]}";
    expect_text(one("int", "\"int\"", ""), INVALID "unexpected end of data\n");
    expect_text(one("int", "\"int\"", "80"),
                INVALID "unexpected end of data\n");
    expect_text(one("int", "\"int\"", "8080808010"),
                INVALID "an int exceeds 32 bits\n");
    expect_text(one("bigint", "\"long\"", "ffffffffffffffffffff01"),
                INVALID "unexpected end of data\n");
    expect_text(one("int", "\"int\"", "02 02"),
                INVALID "bytes behind the record\n");
    expect_text(one("text", "\"string\"", "0a 61"),
                INVALID "unexpected end of data\n");
    expect_text(one("text", "\"string\"", "01"), INVALID "a negative length\n");
    expect_text(one("text", "\"string\"", "02 ff"),
                INVALID "a string that is not UTF-8\n");
    expect_text(one("boolean", "\"boolean\"", "02"),
                INVALID "a boolean that is neither 0 nor 1\n");
    expect_text(one("int", "[\"null\",\"int\"]", "04"),
                INVALID "a union branch that does not exist\n");
    expect_text(one("text",
                    "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}",
                    "02"),
                INVALID "an enum symbol that does not exist\n");
    expect_text(one("jsonb", array, "feffffffffffffffff01"),
                INVALID "more items than the data can hold\n");
    expect_text(one("jsonb", array, "ffffffffffffffffff01 00"),
                INVALID "more items than the data can hold\n");
    expect_text(one("jsonb", array, "01 08 00"),
                INVALID "a block larger than the data\n");
    char deep[260 * 2 + 1];
    for (int i = 0; i < 260; i++)
        memcpy(deep + 2 * i, "02", 3);
    expect_text(one("jsonb", tree, deep),
                INVALID "nested deeper than 200 levels\n");
}

Test(avro, registry_frames_are_stripped)
{
    cu_arena *a = cu_arena_new(0);
    table *t = avro("c:int", fields(a, "{\"name\":\"c\",\"type\":\"int\"}"));
    t->spec.avro_framed = true;
    expect_text(table_take(t, "\0\0\0\0\x07\x08", 6), "+1 | 4\n");
    expect_text(table_take(t, "\1\0\0\0\x07\x08", 6),
                INVALID "no registry frame: the first byte is not 0\n");
    expect_text(table_take(t, "\0\0\0", 3), INVALID "unexpected end of data\n");
    table_free(t);
    cu_arena_free(a);
}

Test(avro, mutated_records_neither_crash_nor_leak)
{
    table *t = avro(
        "a:int b:text l:bigint[] n:jsonb d:numeric x:text",
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
        "{\"name\":\"a\",\"type\":[\"null\",\"int\"]},"
        "{\"name\":\"b\",\"type\":\"string\"},"
        "{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":\"long\"}},"
        "{\"name\":\"n\",\"type\":{\"type\":\"record\",\"name\":\"n\","
        "\"fields\":[{\"name\":\"kids\",\"type\":{\"type\":\"map\","
        "\"values\":[\"null\",\"n\"]}}]}},"
        "{\"name\":\"d\",\"type\":" DECIMAL "},"
        "{\"name\":\"x\",\"type\":\"double\"}]}");
    static const char seed[] = "\x02\x0a\x06"
                               "abc"
                               "\x04\x02\x04\0"
                               "\x04\x02k\x02\0\x02m\0\0"
                               "\x04\x04\xd2"
                               "12345678";
    dice d = {11};
    unsigned rows = 0;
    for (int i = 0; i < 4000; i++) {
        cu_buf b = {0};
        cu_buf_put(&b, seed, sizeof(seed) - 1);
        for (uint32_t k = roll(&d, 4); k; k--)
            mutate(&d, &b, "\x01\x02\x04\x7f\x80\xff");
        table_take(t, b.data, b.len);
        rows += t->batch->n_rows;
        cr_expect(t->batch->n_rows + t->faults.n >= 1);
        cu_buf_free(&b);
    }
    cr_expect(rows > 500);
    table_free(t);
}
