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
 *                      in the state (aggregate_values.c) and this is the
 *                      first of them
 *   bit_and and kin    how many have each bit
 *   variances, regr_*  sums of values and of products (aggregate_spread.c)
 *   percentiles, mode, first values
 *                      marks in the order of the counted values
 *                      (aggregate_marks.c)
 *   string_agg and kin nothing: the values are in the state
 *                      (aggregate_all.c)
 *
 * The loops run over one call and one batch with plain arguments, so that a
 * cached group costs an addition and a cache line.
 */
#include "processors/operators/aggregate_spread.h"
#include "processors/operators/aggregate_values.h"

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

static int kind_of_bits(cu_type arg, cu_acc_kind *kind)
{
    *kind = CU_ACC_BITS;
    return arg.kind == CU_T_INT2 || arg.kind == CU_T_INT4 ||
                   arg.kind == CU_T_INT8
               ? 0
               : -1;
}

static int kind_of_variance(cu_type arg, cu_acc_kind *kind)
{
    bool floats = arg.kind == CU_T_FLOAT4 || arg.kind == CU_T_FLOAT8;
    *kind = floats ? CU_ACC_SPREAD : CU_ACC_VARIANCE;
    return cu_type_is_number(arg) ? 0 : -1;
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
    case CU_AGG_BIT_AND:
    case CU_AGG_BIT_OR:
    case CU_AGG_BIT_XOR:
        return kind_of_bits(arg, kind);
    case CU_AGG_STDDEV_POP:
    case CU_AGG_STDDEV_SAMP:
    case CU_AGG_VAR_POP:
    case CU_AGG_VAR_SAMP:
        return kind_of_variance(arg, kind);
    case CU_AGG_COVAR_POP:
    case CU_AGG_COVAR_SAMP:
    case CU_AGG_CORR:
    case CU_AGG_REGR_SLOPE:
    case CU_AGG_REGR_INTERCEPT:
    case CU_AGG_REGR_R2:
    case CU_AGG_REGR_AVGX:
    case CU_AGG_REGR_AVGY:
    case CU_AGG_REGR_COUNT:
    case CU_AGG_REGR_SXX:
    case CU_AGG_REGR_SYY:
    case CU_AGG_REGR_SXY:
        *kind = CU_ACC_PAIR;
        return arg.kind == CU_T_FLOAT8 ? 0 : -1;
    case CU_AGG_STRING_AGG:
    case CU_AGG_ARRAY_AGG:
    case CU_AGG_JSONB_AGG:
    case CU_AGG_JSONB_OBJECT_AGG:
        *kind = CU_ACC_ALL;
        return 0;
    case CU_AGG_PERCENTILE_CONT:
    case CU_AGG_PERCENTILE_DISC:
    case CU_AGG_MODE:
    case CU_AGG_FIRST:
    case CU_AGG_SINGLE:
        *kind = CU_ACC_MARKS;
        return 0;
    case CU_AGG_NONE:
        break;
    }
    return -1;
}

static bool takes_nulls(cu_agg agg)
{
    return agg == CU_AGG_ARRAY_AGG || agg == CU_AGG_JSONB_AGG ||
           agg == CU_AGG_JSONB_OBJECT_AGG || agg == CU_AGG_FIRST ||
           agg == CU_AGG_SINGLE;
}

/* Must values be counted in the state? */
static bool needs_values(const cu_acc_call *c, bool append_only)
{
    const cu_agg_call *call = c->call;
    switch (c->kind) {
    case CU_ACC_BEST:
        return !append_only;
    case CU_ACC_BOOL:
        return false;
    case CU_ACC_BITS:
        return call->distinct && call->func->agg == CU_AGG_BIT_XOR;
    case CU_ACC_MARKS:
        return !append_only || call->func->agg != CU_AGG_FIRST;
    case CU_ACC_ALL:
        return true;
    default:
        return call->distinct && call->arg >= 0;
    }
}

int cu_acc_prepare(cu_acc_call *c, const cu_agg_call *call, cu_type arg,
                   bool append_only, cu_err *err)
{
    char name[64];
    cu_agg agg = (cu_agg)call->func->agg;
    c->call = call;
    c->arg = arg;
    if (kind_of(agg, arg, &c->kind))
        return cu_fail(err, CU_UNSUPPORTED, 0, "aggregate %s(%s) is unknown",
                       call->func->name, cu_type_name(arg, name));
    c->nulls = takes_nulls(agg);
    c->counted = needs_values(c, append_only);
    return c->kind == CU_ACC_MARKS ? cu_marks_prepare(c, err) : 0;
}

void cu_acc_done(cu_acc_call *c)
{
    cu_free(c->fractions);
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
    case CU_ACC_BITS:
        size = sizeof(cu_acc_bits);
        break;
    case CU_ACC_VARIANCE:
        size = sizeof(cu_acc_variance);
        break;
    case CU_ACC_SPREAD:
        size = sizeof(cu_acc_spread);
        break;
    case CU_ACC_PAIR:
        size = sizeof(cu_acc_pair);
        break;
    case CU_ACC_MARKS:
        size = sizeof(cu_acc_marks);
        break;
    case CU_ACC_ALL:
        size = sizeof(cu_acc_all);
        break;
    }
    return (size + 15) & ~(size_t)15;
}

/* --- values on the heap -------------------------------------------------- */

static void drop_numeric(cu_numeric *n)
{
    if (n->form == CU_NUM_BIG)
        cu_free((void *)n->digits);
    *n = (cu_numeric){0};
}

void cu_acc_keep_numeric(cu_numeric *to, const cu_numeric *n)
{
    cu_numeric kept = *n;
    if (n->form == CU_NUM_BIG) {
        size_t size = n->n_digits * sizeof(*n->digits);
        uint16_t *digits = cu_alloc(size);
        memcpy(digits, n->digits, size);
        kept.digits = digits;
    }
    drop_numeric(to);
    *to = kept;
}

void cu_value_drop(cu_value *v)
{
    if (v->null)
        return;
    if (v->type.kind == CU_T_NUMERIC)
        drop_numeric(&v->num);
    else if (cu_type_is_slice(v->type))
        cu_free((void *)v->s.data);
    v->null = true;
}

void cu_value_keep(cu_value *to, const cu_value *v)
{
    cu_value kept = *v;
    if (!v->null && v->type.kind == CU_T_NUMERIC) {
        kept.num = (cu_numeric){0};
        cu_acc_keep_numeric(&kept.num, &v->num);
    } else if (!v->null && cu_type_is_slice(v->type)) {
        char *p = cu_alloc(v->s.len + 1);
        if (v->s.len)
            memcpy(p, v->s.data, v->s.len);
        kept.s.data = p;
    }
    cu_value_drop(to);
    *to = kept;
}

size_t cu_value_bytes(const cu_value *v)
{
    if (v->null)
        return 0;
    if (v->type.kind == CU_T_NUMERIC)
        return v->num.form == CU_NUM_BIG ? 2 * (size_t)v->num.n_digits : 0;
    return cu_type_is_slice(v->type) ? v->s.len : 0;
}

/* --- life ---------------------------------------------------------------- */

static uint32_t width_of(cu_type t)
{
    return (uint32_t)(8 * cu_type_width(t));
}

void cu_acc_init(const cu_acc_call *c, void *acc)
{
    memset(acc, 0, cu_acc_size(c->kind));
    if (c->kind == CU_ACC_BEST) {
        cu_acc_best *b = acc;
        b->value.type = c->arg;
        b->value.null = true;
    } else if (c->kind == CU_ACC_BITS) {
        ((cu_acc_bits *)acc)->ones = cu_calloc(width_of(c->arg),
                                               sizeof(int64_t));
    } else if (c->kind == CU_ACC_MARKS) {
        cu_acc_marks *m = acc;
        m->marks = cu_calloc(c->n_marks, sizeof(*m->marks));
        for (uint32_t i = 0; i < c->n_marks; i++)
            m->marks[i].value.null = true;
    } else if (c->kind == CU_ACC_ALL) {
        ((cu_acc_all *)acc)->value.null = true;
    }
}

static void clear_numeric(cu_acc_numeric *n)
{
    drop_numeric(&n->sum);
    cu_free(n->scales);
}

static void clear_spread(cu_acc_spread *s)
{
    cu_fsum_free(&s->values.sum);
    cu_fsum_free(&s->squares);
}

void cu_acc_clear(const cu_acc_call *c, void *acc)
{
    switch (c->kind) {
    case CU_ACC_COUNT:
    case CU_ACC_INT:
    case CU_ACC_INTERVAL:
    case CU_ACC_BOOL:
        break;
    case CU_ACC_NUMERIC:
        clear_numeric(acc);
        break;
    case CU_ACC_FLOAT:
        cu_fsum_free(&((cu_acc_float *)acc)->sum);
        break;
    case CU_ACC_BEST:
        cu_value_drop(&((cu_acc_best *)acc)->value);
        cu_free(((cu_acc_best *)acc)->key);
        break;
    case CU_ACC_BITS:
        cu_free(((cu_acc_bits *)acc)->ones);
        break;
    case CU_ACC_VARIANCE:
        clear_numeric(&((cu_acc_variance *)acc)->values);
        drop_numeric(&((cu_acc_variance *)acc)->squares);
        break;
    case CU_ACC_SPREAD:
        clear_spread(acc);
        break;
    case CU_ACC_PAIR:
        clear_spread(&((cu_acc_pair *)acc)->x);
        clear_spread(&((cu_acc_pair *)acc)->y);
        cu_fsum_free(&((cu_acc_pair *)acc)->xy);
        break;
    case CU_ACC_MARKS:
        for (uint32_t i = 0; i < c->n_marks; i++)
            cu_mark_clear(&((cu_acc_marks *)acc)->marks[i]);
        cu_free(((cu_acc_marks *)acc)->marks);
        break;
    case CU_ACC_ALL:
        cu_value_drop(&((cu_acc_all *)acc)->value);
        break;
    }
}

size_t cu_acc_extra(const cu_acc_call *c, const void *acc)
{
    if (c->kind == CU_ACC_BITS)
        return width_of(c->arg) * sizeof(int64_t);
    if (c->kind == CU_ACC_ALL)
        return cu_value_bytes(&((const cu_acc_all *)acc)->value);
    if (c->kind != CU_ACC_MARKS)
        return 0;
    size_t bytes = c->n_marks * sizeof(cu_mark);
    for (uint32_t i = 0; i < c->n_marks; i++) {
        const cu_mark *m = &((const cu_acc_marks *)acc)->marks[i];
        bytes += m->key_len + cu_value_bytes(&m->value);
    }
    return bytes;
}

void cu_acc_set_best(const cu_acc_call *c, cu_acc_best *b, const cu_value *v)
{
    const cu_value none = {.type = c->arg, .null = true};
    cu_value_keep(&b->value, v ? v : &none);
    if (!c->counted)
        return;
    cu_buf key = {0};
    if (v)
        cu_set_put_values(c->set, &b->value, &key);
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
    cu_acc_keep_numeric(&a->sum, &sum);
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
            cu_acc_keep_numeric(&a->sum, &sum);
    }
}

void cu_acc_add_numeric(cu_acc_numeric *a, const cu_numeric *v, int32_t w,
                        cu_arena *scratch)
{
    add_numeric(a, v, w, scratch);
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

void cu_acc_add_float(cu_acc_float *a, double v, int32_t w)
{
    add_float(a, v, w);
}

static void add_bits(cu_acc_bits *a, int64_t v, uint32_t width, int32_t w)
{
    a->n += w;
    for (uint32_t i = 0; i < width; i++)
        a->ones[i] += (v >> i & 1) ? w : 0;
}

static void add_int_variance(cu_acc_variance *a, int64_t v, int32_t w,
                             cu_arena *scratch)
{
    cu_numeric n = cu_numeric_from_int8(v);
    cu_variance_add(a, &n, w, scratch);
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

static int64_t int_of(const cu_value *v)
{
    return v->type.kind == CU_T_INT2   ? v->i2
           : v->type.kind == CU_T_INT4 ? v->i4
                                       : v->i8;
}

static double float_of(const cu_value *v)
{
    return v->type.kind == CU_T_FLOAT4 ? (double)v->f4 : v->f8;
}

void cu_acc_add_value(const cu_acc_call *c, void *acc, const cu_value *v,
                      int32_t w, cu_arena *scratch)
{
    switch (c->kind) {
    case CU_ACC_COUNT:
        ((cu_acc_count *)acc)->n += w;
        break;
    case CU_ACC_INT:
        add_int(acc, int_of(v), w);
        break;
    case CU_ACC_NUMERIC:
        add_numeric(acc, &v->num, w, scratch);
        break;
    case CU_ACC_FLOAT:
        add_float(acc, float_of(v), w);
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
    case CU_ACC_BITS:
        add_bits(acc, int_of(v), width_of(c->arg), w);
        break;
    case CU_ACC_VARIANCE:
        if (c->arg.kind == CU_T_NUMERIC)
            cu_variance_add(acc, &v->num, w, scratch);
        else
            add_int_variance(acc, int_of(v), w, scratch);
        break;
    case CU_ACC_SPREAD:
        cu_spread_add(acc, float_of(v), w);
        break;
    case CU_ACC_PAIR:
        cu_pair_add(acc, v[0].f8, v[1].f8, w);
        break;
    case CU_ACC_MARKS:
    case CU_ACC_ALL:
        break; /* they live on counted values */
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

/* What has no loop of its own. */
static void add_boxed(const cu_acc_call *c, const cu_acc_rows *r,
                      cu_arena *scratch)
{
    for (uint32_t i = 0; i < r->n; i++) {
        cu_value v[2] = {cu_col_value(r->col, r->rows[i])};
        if (r->second)
            v[1] = cu_col_value(r->second, r->rows[i]);
        cu_acc_add_value(c, cu_rows_acc(r, i, c), v, r->weights[i], scratch);
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
    case CU_ACC_BITS:
    case CU_ACC_VARIANCE:
    case CU_ACC_SPREAD:
    case CU_ACC_PAIR:
        add_boxed(c, r, scratch);
        break;
    case CU_ACC_MARKS:
        cu_marks_add(c, r);
        break;
    case CU_ACC_ALL:
        break;
    }
}

static bool numeric_is_sound(const cu_acc_numeric *n)
{
    for (uint32_t i = 0; i < n->n_scales; i++)
        if (n->scales[i].n < 0)
            return false;
    return n->nans >= 0 && n->pinfs >= 0 && n->ninfs >= 0 &&
           n->sum.form != CU_NUM_NAN;
}

static bool float_is_sound(const cu_acc_float *f)
{
    return f->n >= 0 && f->nans >= 0 && f->pinfs >= 0 && f->ninfs >= 0;
}

bool cu_acc_is_sound(const cu_acc_call *c, const void *acc)
{
    switch (c->kind) {
    case CU_ACC_COUNT:
        return ((const cu_acc_count *)acc)->n >= 0;
    case CU_ACC_INT:
        return ((const cu_acc_int *)acc)->n >= 0;
    case CU_ACC_NUMERIC:
        return numeric_is_sound(acc);
    case CU_ACC_FLOAT:
        return float_is_sound(acc);
    case CU_ACC_INTERVAL:
        return ((const cu_acc_interval *)acc)->n >= 0;
    case CU_ACC_BOOL: {
        const cu_acc_bool *b = acc;
        return b->n_true >= 0 && b->n_false >= 0;
    }
    case CU_ACC_BITS:
        return ((const cu_acc_bits *)acc)->n >= 0;
    case CU_ACC_VARIANCE:
        return numeric_is_sound(&((const cu_acc_variance *)acc)->values) &&
               ((const cu_acc_variance *)acc)->squares.form != CU_NUM_NAN;
    case CU_ACC_SPREAD:
        return float_is_sound(&((const cu_acc_spread *)acc)->values);
    case CU_ACC_PAIR:
        return ((const cu_acc_pair *)acc)->n >= 0 &&
               float_is_sound(&((const cu_acc_pair *)acc)->x.values) &&
               float_is_sound(&((const cu_acc_pair *)acc)->y.values);
    case CU_ACC_MARKS:
        return ((const cu_acc_marks *)acc)->n >= 0;
    case CU_ACC_BEST:
    case CU_ACC_ALL:
        return true;
    }
    return false;
}
