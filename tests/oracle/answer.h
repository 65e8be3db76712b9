/* What a query said, whoever was asked: rows as text, or an error.
 *
 * Both oracles give answers of this form, so that comparing is comparing
 * strings.  Everything lives in the arena that was passed.
 */
#ifndef CU_ORACLE_ANSWER_H
#define CU_ORACLE_ANSWER_H

#include "base/alloc.h"
#include "base/arena.h"

typedef struct cu_answer {
    bool failed;
    char state[6]; /* SQLSTATE of the failure */
    const char *message;
    uint32_t n_cols, n_rows;
    const char **types; /* of the columns, without modifiers */
    const char **names; /* of the columns; PostgreSQL's answers alone */
    const char **cells; /* row-major; NULL: a null */
} cu_answer;

/* Room for n_rows x n_cols cells. */
void cu_answer_shape(cu_answer *a, cu_arena *arena, uint32_t n_cols,
                     uint32_t n_rows);
/* Rows in byte order: a multiset has one such form. */
void cu_answer_sort(cu_answer *a, cu_arena *arena);
/* Same error state, or the same types and rows in the same order.  `near`:
 * numbers of columns with a float type may differ by 1e-9 of their size. */
bool cu_answer_same(const cu_answer *a, const cu_answer *b, bool near);
void cu_answer_print(const cu_answer *a, cu_buf *out);

/* --- chance --------------------------------------------------------------- */

typedef struct cu_rng {
    uint64_t state;
} cu_rng;

uint64_t cu_rng_next(cu_rng *r);
uint32_t cu_rng_below(cu_rng *r, uint32_t n); /* 0 .. n-1 */
bool cu_rng_chance(cu_rng *r, uint32_t per_cent);

#endif
