/* cupel state show: what is kept, per stage, partition and state table.
 *
 * Counted by one walk over the committed rows of the store (state/state.h
 * draws their keys); names come from the stage ids that lie beside them, so
 * that state of views that the SQL no longer has is shown too.
 */
#include "ops/state.h"

#include "base/alloc.h"
#include "base/map.h"

#include <stdlib.h>

enum {
    PREFIX = 9,
    LONG_TABLE = 0xFFFE, /* and what is behind it: no rows */
    TABLES_PER_NODE = 8,
};

typedef struct kept {
    uint32_t stage;
    uint16_t partition, table;
    int64_t keys, bytes;
} kept;

typedef struct walk {
    cu_cmd *c;
    const cu_program *program;
    kept *at; /* in key order */
    size_t n, cap;
    cu_cells *cells;
    int64_t keys, bytes;
} walk;

static kept *slot(walk *w, uint32_t stage, uint16_t partition, uint16_t table)
{
    kept *last = w->n ? &w->at[w->n - 1] : NULL;
    if (last && last->stage == stage && last->partition == partition &&
        last->table == table)
        return last;
    if (w->n == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 64;
        w->at = cu_realloc(w->at, w->cap * sizeof(*w->at));
    }
    w->at[w->n] = (kept){stage, partition, table, 0, 0};
    return &w->at[w->n++];
}

static int count(walk *w, cu_kv *kv, cu_err *err)
{
    cu_kv_iter *it;
    cu_slice key, value;
    int rc = kv->vt->iter(kv, CU_LIT("S"), CU_LIT("T"), &it, err);
    if (rc)
        return rc;
    while (kv->vt->iter_next(it, &key, &value)) {
        cu_scan s = cu_scan_of(key);
        cu_scan_u8(&s);
        uint32_t stage = cu_scan_u32be(&s);
        uint16_t partition = cu_scan_u16be(&s);
        uint16_t table = cu_scan_u16be(&s);
        if (s.bad || table >= LONG_TABLE)
            continue;
        kept *k = slot(w, stage, partition, table);
        k->keys++;
        k->bytes += (int64_t)(key.len + value.len);
    }
    return kv->vt->iter_close(it, err);
}

/* Stage names lie at 'C' | name -> id. */
static const char *stage_name(walk *w, cu_kv *kv, uint32_t id)
{
    cu_kv_iter *it;
    cu_slice key, value;
    const char *name = NULL;
    if (kv->vt->iter(kv, CU_LIT("C"), CU_LIT("D"), &it, NULL))
        return "?";
    while (name == NULL && kv->vt->iter_next(it, &key, &value)) {
        cu_scan s = cu_scan_of(value);
        if (cu_scan_u32le(&s) == id)
            name = cu_arena_strn(w->c->arena, key.data + 1, key.len - 1);
    }
    kv->vt->iter_close(it, NULL);
    return name ? name : "?";
}

typedef struct finding {
    uint32_t id;
    const cu_node *found;
} finding;

static bool same_id(void *ctx, cu_node *n)
{
    finding *f = ctx;
    if (n->id == f->id)
        f->found = n;
    return f->found == NULL;
}

const char *cu_operator_of(const cu_program *p, const char *stage,
                           uint16_t table)
{
    for (uint32_t i = 0; p && i < p->n_views; i++) {
        const char *view = p->views[i]->name;
        size_t n = strlen(view);
        if (strncmp(stage, view, n) || (stage[n] && stage[n] != '.'))
            continue;
        finding f = {.id = table / TABLES_PER_NODE};
        cu_node_walk(p->views[i]->root, same_id, &f);
        if (f.found)
            return cu_node_kind_name(f.found->kind);
    }
    return NULL;
}

/* Of whichever generation (state/generation.c). */
static const char *operator_of_table(const walk *w, const char *stage,
                                     uint16_t stored)
{
    unsigned generation;
    return cu_operator_of(w->program, stage,
                          cu_space_table_of(stored, &generation));
}

static void add(walk *w, cu_kv *kv, const char *folder)
{
    cu_arena *a = w->c->arena;
    for (size_t i = 0; i < w->n; i++) {
        const kept *k = &w->at[i];
        const char *stage = stage_name(w, kv, k->stage);
        const char *row[] = {folder,
                             stage,
                             cu_arena_printf(a, "%u", k->partition),
                             cu_arena_printf(a, "%u", k->table),
                             operator_of_table(w, stage, k->table),
                             cu_arena_printf(a, "%lld", (long long)k->keys),
                             cu_arena_printf(a, "%lld", (long long)k->bytes)};
        cu_cells_add(w->cells, row);
        w->keys += k->keys;
        w->bytes += k->bytes;
    }
    w->n = 0;
}

static int64_t folder_bytes(cu_cmd *c, const char *dir, int depth)
{
    cu_names files;
    int64_t sum = 0;
    if (c->env->vt->list_dir(c->env, dir, c->arena, &files, NULL))
        return 0;
    for (size_t i = 0; i < files.n; i++) {
        const char *path = cu_path_join(c->arena, dir, files.names[i]);
        cu_stat st;
        if (c->env->vt->stat(c->env, path, &st, NULL))
            continue;
        if (!st.is_dir)
            sum += st.size_bytes;
        else if (depth > 0)
            sum += folder_bytes(c, path, depth - 1);
    }
    return sum;
}

static void finish(walk *w, const char *dir)
{
    cu_cmd *c = w->c;
    cu_cells_print(w->cells, c);
    if (c->o.output == CU_OUT_TEXT && !c->o.quiet)
        cu_say(c->out, "%lld keys, %lld bytes; folder %s has %lld bytes\n",
               (long long)w->keys, (long long)w->bytes, dir,
               (long long)folder_bytes(c, dir, 2));
    cu_free(w->at);
}

/* A folder with a store, beside whoever works on it: a view of what is
 * flushed. */
static int walk_folder(walk *w, const char *dir, const char *shown, cu_err *err)
{
    cu_kv *kv;
    cu_kv_opts o = {.read_only = true};
    int rc = cu_kv_open_rocks(cu_path_join(w->c->arena, dir, "db"), &o, &kv,
                              err);
    if (rc)
        return rc;
    rc = count(w, kv, err);
    if (rc == 0)
        add(w, kv, shown);
    kv->vt->close(kv);
    return rc;
}

bool cu_has_store(cu_cmd *c, const char *dir)
{
    cu_stat st;
    return c->env->vt->stat(c->env, cu_path_join(c->arena, dir, "db"), &st,
                            NULL) == 0;
}

static int walk_folders(walk *w, const char *dir, cu_err *err)
{
    bool any = cu_has_store(w->c, dir);
    int rc = any ? walk_folder(w, dir, ".", err) : 0;
    for (int n = 0; rc == 0 && n < CU_MOST_FOLDERS; n++) {
        char *sub = cu_arena_printf(w->c->arena, "%s/%d", dir, n);
        if (!cu_has_store(w->c, sub))
            continue;
        any = true;
        rc = walk_folder(w, sub, cu_arena_printf(w->c->arena, "%d", n), err);
    }
    if (rc == 0 && !any)
        return cu_fail(err, CU_NOT_FOUND, 0,
                       "there is no state in %s; run the app first, or name "
                       "its folder with --state",
                       dir);
    return rc;
}

static int show(cu_cmd *c, const cu_program *program, const char *dir)
{
    static const char *const names[] = {"folder", "stage",    ">partition",
                                        ">table", "operator", ">keys",
                                        ">bytes"};
    walk w = {
        .c = c, .program = program, .cells = cu_cells_new(c->arena, names, 7)};
    cu_err err = {0};
    int rc;
    if (c->app) {
        rc = count(&w, c->app->kv, &err);
        if (rc == 0)
            add(&w, c->app->kv, ".");
    } else {
        rc = walk_folders(&w, dir, &err);
    }
    if (rc) {
        cu_free(w.at);
        return cu_tell(c, &err);
    }
    finish(&w, dir);
    return 0;
}

int cu_cmd_state(cu_cmd *c)
{
    if (strcmp(c->verb, "verify") == 0)
        return cu_state_verify(c);
    const char *dir = cu_app_folder(c);
    cu_program *compiled = NULL;
    uint32_t n_paths = 0;
    if (dir == NULL)
        return cu_usage(c, "state show wants the path of a pipeline, --app "
                           "NAME or --state DIR");
    if (c->n_words > cu_app_paths(c))
        return cu_usage(c, "there is no file or folder \"%s\"",
                        c->words[cu_app_paths(c)]);
    int rc = c->app || c->n_words == 0 ? 0
                                       : cu_app_compile(c, &compiled, &n_paths);
    if (rc)
        return rc;
    rc = show(c, c->app ? c->app->program : compiled, dir);
    if (compiled)
        cu_program_free(compiled);
    return rc;
}
