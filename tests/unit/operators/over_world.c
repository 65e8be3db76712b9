#include "tests/unit/operators/over_world.h"

#include "rows/key.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

cu_node *over_node(rig *r, const char *schema, cu_node *input,
                   const char *partition, const char *order)
{
    cu_node *n = rig_node(r, CU_N_OVER, schema, input);
    cu_key_col *cols = cu_arena_calloc(r->arena, 8, sizeof(*cols));
    const uint16_t *by = rig_cols(r, order, &n->over.n_order);
    for (uint32_t i = 0; i < n->over.n_order; i++)
        cols[i].col = by[i];
    n->over.order = cols;
    n->over.partition = rig_cols(r, partition, &n->over.n_partition);
    n->over.calls = cu_arena_calloc(r->arena, 16, sizeof(*n->over.calls));
    return n;
}

cu_over_frame *over_add(rig *r, cu_node *n, const char *name, const char *args)
{
    cu_over_call *c = (cu_over_call *)&n->over.calls[n->over.n_calls++];
    const cu_schema *from = n->inputs[0]->schema;
    const uint16_t *cols = rig_cols(r, args, &c->n_args);
    cu_expr *exprs[3];
    char hint[120];
    for (uint32_t i = 0; i < c->n_args; i++) {
        c->args[i] = cols[i];
        exprs[i] = cu_expr_col(r->arena, cols[i], from->fields[cols[i]].type,
                               (cu_pos){-1, -1});
    }
    int rc = cu_func_resolve(r->arena, name, CU_FUNC_WINDOW | CU_FUNC_AGGREGATE,
                             exprs, c->n_args, &c->func, &c->result, hint,
                             &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    cu_type shown = n->schema->fields[from->n + n->over.n_calls - 1].type;
    cr_assert_eq(c->result.kind, shown.kind, "%s", name);
    c->filter = -1;
    c->frame.end = CU_BOUND_CURRENT;
    return &c->frame;
}

const cu_value *over_int(rig *r, cu_kind kind, int64_t v)
{
    cu_value *out = cu_arena_calloc(r->arena, 1, sizeof(*out));
    out->type = CU_TYPE(kind);
    if (kind == CU_T_INT4)
        out->i4 = (int32_t)v;
    else
        out->i8 = v;
    return out;
}

const cu_value *over_interval(rig *r, const char *text)
{
    cu_value *out = cu_arena_calloc(r->arena, 1, sizeof(*out));
    out->type = CU_TYPE(CU_T_INTERVAL);
    int rc = cu_interval_in(cu_slice_of(text), &out->iv, &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    return out;
}

/* --- the slow way --------------------------------------------------------- */

enum { MOST = 90, MOST_CALLS = 4, NIL = INT32_MIN, CONSTANT = 2 };

typedef struct row {
    int p, o, v, k; /* NIL: NULL */
    char key[128];  /* partition | order | row bytes */
    size_t key_len, order_len;
    int group;
} row;

typedef struct model {
    row rows[MOST];
    int n;
} model;

typedef struct world {
    rig r;
    cu_node *over;
    char schema[256];
    unsigned flags; /* of the order */
} world;

static const char *const columns = "p:int o:int v:int k:int";

typedef struct answer {
    bool null, real;
    long long i;
    double d;
} answer;

static int by_key(const void *pa, const void *pb)
{
    const row *a = pa, *b = pb;
    return cu_slice_cmp(cu_slice_n(a->key, a->key_len),
                        cu_slice_n(b->key, b->key_len));
}

static int side(int x)
{
    return x < 0 ? -1 : x > 0;
}

/* -1, 0, 1: row j is ahead of the frame's end, on it, behind it. */
static int stands(const world *w, const row *rows, int i, int j,
                  const cu_over_frame *f, bool start)
{
    int bound = start ? f->start : f->end;
    const cu_value *by = start ? f->start_offset : f->end_offset;
    if (bound == CU_BOUND_UNBOUNDED_PRECEDING)
        return 1;
    if (bound == CU_BOUND_UNBOUNDED_FOLLOWING)
        return -1;
    int n = bound == CU_BOUND_CURRENT    ? 0
            : by->type.kind == CU_T_INT4 ? by->i4
                                         : (int)by->i8;
    n = bound == CU_BOUND_PRECEDING ? -n : n;
    if (f->mode == CU_FRAME_ROWS)
        return side(j - (i + n));
    if (f->mode == CU_FRAME_GROUPS || bound == CU_BOUND_CURRENT)
        return side(rows[j].group - (rows[i].group + n));
    bool desc = w->flags & CU_DESC, first = w->flags & CU_NULLS_FIRST;
    if (rows[i].o == NIL || rows[j].o == NIL)
        return rows[i].o == rows[j].o        ? 0
               : (rows[j].o == NIL) == first ? -1
                                             : 1;
    return desc ? side(rows[i].o - n - rows[j].o)
                : side(rows[j].o - (rows[i].o + n));
}

static bool in_frame(const world *w, const row *rows, int i, int j,
                     const cu_over_frame *f)
{
    if (stands(w, rows, i, j, f, true) < 0 ||
        stands(w, rows, i, j, f, false) > 0)
        return false;
    bool peers = rows[i].group == rows[j].group;
    switch ((cu_frame_exclude)f->exclude) {
    case CU_EXCLUDE_NOTHING:
        return true;
    case CU_EXCLUDE_CURRENT:
        return i != j;
    case CU_EXCLUDE_GROUP:
        return !peers;
    case CU_EXCLUDE_TIES:
        return !peers || i == j;
    }
    return false;
}

static int column(const row *x, unsigned col)
{
    return col == 0   ? x->p
           : col == 1 ? x->o
           : col == 2 ? x->v
           : col == 3 ? x->k
                      : CONSTANT;
}

static answer number(int v)
{
    return (answer){.null = v == NIL, .i = v};
}

static answer framed(const world *w, const row *rows, int n, int i,
                     const cu_over_call *c)
{
    long long count = 0, sum = 0;
    int best = NIL, seen = 0, found = NIL, last = NIL;
    int nth = c->func->win == CU_WIN_NTH_VALUE ? column(&rows[i], c->args[1])
                                               : 1;
    for (int j = 0; j < n; j++) {
        if (!in_frame(w, rows, i, j, &c->frame))
            continue;
        int v = c->n_args ? column(&rows[j], c->args[0]) : 0;
        last = v;
        if (++seen == nth)
            found = v;
        if (v == NIL || (c->filter >= 0 && rows[j].k != 1))
            continue;
        count++;
        sum += v;
        bool less = c->func->agg == CU_AGG_MIN;
        if (best == NIL || (less ? v < best : v > best))
            best = v;
    }
    switch (c->func->agg) {
    case CU_AGG_COUNT_STAR:
    case CU_AGG_COUNT:
        return (answer){.i = count};
    case CU_AGG_SUM:
        return (answer){.null = count == 0, .i = sum};
    case CU_AGG_MIN:
    case CU_AGG_MAX:
        return number(best);
    default:
        return number(c->func->win == CU_WIN_LAST_VALUE ? last : found);
    }
}

static answer ranked(const row *rows, int n, int i, unsigned win)
{
    int rank = 1, through = 0;
    for (int j = 0; j < n; j++) {
        rank += rows[j].group < rows[i].group;
        through += rows[j].group <= rows[i].group;
    }
    switch (win) {
    case CU_WIN_ROW_NUMBER:
        return (answer){.i = i + 1};
    case CU_WIN_RANK:
        return (answer){.i = rank};
    case CU_WIN_DENSE_RANK:
        return (answer){.i = rows[i].group + 1};
    case CU_WIN_PERCENT_RANK:
        return (answer){.real = true,
                        .d = n > 1 ? (double)(rank - 1) / (n - 1) : 0};
    default:
        return (answer){.real = true, .d = (double)through / n};
    }
}

/* Parts are handed out row by row. */
static answer parted(const row *rows, int n, int i)
{
    int parts = 0, from = 0;
    while (from < n && rows[from].k == NIL)
        from++;
    if (i < from)
        return (answer){.null = true};
    parts = rows[from].k;
    int at = 0;
    for (int part = 1; part <= parts; part++) {
        at += n / parts + (part <= n % parts);
        if (i < at)
            return (answer){.i = part};
    }
    return (answer){.null = true};
}

static answer computed(const world *w, const row *rows, int n, int i,
                       const cu_over_call *c)
{
    unsigned win = c->func->win;
    if (win == CU_WIN_NTILE)
        return parted(rows, n, i);
    if (win != CU_WIN_LAG && win != CU_WIN_LEAD)
        return win && win < CU_WIN_NTILE ? ranked(rows, n, i, win)
                                         : framed(w, rows, n, i, c);
    int by = c->n_args > 1 ? column(&rows[i], c->args[1]) : 1;
    if (by == NIL)
        return (answer){.null = true};
    int from = win == CU_WIN_LAG ? i - by : i + by;
    if (from >= 0 && from < n)
        return number(column(&rows[from], c->args[0]));
    return c->n_args > 2 ? number(column(&rows[i], c->args[2]))
                         : (answer){.null = true};
}

static size_t put_number(char *out, int v)
{
    return (size_t)(v == NIL ? sprintf(out, "null ") : sprintf(out, "%d ", v));
}

static size_t put_row(char *out, const row *x)
{
    size_t len = put_number(out, x->p);
    len += put_number(out + len, x->o);
    len += put_number(out + len, x->v);
    return len + put_number(out + len, x->k);
}

static void expected(const world *w, model *m, char *text)
{
    size_t len = 0;
    int from = 0;
    qsort(m->rows, (size_t)m->n, sizeof(*m->rows), by_key);
    text[0] = 0;
    for (int i = 0; i < m->n; i++) {
        row *x = &m->rows[i], *last = i ? x - 1 : NULL;
        bool apart = w->over->over.n_partition && last && last->p != x->p;
        if (!last || apart)
            from = i;
        x->group = i == from ? 0
                             : last->group +
                                   (last->order_len != x->order_len ||
                                    memcmp(last->key, x->key, x->order_len));
    }
    for (int i = 0, n = 0; i < m->n; i++) {
        if (i == n) {
            from = n;
            do
                n++;
            while (n < m->n && !(w->over->over.n_partition &&
                                 m->rows[n].p != m->rows[from].p));
        }
        len += put_row(text + len, &m->rows[i]);
        len += (size_t)sprintf(text + len, "%d ", CONSTANT);
        len += (size_t)sprintf(text + len,
                               m->rows[i].k == 1 ? "true " : "false ");
        for (uint32_t k = 0; k < w->over->over.n_calls; k++) {
            answer a = computed(w, m->rows + from, n - from, i - from,
                                &w->over->over.calls[k]);
            len += (size_t)(a.null   ? sprintf(text + len, "null ")
                            : a.real ? sprintf(text + len, "%.17g ", a.d)
                                     : sprintf(text + len, "%lld ", a.i));
        }
        len += (size_t)sprintf(text + len, "\n");
    }
}

/* --- random nodes --------------------------------------------------------- */

/* Two more columns: a constant, which calls may know, and a condition. */
static cu_node *projection(rig *r)
{
    static const char *const out = "p:int o:int v:int k:int c:int b:bool";
    cu_node *n = rig_node(r, CU_N_PROJECT, out, rig_source(r, columns));
    const cu_pos none = {-1, -1};
    cu_expr **e = cu_arena_calloc(r->arena, 6, sizeof(*e));
    const cu_type int4 = CU_TYPE(CU_T_INT4);
    for (uint32_t i = 0; i < 4; i++)
        e[i] = cu_expr_col(r->arena, i, int4, none);
    e[4] = cu_expr_const(r->arena, over_int(r, CU_T_INT4, CONSTANT), none);
    cu_expr *sides[2] = {
        e[3], cu_expr_const(r->arena, over_int(r, CU_T_INT4, 1), none)};
    cu_expr *equal;
    char hint[120];
    cr_assert_eq(cu_expr_call(r->arena, "is_not_distinct_from", sides, 2, none,
                              &equal, hint, &r->err),
                 0);
    e[5] = equal;
    n->project.exprs = e;
    return n;
}

static void random_frame(world *w, cu_over_frame *f)
{
    rig *r = &w->r;
    bool ordered = w->over->over.n_order == 1;
    if (rig_draw(r, 4) == 0)
        return;
    f->mode = (uint8_t)rig_draw(r, 3);
    if (!ordered)
        f->mode = CU_FRAME_ROWS;
    f->start = (uint8_t)rig_draw(r, 4);
    f->end = (uint8_t)(1 + rig_draw(r, 4));
    if (f->start > CU_BOUND_PRECEDING && f->end < f->start)
        f->end = f->start;
    cu_kind kind = f->mode == CU_FRAME_RANGE ? CU_T_INT4 : CU_T_INT8;
    f->start_offset = over_int(r, kind, rig_draw(r, 4));
    f->end_offset = over_int(r, kind, rig_draw(r, 4));
    if (rig_draw(r, 3) == 0)
        f->exclude = (uint8_t)rig_draw(r, 4);
}

static const struct choice {
    const char *name, *args, *type;
} choices[] = {
    {"row_number", "", "int8"},  {"rank", "", "int8"},
    {"dense_rank", "", "int8"},  {"percent_rank", "", "float8"},
    {"cume_dist", "", "float8"}, {"ntile", "3", "int"},
    {"lag", "2", "int"},         {"lag", "2 4", "int"},
    {"lag", "2 3", "int"},       {"lead", "2", "int"},
    {"lead", "2 4 1", "int"},    {"lead", "2 3 1", "int"},
    {"first_value", "2", "int"}, {"last_value", "2", "int"},
    {"nth_value", "2 4", "int"}, {"nth_value", "2 3", "int"},
    {"count", "", "int8"},       {"count", "2", "int8"},
    {"sum", "2", "int8"},        {"sum", "2", "int8"},
    {"min", "2", "int"},         {"max", "2", "int"},
};

enum { WHOLE_ONES = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 11 | 1 << 15 };

static void random_node(world *w)
{
    rig *r = &w->r;
    unsigned picked[MOST_CALLS], n = 1 + rig_draw(r, MOST_CALLS);
    bool near = rig_draw(r, 3) > 0; /* nothing that needs whole partitions */
    size_t len = (size_t)sprintf(w->schema, "%s c:int b:bool", columns);
    for (unsigned i = 0; i < n; i++) {
        do
            picked[i] = rig_draw(r, sizeof(choices) / sizeof(*choices));
        while (near && WHOLE_ONES >> picked[i] & 1);
        len += (size_t)sprintf(w->schema + len, " a%u:%s", i,
                               choices[picked[i]].type);
    }
    w->over = over_node(r, w->schema, projection(r), rig_draw(r, 4) ? "0" : "",
                        rig_draw(r, 8) ? "1" : "");
    w->flags = rig_draw(r, 4);
    if (w->over->over.n_order)
        ((cu_key_col *)w->over->over.order)->flags = (uint16_t)w->flags;
    for (unsigned i = 0; i < n; i++) {
        const struct choice *c = &choices[picked[i]];
        cu_over_frame *f = over_add(r, w->over, c->name, c->args);
        cu_over_call *call = (cu_over_call *)&w->over->over.calls[i];
        if (call->func->agg && rig_draw(r, 4) == 0)
            call->filter = 5;
        random_frame(w, f);
        while (near && f->end == CU_BOUND_UNBOUNDED_FOLLOWING)
            random_frame(w, f);
    }
}

/* --- changes -------------------------------------------------------------- */

/* Where the row stands: the bytes that the operator orders by. */
static void know_key(world *w, row *x)
{
    char text[128];
    cu_batch *b;
    cu_buf key = {0};
    cu_arena *a = cu_arena_new(0);
    size_t len = put_row(text, x);
    sprintf(text + len, "%d %s\n", CONSTANT, x->k == 1 ? "true" : "false");
    int rc = cu_batch_parse(a, "p:int o:int v:int k:int c:int b:bool", text, &b,
                            &w->r.err);
    cr_assert_eq(rc, 0, "%s", w->r.err.msg);
    cu_key_col p = {0, 0};
    cu_key_encode(b, 0, &p, w->over->over.n_partition, &key);
    cu_key_encode(b, 0, w->over->over.order, w->over->over.n_order, &key);
    x->order_len = key.len;
    cu_row_encode(b, 0, NULL, b->n_cols, &key);
    cr_assert_leq(key.len, sizeof(x->key));
    memcpy(x->key, key.data, key.len);
    x->key_len = key.len;
    cu_buf_free(&key);
    cu_arena_free(a);
}

static int draw_value(rig *r, unsigned n, unsigned nulls)
{
    return rig_draw(r, nulls) == 0 ? NIL : (int)rig_draw(r, n);
}

static void change(world *w, model *m)
{
    rig *r = &w->r;
    char text[4096];
    size_t len = 0;
    for (unsigned i = 1 + rig_draw(r, 6); i > 0; i--) {
        row x = {.p = (int)rig_draw(r, 2), .k = draw_value(r, 3, 9)};
        x.o = draw_value(r, 12, 8);
        x.v = draw_value(r, 4, 6);
        x.k = x.k == NIL ? NIL : x.k + 1;
        bool takes = m->n > 0 && (rig_draw(r, 5) < 2 || m->n == MOST);
        if (takes) {
            int at = (int)rig_draw(r, (unsigned)m->n);
            x = m->rows[at];
            m->rows[at] = m->rows[--m->n];
        } else {
            know_key(w, &x);
            m->rows[m->n++] = x;
        }
        len += (size_t)sprintf(text + len, "%+d | ", takes ? -1 : 1);
        len += put_row(text + len, &x);
        len += (size_t)sprintf(text + len, "\n");
    }
    rig_push(r, 0, text);
}

static void check(world *w, model *m, uint64_t seed, int round)
{
    static char text[1 << 16];
    expected(w, m, text);
    const char *want = rig_normal(&w->r, w->over->schema, text);
    const char *got = rig_integral(&w->r);
    if (strcmp(got, want)) {
        cu_buf plan = {0};
        for (uint32_t i = 0; i < w->over->over.n_calls; i++) {
            const cu_over_call *c = &w->over->over.calls[i];
            const cu_over_frame *f = &c->frame;
            long long a = f->start_offset ? f->mode ? f->start_offset->i8
                                                    : f->start_offset->i4
                                          : 0;
            long long b = f->end_offset
                              ? f->mode ? f->end_offset->i8 : f->end_offset->i4
                              : 0;
            cu_buf_printf(&plan,
                          "%s filter %d mode %d start %d (%lld) end %d (%lld) "
                          "exclude %d\n",
                          c->func->name, c->filter, f->mode, f->start, a,
                          f->end, b, f->exclude);
        }
        cu_buf_put_u8(&plan, 0);
        cr_assert_fail(
            "seed %llu round %d flags %u order %u\n%sgot:\n%swant:\n%s",
            (unsigned long long)seed, round, w->flags, w->over->over.n_order,
            plan.data, got, want);
    }
}

void over_compare(uint64_t seed, unsigned rounds)
{
    static world w;
    static model now, committed;
    memset(&now, 0, sizeof(now));
    memset(&committed, 0, sizeof(committed));
    rig_open(&w.r, seed);
    w.r.expr_env.zone = cu_zone_utc();
    random_node(&w);
    rig_start(&w.r, w.over);
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = rig_draw(&w.r, 4); i > 0; i--)
            change(&w, &now);
        if (rig_draw(&w.r, 5) == 0) {
            rig_abort(&w.r);
            now = committed;
            continue;
        }
        rig_commit(&w.r);
        check(&w, &now, seed, (int)round);
        committed = now;
        if (rig_draw(&w.r, 4) == 0)
            rig_reopen(&w.r);
    }
    rig_close(&w.r);
}
