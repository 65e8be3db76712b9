/* Level 1: one expression, asked in three forms (tree.h).
 *
 *   constant   both fold as they like
 *   columns    cupel over all rows at once, PostgreSQL row by row
 *   runtime    the same with no constants left: here the answers must agree
 *
 * With constants PostgreSQL folds before it evaluates, and so does cupel, so
 * that which errors are seen may differ: f(NULL, an error) is NULL or an
 * error.  Where the runtime form agrees that is no fault.
 *
 * Questions to PostgreSQL are gathered over a block of cases and go out
 * together.  A mismatch is reduced: of all sub-expressions that differ by
 * themselves the smallest is shown.
 */
#include "tests/oracle/allow.h"
#include "tests/oracle/level.h"
#include "tests/oracle/tree.h"

#include <stdio.h>

enum {
    BLOCK = 48,
    PER_CASE = 1 + 2 * CU_TREE_ROWS,
    SWEEPS = 4,
    MOST_SHOWN = 40
};

typedef struct outcome {
    bool differs, folded;
    const char *sql; /* PostgreSQL's form of the question */
    cu_answer ours, theirs;
} outcome;

/* --- asking --------------------------------------------------------------- */

static void ask_theirs(cu_oracle *o, cu_tree_case *const *cases, uint32_t n,
                       cu_arena *a, const char **sql, cu_answer *answers)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) {
        sql[k++] = cu_tree_constant(cases[i], a);
        for (uint32_t r = 0; r < cases[i]->n_rows; r++) {
            sql[k++] = cu_tree_row(cases[i], r, false, a);
            sql[k++] = cu_tree_row(cases[i], r, true, a);
        }
    }
    cu_postgres_ask(o->pg, sql, k, a, answers);
}

static bool same(const cu_answer *ours, const cu_answer *x, const cu_answer *y)
{
    return cu_answer_same(ours, x, false) ||
           (y && cu_answer_same(ours, y, false));
}

/* An error that only PostgreSQL sees, in a constant: a matter of folding. */
static bool folded(const cu_answer *ours, const cu_answer *theirs)
{
    return !ours->failed && theirs->failed;
}

/* `theirs`: the constant's answer, then two of each row. */
static void compare(cu_oracle *o, const cu_tree_case *c, const char *const *sql,
                    const cu_answer *theirs, cu_arena *a, outcome *out)
{
    cu_answer one, rows[2][CU_TREE_ROWS];
    memset(out, 0, sizeof(*out));
    cu_ours_rows(o->ours, cu_tree_rows(c, false, a), c->n_rows, a, rows[0]);
    for (uint32_t r = 0; r < c->n_rows; r++)
        if (!same(&rows[0][r], &theirs[1 + 2 * r], NULL)) {
            const cu_answer *t = &theirs[1 + 2 * r];
            *out = (outcome){true, c->untyped && folded(&rows[0][r], t),
                             sql[1 + 2 * r], rows[0][r], *t};
            return;
        }
    cu_ours_query(o->ours, sql[0], a, &one);
    if (!same(&one, &theirs[0], &theirs[1])) {
        *out = (outcome){true, folded(&one, &theirs[0]), sql[0], one,
                         theirs[0]};
        return;
    }
    cu_ours_rows(o->ours, cu_tree_rows(c, true, a), c->n_rows, a, rows[1]);
    for (uint32_t r = 0; r < c->n_rows; r++) {
        const cu_answer *ours = &rows[1][r], *t = &theirs[1 + 2 * r];
        if (!same(ours, t, t + 1)) {
            *out = (outcome){true, folded(ours, t), sql[2 + 2 * r], *ours,
                             t[1]};
            return;
        }
    }
}

static void check_one(cu_oracle *o, cu_tree_case *c, cu_arena *a, outcome *out)
{
    const char *sql[PER_CASE];
    cu_answer theirs[PER_CASE];
    ask_theirs(o, &c, 1, a, sql, theirs);
    compare(o, c, sql, theirs, a, out);
}

/* --- reducing ------------------------------------------------------------- */

typedef struct reduced {
    outcome small;
    cu_tree *tree;
    uint32_t size;
} reduced;

static uint32_t size_of(const cu_tree *t)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i < t->n_args; i++)
        n += size_of(t->args[i]);
    return n;
}

static void reduce(cu_oracle *o, const cu_tree_case *c, cu_tree *t, cu_arena *a,
                   reduced *best)
{
    for (uint32_t i = 0; i < t->n_args; i++) {
        if (t->args[i]->format == NULL)
            continue;
        cu_tree_case part = *c;
        outcome found;
        part.root = t->args[i];
        check_one(o, &part, a, &found);
        uint32_t size = size_of(part.root);
        if (found.differs && !found.folded && size < best->size)
            *best = (reduced){found, part.root, size};
        reduce(o, c, t->args[i], a, best);
    }
}

/* Does some part of the tree, by itself, fail like that in PostgreSQL? */
static bool occurs(cu_oracle *o, const cu_tree_case *c, const cu_tree *t,
                   const char *state, cu_arena *a)
{
    for (uint32_t i = 0; i < t->n_args; i++) {
        const char *sql[PER_CASE];
        cu_answer theirs[PER_CASE];
        cu_tree_case part = *c, *cases[] = {&part};
        part.root = t->args[i];
        ask_theirs(o, cases, 1, a, sql, theirs);
        for (uint32_t k = 0; k <= 2 * part.n_rows; k++)
            if (theirs[k].failed && strcmp(theirs[k].state, state) == 0)
                return true;
        if (occurs(o, c, t->args[i], state, a))
            return true;
    }
    return false;
}

/* Which of two errors comes first is nobody's promise. */
static bool both_occur(cu_oracle *o, const cu_tree_case *c, const reduced *x,
                       cu_arena *a)
{
    return x->small.ours.failed && x->small.theirs.failed &&
           occurs(o, c, x->tree, x->small.ours.state, a) &&
           occurs(o, c, x->tree, x->small.theirs.state, a);
}

/* --- reporting ------------------------------------------------------------ */

static void show(const cu_oracle *o, const char *subject, const outcome *x)
{
    cu_buf b = {0};
    cu_buf_printf(&b, "not ok expression (%s), seed %llu\n    %s\n    cupel: ",
                  subject, (unsigned long long)o->seed, x->sql);
    cu_answer_print(&x->ours, &b);
    cu_buf_put_str(&b, "    PostgreSQL: ");
    cu_answer_print(&x->theirs, &b);
    if (o->failed < MOST_SHOWN)
        printf("%.*s", (int)b.len, b.data);
    cu_buf_free(&b);
}

static void judge(cu_oracle *o, cu_tree_case *c, const outcome *x, cu_arena *a)
{
    if (!x->differs) {
        o->passed++;
        return;
    }
    reduced best = {*x, c->root, size_of(c->root)};
    reduce(o, c, c->root, a, &best);
    /* PostgreSQL has more types that an untyped literal may be. */
    bool ambiguous = c->untyped &&
                     strcmp(best.small.theirs.state, "42725") == 0;
    if (best.small.folded || ambiguous || both_occur(o, c, &best, a) ||
        cu_allowed(best.small.sql, c->random, &best.small.ours,
                   &best.small.theirs)) {
        o->allowed++;
        return;
    }
    show(o, c->subject, &best.small);
    o->failed++;
}

static void run_block(cu_oracle *o, cu_tree_case *const *cases, uint32_t n,
                      cu_arena *a)
{
    const char *sql[BLOCK * PER_CASE];
    cu_answer *theirs = cu_arena_calloc(a, (size_t)n * PER_CASE,
                                        sizeof(*theirs));
    ask_theirs(o, cases, n, a, sql, theirs);
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) {
        outcome x;
        compare(o, cases[i], sql + k, theirs + k, a, &x);
        judge(o, cases[i], &x, a);
        k += 1 + 2 * cases[i]->n_rows;
    }
    cu_arena_reset(a);
}

/* --- where cases come from ------------------------------------------------ */

static void run_hand(cu_oracle *o, const cu_hand_cases *h, cu_arena *a)
{
    cu_tree_case *cases[BLOCK];
    for (uint32_t i = 0; i < h->n;) {
        uint32_t n = 0;
        while (n < BLOCK && i < h->n)
            cases[n++] = cu_tree_parse(a, h->subject, h->at[i++]);
        run_block(o, cases, n, a);
    }
}

static void run_sweep(cu_oracle *o, cu_arena *a)
{
    cu_rng r = {o->seed};
    uint32_t n;
    const cu_func *const *all = cu_func_all(&n);
    for (uint32_t i = 0; i < n; i++) {
        cu_tree_case *cases[SWEEPS];
        uint32_t k = 0;
        while (k < SWEEPS && (cases[k] = cu_tree_sweep(&r, a, all[i])) != NULL)
            k++;
        if (k)
            run_block(o, cases, k, a);
    }
}

static void run_random(cu_oracle *o, uint32_t n_random, cu_arena *a)
{
    for (uint32_t i = 0; i < n_random;) {
        cu_tree_case *cases[BLOCK];
        uint32_t n = 0;
        while (n < BLOCK && i < n_random) {
            cu_rng r = {o->seed + 1000003u * i++};
            cases[n++] = cu_tree_random(&r, a);
        }
        run_block(o, cases, n, a);
    }
}

void cu_level_expressions(cu_oracle *o, uint32_t n_random)
{
    static const cu_hand_cases *const hand[] = {
        &cu_cases_numbers,  &cu_cases_text,   &cu_cases_regex,
        &cu_cases_numbers2, &cu_cases_arrays, &cu_cases_times2,
        &cu_cases_json2,    &cu_cases_format, &cu_cases_templates,
        &cu_cases_times,    &cu_cases_json,   &cu_cases_logic,
        &cu_cases_casts,    &cu_cases_found};
    cu_arena *a = cu_arena_new(256 * 1024);
    uint32_t total = 0;
    for (size_t i = 0; i < sizeof(hand) / sizeof(*hand); i++) {
        run_hand(o, hand[i], a);
        total += hand[i]->n;
    }
    printf("expressions by hand: %u\n", total);
    uint32_t before = o->passed + o->failed + o->allowed;
    run_sweep(o, a);
    printf("expressions over the catalog: %u\n",
           o->passed + o->failed + o->allowed - before);
    run_random(o, n_random, a);
    printf("random expressions: %u\n", n_random);
    cu_arena_free(a);
}

/* --- whole SELECTs -------------------------------------------------------- */

static void run_selects(cu_oracle *o, const cu_hand_cases *h)
{
    cu_arena *a = cu_arena_new(256 * 1024);
    cu_answer *theirs = cu_arena_calloc(a, h->n, sizeof(*theirs));
    cu_postgres_ask(o->pg, h->at, h->n, a, theirs);
    for (uint32_t i = 0; i < h->n; i++) {
        cu_answer ours;
        cu_ours_query(o->ours, h->at[i], a, &ours);
        if (strncmp(h->at[i], "/* ordered */", 13)) {
            cu_answer_sort(&ours, a);
            cu_answer_sort(&theirs[i], a);
        }
        if (cu_answer_same(&ours, &theirs[i], true)) {
            o->passed++;
        } else if (cu_allowed(h->at[i], false, &ours, &theirs[i])) {
            o->allowed++;
        } else {
            outcome x = {true, false, h->at[i], ours, theirs[i]};
            show(o, h->subject, &x);
            o->failed++;
        }
    }
    printf("whole selects, %s: %u\n", h->subject, h->n);
    cu_arena_free(a);
}

void cu_level_selects(cu_oracle *o)
{
    run_selects(o, &cu_cases_selects);
    run_selects(o, &cu_cases_joins);
    run_selects(o, &cu_cases_sets);
    run_selects(o, &cu_cases_rows);
    run_selects(o, &cu_cases_nexmark);
    run_selects(o, &cu_cases_aggregates);
}

void cu_level_coverage(cu_oracle *o)
{
    uint32_t n, missing = 0;
    const cu_func *const *all = cu_func_all(&n);
    for (uint32_t i = 0; i < n; i++) {
        if (cu_ours_uses(i) || strcmp(all[i]->name, "cast_assign") == 0)
            continue;
        if (missing++ < 60)
            printf("not ok no case calls %s (entry %u of the catalog: %u "
                   "arguments, the first of kind %u)\n",
                   all[i]->name, i, all[i]->n_args, all[i]->args[0]);
    }
    printf("functions of the catalog with a case: %u of %u\n", n - missing, n);
    if (missing)
        o->failed++;
    else
        o->passed++;
}
