/* What the files of this folder share.
 *
 *   collect.c   the collector: passes, schedule, going back after an error
 *   publish.c   its transactions: records, letters, cursor
 *   cursor.c    what was committed, read back and kept in memory
 *   http*.c     a source of pages      files*.c   a source of rows
 *
 * A source works in a pass: it appends records and moves its cursor; nothing
 * that it appended is true before cu_publish_commit().  After any error the
 * collector starts over from the log (cu_source_vt.reset).
 */
#ifndef CU_PRODUCERS_INT_H
#define CU_PRODUCERS_INT_H

#include "base/map.h"
#include "producers/collect.h"

typedef struct cu_source_vt {
    const char *name; /* "http", "files" */
    /* Checks the options. */
    int (*open)(cu_collector *, void **, cu_err *);
    /* Nothing is under way any more; the cursor was read again. */
    void (*reset)(void *);
    int (*begin_pass)(void *, cu_err *);
    /* Works until about `until_us` (mono).  PASSED: the pass is committed.
     * *wake_us with WAITING. */
    int (*work)(void *, int64_t until_us, cu_collect_state *, int64_t *wake_us,
                cu_err *);
    void (*status)(const void *, cu_buf *);
    void (*close)(void *);
} cu_source_vt;

struct cu_collector {
    cu_collector_opts o; /* strings in the arena */
    cu_arena *arena;
    cu_arena *scratch; /* one page or one step */
    const cu_source_vt *vt;
    void *half; /* cu_http_half or cu_files_half */
    /* collect.c */
    bool broken; /* the next step starts over from the log */
    bool in_pass, start_now, limited;
    int64_t every_ms; /* 0: never again */
    int64_t pass_us;  /* when the last pass began or ended (mono) */
    int64_t next_us;  /* 0: never */
    /* publish.c */
    cu_writer *writer;
    bool in_txn;
    size_t txn_records, txn_bytes;
    cu_collector_counts counts, pending;
    /* cursor.c */
    cu_omap *cursor; /* item -> heap string */
    int32_t cursor_partition;
};

/* --- cursor.c -------------------------------------------------------------*/

/* Makes the topics that are missing and finds the cursor's partition. */
int cu_cursor_topics(cu_collector *c, cu_err *err);
/* Reads what was committed; forgets what was in memory. */
int cu_cursor_read(cu_collector *c, cu_err *err);
/* Absent when there is none. */
cu_slice cu_cursor_get(const cu_collector *c, cu_slice item);
/* In memory alone; absent `value`: forgotten. */
void cu_cursor_set(cu_collector *c, cu_slice item, cu_slice value);
void cu_cursor_forget(cu_collector *c);
/* A member of a cursor's JSON value. */
int64_t cu_cursor_int(cu_slice json, const char *name, int64_t otherwise);
uint64_t cu_cursor_hex(cu_slice json, const char *name);
/* Digits alone, at most 18 of them. */
bool cu_int_of(cu_slice text, int64_t *out);

/* --- publish.c ------------------------------------------------------------*/

/* Fences older writers of the collector's id. */
int cu_publish_open(cu_collector *c, cu_err *err);
void cu_publish_close(cu_collector *c);
/* CU_LIMIT: too large for the topic; the transaction is still good. */
int cu_publish_record(cu_collector *c, const cu_record *r, cu_err *err);
/* Absent `value`: the item is no more. */
int cu_publish_cursor(cu_collector *c, cu_slice item, cu_slice value,
                      cu_err *err);
int cu_publish_commit(cu_collector *c, cu_err *err);
/* Records published and about to be, against opts.limit. */
bool cu_publish_limit(const cu_collector *c);
void cu_collector_tell(cu_collector *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

enum { CU_LETTER_HEADERS = 48, CU_LETTER_BYTES = 64 << 10 };

/* A dead letter; strings in c->scratch or longer-lived. */
typedef struct cu_letter_out {
    cu_header headers[CU_LETTER_HEADERS];
    uint32_t n;
    uint32_t sqlstate;
    const char *message;
    cu_slice value; /* its first bytes are kept */
} cu_letter_out;
void cu_letter_put(cu_letter_out *l, const char *name, cu_slice value);
int cu_publish_letter(cu_collector *c, cu_letter_out *l, cu_err *err);

/* SQLSTATEs of letters: PostgreSQL's where it has one. */
#define CU_STATE_NETWORK  CU_SQLSTATE('0', '8', '0', '0', '6')
#define CU_STATE_TOO_LONG CU_SQLSTATE('5', '4', '0', '0', '0')
#define CU_STATE_JSON     CU_SQLSTATE('2', '2', '0', '3', '2')
#define CU_STATE_COLUMN   CU_SQLSTATE('4', '2', '7', '0', '3')
#define CU_STATE_SOFT     CU_SQLSTATE('C', 'U', '0', '1', '0')
#define CU_STATE_TYPE     CU_SQLSTATE('C', 'U', '0', '1', '1')
#define CU_STATE_REDIRECT CU_SQLSTATE('C', 'U', '0', '1', '2')
#define CU_STATE_TIMEOUT  CU_SQLSTATE('C', 'U', '0', '1', '3')
#define CU_STATE_CUT      CU_SQLSTATE('C', 'U', '0', '1', '4')
#define CU_STATE_CHANGED  CU_SQLSTATE('C', 'U', '0', '1', '5')
/* An HTTP status: CU403, CU500. */
uint32_t cu_state_http(int status);

extern const cu_source_vt cu_http_source_vt;
extern const cu_source_vt cu_files_source_vt;

#endif
