/* Time zones: TZif files of the tzdata package, and fixed offsets.
 *
 *   "TZif" | version | 15 zero bytes | six u32 counts | block 1 (32 bits)
 *   "TZif" | version | 15 zero bytes | six u32 counts | block 2 (64 bits):
 *     transition times i64[] | types u8[] | ttinfo {i32 offset, u8 dst,
 *     u8 abbreviation}[] | abbreviations | leap seconds | two flag arrays
 *   \n rule \n         for all that comes after the last transition
 *
 * The C library's localtime() is never asked: what a view says must not
 * depend on the TZ variable of the process.  Names are looked up like
 * PostgreSQL does it: an abbreviation first (so "CET" has no summer time),
 * then a file of that name in any case, then a POSIX rule ("PST8PDT", "+02",
 * which counts west as positive there).
 *
 * Zones are made once, never change and are never freed; the list of them
 * is the only thing under the lock.
 */
#include "base/alloc.h"
#include "base/env.h"
#include "rows/int.h"
#include "rows/text.h"
#include "rows/time_int.h"
#include "rows/zone_rule.h"

#include <pthread.h>

/* Seconds between 1970 and 2000. */
#define UNIX_SHIFT INT64_C(946684800)

enum { MOST_NAME = 63, MOST_FILE = 1 << 20 };

struct kind {
    int32_t east;
    bool dst;
    char abbreviation[12];
};

struct cu_zone {
    char name[MOST_NAME + 1];
    uint32_t n;     /* transitions */
    int64_t *times; /* seconds since 2000, ascending */
    uint8_t *types; /* kind from there on */
    struct kind *kinds;
    uint32_t n_kinds;
    uint32_t first; /* kind before the first transition */
    struct zone_rule rule;
    bool has_rule;
    struct cu_zone *next;
};

static struct kind utc_kind = {0, false, "UTC"};
static struct cu_zone utc = {.name = "UTC", .kinds = &utc_kind, .n_kinds = 1};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cu_zone *known = &utc;

const cu_zone *cu_zone_utc(void)
{
    return &utc;
}

const char *cu_zone_name(const cu_zone *z)
{
    return z->name;
}

/* --- asking ------------------------------------------------------------- */

/* The first transition after t; n: none. */
static uint32_t first_after(const cu_zone *z, int64_t t)
{
    uint32_t low = 0, high = z->n;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (z->times[mid] <= t)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The kind that holds at t (seconds since 2000); NULL: ask the rule. */
static const struct kind *kind_at(const cu_zone *z, int64_t t)
{
    uint32_t after = first_after(z, t);
    if (after == z->n && z->has_rule)
        return NULL;
    return &z->kinds[after ? z->types[after - 1] : z->first];
}

static int32_t east_at(const cu_zone *z, int64_t t)
{
    const struct kind *k = kind_at(z, t);
    if (k)
        return k->east;
    return cu_zone_rule_is_dst(&z->rule, t) ? z->rule.dst_east
                                            : z->rule.std_east;
}

int32_t cu_zone_offset_at(const cu_zone *z, int64_t utc_us)
{
    return east_at(z, floor_div(utc_us, US_SECOND));
}

const char *cu_zone_abbreviation(const cu_zone *z, int64_t utc_us)
{
    int64_t t = floor_div(utc_us, US_SECOND);
    const struct kind *k = kind_at(z, t);
    if (k)
        return k->abbreviation;
    return cu_zone_rule_is_dst(&z->rule, t) ? z->rule.dst : z->rule.std;
}

/* When that is; INT64_MAX: never. */
static int64_t next_after(const cu_zone *z, int64_t t)
{
    uint32_t i = first_after(z, t);
    if (i < z->n)
        return z->times[i];
    return z->has_rule ? cu_zone_rule_next(&z->rule, t) : INT64_MAX;
}

int64_t cu_zone_to_utc(const cu_zone *z, int64_t local_us)
{
    int64_t local = floor_div(local_us, US_SECOND);
    /* A day earlier than any offset can move it. */
    int64_t start = local - 86400;
    int64_t boundary = next_after(z, start);
    int32_t before = east_at(z, start), east = before;
    if (boundary != INT64_MAX) {
        int32_t after = east_at(z, boundary);
        int64_t as_before = local - before, as_after = local - after;
        if (as_before < boundary && as_after < boundary)
            east = before;
        else if (as_before > boundary && as_after >= boundary)
            east = after;
        else /* a gap: as if it had not come yet; an overlap: the second */
            east = as_before > as_after ? before : after;
    }
    return local_us - east * US_SECOND;
}

/* --- files -------------------------------------------------------------- */

struct counts {
    uint32_t utc_flags, std_flags, leaps, times, types, chars;
};

static bool read_header(cu_scan *s, uint8_t *version, struct counts *c)
{
    cu_slice magic = cu_scan_bytes(s, 4);
    *version = cu_scan_u8(s);
    cu_scan_bytes(s, 15);
    c->utc_flags = cu_scan_u32be(s);
    c->std_flags = cu_scan_u32be(s);
    c->leaps = cu_scan_u32be(s);
    c->times = cu_scan_u32be(s);
    c->types = cu_scan_u32be(s);
    c->chars = cu_scan_u32be(s);
    return !s->bad && !memcmp(magic.data, "TZif", 4) && c->times < 10000 &&
           c->types >= 1 && c->types < 256 && c->chars < 10000 &&
           c->leaps < 10000;
}

static void free_zone(struct cu_zone *z)
{
    cu_free(z->times);
    cu_free(z->types);
    cu_free(z->kinds);
    cu_free(z);
}

static bool read_kinds(cu_scan *s, const struct counts *c, struct cu_zone *z)
{
    uint8_t at[256];
    z->n_kinds = c->types;
    z->kinds = cu_calloc(c->types, sizeof(*z->kinds));
    for (uint32_t i = 0; i < c->types; i++) {
        z->kinds[i].east = (int32_t)cu_scan_u32be(s);
        z->kinds[i].dst = cu_scan_u8(s);
        at[i] = cu_scan_u8(s);
    }
    cu_slice names = cu_scan_bytes(s, c->chars);
    if (s->bad)
        return false;
    for (uint32_t i = 0; i < c->types; i++)
        for (size_t k = 0; k < 11 && at[i] + k < names.len; k++) {
            if (!names.data[at[i] + k])
                break;
            z->kinds[i].abbreviation[k] = names.data[at[i] + k];
        }
    return true;
}

static bool read_file(cu_slice file, struct cu_zone *z)
{
    cu_scan s = cu_scan_of(file);
    uint8_t version;
    struct counts c;
    if (!read_header(&s, &version, &c) || version < '2')
        return false;
    cu_scan_bytes(&s, 5 * (size_t)c.times + 6 * (size_t)c.types + c.chars +
                          8 * (size_t)c.leaps + c.std_flags + c.utc_flags);
    if (!read_header(&s, &version, &c))
        return false;
    z->n = c.times;
    z->times = cu_calloc(c.times, sizeof(*z->times));
    z->types = cu_calloc(c.times, 1);
    for (uint32_t i = 0; i < c.times; i++)
        z->times[i] = (int64_t)cu_scan_u64be(&s) - UNIX_SHIFT;
    for (uint32_t i = 0; i < c.times; i++) {
        z->types[i] = cu_scan_u8(&s);
        if (z->types[i] >= c.types)
            return false;
    }
    if (!read_kinds(&s, &c, z))
        return false;
    while (z->first + 1 < z->n_kinds && z->kinds[z->first].dst)
        z->first++;
    cu_scan_bytes(&s, 12 * (size_t)c.leaps + c.std_flags + c.utc_flags);
    if (s.bad)
        return false;
    if (cu_scan_left(&s) > 2 && *s.p == '\n') {
        cu_slice rule = {s.p + 1, cu_scan_left(&s) - 2};
        z->has_rule = cu_zone_rule_parse(rule, &z->rule);
    }
    return true;
}

/* --- finding ------------------------------------------------------------ */

static bool is_name(cu_slice name)
{
    if (!name.len || name.len > MOST_NAME || name.data[0] == '/')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool dot_dot = c == '.' && i + 1 < name.len && name.data[i + 1] == '.';
        if (dot_dot ||
            (!is_alpha(c) && !is_digit(c) && !strchr("_+-/:,.<>", c)))
            return false;
    }
    return true;
}

static bool same_name(const char *a, cu_slice b)
{
    size_t i = 0;
    for (; i < b.len && a[i]; i++)
        if (to_lower(a[i]) != to_lower(b.data[i]))
            return false;
    return i == b.len && !a[i];
}

/* The path as it is spelled on disk: one folder after the other. */
static char *find_path(cu_env *env, const char *root, cu_slice name,
                       cu_arena *a)
{
    char *path = cu_arena_str(a, root);
    while (name.len) {
        const char *slash = memchr(name.data, '/', name.len);
        cu_slice part = {name.data,
                         slash ? (size_t)(slash - name.data) : name.len};
        cu_names entries;
        size_t i = 0;
        if (env->vt->list_dir(env, path, a, &entries, NULL))
            return NULL;
        while (i < entries.n && !same_name(entries.names[i], part))
            i++;
        if (i == entries.n)
            return NULL;
        path = cu_path_join(a, path, entries.names[i]);
        size_t used = part.len + (slash != NULL);
        name = (cu_slice){name.data + used, name.len - used};
    }
    return path;
}

static bool load(cu_env *env, cu_slice name, cu_arena *a, struct cu_zone *z)
{
    const char *set = env->vt->variable(env, "TZDIR");
    const char *root = set && *set ? set : "/usr/share/zoneinfo";
    size_t root_len = strlen(root) + 1;
    cu_slice file;
    char *path = cu_path_join(a, root, cu_arena_strn(a, name.data, name.len));
    if (env->vt->read_file(env, path, MOST_FILE, a, &file, NULL)) {
        path = find_path(env, root, name, a);
        if (!path || env->vt->read_file(env, path, MOST_FILE, a, &file, NULL))
            return false;
    }
    memcpy(z->name, path + root_len, name.len);
    return read_file(file, z);
}

static struct cu_zone *make(cu_env *env, cu_slice name)
{
    struct cu_zone *z = cu_calloc(1, sizeof(*z));
    int32_t east;
    memcpy(z->name, name.data, name.len);
    if (cu_zone_abbreviation_offset(name, &east)) {
        z->n_kinds = 1;
        z->kinds = cu_calloc(1, sizeof(*z->kinds));
        z->kinds->east = east;
        for (size_t i = 0; i < name.len && i < 11; i++)
            z->kinds->abbreviation[i] = name.data[i];
        return z;
    }
    cu_arena *scratch = cu_arena_new(0);
    bool ok = load(env, name, scratch, z);
    cu_arena_free(scratch);
    if (!ok && !z->n_kinds)
        ok = z->has_rule = cu_zone_rule_parse(name, &z->rule);
    if (!ok) {
        free_zone(z);
        return NULL;
    }
    return z;
}

int cu_zone_open(struct cu_env *env, cu_slice name, const cu_zone **out,
                 cu_err *err)
{
    struct cu_zone *z = NULL;
    if (is_name(name)) {
        pthread_mutex_lock(&lock);
        for (z = known; z && !same_name(z->name, name);)
            z = z->next;
        if (!z && (z = make(env, name))) {
            z->next = known;
            known = z;
        }
        pthread_mutex_unlock(&lock);
    }
    if (!z)
        return BAD_DATA(err, STATE_PARAMETER,
                        "time zone \"%.*s\" not recognized", SHOWN(name));
    *out = z;
    return 0;
}

/* --- abbreviations ------------------------------------------------------ */

bool cu_zone_abbreviation_offset(cu_slice word, int32_t *seconds)
{
    /* Those with one fixed meaning; minutes east. */
    static const struct {
        char name[7];
        int16_t minutes;
    } all[] = {
        {"z", 0},       {"utc", 0},      {"gmt", 0},     {"ut", 0},
        {"uct", 0},     {"zulu", 0},     {"wet", 0},     {"bst", 60},
        {"wetdst", 60}, {"cet", 60},     {"met", 60},    {"mez", 60},
        {"cest", 120},  {"cetdst", 120}, {"mest", 120},  {"mesz", 120},
        {"eet", 120},   {"sast", 120},   {"ist", 120},   {"eest", 180},
        {"idt", 180},   {"eat", 180},    {"fet", 180},   {"msd", 240},
        {"irt", 210},   {"aft", 270},    {"pkt", 300},   {"npt", 345},
        {"bdt", 360},   {"mmt", 390},    {"ict", 420},   {"hkt", 480},
        {"myt", 480},   {"pht", 480},    {"awst", 480},  {"jst", 540},
        {"kst", 540},   {"acst", 570},   {"aest", 600},  {"acdt", 630},
        {"aedt", 660},  {"nzst", 720},   {"nzt", 720},   {"nzdt", 780},
        {"wat", 60},    {"nst", -210},   {"ndt", -150},  {"ast", -240},
        {"adt", -180},  {"brt", -180},   {"brst", -120}, {"est", -300},
        {"edt", -240},  {"cst", -360},   {"cdt", -300},  {"mst", -420},
        {"mdt", -360},  {"pst", -480},   {"pdt", -420},  {"akst", -540},
        {"akdt", -480}, {"hst", -600},   {"cot", -300},  {"pet", -300},
        {"bot", -240},  {"uyt", -180},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        if (is_word(word, all[i].name)) {
            *seconds = all[i].minutes * 60;
            return true;
        }
    }
    return false;
}
