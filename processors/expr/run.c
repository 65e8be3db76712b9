/* Running a program over a batch.
 *
 * Selections are computed when an instruction makes them; an instruction
 * under an empty selection is skipped and leaves a constant NULL.  Validity
 * of strict calls is the AND of the arguments' bitmaps, sixteen words.  A
 * call whose arguments are all constant runs on one row, and its fault, if
 * any, is the fault of every row of its selection.
 */
#include "base/alloc.h"
#include "base/assert.h"
#include "processors/expr/prog_int.h"
#include "rows/numeric.h"

#include <stdarg.h>

typedef struct run {
    cu_prog *p;
    const cu_batch *b;
    cu_arena *a;
    cu_row_faults *faults;
    uint32_t n_words; /* of a bitmap over the batch */
} run;

/* --- faults ---------------------------------------------------------- */

void cu_call_null(cu_call *c, uint32_t row)
{
    cu_col *out = c->out;
    if (!out->valid) {
        size_t bytes = ((size_t)c->n_rows + 63) / 64 * 8;
        out->valid = cu_arena_alloc(c->arena, bytes);
        memset(out->valid, 0xFF, bytes);
    }
    out->valid[row >> 6] &= ~(UINT64_C(1) << (row & 63));
}

static void add_fault(cu_row_faults *f, uint32_t row, uint32_t sqlstate,
                      const char *message, uint16_t expr)
{
    f->rows[row >> 6] |= UINT64_C(1) << (row & 63);
    f->at[f->n++] = (cu_row_fault){(uint16_t)row, expr, sqlstate, message};
}

static bool has_fault(const cu_row_faults *f, uint32_t row)
{
    return f->rows[row >> 6] >> (row & 63) & 1;
}

void cu_call_fail(cu_call *c, uint32_t row, uint32_t sqlstate,
                  const char *format, ...)
{
    cu_call_null(c, row);
    if (has_fault(c->faults, row))
        return;
    va_list ap;
    va_start(ap, format);
    const char *message = cu_arena_vprintf(c->arena, format, ap);
    va_end(ap);
    add_fault(c->faults, row, sqlstate, message, 0);
}

void cu_call_fail_err(cu_call *c, uint32_t row, const cu_err *err)
{
    cu_call_fail(c, row, err->sqlstate, "%s", err->msg);
}

const cu_zone *cu_call_zone(const cu_call *c)
{
    return c->env && c->env->zone ? c->env->zone : cu_zone_utc();
}

static void clear_faults(cu_row_faults *f)
{
    f->n = 0;
    memset(f->rows, 0, sizeof(f->rows));
}

/* --- columns --------------------------------------------------------- */

static cu_col null_col(cu_type type)
{
    static uint64_t no_bits[1];
    static _Alignas(16) char zeros[sizeof(cu_numeric)];
    return (cu_col){
        .type = type, .form = CU_CONST, .valid = no_bits, .data = zeros};
}

static bool is_null_const(const cu_col *c)
{
    return c->form == CU_CONST && c->valid && !(c->valid[0] & 1);
}

/* A flat column for the slot, in the arena when it is a result (P3). */
static cu_col new_col(run *r, uint32_t slot, uint64_t **valid)
{
    const cu_slot *s = &r->p->slots[slot];
    cu_col c = {.type = s->type, .form = CU_FLAT};
    if (s->output) {
        c.data = cu_arena_alloc(r->a, cu_type_width(s->type) * r->b->n_rows);
        *valid = cu_arena_alloc(r->a, (size_t)r->n_words * 8);
    } else {
        c.data = r->p->temps[s->buffer].data;
        *valid = r->p->temps[s->buffer].valid;
    }
    return c;
}

/* --- calls ----------------------------------------------------------- */

static void and_validity(cu_col *out, uint64_t *space, uint32_t n_words,
                         const cu_col *const *args, uint32_t n_args)
{
    for (uint32_t k = 0; k < n_args; k++) {
        const uint64_t *v = args[k]->valid;
        if (!v || args[k]->form == CU_CONST)
            continue;
        if (!out->valid)
            memcpy(space, v, (size_t)n_words * 8);
        else
            for (uint32_t w = 0; w < n_words; w++)
                space[w] &= v[w];
        out->valid = space;
    }
}

/* One row stands for all: returns false when it failed. */
static bool call_const(cu_call *c, cu_row_faults *faults)
{
    clear_faults(faults);
    c->n_rows = c->n_sel = 1;
    c->sel = NULL;
    c->faults = faults;
    c->func->kernel(c);
    c->out->form = CU_CONST;
    return faults->n == 0;
}

static void run_call(run *r, const cu_instr *in, const cu_rows_sel *sel)
{
    const cu_func *f = in->func;
    cu_col *out = &r->p->cols[in->dst];
    uint64_t *space;
    bool all_const = f->volatility == CU_IMMUTABLE;
    for (uint32_t k = 0; k < in->n_args; k++) {
        all_const = all_const && in->columns[k]->form == CU_CONST;
        if (f->strict && is_null_const(in->columns[k])) {
            *out = null_col(in->type);
            return;
        }
    }
    cu_col made = new_col(r, in->dst, &space);
    cu_call c = {.func = f,
                 .n_rows = r->b->n_rows,
                 .n_sel = sel->n,
                 .sel = sel->rows,
                 .args = in->columns,
                 .n_args = in->n_args,
                 .out = &made,
                 .arena = r->a,
                 .faults = r->faults,
                 .env = r->p->env,
                 .type = in->type,
                 .scratch = &r->p->scratch,
                 .memo = r->p->memo};
    uint32_t before = r->faults->n;
    if (!all_const) {
        if (f->strict)
            and_validity(&made, space, r->n_words, in->columns, in->n_args);
        f->kernel(&c);
        for (uint32_t i = before; i < r->faults->n; i++)
            r->faults->at[i].expr = in->expr;
    } else if (!call_const(&c, r->p->const_faults)) {
        const cu_row_fault *why = &r->p->const_faults->at[0];
        for (uint32_t i = 0; i < sel->n; i++) {
            uint32_t row = sel->rows ? sel->rows[i] : i;
            if (!has_fault(r->faults, row))
                add_fault(r->faults, row, why->sqlstate, why->message,
                          in->expr);
        }
    }
    *out = made;
}

bool cu_prog_fold(cu_prog *p, const cu_func *f, cu_type type,
                  const cu_col *const *args, uint32_t n_args, cu_value *out,
                  cu_row_faults *faults)
{
    cu_col made = {.type = type, .form = CU_FLAT};
    made.data = cu_arena_calloc(p->arena, 1, cu_type_width(type));
    cu_call c = {.func = f,
                 .args = args,
                 .n_args = n_args,
                 .out = &made,
                 .arena = p->arena,
                 .env = p->env,
                 .type = type,
                 .scratch = &p->scratch,
                 .memo = p->memo};
    if (!call_const(&c, faults))
        return false;
    *out = cu_col_value(&made, 0);
    out->type = type;
    return true;
}

int cu_call_on_values(const cu_call *outer, const cu_func *f, cu_type to,
                      const cu_value *in, uint32_t n, cu_value *out,
                      cu_row_faults *faults, cu_err *err)
{
    cu_buf scratch = {0};
    int rc = 0;
    for (uint32_t i = 0; i < n && !rc; i++) {
        out[i] = (cu_value){.type = to, .null = true};
        if (in[i].null)
            continue;
        cu_col arg = cu_col_const(outer->arena, &in[i]);
        const cu_col *args[1] = {&arg};
        cu_col made = {.type = to, .form = CU_FLAT};
        made.data = cu_arena_calloc(outer->arena, 1, cu_type_width(to));
        cu_call c = {.func = f,
                     .args = args,
                     .n_args = 1,
                     .out = &made,
                     .arena = outer->arena,
                     .env = outer->env,
                     .type = to,
                     .scratch = &scratch,
                     .memo = outer->memo};
        if (call_const(&c, faults)) {
            out[i] = cu_col_value(&made, 0);
            continue;
        }
        rc = cu_fail(err, CU_DATA, 0, "%s", faults->at[0].message);
        if (err)
            err->sqlstate = faults->at[0].sqlstate;
    }
    cu_buf_free(&scratch);
    return rc;
}

/* --- selections ------------------------------------------------------ */

static bool picks(cu_sel_mode mode, bool null, bool value)
{
    switch (mode) {
    case CU_SEL_TRUE:
        return !null && value;
    case CU_SEL_NOT_TRUE:
        return null || !value;
    case CU_SEL_NOT_FALSE:
        return null || value;
    case CU_SEL_NULL:
        return null;
    case CU_LOGIC_AND:
    case CU_LOGIC_OR:
        break;
    }
    return false;
}

/* Rows of `from` whose boolean equals `want`, nulls counting as `nulls`. */
static uint32_t pick_bools(const cu_col *c, const cu_rows_sel *from, bool want,
                           bool nulls, uint16_t *to)
{
    const uint8_t *v = c->data;
    const uint64_t *valid = c->valid;
    uint32_t n = 0;
    for (uint32_t i = 0; i < from->n; i++) {
        const uint32_t row = from->rows ? from->rows[i] : i;
        bool take = v[row] == want;
        if (valid && !(valid[row >> 6] >> (row & 63) & 1))
            take = nulls;
        to[n] = (uint16_t)row;
        n += take;
    }
    return n;
}

static uint32_t pick_nulls(const cu_col *c, const cu_rows_sel *from,
                           uint16_t *to)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < from->n; i++) {
        const uint32_t row = from->rows ? from->rows[i] : i;
        to[n] = (uint16_t)row;
        n += !(c->valid[row >> 6] >> (row & 63) & 1);
    }
    return n;
}

static void run_sel(run *r, const cu_instr *in, const cu_rows_sel *from)
{
    cu_rows_sel *to = &r->p->sels[in->dst];
    const cu_col *c = in->columns[0];
    to->rows = to->space;
    if (c->form == CU_CONST) {
        bool value = in->mode != CU_SEL_NULL && CU_COL(c, uint8_t)[0];
        bool all = picks(in->mode, cu_col_is_null(c, 0), value);
        to->rows = from->rows;
        to->n = all ? from->n : 0;
    } else if (in->mode == CU_SEL_NULL) {
        to->n = c->valid ? pick_nulls(c, from, to->space) : 0;
    } else {
        to->n = pick_bools(c, from, in->mode != CU_SEL_NOT_TRUE,
                           in->mode != CU_SEL_TRUE, to->space);
    }
    if (to->n == from->n)
        to->rows = from->rows; /* keeps "all rows" dense */
}

/* --- merging arms ---------------------------------------------------- */

#define COPY_ROWS(T)                                           \
    do {                                                       \
        const T *x = from->data;                               \
        T *restrict y = to->data;                              \
        for (uint32_t i = 0; i < sel->n; i++) {                \
            const uint32_t row = sel->rows ? sel->rows[i] : i; \
            y[row] = x[row & mask];                            \
        }                                                      \
    } while (0)

static void copy_values(cu_col *to, const cu_col *from, const cu_rows_sel *sel)
{
    const uint32_t mask = from->form == CU_CONST ? 0 : UINT32_MAX;
    switch (cu_type_width(to->type)) {
    case 1:
        COPY_ROWS(uint8_t);
        break;
    case 2:
        COPY_ROWS(uint16_t);
        break;
    case 4:
        COPY_ROWS(uint32_t);
        break;
    case 8:
        COPY_ROWS(uint64_t);
        break;
    case sizeof(cu_slice):
        COPY_ROWS(cu_slice);
        break;
    default:
        CU_ASSERT(to->type.kind == CU_T_NUMERIC);
        COPY_ROWS(cu_numeric);
        break;
    }
}

static void copy_validity(cu_col *to, const cu_col *from,
                          const cu_rows_sel *sel)
{
    for (uint32_t i = 0; i < sel->n; i++) {
        const uint32_t row = sel->rows ? sel->rows[i] : i;
        const uint64_t bit = UINT64_C(1) << (row & 63);
        if (cu_col_is_null(from, row))
            to->valid[row >> 6] &= ~bit;
        else
            to->valid[row >> 6] |= bit;
    }
}

static void run_merge(run *r, const cu_instr *in)
{
    uint64_t *space;
    cu_col made = new_col(r, in->dst, &space);
    for (uint32_t k = 0; k < in->n_args; k++)
        if (in->columns[k]->valid && r->p->sels[in->arms[k]].n)
            made.valid = space;
    if (made.valid)
        memset(space, 0xFF, (size_t)r->n_words * 8);
    for (uint32_t k = 0; k < in->n_args; k++) {
        const cu_rows_sel *arm = &r->p->sels[in->arms[k]];
        if (arm->n && !is_null_const(in->columns[k]))
            copy_values(&made, in->columns[k], arm);
        if (arm->n && made.valid)
            copy_validity(&made, in->columns[k], arm);
    }
    r->p->cols[in->dst] = made;
}

/* --- AND, OR --------------------------------------------------------- */

static void logic_dense(cu_col *to, const cu_col *a, const cu_col *b,
                        bool is_and, uint32_t n)
{
    const uint8_t *x = a->data, *y = b->data;
    uint8_t *out = to->data;
    if (is_and)
        for (uint32_t i = 0; i < n; i++)
            out[i] = x[i] & y[i];
    else
        for (uint32_t i = 0; i < n; i++)
            out[i] = x[i] | y[i];
}

/* Three-valued: the deciding value wins over NULL, NULL over the neutral. */
static void logic_rows(cu_col *to, const cu_col *a, const cu_col *b,
                       bool decides, const cu_rows_sel *sel)
{
    const uint8_t *x = a->data, *y = b->data;
    uint8_t *out = to->data;
    for (uint32_t i = 0; i < sel->n; i++) {
        const uint32_t row = sel->rows ? sel->rows[i] : i;
        const bool x_null = cu_col_is_null(a, row);
        const bool y_null = cu_col_is_null(b, row);
        const bool decided = (!x_null && x[cu_col_at(a, row)] == decides) ||
                             (!y_null && y[cu_col_at(b, row)] == decides);
        const uint64_t bit = UINT64_C(1) << (row & 63);
        out[row] = decided == decides;
        if (!decided && (x_null || y_null))
            to->valid[row >> 6] &= ~bit;
        else if (to->valid)
            to->valid[row >> 6] |= bit;
    }
}

static void run_logic(run *r, const cu_instr *in, const cu_rows_sel *sel)
{
    cu_col *dst = &r->p->cols[in->dst];
    const cu_col *a = in->columns[0], *b = in->columns[1];
    uint64_t *space;
    cu_col made;
    if (a == dst) {
        made = *dst;
        if (!made.valid && b->valid) {
            made.valid = r->p->slots[in->dst].output
                             ? cu_arena_alloc(r->a, (size_t)r->n_words * 8)
                             : r->p->temps[r->p->slots[in->dst].buffer].valid;
            memset(made.valid, 0xFF, (size_t)r->n_words * 8);
        }
    } else {
        made = new_col(r, in->dst, &space);
        if (a->valid || b->valid) {
            memset(space, 0xFF, (size_t)r->n_words * 8);
            made.valid = space;
        }
    }
    if (!a->valid && !b->valid && a->form == CU_FLAT && b->form == CU_FLAT &&
        !sel->rows)
        logic_dense(&made, a, b, in->mode == CU_LOGIC_AND, r->b->n_rows);
    else
        logic_rows(&made, a, b, in->mode == CU_LOGIC_OR, sel);
    *dst = made;
}

/* --- the loop -------------------------------------------------------- */

static void run_code(run *r)
{
    cu_prog *p = r->p;
    for (uint32_t i = 0; i < p->n_code; i++) {
        const cu_instr *in = &p->code[i];
        const cu_rows_sel *sel = &p->sels[in->sel];
        if (!sel->n) {
            if (in->op == CU_OP_SEL)
                p->sels[in->dst].n = 0;
            else if (in->op != CU_OP_LOGIC || in->args[0] != in->dst)
                p->cols[in->dst] = null_col(p->slots[in->dst].type);
            continue;
        }
        switch (in->op) {
        case CU_OP_CALL:
            run_call(r, in, sel);
            break;
        case CU_OP_SEL:
            run_sel(r, in, sel);
            break;
        case CU_OP_MERGE:
            run_merge(r, in);
            break;
        case CU_OP_LOGIC:
            run_logic(r, in, sel);
            break;
        }
    }
}

/* The result of an expression that failed somewhere inside is NULL, also
 * when an outer COALESCE or IS NULL made something of the failed part. */
static void null_faulty_results(run *r)
{
    for (uint32_t i = 0; i < r->faults->n; i++) {
        const cu_row_fault *fault = &r->faults->at[i];
        const uint32_t slot = r->p->out[fault->expr];
        cu_col *c = &r->p->cols[slot];
        if (r->p->slots[slot].kind != CU_SLOT_TEMP || c->form == CU_CONST)
            continue;
        if (!c->valid) {
            c->valid = cu_arena_alloc(r->a, (size_t)r->n_words * 8);
            memset(c->valid, 0xFF, (size_t)r->n_words * 8);
        }
        c->valid[fault->row >> 6] &= ~(UINT64_C(1) << (fault->row & 63));
    }
}

void cu_prog_run(cu_prog *p, const cu_batch *b, cu_arena *a, cu_col *out,
                 cu_row_faults *faults)
{
    run r = {p, b, a, faults, (b->n_rows + 63) / 64};
    CU_ASSERT(b->n_cols == p->input->n);
    CU_ASSERT(b->n_rows <= CU_BATCH_ROWS);
    clear_faults(faults);
    p->sels[0].rows = b->sel;
    p->sels[0].n = b->n_sel;
    for (uint32_t i = 0; i < p->n_slots; i++) {
        if (p->slots[i].kind == CU_SLOT_COL)
            p->cols[i] = b->cols[p->slots[i].col];
        else if (p->slots[i].kind == CU_SLOT_NOW)
            CU_COL(&p->cols[i], int64_t)[0] = p->env ? p->env->now_us : 0;
    }
    run_code(&r);
    null_faulty_results(&r);
    for (uint32_t i = 0; i < p->n_out; i++)
        out[i] = p->cols[p->out[i]];
}

uint32_t cu_prog_filter(cu_prog *p, const cu_batch *b, cu_arena *a,
                        uint16_t *sel_out, cu_row_faults *faults)
{
    cu_col result;
    cu_rows_sel live = {.rows = b->sel, .n = b->n_sel};
    uint32_t n = 0, kept = 0;
    CU_ASSERT(p->n_out == 1);
    cu_prog_run(p, b, a, &result, faults);
    CU_ASSERT(result.type.kind == CU_T_BOOL);
    if (result.form == CU_FLAT)
        n = pick_bools(&result, &live, true, false, sel_out);
    else if (picks(CU_SEL_TRUE, cu_col_is_null(&result, 0),
                   CU_COL(&result, uint8_t)[0]))
        for (; n < live.n; n++)
            sel_out[n] = (uint16_t)cu_batch_row(b, n);
    if (!faults->n)
        return n;
    for (uint32_t i = 0; i < n; i++)
        if (!has_fault(faults, sel_out[i]))
            sel_out[kept++] = sel_out[i];
    return kept;
}

int cu_expr_fold(cu_arena *a, const cu_expr *e, cu_value *out, cu_err *err)
{
    cu_schema none = {.n = 0};
    cu_batch one = {.schema = &none, .n_rows = 1, .n_sel = 1, .arena = a};
    cu_row_faults *faults = cu_calloc(1, sizeof(*faults));
    cu_expr *root = cu_arena_dup(a, e, sizeof(*e));
    cu_prog *p = NULL;
    cu_col result;
    int rc = cu_prog_compile(&root, 1, &none, NULL, &p, err);
    if (rc)
        goto out;
    cu_prog_run(p, &one, a, &result, faults);
    if (faults->n) {
        rc = cu_fail(err, CU_SQL, 0, "%s", faults->at[0].message);
        if (err)
            err->sqlstate = faults->at[0].sqlstate;
        goto out;
    }
    *out = cu_col_value(&result, 0);
    out->type = e->type;
    if (!out->null && cu_type_is_slice(out->type))
        out->s = cu_arena_slice(a, out->s);
    else if (!out->null && out->type.kind == CU_T_NUMERIC)
        out->num = cu_numeric_copy(&out->num, a);
out:
    cu_prog_free(p);
    cu_free(faults);
    return rc;
}
