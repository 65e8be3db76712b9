/* Shared by the session's files: its state, and sessions in memory. */
#ifndef CU_OPERATORS_SESSION_H
#define CU_OPERATORS_SESSION_H

#include "processors/operators/instant.h"
#include "processors/operators/int.h"
#include "processors/operators/keyset.h"

enum { CU_SESSION_VERSION = 1, CU_SESSION_CHUNK = 1024 };

/* A session of the partition at hand. */
typedef struct cu_span {
    int64_t start, last; /* times of its first and last row */
    int64_t anchor;
    uint64_t n; /* entries of table `rows` */
} cu_span;

static inline bool cu_span_holds(const cu_span *p, int64_t time)
{
    return p->start <= time && time <= p->last;
}

typedef struct cu_spans {
    cu_span *at; /* ascending, a gap or more between them */
    uint32_t n, cap;
} cu_spans;

/* What a commit interval does to one row (with its copies). */
typedef struct cu_session_row {
    cu_keyrec rec; /* key in `rows` */
    uint32_t part_len;
    int64_t time;
    int64_t change;
    int64_t count; /* how often it stands in the state */
} cu_session_row;

typedef struct cu_sessions {
    cu_op op;
    cu_table *rows, *spans, *closing, *anchors, *meta;
    cu_key_col *partition;
    uint16_t time;
    cu_type type; /* of the time column */
    size_t time_bytes;
    int64_t gap, lateness;
    bool final, judges, closes;
    cu_keys parts;
    cu_touched touched;
    cu_outbox out;
    cu_held_mark mark;
    int64_t horizon; /* the newest watermark heard */
    int64_t closed;  /* what was gone at it is not in the state */
    /* No entry of `closing`, `anchors` is before these: scans start behind
     * what was deleted. */
    int64_t close_low, anchor_low;
    uint64_t steps; /* rows and sessions read, for tests of cost */
    /* Of the partition at hand: */
    cu_arena *arena;
    cu_slice part;
    cu_spans loaded, live, kept;
    cu_buf key, hi, value;
} cu_sessions;

/* Applies what was pushed to the state, and emits what follows. */
int cu_session_apply(cu_sessions *s, cu_err *err);
/* The watermark from which on no row can join a session with this last row. */
int64_t cu_session_gone_at(const cu_sessions *s, int64_t last);
/* Is `time` between the first and the last row of a session of the partition
 * whose end + lateness the watermark `mark` has not reached? */
int cu_session_inside(cu_sessions *s, cu_slice part, int64_t time, int64_t mark,
                      bool *inside, cu_err *err);
/* Sessions that the horizon has reached leave the state. */
int cu_session_close(cu_sessions *s, cu_err *err);

/* --- session_state.c ------------------------------------------------------ */

/* Keys of s->part, in s->key. */
cu_slice cu_session_key(cu_sessions *s, int64_t time);
/* What is greater than every key of s->part up to `time`, in s->hi. */
cu_slice cu_session_after(cu_sessions *s, int64_t time);
int cu_session_count(cu_sessions *s, cu_slice value, int64_t *count,
                     cu_err *err);
void cu_session_put_row(cu_sessions *s, cu_slice key, int64_t count,
                        bool absent);
/* Appends the sessions of s->part between two times, and those that rows
 * there would join, to s->loaded, which must be in order with it. */
int cu_session_load(cu_sessions *s, int64_t from, int64_t to, cu_err *err);
/* s->loaded is replaced by s->kept. */
void cu_session_save(cu_sessions *s);
void cu_session_span_del(cu_sessions *s, const cu_span *p);
cu_span *cu_spans_add(cu_spans *list, cu_span p);
int cu_session_read(cu_sessions *s, cu_slice value, int64_t last, cu_span *out,
                    cu_err *err);

/* The row bytes in `key` with what the session adds (`b`: FINAL only). */
int cu_session_emit(cu_sessions *s, cu_slice row, int64_t weight, int64_t a,
                    int64_t b, cu_err *err);

#endif
