/* Arrays: bytes, elements, order, text. */
#include "rows/array.h"

#include "tests/unit/rows/help.h"

#include <criterion/criterion.h>

Test(array, text_forms_are_postgresqls)
{
    static const struct form forms[] = {
        {"int[]", "{}", "{}"},
        {"int[]", " { 1 , 2 } ", "{1,2}"},
        {"int[]", "{1,NULL,3}", "{1,NULL,3}"},
        {"text[]", "{a,\"b c\",d\\\"e,null,\"NULL\",\"\"}",
         "{a,\"b c\",\"d\\\"e\",NULL,\"NULL\",\"\"}"},
        {"text[]", "{a b, c }", "{\"a b\",c}"},
        {"text[]", "{\"a\\\\b\"}", "{\"a\\\\b\"}"},
        {"text[]", "{\"{\",\",\"}", "{\"{\",\",\"}"},
        {"bytea[]", "{\"\\\\x00\"}", "{\"\\\\x00\"}"},
        {"numeric(5,1)[]", "{1.25,NaN}", "{1.3,NaN}"},
        {"timestamp[]", "{\"2024-01-01 10:00\",infinity}",
         "{\"2024-01-01 10:00:00\",infinity}"},
        {"bool[]", "{t,f}", "{t,f}"},
        {"int[]", "{1,2", "22P02: malformed array literal"},
        {"int[]", "{1}x", "22P02: malformed array literal"},
        {"text[]", "{a,}", "22P02: malformed array literal"},
        {"text[]", "{,a}", "22P02: malformed array literal"},
        {"text[]", "{\"a\"b}", "22P02: malformed array literal"},
        {"text[]", "{a\"b\"}", "22P02: malformed array literal"},
        {"int[]", "1,2", "22P02: malformed array literal"},
        {"int[]", "{a}", "22P02: invalid input syntax for type integer"},
        {"int[]", "{{1},{2}}", "0A000: arrays of more than one dimension"},
        {"int[]", "[1:2]={1,2}", "0A000: array bounds are not supported"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, NULL);
}

Test(array, elements_are_reached_by_number)
{
    cu_arena *a = cu_arena_new(0);
    cu_slice array = value_of(a, "text[]", "{x,NULL,zz}").s;
    cr_expect_eq(cu_array_length(array), 3);
    cr_expect(cu_slice_is(cu_array_at(array, 1, a).s, "x"));
    cr_expect(cu_array_at(array, 2, a).null);
    cr_expect(cu_slice_is(cu_array_at(array, 3, a).s, "zz"));
    cr_expect(cu_array_at(array, 0, a).null);
    cr_expect(cu_array_at(array, 4, a).null);
    cr_expect(cu_array_at(array, -1, a).null);
    cu_arena_free(a);
}

static void expect_order(const char *x, const char *y, int order)
{
    cu_arena *a = cu_arena_new(0);
    int got = cu_array_cmp(value_of(a, "int[]", x).s,
                           value_of(a, "int[]", y).s);
    cr_expect_eq((got > 0) - (got < 0), order, "%s against %s", x, y);
    cu_arena_free(a);
}

Test(array, order_goes_by_elements_then_by_length)
{
    expect_order("{1,2}", "{1,3}", -1);
    expect_order("{2}", "{1,3}", 1);
    expect_order("{1}", "{1,0}", -1);
    expect_order("{}", "{NULL}", -1);
    expect_order("{NULL}", "{1}", 1);
    expect_order("{NULL,1}", "{NULL,1}", 0);
}

Test(array, damaged_bytes_end_early)
{
    struct noise noise = {31};
    cu_arena *a = cu_arena_new(0);
    for (int i = 0; i < 20000; i++) {
        cu_type t = type_named(all_types[16 + noise_below(&noise, 3)]);
        cu_value v = noise_value(&noise, t, a);
        if (v.null)
            continue;
        char *damaged = malloc(v.s.len);
        memcpy(damaged, v.s.data, v.s.len);
        size_t at = noise_below(&noise, (uint32_t)v.s.len);
        damaged[at] ^= (char)(1 << noise_below(&noise, 8));
        cu_slice bytes = {damaged, noise_below(&noise, 2) ? v.s.len : at};
        cu_array_iter it = cu_array_iter_of(bytes);
        cu_value elem;
        uint32_t n = 0;
        while (cu_array_next(&it, a, &elem))
            n++;
        cr_assert(n <= 8 * v.s.len);
        free(damaged);
        cu_arena_reset(a);
    }
    cu_arena_free(a);
}
