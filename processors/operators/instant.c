#include "processors/operators/instant.h"

#include "base/assert.h"
#include "processors/expr/calendar.h"

static int64_t of_date(int32_t days)
{
    if (days == CU_DATE_MINUS_INFINITY || days < -(INT64_MAX / CU_US_DAY))
        return INT64_MIN;
    if (days == CU_DATE_INFINITY || days > INT64_MAX / CU_US_DAY)
        return INT64_MAX;
    return days * CU_US_DAY;
}

bool cu_instant_at(const cu_col *c, uint32_t row, int64_t *us)
{
    uint32_t at = cu_col_at(c, row);
    if (cu_col_is_null(c, row))
        return false;
    *us = c->type.kind == CU_T_DATE ? of_date(CU_COL(c, int32_t)[at])
                                    : CU_COL(c, int64_t)[at];
    return true;
}

cu_value cu_instant_value(cu_type type, int64_t us)
{
    cu_value v = {.type = type, .i8 = us};
    if (type.kind != CU_T_DATE)
        return v;
    if (us == INT64_MIN || us == INT64_MAX)
        v.i4 = us < 0 ? CU_DATE_MINUS_INFINITY : CU_DATE_INFINITY;
    else
        v.i4 = (int32_t)cu_floor_div(us, CU_US_DAY);
    return v;
}

void cu_instant_put(cu_batch *b, uint32_t col, int64_t us)
{
    cu_col *c = &b->cols[col];
    cu_value v = cu_instant_value(c->type, us);
    cu_col_set(b->arena, c, b->n_rows - 1, b->capacity, &v);
}

int64_t cu_instant_add(int64_t us, int64_t more_us)
{
    int64_t sum;
    if (!cu_instant_finite(us))
        return us;
    if (__builtin_add_overflow(us, more_us, &sum))
        return more_us < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

int64_t cu_instant_plus(int64_t us, cu_interval v, int64_t more_us)
{
    int64_t sum;
    if (v.months && cu_instant_finite(us)) {
        if (!cu_ts_add(us, (cu_interval){.months = v.months}, &sum))
            return v.months < 0 ? INT64_MIN : INT64_MAX;
        us = sum;
    }
    us = cu_instant_add(us, v.days * CU_US_DAY);
    return cu_instant_add(cu_instant_add(us, v.us), more_us);
}

/* --- rows that no window holds -------------------------------------------- */

int cu_instant_letter(cu_op *op, const cu_batch *b, uint32_t row, uint32_t col,
                      bool null, cu_err *err)
{
    const cu_op_env *env = op->env;
    if (cu_batch_weight(b, row) < 0 || !env->letter)
        return 0;
    cu_letter l = {.batch = b,
                   .row = row,
                   .sqlstate = null ? CU_SQLSTATE('2', '2', '0', '0', '4')
                                    : CU_SQLSTATE('2', '2', '0', '0', '8'),
                   .message = null ? "the time of a window is null"
                                   : "the time of a window is out of range",
                   .stage = op->vt->name,
                   .column = b->schema->fields[col].name};
    return env->letter(env->ctx, &l, err);
}

int cu_instant_of_row(cu_op *op, const cu_batch *b, uint32_t row, uint32_t col,
                      int64_t *us, bool *skip, cu_err *err)
{
    bool null = !cu_instant_at(&b->cols[col], row, us);
    *skip = null || !cu_ts_valid(*us);
    return *skip ? cu_instant_letter(op, b, row, col, null, err) : 0;
}

/* --- keys ---------------------------------------------------------------- */

void cu_instant_key(cu_type type, int64_t us, cu_buf *out)
{
    cu_value v = cu_instant_value(type, us);
    cu_key_encode_value(&v, 0, out);
}

bool cu_instant_of_key(cu_type type, cu_slice key, int64_t *us)
{
    enum { HAS_VALUE = 1 }; /* the tag of nulls last: rows/key.h */
    CU_ASSERT(key.len > 0);
    if (key.data[0] != HAS_VALUE)
        return false;
    CU_ASSERT(key.len >= cu_instant_key_bytes(type));
    cu_scan s = cu_scan_of(cu_slice_n(key.data + 1, key.len - 1));
    if (type.kind == CU_T_DATE)
        *us = of_date((int32_t)(cu_scan_u32be(&s) ^ UINT32_C(1) << 31));
    else
        *us = (int64_t)(cu_scan_u64be(&s) ^ UINT64_C(1) << 63);
    return true;
}

void cu_instant_put_be(cu_buf *out, int64_t us)
{
    cu_buf_put_u64be(out, (uint64_t)us ^ UINT64_C(1) << 63);
}

int64_t cu_instant_of_be(cu_slice key)
{
    cu_scan s = cu_scan_of(key);
    return (int64_t)(cu_scan_u64be(&s) ^ UINT64_C(1) << 63);
}
