/* A session with PostgreSQL, over libpq without blocking.
 *
 * Every wait is in slices, so that Ctrl-C is heard: a statement that is under
 * way then has a few seconds to end, else the connection is closed, and the
 * server rolls back.  A server that is gone is noticed by TCP within half a
 * minute; one that waits for us (we were stopped in the middle) ends the
 * session by itself, so that its locks hold nobody up.
 */
#include "ops/postgres_int.h"

#include "base/alloc.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>

enum { SLICE_MS = 50, CONNECT_US = 10000000, GRACE_US = 2000000 };

/* --- errors --------------------------------------------------------------- */

/* libpq's lines, on one. */
static const char *one_line(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; *text && n + 1 < size; text++) {
        char c = *text == '\n' || *text == '\t' ? ' ' : *text;
        if (c != ' ' || (n && out[n - 1] != ' '))
            out[n++] = c;
    }
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = 0;
    return out;
}

static int lost(cu_pg *pg, cu_err *err)
{
    char why[300];
    return cu_fail(err, CU_NETWORK, CU_RETRY, "postgres %s: %s",
                   pg->o.plan->table->server->name,
                   one_line(PQerrorMessage(pg->conn), why, sizeof(why)));
}

/* "COPY t, line 3, column price: …" -> price. */
static void column_of_context(const char *context, char *out, size_t size)
{
    const char *at = context ? strstr(context, ", column ") : NULL;
    if (at == NULL)
        return;
    at += 9;
    const char *end = strstr(at, ": ");
    size_t n = end ? (size_t)(end - at) : strcspn(at, "\n");
    if (n < size) {
        memcpy(out, at, n);
        out[n] = 0;
    }
}

static void keep_text(char *to, size_t size, const char *text)
{
    size_t n = text ? strlen(text) : 0;
    n = n < size - 1 ? n : size - 1;
    if (n)
        memcpy(to, text, n);
    to[n] = 0;
}

static int refused(cu_pg *pg, const PGresult *r, cu_err *err)
{
    cu_pg_refusal *f = &pg->refusal;
    char line[300];
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *said = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL);
    *f = (cu_pg_refusal){0};
    if (state == NULL || strlen(state) != 5 ||
        PQstatus(pg->conn) != CONNECTION_OK)
        return lost(pg, err);
    keep_text(f->sqlstate, sizeof(f->sqlstate), state);
    keep_text(f->column, sizeof(f->column),
              PQresultErrorField(r, PG_DIAG_COLUMN_NAME));
    if (f->column[0] == 0)
        column_of_context(PQresultErrorField(r, PG_DIAG_CONTEXT), f->column,
                          sizeof(f->column));
    cu_buf b = {0};
    cu_buf_printf(&b, "%s%s%s%s", said ? said : "no message",
                  detail ? " (" : "", detail ? detail : "", detail ? ")" : "");
    cu_buf_put_u8(&b, 0);
    keep_text(f->message, sizeof(f->message), b.data);
    cu_buf_free(&b);
    cu_pg_verdict v = cu_pg_judge(state);
    cu_fail(err, v == CU_PG_ROW ? CU_DATA : CU_IO,
            v == CU_PG_AGAIN ? CU_RETRY : 0, "postgres %s: %s",
            pg->o.plan->table->server->name,
            one_line(f->message, line, sizeof(line)));
    err->sqlstate = CU_SQLSTATE(state[0], state[1], state[2], state[3],
                                state[4]);
    return (int)err->code;
}

/* --- waiting -------------------------------------------------------------- */

/* One slice until the socket is ready; fails when it is time to go. */
static int wait_socket(cu_pg *pg, bool write, cu_err *err)
{
    struct pollfd p = {.fd = PQsocket(pg->conn),
                       .events = (short)(POLLIN | (write ? POLLOUT : 0))};
    if (p.fd < 0)
        return lost(pg, err);
    poll(&p, 1, SLICE_MS);
    if (pg->o.stop == NULL || atomic_load(pg->o.stop) == 0)
        return 0;
    int64_t now = cu_mono_us(pg->o.env);
    if (pg->next_us == 0)
        pg->next_us = now + GRACE_US;
    if (now < pg->next_us)
        return 0;
    return cu_fail(err, CU_STOPPED, 0, "stopped");
}

static int flush(cu_pg *pg, cu_err *err)
{
    int left;
    while ((left = PQflush(pg->conn)) > 0) {
        if (PQconsumeInput(pg->conn) == 0)
            return lost(pg, err);
        int rc = wait_socket(pg, true, err);
        if (rc)
            return rc;
    }
    return left < 0 ? lost(pg, err) : 0;
}

/* The next result, or NULL at the end of the statement. */
static int next_result(cu_pg *pg, PGresult **out, cu_err *err)
{
    int rc = flush(pg, err);
    while (rc == 0 && PQisBusy(pg->conn)) {
        rc = wait_socket(pg, false, err);
        if (rc == 0 && PQconsumeInput(pg->conn) == 0)
            return lost(pg, err);
    }
    if (rc == 0)
        *out = PQgetResult(pg->conn);
    return rc;
}

/* --- connecting ----------------------------------------------------------- */

static int start(cu_pg *pg, cu_err *err)
{
    const cu_server_def *d = pg->o.plan->table->server;
    enum { MOST = 24 };
    const char *names[MOST + 1] = {0}, *values[MOST + 1] = {0};
    cu_arena *a = cu_arena_new(1024);
    uint32_t n = 0;
    for (; n < d->n_properties && n < MOST - 8; n++) {
        const cu_header *h = &d->properties[n];
        names[n] = cu_arena_strn(a, h->name.data, h->name.len);
        values[n] = cu_arena_strn(a, h->value.data, h->value.len);
    }
    const char *more[][2] = {
        {"client_encoding", "UTF8"},
        {"application_name", cu_arena_printf(a, "cupel %s", pg->o.app)},
        {"keepalives_idle", "10"},
        {"keepalives_interval", "5"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "20000"}};
    for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++, n++) {
        names[n] = more[i][0];
        values[n] = more[i][1];
    }
    pg->conn = PQconnectStartParams(names, values, 0);
    cu_arena_free(a);
    return pg->conn ? 0 : cu_fail(err, CU_IO, CU_RETRY, "libpq has no memory");
}

static int no_connection(cu_pg *pg, cu_err *err)
{
    char why[300];
    const char *said = one_line(PQerrorMessage(pg->conn), why, sizeof(why));
    bool passes = cu_pg_refusal_passes(said);
    return cu_fail(err, passes ? CU_NETWORK : CU_DENIED, passes ? CU_RETRY : 0,
                   "postgres %s: %s", pg->o.plan->table->server->name, said);
}

static int connect_it(cu_pg *pg, cu_err *err)
{
    int64_t deadline = cu_mono_us(pg->o.env) + CONNECT_US;
    int rc = start(pg, err);
    PostgresPollingStatusType s = PGRES_POLLING_WRITING;
    while (rc == 0 && s != PGRES_POLLING_OK) {
        if (s == PGRES_POLLING_FAILED || PQstatus(pg->conn) == CONNECTION_BAD)
            return no_connection(pg, err);
        struct pollfd p = {.fd = PQsocket(pg->conn),
                           .events = s == PGRES_POLLING_READING ? POLLIN
                                                                : POLLOUT};
        int ready = poll(&p, 1, SLICE_MS);
        if (pg->o.stop && atomic_load(pg->o.stop))
            return cu_fail(err, CU_STOPPED, 0, "stopped");
        if (cu_mono_us(pg->o.env) > deadline)
            return cu_fail(err, CU_TIMEOUT, CU_RETRY,
                           "postgres %s: no answer to the connection in 10 s",
                           pg->o.plan->table->server->name);
        if (ready > 0)
            s = PQconnectPoll(pg->conn);
    }
    if (rc == 0)
        PQsetnonblocking(pg->conn, 1);
    return rc;
}

static void be_quiet(void *ctx, const PGresult *r)
{
    (void)ctx; /* "relation exists already, skipping" */
    (void)r;
}

int cu_pg_open(const cu_pg_opts *opts, cu_pg **out, cu_err *err)
{
    cu_pg *pg = cu_calloc(1, sizeof(*pg));
    pg->o = *opts;
    int rc = connect_it(pg, err);
    if (rc == 0) {
        PQsetNoticeReceiver(pg->conn, be_quiet, NULL);
        rc = cu_pg_run(pg,
                       "SELECT set_config('datestyle', 'ISO, YMD', false), "
                       "set_config('intervalstyle', 'postgres', false), "
                       "set_config('timezone', 'UTC', false), "
                       "set_config('lock_timeout', '15s', false), "
                       "set_config('idle_in_transaction_session_timeout', "
                       "'30s', false)",
                       NULL, 0, NULL, err);
    }
    if (rc) {
        cu_pg_close(pg);
        return rc;
    }
    *out = pg;
    return 0;
}

void cu_pg_close(cu_pg *pg)
{
    if (pg == NULL)
        return;
    if (pg->conn)
        PQfinish(pg->conn);
    cu_free(pg);
}

/* --- statements ----------------------------------------------------------- */

/* Reads to the end of the statement; the last result counts. */
static int finish(cu_pg *pg, cu_pg_rows **out, cu_err *err)
{
    PGresult *r = NULL, *last = NULL;
    int rc = next_result(pg, &r, err);
    while (rc == 0 && r) {
        PQclear(last);
        last = r;
        r = NULL;
        if (PQstatus(pg->conn) == CONNECTION_BAD)
            break;
        rc = next_result(pg, &r, err);
    }
    if (rc == 0 && last == NULL)
        rc = lost(pg, err);
    if (rc == 0 && PQresultStatus(last) != PGRES_TUPLES_OK &&
        PQresultStatus(last) != PGRES_COMMAND_OK)
        rc = refused(pg, last, err);
    if (rc == 0 && out)
        *out = last;
    else
        PQclear(last);
    return rc;
}

int cu_pg_run(cu_pg *pg, const char *sql, const char *const *params, int n,
              cu_pg_rows **out, cu_err *err)
{
    if (out)
        *out = NULL;
    if (!PQsendQueryParams(pg->conn, sql, n, NULL, params, NULL, NULL, 0))
        return lost(pg, err);
    return finish(pg, out, err);
}

int cu_pg_n(const cu_pg_rows *r)
{
    return PQntuples(r);
}

const char *cu_pg_at(const cu_pg_rows *r, int row, int col)
{
    return PQgetvalue(r, row, col);
}

int64_t cu_pg_affected(const cu_pg_rows *r)
{
    return strtoll(PQcmdTuples((PGresult *)r), NULL, 10);
}

void cu_pg_rows_free(cu_pg_rows *r)
{
    PQclear(r);
}

static int put(cu_pg *pg, cu_slice bytes, cu_err *err)
{
    for (;;) {
        int sent = PQputCopyData(pg->conn, bytes.data, (int)bytes.len);
        if (sent > 0)
            return 0;
        int rc = sent < 0 ? lost(pg, err) : flush(pg, err);
        if (rc)
            return rc;
    }
}

static int end_copy(cu_pg *pg, cu_err *err)
{
    for (;;) {
        int sent = PQputCopyEnd(pg->conn, NULL);
        if (sent > 0)
            return finish(pg, NULL, err);
        int rc = sent < 0 ? lost(pg, err) : flush(pg, err);
        if (rc)
            return rc;
    }
}

int cu_pg_copy(cu_pg *pg, const char *sql, const cu_slice *rows, uint32_t first,
               uint32_t end, cu_err *err)
{
    PGresult *r = NULL;
    if (!PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 0))
        return lost(pg, err);
    int rc = next_result(pg, &r, err);
    bool open = rc == 0 && PQresultStatus(r) == PGRES_COPY_IN;
    if (rc == 0 && !open)
        rc = refused(pg, r, err);
    PQclear(r);
    if (!open) {
        cu_err after = {0};
        if (rc && PQstatus(pg->conn) == CONNECTION_OK && rc != CU_STOPPED)
            finish(pg, NULL, &after);
        return rc;
    }
    for (uint32_t i = first; rc == 0 && i < end; i++) {
        rc = put(pg, rows[i], err);
        if (rc == 0)
            rc = put(pg, CU_LIT("\n"), err);
    }
    return rc ? rc : end_copy(pg, err);
}
