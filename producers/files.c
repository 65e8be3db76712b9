/* The source of rows: one pass over the files that match, in order.
 *
 *     list, sort --> look --> nothing to do
 *                      |----> hash what was read before --> read on
 *                      \----> read from the start
 *
 * A pass looks at every file once; one that appears meanwhile waits for the
 * next pass.  Vanished files keep their cursor: they were read.  Work is cut
 * into chunks, so that a step ends near its budget however large a file is;
 * what is open at the end of a step is committed.
 */
#include "producers/files.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/diag.h"

#include <stdlib.h>

enum { LOOK_AGAIN_MS = 1000 };

/* --- the list ------------------------------------------------------------ */

typedef struct entry {
    char *name;
    int64_t modified_us, size_bytes;
    cu_file_order order;
} entry;

static int by_order(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->order == CU_ORDER_MODIFIED && x->modified_us != y->modified_us)
        return x->modified_us < y->modified_us ? -1 : 1;
    return x->order == CU_ORDER_NAME ? strcmp(x->name, y->name)
                                     : cu_natural_cmp(x->name, y->name);
}

static int list(cu_files_half *h, cu_err *err)
{
    cu_env *env = h->c->o.env;
    cu_names found;
    int rc = cu_glob(env, h->s->dir, h->s->glob, h->arena, &found, err);
    if (rc)
        return rc;
    entry *all = cu_arena_calloc(h->arena, found.n + 1, sizeof(*all));
    h->c->counts.planned = h->c->counts.done = 0;
    for (size_t i = 0; i < found.n; i++) {
        cu_stat st = {0};
        const char *path = cu_path_join(h->c->scratch, h->s->dir,
                                        found.names[i]);
        /* One that vanished is found out about when its turn comes. */
        if (env->vt->stat(env, path, &st, NULL))
            st = (cu_stat){0};
        all[i] = (entry){found.names[i], st.modified_us, st.size_bytes,
                         h->s->order};
        h->c->counts.planned += st.size_bytes;
        cu_arena_reset(h->c->scratch);
    }
    if (found.n > 1)
        qsort(all, found.n, sizeof(*all), by_order);
    h->names = cu_arena_calloc(h->arena, found.n + 1, sizeof(*h->names));
    for (size_t i = 0; i < found.n; i++)
        h->names[i] = all[i].name;
    h->n = found.n;
    return 0;
}

/* --- the pass ------------------------------------------------------------ */

static void files_reset(void *half)
{
    cu_files_half *h = half;
    cu_file_close(h);
    cu_arena_reset(h->arena);
    h->n = h->at = 0;
}

static int files_begin_pass(void *half, cu_err *err)
{
    cu_files_half *h = half;
    files_reset(h);
    int rc = list(h, err);
    if (!rc && h->n == 0 && !h->c->o.follow)
        cu_warn("table %s: no file in %s matches %s", h->c->o.table, h->s->dir,
                h->s->glob);
    return rc;
}

/* A little work on the file at hand, or on the next one. */
static int work_some(cu_files_half *h, int64_t until_us, cu_err *err)
{
    switch (h->state) {
    case CU_FILE_NONE:
        return cu_file_look(h, h->names[h->at++], err);
    case CU_FILE_SUMMING:
        return cu_file_sum_some(h, until_us, err);
    case CU_FILE_READING:
        return cu_file_read_some(h, until_us, err);
    }
    return 0;
}

static int files_work(void *half, int64_t until_us, cu_collect_state *state,
                      int64_t *wake_us, cu_err *err)
{
    cu_files_half *h = half;
    cu_collector *c = h->c;
    (void)wake_us;
    *state = CU_COLLECT_PASSED;
    while (!cu_publish_limit(c) && (h->state != CU_FILE_NONE || h->at < h->n)) {
        int rc = work_some(h, until_us, err);
        if (rc)
            return rc;
        if (!c->in_txn)
            cu_arena_reset(c->scratch);
        if (cu_mono_us(c->o.env) >= until_us) {
            *state = CU_COLLECT_WORKING;
            break;
        }
    }
    return cu_file_save(h, err);
}

static void files_status(const void *half, cu_buf *out)
{
    const cu_files_half *h = half;
    const cu_collector_counts *n = &h->c->counts;
    if (h->state == CU_FILE_NONE) {
        cu_buf_printf(out, "file %zu of %zu", h->at, h->n);
        return;
    }
    cu_buf_printf(out, "file %zu of %zu; %s %s", h->at, h->n,
                  h->state == CU_FILE_SUMMING ? "checks" : "reads", h->f.name);
    if (n->planned > 0)
        cu_buf_printf(out, "; %lld %%",
                      (long long)((double)n->done * 100 / (double)n->planned));
}

static void files_close(void *half)
{
    cu_files_half *h = half;
    cu_file_close(h);
    cu_arena_free(h->arena);
    cu_free(h->chunk);
    cu_free(h);
}

static int files_open(cu_collector *c, void **out, cu_err *err)
{
    (void)err;
    cu_files_half *h = cu_calloc(1, sizeof(*h));
    h->c = c;
    h->s = c->o.files;
    h->arena = cu_arena_new(0);
    h->chunk = cu_alloc(CU_FILE_CHUNK);
    c->every_ms = h->s->every_ms > 0 ? h->s->every_ms : LOOK_AGAIN_MS;
    *out = h;
    return 0;
}

const cu_source_vt cu_files_source_vt = {
    .name = "files",
    .open = files_open,
    .reset = files_reset,
    .begin_pass = files_begin_pass,
    .work = files_work,
    .status = files_status,
    .close = files_close,
};
