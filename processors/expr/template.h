/* Templates of to_char(), to_date() and to_timestamp(): "FMDay, DD HH24:MI". */
#ifndef CU_EXPR_TEMPLATE_H
#define CU_EXPR_TEMPLATE_H

#include "base/bytes.h"

typedef enum cu_field_id {
    CU_F_NONE,
    CU_F_AD,
    CU_F_AM,
    CU_F_CC,
    CU_F_D,
    CU_F_DAY,
    CU_F_DD,
    CU_F_DDD,
    CU_F_DY,
    CU_F_FF, /* `digits` of it */
    CU_F_FX,
    CU_F_HH12,
    CU_F_HH24,
    CU_F_ID,
    CU_F_IDDD,
    CU_F_IW,
    CU_F_IYYY, /* `digits` of it */
    CU_F_J,
    CU_F_MI,
    CU_F_MM,
    CU_F_MON,
    CU_F_MONTH,
    CU_F_MS,
    CU_F_OF,
    CU_F_Q,
    CU_F_RM,
    CU_F_SS,
    CU_F_SSSS,
    CU_F_TZ,
    CU_F_TZH,
    CU_F_TZM,
    CU_F_US,
    CU_F_W,
    CU_F_WW,
    CU_F_Y_YYY,
    CU_F_YYYY, /* `digits` of it */
} cu_field_id;

typedef enum cu_letter_case { CU_UPPER, CU_CAPITAL, CU_LOWER } cu_letter_case;

typedef struct cu_field_name {
    const char *name;
    cu_field_id id;
    uint8_t letters; /* cu_letter_case */
    uint8_t digits;
    bool number;  /* its text begins with a digit */
    bool dots;    /* A.D. */
    int8_t weeks; /* 1: of ISO weeks, -1: Gregorian, 0: neither */
} cu_field_name;

typedef enum cu_piece_kind {
    CU_PIECE_FIELD,
    CU_PIECE_CHAR,
    CU_PIECE_SEPARATOR,
    CU_PIECE_SPACE,
} cu_piece_kind;

typedef struct cu_piece {
    cu_piece_kind kind;
    cu_slice text; /* a character, or the field as written */
    const cu_field_name *field;
    bool fill, plain; /* FM, TM */
    char ordinal;     /* 'T' TH, 't' th, 0 */
} cu_piece;

/* Reads the next piece from `*rest`; false at the end. `quoted` starts as
 * false and is the reader's own. */
bool cu_template_next(cu_slice *rest, bool *quoted, cu_piece *out);
/* Neither letter nor digit nor space, in ASCII. */
bool cu_is_separator(char c);

extern const char *const cu_month_names[12];
extern const char *const cu_day_names[7];    /* from Sunday */
extern const char *const cu_roman_names[12]; /* from I */

#endif
