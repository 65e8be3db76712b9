#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>

static const char *const in_text = "name:text n:int";
static const char *const out_text = "name:text n:int surrogate_id:bigint";

static cu_node *make(rig *r)
{
    cu_node *s = rig_node(r, CU_N_SURROGATE, out_text, rig_source(r, in_text));
    s->surrogate.key = rig_cols(r, "0", &s->surrogate.n_key);
    return s;
}

Test(surrogate, keys_are_numbered_by_first_appearance)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, make(&r));
    rig_push(&r, 0, "c 1\na 2\nc 3\nb 4\n");
    rig_expect(&r, rig_commit(&r), out_text, "c 1 1\na 2 2\nc 3 1\nb 4 3\n");
    rig_push(&r, 0, "d 5\nb 6\n");
    rig_expect(&r, rig_commit(&r), out_text, "d 5 4\nb 6 3\n");
    rig_close(&r);
}

Test(surrogate, ids_stay_when_all_rows_are_gone)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, make(&r));
    rig_push(&r, 0, "a 1\nb 1\n");
    rig_commit(&r);
    rig_push(&r, 0, "-1 | a 1\n-1 | b 1\n");
    rig_expect(&r, rig_commit(&r), out_text, "-1 | a 1 1\n-1 | b 1 2\n");
    rig_reopen(&r);
    rig_push(&r, 0, "z 1\nb 1\na 1\n");
    rig_expect(&r, rig_commit(&r), out_text, "z 1 3\nb 1 2\na 1 1\n");
    rig_close(&r);
}

Test(surrogate, null_is_a_key)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, make(&r));
    rig_push(&r, 0, "null 1\na 1\nnull 2\n");
    rig_expect(&r, rig_commit(&r), out_text, "null 1 1\na 1 2\nnull 2 1\n");
    rig_close(&r);
}

Test(surrogate, an_abort_gives_the_ids_anew)
{
    rig r;
    rig_open(&r, 4);
    rig_start(&r, make(&r));
    rig_push(&r, 0, "a 1\n");
    rig_commit(&r);
    rig_push(&r, 0, "x 1\ny 1\n");
    rig_abort(&r);
    rig_push(&r, 0, "y 1\nx 1\n");
    rig_expect(&r, rig_commit(&r), out_text, "y 1 2\nx 1 3\n");
    rig_close(&r);
}
