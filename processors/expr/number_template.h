/* Templates of to_char(number) and to_number(): "FM999,990.00MI". */
#ifndef CU_EXPR_NUMBER_TEMPLATE_H
#define CU_EXPR_NUMBER_TEMPLATE_H

#include "base/bytes.h"

typedef enum cu_mark {
    CU_MARK_CHAR, /* any other character */
    CU_MARK_COMMA,
    CU_MARK_POINT,
    CU_MARK_0,
    CU_MARK_9,
    CU_MARK_B,
    CU_MARK_D,
    CU_MARK_E,
    CU_MARK_FM,
    CU_MARK_G,
    CU_MARK_L,
    CU_MARK_MI,
    CU_MARK_PL,
    CU_MARK_PR,
    CU_MARK_RN,
    CU_MARK_S,
    CU_MARK_SG,
    CU_MARK_TH,
    CU_MARK_V,
    CU_MARK_C,
    CU_MARK_SP,
} cu_mark;

enum cu_number_flags {
    CU_NUMBER_POINT = 1,
    CU_NUMBER_FILL = 2, /* FM */
    CU_NUMBER_ZERO = 4,
    CU_NUMBER_BLANK = 8,
    CU_NUMBER_SIGN = 16, /* S */
    CU_NUMBER_PLUS = 32,
    CU_NUMBER_MINUS = 64,
    CU_NUMBER_BRACKET = 128, /* PR */
    CU_NUMBER_ROMAN = 256,
    CU_NUMBER_SHIFT = 512, /* V */
    CU_NUMBER_SCIENCE = 1024,
};

typedef enum cu_sign_place {
    CU_SIGN_NONE,
    CU_SIGN_PRE,
    CU_SIGN_POST
} cu_sign_place;

typedef struct cu_number_template {
    unsigned flags;
    int pre, post, shift; /* digits before and behind the point, and by V */
    int zero_start, zero_end;
    int sign_at; /* digits before the S */
    cu_sign_place sign;
} cu_number_template;

/* The next mark; `text` is what it was. False: at the end. */
bool cu_number_mark(cu_slice *rest, bool *quoted, cu_mark *mark,
                    cu_slice *text);
/* What the whole template says; NULL, or what is wrong with it. */
const char *cu_number_template_read(cu_slice text, cu_number_template *out);

#endif
