#include "tests/oracle/tree.h"

#include "base/assert.h"

typedef enum form { CONSTANT, COLUMNS, RUNTIME } form;

static void put_leaf(const cu_tree_case *c, const cu_tree *t, form f,
                     cu_buf *out)
{
    if (t->col >= 0 && f != CONSTANT)
        cu_buf_printf(out, "c%d", t->col);
    else if (t->col >= 0)
        cu_buf_put_str(out, c->cols[t->col][0]);
    else if (t->hidden >= 0 && f == RUNTIME)
        cu_buf_printf(out, "k%d", t->hidden);
    else
        cu_buf_put_str(out, t->literal);
}

static void put(const cu_tree_case *c, const cu_tree *t, form f, cu_buf *out)
{
    if (t->format == NULL) {
        put_leaf(c, t, f, out);
        return;
    }
    uint32_t arg = 0;
    for (const char *p = t->format; *p; p++)
        if (*p == '\1') {
            CU_ASSERT(arg < t->n_args);
            put(c, t->args[arg++], f, out);
        } else {
            cu_buf_put(out, p, 1);
        }
}

static const char *finish(cu_buf *b, cu_arena *a)
{
    const char *text = cu_arena_strn(a, b->data, b->len);
    cu_buf_free(b);
    return text;
}

const char *cu_tree_constant(const cu_tree_case *c, cu_arena *a)
{
    cu_buf b = {0};
    cu_buf_put_str(&b, "SELECT ");
    put(c, c->root, CONSTANT, &b);
    cu_buf_put_str(&b, " AS x");
    return finish(&b, a);
}

static void put_row(const cu_tree_case *c, uint32_t row, bool folded, cu_buf *b)
{
    cu_buf_put_str(b, "(0");
    for (uint32_t k = 0; k < c->n_cols; k++)
        cu_buf_printf(b, ", %s", c->cols[k][row]);
    for (uint32_t k = 0; k < c->n_consts && !folded; k++)
        cu_buf_printf(b, ", %s", c->consts[k]);
    cu_buf_put_str(b, ")");
}

/* "AS t(zero, c0, …, k0, …)" */
static void put_names(const cu_tree_case *c, bool folded, cu_buf *b)
{
    cu_buf_put_str(b, ") AS t(zero");
    for (uint32_t k = 0; k < c->n_cols; k++)
        cu_buf_printf(b, ", c%u", k);
    for (uint32_t k = 0; k < c->n_consts && !folded; k++)
        cu_buf_printf(b, ", k%u", k);
    cu_buf_put_str(b, ")");
}

static void put_select(const cu_tree_case *c, bool folded, cu_buf *b)
{
    cu_buf_put_str(b, "SELECT ");
    put(c, c->root, folded ? COLUMNS : RUNTIME, b);
    cu_buf_put_str(b, " AS x FROM (VALUES ");
}

const char *cu_tree_rows(const cu_tree_case *c, bool folded, cu_arena *a)
{
    cu_buf b = {0};
    put_select(c, folded, &b);
    for (uint32_t i = 0; i < c->n_rows; i++) {
        cu_buf_put_str(&b, i ? ", " : "");
        put_row(c, i, folded, &b);
    }
    put_names(c, folded, &b);
    return finish(&b, a);
}

const char *cu_tree_row(const cu_tree_case *c, uint32_t row, bool folded,
                        cu_arena *a)
{
    cu_buf b = {0};
    put_select(c, folded, &b);
    put_row(c, row, folded, &b);
    cu_buf_put_str(&b, " OFFSET 0");
    put_names(c, folded, &b);
    return finish(&b, a);
}

cu_tree_case *cu_tree_parse(cu_arena *a, const char *subject, const char *text)
{
    cu_tree_case *c = cu_arena_calloc(a, 1, sizeof(*c));
    cu_tree *root = cu_arena_calloc(a, 1, sizeof(*root));
    cu_buf b = {0};
    c->subject = subject;
    c->root = root;
    c->n_rows = 1;
    while (*text) {
        const char *end = *text == '`' ? strchr(text + 1, '`') : NULL;
        if (end == NULL) {
            cu_buf_put(&b, text++, 1);
            continue;
        }
        CU_ASSERT(c->n_cols < CU_TREE_COLS);
        cu_tree *leaf = cu_arena_calloc(a, 1, sizeof(*leaf));
        leaf->literal = cu_arena_strn(a, text + 1, (size_t)(end - text - 1));
        leaf->col = (int)c->n_cols;
        leaf->hidden = -1;
        c->cols[c->n_cols++][0] = leaf->literal;
        root->args[root->n_args++] = leaf;
        cu_buf_put_str(&b, "\1");
        text = end + 1;
    }
    root->format = finish(&b, a);
    return c;
}
