/* Accumulators: what an aggregate call keeps per group, and adding to it.
 *
 * All of them are exact under retraction: adding x and taking x away leaves
 * the bytes that were there before.
 *
 *   count              a number
 *   sum, avg integer   128-bit sum, count
 *   sum, avg numeric   exact sum, count per display scale (PostgreSQL shows
 *                      the largest scale among the values that are there)
 *   sum, avg float     fsum.h, NaN and infinities counted
 *   bool_and, bool_or  how many true, how many false
 *   min, max           the best value; where rows can go, values are counted
 *                      in the state (aggregate_distinct.c) and this is the
 *                      first of them
 *
 * The loops run over one call and one batch with plain arguments, so that a
 * cached group costs an addition and a cache line.
 */
#include "processors/operators/aggregate.h"

#include <math.h>

static const cu_i128 safe_int = (cu_i128)1000000000000000000 *
                                1000000000000000000;

/* --- choosing ------------------------------------------------------------ */

static int kind_of_sum(cu_type arg, cu_acc_kind *kind)
{
    switch (arg.kind) {
    case CU_T_INT2:
    case CU_T_INT4:
    case CU_T_INT8:
        *kind = CU_ACC_INT;
        return 0;
    case CU_T_FLOAT4:
    case CU_T_FLOAT8:
        *kind = CU_ACC_FLOAT;
        return 0;
    case CU_T_NUMERIC:
        *kind = CU_ACC_NUMERIC;
        return 0;
    case CU_T_INTERVAL:
        *kind = CU_ACC_INTERVAL;
        return 0;
    default:
        return -1;
    }
}

static int kind_of(cu_agg agg, cu_type arg, cu_acc_kind *kind)
{
    switch (agg) {
    case CU_AGG_COUNT_STAR:
    case CU_AGG_COUNT:
        *kind = CU_ACC_COUNT;
        return 0;
    case CU_AGG_SUM:
    case CU_AGG_AVG:
        return kind_of_sum(arg, kind);
    case CU_AGG_MIN:
    case CU_AGG_MAX:
        *kind = CU_ACC_BEST;
        return 0;
    case CU_AGG_BOOL_AND:
    case CU_AGG_BOOL_OR:
        *kind = CU_ACC_BOOL;
        return arg.kind == CU_T_BOOL ? 0 : -1;
    case CU_AGG_NONE:
    default:
        break;
    }
    return -1;
}

int cu_acc_prepare(cu_acc_call *c, const cu_agg_call *call, cu_type arg,
                   bool append_only, cu_err *err)
{
    char name[64];
    c->call = call;
    c->arg = arg;
    if (kind_of((cu_agg)call->func->agg, arg, &c->kind))
        return cu_fail(err, CU_UNSUPPORTED, 0, "aggregate %s(%s) is unknown",
                       call->func->name, cu_type_name(arg, name));
    bool once = c->kind != CU_ACC_BEST && c->kind != CU_ACC_BOOL &&
                call->distinct && call->arg >= 0;
    c->counted = once || (c->kind == CU_ACC_BEST && !append_only);
    return 0;
}

size_t cu_acc_size(cu_acc_kind kind)
{
    size_t size = 0;
    switch (kind) {
    case CU_ACC_COUNT:
        size = sizeof(cu_acc_count);
        break;
    case CU_ACC_INT:
        size = sizeof(cu_acc_int);
        break;
    case CU_ACC_NUMERIC:
        size = sizeof(cu_acc_numeric);
        break;
    case CU_ACC_FLOAT:
        size = sizeof(cu_acc_float);
        break;
    case CU_ACC_INTERVAL:
        size = sizeof(cu_acc_interval);
        break;
    case CU_ACC_BOOL:
        size = sizeof(cu_acc_bool);
        break;
    case CU_ACC_BEST:
        size = sizeof(cu_acc_best);
        break;
    }
    return (size + 15) & ~(size_t)15;
}

/* --- life ---------------------------------------------------------------- */

void cu_acc_init(const cu_acc_call *c, void *acc)
{
    memset(acc, 0, cu_acc_size(c->kind));
    if (c->kind == CU_ACC_BEST) {
        cu_acc_best *b = acc;
        b->value.type = c->arg;
        b->value.null = true;
    }
}

static void drop_numeric(const cu_numeric *n)
{
    if (n->form == CU_NUM_BIG)
        cu_free((void *)n->digits);
}

/* Takes a numeric out of whatever arena it is in. */
static cu_numeric keep_numeric(const cu_numeric *n)
{
    cu_numeric kept = *n;
    if (n->form == CU_NUM_BIG) {
        size_t size = n->n_digits * sizeof(*n->digits);
        uint16_t *digits = cu_alloc(size);
        memcpy(digits, n->digits, size);
        kept.digits = digits;
    }
    return kept;
}

void cu_acc_keep_sum(cu_acc_numeric *a, const cu_numeric *n)
{
    cu_numeric kept = keep_numeric(n);
    drop_numeric(&a->sum);
    a->sum = kept;
}

static void drop_value(const cu_value *v)
{
    if (v->null)
        return;
    if (v->type.kind == CU_T_NUMERIC)
        drop_numeric(&v->num);
    else if (cu_type_is_slice(v->type))
        cu_free((void *)v->s.data);
}

void cu_acc_clear(const cu_acc_call *c, void *acc)
{
    if (c->kind == CU_ACC_NUMERIC) {
        cu_acc_numeric *n = acc;
        drop_numeric(&n->sum);
        cu_free(n->scales);
    } else if (c->kind == CU_ACC_FLOAT) {
        cu_fsum_free(&((cu_acc_float *)acc)->sum);
    } else if (c->kind == CU_ACC_BEST) {
        cu_acc_best *b = acc;
        drop_value(&b->value);
        cu_free(b->key);
    }
    cu_acc_init(c, acc);
}

void cu_acc_set_best(const cu_acc_call *c, cu_acc_best *b, const cu_value *v)
{
    cu_value kept = {.type = c->arg, .null = true};
    if (v) {
        kept = *v;
        if (c->arg.kind == CU_T_NUMERIC) {
            kept.num = keep_numeric(&v->num);
        } else if (cu_type_is_slice(c->arg)) {
            char *p = cu_alloc(v->s.len + 1);
            if (v->s.len)
                memcpy(p, v->s.data, v->s.len);
            kept.s.data = p;
        }
    }
    drop_value(&b->value);
    b->value = kept;
    if (!c->counted)
        return;
    cu_buf key = {0};
    if (v)
        cu_acc_value_key(c, &kept, &key);
    cu_free(b->key);
    b->key_len = (uint32_t)key.len;
    b->key = cu_alloc(key.len + 1);
    if (key.len)
        memcpy(b->key, key.data, key.len);
    cu_buf_free(&key);
}

/* --- one value into one accumulator -------------------------------------- */

static inline void add_int(cu_acc_int *a, int64_t v, int32_t w)
{
    a->sum += (cu_i128)v * w;
    a->n += w;
}

static void count_scale(cu_acc_numeric *a, uint16_t scale, int32_t w)
{
    uint32_t i = 0;
    while (i < a->n_scales && a->scales[i].scale < scale)
        i++;
    if (i < a->n_scales && a->scales[i].scale == scale) {
        a->scales[i].n += w;
        if (a->scales[i].n == 0) {
            a->n_scales--;
            memmove(a->scales + i, a->scales + i + 1,
                    (a->n_scales - i) * sizeof(*a->scales));
        }
        return;
    }
    a->scales = cu_realloc(a->scales, (a->n_scales + 1) * sizeof(*a->scales));
    memmove(a->scales + i + 1, a->scales + i,
            (a->n_scales - i) * sizeof(*a->scales));
    a->scales[i] = (cu_acc_scale){w, scale};
    a->n_scales++;
}

/* Sums of numerics cannot fail before 131,072 digits; what then is lost is
 * found by cu_acc_is_sound(). */
static void add_finite(cu_acc_numeric *a, const cu_numeric *v, int32_t w,
                       cu_arena *scratch)
{
    cu_numeric sum, term = *v, times = cu_numeric_from_int8(w);
    int rc = 0;
    if (w == -1)
        term = cu_numeric_neg(v);
    else if (w != 1)
        rc = cu_numeric_mul(v, &times, scratch, &term, NULL);
    rc = rc ? rc : cu_numeric_add(&a->sum, &term, scratch, &sum, NULL);
    if (rc)
        sum.form = CU_NUM_NAN;
    cu_acc_keep_sum(a, &sum);
}

static inline void add_numeric(cu_acc_numeric *a, const cu_numeric *v,
                               int32_t w, cu_arena *scratch)
{
    if (v->form == CU_NUM_INT && a->n_scales == 1 &&
        a->scales[0].scale == v->scale && a->sum.form == CU_NUM_INT &&
        a->sum.scale == v->scale && a->scales[0].n + w != 0) {
        cu_i128 term;
        if (!__builtin_mul_overflow(v->i, (cu_i128)w, &term) &&
            term < safe_int && -term < safe_int && a->sum.i < safe_int &&
            -a->sum.i < safe_int) {
            a->sum.i += term;
            a->scales[0].n += w;
            return;
        }
    }
    switch ((enum cu_numeric_form)v->form) {
    case CU_NUM_NAN:
        a->nans += w;
        return;
    case CU_NUM_PINF:
        a->pinfs += w;
        return;
    case CU_NUM_NINF:
        a->ninfs += w;
        return;
    case CU_NUM_INT:
    case CU_NUM_BIG:
        break;
    }
    count_scale(a, v->scale, w);
    add_finite(a, v, w, scratch);
    uint16_t scale = a->n_scales ? a->scales[a->n_scales - 1].scale : 0;
    if (a->sum.scale > scale) { /* the digits behind it are zeros now */
        cu_numeric sum;
        if (!cu_numeric_round(&a->sum, scale, scratch, &sum, NULL))
            cu_acc_keep_sum(a, &sum);
    }
}

static inline void add_float(cu_acc_float *a, double v, int32_t w)
{
    if (isfinite(v)) {
        cu_fsum_add(&a->sum, v, w);
        a->n += w;
    } else if (isnan(v)) {
        a->nans += w;
    } else if (v > 0) {
        a->pinfs += w;
    } else {
        a->ninfs += w;
    }
}

static inline void add_interval(cu_acc_interval *a, const cu_interval *v,
                                int32_t w)
{
    a->us += (cu_i128)v->us * w;
    a->days += (int64_t)v->days * w;
    a->months += (int64_t)v->months * w;
    a->n += w;
}

static inline void add_bool(cu_acc_bool *a, bool v, int32_t w)
{
    a->n_true += v ? w : 0;
    a->n_false += v ? 0 : w;
}

/* Only where no row ever goes; the first of equal values stays. */
static void add_best(const cu_acc_call *c, cu_acc_best *b, const cu_value *v)
{
    if (!b->value.null) {
        int order = cu_value_cmp(v, &b->value);
        if (c->call->func->agg == CU_AGG_MIN ? order >= 0 : order <= 0)
            return;
    }
    cu_acc_set_best(c, b, v);
}

void cu_acc_add_value(const cu_acc_call *c, void *acc, const cu_value *v,
                      int32_t w, cu_arena *scratch)
{
    switch (c->kind) {
    case CU_ACC_COUNT:
        ((cu_acc_count *)acc)->n += w;
        break;
    case CU_ACC_INT:
        add_int(acc,
                c->arg.kind == CU_T_INT2   ? v->i2
                : c->arg.kind == CU_T_INT4 ? v->i4
                                           : v->i8,
                w);
        break;
    case CU_ACC_NUMERIC:
        add_numeric(acc, &v->num, w, scratch);
        break;
    case CU_ACC_FLOAT:
        add_float(acc, c->arg.kind == CU_T_FLOAT4 ? (double)v->f4 : v->f8, w);
        break;
    case CU_ACC_INTERVAL:
        add_interval(acc, &v->iv, w);
        break;
    case CU_ACC_BOOL:
        add_bool(acc, v->b, w);
        break;
    case CU_ACC_BEST:
        add_best(c, acc, v);
        break;
    }
}

/* --- batches ------------------------------------------------------------- */

#define EACH_ROW(acc_type, ctype, statement)                            \
    for (uint32_t i = 0; i < r->n; i++) {                               \
        acc_type *a = cu_rows_acc(r, i, c);                             \
        ctype v = CU_COL(r->col, ctype)[cu_col_at(r->col, r->rows[i])]; \
        int32_t w = r->weights[i];                                      \
        statement;                                                      \
    }

static void add_counts(const cu_acc_call *c, const cu_acc_rows *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        ((cu_acc_count *)cu_rows_acc(r, i, c))->n += r->weights[i];
}

static void add_ints(const cu_acc_call *c, const cu_acc_rows *r)
{
    if (c->arg.kind == CU_T_INT2)
        EACH_ROW(cu_acc_int, int16_t, add_int(a, v, w))
    else if (c->arg.kind == CU_T_INT4)
        EACH_ROW(cu_acc_int, int32_t, add_int(a, v, w))
    else
        EACH_ROW(cu_acc_int, int64_t, add_int(a, v, w))
}

/* Integers are compared in place; only a new best is boxed. */
#define BEST_LOOP(ctype, field)                                         \
    for (uint32_t i = 0; i < r->n; i++) {                               \
        cu_acc_best *b = cu_rows_acc(r, i, c);                          \
        ctype v = CU_COL(r->col, ctype)[cu_col_at(r->col, r->rows[i])]; \
        if (b->value.null ||                                            \
            (min ? v < b->value.field : v > b->value.field)) {          \
            b->value.null = false;                                      \
            b->value.field = v;                                         \
        }                                                               \
    }

static void add_bests(const cu_acc_call *c, const cu_acc_rows *r)
{
    bool min = c->call->func->agg == CU_AGG_MIN;
    switch (c->arg.kind) {
    case CU_T_INT2:
        BEST_LOOP(int16_t, i2)
        return;
    case CU_T_INT4:
    case CU_T_DATE:
        BEST_LOOP(int32_t, i4)
        return;
    case CU_T_INT8:
    case CU_T_TIME:
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
        BEST_LOOP(int64_t, i8)
        return;
    default:
        break;
    }
    for (uint32_t i = 0; i < r->n; i++) {
        cu_value v = cu_col_value(r->col, r->rows[i]);
        add_best(c, cu_rows_acc(r, i, c), &v);
    }
}

void cu_acc_add(const cu_acc_call *c, const cu_acc_rows *r, cu_arena *scratch)
{
    switch (c->kind) {
    case CU_ACC_COUNT:
        add_counts(c, r);
        break;
    case CU_ACC_INT:
        add_ints(c, r);
        break;
    case CU_ACC_NUMERIC:
        EACH_ROW(cu_acc_numeric, cu_numeric, add_numeric(a, &v, w, scratch))
        break;
    case CU_ACC_FLOAT:
        if (c->arg.kind == CU_T_FLOAT4)
            EACH_ROW(cu_acc_float, float, add_float(a, (double)v, w))
        else
            EACH_ROW(cu_acc_float, double, add_float(a, v, w))
        break;
    case CU_ACC_INTERVAL:
        EACH_ROW(cu_acc_interval, cu_interval, add_interval(a, &v, w))
        break;
    case CU_ACC_BOOL:
        EACH_ROW(cu_acc_bool, uint8_t, add_bool(a, v, w))
        break;
    case CU_ACC_BEST:
        add_bests(c, r);
        break;
    }
}

bool cu_acc_is_sound(const cu_acc_call *c, const void *acc)
{
    switch (c->kind) {
    case CU_ACC_COUNT:
        return ((const cu_acc_count *)acc)->n >= 0;
    case CU_ACC_INT:
        return ((const cu_acc_int *)acc)->n >= 0;
    case CU_ACC_NUMERIC: {
        const cu_acc_numeric *n = acc;
        for (uint32_t i = 0; i < n->n_scales; i++)
            if (n->scales[i].n < 0)
                return false;
        return n->nans >= 0 && n->pinfs >= 0 && n->ninfs >= 0 &&
               n->sum.form != CU_NUM_NAN;
    }
    case CU_ACC_FLOAT: {
        const cu_acc_float *f = acc;
        return f->n >= 0 && f->nans >= 0 && f->pinfs >= 0 && f->ninfs >= 0;
    }
    case CU_ACC_INTERVAL:
        return ((const cu_acc_interval *)acc)->n >= 0;
    case CU_ACC_BOOL: {
        const cu_acc_bool *b = acc;
        return b->n_true >= 0 && b->n_false >= 0;
    }
    case CU_ACC_BEST:
        return true;
    }
    return false;
}
