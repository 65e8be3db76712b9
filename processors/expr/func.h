/* The function catalog: one table for scalar functions, operators, casts,
 * set-returning functions and aggregates.  docs/functions.md is made from
 * it; the binder asks it; the compiler takes its kernels.
 *
 * Operators are functions named by their sign ("+", "->>", "~~").  Casts are
 * named "cast".  Resolution follows PostgreSQL: exact match first, then
 * implicit casts with preference for the preferred type of a category,
 * untyped literals last.
 */
#ifndef CU_EXPR_FUNC_H
#define CU_EXPR_FUNC_H

#include "processors/expr/expr.h"

typedef enum cu_func_kind {
    CU_FUNC_SCALAR = 1,
    CU_FUNC_OPERATOR = 2,
    CU_FUNC_CAST = 4,
    CU_FUNC_SET = 8,
    CU_FUNC_AGGREGATE = 16,
    CU_FUNC_WINDOW = 32, /* only with OVER */
} cu_func_kind;

typedef enum cu_volatility {
    CU_IMMUTABLE,
    CU_STABLE,  /* the clock */
    CU_VOLATILE /* random(): refused in views */
} cu_volatility;

/* What an aggregate call computes; the operator has one accumulator each.
 *
 * Resolving: the arguments are the call's; of an ordered-set aggregate the
 * direct ones, then the WITHIN GROUP columns: percentile_cont(0.5) WITHIN
 * GROUP (ORDER BY x) is resolved as ("percentile_cont", {0.5, x}), mode() as
 * ("mode", {x}).  An argument that was cast is what the call orders by. */
typedef enum cu_agg {
    CU_AGG_NONE,
    CU_AGG_COUNT_STAR,
    CU_AGG_COUNT,
    CU_AGG_SUM,
    CU_AGG_AVG,
    CU_AGG_MIN,
    CU_AGG_MAX,
    CU_AGG_BOOL_AND,
    CU_AGG_BOOL_OR,
    CU_AGG_BIT_AND,
    CU_AGG_BIT_OR,
    CU_AGG_BIT_XOR,
    CU_AGG_STDDEV_POP,
    CU_AGG_STDDEV_SAMP,
    CU_AGG_VAR_POP,
    CU_AGG_VAR_SAMP,
    CU_AGG_COVAR_POP,
    CU_AGG_COVAR_SAMP,
    CU_AGG_CORR,
    CU_AGG_REGR_SLOPE,
    CU_AGG_REGR_INTERCEPT,
    CU_AGG_REGR_R2,
    CU_AGG_REGR_AVGX,
    CU_AGG_REGR_AVGY,
    CU_AGG_REGR_COUNT,
    CU_AGG_REGR_SXX,
    CU_AGG_REGR_SYY,
    CU_AGG_REGR_SXY,
    CU_AGG_STRING_AGG,
    CU_AGG_ARRAY_AGG,
    CU_AGG_JSONB_AGG,
    CU_AGG_JSONB_OBJECT_AGG,
    CU_AGG_PERCENTILE_CONT, /* WITHIN GROUP, as are the next two */
    CU_AGG_PERCENTILE_DISC,
    CU_AGG_MODE,
    CU_AGG_FIRST,  /* (array_agg(x ORDER BY …))[1]; not for SQL to name */
    CU_AGG_SINGLE, /* a scalar subquery's row; 21000 when there are more;
                      not for SQL to name */
} cu_agg;
/* The names of the last two, of one argument each. */
#define CU_AGG_FIRST_NAME  "first value"
#define CU_AGG_SINGLE_NAME "single row"

/* What a window function computes. */
typedef enum cu_win {
    CU_WIN_NONE,
    CU_WIN_ROW_NUMBER,
    CU_WIN_RANK,
    CU_WIN_DENSE_RANK,
    CU_WIN_PERCENT_RANK,
    CU_WIN_CUME_DIST,
    CU_WIN_NTILE,
    CU_WIN_LAG,
    CU_WIN_LEAD,
    CU_WIN_FIRST_VALUE,
    CU_WIN_LAST_VALUE,
    CU_WIN_NTH_VALUE,
} cu_win;

struct cu_call;
typedef void cu_kernel(struct cu_call *call);

enum { CU_FUNC_ARGS = 8 };

typedef struct cu_func {
    const char *name;
    uint8_t kind;       /* cu_func_kind */
    uint8_t n_args;     /* variadic: the minimum */
    bool variadic;      /* the last argument type repeats */
    bool strict;        /* NULL in, NULL out: the kernel never sees NULL rows'
                           values as meaningful and keeps validity anded */
    bool total;         /* never fails and is cheap: it may run on rows that
                           its arm of an AND, OR or CASE excludes */
    uint8_t volatility; /* cu_volatility */
    uint8_t agg;        /* cu_agg */
    uint8_t win;        /* cu_win */
    uint8_t args[CU_FUNC_ARGS]; /* kinds, pseudo kinds */
    uint8_t array_elem;         /* element kind where an arg/result is ARRAY */
    uint8_t result_elem;        /* of an ARRAY result, where it is another */
    uint8_t result;             /* kind, or pseudo kind */
    cu_kernel *kernel;          /* SCALAR, OPERATOR, CAST */
    const char *doc;            /* one line for docs/functions.md */
} cu_func;

/* What a program remembers between rows: compiled regular expressions. Made
 * empty; one owner. */
typedef struct cu_memo cu_memo;
cu_memo *cu_memo_new(void);
void cu_memo_free(cu_memo *m);

/* One vector instruction's view of its data. `out` is a flat column with
 * room for n_rows; for strict functions its validity is already the AND of
 * the arguments' and only rows set in it need a value. */
typedef struct cu_call {
    const cu_func *func;
    uint32_t n_rows;
    uint32_t n_sel; /* live rows; row = sel ? sel[i] : i */
    const uint16_t *sel;
    const cu_col *const *args;
    uint32_t n_args;
    cu_col *out;
    cu_arena *arena;
    struct cu_row_faults *faults;
    const struct cu_expr_env *env;
    const void *aux; /* compiled constant part (a path, a pattern) or NULL */
    cu_type type;    /* result type with its typmod */
    cu_buf *scratch; /* for text being made; cleared by whoever uses it */
    cu_memo *memo;   /* compiled patterns; of the program */
} cu_call;

/* Finds `name` for these arguments, casting them in place.  `kinds`: a mask.
 * On failure the error has PostgreSQL's words and SQLSTATE (42883 "function
 * foo(integer) does not exist", 42725 not unique) and the nearest known
 * name in `hint` (may be empty). */
int cu_func_resolve(cu_arena *a, const char *name, unsigned kinds,
                    cu_expr **args, uint32_t n_args, const cu_func **func,
                    cu_type *result, char hint[120], cu_err *err);
/* resolve + node: the usual way to make a CALL.  Also takes the special forms
 * "nullif", "is_distinct_from" and "is_not_distinct_from", whose types are
 * those of the "=" that they stand for (nullif becomes a CASE). */
int cu_expr_call(cu_arena *a, const char *name, cu_expr **args, uint32_t n,
                 cu_pos pos, cu_expr **out, char hint[120], cu_err *err);
/* The whole catalog in name order, for documentation and tests. */
const cu_func *const *cu_func_all(uint32_t *n);
/* True when some function of one of these kinds has the name. */
bool cu_func_exists(const char *name, unsigned kinds);

/* --- values as JSON ---------------------------------------------------- */

/* What to_jsonb() gives. */
void cu_jsonb_put(const cu_value *v, cu_arena *a, cu_buf *out);
/* A quoted name of a value that is not null; false: it is no scalar. */
bool cu_jsonb_put_name(const cu_value *v, cu_arena *a, cu_buf *out);

/* --- set-returning functions ----------------------------------------- */

/* Columns that a SET function returns (jsonb_each: key, value). None: they
 * are declared in the statement (cu_set_is_record). */
uint32_t cu_set_columns(const cu_func *f, const cu_type *arg_types,
                        uint32_t n_args, cu_field out[CU_FUNC_ARGS]);
bool cu_set_is_record(const cu_func *f);
enum { CU_RECORD_COLUMNS = 256 };
/* The types of declared columns as a constant: such a function is called
 * with its argument, the names (text[]) and this. */
cu_value cu_record_types(cu_arena *a, const cu_type *types, uint32_t n);
/* ROWS FROM (f(…), g(…)): called with a constant that names n functions and
 * says how many arguments each has, then with the arguments of all. */
const cu_func *cu_func_rows_from(void);
cu_value cu_rows_from_names(cu_arena *a, const cu_func *const *f,
                            const uint32_t *n_args, uint32_t n);
/* Rows for one argument row: appends n values per column to `out`, which has
 * one list per returned column. A bad argument: error with SQLSTATE. */
typedef struct cu_set_rows {
    cu_value *values; /* row-major: n x n_cols, in the arena */
    uint32_t n, n_cols;
    cu_memo *memo; /* the caller's, set before the call */
} cu_set_rows;
int cu_set_call(const cu_func *f, const cu_value *args, uint32_t n_args,
                cu_arena *a, cu_set_rows *out, cu_err *err);

#endif
