/* Reads Avro records by a plan that is compiled once per schema.
 *
 * Avro has no names in the data, so the order of everything is known before
 * the first record: the schema and the declared paths become a flat list of
 * steps.  Records are flattened into their fields; a union is a jump.
 *
 *     record {id: long, name: [null, string], tags: array}   id, name, tags
 *
 *     0 STORE id    1 UNION -> 2, 4    2 SKIP null   3 JUMP 6
 *     4 STORE name  5 JUMP 6           6 RENDER tags 7 SKIP tags  8 END
 *
 * RENDER writes a container as JSON text without moving on, and the paths
 * that lead into it (`$.tags[0]`) are looked up there; so a recursive type
 * costs no recursive plan.
 */
#include "schemas/avro.h"

#include "base/alloc.h"
#include "rows/json.h"
#include "schemas/avro_value.h"
#include "schemas/json_path.h"

#define STATE_BINARY CU_SQLSTATE('2', '2', 'P', '0', '3')

enum op_code {
    OP_SKIP,
    OP_PEEK,
    OP_STORE,
    OP_RENDER,
    OP_UNION,
    OP_JUMP,
    OP_END
};

/* A column and the path that is left to go. */
typedef struct target {
    uint32_t col;
    const cu_path *path;
    uint32_t at;
} target;

typedef struct op {
    uint8_t code;
    uint32_t col;             /* PEEK, STORE */
    uint32_t to;              /* JUMP */
    uint32_t *branches;       /* UNION */
    const cu_avro_type *type; /* all but JUMP, END */
    target *targets;          /* RENDER */
    uint32_t n_targets;
} op;

struct cu_avro_plan {
    cu_decoder *d;
    op *ops;
    uint32_t n, cap;
    bool framed;
    bool *found; /* columns that have their place, while compiling */
};

/* --- compiling ------------------------------------------------------------ */

static uint32_t emit(cu_avro_plan *p, enum op_code code,
                     const cu_avro_type *type)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 32;
        p->ops = cu_realloc(p->ops, p->cap * sizeof(op));
    }
    p->ops[p->n] = (op){.code = (uint8_t)code, .type = type};
    return p->n++;
}

static void compile(cu_avro_plan *p, const cu_avro_type *t,
                    const target *targets, uint32_t n);

/* The targets that go on through field i; steps onto it. */
static uint32_t through_field(cu_avro_plan *p, const cu_avro_type *t,
                              uint32_t i, const target *targets, uint32_t n,
                              target **out)
{
    uint32_t count = 0;
    *out = cu_arena_calloc(p->d->arena, n, sizeof(target));
    for (uint32_t k = 0; k < n; k++) {
        target next = targets[k];
        if (next.at == next.path->n)
            continue;
        cu_slice name = next.path->steps[next.at].name;
        if (!name.data || (!cu_slice_eq(name, t->columns[i]) &&
                           !cu_slice_eq(name, t->names[i])))
            continue;
        next.at++;
        (*out)[count++] = next;
    }
    return count;
}

static void compile_record(cu_avro_plan *p, const cu_avro_type *t,
                           const target *targets, uint32_t n)
{
    for (uint32_t i = 0; i < t->n; i++) {
        target *inner;
        uint32_t count = through_field(p, t, i, targets, n, &inner);
        compile(p, t->items[i], inner, count);
    }
}

static void compile_union(cu_avro_plan *p, const cu_avro_type *t,
                          const target *targets, uint32_t n)
{
    uint32_t at = emit(p, OP_UNION, t);
    uint32_t *starts = cu_arena_calloc(p->d->arena, t->n, sizeof(*starts));
    uint32_t *jumps = cu_arena_calloc(p->d->arena, t->n, sizeof(*jumps));
    for (uint32_t i = 0; i < t->n; i++) {
        starts[i] = p->n;
        compile(p, t->items[i], targets, n);
        jumps[i] = emit(p, OP_JUMP, NULL);
    }
    p->ops[at].branches = starts;
    for (uint32_t i = 0; i < t->n; i++)
        p->ops[jumps[i]].to = p->n;
}

/* RENDER for the targets that end here, or all. */
static void render(cu_avro_plan *p, const cu_avro_type *t,
                   const target *targets, uint32_t n, bool all)
{
    target *mine = cu_arena_calloc(p->d->arena, n, sizeof(target));
    uint32_t count = 0;
    for (uint32_t k = 0; k < n; k++)
        if (all || targets[k].at == targets[k].path->n)
            mine[count++] = targets[k];
    if (!count)
        return;
    for (uint32_t k = 0; k < count; k++)
        p->found[mine[k].col] = true;
    uint32_t at = emit(p, OP_RENDER, t);
    p->ops[at].targets = mine;
    p->ops[at].n_targets = count;
}

/* A scalar goes into each of its columns, the last one moves on. */
static void compile_scalar(cu_avro_plan *p, const cu_avro_type *t,
                           const target *targets, uint32_t n)
{
    uint32_t last = UINT32_MAX;
    for (uint32_t k = 0; k < n; k++) {
        if (targets[k].at < targets[k].path->n)
            continue;
        if (t->kind != CU_AVRO_NULL)
            p->found[targets[k].col] = true;
        last = emit(p, OP_PEEK, t);
        p->ops[last].col = targets[k].col;
    }
    if (last == UINT32_MAX)
        emit(p, OP_SKIP, t);
    else
        p->ops[last].code = OP_STORE;
}

/* Recursion goes one step along a path, or into a branch (no union is
 * inside a union): bounded by the paths. */
static void compile(cu_avro_plan *p, const cu_avro_type *t,
                    const target *targets, uint32_t n)
{
    if (!n) {
        emit(p, OP_SKIP, t);
    } else if (t->kind == CU_AVRO_UNION) {
        compile_union(p, t, targets, n);
    } else if (t->kind == CU_AVRO_RECORD) {
        render(p, t, targets, n, false);
        compile_record(p, t, targets, n);
    } else if (t->kind == CU_AVRO_ARRAY || t->kind == CU_AVRO_MAP) {
        render(p, t, targets, n, true);
        emit(p, OP_SKIP, t);
    } else {
        compile_scalar(p, t, targets, n);
    }
}

static int column_targets(cu_avro_plan *p, target **out, uint32_t *n,
                          cu_err *err)
{
    cu_decoder *d = p->d;
    *out = cu_arena_calloc(d->arena, d->n, sizeof(target));
    *n = 0;
    for (uint32_t i = 0; i < d->n; i++) {
        const cu_codec_field *f = &d->fields[i];
        if (f->from != CU_FROM_VALUE)
            continue;
        cu_path *path = cu_arena_calloc(d->arena, 1, sizeof(*path));
        path->n = 1;
        path->steps[0].name = cu_slice_of(f->name);
        int rc = f->path
                     ? cu_path_parse(cu_slice_of(f->path), d->arena, path, err)
                     : 0;
        if (rc) {
            cu_err_note(err, "column \"%s\": ", f->name);
            return rc;
        }
        (*out)[(*n)++] = (target){i, path, 0};
    }
    return 0;
}

int cu_avro_plan_new(cu_decoder *d, const char *schema, bool framed,
                     cu_avro_plan **out, cu_err *err)
{
    cu_avro_type *root;
    *out = NULL;
    int rc = cu_avro_schema_parse(cu_slice_of(schema), d->arena, &root, err);
    if (rc)
        return rc;
    cu_avro_plan *p = cu_calloc(1, sizeof(*p));
    target *targets;
    uint32_t n;
    *out = p;
    p->d = d;
    p->framed = framed;
    p->found = cu_arena_calloc(d->arena, d->n, sizeof(*p->found));
    rc = column_targets(p, &targets, &n, err);
    if (rc)
        return rc;
    compile(p, root, targets, n);
    emit(p, OP_END, NULL);
    for (uint32_t i = 0; i < n; i++) {
        const cu_codec_field *f = &d->fields[targets[i].col];
        if (!p->found[targets[i].col])
            return cu_fail(err, CU_USAGE, 0,
                           "column \"%s\": the Avro schema has no field %s",
                           f->name, f->path ? f->path : f->name);
    }
    return 0;
}

void cu_avro_plan_free(cu_avro_plan *p)
{
    if (!p)
        return;
    cu_free(p->ops);
    cu_free(p);
}

/* --- reading -------------------------------------------------------------- */

static cu_raw raw_of(cu_slice json)
{
    cu_raw r = {.p = json.data, .len = (uint32_t)json.len};
    if (!json.data)
        return r;
    switch (json.data[0]) {
    case '{':
        r.kind = CU_RAW_OBJECT;
        break;
    case '[':
        r.kind = CU_RAW_ARRAY;
        break;
    case '"':
        r.kind = memchr(json.data, '\\', json.len) ? CU_RAW_ESCAPED
                                                   : CU_RAW_STRING;
        break;
    case 't':
        r.kind = CU_RAW_TRUE;
        break;
    case 'f':
        r.kind = CU_RAW_FALSE;
        break;
    case 'n':
        r.kind = CU_RAW_NULL;
        break;
    default:
        r.kind = CU_RAW_NUMBER;
        break;
    }
    return r;
}

static bool run_render(cu_avro_plan *p, const op *o, cu_avro_in *in, cu_call *c)
{
    cu_arena *a = c->d->spare ? c->d->spare : c->to->arena;
    for (uint32_t i = 0; i < o->n_targets; i++)
        if (c->d->fields[o->targets[i].col].kept)
            a = c->to->arena;
    cu_avro_in ahead = *in;
    cu_buf *scratch = &p->d->scratch;
    cu_buf_clear(scratch);
    if (!cu_avro_take(&ahead, o->type, scratch))
        return cu_avro_wrong(in, ahead.wrong);
    if (scratch->len > UINT32_MAX)
        return cu_avro_wrong(in, "a value too large as JSON");
    cu_slice json = cu_arena_slice(a, cu_buf_slice(scratch));
    for (uint32_t i = 0; i < o->n_targets; i++) {
        const target *t = &o->targets[i];
        cu_path rest = {.n = t->path->n - t->at};
        memcpy(rest.steps, t->path->steps + t->at,
               rest.n * sizeof(rest.steps[0]));
        c->d->slots[t->col] = raw_of(cu_path_get(&rest, json, a));
    }
    return true;
}

static bool run(cu_avro_plan *p, cu_avro_in *in, cu_call *c)
{
    const op *o = p->ops;
    for (;;) {
        bool good = true;
        uint32_t branch;
        cu_avro_in ahead;
        const op *next = o + 1;
        switch ((enum op_code)o->code) {
        case OP_SKIP:
            good = cu_avro_take(in, o->type, NULL);
            break;
        case OP_PEEK:
            ahead = *in;
            good = cu_avro_store(&ahead, o->type, c, o->col);
            in->wrong = ahead.wrong;
            break;
        case OP_STORE:
            good = cu_avro_store(in, o->type, c, o->col);
            break;
        case OP_RENDER:
            good = run_render(p, o, in, c);
            break;
        case OP_UNION:
            good = cu_avro_branch(in, o->type, &branch);
            if (good)
                next = p->ops + o->branches[branch];
            break;
        case OP_JUMP:
            next = p->ops + o->to;
            break;
        case OP_END:
            return true;
        }
        if (!good)
            return false;
        o = next;
    }
}

static bool skip_frame(cu_avro_in *in)
{
    uint8_t magic = cu_scan_u8(&in->at);
    cu_scan_u32be(&in->at);
    if (in->at.bad)
        return cu_avro_wrong(in, "unexpected end of data");
    return !magic || cu_avro_wrong(in, "no registry frame: the first byte is "
                                       "not 0");
}

bool cu_avro_read(cu_avro_plan *p, cu_call *c)
{
    cu_avro_in in = cu_avro_in_of(c->value);
    uint32_t faults = c->faults->n;
    bool good = (!p->framed || skip_frame(&in)) && run(p, &in, c);
    if (good && cu_scan_left(&in.at))
        good = cu_avro_wrong(&in, "bytes behind the record");
    if (good)
        return true;
    /* What was said about columns before may be nonsense: bytes of another
     * schema. */
    c->faults->n = faults;
    cu_faults_add(c->faults, c->to->arena, NULL, STATE_BINARY,
                  "invalid Avro record: %s", in.wrong);
    return false;
}
