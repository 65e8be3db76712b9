/* The cursor: what of the source is in the log.
 *
 * Records of the compacted topic `<app>.collectors`:
 *
 *     key    table name | NUL | item
 *     value  one JSON object with a version "v"; null: the item is no more
 *
 *     http   item "subject=fantasy&page_offset=100", one per page:
 *              {"v":1,"pass":3,"hash":"16 hex digits","total":130}
 *              "dead":true when the page became a letter in that pass;
 *              no "total" when it told none
 *            item "pass": {"v":1,"pass":3,"done":true}
 *     files  item = the file's name: see files.c
 *
 * All records of a table are in one partition, so that one reader by hand
 * finds them from the oldest to the end of its partition.
 */
#include "producers/int.h"

#include "base/alloc.h"
#include "rows/json.h"

#include <stdlib.h>

enum { POLL_MS = 100, DEADLINE_US = 60 * 1000000 };

/* --- topics -------------------------------------------------------------- */

static const cu_topic_info *find(const cu_topic_list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++) {
        if (!strcmp(l->topics[i].name, name))
            return &l->topics[i];
    }
    return NULL;
}

/* A topic whose number of partitions is somebody else's choice. */
static int ensure(cu_collector *c, const cu_topic_list *l, const char *name,
                  bool compact, int32_t *partitions, cu_err *err)
{
    const cu_topic_info *t = find(l, name);
    *partitions = t ? t->partitions : 1;
    if (t && compact && !t->compact)
        return cu_fail(err, CU_EXISTS, 0,
                       "topic %s exists but is not compacted: collectors keep "
                       "their cursors there; set cleanup.policy=compact",
                       name);
    if (t)
        return 0;
    cu_topic_spec s = {.name = name, .partitions = 1, .compact = compact};
    return c->o.log->vt->topic_ensure(c->o.log, &s, err);
}

int cu_cursor_topics(cu_collector *c, cu_err *err)
{
    cu_log *log = c->o.log;
    cu_topic_list l;
    int32_t n;
    cu_topic_spec bronze = {.name = c->o.topic, .partitions = c->o.partitions};
    int rc = log->vt->topic_ensure(log, &bronze, err);
    if (!rc)
        rc = log->vt->topic_list(log, c->scratch, &l, err);
    if (!rc)
        rc = ensure(c, &l, c->o.dead_letter_topic, false, &n, err);
    if (!rc)
        rc = ensure(c, &l, c->o.cursor_topic, true, &n, err);
    cu_arena_reset(c->scratch);
    return rc;
}

/* --- memory -------------------------------------------------------------- */

cu_slice cu_cursor_get(const cu_collector *c, cu_slice item)
{
    const cu_onode *n = cu_omap_get(c->cursor, item);
    return n ? cu_slice_of(cu_onode_value(n)) : CU_NULL_SLICE;
}

void cu_cursor_set(cu_collector *c, cu_slice item, cu_slice value)
{
    cu_onode *old = cu_omap_get(c->cursor, item);
    if (old)
        cu_free(cu_onode_value(old));
    if (!value.data) {
        cu_omap_del(c->cursor, item);
        return;
    }
    bool fresh;
    char *copy = cu_alloc(value.len + 1);
    memcpy(copy, value.data, value.len);
    copy[value.len] = 0;
    cu_onode_set(cu_omap_put(c->cursor, item, &fresh), copy);
}

void cu_cursor_forget(cu_collector *c)
{
    cu_onode *n = cu_omap_seek(c->cursor, CU_LIT(""), false);
    for (; n; n = cu_onode_next(n))
        cu_free(cu_onode_value(n));
    cu_omap_reset(c->cursor);
}

/* --- reading ------------------------------------------------------------- */

static void take(cu_collector *c, const cu_record *r)
{
    size_t len = strlen(c->o.table);
    if (!r->key.data || r->key.len < len + 1 ||
        memcmp(r->key.data, c->o.table, len + 1)) /* its NUL too */
        return;
    size_t bad;
    /* A value that is no JSON was not written by us: the item starts anew. */
    cu_slice v = r->value;
    if (v.data &&
        (!cu_json_validate(v, 64, &bad) || cu_cursor_int(v, "v", 0) != 1))
        v = CU_NULL_SLICE;
    cu_cursor_set(c, cu_slice_n(r->key.data + len + 1, r->key.len - len - 1),
                  v);
}

static int read_all(cu_collector *c, cu_reader *r, cu_err *err)
{
    int64_t until = cu_mono_us(c->o.env) + DEADLINE_US;
    for (;;) {
        cu_poll p;
        int rc = cu_log_poll(r, POLL_MS, &p, err);
        if (rc)
            return rc;
        for (size_t i = 0; p.kind == CU_POLL_RECORDS && i < p.n; i++)
            take(c, &p.records[i]);
        if (p.kind == CU_POLL_END)
            return 0;
        if (p.kind == CU_POLL_IDLE && cu_mono_us(c->o.env) > until)
            return cu_fail(err, CU_TIMEOUT, CU_RETRY,
                           "cannot read the cursors in %s[%d] to their end; "
                           "check the brokers",
                           c->o.cursor_topic, (int)c->cursor_partition);
    }
}

int cu_cursor_read(cu_collector *c, cu_err *err)
{
    cu_log *log = c->o.log;
    cu_topic_list l;
    int rc = log->vt->topic_list(log, c->scratch, &l, err);
    if (rc)
        return rc;
    const cu_topic_info *t = find(&l, c->o.cursor_topic);
    int32_t n = t ? t->partitions : 1;
    cu_arena_reset(c->scratch);
    if (!t && c->o.dry_run)
        return 0; /* nothing was ever collected */
    c->cursor_partition = cu_partition_of(cu_slice_of(c->o.table), n);
    cu_position from = {{c->o.cursor_topic, c->cursor_partition}, CU_OLDEST};
    cu_reader_opts o = {.parts = &from, .n_parts = 1};
    cu_reader *r;
    rc = log->vt->reader_open(log, &o, &r, err);
    if (rc)
        return rc;
    rc = read_all(c, r, err);
    log->vt->reader_close(r);
    return rc;
}

/* --- values -------------------------------------------------------------- */

/* Our names have no escapes, so the raw key with its quotes decides. */
static cu_slice member(cu_slice json, const char *name)
{
    cu_slice k, v, found = CU_NULL_SLICE;
    size_t len = strlen(name);
    if (!json.data)
        return found;
    cu_json_iter it = cu_json_iter_of(json);
    while (it.object && cu_json_next(&it, &k, &v)) {
        if (k.len == len + 2 && !memcmp(k.data + 1, name, len))
            found = v;
    }
    return found;
}

int64_t cu_cursor_int(cu_slice json, const char *name, int64_t otherwise)
{
    int64_t n;
    cu_slice v = member(json, name);
    if (cu_slice_is(v, "true"))
        return 1;
    return cu_int_of(v, &n) ? n : otherwise;
}

uint64_t cu_cursor_hex(cu_slice json, const char *name)
{
    char digits[17] = {0};
    cu_slice v = member(json, name);
    if (v.len != 18)
        return 0;
    memcpy(digits, v.data + 1, 16);
    return strtoull(digits, NULL, 16);
}

bool cu_int_of(cu_slice text, int64_t *out)
{
    size_t i = text.len && text.data[0] == '-';
    int64_t n = 0;
    if (i == text.len || text.len - i > 18)
        return false;
    for (; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        n = n * 10 + (text.data[i] - '0');
    }
    *out = text.data[0] == '-' ? -n : n;
    return true;
}
