/* Rows out: JSON, CSV, Avro; and back in. */
#include "base/alloc.h"
#include "tests/unit/schemas/decode.h"

static const char columns[] =
    "b:boolean i2:smallint i:int l:bigint f4:float4 f:float8 n:numeric "
    "d2:numeric(20,2) s:text by:bytea d:date tm:time ts:timestamp "
    "tz:timestamptz iv:interval u:uuid j:jsonb a:int[] at:text[]";

static const char rows[] =
    "+1 | t 1 -2 3 1.5 0.1 1.50 -12345678901234567.89 'a,\"b\"' \\x00ff "
    "2024-02-29 12:34:56.789 '2024-01-01 00:00:00' '2024-01-01 "
    "00:00:00.5+00' '1 day 02:00:00' 00000000-0000-0000-0000-000000000001 "
    "'{\"k\": [1, null]}' {1,NULL,3} '{\"a b\",c}'\n"
    "+1 | null null null null null null null null null null null null null "
    "null null null null null null\n"
    "+1 | f -32768 2147483647 -9223372036854775808 -0.25 1e+300 "
    "123456789012345678901234567890.123 0.01 '' \\x 0001-01-01 24:00:00 "
    "infinity "
    "-infinity '-1 mons' ffffffff-ffff-ffff-ffff-ffffffffffff [] {} {}\n"
    "+1 | f 0 0 0 Infinity NaN NaN NaN 'line\nfeed' \\x0a infinity 00:00:00 "
    "'1999-12-31 23:59:59.999999' '2000-01-01 00:00:00+00' 00:00:00 "
    "00000000-0000-0000-0000-000000000000 '\"s\"' {-1} {NULL}\n";

static cu_batch *batch(cu_arena *a)
{
    cu_batch *b;
    cu_err err;
    int rc = cu_batch_parse(a, columns, rows, &b, &err);
    cr_assert(rc == 0, "%s", err.msg);
    return b;
}

static const char *printed(cu_arena *a, const cu_batch *b)
{
    cu_buf out = {0};
    cu_batch_print(b, &out);
    const char *s = cu_arena_strn(a, out.data, out.len);
    cu_buf_free(&out);
    return s;
}

Test(encode, json_rows)
{
    cu_arena *a = cu_arena_new(0);
    cu_batch *b = batch(a);
    cu_buf out = {0};
    cu_json_encode_row(b, 0, NULL, 0, &out);
    cu_buf_put_u8(&out, 0);
    cr_expect_str_eq(
        out.data,
        "{\"b\":true,\"i2\":1,\"i\":-2,\"l\":3,\"f4\":1.5,\"f\":0.1,\"n\":1.50,"
        "\"d2\":-12345678901234567.89,\"s\":\"a,\\\"b\\\"\",\"by\":"
        "\"\\\\x00ff\",\"d\":\"2024-02-29\",\"tm\":\"12:34:56.789\",\"ts\":"
        "\"2024-01-01T00:00:00\",\"tz\":\"2024-01-01T00:00:00.5Z\",\"iv\":"
        "\"1 day 02:00:00\",\"u\":\"00000000-0000-0000-0000-000000000001\","
        "\"j\":{\"k\": [1, null]},\"a\":[1,null,3],\"at\":[\"a b\",\"c\"]}");
    cu_buf_clear(&out);
    uint16_t some[] = {2, 8};
    cu_json_encode_row(b, 1, some, 2, &out);
    cu_buf_put_u8(&out, 0);
    cr_expect_str_eq(out.data, "{\"i\":null,\"s\":null}");
    cu_buf_free(&out);
    cu_arena_free(a);
}

/* Encodes all rows one way and decodes them again. */
static void round_trip(cu_codec_spec *spec, table *t,
                       void encode(const cu_batch *, uint32_t, cu_buf *))
{
    cu_batch *b = batch(t->a), *back;
    spec->cols = t->cols;
    spec->n_cols = t->schema->n;
    t->spec = *spec;
    expect_text(table_open(t), "");
    back = cu_batch_new(t->a, t->schema, 8);
    for (uint32_t r = 0; r < b->n_rows; r++) {
        cu_buf out = {0};
        encode(b, r, &out);
        cu_input in = t->in;
        in.value = cu_arena_slice(t->a, cu_buf_slice(&out));
        cr_expect(cu_decode(t->d, &in, back, &t->faults), "row %u: %s: %s", r,
                  t->faults.items[0].column, t->faults.items[0].message);
        cu_buf_free(&out);
    }
    cu_batch_seal(back);
    expect_text(printed(t->a, back), printed(t->a, b));
}

static void as_json(const cu_batch *b, uint32_t row, cu_buf *out)
{
    cu_json_encode_row(b, row, NULL, 0, out);
}

static void as_csv(const cu_batch *b, uint32_t row, cu_buf *out)
{
    cu_csv_encode_row(b, row, ',', out);
}

Test(encode, json_rows_come_back)
{
    table *t = table_new(columns);
    cu_codec_spec spec = {.format = CU_FORMAT_JSON};
    round_trip(&spec, t, as_json);
    table_free(t);
}

Test(encode, csv_rows_come_back)
{
    table *t = table_new(columns);
    cu_codec_spec spec = {.format = CU_FORMAT_CSV};
    cu_buf header = {0};
    cu_csv_encode_header(t->schema, ',', &header);
    table_header(t, "cupel.header",
                 cu_arena_strn(t->a, header.data, header.len));
    cu_buf_free(&header);
    round_trip(&spec, t, as_csv);
    table_free(t);
}

Test(encode, avro_rows_come_back)
{
    table *t = table_new(columns);
    cu_codec_spec spec = {.format = CU_FORMAT_AVRO};
    cu_buf schema = {0};
    cu_avro_schema_of(t->schema, "works", &schema);
    spec.avro_schema = cu_arena_strn(t->a, schema.data, schema.len);
    cu_buf_free(&schema);
    round_trip(&spec, t, cu_avro_encode_row);
    table_free(t);
}

Test(encode, avro_names_are_made_valid_and_found_again)
{
    table *t = table_new("a.b:int not null a-b:text 1x:int not null "
                         "Größe:numeric(4,1) not null");
    cu_buf schema = {0}, row = {0};
    cu_avro_schema_of(t->schema, "silver.works", &schema);
    cu_buf_put_u8(&schema, 0);
    cr_expect_str_eq(
        schema.data,
        "{\"type\": \"record\", \"name\": \"silver_works\", \"fields\": ["
        "{\"name\": \"a_b\", \"type\": \"int\", \"cupel.name\": \"a.b\"}, "
        "{\"name\": \"a_b__2\", \"type\": [\"null\", \"string\"], \"default\": "
        "null, \"cupel.name\": \"a-b\"}, "
        "{\"name\": \"_1x\", \"type\": \"int\", \"cupel.name\": \"1x\"}, "
        "{\"name\": \"Gr____e\", \"type\": {\"type\": \"bytes\", "
        "\"logicalType\": \"decimal\", \"precision\": 4, \"scale\": 1}, "
        "\"cupel.name\": \"Gr\u00f6\u00dfe\"}]}");
    t->spec.format = CU_FORMAT_AVRO;
    t->spec.avro_schema = schema.data;
    cu_batch *b;
    cr_assert_eq(cu_batch_parse(t->a,
                                "a.b:int not null a-b:text 1x:int not null "
                                "Größe:numeric(4,1) not null",
                                "1 x 3 -12.5", &b, NULL),
                 0);
    cu_avro_encode_row(b, 0, &row);
    expect_text(table_take(t, row.data, row.len), "+1 | 1 x 3 -12.5\n");
    cr_expect_eq(row.len, 1 + 1 + 2 + 1 + 2);
    cu_buf_free(&schema);
    cu_buf_free(&row);
    table_free(t);
}

Test(encode, csv_quotes_what_copy_quotes)
{
    static const char *const cases[][2] = {
        {"plain", "plain"},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"\"", "\"\"\"\""},
        {"", "\"\""},
        {"a\nb", "\"a\nb\""},
        {"a\rb", "\"a\rb\""},
        {" x ", " x "},
        {"\\.", "\"\\.\""},
        {"\\N", "\\N"},
        {"a;b", "a;b"},
        {"'", "'"},
    };
    cu_arena *a = cu_arena_new(0);
    cu_schema *s;
    cr_assert_eq(cu_schema_parse(a, "c:text", &s, NULL), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cu_batch *b = cu_batch_new(a, s, 1);
        cu_buf out = {0};
        cu_value v = {.type = s->fields[0].type, .s = cu_slice_of(cases[i][0])};
        cu_col_set(a, &b->cols[0], 0, 1, &v);
        b->n_rows = b->n_sel = 1;
        cu_csv_encode_row(b, 0, 0, &out);
        cu_buf_put_u8(&out, 0);
        cr_expect_str_eq(out.data, cu_arena_printf(a, "%s\n", cases[i][1]));
        cu_buf_free(&out);
    }
    cu_arena_free(a);
}

Test(encode, csv_with_several_columns_and_other_delimiters)
{
    cu_arena *a = cu_arena_new(0);
    cu_batch *b;
    cu_buf out = {0};
    cr_assert_eq(cu_batch_parse(a, "x:text y;z:text n:int",
                                "\\. 'a;b' 5\n null a,b null\n", &b, NULL),
                 0);
    cu_csv_encode_header(b->schema, ';', &out);
    cu_csv_encode_row(b, 0, ';', &out);
    cu_csv_encode_row(b, 1, ';', &out);
    cu_csv_encode_cell(&b->cols[2], 0, ';', &out);
    cu_buf_put_u8(&out, 0);
    cr_expect_str_eq(out.data, "x;\"y;z\";n\n\\.;\"a;b\";5\n;a,b;\n5");
    cu_buf_free(&out);
    cu_arena_free(a);
}
