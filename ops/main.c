/* The program: words in, exit code out. */
#include "ops/args.h"
#include "ops/attach.h"
#include "ops/config.h"

#include "base/diag.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool broken; /* stdout has no reader any more */

static void write_fd(void *ctx, int stream, cu_slice bytes)
{
    (void)ctx;
    while (bytes.len) {
        ssize_t n = write(stream, bytes.data, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) { /* nobody listens any more */
            broken = broken || stream == 1;
            return;
        }
        bytes.data += n;
        bytes.len -= (size_t)n;
    }
}

static bool gone(void *ctx)
{
    struct pollfd p = {.fd = 1};
    (void)ctx;
    return broken || (poll(&p, 1, 0) > 0 && (p.revents & POLLERR));
}

static bool more(void *ctx)
{
    struct pollfd p = {.fd = 0, .events = POLLIN};
    (void)ctx;
    return poll(&p, 1, 0) > 0;
}

/* A stop request is the end of the input. */
static size_t read_fd(void *ctx, char *to, size_t max)
{
    cu_env *env = ctx;
    struct pollfd p = {.fd = 0, .events = POLLIN};
    while (poll(&p, 1, 200) <= 0)
        if (env->vt->stop_requested(env))
            return 0;
    ssize_t n;
    do
        n = read(0, to, max);
    while (n < 0 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

static int terminal_width(void)
{
    struct winsize w;
    if (ioctl(2, TIOCGWINSZ, &w) == 0 && w.ws_col > 20)
        return w.ws_col;
    return 80;
}

static void setup_diag(cu_cmd *c)
{
    bool color = c->out->terminal;
    if (c->o.color)
        color = strcmp(c->o.color, "always") == 0 ||
                (strcmp(c->o.color, "auto") == 0 && color);
    c->out->color = color;
    cu_diag_level most = c->o.quiet     ? CU_DIAG_WARN
                         : c->o.verbose ? CU_DIAG_DEBUG
                                        : CU_DIAG_INFO;
    cu_diag_format(c->o.log_json, most, color);
}

static int dispatch(cu_cmd *c, int argc, const char *const *argv)
{
    int code = cu_args_parse(c, argc, argv);
    if (code)
        return code;
    setup_diag(c);
    if (c->o.command_config)
        code = cu_config_load(c);
    if (code)
        return code;
    if (c->o.help) {
        c->n_words = 1;
        c->words[0] = c->command->name;
        return cu_cmd_help(c);
    }
    if ((c->command->flags & CU_CMD_ATTACH) && cu_attach_ask(c, &code))
        return code;
    return c->command->run(c);
}

/* For jemalloc, when it is linked: few arenas, and pages go back soon, so that
 * what --memory says is what the process has. */
extern const char *malloc_conf;
const char *malloc_conf = "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0";

int main(int argc, char **argv)
{
    cu_out out = {.write = write_fd,
                  .gone = gone,
                  .terminal = isatty(2),
                  .width = terminal_width()};
    cu_env *env = cu_env_real(true);
    cu_in in = {.read = read_fd, .more = more, .ctx = env};
    cu_cmd c = {.env = env, .out = &out, .in = &in, .arena = cu_arena_new(0)};
    int code = dispatch(&c, argc, (const char *const *)argv);
    cu_arena_free(c.arena);
    env->vt->close(env);
    return code;
}
