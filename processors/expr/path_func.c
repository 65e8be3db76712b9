/* jsonb_path_query and its kin, @? and @@: SQL/JSON paths as functions.
 *
 * A path is text here; parsed paths are remembered by their text in the
 * program's memo, so that a constant one is parsed once.
 */
#include "base/alloc.h"
#include "processors/expr/kernel.h"
#include "processors/expr/path_int.h"

enum { REMEMBERED = 32 };

typedef struct entry {
    cu_slice text; /* in the arena */
    cu_arena *arena;
    cu_jsonpath path;
} entry;

struct cu_jsonpaths {
    entry at[REMEMBERED];
    uint32_t n, last, oldest;
};

/* --- remembering ----------------------------------------------------- */

void cu_jsonpaths_free(cu_jsonpaths *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->n; i++)
        cu_arena_free(p->at[i].arena);
    cu_free(p);
}

/* The oldest one makes room. */
static entry *room(cu_jsonpaths *p)
{
    if (p->n < REMEMBERED) {
        p->last = p->n;
        return &p->at[p->n++];
    }
    p->last = p->oldest;
    p->oldest = (p->oldest + 1) % REMEMBERED;
    cu_arena_free(p->at[p->last].arena);
    return &p->at[p->last];
}

int cu_jsonpath_get(cu_memo *m, cu_slice text, const cu_jsonpath **out,
                    cu_err *err)
{
    cu_jsonpaths **slot = cu_memo_jsonpaths(m);
    if (!*slot)
        *slot = cu_calloc(1, sizeof(**slot));
    cu_jsonpaths *p = *slot;
    for (uint32_t i = 0; i < p->n; i++) {
        const uint32_t k = (p->last + i) % p->n;
        if (!cu_slice_eq(p->at[k].text, text))
            continue;
        p->last = k;
        *out = &p->at[k].path;
        return 0;
    }
    cu_arena *a = cu_arena_new(1024);
    cu_jsonpath path;
    cu_slice own = cu_arena_slice(a, text);
    const int rc = cu_jsonpath_parse(own, a, &path, err);
    if (rc) {
        cu_arena_free(a);
        return rc;
    }
    entry *e = room(p);
    *e = (entry){.text = own, .arena = a, .path = path};
    *out = &e->path;
    return 0;
}

/* --- one run --------------------------------------------------------- */

static int bad_vars(cu_err *err)
{
    cu_fail(err, CU_DATA, 0, "\"vars\" argument is not an object");
    if (err)
        err->sqlstate = CU_E_PARAMETER;
    return CU_DATA;
}

static int run(cu_slice json, cu_slice text, cu_jsonpath_opts *opts,
               cu_arena *a, cu_jsonpath_found *found, cu_err *err)
{
    const cu_jsonpath *path;
    int rc = cu_jsonpath_get(opts->memo, text, &path, err);
    if (rc)
        return rc;
    opts->vars = opts->vars.data ? cu_json_trim(opts->vars) : opts->vars;
    if (opts->vars.data && cu_json_kind_of(opts->vars) != CU_JSON_OBJECT)
        return bad_vars(err);
    return cu_jsonpath_run(path, json, opts, a, found, err);
}

/* The arguments of a row; false after a fault. */
static bool run_row(cu_call *c, uint32_t r, cu_jsonpath_opts opts,
                    cu_jsonpath_found *found)
{
    CU_ARG(cu_slice, json, c, 0);
    CU_ARG(cu_slice, path, c, 1);
    cu_err err = {0};
    opts.memo = c->memo;
    if (c->n_args > 2)
        opts.vars = CU_COL(c->args[2], cu_slice)[cu_col_at(c->args[2], r)];
    if (c->n_args > 3)
        opts.silent = CU_COL(c->args[3], uint8_t)[cu_col_at(c->args[3], r)];
    if (!run(CU_AT(json, r), CU_AT(path, r), &opts, c->arena, found, &err))
        return true;
    cu_call_fail_err(c, r, &err);
    return false;
}

/* --- kernels --------------------------------------------------------- */

static void exists_rows(cu_call *c, bool silent)
{
    const cu_jsonpath_opts opts = {.only_test = true, .silent = silent};
    cu_jsonpath_found found;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (!run_row(c, r, opts, &found))
            continue;
        CU_OUT(uint8_t, c)[r] = found.any;
        if (found.failed)
            cu_call_null(c, r);
    }
}

static void exists(cu_call *c)
{
    exists_rows(c, false);
}

static void exists_quietly(cu_call *c)
{
    exists_rows(c, true);
}

/* The one boolean that a predicate gives; anything else is an error, or
 * NULL. */
static void match_rows(cu_call *c, bool quiet)
{
    const cu_jsonpath_opts opts = {.silent = quiet};
    cu_jsonpath_found found;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (!run_row(c, r, opts, &found))
            continue;
        const bool silent = quiet ||
                            (c->n_args > 3 &&
                             CU_COL(c->args[3],
                                    uint8_t)[cu_col_at(c->args[3], r)]);
        cu_slice one = found.n == 1 ? found.items[0] : CU_LIT("?");
        CU_OUT(uint8_t, c)[r] = cu_slice_is(one, "true");
        if (cu_slice_is(one, "true") || cu_slice_is(one, "false"))
            continue;
        if (silent || cu_slice_is(one, "null"))
            cu_call_null(c, r);
        else
            cu_call_fail(c, r, CU_E_SINGLETON,
                         "single boolean result is expected");
    }
}

static void match(cu_call *c)
{
    match_rows(c, false);
}

static void match_quietly(cu_call *c)
{
    match_rows(c, true);
}

static void first(cu_call *c)
{
    cu_jsonpath_found found;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (!run_row(c, r, (cu_jsonpath_opts){0}, &found))
            continue;
        CU_OUT(cu_slice, c)[r] = found.n ? found.items[0] : CU_NULL_SLICE;
        if (!found.n)
            cu_call_null(c, r);
    }
}

static void array(cu_call *c)
{
    cu_jsonpath_found found;
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (!run_row(c, r, (cu_jsonpath_opts){0}, &found))
            continue;
        cu_buf_put_u8(c->scratch, '[');
        for (uint32_t k = 0; k < found.n; k++) {
            cu_buf_put_str(c->scratch, k ? ", " : "");
            cu_buf_put_slice(c->scratch, found.items[k]);
        }
        cu_buf_put_u8(c->scratch, ']');
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

int cu_jsonpath_set(const cu_func *f, const cu_value *args, uint32_t n_args,
                    cu_arena *a, cu_set_rows *out, cu_err *err)
{
    cu_jsonpath_opts opts = {.memo = out->memo,
                             .vars = n_args > 2 ? args[2].s : CU_NULL_SLICE,
                             .silent = n_args > 3 && args[3].b};
    cu_memo *own = out->memo ? NULL : cu_memo_new();
    cu_jsonpath_found found = {.n = 0};
    opts.memo = own ? own : opts.memo;
    const int rc = run(args[0].s, args[1].s, &opts, a, &found, err);
    cu_memo_free(own);
    out->n = found.n;
    out->values = cu_arena_calloc(a, found.n + 1, sizeof(*out->values));
    for (uint32_t i = 0; i < found.n; i++)
        out->values[i] = (cu_value){.type = CU_TYPE(f->result),
                                    .s = found.items[i]};
    return rc;
}

/* --- the catalog's part ---------------------------------------------- */

#define J CU_T_JSONB
#define T CU_T_TEXT
#define B CU_T_BOOL
#define THREE(nm, res, ker, text)                                              \
    CU_FN(nm, res, ker, text, J, T),                                           \
        CU_FN(nm, res, ker, text ", with variables", J, T, J),                 \
        CU_FN(nm, res, ker, text ", with variables, silently or not", J, T, J, \
              B)
#define SET(text, ...)                                   \
    {                                                    \
        .name = "jsonb_path_query", .kind = CU_FUNC_SET, \
        .n_args = CU_COUNT(__VA_ARGS__), .strict = true, \
        .args = {__VA_ARGS__}, .result = J, .doc = text  \
    }

static const cu_func list[] = {
    SET("a row for each item that the path finds", J, T),
    SET("the same with variables", J, T, J),
    SET("the same with variables, silently or not", J, T, J, B),
    THREE("jsonb_path_exists", B, exists, "the path finds something"),
    THREE("jsonb_path_match", B, match, "the path's predicate"),
    THREE("jsonb_path_query_first", J, first, "the first item found"),
    THREE("jsonb_path_query_array", J, array, "an array of the items found"),
    CU_OP("@?", B, exists_quietly, "the path finds something, silently", J, T),
    CU_OP("@@", B, match_quietly, "the path's predicate, silently", J, T),
};
CU_PART(cu_part_path, list);
