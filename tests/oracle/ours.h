/* cupel, asked one SELECT at a time. */
#ifndef CU_ORACLE_OURS_H
#define CU_ORACLE_OURS_H

#include "processors/engine/engine.h"
#include "tests/oracle/answer.h"

typedef struct cu_ours cu_ours;

/* An engine over memory with nothing in it; NULL, said on stdout, when it
 * does not open. */
cu_ours *cu_ours_open(void);
void cu_ours_close(cu_ours *o);

/* The whole way of `cupel query`: parse, bind, operators, result. */
void cu_ours_query(cu_ours *o, const char *sql, cu_arena *arena,
                   cu_answer *out);
/* `sql` is SELECT e FROM (VALUES …) with n rows: one vector program over all
 * rows at once, and an answer for each row by itself. */
void cu_ours_rows(cu_ours *o, const char *sql, uint32_t n, cu_arena *arena,
                  cu_answer *out);

/* Compiles a file's text; NULL and an answer that says why not. */
cu_program *cu_ours_compile(cu_env *env, const char *sql, cu_arena *arena,
                            cu_answer *why);
/* The named zones that tests use are read from the machine once, so that a
 * simulated world knows them too. */
void cu_ours_know_zones(void);
/* Type without modifiers, cells as text. */
void cu_ours_row(const cu_batch *b, uint32_t row, uint32_t n_cols,
                 cu_arena *arena, const char **cells);
const char *cu_ours_type(cu_type t, cu_arena *arena);

/* CUPEL_ORACLE_SABOTAGE=1: every so often an answer is spoiled, and the
 * suite must notice. */
void cu_ours_sabotage(bool on);
void cu_ours_spoil(cu_answer *a, cu_arena *arena);

/* How often a function of the catalog (by its place in cu_func_all()) was
 * bound in a query. */
uint32_t cu_ours_uses(uint32_t func);

#endif
