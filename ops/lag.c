#include "ops/lag.h"

#include <stdlib.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **cu_lag_inputs(const cu_stages *s, cu_arena *a, uint32_t *n)
{
    uint32_t most = 0, unique = 0;
    for (uint32_t i = 0; i < s->n; i++)
        most += s->at[i]->n_feeds;
    const char **names = cu_arena_calloc(a, most + 1, sizeof(*names));
    *n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t k = 0; k < s->at[i]->n_feeds; k++)
            if (s->at[i]->feeds[k].kind != CU_FEED_STAGE)
                names[(*n)++] = s->at[i]->feeds[k].topic;
    qsort(names, *n, sizeof(*names), by_name);
    for (uint32_t i = 0; i < *n; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]))
            names[unique++] = names[i];
    *n = unique;
    return names;
}

static int64_t position_of(const cu_positions *p, cu_part part)
{
    for (size_t i = 0; i < p->n; i++)
        if (cu_part_eq(p->at[i].part, part))
            return p->at[i].next;
    return CU_NO_OFFSET;
}

static int measure(cu_log *log, cu_lag_row *r, cu_err *err)
{
    int rc = log->vt->offset_at(log, r->part, CU_OLDEST, &r->oldest, err);
    if (rc == 0)
        rc = log->vt->end_offset(log, r->part, false, &r->end, err);
    int64_t from = r->at > r->oldest ? r->at : r->oldest;
    r->lag = rc == 0 && r->end > from ? r->end - from : 0;
    return rc;
}

int cu_lag_read(cu_log *log, const char *group, const char *const *topics,
                uint32_t n_topics, cu_arena *a, cu_lag *out, cu_err *err)
{
    cu_topic_list known = {0};
    cu_positions positions = {0};
    *out = (cu_lag){0};
    int rc = log->vt->topic_list(log, a, &known, err);
    if (rc == 0)
        rc = log->vt->group_positions(log, group, a, &positions, err);
    size_t most = 0;
    for (size_t i = 0; i < known.n; i++)
        most += (size_t)known.topics[i].partitions;
    out->at = cu_arena_calloc(a, most + 1, sizeof(*out->at));
    for (size_t i = 0; rc == 0 && i < known.n; i++) {
        const cu_topic_info *t = &known.topics[i];
        bool wanted = false;
        for (uint32_t k = 0; k < n_topics; k++)
            wanted = wanted || strcmp(topics[k], t->name) == 0;
        for (int32_t p = 0; rc == 0 && wanted && p < t->partitions; p++) {
            cu_lag_row *r = &out->at[out->n++];
            r->part = (cu_part){t->name, p};
            r->at = position_of(&positions, r->part);
            rc = measure(log, r, err);
            out->total += r->lag;
        }
    }
    return rc;
}

static int by_part(const void *a, const void *b)
{
    const cu_lag_row *x = a, *y = b;
    int d = strcmp(x->part.topic, y->part.topic);
    if (d)
        return d;
    return (x->part.partition > y->part.partition) -
           (x->part.partition < y->part.partition);
}

int cu_lag_group(cu_log *log, const char *group, cu_arena *a, cu_lag *out,
                 cu_err *err)
{
    cu_positions positions = {0};
    *out = (cu_lag){0};
    int rc = log->vt->group_positions(log, group, a, &positions, err);
    out->at = cu_arena_calloc(a, positions.n + 1, sizeof(*out->at));
    for (size_t i = 0; rc == 0 && i < positions.n; i++) {
        cu_lag_row *r = &out->at[out->n++];
        r->part = positions.at[i].part;
        r->at = positions.at[i].next;
        rc = measure(log, r, err);
        out->total += r->lag;
    }
    qsort(out->at, out->n, sizeof(*out->at), by_part);
    return rc;
}
