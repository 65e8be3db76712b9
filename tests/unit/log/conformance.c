/* Conformance of a log, first half: topics, offsets, writers. */
#include "tests/unit/log/conformance.h"
#include "tests/unit/log/tools.h"

#include "base/alloc.h"

#include <stdlib.h>

static const int64_t t0 = 1700000000000;

/* --- topics and offsets --------------------------------------------------- */

static const cu_topic_info *listed(cu_log *log, cu_arena *a, const char *name)
{
    cu_err err = {0};
    cu_topic_list list = {0};
    CU_OK_(log->vt->topic_list(log, a, &list, &err), &err);
    for (size_t i = 0; i < list.n; i++) {
        if (i > 0) /* by name */
            CU_EXPECT(strcmp(list.topics[i - 1].name, list.topics[i].name) < 0);
        if (!strcmp(list.topics[i].name, name))
            return &list.topics[i];
    }
    return NULL;
}

void cu_log_conformance_topics_are_made_listed_and_deleted(cu_log *log,
                                                           const char *prefix)
{
    cu_err err = {0};
    cu_arena *a = cu_arena_new(0);
    cu_name t = cu_test_name(prefix, "made");
    cu_topic_spec spec = {.name = t.s, .partitions = 3, .compact = true};
    CU_EXPECT(!listed(log, a, t.s));
    CU_OK_(log->vt->topic_ensure(log, &spec, &err), &err);
    CU_AWAIT(listed(log, a, t.s));
    CU_EXPECT(listed(log, a, t.s)->partitions == 3);
    CU_EXPECT(listed(log, a, t.s)->compact);
    CU_OK_(log->vt->topic_ensure(log, &spec, &err), &err); /* idempotent */
    CU_OK_(log->vt->topic_delete(log, t.s, &err), &err);
    CU_AWAIT(!listed(log, a, t.s));
    CU_EXPECT(log->vt->topic_delete(log, t.s, &err) == CU_NOT_FOUND);
    cu_arena_free(a);
}

void cu_log_conformance_a_topic_with_other_partitions_exists(cu_log *log,
                                                             const char *prefix)
{
    cu_err err = {0};
    cu_name t = cu_test_name(prefix, "exists");
    cu_topic_spec spec = {.name = t.s}; /* 0 partitions: one */
    cu_test_topic(log, t.s, 1);
    CU_OK_(log->vt->topic_ensure(log, &spec, &err), &err);
    spec.partitions = 2;
    CU_EXPECT(log->vt->topic_ensure(log, &spec, &err) == CU_EXISTS);
    CU_EXPECT(strstr(err.msg, t.s));
}

void cu_log_conformance_offsets_are_found_by_time(cu_log *log,
                                                  const char *prefix)
{
    cu_name t = cu_test_name(prefix, "times");
    cu_name id = cu_test_name(prefix, "times-writer");
    cu_test_topic(log, t.s, 1);
    CU_EXPECT(cu_test_offset(log, t.s, 0, CU_OLDEST) ==
              cu_test_offset(log, t.s, 0, CU_NEWEST));
    cu_writer *w = cu_test_writer(log, id.s);
    for (int i = 0; i < 4; i++) { /* times 0 10 20, then 5: not in order */
        cu_test_begin(w);
        cu_test_put(w, t.s, 0, "k", "v", i < 3 ? t0 + 10 * i : t0 + 5);
        cu_test_commit(w);
    }
    cu_seen seen = {0};
    cu_reader *r = cu_test_reader(log, t.s, 1, CU_OLDEST);
    cu_test_read(r, &seen, 4);
    CU_EXPECT(cu_test_offset(log, t.s, 0, t0 - 9) == seen.at[0].offset);
    CU_EXPECT(cu_test_offset(log, t.s, 0, t0) == seen.at[0].offset);
    CU_EXPECT(cu_test_offset(log, t.s, 0, t0 + 1) == seen.at[1].offset);
    CU_EXPECT(cu_test_offset(log, t.s, 0, t0 + 10) == seen.at[1].offset);
    CU_EXPECT(cu_test_offset(log, t.s, 0, t0 + 20) == seen.at[2].offset);
    CU_EXPECT(cu_test_offset(log, t.s, 0, t0 + 21) ==
              cu_test_end(log, t.s, 0, false));
    CU_EXPECT(cu_test_offset(log, t.s, 0, CU_OLDEST) == seen.at[0].offset);
    CU_EXPECT(cu_test_offset(log, t.s, 0, CU_NEWEST) > seen.at[3].offset);
    r->vt->reader_close(r);
    w->vt->writer_close(w);
}

void cu_log_conformance_deleted_records_move_the_oldest_offset(
    cu_log *log, const char *prefix)
{
    cu_err err = {0};
    cu_name t = cu_test_name(prefix, "purge");
    cu_name id = cu_test_name(prefix, "purge-writer");
    cu_test_topic(log, t.s, 1);
    cu_writer *w = cu_test_writer(log, id.s);
    cu_test_put_many(w, t.s, 0, 5);
    cu_test_put_many(w, t.s, 0, 5);
    cu_seen seen = {0}, rest = {0};
    cu_reader *r = cu_test_reader(log, t.s, 1, CU_OLDEST);
    cu_test_read(r, &seen, 10);
    r->vt->reader_close(r);

    cu_part part = {t.s, 0};
    int64_t before = seen.at[7].offset;
    CU_OK_(log->vt->delete_records(log, part, before, &err), &err);
    CU_AWAIT(cu_test_offset(log, t.s, 0, CU_OLDEST) == before);
    r = cu_test_reader(log, t.s, 1, CU_OLDEST);
    cu_test_read(r, &rest, 3);
    CU_EXPECT(rest.at[0].offset == before);
    cu_test_expect_seen(&rest, "k2=v2 k3=v3 k4=v4");
    r->vt->reader_close(r);

    int64_t end = cu_test_end(log, t.s, 0, false);
    CU_OK_(log->vt->delete_records(log, part, end, &err), &err);
    CU_AWAIT(cu_test_offset(log, t.s, 0, CU_OLDEST) == end);
    cu_test_put_many(w, t.s, 0, 1); /* L1: no offset comes again */
    CU_AWAIT(cu_test_end(log, t.s, 0, false) > end);
    CU_EXPECT(cu_test_offset(log, t.s, 0, CU_OLDEST) == end);
    w->vt->writer_close(w);
}

/* --- writers ---------------------------------------------------------------
 */

void cu_log_conformance_committed_records_are_read_in_order(cu_log *log,
                                                            const char *prefix)
{
    cu_name t = cu_test_name(prefix, "order");
    cu_name id = cu_test_name(prefix, "order-writer");
    cu_test_topic(log, t.s, 2);
    cu_writer *w = cu_test_writer(log, id.s);
    cu_seen seen = {0}, other = {0};
    cu_reader *r = cu_test_reader(log, t.s, 1, CU_OLDEST);
    int64_t last = -1;
    for (size_t round = 1; round <= 3; round++) {
        cu_test_put_many(w, t.s, 0, 500);
        cu_test_put_many(w, t.s, 1, 3);
        cu_test_read(r, &seen, 500 * round);
    }
    for (size_t i = 0; i < seen.n; i++) {
        CU_EXPECT(seen.at[i].partition == 0);
        CU_EXPECT(seen.at[i].offset > last); /* L1 */
        CU_EXPECT(atoi(seen.at[i].key + 1) == (int)(i % 500));
        CU_EXPECT(atoi(seen.at[i].value + 1) == (int)(i % 500));
        CU_EXPECT(seen.at[i].timestamp_ms == t0 + (int64_t)(i % 500));
        last = seen.at[i].offset;
    }
    r->vt->reader_close(r);
    r = cu_test_reader(log, t.s, 2, CU_OLDEST);
    cu_test_read(r, &other, 1509);
    r->vt->reader_close(r);
    w->vt->writer_close(w);
}

void cu_log_conformance_an_open_transaction_is_invisible(cu_log *log,
                                                         const char *prefix)
{
    cu_name t = cu_test_name(prefix, "open");
    cu_name id = cu_test_name(prefix, "open-writer");
    cu_test_topic(log, t.s, 2);
    cu_writer *w = cu_test_writer(log, id.s);
    cu_seen seen = {0};
    cu_reader *r = cu_test_reader(log, t.s, 2, CU_OLDEST);
    cu_test_begin(w);
    cu_test_put(w, t.s, 0, "a", "1", t0);
    cu_test_put(w, t.s, 1, "b", "2", t0);
    for (int i = 0; i < 10; i++)
        cu_test_poll(r, &seen);
    CU_EXPECT(seen.n == 0); /* L3 */
    cu_test_commit(w);
    cu_test_read(r, &seen, 2); /* L2 */
    r->vt->reader_close(r);
    w->vt->writer_close(w);
}

void cu_log_conformance_aborted_records_never_appear(cu_log *log,
                                                     const char *prefix)
{
    cu_err err = {0};
    cu_name t = cu_test_name(prefix, "abort");
    cu_name id = cu_test_name(prefix, "abort-writer");
    cu_test_topic(log, t.s, 1);
    cu_writer *w = cu_test_writer(log, id.s);
    cu_test_begin(w);
    cu_test_put(w, t.s, 0, "a", "no", t0);
    CU_OK_(w->vt->abort(w, &err), &err);
    cu_test_begin(w);
    cu_test_put(w, t.s, 0, "b", "yes", t0);
    cu_test_commit(w);
    cu_test_begin(w);
    cu_test_put(w, t.s, 0, "c", "no", t0);
    w->vt->writer_close(w); /* aborts */

    w = cu_test_writer(log, id.s);
    cu_test_begin(w);
    cu_test_put(w, t.s, 0, "d", "yes", t0);
    cu_test_commit(w);
    cu_seen seen = {0};
    cu_reader *r = cu_test_reader(log, t.s, 1, CU_OLDEST);
    cu_test_read(r, &seen, 2);
    cu_test_read_to_end(r, &seen, 1);
    cu_test_expect_seen(&seen, "b=yes d=yes");
    r->vt->reader_close(r);
    w->vt->writer_close(w);
}

static void append(cu_writer *w, const char *topic, cu_slice key,
                   cu_slice value, const cu_header *h, uint32_t n)
{
    cu_err err = {0};
    cu_record r = {.part = {topic, 0},
                   .timestamp_ms = t0,
                   .key = key,
                   .value = value,
                   .headers = h,
                   .n_headers = n};
    CU_OK_(cu_log_append(w, &r, &err), &err);
}

static bool same(const cu_record *r, cu_slice key, cu_slice value,
                 const cu_header *h, uint32_t n)
{
    bool ok = cu_slice_eq(r->key, key) && cu_slice_eq(r->value, value) &&
              r->n_headers == n;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = cu_slice_eq(r->headers[i].name, h[i].name) &&
             cu_slice_eq(r->headers[i].value, h[i].value);
    return ok;
}

void cu_log_conformance_nulls_and_headers_come_back(cu_log *log,
                                                    const char *prefix)
{
    static const cu_header two[] = {{CU_LIT("a"), CU_LIT("1\0002")},
                                    {CU_LIT("a"), CU_LIT("")}};
    static const cu_header one[] = {{CU_LIT("only"), {NULL, 0}}};
    static const struct {
        cu_slice key, value;
        const cu_header *h;
        uint32_t n;
    } cases[] = {
        {CU_LIT("k"), CU_LIT("v"), NULL, 0},
        {{NULL, 0}, CU_LIT("v"), two, 2},
        {CU_LIT("k"), {NULL, 0}, two, 2},
        {CU_LIT(""), CU_LIT(""), two, 1},
        {{NULL, 0}, {NULL, 0}, one, 1},
        {CU_LIT("\0k"), CU_LIT("\xff\xfe"), NULL, 0},
        {CU_LIT("k"), CU_LIT("v"), one, 1},
    };
    enum { N = sizeof(cases) / sizeof(*cases) };
    cu_name t = cu_test_name(prefix, "nulls");
    cu_name id = cu_test_name(prefix, "nulls-writer");
    cu_test_topic(log, t.s, 1);
    cu_writer *w = cu_test_writer(log, id.s);
    cu_test_begin(w);
    for (size_t i = 0; i < N; i++)
        append(w, t.s, cases[i].key, cases[i].value, cases[i].h, cases[i].n);
    cu_test_commit(w);

    cu_reader *r = cu_test_reader(log, t.s, 1, CU_OLDEST);
    int64_t until = cu_test_now_ms() + CU_TEST_WAIT_MS;
    size_t seen = 0;
    while (seen < N) {
        cu_err err = {0};
        cu_poll p;
        CU_EXPECT(cu_test_now_ms() < until);
        CU_OK_(cu_log_poll(r, 100, &p, &err), &err);
        for (size_t i = 0; p.kind == CU_POLL_RECORDS && i < p.n; i++, seen++)
            CU_EXPECT(same(&p.records[i], cases[seen].key, cases[seen].value,
                           cases[seen].h, cases[seen].n));
    }
    r->vt->reader_close(r);
    w->vt->writer_close(w);
}

void cu_log_conformance_a_record_above_the_limit_is_refused_alone(
    cu_log *log, const char *prefix)
{
    cu_err err = {0};
    cu_name t = cu_test_name(prefix, "limit");
    cu_name id = cu_test_name(prefix, "limit-writer");
    cu_test_topic(log, t.s, 1);
    cu_writer *w = cu_test_writer(log, id.s);
    size_t len = (16 << 20) + 1;
    char *large = cu_calloc(1, len);
    cu_record big = {.part = {t.s, 0},
                     .timestamp_ms = t0,
                     .key = CU_LIT("big"),
                     .value = cu_slice_n(large, len)};
    cu_test_begin(w);
    cu_test_put(w, t.s, 0, "a", "1", t0);
    CU_EXPECT(cu_log_append(w, &big, &err) == CU_LIMIT);
    CU_EXPECT(!(err.flags & (CU_ABORT | CU_FATAL)));
    cu_test_put(w, t.s, 0, "b", "2", t0);
    cu_test_commit(w);
    cu_free(large);
    cu_seen seen = {0};
    cu_reader *r = cu_test_reader(log, t.s, 1, CU_OLDEST);
    cu_test_read(r, &seen, 2);
    cu_test_expect_seen(&seen, "a=1 b=2");
    r->vt->reader_close(r);
    w->vt->writer_close(w);
}

void cu_log_conformance_a_record_of_5_mb_comes_back(cu_log *log,
                                                    const char *prefix)
{
    cu_name t = cu_test_name(prefix, "large");
    cu_name id = cu_test_name(prefix, "large-writer");
    cu_test_topic(log, t.s, 1);
    cu_writer *w = cu_test_writer(log, id.s);
    size_t len = 5 << 20;
    char *large = cu_calloc(1, len);
    for (size_t i = 0; i < len; i++)
        large[i] = (char)(i * 2654435761u >> 13);
    cu_test_begin(w);
    append(w, t.s, CU_LIT("before"), CU_LIT("x"), NULL, 0);
    append(w, t.s, CU_LIT("large"), cu_slice_n(large, len), NULL, 0);
    append(w, t.s, CU_LIT("after"), CU_LIT("y"), NULL, 0);
    cu_test_commit(w);

    cu_reader *r = cu_test_reader(log, t.s, 1, CU_OLDEST);
    int64_t until = cu_test_now_ms() + CU_TEST_WAIT_MS;
    size_t n = 0, found = 0;
    while (n < 3) {
        cu_err err = {0};
        cu_poll p;
        CU_EXPECT(cu_test_now_ms() < until);
        CU_OK_(cu_log_poll(r, 100, &p, &err), &err);
        for (size_t i = 0; p.kind == CU_POLL_RECORDS && i < p.n; i++, n++)
            found += cu_slice_is(p.records[i].key, "large") &&
                     cu_slice_eq(p.records[i].value, cu_slice_n(large, len));
    }
    CU_EXPECT(found == 1);
    cu_free(large);
    r->vt->reader_close(r);
    w->vt->writer_close(w);
}

void cu_log_conformance_an_empty_transaction_commits(cu_log *log,
                                                     const char *prefix)
{
    cu_err err = {0};
    cu_name t = cu_test_name(prefix, "empty");
    cu_name id = cu_test_name(prefix, "empty-writer");
    cu_test_topic(log, t.s, 1);
    cu_writer *w = cu_test_writer(log, id.s);
    cu_arena *a = cu_arena_new(0);
    cu_positions ends = {.n = 7};
    cu_test_begin(w);
    CU_OK_(w->vt->commit(w, CU_TEST_WAIT_MS, a, &ends, &err), &err);
    CU_EXPECT(ends.n == 0);
    cu_test_begin(w);
    CU_OK_(w->vt->abort(w, &err), &err);
    cu_test_put_many(w, t.s, 0, 1);
    cu_seen seen = {0};
    cu_reader *r = cu_test_reader(log, t.s, 1, CU_OLDEST);
    cu_test_read(r, &seen, 1);
    r->vt->reader_close(r);
    w->vt->writer_close(w);
    cu_arena_free(a);
}

void cu_log_conformance_a_newer_writer_fences_the_older(cu_log *log,
                                                        const char *prefix)
{
    cu_err err = {0};
    cu_name t = cu_test_name(prefix, "fence");
    cu_name id = cu_test_name(prefix, "fence-writer");
    cu_test_topic(log, t.s, 1);
    cu_writer *old = cu_test_writer(log, id.s);
    cu_test_put_many(old, t.s, 0, 1);
    cu_test_begin(old);
    cu_test_put(old, t.s, 0, "zombie", "no", t0);
    cu_writer *w = cu_test_writer(log, id.s); /* L4 */
    cu_test_begin(w);
    cu_test_put(w, t.s, 0, "new", "yes", t0);
    cu_test_commit(w);

    cu_arena *a = cu_arena_new(0);
    CU_EXPECT(old->vt->commit(old, CU_TEST_WAIT_MS, a, NULL, &err) ==
              CU_FENCED);
    CU_EXPECT(err.flags & CU_FATAL);
    old->vt->writer_close(old);
    cu_seen seen = {0};
    cu_reader *r = cu_test_reader(log, t.s, 1, CU_OLDEST);
    cu_test_read(r, &seen, 2);
    cu_test_read_to_end(r, &seen, 1);
    cu_test_expect_seen(&seen, "k0=v0 new=yes");
    r->vt->reader_close(r);
    w->vt->writer_close(w);
    cu_arena_free(a);
}

void cu_log_conformance_fencing_ends_an_open_transaction(cu_log *log,
                                                         const char *prefix)
{
    cu_err err = {0};
    cu_name t = cu_test_name(prefix, "fence2");
    cu_name id = cu_test_name(prefix, "fence2-writer");
    cu_name id2 = cu_test_name(prefix, "fence2-other");
    cu_test_topic(log, t.s, 1);
    cu_writer *old = cu_test_writer(log, id.s);
    cu_writer *w = cu_test_writer(log, id2.s);
    cu_test_begin(old);
    cu_test_put(old, t.s, 0, "zombie", "no", t0);
    cu_test_put_many(w, t.s, 0, 2);
    CU_OK_(log->vt->fence(log, id.s, &err), &err);
    cu_seen seen = {0}; /* not held back by the older transaction */
    cu_reader *r = cu_test_reader(log, t.s, 1, CU_OLDEST);
    cu_test_read(r, &seen, 2);
    cu_arena *a = cu_arena_new(0);
    CU_EXPECT(old->vt->commit(old, CU_TEST_WAIT_MS, a, NULL, &err) ==
              CU_FENCED);
    cu_test_read_to_end(r, &seen, 1);
    cu_test_expect_seen(&seen, "k0=v0 k1=v1");
    r->vt->reader_close(r);
    old->vt->writer_close(old);
    w->vt->writer_close(w);
    cu_arena_free(a);
}

void cu_log_conformance_commit_tells_where_partitions_end(cu_log *log,
                                                          const char *prefix)
{
    cu_err err = {0};
    cu_name t = cu_test_name(prefix, "ends");
    cu_name id = cu_test_name(prefix, "ends-writer");
    cu_test_topic(log, t.s, 3);
    cu_writer *w = cu_test_writer(log, id.s);
    cu_arena *a = cu_arena_new(0);
    cu_test_put_many(w, t.s, 2, 5);
    for (int round = 0; round < 2; round++) {
        cu_positions ends = {0};
        bool had[3] = {false, false, false};
        cu_test_begin(w);
        cu_test_put(w, t.s, 2, "a", "1", t0);
        cu_test_put(w, t.s, 0, "b", "2", t0);
        CU_OK_(w->vt->commit(w, CU_TEST_WAIT_MS, a, &ends, &err), &err);
        CU_EXPECT(ends.n == 2);
        for (size_t i = 0; i < ends.n; i++) {
            int32_t n = ends.at[i].part.partition;
            int64_t next = ends.at[i].next;
            CU_EXPECT(!strcmp(ends.at[i].part.topic, t.s));
            CU_EXPECT((n == 0 || n == 2) && !had[n]);
            had[n] = true;
            CU_AWAIT(cu_test_end(log, t.s, n, false) >= next);
            cu_seen seen = {0};
            cu_reader *r = cu_test_reader(log, t.s, 3, CU_OLDEST);
            cu_test_read(r, &seen, 5 + 2 * ((size_t)round + 1));
            for (size_t k = 0; k < seen.n; k++) /* all lie before it */
                CU_EXPECT(seen.at[k].partition != n ||
                          seen.at[k].offset < next);
            r->vt->reader_close(r);
        }
    }
    w->vt->writer_close(w);
    cu_arena_free(a);
}

void cu_log_conformance_both_ends_agree_after_commit(cu_log *log,
                                                     const char *prefix)
{
    cu_name t = cu_test_name(prefix, "two-ends");
    cu_name id = cu_test_name(prefix, "two-ends-writer");
    cu_test_topic(log, t.s, 1);
    cu_writer *w = cu_test_writer(log, id.s);
    cu_test_put_many(w, t.s, 0, 2);
    CU_AWAIT(cu_test_end(log, t.s, 0, false) >= 2);
    int64_t end = cu_test_end(log, t.s, 0, false);
    cu_test_begin(w);
    cu_test_put(w, t.s, 0, "a", "1", t0);
    CU_EXPECT(cu_test_end(log, t.s, 0, true) >= end);
    CU_EXPECT(cu_test_end(log, t.s, 0, false) == end); /* L3 */
    cu_test_commit(w);
    CU_AWAIT(cu_test_end(log, t.s, 0, false) > end);
    CU_AWAIT(cu_test_end(log, t.s, 0, false) == cu_test_end(log, t.s, 0, true));
    w->vt->writer_close(w);
}
