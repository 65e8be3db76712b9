/* Bob Jenkins' lookup3 as PostgreSQL uses it for hash partitions. */
#ifndef CU_EXPR_LOOKUP3_H
#define CU_EXPR_LOOKUP3_H

#include "base/bytes.h"

/* Seed 0 gives the plain hash in the low half. */
uint64_t cu_lookup3(cu_slice s, uint64_t seed);
/* Of one word, as if it were four bytes. */
uint64_t cu_lookup3_word(uint32_t word, uint64_t seed);

#endif
