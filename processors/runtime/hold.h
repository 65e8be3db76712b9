/* What a view's topic gets later than the view: emit_interval, early_final. */
#ifndef CU_RUNTIME_HOLD_H
#define CU_RUNTIME_HOLD_H

#include "processors/runtime/int.h"

/* Gives a batch of (-1 old)(+1 new) pairs, or of final rows, to the topic. */
typedef int cu_hold_out(void *ctx, const cu_batch *b, cu_err *err);

/* --- hold.c: at most one publication per interval ------------------------- */

typedef struct cu_hold cu_hold;
cu_hold *cu_hold_new(cu_space *space, const cu_schema *schema,
                     const cu_key_col *key, uint32_t n_key,
                     int64_t interval_ms);
void cu_hold_free(cu_hold *h);
/* Notes the changes of one commit. */
int cu_hold_push(cu_hold *h, const cu_batch *b, cu_err *err);
/* Publishes the net changes if the interval is over, or `all`. */
int cu_hold_flush(cu_hold *h, int64_t now_us, bool all, cu_hold_out *out,
                  void *ctx, cu_err *err);
/* What another generation held back, before anything is pushed here. */
int cu_hold_inherit(cu_hold *h, cu_space *from, cu_err *err);
/* What one space holds back, with the row that stands for each key: the one to
 * come, else the one that is shown.  Who moves it puts keys and values into
 * the same table of another space. */
typedef int cu_hold_visit(void *ctx, cu_slice key, cu_slice value, cu_slice row,
                          cu_err *err);
int cu_hold_each(cu_space *space, cu_hold_visit *visit, void *ctx, cu_err *err);
cu_table *cu_hold_rows(cu_space *space);
/* When the next publication is due; INT64_MAX: nothing waits. */
int cu_hold_due(cu_hold *h, int64_t *due_us, cu_err *err);

/* --- final.c: the row once more when its window closes -------------------- */

typedef struct cu_finals cu_finals;
cu_finals *cu_finals_new(cu_space *space, const cu_view_def *view,
                         const cu_key_col *key, uint32_t n_key);
void cu_finals_free(cu_finals *f);
int cu_finals_push(cu_finals *f, const cu_batch *b, cu_err *err);
/* Has the watermark closed some? */
int cu_finals_closing(cu_finals *f, int64_t watermark_us, bool *closing,
                      cu_err *err);
/* Has the row's window closed? */
bool cu_finals_closed(const cu_finals *f, const cu_batch *b, uint32_t row,
                      int64_t watermark_us);
/* Rows whose windows the watermark has closed, in order of time. */
int cu_finals_flush(cu_finals *f, int64_t watermark_us, cu_hold_out *out,
                    void *ctx, cu_err *err);

#endif
