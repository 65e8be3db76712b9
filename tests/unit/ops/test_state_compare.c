/* state verify: a state against its changelog. */
#include "ops/state.h"
#include "tests/unit/ops/rig.h"

#include <criterion/criterion.h>

/* A log of one changelog, and two stores: what lies here, what is restored. */
typedef struct world {
    cu_env *env;
    cu_kv *log_kv, *here, *there;
    cu_store *store;
    cu_log *log;
    cu_writer *writer;
    cu_space *space;
    cu_arena *arena;
    uint64_t sequence;
    int64_t end;
} world;

static const cu_part part = {"app.v.changelog", 0};

static void open_world(world *w)
{
    cu_err err = {0};
    *w = (world){.env = cu_env_sim(1), .arena = cu_arena_new(0)};
    w->log_kv = cu_kv_open_memory(1);
    w->here = cu_kv_open_memory(2);
    w->there = cu_kv_open_memory(3);
    cu_log_local_opts o = {.kv = w->log_kv, .env = w->env};
    cr_assert_eq(cu_log_open_local(&o, &w->log, &err), 0);
    cu_topic_spec spec = {.name = part.topic, .compact = true};
    cr_assert_eq(w->log->vt->topic_ensure(w->log, &spec, &err), 0);
    cr_assert_eq(w->log->vt->writer_open(w->log, "w", &w->writer, &err), 0);
    w->store = cu_store_new(w->here, 0);
    cr_assert_eq(cu_space_open(w->store, 5, 2, &w->space, &err), 0);
}

static void close_world(world *w)
{
    cu_space_close(w->space);
    cu_store_free(w->store);
    w->writer->vt->writer_close(w->writer);
    w->log->vt->close(w->log);
    w->log_kv->vt->close(w->log_kv);
    w->here->vt->close(w->here);
    w->there->vt->close(w->there);
    cu_arena_free(w->arena);
    w->env->vt->close(w->env);
}

static void put(world *w, uint16_t table, const char *key, const char *value)
{
    cu_table_put(cu_space_table(w->space, table), cu_slice_of(key),
                 cu_slice_of(value));
}

/* Into the changelog, and, if it is to be `applied`, into the store. */
static void commit(world *w, bool applied)
{
    cu_err err = {0};
    cu_kv_batch batch = {0};
    cu_positions ends = {0};
    cu_progress p = {.sequence = ++w->sequence};
    cr_assert_eq(w->writer->vt->begin(w->writer, &err), 0);
    cr_assert_eq(cu_space_log_changes(w->space, w->writer, part, 0, &p, &err),
                 0);
    cr_assert_eq(w->writer->vt->commit(w->writer, 1000, w->arena, &ends, &err),
                 0);
    w->end = ends.at[0].next;
    if (applied) {
        cu_space_to_batch(w->space, w->end, &p, &batch);
        cr_assert_eq(w->here->vt->write(w->here, &batch, false, &err), 0);
    }
    cu_kv_batch_free(&batch);
    cu_space_committed(w->space, applied ? w->end : cu_space_applied(w->space));
}

static cu_verdict verdict(world *w, int64_t applied)
{
    cu_err err = {0};
    cu_store *store = cu_store_new(w->there, 0);
    cu_space *into;
    cu_verdict v;
    int64_t end;
    cr_assert_eq(cu_space_open(store, 1, 0, &into, &err), 0);
    cr_assert_eq(
        cu_verify_read(w->log, part, applied, w->there, into, &end, &err), 0);
    cr_assert_eq(end, w->end);
    cu_space_close(into);
    cu_store_free(store);
    cr_assert_eq(
        cu_verify_compare(w->here, 5, 2, w->there, 1, w->arena, &v, &err), 0);
    return v;
}

static void tamper(world *w, uint16_t table, const char *key, const char *value)
{
    cu_err err = {0};
    cu_kv_batch batch = {0};
    cu_buf at = {0};
    cu_buf_put_u8(&at, 'S');
    cu_buf_put_u32be(&at, 5);
    cu_buf_put_u16be(&at, 2);
    cu_buf_put_u16be(&at, table);
    cu_buf_put_str(&at, key);
    if (value)
        cu_kv_batch_put(&batch, cu_buf_slice(&at), cu_slice_of(value));
    else
        cu_kv_batch_del(&batch, cu_buf_slice(&at));
    cr_assert_eq(w->here->vt->write(w->here, &batch, false, &err), 0);
    cu_kv_batch_free(&batch);
    cu_buf_free(&at);
}

static void fill(world *w)
{
    put(w, 0, "a", "1");
    put(w, 0, "b", "2");
    put(w, 9, "a", "3");
    commit(w, true);
    put(w, 0, "b", "4");
    commit(w, true);
}

Test(state_compare, a_fold_is_its_changelog)
{
    world w;
    open_world(&w);
    fill(&w);
    cu_verdict v = verdict(&w, w.end);
    cr_expect(v.same);
    cr_expect_eq(v.rows, 3);
    close_world(&w);
}

Test(state_compare, the_first_difference_is_named)
{
    static const struct {
        uint16_t table;
        const char *key, *value, *here, *there;
    } cases[] = {{9, "a", "x", "x", "3"},
                 {0, "b", NULL, NULL, "4"},
                 {7, "new", "y", "y", NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        world w;
        open_world(&w);
        fill(&w);
        tamper(&w, cases[i].table, cases[i].key, cases[i].value);
        cu_verdict v = verdict(&w, w.end);
        cr_expect_not(v.same);
        cr_expect_eq(v.table, cases[i].table);
        cr_expect(cu_slice_is(v.key, cases[i].key));
        cr_expect(cases[i].here ? cu_slice_is(v.here, cases[i].here)
                                : v.here.data == NULL);
        cr_expect(cases[i].there ? cu_slice_is(v.there, cases[i].there)
                                 : v.there.data == NULL);
        close_world(&w);
    }
}

Test(state_compare, what_is_not_applied_yet_is_no_difference)
{
    world w;
    open_world(&w);
    fill(&w);
    int64_t applied = w.end;
    put(&w, 0, "b", "5");
    put(&w, 0, "c", "6");
    cu_table_del(cu_space_table(w.space, 9), CU_LIT("a"));
    commit(&w, false);
    cr_expect(verdict(&w, applied).same);
    tamper(&w, 0, "a", "x"); /* no part of the tail */
    cr_expect_not(verdict(&w, applied).same);
    close_world(&w);
}
