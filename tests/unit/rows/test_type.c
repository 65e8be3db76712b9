/* Type names, in and out. */
#include "rows/type.h"

#include <criterion/criterion.h>

Test(type, spellings_lead_to_format_type_names)
{
    static const char *const table[][2] = {
        {"int", "integer"},
        {"INT4", "integer"},
        {"int8", "bigint"},
        {"pg_catalog.int2", "smallint"},
        {"float", "double precision"},
        {"float(24)", "real"},
        {"  double   precision ", "double precision"},
        {"decimal(10)", "numeric(10,0)"},
        {"numeric(12, 2)", "numeric(12,2)"},
        {"numeric(3,-2)", "numeric(3,-2)"},
        {"numeric", "numeric"},
        {"varchar", "text"},
        {"character varying(20)", "character varying(20)"},
        {"timestamp", "timestamp without time zone"},
        {"timestamptz", "timestamp with time zone"},
        {"timestamp (3) with time zone", "timestamp(3) with time zone"},
        {"time(0)", "time(0) without time zone"},
        {"interval(2)", "interval(2)"},
        {"text[]", "text[]"},
        {"int[3]", "integer[]"},
        {"numeric(5,1)[]", "numeric(5,1)[]"},
        {"uuid array", "uuid[]"},
        {"jsonb", "jsonb"},
        {"bytea", "bytea"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        cu_type t;
        cu_err err = {0};
        char name[64];
        int rc = cu_type_parse(cu_slice_of(table[i][0]), &t, &err);
        cr_assert_eq(rc, 0, "%s: %s", table[i][0], err.msg);
        cr_expect_str_eq(cu_type_name(t, name), table[i][1]);
    }
}

Test(type, what_is_not_supported_is_refused_by_name)
{
    static const char *const table[][2] = {
        {"json", "type \"json\" is not supported; use jsonb"},
        {"char(3)", "type \"char(3)\" is not supported; use text"},
        {"timetz", "type \"timetz\" is not supported; use timestamptz"},
        {"int[][]", "type \"int[][]\" is not supported"},
        {"point", "type \"point\" is not supported"},
        {"int(3)", "type \"int\" takes no such modifier"},
        {"text(3)", "type \"text\" takes no such modifier"},
        {"numeric(1,2,3)", "type \"numeric(1,2,3)\" is not supported"},
        {"numeric(", "type \"numeric(\" is not supported"},
        {"", "type \"\" is not supported"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        cu_type t;
        cu_err err = {0};
        cr_expect_eq(cu_type_parse(cu_slice_of(table[i][0]), &t, &err),
                     CU_UNSUPPORTED, "%s", table[i][0]);
        cr_expect_str_eq(err.msg, table[i][1]);
    }
    cu_type t;
    cu_err err = {0};
    cr_expect_eq(cu_type_parse(CU_LIT("numeric(1001)"), &t, &err), CU_DATA);
    cr_expect_eq(cu_type_parse(CU_LIT("numeric(0)"), &t, &err), CU_DATA);
    cr_expect_eq(cu_type_parse(CU_LIT("varchar(0)"), &t, &err), CU_DATA);
}

Test(type, a_schema_copy_is_the_same_and_independent)
{
    cu_arena *a = cu_arena_new(0), *b = cu_arena_new(0);
    cu_schema *s = cu_schema_new(a, 2);
    s->fields[0] = (cu_field){cu_arena_str(a, "x"), CU_TYPE(CU_T_INT4), true};
    s->fields[1] = (cu_field){cu_arena_str(a, "y"), CU_TYPE(CU_T_TEXT), false};
    cu_schema *copy = cu_schema_copy(b, s);
    cr_expect(cu_schema_same(s, copy));
    copy->fields[1].type = CU_TYPE(CU_T_BYTEA);
    cr_expect(!cu_schema_same(s, copy));
    cu_arena_free(a);
    cr_expect_str_eq(copy->fields[0].name, "x");
    cu_arena_free(b);
}
