#include "tests/bench/bench.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SHORTEST_RUN_NS = 100000000, MOST_RUNS = 64, LOOPS = 20000000 };

int64_t bench_cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Background work of RocksDB that the preparation left behind. */
void bench_settle(void)
{
    for (int quiet = 0; quiet < 3;) {
        int64_t before = bench_cpu_ns();
        usleep(20000);
        quiet = bench_cpu_ns() - before < 1000000 ? quiet + 1 : 0;
    }
}

static double one_run(const bench_case *c, void *ctx)
{
    int64_t spent = 0;
    uint64_t rows = 0;
    if (c->prepare)
        c->prepare(ctx);
    do {
        int64_t start = bench_cpu_ns();
        rows += c->run(ctx);
        spent += bench_cpu_ns() - start;
    } while (!c->prepare && spent < SHORTEST_RUN_NS);
    return (double)spent / (double)rows;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_measure(const bench_case *c, unsigned runs)
{
    double got[MOST_RUNS];
    if (runs > MOST_RUNS)
        runs = MOST_RUNS;
    void *ctx = c->open(c);
    one_run(c, ctx);
    for (unsigned i = 0; i < runs; i++)
        got[i] = one_run(c, ctx);
    c->close(ctx);
    qsort(got, runs, sizeof(*got), by_size);
    return got[runs / 2];
}

/* Each step waits for the one before: multiply, shift, a load from a table
 * that fits the first-level cache. */
double bench_calibrate(void)
{
    static uint64_t table[1024];
    uint64_t x = 1, seed = 7;
    for (size_t i = 0; i < 1024; i++)
        table[i] = bench_draw(&seed);
    double best = 0;
    for (int run = 0; run < 3; run++) {
        int64_t start = bench_cpu_ns();
        for (int i = 0; i < LOOPS; i++)
            x = x * 0x9e3779b97f4a7c15u + table[x >> 54];
        double ns = (double)(bench_cpu_ns() - start) / LOOPS;
        if (run == 0 || ns < best)
            best = ns;
        bench_keep(&x);
    }
    return best;
}

void bench_keep(const void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}
