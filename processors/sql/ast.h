/* Our own syntax tree: what parse.c makes of libpg_query's protobuf.
 *
 * Only parse*.c know libpg_query.  Everything lies in one arena, strings are
 * NUL-terminated, positions point into the file as written.  What our language
 * has no use for is refused while the tree is made (0A000, named, at its
 * position), so that the binder meets only these shapes.
 */
#ifndef CU_SQL_AST_H
#define CU_SQL_AST_H

#include "processors/expr/expr.h"

typedef struct cu_ast_select cu_ast_select;
typedef struct cu_ast_expr cu_ast_expr;
typedef struct cu_ast_from cu_ast_from;

typedef struct cu_ast_list {
    cu_ast_expr **at;
    uint32_t n;
} cu_ast_list;

typedef struct cu_ast_sort {
    cu_ast_expr *expr;
    bool desc;
    int8_t nulls; /* 0 default, 1 first, 2 last */
} cu_ast_sort;

typedef struct cu_ast_sorts {
    cu_ast_sort *at;
    uint32_t n;
} cu_ast_sorts;

typedef struct cu_ast_type {
    const char *name; /* last part, PostgreSQL's internal: "int4", "numeric" */
    int32_t mods[2];
    uint32_t n_mods;
    bool array;
    cu_pos pos;
} cu_ast_type;

typedef enum cu_ast_kind {
    CU_A_NULL,
    CU_A_BOOL,    /* flag */
    CU_A_NUMBER,  /* text: digits as written, int or decimal */
    CU_A_STRING,  /* text */
    CU_A_COLUMN,  /* names: a, t.a; star when the last is * */
    CU_A_CALL,    /* name, args + the call's clauses */
    CU_A_OP,      /* text: sign; args: 1 or 2 */
    CU_A_ANY,     /* args[0] OP any/all (args[1]); flag: ALL */
    CU_A_IN,      /* args[0] IN (args[1..]); flag: NOT */
    CU_A_BETWEEN, /* args[0..2]; flag: NOT; symmetric */
    CU_A_LIKE,    /* text: "~~", "!~~", "~~*", "!~~*"; args 2 */
    CU_A_AND,
    CU_A_OR,
    CU_A_NOT,
    CU_A_CASE, /* args: [operand or NULL], when, then, …, else or NULL */
    CU_A_COALESCE,
    CU_A_NULLIF,
    CU_A_GREATEST,
    CU_A_LEAST,
    CU_A_IS_NULL,     /* flag: NOT */
    CU_A_IS_BOOL,     /* text: "true", "not false", "unknown", … */
    CU_A_IS_DISTINCT, /* flag: NOT */
    CU_A_CAST,        /* args[0], type */
    CU_A_ARRAY,       /* ARRAY[…] */
    CU_A_INDEX,       /* args[0][args[1]]; slice when 3 args, bounds may be
                         NULL; flag: further subscript of args[0]'s */
    CU_A_FIELD,       /* (args[0]).text */
    CU_A_ROW,
    CU_A_SUBQUERY, /* select; sub: how it is used */
    CU_A_NAMED,    /* text => args[0] */
    CU_A_CLOCK, /* text: current_date, current_timestamp, localtimestamp … */
    CU_A_AT_TIME_ZONE, /* args[0] AT TIME ZONE args[1] */
    CU_A_GROUPING,     /* GROUPING (args) */
    CU_A_GROUPING_SET, /* in GROUP BY; text: sets, rollup, cube, empty */
    CU_A_PARAM,        /* $1 of a function: text */
} cu_ast_kind;

typedef enum cu_ast_sub {
    CU_SUB_SCALAR,
    CU_SUB_EXISTS,
    CU_SUB_IN,
    CU_SUB_ARRAY
} cu_ast_sub;

/* A frame as processors/plan/call.h numbers modes, bounds and exclusions. */
typedef struct cu_ast_frame {
    bool written;
    uint8_t mode, start, end, exclude;
    cu_ast_expr *start_offset, *end_offset;
} cu_ast_frame;

typedef struct cu_ast_window {
    const char *name; /* OVER name; WINDOW name AS; or NULL */
    const char *base; /* (base …): the window it is built on, or NULL */
    cu_ast_list partition;
    cu_ast_sorts order;
    cu_ast_frame frame;
    cu_pos pos;
} cu_ast_window;

struct cu_ast_expr {
    cu_ast_kind kind;
    cu_pos pos;
    const char *text;
    bool flag, star, symmetric;
    cu_ast_list args;
    const char **names; /* COLUMN, CALL: qualified name parts */
    uint32_t n_names;
    cu_ast_type *type;
    cu_ast_select *select;
    cu_ast_sub sub;
    /* calls */
    bool distinct, variadic, within_group;
    cu_ast_expr *filter;
    cu_ast_sorts order;
    cu_ast_window *over;
};

typedef struct cu_ast_target {
    cu_ast_expr *expr;
    const char *name; /* AS, or NULL */
    cu_pos pos;
} cu_ast_target;

typedef enum cu_ast_from_kind {
    CU_F_TABLE,
    CU_F_SUBQUERY,
    CU_F_FUNCTION,
    CU_F_JOIN
} cu_ast_from_kind;

typedef enum cu_ast_join {
    CU_J_INNER,
    CU_J_LEFT,
    CU_J_RIGHT,
    CU_J_FULL,
    CU_J_CROSS
} cu_ast_join;

struct cu_ast_from {
    cu_ast_from_kind kind;
    cu_pos pos;
    const char *name;     /* TABLE */
    const char *alias;    /* or NULL */
    const char **columns; /* alias (a, b) */
    uint32_t n_columns;
    bool lateral, ordinality;
    cu_ast_select *select;      /* SUBQUERY */
    cu_ast_expr *call;          /* FUNCTION */
    struct cu_ast_column *defs; /* its AS t(a int, …) */
    uint32_t n_defs;
    cu_ast_from **more; /* ROWS FROM: the functions behind the first */
    uint32_t n_more;
    cu_ast_join join; /* JOIN */
    cu_ast_from *left, *right;
    cu_ast_expr *on;
    const char **using_columns;
    uint32_t n_using;
    bool natural;
};

typedef struct cu_ast_cte {
    const char *name;
    const char **columns;
    uint32_t n_columns;
    cu_ast_select *select;
    cu_pos pos;
} cu_ast_cte;

typedef enum cu_ast_set {
    CU_SET_NONE,
    CU_SET_UNION,
    CU_SET_INTERSECT,
    CU_SET_EXCEPT
} cu_ast_set;

struct cu_ast_select {
    cu_pos pos;
    cu_ast_cte *ctes;
    uint32_t n_ctes;
    cu_ast_set set; /* left, right; else a plain select or VALUES */
    bool set_all;
    cu_ast_select *left, *right;
    cu_ast_list *values; /* VALUES rows */
    uint32_t n_values;
    bool distinct;           /* SELECT DISTINCT */
    cu_ast_list distinct_on; /* DISTINCT ON (…) */
    cu_ast_target *targets;
    uint32_t n_targets;
    cu_ast_from **from;
    uint32_t n_from;
    cu_ast_expr *where;
    cu_ast_list group_by;
    bool grouping_sets; /* group_by holds a GROUPING_SET */
    bool group_distinct;
    cu_ast_expr *having;
    cu_ast_window *windows; /* WINDOW w AS (…) */
    uint32_t n_windows;
    cu_ast_sorts order;
    cu_ast_expr *limit, *offset;
    bool with_ties;
};

#endif
