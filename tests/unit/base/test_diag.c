#include "base/diag.h"

#include "base/bytes.h"

#include <criterion/criterion.h>

static cu_buf heard;
static cu_diag_level heard_level;

static void listen(void *ctx, cu_diag_level level, const char *line)
{
    cr_assert_eq(ctx, &heard);
    cu_buf_put_str(&heard, line);
    cu_buf_put_u8(&heard, '|');
    heard_level = level;
}

static void expect(const char *text)
{
    cr_assert(cu_slice_is(cu_buf_slice(&heard), text), "heard %.*s",
              (int)heard.len, heard.data);
    cu_buf_clear(&heard);
}

static void start(void)
{
    cu_diag_to(listen, &heard);
}

static void stop(void)
{
    cu_diag_to(NULL, NULL);
    cu_buf_free(&heard);
}

TestSuite(diag, .init = start, .fini = stop);

Test(diag, levels_have_their_words)
{
    cu_diag_format(false, CU_DIAG_DEBUG, false);
    cu_info("ready in %d ms", 7);
    expect("ready in 7 ms|");
    cu_warn("slow");
    expect("warning: slow|");
    cr_assert_eq(heard_level, CU_DIAG_WARN);
    cu_error("gone");
    cu_debug("x");
    expect("error: gone|debug: x|");
}

Test(diag, quiet_hides_the_normal_voice)
{
    cu_diag_format(false, CU_DIAG_WARN, false);
    cu_info("a");
    cu_debug("b");
    cu_warn("c");
    expect("warning: c|");
}

Test(diag, json_is_escaped)
{
    cu_diag_format(true, CU_DIAG_INFO, false);
    cu_info("say \"hi\"\n\x01\\ \xc3\xa9 \xff");
    expect("{\"level\":\"info\",\"message\":\"say \\\"hi\\\"\\n\\u0001\\\\ "
           "\xc3\xa9 \xef\xbf\xbd\"}|");
}

Test(diag, errors_show_their_sqlstate)
{
    cu_err e = {0};
    cu_fail(&e, CU_SQL, 0, "no such column");
    cu_diag_format(false, CU_DIAG_INFO, false);
    cu_diag_err(&e);
    expect("error: no such column|");
    e.sqlstate = CU_SQLSTATE('4', '2', '7', '0', '3');
    cu_diag_err(&e);
    expect("error: no such column (SQLSTATE 42703)|");
    cu_diag_format(true, CU_DIAG_INFO, false);
    cu_diag_err(&e);
    expect("{\"level\":\"error\",\"code\":\"sql\",\"sqlstate\":\"42703\","
           "\"message\":\"no such column\"}|");
}

Test(diag, long_lines_are_whole)
{
    char wide[2001];
    memset(wide, 'w', 2000);
    wide[2000] = 0;
    cu_diag_format(false, CU_DIAG_INFO, false);
    cu_info("%s", wide);
    cr_assert_eq(heard.len, 2001);
}
