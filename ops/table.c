/* Tables: aligned text for people; JSON, JSON lines and CSV for programs. */
#include "ops/cli.h"

#include "base/assert.h"
#include "rows/json.h"
#include "schemas/codec.h"

struct cu_cells {
    cu_arena *a;
    const char **names;
    bool *right, *raw;
    uint32_t n;
    const char ***rows;
    uint32_t n_rows, cap;
};

cu_cells *cu_cells_new(cu_arena *a, const char *const *names, uint32_t n)
{
    cu_cells *t = cu_arena_calloc(a, 1, sizeof(*t));
    t->a = a;
    t->n = n;
    t->names = cu_arena_calloc(a, n + 1, sizeof(*t->names));
    t->right = cu_arena_calloc(a, n + 1, sizeof(*t->right));
    t->raw = cu_arena_calloc(a, n + 1, sizeof(*t->raw));
    for (uint32_t i = 0; i < n; i++) {
        t->right[i] = t->raw[i] = names[i][0] == '>';
        t->names[i] = names[i] + (t->right[i] ? 1 : 0);
    }
    return t;
}

void cu_cells_raw(cu_cells *t, uint32_t col)
{
    t->raw[col] = true;
}

void cu_cells_add(cu_cells *t, const char *const *values)
{
    if (t->n_rows == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 64;
        const char ***more = cu_arena_calloc(t->a, t->cap, sizeof(*more));
        if (t->n_rows)
            memcpy(more, t->rows, t->n_rows * sizeof(*more));
        t->rows = more;
    }
    const char **row = cu_arena_calloc(t->a, t->n, sizeof(*row));
    for (uint32_t i = 0; i < t->n; i++)
        row[i] = values[i] ? cu_arena_str(t->a, values[i]) : NULL;
    t->rows[t->n_rows++] = row;
}

/* Characters, not bytes; wide scripts are counted as one. */
static size_t shown_width(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

static void pad(cu_buf *b, size_t n)
{
    for (; n; n--)
        cu_buf_put_u8(b, ' ');
}

static void put_line(const cu_cells *t, const char *const *row,
                     const size_t *width, cu_buf *b)
{
    for (uint32_t i = 0; i < t->n; i++) {
        const char *s = row[i] ? row[i] : "";
        size_t gap = width[i] - shown_width(s);
        if (i)
            pad(b, 2);
        if (t->right[i])
            pad(b, gap);
        cu_buf_put_str(b, s);
        if (!t->right[i] && i + 1 < t->n)
            pad(b, gap);
    }
    cu_buf_put_u8(b, '\n');
}

static void print_text(const cu_cells *t, cu_buf *b)
{
    size_t *width = cu_arena_calloc(t->a, t->n, sizeof(*width));
    for (uint32_t i = 0; i < t->n; i++)
        width[i] = shown_width(t->names[i]);
    for (uint32_t r = 0; r < t->n_rows; r++)
        for (uint32_t i = 0; i < t->n; i++) {
            size_t w = t->rows[r][i] ? shown_width(t->rows[r][i]) : 0;
            if (w > width[i])
                width[i] = w;
        }
    put_line(t, t->names, width, b);
    for (uint32_t r = 0; r < t->n_rows; r++)
        put_line(t, t->rows[r], width, b);
}

static void put_object(const cu_cells *t, const char *const *row, cu_buf *b)
{
    cu_buf_put_u8(b, '{');
    for (uint32_t i = 0; i < t->n; i++) {
        if (i)
            cu_buf_put_u8(b, ',');
        cu_json_put_string(b, cu_slice_of(t->names[i]));
        cu_buf_put_u8(b, ':');
        if (row[i] == NULL)
            cu_buf_put_str(b, "null");
        else if (t->raw[i])
            cu_buf_put_str(b, row[i]);
        else
            cu_json_put_string(b, cu_slice_of(row[i]));
    }
    cu_buf_put_u8(b, '}');
}

static void print_json(const cu_cells *t, bool lines, cu_buf *b)
{
    if (!lines)
        cu_buf_put_str(b, "[");
    for (uint32_t r = 0; r < t->n_rows; r++) {
        if (!lines)
            cu_buf_put_str(b, r ? ",\n " : "");
        put_object(t, t->rows[r], b);
        if (lines)
            cu_buf_put_u8(b, '\n');
    }
    if (!lines)
        cu_buf_put_str(b, "]\n");
}

static void put_cell(const char *s, cu_buf *b)
{
    cu_slice text = cu_slice_of(s);
    cu_value v = {.type = CU_TYPE(CU_T_TEXT), .null = s == NULL, .s = text};
    cu_arena *a = cu_arena_new(256);
    cu_col c = cu_col_const(a, &v);
    cu_csv_encode_cell(&c, 0, ',', b);
    cu_arena_free(a);
}

static void print_csv(const cu_cells *t, cu_buf *b)
{
    for (uint32_t r = 0; r <= t->n_rows; r++) {
        const char *const *row = r ? t->rows[r - 1] : t->names;
        for (uint32_t i = 0; i < t->n; i++) {
            if (i)
                cu_buf_put_u8(b, ',');
            put_cell(row[i], b);
        }
        cu_buf_put_u8(b, '\n');
    }
}

void cu_cells_print(cu_cells *t, cu_cmd *c)
{
    cu_buf b = {0};
    switch (c->o.output) {
    case CU_OUT_TEXT:
        print_text(t, &b);
        break;
    case CU_OUT_JSON:
    case CU_OUT_JSONL:
        print_json(t, c->o.output == CU_OUT_JSONL, &b);
        break;
    case CU_OUT_CSV:
        print_csv(t, &b);
        break;
    }
    c->out->write(c->out->ctx, 1, cu_buf_slice(&b));
    cu_buf_free(&b);
}

/* Cells of a result: text as psql shows it, or JSON values as a silver topic
 * has them. */
void cu_result_print(cu_result *r, const cu_copy_def *copy, cu_cmd *c)
{
    const char **names = cu_arena_calloc(c->arena, copy->n_cols + 1,
                                         sizeof(*names));
    const cu_schema *s = copy->view->schema;
    for (uint32_t k = 0; k < copy->n_cols; k++) {
        const cu_field *f = &s->fields[copy->cols[k]];
        names[k] = cu_type_is_number(f->type)
                       ? cu_arena_printf(c->arena, ">%s", f->name)
                       : f->name;
    }
    cu_cells *t = cu_cells_new(c->arena, names, copy->n_cols);
    bool json = c->o.output == CU_OUT_JSON || c->o.output == CU_OUT_JSONL;
    for (uint32_t k = 0; json && k < copy->n_cols; k++)
        cu_cells_raw(t, k);
    const char **row = cu_arena_calloc(c->arena, copy->n_cols + 1,
                                       sizeof(*row));
    const cu_batch *b;
    cu_buf text = {0};
    while ((b = cu_result_next(r)) != NULL)
        for (uint32_t i = 0; i < b->n_rows; i++) {
            for (uint32_t k = 0; k < copy->n_cols; k++) {
                const cu_col *col = &b->cols[k];
                row[k] = NULL;
                if (cu_col_is_null(col, i))
                    continue;
                cu_buf_clear(&text);
                if (json)
                    cu_json_put_value(col, i, &text);
                else
                    cu_col_out(col, i, NULL, &text);
                row[k] = cu_arena_strn(c->arena, text.data ? text.data : "",
                                       text.len);
            }
            cu_cells_add(t, row);
        }
    cu_buf_free(&text);
    cu_cells_print(t, c);
}
