/* Shared by the aggregate's files: groups, calls, accumulators. */
#ifndef CU_OPERATORS_AGGREGATE_H
#define CU_OPERATORS_AGGREGATE_H

#include "processors/operators/fsum.h"
#include "processors/operators/int.h"
#include "processors/operators/keyset.h"
#include "rows/numeric.h"

typedef __int128 cu_i128;

/* How a call computes; chosen when the operator opens. */
typedef enum cu_acc_kind {
    CU_ACC_COUNT,
    CU_ACC_INT,      /* sum, avg of integers */
    CU_ACC_NUMERIC,  /* sum, avg */
    CU_ACC_FLOAT,    /* sum, avg */
    CU_ACC_INTERVAL, /* sum, avg */
    CU_ACC_BOOL,     /* bool_and, bool_or */
    CU_ACC_BEST,     /* min, max */
    CU_ACC_BITS,     /* bit_and, bit_or, bit_xor */
    CU_ACC_VARIANCE, /* of integers, numeric */
    CU_ACC_SPREAD,   /* the same of floats */
    CU_ACC_PAIR,     /* of (y, x): covariance, correlation, regression */
    CU_ACC_MARKS,    /* percentiles, mode, the first value, the only one */
    CU_ACC_ALL,      /* string_agg, array_agg, jsonb_agg, jsonb_object_agg */
} cu_acc_kind;

typedef struct cu_value_set cu_value_set;

typedef struct cu_acc_call {
    const cu_agg_call *call;
    cu_type arg;    /* type of the argument, or of WITHIN GROUP's column */
    cu_type second; /* of the second argument */
    cu_acc_kind kind;
    bool counted; /* values are counted in the state: DISTINCT, and whatever
                     must know the next value when one goes */
    bool nulls;   /* a NULL argument counts */
    uint8_t number;
    size_t at;               /* offset of the accumulator in a group */
    const char *column;      /* its column of the output, for letters */
    const cu_value_set *set; /* counted */
    /* percentiles; NaN: NULL. `many`: the result is an array of them. */
    double *fractions; /* heap */
    uint32_t n_fractions, n_marks;
    bool many;
} cu_acc_call;

typedef struct cu_acc_count {
    int64_t n;
} cu_acc_count;
typedef struct cu_acc_int {
    cu_i128 sum;
    int64_t n;
} cu_acc_int;
/* Of the finite values there is a sum, and how many have which scale: the
 * result shows the largest scale that is present. */
typedef struct cu_acc_scale {
    int64_t n;
    uint16_t scale;
} cu_acc_scale;
typedef struct cu_acc_numeric {
    cu_numeric sum; /* digits on the heap */
    int64_t nans, pinfs, ninfs;
    cu_acc_scale *scales; /* heap; by scale */
    uint32_t n_scales;
} cu_acc_numeric;
typedef struct cu_acc_float {
    cu_fsum sum;
    int64_t n, nans, pinfs, ninfs; /* n: of the finite ones */
} cu_acc_float;
typedef struct cu_acc_interval {
    cu_i128 us;
    int64_t days, months, n;
} cu_acc_interval;
typedef struct cu_acc_bool {
    int64_t n_true, n_false;
} cu_acc_bool;
typedef struct cu_acc_best {
    cu_value value; /* null: none; what it points to is on the heap */
    char *key;      /* counted: its value key, heap */
    uint32_t key_len;
    bool lost; /* counted: gone in this commit, to be looked up */
} cu_acc_best;
typedef struct cu_acc_bits {
    int64_t n, *ones; /* heap; how many have the bit, from bit 0 up */
} cu_acc_bits;
typedef struct cu_acc_variance {
    cu_acc_numeric values;
    cu_numeric squares; /* their sum; digits on the heap */
} cu_acc_variance;
typedef struct cu_acc_spread {
    cu_acc_float values;
    cu_fsum squares; /* of products */
} cu_acc_spread;
/* Where x or y is no number, the pair counts for the other alone. */
typedef struct cu_acc_pair {
    cu_acc_spread x, y;
    cu_fsum xy;
    int64_t n;
} cu_acc_pair;
/* A value at a place in the order of the group's values. */
typedef struct cu_mark {
    char *key; /* heap; its order key, NULL: nowhere yet */
    uint32_t key_len;
    int64_t before; /* copies of smaller keys */
    int64_t count;  /* copies of this one; 0: it is gone */
    cu_value value; /* on the heap */
} cu_mark;
typedef struct cu_acc_marks {
    int64_t n; /* copies of all values */
    cu_mark *marks;
    bool stale; /* something changed in this commit */
} cu_acc_marks;
typedef struct cu_acc_all {
    cu_value value; /* the last result; on the heap */
    bool known;     /* it is what the state gives */
} cu_acc_all;

/* One group in memory:
 *   [ cu_group | accumulators | key bytes ]   and `shown` apart */
typedef struct cu_group {
    cu_keyrec rec;
    int64_t n_rows;
    char *shown; /* row bytes of the group columns as first seen; heap */
    uint32_t shown_len;
    int64_t stamp;    /* with a ttl: of its last change */
    uint32_t extra;   /* bytes that results and marks hold */
    uint32_t at;      /* index in the operator's list */
    bool dirty;       /* touched since the commit */
    bool exists;      /* its row was emitted at an earlier commit */
    bool failed;      /* dirty: its result was an error before */
    bool used, waits; /* clock bit; not read yet (aggregate_park.c) */
    cu_slice before;  /* dirty: lslice shown | results, in the commit arena */
    cu_slice stored;  /* dirty: what the table holds; in the commit arena */
} cu_group;

static inline void *cu_group_acc(cu_group *g, const cu_acc_call *c)
{
    return (char *)g + c->at;
}
/* --- accumulators: aggregate_acc.c --------------------------------------- */

/* Rows of one batch for one call: row[i] of `col` to group[i], w[i] times. */
typedef struct cu_acc_rows {
    uint32_t n;
    cu_keyrec *const *groups; /* cu_group each */
    const uint16_t *rows;
    const int32_t *weights;
    const cu_col *col; /* NULL: count(*) */
    const cu_col *second;
    const cu_batch *batch; /* counted calls only */
} cu_acc_rows;

static inline void *cu_rows_acc(const cu_acc_rows *r, uint32_t i,
                                const cu_acc_call *c)
{
    return (char *)r->groups[i] + c->at;
}

int cu_acc_prepare(cu_acc_call *c, const cu_agg_call *call, cu_type arg,
                   bool append_only, cu_err *err);
/* What prepare() made. */
void cu_acc_done(cu_acc_call *c);
size_t cu_acc_size(cu_acc_kind kind);
void cu_acc_init(const cu_acc_call *c, void *acc);
/* It must be initialised again before it is used again. */
void cu_acc_clear(const cu_acc_call *c, void *acc);
/* Bytes on the heap, roughly. */
size_t cu_acc_extra(const cu_acc_call *c, const void *acc);
/* All rows at once; the argument is not null in any. */
void cu_acc_add(const cu_acc_call *c, const cu_acc_rows *rows,
                cu_arena *scratch);
/* One value; v[1] is the second argument. */
void cu_acc_add_value(const cu_acc_call *c, void *acc, const cu_value *v,
                      int32_t w, cu_arena *scratch);
/* The result; borrows from the accumulator and from `a`. 22003 when it does
 * not fit its type. */
int cu_acc_result(const cu_acc_call *c, const void *acc, cu_arena *a,
                  cu_value *out, cu_err *err);
/* False when a count is negative. */
bool cu_acc_is_sound(const cu_acc_call *c, const void *acc);
void cu_acc_put(const cu_acc_call *c, const void *acc, cu_buf *out);
/* Into an initialised accumulator; false for bytes that do not fit. */
bool cu_acc_get(const cu_acc_call *c, void *acc, cu_scan *from,
                cu_arena *scratch);
/* min, max: `v` becomes the best value (copied); NULL: none. */
void cu_acc_set_best(const cu_acc_call *c, cu_acc_best *b, const cu_value *v);
/* `to` becomes a copy of `n`, digits on the heap. */
void cu_acc_keep_numeric(cu_numeric *to, const cu_numeric *n);
/* Copies on the heap; what they replace is freed. */
void cu_value_keep(cu_value *to, const cu_value *v);
void cu_value_drop(cu_value *v);
size_t cu_value_bytes(const cu_value *v);

/* A value without its type, byte-exact. */
void cu_value_put(const cu_value *v, cu_buf *out);
bool cu_value_get(cu_type t, cu_scan *from, cu_arena *a, cu_value *out);

#endif
