/* psql's variables: `\set name value …` lines and :name, :'name', :"name".
 *
 * They are filled in before the parser sees the text, as psql does, and
 * never inside strings, quoted names, dollar quotes or comments; `::` is a
 * cast.  A map leads every byte of the filled text back to the file as it
 * was written.
 */
#ifndef CU_SQL_VARS_H
#define CU_SQL_VARS_H

#include "processors/sql/int.h"

typedef struct cu_sql_vars cu_sql_vars;

/* A map from offsets of the filled text to offsets of the file. */
typedef struct cu_sql_map cu_sql_map;

/* In the arena of `s`; starts with the variables of s->opts (--set). */
cu_sql_vars *cu_sql_vars_new(cu_sql *s);
/* Fills one file's text.  `\set` in it gives defaults for the rest of this
 * file and for later files; --set wins.  Problems are added to `s`; the
 * result is usable all the same.  *out is NUL-terminated, in the arena. */
void cu_sql_fill(cu_sql *s, cu_sql_vars *v, int32_t file, cu_slice text,
                 cu_slice *out, const cu_sql_map **map);
/* A map that leads every offset to one: text that stood in a string. */
const cu_sql_map *cu_sql_map_to(cu_sql *s, int32_t offset);
/* The offset in the file of an offset in the filled text. */
int32_t cu_sql_map_back(const cu_sql_map *map, int32_t offset);
/* True when a variable without a value stood in this stretch of the filled
 * text: the problem is known, what follows from it is not worth telling. */
bool cu_sql_map_unset(const cu_sql_map *map, int32_t from, int32_t to);

#endif
