/* Reports: COPY (SELECT …) TO 'file'.
 *
 * The hidden view behind a COPY is gathered to one partition; the task that
 * owns it writes the file: whole or not at all (temporary file and rename).
 * Written when drained, and every `every` while running.
 */
#include "processors/runtime/int.h"
#include "processors/runtime/report_rows.h"

#include "schemas/codec.h"

enum { PIECE_BYTES = 1 << 20 };

/* One file while it is written, row by row in the report's order. */
typedef struct writing {
    const cu_copy_def *copy;
    const cu_schema *schema; /* of what is written */
    cu_col *cols;
    cu_env *env;
    cu_outfile *file;
    cu_buf text;
    int64_t skip, left; /* rows of OFFSET and LIMIT; left -1: all */
} writing;

static int put_piece(writing *w, size_t least, cu_err *err)
{
    if (w->text.len < least)
        return 0;
    int rc = w->env->vt->write_out(w->env, w->file, cu_buf_slice(&w->text),
                                   err);
    cu_buf_clear(&w->text);
    return rc;
}

static void put_row(writing *w, const cu_batch *shown, uint32_t row)
{
    if (w->skip > 0) {
        w->skip--;
        return;
    }
    if (w->left == 0)
        return;
    cu_csv_encode_row(shown, row, w->copy->delimiter, &w->text);
    if (w->left > 0)
        w->left--;
}

static int put_batch(void *ctx, const cu_batch *b, cu_err *err)
{
    writing *w = ctx;
    cu_batch shown = *b;
    shown.schema = w->schema;
    shown.n_cols = w->copy->n_cols;
    shown.cols = w->cols;
    for (uint32_t k = 0; k < w->copy->n_cols; k++)
        w->cols[k] = b->cols[w->copy->cols[k]];
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        for (int32_t n = cu_batch_weight(b, row); n > 0; n--)
            put_row(w, &shown, row);
    }
    return put_piece(w, PIECE_BYTES, err);
}

static int put_rows(writing *w, cu_instance *i, cu_err *err)
{
    if (w->copy->header)
        cu_csv_encode_header(w->schema, w->copy->delimiter, &w->text);
    int rc = cu_report_rows(w->copy, i, put_batch, w, err);
    return rc ? rc : put_piece(w, 1, err);
}

int cu_report_write(cu_worker *worker, const cu_copy_def *c, cu_instance *i,
                    cu_err *err)
{
    cu_arena *a = cu_arena_new(0);
    cu_schema *schema = cu_schema_new(a, c->n_cols);
    for (uint32_t k = 0; k < c->n_cols; k++)
        schema->fields[k] = c->view->schema->fields[c->cols[k]];
    writing w = {.copy = c,
                 .schema = schema,
                 .cols = cu_arena_calloc(a, c->n_cols + 1, sizeof(cu_col)),
                 .env = worker->rt->o.env,
                 .skip = c->offset,
                 .left = c->limit};
    int rc = w.env->vt->open_out(w.env, c->path, &w.file, err);
    if (rc == 0) {
        rc = put_rows(&w, i, err);
        int ended = w.env->vt->end_out(w.env, w.file, rc == 0, rc ? NULL : err);
        rc = rc ? rc : ended;
    }
    if (rc)
        cu_err_note(err, "report %s: ", c->shown);
    cu_buf_free(&w.text);
    cu_arena_free(a);
    return rc;
}

static cu_instance *owner(cu_worker *w, const cu_copy_def *c)
{
    const cu_stage *s = cu_stages_of_view(&w->rt->stages, c->view);
    return cu_worker_instance(w, s, 0);
}

int cu_worker_reports(cu_worker *w, uint32_t *n, cu_err *err)
{
    *n = 0;
    for (uint32_t k = 0; k < w->rt->program->n_copies; k++) {
        const cu_copy_def *c = w->rt->program->copies[k];
        cu_instance *i = owner(w, c);
        if (i == NULL || i->rebuild.phase != CU_REBUILD_NOT)
            continue;
        int rc = cu_report_write(w, c, i, err);
        if (rc)
            return rc;
        ++*n;
    }
    return 0;
}

int cu_reports_due(cu_worker *w, cu_err *err)
{
    const cu_program *p = w->rt->program;
    if (p->n_copies == 0 || w->in_txn || w->moved)
        return 0; /* only committed rows are shown */
    int64_t now = cu_mono_ms(w->rt->o.env);
    for (uint32_t k = 0; k < p->n_copies; k++) {
        const cu_copy_def *c = p->copies[k];
        if (c->every_ms == 0 || now < w->reports_due[k])
            continue;
        cu_instance *i = owner(w, c);
        if (i == NULL || i->rebuild.phase != CU_REBUILD_NOT)
            continue; /* half of it is there */
        bool first = w->reports_due[k] == 0;
        w->reports_due[k] = now + c->every_ms;
        int rc = first ? 0 : cu_report_write(w, c, i, err);
        if (rc)
            return rc;
    }
    return 0;
}
