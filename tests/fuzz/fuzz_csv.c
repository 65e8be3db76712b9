/* CSV: the first line is the header, the rest the record. */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fuzz_table named, placed;
    if (!named.d) {
        fuzz_table_init(&named, "a:int b:text c:jsonb d:date e:numeric");
        fuzz_table_init(&placed, "a:int b:text c:jsonb d:date e:numeric");
        named.spec.format = placed.spec.format = CU_FORMAT_CSV;
        placed.spec.csv_by_position = true;
        placed.spec.csv_delimiter = ';';
        fuzz_table_open(&named);
        fuzz_table_open(&placed);
    }
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    size_t head = line ? (size_t)(line - data) : 0;
    cu_header header = {CU_LIT("cupel.header"), cu_slice_n(data, head)};
    cu_input in = {.key = CU_NULL_SLICE,
                   .value = cu_slice_n(data + head, size - head),
                   .topic = "t",
                   .headers = &header,
                   .n_headers = 1};
    fuzz_table_take(&named, in);
    fuzz_table_take(&placed, in);
    return 0;
}
