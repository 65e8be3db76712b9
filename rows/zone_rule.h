/* Inside rows/: the rule behind a zone's last transition.
 *
 * A POSIX TZ string: "CET-1CEST,M3.5.0,M10.5.0/3".  TZif files end with one;
 * PostgreSQL also takes them as zone names.
 */
#ifndef CU_ROWS_ZONE_RULE_H
#define CU_ROWS_ZONE_RULE_H

#include "base/bytes.h"

struct zone_day {
    enum { DAY_OF_MONTH, DAY_JULIAN, DAY_ZERO_BASED } kind;
    int month, week, day;
    int32_t seconds; /* of the day, may be negative */
};

struct zone_rule {
    char std[12], dst[12];
    int32_t std_east, dst_east; /* seconds east of UTC */
    bool has_dst;
    struct zone_day start, end; /* of daylight saving time */
};

/* False when the text is not a rule. */
bool cu_zone_rule_parse(cu_slice text, struct zone_rule *out);
/* Whether daylight saving time holds at an instant (seconds since 2000). */
bool cu_zone_rule_is_dst(const struct zone_rule *r, int64_t t);
/* The first change after `t`, seconds since 2000; INT64_MAX: none. */
int64_t cu_zone_rule_next(const struct zone_rule *r, int64_t t);

#endif
