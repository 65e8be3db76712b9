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

TestSuite(table, .init = open_rig, .fini = close_rig);

static const char *print(cu_output as)
{
    static const char *const names[] = {"name", ">n", "note"};
    cu_cells *t = cu_cells_new(rig.c.arena, names, 3);
    const char *rows[][3] = {{"Ærøskøbing", "7", "a,b"},
                             {"x", "1234", NULL},
                             {"say \"hi\"", NULL, ""}};
    for (int i = 0; i < 3; i++)
        cu_cells_add(t, rows[i]);
    rig.c.o.output = as;
    cu_cells_print(t, &rig.c);
    return cu_rig_said(&rig, 1);
}

Test(table, text_is_aligned_by_characters)
{
    cr_assert_str_eq(print(CU_OUT_TEXT), "name           n  note\n"
                                         "Ærøskøbing     7  a,b\n"
                                         "x           1234  \n"
                                         "say \"hi\"          \n");
}

Test(table, json_has_raw_numbers_and_null)
{
    cr_assert_str_eq(
        print(CU_OUT_JSON),
        "[{\"name\":\"Ærøskøbing\",\"n\":7,\"note\":\"a,b\"},\n"
        " {\"name\":\"x\",\"n\":1234,\"note\":null},\n"
        " {\"name\":\"say \\\"hi\\\"\",\"n\":null,\"note\":\"\"}]\n");
}

Test(table, json_lines_are_one_row_each)
{
    cr_assert_str_eq(
        print(CU_OUT_JSONL),
        "{\"name\":\"Ærøskøbing\",\"n\":7,\"note\":\"a,b\"}\n"
        "{\"name\":\"x\",\"n\":1234,\"note\":null}\n"
        "{\"name\":\"say \\\"hi\\\"\",\"n\":null,\"note\":\"\"}\n");
}

Test(table, csv_tells_empty_from_null)
{
    cr_assert_str_eq(print(CU_OUT_CSV), "name,n,note\n"
                                        "Ærøskøbing,7,\"a,b\"\n"
                                        "x,1234,\n"
                                        "\"say \"\"hi\"\"\",,\"\"\n");
}

Test(table, nothing_is_a_header_or_an_empty_array)
{
    static const char *const names[] = {"a", "b"};
    cu_cells *t = cu_cells_new(rig.c.arena, names, 2);
    cu_cells_print(t, &rig.c);
    cr_expect_str_eq(cu_rig_said(&rig, 1), "a  b\n");
    rig.c.o.output = CU_OUT_JSON;
    cu_cells_print(t, &rig.c);
    cr_expect_str_eq(cu_rig_said(&rig, 1), "[]\n");
}
