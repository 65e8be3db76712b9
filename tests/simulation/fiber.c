#include "tests/simulation/fiber.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <pthread.h>

struct sim_fiber {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t turn;
    bool its_turn, ended;
    void (*run)(void *ctx);
    void *ctx;
};

static _Thread_local sim_fiber *current;

static void await(sim_fiber *f, bool its_turn)
{
    while (f->its_turn != its_turn)
        pthread_cond_wait(&f->turn, &f->lock);
}

static void pass(sim_fiber *f, bool its_turn)
{
    f->its_turn = its_turn;
    pthread_cond_broadcast(&f->turn);
}

static void *body(void *arg)
{
    sim_fiber *f = arg;
    current = f;
    pthread_mutex_lock(&f->lock);
    await(f, true);
    pthread_mutex_unlock(&f->lock);
    f->run(f->ctx);
    pthread_mutex_lock(&f->lock);
    f->ended = true;
    pass(f, false);
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

sim_fiber *sim_fiber_new(void (*run)(void *ctx), void *ctx)
{
    sim_fiber *f = cu_calloc(1, sizeof(*f));
    f->run = run;
    f->ctx = ctx;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->turn, NULL);
    int rc = pthread_create(&f->thread, NULL, body, f);
    CU_ASSERT(rc == 0);
    return f;
}

bool sim_fiber_resume(sim_fiber *f)
{
    pthread_mutex_lock(&f->lock);
    if (!f->ended) {
        pass(f, true);
        await(f, false);
    }
    bool goes_on = !f->ended;
    pthread_mutex_unlock(&f->lock);
    return goes_on;
}

bool sim_fiber_yield(void)
{
    sim_fiber *f = current;
    if (f == NULL)
        return false;
    pthread_mutex_lock(&f->lock);
    pass(f, false);
    await(f, true);
    pthread_mutex_unlock(&f->lock);
    return true;
}

void sim_fiber_free(sim_fiber *f)
{
    CU_ASSERT(f->ended);
    pthread_join(f->thread, NULL);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->turn);
    cu_free(f);
}
