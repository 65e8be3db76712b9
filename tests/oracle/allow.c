/* The allow-list: where cupel differs from PostgreSQL on purpose.
 *
 * An entry names words that stand in the query (or "" for any) and the two
 * answers: a SQLSTATE, or "*" for rows.  An entry without a reason is a bug.
 */
#include "tests/oracle/allow.h"

#include <fnmatch.h>

static const struct {
    const char *sql; /* glob over the whole query */
    const char *ours, *theirs;
    const char *reason;
} entries[] = {
    {"*#>*", "*", "42725",
     "PostgreSQL has json too, so an untyped left side is ambiguous"},
    {"*->*", "*", "42725", "the same"},
    {"*->*", "22P02", "42725", "the same, and the text is no jsonb"},
    {"*'now'*", "22007", "*",
     "words that depend on the clock are refused in data (sql.md, Meanings)"},
    {"*'today'*", "22007", "*", "the same"},
    {"* America/New_York'*", "22007", "*",
     "a zone in data is an offset: names need files, and mean two things in "
     "autumn (rows/text.h)"},
    {"*\\\\u0000*", "22P02", "22P05",
     "one SQLSTATE for all text that is no jsonb"},
    {"*age(*Infinity*", "22008", "*", "the next one"},
    {"*age(*infinity*", "22008", "*",
     "PostgreSQL 15 counts from its infinity's bit pattern to the moment; "
     "cupel says that it is out of range"},
    {"*{{1},{2}}*", "0A000", "*", "arrays have one dimension (language.md)"},
    {"*{{1},{2}}*", "0A000", "22007", "the same"},
    {"*{{1},{2}}*", "0A000", "22P02", "the same"},
    {"*convert_*", "22023", "*", "UTF8, LATIN1 and SQL_ASCII alone are known"},
    {"*convert_*", "22023", "22021", "the same"},
    {"*regexp_*", "0A000", "*", "flags b and e: other syntaxes"},
    {"*regexp_*", "0A000", "22023", "the same, before another bad flag"},
    {"*width_bucket(*", "22003", "*",
     "PostgreSQL 15 wraps around behind the last of 2147483647 buckets"},
    {"*make_interval*", "22008", "*",
     "PostgreSQL 15 wraps around where an interval is out of range"},
    {"*array_fill*", "0A000", "*", "arrays have one dimension (language.md)"},
    {"*trunc('*", "*", "42725", "PostgreSQL has trunc() of addresses too"},
    {"*double precision*'550e8400e29b*", "22P02", "22003",
     "PostgreSQL reads as far as it can first"},
    {"*real*'550e8400e29b*", "22P02", "22003", "the same"},
    {"*::interval*'\\\\123'*", "22007", "*",
     "PostgreSQL skips punctuation in intervals"},
    {"*::interval*'{1,}'*", "22007", "*", "the same"},
    {"*::interval*'[[]1,'*", "22007", "*", "the same"},
    {"*::interval*'- 5'*", "22007", "*", "the same"},
    {"*date(*'{*", "22007", "*", "and in dates"},
    {"*::date*'{*", "22007", "*", "the same"},
    {"*'{1,}'*", "22007", "22P02",
     "an array's elements are read before its end is seen"},
    {"*&&*", "42804", "42725", "PostgreSQL has && of ranges and boxes too"},
    {"*_agg(* OVER *", "0A000", "*",
     "lists over a window are refused (language.md)"},
    {"*ROWS BETWEEN CURRENT ROW AND 1 PRECEDING*", "42601", "42P20",
     "what the parser refuses has its one SQLSTATE"},
    {"*SELECT percentile_cont(0.5) FROM*", "42809", "42883",
     "PostgreSQL looks for such a function first, cupel says what is missing"},
    {"*SELECT mode() FROM*", "42809", "42883", "the same"},
    {"*SELECT sum(b) WITHIN GROUP*", "42809", "42883", "the same"},
    {"*SELECT (1, 2), (3)*", "0A000", "42P10", "row values are refused first"},
};

/* Only for random cases: which code a text gets that is no date or time. */
static const struct {
    const char *ours, *theirs;
} codes[] = {{"22007", "22008"},
             {"22008", "22007"},
             {"22007", "22023"},
             {"22008", "22023"}};

static bool is(const cu_answer *a, const char *state)
{
    return strcmp(state, "*") == 0 ? !a->failed
                                   : a->failed && strcmp(a->state, state) == 0;
}

const char *cu_allowed(const char *sql, bool random, const cu_answer *ours,
                       const cu_answer *theirs)
{
    for (size_t i = 0; random && i < sizeof(codes) / sizeof(*codes); i++)
        if (is(ours, codes[i].ours) && is(theirs, codes[i].theirs))
            return "which code a text gets that is no date or time";
    for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++)
        if (is(ours, entries[i].ours) && is(theirs, entries[i].theirs) &&
            fnmatch(entries[i].sql, sql, 0) == 0)
            return entries[i].reason;
    return NULL;
}
