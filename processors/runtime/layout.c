/* Reading and writing `<app>.layout` (layout.h).
 *
 * It is read to the end that open transactions count in: a repartition that is
 * just being committed is waited for, and one that died is aborted by the
 * broker within seconds.
 */
#include "processors/runtime/layout.h"

#include "base/alloc.h"

enum { VERSION = 1, POLL_MS = 100, DEADLINE_MS = 60000, MIN_INPUT_BYTES = 2 };

const char *cu_layout_topic(const char *app, cu_arena *a)
{
    return cu_arena_printf(a, "%s.layout", app);
}

void cu_layout_encode(const cu_layout_record *l, cu_buf *out)
{
    cu_buf_put_u8(out, VERSION);
    cu_buf_put_varint(out, l->layout.number);
    cu_buf_put_varint(out, (uint64_t)l->layout.partitions);
    cu_buf_put_varint(out, l->n_inputs);
    for (uint32_t i = 0; i < l->n_inputs; i++) {
        cu_buf_put_lslice(out, cu_slice_of(l->inputs[i].topic));
        cu_buf_put_varint(out, (uint64_t)l->inputs[i].partitions);
    }
}

int cu_layout_decode(cu_slice bytes, cu_arena *a, cu_layout_record *out,
                     cu_err *err)
{
    cu_scan s = cu_scan_of(bytes);
    bool good = cu_scan_u8(&s) == VERSION;
    *out = (cu_layout_record){0};
    out->layout.number = (uint32_t)cu_scan_varint(&s);
    out->layout.partitions = (int32_t)cu_scan_varint(&s);
    uint64_t n = cu_scan_varint(&s);
    good = good && !s.bad && n <= cu_scan_left(&s) / MIN_INPUT_BYTES;
    out->n_inputs = good ? (uint32_t)n : 0;
    out->inputs = cu_arena_calloc(a, out->n_inputs + 1, sizeof(*out->inputs));
    for (uint32_t i = 0; i < out->n_inputs; i++) {
        cu_slice topic = cu_scan_lslice(&s);
        good = good && topic.data;
        out->inputs[i].topic = cu_arena_strn(a, topic.data ? topic.data : "",
                                             topic.len);
        out->inputs[i].partitions = (int32_t)cu_scan_varint(&s);
    }
    if (!good || s.bad || cu_scan_left(&s) || out->layout.partitions < 0)
        return cu_fail(err, CU_CORRUPT, 0,
                       "the layout of the app does not check out: it was "
                       "written by another version of cupel");
    return 0;
}

int32_t cu_layout_input_of(const cu_layout_record *l, const char *topic)
{
    for (uint32_t i = 0; i < l->n_inputs; i++)
        if (strcmp(l->inputs[i].topic, topic) == 0)
            return l->inputs[i].partitions;
    return 0;
}

static int exists(cu_log *log, const char *topic, bool *out, cu_err *err)
{
    cu_arena *a = cu_arena_new(0);
    cu_topic_list known = {0};
    int rc = log->vt->topic_list(log, a, &known, err);
    *out = false;
    for (size_t i = 0; rc == 0 && i < known.n; i++)
        *out = *out || strcmp(known.topics[i].name, topic) == 0;
    cu_arena_free(a);
    return rc;
}

/* The last record before `end`. */
static int read_last(cu_log *log, cu_env *env, cu_position at, int64_t end,
                     cu_buf *last, cu_err *err)
{
    int64_t until = cu_mono_ms(env) + DEADLINE_MS;
    cu_reader_opts o = {.parts = &at, .n_parts = 1};
    cu_reader *r;
    int rc = log->vt->reader_open(log, &o, &r, err);
    if (rc)
        return rc;
    while (rc == 0 && at.next < end) {
        cu_poll p;
        rc = cu_log_poll(r, POLL_MS, &p, err);
        if (rc == 0 && p.kind == CU_POLL_RECORDS && p.n) {
            cu_buf_clear(last);
            cu_buf_put_slice(last, p.records[p.n - 1].value);
        }
        if (rc == 0 && (p.kind == CU_POLL_RECORDS || p.kind == CU_POLL_END))
            at.next = p.next;
        if (rc == 0 && at.next < end && cu_mono_ms(env) > until)
            rc = cu_fail(err, CU_TIMEOUT, CU_RETRY,
                         "%s[0]: an open transaction keeps offset %lld from "
                         "being read; try again in a minute",
                         at.part.topic, (long long)at.next);
    }
    r->vt->reader_close(r);
    return rc;
}

int cu_layout_read(cu_log *log, cu_env *env, const char *app, cu_arena *a,
                   cu_layout_record *out, cu_err *err)
{
    cu_position at = {.part = {cu_layout_topic(app, a), 0}};
    int64_t end = 0;
    bool there;
    cu_buf last = {0};
    *out = (cu_layout_record){0};
    int rc = exists(log, at.part.topic, &there, err);
    if (rc || !there)
        return rc;
    rc = log->vt->end_offset(log, at.part, true, &end, err);
    if (rc == 0)
        rc = log->vt->offset_at(log, at.part, CU_OLDEST, &at.next, err);
    if (rc == 0 && at.next < end)
        rc = read_last(log, env, at, end, &last, err);
    if (rc == 0 && last.len)
        rc = cu_layout_decode(cu_buf_slice(&last), a, out, err);
    cu_buf_free(&last);
    return rc;
}

int cu_layout_ensure(cu_log *log, const char *app, cu_err *err)
{
    cu_arena *a = cu_arena_new(0);
    cu_topic_spec spec = {
        .name = cu_layout_topic(app, a), .partitions = 1, .compact = true};
    int rc = log->vt->topic_ensure(log, &spec, err);
    cu_arena_free(a);
    return rc;
}

int cu_layout_write(cu_writer *w, const char *app, const cu_layout_record *l,
                    cu_err *err)
{
    cu_arena *a = cu_arena_new(0);
    cu_buf value = {0};
    cu_layout_encode(l, &value);
    cu_record r = {.part = {cu_layout_topic(app, a), 0},
                   .key = CU_LIT("layout"),
                   .value = cu_buf_slice(&value)};
    int rc = cu_log_append(w, &r, err);
    cu_buf_free(&value);
    cu_arena_free(a);
    return rc;
}
