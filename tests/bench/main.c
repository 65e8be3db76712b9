/* Rows per second and core, against the budgets of the architecture.
 *
 *   bench [--runs N] [--save FILE] [--compare FILE] [NAME …]
 *
 * NAME: only cases that start with it.  A saved file is text, a line per
 * case: name, ns per row; the calibration loop is a line like any other.
 * --compare shows each case as a ratio to the file, corrected by the ratio
 * of the calibration loops.  Nothing here passes or fails.
 */
#include "base/alloc.h"
#include "base/diag.h"
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_CASES = 64, RUNS = 5 };

typedef struct saved {
    char name[64];
    double ns;
} saved;

typedef struct session {
    unsigned runs;
    const char *save, *compare;
    char **names;
    int n_names;
    saved old[MOST_CASES];
    unsigned n_old;
    FILE *out; /* of --save */
    double calibration;
} session;

static const double *old_ns(const session *s, const char *name)
{
    for (unsigned i = 0; i < s->n_old; i++)
        if (strcmp(s->old[i].name, name) == 0)
            return &s->old[i].ns;
    return NULL;
}

static void load(session *s)
{
    FILE *f = fopen(s->compare, "r");
    if (f == NULL) {
        perror(s->compare);
        exit(2);
    }
    while (s->n_old < MOST_CASES && fscanf(f, "%63s %lf", s->old[s->n_old].name,
                                           &s->old[s->n_old].ns) == 2)
        s->n_old++;
    fclose(f);
}

/* Against the file, were its machine as fast as this one. */
static void print_old(const session *s, const char *name, double ns)
{
    const double *then = old_ns(s, name);
    const double *loop = old_ns(s, "calibration");
    if (then == NULL || loop == NULL)
        return;
    printf("  %5.2f x before", ns / *then * *loop / s->calibration);
}

static bool wanted(const session *s, const char *name)
{
    for (int i = 0; i < s->n_names; i++)
        if (strncmp(name, s->names[i], strlen(s->names[i])) == 0)
            return true;
    return s->n_names == 0;
}

static void show(session *s, const bench_case *c)
{
    if (!wanted(s, c->name))
        return;
    double ns = bench_measure(c, s->runs);
    printf("%-19s %9.1f %12.0f", c->name, ns, 1e9 / ns);
    if (c->budget_ns > 0)
        printf(" %8.0f %6.2f %-6s", c->budget_ns, ns / c->budget_ns,
               ns > c->budget_ns ? "missed" : "");
    else
        printf(" %8s %6s %-6s", "-", "-", "");
    print_old(s, c->name, ns);
    printf("  %s\n", c->what);
    fflush(stdout);
    if (s->out)
        fprintf(s->out, "%s %.2f\n", c->name, ns);
}

static int usage(void)
{
    fprintf(stderr,
            "bench [--runs N] [--save FILE] [--compare FILE] [NAME …]\n");
    return 2;
}

static bool read_options(session *s, int argc, char **argv)
{
    int i = 1;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--runs") == 0)
            s->runs = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--save") == 0)
            s->save = argv[i + 1];
        else if (strcmp(argv[i], "--compare") == 0)
            s->compare = argv[i + 1];
        else
            return false;
    }
    s->names = argv + i;
    s->n_names = argc - i;
    return s->runs > 0 && (i >= argc || strncmp(argv[i], "--", 2) != 0);
}

int main(int argc, char **argv)
{
    static const bench_case *const subjects[] = {
        bench_decode, bench_compute, bench_aggregate, bench_join,
        bench_rank,   bench_window,  bench_log,       bench_pipeline,
    };
    session s = {.runs = RUNS};
    if (!read_options(&s, argc, argv))
        return usage();
    if (s.compare)
        load(&s);
    if (s.save && (s.out = fopen(s.save, "w")) == NULL) {
        perror(s.save);
        return 2;
    }
    s.calibration = bench_calibrate();
    printf("calibration loop: %.2f ns a step\n", s.calibration);
    printf("%-19s %9s %12s %8s %6s\n", "", "ns/row", "rows/s/core", "budget",
           "ratio");
    if (s.out)
        fprintf(s.out, "calibration %.3f\n", s.calibration);
    for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++)
        for (const bench_case *c = subjects[i]; c->name; c++)
            show(&s, c);
    if (s.out)
        fclose(s.out);
    return 0;
}
