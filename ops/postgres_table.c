/* The target and its positions: made, checked, read.
 *
 *   cupel_offsets (app, view, topic, part, next, instance, updated_at)
 *                  ---- primary key ----
 *
 * stands in the target's schema, so that rights and backups go with the rows.
 * Processes that prepare at the same time take turns (an advisory lock), as
 * CREATE TABLE IF NOT EXISTS is none against itself.  A target that had to be
 * made has no rows: positions that are left of it are dropped.
 */
#include "ops/postgres_int.h"

#include <stdlib.h>

static int run0(cu_pg *pg, const char *sql, cu_err *err)
{
    return cu_pg_run(pg, sql, NULL, 0, NULL, err);
}

static const char *offsets_of(const cu_pg *pg, cu_arena *a)
{
    const cu_pg_plan *p = pg->o.plan;
    return p->schema ? cu_arena_printf(a, "%s.cupel_offsets", p->schema)
                     : "cupel_offsets";
}

static int exists(cu_pg *pg, const char *name, bool *out, cu_err *err)
{
    const char *const params[] = {name};
    cu_pg_rows *r;
    int rc = cu_pg_run(pg, "SELECT to_regclass($1) IS NOT NULL", params, 1, &r,
                       err);
    if (rc)
        return rc;
    *out = cu_pg_at(r, 0, 0)[0] == 't';
    cu_pg_rows_free(r);
    return 0;
}

static int make_offsets(cu_pg *pg, cu_arena *a, cu_err *err)
{
    const char *name = offsets_of(pg, a);
    bool there;
    int rc = exists(pg, name, &there, err);
    if (rc || there)
        return rc;
    return run0(
        pg,
        cu_arena_printf(a,
                        "CREATE TABLE %s (app text, view text, topic text, "
                        "part integer, next bigint NOT NULL, instance text, "
                        "updated_at timestamptz NOT NULL DEFAULT now(), "
                        "PRIMARY KEY (app, view, topic, part))",
                        name),
        err);
}

static int forget(cu_pg *pg, cu_arena *a, cu_err *err)
{
    const char *const params[] = {pg->o.app, pg->o.plan->view->name};
    return cu_pg_run(
        pg,
        cu_arena_printf(a, "DELETE FROM %s WHERE app = $1 AND view = $2",
                        offsets_of(pg, a)),
        params, 2, NULL, err);
}

static int make_target(cu_pg *pg, cu_arena *a, cu_err *err)
{
    const cu_pg_plan *p = pg->o.plan;
    bool there;
    int rc = exists(pg, p->target, &there, err);
    if (rc || there)
        return rc;
    if (!p->table->create)
        return cu_fail(err, CU_NOT_FOUND, 0,
                       "postgres %s: there is no table %s, and table \"%s\" "
                       "has create 'false'",
                       p->table->server->name, p->target, p->table->name);
    rc = run0(pg, p->create, err);
    return rc ? rc : forget(pg, a, err);
}

/* --- checking ------------------------------------------------------------- */

/* Domains as what they are made of, arrays as their elements. */
static const char columns_sql[] =
    "WITH RECURSIVE c AS ("
    "SELECT attname, atttypid AS type, atttypmod AS typmod, attnotnull, "
    "atthasdef OR attidentity <> '' OR attgenerated <> '' AS filled, "
    "attgenerated <> '' OR attidentity = 'a' AS ours_not, attnum, "
    "format_type(atttypid, atttypmod) AS shown "
    "FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 "
    "AND NOT attisdropped "
    "UNION ALL SELECT attname, typbasetype, "
    "CASE WHEN typmod < 0 THEN typtypmod ELSE typmod END, attnotnull, filled, "
    "ours_not, attnum, shown "
    "FROM c JOIN pg_type t ON t.oid = c.type AND t.typtype = 'd') "
    "SELECT attname, coalesce(e.typname, t.typname), "
    "e.oid IS NOT NULL, coalesce(e.typtype, t.typtype) = 'e', typmod, shown, "
    "attnotnull AND NOT filled, ours_not "
    "FROM c JOIN pg_type t ON t.oid = c.type AND t.typtype <> 'd' "
    "LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A' "
    "ORDER BY attnum";

static bool yes(const cu_pg_rows *r, int row, int col)
{
    return cu_pg_at(r, row, col)[0] == 't';
}

static int misfit(const cu_pg *pg, cu_err *err, const char *column,
                  const char *what)
{
    const cu_pg_plan *p = pg->o.plan;
    return cu_fail(err, CU_USAGE, 0,
                   "postgres %s: table %s does not fit table \"%s\": column "
                   "\"%s\" %s",
                   p->table->server->name, p->target, p->table->name, column,
                   what);
}

static int check_column(const cu_pg *pg, const cu_field *f, const cu_pg_rows *r,
                        cu_arena *a, cu_err *err)
{
    char name[64];
    for (int i = 0; i < cu_pg_n(r); i++) {
        if (strcmp(cu_pg_at(r, i, 0), f->name) != 0)
            continue;
        if (yes(r, i, 7))
            return misfit(pg, err, f->name, "is generated there");
        cu_pg_column c = {
            .name = cu_pg_at(r, i, 1),
            .array = yes(r, i, 2),
            .is_enum = yes(r, i, 3),
            .typmod = (int32_t)strtol(cu_pg_at(r, i, 4), NULL, 10)};
        if (cu_pg_type_fits(f->type, &c))
            return 0;
        return misfit(pg, err, f->name,
                      cu_arena_printf(a,
                                      "is of type %s there, which cannot hold "
                                      "every %s as it is",
                                      cu_pg_at(r, i, 5),
                                      cu_type_name(f->type, name)));
    }
    return misfit(pg, err, f->name, "is missing there");
}

/* What only the target has must be able to stay empty. */
static int check_rest(const cu_pg *pg, const cu_pg_rows *r, cu_err *err)
{
    const cu_schema *s = pg->o.plan->table->schema;
    for (int i = 0; i < cu_pg_n(r); i++) {
        const char *name = cu_pg_at(r, i, 0);
        if (yes(r, i, 6) && cu_schema_find(s, cu_slice_of(name)) < 0)
            return misfit(pg, err, name,
                          "is NOT NULL there, has no default, and is not "
                          "written");
    }
    return 0;
}

static const char unique_sql[] =
    "SELECT string_agg(quote_ident(a.attname), ',' ORDER BY a.attname) "
    "FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
    "AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) "
    "WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid "
    "AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL "
    "GROUP BY i.indexrelid, i.indnkeyatts HAVING count(*) = $2::int AND "
    "i.indnkeyatts = $2::int AND bool_and(a.attname = ANY ($3::text[]))";

/* ON CONFLICT needs a unique index on just the key. */
static int check_key(cu_pg *pg, cu_arena *a, cu_err *err)
{
    const cu_pg_plan *p = pg->o.plan;
    const cu_table_def *t = p->table;
    cu_buf list = {0}, names = {0};
    if (!p->upsert)
        return 0;
    for (uint32_t i = 0; i < t->n_key; i++) {
        cu_buf_put_str(&list, i ? "," : "{");
        cu_buf_put_str(&names, i ? ", " : "");
        cu_pg_quote(t->schema->fields[t->key[i]].name, &list);
        cu_buf_put_str(&names, t->schema->fields[t->key[i]].name);
    }
    cu_buf_put_u8(&list, '}');
    const char *const params[] = {p->target, cu_arena_printf(a, "%u", t->n_key),
                                  cu_arena_strn(a, list.data, list.len)};
    const char *shown = cu_arena_strn(a, names.data, names.len);
    cu_buf_free(&list);
    cu_buf_free(&names);
    cu_pg_rows *r;
    int rc = cu_pg_run(pg, unique_sql, params, 3, &r, err);
    if (rc)
        return rc;
    bool found = cu_pg_n(r) > 0;
    cu_pg_rows_free(r);
    if (found)
        return 0;
    return cu_fail(err, CU_USAGE, 0,
                   "postgres %s: table %s has no unique index on (%s), the key "
                   "of table \"%s\"; mode 'upsert' needs one",
                   t->server->name, p->target, shown, t->name);
}

static int check_target(cu_pg *pg, cu_arena *a, cu_err *err)
{
    const cu_pg_plan *p = pg->o.plan;
    const char *const params[] = {p->target};
    cu_pg_rows *r;
    int rc = cu_pg_run(pg, columns_sql, params, 1, &r, err);
    if (rc)
        return rc;
    for (uint32_t i = 0; rc == 0 && i < p->table->schema->n; i++)
        rc = check_column(pg, &p->table->schema->fields[i], r, a, err);
    if (rc == 0)
        rc = check_rest(pg, r, err);
    cu_pg_rows_free(r);
    return rc ? rc : check_key(pg, a, err);
}

/* --- positions ------------------------------------------------------------ */

static int read_positions(cu_pg *pg, int64_t *next, cu_arena *a, cu_err *err)
{
    const char *const params[] = {pg->o.app, pg->o.plan->view->name,
                                  pg->o.topic};
    cu_pg_rows *r;
    for (int32_t i = 0; i < pg->o.partitions; i++)
        next[i] = -1;
    int rc = cu_pg_run(pg,
                       cu_arena_printf(a,
                                       "SELECT part, next FROM %s WHERE app = "
                                       "$1 AND view = $2 AND topic = $3",
                                       offsets_of(pg, a)),
                       params, 3, &r, err);
    if (rc)
        return rc;
    for (int i = 0; i < cu_pg_n(r); i++) {
        int64_t part = strtoll(cu_pg_at(r, i, 0), NULL, 10);
        if (part >= 0 && part < pg->o.partitions)
            next[part] = strtoll(cu_pg_at(r, i, 1), NULL, 10);
    }
    cu_pg_rows_free(r);
    return 0;
}

int cu_pg_prepare(cu_pg *pg, int64_t *next, cu_err *err)
{
    const cu_pg_plan *p = pg->o.plan;
    cu_arena *a = cu_arena_new(0);
    int rc = run0(pg, "BEGIN", err);
    if (rc == 0)
        rc = run0(pg, "SELECT pg_advisory_xact_lock(hashtext('cupel_offsets'))",
                  err);
    if (rc == 0)
        rc = make_offsets(pg, a, err);
    if (rc == 0)
        rc = make_target(pg, a, err);
    if (rc == 0)
        rc = check_target(pg, a, err);
    if (rc == 0)
        rc = run0(pg, "COMMIT", err);
    if (rc == 0 && p->upsert)
        rc = run0(pg, p->stage, err);
    if (rc == 0)
        rc = read_positions(pg, next, a, err);
    cu_arena_free(a);
    return rc;
}

int cu_pg_set_position(cu_pg *pg, int32_t part, int64_t from, int64_t to,
                       cu_err *err)
{
    cu_arena *a = cu_arena_new(1024);
    const char *const params[] = {
        pg->o.app,
        pg->o.plan->view->name,
        pg->o.topic,
        cu_arena_printf(a, "%d", (int)part),
        cu_arena_printf(a, "%lld", (long long)to),
        pg->o.instance,
        cu_arena_printf(a, "%lld", (long long)from),
    };
    const char *sql =
        from < 0 ? "INSERT INTO %s (app, view, topic, part, next, instance) "
                   "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"
                 : "UPDATE %s SET next = $5, instance = $6, updated_at = now() "
                   "WHERE app = $1 AND view = $2 AND topic = $3 AND part = $4 "
                   "AND next = $7";
    cu_buf b = {0};
    const char *at = strstr(sql, "%s");
    cu_buf_put(&b, sql, (size_t)(at - sql));
    cu_buf_put_str(&b, offsets_of(pg, a));
    cu_buf_put_str(&b, at + 2);
    cu_buf_put_u8(&b, 0);
    cu_pg_rows *r;
    int rc = cu_pg_run(pg, b.data, params, from < 0 ? 6 : 7, &r, err);
    if (rc == 0) {
        if (cu_pg_affected(r) != 1)
            rc = cu_fail(err, CU_FENCED, CU_RETRY,
                         "postgres %s: another process has moved on",
                         pg->o.plan->table->server->name);
        cu_pg_rows_free(r);
    }
    cu_buf_free(&b);
    cu_arena_free(a);
    return rc;
}
