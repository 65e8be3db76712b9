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
    "array_to_json",
    "bit_and",
    "bit_or",
    "bit_xor",
    "clock_timestamp",
    "corr",
    "covar_pop",
    "covar_samp",
    "cume_dist",
    "current_setting",
    "dense_rank",
    "first_value",
    "gen_random_uuid",
    "json_agg",
    "json_build_object",
    "json_object_agg",
    "jsonb_path_exists_tz",
    "jsonb_path_query_tz",
    "jsonb_populate_record",
    "jsonb_populate_recordset",
    "jsonb_agg",
    "jsonb_object_agg",
    "lag",
    "last_value",
    "lead",
    "mode",
    "nth_value",
    "ntile",
    "percent_rank",
    "percentile_cont",
    "percentile_disc",
    "random",
    "rank",
    "regr_slope",
    "row_to_json",
    "statement_timestamp",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "timeofday",
    "to_json",
    "to_tsvector",
    "var_pop",
    "var_samp",
    "variance",
    "xmlagg",
};

bool cu_bind_postgres_has(const char *name)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(known[i], name) == 0)
            return true;
    return false;
}
