/* Random pipelines for the whole binary: many cases as one app.
 *
 * A case is a function of its seed, so writing it out and feeding it are two
 * runs of this program and share nothing but the numbers.  Partitions are
 * chosen by the case, as in the simulated world; changes of all cases go out
 * interleaved, some of each case with every piece.
 */
#include "tests/oracle/plans.h"
#include "tests/oracle/view_case.h"

#include <stdio.h>

/* No machine stands still for so long: what is fed is not what is tested. */
enum { FEED_MS = 240000, PATH = 4096 };

static cu_case *case_of(uint64_t first, uint32_t i)
{
    char prefix[16];
    snprintf(prefix, sizeof(prefix), "p%u_", i);
    cu_case *c = cu_case_new(first + i, prefix);
    c->final = true; /* time ends for an app, so for all or none */
    return c;
}

/* --- writing -------------------------------------------------------------- */

static void put_string(cu_buf *out, const char *text)
{
    if (text == NULL) {
        cu_buf_put_str(out, "null");
        return;
    }
    cu_buf_put_str(out, "\"");
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < ' ') {
            cu_buf_printf(out, "\\u%04x", (unsigned)*p);
            continue;
        }
        if (*p == '"' || *p == '\\')
            cu_buf_put_str(out, "\\");
        cu_buf_put(out, p, 1);
    }
    cu_buf_put_str(out, "\"");
}

static void put_strings(cu_buf *out, const char *const *at, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        cu_buf_put_str(out, k ? "," : "[");
        put_string(out, at[k]);
    }
    cu_buf_put_str(out, "]");
}

static void put_expected(const cu_case *c, const cu_case_view *v,
                         const cu_answer *a, cu_buf *out)
{
    cu_buf_printf(out,
                  "{\"view\":\"%s\",\"seed\":%llu,\"append\":%s,"
                  "\"types\":",
                  v->name, (unsigned long long)c->seed,
                  v->append ? "true" : "false");
    put_strings(out, a->types, a->n_cols);
    cu_buf_put_str(out, ",\"columns\":");
    put_strings(out, a->names, a->n_cols);
    cu_buf_put_str(out, ",\"rows\":[");
    for (uint32_t i = 0; i < a->n_rows; i++) {
        cu_buf_put_str(out, i ? "," : "");
        put_strings(out, a->cells + (size_t)i * a->n_cols, a->n_cols);
    }
    cu_buf_put_str(out, "]}\n");
}

static bool ask(cu_postgres *pg, const cu_case *c, cu_arena *a, cu_buf *out)
{
    cu_answer at[CU_CASE_VIEWS];
    uint32_t views[CU_CASE_VIEWS], n = 0;
    cu_buf sql = {0};
    cu_case_postgres(c, &sql);
    cu_case_inserts(c, 0, c->n_changes, &sql);
    for (uint32_t i = 0; i < c->n_views; i++)
        if (!c->views[i].plain && !c->views[i].shared) {
            cu_buf_printf(&sql, "SELECT * FROM %s;\n", c->views[i].name);
            views[n++] = i;
        }
    cu_buf_put_u8(&sql, 0);
    cu_postgres_send(pg, sql.data);
    bool good = cu_postgres_collect(pg, a, at, n, false);
    for (uint32_t i = 0; good && i < n; i++)
        put_expected(c, &c->views[views[i]], &at[i], out);
    cu_buf_free(&sql);
    return good;
}

static bool save(const char *folder, const char *name, const cu_buf *b)
{
    char path[PATH];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    bool good = f && fwrite(b->data, 1, b->len, f) == b->len;
    good = f && fclose(f) == 0 && good;
    if (!good)
        printf("%s cannot be written\n", path);
    return good;
}

bool cu_plans_write(cu_postgres *pg, uint64_t first, uint32_t n,
                    const char *folder)
{
    cu_arena *a = cu_arena_new(0);
    cu_buf sql = {0}, rows = {0};
    bool good = true;
    cu_buf_put_str(&sql, "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n");
    for (uint32_t i = 0; good && i < n; i++) {
        cu_case *c = case_of(first, i);
        cu_buf_printf(&sql, "-- seed %llu\n", (unsigned long long)c->seed);
        cu_case_relations(c, &sql);
        good = ask(pg, c, a, &rows);
        if (!good)
            printf("PostgreSQL does not take seed %llu\n",
                   (unsigned long long)c->seed);
        cu_case_free(c);
    }
    good = good && save(folder, "pipeline.sql", &sql) &&
           save(folder, "expected.jsonl", &rows);
    cu_buf_free(&sql);
    cu_buf_free(&rows);
    cu_arena_free(a);
    return good;
}

/* --- feeding -------------------------------------------------------------- */

typedef struct feeding {
    cu_env *env;
    cu_kv *kv;
    cu_log *log;
    cu_writer *writer;
} feeding;

static int open_log(feeding *f, const char *brokers, const char *state,
                    cu_err *err)
{
    char path[PATH];
    cu_log_kafka_opts ko = {.brokers = brokers,
                            .client_id = "plans",
                            .env = f->env,
                            .transaction_ms = FEED_MS,
                            .deadline_ms = FEED_MS};
    if (brokers)
        return cu_log_open_kafka(&ko, &f->log, err);
    int rc = f->env->vt->make_dirs(f->env, state, err);
    snprintf(path, sizeof(path), "%s/db", state);
    cu_kv_opts o = {.wal = true};
    if (rc == 0)
        rc = cu_kv_open_rocks(path, &o, &f->kv, err);
    cu_log_local_opts lo = {.kv = f->kv, .env = f->env, .carry_state = true};
    return rc ? rc : cu_log_open_local(&lo, &f->log, err);
}

static void close_log(feeding *f)
{
    if (f->writer)
        f->writer->vt->writer_close(f->writer);
    if (f->log)
        f->log->vt->close(f->log);
    if (f->kv)
        f->kv->vt->close(f->kv);
}

static int make_topics(feeding *f, const cu_case *c, cu_err *err)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < CU_CASE_TABLES; i++) {
        cu_topic_spec t = {.name = c->tables[i].name,
                           .partitions = c->partitions};
        rc = f->log->vt->topic_ensure(f->log, &t, err);
    }
    return rc;
}

/* Where a piece begins. What must have gone through before the rest is the
 * first piece. */
static uint32_t place(const cu_case *c, uint32_t piece, uint32_t pieces)
{
    uint32_t first = c->phased ? c->checks[0] : c->n_changes / pieces;
    return piece == 0
               ? 0
               : first + (c->n_changes - first) * (piece - 1) / (pieces - 1);
}

static int feed(feeding *f, cu_case **c, uint32_t n, uint32_t piece,
                uint32_t pieces, cu_err *err)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && piece == 0 && i < n; i++)
        rc = make_topics(f, c[i], err);
    if (rc == 0)
        rc = f->log->vt->writer_open(f->log, "plans.feeder", &f->writer, err);
    if (rc == 0)
        rc = f->writer->vt->begin(f->writer, err);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        uint32_t at = place(c[i], piece, pieces),
                 to = place(c[i], piece + 1, pieces);
        for (; rc == 0 && at < to; at++)
            rc = cu_case_append(c[i], &c[i]->changes[at], f->writer, err);
    }
    cu_arena *a = cu_arena_new(0);
    if (rc == 0)
        rc = f->writer->vt->commit(f->writer, FEED_MS, a, NULL, err);
    cu_arena_free(a);
    return rc;
}

bool cu_plans_feed(uint64_t first, uint32_t n, uint32_t piece, uint32_t pieces,
                   const char *brokers, const char *state)
{
    feeding f = {.env = cu_env_real(false)};
    cu_err err = {0};
    cu_arena *a = cu_arena_new(0);
    cu_case **c = cu_arena_calloc(a, n + 1, sizeof(cu_case *));
    for (uint32_t i = 0; i < n; i++)
        c[i] = case_of(first, i);
    int rc = open_log(&f, brokers, state, &err);
    if (rc == 0)
        rc = feed(&f, c, n, piece, pieces, &err);
    if (rc)
        printf("feeding: %s\n", err.msg);
    close_log(&f);
    for (uint32_t i = 0; i < n; i++)
        cu_case_free(c[i]);
    f.env->vt->close(f.env);
    cu_arena_free(a);
    return rc == 0;
}
