/* Avro: records of a schema with everything in it; and, when the first byte
 * says so, the input as a schema. */
#include "tests/fuzz/fuzz.h"

#include "schemas/avro_schema.h"

static const char schema[] =
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
    "{\"name\":\"a\",\"type\":[\"null\",\"int\",\"string\"]},"
    "{\"name\":\"b\",\"type\":\"string\"},"
    "{\"name\":\"c\",\"type\":{\"type\":\"array\",\"items\":\"long\"}},"
    "{\"name\":\"d\",\"type\":{\"type\":\"record\",\"name\":\"n\",\"fields\":["
    "{\"name\":\"kids\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"n\"]"
    "}}]}},"
    "{\"name\":\"e\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","
    "\"precision\":20,\"scale\":3}},"
    "{\"name\":\"f\",\"type\":\"double\"},"
    "{\"name\":\"g\",\"type\":{\"type\":\"long\",\"logicalType\":"
    "\"timestamp-micros\"}},"
    "{\"name\":\"h\",\"type\":{\"type\":\"enum\",\"name\":\"e\",\"symbols\":"
    "[\"X\",\"Y\"]}},"
    "{\"name\":\"i\",\"type\":{\"type\":\"array\",\"items\":\"null\"}}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fuzz_table t;
    if (!t.d) {
        fuzz_table_init(&t, "a:text b:text c:bigint[] d:jsonb e:numeric "
                            "f:float8 g:timestamptz h:text i:jsonb w:jsonb");
        t.cols[9].path = "$";
        t.spec.format = CU_FORMAT_AVRO;
        t.spec.avro_schema = schema;
        fuzz_table_open(&t);
    }
    if (!size)
        return 0;
    cu_slice rest = cu_slice_n(data + 1, size - 1);
    if (data[0] % 4 == 0) {
        cu_arena *a = cu_arena_new(0);
        cu_avro_type *type;
        cu_err err;
        (void)cu_avro_schema_parse(rest, a, &type, &err);
        cu_arena_free(a);
    }
    fuzz_table_take(
        &t, (cu_input){.key = CU_NULL_SLICE, .value = rest, .topic = "t"});
    return 0;
}
