/* Runs the log's conformance cases and the directed ones on a real broker.
 *
 *   CUPEL_TEST_BROKERS=HOST:PORT kafka_conformance [part of a name ...]
 *
 * Every case runs in a process of its own with a log of its own: a case
 * that fails or hangs ends alone, and the leak check sees each of them.
 */
#include "base/diag.h"
#include "tests/kafka/directed.h"
#include "tests/unit/log/conformance.h"
#include "tests/unit/log/tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The log's own timeouts are above any time that a busy machine stands still:
 * no case may end otherwise because of them. */
enum { CASE_SECONDS = 300, SESSION_MS = 30000, TRANSACTION_MS = 60000 };

typedef struct test_case {
    const char *name;
    void (*run)(cu_log *log, const char *prefix);
} test_case;

#define SHARED(name)   {#name, cu_log_conformance_##name},
#define DIRECTED(name) {#name, cu_kafka_directed_##name},
static const test_case cases[] = {CU_LOG_CONFORMANCE(SHARED)
                                      CU_KAFKA_DIRECTED(DIRECTED)};

const char *cu_test_variable(const char *name)
{
    return getenv(name);
}

int cu_test_open(const cu_test_opts *o, cu_log **out, cu_err *err)
{
    static cu_env *env;
    if (!env)
        env = cu_env_real(false);
    return cu_log_open_kafka(
        &(cu_log_kafka_opts){
            .brokers = o->brokers ? o->brokers
                                  : cu_test_variable("CUPEL_TEST_BROKERS"),
            .client_id = "cupel-test",
            .properties = o->properties,
            .n_properties = o->n_properties,
            .env = env,
            .session_ms = o->timeout_ms ? o->timeout_ms : SESSION_MS,
            .transaction_ms = o->timeout_ms ? o->timeout_ms : TRANSACTION_MS,
            .deadline_ms = o->deadline_ms ? o->deadline_ms : CU_TEST_WAIT_MS,
        },
        out, err);
}

cu_log *cu_test_open_log(const cu_test_opts *o)
{
    cu_err err = {0};
    cu_log *log = NULL;
    CU_AWAIT(cu_test_open(o, &log, &err) == 0 || !(err.flags & CU_RETRY));
    CU_OK_(log ? 0 : err.code, &err);
    return log;
}

static _Noreturn void run(const test_case *c)
{
    char prefix[128];
    alarm(CASE_SECONDS); /* a hang ends the case, too */
    if (cu_test_variable("CUPEL_TEST_VERBOSE"))
        cu_diag_format(false, CU_DIAG_DEBUG, false);
    snprintf(prefix, sizeof(prefix), "t%d-%s", (int)getpid(), c->name);
    cu_log *log = cu_test_open_log(&(cu_test_opts){0});
    c->run(log, prefix);
    log->vt->close(log);
    exit(0);
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i]))
            return true;
    return argc < 2;
}

/* True when it passed. */
static bool try(const test_case *c)
{
    int status = 0;
    int64_t began = cu_test_now_ms();
    pid_t child = fork();
    if (child == 0)
        run(c);
    waitpid(child, &status, 0);
    bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    printf("%-4s %5lld ms  %s", ok ? "ok" : "FAIL",
           (long long)(cu_test_now_ms() - began), c->name);
    if (WIFSIGNALED(status))
        printf(" (signal %d)", WTERMSIG(status));
    else if (!ok)
        printf(" (exit %d)", WEXITSTATUS(status));
    printf("\n");
    fflush(stdout);
    return ok;
}

int main(int argc, char **argv)
{
    int n = 0, n_failed = 0;
    if (!cu_test_variable("CUPEL_TEST_BROKERS")) {
        fprintf(stderr, "SKIPPED: CUPEL_TEST_BROKERS does not name a broker; "
                        "run it through tests/kafka/run.sh\n");
        return 77;
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (!wanted(cases[i].name, argc, argv))
            continue;
        n++;
        n_failed += !try(&cases[i]);
    }
    printf("%d passed, %d failed\n", n - n_failed, n_failed);
    return n == 0 || n_failed > 0;
}
