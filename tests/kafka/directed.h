/* Cases that only a real broker can show; see directed.c. */
#ifndef CU_TESTS_KAFKA_DIRECTED_H
#define CU_TESTS_KAFKA_DIRECTED_H

#include "log/log.h"

#define CU_KAFKA_DIRECTED(X)                                \
    X(a_bad_property_is_named)                              \
    X(a_missing_broker_is_named)                            \
    X(a_missing_topic_is_named)                             \
    X(ends_differ_while_a_transaction_is_open)              \
    X(times_and_ends_skip_what_is_open)                     \
    X(group_positions_wait_until_they_are_stable)           \
    X(an_empty_transaction_is_not_sent)                     \
    X(a_fenced_writer_says_so_at_commit)                    \
    X(a_topic_with_a_low_limit_does_not_poison)             \
    X(a_record_of_16_mb_passes_a_small_reader)              \
    X(pause_and_seek_lose_and_repeat_nothing)               \
    X(lost_history_is_an_error)                             \
    X(marks_of_an_old_generation_are_fenced)                \
    X(a_static_member_comes_back_without_rebalance)         \
    X(two_threads_share_a_group_exactly_once)               \
    X(a_broker_crash_loses_and_repeats_nothing)             \
    X(what_a_crashed_broker_forgot_is_ended)                \
    X(a_resent_end_puts_the_commit_in_doubt)                \
    X(positions_alone_in_doubt_do_not_stop_the_next_writer) \
    X(a_commit_that_does_not_settle_is_not_aborted)         \
    X(a_commit_that_does_not_settle_is_ended_by_the_next)   \
    X(a_resent_end_of_an_abort_retires_the_writer)

#define CU_DECLARE_(name) \
    void cu_kafka_directed_##name(cu_log *log, const char *prefix);
CU_KAFKA_DIRECTED(CU_DECLARE_)
#undef CU_DECLARE_

/* Another log on the same broker. */
typedef struct cu_test_opts {
    const char *brokers; /* NULL: CUPEL_TEST_BROKERS */
    int64_t deadline_ms; /* 0: as long as any wait */
    int64_t timeout_ms;  /* of sessions and transactions; 0: long */
    const cu_property *properties;
    size_t n_properties;
} cu_test_opts;
int cu_test_open(const cu_test_opts *o, cu_log **out, cu_err *err);
/* The same, again and again while nobody answers in time. */
cu_log *cu_test_open_log(const cu_test_opts *o);
/* A variable of the environment, NULL when it is not set. */
const char *cu_test_variable(const char *name);

#endif
