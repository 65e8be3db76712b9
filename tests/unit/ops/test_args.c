#include "tests/unit/ops/rig.h"

#include <criterion/criterion.h>

static cu_rig rig;

static void open_rig(void)
{
    cu_rig_open(&rig);
}

static void close_rig(void)
{
    cu_rig_close(&rig);
}

TestSuite(args, .init = open_rig, .fini = close_rig);

Test(args, options_stand_anywhere)
{
    cr_assert_eq(cu_rig_parse(&rig, "--app a run --drain x -q y"), 0);
    cr_assert_str_eq(rig.c.command->name, "run");
    cr_assert_str_eq(rig.c.o.app, "a");
    cr_assert(rig.c.o.drain && rig.c.o.quiet && !rig.c.o.yes);
    cr_assert_eq(rig.c.n_words, 2);
    cr_assert_str_eq(rig.c.words[0], "x");
    cr_assert_str_eq(rig.c.words[1], "y");
}

Test(args, values_come_behind_a_blank_or_an_equals_sign)
{
    cr_assert_eq(cu_rig_parse(&rig, "tail -n5 -o json --format=%s~ t"), 0);
    cr_assert_eq(rig.c.o.limit, 5);
    cr_assert_eq(rig.c.o.output, CU_OUT_JSON);
    cr_assert_str_eq(rig.c.o.format, "%s ");
    cr_assert_eq(cu_rig_parse(&rig, "tail --limit 7 -ojsonl t"), 0);
    cr_assert_eq(rig.c.o.limit, 7);
    cr_assert_eq(rig.c.o.output, CU_OUT_JSONL);
}

Test(args, two_hyphens_end_the_options)
{
    cr_assert_eq(cu_rig_parse(&rig, "query -- -x --drain"), 0);
    cr_assert_eq(rig.c.n_words, 2);
    cr_assert_str_eq(rig.c.words[1], "--drain");
}

Test(args, sizes_have_units)
{
    static const struct {
        const char *words;
        int64_t bytes;
    } cases[] = {{"run --memory 1000", 1000},
                 {"run --memory 64k", 65536},
                 {"run --memory 1.5GB", INT64_C(3) << 29},
                 {"run --memory 2MiB", 2 << 20}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        cr_assert_eq(cu_rig_parse(&rig, cases[i].words), 0);
        cr_assert_eq(rig.c.o.memory_bytes, cases[i].bytes);
    }
}

Test(args, pairs_are_kept_in_order)
{
    cr_assert_eq(cu_rig_parse(&rig, "run --set a=1 --set b=x=y -X c=2"), 0);
    cr_assert_eq(rig.c.o.n_vars, 2);
    cr_assert_str_eq(rig.c.o.vars[0].name, "a");
    cr_assert_str_eq(rig.c.o.vars[1].value, "x=y");
    cr_assert_eq(rig.c.o.n_properties, 1);
    cr_assert_str_eq(rig.c.o.properties[0].name, "c");
}

Test(args, no_command_is_help)
{
    cr_assert_eq(cu_rig_parse(&rig, ""), 0);
    cr_assert_str_eq(rig.c.command->name, "help");
}

Test(args, the_first_word_of_some_commands_is_a_verb)
{
    cr_assert_eq(cu_rig_parse(&rig, "topics create --partitions 4 t"), 0);
    cr_assert_str_eq(rig.c.verb, "create");
    cr_assert_eq(rig.c.n_words, 1);
    cr_assert_eq(rig.c.o.partitions, 4);
}

Test(args, mistakes_are_told_with_what_to_type)
{
    static const struct {
        const char *words, *said;
    } cases[] = {
        {"runn", "error: there is no command \"runn\"; did you mean run?\n"
                 "try: cupel help\n"},
        {"run --dran", "error: run does not take --dran; did you mean "
                       "--drain?\ntry: cupel help run\n"},
        {"run --from-beginning", "error: run does not take "
                                 "--from-beginning\ntry: cupel help run\n"},
        {"run --drain=yes",
         "error: --drain takes no value\ntry: cupel help run\n"},
        {"run -Z", "error: run does not take -Z\ntry: cupel help run\n"},
        {"run --set =x",
         "error: --set wants NAME=VALUE, not \"=x\"\ntry: cupel help run\n"},
        {"run --workers 99999999999",
         "error: --workers wants a number, not \"99999999999\"\n"
         "try: cupel help run\n"},
        {"dlq", "error: dlq wants one of: list show\ntry: cupel help dlq\n"},
        {"dlq lst",
         "error: dlq knows: list show; not \"lst\"\ntry: cupel help dlq\n"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        cr_expect_eq(cu_rig_parse(&rig, cases[i].words), 2, "%s",
                     cases[i].words);
        cr_expect_str_eq(cu_rig_said(&rig, 2), cases[i].said);
        cr_expect_str_eq(cu_rig_said(&rig, 1), "");
    }
}

/* What is sent to a running process parses to the same command there. */
static void printed(const char *words, uint32_t skip, const char *want)
{
    cu_buf b = {0};
    cr_assert_eq(cu_rig_parse(&rig, words), 0);
    cu_args_print(&rig.c, skip, &b);
    for (size_t i = 0; i < b.len; i++)
        if (b.data[i] == 0)
            b.data[i] = ' ';
    cu_buf_put_u8(&b, 0);
    cr_expect_str_eq(b.data, want);
    cu_buf_free(&b);
}

Test(args, print_gives_words_that_parse_to_the_same)
{
    printed("tail -o csv --set a=b -n 3 path name", 1,
            "cupel tail --set=a=b --output=csv --log-format=text --limit=3 "
            "-- name ");
    printed("dlq show p --code 22P02 -v", 1,
            "cupel dlq --output=text --log-format=text --verbose "
            "--code=22P02 -- show ");
    printed("topics create t --partitions 2", 0,
            "cupel topics --output=text --log-format=text --partitions=2 -- "
            "create t ");
}
