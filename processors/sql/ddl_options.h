/* Options: a table of the known ones, and values checked by type. */
#ifndef CU_SQL_DDL_OPTIONS_H
#define CU_SQL_DDL_OPTIONS_H

#include "processors/sql/int.h"

typedef enum cu_opt_type {
    CU_OPT_TEXT,     /* any text but the empty one */
    CU_OPT_ANY,      /* any text */
    CU_OPT_BOOL,     /* i: 0, 1; a bare name is true */
    CU_OPT_INT,      /* i */
    CU_OPT_DURATION, /* i: milliseconds > 0 */
    CU_OPT_DELAY,    /* the same, 0 is fine */
    CU_OPT_SIZE,     /* i: bytes */
    CU_OPT_RATE,     /* rate: per second */
    CU_OPT_WORD,     /* i: which of `words` */
    CU_OPT_NAMES,    /* list: identifiers, unquoted ones folded */
    CU_OPT_PATH,     /* a JSON path */
    CU_OPT_PATHS,    /* list of them */
    CU_OPT_TOPIC,
    CU_OPT_CHAR,  /* i: one ASCII character */
    CU_OPT_LATER, /* known, but not supported yet */
} cu_opt_type;

typedef struct cu_opt_spec {
    const char *name;
    cu_opt_type type;
    uint32_t where;      /* who may have it: bits of the caller's choice */
    uint32_t required;   /* who must */
    const char *words;   /* WORD: "append | upsert" */
    const char *example; /* a good value, for hints */
} cu_opt_spec;

typedef struct cu_opt {
    const cu_ast_option *at; /* NULL: not given */
    const char *text;
    int64_t i;
    double rate;
    const char **list;
    uint32_t n;
} cu_opt;

/* Reads options for `who` (one bit) into out[0..n), indexed as `specs`.
 * `owner` names them for people: "a files table".  False: there were
 * problems; `out` is usable all the same. */
bool cu_options_read(cu_sql *s, const char *owner, uint32_t who,
                     const cu_opt_spec *specs, uint32_t n,
                     const cu_ast_options *given, cu_pos pos, cu_opt *out);
/* "invalid value for option …" with a hint. */
void cu_option_bad(cu_sql *s, const cu_opt *o, const char *hint);
int64_t cu_option_int(const cu_opt *o, int64_t otherwise);

/* Letters of either case in `a`; `b` is in small ones. */
bool cu_option_same(const char *a, const char *b);

/* The parsers, for other places. */
bool cu_topic_ok(const char *name);
/* $ .name ["name"] [0] */
bool cu_json_path_ok(const char *path);
/* 'a, "B c"' -> identifiers; false when it is no such list. */
bool cu_names_parse(cu_arena *a, const char *text, const char ***list,
                    uint32_t *n);

#endif
