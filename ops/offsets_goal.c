/* The words of `offsets reset`: Kafka's own, plus times as PostgreSQL takes
 * them.  A time without zone is UTC. */
#include "ops/offsets.h"

#include "rows/text.h"

#include <stdlib.h>

static bool whole(const char *text, int64_t *out)
{
    char *end;
    *out = strtoll(text, &end, 10);
    return *text && *end == 0;
}

bool cu_goal_time(const char *text, int64_t *ms)
{
    cu_arena *a = cu_arena_new(0);
    cu_value v;
    cu_err ignored = {0};
    bool good = cu_value_in(CU_TYPE(CU_T_TIMESTAMPTZ), cu_slice_of(text), NULL,
                            a, &v, &ignored) == 0;
    good = good && v.i8 != INT64_MIN && v.i8 != INT64_MAX;
    if (good)
        *ms = (v.i8 + CU_PG_EPOCH_US) / 1000;
    cu_arena_free(a);
    return good;
}

bool cu_goal_duration(const char *text, int64_t *ms)
{
    cu_interval v;
    cu_err ignored = {0};
    /* How long a month is depends on when. */
    if (cu_interval_in(cu_slice_of(text), &v, &ignored) || v.months)
        return false;
    *ms = v.us / 1000 + (int64_t)v.days * INT64_C(86400000);
    return *ms >= 0;
}

/* --- files ---------------------------------------------------------------- */

enum { MOST_FIELDS = 5 };

static cu_slice unquoted(cu_slice s)
{
    while (s.len && (s.data[0] == ' ' || s.data[0] == '"'))
        s = cu_slice_n(s.data + 1, s.len - 1);
    while (s.len && strchr(" \"\r", s.data[s.len - 1]))
        s.len--;
    return s;
}

/* At commas, or, without one, at blanks. */
static uint32_t fields(cu_slice line, cu_slice *out)
{
    bool commas = memchr(line.data, ',', line.len) != NULL;
    uint32_t n = 0;
    size_t at = 0;
    while (at <= line.len && n < MOST_FIELDS) {
        size_t end = at;
        while (end < line.len &&
               (commas ? line.data[end] != ','
                       : line.data[end] != ' ' && line.data[end] != '\t'))
            end++;
        cu_slice f = unquoted(cu_slice_n(line.data + at, end - at));
        if (f.len || commas)
            out[n++] = f;
        at = end + 1;
    }
    return n;
}

static bool number_of(cu_slice s, cu_arena *a, int64_t *out)
{
    return whole(cu_arena_strn(a, s.data, s.len), out);
}

static bool read_line(cu_slice line, cu_arena *a, cu_position *p)
{
    cu_slice f[MOST_FIELDS];
    int64_t partition;
    uint32_t n = fields(line, f);
    if (n != 3 && n != 4)
        return false;
    const cu_slice *last = f + n - 3; /* a group may stand in front */
    if (!number_of(last[1], a, &partition) || partition < 0 ||
        partition > INT32_MAX || !number_of(last[2], a, &p->next) ||
        p->next < 0 || last[0].len == 0)
        return false;
    p->part.topic = cu_arena_strn(a, last[0].data, last[0].len);
    p->part.partition = (int32_t)partition;
    return true;
}

static bool is_header(cu_slice line)
{
    cu_slice f[MOST_FIELDS];
    uint32_t n = fields(line, f);
    return n >= 3 &&
           (cu_slice_is(f[n - 1], "offset") || cu_slice_is(f[n - 1], "OFFSET"));
}

static bool listed(const cu_positions *p, cu_part part)
{
    for (size_t i = 0; i < p->n; i++)
        if (cu_part_eq(p->at[i].part, part))
            return true;
    return false;
}

int cu_goal_read(cu_slice text, cu_arena *a, cu_positions *out, cu_err *err)
{
    size_t most = 1, at = 0;
    for (size_t i = 0; i < text.len; i++)
        most += text.data[i] == '\n';
    *out = (cu_positions){.at = cu_arena_calloc(a, most, sizeof(*out->at))};
    for (size_t line = 1; at < text.len; line++) {
        size_t end = at;
        while (end < text.len && text.data[end] != '\n')
            end++;
        cu_slice s = unquoted(cu_slice_n(text.data + at, end - at));
        s = s.len ? cu_slice_n(text.data + at, end - at) : s;
        at = end + 1;
        if (s.len == 0 || (line == 1 && is_header(s)))
            continue;
        cu_position p;
        if (!read_line(s, a, &p))
            return cu_fail(err, CU_USAGE, 0,
                           "line %zu is no \"topic,partition,offset\"", line);
        if (listed(out, p.part))
            return cu_fail(err, CU_USAGE, 0, "line %zu: %s[%d] stands twice",
                           line, p.part.topic, (int)p.part.partition);
        out->at[out->n++] = p;
    }
    if (out->n == 0)
        return cu_fail(err, CU_USAGE, 0, "there is no position in it");
    return 0;
}

/* --- words ---------------------------------------------------------------- */

static int of_file(cu_cmd *c, const char *path, cu_goal *g)
{
    static const size_t most = 64 << 20;
    cu_slice text;
    cu_err err = {0};
    g->kind = CU_GOAL_FILE;
    int rc = c->env->vt->read_file(c->env, path, most, c->arena, &text, &err);
    if (rc == 0)
        rc = cu_goal_read(text, c->arena, &g->listed, &err);
    if (rc)
        cu_err_note(&err, "%s: ", path);
    return rc ? cu_tell(c, &err) : 0;
}

static int of_number(cu_cmd *c, const char *name, const char *text, bool signs,
                     cu_goal *g)
{
    if (!whole(text, &g->n) || (!signs && g->n < 0))
        return cu_usage(c, "--%s wants a number, not \"%s\"", name, text);
    return 0;
}

static int of_time(cu_cmd *c, const char *text, cu_goal *g)
{
    if (!cu_goal_time(text, &g->n))
        return cu_usage(c,
                        "--to-datetime wants a time like 2024-05-01T12:00:00 "
                        "(UTC unless it names a zone), not \"%s\"",
                        text);
    return 0;
}

static int of_duration(cu_cmd *c, const char *text, cu_goal *g)
{
    int64_t ms;
    if (!cu_goal_duration(text, &ms))
        return cu_usage(c,
                        "--by-duration wants days and times like P1DT2H30M or "
                        "\"90 minutes\", not \"%s\"",
                        text);
    g->n = cu_wall_us(c->env) / 1000 - ms;
    return 0;
}

int cu_goal_parse(cu_cmd *c, const char *file, cu_goal *out)
{
    const cu_options *o = &c->o;
    int n = o->to_earliest + o->to_latest + o->to_current +
            (o->to_offset != NULL) + (o->shift_by != NULL) +
            (o->to_datetime != NULL) + (o->by_duration != NULL) +
            (o->from_file != NULL) + (file != NULL);
    *out = (cu_goal){0};
    if (file && n > 1)
        return cu_usage(c, "offsets import takes the positions of its file");
    if (n != 1)
        return cu_usage(c, "offsets reset wants exactly one of --to-earliest, "
                           "--to-latest, --to-current, --to-offset N, "
                           "--shift-by N, --to-datetime T, --by-duration D, "
                           "--from-file F");
    if (file || o->from_file)
        return of_file(c, file ? file : o->from_file, out);
    out->kind = o->to_earliest  ? CU_GOAL_EARLIEST
                : o->to_latest  ? CU_GOAL_LATEST
                : o->to_current ? CU_GOAL_CURRENT
                : o->to_offset  ? CU_GOAL_OFFSET
                : o->shift_by   ? CU_GOAL_SHIFT
                                : CU_GOAL_TIME;
    if (o->to_offset)
        return of_number(c, "to-offset", o->to_offset, false, out);
    if (o->shift_by)
        return of_number(c, "shift-by", o->shift_by, true, out);
    if (o->to_datetime)
        return of_time(c, o->to_datetime, out);
    return o->by_duration ? of_duration(c, o->by_duration, out) : 0;
}

/* --- --topic -------------------------------------------------------------- */

static bool read_partitions(cu_cmd *c, const char *text, cu_narrow *out)
{
    size_t most = 1;
    for (const char *p = text; *p; p++)
        most += *p == ',';
    out->partitions = cu_arena_calloc(c->arena, most, sizeof(*out->partitions));
    for (;;) {
        char *end;
        long n = strtol(text, &end, 10);
        if (end == text || n < 0 || n > INT32_MAX || (*end && *end != ','))
            return false;
        out->partitions[out->n++] = (int32_t)n;
        if (*end == 0)
            return true;
        text = end + 1;
    }
}

int cu_narrow_parse(cu_cmd *c, cu_narrow **out, uint32_t *n)
{
    const char *p = c->o.topics;
    *n = 0;
    *out = cu_arena_calloc(c->arena, p ? strlen(p) + 1 : 1, sizeof(**out));
    while (p && *p) {
        size_t len = strcspn(p, " ");
        char *word = cu_arena_strn(c->arena, p, len);
        char *colon = strchr(word, ':');
        cu_narrow *t = &(*out)[*n];
        t->topic = word;
        if (colon) {
            *colon = 0;
            if (!read_partitions(c, colon + 1, t))
                return cu_usage(c,
                                "--topic wants TOPIC or TOPIC:0,1,2, not "
                                "\"%.*s\"",
                                (int)len, p);
        }
        *n += len > 0;
        p += len;
        p += *p == ' ';
    }
    return 0;
}
