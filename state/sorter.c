/* Runs, and their merge.
 *
 * One file holds all runs, one behind the other, so that any number of them
 * takes one handle:
 *
 *     run 0: { u32le key bytes | u32le value bytes | key | value } ...
 *     run 1: ...
 *
 * The merge keeps a piece of each run in memory and the runs in a heap by
 * their first record.  What was lent lies in its run's piece, so a run moves
 * on at the call after.
 */
#include "state/sorter.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/assert.h"
#include "state/sort.h"

enum {
    RECORD_HEAD = 8,
    WRITE_BYTES = 1 << 20,
    LEAST_PIECE = 4 << 10,
    MOST_PIECE = 256 << 10,
};

typedef struct run {
    int64_t at, end; /* what is not read yet */
    cu_buf piece;
    size_t used;     /* of the piece */
    cu_slice record; /* the first: key and value */
    uint32_t key_len;
} run;

struct cu_sorter {
    cu_env *env;
    char *path;
    size_t memory_bytes;
    cu_arena *arena; /* the records of the run that is gathered */
    cu_keyed *items; /* item: the key's length */
    size_t n, cap, n_bytes, next;
    cu_outfile *out;
    cu_infile *in;
    cu_buf text; /* not yet written */
    int64_t written;
    bool on_disk, sorted, lent;
    run *runs;
    size_t n_runs, cap_runs;
    run **heap;
    size_t n_heap;
};

cu_sorter *cu_sorter_new(cu_env *env, const char *path, size_t memory_bytes)
{
    cu_sorter *s = cu_calloc(1, sizeof(*s));
    s->env = env;
    s->path = cu_strdup(path);
    s->memory_bytes = memory_bytes;
    s->arena = cu_arena_new(0);
    return s;
}

void cu_sorter_free(cu_sorter *s)
{
    if (s->out)
        s->env->vt->end_out(s->env, s->out, false, NULL);
    if (s->in)
        s->env->vt->close_in(s->env, s->in);
    if (s->on_disk)
        s->env->vt->remove(s->env, s->path, NULL);
    for (size_t i = 0; i < s->n_runs; i++)
        cu_buf_free(&s->runs[i].piece);
    cu_arena_free(s->arena);
    cu_buf_free(&s->text);
    cu_free(s->items);
    cu_free(s->runs);
    cu_free(s->heap);
    cu_free(s->path);
    cu_free(s);
}

/* --- gathering ------------------------------------------------------------ */

static int write_text(cu_sorter *s, size_t least, cu_err *err)
{
    if (s->text.len < least)
        return 0;
    int rc = s->env->vt->write_out(s->env, s->out, cu_buf_slice(&s->text), err);
    s->written += (int64_t)s->text.len;
    cu_buf_clear(&s->text);
    return rc;
}

static run *add_run(cu_sorter *s)
{
    if (s->n_runs == s->cap_runs) {
        s->cap_runs = s->cap_runs ? s->cap_runs * 2 : 16;
        s->runs = cu_realloc(s->runs, s->cap_runs * sizeof(*s->runs));
    }
    s->runs[s->n_runs] = (run){.at = s->written};
    return &s->runs[s->n_runs++];
}

static int end_run(cu_sorter *s, cu_err *err)
{
    int rc = 0;
    if (!s->out)
        rc = s->env->vt->open_out(s->env, s->path, &s->out, err);
    if (rc)
        return rc;
    run *r = add_run(s);
    cu_sort_keyed(s->items, s->n);
    for (size_t i = 0; i < s->n && !rc; i++) {
        uint32_t key_len = (uint32_t)(uintptr_t)s->items[i].item;
        cu_slice record = s->items[i].key;
        cu_buf_put_u32le(&s->text, key_len);
        cu_buf_put_u32le(&s->text, (uint32_t)record.len - key_len);
        cu_buf_put_slice(&s->text, record);
        rc = write_text(s, WRITE_BYTES, err);
    }
    rc = rc ? rc : write_text(s, 1, err);
    r->end = s->written;
    s->n = s->n_bytes = 0;
    cu_arena_reset(s->arena);
    return rc;
}

int cu_sorter_add(cu_sorter *s, cu_slice key, cu_slice value, cu_err *err)
{
    CU_ASSERT(!s->sorted);
    size_t len = key.len + value.len;
    CU_ASSERT(len <= UINT32_MAX);
    if (s->n_bytes + len > s->memory_bytes && s->n) {
        int rc = end_run(s, err);
        if (rc)
            return rc;
    }
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 256;
        s->items = cu_realloc(s->items, s->cap * sizeof(*s->items));
    }
    char *bytes = cu_arena_alloc(s->arena, len + 1);
    if (key.len)
        memcpy(bytes, key.data, key.len);
    if (value.len)
        memcpy(bytes + key.len, value.data, value.len);
    s->items[s->n++] = (cu_keyed){.key = cu_slice_n(bytes, len),
                                  .item = (void *)(uintptr_t)key.len};
    s->n_bytes += len + sizeof(*s->items);
    return 0;
}

/* --- merging -------------------------------------------------------------- */

/* At least `need` bytes from `used` on. */
static int fill(cu_sorter *s, run *r, size_t need, cu_err *err)
{
    size_t left = r->piece.len - r->used;
    if (left >= need)
        return 0;
    size_t want = s->memory_bytes / s->n_runs;
    want = want < LEAST_PIECE ? LEAST_PIECE : want;
    want = want > MOST_PIECE ? MOST_PIECE : want;
    want = want < need ? need : want;
    if (left)
        memmove(r->piece.data, r->piece.data + r->used, left);
    r->piece.len = left;
    r->used = 0;
    cu_buf_reserve(&r->piece, want - left);
    while (r->piece.len < want && r->at < r->end) {
        size_t got, most = want - r->piece.len;
        if ((int64_t)most > r->end - r->at)
            most = (size_t)(r->end - r->at);
        int rc = s->env->vt->read_at(s->env, s->in, r->at,
                                     r->piece.data + r->piece.len, most, &got,
                                     err);
        if (rc)
            return rc;
        if (got == 0)
            break;
        r->piece.len += got;
        r->at += (int64_t)got;
    }
    if (r->piece.len >= need)
        return 0;
    return cu_fail(err, CU_CORRUPT, 0, "%s was cut short by somebody else",
                   s->path);
}

/* The next record of the run, or *more false. */
static int advance(cu_sorter *s, run *r, bool *more, cu_err *err)
{
    *more = r->used < r->piece.len || r->at < r->end;
    if (!*more)
        return 0;
    int rc = fill(s, r, RECORD_HEAD, err);
    if (rc)
        return rc;
    cu_scan head = cu_scan_of(cu_slice_n(r->piece.data + r->used, RECORD_HEAD));
    r->key_len = cu_scan_u32le(&head);
    size_t len = (size_t)r->key_len + cu_scan_u32le(&head);
    rc = fill(s, r, RECORD_HEAD + len, err);
    if (rc)
        return rc;
    r->record = cu_slice_n(r->piece.data + r->used + RECORD_HEAD, len);
    r->used += RECORD_HEAD + len;
    return 0;
}

static void sift_down(cu_sorter *s, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < s->n_heap; c++)
            if (cu_slice_cmp(s->heap[c]->record, s->heap[least]->record) < 0)
                least = c;
        if (least == i)
            return;
        run *r = s->heap[i];
        s->heap[i] = s->heap[least];
        s->heap[least] = r;
        i = least;
    }
}

/* All adds are done: the last run, and every run's first record. */
static int start(cu_sorter *s, cu_err *err)
{
    s->sorted = true;
    if (s->n_runs == 0) {
        cu_sort_keyed(s->items, s->n);
        return 0;
    }
    int rc = end_run(s, err);
    int ended = s->env->vt->end_out(s->env, s->out, rc == 0, rc ? NULL : err);
    s->out = NULL;
    rc = rc ? rc : ended;
    s->on_disk = rc == 0;
    rc = rc ? rc : s->env->vt->open_in(s->env, s->path, &s->in, err);
    s->heap = cu_calloc(s->n_runs, sizeof(*s->heap));
    for (size_t i = 0; i < s->n_runs && !rc; i++) {
        bool more;
        rc = advance(s, &s->runs[i], &more, err);
        if (!rc && more)
            s->heap[s->n_heap++] = &s->runs[i];
    }
    for (size_t i = s->n_heap / 2; i-- > 0;)
        sift_down(s, i);
    return rc;
}

static int next_merged(cu_sorter *s, cu_slice *record, size_t *key_len,
                       bool *found, cu_err *err)
{
    if (s->lent) {
        bool more;
        int rc = advance(s, s->heap[0], &more, err);
        if (rc)
            return rc;
        if (!more)
            s->heap[0] = s->heap[--s->n_heap];
        sift_down(s, 0);
    }
    s->lent = *found = s->n_heap > 0;
    if (*found) {
        *record = s->heap[0]->record;
        *key_len = s->heap[0]->key_len;
    }
    return 0;
}

int cu_sorter_next(cu_sorter *s, cu_slice *key, cu_slice *value, bool *found,
                   cu_err *err)
{
    cu_slice record = CU_NULL_SLICE;
    size_t key_len = 0;
    int rc = s->sorted ? 0 : start(s, err);
    *found = false;
    if (!rc && s->n_runs) {
        rc = next_merged(s, &record, &key_len, found, err);
    } else if (!rc && s->next < s->n) {
        *found = true;
        record = s->items[s->next].key;
        key_len = (uintptr_t)s->items[s->next++].item;
    }
    if (*found) {
        *key = cu_slice_n(record.data, key_len);
        *value = cu_slice_n(record.data + key_len, record.len - key_len);
    }
    return rc;
}
