/* The side of the socket that answers: in the process that runs the app.
 *
 *   acceptor ──accept──> talk (a thread) ── parse ── command ── exit code
 *
 * A talk is one command of somebody else, with an arena and two streams of
 * its own; it reads committed rows and shares nothing with the workers but
 * the log and the store, which take any thread.  At most MOST_TALKS at once.
 *
 * The folder's lock is ours, so a socket that lies there already belongs to
 * nobody: it is removed.  Only our user may connect (0600).
 */
#include "ops/attach.h"

#include "base/alloc.h"
#include "base/diag.h"
#include "ops/args.h"
#include "ops/wire.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MOST_TALKS = 32, GRACE_MS = 2000, NAP_MS = 10 };

typedef struct talk {
    struct talk *next;
    cu_attached *of;
    int fd;
    pthread_t thread;
    _Atomic bool done, broken;
    uint32_t piece_left; /* of stream 0 */
    bool in_end;
} talk;

struct cu_attached {
    cu_env *env;
    cu_app *app;
    char *path;
    int fd, wake;
    pthread_t acceptor;
    bool accepting;
    _Atomic bool stop;
    talk *talks; /* the acceptor's while it runs */
    uint32_t n_talks;
};

/* --- streams -------------------------------------------------------------- */

static void send_piece(void *ctx, int stream, cu_slice bytes)
{
    talk *t = ctx;
    if (atomic_load(&t->broken) || bytes.len == 0)
        return;
    cu_buf head = {0};
    cu_buf_put_u8(&head, (uint8_t)stream);
    cu_buf_put_u32le(&head, (uint32_t)bytes.len);
    bool good = cu_wire_send(t->fd, cu_buf_slice(&head)) &&
                cu_wire_send(t->fd, bytes);
    if (!good)
        atomic_store(&t->broken, true);
    cu_buf_free(&head);
}

static bool gone(void *ctx)
{
    talk *t = ctx;
    struct pollfd p = {.fd = t->fd, .events = POLLRDHUP};
    if (atomic_load(&t->broken) || atomic_load(&t->of->stop))
        return true;
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static size_t read_in(void *ctx, char *to, size_t max)
{
    talk *t = ctx;
    if (!t->in_end && t->piece_left == 0 &&
        (!cu_wire_recv_u32(t->fd, &t->piece_left) || t->piece_left == 0))
        t->in_end = true;
    if (t->in_end)
        return 0;
    size_t n = t->piece_left < max ? t->piece_left : max;
    if (!cu_wire_recv(t->fd, to, n)) {
        t->in_end = true;
        return 0;
    }
    t->piece_left -= (uint32_t)n;
    return n;
}

static bool more_in(void *ctx)
{
    talk *t = ctx;
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    return t->in_end || t->piece_left || poll(&p, 1, 0) > 0;
}

/* --- one command ---------------------------------------------------------- */

static bool read_request(talk *t, cu_arena *a, int *argc, const char ***argv)
{
    char version;
    uint32_t len;
    if (!cu_wire_recv(t->fd, &version, 1) || version != CU_WIRE_VERSION ||
        !cu_wire_recv_u32(t->fd, &len) || len == 0 ||
        len > CU_WIRE_REQUEST_BYTES)
        return false;
    char *bytes = cu_arena_alloc(a, len);
    if (!cu_wire_recv(t->fd, bytes, len) || bytes[len - 1] != 0)
        return false;
    *argc = 0;
    for (uint32_t i = 0; i < len; i++)
        *argc += bytes[i] == 0;
    const char **words = cu_arena_calloc(a, (size_t)*argc + 1, sizeof(*words));
    for (int i = 0; i < *argc; i++) {
        words[i] = bytes;
        bytes += strlen(bytes) + 1;
    }
    *argv = words;
    return true;
}

static int answer(cu_cmd *c, int argc, const char *const *argv)
{
    int code = cu_args_parse(c, argc, argv);
    if (code)
        return code;
    if (!(c->command->flags & CU_CMD_ATTACH))
        return cu_usage(c, "%s is not answered by a running process",
                        c->command->name);
    if (c->o.app && strcmp(c->o.app, c->app->name)) {
        cu_say(c->out,
               "error: the process that holds %s runs the app \"%s\", not "
               "\"%s\"; name another folder with --state\n",
               c->app->folder, c->app->name, c->o.app);
        return 1;
    }
    return c->command->run(c);
}

static void *converse(void *ctx)
{
    talk *t = ctx;
    int argc;
    const char **argv;
    cu_out out = {.write = send_piece, .gone = gone, .ctx = t, .width = 80};
    cu_in in = {.read = read_in, .more = more_in, .ctx = t};
    cu_cmd c = {.env = t->of->env,
                .out = &out,
                .in = &in,
                .arena = cu_arena_new(0),
                .app = t->of->app};
    if (read_request(t, c.arena, &argc, &argv)) {
        cu_buf end = {0};
        uint32_t code = (uint32_t)answer(&c, argc, argv);
        cu_buf_put_u8(&end, 0);
        cu_buf_put_u32le(&end, code);
        if (!atomic_load(&t->broken))
            cu_wire_send(t->fd, cu_buf_slice(&end));
        cu_buf_free(&end);
    }
    shutdown(t->fd, SHUT_WR);
    cu_arena_free(c.arena);
    atomic_store(&t->done, true);
    return NULL;
}

/* --- accepting ------------------------------------------------------------ */

static void reap(cu_attached *a, bool all)
{
    talk **at = &a->talks;
    while (*at) {
        talk *t = *at;
        if (!all && !atomic_load(&t->done)) {
            at = &t->next;
            continue;
        }
        pthread_join(t->thread, NULL);
        close(t->fd);
        *at = t->next;
        a->n_talks--;
        cu_free(t);
    }
}

static void begin_talk(cu_attached *a, int fd)
{
    talk *t = cu_calloc(1, sizeof(*t));
    t->of = a;
    t->fd = fd;
    if (a->n_talks >= MOST_TALKS ||
        pthread_create(&t->thread, NULL, converse, t)) {
        close(fd); /* the asker hears that nobody answered */
        cu_free(t);
        return;
    }
    t->next = a->talks;
    a->talks = t;
    a->n_talks++;
}

static void *accept_all(void *ctx)
{
    cu_attached *a = ctx;
    while (!atomic_load(&a->stop)) {
        struct pollfd p[2] = {{.fd = a->fd, .events = POLLIN},
                              {.fd = a->wake, .events = POLLIN}};
        if (poll(p, 2, 1000) < 0 && errno != EINTR)
            break;
        reap(a, false);
        if (!(p[0].revents & POLLIN))
            continue;
        int fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            begin_talk(a, fd);
    }
    return NULL;
}

static int listen_at(cu_attached *a, cu_err *err)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    memcpy(at.sun_path, a->path, strlen(a->path) + 1);
    a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    a->wake = eventfd(0, EFD_CLOEXEC);
    unlink(a->path);
    /* The mode is that of the socket when it gets its name. */
    if (a->fd < 0 || a->wake < 0 || fchmod(a->fd, 0600) ||
        bind(a->fd, (struct sockaddr *)&at, sizeof(at)) ||
        chmod(a->path, 0600) || listen(a->fd, MOST_TALKS)) {
        char why[96];
        return cu_fail(err, CU_IO, 0, "cannot listen on the socket %s: %s",
                       a->path, strerror_r(errno, why, sizeof(why)));
    }
    return 0;
}

static int start(cu_attached *a, cu_err *err)
{
    int rc = listen_at(a, err);
    if (rc)
        return rc;
    if (pthread_create(&a->acceptor, NULL, accept_all, a))
        return cu_fail(err, CU_IO, 0, "cannot start a thread");
    a->accepting = true;
    return 0;
}

int cu_attach_serve(cu_cmd *c, cu_app *app, cu_attached **out, cu_err *err)
{
    *out = NULL;
    char *path = cu_path_join(c->arena, app->folder, "socket");
    if (strlen(path) > CU_WIRE_PATH_BYTES) {
        cu_warn("%s is too long for a socket (%d bytes at most): query, tail "
                "and the like cannot ask this process; a shorter --state "
                "helps",
                path, CU_WIRE_PATH_BYTES);
        return 0;
    }
    cu_attached *a = cu_calloc(1, sizeof(*a));
    a->env = c->env;
    a->app = app;
    a->path = cu_strdup(path);
    int rc = start(a, err);
    if (rc) {
        cu_attach_stop(a);
        return rc;
    }
    *out = a;
    return 0;
}

void cu_attach_stop(cu_attached *a)
{
    uint64_t one = 1;
    atomic_store(&a->stop, true);
    if (a->accepting) {
        ssize_t ignored = write(a->wake, &one, sizeof(one));
        (void)ignored;
        pthread_join(a->acceptor, NULL);
        unlink(a->path);
    }
    for (int waited = 0; a->talks && waited < GRACE_MS; waited += NAP_MS) {
        reap(a, false);
        if (a->talks)
            poll(NULL, 0, NAP_MS);
    }
    for (talk *t = a->talks; t; t = t->next)
        shutdown(t->fd, SHUT_RDWR);
    reap(a, true);
    if (a->fd >= 0)
        close(a->fd);
    if (a->wake >= 0)
        close(a->wake);
    cu_free(a->path);
    cu_free(a);
}
