/* Records of JSON formats; the first byte picks a table. */
#include "tests/fuzz/fuzz.h"

enum { TABLES = 4 };

static fuzz_table tables[TABLES];

static void init(void)
{
    for (int i = 0; i < TABLES; i++)
        fuzz_table_init(&tables[i],
                        "a:int b:text c:jsonb d:timestamptz e:numeric(8,2) "
                        "f:float8 g:int[] h:bytea i:boolean");
    tables[0].cols[7].encoding = CU_ENC_BASE64;
    tables[1].cols[0].path = "$.x.y";
    tables[1].cols[1].path = "$.x.z[1]";
    tables[1].cols[2].path = "$";
    tables[1].cols[3].encoding = CU_ENC_EPOCH_MILLIS;
    tables[2].spec.format = CU_FORMAT_DEBEZIUM_JSON;
    tables[2].cols[0].key = true;
    tables[3].spec.key_value_envelope = true;
    tables[3].cols[0].from = CU_FROM_KEY;
    tables[3].cols[0].key = true;
    for (int i = 0; i < TABLES; i++)
        fuzz_table_open(&tables[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!tables[0].d)
        init();
    if (!size)
        return 0;
    cu_slice text = cu_slice_n(data + 1, size - 1);
    fuzz_table_take(&tables[data[0] % TABLES],
                    (cu_input){.key = text, .value = text, .topic = "t"});
    return 0;
}
