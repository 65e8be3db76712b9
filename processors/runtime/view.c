/* Reading views and tables from outside a worker (query, bootstrap).
 *
 * A view is read through spaces of one's own on the same store: committed
 * rows only, whatever the owning worker is doing (S3).  An append-only view
 * without key keeps no state: its topic has its rows.  A table is read from
 * its topic, judged like a worker judges it, without letters.
 */
#include "processors/runtime/part.h"
#include "processors/runtime/rebuild.h"

#include "rows/json.h"
#include "schemas/codec.h"

typedef struct reading {
    cu_runtime *rt;
    cu_decode_ctx *decode;
    cu_arena *arena;
    cu_view_push *push;
    void *ctx;
    struct fold *fold; /* the last record per key is wanted, not every one */
    const cu_stage *stage; /* or NULL: only what its instance `of` said */
    int32_t of;
} reading;

/* Last record of each key, in the order in which the keys first came. */
typedef struct fold {
    cu_arena *arena;
    cu_map *keys; /* key -> cu_record */
} fold;

static void fold_records(fold *f, const cu_poll *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const cu_record *from = &p->records[i];
        bool fresh;
        void **slot = cu_map_put(f->keys, from->key, &fresh);
        if (fresh)
            *slot = cu_arena_calloc(f->arena, 1, sizeof(cu_record));
        cu_record *r = *slot;
        *r = (cu_record){.part = from->part, .offset = from->offset};
        if (from->value.data)
            r->value = cu_arena_slice(f->arena, from->value);
    }
}

static int decode_some(reading *r, const cu_record *records, size_t n,
                       cu_err *err)
{
    cu_pending counts = {0};
    cu_batch *b;
    cu_arena_reset(r->arena);
    int rc = cu_decode_batch(r->decode, records, (uint32_t)n, r->arena, NULL,
                             NULL, &counts, &b, err);
    return rc == 0 && b->n_sel ? r->push(r->ctx, b, err) : rc;
}

static bool passes(const reading *r, const cu_record *rec)
{
    return r->stage == NULL || cu_said_by(r->stage, rec) == r->of;
}

static int read_records(void *ctx, const cu_poll *p, cu_err *err)
{
    reading *r = ctx;
    int rc = 0;
    if (r->fold) {
        fold_records(r->fold, p);
        return 0;
    }
    for (size_t i = 0, n; rc == 0 && i < p->n; i += n) {
        n = 1;
        if (!passes(r, &p->records[i]))
            continue;
        while (i + n < p->n && n < CU_BATCH_ROWS &&
               passes(r, &p->records[i + n]))
            n++;
        rc = decode_some(r, &p->records[i], n, err);
    }
    return rc;
}

/* What the fold kept, without the tombstones, in batches. */
static int give_fold(reading *r, fold *f, cu_err *err)
{
    cu_record *kept = cu_arena_calloc(f->arena, CU_BATCH_ROWS, sizeof(*kept));
    cu_poll page = {.kind = CU_POLL_RECORDS, .records = kept};
    size_t at = 0;
    cu_slice key;
    void *value;
    int rc = 0;
    r->fold = NULL;
    while (rc == 0 && cu_map_next(f->keys, &at, &key, &value)) {
        const cu_record *last = value;
        if (last->value.data)
            kept[page.n++] = *last;
        if (page.n == CU_BATCH_ROWS) {
            rc = read_records(r, &page, err);
            page.n = 0;
        }
    }
    return rc ? rc : read_records(r, &page, err);
}

static int read_table(reading *r, const cu_table_def *t, int32_t partitions,
                      cu_err *err)
{
    cu_env *clock = r->rt->o.env;
    cu_expr_env env = {.env = clock, .zone = cu_zone_utc()};
    fold *f = r->fold;
    env.now_us = cu_wall_us(clock) - CU_PG_EPOCH_US;
    int rc = cu_decode_open(t, &env, NULL, &r->decode, err);
    r->arena = cu_arena_new(64 * 1024);
    for (int32_t p = 0; rc == 0 && p < partitions; p++)
        if (r->stage == NULL || cu_said_from(r->stage, partitions, p, r->of))
            rc = cu_part_read(r->rt->o.log, (cu_part){t->topic, p},
                              read_records, r, err);
    if (rc == 0 && f)
        rc = give_fold(r, f, err);
    cu_arena_free(r->arena);
    cu_decode_close(r->decode);
    return rc;
}

int cu_table_read(cu_runtime *rt, const cu_table_def *t, cu_view_push *push,
                  void *ctx, cu_err *err)
{
    reading r = {.rt = rt, .push = push, .ctx = ctx};
    return read_table(&r, t, rt->partitions[t->index], err);
}

/* --- views ---------------------------------------------------------------- */

const cu_table_def *cu_view_as_table(const cu_view_def *v, cu_arena *a)
{
    cu_table_def *t = cu_arena_calloc(a, 1, sizeof(*t));
    cu_codec_col *cols = cu_arena_calloc(a, v->schema->n, sizeof(*cols));
    for (uint32_t i = 0; i < v->schema->n; i++) {
        const char *name = v->schema->fields[i].name;
        cu_buf path = {0};
        cu_buf_put_str(&path, "$[");
        cu_json_put_string(&path, cu_slice_of(name));
        cu_buf_put_str(&path, "]");
        cols[i].name = name;
        cols[i].type = v->schema->fields[i].type;
        cols[i].path = cu_arena_strn(a, path.data, path.len);
        cu_buf_free(&path);
    }
    for (uint32_t i = 0; i < v->n_key; i++)
        cols[v->key[i]].key = true;
    t->name = v->name;
    t->topic = v->topic;
    t->schema = cu_schema_copy(a, v->schema);
    t->codec = (cu_codec_spec){.format = v->format,
                               .cols = cols,
                               .n_cols = v->schema->n,
                               .tombstones = v->n_key || v->single};
    if (v->format == CU_FORMAT_AVRO) {
        cu_buf schema = {0};
        cu_avro_schema_of(v->schema, v->name, &schema);
        t->codec.avro_schema = cu_arena_strn(a, schema.data, schema.len);
        cu_buf_free(&schema);
    }
    return t;
}

/* What a stage has put there from one partition, or from all (-1). */
static int scan_topic(cu_runtime *rt, const cu_stage *s, int32_t of,
                      cu_view_push *push, void *ctx, cu_err *err)
{
    if (s->view->topic == NULL)
        return cu_fail(err, CU_UNSUPPORTED, 0,
                       "view %s has no key and no topic of its own: its rows "
                       "pass and are kept nowhere, so that they cannot be "
                       "read; give it a primary_key",
                       s->view->name);
    cu_arena *a = cu_arena_new(0);
    reading r = {.rt = rt,
                 .push = push,
                 .ctx = ctx,
                 .stage = of < 0 ? NULL : s,
                 .of = of};
    int rc = read_table(&r, cu_view_as_table(s->view, a),
                        rt->view_partitions[s->view->index], err);
    cu_arena_free(a);
    return rc;
}

/* `shown`: what the topic shows, while the view is made anew. */
static int use_shown(cu_space *space, cu_err *err)
{
    cu_arena *a = cu_arena_new(0);
    cu_progress p;
    bool found;
    int rc = cu_space_progress(space, a, &p, &found, err);
    if (rc == 0 && found && p.rebuild.phase != CU_REBUILD_NOT)
        cu_space_use(space, p.rebuild.shown);
    cu_arena_free(a);
    return rc;
}

static int scan_space(cu_runtime *rt, const cu_stage *s, int32_t partition,
                      bool shown, cu_view_push *push, void *ctx, cu_err *err)
{
    cu_space *space;
    int rc = cu_space_open(rt->o.store, rt->stage_ids[s->index],
                           (uint16_t)partition, &space, err);
    if (rc)
        return rc;
    rc = shown ? use_shown(space, err) : 0;
    if (rc == 0)
        rc = cu_materialize_scan(space, s->root, push, ctx, err);
    cu_space_close(space);
    return rc;
}

static int scan_part(cu_runtime *rt, const cu_stage *s, int32_t partition,
                     bool shown, cu_view_push *push, void *ctx, cu_err *err)
{
    if (cu_stage_keeps(s))
        return scan_space(rt, s, partition, shown, push, ctx, err);
    return scan_topic(rt, s, partition, push, ctx, err);
}

int cu_view_scan_part(cu_runtime *rt, const cu_stage *s, int32_t partition,
                      cu_view_push *push, void *ctx, cu_err *err)
{
    return scan_part(rt, s, partition, false, push, ctx, err);
}

int cu_view_fold(cu_runtime *rt, const cu_view_def *v, cu_view_push *push,
                 void *ctx, cu_err *err)
{
    if (v->shared)
        return cu_fail(err, CU_UNSUPPORTED, 0,
                       "shared view %s has no topic, and on Kafka a query "
                       "reads topics: CREATE MATERIALIZED VIEW … AS SELECT * "
                       "FROM %s publishes its rows",
                       v->name, v->name);
    if (v->topic == NULL)
        return cu_fail(err, CU_UNSUPPORTED, 0,
                       "view %s has no topic of its own: on Kafka its rows "
                       "can be read from what it is written into only",
                       v->name);
    fold f = {.arena = cu_arena_new(64 * 1024), .keys = cu_map_new()};
    bool keyed = v->n_key || v->single;
    reading r = {.rt = rt, .push = push, .ctx = ctx, .fold = keyed ? &f : NULL};
    int rc = read_table(&r, cu_view_as_table(v, f.arena),
                        rt->view_partitions[v->index], err);
    cu_map_free(f.keys);
    cu_arena_free(f.arena);
    return rc;
}

int cu_view_scan(cu_runtime *rt, const cu_view_def *v, cu_view_push *push,
                 void *ctx, cu_err *err)
{
    const cu_stage *s = cu_stages_of_view(&rt->stages, v);
    int rc = 0;
    if (!cu_stage_keeps(s))
        return scan_topic(rt, s, -1, push, ctx, err);
    for (int32_t p = 0; rc == 0 && p < s->partitions; p++)
        rc = scan_part(rt, s, p, true, push, ctx, err);
    return rc;
}
