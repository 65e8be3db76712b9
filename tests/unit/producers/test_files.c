/* The files collector in a simulated world. */
#include "tests/unit/producers/world.h"

#include <criterion/criterion.h>
#include <stdio.h>

static cu_files_source source(cu_framing framing, cu_file_mode mode)
{
    return (cu_files_source){
        .dir = "in", .glob = "*", .framing = framing, .mode = mode};
}

static cu_world world(const cu_files_source *s)
{
    cu_world w = cu_world_open(5);
    cu_err err = {0};
    CU_OK_(w.env->vt->make_dirs(w.env, s->dir, &err), &err);
    w.opts.files = s;
    return w;
}

static void put(cu_world *w, const char *name, const char *text)
{
    cu_err err = {0};
    char path[300];
    snprintf(path, sizeof(path), "in/%s", name);
    CU_OK_(w->env->vt->write_file(w->env, path, cu_slice_of(text), &err), &err);
}

static void expect_bronze(cu_world *w, const char *headers, const char *text)
{
    cr_assert_str_eq(cu_world_topic(w, "bronze.t", headers), text);
}

/* A new process each time. */
static void pass(cu_world *w)
{
    if (w->c)
        cu_world_stop(w);
    cu_world_start(w);
    cu_world_must_pass(w);
}

Test(files, lines_carry_where_they_stand)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    cu_world w = world(&s);
    put(&w, "a.txt", "one\r\n\nthree");
    pass(&w);
    expect_bronze(&w, "file,line,offset",
                  "a.txt|1|0|one\n"
                  "a.txt|3|6|three\n");
    cu_world_close(&w);
}

Test(files, are_read_in_natural_order_and_once)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    cu_world w = world(&s);
    put(&w, "f10", "ten\n");
    put(&w, "f9", "nine\n");
    pass(&w);
    expect_bronze(&w, "file", "f9|nine\nf10|ten\n");
    put(&w, "f2", "two\n"); /* comes late: is read when it comes */
    pass(&w);
    pass(&w);
    expect_bronze(&w, "file", "f9|nine\nf10|ten\nf2|two\n");
    cr_assert_eq(cu_world_counts(&w).unchanged, 3);
    cu_world_close(&w);
}

Test(files, name_and_time_order_are_options)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    s.order = CU_ORDER_NAME;
    cu_world w = world(&s);
    put(&w, "f9", "nine\n");
    put(&w, "f10", "ten\n");
    pass(&w);
    expect_bronze(&w, "file", "f10|ten\nf9|nine\n");
    cu_world_close(&w);
    s.order = CU_ORDER_MODIFIED;
    w = world(&s);
    put(&w, "b", "first\n");
    cu_env_sim_advance(w.env, 1000);
    put(&w, "a", "second\n");
    pass(&w);
    expect_bronze(&w, "file", "b|first\na|second\n");
    cu_world_close(&w);
}

Test(files, a_growing_file_is_read_on)
{
    cu_files_source s = source(CU_FRAME_CSV, CU_FILES_APPEND);
    cu_world w = world(&s);
    put(&w, "a.csv", "id,name\n1,x\n");
    pass(&w);
    put(&w, "a.csv", "id,name\n1,x\n2,\"y\nz\"\n3,w\n");
    pass(&w);
    expect_bronze(&w, "line,offset,header",
                  "2|8|id,name|1,x\n"
                  "3|12|id,name|2,\"y~z\"\n"
                  "5|20|id,name|3,w\n");
    cr_assert_eq(cu_world_records(&w, "app.dlq"), 0);
    cu_world_close(&w);
}

Test(files, a_changed_prefix_refuses_the_file_once)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    cu_world w = world(&s);
    put(&w, "a", "one\ntwo\n");
    pass(&w);
    put(&w, "a", "ONE\ntwo\nthree\n");
    pass(&w);
    pass(&w);
    put(&w, "a", "ONE\ntwo\nthree\nfour\n");
    pass(&w);
    put(&w, "a", "on");
    pass(&w);
    expect_bronze(&w, "", "one\ntwo\n");
    cr_assert_str_eq(cu_world_topic(&w, "app.dlq",
                                    "file,error.code,error.stage,error.table"),
                     "a|CU015|collect|t|\n");
    put(&w, "a", "one\ntwo\nthree\n"); /* restored, and grown */
    pass(&w);
    expect_bronze(&w, "line", "1|one\n2|two\n3|three\n");
    cu_world_close(&w);
}

Test(files, an_incomplete_last_line_waits_while_following)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    cu_world w = world(&s);
    w.opts.follow = true;
    put(&w, "a", "one\ntw");
    pass(&w);
    expect_bronze(&w, "line", "1|one\n");
    put(&w, "a", "one\ntwo\nthr");
    pass(&w);
    expect_bronze(&w, "line", "1|one\n2|two\n");
    cu_env_sim_advance(w.env, 10000000);
    pass(&w);
    pass(&w);
    w.opts.follow = false; /* a drain takes it as it is */
    pass(&w);
    expect_bronze(&w, "line", "1|one\n2|two\n3|thr\n");
    put(&w, "a", "one\ntwo\nthr\nfour");
    pass(&w);
    expect_bronze(&w, "line", "1|one\n2|two\n3|thr\n4|four\n");
    cu_world_close(&w);
}

Test(files, a_header_without_required_columns_refuses_the_file)
{
    static const char *const required[] = {"id", "a \"b\""};
    cu_files_source s = source(CU_FRAME_CSV, CU_FILES_APPEND);
    s.csv_required = required;
    s.n_csv_required = 2;
    cu_world w = world(&s);
    put(&w, "1.csv", "id,x\n1,2\n");
    put(&w, "2.csv", "x,\"a \"\"b\"\"\",\"id\"\n1,2,3\n");
    put(&w, "3.csv", "id,x\n");
    pass(&w);
    pass(&w);
    expect_bronze(&w, "file", "2.csv|1,2,3\n");
    cr_assert_str_eq(
        cu_world_topic(&w, "app.dlq", "file,error.code,error.message"),
        "1.csv|42703|in/1.csv: its header lacks the NOT NULL columns: a "
        "\"b\"|id,x\n"
        "3.csv|42703|in/3.csv: its header lacks the NOT NULL columns: a "
        "\"b\"|id,x\n");
    put(&w, "1.csv", "id,\"a \"\"b\"\"\"\n7,8\n"); /* repaired */
    pass(&w);
    expect_bronze(&w, "file", "2.csv|1,2,3\n1.csv|7,8\n");
    cu_world_close(&w);
}

Test(files, delimiters_and_headerless_files)
{
    static const char *const required[] = {"id"};
    cu_files_source s = source(CU_FRAME_CSV, CU_FILES_APPEND);
    s.csv_delimiter = ';';
    s.csv_required = required;
    s.n_csv_required = 1;
    cu_world w = world(&s);
    put(&w, "a", "x,y;id\n1;2\n");
    pass(&w);
    expect_bronze(&w, "header", "x,y;id|1;2\n");
    cu_world_close(&w);
    s.csv_headerless = true;
    w = world(&s);
    put(&w, "a", "1;2\n3;4\n");
    pass(&w);
    expect_bronze(&w, "header,line", "-|1|1;2\n-|2|3;4\n");
    cu_world_close(&w);
}

Test(files, broken_array_framing_gives_its_objects)
{
    cu_files_source s = source(CU_FRAME_JSON, CU_FILES_APPEND);
    cu_world w = world(&s);
    put(&w, "w.json", "[{\"a\":1},\n{\"a\":2},\n\n{\"a\":NaN},\n");
    pass(&w);
    expect_bronze(&w, "line", "1|{\"a\":1}\n2|{\"a\":2}\n4|{\"a\":NaN}\n");
    put(&w, "w.json",
        "[{\"a\":1},\n{\"a\":2},\n\n{\"a\":NaN},\n{\"a\":4}\n]\n");
    pass(&w);
    pass(&w);
    expect_bronze(&w, "line",
                  "1|{\"a\":1}\n2|{\"a\":2}\n4|{\"a\":NaN}\n5|{\"a\":4}\n");
    cu_world_close(&w);
}

Test(files, upsert_files_are_read_again_when_they_changed)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_WHOLE);
    cu_world w = world(&s);
    put(&w, "a", "one\ntwo\n");
    pass(&w);
    pass(&w);
    put(&w, "a", "one\ntwo\n"); /* touched */
    pass(&w);
    expect_bronze(&w, "", "one\ntwo\n");
    put(&w, "a", "one\nTWO\n");
    pass(&w);
    expect_bronze(&w, "", "one\ntwo\none\nTWO\n");
    cu_world_close(&w);
}

Test(files, snapshots_stand_between_begin_and_end)
{
    cu_files_source s = source(CU_FRAME_CSV, CU_FILES_SNAPSHOT);
    cu_world w = world(&s);
    put(&w, "p_2.csv", "id\n2\n");
    put(&w, "p_10.csv", "id\n");
    put(&w, "p_1.csv", "id\n1\n1\n");
    pass(&w);
    pass(&w);
    expect_bronze(&w, "file,snapshot",
                  "p_1.csv|begin|\np_1.csv|-|1\np_1.csv|-|1\np_1.csv|end|\n"
                  "p_2.csv|begin|\np_2.csv|-|2\np_2.csv|end|\n"
                  "p_10.csv|begin|\np_10.csv|end|\n");
    put(&w, "p_2.csv", "id\n3\n");
    pass(&w);
    cr_assert_eq(cu_world_records(&w, "bronze.t"), 12);
    cu_world_close(&w);
}

/* `n` rows of about 100 bytes. */
static char *rows(int n, bool header)
{
    cu_buf b = {0};
    cu_buf_put_str(&b, header ? "id,text\n" : "");
    for (int i = 0; i < n; i++)
        cu_buf_printf(&b, "%d,%090d\n", i, i * 7);
    cu_buf_put_u8(&b, 0);
    return b.data;
}

Test(files, an_interrupted_snapshot_starts_again)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_SNAPSHOT);
    cu_world w = world(&s);
    cu_buf text = {.data = rows(25000, false)};
    put(&w, "a", text.data);
    cu_env_sim_faults(w.env, 0, "collect_after_commit", 2);
    cr_assert_eq(cu_world_pass_killed(&w), 1);
    /* 2 x 10,000 were committed, then everything came again. */
    cr_assert_eq(cu_world_records(&w, "bronze.t"), 1 + 19999 + 1 + 25000 + 1);
    const char *all = cu_world_topic(&w, "app.collectors", "");
    cr_assert_eq(strncmp(all, "{\"v\":1,\"size\":", 14), 0);
    cu_buf_free(&text);
    cu_world_close(&w);
}

Test(files, a_huge_line_becomes_a_letter_that_says_where)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    cu_world w = world(&s);
    cu_buf b = {0};
    cu_buf_put_str(&b, "one\n");
    memset(cu_buf_reserve(&b, 17 << 20), 'x', 17 << 20);
    b.len += 17 << 20;
    cu_buf_put_str(&b, "\nthree\n");
    cu_buf_put_u8(&b, 0);
    put(&w, "a", b.data);
    cu_buf_free(&b);
    pass(&w);
    expect_bronze(&w, "line", "1|one\n3|three\n");
    const char *dlq = cu_world_topic(
        &w, "app.dlq", "file,line,offset,error.code,error.truncated");
    cr_assert_eq(strncmp(dlq, "a|2|4|54000|16777216|xxx", 24), 0);
    cr_assert_eq(cu_world_counts(&w).dead_letters, 1);
    cu_world_close(&w);
}

Test(files, a_snapshot_that_lost_a_row_has_no_end)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_SNAPSHOT);
    cu_world w = world(&s);
    cu_buf b = {0};
    memset(cu_buf_reserve(&b, 17 << 20), 'x', 17 << 20);
    b.len += 17 << 20;
    cu_buf_put_str(&b, "\ntwo\n");
    cu_buf_put_u8(&b, 0);
    put(&w, "a", b.data);
    cu_buf_free(&b);
    pass(&w);
    pass(&w);
    expect_bronze(&w, "snapshot,line", "begin|-|\n-|2|two\n");
    cu_world_close(&w);
}

Test(files, one_file_is_in_one_partition)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    cu_world w = world(&s);
    w.opts.partitions = 4;
    for (int i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof(name), "f%d", i);
        put(&w, name, "a\nb\n");
    }
    pass(&w);
    const char *all = cu_world_topic(&w, "bronze.t", "file");
    /* Partitions in turn: the two rows of a file stand together. */
    for (const char *p = all; *p;) {
        const char *second = strchr(p, '\n') + 1;
        cr_assert_eq(memcmp(p, second, 3), 0);
        p = strchr(second, '\n') + 1;
    }
    cr_assert_eq(cu_world_records(&w, "bronze.t"), 16);
    cr_assert_neq(memcmp(all, "f0", 2) == 0 && strstr(all, "f0|b\nf1") != NULL,
                  true); /* they are spread */
    cu_world_close(&w);
}

Test(files, kills_cost_nothing_and_double_nothing)
{
    static const cu_file_mode modes[] = {CU_FILES_APPEND, CU_FILES_WHOLE};
    cu_buf text = {.data = rows(31000, true)};
    int kills = 0;
    for (unsigned seed = 0; seed < 8; seed++) {
        cu_files_source s = source(CU_FRAME_CSV, modes[seed % 2]);
        cu_world w = cu_world_open(seed);
        cu_err err = {0};
        CU_OK_(w.env->vt->make_dirs(w.env, "in", &err), &err);
        w.opts.files = &s;
        put(&w, "a.csv", text.data);
        put(&w, "b.csv", "id,text\n1,x\n");
        put(&w, "c.csv", "id,text\n2,y");
        cu_env_sim_faults(w.env, 400, NULL, 0);
        kills += cu_world_pass_killed(&w);
        cu_env_sim_faults(w.env, 0, NULL, 0);
        cr_assert_eq(cu_world_records(&w, "bronze.t"), 31002);
        cu_world w2 = cu_world_open(1);
        CU_OK_(w2.env->vt->make_dirs(w2.env, "in", &err), &err);
        w2.opts.files = &s;
        put(&w2, "a.csv", text.data);
        put(&w2, "b.csv", "id,text\n1,x\n");
        put(&w2, "c.csv", "id,text\n2,y");
        pass(&w2);
        cr_assert_eq(cu_world_digest(&w, "bronze.t"),
                     cu_world_digest(&w2, "bronze.t"));
        cu_world_close(&w2);
        cu_world_close(&w);
    }
    cr_assert(kills > 8);
    cu_buf_free(&text);
}

Test(files, random_growth_and_random_kills_give_every_line_once)
{
    for (unsigned seed = 1; seed <= 12; seed++) {
        cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
        cu_world w = cu_world_open(seed);
        cu_err err = {0};
        CU_OK_(w.env->vt->make_dirs(w.env, "in", &err), &err);
        w.opts.files = &s;
        w.opts.follow = true;
        cu_buf text = {0}, whole = {0};
        for (int n = 0; n < 200; n++)
            cu_buf_printf(&whole, "%d|line %d\n", n + 1, n);
        for (int n = 0; n < 200; n++)
            cu_buf_printf(&text, "line %d\n", n);
        size_t at = 0;
        cu_env_sim_faults(w.env, 150, NULL, 0);
        while (at < text.len) {
            at += w.env->vt->chance(w.env) % 300;
            at = at > text.len ? text.len : at;
            CU_OK_(w.env->vt->write_file(w.env, "in/a",
                                         cu_slice_n(text.data, at), &err),
                   &err);
            cu_env_sim_advance(w.env, 500000);
            if (w.c)
                cu_collector_start_pass(w.c);
            cu_world_pass_killed(&w);
        }
        cu_buf_put_u8(&whole, 0);
        expect_bronze(&w, "line", whole.data);
        cu_buf_free(&text);
        cu_buf_free(&whole);
        cu_world_close(&w);
    }
}

Test(files, a_limit_stops_in_the_middle_and_goes_on_later)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    cu_world w = world(&s);
    put(&w, "a", "1\n2\n3\n4\n");
    w.opts.limit = 3;
    pass(&w);
    expect_bronze(&w, "", "1\n2\n3\n");
    w.opts.limit = 0;
    pass(&w);
    expect_bronze(&w, "", "1\n2\n3\n4\n");
    cu_world_close(&w);
}

Test(files, a_dry_run_tells_and_publishes_nothing)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    cu_world w = world(&s);
    put(&w, "a", "1\n2\n");
    w.opts.dry_run = true;
    cu_world_listen(&w);
    pass(&w);
    cu_buf_put_u8(&w.told, 0);
    cr_assert_str_eq(w.told.data, "reads in/a from byte 0\n1\n2\n");
    cr_assert_eq(cu_world_counts(&w).records, 2);
    cr_assert_eq(cu_world_records(&w, "bronze.t"), 0);
    cr_assert_eq(cu_world_records(&w, "app.collectors"), 0);
    cu_world_close(&w);
}

Test(files, the_folder_is_looked_at_again_on_schedule)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    s.every_ms = 5000;
    cu_world w = world(&s);
    cu_world_start(&w);
    put(&w, "a", "1\n");
    cu_world_must_pass(&w);
    put(&w, "b", "2\n");
    cu_collect_state state;
    int64_t wake;
    cu_err err = {0};
    CU_OK_(cu_collector_step(w.c, 10, &state, &wake, &err), &err);
    cr_assert_eq(state, CU_COLLECT_PASSED);
    cr_assert_eq(wake - cu_mono_us(w.env), 5000000);
    expect_bronze(&w, "", "1\n");
    cu_env_sim_advance(w.env, 5000000);
    cu_world_must_pass(&w);
    expect_bronze(&w, "", "1\n2\n");
    cu_world_close(&w);
}

Test(files, a_missing_folder_is_an_error_that_names_it)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    cu_world w = cu_world_open(1);
    cu_err err = {0};
    s.dir = "nowhere";
    w.opts.files = &s;
    cu_world_start(&w);
    cr_assert_eq(cu_world_pass(&w, &err), CU_NOT_FOUND);
    cr_assert(strstr(err.msg, "nowhere"));
    cu_world_close(&w);
}

Test(files, steps_without_budget_do_a_little_each)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    cu_world w = world(&s);
    cu_buf text = {.data = rows(30000, false)};
    put(&w, "a", text.data);
    put(&w, "b", "1\n");
    cu_world_start(&w);
    cu_collect_state state = CU_COLLECT_WORKING;
    int64_t wake;
    int steps = 0;
    for (; state == CU_COLLECT_WORKING; steps++) {
        cu_err err = {0};
        size_t before = cu_world_records(&w, "bronze.t");
        CU_OK_(cu_collector_step(w.c, 0, &state, &wake, &err), &err);
        cr_assert(cu_world_records(&w, "bronze.t") - before < 20000);
    }
    cr_assert(steps > 10);
    cr_assert_eq(cu_world_records(&w, "bronze.t"), 30001);
    cu_buf_free(&text);
    cu_world_close(&w);
}

Test(files, a_vanished_file_is_kept_and_not_read_twice)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    cu_world w = world(&s);
    cu_err err = {0};
    put(&w, "a", "1\n");
    put(&w, "b", "2\n");
    pass(&w);
    CU_OK_(w.env->vt->remove(w.env, "in/a", &err), &err);
    pass(&w);
    put(&w, "a", "1\n3\n");
    pass(&w);
    expect_bronze(&w, "file", "a|1\nb|2\na|3\n");
    cu_world_close(&w);
}

Test(files, a_file_that_vanishes_after_the_listing_is_skipped)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_APPEND);
    cu_world w = world(&s);
    cu_err err = {0};
    cu_collect_state state;
    int64_t wake;
    put(&w, "a", "1\n");
    put(&w, "b", "2\n");
    put(&w, "c", "3\n");
    cu_world_start(&w);
    CU_OK_(cu_collector_step(w.c, 0, &state, &wake, &err), &err);
    CU_OK_(w.env->vt->remove(w.env, "in/b", &err), &err);
    cu_world_must_pass(&w);
    expect_bronze(&w, "file", "a|1\nc|3\n");
    cu_world_close(&w);
}

Test(files, a_snapshot_that_may_still_be_written_waits_while_following)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_SNAPSHOT);
    cu_world w = world(&s);
    w.opts.follow = true;
    put(&w, "a", "1\n");
    pass(&w);
    expect_bronze(&w, "", "");
    cu_env_sim_advance(w.env, 3000000);
    cu_collector_start_pass(w.c);
    cu_world_must_pass(&w);
    expect_bronze(&w, "snapshot", "begin|\n-|1\nend|\n");
    cu_world_close(&w);
}

Test(files, at_rest_are_not_read_to_see_that_nothing_changed)
{
    cu_files_source s = source(CU_FRAME_LINES, CU_FILES_WHOLE);
    cu_world w = world(&s);
    put(&w, "a", "1\n");
    cu_env_sim_advance(w.env, 3000000);
    pass(&w);
    cr_assert_eq(cu_world_records(&w, "app.collectors"), 1);
    for (int i = 0; i < 3; i++)
        pass(&w);
    cr_assert_eq(cu_world_counts(&w).unchanged, 1);
    cr_assert_eq(cu_world_records(&w, "app.collectors"), 1);
    expect_bronze(&w, "", "1\n");
    cu_world_close(&w);
}

Test(files, a_document_per_file_is_one_record)
{
    cu_files_source s = source(CU_FRAME_WHOLE, CU_FILES_APPEND);
    cu_world w = world(&s);
    put(&w, "a.xml", "<a>\n</a>");
    pass(&w);
    put(&w, "a.xml", "<a>\n</a>\n"); /* no longer the document we read */
    pass(&w);
    expect_bronze(&w, "file,line", "a.xml|1|<a>~</a>\n");
    cr_assert_eq(cu_world_records(&w, "app.dlq"), 1);
    cu_world_close(&w);
}
