/* Reads JSON records: checks everything, notes what is declared. */
#ifndef CU_SCHEMAS_JSON_H
#define CU_SCHEMAS_JSON_H

#include "schemas/json_tree.h"

typedef enum cu_json_result {
    CU_JSON_GOOD,
    CU_JSON_BLANK, /* white space only */
    CU_JSON_BAD,   /* reported by cu_json_explain() */
} cu_json_result;

cu_json *cu_json_new(void);
void cu_json_free(cu_json *j);
/* Walks one value with the tree.  Slots of the tree that occur are set, the
 * others are left; *root is the value as a whole.  `a` for names with
 * escapes. */
cu_json_result cu_json_read(cu_json *j, cu_json_tree *t, cu_slice text,
                            cu_arena *a, cu_raw *slots, cu_raw *root);
/* Adds the fault of a text that cu_json_read() called bad, in PostgreSQL's
 * words and with its byte position; `what` names the part of the record in
 * front ("record key"), or NULL. */
void cu_json_explain(cu_call *c, const char *what, cu_slice text);

#endif
