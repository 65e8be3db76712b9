/* cupel version, and the versions of the libraries that are really loaded.
 *
 * The libraries are asked through the dynamic linker: their headers belong
 * to the files that use them, and what counts is what runs, not what was
 * compiled against.
 */
#include "ops/version.h"

#include "base/alloc.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>

static const struct {
    const char *name, *file, *function; /* const char *f(void), or NULL */
} libraries[] = {
    {"librdkafka", "librdkafka.so", "rd_kafka_version_str"},
    {"rocksdb", "librocksdb.so", NULL},
    {"libcurl", "libcurl.so", "curl_version"},
    {"simdjson", "libsimdjson.so", NULL},
    {"avro", "libavro.so", NULL},
    {"jansson", "libjansson.so", "jansson_version_str"},
    {"libmicrohttpd", "libmicrohttpd.so", "MHD_get_version"},
    {"libpq", "libpq.so", NULL},
    {"pcre2", "libpcre2-8.so", NULL},
};
enum { LIBRARIES = sizeof(libraries) / sizeof(*libraries) };

typedef struct searching {
    const char *file;
    char path[PATH_MAX];
} searching;

static int visit(struct dl_phdr_info *info, size_t size, void *ctx)
{
    searching *s = ctx;
    (void)size;
    const char *base = strrchr(info->dlpi_name, '/');
    if (base == NULL || strncmp(base + 1, s->file, strlen(s->file)))
        return 0;
    return realpath(info->dlpi_name, s->path) != NULL;
}

/* "/usr/lib/…/librocksdb.so.7.8.3" -> "7.8.3" */
static const char *from_file(const char *file, cu_arena *a)
{
    searching s = {.file = file};
    if (dl_iterate_phdr(visit, &s) == 0)
        return NULL;
    const char *so = strstr(s.path, ".so.");
    return so ? cu_arena_str(a, so + 4) : "?";
}

/* "libcurl/7.88.1 OpenSSL/3.0.20 …" -> "7.88.1": the first number. */
static const char *from_function(const char *name, cu_arena *a)
{
    void *symbol = dlsym(RTLD_DEFAULT, name);
    const char *(*f)(void);
    if (symbol == NULL)
        return NULL;
    memcpy(&f, &symbol, sizeof(f));
    const char *text = f();
    text += strcspn(text, "0123456789");
    return cu_arena_strn(a, text, strcspn(text, " "));
}

uint32_t cu_libraries(cu_library *out, uint32_t most, cu_arena *a)
{
    uint32_t n = 0;
    for (int i = 0; i < LIBRARIES && n < most; i++) {
        const char *v = NULL;
        if (libraries[i].function)
            v = from_function(libraries[i].function, a);
        if (v == NULL)
            v = from_file(libraries[i].file, a);
        if (v)
            out[n++] = (cu_library){libraries[i].name, v};
    }
    return n;
}

int cu_cmd_version(cu_cmd *c)
{
    static const char *const names[] = {"name", "version"};
    cu_library l[CU_MOST_LIBRARIES];
    uint32_t n = cu_libraries(l, CU_MOST_LIBRARIES, c->arena);
    cu_cells *t = cu_cells_new(c->arena, names, 2);
    if (c->o.output == CU_OUT_TEXT) {
        cu_print(c->out, "cupel %s\n", CUPEL_VERSION);
        for (uint32_t i = 0; i < n; i++)
            cu_print(c->out, "  %-14s %s\n", l[i].name, l[i].version);
        return 0;
    }
    const char *own[] = {"cupel", CUPEL_VERSION};
    cu_cells_add(t, own);
    for (uint32_t i = 0; i < n; i++) {
        const char *row[] = {l[i].name, l[i].version};
        cu_cells_add(t, row);
    }
    cu_cells_print(t, c);
    return 0;
}
