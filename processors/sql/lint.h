/* False friends: SQL of other engines that PostgreSQL's grammar reads as
 * something else, or cannot read. */
#ifndef CU_SQL_LINT_H
#define CU_SQL_LINT_H

#include "processors/sql/int.h"

typedef enum cu_token_kind {
    CU_TOK_OTHER,   /* signs and operators */
    CU_TOK_WORD,    /* a name without quotes */
    CU_TOK_QUOTED,  /* "a name" */
    CU_TOK_KEYWORD, /* a word of the grammar, reserved or not */
    CU_TOK_STRING,
    CU_TOK_NUMBER,
    CU_TOK_BAD, /* what the scanner could not read */
} cu_token_kind;

typedef struct cu_token {
    int32_t start, end; /* bytes in the filled text */
    uint8_t kind;       /* cu_token_kind */
} cu_token;

typedef struct cu_tokens {
    const cu_token *at;
    uint32_t n;
    cu_slice text; /* what start and end count in */
} cu_tokens;

/* Case-insensitive; a word or keyword, never a quoted name. */
bool cu_token_is(const cu_tokens *t, uint32_t i, const char *word);
/* Finds what parsed as something else than it says.  Returns the token that
 * is at fault, or -1. */
int32_t cu_lint(const cu_tokens *t, const char **hint);
/* A hint for a statement that did not parse; NULL: none.  `bad`: the token
 * of the syntax error (n at the end). */
const char *cu_lint_hint(const cu_tokens *t, uint32_t bad);
/* What to do instead of a statement that is not supported; or NULL. `name`:
 * its first words, in capitals. */
const char *cu_lint_statement(cu_slice name);

#endif
