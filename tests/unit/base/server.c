#include "tests/unit/base/server.h"

#include "base/alloc.h"
#include "base/bytes.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 64 };

struct cu_server {
    int fd, port;
    pthread_t thread;
    pthread_t connections[MAX_CONNECTIONS];
    size_t n;
};

static const char hello_gz[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57"
    "\x48\xaf\xca\x2c\x00\x00\x19\x6a\xd2\xdf\x0a\x00\x00\x00";
static const char bomb_gz[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00"
    "\x00\xc2\xa0\xf5\x4f\x6d\x0d\x0f\xa0\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x57\x03\x7d\x95\x11\xd4"
    "\xa0\x86\x01\x00"; /* 100000 zero bytes */

static void say(int fd, cu_slice s)
{
    while (s.len > 0) {
        ssize_t n = send(fd, s.data, s.len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        s.data += n;
        s.len -= (size_t)n;
    }
}

static void say_body(int fd, const char *headers, cu_slice body)
{
    cu_buf b = {0};
    cu_buf_printf(&b, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n",
                  headers, body.len);
    cu_buf_put_slice(&b, body);
    say(fd, cu_buf_slice(&b));
    cu_buf_free(&b);
}

static void wait_for_close(int fd)
{
    char c;
    while (recv(fd, &c, 1, 0) > 0)
        ;
}

static bool is(const char *request, const char *path)
{
    size_t len = strlen(path);
    return !strncmp(request, "GET ", 4) && !strncmp(request + 4, path, len) &&
           strchr(" ?", request[4 + len]);
}

static void many_headers(int fd)
{
    cu_buf b = {0};
    cu_buf_put_str(&b, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 5000; i++)
        cu_buf_printf(&b, "X-%d: y\r\n", i);
    cu_buf_put_str(&b, "Content-Length: 0\r\n\r\n");
    say(fd, cu_buf_slice(&b));
    cu_buf_free(&b);
}

/* Answers; false when the connection must end. */
static bool answer(int fd, const char *request)
{
    static const char zeros[50000];
    if (is(request, "/ok")) {
        say_body(fd, "Content-Type: text/plain\r\nX-Mixed-CASE:  a b \r\n",
                 CU_LIT("hello"));
    } else if (is(request, "/keep")) {
        say_body(fd, "", CU_LIT("kept"));
        return true;
    } else if (is(request, "/echo")) {
        say_body(fd, "Connection: close\r\n", cu_slice_of(request));
    } else if (is(request, "/empty")) {
        say(fd, CU_LIT("HTTP/1.1 204 No Content\r\n\r\n"));
    } else if (is(request, "/cut")) {
        say(fd, CU_LIT("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"));
    } else if (is(request, "/chunkcut")) {
        say(fd, CU_LIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "5\r\nhello\r\n5\r\nhe"));
    } else if (is(request, "/garbage")) {
        say(fd, CU_LIT("this is not http at all\r\n\r\n"));
    } else if (is(request, "/slow")) {
        wait_for_close(fd);
    } else if (is(request, "/big")) {
        say_body(fd, "", cu_slice_n(zeros, sizeof(zeros)));
    } else if (is(request, "/gzip")) {
        say_body(fd, "Content-Encoding: gzip\r\n",
                 cu_slice_n(hello_gz, sizeof(hello_gz) - 1));
    } else if (is(request, "/bomb")) {
        say_body(fd, "Content-Encoding: gzip\r\n",
                 cu_slice_n(bomb_gz, sizeof(bomb_gz) - 1));
    } else if (is(request, "/badgzip")) {
        say_body(fd, "Content-Encoding: gzip\r\n", CU_LIT("not gzip at all"));
    } else if (is(request, "/redirect")) {
        say(fd, CU_LIT("HTTP/1.1 302 Found\r\nLocation: /ok\r\n"
                       "Content-Length: 0\r\n\r\n"));
    } else if (is(request, "/busy")) {
        say(fd, CU_LIT("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n"
                       "Content-Length: 4\r\n\r\nbusy"));
    } else if (is(request, "/manyheaders")) {
        many_headers(fd);
    }
    return false;
}

static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    cu_buf request = {0};
    for (bool more = true; more;) {
        cu_buf_clear(&request);
        for (;;) {
            char *to = cu_buf_reserve(&request, 4097);
            ssize_t n = recv(fd, to, 4096, 0);
            if (n <= 0) {
                more = false;
                break;
            }
            request.len += (size_t)n;
            request.data[request.len] = 0;
            if (strstr(request.data, "\r\n\r\n"))
                break;
        }
        more = more && answer(fd, request.data);
    }
    cu_buf_free(&request);
    close(fd);
    return NULL;
}

static void *listen_loop(void *arg)
{
    cu_server *s = arg;
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        cr_assert_lt(s->n, MAX_CONNECTIONS);
        pthread_create(&s->connections[s->n++], NULL, serve,
                       (void *)(intptr_t)fd);
    }
}

cu_server *cu_server_new(void)
{
    cu_server *s = cu_calloc(1, sizeof(*s));
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(s->fd, 16), 0);
    cr_assert_eq(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    cr_assert_eq(pthread_create(&s->thread, NULL, listen_loop, s), 0);
    return s;
}

int cu_server_port(const cu_server *s)
{
    return s->port;
}

/* Clients must have closed their connections. */
void cu_server_free(cu_server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    for (size_t i = 0; i < s->n; i++)
        pthread_join(s->connections[i], NULL);
    close(s->fd);
    cu_free(s);
}
