/* Private to ops: the option table and the parser made from it. */
#ifndef CU_OPS_ARGS_H
#define CU_OPS_ARGS_H

#include "ops/cli.h"

typedef enum cu_option_kind {
    CU_OPT_FLAG,
    CU_OPT_TEXT,
    CU_OPT_COUNT,
    CU_OPT_SIZE,   /* 256MB */
    CU_OPT_CHOICE, /* one of `choices` */
    CU_OPT_PAIR,   /* NAME=VALUE, repeatable */
} cu_option_kind;

typedef struct cu_option {
    const char *name; /* without -- */
    char letter;      /* or 0 */
    cu_option_kind kind;
    const char *value; /* word in the help: "DIR" */
    const char *choices;
    const char *help;
    bool global; /* every command takes it */
    size_t offset;
} cu_option;

extern const cu_option cu_option_table[];
extern const uint32_t cu_n_options;

/* Splits argv into command, verb, words and options; options that are left
 * out come from the environment, unless c->app is set: whoever asks a running
 * process has an environment of its own.  0, or 2 after telling what is wrong
 * on stream 2. */
int cu_args_parse(cu_cmd *c, int argc, const char *const *argv);
/* The other way: NUL-terminated strings that parse to the same command, but
 * for the first `skip` words. */
void cu_args_print(const cu_cmd *c, uint32_t skip, cu_buf *out);
/* Is the word in the list (separated by blanks)? */
bool cu_listed(const char *list, const char *word);
/* Does the command take the option? */
bool cu_option_applies(const cu_command *k, const cu_option *o);
const cu_command *cu_command_find(const char *name);

#endif
