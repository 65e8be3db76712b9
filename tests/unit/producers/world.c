/* A world for tests of collectors. */
#include "tests/unit/producers/world.h"

#include <stdio.h>
#include <stdlib.h>

void cu_expect_failed(const char *what, const char *file, int line,
                      const cu_err *err)
{
    fprintf(stderr, "%s:%d: expected: %s%s%s\n", file, line, what,
            err ? ": " : "", err ? err->msg : "");
    abort();
}

static void open_log(cu_world *w)
{
    cu_err err = {0};
    cu_log_local_opts o = {.kv = w->kv, .env = w->env, .carry_state = true};
    CU_OK_(cu_log_open_local(&o, &w->log, &err), &err);
}

static cu_world open_with(cu_env *env)
{
    cu_world w = {.env = env, .kv = cu_kv_open_memory(7)};
    w.opts = (cu_collector_opts){
        .app = "app",
        .table = "t",
        .topic = "bronze.t",
        .partitions = 1,
        .dead_letter_topic = "app.dlq",
        .cursor_topic = "app.collectors",
        .txn_id = "app.c.t",
        .env = env,
    };
    open_log(&w);
    return w;
}

cu_world cu_world_open(uint64_t seed)
{
    return open_with(cu_env_sim(seed));
}

cu_world cu_world_real(void)
{
    cu_world w = open_with(cu_env_real(false));
    w.real = true;
    return w;
}

static void hear(void *ctx, const char *line)
{
    cu_world *w = ctx;
    cu_buf_put_str(&w->told, line);
    cu_buf_put_u8(&w->told, '\n');
}

void cu_world_listen(cu_world *w)
{
    w->opts.tell = hear;
    w->opts.ctx = w;
}

void cu_world_start(cu_world *w)
{
    cu_err err = {0};
    w->opts.log = w->log;
    w->opts.client = w->client;
    CU_OK_(cu_collector_open(&w->opts, &w->c, &err), &err);
}

void cu_world_stop(cu_world *w)
{
    cu_collector_close(w->c);
    w->c = NULL;
}

void cu_world_kill(cu_world *w)
{
    cu_world_stop(w);
    cu_kv_memory_crash(w->kv, false);
    w->log->vt->close(w->log);
    open_log(w);
}

void cu_world_restart(cu_world *w)
{
    cu_world_stop(w);
    cu_world_start(w);
}

int cu_world_pass(cu_world *w, cu_err *err)
{
    for (int steps = 0; steps < 1000000; steps++) {
        cu_collect_state state;
        int64_t wake, before = cu_mono_us(w->env);
        int rc = cu_collector_step(w->c, 20, &state, &wake, err);
        if (rc || state == CU_COLLECT_PASSED)
            return rc;
        int64_t now = cu_mono_us(w->env);
        if (state == CU_COLLECT_WAITING) {
            /* A real clock may have passed it meanwhile. */
            CU_EXPECT(wake > (w->real ? before : now));
            CU_EXPECT(wake - now <= INT64_C(3600) * 1000000);
            w->waited_us += wake - now;
            if (wake > now)
                w->env->vt->sleep_us(w->env, wake - now);
        }
    }
    CU_EXPECT(false && "the pass ends");
    return 0;
}

void cu_world_must_pass(cu_world *w)
{
    cu_err err = {0};
    CU_OK_(cu_world_pass(w, &err), &err);
}

int cu_world_pass_killed(cu_world *w)
{
    for (int kills = 0; kills < 100000; kills++) {
        cu_err err = {0};
        if (!w->c)
            cu_world_start(w);
        if (cu_world_pass(w, &err) == 0)
            return kills;
        if (err.code != CU_STOPPED)
            CU_OK_(err.code, &err);
        cu_world_kill(w);
    }
    CU_EXPECT(false && "kills end");
    return 0;
}

cu_collector_counts cu_world_counts(const cu_world *w)
{
    cu_collector_counts n;
    cu_collector_counts_get(w->c, &n);
    return n;
}

void cu_world_close(cu_world *w)
{
    cu_collector_close(w->c);
    if (w->client)
        w->client->vt->close(w->client);
    w->log->vt->close(w->log);
    w->kv->vt->close(w->kv);
    w->env->vt->close(w->env);
    cu_buf_free(&w->told);
}

/* --- reading ------------------------------------------------------------- */

typedef void visit(void *ctx, const cu_record *r);

static int32_t partitions_of(cu_world *w, const char *topic)
{
    cu_arena *a = cu_arena_new(0);
    cu_topic_list l;
    cu_err err = {0};
    int32_t n = 0;
    CU_OK_(w->log->vt->topic_list(w->log, a, &l, &err), &err);
    for (size_t i = 0; i < l.n; i++) {
        if (!strcmp(l.topics[i].name, topic))
            n = l.topics[i].partitions;
    }
    cu_arena_free(a);
    return n;
}

static void visit_all(cu_world *w, const char *topic, visit *f, void *ctx)
{
    int32_t n = partitions_of(w, topic);
    for (int32_t i = 0; i < n; i++) {
        cu_err err = {0};
        cu_reader *r;
        cu_position p = {{topic, i}, CU_OLDEST};
        cu_reader_opts o = {.parts = &p, .n_parts = 1};
        CU_OK_(w->log->vt->reader_open(w->log, &o, &r, &err), &err);
        for (cu_poll got = {0}; got.kind != CU_POLL_END;) {
            CU_OK_(cu_log_poll(r, 100, &got, &err), &err);
            for (size_t k = 0; got.kind == CU_POLL_RECORDS && k < got.n; k++)
                f(ctx, &got.records[k]);
        }
        r->vt->reader_close(r);
    }
}

typedef struct printer {
    cu_buf *out;
    const char *headers;
} printer;

static void put_text(cu_buf *out, cu_slice s, size_t most)
{
    for (size_t i = 0; i < s.len && i < most; i++)
        cu_buf_put_u8(out, s.data[i] == '\n' ? '~' : (uint8_t)s.data[i]);
    if (s.len > most)
        cu_buf_printf(out, "… (%zu)", s.len);
}

static void print(void *ctx, const cu_record *r)
{
    printer *p = ctx;
    char name[100];
    for (const char *h = p->headers; *h;) {
        size_t len = strcspn(h, ",");
        snprintf(name, sizeof(name), "%s%.*s", *h == '_' ? "" : "cupel.",
                 (int)len, h);
        cu_slice v = cu_record_header(r, name);
        put_text(p->out, v.data ? v : CU_LIT("-"), 100);
        cu_buf_put_u8(p->out, '|');
        h += len + (h[len] == ',');
    }
    if (!r->value.data)
        cu_buf_put_str(p->out, "(null)");
    put_text(p->out, r->value, 60);
    cu_buf_put_u8(p->out, '\n');
}

const char *cu_world_topic(cu_world *w, const char *topic, const char *headers)
{
    static char text[1 << 20];
    cu_buf out = {0};
    printer p = {&out, headers};
    visit_all(w, topic, print, &p);
    CU_EXPECT(out.len < sizeof(text));
    if (out.len)
        memcpy(text, out.data, out.len);
    text[out.len] = 0;
    cu_buf_free(&out);
    return text;
}

static void count(void *ctx, const cu_record *r)
{
    (void)r;
    ++*(size_t *)ctx;
}

size_t cu_world_records(cu_world *w, const char *topic)
{
    size_t n = 0;
    visit_all(w, topic, count, &n);
    return n;
}

static void digest(void *ctx, const cu_record *r)
{
    uint64_t *h = ctx;
    cu_buf b = {0};
    cu_buf_put_u64le(&b, *h);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        if (cu_slice_is(r->headers[i].name, CU_H_FETCHED))
            continue;
        cu_buf_put_lslice(&b, r->headers[i].name);
        cu_buf_put_lslice(&b, r->headers[i].value);
    }
    cu_buf_put_lslice(&b, r->value);
    *h = cu_hash(cu_buf_slice(&b));
    cu_buf_free(&b);
}

uint64_t cu_world_digest(cu_world *w, const char *topic)
{
    uint64_t h = 0;
    visit_all(w, topic, digest, &h);
    return h;
}
