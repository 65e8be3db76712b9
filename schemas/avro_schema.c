/* Avro schemas as trees of types.
 *
 * avro-c reads schemas too, but forgets logicalType: a decimal would be
 * bytes and a timestamp a number.  So the tree is built here from the
 * JSON, and avro-c is asked afterwards whether it agrees that this is a
 * schema; it also catches what this file does not look at (defaults, aliases,
 * sort orders).
 *
 * A name is known by its full form.  A type is entered into the table of
 * names before its fields are read, so that it may contain itself.
 */
#include "schemas/avro_schema.h"

#include "base/map.h"

#include <avro.h>
#include <jansson.h>

enum { MOST_DEPTH = 64, MOST_ITEMS = 65535 };

typedef struct parse {
    cu_arena *a;
    cu_map *names; /* full name -> cu_avro_type */
    cu_err *err;
    unsigned depth;
} parse;

static cu_avro_type *read_type(parse *p, const json_t *j, cu_slice space);

static void *refuse(parse *p, const char *what, cu_slice name)
{
    cu_fail(p->err, CU_USAGE, 0, "Avro schema: %s%s%.*s%s", what,
            name.len ? " \"" : "", (int)name.len, name.data ? name.data : "",
            name.len ? "\"" : "");
    return NULL;
}

static cu_slice text_of(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_string(v)
               ? cu_slice_n(json_string_value(v), json_string_length(v))
               : CU_NULL_SLICE;
}

static cu_avro_type *make(parse *p, cu_avro_kind kind)
{
    cu_avro_type *t = cu_arena_calloc(p->a, 1, sizeof(*t));
    t->kind = (uint8_t)kind;
    t->name = CU_NULL_SLICE;
    return t;
}

static void make_items(parse *p, cu_avro_type *t, size_t n)
{
    t->n = (uint32_t)n;
    t->items = cu_arena_calloc(p->a, n, sizeof(*t->items));
    t->names = cu_arena_calloc(p->a, n, sizeof(*t->names));
    t->columns = cu_arena_calloc(p->a, n, sizeof(*t->columns));
}

/* --- names ---------------------------------------------------------------- */

static bool has_dot(cu_slice s)
{
    return s.len && memchr(s.data, '.', s.len);
}

static cu_slice full_name(parse *p, cu_slice name, cu_slice space)
{
    if (!space.len || has_dot(name))
        return cu_arena_slice(p->a, name);
    char *text = cu_arena_printf(p->a, "%.*s.%.*s", (int)space.len, space.data,
                                 (int)name.len, name.data);
    return cu_slice_of(text);
}

/* Everything before the last dot. */
static cu_slice space_of(cu_slice full)
{
    while (full.len && full.data[full.len - 1] != '.')
        full.len--;
    if (full.len)
        full.len--;
    return full;
}

static bool primitive(cu_slice name, cu_avro_kind *kind)
{
    static const struct {
        const char *name;
        cu_avro_kind kind;
    } all[] = {
        {"null", CU_AVRO_NULL},     {"boolean", CU_AVRO_BOOLEAN},
        {"int", CU_AVRO_INT},       {"long", CU_AVRO_LONG},
        {"float", CU_AVRO_FLOAT},   {"double", CU_AVRO_DOUBLE},
        {"bytes", CU_AVRO_BYTES},   {"string", CU_AVRO_STRING},
        {"record", CU_AVRO_RECORD}, {"error", CU_AVRO_RECORD},
        {"enum", CU_AVRO_ENUM},     {"array", CU_AVRO_ARRAY},
        {"map", CU_AVRO_MAP},       {"fixed", CU_AVRO_FIXED},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (cu_slice_is(name, all[i].name)) {
            *kind = all[i].kind;
            return true;
        }
    }
    return false;
}

/* "int", or the name of a type defined before. */
static cu_avro_type *by_name(parse *p, cu_slice name, cu_slice space)
{
    cu_avro_kind kind;
    if (primitive(name, &kind) && kind <= CU_AVRO_STRING)
        return make(p, kind);
    void **known = cu_map_get(p->names, full_name(p, name, space));
    if (!known)
        known = cu_map_get(p->names, name);
    return known ? *known : refuse(p, "unknown type", name);
}

/* Enters a named type; false when the name is missing or taken. */
static bool define(parse *p, cu_avro_type *t, const json_t *j, cu_slice *space)
{
    cu_slice name = text_of(j, "name"), own = text_of(j, "namespace");
    if (!name.len)
        return refuse(p, "a record, enum or fixed needs a name", CU_NULL_SLICE);
    t->name = full_name(p, name, own.data ? own : *space);
    *space = space_of(t->name);
    bool fresh;
    void **slot = cu_map_put(p->names, t->name, &fresh);
    *slot = t;
    return fresh || refuse(p, "a type is defined twice:", t->name);
}

/* --- types ---------------------------------------------------------------- */

static void read_logical(cu_avro_type *t, const json_t *j)
{
    static const struct {
        const char *name;
        uint8_t kind, logical;
    } all[] = {
        {"date", CU_AVRO_INT, CU_AVRO_DATE},
        {"time-millis", CU_AVRO_INT, CU_AVRO_TIME_MILLIS},
        {"time-micros", CU_AVRO_LONG, CU_AVRO_TIME_MICROS},
        {"timestamp-millis", CU_AVRO_LONG, CU_AVRO_TS_MILLIS},
        {"timestamp-micros", CU_AVRO_LONG, CU_AVRO_TS_MICROS},
        {"local-timestamp-millis", CU_AVRO_LONG, CU_AVRO_LOCAL_TS_MILLIS},
        {"local-timestamp-micros", CU_AVRO_LONG, CU_AVRO_LOCAL_TS_MICROS},
        {"decimal", CU_AVRO_BYTES, CU_AVRO_DECIMAL},
        {"decimal", CU_AVRO_FIXED, CU_AVRO_DECIMAL},
        {"uuid", CU_AVRO_STRING, CU_AVRO_UUID},
        {"uuid", CU_AVRO_FIXED, CU_AVRO_UUID},
    };
    cu_slice name = text_of(j, "logicalType");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (t->kind == all[i].kind && cu_slice_is(name, all[i].name))
            t->logical = all[i].logical;
    /* An invalid logical type is ignored, as the specification asks. */
    json_int_t scale = json_integer_value(json_object_get(j, "scale"));
    json_int_t digits = json_integer_value(json_object_get(j, "precision"));
    if (t->logical == CU_AVRO_DECIMAL) {
        if (digits < 1 || scale < 0 || scale > digits || scale > 1000)
            t->logical = CU_AVRO_PLAIN;
        else
            t->scale = (uint16_t)scale;
    }
    if (t->logical == CU_AVRO_UUID && t->kind == CU_AVRO_FIXED && t->size != 16)
        t->logical = CU_AVRO_PLAIN;
}

static cu_avro_type *read_record(parse *p, const json_t *j, cu_slice space)
{
    cu_avro_type *t = make(p, CU_AVRO_RECORD);
    const json_t *fields = json_object_get(j, "fields");
    if (!define(p, t, j, &space))
        return NULL;
    if (!json_is_array(fields) || json_array_size(fields) > MOST_ITEMS)
        return refuse(p, "no fields in record", t->name);
    make_items(p, t, json_array_size(fields));
    for (uint32_t i = 0; i < t->n; i++) {
        const json_t *f = json_array_get(fields, i);
        cu_slice name = text_of(f, "name"), column = text_of(f, "cupel.name");
        if (!name.len)
            return refuse(p, "a field without name in record", t->name);
        t->names[i] = cu_arena_slice(p->a, name);
        t->columns[i] = column.data ? cu_arena_slice(p->a, column)
                                    : t->names[i];
        t->items[i] = read_type(p, json_object_get(f, "type"), space);
        if (!t->items[i])
            return NULL;
    }
    return t;
}

static cu_avro_type *read_enum(parse *p, const json_t *j, cu_slice space)
{
    cu_avro_type *t = make(p, CU_AVRO_ENUM);
    const json_t *symbols = json_object_get(j, "symbols");
    if (!define(p, t, j, &space))
        return NULL;
    size_t n = json_array_size(symbols);
    if (!n || n > MOST_ITEMS)
        return refuse(p, "no symbols in enum", t->name);
    make_items(p, t, n);
    for (uint32_t i = 0; i < t->n; i++) {
        const json_t *s = json_array_get(symbols, i);
        if (!json_is_string(s))
            return refuse(p, "a symbol that is no string in enum", t->name);
        t->names[i] = cu_arena_slice(
            p->a, cu_slice_n(json_string_value(s), json_string_length(s)));
    }
    return t;
}

static cu_avro_type *read_fixed(parse *p, const json_t *j, cu_slice space)
{
    cu_avro_type *t = make(p, CU_AVRO_FIXED);
    json_int_t size = json_integer_value(json_object_get(j, "size"));
    if (!define(p, t, j, &space))
        return NULL;
    if (size < 1 || size > 1 << 24)
        return refuse(p, "no usable size in fixed", t->name);
    t->size = (uint32_t)size;
    return t;
}

static cu_avro_type *read_container(parse *p, const json_t *j, cu_slice space,
                                    cu_avro_kind kind)
{
    cu_avro_type *t = make(p, kind);
    make_items(p, t, 1);
    t->items[0] = read_type(
        p, json_object_get(j, kind == CU_AVRO_ARRAY ? "items" : "values"),
        space);
    return t->items[0] ? t : NULL;
}

static cu_avro_type *read_union(parse *p, const json_t *j, cu_slice space)
{
    cu_avro_type *t = make(p, CU_AVRO_UNION);
    size_t n = json_array_size(j);
    if (!n || n > MOST_ITEMS)
        return refuse(p, "an empty union", CU_NULL_SLICE);
    make_items(p, t, n);
    for (uint32_t i = 0; i < t->n; i++) {
        t->items[i] = read_type(p, json_array_get(j, i), space);
        if (!t->items[i])
            return NULL;
        if (t->items[i]->kind == CU_AVRO_UNION)
            return refuse(p, "a union inside a union", CU_NULL_SLICE);
    }
    return t;
}

/* {"type": …} */
static cu_avro_type *read_object(parse *p, const json_t *j, cu_slice space)
{
    const json_t *type = json_object_get(j, "type");
    if (!json_is_string(type))
        return read_type(p, type, space);
    cu_slice name = text_of(j, "type");
    cu_avro_kind kind;
    cu_avro_type *t;
    if (!primitive(name, &kind))
        return by_name(p, name, space);
    if (kind == CU_AVRO_RECORD)
        t = read_record(p, j, space);
    else if (kind == CU_AVRO_ENUM)
        t = read_enum(p, j, space);
    else if (kind == CU_AVRO_FIXED)
        t = read_fixed(p, j, space);
    else if (kind == CU_AVRO_ARRAY || kind == CU_AVRO_MAP)
        t = read_container(p, j, space, kind);
    else
        t = make(p, kind);
    if (t)
        read_logical(t, j);
    return t;
}

static cu_avro_type *read_type(parse *p, const json_t *j, cu_slice space)
{
    cu_avro_type *t;
    if (p->depth == MOST_DEPTH)
        return refuse(p, "nested too deeply", CU_NULL_SLICE);
    p->depth++;
    if (json_is_string(j))
        t = by_name(p, cu_slice_n(json_string_value(j), json_string_length(j)),
                    space);
    else if (json_is_array(j))
        t = read_union(p, j, space);
    else if (json_is_object(j))
        t = read_object(p, j, space);
    else
        t = refuse(p, "a type is missing", CU_NULL_SLICE);
    p->depth--;
    return t;
}

static int ask_avro_c(cu_slice json, cu_err *err)
{
    avro_schema_t schema = NULL;
    if (avro_schema_from_json_length(json.data, json.len, &schema))
        return cu_fail(err, CU_USAGE, 0, "Avro schema: %s", avro_strerror());
    avro_schema_decref(schema);
    return 0;
}

int cu_avro_schema_parse(cu_slice json, cu_arena *a, cu_avro_type **out,
                         cu_err *err)
{
    cu_err local;
    json_error_t bad;
    json_t *root = json_loadb(json.data, json.len, JSON_DECODE_ANY, &bad);
    if (!root)
        return cu_fail(err, CU_USAGE, 0,
                       "Avro schema: no JSON at line %d, column %d: %s",
                       bad.line, bad.column, bad.text);
    parse p = {a, cu_map_new(), err ? err : &local, 0};
    *out = read_type(&p, root, CU_NULL_SLICE);
    cu_map_free(p.names);
    bool structure = json_is_object(root) || json_is_array(root);
    json_decref(root);
    if (!*out)
        return (int)p.err->code;
    /* avro-c wants an object or array at the top. */
    return structure ? ask_avro_c(json, err) : 0;
}
