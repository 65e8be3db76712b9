/* Inside rows/: steps over valid JSON text. */
#ifndef CU_ROWS_JSON_INT_H
#define CU_ROWS_JSON_INT_H

#include "rows/int.h"
#include "rows/json.h"

/* Members of an object in jsonb's order: by key length, then bytes; of a
 * duplicated key only the last one.  Keys are unescaped. */
struct json_member {
    cu_slice key, value;
    uint32_t order; /* position in the text */
};
struct json_members {
    struct json_member *all;
    uint32_t n;
    struct json_member few[12];
};
/* `scratch` holds keys that had escapes. Ends with cu_json_members_free. */
void cu_json_members_of(cu_slice object, cu_arena *scratch,
                        struct json_members *out);
void cu_json_members_free(struct json_members *m);

/* A number as a numeric; JSON that was validated always fits. */
void cu_json_number(cu_slice number, cu_arena *a, cu_numeric *out);

#endif
