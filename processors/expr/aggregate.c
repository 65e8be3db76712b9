/* Aggregate signatures: which exist and what they return. The accumulators
 * are in processors/operators. */
#include "processors/expr/kernel.h"

#define AGG(nm, which, res, text, ...)                                        \
    {                                                                         \
        .name = nm, .kind = CU_FUNC_AGGREGATE,                                \
        .n_args = CU_COUNT(__VA_ARGS__), .agg = which, .args = {__VA_ARGS__}, \
        .result = res, .doc = text                                            \
    }
#define SUM(arg, res) AGG("sum", CU_AGG_SUM, res, "sum", arg)
#define AVG(arg, res) AGG("avg", CU_AGG_AVG, res, "arithmetic mean", arg)
#define ENDS(arg)                                       \
    AGG("min", CU_AGG_MIN, arg, "smallest value", arg), \
        AGG("max", CU_AGG_MAX, arg, "largest value", arg)

static const cu_func list[] = {
    {.name = "count",
     .kind = CU_FUNC_AGGREGATE,
     .agg = CU_AGG_COUNT_STAR,
     .result = CU_T_INT8,
     .doc = "rows"},
    AGG("count", CU_AGG_COUNT, CU_T_INT8, "values that are not NULL", CU_T_ANY),
    SUM(CU_T_INT2, CU_T_INT8),
    SUM(CU_T_INT4, CU_T_INT8),
    SUM(CU_T_INT8, CU_T_NUMERIC),
    SUM(CU_T_NUMERIC, CU_T_NUMERIC),
    SUM(CU_T_FLOAT4, CU_T_FLOAT4),
    SUM(CU_T_FLOAT8, CU_T_FLOAT8),
    SUM(CU_T_INTERVAL, CU_T_INTERVAL),
    AVG(CU_T_INT2, CU_T_NUMERIC),
    AVG(CU_T_INT4, CU_T_NUMERIC),
    AVG(CU_T_INT8, CU_T_NUMERIC),
    AVG(CU_T_NUMERIC, CU_T_NUMERIC),
    AVG(CU_T_FLOAT4, CU_T_FLOAT8),
    AVG(CU_T_FLOAT8, CU_T_FLOAT8),
    AVG(CU_T_INTERVAL, CU_T_INTERVAL),
    ENDS(CU_T_INT2),
    ENDS(CU_T_INT4),
    ENDS(CU_T_INT8),
    ENDS(CU_T_FLOAT4),
    ENDS(CU_T_FLOAT8),
    ENDS(CU_T_NUMERIC),
    ENDS(CU_T_TEXT),
    ENDS(CU_T_DATE),
    ENDS(CU_T_TIME),
    ENDS(CU_T_TIMESTAMP),
    ENDS(CU_T_TIMESTAMPTZ),
    ENDS(CU_T_INTERVAL),
    ENDS(CU_T_ANYARRAY),
    AGG("bool_and", CU_AGG_BOOL_AND, CU_T_BOOL, "all are true", CU_T_BOOL),
    AGG("bool_or", CU_AGG_BOOL_OR, CU_T_BOOL, "one is true", CU_T_BOOL),
    AGG("every", CU_AGG_BOOL_AND, CU_T_BOOL, "all are true", CU_T_BOOL),
};
CU_PART(cu_part_aggregate, list);
