/* Private to the path parser: words and signs. */
#ifndef CU_EXPR_PATH_LEX_H
#define CU_EXPR_PATH_LEX_H

#include "processors/expr/path.h"

typedef enum cu_jsonpath_token_kind {
    CU_TOKEN_END,
    CU_TOKEN_SIGN,     /* sign: one or two characters */
    CU_TOKEN_WORD,     /* text, which may be a key word */
    CU_TOKEN_STRING,   /* text */
    CU_TOKEN_VARIABLE, /* $name: text */
    CU_TOKEN_INTEGER,  /* text as written */
    CU_TOKEN_NUMBER,   /* text as written */
} cu_jsonpath_token_kind;

typedef struct cu_jsonpath_token {
    cu_jsonpath_token_kind kind;
    char sign[3];
    cu_slice text;
    const char *at; /* where it begins */
} cu_jsonpath_token;

typedef struct cu_jsonpath_lexer {
    const char *p, *end;
    cu_arena *a;
    cu_err *err;
} cu_jsonpath_lexer;

int cu_jsonpath_lex(cu_jsonpath_lexer *l, cu_jsonpath_token *out);
/* 42601 "… at or near "x" of jsonpath input", or "at end of". */
int cu_jsonpath_syntax(cu_err *err, const char *what, const char *at,
                       const char *end, const char *stop);

#endif
