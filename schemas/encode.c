/* Rows as JSON objects and CSV lines.
 *
 * JSON is what silver topics carry (rows/json.h says how each type looks).
 * CSV is byte for byte what COPY … TO WITH (FORMAT csv) writes: a value is
 * quoted when it holds the delimiter, a quote, CR or LF, when it is empty
 * (else it would be NULL), and when it is `\.` alone on its line, which
 * would end a COPY FROM.
 */
#include "rows/json.h"
#include "rows/text.h"
#include "schemas/codec.h"

void cu_json_encode_row(const cu_batch *b, uint32_t row, const uint16_t *cols,
                        uint32_t n, cu_buf *out)
{
    n = cols ? n : b->n_cols;
    cu_buf_put_u8(out, '{');
    for (uint32_t i = 0; i < n; i++) {
        uint32_t col = cols ? cols[i] : i;
        if (i)
            cu_buf_put_u8(out, ',');
        cu_json_put_string(out, cu_slice_of(b->schema->fields[col].name));
        cu_buf_put_u8(out, ':');
        cu_json_put_value(&b->cols[col], row, out);
    }
    cu_buf_put_u8(out, '}');
}

static bool needs_quotes(const char *p, size_t len, char delimiter)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] == delimiter || p[i] == '"' || p[i] == '\n' || p[i] == '\r')
            return true;
    return len == 0;
}

/* Quotes what was appended from `start` on, if it must be. */
static void quote(cu_buf *out, size_t start, char delimiter, bool alone)
{
    size_t len = out->len - start, doubled = 0;
    const char *p = out->data + start;
    bool end_mark = alone && len == 2 && !memcmp(p, "\\.", 2);
    if (!needs_quotes(p, len, delimiter) && !end_mark)
        return;
    for (size_t i = 0; i < len; i++)
        doubled += p[i] == '"';
    cu_buf_reserve(out, doubled + 2);
    char *from = out->data + start + len;
    char *to = from + doubled + 1;
    *to = '"';
    while (from > out->data + start) {
        *--to = *--from;
        if (*from == '"')
            *--to = '"';
    }
    *--to = '"';
    out->len += doubled + 2;
}

static void put_cell(const cu_col *c, uint32_t row, char delimiter, bool alone,
                     cu_buf *out)
{
    if (cu_col_is_null(c, row))
        return;
    size_t start = out->len;
    cu_buf_reserve(out, 1); /* an empty value has a place, too */
    cu_col_out(c, row, NULL, out);
    quote(out, start, delimiter, alone);
}

void cu_csv_encode_cell(const cu_col *c, uint32_t row, char delimiter,
                        cu_buf *out)
{
    put_cell(c, row, delimiter ? delimiter : ',', false, out);
}

void cu_csv_encode_row(const cu_batch *b, uint32_t row, char delimiter,
                       cu_buf *out)
{
    delimiter = delimiter ? delimiter : ',';
    for (uint32_t i = 0; i < b->n_cols; i++) {
        if (i)
            cu_buf_put_u8(out, (uint8_t)delimiter);
        put_cell(&b->cols[i], row, delimiter, b->n_cols == 1, out);
    }
    cu_buf_put_u8(out, '\n');
}

void cu_csv_encode_header(const cu_schema *s, char delimiter, cu_buf *out)
{
    delimiter = delimiter ? delimiter : ',';
    for (uint32_t i = 0; i < s->n; i++) {
        if (i)
            cu_buf_put_u8(out, (uint8_t)delimiter);
        size_t start = out->len;
        cu_buf_reserve(out, 1);
        cu_buf_put_str(out, s->fields[i].name);
        quote(out, start, delimiter, s->n == 1);
    }
    cu_buf_put_u8(out, '\n');
}
