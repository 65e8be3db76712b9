#include "tests/unit/schemas/decode.h"

#include "base/alloc.h"
#include "base/env.h"

#include <stdio.h>

table *table_new(const char *columns)
{
    cu_arena *a = cu_arena_new(0);
    table *t = cu_arena_calloc(a, 1, sizeof(*t));
    t->a = a;
    int rc = cu_schema_parse(a, columns, &t->schema, &t->err);
    cr_assert(rc == 0, "%s", t->err.msg);
    for (uint32_t i = 0; i < t->schema->n; i++) {
        t->cols[i].name = t->schema->fields[i].name;
        t->cols[i].type = t->schema->fields[i].type;
        t->cols[i].not_null = t->schema->fields[i].not_null;
    }
    t->spec.cols = t->cols;
    t->spec.n_cols = t->schema->n;
    t->in.key = CU_NULL_SLICE;
    t->in.topic = "events";
    t->in.timestamp_ms = 1700000000123;
    t->in.headers = cu_arena_calloc(a, 16, sizeof(cu_header));
    return t;
}

void table_free(table *t)
{
    cu_decoder_close(t->d);
    for (uint32_t k = 0; k < MASKS; k++)
        cu_decoder_close(t->narrow[k]);
    cu_buf_free(&t->out);
    cu_arena_free(t->a);
}

cu_codec_col *table_col(table *t, const char *name)
{
    for (uint32_t i = 0; i < t->spec.n_cols; i++)
        if (!strcmp(t->cols[i].name, name))
            return &t->cols[i];
    cr_assert_fail("no column %s", name);
    return NULL;
}

const char *table_open(table *t)
{
    int rc = cu_decoder_open(&t->spec, t->schema, &t->d, &t->err);
    cr_assert((rc == 0) == (t->d != NULL));
    for (uint32_t k = 0; rc == 0 && k < MASKS; k++) {
        for (uint32_t i = 0; i < t->spec.n_cols; i++)
            t->kept[k][i] = i % 2 == k;
        rc = cu_decoder_open(&t->spec, t->schema, &t->narrow[k], &t->err);
        cr_assert(rc == 0);
        cu_decoder_keep(t->narrow[k], t->kept[k]);
    }
    return rc ? t->err.msg : "";
}

void table_header(table *t, const char *name, const char *value)
{
    cr_assert(t->in.n_headers < 16);
    ((cu_header *)t->in.headers)[t->in.n_headers++] = (cu_header){
        cu_slice_of(cu_arena_str(t->a, name)),
        value ? cu_slice_of(cu_arena_str(t->a, value)) : CU_NULL_SLICE};
}

cu_batch *narrowed(cu_arena *a, const cu_batch *b, const bool *kept)
{
    cu_batch *out = cu_arena_dup(a, b, sizeof(*b));
    out->cols = cu_arena_dup(a, b->cols, b->n_cols * sizeof(*b->cols));
    for (uint32_t i = 0; i < b->n_cols; i++) {
        cu_value null = {.type = b->cols[i].type, .null = true};
        if (!kept[i])
            out->cols[i] = cu_col_const(a, &null);
    }
    return out;
}

void put_faults(const cu_faults *faults, cu_buf *out)
{
    for (uint32_t i = 0; i < faults->n && i < 16; i++) {
        const cu_fault_item *f = &faults->items[i];
        char state[6];
        cu_buf_printf(out, "! %s %s: %s\n",
                      cu_sqlstate_text(f->sqlstate, state),
                      f->column ? f->column : "-", f->message);
    }
}

static void compare(table *t, const cu_input *in, uint32_t k)
{
    cu_batch *b = cu_batch_new_some(t->a, t->schema, 4, t->kept[k]);
    cu_batch *want = narrowed(t->a, t->batch, t->kept[k]);
    cu_faults faults;
    cu_buf text[2] = {{0}};
    bool row = cu_decode(t->narrow[k], in, b, &faults);
    cr_expect_eq(row, want->n_rows == 1);
    cu_batch_seal(b);
    for (uint32_t i = 0; i < b->n_cols; i++)
        cr_expect(t->kept[k][i] || b->cols[i].form == CU_CONST);
    cu_batch_print(b, &text[0]);
    put_faults(&faults, &text[0]);
    cu_batch_print(want, &text[1]);
    put_faults(&t->faults, &text[1]);
    cr_expect(cu_slice_eq(cu_buf_slice(&text[0]), cu_buf_slice(&text[1])),
              "mask %u: got\n%.*s\nexpected\n%.*s", k, (int)text[0].len,
              text[0].data, (int)text[1].len, text[1].data);
    cu_buf_free(&text[0]);
    cu_buf_free(&text[1]);
}

static const char *take(table *t, cu_slice value)
{
    if (!t->d)
        expect_text(table_open(t), "");
    cu_batch *b = cu_batch_new(t->a, t->schema, 4);
    cu_input in = t->in;
    in.value = value;
    bool row = cu_decode(t->d, &in, b, &t->faults);
    cr_expect_eq(row, b->n_rows == 1);
    cr_expect_eq(row && t->faults.n, 0);
    cu_batch_seal(b);
    t->batch = b;
    cu_buf_clear(&t->out);
    cu_batch_print(b, &t->out);
    put_faults(&t->faults, &t->out);
    for (uint32_t k = 0; k < MASKS; k++)
        compare(t, &in, k);
    cu_buf_put_u8(&t->out, 0);
    return t->out.data;
}

const char *table_take(table *t, const void *value, size_t len)
{
    char *exact = cu_alloc(len ? len : 1);
    if (len)
        memcpy(exact, value, len);
    const char *said = take(t, cu_slice_n(exact, len));
    cu_free(exact);
    return said;
}

const char *table_say(table *t, const char *value)
{
    return table_take(t, value, strlen(value));
}

void table_key(table *t, const char *key)
{
    t->in.key = key ? cu_slice_of(cu_arena_str(t->a, key)) : CU_NULL_SLICE;
}

const char *table_delete(table *t, const char *key)
{
    table_key(t, key);
    return take(t, CU_NULL_SLICE);
}

char *sample_path(cu_arena *a, const char *name)
{
    cu_env *env = cu_env_real(false);
    const char *dir = env->vt->variable(env, "CUPEL_SHARED_DATA");
    const char *root = __FILE__; /* …/tests/unit/schemas/decode.c */
    char *path;
    cu_stat st;
    cu_err err;
    if (dir)
        path = cu_arena_printf(a, "%s/%s", dir, name);
    else
        path = cu_arena_printf(a, "%s/../../../shared/data/%s",
                               cu_path_dir(a, cu_path_dir(a, root)), name);
    int rc = env->vt->stat(env, path, &st, &err);
    env->vt->close(env);
    if (!rc)
        return path;
    fprintf(stderr, "SKIPPED: no sample data at %s (CUPEL_SHARED_DATA)\n",
            path);
    return NULL;
}

bool sample(cu_arena *a, const char *name, cu_slice *out)
{
    cu_err err;
    char *path = sample_path(a, name);
    if (!path)
        return false;
    cu_env *env = cu_env_real(false);
    int rc = env->vt->read_file(env, path, 64 << 20, a, out, &err);
    env->vt->close(env);
    cr_assert(rc == 0, "%s", err.msg);
    return true;
}

uint32_t roll(dice *d, uint32_t n)
{
    d->s ^= d->s << 13;
    d->s ^= d->s >> 7;
    d->s ^= d->s << 17;
    return (uint32_t)(d->s >> 33) % n;
}

void mutate(dice *d, cu_buf *b, const char *spice)
{
    size_t at = b->len ? roll(d, (uint32_t)b->len) : 0;
    switch (roll(d, 5)) {
    case 0: /* another byte */
        if (b->len)
            b->data[at] = (char)roll(d, 256);
        break;
    case 1: /* the end is missing */
        b->len = at;
        break;
    case 2: /* a byte is missing */
        if (b->len) {
            memmove(b->data + at, b->data + at + 1, b->len - at - 1);
            b->len--;
        }
        break;
    case 3: { /* a byte too many */
        char ch = spice[roll(d, (uint32_t)strlen(spice))];
        cu_buf_reserve(b, 1);
        memmove(b->data + at + 1, b->data + at, b->len - at);
        b->data[at] = ch;
        b->len++;
        break;
    }
    default: { /* a piece twice */
        size_t len = b->len > at ? 1 + roll(d, (uint32_t)(b->len - at)) : 0;
        cu_buf_reserve(b, len);
        memmove(b->data + at + len, b->data + at, b->len - at);
        b->len += len;
        break;
    }
    }
}
