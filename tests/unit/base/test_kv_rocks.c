/* What only the RocksDB maker does: files, locks, errors. */
#include "base/kv.h"

#include "tests/unit/base/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *folder;
static cu_arena *arena;

static void start(void)
{
    arena = cu_arena_new(0);
    folder = cu_scratch_new();
}

static void stop(void)
{
    cu_scratch_free(folder);
    cu_arena_free(arena);
}

TestSuite(kv_rocks, .init = start, .fini = stop);

static cu_kv *open_at(const char *path, cu_kv_opts opts)
{
    cu_kv *kv = NULL;
    cu_err err = {0};
    int rc = cu_kv_open_rocks(path, &opts, &kv, &err);
    cr_assert_eq(rc, 0, "%s", err.msg);
    return kv;
}

static void put(cu_kv *kv, const char *key)
{
    cu_kv_batch b = {0};
    cu_kv_batch_put(&b, cu_slice_of(key), CU_LIT("v"));
    cr_assert_eq(kv->vt->write(kv, &b, false, NULL), 0);
    cu_kv_batch_free(&b);
}

static bool has(cu_kv *kv, const char *key)
{
    cu_slice v;
    cr_assert_eq(kv->vt->get(kv, cu_slice_of(key), arena, &v, NULL), 0);
    return v.data != NULL;
}

Test(kv_rocks, what_was_written_is_there_after_reopening)
{
    for (int wal = 0; wal < 2; wal++) {
        const char *path = cu_arena_printf(arena, "%s/%d", folder, wal);
        cu_kv *kv = open_at(path, (cu_kv_opts){.wal = wal});
        put(kv, "a");
        kv->vt->close(kv);
        kv = open_at(path, (cu_kv_opts){.wal = wal});
        cr_assert(has(kv, "a"));
        kv->vt->close(kv);
    }
}

/* A child writes and dies without closing. */
static void write_and_die(bool wal)
{
    fflush(NULL);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        cu_kv *kv = open_at(folder, (cu_kv_opts){.wal = wal});
        put(kv, "flushed");
        if (kv->vt->flush(kv, NULL))
            _exit(1);
        put(kv, "not flushed");
        _exit(0);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
}

Test(kv_rocks, with_a_wal_a_killed_process_loses_nothing)
{
    write_and_die(true);
    cu_kv *kv = open_at(folder, (cu_kv_opts){.wal = true});
    cr_assert(has(kv, "flushed"));
    cr_assert(has(kv, "not flushed"));
    kv->vt->close(kv);
}

Test(kv_rocks, without_a_wal_a_killed_process_keeps_a_prefix)
{
    write_and_die(false);
    cu_kv *kv = open_at(folder, (cu_kv_opts){.wal = false});
    cr_assert(has(kv, "flushed"));
    cr_assert(!has(kv, "not flushed"));
    kv->vt->close(kv);
}

static void expect_failure(const char *path, cu_kv_opts opts, cu_code code,
                           const char *hint)
{
    cu_kv *kv = NULL;
    cu_err err = {0};
    cr_assert_eq(cu_kv_open_rocks(path, &opts, &kv, &err), (int)code, "%s: %s",
                 cu_code_name(err.code), err.msg);
    cr_assert_null(kv);
    cr_assert(strstr(err.msg, path) && strstr(err.msg, hint), "%s", err.msg);
}

Test(kv_rocks, a_second_opener_is_told_who_is_in_the_way)
{
    cu_kv *kv = open_at(folder, (cu_kv_opts){.wal = true});
    expect_failure(folder, (cu_kv_opts){0}, CU_BUSY, "this process");
    kv->vt->close(kv);

    int pipes[2];
    cr_assert_eq(pipe(pipes), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        open_at(folder, (cu_kv_opts){.wal = true});
        ssize_t n = write(pipes[1], "x", 1);
        pause();
        _exit((int)n);
    }
    char x;
    cr_assert_eq(read(pipes[0], &x, 1), 1);
    expect_failure(folder, (cu_kv_opts){0}, CU_BUSY, "another process");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

Test(kv_rocks, a_reader_beside_a_writer_sees_what_was_there)
{
    cu_kv *kv = open_at(folder, (cu_kv_opts){.wal = true});
    put(kv, "a");
    cu_kv *reader = open_at(folder, (cu_kv_opts){.read_only = true});
    cr_assert(has(reader, "a"));
    put(kv, "b");
    cr_assert(!has(reader, "b"));
    cu_kv_batch b = {0};
    cu_err err = {0};
    cu_kv_batch_del(&b, CU_LIT("a"));
    cr_assert_eq(reader->vt->write(reader, &b, false, &err), CU_DENIED, "%s",
                 err.msg);
    cu_kv_batch_free(&b);
    cr_assert_eq(reader->vt->sync(reader, NULL), 0);
    cr_assert_eq(reader->vt->flush(reader, NULL), 0);
    reader->vt->close(reader);
    kv->vt->close(kv);
}

Test(kv_rocks, opening_explains_what_is_wrong)
{
    const char *none = cu_arena_printf(arena, "%s/none", folder);
    expect_failure(none, (cu_kv_opts){.read_only = true}, CU_NOT_FOUND,
                   "run the pipeline");
    const char *file = cu_arena_printf(arena, "%s/file", folder);
    int fd = open(file, O_CREAT | O_WRONLY, 0600);
    cr_assert_geq(fd, 0);
    close(fd);
    expect_failure(cu_arena_printf(arena, "%s/below", file), (cu_kv_opts){0},
                   CU_IO, "folder");
    if (geteuid() != 0) { /* root may write everywhere */
        const char *closed = cu_arena_printf(arena, "%s/closed", folder);
        cr_assert_eq(mkdir(closed, 0500), 0);
        expect_failure(cu_arena_printf(arena, "%s/db", closed), (cu_kv_opts){0},
                       CU_DENIED, "permission");
    }
}

Test(kv_rocks, damage_is_called_corrupt)
{
    cu_kv *kv = open_at(folder, (cu_kv_opts){.wal = true});
    put(kv, "a");
    kv->vt->close(kv);
    const char *current = cu_arena_printf(arena, "%s/CURRENT", folder);
    int fd = open(current, O_WRONLY | O_TRUNC);
    cr_assert_eq(write(fd, "nonsense", 8), 8);
    close(fd);
    expect_failure(folder, (cu_kv_opts){.wal = true}, CU_CORRUPT, "move");
}

Test(kv_rocks, large_values_reach_table_files_and_come_back)
{
    enum { N = 600, SIZE = 10000 };
    cu_kv *kv = open_at(folder, (cu_kv_opts){.memtable_bytes = 1 << 20});
    char *value = cu_arena_alloc(arena, SIZE);
    cu_kv_batch b = {0};
    for (int i = 0; i < N; i++) {
        memset(value, i & 0xff, SIZE);
        cu_kv_batch_clear(&b);
        cu_kv_batch_put(&b, cu_slice_of(cu_arena_printf(arena, "%05d", i)),
                        cu_slice_n(value, SIZE));
        cr_assert_eq(kv->vt->write(kv, &b, false, NULL), 0);
    }
    cr_assert_eq(kv->vt->flush(kv, NULL), 0);
    for (int i = 0; i < N; i += 50) {
        cu_slice v;
        cu_slice key = cu_slice_of(cu_arena_printf(arena, "%05d", i));
        cr_assert_eq(kv->vt->get(kv, key, arena, &v, NULL), 0);
        cr_assert_eq(v.len, SIZE);
        cr_assert_eq((unsigned char)v.data[SIZE - 1], i & 0xff);
    }
    cu_kv_stats stats;
    kv->vt->stats(kv, &stats);
    cr_assert_gt(stats.live_bytes, 0);
    cu_kv_batch_free(&b);
    kv->vt->close(kv);
}

/* Fills a file system of twelve megabytes, frees it and goes on. Runs in a
 * child with a mount table of its own; the exit code says how it ended. */
enum { CANNOT_MOUNT = 77, WRONG = 1 };

static int fill_and_go_on(const char *at, bool wal)
{
    static char chunk[1 << 20], value[4000];
    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", at, "tmpfs", 0, "size=12m"))
        return CANNOT_MOUNT;
    char path[600];
    snprintf(path, sizeof(path), "%s/ballast", at);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    for (int i = 0; i < 8; i++) {
        if (write(fd, chunk, sizeof(chunk)) != (ssize_t)sizeof(chunk))
            return WRONG;
    }
    close(fd);

    char db[600];
    snprintf(db, sizeof(db), "%s/db", at);
    cu_kv_opts opts = {
        .wal = wal, .memtable_bytes = 1 << 20, .sync_every_ms = 50};
    cu_kv *kv = NULL;
    cu_err err = {0};
    if (cu_kv_open_rocks(db, &opts, &kv, &err))
        return WRONG;
    uint64_t r = 1;
    int n = 0, more = -1;
    cu_kv_batch b = {0};
    for (int tries = 0; more != 0; tries += more < 0) {
        for (size_t i = 0; i < sizeof(value); i += 8) { /* incompressible */
            r = r * 6364136223846793005u + 1442695040888963407u;
            uint64_t bits = r ^ r >> 29;
            memcpy(value + i, &bits, 8);
        }
        char key[16];
        snprintf(key, sizeof(key), "%08d", n);
        cu_kv_batch_clear(&b);
        cu_kv_batch_put(&b, cu_slice_of(key), cu_slice_n(value, sizeof(value)));
        int rc = kv->vt->write(kv, &b, false, &err);
        if (rc == 0) {
            n++;
            more -= more > 0;
            continue;
        }
        if (rc != CU_FULL || !(err.flags & CU_RETRY) || tries > 20000)
            return WRONG;
        unlink(path);
        more = 200; /* writes to do after the disk was full */
        usleep(100000);
    }
    kv->vt->close(kv);
    if (cu_kv_open_rocks(db, &opts, &kv, &err))
        return WRONG;
    for (int i = 0; i < n; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%08d", i);
        if (!has(kv, key))
            return WRONG;
    }
    kv->vt->close(kv);
    cu_kv_batch_free(&b);
    return 0;
}

Test(kv_rocks, a_full_disk_can_be_freed_and_nothing_is_lost)
{
    pid_t child[2];
    fflush(NULL);
    for (int wal = 0; wal < 2; wal++) {
        child[wal] = fork();
        if (child[wal] == 0)
            _exit(fill_and_go_on(folder, wal));
    }
    bool skipped = false;
    for (int wal = 0; wal < 2; wal++) {
        int status = -1;
        cr_assert_eq(waitpid(child[wal], &status, 0), child[wal]);
        cr_assert(WIFEXITED(status), "wal %d", wal);
        skipped = skipped || WEXITSTATUS(status) == CANNOT_MOUNT;
        if (WEXITSTATUS(status) != CANNOT_MOUNT)
            cr_assert_eq(WEXITSTATUS(status), 0, "wal %d", wal);
    }
    if (skipped)
        cr_skip_test("mounting a small file system is not allowed here");
}
