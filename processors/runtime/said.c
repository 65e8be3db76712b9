/* Said: what the topic of a view without key has already.
 *
 * Such a view keeps no rows: its topic has them.  While it is made anew, the
 * records that it would publish are counted here; at the end those that its
 * partition of the topic has already are taken off, one for one, and the rest
 * is published.  What the topic has and the view no longer has stays: there is
 * no key to delete it by.
 *
 *   table 0xFFFB   lslice key | value bytes -> u8 1 | varint how often
 */
#include "processors/runtime/part.h"
#include "processors/runtime/rebuild.h"

enum { VERSION = 1, TABLE_SAID = 0xFFFB, CHUNK = 512 };

static int change(cu_table *t, cu_slice key, int64_t by, cu_err *err)
{
    cu_slice value;
    int64_t n = 0;
    int rc = cu_table_get(t, key, &value, err);
    if (rc)
        return rc;
    if (value.data) {
        cu_scan s = cu_scan_of(value);
        bool good = cu_scan_u8(&s) == VERSION;
        n = (int64_t)cu_scan_varint(&s);
        if (s.bad || !good)
            return cu_fail(err, CU_CORRUPT, CU_FATAL,
                           "a counted record of a view does not check out");
    }
    n += by;
    if (n == 0 && value.data)
        cu_table_del(t, key);
    if (n <= 0)
        return 0;
    cu_buf out = {0};
    cu_buf_put_u8(&out, VERSION);
    cu_buf_put_varint(&out, (uint64_t)n);
    cu_table_put(t, key, cu_buf_slice(&out));
    cu_buf_free(&out);
    return 0;
}

static void put_key(cu_buf *out, cu_slice key, cu_slice value)
{
    cu_buf_clear(out);
    cu_buf_put_lslice(out, key);
    cu_buf_put_slice(out, value);
}

int cu_said_note(cu_space *space, cu_slice key, cu_slice value, cu_err *err)
{
    cu_buf at = {0};
    put_key(&at, key, value);
    int rc = change(cu_space_table(space, TABLE_SAID), cu_buf_slice(&at), 1,
                    err);
    cu_buf_free(&at);
    return rc;
}

int32_t cu_said_by(const cu_stage *s, const cu_record *r)
{
    cu_slice task = cu_record_header(r, CU_SAID_TASK);
    int32_t n = 0;
    if (s->partitions == 1)
        return 0;
    for (size_t k = 0; k < task.len && n < UINT16_MAX; k++)
        n = n * 10 + (task.data[k] - '0');
    return task.data ? n : r->part.partition;
}

bool cu_said_from(const cu_stage *s, int32_t partitions, int32_t partition,
                  int32_t instance)
{
    return s->partitions == 1 || instance % partitions == partition;
}

/* Records of the topic, taken off the counted ones. */
typedef struct taking {
    cu_table *table;
    const cu_said_where *where;
} taking;

static int take_off(void *ctx, const cu_poll *p, cu_err *err)
{
    const taking *t = ctx;
    cu_buf at = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->n; i++) {
        if (cu_said_by(t->where->stage, &p->records[i]) != t->where->instance)
            continue;
        put_key(&at, p->records[i].key, p->records[i].value);
        rc = change(t->table, cu_buf_slice(&at), -1, err);
    }
    cu_buf_free(&at);
    return rc;
}

static int read_topic(cu_table *t, const cu_said_where *w, cu_err *err)
{
    taking to = {t, w};
    int rc = 0;
    for (int32_t p = 0; rc == 0 && w->topic && p < w->partitions; p++)
        if (cu_said_from(w->stage, w->partitions, p, w->instance))
            rc = cu_part_read(w->log, (cu_part){w->topic, p}, take_off, &to,
                              err);
    return rc;
}

typedef struct page {
    cu_arena *arena;
    cu_slice keys[CHUNK];
    uint64_t counts[CHUNK];
    uint32_t n;
} page;

static int read_page(cu_table *t, page *p, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    p->n = 0;
    cu_arena_reset(p->arena);
    int rc = cu_table_scan(t, CU_LIT(""), CU_NULL_SLICE, false, &it, err);
    if (rc)
        return rc;
    while (p->n < CHUNK && cu_table_iter_next(it, &key, &value)) {
        cu_scan s = cu_scan_of(value);
        cu_scan_u8(&s);
        p->counts[p->n] = cu_scan_varint(&s);
        p->keys[p->n++] = cu_arena_slice(p->arena, key);
    }
    return cu_table_iter_close(it, err);
}

static int tell(const page *p, cu_said_out *out, void *ctx, cu_err *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        cu_scan s = cu_scan_of(p->keys[i]);
        cu_slice key = cu_scan_lslice(&s);
        cu_slice value = {s.p, cu_scan_left(&s)};
        for (uint64_t k = 0; rc == 0 && k < p->counts[i]; k++)
            rc = out(ctx, key, value, err);
    }
    return rc;
}

int cu_said_tell(cu_space *space, const cu_said_where *at, cu_said_out *out,
                 void *ctx, cu_err *err)
{
    cu_table *t = cu_space_table(space, TABLE_SAID);
    page p = {.arena = cu_arena_new(0)};
    int rc = read_topic(t, at, err);
    do {
        if (rc == 0)
            rc = read_page(t, &p, err);
        if (rc == 0)
            rc = tell(&p, out, ctx, err);
        for (uint32_t i = 0; rc == 0 && i < p.n; i++)
            cu_table_del(t, p.keys[i]);
    } while (rc == 0 && p.n == CHUNK);
    cu_arena_free(p.arena);
    return rc;
}
