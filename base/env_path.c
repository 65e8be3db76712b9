/* Helpers over the env door: paths, globs, and the order of file names. */
#include "base/env.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

enum {
    MAX_DEPTH = 64,
    MAX_FOLDERS = 100000,
    MAX_MATCHES = 1000000,
};

char *cu_path_join(cu_arena *a, const char *dir, const char *name)
{
    size_t len = strlen(dir);
    if (name[0] == '/' || len == 0 || !strcmp(dir, "."))
        return cu_arena_str(a, name);
    return cu_arena_printf(a, dir[len - 1] == '/' ? "%s%s" : "%s/%s", dir,
                           name);
}

char *cu_path_dir(cu_arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return cu_arena_str(a, ".");
    while (slash > path && slash[-1] == '/')
        slash--;
    return slash == path ? cu_arena_str(a, "/")
                         : cu_arena_strn(a, path, (size_t)(slash - path));
}

const char *cu_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* --- order -------------------------------------------------------------- */

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(const char *s)
{
    size_t n = 0;
    while (digit(s[n]))
        n++;
    return n;
}

/* Digit runs compare as numbers of any length, all else as bytes; names
 * that differ in leading zeros only fall back to bytes. */
int cu_natural_cmp(const char *a, const char *b)
{
    const char *x = a, *y = b;
    while (*x && *y) {
        if (!digit(*x) || !digit(*y)) {
            if (*x != *y)
                return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
            x++;
            y++;
            continue;
        }
        while (*x == '0' && digit(x[1]))
            x++;
        while (*y == '0' && digit(y[1]))
            y++;
        size_t nx = digits(x), ny = digits(y);
        if (nx != ny)
            return nx < ny ? -1 : 1;
        int order = memcmp(x, y, nx);
        if (order)
            return order;
        x += nx;
        y += ny;
    }
    if (*x || *y)
        return *x ? 1 : -1;
    return strcmp(a, b);
}

/* --- globs -------------------------------------------------------------- */

/* Matches one character against [set]; returns the rest of the pattern, or
 * NULL when it does not match or the set does not end. */
static const char *match_set(const char *p, unsigned char c)
{
    bool invert = p[1] == '!' || p[1] == '^';
    bool in = false;
    const char *s = p + 1 + invert;
    do {
        unsigned char low = (unsigned char)*s, high = low;
        if (!low)
            return NULL;
        if (s[1] == '-' && s[2] && s[2] != ']') {
            high = (unsigned char)s[2];
            s += 2;
        }
        in = in || (c >= low && c <= high);
        s++;
    } while (*s != ']');
    return in != invert ? s + 1 : NULL;
}

/* Bytes of the character at s, so that ? takes a whole one. */
static size_t char_len(const char *s)
{
    size_t n = 1;
    if ((unsigned char)*s >= 0xc0) {
        while (((unsigned char)s[n] & 0xc0) == 0x80)
            n++;
    }
    return n;
}

/* One name against one part of a pattern; a star backs up one step only,
 * which is enough and linear in practice. */
static bool match_part(const char *p, const char *s)
{
    const char *star = NULL, *from = NULL;
    if (s[0] == '.' && p[0] != '.')
        return false;
    for (;;) {
        const char *rest = NULL;
        size_t step = 1;
        if (*p == '*') {
            star = ++p;
            from = s;
            continue;
        }
        if (!*s && !*p)
            return true;
        if (*s && *p == '?') {
            rest = p + 1;
            step = char_len(s);
        } else if (*s && *p == '[') {
            rest = match_set(p, (unsigned char)*s);
        } else if (*s && *p == '\\' && p[1] == *s) {
            rest = p + 2;
        } else if (*s && *p == *s) {
            rest = p + 1;
        }
        if (rest) {
            p = rest;
            s += step;
            continue;
        }
        if (!star || !*from)
            return false;
        p = star;
        s = ++from;
    }
}

typedef struct walk {
    cu_env *env;
    const char *root, *pattern;
    cu_arena *arena;
    char **found;
    size_t n, cap;
    size_t n_folders;
    uint64_t trail[MAX_DEPTH + 2]; /* ids of the folders on the way here */
    size_t n_trail;
    cu_err *err;
} walk;

static bool special(const char *part)
{
    return strpbrk(part, "*?[\\") != NULL;
}

static int add(walk *w, const char *path)
{
    if (w->n == MAX_MATCHES)
        return cu_fail(w->err, CU_LIMIT, 0,
                       "more than %d files under %s match %s; narrow the "
                       "pattern",
                       MAX_MATCHES, w->root, w->pattern);
    if (w->n == w->cap) {
        w->cap = w->cap ? w->cap * 2 : 64;
        w->found = cu_realloc(w->found, w->cap * sizeof(*w->found));
    }
    w->found[w->n++] = (char *)path;
    return 0;
}

static int visit(walk *w, const char *at, const char *pattern, int depth);

static bool on_trail(const walk *w, uint64_t id)
{
    for (size_t i = 0; i < w->n_trail; i++) {
        if (id && w->trail[i] == id)
            return true;
    }
    return false;
}

/* `path` matched the part before `rest`: a file at the end, or a folder to
 * go on in, unless a double star (`deep`) came through it already by a link.
 * What vanished meanwhile does not match. */
static int advance(walk *w, const char *path, const char *rest, int depth,
                   bool deep)
{
    cu_stat st;
    cu_err gone;
    const char *full = cu_path_join(w->arena, w->root, path);
    if (w->env->vt->stat(w->env, full, &st, &gone))
        return 0;
    if (!rest)
        return st.is_dir ? 0 : add(w, path);
    if (!st.is_dir || (deep && on_trail(w, st.id)))
        return 0;
    w->trail[w->n_trail++] = st.id;
    int rc = visit(w, path, rest, depth + 1);
    w->n_trail--;
    return rc;
}

/* Entries of the folder `at` against one part; with `deep` (the part is a
 * double star) into every folder, and the rest of the pattern in each. */
static int each_entry(walk *w, const char *at, const char *part,
                      const char *rest, int depth)
{
    bool deep = !strcmp(part, "**");
    cu_names names;
    if (++w->n_folders > MAX_FOLDERS)
        return cu_fail(w->err, CU_LIMIT, 0,
                       "more than %d folders under %s; narrow the pattern %s",
                       MAX_FOLDERS, w->root, w->pattern);
    cu_err err = {0};
    int rc = w->env->vt->list_dir(w->env, cu_path_join(w->arena, w->root, at),
                                  w->arena, &names, &err);
    if (rc == CU_NOT_FOUND && at[0])
        return 0; /* removed meanwhile */
    if (rc && w->err)
        *w->err = err;
    if (rc)
        return rc;
    for (size_t i = 0; i < names.n && rc == 0; i++) {
        if (!match_part(deep ? "*" : part, names.names[i]))
            continue;
        const char *path = cu_path_join(w->arena, at, names.names[i]);
        if (!deep) {
            rc = advance(w, path, rest, depth, false);
        } else {
            const char *again = rest ? cu_arena_printf(w->arena, "**/%s", rest)
                                     : "**";
            rc = advance(w, path, again, depth, true);
            if (rc == 0 && !rest)
                rc = advance(w, path, NULL, depth, true);
        }
    }
    return rc;
}

static int visit(walk *w, const char *at, const char *pattern, int depth)
{
    if (depth > MAX_DEPTH)
        return cu_fail(w->err, CU_LIMIT, 0,
                       "folders under %s are nested more than %d deep", w->root,
                       MAX_DEPTH);
    const char *slash = strchr(pattern, '/');
    const char *rest = NULL;
    char *part = cu_arena_str(w->arena, pattern);
    if (slash) {
        part[slash - pattern] = 0;
        rest = slash + 1;
        while (*rest == '/')
            rest++;
    }
    if (!strcmp(part, "**")) {
        int rc = rest ? visit(w, at, rest, depth + 1) : 0;
        return rc ? rc : each_entry(w, at, part, rest, depth);
    }
    if (special(part))
        return each_entry(w, at, part, rest, depth);
    return advance(w, cu_path_join(w->arena, at, part), rest, depth, false);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int cu_glob(cu_env *e, const char *dir, const char *pattern, cu_arena *a,
            cu_names *out, cu_err *err)
{
    walk w = {.env = e, .pattern = pattern, .arena = a, .err = err};
    bool absolute = pattern[0] == '/';
    w.root = absolute ? "/" : dir;
    cu_stat st = {0};
    if (e->vt->stat(e, w.root, &st, NULL) == 0)
        w.trail[w.n_trail++] = st.id;
    *out = (cu_names){0};
    int rc = visit(&w, "", pattern + absolute, 0);
    if (rc)
        goto out;
    if (w.n > 0)
        qsort(w.found, w.n, sizeof(*w.found), by_bytes);
    size_t n = 0;
    for (size_t i = 0; i < w.n; i++) {
        if (n > 0 && !strcmp(w.found[n - 1], w.found[i]))
            continue; /* two double stars reach it twice */
        w.found[n++] = absolute ? cu_path_join(a, "/", w.found[i]) : w.found[i];
    }
    out->names = cu_arena_dup(a, w.found, n * sizeof(*w.found));
    out->n = n;
out:
    cu_free(w.found);
    return rc;
}
