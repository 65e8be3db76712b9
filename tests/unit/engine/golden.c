#include "tests/unit/engine/golden.h"

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { MOST_TOPICS = 16, MOST_RECORDS = 64 };

typedef struct script {
    rig r;
    golden_mode mode;
    cu_buf out;
    struct {
        const char *name;
        int64_t next[RIG_PARTITIONS];
    } topics[MOST_TOPICS];
    uint32_t n_topics;
    rig_record waiting[MOST_RECORDS]; /* until the next "--" */
    uint32_t n_waiting;
} script;

/* --- rows ----------------------------------------------------------------- */

static bool is_time_of_day(cu_slice s)
{
    return s.len >= 8 && s.data[2] == ':' && s.data[5] == ':';
}

static bool is_number(cu_slice s)
{
    size_t i = s.len > 1 && s.data[0] == '-';
    for (; i < s.len; i++)
        if ((s.data[i] < '0' || s.data[i] > '9') && s.data[i] != '.')
            return false;
    return s.len > 0;
}

static void put_cell(cu_buf *out, cu_slice cell)
{
    if (cu_slice_eq(cell, CU_LIT("-")))
        cu_buf_put_str(out, "null");
    else if (is_number(cell) || cell.data[0] == '[' || cell.data[0] == '{')
        cu_buf_put_slice(out, cell);
    else if (is_time_of_day(cell))
        cu_buf_printf(out, "\"2024-01-01 %.*sZ\"", (int)cell.len, cell.data);
    else
        cu_buf_printf(out, "\"%.*s\"", (int)cell.len, cell.data);
}

static cu_slice next_word(cu_slice *line)
{
    size_t at = 0, len = 0;
    while (at < line->len && line->data[at] == ' ')
        at++;
    while (at + len < line->len && line->data[at + len] != ' ')
        len++;
    cu_slice word = cu_slice_n(line->data + at, len);
    *line = cu_slice_n(line->data + at + len, line->len - at - len);
    return word;
}

static const cu_table_def *table_of(const script *s, cu_slice topic)
{
    const cu_program *p = s->r.program;
    for (uint32_t i = 0; i < p->n_tables; i++)
        if (p->tables[i]->topic &&
            cu_slice_eq(topic, cu_slice_of(p->tables[i]->topic)))
            return p->tables[i];
    cr_assert_fail("no table reads %.*s", (int)topic.len, topic.data);
    return NULL;
}

/* "t/0 1 x 00:00:10" */
static void feed(script *s, cu_slice target, cu_slice cells)
{
    size_t slash = 0;
    while (slash < target.len && target.data[slash] != '/')
        slash++;
    cu_slice topic = cu_slice_n(target.data, slash);
    int32_t partition = target.data[slash + 1] - '0';
    const cu_table_def *t = table_of(s, topic);
    cu_buf row = {0};
    cu_slice cell = next_word(&cells);
    if (cell.len && cell.data[0] == '{') {
        cu_buf_put(&row, cell.data,
                   (size_t)(cells.data + cells.len - cell.data));
    } else {
        cu_buf_put_str(&row, "{");
        for (uint32_t i = 0; cell.len; i++, cell = next_word(&cells)) {
            cr_assert_lt(i, t->schema->n, "too many cells");
            cu_buf_printf(&row, "%s\"%s\": ", i ? ", " : "",
                          t->schema->fields[i].name);
            put_cell(&row, cell);
        }
        cu_buf_put_str(&row, "}");
    }
    cr_assert_lt(s->n_waiting, MOST_RECORDS);
    s->waiting[s->n_waiting++] = (rig_record){
        t->topic, partition, cu_arena_strn(s->r.arena, row.data, row.len)};
    cu_buf_free(&row);
}

/* --- printing ------------------------------------------------------------- */

static void print_topic(script *s, cu_slice name, const char *header)
{
    uint32_t i = 0;
    while (i < s->n_topics &&
           !cu_slice_eq(name, cu_slice_of(s->topics[i].name)))
        i++;
    if (i == s->n_topics) {
        cr_assert_lt(i, MOST_TOPICS);
        s->topics[s->n_topics++].name = cu_arena_strn(s->r.arena, name.data,
                                                      name.len);
    }
    cu_buf_printf(
        &s->out, "%s:\n%s", s->topics[i].name,
        rig_deltas(&s->r, s->topics[i].name, header, s->topics[i].next));
}

static void print_view(script *s, cu_slice name)
{
    const char *view = cu_arena_strn(s->r.arena, name.data, name.len);
    cu_buf_printf(&s->out, "%s has:\n%s", view, rig_view(&s->r, view));
}

static void print_counts(script *s, cu_slice word, const char *name)
{
    if (s->mode != GOLDEN_PLAIN)
        return;
    if (cu_slice_eq(word, CU_LIT("late"))) {
        cu_buf_printf(&s->out, "late %llu\n",
                      (unsigned long long)rig_view_counts(&s->r, name)->late);
        return;
    }
    const cu_table_counts *c = rig_table_counts(&s->r, name);
    cu_buf_printf(&s->out, "in %llu applied %llu late %llu dead %llu\n",
                  (unsigned long long)c->in, (unsigned long long)c->applied,
                  (unsigned long long)c->late, (unsigned long long)c->dead);
}

/* --- the script ----------------------------------------------------------- */

static void restart(script *s)
{
    if (s->mode == GOLDEN_KILL || s->mode == GOLDEN_LOSE)
        rig_kill(&s->r);
    if (s->mode == GOLDEN_WIPE)
        rig_wipe(&s->r);
    if (s->mode != GOLDEN_PLAIN)
        rig_run(&s->r);
}

static void obey(script *s, cu_slice line)
{
    cu_slice word = next_word(&line), rest = line;
    cu_slice arg = next_word(&line);
    const char *name = cu_arena_strn(s->r.arena, arg.data, arg.len);
    if (word.len == 0)
        return;
    if (s->n_waiting && !memchr(word.data, '/', word.len)) {
        rig_feed_all(&s->r, s->waiting, s->n_waiting);
        s->n_waiting = 0;
    }
    if (cu_slice_eq(word, CU_LIT("--"))) {
        rig_run(&s->r);
        restart(s);
    } else if (cu_slice_eq(word, CU_LIT("kill"))) {
        rig_kill(&s->r);
    } else if (cu_slice_eq(word, CU_LIT("drain"))) {
        rig_drain(&s->r);
        restart(s);
    } else if (cu_slice_eq(word, CU_LIT("final"))) {
        rig_drain_final(&s->r);
        restart(s);
    } else if (cu_slice_eq(word, CU_LIT("pass"))) {
        rig_pass_ms(&s->r, strtol(name, NULL, 10));
    } else if (cu_slice_eq(word, CU_LIT("topic"))) {
        cu_slice h = next_word(&line);
        print_topic(s, arg,
                    h.len ? cu_arena_strn(s->r.arena, h.data, h.len) : NULL);
    } else if (cu_slice_eq(word, CU_LIT("view"))) {
        print_view(s, arg);
    } else if (cu_slice_eq(word, CU_LIT("late")) ||
               cu_slice_eq(word, CU_LIT("counts"))) {
        print_counts(s, word, name);
    } else if (cu_slice_eq(word, CU_LIT("keys"))) {
        uint64_t n = rig_state_keys(&s->r);
        cr_expect_leq(n, (uint64_t)strtol(name, NULL, 10),
                      "%llu state keys, not %s", (unsigned long long)n, name);
    } else {
        feed(s, word, rest);
    }
}

char *golden_run(golden_mode mode, const char *sql, const char *text)
{
    script s = {.mode = mode};
    if (mode == GOLDEN_PLAIN || mode == GOLDEN_KILL)
        rig_open(&s.r, sql, NULL);
    else
        rig_open_beside(&s.r, sql, NULL);
    while (*text) {
        size_t len = strcspn(text, "\n");
        obey(&s, cu_slice_n(text, len));
        text += len + (text[len] == '\n');
    }
    rig_close(&s.r);
    cu_buf_put_u8(&s.out, 0);
    return s.out.data;
}

/* "late 3" and "in 3 …" are only printed by processes that live on. */
static void without_counts(const char *text, cu_buf *out)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        if (strncmp(text, "late ", 5) != 0 && strncmp(text, "in ", 3) != 0)
            cu_buf_put(out, text, len + 1);
        text += len + 1;
    }
    cu_buf_put_u8(out, 0);
}

void golden_in(golden_mode mode, const char *sql, const char *text,
               const char *want)
{
    static const char *const names[] = {"plain", "kill", "lose", "wipe"};
    cu_buf expected = {0};
    char *have = golden_run(mode, sql, text);
    if (mode == GOLDEN_PLAIN)
        cu_buf_printf(&expected, "%s%c", want, 0);
    else
        without_counts(want, &expected);
    cr_expect_str_eq(have, expected.data, "%s:\n%s--- not\n%s", names[mode],
                     have, expected.data);
    cu_buf_free(&expected);
    cu_free(have);
}

void golden(const char *sql, const char *text, const char *want)
{
    for (golden_mode m = 0; m < GOLDEN_MODES; m++)
        golden_in(m, sql, text, want);
}
