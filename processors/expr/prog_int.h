/* The inside of a program: slots, selections, instructions.
 *
 *   slots   v0 = $1   v1 = 2   v2 = temporary   v3 = temporary
 *   sels    s0 = live rows of the batch   s1 = rows of s0 where v2 is true
 *   code    v2 = > v0 v1          runs under s0
 *           s1 = s0 where v2
 *           v3 = / v1 v0          runs under s1: 1/x only where x <> 0
 *
 * P1 an instruction computes its slot for the rows of its selection only.
 * P2 a slot is read only under its own selection or one made from it.
 * P3 a temporary is flat or CONST; its memory is reused after its last use,
 *    but for results, which live in the arena of the run.
 */
#ifndef CU_EXPR_PROG_INT_H
#define CU_EXPR_PROG_INT_H

#include "processors/expr/int.h"

typedef enum cu_slot_kind {
    CU_SLOT_COL,
    CU_SLOT_CONST,
    CU_SLOT_NOW,
    CU_SLOT_TEMP
} cu_slot_kind;

typedef struct cu_slot {
    cu_slot_kind kind;
    cu_type type;
    uint32_t col;    /* COL */
    cu_value value;  /* CONST */
    bool output;     /* TEMP: a result, made in the arena of the run */
    uint32_t last;   /* TEMP: the last instruction that uses it */
    uint32_t buffer; /* TEMP: which of the program's buffers */
} cu_slot;

typedef enum cu_op {
    CU_OP_CALL,  /* dst = func(args) */
    CU_OP_SEL,   /* selection dst = rows of sel where args[0] is … (mode) */
    CU_OP_MERGE, /* dst = args[i] on the rows of arms[i], later ones win */
    CU_OP_LOGIC, /* dst = args[0] AND/OR args[1]; dst may be args[0] */
} cu_op;

typedef enum cu_sel_mode {
    CU_SEL_TRUE,
    CU_SEL_NOT_TRUE,
    CU_SEL_NOT_FALSE,
    CU_SEL_NULL,
    CU_LOGIC_AND,
    CU_LOGIC_OR
} cu_sel_mode;

typedef struct cu_instr {
    cu_op op;
    cu_sel_mode mode;
    uint32_t dst;
    uint32_t sel;
    uint16_t expr; /* which result it was first compiled for */
    const cu_func *func;
    cu_type type;
    uint32_t n_args;
    uint32_t *args;
    uint32_t *arms;         /* MERGE: selection per argument */
    const cu_col **columns; /* args as columns of the program */
} cu_instr;

typedef struct cu_rows_sel {
    const uint16_t *rows; /* NULL: all */
    uint32_t n;
    uint16_t *space; /* CU_BATCH_ROWS of them; NULL for s0 */
} cu_rows_sel;

/* Room for one temporary: values, then its bitmap. */
typedef struct cu_temp {
    size_t width;
    void *data;
    uint64_t *valid;
} cu_temp;

struct cu_prog {
    cu_arena *arena; /* constants, instructions, buffers */
    const cu_expr_env *env;
    const cu_schema *input;
    uint32_t n_slots, cap_slots;
    cu_slot *slots;
    uint32_t n_code, cap_code;
    cu_instr *code;
    uint32_t n_sels, cap_sels;
    uint32_t *sel_parent;
    uint32_t n_out;
    uint32_t *out; /* slots */
    cu_col *cols;  /* per slot, filled by each run */
    cu_rows_sel *sels;
    uint32_t n_temps;
    cu_temp *temps;
    cu_buf scratch;
    cu_memo *memo;
    cu_row_faults *const_faults; /* of instructions over constants only */
};

/* One CALL on constants; false when it fails (then *fault says why). */
bool cu_prog_fold(cu_prog *p, const cu_func *f, cu_type type,
                  const cu_col *const *args, uint32_t n_args, cu_value *out,
                  cu_row_faults *faults);

#endif
