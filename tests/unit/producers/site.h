/* A canned site with pages of numbers, faults and a memory of its requests.
 *
 *     /s/{item}?o={offset}   {"i":"a","e":1,"total":5,"rows":[2,3]}
 *
 * A fault is a word: "500", "429", "429:7" (Retry-After: 7), "refuse",
 * "timeout", "cut", "big", "deny", "html", "badjson", "soft", "empty",
 * "missing", "301:/elsewhere". */
#ifndef CU_TESTS_PRODUCERS_SITE_H
#define CU_TESTS_PRODUCERS_SITE_H

#include "tests/unit/producers/world.h"

enum { CU_SITE_MOST = 2000, CU_SITE_LIMIT = 2 };

typedef struct cu_site {
    cu_world *w;
    int total;   /* of every item */
    int edition; /* part of every body */
    /* By number of the request, from 1; NULL: none. */
    const char *faults[CU_SITE_MOST];
    /* Every request whose URL ends so. */
    const char *bad_end, *bad_fault;
    const char *all;    /* every request */
    unsigned per_mille; /* random ones of the kind that is retried */
    /* Totals by page: totals[k] is what page k says; 0: `total`. */
    int totals[16];
    int n;
    char urls[CU_SITE_MOST][120];
    int64_t at_us[CU_SITE_MOST];
    const char *type; /* content type; NULL: JSON; "": none */
    size_t headers;   /* of the last request */
    char agent[80];
} cu_site;

/* Items a and b, two rows a page, 1,000 requests a second, 3 retries. */
cu_http_source cu_site_source(void);
/* A world with that source, not started. */
void cu_site_open(cu_site *s, cu_world *w, uint64_t seed,
                  const cu_http_source *source);
/* "a0 a2 a4 b0 …" of bronze, item by item; e: the edition when not 1. */
const char *cu_site_pages(cu_world *w);

#endif
