/* What a collector writes: records, letters and its cursor, in transactions.
 *
 * A transaction is opened by the first append and closed by commit; counters
 * that people see move with it.  A dry run goes the same way, except that
 * nothing reaches the log: the cursor moves in memory alone.
 */
#include "producers/int.h"

#include "base/alloc.h"

#include <stdarg.h>

enum { COMMIT_MS = 10000, TOLD_BYTES = 200 };

int cu_publish_open(cu_collector *c, cu_err *err)
{
    return c->o.log->vt->writer_open(c->o.log, c->o.txn_id, &c->writer, err);
}

void cu_publish_close(cu_collector *c)
{
    if (c->writer)
        c->writer->vt->writer_close(c->writer);
    c->writer = NULL;
    c->in_txn = false;
    c->txn_records = c->txn_bytes = 0;
}

static int begin(cu_collector *c, cu_err *err)
{
    if (c->in_txn)
        return 0;
    int rc = c->o.dry_run ? 0 : c->writer->vt->begin(c->writer, err);
    if (!rc)
        c->in_txn = true;
    return rc;
}

static int append(cu_collector *c, const cu_record *r, cu_err *err)
{
    int rc = begin(c, err);
    if (!rc && !c->o.dry_run)
        rc = cu_log_append(c->writer, r, err);
    if (rc)
        return rc;
    c->txn_records++;
    c->txn_bytes += r->key.len + r->value.len + 64;
    for (uint32_t i = 0; i < r->n_headers; i++)
        c->txn_bytes += r->headers[i].name.len + r->headers[i].value.len;
    return 0;
}

int cu_publish_record(cu_collector *c, const cu_record *r, cu_err *err)
{
    int rc = append(c, r, err);
    if (rc)
        return rc;
    if (c->o.dry_run)
        cu_collector_tell(
            c, "%.*s",
            (int)(r->value.len < TOLD_BYTES ? r->value.len : TOLD_BYTES),
            r->value.data ? r->value.data : "");
    c->pending.records++;
    c->pending.bytes += (int64_t)r->value.len;
    return 0;
}

int cu_publish_cursor(cu_collector *c, cu_slice item, cu_slice value,
                      cu_err *err)
{
    size_t len = strlen(c->o.table) + 1;
    char *key = cu_arena_alloc(c->scratch, len + item.len);
    memcpy(key, c->o.table, len);
    memcpy(key + len, item.data, item.len);
    cu_record r = {
        .part = {c->o.cursor_topic, c->cursor_partition},
        .timestamp_ms = cu_wall_us(c->o.env) / 1000,
        .key = cu_slice_n(key, len + item.len),
        .value = value,
    };
    int rc = append(c, &r, err);
    if (!rc)
        cu_cursor_set(c, item, value);
    return rc;
}

/* What was pending is true now. */
static void settle(cu_collector *c)
{
    cu_collector_counts *to = &c->counts;
    const cu_collector_counts *more = &c->pending;
    to->records += more->records;
    to->unchanged += more->unchanged;
    to->dead_letters += more->dead_letters;
    to->bytes += more->bytes;
    c->pending = (cu_collector_counts){0};
}

static int killed(cu_collector *c, const char *point, cu_err *err)
{
    return cu_fail(err, CU_STOPPED, CU_FATAL,
                   "the collector of %s was stopped at fault point %s",
                   c->o.table, point);
}

int cu_publish_commit(cu_collector *c, cu_err *err)
{
    if (!c->in_txn) {
        settle(c);
        return 0;
    }
    if (cu_fault(c->o.env, "collect_before_commit"))
        return killed(c, "collect_before_commit", err);
    int rc = 0;
    if (!c->o.dry_run)
        rc = c->writer->vt->commit(c->writer, COMMIT_MS, c->scratch, NULL, err);
    if (rc)
        return rc;
    if (cu_fault(c->o.env, "collect_after_commit"))
        return killed(c, "collect_after_commit", err);
    c->in_txn = false;
    c->txn_records = c->txn_bytes = 0;
    settle(c);
    return 0;
}

bool cu_publish_limit(const cu_collector *c)
{
    return c->o.limit > 0 &&
           c->counts.records + c->pending.records >= c->o.limit;
}

void cu_collector_tell(cu_collector *c, const char *format, ...)
{
    if (!c->o.tell)
        return;
    va_list ap;
    va_start(ap, format);
    c->o.tell(c->o.ctx, cu_arena_vprintf(c->scratch, format, ap));
    va_end(ap);
}

/* --- letters ------------------------------------------------------------- */

uint32_t cu_state_http(int status)
{
    char d[4] = "000";
    for (int i = 2, v = status > 0 && status < 1000 ? status : 0; i >= 0; i--) {
        d[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return CU_SQLSTATE('C', 'U', d[0], d[1], d[2]);
}

void cu_letter_put(cu_letter_out *l, const char *name, cu_slice value)
{
    if (l->n < CU_LETTER_HEADERS - 8) /* the last ones say why */
        l->headers[l->n++] = (cu_header){cu_slice_of(name), value};
}

static void put(cu_letter_out *l, const char *name, const char *value)
{
    l->headers[l->n++] = (cu_header){cu_slice_of(name), cu_slice_of(value)};
}

int cu_publish_letter(cu_collector *c, cu_letter_out *l, cu_err *err)
{
    char code[6];
    put(l, "__streams.errors.message", l->message);
    put(l, "cupel.error.code", cu_sqlstate_text(l->sqlstate, code));
    put(l, "cupel.error.message", l->message);
    put(l, "cupel.error.stage", "collect");
    put(l, "cupel.error.table", c->o.table);
    put(l, "cupel.error.app", c->o.app);
    cu_slice value = l->value;
    if (value.len > CU_LETTER_BYTES) {
        put(l, "cupel.error.truncated",
            cu_arena_printf(c->scratch, "%zu", value.len));
        value.len = CU_LETTER_BYTES;
    }
    cu_record r = {
        .part = {c->o.dead_letter_topic, 0},
        .timestamp_ms = cu_wall_us(c->o.env) / 1000,
        .value = value,
        .headers = l->headers,
        .n_headers = l->n,
    };
    cu_collector_tell(c, "dead letter: %s", l->message);
    int rc = append(c, &r, err);
    if (!rc)
        c->pending.dead_letters++;
    return rc;
}
