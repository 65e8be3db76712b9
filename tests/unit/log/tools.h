/* Short words for tests of the log: write, read, wait until a deadline. */
#ifndef CU_TESTS_LOG_TOOLS_H
#define CU_TESTS_LOG_TOOLS_H

#include "log/log.h"

/* A wait that takes longer has failed: far beyond what a busy machine takes. */
enum { CU_SEEN_MAX = 4096, CU_NAME_MAX = 200, CU_TEST_WAIT_MS = 120000 };

/* Ends the process with what was expected; Criterion counts it as failed. */
#define CU_EXPECT(cond) \
    ((cond) ? (void)0 : cu_expect_failed(#cond, __FILE__, __LINE__, NULL))
/* The call of the log must succeed. */
#define CU_OK_(call, err) \
    ((call) == 0 ? (void)0 : cu_expect_failed(#call, __FILE__, __LINE__, err))
/* Repeats until true. */
#define CU_AWAIT(cond)                                       \
    do {                                                     \
        int64_t until_ = cu_test_now_ms() + CU_TEST_WAIT_MS; \
        while (!(cond)) {                                    \
            CU_EXPECT(cu_test_now_ms() < until_ && #cond);   \
            cu_test_nap();                                   \
        }                                                    \
    } while (0)

_Noreturn void cu_expect_failed(const char *what, const char *file, int line,
                                const cu_err *err);
int64_t cu_test_now_ms(void);
void cu_test_nap(void); /* 20 ms */

typedef struct cu_name {
    char s[CU_NAME_MAX];
} cu_name;
/* prefix-suffix */
cu_name cu_test_name(const char *prefix, const char *suffix);

void cu_test_topic(cu_log *log, const char *name, int32_t partitions);
cu_writer *cu_test_writer(cu_log *log, const char *id);
/* value "": an empty one; NULL: a null. */
void cu_test_put(cu_writer *w, const char *topic, int32_t partition,
                 const char *key, const char *value, int64_t timestamp_ms);
void cu_test_begin(cu_writer *w);
void cu_test_commit(cu_writer *w);
/* begin, n records "k0".."kn-1" = "v0"…, commit. */
void cu_test_put_many(cu_writer *w, const char *topic, int32_t partition,
                      int n);
int64_t cu_test_end(cu_log *log, const char *topic, int32_t partition,
                    bool uncommitted);
int64_t cu_test_offset(cu_log *log, const char *topic, int32_t partition,
                       int64_t at_ms);
int64_t cu_test_committed(cu_log *log, const char *group, const char *topic,
                          int32_t partition);

/* A reader by hand over partitions 0..n-1 of a topic. */
cu_reader *cu_test_reader(cu_log *log, const char *topic, int32_t n,
                          int64_t from);

/* Records as they were polled, keys and values cut to the arrays. */
typedef struct cu_seen_record {
    int32_t partition;
    int64_t offset, timestamp_ms;
    char key[32], value[64]; /* "(null)" when absent */
} cu_seen_record;

typedef struct cu_seen {
    cu_seen_record at[CU_SEEN_MAX];
    size_t n;
    size_t n_ends;
    int64_t last_end; /* `next` of the last END */
} cu_seen;

/* One poll of up to 100 ms into *seen; other kinds are errors. Checks that
 * offsets ascend and that `next` lies behind them. */
void cu_test_poll(cu_reader *r, cu_seen *seen);
void cu_test_read(cu_reader *r, cu_seen *seen, size_t n);
/* Until END was told `n_ends` more times. */
void cu_test_read_to_end(cu_reader *r, cu_seen *seen, size_t n_ends);
/* "k0=v0 k1=v1" over all that was seen. */
void cu_test_expect_seen(const cu_seen *seen, const char *text);

#endif
