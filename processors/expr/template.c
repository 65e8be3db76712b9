/* Reading templates, as PostgreSQL's formatting.c does: keywords in capital
 * or small letters (names also with one capital), prefixes FM and TM,
 * suffixes TH and SP, "quoted text".  Of two keywords the longer one counts. */
#include "processors/expr/template.h"

#include "processors/expr/text.h"

const char *const cu_month_names[12] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
const char *const cu_day_names[7] = {"Sunday",    "Monday",   "Tuesday",
                                     "Wednesday", "Thursday", "Friday",
                                     "Saturday"};
const char *const cu_roman_names[12] = {
    "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"};

/* Longer ones first among those that begin alike. */
static const cu_field_name names[] = {
    {"A.D.", CU_F_AD, CU_UPPER, 0, false, true, 0},
    {"a.d.", CU_F_AD, CU_LOWER, 0, false, true, 0},
    {"A.M.", CU_F_AM, CU_UPPER, 0, false, true, 0},
    {"a.m.", CU_F_AM, CU_LOWER, 0, false, true, 0},
    {"AD", CU_F_AD, CU_UPPER, 0, false, false, 0},
    {"ad", CU_F_AD, CU_LOWER, 0, false, false, 0},
    {"AM", CU_F_AM, CU_UPPER, 0, false, false, 0},
    {"am", CU_F_AM, CU_LOWER, 0, false, false, 0},
    {"B.C.", CU_F_AD, CU_UPPER, 0, false, true, 0},
    {"b.c.", CU_F_AD, CU_LOWER, 0, false, true, 0},
    {"BC", CU_F_AD, CU_UPPER, 0, false, false, 0},
    {"bc", CU_F_AD, CU_LOWER, 0, false, false, 0},
    {"CC", CU_F_CC, CU_UPPER, 0, true, false, 0},
    {"cc", CU_F_CC, CU_LOWER, 0, true, false, 0},
    {"DAY", CU_F_DAY, CU_UPPER, 0, false, false, 0},
    {"Day", CU_F_DAY, CU_CAPITAL, 0, false, false, 0},
    {"day", CU_F_DAY, CU_LOWER, 0, false, false, 0},
    {"DDD", CU_F_DDD, CU_UPPER, 0, true, false, -1},
    {"ddd", CU_F_DDD, CU_LOWER, 0, true, false, -1},
    {"DD", CU_F_DD, CU_UPPER, 0, true, false, -1},
    {"dd", CU_F_DD, CU_LOWER, 0, true, false, -1},
    {"DY", CU_F_DY, CU_UPPER, 0, false, false, 0},
    {"Dy", CU_F_DY, CU_CAPITAL, 0, false, false, 0},
    {"dy", CU_F_DY, CU_LOWER, 0, false, false, 0},
    {"D", CU_F_D, CU_UPPER, 0, true, false, -1},
    {"d", CU_F_D, CU_LOWER, 0, true, false, -1},
    {"FF1", CU_F_FF, CU_UPPER, 1, false, false, 0},
    {"ff1", CU_F_FF, CU_LOWER, 1, false, false, 0},
    {"FF2", CU_F_FF, CU_UPPER, 2, false, false, 0},
    {"ff2", CU_F_FF, CU_LOWER, 2, false, false, 0},
    {"FF3", CU_F_FF, CU_UPPER, 3, false, false, 0},
    {"ff3", CU_F_FF, CU_LOWER, 3, false, false, 0},
    {"FF4", CU_F_FF, CU_UPPER, 4, false, false, 0},
    {"ff4", CU_F_FF, CU_LOWER, 4, false, false, 0},
    {"FF5", CU_F_FF, CU_UPPER, 5, false, false, 0},
    {"ff5", CU_F_FF, CU_LOWER, 5, false, false, 0},
    {"FF6", CU_F_FF, CU_UPPER, 6, false, false, 0},
    {"ff6", CU_F_FF, CU_LOWER, 6, false, false, 0},
    {"FX", CU_F_FX, CU_UPPER, 0, false, false, 0},
    {"fx", CU_F_FX, CU_LOWER, 0, false, false, 0},
    {"HH24", CU_F_HH24, CU_UPPER, 0, true, false, 0},
    {"hh24", CU_F_HH24, CU_LOWER, 0, true, false, 0},
    {"HH12", CU_F_HH12, CU_UPPER, 0, true, false, 0},
    {"hh12", CU_F_HH12, CU_LOWER, 0, true, false, 0},
    {"HH", CU_F_HH12, CU_UPPER, 0, true, false, 0},
    {"hh", CU_F_HH12, CU_LOWER, 0, true, false, 0},
    {"IDDD", CU_F_IDDD, CU_UPPER, 0, true, false, 1},
    {"iddd", CU_F_IDDD, CU_LOWER, 0, true, false, 1},
    {"ID", CU_F_ID, CU_UPPER, 0, true, false, 1},
    {"id", CU_F_ID, CU_LOWER, 0, true, false, 1},
    {"IW", CU_F_IW, CU_UPPER, 0, true, false, 1},
    {"iw", CU_F_IW, CU_LOWER, 0, true, false, 1},
    {"IYYY", CU_F_IYYY, CU_UPPER, 4, true, false, 1},
    {"iyyy", CU_F_IYYY, CU_LOWER, 4, true, false, 1},
    {"IYY", CU_F_IYYY, CU_UPPER, 3, true, false, 1},
    {"iyy", CU_F_IYYY, CU_LOWER, 3, true, false, 1},
    {"IY", CU_F_IYYY, CU_UPPER, 2, true, false, 1},
    {"iy", CU_F_IYYY, CU_LOWER, 2, true, false, 1},
    {"I", CU_F_IYYY, CU_UPPER, 1, true, false, 1},
    {"i", CU_F_IYYY, CU_LOWER, 1, true, false, 1},
    {"J", CU_F_J, CU_UPPER, 0, true, false, 0},
    {"j", CU_F_J, CU_LOWER, 0, true, false, 0},
    {"MI", CU_F_MI, CU_UPPER, 0, true, false, 0},
    {"mi", CU_F_MI, CU_LOWER, 0, true, false, 0},
    {"MM", CU_F_MM, CU_UPPER, 0, true, false, -1},
    {"mm", CU_F_MM, CU_LOWER, 0, true, false, -1},
    {"MONTH", CU_F_MONTH, CU_UPPER, 0, false, false, -1},
    {"Month", CU_F_MONTH, CU_CAPITAL, 0, false, false, -1},
    {"month", CU_F_MONTH, CU_LOWER, 0, false, false, -1},
    {"MON", CU_F_MON, CU_UPPER, 0, false, false, -1},
    {"Mon", CU_F_MON, CU_CAPITAL, 0, false, false, -1},
    {"mon", CU_F_MON, CU_LOWER, 0, false, false, -1},
    {"MS", CU_F_MS, CU_UPPER, 0, true, false, 0},
    {"ms", CU_F_MS, CU_LOWER, 0, true, false, 0},
    {"OF", CU_F_OF, CU_UPPER, 0, false, false, 0},
    {"of", CU_F_OF, CU_LOWER, 0, false, false, 0},
    {"P.M.", CU_F_AM, CU_UPPER, 0, false, true, 0},
    {"p.m.", CU_F_AM, CU_LOWER, 0, false, true, 0},
    {"PM", CU_F_AM, CU_UPPER, 0, false, false, 0},
    {"pm", CU_F_AM, CU_LOWER, 0, false, false, 0},
    {"Q", CU_F_Q, CU_UPPER, 0, true, false, 0},
    {"q", CU_F_Q, CU_LOWER, 0, true, false, 0},
    {"RM", CU_F_RM, CU_UPPER, 0, false, false, -1},
    {"rm", CU_F_RM, CU_LOWER, 0, false, false, -1},
    {"SSSSS", CU_F_SSSS, CU_UPPER, 0, true, false, 0},
    {"sssss", CU_F_SSSS, CU_LOWER, 0, true, false, 0},
    {"SSSS", CU_F_SSSS, CU_UPPER, 0, true, false, 0},
    {"ssss", CU_F_SSSS, CU_LOWER, 0, true, false, 0},
    {"SS", CU_F_SS, CU_UPPER, 0, true, false, 0},
    {"ss", CU_F_SS, CU_LOWER, 0, true, false, 0},
    {"TZH", CU_F_TZH, CU_UPPER, 0, false, false, 0},
    {"tzh", CU_F_TZH, CU_LOWER, 0, false, false, 0},
    {"TZM", CU_F_TZM, CU_UPPER, 0, true, false, 0},
    {"tzm", CU_F_TZM, CU_LOWER, 0, true, false, 0},
    {"TZ", CU_F_TZ, CU_UPPER, 0, false, false, 0},
    {"tz", CU_F_TZ, CU_LOWER, 0, false, false, 0},
    {"US", CU_F_US, CU_UPPER, 0, true, false, 0},
    {"us", CU_F_US, CU_LOWER, 0, true, false, 0},
    {"WW", CU_F_WW, CU_UPPER, 0, true, false, -1},
    {"ww", CU_F_WW, CU_LOWER, 0, true, false, -1},
    {"W", CU_F_W, CU_UPPER, 0, true, false, -1},
    {"w", CU_F_W, CU_LOWER, 0, true, false, -1},
    {"Y,YYY", CU_F_Y_YYY, CU_UPPER, 0, true, false, -1},
    {"y,yyy", CU_F_Y_YYY, CU_LOWER, 0, true, false, -1},
    {"YYYY", CU_F_YYYY, CU_UPPER, 4, true, false, -1},
    {"yyyy", CU_F_YYYY, CU_LOWER, 4, true, false, -1},
    {"YYY", CU_F_YYYY, CU_UPPER, 3, true, false, -1},
    {"yyy", CU_F_YYYY, CU_LOWER, 3, true, false, -1},
    {"YY", CU_F_YYYY, CU_UPPER, 2, true, false, -1},
    {"yy", CU_F_YYYY, CU_LOWER, 2, true, false, -1},
    {"Y", CU_F_YYYY, CU_UPPER, 1, true, false, -1},
    {"y", CU_F_YYYY, CU_LOWER, 1, true, false, -1},
};

bool cu_is_separator(char c)
{
    return c > 0x20 && c < 0x7F && !cu_alnum((uint8_t)c);
}

static bool take(cu_slice *s, const char *word)
{
    const size_t n = strlen(word);
    if (s->len < n || memcmp(s->data, word, n))
        return false;
    *s = cu_slice_n(s->data + n, s->len - n);
    return true;
}

static bool take_field(cu_slice *rest, cu_piece *out)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *start = rest->data;
        if (!take(rest, names[i].name))
            continue;
        out->kind = CU_PIECE_FIELD;
        out->field = &names[i];
        out->text = cu_slice_n(start, strlen(names[i].name));
        if (take(rest, "TH"))
            out->ordinal = 'T';
        else if (take(rest, "th"))
            out->ordinal = 't';
        else
            (void)take(rest, "SP");
        return true;
    }
    return false;
}

static void take_char(cu_slice *rest, cu_piece *out)
{
    const size_t size = cu_utf8_size(rest->data);
    out->text = cu_slice_n(rest->data, size);
    *rest = cu_slice_n(rest->data + size, rest->len - size);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool cu_template_next(cu_slice *rest, bool *quoted, cu_piece *out)
{
    *out = (cu_piece){.kind = CU_PIECE_CHAR};
    for (;;) {
        if (*quoted) {
            if (rest->len == 0)
                return false;
            if (take(rest, "\"")) {
                *quoted = false;
                continue;
            }
            if (*rest->data == '\\' && rest->len > 1)
                take(rest, "\\");
            take_char(rest, out);
            return true;
        }
        if (take(rest, "FM") || take(rest, "fm"))
            out->fill = true;
        else if (take(rest, "TM") || take(rest, "tm"))
            out->plain = true;
        if (rest->len == 0)
            return false;
        if (take_field(rest, out))
            return true;
        out->fill = out->plain = false;
        if (take(rest, "\"")) {
            *quoted = true;
            continue;
        }
        if (*rest->data == '\\' && rest->len > 1 && rest->data[1] == '"')
            take(rest, "\\");
        take_char(rest, out);
        if (cu_is_separator(*out->text.data))
            out->kind = CU_PIECE_SEPARATOR;
        else if (is_space(*out->text.data))
            out->kind = CU_PIECE_SPACE;
        return true;
    }
}
