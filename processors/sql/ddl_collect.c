/* What collectors are told: http and files tables. */
#include "processors/sql/ddl_table.h"

#define BAD     CU_SQLSTATE('2', '2', '0', '2', '3')
#define MISSING CU_SQLSTATE('H', 'V', '0', '0', 'J')

/* --- for_each ------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char *trimmed(cu_arena *a, const char *from, const char *to)
{
    while (from < to && is_blank(*from))
        from++;
    while (to > from && is_blank(to[-1]))
        to--;
    return cu_arena_strn(a, from, (size_t)(to - from));
}

/* Values between commas; empty ones and repetitions are left out. */
static void values(cu_arena *a, const char *from, const char *to,
                   cu_for_each *out)
{
    const char **list = NULL;
    while (from <= to) {
        const char *comma = memchr(from, ',', (size_t)(to - from));
        const char *end = comma ? comma : to;
        const char *v = trimmed(a, from, end);
        bool known = !*v;
        for (uint32_t i = 0; i < out->n_values; i++)
            known = known || !strcmp(list[i], v);
        if (!known) {
            list = cu_sql_grow(a, list, out->n_values, sizeof *list);
            list[out->n_values++] = v;
        }
        from = end + 1;
    }
    out->values = list;
}

static bool add(cu_table_maker *t, const cu_opt *o, const char *name,
                const char *from, const char *to)
{
    cu_arena *a = t->s->arena;
    cu_for_each f = {.name = name};
    values(a, from, to, &f);
    bool good = *name && f.n_values > 0;
    for (const char *p = name; *p; p++)
        good = good && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                        (*p >= '0' && *p <= '9') || *p == '_');
    for (uint32_t i = 0; i < t->n_for_each; i++)
        good = good && strcmp(t->for_each[i].name, name) != 0;
    if (!good || !strcmp(name, "page_offset")) {
        cu_option_bad(t->s, o,
                      "Expected a name and its values, for example "
                      "'subject: fantasy, love'; several names are separated "
                      "by \";\".");
        return false;
    }
    t->for_each = cu_sql_grow(a, t->for_each, t->n_for_each,
                              sizeof *t->for_each);
    t->for_each[t->n_for_each++] = f;
    return true;
}

bool cu_ddl_for_each(cu_table_maker *t)
{
    const cu_opt *o = &t->o[CU_TO_FOR_EACH];
    bool good = true;
    for (const char *p = o->at ? o->text : ""; *p;) {
        const char *end = p + strcspn(p, ";");
        const char *colon = memchr(p, ':', (size_t)(end - p));
        const char *name = colon ? trimmed(t->s->arena, p, colon) : "";
        good = add(t, o, name, colon ? colon + 1 : end, end) && good;
        p = *end ? end + 1 : end;
    }
    for (uint32_t i = 0; i < t->st->n_columns; i++) {
        const cu_opt *c = &t->col[i][CU_CO_FOR_EACH];
        if (c->at)
            good = add(t, c, t->st->columns[i].name, c->text,
                       c->text + strlen(c->text)) &&
                   good;
    }
    return good;
}

/* --- http ----------------------------------------------------------------- */

/* Checks the {names} of a template; marks for_each names that it uses. */
static bool template(cu_table_maker *t, const cu_opt *o, bool *used,
                     bool *paged)
{
    bool good = true;
    for (const char *p = o->text; p && (p = strchr(p, '{'));) {
        const char *end = strchr(p, '}');
        if (!end) {
            cu_option_bad(t->s, o, "A \"{\" needs a \"}\".");
            return false;
        }
        const char *name = cu_arena_strn(t->s->arena, p + 1,
                                         (size_t)(end - p - 1));
        bool known = false;
        for (uint32_t i = 0; i < t->n_for_each; i++) {
            if (!strcmp(t->for_each[i].name, name))
                known = used[i] = true;
        }
        if (!strcmp(name, "page_offset") &&
            cu_option_int(&t->o[CU_TO_PAGINATOR], 0))
            known = *paged = true;
        if (!known) {
            cu_sql_error(t->s, o->at->value_pos, BAD,
                         "Names come from for_each; {page_offset} from "
                         "paginator 'offset'.",
                         "nothing fills {%s} in option \"%s\"", name,
                         o->at->name);
            good = false;
        }
        p = end + 1;
    }
    return good;
}

static bool pages_need(cu_table_maker *t, uint32_t option, const char *name,
                       const char *example)
{
    if (t->o[option].at)
        return true;
    cu_sql_error(
        t->s, t->o[CU_TO_PAGINATOR].at->value_pos, MISSING,
        cu_arena_printf(t->s->problem_arena, "Add: %s '%s'", name, example),
        "paginator 'offset' needs the option \"%s\"", name);
    return false;
}

static bool paginator(cu_table_maker *t, cu_http_source *h, bool paged)
{
    const cu_opt *o = t->o;
    h->paginator = cu_option_int(&o[CU_TO_PAGINATOR], 0) ? CU_PAGE_OFFSET
                                                         : CU_PAGE_NONE;
    h->limit = cu_option_int(&o[CU_TO_LIMIT], 0);
    h->total_path = o[CU_TO_TOTAL_PATH].text;
    h->items_path = o[CU_TO_ITEMS_PATH].text;
    if (h->paginator == CU_PAGE_NONE)
        return true;
    bool good = pages_need(t, CU_TO_LIMIT, "limit", "100");
    good = pages_need(t, CU_TO_TOTAL_PATH, "total_path", "$.work_count") &&
           good;
    if (o[CU_TO_LIMIT].at && o[CU_TO_LIMIT].i < 1) {
        cu_option_bad(t->s, &o[CU_TO_LIMIT], "Expected a number from 1 on.");
        good = false;
    }
    if (!paged) {
        cu_sql_error(t->s, o[CU_TO_PAGINATOR].at->value_pos, MISSING,
                     "Write params 'limit=100&offset={page_offset}'.",
                     "paginator 'offset' needs {page_offset} in path or "
                     "params");
        good = false;
    }
    /* What must be there besides the total is the page's items. */
    for (uint32_t i = 0; !h->items_path && i < h->n_require; i++) {
        if (h->total_path && strcmp(h->require[i], h->total_path) != 0)
            h->items_path = h->require[i];
    }
    return good;
}

bool cu_ddl_http(cu_table_maker *t)
{
    const cu_opt *o = t->o;
    cu_http_source *h = cu_arena_calloc(t->s->arena, 1, sizeof *h);
    *h = t->server->http;
    h->path = o[CU_TO_PATH].text;
    h->params = o[CU_TO_PARAMS].text;
    h->for_each = t->for_each;
    h->n_for_each = t->n_for_each;
    h->require = o[CU_TO_REQUIRE].list;
    h->n_require = o[CU_TO_REQUIRE].n;
    h->every_ms = cu_option_int(&o[CU_TO_EVERY], 0);
    h->max_body_bytes = (size_t)cu_option_int(&o[CU_TO_MAX_BODY], 0);
    bool *used = cu_arena_calloc(t->s->arena, t->n_for_each + 1, sizeof *used);
    bool paged = false, good = true;
    if (h->path && (h->path[0] != '/' || strpbrk(h->path, " \t\r\n#"))) {
        cu_option_bad(t->s, &o[CU_TO_PATH],
                      "Expected a path that starts with \"/\".");
        good = false;
    }
    good = template(t, &o[CU_TO_PATH], used, &paged) && good;
    good = template(t, &o[CU_TO_PARAMS], used, &paged) && good;
    for (uint32_t i = 0; good && i < t->n_for_each; i++) {
        if (used[i])
            continue;
        cu_sql_error(t->s, t->st->name_pos, BAD,
                     "Without it every value would fetch the same page.",
                     "{%s} of for_each is in neither path nor params",
                     t->for_each[i].name);
        good = false;
    }
    good = paginator(t, h, paged) && good;
    t->def->http = h;
    return good;
}

/* --- files ---------------------------------------------------------------- */

static cu_framing framing(cu_format f)
{
    switch (f) {
    case CU_FORMAT_JSON:
    case CU_FORMAT_DEBEZIUM_JSON:
        return CU_FRAME_JSON;
    case CU_FORMAT_CSV:
        return CU_FRAME_CSV;
    case CU_FORMAT_TEXT:
        return CU_FRAME_LINES;
    case CU_FORMAT_BYTES:
    case CU_FORMAT_AVRO:
    case CU_FORMATS:
        break;
    }
    return CU_FRAME_WHOLE;
}

static cu_file_mode file_mode(cu_table_mode m)
{
    switch (m) {
    case CU_MODE_APPEND:
    case CU_MODE_CHANGELOG:
        break;
    case CU_MODE_UPSERT:
        return CU_FILES_WHOLE;
    case CU_MODE_SNAPSHOT:
        return CU_FILES_SNAPSHOT;
    }
    return CU_FILES_APPEND;
}

/* NOT NULL columns: a CSV whose header lacks one is refused as a file. */
static void required_headers(cu_table_maker *t, cu_files_source *f)
{
    const cu_codec_spec *c = &t->def->codec;
    const char **list = cu_arena_calloc(t->s->arena, c->n_cols + 1,
                                        sizeof *list);
    if (c->format != CU_FORMAT_CSV || c->csv_by_position)
        return;
    for (uint32_t i = 0; i < c->n_cols; i++) {
        const cu_codec_col *col = &c->cols[i];
        if (col->from == CU_FROM_VALUE && col->not_null)
            list[f->n_csv_required++] = col->path ? col->path : col->name;
    }
    f->csv_required = list;
}

bool cu_ddl_files(cu_table_maker *t)
{
    const cu_opt *o = t->o;
    cu_files_source *f = cu_arena_calloc(t->s->arena, 1, sizeof *f);
    f->dir = t->server->dir;
    f->glob = o[CU_TO_GLOB].text;
    f->framing = framing(t->def->codec.format);
    f->csv_headerless = t->def->codec.csv_by_position;
    f->csv_delimiter = t->def->codec.csv_delimiter;
    f->mode = file_mode(t->def->mode);
    f->order = (cu_file_order)cu_option_int(&o[CU_TO_ORDER], CU_ORDER_NATURAL);
    f->every_ms = cu_option_int(&o[CU_TO_EVERY], 0);
    required_headers(t, f);
    t->def->files = f;
    if (f->glob && (f->glob[0] == '/' || strstr(f->glob, ".."))) {
        cu_option_bad(t->s, &o[CU_TO_GLOB],
                      "Expected a pattern below the server's path, for "
                      "example 'events/*.csv'.");
        return false;
    }
    return true;
}
