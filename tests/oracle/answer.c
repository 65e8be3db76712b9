#include "tests/oracle/answer.h"

#include <math.h>
#include <stdlib.h>

void cu_answer_shape(cu_answer *a, cu_arena *arena, uint32_t n_cols,
                     uint32_t n_rows)
{
    a->n_cols = n_cols;
    a->n_rows = n_rows;
    a->types = cu_arena_calloc(arena, n_cols + 1, sizeof(*a->types));
    a->cells = cu_arena_calloc(arena, (size_t)n_cols * n_rows + 1,
                               sizeof(*a->cells));
}

/* --- sorting -------------------------------------------------------------- */

typedef struct line {
    const char **cells;
    uint32_t n;
} line;

static int by_cell(const char *x, const char *y)
{
    if (x == NULL || y == NULL)
        return (x == NULL) - (y == NULL);
    return strcmp(x, y);
}

static int by_cells(const void *px, const void *py)
{
    const line *x = px, *y = py;
    for (uint32_t i = 0; i < x->n; i++) {
        int order = by_cell(x->cells[i], y->cells[i]);
        if (order)
            return order;
    }
    return 0;
}

void cu_answer_sort(cu_answer *a, cu_arena *arena)
{
    if (a->failed || a->n_rows < 2 || a->n_cols == 0)
        return;
    line *lines = cu_arena_calloc(arena, a->n_rows, sizeof(*lines));
    for (uint32_t i = 0; i < a->n_rows; i++)
        lines[i] = (line){a->cells + (size_t)i * a->n_cols, a->n_cols};
    qsort(lines, a->n_rows, sizeof(*lines), by_cells);
    const char **cells = cu_arena_calloc(arena, (size_t)a->n_cols * a->n_rows,
                                         sizeof(*cells));
    for (uint32_t i = 0; i < a->n_rows; i++)
        memcpy(cells + (size_t)i * a->n_cols, lines[i].cells,
               a->n_cols * sizeof(*cells));
    a->cells = cells;
}

/* --- comparing ------------------------------------------------------------ */

static bool is_float(const char *type)
{
    return strcmp(type, "double precision") == 0 || strcmp(type, "real") == 0;
}

static bool near_enough(const char *x, const char *y, bool single)
{
    char *end_x, *end_y;
    double a = strtod(x, &end_x), b = strtod(y, &end_y);
    if (*end_x || *end_y || !isfinite(a) || !isfinite(b))
        return false;
    double size = fmax(1, fmax(fabs(a), fabs(b)));
    return fabs(a - b) <= size * (single ? 1e-6 : 1e-9);
}

static bool same_cell(const char *x, const char *y, const char *type, bool near)
{
    if (x == NULL || y == NULL)
        return x == y;
    if (strcmp(x, y) == 0)
        return true;
    return near && is_float(type) && near_enough(x, y, type[0] == 'r');
}

bool cu_answer_same(const cu_answer *a, const cu_answer *b, bool near)
{
    if (a->failed || b->failed)
        return a->failed && b->failed && strcmp(a->state, b->state) == 0;
    if (a->n_cols != b->n_cols || a->n_rows != b->n_rows)
        return false;
    for (uint32_t i = 0; i < a->n_cols; i++)
        if (strcmp(a->types[i], b->types[i]))
            return false;
    for (size_t i = 0; i < (size_t)a->n_cols * a->n_rows; i++)
        if (!same_cell(a->cells[i], b->cells[i], a->types[i % a->n_cols], near))
            return false;
    return true;
}

void cu_answer_print(const cu_answer *a, cu_buf *out)
{
    if (a->failed) {
        cu_buf_printf(out, "error %s %s\n", a->state, a->message);
        return;
    }
    if (a->n_cols == 0)
        cu_buf_put_str(out, "(fine");
    for (uint32_t k = 0; k < a->n_cols; k++)
        cu_buf_printf(out, "%s%s", k ? " | " : "(", a->types[k]);
    cu_buf_printf(out, "), %u rows\n", a->n_rows);
    for (uint32_t i = 0; i < a->n_rows && i < 40; i++) {
        cu_buf_put_str(out, "      ");
        for (uint32_t k = 0; k < a->n_cols; k++) {
            const char *cell = a->cells[(size_t)i * a->n_cols + k];
            cu_buf_printf(out, "%s%s", k ? " | " : "", cell ? cell : "NULL");
        }
        cu_buf_put_str(out, "\n");
    }
}

/* --- chance --------------------------------------------------------------- */

uint64_t cu_rng_next(cu_rng *r)
{
    uint64_t z = (r->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint32_t cu_rng_below(cu_rng *r, uint32_t n)
{
    return (uint32_t)(cu_rng_next(r) % n);
}

bool cu_rng_chance(cu_rng *r, uint32_t per_cent)
{
    return cu_rng_below(r, 100) < per_cent;
}
