/* cupel doctor: is everything here that a run needs?
 *
 * One line per check: ok, warn or fail, and what to do about it.  Nothing is
 * changed but for a file that is written to the state folder and removed.
 */
#include "ops/needs.h"
#include "ops/version.h"
#include "ops/wire.h"

#include "rows/text.h"

#include <netdb.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { CONNECT_MS = 5000, FEW_FILES = 256, SOME_FILES = 1024 };
#define LITTLE_SPACE (INT64_C(64) << 20)
#define SOME_SPACE   (INT64_C(1) << 30)

typedef enum verdict { OK, WARN, FAIL } verdict;

typedef struct doctor {
    cu_cmd *c;
    cu_cells *cells;
    int n[3];
} doctor;

static void finding(doctor *d, verdict v, const char *check, const char *what,
                    const char *todo)
{
    static const char *const names[] = {"ok", "warn", "fail"};
    const char *row[] = {names[v], check, what, todo};
    cu_cells_add(d->cells, row);
    d->n[v]++;
}

static const char *words(doctor *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static const char *words(doctor *d, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *text = cu_arena_vprintf(d->c->arena, format, ap);
    va_end(ap);
    return text;
}

static void libraries(doctor *d)
{
    cu_library l[CU_MOST_LIBRARIES];
    uint32_t n = cu_libraries(l, CU_MOST_LIBRARIES, d->c->arena);
    finding(d, OK, "cupel", CUPEL_VERSION, "");
    for (uint32_t i = 0; i < n; i++)
        finding(d, OK, l[i].name, l[i].version, "");
}

/* --- the state folder ----------------------------------------------------- */

static void space(doctor *d, const char *dir)
{
    struct statvfs v;
    if (statvfs(dir, &v))
        return;
    int64_t left = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
    const char *what = words(d, "%lld MB free in %s", (long long)(left >> 20),
                             dir);
    if (left < LITTLE_SPACE)
        finding(d, FAIL, "disk", what, "free some space, or choose --state");
    else if (left < SOME_SPACE)
        finding(d, WARN, "disk", what, "states and logs grow: keep 1 GB free");
    else
        finding(d, OK, "disk", what, "");
}

static void lock_of(doctor *d, const char *dir)
{
    cu_env *env = d->c->env;
    cu_lock *lock;
    cu_stat st;
    cu_err err = {0};
    const char *path = cu_path_join(d->c->arena, dir, "lock");
    if (env->vt->stat(env, path, &st, &err))
        return; /* never used */
    cu_err_clear(&err);
    int rc = env->vt->lock(env, path, &lock, &err);
    if (rc == 0) {
        env->vt->unlock(env, lock);
        finding(d, OK, "lock", "free: no process works in the folder", "");
    } else if (rc == CU_BUSY) {
        /* "… is held by process 12; what to do" */
        finding(d, OK, "lock",
                cu_arena_strn(d->c->arena, err.msg, strcspn(err.msg, ";")), "");
    } else {
        finding(d, FAIL, "lock", err.msg, "give this user the folder: chown");
    }
}

/* The folder itself, or the nearest one above that exists. */
static const char *existing(doctor *d, const char *dir)
{
    cu_env *env = d->c->env;
    cu_stat st;
    while (env->vt->stat(env, dir, &st, NULL) && strcmp(dir, "/") &&
           strcmp(dir, "."))
        dir = cu_path_dir(d->c->arena, dir);
    return dir;
}

static void folder(doctor *d)
{
    cu_env *env = d->c->env;
    const char *dir = cu_app_folder(d->c);
    if (dir == NULL)
        dir = ".cupel";
    const char *there = existing(d, dir);
    const char *probe = cu_path_join(d->c->arena, there, ".cupel-doctor");
    cu_err err = {0};
    if (env->vt->write_file(env, probe, CU_LIT("doctor\n"), &err)) {
        finding(d, FAIL, "state", err.msg,
                "give this user the folder, or choose another --state DIR");
    } else {
        env->vt->remove(env, probe, &err);
        finding(d, OK, "state",
                strcmp(dir, there) ? words(d, "%s will be made", dir)
                                   : words(d, "%s is writable", dir),
                "");
    }
    space(d, there);
    if (strcmp(dir, there) == 0)
        lock_of(d, dir);
    if (strlen(cu_path_join(d->c->arena, dir, "socket")) > CU_WIRE_PATH_BYTES)
        finding(d, WARN, "socket", words(d, "%s is too long for a socket", dir),
                "a shorter --state lets query and tail ask a running app");
}

/* --- the machine ---------------------------------------------------------- */

static void limits(doctor *d)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r))
        return;
    const char *what = words(d, "%llu open files",
                             (unsigned long long)r.rlim_cur);
    if (r.rlim_cur < FEW_FILES)
        finding(d, FAIL, "limits", what, "ulimit -n 4096");
    else if (r.rlim_cur < SOME_FILES)
        finding(d, WARN, "limits", what, "ulimit -n 4096");
    else
        finding(d, OK, "limits", what, "");
}

static void memory(doctor *d, bool embedded)
{
    size_t all = (size_t)d->c->o.memory_bytes;
    if (all == 0)
        all = (size_t)256 << 20;
    cu_memory_plan p = cu_memory_shares(all, embedded);
    const char *what = words(
        d,
        "%zu MB: operators %zu, state tables %zu, %s %zu, block cache %zu, "
        "memtables %zu",
        all >> 20, p.operators >> 20, p.tables >> 20,
        embedded ? "log" : "Kafka queues", p.log >> 20, p.block_cache >> 20,
        p.memtables >> 20);
    int64_t have = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    if (have > 0 && (int64_t)all > have)
        finding(d, FAIL, "memory", what,
                words(d, "the machine has %lld MB: choose a smaller --memory",
                      (long long)(have >> 20)));
    else if (all < (size_t)64 << 20)
        finding(d, WARN, "memory", what, "64 MB are the least that is tested");
    else
        finding(d, OK, "memory", what, "");
}

static void clock_and_zones(doctor *d)
{
    const cu_zone *z;
    cu_err err = {0};
    cu_buf b = {0};
    int64_t us = cu_wall_us(d->c->env) - CU_PG_EPOCH_US;
    cu_rfc3339_out(us, &b);
    const char *now = cu_arena_strn(d->c->arena, b.data, b.len);
    cu_buf_free(&b);
    bool early = us < INT64_C(757382400000000); /* 2024 */
    finding(d, early ? FAIL : OK, "clock", now,
            early ? "set the clock (NTP): commits carry its time" : "");
    if (cu_zone_open(d->c->env, CU_LIT("Europe/Oslo"), &z, &err))
        finding(d, WARN, "time zones", err.msg,
                "apt install tzdata; only UTC and fixed offsets work now");
    else
        finding(d, OK, "time zones", "the rules of tzdata are there", "");
}

/* --- the world ------------------------------------------------------------ */

/* What is there, against what the app needs. */
static int topics(doctor *d, cu_log *log, cu_program *p, cu_err *err)
{
    cu_app app = {.program = p, .log = log, .name = p->app};
    cu_needs needs;
    cu_unmet *at;
    uint32_t n;
    const cu_stages *s;
    int rc = cu_app_stages(d->c, &app, &s, err);
    if (rc)
        return rc;
    cu_needs_of(p, s, d->c->arena, &needs);
    rc = cu_needs_check(d->c, &needs, log, d->c->arena, &at, &n, err);
    for (uint32_t i = 0; rc == 0 && i < n; i++)
        finding(d, at[i].fatal ? FAIL : WARN, "topics", at[i].what, at[i].todo);
    if (rc == 0 && n == 0)
        finding(d, OK, "topics",
                words(d, "%u of the app, as they should be or not made yet",
                      needs.n),
                "");
    if (rc == 0)
        finding(d, OK, "permissions", "are not asked for",
                "cupel doctor PATH --acls lists what the app's user needs");
    return rc;
}

static void brokers(doctor *d, const char *list, cu_program *p)
{
    cu_log_kafka_opts o = {.brokers = list,
                           .client_id = "cupel-doctor",
                           .properties = d->c->o.properties,
                           .n_properties = d->c->o.n_properties,
                           .env = d->c->env,
                           .deadline_ms = 10000};
    cu_log *log = NULL;
    cu_topic_list there;
    cu_err err = {0};
    int rc = cu_log_open_kafka(&o, &log, &err);
    if (rc == 0)
        rc = log->vt->topic_list(log, d->c->arena, &there, &err);
    if (rc)
        finding(d, FAIL, "brokers", err.msg,
                err.code == CU_DENIED
                    ? "correct the security properties"
                    : "start the broker, or correct --brokers");
    else
        finding(d, OK, "brokers", words(d, "%s: %zu topics", list, there.n),
                "");
    if (rc == 0 && p && topics(d, log, p, &err))
        finding(d, FAIL, "topics", err.msg, "");
    if (log)
        log->vt->close(log);
}

/* Connects, and hangs up: 0, or why not. */
static const char *dial(doctor *d, const struct addrinfo *to)
{
    char why[96];
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    0);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int failed = 0;
    socklen_t size = sizeof(failed);
    if (fd < 0)
        return "no socket";
    bool waits = connect(fd, to->ai_addr, to->ai_addrlen) != 0;
    bool late = waits && poll(&p, 1, CONNECT_MS) <= 0;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    close(fd);
    if (late)
        return "no answer in 5 s";
    return failed ? words(d, "%s", strerror_r(failed, why, sizeof(why))) : NULL;
}

static void api(doctor *d, const cu_table_def *t)
{
    cu_arena *a = d->c->arena;
    const char *url = t->http->url;
    bool tls = strncmp(url, "https://", 8) == 0;
    const char *from = url + (tls ? 8 : 7);
    char *host = cu_arena_strn(a, from, strcspn(from, "/?#"));
    char *colon = strrchr(host, ':');
    const char *port = tls ? "443" : "80";
    if (colon && host[strlen(host) - 1] != ']') {
        *colon = 0;
        port = colon + 1;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *at;
    int rc = getaddrinfo(host, port, &hints, &at);
    const char *why = rc ? gai_strerror(rc) : dial(d, at);
    if (rc == 0)
        freeaddrinfo(at);
    if (why)
        finding(d, FAIL, "api",
                words(d, "%s (table %s): %s", url, t->name, why),
                "check the network and the server's url");
    else
        finding(d, OK, "api", words(d, "%s answers", url), "");
}

static void apis(doctor *d, const cu_program *p)
{
    for (uint32_t i = 0; i < p->n_tables; i++) {
        const cu_table_def *t = p->tables[i];
        bool again = false;
        for (uint32_t k = 0; t->http && k < i; k++)
            again = again || p->tables[k]->server == t->server;
        if (t->http && !again)
            api(d, t);
    }
}

int cu_cmd_doctor(cu_cmd *c)
{
    static const char *const names[] = {"verdict", "check", "found", "to do"};
    static const char *const keys[] = {"verdict", "check", "found", "to_do"};
    cu_program *p = NULL;
    uint32_t n_paths;
    int rc = c->n_words ? cu_app_compile(c, &p, &n_paths) : 0;
    if (rc)
        return rc;
    if (c->o.acls) {
        if (p == NULL)
            return cu_usage(c, "--acls wants the path of a pipeline");
        rc = cu_doctor_acls(c, p);
        cu_program_free(p);
        return rc;
    }
    bool people = c->o.output == CU_OUT_TEXT;
    doctor d = {.c = c,
                .cells = cu_cells_new(c->arena, people ? names : keys, 4)};
    const char *list = c->o.brokers ? c->o.brokers : p ? p->brokers : NULL;
    libraries(&d);
    folder(&d);
    memory(&d, list == NULL);
    limits(&d);
    clock_and_zones(&d);
    if (list)
        brokers(&d, list, p);
    else
        finding(&d, OK, "brokers", "none: the embedded log", "");
    if (p)
        apis(&d, p);
    cu_cells_print(d.cells, c);
    if (people && !c->o.quiet)
        cu_say(c->out, "%d ok, %d to look at, %d failed\n", d.n[OK], d.n[WARN],
               d.n[FAIL]);
    if (p)
        cu_program_free(p);
    return d.n[FAIL] ? 1 : 0;
}
