/* Private to ops: topics as people name them. */
#ifndef CU_OPS_TOPICS_H
#define CU_OPS_TOPICS_H

#include "ops/cli.h"

/* NULL when it is not in the list (or `name` is NULL). */
const cu_topic_info *cu_topic_named(const cu_topic_list *l, const char *name);
/* A topic by its own name, else the topic of a view or table of the program,
 * else "<app>.<name>".  Tells when there is none, with the nearest name; an
 * exit code. */
int cu_topic_find(cu_cmd *c, cu_app *a, const char *name, cu_topic_info *out);

/* Records of a topic from `from` (CU_OLDEST, CU_NEWEST) on.  With `to_end`
 * only to the ends as of now, else until cu_cmd_stopped().  `each` returns
 * false to stop; it is called with NULL when everything that came at once was
 * handed out.  Values are lent for the call. */
typedef bool cu_record_visit(void *ctx, const cu_record *r);
int cu_topic_read(cu_cmd *c, cu_log *log, const cu_topic_info *t, int64_t from,
                  bool to_end, cu_record_visit *each, void *ctx, cu_err *err);

/* Bytes for people: UTF-8 as it is, other bytes and controls as \xNN, a
 * backslash doubled; an absent slice is "null". */
void cu_put_escaped(cu_slice s, cu_buf *out);
/* Bytes as a JSON value: JSON as it is, text as a string, other bytes as
 * the string "\\x…" in hex, absent as null. */
void cu_put_json_bytes(cu_slice s, cu_buf *out);
/* {"name": value, …} */
void cu_put_json_headers(const cu_record *r, cu_buf *out);
/* Milliseconds since 1970 -> 2024-01-01T00:00:00.123Z; a time that is not
 * known is empty. */
void cu_put_time_ms(int64_t ms, cu_buf *out);

/* One dead letter, the `number`th from the newest: lines for people, or one
 * JSON object (dlq_show.c). */
void cu_letter_text(const cu_record *r, int64_t number, cu_buf *out);
void cu_letter_json(const cu_record *r, int64_t number, cu_buf *out);

#endif
