/* Shared by the tests of rows/: tables of texts, random values. */
#ifndef CU_TESTS_ROWS_HELP_H
#define CU_TESTS_ROWS_HELP_H

#include "rows/batch.h"
#include "rows/text.h"

/* What a text reads as, printed again; "SQLSTATE: message" when it fails.
 * Lives in `a`. */
const char *round_trip(cu_arena *a, const char *type, const char *text,
                       const cu_zone *zone);

/* A table {type, text, expected}; NULL ends it. `expected` may be only the
 * beginning of a failure. */
struct form {
    const char *type, *text, *expected;
};
void check_forms(const struct form *forms, const cu_zone *zone);

/* Zones of the machine's tzdata. */
int open_zone(const char *name, const cu_zone **out, cu_err *err);
const cu_zone *zone_named(const char *name);

/* A value of that type from its text; the test fails when it is none. */
cu_value value_of(cu_arena *a, const char *type, const char *text);

/* Reproducible noise. */
struct noise {
    uint64_t state;
};
uint64_t noise_next(struct noise *n);
uint32_t noise_below(struct noise *n, uint32_t limit);
/* Anything that a column of that type may hold, edge cases often; null one
 * time in eight. */
cu_value noise_value(struct noise *n, cu_type t, cu_arena *a);
/* Every scalar kind, and arrays of text and int. */
extern const char *const all_types[];
extern const size_t n_all_types;
cu_type type_named(const char *name);

#endif
