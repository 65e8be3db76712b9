/* A naive evaluator: what the tables say, as rows and as what happens to
 * them; and what they reject. */
#include "tests/simulation/naive_int.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { MOST_KEYS = 64 };

void sim_event_add(sim_naive *n, sim_events *to, sim_event e)
{
    if (to->n == to->cap) {
        to->cap = to->cap ? 2 * to->cap : 64;
        sim_event *more = cu_arena_calloc(n->a, to->cap, sizeof(*more));
        if (to->n)
            memcpy(more, to->at, to->n * sizeof(*more));
        to->at = more;
    }
    to->at[to->n++] = e;
}

static sim_table table_of(const cu_table_def *t)
{
    for (int i = 0; i < SIM_TABLES; i++)
        if (strcmp(t->name, sim_tables[i]) == 0)
            return (sim_table)i;
    CU_ASSERT(!"a table that the generator does not write");
    return SIM_T;
}

/* --- letters -------------------------------------------------------------- */

static bool is_source(void *ctx, cu_node *node)
{
    const char **name = ctx;
    if (*name && node->kind == CU_N_SOURCE &&
        node->source.table->letters == CU_LETTERS_NONE &&
        strcmp(node->source.table->name, *name) == 0)
        *name = NULL;
    return *name != NULL;
}

/* Nobody judges what nobody reads. */
static bool is_read(const sim_naive *n, const char *table)
{
    for (uint32_t i = 0; i < n->p->n_views; i++)
        cu_node_walk(n->p->views[i]->root, is_source, &table);
    return table == NULL;
}

static int32_t column(const cu_schema *s, const char *name)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (strcmp(s->fields[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}

static cu_value *null_row(sim_naive *n, const cu_schema *schema)
{
    cu_value *row = sim_row_new(n->a, schema->n, INT64_MIN);
    for (uint32_t k = 0; k < schema->n; k++)
        row[k] = (cu_value){.type = schema->fields[k].type, .null = true};
    return row;
}

/* Of the columns those that the generator asks for. */
static sim_rel *dead_letters(sim_naive *n, const cu_table_def *t)
{
    sim_rel *r = sim_rel_new(n, t->schema);
    int32_t partition = column(t->schema, "partition");
    int32_t raw = column(t->schema, "raw_value");
    for (uint32_t i = 0; i < n->limit && is_read(n, t->letters_of); i++) {
        const sim_record *rec = &n->c->records[i];
        if (!rec->bad || strcmp(sim_tables[rec->table], t->letters_of) != 0)
            continue;
        cu_value *row = null_row(n, t->schema);
        row[partition].null = row[raw].null = false;
        row[partition].i4 = rec->partition;
        CU_ASSERT(row[partition].type.kind == CU_T_INT4);
        row[raw].s = cu_slice_of(rec->value);
        sim_rel_add(r, n->a, row);
    }
    return r;
}

static bool find_judge(void *ctx, cu_node *node)
{
    const cu_node **judge = ctx;
    if ((node->kind == CU_N_WINDOW && node->window.late) ||
        (node->kind == CU_N_SESSION && node->session.late))
        *judge = node;
    return *judge == NULL;
}

static sim_rel *late_rows(sim_naive *n, const cu_table_def *t)
{
    const cu_view_def *v = cu_program_view(n->p, t->letters_of);
    const cu_node *judge = NULL;
    cu_node_walk(v->root, find_judge, &judge);
    sim_rel *late = sim_late_rows(n, judge), *r = sim_rel_new(n, t->schema);
    for (uint32_t i = 0; i < late->n; i++) {
        cu_value *row = null_row(n, t->schema);
        for (uint32_t k = 0; k < late->schema->n; k++)
            row[column(t->schema, late->schema->fields[k].name)] =
                late->rows[i][k];
        sim_rel_add(r, n->a, row);
    }
    return r;
}

/* --- rows that stay ------------------------------------------------------- */

/* Rows of t with the watermark that their partition had before them. */
sim_rel *sim_eval_source(sim_naive *n, const cu_node *node)
{
    const cu_table_def *t = node->source.table;
    if (t->letters == CU_LETTERS_DEAD)
        return dead_letters(n, t);
    if (t->letters == CU_LETTERS_LATE)
        return late_rows(n, t);
    sim_rel *r = sim_rel_new(n, node->schema);
    int32_t col = t->watermark_col;
    CU_ASSERT(table_of(t) == SIM_T);
    for (int32_t p = 0; p < SIM_PARTITIONS; p++)
        n->marks[p] = INT64_MIN;
    for (uint32_t i = 0; i < n->limit; i++) {
        const sim_record *rec = &n->c->records[i];
        if (rec->table != SIM_T || rec->bad)
            continue;
        int64_t *mark = &n->marks[rec->partition];
        cu_value *row = sim_row_new(n->a, node->schema->n, *mark);
        memcpy(row, rec->row, node->schema->n * sizeof(*row));
        sim_rel_add(r, n->a, row);
        int64_t ts = row[col].i8 - t->watermark_delay_us;
        *mark = ts > *mark ? ts : *mark;
    }
    return r;
}

/* --- rows that are replaced ----------------------------------------------- */

typedef struct keyed {
    cu_value *now[MOST_KEYS]; /* by id */
} keyed;

static bool same_row(const cu_value *x, const cu_value *y, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (sim_cmp(&x[k], &y[k]))
            return false;
    return true;
}

/* The key's row is now `row`; NULL: there is none. */
static void replace(sim_naive *n, keyed *k, const cu_schema *s, int64_t id,
                    const cu_value *row, int64_t clock, sim_events *out)
{
    cu_value *old = k->now[id], *now = NULL;
    if (row) {
        now = sim_row_new(n->a, s->n, INT64_MIN);
        memcpy(now, row, s->n * sizeof(*now));
    }
    if ((!old && !now) || (old && now && same_row(old, now, s->n)))
        return;
    k->now[id] = now;
    sim_event_add(n, out, (sim_event){old, now, clock});
}

/* From its begin record: the whole table, with the date of its newest row.
 * Returns the end's index; without one the snapshot counts for nothing. */
static uint32_t take_snapshot(sim_naive *n, keyed *k, const cu_schema *s,
                              uint32_t i, sim_events *out)
{
    const cu_value *rows[MOST_KEYS] = {NULL};
    bool faulty = false;
    int64_t date = INT64_MIN;
    const sim_record *rec = &n->c->records[i];
    while (++i < n->limit) {
        rec = &n->c->records[i];
        if (rec->table != SIM_S)
            continue;
        if (rec->snapshot)
            break;
        faulty = faulty || rec->bad;
        if (rec->bad)
            continue;
        if (rows[rec->row[0].i8] == NULL) /* the second is a letter */
            rows[rec->row[0].i8] = rec->row;
        date = rec->row[3].i8 > date ? rec->row[3].i8 : date;
    }
    for (int64_t id = 0; i < n->limit && id < MOST_KEYS; id++)
        if (rows[id] || !faulty)
            replace(n, k, s, id, rows[id], date, out);
    return i;
}

/* A commit per record, an hour on the clock's day. */
static void replacements(sim_naive *n, const cu_node *node, keyed *k,
                         sim_events *out)
{
    sim_table table = table_of(node->normalize.table);
    for (uint32_t i = 0; i < n->limit; i++) {
        const sim_record *rec = &n->c->records[i];
        if (rec->table != table || rec->bad)
            continue;
        if (table == SIM_S)
            i = take_snapshot(n, k, node->schema, i, out);
        else
            replace(n, k, node->schema, rec->row[0].i8,
                    rec->gone ? NULL : rec->row,
                    SIM_EPOCH_US + (int64_t)i * 1000000, out);
    }
}

sim_rel *sim_eval_normalize(sim_naive *n, const cu_node *node)
{
    sim_rel *r = sim_rel_new(n, node->schema);
    sim_events events = {0};
    keyed k = {{NULL}};
    replacements(n, node, &k, &events);
    for (uint32_t id = 0; id < MOST_KEYS; id++)
        if (k.now[id])
            sim_rel_add(r, n->a, k.now[id]);
    return r;
}

/* --- what happens --------------------------------------------------------- */

static cu_value *through(sim_naive *n, const cu_node *node, cu_prog *p,
                         cu_value *row)
{
    const cu_schema *in = node->inputs[0]->schema;
    if (row == NULL)
        return NULL;
    if (node->kind == CU_N_FILTER) {
        cu_value v;
        bool good = sim_compute(n, p, in, row, 1, &v) && !v.null && v.b;
        return good ? row : NULL;
    }
    cu_value *out = sim_row_new(n->a, node->schema->n, row[-1].i8);
    return sim_compute(n, p, in, row, node->schema->n, out) ? out : NULL;
}

void sim_events_of(sim_naive *n, const cu_node *node, sim_events *out)
{
    keyed k = {{NULL}};
    bool filter = node->kind == CU_N_FILTER;
    if (node->kind == CU_N_NORMALIZE) {
        replacements(n, node, &k, out);
        return;
    }
    if (!filter && node->kind != CU_N_PROJECT) {
        sim_rel *in = sim_eval(n, node);
        for (uint32_t i = 0; i < in->n; i++)
            sim_event_add(n, out, (sim_event){NULL, in->rows[i], SIM_EPOCH_US});
        return;
    }
    sim_events in = {0};
    sim_events_of(n, node->inputs[0], &in);
    cu_prog *p = filter
                     ? sim_compile(n, (cu_expr *const *)&node->filter.predicate,
                                   1, node->inputs[0]->schema)
                     : sim_compile(n, node->project.exprs, node->schema->n,
                                   node->inputs[0]->schema);
    for (uint32_t i = 0; i < in.n; i++) {
        sim_event e = in.at[i];
        e.old = through(n, node, p, e.old);
        e.now = through(n, node, p, e.now);
        if (e.old || e.now)
            sim_event_add(n, out, e);
    }
}
