/* PostgreSQL as the second oracle.
 *
 *   oracle [expressions | views]      CUPEL_ORACLE_DSN says where it listens
 *   oracle ask 'SELECT …'             what both say, side by side
 *   oracle plans N FOLDER             N random cases for the whole binary,
 *                                     and PostgreSQL's answers (plans.h)
 *   oracle feed N PIECE PIECES brokers|state WHERE
 *                                     their changes into topics
 *
 * SEED=n replays; ORACLE_EXPRS and ORACLE_VIEWS set how many random cases
 * there are.  CUPEL_ORACLE_SABOTAGE=1 spoils some of cupel's answers: then
 * the suite must fail.
 */
#include "base/diag.h"
#include "tests/oracle/level.h"
#include "tests/oracle/plans.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t number(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static void quiet(void *ctx, cu_diag_level level, const char *line)
{
    (void)ctx, (void)level, (void)line;
}

static bool open_both(cu_oracle *o, const char *dsn)
{
    cu_ours_know_zones();
    o->pg = cu_postgres_open(dsn);
    o->ours = o->pg ? cu_ours_open() : NULL;
    return o->ours != NULL;
}

static void run(cu_oracle *o, const char *only)
{
    if (only == NULL || strcmp(only, "expressions") == 0) {
        cu_level_expressions(o, (uint32_t)number("ORACLE_EXPRS", 3000));
        cu_level_selects(o);
        cu_level_coverage(o);
    }
    /* As many as there is time for, unless a number is asked for. */
    bool given = number("ORACLE_VIEWS", 0) != 0;
    if (only == NULL || strcmp(only, "views") == 0)
        cu_level_views(o, (uint32_t)number("ORACLE_VIEWS", 600),
                       given ? 0 : 50);
}

static void ask(cu_oracle *o, const char *sql)
{
    cu_arena *a = cu_arena_new(0);
    cu_answer ours, theirs;
    cu_buf b = {0};
    cu_ours_query(o->ours, sql, a, &ours);
    cu_postgres_ask(o->pg, &sql, 1, a, &theirs);
    cu_buf_put_str(&b, "cupel: ");
    cu_answer_print(&ours, &b);
    cu_buf_put_str(&b, "PostgreSQL: ");
    cu_answer_print(&theirs, &b);
    printf("%.*s", (int)b.len, b.data);
    if (cu_answer_same(&ours, &theirs, true))
        o->passed++;
    else
        o->failed++;
    cu_buf_free(&b);
    cu_arena_free(a);
}

static uint32_t argument(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

static bool feed(uint64_t seed, char **argv)
{
    bool kafka = strcmp(argv[3], "brokers") == 0;
    cu_ours_know_zones();
    return cu_plans_feed(seed, argument(argv[0]), argument(argv[1]),
                         argument(argv[2]), kafka ? argv[4] : NULL, argv[4]);
}

static void write_plans(cu_oracle *o, char **argv)
{
    if (cu_plans_write(o->pg, o->seed, argument(argv[0]), argv[1]))
        o->passed++;
    else
        o->failed++;
}

int main(int argc, char **argv)
{
    const char *dsn = getenv("CUPEL_ORACLE_DSN");
    cu_oracle o = {.seed = number("SEED", 1)};
    setvbuf(stdout, NULL, _IOLBF, 0);
    cu_diag_to(quiet, NULL);
    if (argc == 7 && strcmp(argv[1], "feed") == 0)
        return feed(o.seed, argv + 2) ? 0 : 1;
    if (dsn == NULL || *dsn == 0) {
        printf("SKIPPED: CUPEL_ORACLE_DSN is not set; run "
               "tests/oracle/run.sh\n0 passed, 0 failed, 1 skipped\n");
        return 77;
    }
    printf("seed %llu\n", (unsigned long long)o.seed);
    cu_ours_sabotage(number("CUPEL_ORACLE_SABOTAGE", 0) != 0);
    if (!open_both(&o, dsn))
        o.failed++;
    else if (argc == 4 && strcmp(argv[1], "plans") == 0)
        write_plans(&o, argv + 2);
    else if (argc > 2 && strcmp(argv[1], "ask") == 0)
        for (int i = 2; i < argc; i++)
            ask(&o, argv[i]);
    else
        run(&o, argc > 1 ? argv[1] : NULL);
    if (o.ours)
        cu_ours_close(o.ours);
    if (o.pg)
        cu_postgres_close(o.pg);
    if (o.passed == 0)
        o.failed++; /* nothing was compared */
    if (o.allowed)
        printf("%u intended divergences (allow.c) or a matter of which error "
               "comes first\n",
               o.allowed);
    if (o.failed)
        printf("replay: SEED=%llu\n", (unsigned long long)o.seed);
    printf("%u passed, %u failed\n", o.passed, o.failed);
    return o.failed ? 1 : 0;
}
