/* A hash map from bytes to pointers, and an ordered map of the same shape.
 *
 * cu_map: open addressing over a dense array, copies its keys into one
 * arena.  Visiting follows insertion until something was removed and is
 * nobody's business: sort before output.  cu_omap: a B+tree over memcmp
 * order, for overlays that are range-scanned.  Absent and empty keys are the
 * same key.
 *
 * Thread: one owner.  Values are the caller's.
 */
#ifndef CU_BASE_MAP_H
#define CU_BASE_MAP_H

#include "base/bytes.h"

typedef struct cu_map cu_map;

cu_map *cu_map_new(void);
void cu_map_free(cu_map *m);
/* Forgets all entries, keeps the memory for the next round. */
void cu_map_reset(cu_map *m);
size_t cu_map_count(const cu_map *m);
/* The value slot of `key`, or NULL. Valid until the next insert. */
void **cu_map_get(const cu_map *m, cu_slice key);
/* The slot of `key`, made (NULL value) when new; *fresh says so. */
void **cu_map_put(cu_map *m, cu_slice key, bool *fresh);
/* True when it was there. */
bool cu_map_del(cu_map *m, cu_slice key);
/* Visits all entries: start with *at = 0; false at the end.  Keys are lent
 * until the next insert; removing entries meanwhile is fine. */
bool cu_map_next(const cu_map *m, size_t *at, cu_slice *key, void **value);

typedef struct cu_omap cu_omap;
typedef struct cu_onode cu_onode; /* stable until it is deleted or reset */

cu_omap *cu_omap_new(void);
void cu_omap_free(cu_omap *m);
void cu_omap_reset(cu_omap *m);
size_t cu_omap_count(const cu_omap *m);
cu_onode *cu_omap_get(const cu_omap *m, cu_slice key);
cu_onode *cu_omap_put(cu_omap *m, cu_slice key, bool *fresh);
bool cu_omap_del(cu_omap *m, cu_slice key);
/* First node with key >= `key` (> when `after`); NULL at the end. */
cu_onode *cu_omap_seek(const cu_omap *m, cu_slice key, bool after);
/* Last node with key < `key` (absent slice: the last of all). */
cu_onode *cu_omap_before(const cu_omap *m, cu_slice key);
cu_onode *cu_onode_next(const cu_onode *n);
cu_slice cu_onode_key(const cu_onode *n);
void *cu_onode_value(const cu_onode *n);
void cu_onode_set(cu_onode *n, void *value);

#endif
