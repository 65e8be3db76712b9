#include "tests/unit/operators/rig.h"

#include "base/alloc.h"
#include "rows/text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { STAGE = 3, PARTITION = 1 };

unsigned rig_draw(rig *r, unsigned n)
{
    r->chance ^= r->chance << 13;
    r->chance ^= r->chance >> 7;
    r->chance ^= r->chance << 17;
    return (unsigned)(r->chance >> 20) % n;
}

static int take_letter(void *ctx, const cu_letter *l, cu_err *err)
{
    rig *r = ctx;
    char state[6];
    size_t at = strlen(r->letters);
    (void)err;
    snprintf(r->letters + at, sizeof(r->letters) - at, "%s %s %s %s\n",
             l->stage, l->column ? l->column : "-",
             cu_sqlstate_text(l->sqlstate, state), l->message);
    return 0;
}

static void print_window(rig *r, const cu_late *l)
{
    cu_buf text = {0};
    size_t at = strlen(r->late_windows);
    cu_timestamp_out(l->window_start_us, &text);
    cu_buf_put_str(&text, " .. ");
    cu_timestamp_out(l->window_end_us, &text);
    cu_buf_put_str(&text, " at ");
    cu_timestamp_out(l->watermark_us, &text);
    snprintf(r->late_windows + at, sizeof(r->late_windows) - at, "%.*s\n",
             (int)text.len, text.data);
    cu_buf_free(&text);
}

static int take_late(void *ctx, const cu_late *l, cu_err *err)
{
    rig *r = ctx;
    size_t at = strlen(r->late);
    cu_buf text = {0};
    (void)err;
    for (uint32_t c = 0; c < l->batch->n_cols; c++) {
        cu_buf_put_str(&text, c ? " " : "");
        if (cu_col_is_null(&l->batch->cols[c], l->row))
            cu_buf_put_str(&text, "null");
        else
            cu_col_out(&l->batch->cols[c], l->row, NULL, &text);
    }
    snprintf(r->late + at, sizeof(r->late) - at, "%.*s\n", (int)text.len,
             text.data);
    cu_buf_free(&text);
    print_window(r, l);
    return 0;
}

static int collect(void *ctx, const cu_batch *b, cu_err *err)
{
    rig *r = ctx;
    (void)err;
    if (r->n_out == r->cap_out) {
        r->cap_out = r->cap_out ? r->cap_out * 2 : 16;
        r->out = cu_realloc(r->out, r->cap_out * sizeof(*r->out));
    }
    r->emitted += b->n_sel;
    r->out[r->n_out++] = cu_batch_copy(r->round, b);
    return 0;
}

static int see_watermark(void *ctx, int64_t ts_us, cu_err *err)
{
    rig *r = ctx;
    (void)err;
    cr_assert_gt(ts_us, r->watermark);
    r->watermark = ts_us;
    return 0;
}

void rig_open(rig *r, uint64_t seed)
{
    *r = (rig){.chance = seed * 0x9e3779b97f4a7c15u | 1};
    r->arena = cu_arena_new(0);
    r->round = cu_arena_new(0);
    r->now.arena = cu_arena_new(0);
    r->committed.arena = cu_arena_new(0);
    r->kv = cu_kv_open_memory(seed);
    r->store = cu_store_new(r->kv, rig_draw(r, 2) ? 1 << 20 : 4000);
    r->watermark = INT64_MIN;
    r->env = (cu_op_env){.expr = &r->expr_env,
                         .ctx = r,
                         .letter = take_letter,
                         .late = take_late,
                         .cache_bytes = rig_draw(r, 2) ? 0 : 2000};
}

static void open_all(rig *r)
{
    r->watermark = INT64_MIN;
    int rc = cu_space_open(r->store, STAGE, PARTITION, &r->space, &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    r->env.space = r->space;
    rc = cu_pipeline_open(r->root, &r->env, &r->pipeline, &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    r->tap = cu_tap_new(collect, see_watermark, r);
    cu_op_connect(r->pipeline->root, r->tap, 0);
}

static void close_all(rig *r)
{
    cu_pipeline_close(r->pipeline);
    cu_op_close(r->tap);
    cu_space_close(r->space);
}

void rig_start(rig *r, const cu_node *root)
{
    r->root = root;
    open_all(r);
}

void rig_close(rig *r)
{
    close_all(r);
    cu_store_free(r->store);
    r->kv->vt->close(r->kv);
    cu_arena_free(r->arena);
    cu_arena_free(r->round);
    cu_arena_free(r->now.arena);
    cu_arena_free(r->committed.arena);
    cu_free(r->out);
}

/* --- nodes --------------------------------------------------------------- */

cu_schema *rig_schema(rig *r, const char *text)
{
    cu_schema *s;
    int rc = cu_schema_parse(r->arena, text, &s, &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    cr_assert_lt(r->n_texts, 64);
    r->texts[r->n_texts++] = (struct rig_text){s, text};
    return s;
}

cu_node *rig_node(rig *r, cu_node_kind kind, const char *schema, cu_node *input)
{
    static uint32_t next_id;
    cu_node *n = cu_arena_calloc(r->arena, 1, sizeof(*n));
    n->kind = kind;
    n->id = next_id++ % 1000;
    n->schema = rig_schema(r, schema);
    n->inputs = cu_arena_calloc(r->arena, 4, sizeof(*n->inputs));
    if (input)
        n->inputs[n->n_inputs++] = input;
    return n;
}

cu_node *rig_source(rig *r, const char *schema)
{
    return rig_node(r, CU_N_SOURCE, schema, NULL);
}

const uint16_t *rig_cols(rig *r, const char *text, uint32_t *n)
{
    uint16_t *cols = cu_arena_calloc(r->arena, 16, sizeof(*cols));
    *n = 0;
    while (*text) {
        char *end;
        cols[(*n)++] = (uint16_t)strtoul(text, &end, 10);
        text = *end ? end + 1 : end;
    }
    return cols;
}

cu_node *rig_aggregate(rig *r, const char *schema, cu_node *input,
                       const char *group)
{
    cu_node *n = rig_node(r, CU_N_AGGREGATE, schema, input);
    n->aggregate.group = rig_cols(r, group, &n->aggregate.n_group);
    n->aggregate.global = n->aggregate.n_group == 0;
    n->aggregate.calls = cu_arena_calloc(r->arena, 16,
                                         sizeof(*n->aggregate.calls));
    return n;
}

void rig_call(rig *r, cu_node *n, cu_agg agg, int arg, bool distinct,
              int filter)
{
    static const char *const names[] = {"",    "count",    "count",
                                        "sum", "avg",      "min",
                                        "max", "bool_and", "bool_or"};
    cu_func *f = cu_arena_calloc(r->arena, 1, sizeof(*f));
    f->name = names[agg];
    f->kind = CU_FUNC_AGGREGATE;
    f->agg = (uint8_t)agg;
    cu_agg_call *c = (cu_agg_call *)&n->aggregate.calls[n->aggregate.n_calls];
    *c = (cu_agg_call){
        .func = f, .arg = arg, .filter = filter, .distinct = distinct};
    c->result = n->schema->fields[n->aggregate.n_group + n->aggregate.n_calls]
                    .type;
    n->aggregate.n_calls++;
}

cu_node *rig_join(rig *r, cu_node_kind node, cu_join_kind kind,
                  const char *schema, cu_node *left, cu_node *right,
                  const char *left_keys, const char *right_keys)
{
    cu_node *n = rig_node(r, node, schema, left);
    uint32_t n_right;
    n->inputs[n->n_inputs++] = right;
    n->join.kind = kind;
    n->join.left = rig_cols(r, left_keys, &n->join.n_keys);
    n->join.right = rig_cols(r, right_keys, &n_right);
    cr_assert_eq(n_right, n->join.n_keys);
    return n;
}

/* --- running ------------------------------------------------------------- */

static const char *schema_text(rig *r, const cu_schema *s)
{
    for (unsigned i = 0; i < r->n_texts; i++)
        if (r->texts[i].schema == s)
            return r->texts[i].text;
    cr_assert_fail("a schema that rig_schema() did not make");
    return NULL;
}

static cu_batch *parse(rig *r, cu_arena *a, const cu_schema *schema,
                       const char *rows)
{
    cu_batch *b;
    int rc = cu_batch_parse(a, schema_text(r, schema), rows, &b, &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    return b;
}

static int push_rows(rig *r, unsigned e, const int64_t *mark, const char *rows)
{
    cr_assert_lt(e, r->pipeline->n_entries);
    struct cu_entry *entry = &r->pipeline->entries[e];
    cu_arena *a = cu_arena_new(0);
    cu_batch *b = parse(r, a, entry->node->schema, rows);
    b->schema = entry->node->schema;
    if (mark) {
        int64_t *marks = cu_arena_alloc(a, b->n_rows * sizeof(*marks) + 8);
        for (uint32_t i = 0; i < b->n_rows; i++)
            marks[i] = *mark;
        b->marks = marks;
    }
    int rc = 0;
    for (uint32_t from = 0; from < b->n_rows && !rc;) {
        uint32_t n = 1 + rig_draw(r, b->n_rows - from);
        uint16_t *sel = cu_arena_alloc(a, n * sizeof(*sel));
        for (uint32_t i = 0; i < n; i++)
            sel[i] = (uint16_t)(from + i);
        rc = cu_op_push(entry->op, 0,
                        n == b->n_rows ? b : cu_batch_select(a, b, sel, n),
                        &r->err);
        from += n;
    }
    cu_arena_free(a);
    return rc;
}

int rig_try_push(rig *r, unsigned e, const char *rows)
{
    return push_rows(r, e, NULL, rows);
}

int64_t rig_time(rig *r, const char *timestamp)
{
    char quoted[80];
    cu_batch *b;
    snprintf(quoted, sizeof(quoted), "'%s'\n", timestamp);
    int rc = cu_batch_parse(r->arena, "t:timestamp", quoted, &b, &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    return CU_COL(&b->cols[0], int64_t)[0];
}

void rig_push_marked(rig *r, unsigned e, const char *mark, const char *rows)
{
    int64_t at = mark ? rig_time(r, mark) : 0;
    int rc = push_rows(r, e, mark ? &at : NULL, rows);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
}

void rig_mark(rig *r, unsigned e, const char *timestamp)
{
    rig_watermark(r, e, rig_time(r, timestamp));
}

void rig_push(rig *r, unsigned e, const char *rows)
{
    int rc = rig_try_push(r, e, rows);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
}

void rig_watermark(rig *r, unsigned e, int64_t ts_us)
{
    cr_assert_lt(e, r->pipeline->n_entries);
    int rc = cu_op_watermark(r->pipeline->entries[e].op, 0, ts_us, &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
}

static int count_key(void *ctx, uint16_t table, cu_slice key, cu_slice value,
                     cu_err *err)
{
    (void)table, (void)key, (void)value, (void)err;
    ++*(unsigned *)ctx;
    return 0;
}

unsigned rig_state_keys(rig *r)
{
    unsigned n = 0;
    cr_assert_eq(cu_space_each(r->space, count_key, &n, &r->err), 0);
    return n;
}

static struct rig_sum add_up(rig *r, cu_arena *to, struct rig_sum old)
{
    const cu_batch **all = cu_arena_alloc(r->round, (old.n + r->n_out + 1) *
                                                        sizeof(*all));
    uint32_t n = 0;
    struct rig_sum sum = {.arena = to};
    for (uint32_t i = 0; i < old.n; i++)
        all[n++] = old.at[i];
    for (uint32_t i = 0; i < r->n_out; i++)
        all[n++] = r->out[i];
    cu_batch **result;
    sum.n = cu_batch_consolidate(r->round, all, n, &result);
    sum.at = cu_arena_alloc(to, (sum.n + 1) * sizeof(*sum.at));
    for (uint32_t i = 0; i < sum.n; i++) {
        sum.at[i] = cu_batch_copy(to, result[i]);
        for (uint32_t k = 0; k < sum.at[i]->n_rows; k++)
            cr_assert_gt(cu_batch_weight(sum.at[i], k), 0);
    }
    return sum;
}

static const char *print_all(rig *r, cu_batch *const *at, uint32_t n)
{
    cu_buf text = {0};
    for (uint32_t i = 0; i < n; i++)
        cu_batch_print(at[i], &text);
    char *copy = cu_arena_strn(r->round, text.data ? text.data : "", text.len);
    cu_buf_free(&text);
    return copy;
}

static void commit_space(rig *r)
{
    cu_kv_batch batch = {0};
    cu_progress p = {.sequence = 1};
    cu_space_to_batch(r->space, 1, &p, &batch);
    int rc = r->kv->vt->write(r->kv, &batch, false, &r->err);
    cr_assert_eq(rc, 0);
    cu_space_committed(r->space, 1);
    cu_kv_batch_free(&batch);
}

int rig_try_commit(rig *r)
{
    int rc = cu_pipeline_commit(r->pipeline, &r->err);
    return rc ? rc : cu_op_commit(r->tap, &r->err);
}

const char *rig_commit(rig *r)
{
    int rc = rig_try_commit(r);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    commit_space(r);
    cu_arena_reset(r->now.arena);
    r->now = add_up(r, r->now.arena, r->committed);
    struct rig_sum old = r->committed;
    r->committed = r->now;
    r->now = old;
    cu_batch **delta;
    uint32_t n = cu_batch_consolidate(r->round, (const cu_batch *const *)r->out,
                                      r->n_out, &delta);
    const char *text = print_all(r, delta, n);
    static char kept[1 << 16];
    snprintf(kept, sizeof(kept), "%s", text);
    r->n_out = 0;
    r->emitted = 0;
    cu_arena_reset(r->round);
    return kept;
}

void rig_abort(rig *r)
{
    cu_pipeline_close(r->pipeline);
    cu_op_close(r->tap);
    cu_space_revert(r->space);
    r->watermark = INT64_MIN;
    r->n_out = 0;
    r->emitted = 0;
    cu_arena_reset(r->round);
    int rc = cu_pipeline_open(r->root, &r->env, &r->pipeline, &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    r->tap = cu_tap_new(collect, see_watermark, r);
    cu_op_connect(r->pipeline->root, r->tap, 0);
}

void rig_reopen(rig *r)
{
    close_all(r);
    open_all(r);
}

const char *rig_integral(rig *r)
{
    return print_all(r, r->committed.at, r->committed.n);
}

const char *rig_normal(rig *r, const cu_schema *schema, const char *rows)
{
    cu_batch *b = parse(r, r->round, schema, rows);
    cu_batch **out;
    uint32_t n = cu_batch_consolidate(r->round, (const cu_batch *const *)&b, 1,
                                      &out);
    return print_all(r, out, n);
}

void rig_expect(rig *r, const char *got, const char *schema, const char *want)
{
    for (unsigned i = 0; i < r->n_texts; i++) {
        if (strcmp(r->texts[i].text, schema))
            continue;
        const char *normal = rig_normal(r, r->texts[i].schema, want);
        cr_assert_str_eq(got, normal, "got:\n%swant:\n%s", got, normal);
        return;
    }
    const char *normal = rig_normal(r, rig_schema(r, schema), want);
    cr_assert_str_eq(got, normal, "got:\n%swant:\n%s", got, normal);
}
