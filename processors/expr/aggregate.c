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
#define BITS(arg)                                                           \
    AGG("bit_and", CU_AGG_BIT_AND, arg, "bits that are set in all", arg),   \
        AGG("bit_or", CU_AGG_BIT_OR, arg, "bits that are set in any", arg), \
        AGG("bit_xor", CU_AGG_BIT_XOR, arg, "exclusive or", arg)
#define SPREAD(arg, res)                                                      \
    AGG("stddev_pop", CU_AGG_STDDEV_POP, res,                                 \
        "standard deviation of a population", arg),                           \
        AGG("stddev_samp", CU_AGG_STDDEV_SAMP, res,                           \
            "standard deviation of a sample", arg),                           \
        AGG("stddev", CU_AGG_STDDEV_SAMP, res, "stddev_samp", arg),           \
        AGG("var_pop", CU_AGG_VAR_POP, res, "variance of a population", arg), \
        AGG("var_samp", CU_AGG_VAR_SAMP, res, "variance of a sample", arg),   \
        AGG("variance", CU_AGG_VAR_SAMP, res, "var_samp", arg)
#define PAIR(nm, which, text) \
    AGG(nm, which, CU_T_FLOAT8, text, CU_T_FLOAT8, CU_T_FLOAT8)
/* An array of fractions, and what stands at each of them. */
#define FRACTIONS(nm, which, res, elem, text, ...)                        \
    {                                                                     \
        .name = nm, .kind = CU_FUNC_AGGREGATE, .n_args = 2, .agg = which, \
        .args = {CU_T_ARRAY, __VA_ARGS__}, .array_elem = CU_T_FLOAT8,     \
        .result = res, .result_elem = elem, .doc = text                   \
    }
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
    BITS(CU_T_INT2),
    BITS(CU_T_INT4),
    BITS(CU_T_INT8),
    SPREAD(CU_T_INT2, CU_T_NUMERIC),
    SPREAD(CU_T_INT4, CU_T_NUMERIC),
    SPREAD(CU_T_INT8, CU_T_NUMERIC),
    SPREAD(CU_T_NUMERIC, CU_T_NUMERIC),
    SPREAD(CU_T_FLOAT4, CU_T_FLOAT8),
    SPREAD(CU_T_FLOAT8, CU_T_FLOAT8),
    PAIR("covar_pop", CU_AGG_COVAR_POP, "covariance of a population"),
    PAIR("covar_samp", CU_AGG_COVAR_SAMP, "covariance of a sample"),
    PAIR("corr", CU_AGG_CORR, "correlation of (y, x)"),
    PAIR("regr_slope", CU_AGG_REGR_SLOPE, "slope of the line through (y, x)"),
    PAIR("regr_intercept", CU_AGG_REGR_INTERCEPT, "where that line cuts x = 0"),
    PAIR("regr_r2", CU_AGG_REGR_R2, "the square of the correlation"),
    PAIR("regr_avgx", CU_AGG_REGR_AVGX, "mean of x over the pairs (y, x)"),
    PAIR("regr_avgy", CU_AGG_REGR_AVGY, "mean of y over the pairs (y, x)"),
    PAIR("regr_sxx", CU_AGG_REGR_SXX, "squared deviations of x, summed"),
    PAIR("regr_syy", CU_AGG_REGR_SYY, "squared deviations of y, summed"),
    PAIR("regr_sxy", CU_AGG_REGR_SXY, "products of deviations, summed"),
    AGG("regr_count", CU_AGG_REGR_COUNT, CU_T_INT8, "pairs without NULL",
        CU_T_FLOAT8, CU_T_FLOAT8),
    AGG("string_agg", CU_AGG_STRING_AGG, CU_T_TEXT,
        "values joined, each after its delimiter", CU_T_TEXT, CU_T_TEXT),
    AGG("string_agg", CU_AGG_STRING_AGG, CU_T_BYTEA,
        "values joined, each after its delimiter", CU_T_BYTEA, CU_T_BYTEA),
    AGG("array_agg", CU_AGG_ARRAY_AGG, CU_T_ANYARRAY,
        "values in an array, NULL too", CU_T_ANYELEMENT),
    AGG("jsonb_agg", CU_AGG_JSONB_AGG, CU_T_JSONB,
        "values in a JSON array, NULL too", CU_T_ANYELEMENT),
    AGG("jsonb_object_agg", CU_AGG_JSONB_OBJECT_AGG, CU_T_JSONB,
        "an object of names and values", CU_T_ANY, CU_T_ANY),
    AGG("percentile_cont", CU_AGG_PERCENTILE_CONT, CU_T_FLOAT8,
        "WITHIN GROUP: the value at a fraction, interpolated", CU_T_FLOAT8,
        CU_T_FLOAT8),
    AGG("percentile_cont", CU_AGG_PERCENTILE_CONT, CU_T_INTERVAL,
        "WITHIN GROUP: the value at a fraction, interpolated", CU_T_FLOAT8,
        CU_T_INTERVAL),
    FRACTIONS("percentile_cont", CU_AGG_PERCENTILE_CONT, CU_T_ARRAY,
              CU_T_FLOAT8, "the same at several fractions", CU_T_FLOAT8),
    FRACTIONS("percentile_cont", CU_AGG_PERCENTILE_CONT, CU_T_ARRAY,
              CU_T_INTERVAL, "the same at several fractions", CU_T_INTERVAL),
    AGG("percentile_disc", CU_AGG_PERCENTILE_DISC, CU_T_ANYELEMENT,
        "WITHIN GROUP: the first value at or behind a fraction", CU_T_FLOAT8,
        CU_T_ANYELEMENT),
    FRACTIONS("percentile_disc", CU_AGG_PERCENTILE_DISC, CU_T_ANYARRAY, 0,
              "the same at several fractions", CU_T_ANYELEMENT),
    AGG("mode", CU_AGG_MODE, CU_T_ANYELEMENT,
        "WITHIN GROUP: the most frequent value", CU_T_ANYELEMENT),
    AGG(CU_AGG_FIRST_NAME, CU_AGG_FIRST, CU_T_ANYELEMENT,
        "the first value in an order", CU_T_ANYELEMENT),
    AGG(CU_AGG_SINGLE_NAME, CU_AGG_SINGLE, CU_T_ANYELEMENT,
        "the value of the only row", CU_T_ANYELEMENT),
};
CU_PART(cu_part_aggregate, list);
