/* A proxy between client and broker that delays the end of transactions.
 *
 *   client --> [size i32 | api key i16 | ...] --> held if EndTxn --> broker
 *   client <------------------ bytes as they come ---------------- broker
 *
 * Two threads per connection.  A held request waits for something to happen,
 * never for a time: whoever is slow, the test goes the same way.  It is
 * forwarded even when the client has given up and connected anew: that is the
 * late EndTxn.  The proxy lives until the process ends.
 */
#include "tests/kafka/proxy.h"

#include "base/alloc.h"
#include "tests/unit/log/tools.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum { API_END_TXN = 26, FRAME_MAX = 64 << 20 };

struct cu_proxy {
    int listener;
    uint16_t to;
    atomic_int n_requests;
    atomic_int n_seen; /* EndTxn */
    atomic_int until;  /* n_seen that lets a held one go */
    atomic_bool hold;  /* the next one */
};

typedef struct leg {
    cu_proxy *p;
    int from, to;
} leg;

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static bool read_all(int fd, char *to, size_t n)
{
    while (n > 0) {
        ssize_t got = read(fd, to, n);
        if (got <= 0)
            return false;
        to += got;
        n -= (size_t)got;
    }
    return true;
}

static bool write_all(int fd, const char *from, size_t n)
{
    while (n > 0) {
        ssize_t put = send(fd, from, n, MSG_NOSIGNAL);
        if (put <= 0)
            return false;
        from += put;
        n -= (size_t)put;
    }
    return true;
}

static void hold(cu_proxy *p, const char *frame)
{
    atomic_fetch_add(&p->n_requests, 1);
    if (frame[4] != 0 || frame[5] != API_END_TXN)
        return;
    bool held = atomic_exchange(&p->hold, false);
    atomic_fetch_add(&p->n_seen, 1);
    while (held && atomic_load(&p->n_seen) < atomic_load(&p->until))
        cu_test_nap();
}

static void *requests(void *arg)
{
    leg *l = arg;
    cu_buf frame = {0};
    for (;;) {
        uint32_t size;
        cu_buf_clear(&frame);
        if (!read_all(l->from, cu_buf_reserve(&frame, 6), 6))
            break;
        memcpy(&size, frame.data, 4);
        size = ntohl(size);
        if (size < 2 || size > FRAME_MAX)
            break;
        frame.len = 6;
        if (!read_all(l->from, cu_buf_reserve(&frame, size), size - 2))
            break;
        hold(l->p, frame.data);
        if (!write_all(l->to, frame.data, size + 4))
            break;
    }
    shutdown(l->to, SHUT_WR);
    cu_buf_free(&frame);
    cu_free(l);
    return NULL;
}

static void *answers(void *arg)
{
    leg *l = arg;
    char bytes[16384];
    ssize_t n;
    while ((n = read(l->from, bytes, sizeof(bytes))) > 0)
        if (!write_all(l->to, bytes, (size_t)n))
            break;
    shutdown(l->to, SHUT_RDWR);
    cu_free(l);
    return NULL;
}

static void start(void *run(void *), cu_proxy *p, int from, int to)
{
    pthread_t thread;
    leg *l = cu_alloc(sizeof(*l));
    *l = (leg){p, from, to};
    CU_EXPECT(pthread_create(&thread, NULL, run, l) == 0);
    pthread_detach(thread);
}

static void *serve(void *arg)
{
    cu_proxy *p = arg;
    struct sockaddr_in to = loopback(p->to);
    int one = 1;
    for (;;) {
        int client = accept(p->listener, NULL, NULL);
        int broker = socket(AF_INET, SOCK_STREAM, 0);
        if (client < 0 || connect(broker, (void *)&to, sizeof(to)) != 0) {
            close(client);
            close(broker);
            continue;
        }
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        setsockopt(broker, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        start(requests, p, client, broker);
        start(answers, p, broker, client);
    }
    return NULL;
}

cu_proxy *cu_proxy_open(uint16_t from, uint16_t to)
{
    static cu_proxy proxy; /* its threads end with the process */
    pthread_t thread;
    struct sockaddr_in a = loopback(from);
    int one = 1;
    proxy.to = to;
    proxy.listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(proxy.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    CU_EXPECT(bind(proxy.listener, (void *)&a, sizeof(a)) == 0);
    CU_EXPECT(listen(proxy.listener, 16) == 0);
    CU_EXPECT(pthread_create(&thread, NULL, serve, &proxy) == 0);
    pthread_detach(thread);
    return &proxy;
}

void cu_proxy_hold(cu_proxy *p)
{
    atomic_store(&p->until, INT_MAX);
    atomic_store(&p->hold, true);
}

void cu_proxy_hold_until_resent(cu_proxy *p)
{
    atomic_store(&p->until, atomic_load(&p->n_seen) + 2); /* itself, too */
    atomic_store(&p->hold, true);
}

void cu_proxy_release(cu_proxy *p)
{
    atomic_store(&p->until, 0);
}

int cu_proxy_seen(const cu_proxy *p)
{
    return atomic_load(&p->n_seen);
}

int cu_proxy_requests(const cu_proxy *p)
{
    return atomic_load(&p->n_requests);
}
