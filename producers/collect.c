/* The collector: when to work, and what to do after an error.
 *
 *               first step, schedule, start_pass
 *     RESTING ------------------------------------> IN PASS
 *        ^                                             |
 *        \---------- the pass is committed ------------/
 *
 *     any --error--> BROKEN --next step: reopen, read the cursor--> RESTING
 *
 * What is under way lives in memory only and is a proposal until its
 * transaction is committed.  So there is one way back from every error, be it
 * the source's or the log's: forget, fence, read the cursor, begin again.  A
 * source that finds an unfinished pass in its cursor goes on with it.
 *
 * 1  The writer is opened before the cursor is read: an older owner cannot
 *    commit behind what was read.
 * 2  Records and the cursor that says so are in one transaction.
 */
#include "producers/int.h"

#include "base/alloc.h"
#include "base/assert.h"

static void copy_strings(cu_collector *c)
{
    cu_collector_opts *o = &c->o;
    o->app = cu_arena_str(c->arena, o->app);
    o->table = cu_arena_str(c->arena, o->table);
    o->topic = o->topic ? cu_arena_str(c->arena, o->topic)
                        : cu_arena_printf(c->arena, "bronze.%s", o->table);
    o->dead_letter_topic = o->dead_letter_topic
                               ? cu_arena_str(c->arena, o->dead_letter_topic)
                               : cu_arena_printf(c->arena, "%s.dlq", o->app);
    o->cursor_topic = o->cursor_topic
                          ? cu_arena_str(c->arena, o->cursor_topic)
                          : cu_arena_printf(c->arena, "%s.collectors", o->app);
    o->txn_id = o->txn_id
                    ? cu_arena_str(c->arena, o->txn_id)
                    : cu_arena_printf(c->arena, "%s.c.%s", o->app, o->table);
    if (o->partitions < 1)
        o->partitions = 1;
}

/* Fence, then read; invariant 1. */
static int attach(cu_collector *c, cu_err *err)
{
    int rc = 0;
    cu_cursor_forget(c);
    if (!c->o.dry_run)
        rc = cu_publish_open(c, err);
    if (!rc && c->o.log)
        rc = cu_cursor_read(c, err);
    return rc;
}

int cu_collector_open(const cu_collector_opts *opts, cu_collector **out,
                      cu_err *err)
{
    CU_ASSERT((opts->http != NULL) != (opts->files != NULL));
    CU_ASSERT(opts->log || opts->dry_run);
    CU_ASSERT(opts->client || !opts->http);
    cu_collector *c = cu_calloc(1, sizeof(*c));
    c->o = *opts;
    c->arena = cu_arena_new(0);
    c->scratch = cu_arena_new(0);
    c->cursor = cu_omap_new();
    c->start_now = true;
    c->vt = opts->http ? &cu_http_source_vt : &cu_files_source_vt;
    copy_strings(c);
    int rc = c->vt->open(c, &c->half, err);
    if (!rc && !c->o.dry_run)
        rc = cu_cursor_topics(c, err);
    if (!rc)
        rc = attach(c, err);
    if (rc) {
        cu_collector_close(c);
        return rc;
    }
    c->vt->reset(c->half);
    *out = c;
    return 0;
}

static int start_over(cu_collector *c, cu_err *err)
{
    cu_publish_close(c);
    c->pending = (cu_collector_counts){0};
    if (c->in_pass)
        c->start_now = true;
    c->in_pass = false;
    int rc = attach(c, err);
    if (rc)
        return rc;
    c->vt->reset(c->half);
    c->broken = false;
    return 0;
}

static bool due(const cu_collector *c)
{
    return c->start_now ||
           (c->next_us != 0 && cu_mono_us(c->o.env) >= c->next_us);
}

static int begin(cu_collector *c, cu_err *err)
{
    c->in_pass = true;
    c->start_now = false;
    c->pass_us = cu_mono_us(c->o.env);
    return c->vt->begin_pass(c->half, err);
}

static void end(cu_collector *c)
{
    int64_t now = cu_mono_us(c->o.env);
    c->in_pass = false;
    c->limited = cu_publish_limit(c);
    c->next_us = c->every_ms ? c->pass_us + c->every_ms * 1000 : 0;
    if (c->next_us && c->next_us < now) /* longer than its own schedule */
        c->next_us = now;
    if (c->limited)
        c->next_us = 0;
}

static int step(cu_collector *c, int64_t until_us, cu_collect_state *state,
                int64_t *wake_us, cu_err *err)
{
    int rc = 0;
    if (c->broken)
        rc = start_over(c, err);
    if (rc)
        return rc;
    if (!c->in_pass && (c->limited || !due(c))) {
        *state = CU_COLLECT_PASSED;
        *wake_us = c->next_us;
        return 0;
    }
    if (!c->in_pass)
        rc = begin(c, err);
    if (!rc)
        rc = c->vt->work(c->half, until_us, state, wake_us, err);
    cu_arena_reset(c->scratch);
    if (!rc && *state == CU_COLLECT_PASSED) {
        end(c);
        *wake_us = c->next_us;
    }
    return rc;
}

int cu_collector_step(cu_collector *c, int64_t budget_ms,
                      cu_collect_state *state, int64_t *wake_us, cu_err *err)
{
    cu_err local = {0};
    cu_err *e = err ? err : &local;
    *state = CU_COLLECT_WORKING;
    *wake_us = 0;
    int64_t until = cu_mono_us(c->o.env) + budget_ms * 1000;
    int rc = step(c, until, state, wake_us, e);
    if (!rc)
        return 0;
    c->broken = true;
    /* Going back cures what the log or the network did to this transaction;
     * a newer owner or a stop is final. */
    bool passing = rc == CU_IN_DOUBT || rc == CU_NETWORK || rc == CU_TIMEOUT ||
                   (e->flags & CU_ABORT);
    if (passing && rc != CU_FENCED && rc != CU_STOPPED)
        e->flags |= CU_RETRY;
    return rc;
}

void cu_collector_start_pass(cu_collector *c)
{
    c->start_now = true;
}

void cu_collector_counts_get(const cu_collector *c, cu_collector_counts *out)
{
    *out = c->counts;
}

void cu_collector_status(const cu_collector *c, cu_buf *out)
{
    if (c->broken) {
        cu_buf_put_str(out, "goes back to its last commit");
    } else if (c->in_pass) {
        c->vt->status(c->half, out);
    } else if (c->limited) {
        cu_buf_put_str(out, "stopped at its limit");
    } else if (c->start_now) {
        cu_buf_put_str(out, "about to start a pass");
    } else if (c->next_us) {
        int64_t left = c->next_us - cu_mono_us(c->o.env);
        cu_buf_printf(out, "passed; next pass in %lld s",
                      (long long)(left > 0 ? (left + 999999) / 1000000 : 0));
    } else {
        cu_buf_put_str(out, "passed");
    }
}

void cu_collector_close(cu_collector *c)
{
    if (!c)
        return;
    if (c->half)
        c->vt->close(c->half);
    cu_publish_close(c);
    cu_cursor_forget(c);
    cu_omap_free(c->cursor);
    cu_arena_free(c->scratch);
    cu_arena_free(c->arena);
    cu_free(c);
}
