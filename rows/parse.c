/* Batches as text tables, for tests and examples.
 *
 *   cu_batch_parse(a, "id:int name:text",
 *                  "+1 | 7 'a b'\n"
 *                  "-2 | 8 null\n", &b, &err);
 *
 * Words are separated by blanks; 'quoted words' may hold anything, '' is a
 * quote.  Printing quotes exactly what parsing would otherwise misread, so
 * that a printed batch can be parsed again.
 */
#include "rows/batch.h"
#include "rows/int.h"
#include "rows/text.h"

struct word {
    cu_slice text;
    bool quoted;
};

/* The next word of the line; false at its end.  *p stays on the newline. */
static bool next_word(const char **p, cu_arena *a, struct word *out)
{
    while (**p == ' ' || **p == '\t' || **p == '\r')
        ++*p;
    if (!**p || **p == '\n')
        return false;
    const char *start = *p;
    out->quoted = *start == '\'';
    if (!out->quoted) {
        while (**p && !is_space(**p))
            ++*p;
        out->text = cu_slice_n(start, (size_t)(*p - start));
        return true;
    }
    char *to = cu_arena_alloc(a, strlen(start) + 1);
    size_t n = 0;
    for (++*p; **p; ++*p) {
        if (**p == '\'') {
            if ((*p)[1] != '\'')
                break;
            ++*p;
        }
        to[n++] = **p;
    }
    if (**p)
        ++*p;
    out->text = cu_slice_n(to, n);
    return true;
}

/* --- schemas ------------------------------------------------------------ */

/* name:type [more words of the type] [not null] */
static int parse_field(cu_arena *a, cu_slice text, cu_field *out, cu_err *err)
{
    const char *colon = memchr(text.data, ':', text.len);
    if (!colon || colon == text.data)
        return cu_fail(err, CU_USAGE, 0, "expected name:type, not \"%.*s\"",
                       SHOWN(text));
    size_t name_len = (size_t)(colon - text.data);
    cu_slice type = {colon + 1, text.len - name_len - 1};
    static const char suffix[] = " not null";
    size_t n = sizeof(suffix) - 1;
    if (type.len > n && !memcmp(type.data + type.len - n, suffix, n)) {
        out->not_null = true;
        type.len -= n;
    }
    out->name = cu_arena_strn(a, text.data, name_len);
    return cu_type_parse(type, &out->type, err);
}

static const char *skip_blanks(const char *p)
{
    while (is_space(*p))
        p++;
    return p;
}

/* Where the field at p ends: words without a colon belong to its type. */
static const char *field_end(const char *p)
{
    const char *end = p;
    for (;;) {
        bool colon = false;
        const char *word = p;
        for (; *p && !is_space(*p); p++)
            colon = colon || *p == ':';
        if (p == word || (colon && end != word))
            return end;
        end = p;
        p = skip_blanks(p);
    }
}

int cu_schema_parse(cu_arena *a, const char *text, cu_schema **out, cu_err *err)
{
    cu_field *fields = cu_arena_calloc(a, strlen(text) / 2 + 1,
                                       sizeof(*fields));
    uint32_t n = 0;
    for (const char *p = skip_blanks(text); *p; p = skip_blanks(p)) {
        const char *end = field_end(p);
        int rc = parse_field(a, cu_slice_n(p, (size_t)(end - p)), &fields[n],
                             err);
        if (rc)
            return rc;
        n++;
        p = end;
    }
    *out = cu_schema_new(a, n);
    memcpy((*out)->fields, fields, n * sizeof(*fields));
    return 0;
}

/* --- rows --------------------------------------------------------------- */

/* "+1 |", "-2 |", "|" or nothing; *w is 1 when there is none. */
static int parse_weight(const char **p, cu_arena *a, int32_t *w, cu_err *err)
{
    const char *at = *p;
    struct word number = {{"1", 1}, false}, bar;
    *w = 1;
    if (!next_word(&at, a, &bar) || bar.quoted)
        return 0;
    if (!cu_slice_is(bar.text, "|")) {
        number = bar;
        if (!next_word(&at, a, &bar) || bar.quoted ||
            !cu_slice_is(bar.text, "|"))
            return 0;
    }
    *p = at;
    int rc = cu_int4_in(number.text, w, err);
    if (!rc && *w == 0)
        rc = cu_fail(err, CU_USAGE, 0, "a weight must not be 0");
    return rc;
}

static int parse_row(const char **p, cu_batch *b, cu_err *err)
{
    int32_t w;
    struct word word;
    int rc = parse_weight(p, b->arena, &w, err);
    if (rc)
        return rc;
    uint32_t row = cu_batch_add(b, w);
    for (uint32_t i = 0; i < b->n_cols; i++) {
        const cu_field *f = &b->schema->fields[i];
        if (!next_word(p, b->arena, &word))
            return cu_fail(err, CU_USAGE, 0, "row %u: no value for %s", row,
                           f->name);
        if (!word.quoted && cu_slice_is(word.text, "null"))
            continue;
        cu_value v;
        rc = cu_value_in(f->type, word.text, NULL, b->arena, &v, err);
        if (rc)
            return cu_err_note(err, "row %u, %s: ", row, f->name);
        if (cu_type_is_slice(f->type))
            v.s = cu_arena_slice(b->arena, v.s);
        cu_col_set(b->arena, &b->cols[i], row, b->capacity, &v);
    }
    if (next_word(p, b->arena, &word))
        return cu_fail(err, CU_USAGE, 0, "row %u has too many values", row);
    return 0;
}

static uint32_t count_lines(const char *p)
{
    uint32_t n = 1;
    for (; *p; p++)
        n += *p == '\n';
    return n < CU_BATCH_ROWS ? n : CU_BATCH_ROWS;
}

int cu_batch_parse(cu_arena *a, const char *schema, const char *rows,
                   cu_batch **out, cu_err *err)
{
    cu_schema *s;
    int rc = cu_schema_parse(a, schema, &s, err);
    if (rc)
        return rc;
    cu_batch *b = cu_batch_new(a, s, count_lines(rows));
    for (const char *p = skip_blanks(rows); *p; p = skip_blanks(p)) {
        if (b->n_rows == b->capacity)
            return cu_fail(err, CU_LIMIT, 0, "more than %d rows",
                           CU_BATCH_ROWS);
        rc = parse_row(&p, b, err);
        if (rc)
            return rc;
    }
    cu_batch_seal(b);
    *out = b;
    return 0;
}

static void put_word(cu_slice s, cu_buf *out)
{
    bool quote = !s.len || cu_slice_is(s, "null") || cu_slice_is(s, "|") ||
                 s.data[0] == '\'';
    for (size_t i = 0; i < s.len; i++)
        quote = quote || is_space(s.data[i]);
    if (!quote) {
        cu_buf_put_slice(out, s);
        return;
    }
    cu_buf_put_u8(out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\'')
            cu_buf_put_u8(out, '\'');
        cu_buf_put_u8(out, (uint8_t)s.data[i]);
    }
    cu_buf_put_u8(out, '\'');
}

void cu_batch_print(const cu_batch *b, cu_buf *out)
{
    cu_buf text = {0};
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        cu_buf_printf(out, "%+d |", cu_batch_weight(b, row));
        for (uint32_t c = 0; c < b->n_cols; c++) {
            cu_buf_put_u8(out, ' ');
            if (cu_col_is_null(&b->cols[c], row)) {
                cu_buf_put_str(out, "null");
                continue;
            }
            cu_buf_clear(&text);
            cu_col_out(&b->cols[c], row, NULL, &text);
            put_word(cu_buf_slice(&text), out);
        }
        cu_buf_put_u8(out, '\n');
    }
    cu_buf_free(&text);
}
