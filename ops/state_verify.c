/* cupel state verify: restored from empty == what lies here, rolled forward.
 *
 * Every store of the state folder is looked at, beside whoever works on it: a
 * view of what is flushed, which knows its position.  What is restored lies in
 * a folder of its own until the end.  On the embedded log there is nothing to
 * compare: state and records are one write, and there is no changelog.
 */
#include "ops/state.h"
#include "ops/topics.h"

enum { RESTORED = 1, SHOWN_BYTES = 120 };

typedef struct verifying {
    cu_cmd *c;
    cu_app *a;
    const cu_stages *stages;
    cu_cells *cells;
    const char *folder; /* of the store that is looked at */
    const char *shown;
    int64_t rows;
    uint32_t n, n_bad;
    cu_buf bad; /* what differs, in words */
} verifying;

static void remove_folder(cu_cmd *c, const char *dir)
{
    cu_names files;
    cu_err ignored = {0};
    if (c->env->vt->list_dir(c->env, dir, c->arena, &files, &ignored))
        return;
    for (size_t i = 0; i < files.n; i++)
        c->env->vt->remove(c->env, cu_path_join(c->arena, dir, files.names[i]),
                           &ignored);
    c->env->vt->remove(c->env, dir, &ignored);
}

static void put_value(const char *what, cu_slice value, cu_buf *out)
{
    bool cut = value.len > SHOWN_BYTES;
    cu_buf_put_str(out, what);
    if (cut)
        value.len = SHOWN_BYTES;
    if (value.data)
        cu_put_escaped(value, out);
    else
        cu_buf_put_str(out, "(no row)");
    cu_buf_put_str(out, cut ? "…\n" : "\n");
}

static void tell_difference(verifying *v, const cu_stage *s, int32_t p,
                            const cu_verdict *found)
{
    unsigned generation;
    uint16_t table = cu_space_table_of(found->table, &generation);
    const char *op = cu_operator_of(v->a->program, s->name, table);
    cu_buf_printf(
        &v->bad, "%s[%d] in folder %s differs, first in table %u%s%s:\n",
        s->name, (int)p, v->shown, table, op ? " of " : "", op ? op : "");
    put_value("  key           ", found->key, &v->bad);
    put_value("  here          ", found->here, &v->bad);
    put_value("  in changelog  ", found->there, &v->bad);
}

static void add(verifying *v, const cu_stage *s, int32_t p, int64_t applied,
                int64_t end, uint64_t digest, const cu_verdict *found)
{
    cu_arena *a = v->c->arena;
    const char *row[] = {
        v->shown,
        s->name,
        cu_arena_printf(a, "%d", (int)p),
        cu_arena_printf(a, "%lld", (long long)found->rows),
        cu_arena_printf(a, "%lld", (long long)applied),
        cu_arena_printf(a, "%lld", (long long)end),
        cu_arena_printf(a, "%016llx", (unsigned long long)digest),
        found->same ? "same" : "differs"};
    cu_cells_add(v->cells, row);
    v->rows += found->rows;
    v->n++;
    if (!found->same) {
        v->n_bad++;
        tell_difference(v, s, p, found);
    }
}

static int compare(verifying *v, cu_kv *kv, uint32_t id, const cu_stage *s,
                   int32_t p, int64_t applied, cu_kv *fresh, cu_err *err)
{
    cu_store *store = cu_store_new(fresh, 0);
    cu_space *into;
    int64_t end = 0;
    uint64_t digest = 0;
    cu_verdict found = {0};
    int rc = cu_space_open(store, RESTORED, 0, &into, err);
    if (rc == 0) {
        rc = cu_verify_read(v->a->log, (cu_part){s->changelog, p}, applied,
                            fresh, into, &end, err);
        if (rc == 0)
            rc = cu_space_digest(into, &digest, err);
        cu_space_close(into);
    }
    cu_store_free(store);
    if (rc == 0 && applied > end)
        return cu_fail(err, CU_HISTORY, 0,
                       "%s[%d] ends at %lld, but the state in folder %s has "
                       "applied %lld: the topic was deleted and made again",
                       s->changelog, (int)p, (long long)end, v->shown,
                       (long long)applied);
    if (rc == 0)
        rc = cu_verify_compare(kv, id, (uint16_t)p, fresh, RESTORED,
                               v->c->arena, &found, err);
    if (rc == 0)
        add(v, s, p, applied, end, digest, &found);
    return rc;
}

static int verify_space(verifying *v, cu_kv *kv, uint32_t id, const cu_stage *s,
                        int32_t p, int64_t applied, cu_err *err)
{
    cu_cmd *c = v->c;
    const char *dir = cu_path_join(c->arena, v->folder, "verify.tmp");
    cu_kv *fresh;
    cu_kv_opts o = {0};
    remove_folder(c, dir); /* of one that was killed */
    int rc = cu_kv_open_rocks(dir, &o, &fresh, err);
    if (rc)
        return rc;
    rc = compare(v, kv, id, s, p, applied, fresh, err);
    fresh->vt->close(fresh);
    remove_folder(c, dir);
    return rc;
}

static int stage_id(cu_kv *kv, const cu_stage *s, cu_arena *a, uint32_t *out,
                    cu_err *err)
{
    cu_slice value;
    const char *key = cu_arena_printf(a, "C%s", s->state_name);
    int rc = kv->vt->get(kv, cu_slice_of(key), a, &value, err);
    cu_scan scan = cu_scan_of(value);
    *out = rc == 0 && value.data ? cu_scan_u32le(&scan) : 0;
    return rc;
}

/* What the store has of a stage in a partition; -1: nothing. */
static int applied_of(cu_store *store, uint32_t id, int32_t p, int64_t *out,
                      cu_err *err)
{
    cu_arena *a = cu_arena_new(0);
    cu_space *space;
    cu_progress progress;
    bool found = false;
    *out = -1;
    int rc = cu_space_open(store, id, (uint16_t)p, &space, err);
    if (rc == 0) {
        rc = cu_space_progress(space, a, &progress, &found, err);
        if (found)
            *out = cu_space_applied(space);
        cu_space_close(space);
    }
    cu_arena_free(a);
    return rc;
}

static int verify_store(verifying *v, cu_kv *kv, cu_err *err)
{
    cu_store *store = cu_store_new(kv, 0);
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < v->stages->n; i++) {
        const cu_stage *s = v->stages->at[i];
        uint32_t id;
        rc = stage_id(kv, s, v->c->arena, &id, err);
        for (int32_t p = 0; rc == 0 && id && p < s->partitions; p++) {
            int64_t applied;
            rc = applied_of(store, id, p, &applied, err);
            if (rc == 0 && applied >= 0)
                rc = verify_space(v, kv, id, s, p, applied, err);
        }
    }
    cu_store_free(store);
    return rc;
}

static int verify_folder(verifying *v, const char *dir, const char *shown,
                         cu_err *err)
{
    cu_kv *kv;
    cu_kv_opts o = {.read_only = true};
    v->folder = dir;
    v->shown = shown;
    int rc = cu_kv_open_rocks(cu_path_join(v->c->arena, dir, "db"), &o, &kv,
                              err);
    if (rc)
        return rc;
    rc = verify_store(v, kv, err);
    kv->vt->close(kv);
    return rc;
}

static int verify_folders(verifying *v, const char *dir, cu_err *err)
{
    int rc = 0, n_stores = 0;
    for (int n = 0; rc == 0 && n < CU_MOST_FOLDERS; n++) {
        char *sub = cu_arena_printf(v->c->arena, "%s/%d", dir, n);
        if (!cu_has_store(v->c, sub))
            continue;
        n_stores++;
        rc = verify_folder(v, sub, cu_arena_printf(v->c->arena, "%d", n), err);
    }
    if (rc == 0 && n_stores == 0)
        return cu_fail(err, CU_NOT_FOUND, 0,
                       "there is no state in %s; run the app first, or name "
                       "its folder with --state",
                       dir);
    return rc;
}

static int finish(verifying *v)
{
    cu_cmd *c = v->c;
    cu_cells_print(v->cells, c);
    if (v->bad.len)
        c->out->write(c->out->ctx, 2, cu_buf_slice(&v->bad));
    if (v->n_bad)
        cu_say(c->out,
               "error: %u of %u states differ from their changelogs; "
               "stop the app and remove the folder named: it is "
               "restored from the changelogs\n",
               v->n_bad, v->n);
    else if (c->o.output == CU_OUT_TEXT && !c->o.quiet)
        cu_say(c->out,
               "%u states, %lld rows: restored from empty and kept "
               "here are the same\n",
               v->n, (long long)v->rows);
    return v->n_bad ? 1 : 0;
}

int cu_state_verify(cu_cmd *c)
{
    static const char *const names[] = {"folder", "stage",  ">partition",
                                        ">rows",  ">here",  ">end",
                                        "digest", "verdict"};
    verifying v = {.c = c, .cells = cu_cells_new(c->arena, names, 8)};
    cu_err err = {0};
    uint32_t n_paths;
    if (c->app == NULL && cu_app_paths(c) == 0)
        return cu_usage(c, "state verify wants the path of a pipeline");
    int rc = cu_app_open_log(c, false, &v.a, &n_paths);
    if (rc)
        return rc;
    if (strcmp(v.a->log->vt->name, "kafka") != 0) {
        cu_say(c->out, "the state of an embedded app is part of its log: both "
                       "change in one write, and there is no changelog to "
                       "compare it with\n");
        cu_app_close(c, v.a);
        return 0;
    }
    rc = cu_app_stages(c, v.a, &v.stages, &err);
    if (rc == 0)
        rc = verify_folders(&v,
                            c->app ? cu_path_dir(c->arena, c->app->folder)
                                   : cu_app_folder(c),
                            &err);
    rc = rc ? cu_tell(c, &err) : finish(&v);
    cu_buf_free(&v.bad);
    cu_app_close(c, v.a);
    return rc;
}
