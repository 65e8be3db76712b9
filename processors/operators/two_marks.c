/* Time of operators with two inputs.
 *
 * tables 3 and 4, one per side:  time u64be | key -> ""     rows of the key
 *                                                           have that time
 * table 5:  "" -> u8 1 | u64le left mark | u64le right mark
 *
 * What is forgotten is forgotten at commits, by the watermarks of then; they
 * are kept (table 5), so that a row for it is known to be late after a
 * restart too, before the inputs have said anything.  A row between that
 * horizon and the current watermark still finds everything and is not late.
 *
 * An input of VALUES alone never has a watermark and holds nobody back.
 */
#include "processors/operators/two_marks.h"

enum { VERSION = 1, TIME_BYTES = 8 };

static int read_done(cu_two_marks *m, cu_err *err)
{
    cu_slice value;
    int rc = cu_table_get(m->meta, CU_LIT(""), &value, err);
    if (rc || !value.data)
        return rc;
    cu_scan s = cu_scan_of(value);
    uint8_t version = cu_scan_u8(&s);
    for (int i = 0; i < 2; i++)
        m->done[i] = (int64_t)cu_scan_u64le(&s);
    if (s.bad || version != VERSION)
        return cu_fail(err, CU_CORRUPT, 0,
                       "%s (node %u): the stored watermarks do not check out",
                       m->op->vt->name, m->op->node->id);
    return 0;
}

int cu_two_marks_open(cu_two_marks *m, cu_op *op, bool forgets, cu_err *err)
{
    *m = (cu_two_marks){.op = op, .forgets = forgets, .held = CU_HELD_MARK};
    for (unsigned i = 0; i < 2; i++) {
        m->in[i] = cu_op_has_source(op->node->inputs[i]) ? INT64_MIN
                                                         : INT64_MAX;
        m->sent[i] = m->in[i];
        m->done[i] = INT64_MIN;
        if (forgets)
            m->index[i] = cu_space_table(op->env->space,
                                         cu_node_state_table(op->node, 3 + i));
    }
    if (!forgets)
        return 0;
    m->meta = cu_space_table(op->env->space, cu_node_state_table(op->node, 5));
    return read_done(m, err);
}

void cu_two_marks_close(cu_two_marks *m)
{
    cu_buf_free(&m->key);
    cu_buf_free(&m->value);
}

int64_t cu_two_marks_low(const int64_t marks[2])
{
    return marks[0] < marks[1] ? marks[0] : marks[1];
}

void cu_two_marks_see(cu_two_marks *m, int port, int64_t ts_us)
{
    if (ts_us > m->sent[port])
        m->sent[port] = ts_us;
    if (!m->deaf[port])
        m->in[port] = m->sent[port];
    cu_held_mark_see(&m->held, cu_two_marks_low(m->sent));
}

bool cu_two_marks_moved(const cu_two_marks *m)
{
    return m->forgets && (m->in[0] > m->done[0] || m->in[1] > m->done[1]);
}

int cu_two_marks_commit(cu_two_marks *m, cu_err *err)
{
    if (cu_two_marks_moved(m)) {
        cu_buf_clear(&m->value);
        cu_buf_put_u8(&m->value, VERSION);
        for (int i = 0; i < 2; i++) {
            if (m->in[i] > m->done[i])
                m->done[i] = m->in[i];
            cu_buf_put_u64le(&m->value, (uint64_t)m->done[i]);
        }
        cu_table_put(m->meta, CU_LIT(""), cu_buf_slice(&m->value));
    }
    return cu_held_mark_send(&m->held, m->op, err);
}

int cu_two_marks_late(cu_two_marks *m, const cu_batch *b, uint32_t row,
                      const cu_late *window, cu_err *err)
{
    const cu_op_env *env = m->op->env;
    if (cu_batch_weight(b, row) < 0 || !env->late)
        return 0;
    cu_late late = *window;
    late.batch = b;
    late.row = row;
    return env->late(env->ctx, &late, err);
}

/* --- the index ----------------------------------------------------------- */

static cu_slice index_key(cu_two_marks *m, int64_t us, cu_slice key)
{
    cu_buf_clear(&m->key);
    cu_instant_put_be(&m->key, us);
    cu_buf_put_slice(&m->key, key);
    return cu_buf_slice(&m->key);
}

void cu_two_marks_put(cu_two_marks *m, int side, int64_t us, cu_slice key)
{
    cu_table_put(m->index[side], index_key(m, us, key), CU_LIT(""));
}

void cu_two_marks_del(cu_two_marks *m, int side, int64_t us, cu_slice key)
{
    cu_table_del(m->index[side], index_key(m, us, key));
}

int cu_two_marks_due(cu_two_marks *m, int side, int64_t below, uint32_t most,
                     cu_arena *a, cu_timed_key *out, uint32_t *n, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    *n = 0;
    if (below == INT64_MIN)
        return 0;
    int rc = cu_table_scan(m->index[side], CU_LIT(""),
                           index_key(m, below, CU_LIT("")), false, &it, err);
    if (rc)
        return rc;
    while (*n < most && cu_table_iter_next(it, &key, &value)) {
        cu_slice rest = {key.data + TIME_BYTES, key.len - TIME_BYTES};
        out[(*n)++] = (cu_timed_key){cu_instant_of_be(key),
                                     cu_arena_slice(a, rest)};
    }
    return cu_table_iter_close(it, err);
}
