#include "tests/bench/bench.h"

#include "base/env.h"
#include "processors/sql/sql.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void bench_check(int rc, const cu_err *err, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench: %s: %s\n", what, err->msg);
    exit(1);
}

cu_env *bench_env(void)
{
    static cu_env *env;
    if (env == NULL)
        env = cu_env_real(false);
    return env;
}

void bench_folder_open(bench_folder *f)
{
    const char *base = getenv("TMPDIR");
    snprintf(f->path, sizeof(f->path), "%s/cupel-bench-XXXXXX",
             base ? base : P_tmpdir);
    f->env = bench_env();
    if (mkdtemp(f->path) == NULL) {
        perror("bench: no temporary folder");
        exit(1);
    }
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

void bench_folder_close(bench_folder *f)
{
    nftw(f->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* As the embedded app has it (cu_memory_shares() of 256 MiB). */
cu_kv *bench_kv_open(const bench_folder *f)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/db", f->path);
    cu_kv_opts o = {.wal = true,
                    .cache_bytes = 64 << 20,
                    .memtable_bytes = 32 << 20,
                    .sync_every_ms = 1000};
    cu_kv *kv;
    cu_err err = {0};
    bench_check(cu_kv_open_rocks(path, &o, &kv, &err), &err, "RocksDB");
    return kv;
}

cu_program *bench_compile(const char *sql)
{
    static const char *const path = "bench.sql";
    cu_env *env = cu_env_sim(1);
    cu_err err = {0};
    bench_check(env->vt->write_file(env, path, cu_slice_of(sql), &err), &err,
                "the SQL");
    cu_sql_opts o = {.env = env, .app = "bench", .paths = &path, .n_paths = 1};
    cu_sql_problems problems = {0};
    cu_program *p;
    int rc = cu_sql_compile(&o, &p, &problems, &err);
    cu_buf text = {0};
    for (uint32_t i = 0; rc && i < problems.n; i++)
        cu_sql_problem_print(&problems.at[i], problems.files, problems.n_files,
                             &text);
    fwrite(text.data, 1, text.len, stderr);
    cu_buf_free(&text);
    cu_sql_problems_free(&problems);
    bench_check(rc, &err, "the SQL");
    env->vt->close(env);
    return p;
}
