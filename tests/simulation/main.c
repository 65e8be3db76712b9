/* The four laws, over random pipelines under a seed.
 *
 *   oracle     integral(output) = query(integral(input))
 *   cuts       no batching, no number of workers changes it
 *   crash      no crash point changes it
 *   transport  state in the log, or beside it with changelogs: the same
 *
 *   simulation [CASES]        SEED=n replays: the first case has seed n
 *   simulation --sabotage     every law must catch what was broken for it
 *   simulation --law NAME     one law, one case, with a trace
 *   simulation --cluster [RUNS]   several processes on a simulated broker
 *   simulation --long [MINUTES]   the same with ever new seeds
 *   simulation --storm            one of them, with a trace
 *   simulation --point NAME HIT HOW   one case of its sweep
 *   SQL=file                  the same input under this pipeline: to make a
 *                             case smaller by hand
 */
#include "base/alloc.h"
#include "base/diag.h"
#include "processors/runtime/sabotage.h"
#include "tests/simulation/storms.h"
#include "tests/simulation/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const sim_how laws[] = {
    {"oracle", true, 0, 1, 0, 0, 0, 1000000, 0},
    {"cuts", true, 7, 3, 0, 0, 0, 15, 0},
    {"crash", true, 12, 2, 12, 1, 10, 10, 0},
    {"transport", false, 9, 3, 10, 1, 10, 10, 0},
    {"reset", false, 9, 3, 10, 1, 0, 10, 2},
};
enum { LAWS = sizeof(laws) / sizeof(*laws) };

static sim_case *new_case(uint64_t seed)
{
    static char text[100000];
    const char *path = getenv("SQL");
    sim_case *c = sim_case_new(seed);
    FILE *f = path ? fopen(path, "r") : NULL;
    if (f == NULL)
        return c;
    text[fread(text, 1, sizeof(text) - 1, f)] = 0;
    fclose(f);
    c->sql = text;
    return c;
}

static bool run_law(sim_case *c, uint32_t law, bool loud)
{
    uint64_t seed = c->seed;
    cu_buf why = {0};
    bool good = sim_run(c, &laws[law], seed, &why);
    if (!good && loud)
        printf("not ok %s seed %llu\n%s\n%.*s\n    replay: SEED=%llu\n",
               laws[law].name, (unsigned long long)seed, c->sql, (int)why.len,
               why.data, (unsigned long long)seed);
    cu_buf_free(&why);
    return good;
}

static bool run_case(uint64_t seed, uint32_t law, bool loud)
{
    sim_case *c = new_case(seed);
    bool good = run_law(c, law, loud);
    sim_case_free(c);
    return good;
}

static int run_laws(uint64_t seed, uint32_t cases)
{
    uint32_t failed = 0, passed = 0;
    for (uint32_t i = 0; i < cases && failed < 5; i++) {
        sim_case *c = new_case(seed + i);
        for (uint32_t law = 0; law < LAWS; law++) {
            if (run_law(c, law, true))
                passed++;
            else
                failed++;
        }
        sim_case_free(c);
    }
    printf("%u cases x %d laws from seed %llu, %llu kills, %llu resets\n",
           cases, LAWS, (unsigned long long)seed,
           (unsigned long long)sim_crashes(), (unsigned long long)sim_resets());
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}

/* In a process of its own: a slow assert may be what catches it. */
static bool survives(uint64_t seed, uint32_t law)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        fclose(stderr);
        _exit(run_case(seed, law, false) ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- sabotage: what is broken on purpose ---------------------------------- */

static cu_node_kind broken_kind;

static bool break_node(void *ctx, cu_node *n)
{
    (void)ctx;
    if (n->kind != broken_kind)
        return true;
    if (n->kind == CU_N_HISTORY)
        n->history.deletes = !n->history.deletes;
    else if (n->kind == CU_N_LOOKUP)
        n->kind = CU_N_JOIN;
    else if (n->kind == CU_N_TEMPORAL)
        n->temporal.until = 0;
    else if (n->kind == CU_N_SESSION)
        n->session.late = false;
    else if (n->kind == CU_N_NORMALIZE)
        n->normalize.all_versions = false;
    else if (n->kind == CU_N_BUFFER)
        n->buffer.lateness_us += 20000000;
    return true;
}

static void break_plan(const cu_program *p)
{
    for (uint32_t i = 0; i < p->n_views; i++)
        cu_node_walk(p->views[i]->root, break_node, NULL);
}

typedef struct sabotage {
    cu_sabotage what;  /* in the runtime */
    cu_node_kind node; /* or in the plan; 0: none */
    uint32_t law;
    const char *name;
} sabotage;

/* It must be caught within `most` seeds. */
static bool is_caught(const sabotage *s, uint64_t seed, uint32_t most)
{
    uint32_t i = 0;
    cu_sabotage_now = s->what;
    broken_kind = s->node;
    sim_sabotage = s->node ? break_plan : NULL;
    while (i < most && survives(seed + i, s->law))
        i++;
    cu_sabotage_now = CU_SABOTAGE_NONE;
    sim_sabotage = NULL;
    printf("%s %s: %s, caught by case %u\n", i < most ? "ok" : "not ok",
           laws[s->law].name, s->name, i + 1);
    return i < most;
}

static int run_sabotage(uint64_t seed, uint32_t most)
{
    static const sabotage tries[] = {
        {CU_SABOTAGE_LOSE_ROW, 0, 0, "a row is lost in the operators"},
        {CU_SABOTAGE_CUT, 0, 1, "the first row of a poll is lost"},
        {CU_SABOTAGE_POSITION, 0, 2, "progress is one commit behind the state"},
        {CU_SABOTAGE_RESTORE, 0, 3, "restore stops before the changelog's end"},
        {CU_SABOTAGE_CORRECT, 0, 4, "a reset corrects no topic"},
        {0, CU_N_HISTORY, 0, "history does not hear of deletes"},
        {0, CU_N_NORMALIZE, 0, "versions within a commit are lost"},
        {0, CU_N_LOOKUP, 0, "a lookup follows what comes later"},
        {0, CU_N_TEMPORAL, 0, "what the clock has passed stays"},
        {0, CU_N_SESSION, 0, "no row is late for a session"},
        {0, CU_N_BUFFER, 0, "windows close too late"},
    };
    uint32_t failed = 0, passed = 0;
    for (size_t k = 0; k < sizeof(tries) / sizeof(*tries); k++) {
        bool good = is_caught(&tries[k], seed, most);
        passed += good;
        failed += !good;
    }
    sim_cluster_sabotages(seed, most, &passed, &failed);
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}

static void quiet(void *ctx, cu_diag_level level, const char *line)
{
    (void)ctx, (void)level, (void)line;
}

int main(int argc, char **argv)
{
    const char *text = getenv("SEED");
    uint64_t seed = text && *text ? strtoull(text, NULL, 10) : 1;
    cu_diag_to(quiet, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("seed %llu\n", (unsigned long long)seed);
    if (argc > 1 && strcmp(argv[1], "--sabotage") == 0)
        return run_sabotage(seed, 200);
    if (argc > 2 && strcmp(argv[1], "--law") == 0) {
        for (uint32_t law = 0; law < LAWS; law++)
            if (strcmp(laws[law].name, argv[2]) == 0) {
                sim_trace = true;
                cu_diag_to(NULL, NULL);
                return run_case(seed, law, true) ? 0 : 1;
            }
        return 2;
    }
    uint32_t n = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
    if (argc > 1 && strcmp(argv[1], "--cluster") == 0)
        return sim_cluster_suite(seed, n ? n : 40, 1);
    if (argc > 1 && strcmp(argv[1], "--long") == 0)
        return sim_cluster_long(seed, n ? n : 10);
    if (argc > 1 && strcmp(argv[1], "--storm") == 0)
        return sim_cluster_trace(seed, NULL, 0, 0);
    if (argc > 4 && strcmp(argv[1], "--point") == 0)
        return sim_cluster_trace(seed, argv[2], (uint32_t)atoi(argv[3]),
                                 (uint32_t)atoi(argv[4]));
    return run_laws(seed, argc > 1 ? (uint32_t)atoi(argv[1]) : 300);
}
