/* Short words for tests of the log. */
#include "tests/unit/log/tools.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void cu_expect_failed(const char *what, const char *file, int line,
                      const cu_err *err)
{
    fprintf(stderr, "%s:%d: expected: %s%s%s\n", file, line, what,
            err ? "\n    error: " : "", err ? err->msg : "");
    fflush(stderr);
    abort();
}

int64_t cu_test_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void cu_test_nap(void)
{
    nanosleep(&(struct timespec){0, 20 * 1000 * 1000}, NULL);
}

cu_name cu_test_name(const char *prefix, const char *suffix)
{
    cu_name name;
    snprintf(name.s, sizeof(name.s), "%s-%s", prefix, suffix);
    return name;
}

void cu_test_topic(cu_log *log, const char *name, int32_t partitions)
{
    cu_err err = {0};
    cu_topic_spec spec = {.name = name, .partitions = partitions};
    CU_OK_(log->vt->topic_ensure(log, &spec, &err), &err);
}

cu_writer *cu_test_writer(cu_log *log, const char *id)
{
    cu_err err = {0};
    cu_writer *w = NULL;
    CU_OK_(log->vt->writer_open(log, id, &w, &err), &err);
    return w;
}

void cu_test_put(cu_writer *w, const char *topic, int32_t partition,
                 const char *key, const char *value, int64_t timestamp_ms)
{
    cu_err err = {0};
    cu_record r = {.part = {topic, partition},
                   .timestamp_ms = timestamp_ms,
                   .key = cu_slice_of(key),
                   .value = cu_slice_of(value)};
    CU_OK_(cu_log_append(w, &r, &err), &err);
}

void cu_test_begin(cu_writer *w)
{
    cu_err err = {0};
    CU_OK_(w->vt->begin(w, &err), &err);
}

void cu_test_commit(cu_writer *w)
{
    cu_err err = {0};
    cu_arena *a = cu_arena_new(0);
    CU_OK_(w->vt->commit(w, CU_TEST_WAIT_MS, a, NULL, &err), &err);
    cu_arena_free(a);
}

void cu_test_put_many(cu_writer *w, const char *topic, int32_t partition, int n)
{
    cu_test_begin(w);
    for (int i = 0; i < n; i++) {
        char key[16], value[16];
        snprintf(key, sizeof(key), "k%d", i);
        snprintf(value, sizeof(value), "v%d", i);
        cu_test_put(w, topic, partition, key, value, 1700000000000 + i);
    }
    cu_test_commit(w);
}

int64_t cu_test_end(cu_log *log, const char *topic, int32_t partition,
                    bool uncommitted)
{
    cu_err err = {0};
    int64_t off = -1;
    CU_OK_(log->vt->end_offset(log, (cu_part){topic, partition}, uncommitted,
                               &off, &err),
           &err);
    return off;
}

int64_t cu_test_offset(cu_log *log, const char *topic, int32_t partition,
                       int64_t at_ms)
{
    cu_err err = {0};
    int64_t off = -1;
    CU_OK_(
        log->vt->offset_at(log, (cu_part){topic, partition}, at_ms, &off, &err),
        &err);
    return off;
}

int64_t cu_test_committed(cu_log *log, const char *group, const char *topic,
                          int32_t partition)
{
    cu_err err = {0};
    int64_t off = -1;
    CU_OK_(
        log->vt->committed(log, group, (cu_part){topic, partition}, &off, &err),
        &err);
    return off;
}

cu_reader *cu_test_reader(cu_log *log, const char *topic, int32_t n,
                          int64_t from)
{
    cu_err err = {0};
    cu_reader *r = NULL;
    cu_position *at = cu_calloc((size_t)n, sizeof(*at));
    for (int32_t i = 0; i < n; i++)
        at[i] = (cu_position){{topic, i}, from};
    cu_reader_opts o = {.parts = at, .n_parts = (size_t)n};
    CU_OK_(log->vt->reader_open(log, &o, &r, &err), &err);
    cu_free(at);
    return r;
}

static void copy(char *to, size_t size, cu_slice s)
{
    if (s.data)
        snprintf(to, size, "%.*s", (int)(s.len < size ? s.len : size - 1),
                 s.data);
    else
        snprintf(to, size, "(null)");
}

static void take(const cu_poll *p, cu_seen *seen)
{
    int64_t last = -1;
    CU_EXPECT(p->n > 0);
    for (size_t i = 0; i < p->n; i++) {
        const cu_record *r = &p->records[i];
        CU_EXPECT(cu_part_eq(r->part, p->part));
        CU_EXPECT(r->offset > last); /* L1 */
        last = r->offset;
        CU_EXPECT(seen->n < CU_SEEN_MAX);
        cu_seen_record *s = &seen->at[seen->n++];
        s->partition = r->part.partition;
        s->offset = r->offset;
        s->timestamp_ms = r->timestamp_ms;
        copy(s->key, sizeof(s->key), r->key);
        copy(s->value, sizeof(s->value), r->value);
    }
    CU_EXPECT(p->next > last);
}

void cu_test_poll(cu_reader *r, cu_seen *seen)
{
    cu_err err = {0};
    cu_poll p;
    CU_OK_(cu_log_poll(r, 100, &p, &err), &err);
    if (p.kind == CU_POLL_RECORDS) {
        take(&p, seen);
    } else if (p.kind == CU_POLL_END) {
        seen->n_ends++;
        seen->last_end = p.next;
    } else {
        CU_EXPECT(p.kind == CU_POLL_IDLE);
    }
}

void cu_test_read(cu_reader *r, cu_seen *seen, size_t n)
{
    int64_t until = cu_test_now_ms() + CU_TEST_WAIT_MS;
    while (seen->n < n) {
        CU_EXPECT(cu_test_now_ms() < until);
        cu_test_poll(r, seen);
    }
    CU_EXPECT(seen->n == n);
}

void cu_test_read_to_end(cu_reader *r, cu_seen *seen, size_t n_ends)
{
    int64_t until = cu_test_now_ms() + CU_TEST_WAIT_MS;
    size_t goal = seen->n_ends + n_ends;
    while (seen->n_ends < goal) {
        CU_EXPECT(cu_test_now_ms() < until);
        cu_test_poll(r, seen);
    }
}

void cu_test_expect_seen(const cu_seen *seen, const char *text)
{
    cu_buf all = {0};
    for (size_t i = 0; i < seen->n; i++)
        cu_buf_printf(&all, "%s%s=%s", i ? " " : "", seen->at[i].key,
                      seen->at[i].value);
    if (!cu_slice_is(cu_buf_slice(&all), text))
        fprintf(stderr, "seen: %.*s\n", (int)all.len, all.data);
    CU_EXPECT(cu_slice_is(cu_buf_slice(&all), text));
    cu_buf_free(&all);
}
