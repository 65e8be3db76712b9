/* Forgetting by the clock: keys whose state has not changed for a while
 * (state_ttl; decision "three kinds of forgetting").
 *
 *   index    i64 stamp | key  -> "" or where the forgetting goes on
 *   stamps   key              -> u8 version | u64le stamp | the operator's
 *
 * The stamp of a key is when it changed last, by the commits' clock, rounded
 * down to a grain of a sixteenth of the time to live: a key is forgotten when
 * it has not changed for that time, and at most a grain later (+ what one
 * commit has no room for).
 *
 * An operator writes the stamp into the value that it writes anyway. The index
 * is written when a key is new, and is not touched by changes: an entry that
 * is due only says that it is time to look, and moves to where the key's stamp
 * is by then.
 *
 * T1 every key in `stamps` has an index entry at its stamp or before.
 * T2 a key is never forgotten before it is `over`.
 * T3 a commit looks at so many entries, and removes so many rows; what is left
 *    is due at once.
 *
 * Thread: one owner. */
#ifndef CU_OPERATORS_TTL_H
#define CU_OPERATORS_TTL_H

#include "processors/operators/instant.h"
#include "processors/operators/int.h"

typedef struct cu_ttl {
    bool on;
    cu_op *op;
    cu_table *index, *stamps;
    cu_table *rows[2]; /* their keys begin with the key; they go with it */
    uint32_t n_rows;
    int64_t us, grain;
    int64_t low;     /* nothing in the index is before it; INT64_MAX: empty */
    uint64_t room;   /* what this commit may still do */
    uint64_t n_over; /* keys forgotten since the operator was opened */
    cu_buf scratch;
} cu_ttl;

/* What every value of `stamps` begins with. */
enum { CU_TTL_VERSION = 2, CU_TTL_STAMP_AT = 1, CU_TTL_HEAD_BYTES = 9 };

/* Off, unless the node has a ttl. Takes table `index` of the node; `stamps`
 * may be NULL for an operator that sweeps by itself. */
int cu_ttl_open(cu_ttl *t, cu_op *op, unsigned index, cu_table *stamps,
                cu_err *err);
void cu_ttl_close(cu_ttl *t);
/* Rows of this table go with their key; none may be "". */
void cu_ttl_with(cu_ttl *t, cu_table *rows);

/* The stamp of what changes now. */
int64_t cu_ttl_now(const cu_ttl *t);
/* False when off. */
bool cu_ttl_over(const cu_ttl *t, int64_t stamp);
/* For `vt->due`. */
int64_t cu_ttl_due(const cu_ttl *t);

/* The key is new (or, of an operator that sweeps by itself, has changed). */
void cu_ttl_put(cu_ttl *t, int64_t stamp, cu_slice key);
/* Appends what a value of `stamps` begins with. */
void cu_ttl_put_head(int64_t stamp, cu_buf *out);
/* False for bytes that do not begin with it. */
bool cu_ttl_get_head(cu_scan *from, int64_t *stamp);

/* A key's stamp, of operators without a value of their own per key; *stamp
 * INT64_MAX: there is none. */
int cu_ttl_read(cu_ttl *t, cu_slice key, int64_t *stamp, cu_err *err);
/* The key has changed; `stamp` is what it had. */
void cu_ttl_changed(cu_ttl *t, cu_slice key, int64_t *stamp);
/* The key and its rows go, now and all of them. */
int cu_ttl_forget(cu_ttl *t, cu_slice key, cu_err *err);
/* The key has ended. */
void cu_ttl_ended(cu_ttl *t, cu_slice key);

/* Forgets what is over, after everything of the commit is in the tables;
 * `touched` keys make room for more. `forget` drops a key from memory. */
int cu_ttl_sweep(cu_ttl *t, uint64_t touched,
                 void (*forget)(void *ctx, cu_slice key), void *ctx,
                 cu_err *err);

/* --- for operators that sweep by themselves ------------------------------- */

typedef struct cu_ttl_entry {
    int64_t stamp;
    cu_slice key, from; /* from: where to go on; "" at first */
} cu_ttl_entry;
void cu_ttl_make_room(cu_ttl *t, uint64_t touched);
/* The first entries that are over, in the operator's arena; *n 0: none, or no
 * room. They stay in the index. */
int cu_ttl_due_entries(cu_ttl *t, cu_ttl_entry *out, uint32_t most, uint32_t *n,
                       cu_err *err);
void cu_ttl_done(cu_ttl *t, const cu_ttl_entry *e);
/* It is for the next commit. */
void cu_ttl_leave(cu_ttl *t, const cu_ttl_entry *e);
void cu_ttl_go_on(cu_ttl *t, const cu_ttl_entry *e, cu_slice from);

#endif
