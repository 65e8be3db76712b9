#include "tests/unit/engine/script.h"

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_RECORDS = 64 };

/* A transaction's records until they are committed. */
typedef struct player {
    rig *r;
    script_cut cut;
    cu_arena *arena;
    cu_record records[MOST_RECORDS];
    uint32_t n;
    const char *file; /* of the records that come; NULL: none */
    int64_t line;
} player;

static void send(player *p)
{
    cu_err err = {0};
    cu_writer *w;
    cu_log *log = p->r->log;
    if (p->n == 0)
        return;
    cr_assert_eq(log->vt->writer_open(log, "feeder", &w, &err), 0);
    cr_assert_eq(w->vt->begin(w, &err), 0);
    for (uint32_t i = 0; i < p->n; i++)
        cr_assert_eq(cu_log_append(w, &p->records[i], &err), 0, "%s", err.msg);
    cr_assert_eq(w->vt->commit(w, 1000, p->arena, NULL, &err), 0);
    w->vt->writer_close(w);
    p->n = 0;
}

static void flush(player *p)
{
    send(p);
    rig_run(p->r);
    if (p->cut == CUT_KILL)
        rig_kill(p->r);
    if (p->cut == CUT_WIPE)
        rig_wipe(p->r);
    if (p->cut == CUT_KILL || p->cut == CUT_WIPE)
        rig_run(p->r);
}

static void add(player *p, const char *topic, int32_t part, const char *key,
                const char *value, const char *mark)
{
    cu_header *h = cu_arena_calloc(p->arena, 2, sizeof(*h));
    cr_assert_lt(p->n, MOST_RECORDS, "too many records in one transaction");
    cu_record *rec = &p->records[p->n++];
    *rec = (cu_record){.part = {cu_arena_str(p->arena, topic), part},
                       .timestamp_ms = cu_wall_us(p->r->env) / 1000,
                       .headers = h};
    if (key && strcmp(key, "-") != 0)
        rec->key = cu_slice_of(cu_arena_str(p->arena, key));
    if (value && strcmp(value, "null") != 0)
        rec->value = cu_slice_of(cu_arena_str(p->arena, value));
    if (p->file)
        h[rec->n_headers++] = (cu_header){CU_LIT(CU_H_FILE),
                                          cu_slice_of(p->file)};
    if (mark)
        h[rec->n_headers++] = (cu_header){CU_LIT(CU_H_SNAPSHOT),
                                          cu_slice_of(mark)};
    else if (p->file)
        h[rec->n_headers++] = (cu_header){
            CU_LIT(CU_H_LINE), cu_slice_of(cu_arena_printf(
                                   p->arena, "%lld", (long long)++p->line))};
}

static void add_record(player *p, const char *line)
{
    char topic[64], key[300];
    int part = 0, at = 0;
    int n = sscanf(line, "%63s %d %299s %n", topic, &part, key, &at);
    cr_assert(n == 3 && at > 0, "no record: %s", line);
    add(p, topic, part, key, line + at, NULL);
}

static void play_line(player *p, const char *line)
{
    char topic[64], file[128];
    long long ms = 0;
    bool feeds = true;
    if (sscanf(line, "begin %63s %127s", topic, file) == 2) {
        p->file = cu_arena_str(p->arena, file);
        p->line = 0;
        add(p, topic, 0, NULL, "", "begin");
    } else if (sscanf(line, "end %63s", topic) == 1) {
        add(p, topic, 0, NULL, "", "end");
    } else if (sscanf(line, "file %63s %127s", topic, file) == 2) {
        p->file = cu_arena_str(p->arena, file);
        p->line = 0;
        return;
    } else if (sscanf(line, "pass %lld", &ms) == 1) {
        flush(p);
        rig_pass_ms(p->r, ms);
        feeds = false;
    } else if (sscanf(line, "crash %63s", topic) == 1) {
        send(p);
        cr_expect(rig_crash(p->r, topic), "%s was not met", topic);
        feeds = false;
    } else if (strcmp(line, "run") == 0) {
        flush(p);
        feeds = false;
    } else if (strcmp(line, "kill") == 0) {
        flush(p);
        rig_kill(p->r);
        feeds = false;
    } else {
        add_record(p, line);
    }
    if (!feeds || p->cut != CUT_NOT)
        flush(p);
}

void script_play(rig *r, const char *script, script_cut cut)
{
    player *p = cu_calloc(1, sizeof(*p));
    *p = (player){.r = r, .cut = cut, .arena = cu_arena_new(0)};
    while (*script) {
        size_t n = strcspn(script, "\n");
        while (n && *script == ' ') {
            script++;
            n--;
        }
        if (n)
            play_line(p, cu_arena_strn(p->arena, script, n));
        script += n + (script[n] != 0);
    }
    flush(p);
    cu_arena_free(p->arena);
    cu_free(p);
}

void script_expect(rig *r, const char *want, const char *how)
{
    char view[64];
    cu_buf rows = {0};
    while (*want) {
        size_t n = strcspn(want, "\n");
        cr_assert(n && n < sizeof(view) && *want != ' ', "no view: %s", want);
        memcpy(view, want, n);
        view[n] = 0;
        want += n + (want[n] != 0);
        cu_buf_clear(&rows);
        while (*want == ' ') {
            n = strcspn(want, "\n");
            cu_buf_put_slice(&rows, cu_slice_n(want + 2, n - 2));
            cu_buf_put_str(&rows, "\n");
            want += n + (want[n] != 0);
        }
        cu_buf_put_u8(&rows, 0);
        cr_expect_str_eq(rig_view(r, view), rows.data, "%s, %s:\n%s", view, how,
                         rig_view(r, view));
    }
    cu_buf_free(&rows);
}

void script_check_once(const char *sql, const char *script, script_cut cut,
                       bool beside, const char *want)
{
    static const char *const cuts[] = {"at once", "each", "killed", "wiped"};
    rig r;
    char how[64];
    if (beside)
        rig_open_beside(&r, sql, NULL);
    else
        rig_open(&r, sql, NULL);
    rig_run(&r);
    script_play(&r, script, cut);
    snprintf(how, sizeof(how), "%s%s", cuts[cut], beside ? ", beside" : "");
    script_expect(&r, want, how);
    rig_close(&r);
}

void script_check(const char *sql, const char *script, const char *want)
{
    for (int beside = 0; beside < 2; beside++)
        for (int cut = 0; cut < CUT_KINDS; cut++)
            if (cut != CUT_WIPE || beside)
                script_check_once(sql, script, (script_cut)cut, beside != 0,
                                  want);
}
