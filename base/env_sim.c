/* The env door of simulation: a world that is a function of its seed.
 *
 * The clock moves only when somebody sleeps or cu_env_sim_advance() is
 * called.  Chance and faults draw from two streams, so that asking for
 * faults does not change what else happens under a seed.
 *
 * Files are nodes in an ordered map from normal path to
 *
 *     now     what a reader sees           NULL: does not exist
 *     synced  what is left after a crash   NULL: nothing
 *
 * write_file() syncs, as the real one does; a removal is undone by a crash
 * until something else in its folder is synced.  Contents are counted, so
 * an open file keeps reading what it was opened on after a replacement.
 */
#include "base/env.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/map.h"

static const int64_t start_us = 1704067200 * INT64_C(1000000);

enum { stopped_nap_us = 10000 };

typedef struct blob {
    size_t refs, len;
    char data[];
} blob;

typedef struct node {
    bool is_dir;
    blob *now, *synced;
    int64_t modified_us, synced_modified_us;
} node;

typedef struct sim {
    cu_env base;
    int64_t clock_us; /* since the start */
    uint64_t chance, fault_chance;
    int stops;
    cu_omap *nodes;
    cu_lock *locks; /* held ones */
    unsigned per_mille, hit;
    char only[64]; /* "" = any point */
    unsigned only_visits;
    uint64_t visits;
} sim;

struct cu_lock {
    cu_lock *next;
    bool held;
    char path[];
};

struct cu_infile {
    blob *content;
};

/* --- clock, chance, faults ---------------------------------------------- */

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int64_t sim_wall_us(cu_env *e)
{
    return start_us + ((sim *)e)->clock_us;
}

static int64_t sim_mono_us(cu_env *e)
{
    return ((sim *)e)->clock_us;
}

static uint64_t sim_chance(cu_env *e)
{
    return splitmix(&((sim *)e)->chance);
}

void cu_env_sim_advance(cu_env *e, int64_t us)
{
    CU_ASSERT(us >= 0);
    ((sim *)e)->clock_us += us;
}

static void sim_sleep_us(cu_env *e, int64_t us)
{
    sim *s = (sim *)e;
    if (s->stops > 0 && us > stopped_nap_us)
        us = stopped_nap_us;
    s->clock_us += us > 0 ? us : 0;
}

void cu_env_sim_faults(cu_env *e, unsigned per_mille, const char *only,
                       unsigned hit)
{
    sim *s = (sim *)e;
    CU_ASSERT(!only || strlen(only) < sizeof(s->only));
    s->per_mille = per_mille;
    s->hit = hit;
    s->only_visits = 0;
    memcpy(s->only, only ? only : "", only ? strlen(only) + 1 : 1);
}

static bool sim_fault(cu_env *e, const char *point)
{
    sim *s = (sim *)e;
    s->visits++;
    if (s->only[0]) {
        if (strcmp(point, s->only))
            return false;
        s->only_visits++;
        if (s->hit)
            return s->only_visits == s->hit;
    }
    return s->per_mille && splitmix(&s->fault_chance) % 1000 < s->per_mille;
}

uint64_t cu_env_sim_visits(const cu_env *e)
{
    return ((const sim *)e)->visits;
}

static int sim_stop_requested(cu_env *e)
{
    return ((sim *)e)->stops;
}

void cu_env_sim_stop(cu_env *e, int requests)
{
    ((sim *)e)->stops = requests;
}

/* --- nodes -------------------------------------------------------------- */

static blob *blob_new(cu_slice s)
{
    blob *b = cu_alloc(sizeof(*b) + s.len);
    b->refs = 1;
    b->len = s.len;
    if (s.len)
        memcpy(b->data, s.data, s.len);
    return b;
}

static void blob_release(blob *b)
{
    if (b && --b->refs == 0)
        cu_free(b);
}

/* The slot takes one more reference to `b`. */
static void blob_set(blob **slot, blob *b)
{
    if (b)
        b->refs++;
    blob_release(*slot);
    *slot = b;
}

/* "a//b/./c/../d/" -> "a/b/d"; the working directory is "". */
static cu_slice normal(cu_buf *to, const char *path)
{
    cu_buf_clear(to);
    if (path[0] == '/')
        cu_buf_put_u8(to, '/');
    size_t root = to->len;
    while (*path) {
        size_t len = strcspn(path, "/");
        if (len == 2 && !memcmp(path, "..", 2)) {
            while (to->len > root && to->data[--to->len] != '/')
                ;
        } else if (len > 0 && !(len == 1 && path[0] == '.')) {
            if (to->len > root)
                cu_buf_put_u8(to, '/');
            cu_buf_put(to, path, len);
        }
        path += len + (path[len] == '/');
    }
    return cu_buf_slice(to);
}

static bool is_root(cu_slice path)
{
    return path.len == 0 || cu_slice_is(path, "/");
}

/* The node, when something is there now. */
static node *find(const sim *s, cu_slice path)
{
    cu_onode *o = cu_omap_get(s->nodes, path);
    node *n = o ? cu_onode_value(o) : NULL;
    return n && (n->is_dir || n->now) ? n : NULL;
}

static node *make(sim *s, cu_slice path)
{
    bool fresh;
    cu_onode *o = cu_omap_put(s->nodes, path, &fresh);
    if (fresh)
        cu_onode_set(o, cu_calloc(1, sizeof(node)));
    return cu_onode_value(o);
}

static void drop(sim *s, cu_slice path, node *n)
{
    blob_release(n->now);
    blob_release(n->synced);
    cu_free(n);
    cu_omap_del(s->nodes, path);
}

static cu_slice parent(cu_slice path)
{
    size_t len = path.len;
    while (len > 0 && path.data[len - 1] != '/')
        len--;
    return cu_slice_n(path.data, len > 1 ? len - 1 : len);
}

/* First node below a folder; *prefix is what its children start with. */
static cu_onode *first_below(const sim *s, cu_buf *prefix, cu_slice dir)
{
    cu_buf_clear(prefix);
    cu_buf_put_slice(prefix, dir);
    if (!is_root(dir))
        cu_buf_put_u8(prefix, '/');
    return cu_omap_seek(s->nodes, cu_buf_slice(prefix), false);
}

/* The name of a direct child, absent when the node lies elsewhere; *past
 * when no later node lies below either. */
static cu_slice child_name(const cu_onode *o, const cu_buf *prefix, bool *past)
{
    cu_slice key = cu_onode_key(o);
    *past = key.len < prefix->len ||
            (prefix->len && memcmp(key.data, prefix->data, prefix->len));
    if (*past || key.len == prefix->len)
        return CU_NULL_SLICE;
    cu_slice name = cu_slice_n(key.data + prefix->len, key.len - prefix->len);
    return memchr(name.data, '/', name.len) ? CU_NULL_SLICE : name;
}

/* --- files -------------------------------------------------------------- */

static int missing(cu_err *err, const char *doing, const char *path)
{
    return cu_fail(err, CU_NOT_FOUND, 0,
                   "cannot %s %s: No such file or directory; check the path",
                   doing, path);
}

static int find_file(sim *s, const char *doing, const char *path, node **out,
                     cu_err *err)
{
    cu_buf buf = {0};
    cu_slice at = normal(&buf, path);
    node *n = find(s, at);
    int rc = 0;
    if (is_root(at) || (n && n->is_dir))
        rc = cu_fail(err, CU_IO, 0, "cannot %s %s: Is a directory", doing,
                     path);
    else if (!n)
        rc = missing(err, doing, path);
    *out = n;
    cu_buf_free(&buf);
    return rc;
}

static int sim_read_file(cu_env *e, const char *path, size_t max_bytes,
                         cu_arena *a, cu_slice *out, cu_err *err)
{
    node *n;
    *out = CU_NULL_SLICE;
    int rc = find_file((sim *)e, "open", path, &n, err);
    if (rc)
        return rc;
    if (n->now->len > max_bytes)
        return cu_fail(err, CU_LIMIT, 0, "%s has %zu bytes, more than %zu",
                       path, n->now->len, max_bytes);
    *out = cu_arena_slice(a, cu_slice_n(n->now->data, n->now->len));
    return 0;
}

/* Each folder of a normal path, from the outermost. */
static int make_dirs_at(sim *s, cu_slice path, cu_err *err)
{
    for (size_t len = 1; len <= path.len; len++) {
        if (len < path.len && path.data[len] != '/')
            continue;
        cu_slice part = cu_slice_n(path.data, len);
        if (is_root(part))
            continue;
        node *n = make(s, part);
        if (n->now)
            return cu_fail(err, CU_IO, 0,
                           "cannot make the folder %.*s: Not a directory",
                           (int)part.len, part.data);
        if (!n->is_dir)
            n->modified_us = start_us + s->clock_us;
        blob_set(&n->synced, NULL); /* of a removed file */
        n->is_dir = true;
    }
    return 0;
}

static int sim_make_dirs(cu_env *e, const char *path, cu_err *err)
{
    cu_buf buf = {0};
    int rc = make_dirs_at((sim *)e, normal(&buf, path), err);
    cu_buf_free(&buf);
    return rc;
}

/* A synced folder: removals in it are final. */
static void sync_folder(sim *s, cu_slice dir)
{
    cu_buf prefix = {0};
    bool past = false;
    cu_onode *o = first_below(s, &prefix, dir);
    while (o && !past) {
        cu_onode *next = cu_onode_next(o);
        node *n = cu_onode_value(o);
        if (child_name(o, &prefix, &past).data && !n->is_dir && !n->now)
            drop(s, cu_onode_key(o), n);
        o = next;
    }
    cu_buf_free(&prefix);
}

static void put_file(sim *s, cu_slice path, cu_slice content)
{
    node *n = make(s, path);
    blob *b = blob_new(content);
    blob_set(&n->now, b);
    blob_set(&n->synced, b);
    blob_release(b);
    n->modified_us = n->synced_modified_us = start_us + s->clock_us;
}

static int sim_write_file(cu_env *e, const char *path, cu_slice content,
                          cu_err *err)
{
    sim *s = (sim *)e;
    cu_buf buf = {0};
    cu_slice at = normal(&buf, path);
    int rc = make_dirs_at(s, parent(at), err);
    if (rc)
        goto out;
    node *n = find(s, at);
    if (is_root(at) || (n && n->is_dir)) {
        rc = cu_fail(err, CU_IO, 0, "cannot write %s: Is a directory", path);
        goto out;
    }
    put_file(s, at, content);
    sync_folder(s, parent(at));
out:
    cu_buf_free(&buf);
    return rc;
}

struct cu_outfile {
    char *path;
    cu_buf content;
};

static int sim_open_out(cu_env *e, const char *path, cu_outfile **out,
                        cu_err *err)
{
    (void)e, (void)err;
    cu_outfile *f = cu_calloc(1, sizeof(*f));
    f->path = cu_strdup(path);
    *out = f;
    return 0;
}

static int sim_write_out(cu_env *e, cu_outfile *f, cu_slice content,
                         cu_err *err)
{
    (void)e, (void)err;
    cu_buf_put_slice(&f->content, content);
    return 0;
}

static int sim_end_out(cu_env *e, cu_outfile *f, bool keep, cu_err *err)
{
    cu_slice content = f->content.len ? cu_buf_slice(&f->content) : CU_LIT("");
    int rc = keep ? sim_write_file(e, f->path, content, err) : 0;
    cu_buf_free(&f->content);
    cu_free(f->path);
    cu_free(f);
    return rc;
}

static int sim_stat(cu_env *e, const char *path, cu_stat *out, cu_err *err)
{
    cu_buf buf = {0};
    cu_slice at = normal(&buf, path);
    bool root = is_root(at);
    node *n = find((sim *)e, at);
    cu_buf_free(&buf);
    if (!root && !n)
        return missing(err, "examine", path);
    *out = (cu_stat){.is_dir = root || n->is_dir,
                     .modified_us = root ? start_us : n->modified_us,
                     .size_bytes = n && n->now ? (int64_t)n->now->len : 0};
    return 0;
}

static int sim_list_dir(cu_env *e, const char *path, cu_arena *a, cu_names *out,
                        cu_err *err)
{
    sim *s = (sim *)e;
    cu_buf buf = {0}, prefix = {0};
    cu_slice at = normal(&buf, path);
    node *n = find(s, at);
    int rc = 0;
    *out = (cu_names){0};
    if (!is_root(at) && (!n || !n->is_dir)) {
        rc = n ? cu_fail(err, CU_IO, 0, "cannot list %s: Not a directory", path)
               : missing(err, "list", path);
        goto out;
    }
    bool past = false;
    size_t cap = 0;
    cu_onode *o = first_below(s, &prefix, at);
    for (; o && !past; o = cu_onode_next(o)) {
        cu_slice name = child_name(o, &prefix, &past);
        const node *c = cu_onode_value(o);
        if (!name.data || (!c->is_dir && !c->now))
            continue;
        if (out->n == cap) {
            size_t more = cap ? cap * 2 : 32;
            char **names = cu_arena_alloc(a, more * sizeof(*names));
            if (cap)
                memcpy(names, out->names, cap * sizeof(*names));
            out->names = names;
            cap = more;
        }
        out->names[out->n++] = cu_arena_strn(a, name.data, name.len);
    }
out:
    cu_buf_free(&buf);
    cu_buf_free(&prefix);
    return rc;
}

static int sim_remove(cu_env *e, const char *path, cu_err *err)
{
    sim *s = (sim *)e;
    cu_arena *a = cu_arena_new(1024);
    cu_buf buf = {0};
    cu_slice at = normal(&buf, path);
    node *n = find(s, at);
    cu_names inside = {0};
    int rc = 0;
    if (!n) {
        rc = missing(err, "remove", path);
    } else if (n->is_dir) {
        rc = sim_list_dir(e, path, a, &inside, err);
        if (rc == 0 && inside.n > 0)
            rc = cu_fail(err, CU_EXISTS, 0,
                         "cannot remove %s: Directory not empty", path);
        if (rc == 0) {
            sync_folder(s, at);
            drop(s, at, n);
        }
    } else if (n->synced) {
        blob_set(&n->now, NULL);
    } else {
        drop(s, at, n);
    }
    cu_buf_free(&buf);
    cu_arena_free(a);
    return rc;
}

static int sim_open_in(cu_env *e, const char *path, cu_infile **out,
                       cu_err *err)
{
    node *n;
    int rc = find_file((sim *)e, "open", path, &n, err);
    if (rc)
        return rc;
    *out = cu_calloc(1, sizeof(**out));
    blob_set(&(*out)->content, n->now);
    return 0;
}

static int sim_read_at(cu_env *e, cu_infile *f, int64_t offset, char *to,
                       size_t max, size_t *got, cu_err *err)
{
    (void)e;
    (void)err;
    CU_ASSERT(offset >= 0);
    size_t at = (size_t)offset, len = f->content->len;
    *got = at >= len ? 0 : len - at < max ? len - at : max;
    if (*got)
        memcpy(to, f->content->data + at, *got);
    return 0;
}

static void sim_close_in(cu_env *e, cu_infile *f)
{
    (void)e;
    if (!f)
        return;
    blob_release(f->content);
    cu_free(f);
}

/* --- locks -------------------------------------------------------------- */

static int sim_lock(cu_env *e, const char *path, cu_lock **out, cu_err *err)
{
    sim *s = (sim *)e;
    cu_buf buf = {0};
    cu_slice at = normal(&buf, path);
    cu_slice dir = parent(at);
    int rc = 0;
    for (cu_lock *l = s->locks; l && rc == 0; l = l->next) {
        if (cu_slice_is(at, l->path))
            rc = cu_fail(err, CU_BUSY, CU_RETRY,
                         "%s is held by process 1; stop it first, or choose "
                         "another folder",
                         path);
    }
    if (rc == 0 && !is_root(dir) && !find(s, dir))
        rc = missing(err, "lock", path);
    if (rc == 0) {
        cu_lock *l = cu_calloc(1, sizeof(*l) + at.len + 1);
        memcpy(l->path, at.data, at.len);
        l->held = true;
        l->next = s->locks;
        s->locks = l;
        put_file(s, at, CU_LIT("1\n"));
        *out = l;
    }
    cu_buf_free(&buf);
    return rc;
}

/* After a crash the holder may still unwind and give its lock back. */
static void sim_unlock(cu_env *e, cu_lock *lock)
{
    sim *s = (sim *)e;
    if (!lock)
        return;
    for (cu_lock **at = &s->locks; lock->held && *at; at = &(*at)->next) {
        if (*at == lock) {
            *at = lock->next;
            break;
        }
    }
    cu_free(lock);
}

/* --- the world ---------------------------------------------------------- */

void cu_env_sim_crash(cu_env *e)
{
    sim *s = (sim *)e;
    s->stops = 0;
    while (s->locks) {
        s->locks->held = false;
        s->locks = s->locks->next;
    }
    cu_onode *o = cu_omap_seek(s->nodes, CU_LIT(""), false);
    while (o) {
        cu_onode *next = cu_onode_next(o);
        node *n = cu_onode_value(o);
        if (!n->is_dir && !n->synced) {
            drop(s, cu_onode_key(o), n);
        } else {
            blob_set(&n->now, n->synced);
            n->modified_us = n->is_dir ? n->modified_us : n->synced_modified_us;
        }
        o = next;
    }
}

static const char *sim_variable(cu_env *e, const char *name)
{
    (void)e;
    (void)name;
    return NULL;
}

static void sim_close(cu_env *e)
{
    sim *s = (sim *)e;
    CU_ASSERT(!s->locks);
    cu_onode *o = cu_omap_seek(s->nodes, CU_LIT(""), false);
    for (; o; o = cu_onode_next(o)) {
        node *n = cu_onode_value(o);
        blob_release(n->now);
        blob_release(n->synced);
        cu_free(n);
    }
    cu_omap_free(s->nodes);
    cu_free(s);
}

cu_env *cu_env_sim(uint64_t seed)
{
    static const cu_env_vt vt = {
        .version = 1,
        .wall_us = sim_wall_us,
        .mono_us = sim_mono_us,
        .chance = sim_chance,
        .sleep_us = sim_sleep_us,
        .fault = sim_fault,
        .stop_requested = sim_stop_requested,
        .read_file = sim_read_file,
        .write_file = sim_write_file,
        .open_out = sim_open_out,
        .write_out = sim_write_out,
        .end_out = sim_end_out,
        .stat = sim_stat,
        .list_dir = sim_list_dir,
        .make_dirs = sim_make_dirs,
        .remove = sim_remove,
        .open_in = sim_open_in,
        .read_at = sim_read_at,
        .close_in = sim_close_in,
        .lock = sim_lock,
        .unlock = sim_unlock,
        .variable = sim_variable,
        .close = sim_close,
    };
    sim *s = cu_calloc(1, sizeof(*s));
    s->base.vt = &vt;
    s->chance = seed;
    s->fault_chance = ~seed;
    s->nodes = cu_omap_new();
    return &s->base;
}
