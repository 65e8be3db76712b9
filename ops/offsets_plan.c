/* The plan of `offsets reset`: where each partition is and where it goes.
 *
 * A position that the topic does not have is moved to the nearest one that it
 * has, and the note says so.
 */
#include "ops/offsets.h"

static const char *number(cu_arena *a, int64_t n)
{
    return cu_arena_printf(a, "%lld", (long long)n);
}

/* --- which ---------------------------------------------------------------- */

static bool named(const cu_narrow *by, cu_part part)
{
    if (strcmp(by->topic, part.topic) != 0)
        return false;
    for (uint32_t i = 0; i < by->n; i++)
        if (by->partitions[i] == part.partition)
            return true;
    return by->n == 0;
}

static bool has(const cu_lag *rows, const char *topic, int32_t partition)
{
    for (uint32_t i = 0; i < rows->n; i++)
        if (strcmp(rows->at[i].part.topic, topic) == 0 &&
            (partition < 0 || rows->at[i].part.partition == partition))
            return true;
    return false;
}

void cu_lag_narrow(cu_lag *rows, const cu_narrow *by, uint32_t n,
                   const char **missing)
{
    uint32_t kept = 0;
    *missing = NULL;
    for (uint32_t k = 0; k < n; k++) {
        if (!has(rows, by[k].topic, -1))
            *missing = by[k].topic;
        for (uint32_t i = 0; i < by[k].n; i++)
            if (!has(rows, by[k].topic, by[k].partitions[i]))
                *missing = by[k].topic;
    }
    for (uint32_t i = 0; n && i < rows->n; i++) {
        bool stays = false;
        for (uint32_t k = 0; k < n; k++)
            stays = stays || named(&by[k], rows->at[i].part);
        if (stays)
            rows->at[kept++] = rows->at[i];
    }
    if (n)
        rows->n = kept;
}

/* --- where ---------------------------------------------------------------- */

static const cu_position *listed(const cu_positions *p, cu_part part)
{
    for (size_t i = 0; i < p->n; i++)
        if (cu_part_eq(p->at[i].part, part))
            return &p->at[i];
    return NULL;
}

static int wanted(cu_log *log, const cu_goal *g, cu_move *m, int64_t *out,
                  cu_err *err)
{
    const cu_lag_row *r = &m->at;
    switch (g->kind) {
    case CU_GOAL_EARLIEST:
        *out = r->oldest;
        return 0;
    case CU_GOAL_LATEST:
        *out = r->end;
        return 0;
    case CU_GOAL_CURRENT:
        *out = r->at == CU_NO_OFFSET ? r->end : r->at;
        if (r->at == CU_NO_OFFSET)
            m->note = "no position yet: the end";
        return 0;
    case CU_GOAL_OFFSET:
        *out = g->n;
        return 0;
    case CU_GOAL_SHIFT:
        if (r->at == CU_NO_OFFSET)
            return cu_fail(err, CU_USAGE, 0,
                           "%s[%d] has no position that could be shifted; "
                           "leave it out with --topic, or name a position",
                           r->part.topic, (int)r->part.partition);
        if (__builtin_add_overflow(r->at, g->n, out))
            *out = g->n < 0 ? 0 : INT64_MAX;
        return 0;
    case CU_GOAL_TIME:
        return log->vt->offset_at(log, r->part, g->n < 0 ? 0 : g->n, out, err);
    case CU_GOAL_FILE:
        *out = listed(&g->listed, r->part)->next;
        return 0;
    }
    return 0;
}

static void clamp(cu_move *m, int64_t want, cu_arena *a)
{
    const cu_lag_row *r = &m->at;
    m->next = want;
    if (want < r->oldest) {
        m->next = r->oldest;
        m->note = cu_arena_printf(a, "%lld is gone: the oldest",
                                  (long long)want);
    } else if (want > r->end) {
        m->next = r->end;
        m->note = cu_arena_printf(a, "%lld is not there yet: the end",
                                  (long long)want);
    }
}

static int check_file(const cu_goal *g, const cu_lag *rows, cu_err *err)
{
    for (size_t i = 0; g->kind == CU_GOAL_FILE && i < g->listed.n; i++) {
        cu_part p = g->listed.at[i].part;
        if (!has(rows, p.topic, p.partition))
            return cu_fail(err, CU_USAGE, 0,
                           "the file names %s[%d], which is none of the "
                           "partitions that are read here",
                           p.topic, (int)p.partition);
    }
    return 0;
}

int cu_moves_plan(cu_log *log, const cu_goal *g, const cu_lag *rows,
                  cu_arena *a, cu_moves *out, cu_err *err)
{
    *out = (cu_moves){.at = cu_arena_calloc(a, rows->n + 1, sizeof(*out->at))};
    int rc = check_file(g, rows, err);
    for (uint32_t i = 0; rc == 0 && i < rows->n; i++) {
        int64_t want;
        cu_move *m = &out->at[out->n];
        m->at = rows->at[i];
        if (g->kind == CU_GOAL_FILE && !listed(&g->listed, m->at.part))
            continue;
        out->n++;
        rc = wanted(log, g, m, &want, err);
        if (rc == 0)
            clamp(m, want, a);
    }
    return rc;
}

/* --- shown ---------------------------------------------------------------- */

void cu_moves_print(cu_cmd *c, const char *group, const cu_moves *m)
{
    static const char *const names[] = {"group",    "topic", ">partition",
                                        ">current", ">new",  ">lag",
                                        ">oldest",  ">end",  "note"};
    cu_cells *t = cu_cells_new(c->arena, names, 9);
    const char *none = c->o.output == CU_OUT_TEXT ? "-" : NULL;
    for (uint32_t i = 0; i < m->n; i++) {
        const cu_lag_row *r = &m->at[i].at;
        const char *row[] = {group,
                             r->part.topic,
                             number(c->arena, r->part.partition),
                             r->at == CU_NO_OFFSET ? none
                                                   : number(c->arena, r->at),
                             number(c->arena, m->at[i].next),
                             number(c->arena, r->end - m->at[i].next),
                             number(c->arena, r->oldest),
                             number(c->arena, r->end),
                             m->at[i].note ? m->at[i].note : none};
        cu_cells_add(t, row);
    }
    cu_cells_print(t, c);
}

void cu_positions_csv(const cu_positions *p, cu_buf *out)
{
    for (size_t i = 0; i < p->n; i++)
        cu_buf_printf(out, "%s,%d,%lld\n", p->at[i].part.topic,
                      (int)p->at[i].part.partition, (long long)p->at[i].next);
}
