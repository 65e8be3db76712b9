/* ROWS FROM (f(…), g(…)): set-returning functions beside each other.
 *
 *     f  1          out  1  a
 *        2               2  b
 *     g  a b c           -  c
 *
 * It is called with a constant that names the functions, then with the
 * arguments of all of them, one after the other.  The constant holds, for each:
 *
 *     length of the name u8 | name | arguments u8 | kinds of its parameters
 *
 * so that a plan means the same function whatever the catalog grows to.
 */
#include "base/assert.h"
#include "processors/expr/int.h"
#include "processors/expr/kernel.h"

static const cu_func rows_from = {
    .name = "rows from",
    .kind = CU_FUNC_SET,
    .n_args = 1,
    .args = {CU_T_BYTEA},
    .result = CU_T_ANY,
    .doc = "functions beside each other",
};

const cu_func *cu_func_rows_from(void)
{
    return &rows_from;
}

cu_value cu_rows_from_names(cu_arena *a, const cu_func *const *f,
                            const uint32_t *n_args, uint32_t n)
{
    cu_buf b = {0};
    for (uint32_t i = 0; i < n; i++) {
        const size_t len = strlen(f[i]->name);
        CU_ASSERT(len <= UINT8_MAX);
        cu_buf_put_u8(&b, (uint8_t)len);
        cu_buf_put(&b, f[i]->name, len);
        cu_buf_put_u8(&b, (uint8_t)n_args[i]);
        cu_buf_put(&b, f[i]->args, CU_FUNC_ARGS);
    }
    cu_value v = {.type = CU_TYPE(CU_T_BYTEA)};
    v.s = cu_slice_n(cu_arena_dup(a, b.data, b.len), b.len);
    cu_buf_free(&b);
    return v;
}

/* The next function of the constant; NULL at its end. */
static const cu_func *next(cu_slice *at, uint32_t *n_args, cu_arena *a)
{
    if (at->len == 0)
        return NULL;
    const size_t len = (uint8_t)at->data[0];
    const char *name = cu_arena_printf(a, "%.*s", (int)len, at->data + 1);
    const char *args = at->data + len + 2;
    uint32_t first, n = cu_func_named(name, &first), all;
    const cu_func *const *list = cu_func_all(&all);
    *n_args = (uint8_t)at->data[len + 1];
    at->data += len + 2 + CU_FUNC_ARGS;
    at->len -= len + 2 + CU_FUNC_ARGS;
    for (uint32_t i = first; i < first + n; i++)
        if (list[i]->kind == CU_FUNC_SET &&
            memcmp(list[i]->args, args, CU_FUNC_ARGS) == 0)
            return list[i];
    CU_ASSERT(false); /* the binder found it */
    return NULL;
}

/* The types of its columns: NULLs at the end have them too. */
static void types_of(const cu_func *f, const cu_value *args, uint32_t n_args,
                     uint32_t n_cols, cu_type *out)
{
    cu_field fields[CU_FUNC_ARGS];
    cu_type types[CU_FUNC_ARGS] = {{.kind = CU_T_NULL}};
    if (cu_set_is_record(f)) {
        memcpy(out, args[2].s.data, n_cols * sizeof(*out));
        return;
    }
    for (uint32_t i = 0; i < n_args; i++)
        types[i] = args[i].type;
    cu_set_columns(f, types, n_args, fields);
    for (uint32_t i = 0; i < n_cols; i++)
        out[i] = fields[i].type;
}

static void put(const cu_set_rows *part, const cu_type *types, uint32_t first,
                cu_set_rows *out)
{
    for (uint32_t r = 0; r < out->n; r++)
        for (uint32_t c = 0; c < part->n_cols; c++)
            out->values[(size_t)r * out->n_cols + first + c] =
                r < part->n ? part->values[(size_t)r * part->n_cols + c]
                            : (cu_value){.type = types[c], .null = true};
}

int cu_rows_from_set(const cu_func *f, const cu_value *args, uint32_t n_args,
                     cu_arena *a, cu_set_rows *out, cu_err *err)
{
    const cu_func *funcs[CU_FUNC_ARGS];
    cu_set_rows parts[CU_FUNC_ARGS];
    uint32_t first[CU_FUNC_ARGS], counts[CU_FUNC_ARGS], n = 0, at = 1, col = 0;
    cu_slice names = args[0].s;
    (void)f;
    while ((funcs[n] = next(&names, &counts[n], a))) {
        CU_ASSERT(at + counts[n] <= n_args);
        parts[n] = (cu_set_rows){.memo = out->memo};
        int rc = cu_set_call(funcs[n], args + at, counts[n], a, &parts[n], err);
        if (rc)
            return rc;
        first[n] = at;
        out->n_cols += parts[n].n_cols;
        out->n = parts[n].n > out->n ? parts[n].n : out->n;
        at += counts[n++];
    }
    out->values = cu_arena_calloc(a, (size_t)out->n * out->n_cols + 1,
                                  sizeof(*out->values));
    for (uint32_t i = 0; i < n; i++) {
        cu_type *types = cu_arena_calloc(a, parts[i].n_cols + 1,
                                         sizeof(*types));
        types_of(funcs[i], args + first[i], counts[i], parts[i].n_cols, types);
        put(&parts[i], types, col, out);
        col += parts[i].n_cols;
    }
    return 0;
}
