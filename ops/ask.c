/* The side of the socket that asks.
 *
 * No socket, or nobody behind it: false, and the command opens the folder
 * itself.  On Kafka each process has a folder DIR/<n>; the first one that
 * answers is asked.
 */
#include "ops/attach.h"

#include "ops/args.h"
#include "ops/wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MOST_FOLDERS = 64 };

static int connect_to(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(path) > CU_WIRE_PATH_BYTES)
        return -1;
    memcpy(to.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to))) {
        close(fd);
        return -1;
    }
    return fd;
}

static int find(cu_cmd *c)
{
    const char *dir = cu_app_folder(c);
    if (dir == NULL)
        return -1;
    int fd = connect_to(cu_path_join(c->arena, dir, "socket"));
    for (int n = 0; fd < 0 && n < MOST_FOLDERS; n++)
        fd = connect_to(cu_arena_printf(c->arena, "%s/%d/socket", dir, n));
    return fd;
}

static bool send_request(cu_cmd *c, int fd)
{
    cu_buf words = {0}, all = {0};
    uint32_t skip = cu_app_paths(c);
    c->o.app = cu_app_name(c); /* the answer must be of the app meant */
    cu_args_print(c, skip, &words);
    cu_buf_put_u8(&all, CU_WIRE_VERSION);
    cu_buf_put_u32le(&all, (uint32_t)words.len);
    cu_buf_put_slice(&all, cu_buf_slice(&words));
    bool good = cu_wire_send(fd, cu_buf_slice(&all));
    cu_buf_free(&words);
    cu_buf_free(&all);
    return good;
}

/* One piece of stream 0; false when it ended. */
static bool pass_in(cu_cmd *c, int fd)
{
    static const size_t most = 16 * 1024;
    cu_buf b = {0};
    char *to = cu_buf_reserve(&b, most);
    size_t n = c->in->read(c->in->ctx, to, most);
    cu_buf head = {0};
    cu_buf_put_u32le(&head, (uint32_t)n);
    bool good = cu_wire_send(fd, cu_buf_slice(&head)) &&
                cu_wire_send(fd, (cu_slice){to, n});
    cu_buf_free(&head);
    cu_buf_free(&b);
    return good && n;
}

/* One answer: 1 more will come, 0 the end (*code), -1 nobody is there. */
static int pass_out(cu_cmd *c, int fd, int *code)
{
    char stream;
    uint32_t len;
    if (!cu_wire_recv(fd, &stream, 1) || !cu_wire_recv_u32(fd, &len))
        return -1;
    if (stream == 0) {
        *code = (int)len;
        return 0;
    }
    char piece[4096];
    while (len) {
        size_t n = len < sizeof(piece) ? len : sizeof(piece);
        if (!cu_wire_recv(fd, piece, n))
            return -1;
        c->out->write(c->out->ctx, stream, cu_slice_n(piece, n));
        len -= (uint32_t)n;
    }
    return 1;
}

static int converse(cu_cmd *c, int fd)
{
    bool in = c->command->flags & CU_CMD_STDIN;
    for (;;) {
        struct pollfd p[2] = {{.fd = fd, .events = POLLIN},
                              {.fd = in ? 0 : -1, .events = POLLIN}};
        int code, n = poll(p, 2, 200);
        if (cu_cmd_stopped(c))
            return 130;
        if (n < 0 && errno != EINTR)
            break;
        if (n <= 0)
            continue;
        if (p[0].revents) {
            int more = pass_out(c, fd, &code);
            if (more == 0)
                return code;
            if (more < 0)
                break;
        }
        if (in && p[1].revents)
            in = pass_in(c, fd);
    }
    cu_say(c->out, "error: the running process went away before it had "
                   "answered; ask again\n");
    return 1;
}

bool cu_attach_ask(cu_cmd *c, int *code)
{
    if (c->o.brokers && cu_app_paths(c) == 0)
        return false; /* the brokers know */
    int fd = find(c);
    if (fd < 0)
        return false;
    bool sent = send_request(c, fd);
    if (sent)
        *code = converse(c, fd);
    close(fd);
    return sent;
}
