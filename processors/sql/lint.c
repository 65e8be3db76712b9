/* False friends (lint) and words of other engines (hints).
 *
 * `FROM o ASOF JOIN r` parses: ASOF is an alias of o.  `INTERVAL '10'
 * MINUTES` parses: ten seconds in a column named minutes.  `tumble(bid,
 * DESCRIPTOR(ts), …)` parses: a function named descriptor.  Each would give
 * an answer, only not to the question.  They are refused, unless the word
 * is quoted or stands behind AS.
 *
 * What does not parse gets PostgreSQL's own words and, when the statement
 * holds words that we know from elsewhere, a hint what to write instead.
 *
 * Both look at tokens, because the tree does not tell `AS days` from `days`.
 */
#include "processors/sql/lint.h"

static const char *const aliases[] = {
    "asof",    "qualify",  "emit",  "microseconds", "milliseconds",
    "seconds", "minutes",  "hours", "days",         "weeks",
    "months",  "quarters", "years", "watermark",
};
enum { N_ALIASES = sizeof aliases / sizeof *aliases };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static cu_slice text_of(const cu_tokens *t, uint32_t i)
{
    return cu_slice_n(t->text.data + t->at[i].start,
                      (size_t)(t->at[i].end - t->at[i].start));
}

bool cu_token_is(const cu_tokens *t, uint32_t i, const char *word)
{
    if (i >= t->n)
        return false;
    cu_slice s = text_of(t, i);
    if (s.len != strlen(word))
        return false;
    for (size_t k = 0; k < s.len; k++) {
        if (lower(s.data[k]) != word[k])
            return false;
    }
    return true;
}

/* The token before an alias ends an expression or a table. */
static bool ends_operand(const cu_tokens *t, uint32_t i)
{
    switch ((cu_token_kind)t->at[i].kind) {
    case CU_TOK_WORD:
    case CU_TOK_QUOTED:
    case CU_TOK_STRING:
    case CU_TOK_NUMBER:
        return true;
    case CU_TOK_KEYWORD:
        return cu_token_is(t, i, "end");
    case CU_TOK_OTHER:
        return cu_token_is(t, i, ")") || cu_token_is(t, i, "]");
    case CU_TOK_BAD:
        return false;
    }
    return false;
}

static const char *alias_hint(const char *word)
{
    if (!strcmp(word, "asof"))
        return "Write LEFT JOIN asof(view, time) AS r ON …, or AS asof for "
               "an alias.";
    if (!strcmp(word, "qualify"))
        return "Put row_number() into a subquery and filter on it: SELECT * "
               "FROM (SELECT …, row_number() OVER (…) AS n …) s WHERE n = 1.";
    if (!strcmp(word, "emit"))
        return "Write CREATE MATERIALIZED VIEW … WITH (emit = 'changes').";
    if (!strcmp(word, "watermark"))
        return "Write column type OPTIONS (watermark '5 seconds').";
    return "Put the unit into the string: interval '10 minutes'; write AS "
           "before it for an alias.";
}

int32_t cu_lint(const cu_tokens *t, const char **hint)
{
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->at[i].kind != CU_TOK_WORD)
            continue;
        if (cu_token_is(t, i, "descriptor") && cu_token_is(t, i + 1, "(")) {
            *hint = "Name the column itself: tumble(bid, ts, interval '10 "
                    "minutes').";
            return (int32_t)i;
        }
        if (!i || !ends_operand(t, i - 1))
            continue;
        for (uint32_t k = 0; k < N_ALIASES; k++) {
            if (cu_token_is(t, i, aliases[k])) {
                *hint = alias_hint(aliases[k]);
                return (int32_t)i;
            }
        }
    }
    return -1;
}

/* Up to four words in a row; "*" stands for any one token. */
typedef struct phrase {
    const char *words[4];
    const char *hint;
} phrase;

static const phrase phrases[] = {
    {{"watermark", "for"},
     "Write the watermark at its column: ts timestamptz OPTIONS (watermark "
     "'5 seconds')."},
    {{"emit", "changes"},
     "Write WITH (emit = 'changes') before AS; it is the default."},
    {{"emit", "final"}, "Write WITH (emit = 'final') before AS."},
    {{"emit", "on"}, "Write WITH (emit = 'final') before AS."},
    {{"for", "system_time"},
     "Write JOIN asof(view, time) AS a ON …: the row that held then."},
    {{"create", "source"},
     "Write CREATE SERVER and CREATE FOREIGN TABLE … SERVER … OPTIONS (…)."},
    {{"create", "sink"},
     "Write CREATE FOREIGN TABLE for the sink and INSERT INTO it SELECT …."},
    {{"create", "stream"},
     "Write CREATE FOREIGN TABLE for what comes in, CREATE MATERIALIZED VIEW "
     "for what is kept."},
    {{"or", "replace", "materialized"},
     "Write CREATE MATERIALIZED VIEW; a changed definition is taken over by "
     "cupel apply."},
    {{"tumble", "(", "table"},
     "Write tumble(bid, ts, interval '10 minutes') without TABLE."},
    {{"hop", "(", "table"},
     "Write hop(bid, ts, slide => interval '1 minute', size => interval '10 "
     "minutes') without TABLE."},
    {{"session", "(", "table"},
     "Write session(bid, ts, gap => interval '30 minutes') without TABLE."},
    {{"match_recognize"}, "MATCH_RECOGNIZE is not part of the language."},
    {{"qualify"},
     "Put row_number() into a subquery and filter on it in WHERE."},
    {{"json_table"}, "Write jsonb_array_elements(column) AS e."},
    {{"not", "enforced"}, "Leave NOT ENFORCED away."},
    {{"metadata", "from"}, "Write OPTIONS (metadata 'offset')."},
    {{"group", "by", "all"}, "Name the columns: GROUP BY 1, 2."},
    {{"not", "null", "options"},
     "OPTIONS (…) stands directly behind the type, before NOT NULL."},
    {{"primary", "key", "options"},
     "OPTIONS (…) stands directly behind the type, before PRIMARY KEY."},
    {{"stored", "options"},
     "OPTIONS (…) stands directly behind the type, before GENERATED."},
    {{"interval", "(", "*", ")"}, "Write interval '10 minutes' as one string."},
};
enum { N_PHRASES = sizeof phrases / sizeof *phrases };

static bool phrase_at(const cu_tokens *t, uint32_t i, const phrase *p)
{
    for (uint32_t k = 0; k < 4 && p->words[k]; k++) {
        if (i + k >= t->n)
            return false;
        bool any = !strcmp(p->words[k], "*");
        if (!any && !cu_token_is(t, i + k, p->words[k]))
            return false;
    }
    return true;
}

/* `OPTIONS (rate '1/s' …)` wants strings, `WITH (a = 'b')` wants signs. */
static const char *list_hint(const cu_tokens *t, uint32_t bad)
{
    for (uint32_t i = bad < t->n ? bad : t->n; i-- > 0;) {
        if (!cu_token_is(t, i, "("))
            continue;
        if (i && cu_token_is(t, i - 1, "options"))
            return "Write OPTIONS (name 'value', …): strings without \"=\".";
        if (i && cu_token_is(t, i - 1, "with"))
            return "Write WITH (name = 'value', …).";
    }
    return NULL;
}

const char *cu_lint_hint(const cu_tokens *t, uint32_t bad)
{
    for (uint32_t i = 0; i < t->n; i++) {
        for (uint32_t k = 0; k < N_PHRASES; k++) {
            if (phrase_at(t, i, &phrases[k]))
                return phrases[k].hint;
        }
    }
    if (cu_token_is(t, 0, "create") && cu_token_is(t, 1, "materialized") &&
        (cu_token_is(t, bad, "primary") || cu_token_is(t, bad, "partition")))
        return "Write WITH (primary_key = 'a, b') before AS.";
    return list_hint(t, bad);
}

const char *cu_lint_statement(cu_slice name)
{
    static const struct {
        const char *begins, *hint;
    } known[] = {
        {"DROP", "The file says what there is: take the statement that makes "
                 "it out of the file."},
        {"REFRESH", "A materialized view is always up to date."},
        {"CREATE TABLE", "Write CREATE FOREIGN TABLE … SERVER …, or CREATE "
                         "VIEW … AS VALUES for a constant table."},
        {"CREATE TEMP", "Write CREATE VIEW, or WITH."},
        {"CREATE UNLOGGED", "Write CREATE FOREIGN TABLE … SERVER …."},
        {"CREATE INDEX", "State is kept by the keys that a view needs."},
        {"CREATE UNIQUE", "Write PRIMARY KEY in the table, or WITH "
                          "(primary_key = '…') of a view."},
        {"CREATE SCHEMA", "Names have no schema; --app names the pipeline."},
        {"CREATE DATABASE", "--app names the pipeline."},
        {"CREATE TYPE", "Write text and CHECK (x IN ('a', 'b'))."},
        {"CREATE DOMAIN", "Write CHECK in the table."},
        {"CREATE SEQUENCE", "Write surrogate(rel, key => ARRAY[…])."},
        {"CREATE TRIGGER", "A view of a view says what follows from a change."},
        {"CREATE EXTENSION", "There are none."},
        {"UPDATE", "Rows change where they come from."},
        {"DELETE", "Rows change where they come from."},
        {"TRUNCATE", "Rows change where they come from."},
        {"SET", "Options stand in OPTIONS (…), WITH (…) or on the command "
                "line; times are UTC."},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (name.len >= strlen(known[i].begins) &&
            strncmp(name.data, known[i].begins, strlen(known[i].begins)) == 0)
            return known[i].hint;
    return NULL;
}
