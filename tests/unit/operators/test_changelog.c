#include "tests/unit/operators/rig.h"

#include "processors/plan/program.h"

#include <criterion/criterion.h>

static const char *const in_text = "k:int v:text";
static const char *const out_text = "k:int v:text op:text";

/* Over upserts of which every change counts. */
static cu_node *make(rig *r)
{
    cu_node *z = rig_node(r, CU_N_NORMALIZE, in_text, rig_source(r, in_text));
    z->key = rig_cols(r, "0", &z->n_key);
    z->normalize.all_versions = true;
    return rig_node(r, CU_N_CHANGELOG, out_text, z);
}

Test(changelog, says_what_happened_to_each_key)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, make(&r));
    rig_push(&r, 0, "1 a\n2 b\n1 c\n1 c\n");
    rig_expect(&r, rig_commit(&r), out_text, "1 a I\n2 b I\n1 c U\n");
    rig_push(&r, 0, "+1 | 1 d\n-1 | 2 null\n+1 | 1 e\n-1 | 1 null\n");
    rig_expect(&r, rig_commit(&r), out_text, "1 d U\n2 b D\n1 e U\n1 e D\n");
    rig_push(&r, 0, "+1 | 1 e\n-1 | 7 null\n");
    rig_expect(&r, rig_commit(&r), out_text, "1 e I\n");
    rig_close(&r);
}

Test(changelog, a_delete_and_a_return_are_no_update)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, make(&r));
    rig_push(&r, 0, "+1 | 1 a\n-1 | 1 null\n+1 | 1 b\n");
    rig_expect(&r, rig_commit(&r), out_text, "1 a I\n1 a D\n1 b I\n");
    rig_close(&r);
}

Test(changelog, without_a_key_rows_come_and_go)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r,
              rig_node(&r, CU_N_CHANGELOG, out_text, rig_source(&r, in_text)));
    rig_push(&r, 0, "+2 | 1 a\n-1 | 1 a\n+1 | 1 b\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "+2 | 1 a I\n+1 | 1 a D\n+1 | 1 b I\n");
    rig_close(&r);
}
