/* Batches: columns, rows, weights, and moving values between them.
 *
 * A batch made here starts zeroed.  cu_batch_add() makes the bitmaps with
 * every bit clear (a new row is NULLs) and cu_batch_seal() drops the ones
 * that turned out to be all set, so that a reader sees `valid == NULL` for
 * every column without nulls whatever way the batch was filled.
 *
 * What is `const` in cu_batch (sel, weights) is so for readers; the maker
 * owns the memory and writes it until the batch is sealed (B1).
 */
#include "rows/batch.h"

#include "rows/int.h"
#include "rows/numeric.h"

static size_t words_of(uint32_t rows)
{
    return (rows + 63) / 64;
}

static void set_bit(uint64_t *bits, uint32_t at)
{
    bits[at >> 6] |= UINT64_C(1) << (at & 63);
}

static void clear_bit(uint64_t *bits, uint32_t at)
{
    bits[at >> 6] &= ~(UINT64_C(1) << (at & 63));
}

static void *data_at(const cu_col *c, uint32_t at)
{
    return (char *)c->data + (size_t)at * cell_width(c->type.kind);
}

/* --- one value ---------------------------------------------------------- */

cu_value cu_col_value(const cu_col *c, uint32_t row)
{
    cu_value v;
    memset(&v, 0, sizeof(v));
    v.type = c->type;
    v.null = cu_col_is_null(c, row);
    if (!v.null)
        memcpy(&v.num, data_at(c, cu_col_at(c, row)), cu_type_width(c->type));
    return v;
}

void cu_col_set_null(cu_arena *a, cu_col *c, uint32_t row, uint32_t capacity)
{
    if (!c->valid) {
        size_t n = words_of(capacity);
        c->valid = cu_arena_alloc(a, n * 8);
        memset(c->valid, 0xFF, n * 8);
    }
    clear_bit(c->valid, row);
}

void cu_col_set_valid(cu_col *c, uint32_t row)
{
    if (c->valid)
        set_bit(c->valid, row);
}

void cu_col_set(cu_arena *a, cu_col *c, uint32_t row, uint32_t capacity,
                const cu_value *v)
{
    if (v->null) {
        cu_col_set_null(a, c, row, capacity);
        return;
    }
    CU_ASSERT(c->form == CU_FLAT);
    CU_ASSERT(v->type.kind == c->type.kind);
    cu_col_set_valid(c, row);
    memcpy(data_at(c, row), value_ptr(v), cu_type_width(c->type));
}

void cu_col_copy(cu_arena *a, cu_col *to, uint32_t to_row, uint32_t capacity,
                 const cu_col *from, uint32_t from_row)
{
    CU_ASSERT_SLOW(cu_type_same(to->type, from->type));
    if (cu_col_is_null(from, from_row)) {
        cu_col_set_null(a, to, to_row, capacity);
        return;
    }
    cu_col_set_valid(to, to_row);
    copy_fixed(data_at(to, to_row), data_at(from, cu_col_at(from, from_row)),
               cell_width(to->type.kind));
}

/* --- a batch ------------------------------------------------------------ */

cu_batch *cu_batch_new(cu_arena *a, const cu_schema *schema, uint32_t capacity)
{
    return cu_batch_new_some(a, schema, capacity, NULL);
}

cu_batch *cu_batch_new_some(cu_arena *a, const cu_schema *schema,
                            uint32_t capacity, const bool *kept)
{
    CU_ASSERT(capacity > 0);
    CU_ASSERT(capacity <= CU_BATCH_ROWS);
    cu_batch *b = cu_arena_calloc(a, 1, sizeof(*b));
    b->schema = schema;
    b->n_cols = schema->n;
    b->capacity = capacity;
    b->arena = a;
    b->cols = cu_arena_calloc(a, schema->n, sizeof(cu_col));
    for (uint32_t i = 0; i < schema->n; i++) {
        cu_col *c = &b->cols[i];
        c->type = schema->fields[i].type;
        bool flat = kept == NULL || kept[i];
        c->form = flat ? CU_FLAT : CU_CONST;
        c->data = cu_arena_calloc(a, flat ? capacity : 1,
                                  cu_type_width(c->type));
        if (!flat) /* as many bits as cu_batch_add() clears */
            c->valid = cu_arena_calloc(a, words_of(capacity), 8);
    }
    return b;
}

void cu_batch_clear(cu_batch *b)
{
    for (uint32_t i = 0; i < b->n_cols; i++) {
        cu_col *c = &b->cols[i];
        CU_ASSERT(c->form == CU_FLAT);
        c->valid = NULL;
        memset(c->data, 0, (size_t)b->n_rows * cu_type_width(c->type));
    }
    b->n_rows = 0;
    b->n_sel = 0;
    b->sel = NULL;
    b->weights = NULL;
    b->marks = NULL;
    b->origins = NULL;
    b->records = NULL;
}

static void make_bitmap(cu_batch *b, cu_col *c)
{
    c->valid = cu_arena_calloc(b->arena, words_of(b->capacity), 8);
    for (uint32_t r = 0; r < b->n_rows; r++)
        set_bit(c->valid, r);
}

static void put_weight(cu_batch *b, uint32_t row, int32_t w)
{
    CU_ASSERT(w != 0); /* B2 */
    if (!b->weights) {
        if (w == 1)
            return;
        int32_t *all = cu_arena_alloc(b->arena, b->capacity * sizeof(*all));
        for (uint32_t i = 0; i < b->capacity; i++)
            all[i] = 1;
        b->weights = all;
    }
    ((int32_t *)b->weights)[row] = w;
}

uint32_t cu_rows_new_row(cu_batch *b, int32_t w)
{
    CU_ASSERT(b->n_rows < b->capacity);
    CU_ASSERT(!b->sel);
    uint32_t row = b->n_rows;
    put_weight(b, row, w);
    b->n_rows++;
    b->n_sel = b->n_rows;
    return row;
}

uint32_t cu_batch_add(cu_batch *b, int32_t w)
{
    for (uint32_t i = 0; i < b->n_cols; i++) {
        cu_col *c = &b->cols[i];
        if (!c->valid)
            make_bitmap(b, c);
        clear_bit(c->valid, b->n_rows);
    }
    return cu_rows_new_row(b, w);
}

static bool all_set(const uint64_t *bits, uint32_t n)
{
    uint32_t full = n >> 6;
    for (uint32_t i = 0; i < full; i++)
        if (~bits[i])
            return false;
    uint64_t rest = n & 63 ? (UINT64_C(1) << (n & 63)) - 1 : 0;
    return !rest || (bits[full] & rest) == rest;
}

void cu_batch_seal(cu_batch *b)
{
    for (uint32_t i = 0; i < b->n_cols; i++) {
        cu_col *c = &b->cols[i];
        uint32_t n = c->form == CU_CONST ? 1 : b->n_rows;
        if (c->valid && all_set(c->valid, n))
            c->valid = NULL;
    }
    if (!b->sel)
        b->n_sel = b->n_rows;
#ifdef CU_SLOW_ASSERTS
    cu_batch_check(b);
#endif
}

void cu_batch_append(cu_batch *to, const cu_batch *from, uint32_t row,
                     int32_t w)
{
    CU_ASSERT(to->n_cols == from->n_cols);
    CU_ASSERT(row < from->n_rows);
    uint32_t at = to->n_rows;
    CU_ASSERT(at < to->capacity);
    for (uint32_t i = 0; i < to->n_cols; i++)
        cu_col_copy(to->arena, &to->cols[i], at, to->capacity, &from->cols[i],
                    row);
    cu_rows_new_row(to, w);
}

/* --- columns as a whole ------------------------------------------------- */

#define GATHER(type_)                \
    for (uint32_t i = 0; i < n; i++) \
    ((type_ *)to)[i] = ((const type_ *)from->data)[at ? at[i] : 0]

struct bytes16 {
    uint64_t w[2];
};
struct bytes32 {
    uint64_t w[4];
};

/* `at` NULL: data[0] n times. */
static void gather_data(void *to, const cu_col *from, const uint16_t *at,
                        uint32_t n)
{
    switch (cu_type_width(from->type)) {
    case 1:
        GATHER(uint8_t);
        break;
    case 2:
        GATHER(uint16_t);
        break;
    case 4:
        GATHER(uint32_t);
        break;
    case 8:
        GATHER(uint64_t);
        break;
    case 16:
        GATHER(struct bytes16);
        break;
    default:
        GATHER(struct bytes32);
        break;
    }
}

cu_col cu_col_gather(cu_arena *a, const cu_col *from, const uint16_t *rows,
                     uint32_t n)
{
    cu_col c = {.type = from->type, .form = CU_FLAT};
    bool spread = from->form == CU_CONST;
    c.data = cu_arena_alloc(a, (n ? n : 1) * cu_type_width(from->type));
    gather_data(c.data, from, spread ? NULL : rows, n);
    if (!from->valid)
        return c;
    c.valid = cu_arena_calloc(a, words_of(n ? n : 1), 8);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = spread ? 0 : rows[i];
        uint64_t bit = from->valid[at >> 6] >> (at & 63) & 1;
        c.valid[i >> 6] |= bit << (i & 63);
    }
    return c;
}

cu_col cu_col_flatten(cu_arena *a, const cu_col *from, uint32_t n)
{
    if (from->form == CU_CONST)
        return cu_col_gather(a, from, NULL, n);
    cu_col c = *from;
    c.data = cu_arena_dup(a, from->data, n * cu_type_width(from->type));
    if (from->valid)
        c.valid = cu_arena_dup(a, from->valid, words_of(n) * 8);
    return c;
}

cu_col cu_col_const(cu_arena *a, const cu_value *v)
{
    cu_col c = {.type = v->type, .form = CU_CONST};
    size_t width = cu_type_width(v->type);
    c.data = cu_arena_calloc(a, 1, width);
    if (v->null)
        c.valid = cu_arena_calloc(a, 1, 8);
    else
        memcpy(c.data, value_ptr(v), width);
    return c;
}

cu_batch *cu_batch_select(cu_arena *a, const cu_batch *b, const uint16_t *sel,
                          uint32_t n_sel)
{
    cu_batch *out = cu_arena_dup(a, b, sizeof(*b));
    out->sel = sel;
    out->n_sel = sel ? n_sel : b->n_rows;
    out->arena = a;
    return out;
}

/* --- deep copies -------------------------------------------------------- */

/* Brings what the values of one column borrow into the arena. */
static void own(cu_arena *a, cu_col *c, uint32_t n)
{
    if (c->type.kind == CU_T_NUMERIC) {
        cu_numeric *v = c->data;
        for (uint32_t i = 0; i < n; i++)
            if (!cu_col_is_null(c, i) && v[i].form == CU_NUM_BIG)
                v[i] = cu_numeric_copy(&v[i], a);
        return;
    }
    if (!cu_type_is_slice(c->type))
        return;
    cu_slice *v = c->data;
    size_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!cu_col_is_null(c, i))
            total += v[i].len;
    char *to = cu_arena_alloc(a, total + 1);
    for (uint32_t i = 0; i < n; i++) {
        if (cu_col_is_null(c, i)) {
            v[i] = CU_NULL_SLICE;
            continue;
        }
        if (v[i].len)
            memcpy(to, v[i].data, v[i].len);
        v[i].data = to;
        to += v[i].len;
    }
}

static const void *gather_words(cu_arena *a, const void *from, size_t width,
                                const uint16_t *at, uint32_t n)
{
    if (!from)
        return NULL;
    char *to = cu_arena_alloc(a, (n ? n : 1) * width);
    for (uint32_t i = 0; i < n; i++)
        memcpy(to + i * width, (const char *)from + at[i] * width, width);
    return to;
}

cu_batch *cu_batch_copy(cu_arena *a, const cu_batch *b)
{
    uint32_t n = b->n_sel;
    uint16_t at[CU_BATCH_ROWS];
    for (uint32_t i = 0; i < n; i++)
        at[i] = (uint16_t)cu_batch_row(b, i);
    cu_batch *out = cu_arena_dup(a, b, sizeof(*b));
    out->schema = cu_schema_copy(a, b->schema);
    out->n_rows = n;
    out->n_sel = n;
    out->capacity = n ? n : 1;
    out->sel = NULL;
    out->arena = a;
    out->weights = gather_words(a, b->weights, sizeof(int32_t), at, n);
    out->marks = gather_words(a, b->marks, sizeof(int64_t), at, n);
    out->origins = gather_words(a, b->origins, sizeof(uint32_t), at, n);
    out->cols = cu_arena_calloc(a, b->n_cols, sizeof(cu_col));
    for (uint32_t i = 0; i < b->n_cols; i++) {
        uint8_t form = b->cols[i].form;
        uint32_t values = form == CU_CONST ? 1 : n;
        out->cols[i] = cu_col_gather(a, &b->cols[i], at, values);
        own(a, &out->cols[i], values);
        out->cols[i].form = form;
    }
    cu_batch_seal(out);
    return out;
}

/* --- checks ------------------------------------------------------------- */

size_t cu_batch_bytes(const cu_batch *b)
{
    size_t total = 0;
    for (uint32_t i = 0; i < b->n_cols; i++) {
        const cu_col *c = &b->cols[i];
        total += (size_t)b->n_sel * cu_type_width(c->type);
        if (!cu_type_is_slice(c->type))
            continue;
        for (uint32_t k = 0; k < b->n_sel; k++) {
            uint32_t row = cu_batch_row(b, k);
            if (!cu_col_is_null(c, row))
                total += CU_COL(c, cu_slice)[cu_col_at(c, row)].len;
        }
    }
    return total + (size_t)b->n_sel * (b->weights ? 4 : 0);
}

void cu_batch_check(const cu_batch *b)
{
    CU_ASSERT(b->n_rows <= CU_BATCH_ROWS);
    CU_ASSERT(b->n_cols == b->schema->n);
    CU_ASSERT(b->sel ? b->n_sel <= b->n_rows : b->n_sel == b->n_rows);
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        CU_ASSERT(row < b->n_rows);
        CU_ASSERT(i == 0 || row > cu_batch_row(b, i - 1));
        CU_ASSERT(cu_batch_weight(b, row) != 0); /* B2 */
    }
    for (uint32_t i = 0; i < b->n_cols; i++) {
        const cu_col *c = &b->cols[i];
        CU_ASSERT(c->form == CU_FLAT || c->form == CU_CONST);
        CU_ASSERT(c->data || b->n_rows == 0); /* B3 */
        CU_ASSERT(cu_type_same(c->type, b->schema->fields[i].type));
    }
}
