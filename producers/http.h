/* The source of pages; shared by http*.c.
 *
 *   http.c          a pass: what to fetch next, when to wait
 *   http_item.c     items, pages, and what the cursor knows of them
 *   http_slot.c     one page under way: sending, answers, redirects
 *   http_page.c     is this answer the page?
 *   http_publish.c  pages -> records and letters
 *   http_wait.c     rate, backoff, Retry-After
 *   http_url.c      URLs from templates, redirect targets
 */
#ifndef CU_PRODUCERS_HTTP_H
#define CU_PRODUCERS_HTTP_H

#include "producers/int.h"
#include "schemas/json_path.h"

/* A combination of the for_each values; pages of an item go to one
 * partition, in order. */
typedef struct cu_item {
    const char *key; /* "subject=science_fiction", or "" */
    int64_t head;    /* offset of the page that is published next */
    int64_t sent;    /* offset of the page that is requested next */
    int64_t total;   /* as the last published page said; -1: unknown */
    int32_t partition;
    bool ended;
    bool failed; /* ended because no page told a total */
} cu_item;

typedef enum cu_slot_state {
    CU_SLOT_FREE,
    CU_SLOT_WAITING, /* to be sent at `due_us` or later */
    CU_SLOT_FLYING,
    CU_SLOT_DONE, /* accepted or given up; to be published in order */
} cu_slot_state;

/* A page under way. */
typedef struct cu_slot {
    cu_slot_state state;
    uint32_t item;
    int64_t offset;
    uint32_t attempts;  /* requests, redirects not counted */
    uint32_t redirects; /* of this attempt */
    uint64_t tag;
    uint64_t heard; /* answers heard when the server went silent */
    bool silent;    /* the last attempt found no server */
    bool retry;     /* the next request repeats one */
    bool strange;   /* redirected to another host: no own headers */
    int64_t due_us;
    char *url; /* heap; of the next or last request */
    /* Done. */
    cu_http_response *res; /* accepted */
    int64_t total;         /* -1: the page tells none */
    int64_t fetched_us;    /* wall */
    int status;            /* given up: of the last answer, 0 without */
    uint32_t sqlstate;
    char why[400];
    cu_buf first; /* bytes of what could not be accepted */
} cu_slot;

typedef struct cu_http_half {
    cu_collector *c;
    const cu_http_source *s;
    cu_http *http;
    const char *user_agent;
    const char *base;           /* URL without a slash at its end */
    const char **param_headers; /* "cupel.param.NAME" per for_each */
    cu_path total, items_path, *require;
    bool wants_json;
    uint32_t concurrency;
    int64_t limit; /* page size; 0: one page per item */
    cu_item *items;
    uint32_t n_items, first; /* items before `first` have ended */
    uint32_t n_ended;
    cu_slot *slots;
    uint32_t n_slots, flying;
    uint64_t next_tag;
    uint64_t heard;         /* answers of any kind, ever */
    int64_t interval_us;    /* between two requests */
    int64_t next_send_us;   /* rate */
    int64_t pause_until_us; /* the server asked us to wait */
    int pause_status;
    int64_t pass;
    bool unfinished; /* the cursor has a pass that was not finished */
    cu_err outage;   /* found; told after what is ready was committed */
} cu_http_half;

/* --- http_item.c */
int cu_items_make(cu_http_half *h, cu_err *err);
/* The k-th for_each value of an item. */
const char *cu_item_value(const cu_http_half *h, uint32_t item, uint32_t k);
/* The cursor's name of a page, in the scratch arena. */
cu_slice cu_item_page(cu_http_half *h, const cu_item *it, int64_t offset);
/* How many pages it has as far as we know. */
int64_t cu_item_pages(const cu_http_half *h, const cu_item *it);
/* The page at head is done; `total` as it said, -1 when it said nothing. */
void cu_item_advance(cu_http_half *h, cu_item *it, int64_t total);
/* Goes behind the pages that this pass has seen already. */
void cu_item_resume(cu_http_half *h, cu_item *it);
/* Every item has ended: the pass is committed. */
int cu_items_finish(cu_http_half *h, cu_err *err);

/* --- http_publish.c */
/* Publishes and commits every page of which all before are published. */
int cu_pages_publish(cu_http_half *h, cu_err *err);

/* --- http_slot.c */
/* Builds its URL. */
void cu_slot_start(cu_http_half *h, cu_slot *s, uint32_t item, int64_t offset);
void cu_slot_free(cu_http_half *h, cu_slot *s);
int cu_slot_send(cu_http_half *h, cu_slot *s, cu_err *err);
/* Takes one answer; *took false when there is none within `wait_ms`. */
int cu_slots_take(cu_http_half *h, int64_t wait_ms, bool *took, cu_err *err);

/* --- http_page.c */
typedef enum cu_verdict {
    CU_PAGE_GOOD,
    CU_PAGE_AGAIN,  /* wrong this time */
    CU_PAGE_SILENT, /* no server answered */
    CU_PAGE_MOVED,
    CU_PAGE_BAD, /* will not get better */
} cu_verdict;
/* Fills the slot's total, status, sqlstate, why. */
cu_verdict cu_page_judge(cu_http_half *h, cu_slot *s,
                         const cu_http_response *res);

/* --- http_wait.c */
/* When the next request may go out. */
int64_t cu_wait_gate(const cu_http_half *h);
void cu_wait_sent(cu_http_half *h);
/* Sets s->due_us for the next attempt, and the pause of all requests when
 * the server asked for one. */
void cu_wait_retry(cu_http_half *h, cu_slot *s, const cu_http_response *res);

/* --- http_url.c */
/* CU_USAGE for a {name} that nothing fills. */
int cu_url_check(const cu_http_half *h, cu_err *err);
void cu_url_build(const cu_http_half *h, uint32_t item, int64_t offset,
                  cu_buf *out);
/* Where `location` leads from `url` into `out`; NULL, or why we do not go.
 * *strange: another host than before. */
const char *cu_url_follow(const char *url, cu_slice location, cu_buf *out,
                          bool *strange);

#endif
