/* PostgreSQL's functions that the language does not have yet.
 *
 * A name that PostgreSQL knows is refused by name ("is not supported"), so
 * that nobody looks for a typing mistake; other unknown names get the nearest
 * known one.
 */
#include "processors/sql/bind.h"

static const char *const known[] = {
    "any_value",
    "array_agg",
    "array_fill",
    "array_prepend",
    "array_to_json",
    "bit_and",
    "bit_or",
    "bit_xor",
    "cbrt",
    "clock_timestamp",
    "corr",
    "covar_pop",
    "covar_samp",
    "cume_dist",
    "current_setting",
    "degrees",
    "dense_rank",
    "first_value",
    "gen_random_uuid",
    "hashtext",
    "hashtextextended",
    "json_agg",
    "json_build_object",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_object",
    "jsonb_object_agg",
    "jsonb_path_query",
    "jsonb_path_query_first",
    "jsonb_pretty",
    "jsonb_set",
    "jsonb_to_record",
    "jsonb_to_recordset",
    "justify_days",
    "justify_hours",
    "lag",
    "last_value",
    "lead",
    "make_interval",
    "mode",
    "nth_value",
    "ntile",
    "percent_rank",
    "percentile_cont",
    "percentile_disc",
    "pi",
    "radians",
    "random",
    "rank",
    "regr_slope",
    "row_to_json",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "to_json",
    "to_tsvector",
    "var_pop",
    "var_samp",
    "variance",
    "width_bucket",
    "xmlagg",
};

bool cu_bind_postgres_has(const char *name)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(known[i], name) == 0)
            return true;
    return false;
}
