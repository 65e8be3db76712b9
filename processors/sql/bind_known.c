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

/* json_agg -> jsonb_agg, if there is one; else NULL. */
static const char *twin(const char *name)
{
    const unsigned any = CU_FUNC_SCALAR | CU_FUNC_SET | CU_FUNC_AGGREGATE;
    static const char *const others[] = {"to_json", "row_to_json",
                                         "array_to_json"};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (strcmp(others[i], name) == 0)
            return "to_jsonb";
    if (strncmp(name, "json_", 5))
        return NULL;
    uint32_t n;
    const cu_func *const *all = cu_func_all(&n);
    for (uint32_t i = 0; i < n; i++)
        if ((all[i]->kind & any) && strncmp(all[i]->name, "jsonb_", 6) == 0 &&
            strcmp(all[i]->name + 6, name + 5) == 0)
            return all[i]->name;
    return NULL;
}

void cu_bind_refuse_known(cu_sql *s, cu_pos pos, const char *name)
{
    const char *other = twin(name), *hint = NULL;
    if (other)
        hint = cu_arena_printf(s->arena, "There is no type json: write %s().",
                               other);
    else if (strcmp(name, "gen_random_uuid") == 0 ||
             strcmp(name, "random") == 0)
        hint = "A retraction could not repeat it. Make one of the row's own "
               "columns: md5(a || b)::uuid.";
    else if (strcmp(name, "any_value") == 0)
        hint = "Write min() or max().";
    else if (strcmp(name, "clock_timestamp") == 0 ||
             strcmp(name, "statement_timestamp") == 0 ||
             strcmp(name, "timeofday") == 0)
        hint = "Write now(): the clock of the commit.";
    cu_sql_error(s, pos, CU_SQLSTATE('0', 'A', '0', '0', '0'), hint,
                 "the function %s() is not supported", name);
}

bool cu_bind_postgres_has(const char *name)
{
    if (twin(name))
        return true;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(known[i], name) == 0)
            return true;
    return false;
}
