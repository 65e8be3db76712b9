/* How the embedded log lies in the kv, and how it comes back to memory.
 *
 *     'L' 'C' | id u32be                        topic
 *     'L' 'D' | id u32be                        deleted, blocks still there
 *     'L' 'G' | group | 0 | id u32be | part u16be   a group's position
 *     'L' 'P' | id u32be | part u16be           ends of a partition
 *     'L' 'R' | id u32be | part u16be | base u64be  a block of records
 *     'L' 'W' | transaction id                  attempts of a writer
 *
 * Every value starts with a format byte, 1.  Numbers in values are varints.
 * Everything but 'R' is loaded at open and answered from memory since; the
 * entries change in the same write as the blocks that they describe, so
 * after a crash they fit together.
 */
#include "log/local.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

enum { FORMAT = 1, PART_KEY = 8, POSITION_TAIL = 7 };

static char *be(char *p, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(v >> 8 * (n - 1 - i));
    return p + n;
}

/* --- writing ----------------------------------------------------------- */

cu_slice cu_local_record_key(char out[CU_LOCAL_RECORD_KEY], uint32_t topic_id,
                             int32_t partition, int64_t base)
{
    out[0] = 'L';
    out[1] = 'R';
    char *p = be(out + 2, topic_id, 4);
    p = be(p, (uint64_t)partition, 2);
    p = be(p, (uint64_t)base, 8);
    CU_ASSERT(p == out + CU_LOCAL_RECORD_KEY);
    return cu_slice_n(out, CU_LOCAL_RECORD_KEY);
}

int64_t cu_local_record_base(cu_slice key)
{
    CU_ASSERT(key.len == CU_LOCAL_RECORD_KEY);
    cu_scan s = cu_scan_of(cu_slice_n(key.data + 8, 8));
    return (int64_t)cu_scan_u64be(&s);
}

static cu_slice id_key(char out[6], char kind, uint32_t id)
{
    out[0] = 'L';
    out[1] = kind;
    be(out + 2, id, 4);
    return cu_slice_n(out, 6);
}

static cu_slice part_key(char out[PART_KEY], const cu_local_part *p)
{
    id_key(out, 'P', p->topic->id);
    be(out + 6, (uint64_t)p->n, 2);
    return cu_slice_n(out, PART_KEY);
}

void cu_local_put_topic(cu_kv_batch *b, const cu_local_topic *t)
{
    char key[6];
    cu_buf v = {0};
    cu_buf_put_u8(&v, FORMAT);
    cu_buf_put_lslice(&v, cu_slice_of(t->name));
    cu_buf_put_varint(&v, (uint64_t)t->n_parts);
    cu_buf_put_varint(&v, t->compact);
    cu_buf_put_varint(&v, (uint64_t)t->retention_ms);
    cu_buf_put_varint(&v, (uint64_t)t->max_record_bytes);
    cu_kv_batch_put(b, id_key(key, 'C', t->id), cu_buf_slice(&v));
    cu_buf_free(&v);
}

void cu_local_del_topic(cu_kv_batch *b, const cu_local_topic *t)
{
    char key[PART_KEY];
    cu_kv_batch_del(b, id_key(key, 'C', t->id));
    for (int32_t i = 0; i < t->n_parts; i++)
        cu_kv_batch_del(b, part_key(key, &t->parts[i]));
}

void cu_local_put_part(cu_kv_batch *b, const cu_local_part *p)
{
    char key[PART_KEY];
    char space[96];
    cu_buf v = {space, 0, sizeof(space)}; /* large enough: never grows */
    cu_buf_put_u8(&v, FORMAT);
    cu_buf_put_varint(&v, (uint64_t)p->start);
    cu_buf_put_varint(&v, (uint64_t)p->end);
    cu_buf_put_varint(&v, (uint64_t)p->trimmed);
    cu_buf_put_svarint(&v, p->high_ms);
    cu_buf_put_varint(&v, (uint64_t)p->cleaned);
    cu_buf_put_varint(&v, (uint64_t)p->clean_bytes);
    cu_buf_put_varint(&v, (uint64_t)p->dirty_bytes);
    CU_ASSERT(v.data == space);
    cu_kv_batch_put(b, part_key(key, p), cu_buf_slice(&v));
}

static void text_key(cu_buf *out, char kind, const char *text)
{
    cu_buf_put_u8(out, 'L');
    cu_buf_put_u8(out, (uint8_t)kind);
    cu_buf_put_str(out, text);
}

void cu_local_put_position(cu_kv_batch *b, const cu_local_group *g,
                           const cu_local_part *p, int64_t next)
{
    cu_buf key = {0}, v = {0};
    text_key(&key, 'G', g->name);
    cu_buf_put_u8(&key, 0);
    cu_buf_put_u32be(&key, p->topic->id);
    cu_buf_put_u16be(&key, (uint16_t)p->n);
    cu_buf_put_u8(&v, FORMAT);
    cu_buf_put_varint(&v, (uint64_t)next);
    if (next == CU_NO_OFFSET)
        cu_kv_batch_del(b, cu_buf_slice(&key));
    else
        cu_kv_batch_put(b, cu_buf_slice(&key), cu_buf_slice(&v));
    cu_buf_free(&key);
    cu_buf_free(&v);
}

void cu_local_put_id(cu_kv_batch *b, const char *name, uint64_t attempt)
{
    cu_buf key = {0}, v = {0};
    text_key(&key, 'W', name);
    cu_buf_put_u8(&v, FORMAT);
    cu_buf_put_varint(&v, attempt);
    cu_kv_batch_put(b, cu_buf_slice(&key), cu_buf_slice(&v));
    cu_buf_free(&key);
    cu_buf_free(&v);
}

void cu_local_put_doomed(cu_kv_batch *b, uint32_t topic_id, bool doomed)
{
    char key[6];
    id_key(key, 'D', topic_id);
    if (doomed)
        cu_kv_batch_put(b, cu_slice_n(key, 6), CU_LIT("\1"));
    else
        cu_kv_batch_del(b, cu_slice_n(key, 6));
}

/* --- memory ------------------------------------------------------------ */

cu_local_topic *cu_local_topic_new(const char *name, int32_t partitions)
{
    cu_local_topic *t = cu_calloc(1, sizeof(*t));
    t->name = cu_strdup(name);
    t->n_parts = partitions;
    t->parts = cu_calloc((size_t)partitions, sizeof(*t->parts));
    for (int32_t i = 0; i < partitions; i++) {
        t->parts[i].topic = t;
        t->parts[i].n = i;
        t->parts[i].high_ms = INT64_MIN;
    }
    return t;
}

void cu_local_topic_free(cu_local_topic *t)
{
    cu_free(t->parts);
    cu_free(t->name);
    cu_free(t);
}

void cu_local_adopt(cu_local *l, cu_local_topic *t)
{
    bool fresh;
    *cu_map_put(l->topics, cu_slice_of(t->name), &fresh) = t;
    CU_ASSERT(fresh);
    t->next = l->every;
    l->every = t;
    l->sorted = cu_realloc(l->sorted, (l->n_topics + 1) * sizeof(*l->sorted));
    size_t at = l->n_topics++;
    for (; at > 0 && strcmp(l->sorted[at - 1]->name, t->name) > 0; at--)
        l->sorted[at] = l->sorted[at - 1];
    l->sorted[at] = t;
    if (t->id >= l->next_topic_id)
        l->next_topic_id = t->id + 1;
}

void cu_local_doom(cu_local *l, uint32_t topic_id)
{
    if (l->n_doomed == l->cap_doomed) {
        l->cap_doomed = l->cap_doomed ? l->cap_doomed * 2 : 8;
        l->doomed = cu_realloc(l->doomed, l->cap_doomed * sizeof(*l->doomed));
    }
    l->doomed[l->n_doomed++] = topic_id;
    if (topic_id >= l->next_topic_id)
        l->next_topic_id = topic_id + 1;
}

cu_local_id *cu_local_id_get(cu_local *l, const char *name)
{
    bool fresh;
    void **slot = cu_map_put(l->ids, cu_slice_of(name), &fresh);
    if (fresh) {
        cu_local_id *id = cu_calloc(1, sizeof(*id));
        id->name = cu_strdup(name);
        *slot = id;
    }
    return *slot;
}

cu_local_group *cu_local_group_get(cu_local *l, const char *name)
{
    bool fresh;
    void **slot = cu_map_put(l->groups, cu_slice_of(name), &fresh);
    if (fresh) {
        cu_local_group *g = cu_calloc(1, sizeof(*g));
        g->name = cu_strdup(name);
        g->positions = cu_map_new();
        *slot = g;
    }
    return *slot;
}

cu_local_pos *cu_local_position(cu_local_group *g, cu_local_part *p, bool make)
{
    char key[6];
    be(key, p->topic->id, 4);
    be(key + 4, (uint64_t)p->n, 2);
    void **slot = cu_map_get(g->positions, cu_slice_n(key, 6));
    if (!slot && make) {
        cu_local_pos *pos = cu_calloc(1, sizeof(*pos));
        *pos = (cu_local_pos){p, CU_NO_OFFSET};
        bool fresh;
        slot = cu_map_put(g->positions, cu_slice_n(key, 6), &fresh);
        *slot = pos;
    }
    return slot ? *slot : NULL;
}

/* --- loading ----------------------------------------------------------- */

static int damaged(cu_slice key, cu_err *err)
{
    char kind[2] = {key.len > 1 ? key.data[1] : '?', 0};
    return cu_fail(err, CU_CORRUPT, CU_FATAL,
                   "embedded log: an entry of kind %s cannot be read (damaged, "
                   "or written by a newer version); restore the folder from a "
                   "backup",
                   kind);
}

static bool versioned(cu_slice value, cu_scan *s)
{
    *s = cu_scan_of(value);
    return cu_scan_u8(s) == FORMAT;
}

static bool load_topic(cu_local *l, cu_slice key, cu_slice value)
{
    cu_scan k = cu_scan_of(cu_slice_n(key.data + 2, key.len - 2)), s;
    uint32_t id = cu_scan_u32be(&k);
    if (!versioned(value, &s))
        return false;
    cu_slice name = cu_scan_lslice(&s);
    uint64_t partitions = cu_scan_varint(&s);
    if (s.bad || k.bad || !name.data || partitions < 1 ||
        partitions > CU_LOCAL_PARTITIONS)
        return false;
    char *text = cu_calloc(1, name.len + 1);
    memcpy(text, name.data, name.len);
    cu_local_topic *t = cu_local_topic_new(text, (int32_t)partitions);
    cu_free(text);
    t->id = id;
    t->compact = cu_scan_varint(&s) != 0;
    t->retention_ms = (int64_t)cu_scan_varint(&s);
    t->max_record_bytes = (int64_t)cu_scan_varint(&s);
    if (s.bad || cu_map_get(l->topics, cu_slice_of(t->name))) {
        cu_local_topic_free(t);
        return false;
    }
    cu_local_adopt(l, t);
    return true;
}

static cu_local_part *part_of(const cu_local *l, cu_scan *k)
{
    uint32_t id = cu_scan_u32be(k);
    int32_t n = cu_scan_u16be(k);
    for (size_t i = 0; !k->bad && i < l->n_topics; i++) {
        if (l->sorted[i]->id == id && n < l->sorted[i]->n_parts)
            return &l->sorted[i]->parts[n];
    }
    return NULL;
}

static bool load_part(cu_local *l, cu_slice key, cu_slice value)
{
    cu_scan k = cu_scan_of(cu_slice_n(key.data + 2, key.len - 2)), s;
    cu_local_part *p = part_of(l, &k);
    if (!p || !versioned(value, &s))
        return false;
    p->start = (int64_t)cu_scan_varint(&s);
    p->end = (int64_t)cu_scan_varint(&s);
    p->trimmed = (int64_t)cu_scan_varint(&s);
    p->high_ms = cu_scan_svarint(&s);
    p->cleaned = (int64_t)cu_scan_varint(&s);
    p->clean_bytes = (int64_t)cu_scan_varint(&s);
    p->dirty_bytes = (int64_t)cu_scan_varint(&s);
    return !s.bad && 0 <= p->trimmed && p->trimmed <= p->start &&
           p->start <= p->end;
}

static bool load_position(cu_local *l, cu_slice key, cu_slice value)
{
    cu_scan s;
    if (key.len < 2 + POSITION_TAIL || !versioned(value, &s))
        return false;
    size_t len = key.len - 2 - POSITION_TAIL;
    cu_scan k = cu_scan_of(cu_slice_n(key.data + key.len - 6, 6));
    cu_local_part *p = part_of(l, &k);
    if (!p || key.data[2 + len])
        return false;
    /* The NUL behind the name is part of the key. */
    cu_local_group *g = cu_local_group_get(l, key.data + 2);
    cu_local_position(g, p, true)->next = (int64_t)cu_scan_varint(&s);
    return !s.bad;
}

static bool load_id(cu_local *l, cu_slice key, cu_slice value)
{
    cu_scan s;
    if (!versioned(value, &s))
        return false;
    char *name = cu_calloc(1, key.len - 1);
    memcpy(name, key.data + 2, key.len - 2);
    cu_local_id_get(l, name)->attempt = cu_scan_varint(&s);
    cu_free(name);
    return !s.bad;
}

static bool load_doomed(cu_local *l, cu_slice key, cu_slice value)
{
    cu_scan k = cu_scan_of(cu_slice_n(key.data + 2, key.len - 2)), s;
    uint32_t id = cu_scan_u32be(&k);
    if (k.bad || !versioned(value, &s))
        return false;
    cu_local_doom(l, id);
    return true;
}

typedef bool loader(cu_local *l, cu_slice key, cu_slice value);

static int load_kind(cu_local *l, char kind, loader *load, cu_err *err)
{
    const char lo[2] = {'L', kind}, hi[2] = {'L', (char)(kind + 1)};
    cu_kv_iter *it = NULL;
    cu_slice key, value;
    int rc = l->kv->vt->iter(l->kv, cu_slice_n(lo, 2), cu_slice_n(hi, 2), &it,
                             err);
    if (rc)
        return rc;
    while (!rc && l->kv->vt->iter_next(it, &key, &value)) {
        if (!load(l, key, value))
            rc = damaged(key, err);
    }
    int closed = l->kv->vt->iter_close(it, rc ? NULL : err);
    return rc ? rc : closed;
}

int cu_local_load(cu_local *l, cu_err *err)
{
    static const struct {
        char kind;
        loader *load;
    } kinds[] = {
        {'C', load_topic}, {'P', load_part},   {'G', load_position},
        {'W', load_id},    {'D', load_doomed},
    };
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof(kinds) / sizeof(*kinds); i++)
        rc = load_kind(l, kinds[i].kind, kinds[i].load, err);
    return rc;
}
