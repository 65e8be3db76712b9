/* The command line: one table of commands, one table of options.
 *
 * Everything else is made from the two tables: the parser, --help, shell
 * completion, man pages, the list in docs/cli.md.  A command gets its parsed
 * words in a cu_cmd and writes through cu_out, so that the same command runs
 * in its own process or, asked through the socket in the state folder, inside
 * the running one (attach.h).
 *
 * Data goes to stream 1, talk to stream 2.  Exit codes: 0 done, 1 failed, 2
 * usage or SQL error, 3 refused and nothing changed, 4 the world was not
 * reachable in time, 130 interrupted.
 */
#ifndef CU_OPS_CLI_H
#define CU_OPS_CLI_H

#include "processors/engine/engine.h"

typedef struct cu_out {
    /* Writes all of it, or drops it when nobody listens any more. */
    void (*write)(void *ctx, int stream, cu_slice bytes);
    /* Nobody listens any more: what follows records for ever may end. */
    bool (*gone)(void *ctx);
    void *ctx;
    bool terminal; /* stream 2 is one: status blocks may be redrawn */
    bool color;
    int width;
} cu_out;

/* Stream 0, of whoever gave the command. */
typedef struct cu_in {
    /* Up to `max` bytes; 0 at the end. */
    size_t (*read)(void *ctx, char *to, size_t max);
    bool (*more)(void *ctx); /* reading would not wait */
    void *ctx;
} cu_in;

void cu_print(cu_out *o, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* stream 1 */
void cu_say(cu_out *o, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* stream 2 */

typedef enum cu_output {
    CU_OUT_TEXT,
    CU_OUT_JSON,
    CU_OUT_JSONL,
    CU_OUT_CSV
} cu_output;

/* Every option of cli.md, filled from the command line, then from
 * CUPEL_<OPTION>, then from the defaults. */
typedef struct cu_options {
    const char *app, *brokers, *state, *listen, *instance, *command_config;
    uint32_t workers;
    int64_t memory_bytes;
    int64_t commit_interval_ms; /* 0: the default */
    cu_sql_var *vars;           /* --set */
    uint32_t n_vars;
    cu_property *properties; /* -X, then the file of --command-config */
    uint32_t n_properties;
    cu_output output;
    bool drain, final, leave, dry_run, from_beginning, until_end, yes;
    bool acls; /* doctor */
    bool verbose, quiet, log_json, help;
    const char *color;       /* auto, always, never */
    const char *sync;        /* NULL or "commit" */
    int64_t limit;           /* -n, --limit; -1: none */
    const char *format;      /* -f */
    const char *key_field;   /* produce */
    const char *view, *code; /* dlq */
    const char *group;       /* offsets */
    bool to_earliest, to_latest, to_current, execute; /* offsets reset */
    const char *to_offset, *shift_by, *to_datetime, *by_duration;
    const char *from_file, *undo;
    const char *topics; /* --topic, with a blank between two */
    int32_t partitions; /* topics create, app repartition */
    bool moves; /* no option: the command moves the app to other partitions */
} cu_options;

typedef struct cu_cmd {
    const struct cu_command *command;
    cu_env *env;
    cu_out *out;
    cu_in *in;
    cu_arena *arena; /* the command's */
    cu_options o;
    const char **words; /* positional, behind the command (and verb) */
    uint32_t n_words;
    const char *verb; /* "list" of `dlq list`, or NULL */
    /* Set when the command runs inside a process that has the app open. */
    struct cu_app *app;
} cu_cmd;

/* Runs; the exit code. Errors were told on stream 2. */
typedef int cu_command_run(cu_cmd *c);

enum cu_command_flags {
    CU_CMD_PATHS = 1,  /* its words are pipeline paths (then others) */
    CU_CMD_ATTACH = 2, /* inside the running process when there is one */
    CU_CMD_VERBS = 4,  /* its first word is a verb */
    CU_CMD_STDIN = 8,  /* reads stream 0 */
    CU_CMD_MAKES = 16, /* makes an app where there is none */
    CU_CMD_NAME = 32,  /* a single word is a name when --app and the like say
                          where it lives */
};

typedef struct cu_command {
    const char *name;
    const char *verbs;    /* "list show", or NULL */
    const char *synopsis; /* "PATH… [--drain]" */
    const char *summary;  /* one line */
    const char *help;     /* a few paragraphs, with an example */
    unsigned flags;
    const char *options; /* its own ones, "drain sync": the global ones are
                            always there */
    cu_command_run *run;
} cu_command;

extern const cu_command *const cu_commands[]; /* NULL at the end */

int cu_cmd_run(cu_cmd *), cu_cmd_check(cu_cmd *), cu_cmd_explain(cu_cmd *),
    cu_cmd_query(cu_cmd *), cu_cmd_collect(cu_cmd *), cu_cmd_tail(cu_cmd *),
    cu_cmd_produce(cu_cmd *), cu_cmd_topics(cu_cmd *), cu_cmd_dlq(cu_cmd *),
    cu_cmd_offsets(cu_cmd *), cu_cmd_state(cu_cmd *), cu_cmd_doctor(cu_cmd *),
    cu_cmd_app(cu_cmd *), cu_cmd_version(cu_cmd *), cu_cmd_help(cu_cmd *),
    cu_cmd_completion(cu_cmd *);

/* --- an app that a command works on (app.c) ------------------------------- */

/* A compiled program and its open engine. */
typedef struct cu_app {
    cu_program *program; /* NULL: only the log is open (tail --app) */
    cu_engine *engine;   /* NULL: log, kv and lock are the app's own */
    cu_log *log;
    cu_kv *kv; /* NULL: a log on Kafka, without an engine */
    cu_lock *lock;
    const char *name;
    const char *folder;
} cu_app;

/* Words at the front that exist as paths -> the program.  Problems are
 * printed; an exit code, 0 when good.  *n_paths: how many words it took. */
int cu_app_compile(cu_cmd *c, cu_program **out, uint32_t *n_paths);
/* compile + engine; c->app is used as it is when it is set. */
int cu_app_open(cu_cmd *c, cu_app **out, uint32_t *n_paths);
/* Only the log (and kv): of the program when the first word is a path, else of
 * --app / --brokers.  `make`: where there is none yet. */
int cu_app_open_log(cu_cmd *c, bool make, cu_app **out, uint32_t *n_paths);
/* The stages of the program: those of the engine, or cut with the partitions
 * of the log's topics (without a log: the declared ones, or 1). */
int cu_app_stages(cu_cmd *c, cu_app *a, const cu_stages **out, cu_err *err);
void cu_app_close(cu_cmd *c, cu_app *a);
/* The app's name, from --app or the path; NULL when neither says it. */
const char *cu_app_name(cu_cmd *c);
/* --state, or .cupel/APP; NULL without either. */
const char *cu_app_folder(cu_cmd *c);
/* How many words at the front exist as paths; 0 inside a running process,
 * which was sent none. */
uint32_t cu_app_paths(cu_cmd *c);
/* A stop request, or nobody listens: commands without an end ask it. */
bool cu_cmd_stopped(cu_cmd *c);

/* Tells an error on stream 2 and gives its exit code. */
int cu_tell(cu_cmd *c, const cu_err *err);
/* Usage error: what, and "try: cupel help run". Returns 2. */
int cu_usage(cu_cmd *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* --- tables for people and contracts for programs (table.c) --------------- */

/* Rows of text cells; right-aligned columns by a ">" in front of the name.
 * Printed as the output option says: text with a header line, JSON array,
 * JSON lines, CSV. */
typedef struct cu_cells cu_cells;
cu_cells *cu_cells_new(cu_arena *a, const char *const *names, uint32_t n);
void cu_cells_add(cu_cells *t, const char *const *values);
/* A number or raw JSON in JSON output: cells of column `col` go unquoted. */
void cu_cells_raw(cu_cells *t, uint32_t col);
void cu_cells_print(cu_cells *t, cu_cmd *c);
/* A result of a query in the same four forms. */
void cu_result_print(cu_result *r, const cu_copy_def *copy, cu_cmd *c);

#endif
