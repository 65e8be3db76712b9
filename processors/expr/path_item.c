/* Items of a jsonpath: JSON values taken apart; what keyvalue() makes.
 *
 * keyvalue() numbers the object that a member came from by its place in
 * PostgreSQL's binary form: the bytes from the start of the whole value.  To
 * give the same numbers the layout of that form is walked:
 *
 *   u32 header | u32 per element, or two per member | all names | values
 *
 * strings as they are, numbers and containers at multiples of four; numbers
 * as a varlena of base-10000 digits; true, false, null take nothing.
 */
#include "processors/expr/calendar.h"
#include "processors/expr/path_int.h"

cu_item cu_item_of(cu_slice json, int64_t base, cu_arena *a)
{
    cu_item x = {.base = base};
    json = cu_json_trim(json);
    x.kind = cu_json_kind_of(json);
    switch (x.kind) {
    case CU_JSON_NULL:
        break;
    case CU_JSON_BOOL:
        x.b = json.data[0] == 't';
        break;
    case CU_JSON_NUMBER:
        x.s = json;
        cu_numeric_in(json, a, &x.num, NULL);
        break;
    case CU_JSON_STRING:
        x.s = cu_json_unescape(json, a);
        break;
    case CU_JSON_ARRAY:
    case CU_JSON_OBJECT:
        x.s = json;
        break;
    }
    return x;
}

cu_item cu_item_text(cu_slice s)
{
    return (cu_item){.kind = CU_JSON_STRING, .s = s};
}

cu_item cu_item_number(cu_numeric n)
{
    return (cu_item){.kind = CU_JSON_NUMBER, .num = n};
}

cu_item cu_item_bool(cu_truth t)
{
    if (t == CU_UNKNOWN)
        return (cu_item){.kind = CU_JSON_NULL};
    return (cu_item){.kind = CU_JSON_BOOL, .b = t == CU_TRUE};
}

void cu_items_add(cu_items *list, const cu_item *x, cu_arena *a)
{
    if (list->n == list->cap) {
        const uint32_t cap = list->cap ? 2 * list->cap : 8;
        cu_item *at = cu_arena_alloc(a, cap * sizeof(*at));
        if (list->n)
            memcpy(at, list->at, list->n * sizeof(*at));
        list->at = at;
        list->cap = cap;
    }
    list->at[list->n++] = *x;
}

static cu_slice taken(cu_buf *text, cu_arena *a)
{
    cu_slice s = cu_arena_slice(a, cu_buf_slice(text));
    cu_buf_free(text);
    return s;
}

cu_slice cu_item_json(const cu_item *x, cu_arena *a)
{
    cu_buf text = {0};
    switch (x->kind) {
    case CU_JSON_NULL:
        return CU_LIT("null");
    case CU_JSON_BOOL:
        return x->b ? CU_LIT("true") : CU_LIT("false");
    case CU_JSON_STRING:
        cu_json_put_string(&text, x->s);
        return taken(&text, a);
    case CU_JSON_NUMBER:
        if (x->s.data)
            break;
        cu_numeric_out(&x->num, &text);
        return taken(&text, a);
    case CU_JSON_ARRAY:
    case CU_JSON_OBJECT:
        break;
    }
    return x->s;
}

cu_slice cu_item_type(const cu_item *x)
{
    return cu_json_kind_name(x->kind);
}

/* --- PostgreSQL's layout --------------------------------------------- */

static bool is_container(cu_json_kind kind)
{
    return kind == CU_JSON_ARRAY || kind == CU_JSON_OBJECT;
}

/* Bytes of a numeric varlena, from its canonical text. */
static int64_t numeric_size(cu_slice text)
{
    const char *p = text.data, *end = p + text.len;
    if (p < end && *p == '-')
        p++;
    const char *point = memchr(p, '.', (size_t)(end - p));
    const int64_t whole = (point ? point : end) - p;
    const int64_t scale = point ? end - point - 1 : 0;
    int64_t first = INT64_MIN, last = 0; /* power of 10000, counted down */
    for (int64_t i = 0; p < end; p++) {
        if (*p == '.')
            continue;
        const int64_t power = cu_floor_div(whole - 1 - i++, 4);
        if (*p == '0')
            continue;
        first = first == INT64_MIN ? power : first;
        last = power;
    }
    const bool zero = first == INT64_MIN;
    const int64_t digits = zero ? 0 : first - last + 1;
    const bool brief = scale <= 63 && (zero || (first >= -64 && first <= 63));
    return 4 + (brief ? 2 : 4) + 2 * digits;
}

static int64_t align4(int64_t at)
{
    return (at + 3) & ~INT64_C(3);
}

/* Moves *at over the value; true as soon as it is `target`, which begins
 * there. Canonical text. */
static bool locate(cu_slice json, const char *target, cu_arena *a, int64_t *at)
{
    const cu_json_kind kind = cu_json_kind_of(json);
    cu_slice name, value;
    if (kind == CU_JSON_NUMBER)
        *at = align4(*at) + numeric_size(json);
    else if (kind == CU_JSON_STRING)
        *at += (int64_t)cu_json_unescape(json, a).len;
    if (!is_container(kind))
        return false;
    *at = align4(*at);
    if (json.data == target)
        return true;
    *at += 4;
    cu_json_iter it = cu_json_iter_of(json);
    while (cu_json_next(&it, &name, &value)) {
        *at += it.object ? 8 : 4;
        if (it.object)
            *at += (int64_t)cu_json_unescape(name, a).len;
    }
    it = cu_json_iter_of(json);
    while (cu_json_next(&it, &name, &value))
        if (locate(value, target, a, at))
            return true;
    return false;
}

/* --- keyvalue() ------------------------------------------------------ */

/* Of the value itself, of the variables, or of what keyvalue() made. */
static int64_t id_of(cu_jsonpath_state *s, const cu_item *x)
{
    int64_t at = 0;
    const cu_slice all = x->base ? s->vars : s->root.s;
    const bool known = x->base == 1 || (!x->base && is_container(s->root.kind));
    if (!known || !locate(all, x->s.data, s->a, &at))
        at = 0;
    return at + x->base * INT64_C(10000000000);
}

cu_items cu_item_keyvalues(cu_jsonpath_state *s, const cu_item *x)
{
    cu_items out = {.n = 0};
    cu_json_iter it = cu_json_iter_of(x->s);
    cu_slice name, value;
    const int64_t id = id_of(s, x);
    while (cu_json_next(&it, &name, &value)) {
        cu_buf text = {0};
        cu_buf_printf(&text, "{\"id\": %lld, \"key\": ", (long long)id);
        cu_buf_put_slice(&text, name);
        cu_buf_put_str(&text, ", \"value\": ");
        cu_buf_put_slice(&text, value);
        cu_buf_put_u8(&text, '}');
        cu_item made = cu_item_of(taken(&text, s->a), 0, s->a);
        cu_items_add(&out, &made, s->a);
    }
    return out;
}
