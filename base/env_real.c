/* The env door on a POSIX machine.
 *
 * Signals: the handler counts and makes an eventfd readable; every sleeper
 * polls that descriptor, so that one signal wakes all threads.  After a
 * stop request sleeps are short (10 ms), not zero: a loop that forgets to
 * look does not spin.
 *
 * write_file: temporary file beside the target, fsync, rename, fsync of the
 * folder.  Readers see the old or the new content, also after a power cut.
 *
 * Lock files are never removed: a lock belongs to the open file, and a
 * removed one could be held twice.
 */
#include "base/env.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/diag.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { stopped_nap_us = 10000 };

typedef struct real {
    cu_env base;
    bool signals;
    struct sigaction old_term, old_int, old_pipe;
    char crash_point[64]; /* of CUPEL_CRASH_AT, "" = none */
    char what[16];        /* to do there: "" = end, "stop", or sleep */
    long sleep_us;
    long crash_every;     /* visits from one to the next */
    atomic_long crash_in; /* visits until then */
} real;

struct cu_lock {
    int fd;
};

struct cu_infile {
    int fd;
    char *path;
};

/* --- clock, chance, signals --------------------------------------------- */

static int64_t clock_us(clockid_t id)
{
    struct timespec now;
    int rc = clock_gettime(id, &now);
    CU_ASSERT(rc == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t real_wall_us(cu_env *e)
{
    (void)e;
    return clock_us(CLOCK_REALTIME);
}

static int64_t real_mono_us(cu_env *e)
{
    (void)e;
    return clock_us(CLOCK_MONOTONIC);
}

static uint64_t real_chance(cu_env *e)
{
    uint64_t v;
    (void)e;
    while (getrandom(&v, sizeof(v), 0) != (ssize_t)sizeof(v))
        CU_ASSERT(errno == EINTR);
    return v;
}

/* Handlers know no context, and there is one environment per process. */
static atomic_int stops;
static int stop_fd = -1;

static void on_stop(int signal)
{
    int saved = errno;
    uint64_t one = 1;
    (void)signal;
    atomic_fetch_add(&stops, 1);
    ssize_t ignored = write(stop_fd, &one, sizeof(one));
    (void)ignored;
    errno = saved;
}

static int real_stop_requested(cu_env *e)
{
    (void)e;
    return atomic_load(&stops);
}

static void real_sleep_us(cu_env *e, int64_t us)
{
    int64_t until = real_mono_us(e) + us;
    bool stopped = atomic_load(&stops) > 0;
    if (stopped && us > stopped_nap_us)
        until = real_mono_us(e) + stopped_nap_us;
    for (;;) {
        int64_t left = until - real_mono_us(e);
        if (left <= 0)
            return;
        struct timespec wait = {.tv_sec = left / 1000000,
                                .tv_nsec = left % 1000000 * 1000};
        struct pollfd on = {.fd = stopped ? -1 : stop_fd, .events = POLLIN};
        if (ppoll(&on, 1, &wait, NULL) > 0)
            return;
    }
}

static void catch_signals(real *r)
{
    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CU_ASSERT(stop_fd >= 0);
    atomic_store(&stops, 0);
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGTERM, &stop, &r->old_term);
    sigaction(SIGINT, &stop, &r->old_int);
    sigaction(SIGPIPE, &ignore, &r->old_pipe);
    r->signals = true;
}

/* The part up to the next colon, or the end; false when it has no room. */
static bool take_part(const char **at, char *out, size_t size)
{
    size_t n = strcspn(*at, ":");
    if (n == 0 || n >= size)
        return false;
    memcpy(out, *at, n);
    out[n] = 0;
    *at += n + ((*at)[n] == ':');
    return true;
}

/* POINT, POINT:N, POINT:N:stop or POINT:N:MILLISECONDS */
static bool split_crash_point(const char *at, real *r)
{
    char visit[16] = "1", *end = visit;
    if (!take_part(&at, r->crash_point, sizeof(r->crash_point)) ||
        (*at && !take_part(&at, visit, sizeof(visit))) ||
        (*at && !take_part(&at, r->what, sizeof(r->what))) || *at)
        return false;
    r->crash_every = strtol(visit, &end, 10);
    if (*end || r->crash_every < 1)
        return false;
    if (!*r->what || !strcmp(r->what, "stop"))
        return true;
    r->sleep_us = strtol(r->what, &end, 10) * 1000;
    return *end == 0 && r->sleep_us > 0;
}

static void read_crash_point(real *r)
{
    const char *at = getenv("CUPEL_CRASH_AT");
    if (!at)
        return;
    if (!split_crash_point(at, r)) {
        cu_warn("CUPEL_CRASH_AT=%s is ignored: it must be POINT, POINT:N, "
                "POINT:N:stop or POINT:N:MILLISECONDS",
                at);
        r->crash_point[0] = 0;
    }
    atomic_store(&r->crash_in, r->crash_every);
}

static bool real_fault(cu_env *e, const char *point)
{
    real *r = (real *)e;
    if (!r->crash_point[0] || strcmp(point, r->crash_point) != 0 ||
        atomic_fetch_sub(&r->crash_in, 1) != 1)
        return false;
    if (!*r->what)
        _exit(137);
    if (!strcmp(r->what, "stop"))
        raise(SIGSTOP);
    else
        usleep((useconds_t)r->sleep_us);
    atomic_store(&r->crash_in, r->crash_every);
    return false;
}

/* --- files -------------------------------------------------------------- */

static int fail_errno(cu_err *err, int why, const char *doing, const char *path)
{
    cu_code code = CU_IO;
    uint32_t flags = 0;
    const char *hint = "";
    switch (why) {
    case ENOENT:
        code = CU_NOT_FOUND;
        hint = "; check the path";
        break;
    case EACCES:
    case EPERM:
    case EROFS:
        code = CU_DENIED;
        hint = "; check its owner and permissions";
        break;
    case ENOSPC:
    case EDQUOT:
        code = CU_FULL;
        flags = CU_RETRY;
        hint = "; free some space";
        break;
    case EEXIST:
    case ENOTEMPTY:
        code = CU_EXISTS;
        break;
    case EMFILE:
    case ENFILE:
        flags = CU_RETRY;
        hint = "; raise the limit: ulimit -n 4096";
        break;
    }
    char text[96];
    return cu_fail(err, code, flags, "cannot %s %s: %s%s", doing, path,
                   strerror_r(why, text, sizeof(text)), hint);
}

/* Reads up to `len` bytes; short only at the end of the file. */
static ssize_t read_full(int fd, char *to, size_t len, int64_t offset)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = pread(fd, to + got, len - got, offset + (int64_t)got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

static int write_full(int fd, cu_slice s)
{
    while (s.len > 0) {
        ssize_t n = write(fd, s.data, s.len);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            s.data += n;
            s.len -= (size_t)n;
        }
    }
    return 0;
}

/* Pipes and /proc files have no size: reads until the end, growing. */
static int read_stream(int fd, const char *path, size_t max, cu_arena *a,
                       cu_slice *out, cu_err *err)
{
    cu_buf all = {0};
    int rc = 0;
    for (;;) {
        char *to = cu_buf_reserve(&all, 65536);
        ssize_t n = read(fd, to, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = fail_errno(err, errno, "read", path);
        if (n <= 0)
            break;
        all.len += (size_t)n;
        if (all.len > max) {
            rc = cu_fail(err, CU_LIMIT, 0, "%s is larger than %zu bytes", path,
                         max);
            break;
        }
    }
    if (rc == 0)
        *out = cu_arena_slice(a, cu_buf_slice(&all));
    cu_buf_free(&all);
    return rc;
}

static int real_read_file(cu_env *e, const char *path, size_t max_bytes,
                          cu_arena *a, cu_slice *out, cu_err *err)
{
    (void)e;
    struct stat st;
    int rc = 0;
    *out = CU_NULL_SLICE;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, errno, "open", path);
    if (fstat(fd, &st)) {
        rc = fail_errno(err, errno, "examine", path);
        goto out;
    }
    if (!S_ISREG(st.st_mode) || st.st_size == 0) {
        rc = read_stream(fd, path, max_bytes, a, out, err);
        goto out;
    }
    if ((uint64_t)st.st_size > max_bytes) {
        rc = cu_fail(err, CU_LIMIT, 0, "%s has %lld bytes, more than %zu", path,
                     (long long)st.st_size, max_bytes);
        goto out;
    }
    char *to = cu_arena_alloc(a, (size_t)st.st_size);
    ssize_t n = read_full(fd, to, (size_t)st.st_size, 0);
    if (n < 0)
        rc = fail_errno(err, errno, "read", path);
    else
        *out = cu_slice_n(to, (size_t)n);
out:
    close(fd);
    return rc;
}

static int real_make_dirs(cu_env *e, const char *path, cu_err *err)
{
    (void)e;
    struct stat st;
    int rc = 0;
    char *part = cu_strdup(path);
    for (char *p = part; rc == 0 && *p; p++) {
        if (p[1] != '/' && p[1])
            continue;
        char after = p[1];
        p[1] = 0;
        if (mkdir(part, 0777) && errno != EEXIST)
            rc = fail_errno(err, errno, "make the folder", part);
        else if (stat(part, &st) || !S_ISDIR(st.st_mode))
            rc = fail_errno(err, ENOTDIR, "make the folder", part);
        p[1] = after;
    }
    cu_free(part);
    return rc;
}

/* Makes a rename or removal in the folder durable. */
static int sync_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int rc = fsync(fd);
    int why = errno;
    close(fd);
    errno = why;
    return rc && why != EINVAL ? -1 : 0; /* some file systems cannot */
}

/* The temporary name starts with a dot, so that no glob finds it. */
struct cu_outfile {
    cu_arena *arena;
    const char *path, *dir, *temp;
    int fd;
};

static int real_open_out(cu_env *e, const char *path, cu_outfile **out,
                         cu_err *err)
{
    cu_arena *a = cu_arena_new(1024);
    cu_outfile *f = cu_arena_calloc(a, 1, sizeof(*f));
    f->arena = a;
    f->path = cu_arena_str(a, path);
    f->dir = cu_path_dir(a, path);
    f->temp = cu_arena_printf(a, "%s/.%s.%llx.tmp", f->dir, cu_path_base(path),
                              (unsigned long long)real_chance(e));
    int rc = real_make_dirs(e, f->dir, err);
    if (rc == 0) {
        f->fd = open(f->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (f->fd < 0)
            rc = fail_errno(err, errno, "create", f->temp);
    }
    if (rc) {
        cu_arena_free(a);
        return rc;
    }
    *out = f;
    return 0;
}

static int real_write_out(cu_env *e, cu_outfile *f, cu_slice content,
                          cu_err *err)
{
    (void)e;
    return write_full(f->fd, content) ? fail_errno(err, errno, "write", f->path)
                                      : 0;
}

static int real_end_out(cu_env *e, cu_outfile *f, bool keep, cu_err *err)
{
    (void)e;
    int rc = 0;
    if (keep && fsync(f->fd))
        rc = fail_errno(err, errno, "write", f->path);
    if (close(f->fd) && keep && rc == 0)
        rc = fail_errno(err, errno, "write", f->path);
    if (keep && rc == 0 && rename(f->temp, f->path))
        rc = fail_errno(err, errno, "write", f->path);
    else if (keep && rc == 0 && sync_folder(f->dir))
        rc = fail_errno(err, errno, "sync the folder", f->dir);
    if (!keep || rc)
        unlink(f->temp);
    cu_arena_free(f->arena);
    return rc;
}

static int real_write_file(cu_env *e, const char *path, cu_slice content,
                           cu_err *err)
{
    cu_outfile *f;
    int rc = real_open_out(e, path, &f, err);
    if (rc)
        return rc;
    rc = real_write_out(e, f, content, err);
    int ended = real_end_out(e, f, rc == 0, rc ? NULL : err);
    return rc ? rc : ended;
}

static int real_stat(cu_env *e, const char *path, cu_stat *out, cu_err *err)
{
    (void)e;
    struct stat st;
    if (stat(path, &st))
        return fail_errno(err, errno, "examine", path);
    out->size_bytes = st.st_size;
    out->modified_us = (int64_t)st.st_mtim.tv_sec * 1000000 +
                       st.st_mtim.tv_nsec / 1000;
    out->id = (uint64_t)st.st_dev * 0x9e3779b97f4a7c15u + st.st_ino;
    out->is_dir = S_ISDIR(st.st_mode);
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int real_list_dir(cu_env *e, const char *path, cu_arena *a,
                         cu_names *out, cu_err *err)
{
    (void)e;
    *out = (cu_names){0};
    DIR *dir = opendir(path);
    if (!dir)
        return fail_errno(err, errno, "list", path);
    char **names = NULL;
    size_t n = 0, cap = 0;
    int rc = 0;
    for (;;) {
        errno = 0;
        struct dirent *d = readdir(dir);
        if (!d) {
            if (errno)
                rc = fail_errno(err, errno, "list", path);
            break;
        }
        if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
            continue;
        if (n == cap) {
            cap = cap ? cap * 2 : 32;
            names = cu_realloc(names, cap * sizeof(*names));
        }
        names[n++] = cu_arena_str(a, d->d_name);
    }
    closedir(dir);
    if (rc == 0 && n > 0) {
        qsort(names, n, sizeof(*names), by_bytes);
        out->names = cu_arena_dup(a, names, n * sizeof(*names));
        out->n = n;
    }
    cu_free(names);
    return rc;
}

static int real_remove(cu_env *e, const char *path, cu_err *err)
{
    (void)e;
    if (remove(path))
        return fail_errno(err, errno, "remove", path);
    return 0;
}

static int real_open_in(cu_env *e, const char *path, cu_infile **out,
                        cu_err *err)
{
    (void)e;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, errno, "open", path);
    *out = cu_alloc(sizeof(**out));
    **out = (cu_infile){.fd = fd, .path = cu_strdup(path)};
    return 0;
}

static int real_read_at(cu_env *e, cu_infile *f, int64_t offset, char *to,
                        size_t max, size_t *got, cu_err *err)
{
    (void)e;
    ssize_t n = read_full(f->fd, to, max, offset);
    *got = n < 0 ? 0 : (size_t)n;
    return n < 0 ? fail_errno(err, errno, "read", f->path) : 0;
}

static void real_close_in(cu_env *e, cu_infile *f)
{
    (void)e;
    if (!f)
        return;
    close(f->fd);
    cu_free(f->path);
    cu_free(f);
}

/* --- locks -------------------------------------------------------------- */

static int real_lock(cu_env *e, const char *path, cu_lock **out, cu_err *err)
{
    (void)e;
    char pid[32] = "";
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return fail_errno(err, errno, "lock", path);
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        int why = errno;
        ssize_t n = read_full(fd, pid, sizeof(pid) - 1, 0);
        pid[n > 0 ? (size_t)n : 0] = 0;
        pid[strcspn(pid, "\n")] = 0;
        close(fd);
        if (why != EWOULDBLOCK)
            return fail_errno(err, why, "lock", path);
        return cu_fail(err, CU_BUSY, CU_RETRY,
                       "%s is held by process %s; stop it first, or choose "
                       "another folder",
                       path, pid[0] ? pid : "(unknown)");
    }
    int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) || write_full(fd, cu_slice_n(pid, (size_t)len))) {
        int rc = fail_errno(err, errno, "write", path);
        close(fd);
        return rc;
    }
    *out = cu_alloc(sizeof(**out));
    (*out)->fd = fd;
    return 0;
}

static void real_unlock(cu_env *e, cu_lock *lock)
{
    (void)e;
    if (!lock)
        return;
    close(lock->fd);
    cu_free(lock);
}

static const char *real_variable(cu_env *e, const char *name)
{
    (void)e;
    return getenv(name);
}

static void real_close(cu_env *e)
{
    real *r = (real *)e;
    if (r->signals) {
        sigaction(SIGTERM, &r->old_term, NULL);
        sigaction(SIGINT, &r->old_int, NULL);
        sigaction(SIGPIPE, &r->old_pipe, NULL);
        close(stop_fd);
        stop_fd = -1;
    }
    cu_free(r);
}

cu_env *cu_env_real(bool handle_signals)
{
    static const cu_env_vt vt = {
        .version = 1,
        .wall_us = real_wall_us,
        .mono_us = real_mono_us,
        .chance = real_chance,
        .sleep_us = real_sleep_us,
        .fault = real_fault,
        .stop_requested = real_stop_requested,
        .read_file = real_read_file,
        .write_file = real_write_file,
        .open_out = real_open_out,
        .write_out = real_write_out,
        .end_out = real_end_out,
        .stat = real_stat,
        .list_dir = real_list_dir,
        .make_dirs = real_make_dirs,
        .remove = real_remove,
        .open_in = real_open_in,
        .read_at = real_read_at,
        .close_in = real_close_in,
        .lock = real_lock,
        .unlock = real_unlock,
        .variable = real_variable,
        .close = real_close,
    };
    real *r = cu_calloc(1, sizeof(*r));
    r->base.vt = &vt;
    read_crash_point(r);
    if (handle_signals)
        catch_signals(r);
    return &r->base;
}
