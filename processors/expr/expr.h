/* Bound expressions: typed trees that the binder builds.
 *
 * Every node has its final type; casts are calls.  An untyped literal or
 * NULL has type CU_T_UNKNOWN until cu_func_resolve(), cu_expr_cast() or
 * cu_expr_unify() gives it one; none is left when a program is compiled.
 * Trees live in the arena of the program and are immutable once built.
 */
#ifndef CU_EXPR_EXPR_H
#define CU_EXPR_EXPR_H

#include "rows/batch.h"
#include "rows/text.h"

/* Pseudo kinds, only in signatures and before resolution. */
enum {
    CU_T_UNKNOWN = 64,    /* an untyped literal (value.s) or NULL */
    CU_T_ANY,             /* any type, each argument its own */
    CU_T_ANYELEMENT,      /* all the same type */
    CU_T_ANYARRAY,        /* array of ANYELEMENT */
    CU_T_NONARRAY,        /* any type but an array, each argument its own */
    CU_T_EACHARRAY,       /* any array, each argument its own */
    CU_T_COMPATIBLE,      /* all are cast to one common type */
    CU_T_COMPATIBLEARRAY, /* array of COMPATIBLE */
};

/* A place in the SQL text: byte offset in the source file, -1 unknown. */
typedef struct cu_pos {
    int32_t file;   /* index into the program's files */
    int32_t offset; /* bytes from the start of the file */
} cu_pos;

typedef enum cu_expr_kind {
    CU_E_CONST,
    CU_E_COL,      /* column of the input batch */
    CU_E_CALL,     /* a function, operator or cast of the catalog */
    CU_E_AND,      /* n args */
    CU_E_OR,       /* n args */
    CU_E_CASE,     /* args: when1, then1, when2, then2, …, else */
    CU_E_COALESCE, /* n args */
    CU_E_NOW,      /* the commit's clock (timestamptz) */
} cu_expr_kind;

struct cu_func;

typedef struct cu_expr cu_expr;
struct cu_expr {
    cu_expr_kind kind;
    cu_type type;
    cu_pos pos;
    uint32_t col;               /* COL */
    cu_value value;             /* CONST */
    const struct cu_func *func; /* CALL */
    uint32_t n_args;
    cu_expr **args;
};

cu_expr *cu_expr_const(cu_arena *a, const cu_value *v, cu_pos pos);
/* An untyped literal; absent slice: NULL. */
cu_expr *cu_expr_literal(cu_arena *a, cu_slice text, cu_pos pos);
cu_expr *cu_expr_col(cu_arena *a, uint32_t col, cu_type type, cu_pos pos);
cu_expr *cu_expr_nary(cu_arena *a, cu_expr_kind kind, cu_type type,
                      cu_expr **args, uint32_t n, cu_pos pos);
/* Structural equality (positions ignored): GROUP BY matching, sharing. */
bool cu_expr_same(const cu_expr *a, const cu_expr *b);
/* A copy with column c replaced by cols[c] (inlining a projection). */
cu_expr *cu_expr_substitute(cu_arena *a, const cu_expr *e, cu_expr *const *cols,
                            uint32_t n);
/* A copy with every column number mapped. */
cu_expr *cu_expr_remap(cu_arena *a, const cu_expr *e, const uint32_t *map);
bool cu_expr_is_const(const cu_expr *e); /* no column, no now() */
bool cu_expr_uses_clock(const cu_expr *e);
bool cu_expr_is_volatile(const cu_expr *e);
/* Marks used columns in a bitmap of `n` bools. */
void cu_expr_columns(const cu_expr *e, bool *used, uint32_t n);
/* SQL-like text for explain: "(price * 2)", "$3" when names is NULL. */
void cu_expr_print(const cu_expr *e, const cu_schema *names, cu_buf *out);

typedef enum cu_cast_context {
    CU_CAST_IMPLICIT,
    CU_CAST_ASSIGNMENT,
    CU_CAST_EXPLICIT
} cu_cast_context;

/* `e` as type `to`, typmod included; literals are converted at once (their
 * error is the type's input error). 42846 when there is no such cast in this
 * context: "cannot cast type date to integer". */
int cu_expr_cast(cu_arena *a, cu_expr *e, cu_type to, cu_cast_context ctx,
                 cu_expr **out, cu_err *err);
/* PostgreSQL's rule for CASE, COALESCE, UNION, VALUES, ARRAY[]: one type for
 * all; casts the args in place. `what` names the construct in the error. */
int cu_expr_unify(cu_arena *a, cu_expr **args, uint32_t n, const char *what,
                  cu_type *type, cu_err *err);
/* The value of a constant expression. */
int cu_expr_fold(cu_arena *a, const cu_expr *e, cu_value *out, cu_err *err);

#endif
