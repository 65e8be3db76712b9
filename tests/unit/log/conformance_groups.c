/* Conformance of a log, second half: readers by hand and in groups. */
#include "tests/unit/log/conformance.h"
#include "tests/unit/log/tools.h"

#include <stdio.h>
#include <stdlib.h>

static const int64_t t0 = 1700000000000;

/* --- readers by hand --------------------------------------------------------
 */

void cu_log_conformance_a_reader_starts_at_positions(cu_log *log,
                                                     const char *prefix)
{
    cu_err err = {0};
    cu_name t = cu_test_name(prefix, "positions");
    cu_name id = cu_test_name(prefix, "positions-writer");
    cu_test_topic(log, t.s, 3);
    cu_writer *w = cu_test_writer(log, id.s);
    for (int32_t i = 0; i < 3; i++)
        cu_test_put_many(w, t.s, i, 4);
    cu_seen all = {0}, seen = {0};
    cu_reader *r = cu_test_reader(log, t.s, 3, CU_OLDEST);
    cu_test_read(r, &all, 12);
    cu_test_read_to_end(r, &all, 1);
    r->vt->reader_close(r);
    int64_t third = -1; /* of partition 1 */
    for (size_t i = 0; i < all.n; i++) {
        if (all.at[i].partition == 1 && !strcmp(all.at[i].key, "k2"))
            third = all.at[i].offset;
    }
    cu_position at[] = {{{t.s, 0}, CU_NEWEST}, {{t.s, 1}, third}};
    cu_reader_opts o = {.parts = at, .n_parts = 2};
    CU_OK_(log->vt->reader_open(log, &o, &r, &err), &err);
    cu_test_read_to_end(r, &seen, 2);
    cu_test_expect_seen(&seen, "k2=v2 k3=v3");
    CU_EXPECT(seen.at[0].offset == third);
    cu_test_put_many(w, t.s, 0, 1);
    cu_test_put_many(w, t.s, 2, 1); /* not read */
    cu_test_read(r, &seen, 3);
    CU_EXPECT(seen.at[2].partition == 0);
    cu_test_read_to_end(r, &seen, 1);
    CU_EXPECT(seen.n == 3);
    r->vt->reader_close(r);
    w->vt->writer_close(w);
}

void cu_log_conformance_seek_reads_again(cu_log *log, const char *prefix)
{
    cu_err err = {0};
    cu_name t = cu_test_name(prefix, "seek");
    cu_name id = cu_test_name(prefix, "seek-writer");
    cu_test_topic(log, t.s, 1);
    cu_part part = {t.s, 0};
    cu_writer *w = cu_test_writer(log, id.s);
    cu_test_put_many(w, t.s, 0, 3);
    cu_test_put_many(w, t.s, 0, 3);
    cu_seen seen = {0};
    cu_reader *r = cu_test_reader(log, t.s, 1, CU_OLDEST);
    cu_test_read(r, &seen, 6);
    CU_OK_(r->vt->reader_seek(r, part, seen.at[1].offset, &err), &err);
    cu_test_read(r, &seen, 11);
    cu_test_expect_seen(&seen, "k0=v0 k1=v1 k2=v2 k0=v0 k1=v1 k2=v2 "
                               "k1=v1 k2=v2 k0=v0 k1=v1 k2=v2");
    CU_EXPECT(seen.at[6].offset == seen.at[1].offset);
    seen.n = 0;
    CU_OK_(r->vt->reader_seek(r, part, CU_OLDEST, &err), &err);
    cu_test_read(r, &seen, 6);
    CU_OK_(r->vt->reader_seek(r, part, CU_NEWEST, &err), &err);
    cu_test_read_to_end(r, &seen, 1);
    CU_EXPECT(seen.n == 6);
    CU_EXPECT(r->vt->reader_seek(r, (cu_part){t.s, 1}, 0, &err) != 0);
    r->vt->reader_close(r);
    w->vt->writer_close(w);
}

void cu_log_conformance_a_paused_partition_is_silent(cu_log *log,
                                                     const char *prefix)
{
    cu_err err = {0};
    cu_name t = cu_test_name(prefix, "pause");
    cu_name id = cu_test_name(prefix, "pause-writer");
    cu_test_topic(log, t.s, 2);
    cu_part quiet = {t.s, 0};
    cu_writer *w = cu_test_writer(log, id.s);
    cu_test_put_many(w, t.s, 0, 2);
    cu_test_put_many(w, t.s, 1, 2);
    cu_seen seen = {0};
    cu_reader *r = cu_test_reader(log, t.s, 2, CU_OLDEST);
    cu_test_read(r, &seen, 4);
    CU_OK_(r->vt->reader_pause(r, quiet, true, &err), &err);
    cu_test_put_many(w, t.s, 0, 2);
    cu_test_put_many(w, t.s, 1, 3);
    cu_test_read(r, &seen, 7);
    for (int i = 0; i < 5; i++)
        cu_test_poll(r, &seen);
    CU_EXPECT(seen.n == 7);
    for (size_t i = 4; i < 7; i++)
        CU_EXPECT(seen.at[i].partition == 1);
    CU_OK_(r->vt->reader_pause(r, quiet, false, &err), &err);
    cu_test_read(r, &seen, 9); /* goes on where it was */
    CU_EXPECT(seen.at[7].partition == 0 && !strcmp(seen.at[7].key, "k0"));
    r->vt->reader_close(r);
    w->vt->writer_close(w);
}

void cu_log_conformance_the_end_is_told_with_its_position(cu_log *log,
                                                          const char *prefix)
{
    cu_err err = {0};
    cu_name t = cu_test_name(prefix, "end");
    cu_name id = cu_test_name(prefix, "end-writer");
    cu_test_topic(log, t.s, 1);
    cu_writer *w = cu_test_writer(log, id.s);
    cu_seen seen = {0};
    cu_reader *r = cu_test_reader(log, t.s, 1, CU_OLDEST);
    cu_test_read_to_end(r, &seen, 1); /* of an empty partition */
    CU_EXPECT(seen.n == 0);
    CU_EXPECT(seen.last_end == cu_test_end(log, t.s, 0, false));
    for (size_t round = 1; round <= 3; round++) {
        cu_test_put_many(w, t.s, 0, 2);
        cu_test_read(r, &seen, 2 * round);
        /* Behind the last record, control records counted. */
        CU_AWAIT((cu_test_poll(r, &seen),
                  seen.last_end > seen.at[seen.n - 1].offset));
        CU_AWAIT((cu_test_poll(r, &seen),
                  seen.last_end == cu_test_end(log, t.s, 0, true)));
    }
    CU_OK_(r->vt->reader_seek(r, (cu_part){t.s, 0}, seen.at[5].offset, &err),
           &err);
    cu_test_read(r, &seen, 7);
    cu_test_read_to_end(r, &seen, 1); /* told again after a seek */
    r->vt->reader_close(r);
    w->vt->writer_close(w);
}

/* --- groups
 * ------------------------------------------------------------------- */

/* A group reader with what it owns: bit = topic * 4 + partition. */
typedef struct member {
    cu_reader *r;
    const char *topics[2];
    unsigned owns;
    int n_assigned, n_revoked;
    cu_seen seen;
} member;

static void join(cu_log *log, member *m, const char *group, const char *t,
                 const char *t2)
{
    cu_err err = {0};
    *m = (member){.topics = {t, t2}};
    cu_reader_opts o = {
        .group = group, .topics = m->topics, .n_topics = t2 ? 2 : 1};
    CU_OK_(log->vt->reader_open(log, &o, &m->r, &err), &err);
}

static unsigned bits(const member *m, const cu_poll *p)
{
    unsigned all = 0;
    for (size_t i = 0; i < p->n_parts; i++) {
        unsigned t = strcmp(p->parts[i].topic, m->topics[0]) ? 1 : 0;
        CU_EXPECT(!strcmp(p->parts[i].topic, m->topics[t]));
        CU_EXPECT(p->parts[i].partition < 4);
        all |= 1u << (t * 4 + (unsigned)p->parts[i].partition);
    }
    return all;
}

/* One poll; keeps `owns` right. */
static void step(member *m)
{
    cu_err err = {0};
    cu_poll p;
    CU_OK_(cu_log_poll(m->r, 50, &p, &err), &err);
    switch (p.kind) {
    case CU_POLL_ASSIGNED:
        CU_EXPECT((m->owns & bits(m, &p)) == 0);
        m->owns |= bits(m, &p);
        m->n_assigned++;
        break;
    case CU_POLL_REVOKED:
        CU_EXPECT((m->owns & bits(m, &p)) == bits(m, &p));
        m->owns &= ~bits(m, &p);
        m->n_revoked++;
        break;
    case CU_POLL_RECORDS:
        for (size_t i = 0; i < p.n; i++) {
            cu_seen_record *s = &m->seen.at[m->seen.n++];
            s->partition = p.records[i].part.partition;
            s->offset = p.records[i].offset;
            snprintf(s->key, sizeof(s->key), "%.*s", (int)p.records[i].key.len,
                     p.records[i].key.data);
            snprintf(s->value, sizeof(s->value), "%.*s",
                     (int)p.records[i].value.len, p.records[i].value.data);
        }
        break;
    case CU_POLL_END:
    case CU_POLL_IDLE:
        break;
    }
}

static void go(member *m, const char *topic, int32_t partition, int64_t from)
{
    cu_err err = {0};
    cu_part part = {topic, partition};
    CU_OK_(m->r->vt->reader_seek(m->r, part, from, &err), &err);
    CU_OK_(m->r->vt->reader_pause(m->r, part, false, &err), &err);
}

static void mark(cu_writer *w, member *m, const char *topic, int32_t partition,
                 int64_t next)
{
    cu_err err = {0};
    CU_OK_(w->vt->mark(w, m->r, (cu_part){topic, partition}, next, &err), &err);
}

void cu_log_conformance_an_assignment_is_paused_until_resumed(
    cu_log *log, const char *prefix)
{
    cu_name t = cu_test_name(prefix, "assign");
    cu_name g = cu_test_name(prefix, "assign-group");
    cu_name id = cu_test_name(prefix, "assign-writer");
    cu_test_topic(log, t.s, 4);
    cu_writer *w = cu_test_writer(log, id.s);
    for (int32_t i = 0; i < 4; i++)
        cu_test_put_many(w, t.s, i, 2);
    member m;
    join(log, &m, g.s, t.s, NULL);
    CU_AWAIT((step(&m), m.owns == 15));
    for (int i = 0; i < 10; i++)
        step(&m);
    CU_EXPECT(m.seen.n == 0);
    CU_EXPECT(m.n_assigned == 1 && m.n_revoked == 0);
    go(&m, t.s, 2, CU_OLDEST);
    CU_AWAIT((step(&m), m.seen.n >= 2));
    for (int i = 0; i < 5; i++)
        step(&m);
    CU_EXPECT(m.seen.n == 2);
    CU_EXPECT(m.seen.at[0].partition == 2 && m.seen.at[1].partition == 2);
    for (int32_t i = 0; i < 4; i++)
        if (i != 2)
            go(&m, t.s, i, CU_OLDEST);
    CU_AWAIT((step(&m), m.seen.n >= 8));
    CU_EXPECT(m.seen.n == 8);
    m.r->vt->reader_close(m.r);
    w->vt->writer_close(w);
}

void cu_log_conformance_marks_are_committed_with_records(cu_log *log,
                                                         const char *prefix)
{
    cu_err err = {0};
    cu_name in = cu_test_name(prefix, "mark-in");
    cu_name out = cu_test_name(prefix, "mark-out");
    cu_name g = cu_test_name(prefix, "mark-group");
    cu_name id = cu_test_name(prefix, "mark-writer");
    cu_test_topic(log, in.s, 2);
    cu_test_topic(log, out.s, 1);
    cu_writer *w = cu_test_writer(log, id.s);
    cu_test_put_many(w, in.s, 0, 6);
    CU_EXPECT(cu_test_committed(log, g.s, in.s, 0) == CU_NO_OFFSET);
    member m;
    join(log, &m, g.s, in.s, NULL);
    CU_AWAIT((step(&m), m.owns == 3));
    go(&m, in.s, 0, CU_OLDEST);
    CU_AWAIT((step(&m), m.seen.n == 6));

    cu_test_begin(w);
    cu_test_put(w, out.s, 0, "sum", "6", t0);
    mark(w, &m, in.s, 0, m.seen.at[2].offset + 1);
    mark(w, &m, in.s, 0, m.seen.at[5].offset + 1); /* the later one counts */
    CU_EXPECT(cu_test_committed(log, g.s, in.s, 0) == CU_NO_OFFSET);
    cu_test_commit(w); /* L2 */
    CU_AWAIT(cu_test_committed(log, g.s, in.s, 0) == m.seen.at[5].offset + 1);
    CU_EXPECT(cu_test_committed(log, g.s, in.s, 1) == CU_NO_OFFSET);
    cu_seen seen = {0};
    cu_reader *r = cu_test_reader(log, out.s, 1, CU_OLDEST);
    cu_test_read(r, &seen, 1);
    r->vt->reader_close(r);

    cu_test_begin(w); /* marks alone make a transaction too */
    mark(w, &m, in.s, 1, 0);
    cu_test_commit(w);
    CU_AWAIT(cu_test_committed(log, g.s, in.s, 1) == 0);
    r = cu_test_reader(log, in.s, 1, CU_OLDEST);
    cu_test_begin(w); /* a reader without a group has no positions */
    CU_EXPECT(w->vt->mark(w, r, (cu_part){in.s, 0}, 1, &err) == CU_USAGE);
    CU_OK_(w->vt->abort(w, &err), &err);
    r->vt->reader_close(r);
    m.r->vt->reader_close(m.r);
    w->vt->writer_close(w);
}

void cu_log_conformance_aborted_marks_are_forgotten(cu_log *log,
                                                    const char *prefix)
{
    cu_err err = {0};
    cu_name in = cu_test_name(prefix, "unmark-in");
    cu_name g = cu_test_name(prefix, "unmark-group");
    cu_name id = cu_test_name(prefix, "unmark-writer");
    cu_test_topic(log, in.s, 1);
    cu_writer *w = cu_test_writer(log, id.s);
    cu_test_put_many(w, in.s, 0, 3);
    member m;
    join(log, &m, g.s, in.s, NULL);
    CU_AWAIT((step(&m), m.owns == 1));
    cu_test_begin(w);
    mark(w, &m, in.s, 0, 1);
    cu_test_commit(w);
    CU_AWAIT(cu_test_committed(log, g.s, in.s, 0) == 1);
    cu_test_begin(w);
    cu_test_put(w, in.s, 0, "x", "no", t0);
    mark(w, &m, in.s, 0, 2);
    CU_OK_(w->vt->abort(w, &err), &err);
    CU_EXPECT(cu_test_committed(log, g.s, in.s, 0) == 1);
    cu_test_put_many(w, in.s, 0, 1); /* carries no old mark */
    CU_AWAIT(cu_test_end(log, in.s, 0, false) >= 4);
    CU_EXPECT(cu_test_committed(log, g.s, in.s, 0) == 1);
    m.r->vt->reader_close(m.r);
    w->vt->writer_close(w);
}

void cu_log_conformance_two_groups_do_not_meet(cu_log *log, const char *prefix)
{
    cu_name t = cu_test_name(prefix, "groups");
    cu_name g[2] = {cu_test_name(prefix, "groups-a"),
                    cu_test_name(prefix, "groups-b")};
    cu_name id = cu_test_name(prefix, "groups-writer");
    cu_test_topic(log, t.s, 2);
    cu_writer *w = cu_test_writer(log, id.s);
    cu_test_put_many(w, t.s, 0, 3);
    cu_test_put_many(w, t.s, 1, 3);
    member m[2];
    for (int i = 0; i < 2; i++)
        join(log, &m[i], g[i].s, t.s, NULL);
    for (int i = 0; i < 2; i++) {
        CU_AWAIT((step(&m[i]), m[i].owns == 3));
        go(&m[i], t.s, 0, CU_OLDEST);
        go(&m[i], t.s, 1, CU_OLDEST);
        CU_AWAIT((step(&m[i]), m[i].seen.n >= 6));
        CU_EXPECT(m[i].seen.n == 6);
    }
    cu_test_begin(w);
    mark(w, &m[0], t.s, 0, 2);
    cu_test_commit(w);
    CU_AWAIT(cu_test_committed(log, g[0].s, t.s, 0) == 2);
    CU_EXPECT(cu_test_committed(log, g[1].s, t.s, 0) == CU_NO_OFFSET);
    for (int i = 0; i < 2; i++) {
        CU_EXPECT(m[i].n_assigned == 1 && m[i].n_revoked == 0);
        m[i].r->vt->reader_close(m[i].r);
    }
    w->vt->writer_close(w);
}

/* Both own a half, the same numbers of both topics. */
static bool shared(const member *a, const member *b)
{
    return (a->owns & b->owns) == 0 && (a->owns | b->owns) == 0xff &&
           (a->owns & 15) == a->owns >> 4 && (b->owns & 15) == b->owns >> 4 &&
           ((a->owns & 15) == 3 || (a->owns & 15) == 12);
}

static bool step_all(member *m, size_t n)
{
    unsigned owned = 0;
    for (size_t i = 0; i < n; i++) {
        step(&m[i]);
        CU_EXPECT((owned & m[i].owns) == 0); /* never two owners */
        owned |= m[i].owns;
    }
    return true;
}

void cu_log_conformance_readers_of_a_group_share_by_range(cu_log *log,
                                                          const char *prefix)
{
    cu_name t = cu_test_name(prefix, "share-a");
    cu_name t2 = cu_test_name(prefix, "share-b");
    cu_name g = cu_test_name(prefix, "share-group");
    cu_name id = cu_test_name(prefix, "share-writer");
    cu_test_topic(log, t.s, 4);
    cu_test_topic(log, t2.s, 4);
    cu_writer *w = cu_test_writer(log, id.s);
    member *m = calloc(2, sizeof(*m));
    join(log, &m[0], g.s, t.s, t2.s);
    CU_AWAIT((step(&m[0]), m[0].owns == 0xff));
    join(log, &m[1], g.s, t.s, t2.s);
    CU_AWAIT(step_all(m, 2) && shared(&m[0], &m[1]));
    CU_EXPECT(m[0].n_revoked >= 1);

    int32_t mine = m[0].owns & 1 ? 0 : 3; /* a partition of the first */
    int32_t other = 3 - mine;
    cu_test_put_many(w, t.s, mine, 2);
    cu_test_put_many(w, t.s, other, 3);
    go(&m[0], t.s, mine, CU_OLDEST);
    go(&m[1], t.s, other, CU_OLDEST);
    CU_AWAIT(step_all(m, 2) && m[0].seen.n >= 2 && m[1].seen.n >= 3);
    CU_EXPECT(m[0].seen.n == 2 && m[1].seen.n == 3);
    cu_test_begin(w);
    mark(w, &m[1], t.s, other, m[1].seen.at[2].offset + 1);
    cu_test_commit(w);

    int revoked = m[0].n_revoked;
    int64_t next = m[1].seen.at[2].offset + 1;
    m[1].r->vt->reader_close(m[1].r);
    CU_AWAIT((step(&m[0]), m[0].owns == 0xff && m[0].n_revoked > revoked));
    CU_AWAIT(cu_test_committed(log, g.s, t.s, other) == next);
    cu_test_put_many(w, t.s, other, 1);
    go(&m[0], t.s, other, next);
    CU_AWAIT((step(&m[0]), m[0].seen.n >= 3));
    CU_EXPECT(m[0].seen.at[2].offset >= next);
    m[0].r->vt->reader_close(m[0].r);
    w->vt->writer_close(w);
    free(m);
}

void cu_log_conformance_positions_are_listed_and_altered(cu_log *log,
                                                         const char *prefix)
{
    cu_err err = {0};
    cu_name t = cu_test_name(prefix, "alter-a");
    cu_name t2 = cu_test_name(prefix, "alter-b");
    cu_name g = cu_test_name(prefix, "alter-group");
    cu_test_topic(log, t.s, 2);
    cu_test_topic(log, t2.s, 1);
    cu_arena *a = cu_arena_new(0);
    cu_positions list = {.n = 9};
    CU_OK_(log->vt->group_positions(log, g.s, a, &list, &err), &err);
    CU_EXPECT(list.n == 0);
    cu_position at[] = {{{t2.s, 0}, 7}, {{t.s, 1}, 5}, {{t.s, 0}, 3}};
    cu_positions to = {at, 3};
    CU_AWAIT(log->vt->group_alter(log, g.s, &to, &err) == 0);
    CU_AWAIT((log->vt->group_positions(log, g.s, a, &list, &err), list.n == 3));
    CU_EXPECT(cu_part_eq(list.at[0].part, (cu_part){t.s, 0})); /* in order */
    CU_EXPECT(list.at[0].next == 3);
    CU_EXPECT(cu_part_eq(list.at[1].part, (cu_part){t.s, 1}));
    CU_EXPECT(list.at[1].next == 5);
    CU_EXPECT(cu_part_eq(list.at[2].part, (cu_part){t2.s, 0}));
    CU_EXPECT(list.at[2].next == 7);
    CU_EXPECT(cu_test_committed(log, g.s, t.s, 1) == 5);

    member m;
    join(log, &m, g.s, t.s, NULL);
    CU_AWAIT((step(&m), m.owns == 3));
    CU_EXPECT(log->vt->group_alter(log, g.s, &to, &err) != 0);
    m.r->vt->reader_close(m.r);
    at[2].next = 1;
    CU_AWAIT(log->vt->group_alter(log, g.s, &to, &err) == 0);
    CU_AWAIT(cu_test_committed(log, g.s, t.s, 0) == 1);
    cu_arena_free(a);
}
