/* Reading templates of numbers, with PostgreSQL's rules of what goes
 * together. */
#include "processors/expr/number_template.h"

#include "processors/expr/text.h"

/* Longer ones first among those that begin alike. */
static const struct {
    const char *name;
    cu_mark mark;
} marks[] = {
    {",", CU_MARK_COMMA}, {".", CU_MARK_POINT}, {"0", CU_MARK_0},
    {"9", CU_MARK_9},     {"B", CU_MARK_B},     {"C", CU_MARK_C},
    {"D", CU_MARK_D},     {"EEEE", CU_MARK_E},  {"FM", CU_MARK_FM},
    {"G", CU_MARK_G},     {"L", CU_MARK_L},     {"MI", CU_MARK_MI},
    {"PL", CU_MARK_PL},   {"PR", CU_MARK_PR},   {"RN", CU_MARK_RN},
    {"SG", CU_MARK_SG},   {"SP", CU_MARK_SP},   {"S", CU_MARK_S},
    {"TH", CU_MARK_TH},   {"V", CU_MARK_V},
};

/* Of its letters all are capital or all are small. */
static bool take(cu_slice *s, const char *name)
{
    const size_t n = strlen(name);
    size_t upper = 0, lower = 0;
    if (s->len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const uint32_t want = (uint8_t)name[i], is = (uint8_t)s->data[i];
        upper += is == want;
        lower += is == cu_lower(want);
    }
    if (upper != n && lower != n)
        return false;
    *s = cu_slice_n(s->data + n, s->len - n);
    return true;
}

bool cu_number_mark(cu_slice *rest, bool *quoted, cu_mark *mark, cu_slice *text)
{
    *mark = CU_MARK_CHAR;
    while (rest->len && *rest->data == '"') {
        *quoted = !*quoted;
        take(rest, "\"");
    }
    if (rest->len == 0)
        return false;
    const char *start = rest->data;
    for (size_t i = 0; !*quoted && i < sizeof(marks) / sizeof(*marks); i++)
        if (take(rest, marks[i].name)) {
            *mark = marks[i].mark;
            *text = cu_slice_n(start, strlen(marks[i].name));
            return true;
        }
    if (*start == '\\' && rest->len > 1 && (*quoted || start[1] == '"'))
        take(rest, "\\");
    const size_t size = cu_utf8_size(rest->data);
    *text = cu_slice_n(rest->data, size);
    *rest = cu_slice_n(rest->data + size, rest->len - size);
    return true;
}

static const char *add_digit(cu_number_template *t, bool zero)
{
    if (t->flags & CU_NUMBER_BRACKET)
        return zero ? "\"0\" must be ahead of \"PR\""
                    : "\"9\" must be ahead of \"PR\"";
    if (!zero && t->flags & CU_NUMBER_SHIFT) {
        t->shift++;
        return NULL;
    }
    const bool behind = t->flags & CU_NUMBER_POINT;
    if (zero && !behind && !(t->flags & CU_NUMBER_ZERO)) {
        t->flags |= CU_NUMBER_ZERO;
        t->zero_start = t->pre + 1;
    }
    if (behind)
        t->post++;
    else
        t->pre++;
    if (zero)
        t->zero_end = t->pre + t->post;
    return NULL;
}

static const char *add_sign(cu_number_template *t)
{
    if (t->flags & CU_NUMBER_SIGN)
        return "cannot use \"S\" twice";
    if (t->flags & (CU_NUMBER_PLUS | CU_NUMBER_MINUS | CU_NUMBER_BRACKET))
        return "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together";
    t->flags |= CU_NUMBER_SIGN;
    if (t->flags & CU_NUMBER_POINT) {
        t->sign = CU_SIGN_POST;
    } else {
        t->sign = CU_SIGN_PRE;
        t->sign_at = t->pre;
    }
    return NULL;
}

static const char *add_point(cu_number_template *t)
{
    if (t->flags & CU_NUMBER_POINT)
        return "multiple decimal points";
    if (t->flags & CU_NUMBER_SHIFT)
        return "cannot use \"V\" and decimal point together";
    t->flags |= CU_NUMBER_POINT;
    return NULL;
}

static const char *add_science(cu_number_template *t)
{
    const unsigned allowed = CU_NUMBER_POINT | CU_NUMBER_ZERO;
    if (t->flags & ~allowed)
        return "\"EEEE\" is incompatible with other formats";
    t->flags |= CU_NUMBER_SCIENCE;
    return NULL;
}

static const char *add(cu_number_template *t, cu_mark mark)
{
    const unsigned signs = CU_NUMBER_PLUS | CU_NUMBER_MINUS;
    switch (mark) {
    case CU_MARK_9:
    case CU_MARK_0:
        return add_digit(t, mark == CU_MARK_0);
    case CU_MARK_B:
        if (!t->pre && !t->post && !(t->flags & CU_NUMBER_ZERO))
            t->flags |= CU_NUMBER_BLANK;
        return NULL;
    case CU_MARK_D:
    case CU_MARK_POINT:
        return add_point(t);
    case CU_MARK_FM:
        t->flags |= CU_NUMBER_FILL;
        return NULL;
    case CU_MARK_S:
        return add_sign(t);
    case CU_MARK_MI:
    case CU_MARK_PL:
    case CU_MARK_SG:
        if (t->flags & CU_NUMBER_SIGN)
            return "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\" together";
        t->flags |= mark == CU_MARK_MI   ? CU_NUMBER_MINUS
                    : mark == CU_MARK_PL ? CU_NUMBER_PLUS
                                         : signs;
        return NULL;
    case CU_MARK_PR:
        if (t->flags & (CU_NUMBER_SIGN | signs))
            return "cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together";
        t->flags |= CU_NUMBER_BRACKET;
        return NULL;
    case CU_MARK_RN:
        t->flags |= CU_NUMBER_ROMAN;
        return NULL;
    case CU_MARK_V:
        if (t->flags & CU_NUMBER_POINT)
            return "cannot use \"V\" and decimal point together";
        t->flags |= CU_NUMBER_SHIFT;
        return NULL;
    case CU_MARK_E:
        return add_science(t);
    case CU_MARK_CHAR:
    case CU_MARK_COMMA:
    case CU_MARK_G:
    case CU_MARK_L:
    case CU_MARK_TH:
    case CU_MARK_C:
    case CU_MARK_SP:
        return NULL;
    }
    return NULL;
}

const char *cu_number_template_read(cu_slice text, cu_number_template *out)
{
    bool quoted = false;
    cu_mark mark;
    cu_slice written;
    *out = (cu_number_template){0};
    while (cu_number_mark(&text, &quoted, &mark, &written)) {
        if (out->flags & CU_NUMBER_SCIENCE && mark != CU_MARK_CHAR)
            return mark == CU_MARK_E ? "cannot use \"EEEE\" twice"
                                     : "\"EEEE\" must be the last pattern used";
        const char *why = add(out, mark);
        if (why)
            return why;
    }
    return NULL;
}
