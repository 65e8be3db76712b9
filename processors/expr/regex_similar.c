/* SQL regular expressions (SIMILAR TO) as advanced ones, by the rules that
 * PostgreSQL documents beside its own translation:
 *
 *   %  .*     _  .     (  (?:     \ . ^ $  escaped     #"…#"  groups of parts
 */
#include "processors/expr/regex.h"
#include "processors/expr/text.h"

static int bad_similar(cu_err *err, uint32_t sqlstate, const char *why)
{
    cu_fail(err, CU_DATA, 0, "%s", why);
    if (err)
        err->sqlstate = sqlstate;
    return CU_DATA;
}

/* The parts of substring(x SIMILAR 'a#"b#"c' ESCAPE '#'). */
static int put_separator(unsigned n, cu_buf *out, cu_err *err)
{
    if (n == 0)
        cu_buf_put_str(out, "){1,1}?(");
    else if (n == 1)
        cu_buf_put_str(out, "){1,1}(?:");
    else
        return bad_similar(err, CU_SQLSTATE('2', '2', '0', '0', 'C'),
                           "SQL regular expression may not contain more than "
                           "two escape-double-quote separators");
    return 0;
}

static void put_similar(cu_slice c, bool *bracket, cu_buf *out)
{
    const char one = c.len == 1 ? *c.data : 'x';
    if (*bracket) {
        if (one == '\\')
            cu_buf_put_u8(out, '\\');
        *bracket = one != ']';
    } else if (one == '%') {
        c = CU_LIT(".*");
    } else if (one == '_') {
        c = CU_LIT(".");
    } else if (one == '(') {
        c = CU_LIT("(?:");
    } else if (strchr("\\.^$", one)) {
        cu_buf_put_u8(out, '\\');
    }
    *bracket |= one == '[';
    cu_buf_put_slice(out, c);
}

int cu_regex_similar(cu_slice pattern, cu_slice escape, cu_buf *out,
                     cu_err *err)
{
    bool escaped = false, bracket = false;
    unsigned quotes = 0;
    if (cu_utf8_length(escape) > 1)
        return bad_similar(err, CU_SQLSTATE('2', '2', '0', '2', '5'),
                           "invalid escape string");
    cu_buf_put_str(out, "^(?:");
    for (size_t i = 0, size; i < pattern.len; i += size) {
        size = cu_utf8_size(pattern.data + i);
        cu_slice c = cu_slice_n(pattern.data + i, size);
        if (escaped && cu_slice_is(c, "\"") && !bracket) {
            int rc = put_separator(quotes++, out, err);
            if (rc)
                return rc;
            escaped = false;
        } else if (escaped) {
            cu_buf_put_u8(out, '\\');
            cu_buf_put_slice(out, c);
            escaped = false;
        } else if (escape.len && cu_slice_eq(c, escape)) {
            escaped = true;
        } else {
            put_similar(c, &bracket, out);
        }
    }
    cu_buf_put_str(out, ")$");
    return 0;
}
