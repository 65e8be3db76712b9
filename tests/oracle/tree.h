/* Expressions as trees with holes: what is asked of both oracles.
 *
 * A leaf is a literal.  The same tree is written three ways:
 *
 *   constant  1::int4 + 2::int4          every leaf in place
 *   columns   c0 + 2::int4               some leaves are columns of a row
 *   runtime   c0 + k0                    every typed leaf is a column, so that
 *                                        PostgreSQL folds nothing in advance
 *
 * The second form is asked of PostgreSQL too: a strict function of a constant
 * NULL is NULL there before its other arguments are looked at.
 */
#ifndef CU_ORACLE_TREE_H
#define CU_ORACLE_TREE_H

#include "processors/expr/func.h"
#include "tests/oracle/answer.h"

enum {
    CU_TREE_ARGS = 8,
    CU_TREE_COLS = 8,
    CU_TREE_CONSTS = 48,
    CU_TREE_ROWS = 4
};

typedef struct cu_tree cu_tree;
struct cu_tree {
    cu_type type;
    const char *format; /* '\1' stands for the next argument; NULL: a leaf */
    uint32_t n_args;
    cu_tree *args[CU_TREE_ARGS];
    const char *literal; /* leaf: SQL text */
    int col;             /* leaf: column, or -1 */
    int hidden;          /* leaf: column of constants, or -1 (untyped) */
};

typedef struct cu_tree_case {
    const char *subject; /* for people */
    cu_tree *root;
    uint32_t n_rows, n_cols, n_consts;
    const char *cols[CU_TREE_COLS][CU_TREE_ROWS];
    cu_type col_types[CU_TREE_COLS];
    const char *consts[CU_TREE_CONSTS];
    bool random;
    bool untyped; /* it has literals that no column can stand for */
} cu_tree_case;

/* From a hand-written case: `…` marks the leaves that may be columns. */
cu_tree_case *cu_tree_parse(cu_arena *a, const char *subject, const char *text);

/* SELECT queries as text. */
const char *cu_tree_constant(const cu_tree_case *c, cu_arena *a);
/* All rows, for cupel. */
const char *cu_tree_rows(const cu_tree_case *c, bool folded, cu_arena *a);
/* One row, for PostgreSQL: `folded` leaves the constants in place. */
const char *cu_tree_row(const cu_tree_case *c, uint32_t row, bool folded,
                        cu_arena *a);

/* --- random ones (random_tree.c) ------------------------------------------ */

/* One call of `f` on literals; NULL for what is no plain call. */
cu_tree_case *cu_tree_sweep(cu_rng *r, cu_arena *a, const cu_func *f);
/* Any expression of any type. */
cu_tree_case *cu_tree_random(cu_rng *r, cu_arena *a);
/* For views: an expression over existing columns (name, type), which is
 * total: it fails on no row. */
cu_type cu_tree_any_type(cu_rng *r);

/* --- literals (literals.c) ------------------------------------------------ */

/* Bytes of a literal of the type, without quotes. */
const char *cu_literal(cu_rng *r, cu_type t, cu_arena *a);
/* A literal that only a text of some type is cast from: good and bad ones. */
const char *cu_literal_castable(cu_rng *r, cu_type to, cu_arena *a);
/* 'text' with quotes doubled. */
const char *cu_quoted(const char *text, cu_arena *a);
/* "numeric", "text[]" */
const char *cu_sql_type(cu_type t, cu_arena *a);

#endif
