/* Time zones: gaps, overlaps, rules beyond the table, names. */
#include "rows/text.h"
#include "tests/unit/rows/help.h"

#include <criterion/criterion.h>

Test(zone, oslo_has_a_gap_in_march_and_an_overlap_in_october)
{
    static const struct form forms[] = {
        {"timestamptz", "2024-03-31 01:59:59", "2024-03-31 01:59:59+01"},
        {"timestamptz", "2024-03-31 02:30:00", "2024-03-31 03:30:00+02"},
        {"timestamptz", "2024-03-31 03:00:00", "2024-03-31 03:00:00+02"},
        {"timestamptz", "2024-10-27 01:59:59", "2024-10-27 01:59:59+02"},
        {"timestamptz", "2024-10-27 02:30:00", "2024-10-27 02:30:00+01"},
        {"timestamptz", "2024-10-27 02:30:00+02", "2024-10-27 02:30:00+02"},
        {"timestamptz", "2024-10-27 03:00:00", "2024-10-27 03:00:00+01"},
        {"timestamptz", "2090-07-01 12:00:00", "2090-07-01 12:00:00+02"},
        {"timestamptz", "2090-03-26 02:30:00", "2090-03-26 03:30:00+02"},
        {"timestamptz", "infinity", "infinity"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, zone_named("Europe/Oslo"));
}

Test(zone, new_york_too_with_its_own_days)
{
    static const struct form forms[] = {
        {"timestamptz", "2024-03-10 02:30:00", "2024-03-10 03:30:00-04"},
        {"timestamptz", "2024-11-03 01:30:00", "2024-11-03 01:30:00-05"},
        {"timestamptz", "2024-11-03 01:30:00-04", "2024-11-03 01:30:00-04"},
        {"timestamptz", "2050-11-06 01:30:00", "2050-11-06 01:30:00-05"},
        {"timestamptz", "2024-07-04 00:00:00", "2024-07-04 00:00:00-04"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, zone_named("America/New_York"));
}

Test(zone, southern_summers_and_half_hours)
{
    static const struct form forms[] = {
        {"timestamptz", "2050-01-01 00:00:00", "2050-01-01 00:00:00+11"},
        {"timestamptz", "2050-07-01 00:00:00", "2050-07-01 00:00:00+10:30"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, zone_named("Australia/Lord_Howe"));
}

Test(zone, names_are_found_like_postgresql_finds_them)
{
    const cu_zone *oslo = zone_named("Europe/Oslo");
    cr_expect_eq(zone_named("europe/oslo"), oslo);
    cr_expect_str_eq(cu_zone_name(oslo), "Europe/Oslo");
    cr_expect_str_eq(cu_zone_name(zone_named("aMERICA/new_york")),
                     "America/New_York");
    cr_expect_eq(zone_named("UTC"), cu_zone_utc());
    /* An abbreviation has no summer time; a POSIX offset counts west. */
    cr_expect_eq(cu_zone_offset_at(zone_named("CET"), 184 * 86400000000), 3600);
    cr_expect_eq(cu_zone_offset_at(zone_named("+02"), 0), -7200);
    cr_expect_eq(cu_zone_offset_at(zone_named("<+02>-2"), 0), 7200);
    cr_expect_eq(cu_zone_offset_at(zone_named("PST8PDT"), 0), -8 * 3600);
    int64_t july = 184 * INT64_C(86400000000);
    cr_expect_str_eq(cu_zone_abbreviation(oslo, 0), "CET");
    cr_expect_str_eq(cu_zone_abbreviation(oslo, july), "CEST");
    int64_t may_2090 = 33000 * INT64_C(86400000000);
    cr_expect_str_eq(cu_zone_abbreviation(oslo, may_2090), "CEST");
}

Test(zone, unknown_and_dangerous_names_are_refused)
{
    static const char *const names[] = {"Nowhere/City", "",       "/etc/passwd",
                                        "../passwd",    "Europe", "Foo"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const cu_zone *z;
        cu_err err = {0};
        char state[6];
        cr_expect_eq(open_zone(names[i], &z, &err), CU_DATA, "%s", names[i]);
        cr_expect_str_eq(cu_sqlstate_text(err.sqlstate, state), "22023");
    }
}

Test(zone, going_to_utc_and_back_is_the_identity_outside_gaps)
{
    const cu_zone *z = zone_named("America/New_York");
    struct noise noise = {51};
    for (int i = 0; i < 20000; i++) {
        int64_t utc = (int64_t)(noise_next(&noise) % 6000000000) * 1000000 -
                      2000000000 * INT64_C(1000000);
        int64_t local = utc + cu_zone_offset_at(z, utc) * INT64_C(1000000);
        int64_t back = cu_zone_to_utc(z, local);
        int64_t again = back + cu_zone_offset_at(z, back) * INT64_C(1000000);
        cr_assert_eq(again, local, "an existing local time stays");
        cr_assert(back == utc || back == utc + 3600000000,
                  "only an overlap may move, to its second reading");
    }
}
