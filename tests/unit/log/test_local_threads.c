/* The embedded log under many threads. */
#include "tests/unit/log/threads.h"
#include "tests/unit/log/tools.h"
#include "tests/unit/log/world.h"

#include <criterion/criterion.h>
#include <pthread.h>

Test(local_threads, a_group_copies_each_record_once_on_rocks)
{
    cu_world w = cu_world_rocks(true);
    cu_test_threads(w.log, 300);
    cu_world_close(&w);
}

Test(local_threads, a_group_copies_each_record_once_in_memory)
{
    cu_world w = cu_world_memory();
    cu_test_threads(w.log, 300);
    cu_world_close(&w);
}

static void *commit_later(void *writer)
{
    for (int i = 0; i < 5; i++)
        cu_test_nap();
    cu_test_commit(writer);
    return NULL;
}

Test(local_threads, a_waiting_poll_is_woken_by_a_commit)
{
    cu_world w = cu_world_memory();
    cu_err err = {0};
    cu_poll p;
    pthread_t t;
    cu_test_topic(w.log, "t", 1);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_reader *r = cu_test_reader(w.log, "t", 1, CU_OLDEST);
    CU_OK_(cu_log_poll(r, 0, &p, &err), &err);
    cr_assert_eq(p.kind, CU_POLL_END);
    cu_test_begin(wr);
    cu_test_put(wr, "t", 0, "k", "v", 1);
    pthread_create(&t, NULL, commit_later, wr);
    int64_t before = cu_test_now_ms();
    CU_OK_(cu_log_poll(r, 2 * CU_TEST_WAIT_MS, &p, &err), &err);
    cr_assert_eq(p.kind, CU_POLL_RECORDS);
    cr_assert_lt(cu_test_now_ms() - before, CU_TEST_WAIT_MS);
    pthread_join(t, NULL);
    before = cu_test_now_ms();
    CU_OK_(cu_log_poll(r, 0, &p, &err), &err);
    cr_assert_eq(p.kind, CU_POLL_END);
    CU_OK_(cu_log_poll(r, 150, &p, &err), &err);
    cr_assert_eq(p.kind, CU_POLL_IDLE);
    cr_assert_geq(cu_test_now_ms() - before, 140);
    r->vt->reader_close(r);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}
