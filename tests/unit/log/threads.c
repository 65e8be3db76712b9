/* Many threads on one log.
 *
 *     2 producers --> in (4 partitions) --> workers of one group --> out
 *
 * Workers copy each record with its position in one transaction while
 * others join and leave, so `out` must equal `in`, partition by partition
 * and in order.  Meanwhile one thread does the housekeeping, makes and
 * deletes topics, and asks for ends and positions. */
#include "tests/unit/log/threads.h"

#include "tests/unit/log/tools.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARTS = 4, PRODUCERS = 2, WORKERS = 3 };

typedef struct world {
    cu_log *log;
    int n_txns;
    atomic_int n_producing;
    atomic_bool done;
} world;

typedef struct actor {
    world *w;
    int n;
    pthread_t thread;
} actor;

static void *produce(void *arg)
{
    actor *a = arg;
    char id[32], value[32];
    snprintf(id, sizeof(id), "producer-%d", a->n);
    cu_writer *w = cu_test_writer(a->w->log, id);
    for (int i = 0; i < a->w->n_txns; i++) {
        cu_test_begin(w);
        for (int k = 0; k < 5; k++) {
            snprintf(value, sizeof(value), "%d-%d-%d", a->n, i, k);
            cu_test_put(w, "in", (i + k) % PARTS, "k", value, i);
        }
        cu_test_commit(w);
    }
    w->vt->writer_close(w);
    atomic_fetch_sub(&a->w->n_producing, 1);
    return NULL;
}

/* Takes up every partition where the group left it. */
static void start(world *w, cu_reader *r, const cu_poll *p)
{
    cu_err err = {0};
    for (size_t i = 0; i < p->n_parts; i++) {
        cu_part part = p->parts[i];
        int64_t at = cu_test_committed(w->log, "copy", part.topic,
                                       part.partition);
        CU_OK_(r->vt->reader_seek(r, part, at == CU_NO_OFFSET ? CU_OLDEST : at,
                                  &err),
               &err);
        CU_OK_(r->vt->reader_pause(r, part, false, &err), &err);
    }
}

static void copy(cu_reader *r, cu_writer *w, const cu_poll *p)
{
    cu_err err = {0};
    cu_test_begin(w);
    for (size_t i = 0; i < p->n; i++) {
        cu_record out = p->records[i];
        out.part.topic = "out";
        CU_OK_(cu_log_append(w, &out, &err), &err);
    }
    int rc = w->vt->mark(w, r, p->part, p->next, &err);
    if (!rc)
        rc = w->vt->commit(w, 1000, NULL, NULL, &err);
    CU_EXPECT(rc == 0 || rc == CU_FENCED);
    if (rc)
        CU_OK_(w->vt->abort(w, &err), &err);
}

static void *work(void *arg)
{
    actor *a = arg;
    world *wo = a->w;
    const char *topic = "in";
    char id[32];
    snprintf(id, sizeof(id), "worker-%d", a->n);
    cu_writer *w = cu_test_writer(wo->log, id);
    cu_reader_opts o = {.group = "copy", .topics = &topic, .n_topics = 1};
    while (!atomic_load(&wo->done)) {
        cu_err err = {0};
        cu_reader *r;
        CU_OK_(wo->log->vt->reader_open(wo->log, &o, &r, &err), &err);
        /* The first stays, the others come and go. */
        for (int i = 0; i < 20 + 15 * a->n || a->n == 0; i++) {
            cu_poll p;
            if (atomic_load(&wo->done))
                break;
            CU_OK_(cu_log_poll(r, 10, &p, &err), &err);
            if (p.kind == CU_POLL_ASSIGNED)
                start(wo, r, &p);
            else if (p.kind == CU_POLL_RECORDS)
                copy(r, w, &p);
        }
        r->vt->reader_close(r);
        cu_test_nap();
    }
    w->vt->writer_close(w);
    return NULL;
}

static void *keep_house(void *arg)
{
    actor *a = arg;
    cu_log *log = a->w->log;
    while (!atomic_load(&a->w->done)) {
        cu_err err = {0};
        cu_arena *arena = cu_arena_new(0);
        cu_positions list;
        cu_test_topic(log, "fleeting", 2);
        CU_OK_(log->vt->group_positions(log, "copy", arena, &list, &err), &err);
        CU_OK_(log->vt->fence(log, "nobody", &err), &err);
        cu_test_offset(log, "out", 0, 3);
        CU_OK_(log->vt->topic_delete(log, "fleeting", &err), &err);
        CU_OK_(log->vt->maintain(log, &err), &err);
        cu_arena_free(arena);
    }
    return NULL;
}

static cu_buf content(cu_log *log, const char *topic, int32_t partition)
{
    cu_buf all = {0};
    cu_err err = {0};
    cu_position at = {{topic, partition}, CU_OLDEST};
    cu_reader_opts o = {.parts = &at, .n_parts = 1};
    cu_reader *r;
    cu_poll p = {0};
    CU_OK_(log->vt->reader_open(log, &o, &r, &err), &err);
    while (p.kind != CU_POLL_END) {
        CU_OK_(cu_log_poll(r, 1000, &p, &err), &err);
        for (size_t i = 0; p.kind == CU_POLL_RECORDS && i < p.n; i++) {
            cu_buf_put_slice(&all, p.records[i].value);
            cu_buf_put_u8(&all, '\n');
        }
    }
    r->vt->reader_close(r);
    return all;
}

static bool all_copied(world *w)
{
    int64_t in = 0, out = 0;
    for (int32_t i = 0; i < PARTS; i++) {
        in += cu_test_end(w->log, "in", i, false);
        out += cu_test_end(w->log, "out", i, false);
    }
    return atomic_load(&w->n_producing) == 0 && out >= in;
}

void cu_test_threads(cu_log *log, int n_txns)
{
    world w = {.log = log, .n_txns = n_txns, .n_producing = PRODUCERS};
    actor all[PRODUCERS + WORKERS + 1];
    void *(*const roles[])(void *) = {produce, produce, work,
                                      work,    work,    keep_house};
    cu_test_topic(log, "in", PARTS);
    cu_test_topic(log, "out", PARTS);
    for (int i = 0; i < PRODUCERS + WORKERS + 1; i++) {
        all[i] = (actor){.w = &w, .n = i < PRODUCERS ? i : i - PRODUCERS};
        CU_EXPECT(!pthread_create(&all[i].thread, NULL, roles[i], &all[i]));
    }
    CU_AWAIT(all_copied(&w));
    atomic_store(&w.done, true);
    for (int i = 0; i < PRODUCERS + WORKERS + 1; i++)
        pthread_join(all[i].thread, NULL);
    int64_t n = 0;
    for (int32_t i = 0; i < PARTS; i++) {
        cu_buf in = content(log, "in", i), out = content(log, "out", i);
        CU_EXPECT(cu_slice_eq(cu_buf_slice(&in), cu_buf_slice(&out)));
        n += cu_test_end(log, "in", i, false);
        cu_buf_free(&in);
        cu_buf_free(&out);
    }
    CU_EXPECT(n == (int64_t)PRODUCERS * n_txns * 5);
}
