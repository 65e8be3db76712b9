/* Keys, deletes, envelopes, metadata: what is around a value. */
#include "tests/unit/schemas/decode.h"

Test(codec, metadata_columns)
{
    table *t = table_new("v:text t:text p:int o:bigint ts:timestamptz k:bytea "
                         "h:jsonb d:date ms:bigint kt:text");
    static const cu_from from[] = {CU_FROM_VALUE,     CU_FROM_TOPIC,
                                   CU_FROM_PARTITION, CU_FROM_OFFSET,
                                   CU_FROM_TIMESTAMP, CU_FROM_RAW_KEY,
                                   CU_FROM_HEADERS,   CU_FROM_TIMESTAMP,
                                   CU_FROM_TIMESTAMP, CU_FROM_RAW_KEY};
    for (size_t i = 0; i < 10; i++)
        t->cols[i].from = from[i];
    t->in.partition = 3;
    t->in.offset = 12345678901;
    table_header(t, "a", "x\"y");
    table_header(t, "b", NULL);
    table_header(t, "c", "\xff\x01");
    table_key(t, "k1");
    expect(
        t, "{\"v\":\"w\"}",
        "+1 | w events 3 12345678901 '2023-11-14 22:13:20.123+00' \\x6b31 "
        "'{\"a\": \"x\\\"y\", \"b\": null, \"c\": \"\\\\xff01\"}' 2023-11-14 "
        "1700000000123 k1\n");
    table_key(t, NULL);
    t->in.timestamp_ms = -1;
    t->in.n_headers = 0;
    expect(t, "{}",
           "+1 | null events 3 12345678901 null null {} null null "
           "null\n");
    table_free(t);
}

Test(codec, header_columns_go_through_the_types_input)
{
    table *t = table_new("n:int u:text not null b:bytea at:timestamptz");
    for (size_t i = 0; i < 4; i++)
        t->cols[i].from = CU_FROM_HEADER;
    table_col(t, "u")->path = "cupel.url";
    table_col(t, "at")->encoding = CU_ENC_EPOCH_SECONDS;
    table_header(t, "n", "6");
    table_header(t, "n", "7");
    table_header(t, "cupel.url", "http://x");
    table_header(t, "b", "\x01\xff");
    table_header(t, "at", "0");
    expect(t, "{}", "+1 | 7 http://x \\x01ff '1970-01-01 00:00:00+00'\n");
    t->in.n_headers = 0;
    table_header(t, "n", "x");
    expect(t, "{}",
           "! 22P02 n: invalid input syntax for type integer: \"x\"\n"
           "! 23502 u: null value in column \"u\" violates not-null "
           "constraint\n");
    t->in.n_headers = 0;
    table_header(t, "n", "\xff");
    table_header(t, "cupel.url", "u");
    expect(t, "{}",
           "! 22021 -: n: invalid byte sequence for encoding \"UTF8\": "
           "0xff at byte 1\n");
    table_free(t);
}

Test(codec, keys_as_json_objects_and_scalars)
{
    table *t = table_new("id:bigint not null v:text");
    table_col(t, "id")->from = CU_FROM_KEY;
    table_col(t, "id")->key = true;
    t->spec.tombstones = true;
    table_key(t, "{\"id\":5,\"x\":1}");
    expect(t, "{\"v\":\"a\"}", "+1 | 5 a\n");
    table_key(t, "6");
    expect(t, "{\"v\":\"a\"}", "+1 | 6 a\n");
    table_key(t, "\"7\"");
    expect(t, "{\"v\":\"a\"}", "+1 | 7 a\n");
    expect_text(table_delete(t, "{\"id\":8}"), "-1 | 8 null\n");
    expect_text(table_delete(t, "9"), "-1 | 9 null\n");
    expect_text(table_delete(t, "{}"),
                "! 23502 id: null value in column \"id\" violates not-null "
                "constraint\n");
    expect_text(table_delete(t, NULL),
                "! 23502 id: null value in column \"id\" violates not-null "
                "constraint\n");
    expect_text(table_delete(t, "{\"id\":"),
                "! 22P02 -: record key: invalid input syntax for type json: "
                "the input string ended unexpectedly at byte 7\n");
    table_key(t, "[1]");
    expect(t, "{\"v\":\"a\"}",
           "! 23502 id: null value in column \"id\" violates not-null "
           "constraint\n");
    table_free(t);
}

Test(codec, a_delete_finds_key_columns_of_the_value_in_the_key)
{
    table *t = table_new("a:int b:text v:text not null");
    table_col(t, "a")->key = table_col(t, "b")->key = true;
    table_col(t, "b")->path = "$.x.b";
    t->spec.tombstones = true;
    expect_text(table_delete(t, "{\"a\":1,\"x\":{\"b\":\"k\"}}"),
                "-1 | 1 k null\n");
    expect(t, "{\"a\":1,\"x\":{\"b\":\"k\"},\"v\":\"w\"}", "+1 | 1 k w\n");
    table_free(t);
}

Test(codec, keys_as_text_and_bytes)
{
    table *t = table_new("id:int v:text");
    table_col(t, "id")->from = CU_FROM_KEY;
    table_col(t, "id")->key = true;
    t->spec.key_format = CU_FORMAT_TEXT;
    t->spec.tombstones = true;
    table_key(t, "12");
    expect(t, "{\"v\":\"a\"}", "+1 | 12 a\n");
    expect_text(table_delete(t, "13"), "-1 | 13 null\n");
    table_key(t, "x");
    expect(t, "{\"v\":\"a\"}",
           "! 22P02 id: invalid input syntax for type integer: \"x\"\n");
    table_free(t);
    t = table_new("id:bytea v:text");
    table_col(t, "id")->key = true;
    t->spec.key_format = CU_FORMAT_BYTES;
    t->spec.tombstones = true;
    expect_text(table_delete(t, "\xff\x01"), "-1 | \\xff01 null\n");
    table_free(t);
}

Test(codec, a_null_value_without_upsert_is_a_fault)
{
    table *t = table_new("id:int");
    expect_text(
        table_delete(t, "1"),
        "! CU001 -: the record has no value, and the table's mode takes "
        "no deletes\n");
    table_free(t);
}

Test(codec, text_and_bytes_are_whole_values)
{
    table *t = table_new("v:text o:bigint");
    t->spec.format = CU_FORMAT_TEXT;
    table_col(t, "o")->from = CU_FROM_OFFSET;
    t->in.offset = 4;
    expect(t, "any {text", "+1 | 'any {text' 4\n");
    expect(t, "", "+1 | '' 4\n");
    expect(
        t, "\xc3\x28",
        "! 22021 -: v: invalid byte sequence for encoding \"UTF8\": 0xc3 0x28 "
        "at byte 1\n");
    table_free(t);
    t = table_new("v:bytea");
    t->spec.format = CU_FORMAT_BYTES;
    expect_text(table_take(t, "\0\xff", 2), "+1 | \\x00ff\n");
    table_free(t);
    t = table_new("v:bigint");
    t->spec.format = CU_FORMAT_TEXT;
    expect(t, "12", "+1 | 12\n");
    table_free(t);
}

Test(codec, the_records_around_a_snapshot_are_no_rows)
{
    table *t = table_new("v:text");
    t->spec.format = CU_FORMAT_TEXT;
    table_header(t, "cupel.snapshot", "begin");
    expect(t, "", "");
    t->in.n_headers = 0;
    table_header(t, "cupel.snapshot", "end");
    expect_text(table_delete(t, NULL), "");
    t->in.n_headers = 0;
    table_header(t, "cupel.snapshot", "other");
    expect(t, "x", "+1 | x\n");
    table_free(t);
}

Test(codec, the_key_value_envelope)
{
    table *t = table_new("id:int not null v:text n:int");
    table_col(t, "id")->from = CU_FROM_KEY;
    table_col(t, "id")->key = true;
    table_col(t, "n")->path = "$.x[0]";
    t->spec.key_value_envelope = true;
    expect(t, "{\"key\":{\"id\":1},\"value\":{\"v\":\"a\",\"x\":[4]}}",
           "+1 | 1 a 4\n");
    expect(t, "{\"value\":null,\"key\":{\"id\":1}}", "-1 | 1 null null\n");
    expect(t, "{\"key\":{\"id\":1}}",
           "! CU003 -: the envelope has no \"value\" that is an object or "
           "null\n");
    expect(t, "{\"value\":{\"v\":\"a\"}}",
           "! CU003 -: the envelope has no object \"key\"\n");
    expect(t, "{\"key\":{},\"value\":null}",
           "! 23502 id: null value in column \"id\" violates not-null "
           "constraint\n");
    expect(t, "{\"key\":{\"id\":\"x\"},\"value\":{}}",
           "! 22P02 id: invalid input syntax for type integer: \"x\"\n");
    expect(t, "{\"key\":{\"id\":1},\"value\":{\"v\":tru}}",
           "! 22P02 -: invalid input syntax for type json: token \"tru\" is "
           "invalid at byte 30\n");
    expect(t, "", "");
    table_free(t);
    t = table_new("id:int v:text");
    table_col(t, "id")->key = true;
    t->spec.key_value_envelope = true;
    expect(t, "{\"key\":{\"id\":1},\"value\":{\"id\":1,\"v\":\"a\"}}",
           "+1 | 1 a\n");
    expect(t, "{\"key\":{\"id\":1},\"value\":null}", "-1 | 1 null\n");
    table_free(t);
}

static table *debezium(void)
{
    table *t = table_new("id:int not null name:text");
    t->spec.format = CU_FORMAT_DEBEZIUM_JSON;
    table_col(t, "id")->key = true;
    return t;
}

Test(codec, debezium_changes)
{
    table *t = debezium();
    expect(t,
           "{\"op\":\"c\",\"before\":null,\"after\":{\"id\":1,\"name\":\"a\"}}",
           "+1 | 1 a\n");
    expect(t,
           "{\"before\":null,\"after\":{\"id\":1,\"name\":\"a\"},\"op\":\"r\"}",
           "+1 | 1 a\n");
    expect(t,
           "{\"op\":\"u\",\"before\":{\"id\":1,\"name\":\"a\"},"
           "\"after\":{\"id\":1,\"name\":\"b\"},\"source\":{\"lsn\":5}}",
           "+1 | 1 b\n");
    expect(t,
           "{\"op\":\"d\",\"before\":{\"id\":1,\"name\":\"b\"},\"after\":null}",
           "-1 | 1 null\n");
    expect(t, "{\"op\":\"d\",\"before\":null,\"after\":null}",
           "! CU003 -: a delete with neither \"before\" nor a record key\n");
    expect(t, "{\"op\":\"c\",\"after\":null}",
           "! CU003 -: the change record has no object \"after\"\n");
    expect(t, "{\"op\":\"x\",\"after\":{}}",
           "! CU003 -: the change record has no \"op\" of c, r, u, d\n");
    expect(t, "{\"id\":1}",
           "! CU003 -: the change record has no \"op\" of c, r, u, d\n");
    expect(t, "{\"op\":\"t\"}",
           "! CU003 -: a TRUNCATE cannot be applied: take a "
           "new snapshot of the table\n");
    expect(t, "{\"op\":\"m\",\"message\":{}}", "");
    expect_text(table_delete(t, "{\"id\":1}"), "");
    expect(t, "{\"op\":\"c\",\"after\":{\"id\":null}}",
           "! 23502 id: null value in column \"id\" violates not-null "
           "constraint\n");
    table_free(t);
}

Test(codec, debezium_wrapped_with_its_schema)
{
    table *t = debezium();
    expect(t,
           "{\"schema\":{\"type\":\"struct\",\"fields\":[]},\"payload\":{"
           "\"op\":\"u\",\"before\":null,\"after\":{\"id\":2,\"name\":\"z\"}}}",
           "+1 | 2 z\n");
    expect(t,
           "{\"schema\":{},\"payload\":{\"op\":\"d\",\"before\":{\"id\":2}}}",
           "-1 | 2 null\n");
    table_key(t, "{\"schema\":{},\"payload\":{\"id\":3}}");
    expect(t, "{\"payload\":{\"op\":\"d\",\"before\":null}}", "-1 | 3 null\n");
    table_key(t, "{\"id\":4}");
    expect(t, "{\"op\":\"d\"}", "-1 | 4 null\n");
    table_free(t);
}

Test(codec, rows_and_deletes_share_a_batch)
{
    static const char *const values[] = {"{\"id\":1,\"v\":\"a\"}", NULL,
                                         "{\"id\":3}", "{\"id\":\"x\"}",
                                         "{\"id\":4,\"v\":\"d\"}"};
    table *t = table_new("id:int v:text");
    table_col(t, "id")->key = true;
    t->spec.tombstones = true;
    cr_assert_str_empty(table_open(t));
    cu_batch *b = cu_batch_new(t->a, t->schema, 8);
    for (size_t i = 0; i < 5; i++) {
        cu_input in = t->in;
        in.key = CU_LIT("{\"id\":2}");
        in.value = cu_slice_of(values[i]);
        cu_decode(t->d, &in, b, &t->faults);
    }
    cu_batch_seal(b);
    cu_batch_print(b, &t->out);
    cu_buf_put_u8(&t->out, 0);
    cr_expect_str_eq(t->out.data,
                     "+1 | 1 a\n-1 | 2 null\n+1 | 3 null\n+1 | 4 d\n");
    table_free(t);
}

/* Seeded mutations of good records: whatever comes, the decoder gives either
 * one row or at least one fault, or says that it is no record. */
static void batter(table *t, const char *const *seeds, size_t n,
                   const char *spice, int rounds)
{
    dice d = {7};
    unsigned rows = 0, refused = 0;
    for (int i = 0; i < rounds; i++) {
        cu_buf b = {0};
        cu_buf_put_str(&b, seeds[roll(&d, (uint32_t)n)]);
        for (uint32_t k = roll(&d, 4); k; k--)
            mutate(&d, &b, spice);
        table_take(t, b.data, b.len);
        rows += t->batch->n_rows;
        refused += t->faults.n > 0;
        cu_buf_free(&b);
    }
    cr_expect(rows > (unsigned)rounds / 10, "%u rows", rows);
    cr_expect(refused > (unsigned)rounds / 10, "%u refused", refused);
}

Test(codec, mutated_records_neither_crash_nor_leak)
{
    static const char *const json[] = {
        "{\"id\":1,\"name\":\"a\\u00e9b\",\"j\":{\"x\":[1,2.5e3,true,null]},"
        "\"l\":[\"a\",\"b\"]}",
        " { \"j\" : [ {} , [ ] , \"\\ud83d\\ude00\" ] , \"id\" : -12 } "};
    static const char *const csv[] = {"1,\"a \"\"b\"\"\",x,{}",
                                      "2,,\"multi\nline\",\"{a,b}\""};
    static const char *const change[] = {
        "{\"op\":\"u\",\"after\":{\"id\":1,\"name\":\"b\"}}",
        "{\"payload\":{\"op\":\"d\",\"before\":{\"id\":1}}}"};
    table *t = table_new("id:int name:text j:jsonb l:text[]");
    batter(t, json, 2, "{}[]\",:\\u019e-.tfn \x80\xff", 3000);
    table_free(t);
    t = table_new("id:int name:text j:text l:text[]");
    t->spec.format = CU_FORMAT_CSV;
    t->spec.csv_by_position = true;
    batter(t, csv, 2, "\",\n\r1x{}\xc3", 2000);
    table_free(t);
    t = debezium();
    batter(t, change, 2, "{}[]\",:\\u019e", 2000);
    table_free(t);
}
