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
 */
#include "base/alloc.h"
#include "base/diag.h"
#include "processors/runtime/sabotage.h"
#include "tests/simulation/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const sim_how laws[] = {
    {"oracle", true, 0, 1, 0, 0, 0, 1000000},
    {"cuts", true, 7, 3, 0, 0, 0, 15},
    {"crash", true, 12, 2, 12, 1, 10, 10},
    {"transport", false, 9, 3, 10, 1, 10, 10},
};
enum { LAWS = sizeof(laws) / sizeof(*laws) };

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
    sim_case *c = sim_case_new(seed);
    bool good = run_law(c, law, loud);
    sim_case_free(c);
    return good;
}

static int run_laws(uint64_t seed, uint32_t cases)
{
    uint32_t failed = 0, passed = 0;
    for (uint32_t i = 0; i < cases && failed < 5; i++) {
        sim_case *c = sim_case_new(seed + i);
        for (uint32_t law = 0; law < LAWS; law++) {
            if (run_law(c, law, true))
                passed++;
            else
                failed++;
        }
        sim_case_free(c);
    }
    printf("%u cases x %d laws from seed %llu, %llu kills\n", cases, LAWS,
           (unsigned long long)seed, (unsigned long long)sim_crashes());
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

/* Each law's sabotage must be caught by it within `most` seeds. */
static int run_sabotage(uint64_t seed, uint32_t most)
{
    static const struct {
        cu_sabotage what;
        uint32_t law;
        const char *name;
    } tries[] = {
        {CU_SABOTAGE_LOSE_ROW, 0, "a row is lost in the operators"},
        {CU_SABOTAGE_CUT, 1, "the first row of a poll is lost"},
        {CU_SABOTAGE_POSITION, 2, "progress is one commit behind the state"},
        {CU_SABOTAGE_RESTORE, 3, "restore stops before the changelog's end"},
    };
    uint32_t failed = 0, passed = 0;
    for (size_t k = 0; k < sizeof(tries) / sizeof(*tries); k++) {
        cu_sabotage_now = tries[k].what;
        uint32_t i = 0;
        while (i < most && survives(seed + i, tries[k].law))
            i++;
        cu_sabotage_now = CU_SABOTAGE_NONE;
        printf("%s %s: %s, caught by case %u\n", i < most ? "ok" : "not ok",
               laws[tries[k].law].name, tries[k].name, i + 1);
        if (i < most)
            passed++;
        else
            failed++;
    }
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
    return run_laws(seed, argc > 1 ? (uint32_t)atoi(argv[1]) : 300);
}
