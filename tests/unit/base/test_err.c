#include "base/err.h"

#include "base/bytes.h"

#include <criterion/criterion.h>

Test(err, fail_fills_everything_and_returns_the_code)
{
    cu_err e = {0};
    int rc = cu_fail(&e, CU_IO, CU_RETRY, "cannot read %s: %s", "a", "why");
    cr_assert_eq(rc, CU_IO);
    cr_assert_eq(e.code, CU_IO);
    cr_assert_eq(e.flags, CU_RETRY);
    cr_assert_str_eq(e.msg, "cannot read a: why");
    cr_assert_eq(e.line, __LINE__ - 5);
    cr_assert_not_null(strstr(e.file, "test_err.c"));
}

Test(err, fail_without_a_place_to_report_still_returns_the_code)
{
    cr_assert_eq(cu_fail(NULL, CU_BUSY, 0, "x"), CU_BUSY);
}

Test(err, notes_go_in_front_and_keep_the_code)
{
    cu_err e = {0};
    cu_fail(&e, CU_DATA, 0, "bad digit");
    cr_assert_eq(cu_err_note(&e, "task %s[%d]: ", "works", 0), CU_DATA);
    cr_assert_str_eq(e.msg, "task works[0]: bad digit");
}

Test(err, a_message_may_quote_its_own_error)
{
    cu_err e = {0};
    cu_fail(&e, CU_IO, 0, "inner");
    cu_fail(&e, CU_CORRUPT, CU_FATAL, "outer: %s", e.msg);
    cr_assert_str_eq(e.msg, "outer: inner");
    cr_assert_eq(e.code, CU_CORRUPT);
}

Test(err, long_messages_are_cut_between_characters)
{
    /* 479 bytes fit; two-byte characters from an odd start would be cut. */
    char text[700] = "";
    for (int i = 0; i < 600; i += 2)
        memcpy(text + i, "\xc3\xa4", 3);
    cu_err e = {0};
    cu_fail(&e, CU_DATA, 0, "%s", text);
    cr_assert_eq(strlen(e.msg), 478);
    cr_assert_eq(cu_utf8_valid_prefix(cu_slice_of(e.msg)), 478);
    cu_fail(&e, CU_DATA, 0, "x%s", text);
    cr_assert_eq(strlen(e.msg), 479);
    cr_assert_eq(cu_utf8_valid_prefix(cu_slice_of(e.msg)), 479);
    cu_err_note(&e, "y%s", "");
    cr_assert_eq(strlen(e.msg), 478);
}

Test(err, codes_have_names)
{
    cr_assert_str_eq(cu_code_name(CU_IO), "io");
    cr_assert_str_eq(cu_code_name(CU_IN_DOUBT), "in_doubt");
    cr_assert_str_eq(cu_code_name((cu_code)999), "unknown");
}

Test(err, sqlstates_survive_packing)
{
    char text[6];
    cr_assert_str_eq(
        cu_sqlstate_text(CU_SQLSTATE('2', '2', 'P', '0', '2'), text), "22P02");
    cr_assert_str_eq(
        cu_sqlstate_text(CU_SQLSTATE('Z', 'Z', '0', '0', '9'), text), "ZZ009");
}

Test(err, clear_is_no_error)
{
    cu_err e = {0};
    cu_fail(&e, CU_IO, CU_RETRY, "x");
    e.sqlstate = 1;
    cu_err_clear(&e);
    cr_assert_eq(e.code, CU_OK);
    cr_assert_eq(e.flags | e.sqlstate, 0);
    cr_assert_str_eq(e.msg, "");
}
