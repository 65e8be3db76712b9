#include "base/env.h"

#include "tests/unit/base/scratch.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *folder;
static cu_arena *arena;
static cu_env *env;

static void start(void)
{
    arena = cu_arena_new(0);
    folder = cu_scratch_new();
    env = cu_env_real(true);
}

static void stop(void)
{
    env->vt->close(env);
    cu_scratch_free(folder);
    cu_arena_free(arena);
}

TestSuite(env_real, .init = start, .fini = stop);

static const char *in(const char *name)
{
    return cu_path_join(arena, folder, name);
}

Test(env_real, signals_are_counted_and_pipes_ignored)
{
    cr_assert_eq(env->vt->stop_requested(env), 0);
    raise(SIGTERM);
    cr_assert_eq(env->vt->stop_requested(env), 1);
    raise(SIGINT);
    cr_assert_eq(env->vt->stop_requested(env), 2);
    raise(SIGPIPE);
    cr_assert_eq(env->vt->stop_requested(env), 2);
}

/* So long that no busy machine makes a short sleep look like it. */
enum { SLEEP_US = 600 * 1000000 };

static void *signal_soon(void *arg)
{
    usleep(30000);
    kill(getpid(), SIGTERM);
    return arg;
}

Test(env_real, a_stop_request_wakes_every_sleeper)
{
    pthread_t t;
    int64_t before = cu_mono_us(env);
    cr_assert_eq(pthread_create(&t, NULL, signal_soon, NULL), 0);
    env->vt->sleep_us(env, SLEEP_US);
    cr_assert_lt(cu_mono_us(env) - before, SLEEP_US / 2);
    pthread_join(t, NULL);

    /* Later sleeps are short, but they are sleeps. */
    before = cu_mono_us(env);
    env->vt->sleep_us(env, SLEEP_US);
    cr_assert_lt(cu_mono_us(env) - before, SLEEP_US / 2);
    cr_assert_geq(cu_mono_us(env) - before, 10000);
}

Test(env_real, a_failed_write_leaves_the_old_content_and_no_debris)
{
    cu_err err = {0};
    const char *path = in("a");
    cr_assert_eq(env->vt->write_file(env, path, CU_LIT("old"), &err), 0);
    /* A folder in the way makes the rename fail. */
    cr_assert_eq(mkdir(in("d"), 0700), 0);
    cr_assert_eq(mkdir(in("d/x"), 0700), 0);
    cr_assert_neq(env->vt->write_file(env, in("d"), CU_LIT("new"), &err), 0);
    cu_names names;
    cr_assert_eq(env->vt->list_dir(env, folder, arena, &names, &err), 0);
    cr_assert_eq(names.n, 2);
}

Test(env_real, files_without_a_size_are_read_to_their_end)
{
    cu_slice got;
    cu_err err = {0};
    const char *path = "/proc/self/stat";
    cr_assert_eq(env->vt->read_file(env, path, 100000, arena, &got, &err), 0);
    cr_assert_gt(got.len, 10);
    cr_assert_eq(env->vt->read_file(env, path, 3, arena, &got, &err), CU_LIMIT);
}

Test(env_real, variables_come_from_the_environment)
{
    setenv("CUPEL_TEST_VARIABLE", "x", 1);
    cr_assert_str_eq(env->vt->variable(env, "CUPEL_TEST_VARIABLE"), "x");
    cr_assert_null(env->vt->variable(env, "CUPEL_TEST_NOT_SET"));
}

/* How a child ends that visits points a, b, b, b under CUPEL_CRASH_AT; 1000
 * and how often when it stopped itself and went on. */
static int end_of_child(const char *crash_at)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setenv("CUPEL_CRASH_AT", crash_at, 1);
        cu_env *e = cu_env_real(false);
        cu_fault(e, "a");
        for (int i = 0; i < 3; i++)
            cu_fault(e, "b");
        _exit(0);
    }
    int status = -1, stops = 0;
    cr_assert_eq(waitpid(child, &status, WUNTRACED), child);
    while (WIFSTOPPED(status)) {
        stops++;
        kill(child, SIGCONT);
        cr_assert_eq(waitpid(child, &status, WUNTRACED), child);
    }
    cr_assert(WIFEXITED(status));
    return stops ? 1000 + stops : WEXITSTATUS(status);
}

Test(env_real, crashes_where_it_was_told)
{
    cr_assert_eq(end_of_child("a"), 137);
    cr_assert_eq(end_of_child("a:1"), 137);
    cr_assert_eq(end_of_child("a:2"), 0);
    cr_assert_eq(end_of_child("b:3"), 137);
    cr_assert_eq(end_of_child("b:4"), 0);
    cr_assert_eq(end_of_child("c"), 0);
    cr_assert_eq(end_of_child(":"), 0);
}

Test(env_real, stops_or_sleeps_where_it_was_told)
{
    cr_assert_eq(end_of_child("b:1:stop"), 1003);
    cr_assert_eq(end_of_child("b:2:stop"), 1001);
    cr_assert_eq(end_of_child("b:4:stop"), 0);
    int64_t begin = cu_mono_us(env);
    cr_assert_eq(end_of_child("a:1:50"), 0);
    cr_assert_geq(cu_mono_us(env) - begin, 50000);
    cr_assert_eq(end_of_child("a:1:never"), 0);
    cr_assert_eq(end_of_child("a::1"), 0);
    cr_assert_eq(end_of_child("b:1:stop:2"), 0);
    cr_assert_eq(end_of_child("a:x"), 0);
}

Test(env_real, a_lock_names_the_other_process_and_dies_with_it)
{
    int pipes[2];
    cr_assert_eq(pipe(pipes), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        cu_lock *l;
        if (env->vt->lock(env, in("lock"), &l, NULL))
            _exit(1);
        ssize_t n = write(pipes[1], "x", 1);
        pause();
        _exit((int)n);
    }
    char x;
    cr_assert_eq(read(pipes[0], &x, 1), 1);
    cu_lock *l = NULL;
    cu_err err = {0};
    cr_assert_eq(env->vt->lock(env, in("lock"), &l, &err), CU_BUSY);
    cr_assert_not_null(
        strstr(err.msg, cu_arena_printf(arena, "process %d", (int)child)));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    cr_assert_eq(env->vt->lock(env, in("lock"), &l, &err), 0, "%s", err.msg);
    env->vt->unlock(env, l);
}

Test(env_real, a_double_star_does_not_run_in_circles)
{
    cu_err err = {0};
    cu_names names;
    cr_assert_eq(env->vt->write_file(env, in("d/a.csv"), CU_LIT("x"), &err), 0);
    cr_assert_eq(symlink("..", in("d/up")), 0);
    cr_assert_eq(symlink(".", in("d/self")), 0);
    cr_assert_eq(symlink("a.csv", in("d/link.csv")), 0);
    cr_assert_eq(symlink("nowhere", in("d/dead.csv")), 0);
    cr_assert_eq(cu_glob(env, folder, "**/*.csv", arena, &names, &err), 0);
    cr_assert_eq(names.n, 2);
    cr_assert_str_eq(names.names[0], "d/a.csv");
    cr_assert_str_eq(names.names[1], "d/link.csv");
    /* Where a pattern names the link, it is followed. */
    cr_assert_eq(cu_glob(env, folder, "d/self/a.*", arena, &names, &err), 0);
    cr_assert_eq(names.n, 1);
}

Test(env_real, two_paths_to_one_file_have_one_id)
{
    cu_stat a, b, c;
    cr_assert_eq(env->vt->write_file(env, in("a"), CU_LIT("x"), NULL), 0);
    cr_assert_eq(env->vt->write_file(env, in("c"), CU_LIT("x"), NULL), 0);
    cr_assert_eq(symlink("a", in("b")), 0);
    cr_assert_eq(env->vt->stat(env, in("a"), &a, NULL), 0);
    cr_assert_eq(env->vt->stat(env, in("b"), &b, NULL), 0);
    cr_assert_eq(env->vt->stat(env, in("c"), &c, NULL), 0);
    cr_assert_eq(a.id, b.id);
    cr_assert_neq(a.id, c.id);
}
