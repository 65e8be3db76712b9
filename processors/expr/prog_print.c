/* Programs as text: one instruction a line, then the results.
 *
 *     v2 = > $1 0
 *     s1 = s0 where v2 true
 *     v3 = / 1 $1 @s1
 *     out v3
 */
#include "processors/expr/prog_int.h"

static void put_slot(const cu_prog *p, uint32_t slot, cu_buf *out)
{
    const cu_slot *s = &p->slots[slot];
    switch (s->kind) {
    case CU_SLOT_COL:
        cu_buf_printf(out, "$%u", s->col + 1);
        break;
    case CU_SLOT_CONST: {
        cu_expr e = {.kind = CU_E_CONST, .type = s->type, .value = s->value};
        cu_expr_print(&e, NULL, out);
        break;
    }
    case CU_SLOT_NOW:
        cu_buf_put_str(out, "now");
        break;
    case CU_SLOT_TEMP:
        cu_buf_printf(out, "v%u", slot);
        break;
    }
}

static void put_sel(const cu_prog *p, const cu_instr *in, cu_buf *out)
{
    static const char *const words[] = {"true", "not true", "not false",
                                        "null"};
    cu_buf_printf(out, "s%u = s%u where ", in->dst, in->sel);
    put_slot(p, in->args[0], out);
    cu_buf_printf(out, " %s\n", words[in->mode]);
}

static void put_instr(const cu_prog *p, const cu_instr *in, cu_buf *out)
{
    char type[64];
    if (in->op == CU_OP_SEL) {
        put_sel(p, in, out);
        return;
    }
    cu_buf_printf(out, "v%u =", in->dst);
    if (in->op == CU_OP_CALL)
        cu_buf_printf(out, " %s", in->func->name);
    else if (in->op == CU_OP_MERGE)
        cu_buf_put_str(out, " merge");
    else
        cu_buf_put_str(out, in->mode == CU_LOGIC_AND ? " and" : " or");
    for (uint32_t k = 0; k < in->n_args; k++) {
        cu_buf_put_u8(out, ' ');
        if (in->op == CU_OP_MERGE)
            cu_buf_printf(out, "s%u:", in->arms[k]);
        put_slot(p, in->args[k], out);
    }
    if (in->op == CU_OP_CALL && in->func->kind == CU_FUNC_CAST)
        cu_buf_printf(out, " %s", cu_type_name(in->type, type));
    if (in->sel)
        cu_buf_printf(out, " @s%u", in->sel);
    cu_buf_put_u8(out, '\n');
}

void cu_prog_print(const cu_prog *p, cu_buf *out)
{
    for (uint32_t i = 0; i < p->n_code; i++)
        put_instr(p, &p->code[i], out);
    cu_buf_put_str(out, "out");
    for (uint32_t i = 0; i < p->n_out; i++) {
        cu_buf_put_u8(out, ' ');
        put_slot(p, p->out[i], out);
    }
    cu_buf_put_u8(out, '\n');
}
