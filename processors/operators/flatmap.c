/* Flatmap: one row becomes one row per element of a set-returning function.
 *
 *     in    a | {1,2}          out   a | {1,2} | 1 | 1
 *           b | {}                   a | {1,2} | 2 | 2
 *                                    b | {}    | NULL | NULL     (outer)
 *
 * The input's columns are gathered by row number; the function's values are
 * boxed, because sets are built element by element anyway.  Output leaves in
 * batches of at most CU_BATCH_ROWS; two arenas keep memory flat: `sets` lives
 * until no waiting row points into it, `chunk` until the emit.
 */
#include "processors/operators/int.h"

typedef struct flatmap {
    cu_op op;
    cu_prog *prog; /* the arguments */
    cu_memo *memo;
    cu_row_faults faults;
    cu_arena *sets, *chunk;
    uint32_t n_own; /* columns of the function */
    /* Rows that wait: */
    uint32_t n;
    uint16_t from[CU_BATCH_ROWS];          /* row of the input */
    const cu_value *values[CU_BATCH_ROWS]; /* n_own of them, NULL: outer */
    int64_t ordinal[CU_BATCH_ROWS];
} flatmap;

static int flatmap_open(cu_op *op, cu_err *err)
{
    flatmap *f = (flatmap *)op;
    const cu_node *n = op->node;
    f->sets = cu_arena_new(0);
    f->chunk = cu_arena_new(0);
    f->memo = cu_memo_new();
    f->n_own = n->schema->n - n->inputs[0]->schema->n -
               (n->flatmap.ordinality ? 1 : 0);
    return cu_prog_compile(n->flatmap.args, n->flatmap.n_args,
                           n->inputs[0]->schema, op->env->expr, &f->prog, err);
}

static void fill_own(flatmap *f, cu_batch *out, uint32_t first)
{
    for (uint32_t c = 0; c < f->n_own; c++) {
        cu_col *col = &out->cols[first + c];
        cu_value null = {.type = col->type, .null = true};
        for (uint32_t i = 0; i < f->n; i++)
            cu_col_set(f->chunk, col, i, f->n,
                       f->values[i] ? &f->values[i][c] : &null);
    }
    if (!f->op.node->flatmap.ordinality)
        return;
    cu_col *col = &out->cols[first + f->n_own];
    for (uint32_t i = 0; i < f->n; i++) {
        cu_value v = {
            .type = col->type, .null = !f->values[i], .i8 = f->ordinal[i]};
        cu_col_set(f->chunk, col, i, f->n, &v);
    }
}

#define GATHER(field, type_)                                      \
    if (in->field) {                                              \
        type_ *to = cu_arena_alloc(f->chunk, f->n * sizeof(*to)); \
        for (uint32_t i = 0; i < f->n; i++)                       \
            to[i] = in->field[f->from[i]];                        \
        out->field = to;                                          \
    }

/* A batch of the waiting rows; the input's columns are gathered, the
 * function's made. */
static cu_batch *chunk_of(flatmap *f, const cu_batch *in)
{
    const cu_schema *schema = f->op.node->schema;
    cu_batch *out = cu_arena_calloc(f->chunk, 1, sizeof(*out));
    out->schema = schema;
    out->n_cols = schema->n;
    out->n_rows = out->capacity = f->n;
    out->arena = f->chunk;
    out->cols = cu_arena_calloc(f->chunk, schema->n, sizeof(cu_col));
    for (uint32_t c = 0; c < in->n_cols; c++)
        out->cols[c] = cu_col_gather(f->chunk, &in->cols[c], f->from, f->n);
    for (uint32_t c = in->n_cols; c < schema->n; c++) {
        cu_type t = schema->fields[c].type;
        out->cols[c] = (cu_col){.type = t, .form = CU_FLAT};
        out->cols[c].data = cu_arena_calloc(f->chunk, f->n, cu_type_width(t));
    }
    return out;
}

static int send_chunk(flatmap *f, const cu_batch *in, cu_err *err)
{
    if (f->n == 0)
        return 0;
    cu_batch *out = chunk_of(f, in);
    fill_own(f, out, in->n_cols);
    GATHER(weights, int32_t)
    GATHER(marks, int64_t)
    GATHER(origins, uint32_t)
    out->records = in->records;
    cu_batch_seal(out);
    f->n = 0;
    int rc = cu_op_emit(&f->op, out, err);
    cu_arena_reset(f->chunk);
    return rc;
}

static int add(flatmap *f, const cu_batch *in, uint32_t row,
               const cu_value *values, int64_t ordinal, cu_err *err)
{
    f->from[f->n] = (uint16_t)row;
    f->values[f->n] = values;
    f->ordinal[f->n] = ordinal;
    f->n++;
    return f->n < CU_BATCH_ROWS ? 0 : send_chunk(f, in, err);
}

static int bad_set(flatmap *f, const cu_batch *in, uint32_t row,
                   const cu_err *why, cu_err *err)
{
    const cu_op_env *env = f->op.env;
    if (cu_batch_weight(in, row) < 0 || !env->letter)
        return 0;
    cu_letter letter = {.batch = in,
                        .row = row,
                        .sqlstate = why->sqlstate,
                        .message = why->msg,
                        .stage = f->op.vt->name};
    return env->letter(env->ctx, &letter, err);
}

static int expand(flatmap *f, const cu_batch *in, uint32_t row,
                  const cu_col *args, cu_err *err)
{
    const cu_node *n = f->op.node;
    cu_value values[CU_FUNC_ARGS];
    cu_set_rows set = {.memo = f->memo};
    cu_err why = {0};
    if (f->n == 0)
        cu_arena_reset(f->sets);
    for (uint32_t i = 0; i < n->flatmap.n_args; i++)
        values[i] = cu_col_value(&args[i], row);
    if (cu_set_call(n->flatmap.func, values, n->flatmap.n_args, f->sets, &set,
                    &why))
        return bad_set(f, in, row, &why, err);
    int rc = 0;
    for (uint32_t i = 0; i < set.n && !rc; i++)
        rc = add(f, in, row, &set.values[(size_t)i * set.n_cols],
                 (int64_t)i + 1, err);
    if (!rc && set.n == 0 && n->flatmap.outer)
        rc = add(f, in, row, NULL, 0, err);
    return rc;
}

static int flatmap_push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    flatmap *f = (flatmap *)op;
    cu_col args[CU_FUNC_ARGS];
    (void)port;
    CU_ASSERT(op->node->flatmap.n_args <= CU_FUNC_ARGS);
    f->n = 0; /* an error may have left rows of another batch */
    cu_prog_run(f->prog, b, op->arena, args, &f->faults);
    int rc = cu_faults_report(op, b, &f->faults, NULL, err);
    for (uint32_t i = 0; i < b->n_sel && !rc; i++) {
        uint32_t row = cu_batch_row(b, i);
        if (!(f->faults.rows[row >> 6] >> (row & 63) & 1))
            rc = expand(f, b, row, args, err);
    }
    return rc ? rc : send_chunk(f, b, err);
}

static void flatmap_close(cu_op *op)
{
    flatmap *f = (flatmap *)op;
    cu_prog_free(f->prog);
    cu_memo_free(f->memo);
    cu_arena_free(f->sets);
    cu_arena_free(f->chunk);
}

cu_op *cu_flatmap_new(void)
{
    static const cu_op_vt vt = {.name = "flatmap",
                                .open = flatmap_open,
                                .push = flatmap_push,
                                .close = flatmap_close};
    flatmap *f = cu_calloc(1, sizeof(*f));
    cu_op_init(&f->op, &vt);
    return &f->op;
}
