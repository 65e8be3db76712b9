/* Level 2: random views over random streams, compared at several points.
 *
 * The same changes go into cupel's topics and PostgreSQL's tables; after some
 * of them, and at the end, every view is compared as a multiset of text.  A
 * case that differs is reduced while it keeps differing: views that the
 * failing one does not read, then changes, then clauses and columns.
 */
#include "tests/oracle/allow.h"
#include "tests/oracle/level.h"
#include "tests/oracle/view_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_TRIES = 4000, MOST_FAILURES = 8 };

typedef struct verdict {
    bool differs;
    uint32_t view, check;
    cu_answer ours, theirs;
} verdict;

/* --- one run -------------------------------------------------------------- */

static void blame(verdict *v, uint32_t view, uint32_t check,
                  const cu_answer *ours, const cu_answer *theirs)
{
    v->differs = true;
    v->view = view;
    v->check = check;
    v->ours = *ours;
    v->theirs = *theirs;
}

/* A view without key that only grows is read from its topic, and in a JSON
 * record a jsonb column's JSON null is NULL. */
static void forget_nulls(const cu_case_view *v, cu_answer *a)
{
    if (!v->append || a->failed)
        return;
    for (size_t i = 0; i < (size_t)a->n_rows * a->n_cols; i++)
        if (a->cells[i] && strcmp(a->cells[i], "null") == 0 &&
            strcmp(a->types[i % a->n_cols], "jsonb") == 0)
            a->cells[i] = NULL;
}

/* The views that have rows to ask for, by their place. */
static uint32_t kept_views(const cu_case *c, uint32_t *at)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_views; i++)
        if (!c->views[i].gone && !c->views[i].plain && !c->views[i].passes)
            at[n++] = i;
    return n;
}

/* All that PostgreSQL is told and asked, in one text. */
static void tell(const cu_case *c, cu_buf *sql)
{
    uint32_t at[CU_CASE_VIEWS], n = kept_views(c, at), from = 0;
    cu_case_postgres(c, sql);
    for (uint32_t k = 0; k < CU_CASE_CHECKS; k++) {
        cu_case_inserts(c, from, c->checks[k], sql);
        for (uint32_t i = 0; i < n; i++)
            cu_buf_printf(sql, "SELECT * FROM %s;\n", c->views[at[i]].name);
        from = c->checks[k];
    }
    cu_buf_put_u8(sql, 0);
}

static void compare_views(cu_oracle *o, const cu_case *c, uint32_t check,
                          cu_answer *ours, cu_answer *theirs, cu_arena *a,
                          verdict *out)
{
    uint32_t at[CU_CASE_VIEWS], n = kept_views(c, at);
    for (uint32_t i = 0; i < n && !out->differs; i++) {
        forget_nulls(&c->views[at[i]], &theirs[i]);
        forget_nulls(&c->views[at[i]], &ours[i]);
        cu_answer_sort(&ours[i], a);
        cu_answer_sort(&theirs[i], a);
        o->rows += theirs[i].n_rows;
        if (!cu_answer_same(&ours[i], &theirs[i], true))
            blame(out, at[i], check, &ours[i], &theirs[i]);
    }
}

/* cupel's answers at every check; how many checks there were before a worker
 * stopped. */
static uint32_t run_ours(const cu_case *c, cu_arena *a,
                         cu_answer ours[][CU_CASE_VIEWS], cu_answer *why)
{
    uint32_t at[CU_CASE_VIEWS], n = kept_views(c, at), k = 0;
    cu_world *w = cu_world_open(c, a, why);
    for (; w && k < CU_CASE_CHECKS; k++) {
        if (!cu_world_feed(w, c->checks[k], a, why))
            break;
        for (uint32_t i = 0; i < n; i++)
            cu_world_view(w, c->views[at[i]].name, a, &ours[k][i]);
    }
    if (w)
        cu_world_close(w);
    return k;
}

/* False: PostgreSQL does not take the case. It works while cupel does. */
static bool run_case(cu_oracle *o, const cu_case *c, bool quiet, cu_arena *a,
                     verdict *out)
{
    cu_answer ours[CU_CASE_CHECKS][CU_CASE_VIEWS];
    cu_answer theirs[CU_CASE_CHECKS * CU_CASE_VIEWS];
    cu_answer why = {0}, fine = {.message = ""};
    uint32_t at[CU_CASE_VIEWS], n = kept_views(c, at);
    cu_buf sql = {0};
    memset(out, 0, sizeof(*out));
    tell(c, &sql);
    cu_postgres_send(o->pg, sql.data);
    uint32_t checks = run_ours(c, a, ours, &why);
    bool good = cu_postgres_collect(o->pg, a, theirs, n * CU_CASE_CHECKS,
                                    quiet);
    if (!good && !quiet)
        printf("%s\n", sql.data);
    for (uint32_t k = 0; good && k < checks && !out->differs; k++)
        compare_views(o, c, k, ours[k], theirs + k * n, a, out);
    if (good && checks < CU_CASE_CHECKS && !out->differs)
        blame(out, 0, checks, &why, &fine);
    cu_buf_free(&sql);
    return good;
}

/* --- reducing ------------------------------------------------------------- */

typedef struct reducer {
    cu_oracle *o;
    cu_case *c;
    verdict last; /* the latest that still differs in the same way */
    uint32_t tries;
    cu_arena *a;
} reducer;

static bool still(reducer *r)
{
    verdict v;
    if (r->tries++ >= MOST_TRIES)
        return false;
    run_case(r->o, r->c, true, r->a, &v);
    if (!v.differs || v.ours.failed != r->last.ours.failed ||
        strcmp(v.ours.state, r->last.ours.state))
        return false;
    r->last = v;
    return true;
}

static void reduce_views(reducer *r)
{
    for (uint32_t i = r->c->n_views; i-- > 0;) {
        r->c->views[i].gone = true;
        if (!still(r))
            r->c->views[i].gone = false;
    }
}

/* Leaves out changes from .. from + n; those that were left stay so. */
static void without(reducer *r, uint32_t from, uint32_t n)
{
    bool before[256];
    uint32_t to = from + n < r->c->n_changes ? from + n : r->c->n_changes;
    bool any = false;
    for (uint32_t i = from; i < to; i++) {
        before[i - from] = r->c->changes[i].left;
        any = any || !r->c->changes[i].left;
        r->c->changes[i].left = true;
    }
    if (any && !still(r))
        for (uint32_t i = from; i < to; i++)
            r->c->changes[i].left = before[i - from];
}

static void reduce_changes(reducer *r)
{
    for (uint32_t n = r->c->n_changes; n > 0; n /= 2)
        for (uint32_t from = 0; from < r->c->n_changes; from += n)
            without(r, from, n);
}

static void clear(reducer *r, const char **clause)
{
    const char *before = *clause;
    if (**clause == 0)
        return;
    *clause = "";
    if (!still(r))
        *clause = before;
}

static void reduce_clauses(reducer *r)
{
    for (uint32_t i = 0; i < r->c->n_views; i++) {
        cu_case_view *v = &r->c->views[i];
        if (v->gone)
            continue;
        clear(r, &v->where);
        clear(r, &v->having);
        uint32_t left = v->n_targets;
        for (uint32_t k = v->n_targets; k-- > 0 && left > 1;) {
            v->dropped[k] = true;
            if (still(r))
                left--;
            else
                v->dropped[k] = false;
        }
    }
}

static bool still_differs(void *ctx)
{
    return still(ctx);
}

static void reduce_text(reducer *r)
{
    for (uint32_t i = r->c->n_views; i-- > 0;)
        if (!r->c->views[i].gone)
            cu_case_shrink(&r->c->views[i], r->c->arena, still_differs, r);
}

static void show(reducer *r)
{
    cu_buf b = {0};
    const cu_case *c = r->c;
    cu_buf_printf(&b, "not ok views, seed %llu: %s after %u changes\n",
                  (unsigned long long)c->seed,
                  r->last.ours.failed ? "cupel fails"
                                      : c->views[r->last.view].name,
                  c->checks[r->last.check]);
    cu_case_cupel(c, &b);
    cu_case_inserts(c, 0, c->n_changes, &b);
    cu_buf_put_str(&b, "    cupel: ");
    cu_answer_print(&r->last.ours, &b);
    cu_buf_put_str(&b, "    PostgreSQL: ");
    cu_answer_print(&r->last.theirs, &b);
    cu_buf_printf(&b, "    replay: SEED=%llu ORACLE_VIEWS=1\n",
                  (unsigned long long)c->seed);
    printf("%.*s", (int)b.len, b.data);
    cu_buf_free(&b);
}

static void judge(cu_oracle *o, uint64_t seed, cu_arena *a)
{
    cu_case *c = cu_case_new(seed, "");
    o->views += c->n_views;
    o->refused += c->refused;
    if (c->refused && getenv("ORACLE_REFUSALS"))
        printf("seed %llu refused: %s\n", (unsigned long long)seed, c->refusal);
    reducer r = {.o = o, .c = c, .a = a};
    if (!run_case(o, c, false, a, &r.last)) {
        printf("not ok views, seed %llu: the generator's SQL is wrong\n",
               (unsigned long long)seed);
        o->failed++;
    } else if (!r.last.differs) {
        o->passed++;
    } else {
        reduce_views(&r);
        reduce_changes(&r);
        reduce_clauses(&r);
        reduce_text(&r);
        reduce_views(&r);
        reduce_changes(&r);
        show(&r);
        o->failed++;
    }
    cu_case_free(c);
    cu_arena_reset(a);
}

void cu_level_views(cu_oracle *o, uint32_t n_random, uint32_t seconds)
{
    time_t end = seconds ? time(NULL) + seconds : 0;
    cu_arena *a = cu_arena_new(256 * 1024);
    uint32_t before = o->failed;
    uint32_t i = 0;
    for (; i < n_random && o->failed - before < MOST_FAILURES &&
           (end == 0 || time(NULL) < end);
         i++)
        judge(o, o->seed + i, a);
    printf("views over streams: %u in %u cases, %llu rows compared; %u others "
           "are not supported\n",
           o->views, i, (unsigned long long)o->rows, o->refused);
    cu_arena_free(a);
}
