/* ALTER FOREIGN TABLE … ADD COLUMN.
 *
 * All files of a pipeline are one program, so a column that a later statement
 * adds is there from the start: records that lack it read NULL.  But names
 * mean what they meant where they stand: a query between CREATE and ALTER,
 * with SELECT * for example, does not see it.  So the table is made with all
 * its columns, and each statement sees the first so many of them: its plan is
 * what it was without the ALTER, and so the state that was kept goes on.
 */
#include "processors/sql/bind_time.h"
#include "processors/sql/ddl.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static void append(cu_sql *s, cu_ast_stmt *table, const cu_ast_stmt *alter)
{
    uint32_t n = table->n_columns;
    cu_ast_column *all = cu_arena_calloc(s->arena, n + alter->n_columns + 1,
                                         sizeof *all);
    memcpy(all, table->columns, n * sizeof *all);
    memcpy(all + n, alter->columns, alter->n_columns * sizeof *all);
    table->columns = all;
    table->n_columns += alter->n_columns;
    table->n_later += alter->n_columns;
}

void cu_ddl_merge(cu_sql *s, cu_ast_stmt **stmts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (stmts[i]->kind != CU_S_ALTER_FOREIGN_TABLE)
            continue;
        for (uint32_t k = 0; k < i; k++)
            if (stmts[k]->kind == CU_S_CREATE_FOREIGN_TABLE &&
                !strcmp(stmts[k]->name, stmts[i]->name)) {
                append(s, stmts[k], stmts[i]);
                break;
            }
    }
}

void cu_ddl_show(cu_sql *s, const cu_ast_stmt *st, const cu_table_def *t)
{
    if (!st->n_later)
        return;
    s->shown = cu_sql_grow(s->arena, s->shown, s->n_shown, sizeof *s->shown);
    s->shown[s->n_shown++] = (cu_sql_shown){t, t->schema->n - st->n_later};
}

bool cu_ddl_alter(cu_sql *s, const cu_ast_stmt *st)
{
    for (uint32_t i = 0; i < s->n_shown; i++)
        if (!strcmp(s->shown[i].table->name, st->name)) {
            s->shown[i].n += st->n_columns;
            return true;
        }
    if (!cu_program_table(s->program, st->name))
        cu_sql_error(s, st->name_pos, STATE('4', '2', 'P', '0', '1'), NULL,
                     "relation \"%s\" does not exist", st->name);
    return true;
}

const cu_schema *cu_table_shown(cu_sql *s, const cu_table_def *t)
{
    for (uint32_t i = 0; i < s->n_shown; i++)
        if (s->shown[i].table == t && s->shown[i].n < t->schema->n) {
            cu_schema *first = cu_schema_new(s->arena, s->shown[i].n);
            memcpy(first->fields, t->schema->fields,
                   first->n * sizeof(*first->fields));
            return first;
        }
    return t->schema;
}
