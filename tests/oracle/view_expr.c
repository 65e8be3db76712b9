/* Templates by result type; a hole takes a column or an expression of the
 * hole's type.  Arithmetic stays on small integers, casts go only where every
 * value fits: what a view rejects is another test's business. */
#include "tests/oracle/view_expr.h"

#include "tests/oracle/tree.h"

#define N(x) (sizeof(x) / sizeof(*(x)))

typedef struct form {
    uint8_t kind, elem;
    const char *format; /* '\1' is a hole */
    uint8_t holes[3], elems[3];
    bool inexact, small;
} form;

#define B  CU_T_BOOL
#define I2 CU_T_INT2
#define I4 CU_T_INT4
#define I8 CU_T_INT8
#define F4 CU_T_FLOAT4
#define F8 CU_T_FLOAT8
#define NU CU_T_NUMERIC
#define TX CU_T_TEXT
#define BY CU_T_BYTEA
#define DA CU_T_DATE
#define TM CU_T_TIME
#define TS CU_T_TIMESTAMP
#define TZ CU_T_TIMESTAMPTZ
#define IV CU_T_INTERVAL
#define UU CU_T_UUID
#define JB CU_T_JSONB
#define AR CU_T_ARRAY

static const form forms[] = {
    {I8, 0, "(\1 + 1)", {I8}, {0}, false, true},
    {I8, 0, "(\1 * 2)", {I8}, {0}, false, true},
    {I8, 0, "(\1 - \1)", {I8, I4}, {0}, false, true},
    {I8, 0, "(\1 / 2)", {I8}, {0}, false, true},
    {I8, 0, "(\1 % 3)", {I8}, {0}, false, true},
    {I8, 0, "abs(\1)", {I8}, {0}, false, true},
    {I8, 0, "coalesce(\1, 0)", {I8}, {0}, false, true},
    {I8, 0, "nullif(\1, 2)", {I8}, {0}, false, true},
    {I8, 0, "greatest(\1, \1)", {I8, I4}, {0}, false, true},
    {I8, 0, "CASE WHEN \1 THEN \1 ELSE -1 END", {B, I8}, {0}, false, true},
    {I8, 0, "length(\1)::bigint", {TX}, {0}, false, true},
    {I8, 0, "\1::bigint", {I2}, {0}, false, true},
    {I4, 0, "(\1 % 3)", {I4}, {0}, false, true},
    {I4, 0, "(\1 # 1)", {I4}, {0}, false, true},
    {I4, 0, "coalesce(\1, -1)", {I4}, {0}, false, true},
    {I4, 0, "length(\1)", {TX}, {0}, false, true},
    {I4, 0, "octet_length(\1)", {BY}, {0}, false, true},
    {I4, 0, "ascii(\1)", {TX}, {0}, false, true},
    {I4, 0, "cardinality(\1)", {AR}, {I4}, false, true},
    {I4, 0, "cardinality(\1)", {AR}, {TX}, false, true},
    {I4, 0, "(\1)[1]", {AR}, {I4}, false, true},
    {I4, 0, "\1::int", {I2}, {0}, false, true},
    {I4, 0, "\1::int", {B}, {0}, false, true},
    {B, 0, "(\1 > 1)", {I8}, {0}, false, false},
    {B, 0, "(\1 = 2)", {I4}, {0}, false, false},
    {B, 0, "(\1 <= \1)", {I8, I4}, {0}, false, false},
    {B, 0, "(\1 IN (1, 2))", {I4}, {0}, false, false},
    {B, 0, "(\1 NOT IN (0, 3))", {I8}, {0}, false, false},
    {B, 0, "(\1 BETWEEN 0 AND 2)", {I8}, {0}, false, false},
    {B, 0, "(\1 IS NULL)", {I8}, {0}, false, false},
    {B, 0, "(\1 IS NOT NULL)", {TX}, {0}, false, false},
    {B, 0, "(\1 IS DISTINCT FROM \1)", {I8, I4}, {0}, false, false},
    {B, 0, "(\1 = 'a')", {TX}, {0}, false, false},
    {B, 0, "(\1 > 'a')", {TX}, {0}, false, false},
    {B, 0, "(\1 LIKE 'a%')", {TX}, {0}, false, false},
    {B, 0, "(\1 ILIKE 'a')", {TX}, {0}, false, false},
    {B, 0, "(\1 > 1.00)", {NU}, {0}, false, false},
    {B, 0, "(\1 > 1)", {F8}, {0}, false, false},
    {B, 0, "(\1 < \1)", {F4, F8}, {0}, false, false},
    {B, 0, "(\1 < '2024-02-01')", {DA}, {0}, false, false},
    {B, 0, "isfinite(\1)", {DA}, {0}, false, false},
    {B, 0, "(\1 >= \1)", {TS, DA}, {0}, false, false},
    {B, 0, "(\1 > '2010-01-01')", {TZ}, {0}, false, false},
    {B, 0, "(\1 > '02:00')", {IV}, {0}, false, false},
    {B, 0, "(\1 < '12:00')", {TM}, {0}, false, false},
    {B,
     0,
     "(\1 = '00000000-0000-0000-0000-000000000001')",
     {UU},
     {0},
     false,
     false},
    {B, 0, "(\1 @> '{\"a\": 1}')", {JB}, {0}, false, false},
    {B, 0, "(\1 ? 'a')", {JB}, {0}, false, false},
    {B, 0, "(\1 @> '{2}')", {AR}, {I4}, false, false},
    {B, 0, "(2 = ANY (\1))", {AR}, {I4}, false, false},
    {B, 0, "(\1 AND \1)", {B, B}, {0}, false, false},
    {B, 0, "(\1 OR \1)", {B, B}, {0}, false, false},
    {B, 0, "(NOT \1)", {B}, {0}, false, false},
    {B, 0, "(\1 IS TRUE)", {B}, {0}, false, false},
    {TX, 0, "upper(\1)", {TX}, {0}, false, false},
    {TX, 0, "(\1 || 'x')", {TX}, {0}, false, false},
    {TX, 0, "(\1 || \1)", {TX, I8}, {0}, false, false},
    {TX, 0, "coalesce(\1, '-')", {TX}, {0}, false, false},
    {TX, 0, "left(\1, 1)", {TX}, {0}, false, false},
    {TX, 0, "replace(\1, 'a', 'bb')", {TX}, {0}, false, false},
    {TX, 0, "\1::text", {I8}, {0}, false, false},
    {TX, 0, "\1::text", {DA}, {0}, false, false},
    {TX, 0, "\1::text", {TZ}, {0}, false, false},
    {TX, 0, "\1::text", {IV}, {0}, false, false},
    {TX, 0, "\1::text", {B}, {0}, false, false},
    {TX, 0, "\1::text", {F8}, {0}, false, false},
    {TX, 0, "\1::varchar(2)", {TX}, {0}, false, false},
    {TX, 0, "(\1 ->> 'a')", {JB}, {0}, false, false},
    {TX, 0, "(\1 ->> 0)", {JB}, {0}, false, false},
    {TX, 0, "jsonb_typeof(\1)", {JB}, {0}, false, false},
    {TX,
     0,
     "CASE WHEN \1 THEN 'y' WHEN \1 THEN 'n' END",
     {B, B},
     {0},
     false,
     false},
    {TX, 0, "encode(\1, 'hex')", {BY}, {0}, false, false},
    {TX, 0, "md5(\1)", {TX}, {0}, false, false},
    {TX, 0, "concat(\1, '/', \1)", {TX, I4}, {0}, false, false},
    {TX, 0, "array_to_string(\1, ',', '*')", {AR}, {TX}, false, false},
    {NU, 0, "(\1 + 1.00)", {NU}, {0}, true, false},
    {NU, 0, "(\1 * 2)", {NU}, {0}, false, false},
    {NU, 0, "round(\1, 1)", {NU}, {0}, false, false},
    {NU, 0, "(- \1)", {NU}, {0}, false, false},
    {NU, 0, "\1::numeric", {I8}, {0}, false, false},
    {NU, 0, "\1::numeric(8,2)", {I4}, {0}, false, false},
    {NU, 0, "coalesce(\1, 0)", {NU}, {0}, true, false},
    {NU, 0, "(\1 / 3)", {NU}, {0}, true, false},
    {NU, 0, "(\1 * \1)", {NU, I4}, {0}, true, false},
    {F8, 0, "(\1 * 2)", {F8}, {0}, false, false},
    {F8, 0, "\1::float8", {F4}, {0}, false, false},
    {F8, 0, "\1::float8", {I8}, {0}, false, false},
    {DA, 0, "(\1 + 1)", {DA}, {0}, false, false},
    {DA, 0, "coalesce(\1, '2000-01-01')", {DA}, {0}, false, false},
    {DA, 0, "greatest(\1, '2024-02-01')", {DA}, {0}, false, false},
    {DA, 0, "\1::date", {TS}, {0}, false, false},
    {DA, 0, "\1::date", {TZ}, {0}, false, false},
    {TS, 0, "(\1 + interval '1 month')", {TS}, {0}, false, false},
    {TS, 0, "date_trunc('month', \1)", {TS}, {0}, false, false},
    {TS, 0, "\1::timestamp", {DA}, {0}, false, false},
    {TS, 0, "(\1 AT TIME ZONE 'Europe/Oslo')", {TZ}, {0}, false, false},
    {TZ, 0, "(\1 - interval '90 minutes')", {TZ}, {0}, false, false},
    {TZ, 0, "date_trunc('day', \1, 'Europe/Oslo')", {TZ}, {0}, false, false},
    {TZ, 0, "date_bin('1 hour', \1, '2000-01-01')", {TZ}, {0}, false, false},
    {TM, 0, "(\1 + interval '1 hour')", {TM}, {0}, false, false},
    {IV, 0, "(\1 * 2)", {IV}, {0}, true, false},
    {IV, 0, "(\1 + interval '1 day')", {IV}, {0}, true, false},
    {IV, 0, "\1::interval", {TM}, {0}, false, false},
    {JB, 0, "(\1 -> 'a')", {JB}, {0}, false, false},
    {JB, 0, "(\1 -> 0)", {JB}, {0}, false, false},
    {JB, 0, "(\1 #> '{a,b}')", {JB}, {0}, false, false},
    {JB, 0, "to_jsonb(\1)", {I8}, {0}, false, false},
    {JB, 0, "to_jsonb(\1)", {TX}, {0}, false, false},
    {JB,
     0,
     "jsonb_build_object('k', \1, 't', \1)",
     {I8, TX},
     {0},
     false,
     false},
    {AR, I4, "(\1 || 1)", {AR}, {I4}, false, false},
    {AR, I4, "ARRAY[\1, 2]", {I4}, {0}, false, false},
    {AR, TX, "array_append(\1, \1)", {AR, TX}, {TX, 0}, false, false},
    {AR, TX, "string_to_array(\1, ' ')", {TX}, {0}, false, false},
};

static cu_type type_of(uint8_t kind, uint8_t elem)
{
    return (cu_type){.kind = kind, .elem = elem, .scale = -1};
}

static cu_case_expr column(cu_rng *r, const cu_case_rel *rel, cu_type t)
{
    const cu_case_col *found = NULL;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < rel->n_cols; i++) {
        const cu_case_col *c = &rel->cols[i];
        bool sure = t.kind != I4 && t.kind != I8;
        if (cu_type_same(c->type, t) && (sure || c->small) &&
            cu_rng_below(r, ++seen) == 0)
            found = c;
    }
    if (found == NULL)
        return (cu_case_expr){.sql = NULL};
    return (cu_case_expr){found->name, t, found->exact, found->small};
}

static cu_case_expr fill(cu_rng *r, cu_arena *a, const cu_case_rel *rel,
                         const form *f, uint32_t depth)
{
    cu_case_expr out = {"", type_of(f->kind, f->elem), !f->inexact, f->small};
    uint32_t hole = 0;
    for (const char *p = f->format; *p; p++) {
        if (*p != '\1') {
            out.sql = cu_arena_printf(a, "%s%c", out.sql, *p);
            continue;
        }
        cu_case_expr in = cu_case_expr_of(
            r, a, rel, type_of(f->holes[hole], f->elems[hole]), depth - 1);
        hole++;
        if (in.sql == NULL)
            return in;
        out.exact = out.exact && in.exact;
        out.sql = cu_arena_printf(a, "%s%s", out.sql, in.sql);
    }
    /* What is neither number nor interval nor made of them is exact. */
    out.exact = out.exact || f->kind == B || f->kind == I4 || f->kind == I8;
    return out;
}

cu_case_expr cu_case_expr_of(cu_rng *r, cu_arena *a, const cu_case_rel *rel,
                             cu_type t, uint32_t depth)
{
    cu_case_expr c = column(r, rel, t);
    if (depth == 0 || (c.sql && cu_rng_chance(r, 40)))
        return c;
    for (uint32_t tries = 0; tries < 300; tries++) {
        const form *f = &forms[cu_rng_below(r, N(forms))];
        if (f->kind != t.kind || f->elem != t.elem)
            continue;
        cu_case_expr e = fill(r, a, rel, f, depth);
        if (e.sql)
            return e;
    }
    return c;
}

cu_case_expr cu_case_expr_any(cu_rng *r, cu_arena *a, const cu_case_rel *rel,
                              bool exact)
{
    for (uint32_t tries = 0; tries < 200; tries++) {
        cu_case_expr e;
        if (cu_rng_chance(r, 55)) {
            const cu_case_col *c = &rel->cols[cu_rng_below(r, rel->n_cols)];
            e = (cu_case_expr){c->name, c->type, c->exact, c->small};
        } else {
            const form *f = &forms[cu_rng_below(r, N(forms))];
            e = fill(r, a, rel, f, 1 + cu_rng_below(r, 2));
        }
        if (e.sql && (e.exact || !exact))
            return e;
    }
    return (cu_case_expr){"1", CU_TYPE(I4), true, true};
}

const char *cu_case_condition(cu_rng *r, cu_arena *a, const cu_case_rel *rel)
{
    cu_case_expr e = cu_case_expr_of(r, a, rel, CU_TYPE(B), 2);
    return e.sql ? e.sql : "true";
}
