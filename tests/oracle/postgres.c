#include "tests/oracle/postgres.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

/* The socket's buffers hold this many of our queries and answers. */
enum { AT_ONCE = 32, MOST_TYPES = 1024 };

typedef struct type_name {
    Oid oid;
    char name[60];
} type_name;

struct cu_postgres {
    PGconn *conn;
    type_name types[MOST_TYPES];
    uint32_t n_types;
};

static int by_oid(const void *x, const void *y)
{
    const type_name *a = x, *b = y;
    return a->oid < b->oid ? -1 : a->oid > b->oid;
}

/* Our text has no modifier in its name, and no other string types. */
static const char *our_name(const char *name)
{
    if (strcmp(name, "character varying") == 0 || strcmp(name, "name") == 0 ||
        strcmp(name, "unknown") == 0)
        return "text";
    if (strcmp(name, "character varying[]") == 0)
        return "text[]";
    return name;
}

static bool load_types(cu_postgres *p)
{
    PGresult *r = PQexec(p->conn,
                         "SELECT oid, format_type(oid, NULL) FROM pg_type "
                         "WHERE oid < 10000 ORDER BY oid");
    bool good = PQresultStatus(r) == PGRES_TUPLES_OK;
    for (int i = 0; good && i < PQntuples(r) && i < MOST_TYPES; i++) {
        type_name *t = &p->types[p->n_types++];
        t->oid = (Oid)strtoul(PQgetvalue(r, i, 0), NULL, 10);
        snprintf(t->name, sizeof(t->name), "%s", our_name(PQgetvalue(r, i, 1)));
    }
    PQclear(r);
    return good;
}

cu_postgres *cu_postgres_open(const char *dsn)
{
    cu_postgres *p = cu_calloc(1, sizeof(*p));
    p->conn = PQconnectdb(dsn);
    if (PQstatus(p->conn) != CONNECTION_OK) {
        printf("no PostgreSQL: %s\n", PQerrorMessage(p->conn));
        cu_postgres_close(p);
        return NULL;
    }
    if (!cu_postgres_run(
            p,
            "SET client_min_messages = error; SET datestyle = 'ISO, YMD'; "
            "SET intervalstyle = postgres; SET bytea_output = hex; "
            "SET extra_float_digits = 1; SET timezone = 'UTC'; "
            "SET statement_timeout = '20s'; SET work_mem = '16MB'",
            false) ||
        !load_types(p)) {
        cu_postgres_close(p);
        return NULL;
    }
    return p;
}

void cu_postgres_close(cu_postgres *p)
{
    PQfinish(p->conn);
    cu_free(p);
}

static void take_rows(cu_postgres *p, const PGresult *r, cu_arena *arena,
                      cu_answer *out)
{
    uint32_t n_cols = (uint32_t)PQnfields(r), n_rows = (uint32_t)PQntuples(r);
    cu_answer_shape(out, arena, n_cols, n_rows);
    out->names = cu_arena_calloc(arena, n_cols + 1, sizeof(*out->names));
    for (uint32_t k = 0; k < n_cols; k++) {
        type_name key = {.oid = PQftype(r, (int)k)};
        const type_name *t = bsearch(&key, p->types, p->n_types, sizeof(key),
                                     by_oid);
        out->types[k] = t ? t->name : "?";
        out->names[k] = cu_arena_str(arena, PQfname(r, (int)k));
    }
    for (uint32_t i = 0; i < n_rows; i++)
        for (uint32_t k = 0; k < n_cols; k++)
            if (!PQgetisnull(r, (int)i, (int)k))
                out->cells[(size_t)i * n_cols + k] = cu_arena_str(
                    arena, PQgetvalue(r, (int)i, (int)k));
}

static void take(cu_postgres *p, const PGresult *r, cu_arena *arena,
                 cu_answer *out)
{
    switch (PQresultStatus(r)) {
    case PGRES_TUPLES_OK:
        take_rows(p, r, arena, out);
        break;
    case PGRES_COMMAND_OK:
        break;
    default: {
        const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
        const char *said = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
        out->failed = true;
        snprintf(out->state, sizeof(out->state), "%s", state ? state : "?????");
        out->message = cu_arena_str(arena, said ? said : "no message");
        break;
    }
    }
}

/* The answers of one query, up to and with its sync. */
static void receive(cu_postgres *p, cu_arena *arena, cu_answer *out)
{
    memset(out, 0, sizeof(*out));
    for (int blanks = 0; blanks < 4;) {
        PGresult *r = PQgetResult(p->conn);
        if (r == NULL) {
            blanks++;
            continue;
        }
        ExecStatusType status = PQresultStatus(r);
        if (status != PGRES_PIPELINE_SYNC && !out->failed)
            take(p, r, arena, out);
        PQclear(r);
        if (status == PGRES_PIPELINE_SYNC)
            return;
    }
    printf("PostgreSQL went away: %s\n0 passed, 1 failed\n",
           PQerrorMessage(p->conn));
    exit(1);
}

static void ask_some(cu_postgres *p, const char *const *queries, uint32_t n,
                     cu_arena *arena, cu_answer *out)
{
    for (uint32_t i = 0; i < n; i++) {
        PQsendQueryParams(p->conn, queries[i], 0, NULL, NULL, NULL, NULL, 0);
        PQpipelineSync(p->conn);
    }
    for (uint32_t i = 0; i < n; i++)
        receive(p, arena, &out[i]);
}

void cu_postgres_ask(cu_postgres *p, const char *const *queries, uint32_t n,
                     cu_arena *arena, cu_answer *out)
{
    PQenterPipelineMode(p->conn);
    for (uint32_t i = 0; i < n; i += AT_ONCE)
        ask_some(p, queries + i, n - i < AT_ONCE ? n - i : AT_ONCE, arena,
                 out + i);
    PQexitPipelineMode(p->conn);
}

bool cu_postgres_run(cu_postgres *p, const char *sql, bool quiet)
{
    PGresult *r = PQexec(p->conn, sql);
    ExecStatusType status = PQresultStatus(r);
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
                status == PGRES_EMPTY_QUERY;
    if (!good && !quiet)
        printf("PostgreSQL refuses: %s\n    %s\n", PQerrorMessage(p->conn),
               sql);
    PQclear(r);
    return good;
}

void cu_postgres_send(cu_postgres *p, const char *sql)
{
    if (PQsendQuery(p->conn, sql))
        return;
    printf("PostgreSQL went away: %s\n0 passed, 1 failed\n",
           PQerrorMessage(p->conn));
    exit(1);
}

bool cu_postgres_collect(cu_postgres *p, cu_arena *arena, cu_answer *out,
                         uint32_t n, bool quiet)
{
    PGresult *r;
    bool good = true;
    uint32_t have = 0;
    while ((r = PQgetResult(p->conn)) != NULL) {
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_TUPLES_OK && have < n) {
            memset(&out[have], 0, sizeof(*out));
            take_rows(p, r, arena, &out[have++]);
        } else if (status == PGRES_FATAL_ERROR) {
            good = false;
            if (!quiet)
                printf("PostgreSQL refuses: %s\n", PQerrorMessage(p->conn));
        }
        PQclear(r);
    }
    return good && have == n;
}
