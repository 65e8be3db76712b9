/* Programs: expressions compiled to vector instructions.
 *
 * One instruction runs over a whole batch; common sub-expressions are
 * computed once, constants folded at compile time.  CASE, COALESCE, AND and
 * OR evaluate an arm only on the rows that reach it, so that
 * `CASE WHEN x <> 0 THEN 1/x END` never divides by zero.
 *
 * A failing row gets a fault (SQLSTATE and message) and a NULL result; its
 * neighbours go on.  The same row fails the same way whenever it is
 * evaluated, so that a retraction of a rejected row is rejected too.
 *
 * Thread: one owner.  No malloc per batch once the arena has settled.
 */
#ifndef CU_EXPR_PROG_H
#define CU_EXPR_PROG_H

#include "processors/expr/func.h"

/* What evaluation may see of the world. */
typedef struct cu_expr_env {
    struct cu_env *env;  /* for zone files */
    int64_t now_us;      /* the commit's clock, us since 2000; the owner sets
                            it before each commit interval */
    const cu_zone *zone; /* the session's: UTC */
} cu_expr_env;

typedef struct cu_row_fault {
    uint16_t row;
    uint16_t expr; /* which of the program's expressions */
    uint32_t sqlstate;
    const char *message; /* in the arena of the run */
} cu_row_fault;

typedef struct cu_row_faults {
    cu_row_fault at[CU_BATCH_ROWS]; /* first fault of a row, any order */
    uint32_t n;
    uint64_t rows[CU_BATCH_ROWS / 64]; /* bitmap of faulty rows */
} cu_row_faults;

/* For kernels: marks `row` as failed, once; the message is formatted into
 * the call's arena. */
void cu_call_fail(cu_call *c, uint32_t row, uint32_t sqlstate,
                  const char *format, ...)
    __attribute__((format(printf, 4, 5)));

typedef struct cu_prog cu_prog;

/* Compiles `n` expressions over rows of `input`; `env` must outlive it. */
int cu_prog_compile(cu_expr *const *exprs, uint32_t n, const cu_schema *input,
                    const cu_expr_env *env, cu_prog **out, cu_err *err);
void cu_prog_free(cu_prog *p);
/* Evaluates all expressions on the live rows of `b`; out[i] lives in `a` or
 * borrows from `b` (a plain column reference is the column itself).
 * `faults` is cleared first. Values of rows that are not live are
 * undefined. */
void cu_prog_run(cu_prog *p, const cu_batch *b, cu_arena *a, cu_col *out,
                 cu_row_faults *faults);
/* Program of one boolean expression as a filter: rows where it is true go
 * to sel_out (ascending, <= 1,024); returns how many. */
uint32_t cu_prog_filter(cu_prog *p, const cu_batch *b, cu_arena *a,
                        uint16_t *sel_out, cu_row_faults *faults);
/* Instructions as text, for tests and explain. */
void cu_prog_print(const cu_prog *p, cu_buf *out);

#endif
