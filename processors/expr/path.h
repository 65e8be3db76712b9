/* SQL/JSON paths: PostgreSQL 15's jsonpath, parsed once, run over jsonb.
 *
 *   lax $.items[*] ? (@.price > $min && exists(@.sku)).price.double()
 *
 * A path is a chain of steps; expressions and predicates are trees whose
 * leaves are chains.  Parsing needs an arena that lives as long as the path.
 *
 * Thread: a parsed path is immutable, a memo has one owner.
 */
#ifndef CU_EXPR_PATH_H
#define CU_EXPR_PATH_H

#include "base/bytes.h"
#include "base/err.h"
#include "processors/expr/func.h"

typedef enum cu_jsonpath_kind {
    /* how a chain begins */
    CU_PATH_ROOT,     /* $ */
    CU_PATH_CURRENT,  /* @ */
    CU_PATH_VARIABLE, /* $name: text */
    CU_PATH_LAST,
    CU_PATH_NULL,
    CU_PATH_BOOL,   /* flag */
    CU_PATH_NUMBER, /* number */
    CU_PATH_STRING, /* text */
    /* steps */
    CU_PATH_KEY, /* .text */
    CU_PATH_ANY_KEY,
    CU_PATH_ANY_ELEMENT,
    CU_PATH_INDEX,  /* [args]: from, to, from, to …; to NULL: only one */
    CU_PATH_ANY,    /* .**{from to to} */
    CU_PATH_FILTER, /* ? (args[0]) */
    CU_PATH_TYPE,
    CU_PATH_SIZE,
    CU_PATH_ABS,
    CU_PATH_DOUBLE,
    CU_PATH_FLOOR,
    CU_PATH_CEILING,
    CU_PATH_KEYVALUE,
    /* expressions */
    CU_PATH_ADD,
    CU_PATH_SUB,
    CU_PATH_MUL,
    CU_PATH_DIV,
    CU_PATH_MOD,
    CU_PATH_PLUS,
    CU_PATH_MINUS,
    /* predicates */
    CU_PATH_EQ,
    CU_PATH_NE,
    CU_PATH_LT,
    CU_PATH_LE,
    CU_PATH_GT,
    CU_PATH_GE,
    CU_PATH_AND,
    CU_PATH_OR,
    CU_PATH_NOT,
    CU_PATH_IS_UNKNOWN,
    CU_PATH_EXISTS,
    CU_PATH_STARTS_WITH,
    CU_PATH_LIKE_REGEX, /* text, options of regex.h */
} cu_jsonpath_kind;

typedef struct cu_jsonpath_node cu_jsonpath_node;
struct cu_jsonpath_node {
    cu_jsonpath_kind kind;
    bool flag;
    uint32_t from, to; /* ANY: levels; UINT32_MAX is the last */
    unsigned options;
    cu_slice text;
    cu_numeric number;
    uint32_t n_args;
    cu_jsonpath_node **args;
    cu_jsonpath_node *next; /* the step that follows */
};

typedef struct cu_jsonpath {
    bool strict;
    bool ordered; /* the order of an object's members shows */
    cu_jsonpath_node *root;
} cu_jsonpath;

/* 42601 with PostgreSQL's words; 2201B for a bad regular expression. */
int cu_jsonpath_parse(cu_slice text, cu_arena *a, cu_jsonpath *out,
                      cu_err *err);

/* --- running ---------------------------------------------------------- */

typedef struct cu_jsonpath_opts {
    cu_slice vars;  /* an object; absent: none */
    bool silent;    /* errors of the path's own kind end it quietly */
    bool only_test; /* nobody looks at what was found */
    cu_memo *memo;  /* of regular expressions */
} cu_jsonpath_opts;

/* What was found, as JSON, in order. `failed`: a silent error, what had been
 * found before it is there. With only_test a lax path stops at the first
 * item, which is not told but in `any`. */
typedef struct cu_jsonpath_found {
    cu_slice *items;
    uint32_t n;
    bool any, failed;
} cu_jsonpath_found;
int cu_jsonpath_run(const cu_jsonpath *p, cu_slice json,
                    const cu_jsonpath_opts *opts, cu_arena *a,
                    cu_jsonpath_found *out, cu_err *err);

/* --- remembering ------------------------------------------------------ */

/* Parsed paths, in a cu_memo. */
typedef struct cu_jsonpaths cu_jsonpaths;
cu_jsonpaths **cu_memo_jsonpaths(cu_memo *m);
void cu_jsonpaths_free(cu_jsonpaths *p);
/* The parsed path, lent until the next call with this memo. */
int cu_jsonpath_get(cu_memo *m, cu_slice text, const cu_jsonpath **out,
                    cu_err *err);

#endif
