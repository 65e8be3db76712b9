/* jsonb's order as bytes.
 *
 *   tag   1 [] at the top   2 null   3 string   4 number   5 false   6 true
 *         7 array: u32 count, elements   8 object: u32 count, (key, value)…
 *
 * PostgreSQL orders objects > arrays > booleans > numbers > strings > null,
 * containers by count first; an empty array at the top is below everything.
 * Members stand in storage order (key length, bytes) but their keys compare
 * as strings.  memcmp of these bytes gives exactly that order.
 */
#include "rows/int.h"
#include "rows/json.h"
#include "rows/json_int.h"
#include "rows/key_int.h"
#include "rows/numeric.h"
#include "rows/numeric_big.h"

enum {
    TAG_EMPTY = 1,
    TAG_NULL,
    TAG_STRING,
    TAG_NUMBER,
    TAG_FALSE,
    TAG_TRUE,
    TAG_ARRAY,
    TAG_OBJECT,
};

static void put(cu_slice json, cu_arena *scratch, cu_buf *out)
{
    cu_slice k, v;
    switch (cu_json_kind_of(json)) {
    case CU_JSON_NULL:
        cu_buf_put_u8(out, TAG_NULL);
        break;
    case CU_JSON_BOOL:
        cu_buf_put_u8(out, json.data[0] == 't' ? TAG_TRUE : TAG_FALSE);
        break;
    case CU_JSON_STRING:
        cu_buf_put_u8(out, TAG_STRING);
        cu_key_put_bytes(cu_json_unescape(json, scratch), out);
        break;
    case CU_JSON_NUMBER: {
        cu_numeric n;
        cu_json_number(json, scratch, &n);
        cu_buf_put_u8(out, TAG_NUMBER);
        cu_numeric_key(&n, out);
        break;
    }
    case CU_JSON_ARRAY: {
        cu_json_iter it = cu_json_iter_of(json);
        cu_buf_put_u8(out, TAG_ARRAY);
        cu_buf_put_u32be(out, (uint32_t)cu_json_array_length(json));
        while (cu_json_next(&it, &k, &v))
            put(v, scratch, out);
        break;
    }
    case CU_JSON_OBJECT: {
        struct json_members m;
        cu_json_members_of(json, scratch, &m);
        cu_buf_put_u8(out, TAG_OBJECT);
        cu_buf_put_u32be(out, m.n);
        for (uint32_t i = 0; i < m.n; i++) {
            cu_key_put_bytes(m.all[i].key, out);
            put(m.all[i].value, scratch, out);
        }
        cu_json_members_free(&m);
        break;
    }
    }
}

void cu_json_key(cu_slice json, cu_buf *out)
{
    cu_slice s = cu_json_trim(json);
    if (cu_json_kind_of(s) == CU_JSON_ARRAY && !cu_json_array_length(s)) {
        cu_buf_put_u8(out, TAG_EMPTY);
        return;
    }
    cu_arena *scratch = cu_arena_new(1024);
    put(s, scratch, out);
    cu_arena_free(scratch);
}

int cu_json_cmp(cu_slice a, cu_slice b)
{
    if (cu_slice_eq(a, b))
        return 0;
    cu_buf x = {0}, y = {0};
    cu_json_key(a, &x);
    cu_json_key(b, &y);
    int order = cu_slice_cmp(cu_buf_slice(&x), cu_buf_slice(&y));
    cu_buf_free(&x);
    cu_buf_free(&y);
    return order;
}

/* --- back --------------------------------------------------------------- */

struct unkey {
    cu_scan *s;
    cu_arena *arena;
    cu_buf *out;
    uint8_t flip;
};

static bool get(struct unkey *u, unsigned depth);

static bool get_members(struct unkey *u, bool object, unsigned depth)
{
    uint32_t n = 0;
    for (int i = 0; i < 4; i++)
        n = n << 8 | (uint8_t)(cu_scan_u8(u->s) ^ u->flip);
    if (u->s->bad || n > cu_scan_left(u->s))
        return false;
    cu_buf_put_u8(u->out, object ? '{' : '[');
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            cu_buf_put(u->out, ", ", 2);
        if (object) {
            cu_slice key;
            if (!cu_key_get_bytes(u->s, u->flip, u->arena, &key))
                return false;
            cu_json_put_string(u->out, key);
            cu_buf_put(u->out, ": ", 2);
        }
        if (!get(u, depth + 1))
            return false;
    }
    cu_buf_put_u8(u->out, object ? '}' : ']');
    return true;
}

static bool get(struct unkey *u, unsigned depth)
{
    uint8_t tag = cu_scan_u8(u->s) ^ u->flip;
    cu_slice s;
    cu_numeric n;
    if (u->s->bad || depth > 2000)
        return false;
    switch (tag) {
    case TAG_EMPTY:
        cu_buf_put_str(u->out, "[]");
        return depth == 0;
    case TAG_NULL:
        cu_buf_put_str(u->out, "null");
        return true;
    case TAG_STRING:
        if (!cu_key_get_bytes(u->s, u->flip, u->arena, &s))
            return false;
        cu_json_put_string(u->out, s);
        return true;
    case TAG_NUMBER:
        if (!cu_numeric_unkey(u->s, u->flip, u->arena, &n) || !is_finite(&n))
            return false;
        cu_numeric_out(&n, u->out);
        return true;
    case TAG_FALSE:
    case TAG_TRUE:
        cu_buf_put_str(u->out, tag == TAG_TRUE ? "true" : "false");
        return true;
    case TAG_ARRAY:
    case TAG_OBJECT:
        return get_members(u, tag == TAG_OBJECT, depth);
    default:
        return false;
    }
}

bool cu_json_unkey(cu_scan *s, uint8_t flip, cu_arena *a, cu_slice *out)
{
    cu_buf text = {0};
    struct unkey u = {s, a, &text, flip};
    bool ok = get(&u, 0);
    if (ok)
        *out = cu_arena_slice(a, cu_buf_slice(&text));
    cu_buf_free(&text);
    return ok;
}
