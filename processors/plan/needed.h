/* Which columns of a table anybody reads.
 *
 * Decoding casts and checks every declared column, because acceptance must
 * not depend on who reads (decision 9); but what nobody reads need not be
 * kept.  A column is needed when
 *
 *   - a filter or projection mentions it that stands over the source with
 *     nothing but filters between, in any stage: state, exchanges, letters
 *     and late rows further up have the columns of that projection
 *   - the table itself computes with it: generated columns, CHECKs, the
 *     watermark, its key
 *
 * All columns are when anything else stands there (an operator that keeps,
 * compares or shows whole rows), and always for tables whose rows change
 * (upsert, changelog, snapshot) and tables of letters.
 *
 *     project(id, x)            needed: id, k, x
 *       filter k > 1
 *         source t (id, k, x, y, z)
 */
#ifndef CU_PLAN_NEEDED_H
#define CU_PLAN_NEEDED_H

#include "processors/plan/stage.h"

/* Sets needed[0 … t->schema->n) and returns how many are true. Over all
 * stages: what one worker runs is a part of them. A table that no stage
 * reads: all. */
uint32_t cu_needed_columns(const cu_stages *s, const cu_table_def *t,
                           bool *needed);

#endif
