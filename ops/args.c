/* The option table, and the parser made from it.
 *
 * Options may stand anywhere; "--" ends them.  A value comes as --name VALUE
 * or --name=VALUE, of a letter as -o VALUE or -oVALUE.  What the command
 * line leaves out is taken from CUPEL_<NAME>.
 */
#include "ops/args.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>

#define AT(field) offsetof(cu_options, field)
#define FLAG(name, letter, field, global, help)                        \
    {                                                                  \
        name, letter, CU_OPT_FLAG, NULL, NULL, help, global, AT(field) \
    }
#define TEXT(name, letter, value, field, global, help)                  \
    {                                                                   \
        name, letter, CU_OPT_TEXT, value, NULL, help, global, AT(field) \
    }
#define CHOICE(name, letter, list, field, global, help)                  \
    {                                                                    \
        name, letter, CU_OPT_CHOICE, NULL, list, help, global, AT(field) \
    }

const cu_option cu_option_table[] = {
    TEXT("app", 0, "NAME", app, true,
         "the app: consumer group and prefix of its topics"),
    TEXT("brokers", 0, "LIST", brokers, true,
         "Kafka brokers host:port,…; none: the embedded log"),
    TEXT("state", 0, "DIR", state, true, "state folder (default .cupel/APP)"),
    {"set", 0, CU_OPT_PAIR, "NAME=VALUE", NULL,
     "fills :'NAME' and :NAME in the SQL", true, AT(vars)},
    {"property", 'X', CU_OPT_PAIR, "NAME=VALUE", NULL, "a librdkafka property",
     true, AT(properties)},
    TEXT("command-config", 0, "FILE", command_config, true,
         "properties file, Java or librdkafka names"),
    {"workers", 0, CU_OPT_COUNT, "N", NULL,
     "threads that own tasks (default 1)", true, AT(workers)},
    {"memory", 0, CU_OPT_SIZE, "SIZE", NULL,
     "one budget for caches and queues (default 256MB)", true,
     AT(memory_bytes)},
    {"commit-interval", 0, CU_OPT_COUNT, "MS", NULL,
     "milliseconds between commits (default 100)", true,
     AT(commit_interval_ms)},
    TEXT("instance", 0, "NAME", instance, true,
         "name of this process in the group"),
    TEXT("listen", 0, "HOST:PORT", listen, true, "metrics and health"),
    CHOICE("output", 'o', "text json jsonl csv", output, true,
           "form of the data on stdout"),
    CHOICE("log-format", 0, "text json", log_json, true,
           "form of the talk on stderr"),
    CHOICE("color", 0, "auto always never", color, true, "colours"),
    FLAG("verbose", 'v', verbose, true, "say more"),
    FLAG("quiet", 'q', quiet, true, "say only what is wrong"),
    FLAG("help", 'h', help, true, "this help"),
    CHOICE("sync", 0, "commit", sync, false,
           "fsync every commit of the embedded log"),
    FLAG("drain", 0, drain, false,
         "every collector once, every input to its end, reports, exit"),
    FLAG("final", 0, final, false,
         "with --drain: time ends here, every window closes"),
    FLAG("leave", 0, leave, false,
         "leave the group at the end: others take over at once"),
    FLAG("dry-run", 0, dry_run, false, "print, publish nothing"),
    FLAG("from-beginning", 0, from_beginning, false, "start at the oldest"),
    FLAG("until-end", 0, until_end, false, "stop at the end as of now"),
    FLAG("yes", 'y', yes, false, "do not ask"),
    {"limit", 'n', CU_OPT_COUNT, "N", NULL, "at most N", false, AT(limit)},
    TEXT("format", 'f', "FORMAT", format, false,
         "kcat's words: %t %p %o %k %s %h %T \\n"),
    TEXT("key-field", 0, "FIELD", key_field, false,
         "JSON field that becomes the record's key"),
    TEXT("view", 0, "VIEW", view, false, "only letters of this view or table"),
    TEXT("code", 0, "SQLSTATE", code, false, "only letters with this code"),
    TEXT("group", 0, "GROUP", group, false, "any consumer group"),
    TEXT("topic", 0, "TOPIC[:P,P]", topics, false,
         "only this topic (repeatable), or these partitions of it"),
    FLAG("to-earliest", 0, to_earliest, false, "to the oldest record"),
    FLAG("to-latest", 0, to_latest, false, "to the end"),
    FLAG("to-current", 0, to_current, false, "to where the group is"),
    TEXT("to-offset", 0, "N", to_offset, false, "to this offset"),
    TEXT("shift-by", 0, "N", shift_by, false,
         "so many records on, or back (-N)"),
    TEXT("to-datetime", 0, "TIME", to_datetime, false,
         "to the first record since then; UTC without a zone"),
    TEXT("by-duration", 0, "SPAN", by_duration, false,
         "to the first record since so long ago: PT1H, \"90 minutes\""),
    TEXT("from-file", 0, "FILE", from_file, false,
         "to topic,partition,offset lines"),
    FLAG("execute", 0, execute, false, "do it; without it, only the plan"),
    TEXT("undo", 0, "FILE", undo, false, "where the positions before go"),
    FLAG("acls", 0, acls, false, "what the brokers must allow the app's user"),
    {"partitions", 0, CU_OPT_COUNT, "N", NULL,
     "partitions of a new topic, or behind exchanges", false, AT(partitions)},
};
const uint32_t cu_n_options = sizeof(cu_option_table) / sizeof(cu_option);

const cu_command *cu_command_find(const char *name)
{
    for (const cu_command *const *k = cu_commands; *k; k++)
        if (strcmp((*k)->name, name) == 0)
            return *k;
    return NULL;
}

bool cu_listed(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; p && *p;) {
        size_t len = strcspn(p, " ");
        if (len == n && memcmp(p, word, n) == 0)
            return true;
        p += len;
        p += *p == ' ';
    }
    return false;
}

bool cu_option_applies(const cu_command *k, const cu_option *o)
{
    return o->global || (k && cu_listed(k->options, o->name));
}

/* --- values --------------------------------------------------------------- */

static void *field(cu_cmd *c, const cu_option *o)
{
    return (char *)&c->o + o->offset;
}

static bool parse_count(const char *text, int64_t *out)
{
    char *end;
    *out = strtoll(text, &end, 10);
    return *text && *end == 0 && *out >= 0;
}

static bool parse_size(const char *text, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t bytes;
    } units[] = {{"", 1},          {"B", 1},        {"K", 1 << 10},
                 {"KB", 1 << 10},  {"M", 1 << 20},  {"MB", 1 << 20},
                 {"G", 1 << 30},   {"GB", 1 << 30}, {"KiB", 1 << 10},
                 {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    char *end;
    double v = strtod(text, &end);
    if (end == text || v < 0)
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (strcasecmp(end, units[i].unit) == 0) {
            *out = (int64_t)(v * (double)units[i].bytes);
            return true;
        }
    return false;
}

static int set_count(cu_cmd *c, const cu_option *o, const char *value)
{
    int64_t n;
    if (!parse_count(value, &n) || n > INT32_MAX)
        return cu_usage(c, "--%s wants a number, not \"%s\"", o->name, value);
    if (o->offset == AT(limit))
        c->o.limit = n;
    else if (o->offset == AT(workers))
        c->o.workers = (uint32_t)n;
    else if (o->offset == AT(commit_interval_ms))
        c->o.commit_interval_ms = n;
    else
        c->o.partitions = (int32_t)n;
    return 0;
}

static int set_choice(cu_cmd *c, const cu_option *o, const char *value)
{
    if (!cu_listed(o->choices, value))
        return cu_usage(c, "--%s is one of: %s; not \"%s\"", o->name,
                        o->choices, value);
    if (o->offset == AT(output)) {
        static const char *const names[] = {"text", "json", "jsonl", "csv"};
        for (int i = 0; i < 4; i++)
            if (strcmp(names[i], value) == 0)
                c->o.output = (cu_output)i;
    } else if (o->offset == AT(log_json)) {
        c->o.log_json = strcmp(value, "json") == 0;
    } else {
        *(const char **)field(c, o) = value;
    }
    return 0;
}

static int set_pair(cu_cmd *c, const cu_option *o, const char *value)
{
    const char *eq = strchr(value, '=');
    if (eq == NULL || eq == value)
        return cu_usage(c, "--%s wants NAME=VALUE, not \"%s\"", o->name, value);
    const char *name = cu_arena_strn(c->arena, value, (size_t)(eq - value));
    if (o->offset == AT(vars)) {
        cu_sql_var *more = cu_arena_calloc(c->arena, c->o.n_vars + 1,
                                           sizeof(*more));
        if (c->o.n_vars)
            memcpy(more, c->o.vars, c->o.n_vars * sizeof(*more));
        more[c->o.n_vars++] = (cu_sql_var){name, eq + 1};
        c->o.vars = more;
    } else {
        cu_property *more = cu_arena_calloc(c->arena, c->o.n_properties + 1,
                                            sizeof(*more));
        if (c->o.n_properties)
            memcpy(more, c->o.properties, c->o.n_properties * sizeof(*more));
        more[c->o.n_properties++] = (cu_property){name, eq + 1};
        c->o.properties = more;
    }
    return 0;
}

/* --topic may be given several times. */
static void set_text(cu_cmd *c, const cu_option *o, const char *value)
{
    const char **at = field(c, o);
    bool more = o->offset == AT(topics) && *at;
    *at = more ? cu_arena_printf(c->arena, "%s %s", *at, value) : value;
}

static int set_value(cu_cmd *c, const cu_option *o, const char *value)
{
    switch (o->kind) {
    case CU_OPT_FLAG:
        *(bool *)field(c, o) = true;
        return 0;
    case CU_OPT_TEXT:
        set_text(c, o, value);
        return 0;
    case CU_OPT_COUNT:
        return set_count(c, o, value);
    case CU_OPT_SIZE:
        if (!parse_size(value, &c->o.memory_bytes))
            return cu_usage(c, "--%s wants a size like 256MB, not \"%s\"",
                            o->name, value);
        return 0;
    case CU_OPT_CHOICE:
        return set_choice(c, o, value);
    case CU_OPT_PAIR:
        return set_pair(c, o, value);
    }
    return 0;
}

/* --- words ---------------------------------------------------------------- */

static const cu_option *find(const char *name, size_t len)
{
    for (uint32_t i = 0; i < cu_n_options; i++)
        if (strlen(cu_option_table[i].name) == len &&
            memcmp(cu_option_table[i].name, name, len) == 0)
            return &cu_option_table[i];
    return NULL;
}

static const cu_option *find_letter(char letter)
{
    for (uint32_t i = 0; i < cu_n_options; i++)
        if (cu_option_table[i].letter == letter)
            return &cu_option_table[i];
    return NULL;
}

static const char *nearest_option(const cu_cmd *c, const char *name)
{
    const char *best = NULL;
    size_t least = 3;
    for (uint32_t i = 0; i < cu_n_options; i++) {
        if (!cu_option_applies(c->command, &cu_option_table[i]))
            continue;
        size_t d = cu_edit_distance(name, cu_option_table[i].name);
        if (d < least) {
            least = d;
            best = cu_option_table[i].name;
        }
    }
    return best;
}

static int unknown_option(cu_cmd *c, const char *word)
{
    const char *name = word;
    while (*name == '-')
        name++;
    const char *near = nearest_option(c, name);
    const char *of = c->command ? c->command->name : "cupel";
    if (near)
        return cu_usage(c, "%s does not take %s; did you mean --%s?", of, word,
                        near);
    return cu_usage(c, "%s does not take %s", of, word);
}

/* One option word at argv[*i]; takes its value too. */
static int take_option(cu_cmd *c, int argc, const char *const *argv, int *i)
{
    const char *word = argv[*i], *value = NULL;
    const cu_option *o;
    if (word[1] == '-') {
        size_t len = strcspn(word + 2, "=");
        o = find(word + 2, len);
        if (word[2 + len] == '=')
            value = word + 3 + len;
    } else {
        o = find_letter(word[1]);
        if (word[2])
            value = word + 2;
    }
    if (o == NULL || !cu_option_applies(c->command, o))
        return unknown_option(c, word);
    if (o->kind == CU_OPT_FLAG) {
        if (value)
            return cu_usage(c, "--%s takes no value", o->name);
        return set_value(c, o, "");
    }
    if (value == NULL) {
        if (*i + 1 >= argc)
            return cu_usage(c, "--%s wants a value", o->name);
        value = argv[++*i];
    }
    return set_value(c, o, value);
}

static int from_environment(cu_cmd *c)
{
    for (uint32_t i = 0; i < cu_n_options; i++) {
        const cu_option *o = &cu_option_table[i];
        char name[64] = "CUPEL_";
        size_t n = 6;
        for (const char *p = o->name; *p && n < sizeof(name) - 1; p++)
            name[n++] = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
        name[n] = 0;
        const char *value = c->env->vt->variable(c->env, name);
        if (value == NULL || *value == 0 || o->kind == CU_OPT_PAIR ||
            o->kind == CU_OPT_FLAG || o->offset == AT(topics))
            continue;
        int rc = set_value(c, o, value);
        if (rc) {
            cu_say(c->out, "the value is from the environment: %s\n", name);
            return rc;
        }
    }
    return 0;
}

static int find_command(cu_cmd *c, const char *name)
{
    c->command = cu_command_find(name);
    if (c->command)
        return 0;
    const char *best = NULL;
    size_t least = 3;
    for (const cu_command *const *k = cu_commands; *k; k++) {
        size_t d = cu_edit_distance(name, (*k)->name);
        if (d < least) {
            least = d;
            best = (*k)->name;
        }
    }
    if (best)
        return cu_usage(c, "there is no command \"%s\"; did you mean %s?", name,
                        best);
    return cu_usage(c, "there is no command \"%s\"", name);
}

static int take_verb(cu_cmd *c)
{
    if (!(c->command->flags & CU_CMD_VERBS) || c->o.help)
        return 0;
    if (c->n_words == 0)
        return cu_usage(c, "%s wants one of: %s", c->command->name,
                        c->command->verbs);
    c->verb = c->words[0];
    if (!cu_listed(c->command->verbs, c->verb))
        return cu_usage(c, "%s knows: %s; not \"%s\"", c->command->name,
                        c->command->verbs, c->verb);
    c->words++;
    c->n_words--;
    return 0;
}

int cu_args_parse(cu_cmd *c, int argc, const char *const *argv)
{
    c->o.limit = -1;
    c->words = cu_arena_calloc(c->arena, (size_t)argc + 1, sizeof(*c->words));
    int rc = c->app ? 0 : from_environment(c);
    bool options = true;
    for (int i = 1; rc == 0 && i < argc; i++) {
        const char *word = argv[i];
        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (options && strcmp(word, "--version") == 0 && !c->command)
            rc = find_command(c, "version");
        else if (options && word[0] == '-' && word[1])
            rc = take_option(c, argc, argv, &i);
        else if (c->command == NULL)
            rc = find_command(c, word);
        else
            c->words[c->n_words++] = word;
    }
    if (rc == 0 && c->command == NULL)
        rc = find_command(c, "help");
    return rc ? rc : take_verb(c);
}

/* --- back to words -------------------------------------------------------- */

static void put_word(cu_buf *out, const char *name, const char *value)
{
    if (value)
        cu_buf_printf(out, "--%s=%s", name, value);
    else
        cu_buf_printf(out, "--%s", name);
    cu_buf_put_u8(out, 0);
}

static void put_number(cu_buf *out, const char *name, int64_t n)
{
    cu_buf_printf(out, "--%s=%lld", name, (long long)n);
    cu_buf_put_u8(out, 0);
}

static void put_count(const cu_cmd *c, const cu_option *o, cu_buf *out)
{
    if (o->offset == AT(limit) && c->o.limit >= 0)
        put_number(out, o->name, c->o.limit);
    if (o->offset == AT(workers) && c->o.workers)
        put_number(out, o->name, c->o.workers);
    if (o->offset == AT(commit_interval_ms) && c->o.commit_interval_ms)
        put_number(out, o->name, c->o.commit_interval_ms);
    if (o->offset == AT(partitions) && c->o.partitions)
        put_number(out, o->name, c->o.partitions);
}

static void put_pairs(const cu_cmd *c, const cu_option *o, cu_buf *out)
{
    bool vars = o->offset == AT(vars);
    uint32_t n = vars ? c->o.n_vars : c->o.n_properties;
    for (uint32_t i = 0; i < n; i++) {
        const char *name = vars ? c->o.vars[i].name : c->o.properties[i].name;
        const char *value = vars ? c->o.vars[i].value
                                 : c->o.properties[i].value;
        cu_buf_printf(out, "--%s=%s=%s", o->name, name, value);
        cu_buf_put_u8(out, 0);
    }
}

static void put_choice(const cu_cmd *c, const cu_option *o, cu_buf *out)
{
    static const char *const outputs[] = {"text", "json", "jsonl", "csv"};
    if (o->offset == AT(output))
        put_word(out, o->name, outputs[c->o.output]);
    else if (o->offset == AT(log_json))
        put_word(out, o->name, c->o.log_json ? "json" : "text");
    else if (*(const char *const *)((const char *)&c->o + o->offset))
        put_word(out, o->name,
                 *(const char *const *)((const char *)&c->o + o->offset));
}

static void put_option(const cu_cmd *c, const cu_option *o, cu_buf *out)
{
    const char *at = (const char *)&c->o + o->offset;
    switch (o->kind) {
    case CU_OPT_FLAG:
        if (*(const bool *)at)
            put_word(out, o->name, NULL);
        return;
    case CU_OPT_TEXT:
        if (*(const char *const *)at)
            put_word(out, o->name, *(const char *const *)at);
        return;
    case CU_OPT_COUNT:
        put_count(c, o, out);
        return;
    case CU_OPT_SIZE:
        if (c->o.memory_bytes)
            put_number(out, o->name, c->o.memory_bytes);
        return;
    case CU_OPT_CHOICE:
        put_choice(c, o, out);
        return;
    case CU_OPT_PAIR:
        put_pairs(c, o, out);
        return;
    }
}

static void put_string(cu_buf *out, const char *s)
{
    cu_buf_put(out, s, strlen(s) + 1);
}

void cu_args_print(const cu_cmd *c, uint32_t skip, cu_buf *out)
{
    put_string(out, "cupel");
    put_string(out, c->command->name);
    for (uint32_t i = 0; i < cu_n_options; i++)
        if (cu_option_applies(c->command, &cu_option_table[i]))
            put_option(c, &cu_option_table[i], out);
    put_string(out, "--");
    if (c->verb)
        put_string(out, c->verb);
    for (uint32_t i = skip; i < c->n_words; i++)
        put_string(out, c->words[i]);
}
