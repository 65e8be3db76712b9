/* What every transport of the log must do, as plain functions.
 *
 * Each case makes topics, groups and transaction ids under `prefix` only, so
 * that it runs on a shared broker.  It waits until a deadline (poll, never
 * sleep and hope) and ends the process with a message when the log breaks
 * its contract, so that it serves test programs of any kind:
 *
 *     #define CASE(name) \
 *         Test(local, name) { cu_log_conformance_##name(log, "p1"); }
 *     CU_LOG_CONFORMANCE(CASE)
 */
#ifndef CU_TESTS_LOG_CONFORMANCE_H
#define CU_TESTS_LOG_CONFORMANCE_H

#include "log/log.h"

#define CU_LOG_CONFORMANCE_TOPICS(X)        \
    X(topics_are_made_listed_and_deleted)   \
    X(a_topic_with_other_partitions_exists) \
    X(offsets_are_found_by_time)            \
    X(deleted_records_move_the_oldest_offset)

#define CU_LOG_CONFORMANCE_WRITERS(X)            \
    X(committed_records_are_read_in_order)       \
    X(an_open_transaction_is_invisible)          \
    X(aborted_records_never_appear)              \
    X(nulls_and_headers_come_back)               \
    X(a_record_above_the_limit_is_refused_alone) \
    X(a_record_of_5_mb_comes_back)               \
    X(an_empty_transaction_commits)              \
    X(a_newer_writer_fences_the_older)           \
    X(fencing_ends_an_open_transaction)          \
    X(commit_tells_where_partitions_end)         \
    X(both_ends_agree_after_commit)

#define CU_LOG_CONFORMANCE_READERS(X) \
    X(a_reader_starts_at_positions)   \
    X(seek_reads_again)               \
    X(a_paused_partition_is_silent)   \
    X(the_end_is_told_with_its_position)

#define CU_LOG_CONFORMANCE_GROUPS(X)         \
    X(an_assignment_is_paused_until_resumed) \
    X(marks_are_committed_with_records)      \
    X(aborted_marks_are_forgotten)           \
    X(two_groups_do_not_meet)                \
    X(readers_of_a_group_share_by_range)     \
    X(positions_are_listed_and_altered)

#define CU_LOG_CONFORMANCE(X)     \
    CU_LOG_CONFORMANCE_TOPICS(X)  \
    CU_LOG_CONFORMANCE_WRITERS(X) \
    CU_LOG_CONFORMANCE_READERS(X) \
    CU_LOG_CONFORMANCE_GROUPS(X)

#define CU_DECLARE_(name) \
    void cu_log_conformance_##name(cu_log *log, const char *prefix);
CU_LOG_CONFORMANCE(CU_DECLARE_)
#undef CU_DECLARE_

#endif
