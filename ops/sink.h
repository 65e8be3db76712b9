/* Private to ops: what a sink thread is made of. */
#ifndef CU_OPS_SINK_H
#define CU_OPS_SINK_H

#include "ops/postgres.h"
#include "ops/run.h"

#include "base/map.h"
#include "rows/key.h"
#include "schemas/codec.h"

/* --- sink_rows.c: records of a view's topic -> rows of a batch ------------ */

typedef struct cu_sink_row {
    cu_record record; /* copied, without headers */
    size_t at, len;   /* in `text` */
    bool superseded;  /* a later record has the same key */
} cu_sink_row;

/* A record that nobody can write: not of this view, or refused. */
typedef struct cu_sink_bad {
    cu_record record;
    cu_pg_refusal why;
} cu_sink_bad;

typedef struct cu_sink_rows {
    const cu_pg_plan *plan;
    const cu_table_def *source; /* the view, as a table */
    cu_decoder *decoder;
    cu_arena *arena; /* process: the above */
    cu_arena *batch; /* what was copied; decoded rows */
    cu_arena *decode;
    cu_batch *decoded;
    cu_key_col *key;
    cu_map *keys; /* upsert: key bytes -> number of the row + 1 */
    cu_buf text, scratch;
    cu_sink_row *rows;
    uint32_t n, most;
    cu_sink_bad *bad;
    uint32_t n_bad, most_bad;
    uint32_t *live; /* rows that are sent, by number */
    uint32_t n_live;
    cu_slice *sent;
    uint32_t n_seen; /* records since the last clear */
} cu_sink_rows;

int cu_sink_rows_open(cu_sink_rows *s, const cu_pg_plan *plan, cu_err *err);
void cu_sink_rows_close(cu_sink_rows *s);
void cu_sink_rows_add(cu_sink_rows *s, const cu_record *r);
/* Fills `sent` and `live`: the last row of each key. */
void cu_sink_rows_seal(cu_sink_rows *s);
void cu_sink_rows_reject(cu_sink_rows *s, const cu_record *r,
                         const cu_pg_refusal *why);
void cu_sink_rows_clear(cu_sink_rows *s);
bool cu_sink_rows_full(const cu_sink_rows *s);

/* --- sink_letters.c: what could not be written ---------------------------- */

typedef struct cu_sink_letters {
    cu_running *run;
    const cu_view_def *view;
    const char *txn_id;
    cu_writer *writer;    /* opened with the first letter */
    cu_map *written;      /* "partition:offset" of letters that are there */
    const int64_t *again; /* by partition: records before may have a letter
                             of a session that died */
} cu_sink_letters;

/* Publishes those that have no letter yet; a transaction of the log. */
int cu_sink_letters_put(cu_sink_letters *l, const cu_sink_bad *bad, uint32_t n,
                        cu_err *err);
/* Forgets what was seen; the next letter looks again. */
void cu_sink_letters_close(cu_sink_letters *l);

#endif
