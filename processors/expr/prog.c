/* The compiler: trees to vector instructions.
 *
 * Bottom up, one slot per distinct value: a call whose function, type and
 * argument slots were seen before under a selection that covers ours is the
 * same slot (P2).  Calls on constants are folded here; one that fails stays
 * in the code and fails the rows that reach it.  Conditions that are known
 * drop their arms.
 *
 * Conditionals.  AND, OR: arguments that are `total` (cannot fail, cheap)
 * are combined on all rows; others run on the rows that are still undecided.
 * CASE: each condition runs on the rows that no earlier one took, each arm on
 * the rows that its condition took.  COALESCE: each argument runs where all
 * earlier ones are NULL.
 *
 * Rejected: one instruction with jumps per row (PostgreSQL's way), which
 * costs a dispatch per row and forbids vector loops.
 */
#include "processors/expr/prog.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "processors/expr/prog_int.h"
#include "rows/numeric.h"

typedef struct seen {
    const cu_expr *e;
    uint32_t sel, slot;
} seen;

typedef struct compiler {
    cu_prog *p;
    uint16_t expr;
    seen *seen; /* conditionals compiled so far */
    uint32_t n_seen, cap_seen;
    cu_row_faults *faults;
} compiler;

static uint32_t compile(compiler *k, const cu_expr *e, uint32_t sel);

#define GROW(array, n, cap)                                          \
    do {                                                             \
        if ((n) == (cap)) {                                          \
            (cap) = (cap) ? (cap)*2 : 16;                            \
            (array) = cu_realloc((array), (cap) * sizeof(*(array))); \
        }                                                            \
    } while (0)

/* --- slots, selections, instructions --------------------------------- */

static uint32_t new_slot(cu_prog *p, cu_slot_kind kind, cu_type type)
{
    GROW(p->slots, p->n_slots, p->cap_slots);
    p->slots[p->n_slots] = (cu_slot){.kind = kind, .type = type};
    return p->n_slots++;
}

static uint32_t new_sel(cu_prog *p, uint32_t parent)
{
    GROW(p->sel_parent, p->n_sels, p->cap_sels);
    p->sel_parent[p->n_sels] = parent;
    return p->n_sels++;
}

/* A slot made under `from` may be read under `sel` (P2). */
static bool covers(const cu_prog *p, uint32_t from, uint32_t sel)
{
    while (sel != from && sel != 0)
        sel = p->sel_parent[sel];
    return sel == from;
}

static uint32_t col_slot(cu_prog *p, const cu_expr *e)
{
    CU_ASSERT(e->col < p->input->n);
    CU_ASSERT(cu_type_same(e->type, p->input->fields[e->col].type));
    for (uint32_t i = 0; i < p->n_slots; i++)
        if (p->slots[i].kind == CU_SLOT_COL && p->slots[i].col == e->col)
            return i;
    uint32_t s = new_slot(p, CU_SLOT_COL, e->type);
    p->slots[s].col = e->col;
    return s;
}

static uint32_t now_slot(cu_prog *p)
{
    for (uint32_t i = 0; i < p->n_slots; i++)
        if (p->slots[i].kind == CU_SLOT_NOW)
            return i;
    uint32_t s = new_slot(p, CU_SLOT_NOW, CU_TYPE(CU_T_TIMESTAMPTZ));
    p->slots[s].value.type = p->slots[s].type;
    return s;
}

static uint32_t const_slot(cu_prog *p, const cu_value *v)
{
    CU_ASSERT(!cu_type_untyped(v->type) && !cu_type_is_pseudo(v->type));
    for (uint32_t i = 0; i < p->n_slots; i++)
        if (p->slots[i].kind == CU_SLOT_CONST &&
            cu_value_same(&p->slots[i].value, v))
            return i;
    uint32_t s = new_slot(p, CU_SLOT_CONST, v->type);
    cu_value *copy = &p->slots[s].value;
    *copy = *v;
    if (!v->null && cu_type_is_slice(v->type))
        copy->s = cu_arena_slice(p->arena, v->s);
    else if (!v->null && v->type.kind == CU_T_NUMERIC)
        copy->num = cu_numeric_copy(&v->num, p->arena);
    return s;
}

static uint32_t null_slot(cu_prog *p, cu_type type)
{
    return const_slot(p, &(cu_value){.type = type, .null = true});
}

static uint32_t bool_slot(cu_prog *p, bool b)
{
    return const_slot(p, &(cu_value){.type = CU_TYPE(CU_T_BOOL), .b = b});
}

static cu_instr *emit(compiler *k, cu_op op, uint32_t dst, uint32_t sel)
{
    cu_prog *p = k->p;
    GROW(p->code, p->n_code, p->cap_code);
    cu_instr *in = &p->code[p->n_code++];
    *in = (cu_instr){.op = op, .dst = dst, .sel = sel, .expr = k->expr};
    return in;
}

static uint32_t *keep(cu_prog *p, const uint32_t *list, uint32_t n)
{
    return cu_arena_dup(p->arena, list, n * sizeof(*list));
}

static uint32_t emit_sel(compiler *k, uint32_t from, uint32_t slot,
                         cu_sel_mode mode)
{
    uint32_t sel = new_sel(k->p, from);
    cu_instr *in = emit(k, CU_OP_SEL, sel, from);
    in->mode = mode;
    in->n_args = 1;
    in->args = keep(k->p, &slot, 1);
    return sel;
}

static uint32_t emit_merge(compiler *k, cu_type type, const uint32_t *slots,
                           const uint32_t *arms, uint32_t n, uint32_t sel)
{
    uint32_t dst = new_slot(k->p, CU_SLOT_TEMP, type);
    cu_instr *in = emit(k, CU_OP_MERGE, dst, sel);
    in->n_args = n;
    in->args = keep(k->p, slots, n);
    in->arms = keep(k->p, arms, n);
    return dst;
}

/* --- calls ----------------------------------------------------------- */

static const cu_value *const_of(const cu_prog *p, uint32_t slot)
{
    return p->slots[slot].kind == CU_SLOT_CONST ? &p->slots[slot].value : NULL;
}

/* The slot of a call whose arguments are all constants. */
static bool fold(compiler *k, const cu_expr *e, const uint32_t *args,
                 uint32_t *slot)
{
    cu_prog *p = k->p;
    cu_value v = {.type = e->type, .null = true};
    cu_col *cols = cu_arena_calloc(p->arena, e->n_args, sizeof(*cols));
    const cu_col **list = cu_arena_calloc(p->arena, e->n_args, sizeof(*list));
    bool all = e->func->volatility == CU_IMMUTABLE, null = false;
    for (uint32_t i = 0; i < e->n_args; i++) {
        const cu_value *c = const_of(p, args[i]);
        all = all && c;
        null = null || (c && c->null);
        if (c)
            cols[i] = cu_col_const(p->arena, c);
        list[i] = &cols[i];
    }
    if (!(e->func->strict && null) &&
        (!all ||
         !cu_prog_fold(p, e->func, e->type, list, e->n_args, &v, k->faults)))
        return false;
    *slot = const_slot(p, &v);
    return true;
}

static bool same_call(const cu_instr *in, const cu_expr *e,
                      const uint32_t *args)
{
    return in->op == CU_OP_CALL && in->func == e->func &&
           in->n_args == e->n_args && cu_type_same(in->type, e->type) &&
           in->type.precision == e->type.precision &&
           in->type.scale == e->type.scale &&
           (e->n_args == 0 ||
            !memcmp(in->args, args, e->n_args * sizeof(*args)));
}

static uint32_t compile_call(compiler *k, const cu_expr *e, uint32_t sel)
{
    cu_prog *p = k->p;
    uint32_t *args = cu_arena_calloc(p->arena, e->n_args, sizeof(*args));
    uint32_t slot;
    CU_ASSERT(e->func && e->func->kernel);
    for (uint32_t i = 0; i < e->n_args; i++)
        args[i] = compile(k, e->args[i], sel);
    if (fold(k, e, args, &slot))
        return slot;
    for (uint32_t i = 0; i < p->n_code; i++)
        if (same_call(&p->code[i], e, args) && covers(p, p->code[i].sel, sel) &&
            e->func->volatility != CU_VOLATILE)
            return p->code[i].dst;
    slot = new_slot(p, CU_SLOT_TEMP, e->type);
    cu_instr *in = emit(k, CU_OP_CALL, slot, sel);
    in->func = e->func;
    in->type = e->type;
    in->n_args = e->n_args;
    in->args = args;
    return slot;
}

/* --- conditionals ---------------------------------------------------- */

/* Safe and cheap on any row: its arm needs no selection of its own. */
static bool total(const cu_expr *e)
{
    switch (e->kind) {
    case CU_E_CONST:
    case CU_E_COL:
    case CU_E_NOW:
        return true;
    case CU_E_CALL:
        if (!e->func->total)
            return false;
        break;
    case CU_E_AND:
    case CU_E_OR:
        break;
    case CU_E_CASE:
    case CU_E_COALESCE:
        return false;
    }
    for (uint32_t i = 0; i < e->n_args; i++)
        if (!total(e->args[i]))
            return false;
    return true;
}

static uint32_t emit_logic(compiler *k, uint32_t dst, uint32_t a, uint32_t b,
                           bool is_and, uint32_t sel)
{
    uint32_t args[2] = {a, b};
    cu_instr *in = emit(k, CU_OP_LOGIC, dst, sel);
    in->mode = is_and ? CU_LOGIC_AND : CU_LOGIC_OR;
    in->n_args = 2;
    in->args = keep(k->p, args, 2);
    return dst;
}

/* `dst` is the running result; it is owned (may be changed) once made. */
static uint32_t compile_logic(compiler *k, const cu_expr *e, uint32_t sel)
{
    cu_prog *p = k->p;
    const bool is_and = e->kind == CU_E_AND;
    const cu_type boolean = CU_TYPE(CU_T_BOOL);
    bool started = false, owned = false;
    uint32_t dst = 0, under = sel;
    for (uint32_t i = 0; i < e->n_args; i++) {
        const bool everywhere = total(e->args[i]);
        if (started && !everywhere) {
            if (!owned)
                dst = emit_merge(k, boolean, &dst, &sel, 1, sel);
            owned = true;
            under = emit_sel(k, under, dst,
                             is_and ? CU_SEL_NOT_FALSE : CU_SEL_NOT_TRUE);
        }
        uint32_t s = compile(k, e->args[i], under);
        const cu_value *c = const_of(p, s);
        if (c && !c->null) {
            if ((c->b != 0) == is_and)
                continue; /* neutral */
            if (under == sel)
                return s; /* decides, whatever the others are */
        }
        if (!started) {
            dst = s;
            started = true;
        } else if (!owned) {
            dst = emit_logic(k, new_slot(p, CU_SLOT_TEMP, boolean), dst, s,
                             is_and, under);
            owned = true;
        } else {
            emit_logic(k, dst, dst, s, is_and, under);
        }
    }
    return started ? dst : bool_slot(p, is_and);
}

static uint32_t compile_case(compiler *k, const cu_expr *e, uint32_t sel)
{
    cu_prog *p = k->p;
    uint32_t *slots = cu_arena_calloc(p->arena, e->n_args, sizeof(*slots));
    uint32_t *arms = cu_arena_calloc(p->arena, e->n_args, sizeof(*arms));
    uint32_t n = 0, rest = sel;
    bool open = true; /* some rows may still reach the next arm */
    CU_ASSERT(e->n_args % 2 == 1);
    for (uint32_t i = 0; open && i + 1 < e->n_args; i += 2) {
        uint32_t when = compile(k, e->args[i], rest);
        const cu_value *c = const_of(p, when);
        bool taken = c && !c->null && c->b;
        if (c && !taken)
            continue;
        uint32_t then = taken ? rest : emit_sel(k, rest, when, CU_SEL_TRUE);
        slots[n] = compile(k, e->args[i + 1], then);
        arms[n++] = then;
        open = !taken;
        if (open)
            rest = emit_sel(k, rest, when, CU_SEL_NOT_TRUE);
    }
    if (open) {
        slots[n] = compile(k, e->args[e->n_args - 1], rest);
        arms[n++] = rest;
    }
    if (n == 1)
        return slots[0];
    return emit_merge(k, e->type, slots, arms, n, sel);
}

static uint32_t compile_coalesce(compiler *k, const cu_expr *e, uint32_t sel)
{
    cu_prog *p = k->p;
    uint32_t *slots = cu_arena_calloc(p->arena, e->n_args, sizeof(*slots));
    uint32_t *arms = cu_arena_calloc(p->arena, e->n_args, sizeof(*arms));
    uint32_t n = 0, rest = sel;
    for (uint32_t i = 0; i < e->n_args; i++) {
        if (n)
            rest = emit_sel(k, rest, slots[n - 1], CU_SEL_NULL);
        uint32_t s = compile(k, e->args[i], rest);
        const cu_value *c = const_of(p, s);
        if (c && c->null && i + 1 < e->n_args)
            continue;
        slots[n] = s;
        arms[n++] = rest;
        if (c && !c->null)
            break;
    }
    if (n == 0)
        return null_slot(p, e->type);
    if (n == 1)
        return slots[0];
    return emit_merge(k, e->type, slots, arms, n, sel);
}

static uint32_t compile_conditional(compiler *k, const cu_expr *e, uint32_t sel)
{
    uint32_t slot = 0;
    for (uint32_t i = 0; i < k->n_seen; i++)
        if (covers(k->p, k->seen[i].sel, sel) && cu_expr_same(k->seen[i].e, e))
            return k->seen[i].slot;
    if (e->kind == CU_E_CASE)
        slot = compile_case(k, e, sel);
    else if (e->kind == CU_E_COALESCE)
        slot = compile_coalesce(k, e, sel);
    else
        slot = compile_logic(k, e, sel);
    GROW(k->seen, k->n_seen, k->cap_seen);
    k->seen[k->n_seen++] = (seen){e, sel, slot};
    return slot;
}

static uint32_t compile(compiler *k, const cu_expr *e, uint32_t sel)
{
    switch (e->kind) {
    case CU_E_CONST:
        return const_slot(k->p, &e->value);
    case CU_E_COL:
        return col_slot(k->p, e);
    case CU_E_NOW:
        return now_slot(k->p);
    case CU_E_CALL:
        return compile_call(k, e, sel);
    case CU_E_AND:
    case CU_E_OR:
    case CU_E_CASE:
    case CU_E_COALESCE:
        break;
    }
    return compile_conditional(k, e, sel);
}

/* --- what no result needs -------------------------------------------- */

/* Folding leaves arguments behind that nobody reads; they must not run, for
 * they could fail. Definitions precede uses, so one pass backwards does. */
static void drop_dead_code(cu_prog *p)
{
    bool *slot = cu_arena_calloc(p->arena, p->n_slots, sizeof(*slot));
    bool *sel = cu_arena_calloc(p->arena, p->n_sels, sizeof(*sel));
    bool *live = cu_arena_calloc(p->arena, p->n_code, sizeof(*live));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->n_out; i++)
        slot[p->out[i]] = true;
    for (uint32_t i = p->n_code; i-- > 0;) {
        const cu_instr *in = &p->code[i];
        live[i] = in->op == CU_OP_SEL ? sel[in->dst] : slot[in->dst];
        if (!live[i])
            continue;
        sel[in->sel] = true;
        for (uint32_t k = 0; k < in->n_args; k++) {
            slot[in->args[k]] = true;
            if (in->op == CU_OP_MERGE)
                sel[in->arms[k]] = true;
        }
    }
    for (uint32_t i = 0; i < p->n_code; i++)
        if (live[i])
            p->code[kept++] = p->code[i];
    p->n_code = kept;
}

/* --- memory ---------------------------------------------------------- */

static void find_last_uses(cu_prog *p)
{
    for (uint32_t i = 0; i < p->n_code; i++) {
        const cu_instr *in = &p->code[i];
        for (uint32_t k = 0; k < in->n_args; k++)
            p->slots[in->args[k]].last = i;
        if (in->op != CU_OP_SEL)
            p->slots[in->dst].last = i;
    }
    for (uint32_t i = 0; i < p->n_out; i++)
        p->slots[p->out[i]].output = true;
}

static uint32_t take_temp(cu_prog *p, bool *busy, cu_type type)
{
    size_t width = cu_type_width(type);
    for (uint32_t i = 0; i < p->n_temps; i++)
        if (!busy[i] && p->temps[i].width == width) {
            busy[i] = true;
            return i;
        }
    cu_temp *t = &p->temps[p->n_temps];
    t->width = width;
    t->data = cu_arena_alloc(p->arena, width * CU_BATCH_ROWS);
    t->valid = cu_arena_alloc(p->arena, CU_BATCH_ROWS / 8);
    busy[p->n_temps] = true;
    return p->n_temps++;
}

/* Linear scan: a buffer is free again after the last use of its slot. */
static void assign_temps(cu_prog *p)
{
    bool *made = cu_arena_calloc(p->arena, p->n_slots, sizeof(*made));
    bool *busy = cu_arena_calloc(p->arena, p->n_slots, sizeof(*busy));
    p->temps = cu_arena_calloc(p->arena, p->n_slots, sizeof(*p->temps));
    find_last_uses(p);
    for (uint32_t i = 0; i < p->n_code; i++) {
        const cu_instr *in = &p->code[i];
        if (in->op != CU_OP_SEL && !made[in->dst]) {
            made[in->dst] = true;
            if (!p->slots[in->dst].output)
                p->slots[in->dst].buffer = take_temp(p, busy,
                                                     p->slots[in->dst].type);
        }
        for (uint32_t k = 0; k < in->n_args; k++) {
            const cu_slot *s = &p->slots[in->args[k]];
            if (s->kind == CU_SLOT_TEMP && !s->output && s->last == i)
                busy[s->buffer] = false;
        }
    }
}

static void prepare(cu_prog *p)
{
    p->cols = cu_arena_calloc(p->arena, p->n_slots, sizeof(*p->cols));
    p->sels = cu_arena_calloc(p->arena, p->n_sels, sizeof(*p->sels));
    for (uint32_t i = 1; i < p->n_sels; i++)
        p->sels[i].space = cu_arena_alloc(
            p->arena, CU_BATCH_ROWS * sizeof(*p->sels[i].space));
    for (uint32_t i = 0; i < p->n_slots; i++)
        if (p->slots[i].kind == CU_SLOT_CONST ||
            p->slots[i].kind == CU_SLOT_NOW)
            p->cols[i] = cu_col_const(p->arena, &p->slots[i].value);
    for (uint32_t i = 0; i < p->n_code; i++) {
        cu_instr *in = &p->code[i];
        in->columns = cu_arena_calloc(p->arena, in->n_args,
                                      sizeof(*in->columns));
        for (uint32_t k = 0; k < in->n_args; k++)
            in->columns[k] = &p->cols[in->args[k]];
    }
    assign_temps(p);
}

int cu_prog_compile(cu_expr *const *exprs, uint32_t n, const cu_schema *input,
                    const cu_expr_env *env, cu_prog **out, cu_err *err)
{
    cu_prog *p = cu_calloc(1, sizeof(*p));
    compiler k = {.p = p, .faults = cu_calloc(1, sizeof(*k.faults))};
    p->arena = cu_arena_new(0);
    p->memo = cu_memo_new();
    p->env = env;
    p->input = input;
    p->n_out = n;
    p->out = cu_arena_calloc(p->arena, n, sizeof(*p->out));
    new_sel(p, 0);
    for (uint32_t i = 0; i < n; i++) {
        k.expr = (uint16_t)i;
        p->out[i] = compile(&k, exprs[i], 0);
    }
    drop_dead_code(p);
    prepare(p);
    cu_free(k.seen);
    cu_free(k.faults);
    p->const_faults = cu_calloc(1, sizeof(*p->const_faults));
    *out = p;
    (void)err;
    return 0;
}

void cu_prog_free(cu_prog *p)
{
    if (!p)
        return;
    cu_free(p->slots);
    cu_free(p->code);
    cu_free(p->sel_parent);
    cu_free(p->const_faults);
    cu_buf_free(&p->scratch);
    cu_memo_free(p->memo);
    cu_arena_free(p->arena);
    cu_free(p);
}
