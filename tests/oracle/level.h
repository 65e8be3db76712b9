/* The two levels of the suite, and the cases that are written by hand. */
#ifndef CU_ORACLE_LEVEL_H
#define CU_ORACLE_LEVEL_H

#include "tests/oracle/ours.h"
#include "tests/oracle/postgres.h"

typedef struct cu_oracle {
    cu_postgres *pg;
    cu_ours *ours;
    uint64_t seed;
    uint32_t passed, failed, allowed;
    uint32_t views, refused; /* that were drawn; that cupel does not take */
    uint64_t rows;           /* compared in views */
} cu_oracle;

/* Hand-written expressions of one subject: "`1::int4` + `2::int4`", where
 * `…` marks what becomes a column in the second form. */
typedef struct cu_hand_cases {
    const char *subject;
    const char *const *at;
    uint32_t n;
} cu_hand_cases;

extern const cu_hand_cases cu_cases_numbers2, cu_cases_arrays, cu_cases_times2,
    cu_cases_json2, cu_cases_sets;
extern const cu_hand_cases cu_cases_numbers, cu_cases_text, cu_cases_times,
    cu_cases_json, cu_cases_logic, cu_cases_casts, cu_cases_found,
    cu_cases_regex, cu_cases_format, cu_cases_templates;
/* Whole SELECTs. */
extern const cu_hand_cases cu_cases_nexmark, cu_cases_rows;
extern const cu_hand_cases cu_cases_selects, cu_cases_joins,
    cu_cases_aggregates;

/* Level 1: expressions, as constants and as columns. */
void cu_level_expressions(cu_oracle *o, uint32_t n_random);
void cu_level_selects(cu_oracle *o);
/* Every function of the catalog was bound by then. */
void cu_level_coverage(cu_oracle *o);
/* Level 2: views over streams; ends after so many seconds (0: never). */
void cu_level_views(cu_oracle *o, uint32_t n_random, uint32_t seconds);

#endif
