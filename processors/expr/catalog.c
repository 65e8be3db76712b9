/* The catalog: the parts of all subjects as one list in name order.
 *
 * Each part is a constant array beside its kernels; the list of pointers is
 * made once per process.  Within a name the order is that of the parts, so
 * that nothing depends on the sort.
 */
#include "base/assert.h"
#include "processors/expr/int.h"

#include <pthread.h>
#include <stdlib.h>

enum { MOST = 1024 };

static const cu_func *list[MOST];
static uint32_t n_list;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const cu_catalog_part *const parts[] = {
    &cu_part_compare,
    &cu_part_logic,
    &cu_part_arith,
    &cu_part_float,
    &cu_part_numeric,
    &cu_part_convert,
    &cu_part_convert_text,
    &cu_part_text,
    &cu_part_text_case,
    &cu_part_text_edit,
    &cu_part_text_search,
    &cu_part_like,
    &cu_part_encode,
    &cu_part_jsonb,
    &cu_part_jsonb_build,
    &cu_part_datetime,
    &cu_part_datetime_field,
    &cu_part_array,
    &cu_part_any,
    &cu_part_set,
    &cu_part_aggregate,
    &cu_part_regex,
    &cu_part_text_format,
    &cu_part_to_char,
    &cu_part_to_date,
    &cu_part_to_number,
    &cu_part_window,
    &cu_part_trig,
    &cu_part_number_more,
    &cu_part_lookup3,
    &cu_part_bits,
    &cu_part_array_more,
    &cu_part_datetime_make,
    &cu_part_jsonb_edit,
    &cu_part_path,
    &cu_part_series,
    &cu_part_record,
};

/* By name; equal names keep the order that they were collected in. */
static int by_name(const void *x, const void *y)
{
    const cu_func *a = *(const cu_func *const *)x;
    const cu_func *b = *(const cu_func *const *)y;
    int order = strcmp(a->name, b->name);
    if (order)
        return order;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    order = memcmp(a->args, b->args, sizeof(a->args));
    if (order)
        return order;
    return a->result < b->result ? -1 : a->result > b->result;
}

static void collect(void)
{
    for (size_t p = 0; p < sizeof(parts) / sizeof(*parts); p++) {
        CU_ASSERT(n_list + parts[p]->n <= MOST);
        for (uint32_t i = 0; i < parts[p]->n; i++)
            list[n_list++] = &parts[p]->funcs[i];
    }
    qsort(list, n_list, sizeof(*list), by_name);
}

const cu_func *const *cu_func_all(uint32_t *n)
{
    pthread_once(&once, collect);
    *n = n_list;
    return list;
}

uint32_t cu_func_named(const char *name, uint32_t *first)
{
    uint32_t n;
    const cu_func *const *all = cu_func_all(&n);
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (strcmp(all[mid]->name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *first = low;
    while (low < n && !strcmp(all[low]->name, name))
        low++;
    return low - *first;
}

bool cu_func_exists(const char *name, unsigned kinds)
{
    uint32_t first, n = cu_func_named(name, &first);
    for (uint32_t i = 0; i < n; i++)
        if (list[first + i]->kind & kinds)
            return true;
    return false;
}

cu_type cu_func_arg_type(const cu_func *f, uint32_t i)
{
    uint32_t last = 0;
    while (last + 1 < CU_FUNC_ARGS && f->args[last + 1])
        last++;
    CU_ASSERT(i < f->n_args || f->variadic);
    const uint8_t kind = f->args[i < last ? i : last];
    return kind == CU_T_ARRAY ? cu_array_type(f->array_elem) : CU_TYPE(kind);
}

cu_type cu_func_result_type(const cu_func *f)
{
    if (f->result == CU_T_ARRAY)
        return cu_array_type(f->result_elem ? f->result_elem : f->array_elem);
    return CU_TYPE(f->result);
}
