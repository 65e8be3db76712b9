/* Reports: COPY (SELECT …) TO 'file'.
 *
 * The hidden view behind a COPY is gathered to one partition; the task that
 * owns it writes the file: whole or not at all (temporary file and rename).
 * Written when drained, and every `every` while running.
 */
#include "processors/runtime/int.h"

#include "schemas/codec.h"

int cu_report_write(cu_worker *w, const cu_copy_def *c, cu_instance *i,
                    cu_err *err)
{
    cu_env *env = w->rt->o.env;
    cu_result *r = cu_result_new(c);
    cu_buf text = {0};
    int rc = cu_materialize_scan(i->space, i->stage->root, cu_result_add, r,
                                 err);
    if (rc == 0 && c->header)
        cu_csv_encode_header(cu_result_schema(r), c->delimiter, &text);
    const cu_batch *b;
    while (rc == 0 && (b = cu_result_next(r)) != NULL)
        for (uint32_t row = 0; row < b->n_rows; row++)
            cu_csv_encode_row(b, row, c->delimiter, &text);
    if (rc == 0)
        rc = env->vt->write_file(env, c->path, cu_buf_slice(&text), err);
    if (rc)
        cu_err_note(err, "report %s: ", c->shown);
    cu_buf_free(&text);
    cu_result_free(r);
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
        if (i == NULL)
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
        if (i == NULL)
            continue;
        bool first = w->reports_due[k] == 0;
        w->reports_due[k] = now + c->every_ms;
        int rc = first ? 0 : cu_report_write(w, c, i, err);
        if (rc)
            return rc;
    }
    return 0;
}
