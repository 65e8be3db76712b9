/* Private to the jsonpath evaluator: items, lists, the state of a run. */
#ifndef CU_EXPR_PATH_INT_H
#define CU_EXPR_PATH_INT_H

#include "processors/expr/path.h"
#include "processors/expr/regex.h"
#include "rows/json.h"
#include "rows/numeric.h"

#define CU_E_SINGLETON CU_SQLSTATE('2', '2', '0', '3', '8')

/* What a path walks over: kind as in JSON. `s`: the content of a string,
 * the text of a container, a number as it stood in the source (or absent). */
typedef struct cu_item {
    cu_json_kind kind;
    bool b;
    cu_slice s;
    cu_numeric num;
    int64_t base; /* containers: of which object or variable, for keyvalue() */
} cu_item;

typedef struct cu_items {
    cu_item *at;
    uint32_t n, cap;
} cu_items;

typedef enum cu_jsonpath_result {
    CU_PATH_OK,
    CU_PATH_NOT_FOUND,
    CU_PATH_ERROR
} cu_jsonpath_result;

typedef enum cu_truth { CU_FALSE, CU_TRUE, CU_UNKNOWN } cu_truth;

typedef struct cu_jsonpath_state {
    const cu_jsonpath *path;
    const cu_jsonpath_opts *opts;
    cu_arena *a;
    cu_item root;
    cu_slice vars;          /* an object; absent: none */
    const cu_item *current; /* @ */
    int64_t last;           /* the innermost array's last subscript */
    bool ignores;           /* structural errors are no errors */
    bool throws;            /* errors end the run */
    int64_t next_base;      /* for objects that keyvalue() makes */
    int rc;
    cu_err *err;
} cu_jsonpath_state;

/* --- items (path_item.c) --------------------------------------------- */

cu_item cu_item_of(cu_slice json, int64_t base, cu_arena *a);
cu_item cu_item_text(cu_slice s);
cu_item cu_item_number(cu_numeric n);
cu_item cu_item_bool(cu_truth t);
void cu_items_add(cu_items *list, const cu_item *x, cu_arena *a);
/* The item as JSON text. */
cu_slice cu_item_json(const cu_item *x, cu_arena *a);
/* "object", "number", … */
cu_slice cu_item_type(const cu_item *x);
/* The objects of keyvalue(). */
cu_items cu_item_keyvalues(cu_jsonpath_state *s, const cu_item *x);

/* --- walking (path_run.c) -------------------------------------------- */

/* Errors that a silent run swallows; and those that it does not. */
cu_jsonpath_result cu_jsonpath_fail(cu_jsonpath_state *s, uint32_t sqlstate,
                                    const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void cu_jsonpath_fail_hard(cu_jsonpath_state *s, uint32_t sqlstate,
                           const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Runs the chain at `n` on `x`; found NULL: one item is enough. */
cu_jsonpath_result cu_jsonpath_walk(cu_jsonpath_state *s,
                                    const cu_jsonpath_node *n, const cu_item *x,
                                    cu_items *found);
/* The same, arrays among what is found unwrapped in lax mode. */
cu_jsonpath_result cu_jsonpath_walk_unwrapped(cu_jsonpath_state *s,
                                              const cu_jsonpath_node *n,
                                              const cu_item *x,
                                              cu_items *found);

/* --- predicates (path_predicate.c) ----------------------------------- */

cu_truth cu_jsonpath_test(cu_jsonpath_state *s, const cu_jsonpath_node *n,
                          const cu_item *x);

#endif
