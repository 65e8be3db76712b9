#include "tests/simulation/storms.h"

#include "base/alloc.h"
#include "base/diag.h"
#include "processors/runtime/sabotage.h"
#include "tests/simulation/cluster.h"
#include "tests/unit/log/conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const sim_storm calm = {.name = "calm", .steps = 50, .nodes = 1};
enum { KILLS, ZOMBIES, NETWORK, STATICS, ALL, LASTING, STORMS };
static const sim_storm storms[STORMS] = {
    [KILLS] = {.name = "kills",
               .kill = 40,
               .freeze = 2,
               .wipe = 6,
               .stop = 10,
               .steps = 2500,
               .nodes = 3},
    [ZOMBIES] = {.name = "zombies",
                 .kill = 2,
                 .freeze = 30,
                 .stop = 4,
                 .sleep = 30,
                 .steps = 2500,
                 .nodes = 3},
    [NETWORK] = {.name = "network",
                 .kill = 2,
                 .freeze = 4,
                 .lose = 400,
                 .broker = 30,
                 .stop = 4,
                 .steps = 2500,
                 .nodes = 3},
    [STATICS] = {.name = "statics",
                 .kill = 15,
                 .freeze = 15,
                 .lose = 40,
                 .broker = 10,
                 .wipe = 4,
                 .stop = 15,
                 .sleep = 5,
                 .twin = 10,
                 .steps = 2500,
                 .nodes = 4,
                 .statics = true},
    [ALL] = {.name = "all",
             .kill = 10,
             .freeze = 20,
             .lose = 80,
             .broker = 10,
             .wipe = 4,
             .stop = 10,
             .sleep = 10,
             .steps = 3500,
             .nodes = 4},
    /* Transactions outlast sessions. */
    [LASTING] = {.name = "lasting",
                 .kill = 2,
                 .freeze = 40,
                 .stop = 2,
                 .sleep = 10,
                 .steps = 2500,
                 .nodes = 3,
                 .session_us = 2000000,
                 .transaction_us = 12000000},
};
enum { LONG_FREEZE_US = 8000000 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t conformance(void)
{
    uint32_t n = 0;
    cu_env *env = cu_env_sim(1);
#define CASE(name)                                       \
    {                                                    \
        sim_rng rng = {7};                               \
        sim_client c;                                    \
        sim_broker *b = sim_broker_new(env);             \
        sim_client_init(&c, b, env, &rng);               \
        cu_log_conformance_##name(&c.base, "simulated"); \
        sim_broker_free(b);                              \
        n++;                                             \
    }
    CU_LOG_CONFORMANCE(CASE)
#undef CASE
    env->vt->close(env);
    return n;
}

/* --- one run -------------------------------------------------------------- */

static void report(const char *what, uint64_t seed, const char *replay,
                   const cu_buf *why)
{
    printf("not ok %s seed %llu\n    %.*s    replay: SEED=%llu simulation %s\n",
           what, (unsigned long long)seed, (int)why->len,
           why->data ? why->data : "", (unsigned long long)seed, replay);
}

/* Every third case is one of random pipelines; the rest are ledgers, run once
 * in calm and once in the storm. */
static bool run_storm(uint64_t seed, cu_buf *why)
{
    const sim_storm *storm = &storms[seed % STORMS];
    bool ledger = seed % 3 != 0;
    sim_case *c = ledger ? sim_ledger_new(seed) : sim_case_new(seed);
    sim_outcome same = {0};
    bool good = true;
    if (sim_trace)
        printf("%s\n", c->sql);
    if (ledger)
        good = sim_cluster_run(c, true, &calm, NULL, seed, &same, NULL, why);
    if (good)
        good = sim_cluster_run(c, ledger, storm, NULL, seed,
                               ledger ? &same : NULL, NULL, why);
    sim_case_free(c);
    return good;
}

static void print_totals(double took)
{
    const sim_counts *t = &sim_total;
    printf("%llu runs, %.0f a minute: %llu records, %llu commits, %llu aborts, "
           "%llu fenced, %llu timed out, %llu rebalances, %llu twins, %llu "
           "kills, %llu freezes (%llu past the session), %llu requests or "
           "answers lost or "
           "late, %llu broker restarts, %llu checks\n",
           (unsigned long long)t->runs,
           took > 0 ? (double)t->runs * 60 / took : 0.0,
           (unsigned long long)t->records, (unsigned long long)t->commits,
           (unsigned long long)t->aborts, (unsigned long long)t->fenced,
           (unsigned long long)t->timeouts, (unsigned long long)t->rebalances,
           (unsigned long long)t->twins, (unsigned long long)t->kills,
           (unsigned long long)t->freezes, (unsigned long long)t->zombies,
           (unsigned long long)(t->losses + t->late),
           (unsigned long long)t->restarts, (unsigned long long)t->checks);
}

typedef struct tally {
    uint32_t passed, failed;
} tally;

static void run_storms(uint64_t seed, uint32_t runs, tally *t)
{
    for (uint32_t i = 0; i < runs && t->failed < 5; i++) {
        cu_buf why = {0};
        if (run_storm(seed + i, &why)) {
            t->passed++;
        } else {
            t->failed++;
            report("storm", seed + i, "--storm", &why);
        }
        cu_buf_free(&why);
    }
}

/* --- the sweep ------------------------------------------------------------ */

static const char *const hows[] = {"killed", "frozen", "request lost",
                                   "answer lost", "late copy"};
enum { HOWS = sizeof(hows) / sizeof(*hows) };

static sim_plan plan_of(const char *point, uint32_t hit, uint32_t how)
{
    static const sim_fate fates[HOWS] = {SIM_KILLED, SIM_GO, SIM_NO_REQUEST,
                                         SIM_NO_ANSWER, SIM_LATE};
    return (sim_plan){point, hit, fates[how], how == 1 ? LONG_FREEZE_US : 0,
                      false};
}

/* Two processes, with some noise, so that they come past every point; one
 * meets its fate there. */
static const sim_storm sweep = {.name = "sweep",
                                .lose = 60,
                                .freeze = 6,
                                .stop = 10,
                                .sleep = 8,
                                .steps = 700,
                                .nodes = 2};

static bool run_point(uint64_t seed, const char *point, uint32_t hit,
                      uint32_t how, sim_outcome *same, cu_buf *why)
{
    sim_case *c = sim_ledger_new(seed);
    sim_plan plan = plan_of(point, hit, how);
    bool good = sim_cluster_run(c, true, &sweep, &plan, seed, same, NULL, why);
    sim_case_free(c);
    return good;
}

/* Where a run of a seed comes past, and what it comes to. */
typedef struct a_round {
    bool known;
    sim_visits v;
    sim_outcome same;
} a_round;
enum { ROUNDS = 1000 }; /* one run in a hundred meets the rarest point */

static void look_round(uint64_t seed, a_round *r, tally *t)
{
    cu_buf why = {0};
    if (r->known)
        return;
    sim_case *c = sim_ledger_new(seed);
    r->known = true;
    if (!sim_cluster_run(c, true, &sweep, NULL, seed, &r->same, &r->v, &why)) {
        report("round", seed, "--point none 1 0", &why);
        t->failed++;
    }
    sim_case_free(c);
    cu_buf_free(&why);
}

static uint32_t visits_of(const sim_visits *v, const char *point)
{
    for (uint32_t i = 0; i < v->n; i++)
        if (strcmp(v->names[i], point) == 0)
            return v->hits[i];
    return 0;
}

static void sweep_point(uint64_t seed, const char *point, uint32_t hit,
                        sim_outcome *same, tally *t)
{
    for (uint32_t how = 0; how < HOWS; how++) {
        char replay[100];
        cu_buf why = {0};
        bool good = run_point(seed, point, hit, how, same, &why);
        snprintf(replay, sizeof(replay), "--point %s %u %u", point, hit, how);
        t->passed += good;
        t->failed += !good;
        if (!good)
            report(hows[how], seed, replay, &why);
        cu_buf_free(&why);
    }
}

/* The first seed that comes past the point often enough, or else at all. */
static bool sweep_all(uint64_t seed, const char *point, uint32_t hits,
                      a_round *rounds, tally *t)
{
    uint32_t best = 0, most = 0;
    for (uint32_t i = 0; i < ROUNDS && most < hits && t->failed < 5; i++) {
        look_round(seed + i, &rounds[i], t);
        uint32_t n = visits_of(&rounds[i].v, point);
        if (n > most) {
            most = n;
            best = i;
        }
    }
    for (uint32_t hit = 1; hit <= hits && hit <= most && t->failed < 5; hit++)
        sweep_point(seed + best, point, hit, &rounds[best].same, t);
    if (most == 0)
        printf("not ok nobody came past %s from seed %llu on\n", point,
               (unsigned long long)seed);
    return most > 0;
}

static void run_sweep(uint64_t seed, uint32_t hits, tally *t)
{
    static const char *const commits[] = {"commit_begin",   "commit_emitted",
                                          "commit_marked",  "commit_committed",
                                          "commit_applied", NULL};
    a_round *rounds = cu_calloc(ROUNDS, sizeof(*rounds));
    uint32_t n = 0;
    for (int k = 0; k < 2; k++)
        for (const char *const *p = k ? commits : sim_points; *p; p++, n++)
            t->failed += !sweep_all(seed, *p, hits, rounds, t);
    cu_free(rounds);
    printf("swept: %u points at their first %u visits, %u ways each\n", n, hits,
           (uint32_t)HOWS);
}

static int finish(const tally *t, double start)
{
    print_totals(seconds() - start);
    printf("%u passed, %u failed\n", t->passed, t->failed);
    return t->failed ? 1 : 0;
}

int sim_cluster_suite(uint64_t seed, uint32_t runs, uint32_t hits)
{
    double start = seconds();
    tally t = {.passed = conformance()};
    printf("the simulated log: %u cases of the contract\n", t.passed);
    run_storms(seed, runs, &t);
    run_sweep(seed, hits, &t);
    return finish(&t, start);
}

int sim_cluster_long(uint64_t seed, uint32_t minutes)
{
    double start = seconds();
    tally t = {0};
    for (uint32_t i = 0; seconds() - start < 60.0 * minutes; i++) {
        run_storms(seed + 200 * (uint64_t)i, 200, &t);
        run_sweep(seed + i, 1 + i % 4, &t);
        print_totals(seconds() - start);
        if (t.failed >= 5)
            break;
    }
    return finish(&t, start);
}

int sim_cluster_trace(uint64_t seed, const char *point, uint32_t hit,
                      uint32_t how)
{
    cu_buf why = {0};
    sim_trace = true;
    cu_diag_to(NULL, NULL);
    bool good = point ? run_point(seed, point, hit, how % HOWS, NULL, &why)
                      : run_storm(seed, &why);
    if (!good)
        report("case", seed, point ? "--point" : "--storm", &why);
    cu_buf_free(&why);
    return good ? 0 : 1;
}

/* --- what is broken on purpose -------------------------------------------- */

typedef struct breakage {
    const char *name;
    cu_sabotage runtime;
    sim_client_sabotage client;
    uint32_t storm; /* in which it is looked for */
    bool ledger;    /* else random pipelines */
    sim_plan plan;
    const char *caught; /* by which invariants: names with a blank behind */
} breakage;

static const breakage breakages[] = {
    {"marks without the group's generation",
     0,
     SIM_STRANGER,
     ZOMBIES,
     true,
     {"produce", 9, SIM_GO, LONG_FREEZE_US, true},
     "I2 I4 I7 "},
    {"marks outside of the transaction",
     0,
     SIM_OUTSIDE,
     KILLS,
     true,
     {0},
     "I3 I4 "},
    {"an end sent twice passes for one",
     0,
     SIM_GUARD,
     NETWORK,
     true,
     {"end", 1, SIM_LATE, 0, true},
     "I3 "},
    {"a newer producer fences nobody",
     0,
     SIM_UNFENCED,
     ZOMBIES,
     true,
     {"produce", 9, SIM_GO, LONG_FREEZE_US, true},
     "I7 "},
    {"the store is written before the commit",
     CU_SABOTAGE_EARLY,
     0,
     KILLS,
     true,
     {"flushed", 9, SIM_KILLED, 0, true},
     "I6 "},
    {"an input that moved is not marked",
     CU_SABOTAGE_FORGET,
     0,
     KILLS,
     true,
     {0},
     "I3 "},
    {"a watermark is not exchanged",
     CU_SABOTAGE_DROP,
     0,
     KILLS,
     false,
     {0},
     "I1 I17 "},
    {"a kill empties the store", CU_SABOTAGE_WIPE, 0, KILLS, true, {0}, "I18 "},
    {"restore ends where open transactions begin",
     CU_SABOTAGE_STABLE,
     0,
     LASTING,
     true,
     {"marked", 7, SIM_GO, 5000000, true},
     "I2 I4 "},
    {"after an abort nothing is read again",
     CU_SABOTAGE_GO_ON,
     0,
     NETWORK,
     true,
     {"produce", 9, SIM_NO_REQUEST, 0, true},
     "I1 I2 I3 I4 I8 I11 "},
    {"an abort is not sent",
     0,
     SIM_NO_ABORT,
     NETWORK,
     true,
     {"produce", 9, SIM_NO_REQUEST, 0, true},
     "I2 I3 "},
    {"a letter loses its last byte", 0, SIM_MANGLE, KILLS, true, {0}, "I9 "},
    {"a partition is never heard of",
     0,
     SIM_DEAF,
     KILLS,
     true,
     {0},
     "I8 I1 I17 "},
    {"a restore misses some records", 0, SIM_SKIP, KILLS, true, {0}, "I5 "},
    {"progress is one record behind the state",
     CU_SABOTAGE_POSITION,
     0,
     KILLS,
     true,
     {0},
     "I1 I4 I11 "},
    {"the first row of a poll is lost",
     CU_SABOTAGE_CUT,
     0,
     KILLS,
     true,
     {0},
     "I1 I8 "},
    {"a row is lost in the operators",
     CU_SABOTAGE_LOSE_ROW,
     0,
     KILLS,
     true,
     {0},
     "I1 I8 "},
};
enum { BREAKAGES = sizeof(breakages) / sizeof(*breakages) };

/* The invariant that a run failed by; what the naive evaluator found is I1. */
static void name_of(const cu_buf *why, char out[8])
{
    size_t n = 0;
    while (n < 6 && n < why->len && why->data[n] > ' ')
        n++;
    bool named = n > 1 && why->data[0] == 'I' && why->data[1] >= '0' &&
                 why->data[1] <= '9';
    snprintf(out, 8, "%.*s ", named ? (int)n : 2, named ? why->data : "I1");
}

/* One run of what is broken; "": nobody noticed. */
static void run_broken(const breakage *b, uint64_t seed, char out[8])
{
    cu_buf why = {0};
    sim_outcome same = {0};
    sim_case *c = b->ledger ? sim_ledger_new(seed) : sim_case_new(seed);
    bool good = true;
    if (b->ledger)
        good = sim_cluster_run(c, true, &calm, NULL, seed, &same, NULL, &why);
    cu_sabotage_now = b->runtime;
    sim_client_broken = b->client;
    if (good)
        good = sim_cluster_run(c, b->ledger, &storms[b->storm], &b->plan, seed,
                               b->ledger ? &same : NULL, NULL, &why);
    cu_sabotage_now = CU_SABOTAGE_NONE;
    sim_client_broken = SIM_HONEST;
    sim_case_free(c);
    out[0] = 0;
    if (!good)
        name_of(&why, out);
    cu_buf_free(&why);
}

/* In a process of its own, which may stop at a slow assert: "I0 ". */
static void try_broken(const breakage *b, uint64_t seed, char out[8])
{
    int pipes[2];
    memset(out, 0, 8);
    fflush(stdout);
    if (pipe(pipes))
        return;
    pid_t child = fork();
    if (child == 0) {
        fclose(stderr);
        run_broken(b, seed, out);
        _exit(write(pipes[1], out, 8) == 8 ? 0 : 1);
    }
    close(pipes[1]);
    int status = 0;
    if (read(pipes[0], out, 8) != 8)
        snprintf(out, 8, "I0 ");
    close(pipes[0]);
    waitpid(child, &status, 0);
}

/* The same without the breakage: it is what was broken that is noticed. */
static bool is_sound(const breakage *b, uint64_t seed)
{
    breakage whole = *b;
    char by[8];
    whole.runtime = CU_SABOTAGE_NONE;
    whole.client = SIM_HONEST;
    try_broken(&whole, seed, by);
    if (by[0])
        printf("not ok cluster: %s: %s fails without it, too (seed %llu)\n",
               b->name, by, (unsigned long long)seed);
    return by[0] == 0;
}

/* By an invariant that is there for it, whatever else is seen before. */
static bool is_noticed(const breakage *b, uint64_t seed, uint32_t most)
{
    char by[8] = "", other[8] = "";
    uint32_t i = 0;
    for (; i < most; i++) {
        try_broken(b, seed + i, by);
        if (by[0] && strstr(b->caught, by))
            break;
        if (by[0])
            memcpy(other, by, sizeof(other));
    }
    if (i < most)
        printf("ok cluster: %s, caught by %s(case %u)\n", b->name, by, i + 1);
    else
        printf("not ok cluster: %s, caught by %sin %u cases; it should be one "
               "of %s\n",
               b->name, other[0] ? other : "nobody ", most, b->caught);
    return i < most;
}

void sim_cluster_sabotages(uint64_t seed, uint32_t most, uint32_t *passed,
                           uint32_t *failed)
{
    for (uint32_t i = 0; i < BREAKAGES; i++) {
        bool good = is_noticed(&breakages[i], seed, most) &&
                    is_sound(&breakages[i], seed);
        *passed += good;
        *failed += !good;
    }
}
