/* What is to be done with a file.
 *
 *     never seen                                       read from the start
 *     size, time and identity as committed             nothing
 *     APPEND    the bytes before our position are      read on
 *               unchanged; else                        refuse, once
 *     WHOLE     all bytes as committed                 nothing
 *               the reading of them was cut short      read on
 *               else                                   read from the start
 *     SNAPSHOT  the same, but never read on
 *
 * Size and time are believed only when the file was at rest for a while
 * before we looked at it: a change within one tick of the clock leaves no
 * other trace.
 *
 * Values of the cursor (item = file name):
 *
 *   {"v":1,"size":…,"mtime":…,"id":…,"seen":…,"pos":…,"line":…,
 *    "hash":"16 hex digits"[,"part":true][,"dead":true][,"open":true]}
 */
#include "producers/files.h"

#include "base/alloc.h"
#include "base/diag.h"

#include <stdarg.h>

enum { REST_US = 2000000 };

/* --- the cursor ---------------------------------------------------------- */

static cu_file_known known_of(const cu_files_half *h, const char *name)
{
    cu_slice v = cu_cursor_get(h->c, cu_slice_of(name));
    if (!v.data)
        return (cu_file_known){.line = 1};
    return (cu_file_known){
        .known = true,
        .part = cu_cursor_int(v, "part", 0),
        .dead = cu_cursor_int(v, "dead", 0),
        .open = cu_cursor_int(v, "open", 0),
        .size_bytes = cu_cursor_int(v, "size", -1),
        .modified_us = cu_cursor_int(v, "mtime", 0),
        .seen_us = cu_cursor_int(v, "seen", 0),
        .id = (uint64_t)cu_cursor_int(v, "id", 0),
        .position = cu_cursor_int(v, "pos", 0),
        .line = cu_cursor_int(v, "line", 1),
        .hash = cu_cursor_hex(v, "hash"),
    };
}

int cu_file_put(cu_files_half *h, const cu_file_known *k, cu_err *err)
{
    const cu_file *f = &h->f;
    const char *value = cu_arena_printf(
        h->c->scratch,
        "{\"v\":1,\"size\":%lld,\"mtime\":%lld,\"id\":%lld,\"seen\":%lld,"
        "\"pos\":%lld,\"line\":%lld,\"hash\":\"%016llx\"%s%s%s}",
        (long long)f->stat.size_bytes, (long long)f->stat.modified_us,
        (long long)(f->stat.id & INT64_C(0xffffffffffff)),
        (long long)f->seen_us, (long long)k->position, (long long)k->line,
        (unsigned long long)k->hash, k->part ? ",\"part\":true" : "",
        k->dead ? ",\"dead\":true" : "", k->open ? ",\"open\":true" : "");
    return cu_publish_cursor(h->c, cu_slice_of(f->name), cu_slice_of(value),
                             err);
}

static bool same_stat(const cu_file *f)
{
    return f->known.known && f->known.size_bytes == f->stat.size_bytes &&
           f->known.modified_us == f->stat.modified_us &&
           f->known.id == (f->stat.id & UINT64_C(0xffffffffffff));
}

static bool at_rest(const cu_file_known *k)
{
    return k->seen_us - k->modified_us > REST_US;
}

/* --- verdicts ------------------------------------------------------------ */

void cu_file_close(cu_files_half *h)
{
    cu_file *f = &h->f;
    cu_env *env = h->c->o.env;
    if (f->in)
        env->vt->close_in(env, f->in);
    cu_framer_free(f->framer);
    cu_free(f->path);
    h->c->counts.done += f->stat.size_bytes - f->told;
    *f = (cu_file){0};
    h->state = CU_FILE_NONE;
}

/* Nothing to read; the cursor learns size and time if that saves work. */
static int unchanged(cu_files_half *h, cu_err *err)
{
    cu_file *f = &h->f;
    int rc = 0;
    bool rests = f->seen_us - f->stat.modified_us > REST_US;
    if (!same_stat(f) || (rests && !at_rest(&f->known)))
        rc = cu_file_put(h, &f->known, err);
    h->c->pending.unchanged += !f->known.dead;
    cu_file_close(h);
    return rc;
}

int cu_file_refuse(cu_files_half *h, uint32_t sqlstate, cu_slice value,
                   cu_err *err, const char *format, ...)
{
    cu_file *f = &h->f;
    int rc = 0;
    if (!f->known.dead) {
        va_list ap;
        va_start(ap, format);
        const char *why = cu_arena_vprintf(h->c->scratch, format, ap);
        va_end(ap);
        cu_letter_out l = {.sqlstate = sqlstate, .value = value};
        cu_letter_put(&l, CU_H_FILE, cu_slice_of(f->name));
        l.message = cu_arena_printf(h->c->scratch, "%s: %s", f->path, why);
        cu_warn("table %s: %s", h->c->o.table, l.message);
        rc = cu_publish_letter(h->c, &l, err);
    }
    cu_file_known k = f->known;
    k.dead = true;
    k.part = false;
    if (!rc)
        rc = cu_file_put(h, &k, err);
    cu_file_close(h);
    return rc;
}

static int changed(cu_files_half *h, cu_err *err)
{
    return cu_file_refuse(
        h, CU_STATE_CHANGED, CU_LIT(""), err,
        "bytes that were read before have changed, and mode 'append' only "
        "reads on; restore them, or give the new content a name of its own");
}

bool cu_file_ends(const cu_files_half *h)
{
    return !h->c->o.follow || h->s->mode != CU_FILES_APPEND ||
           h->s->framing == CU_FRAME_WHOLE;
}

static int look_append(cu_files_half *h, cu_err *err)
{
    const cu_file_known *k = &h->f.known;
    if (k->position == 0)
        return cu_file_start(h, 0, 1, err);
    if (h->f.stat.size_bytes < k->position ||
        (h->s->framing == CU_FRAME_WHOLE &&
         h->f.stat.size_bytes != k->position))
        return changed(h, err);
    h->state = CU_FILE_SUMMING;
    h->sum_to = k->position;
    return 0;
}

int cu_file_look(cu_files_half *h, const char *name, cu_err *err)
{
    cu_file *f = &h->f;
    cu_env *env = h->c->o.env;
    *f = (cu_file){.name = name};
    char *path = cu_path_join(h->c->scratch, h->s->dir, name);
    int rc = env->vt->stat(env, path, &f->stat, err);
    if (!rc && !f->stat.is_dir)
        rc = env->vt->open_in(env, path, &f->in, err);
    if (rc == CU_NOT_FOUND || f->stat.is_dir) {
        /* It went away since the folder was listed. */
        cu_err_clear(err);
        f->stat.size_bytes = 0;
        cu_file_close(h);
        return 0;
    }
    if (rc)
        return rc;
    f->path = cu_strdup(path);
    f->seen_us = cu_wall_us(env);
    f->partition = cu_partition_of(cu_slice_of(name), h->c->o.partitions);
    f->known = known_of(h, name);
    bool more = f->known.part || (f->known.open && cu_file_ends(h));
    if (same_stat(f) && at_rest(&f->known) && !more)
        return unchanged(h, err);
    bool fresh = f->seen_us - f->stat.modified_us <= REST_US;
    if (h->c->o.follow && cu_file_ends(h) && fresh &&
        f->seen_us >= f->stat.modified_us) {
        cu_file_close(h); /* somebody may be writing it still */
        return 0;
    }
    if (h->s->mode == CU_FILES_APPEND)
        return look_append(h, err);
    h->state = CU_FILE_SUMMING;
    h->sum_to = -1;
    return 0;
}

/* The hash of what was asked for is there. */
static int judge(cu_files_half *h, uint64_t hash, int64_t end, cu_err *err)
{
    cu_file *f = &h->f;
    const cu_file_known *k = &f->known;
    bool same = k->known && k->hash == hash;
    if (h->s->mode == CU_FILES_APPEND) {
        if (!same || end < k->position)
            return changed(h, err);
        if (f->stat.size_bytes == k->position && !k->dead && !k->part)
            return unchanged(h, err);
        return cu_file_start(h, k->position, k->line, err);
    }
    f->content = hash;
    if (same && !k->part)
        return unchanged(h, err);
    if (same && h->s->mode == CU_FILES_WHOLE)
        return cu_file_start(h, k->position, k->line, err);
    return cu_file_start(h, 0, 1, err);
}

int cu_file_sum_some(cu_files_half *h, int64_t until_us, cu_err *err)
{
    bool done;
    int64_t end;
    uint64_t hash;
    int rc = cu_sum_some(h, h->sum_to, until_us, &done, &end, &hash, err);
    return rc || !done ? rc : judge(h, hash, end, err);
}
