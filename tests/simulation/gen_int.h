/* Shared by the files that write pipelines. */
#ifndef CU_SIM_GEN_INT_H
#define CU_SIM_GEN_INT_H

#include "base/alloc.h"
#include "tests/simulation/gen.h"

enum { SIM_MOST_VIEWS = 6 };

#define SIM_N(x)         (sizeof(x) / sizeof(*(x)))
#define SIM_ANY(w, list) ((list)[sim_below((w)->r, SIM_N(list))])

/* What a view can stand on: it has the columns id, g and v. */
typedef struct sim_relation {
    const char *name;
    bool append;        /* never retracts */
    bool keyed;         /* id, g and v hold its key */
    bool has_key;       /* it has a key */
    bool of_t, of_rest; /* reads t, other tables */
    bool late;          /* has late_rows() */
} sim_relation;

typedef struct sim_writer {
    sim_rng *r;
    const sim_case *c;
    cu_arena *a;
    cu_buf sql;
    sim_relation rel[SIM_MOST_VIEWS + SIM_TABLES];
    uint32_t n; /* rel[n] is the view at hand */
} sim_writer;

/* One of the relations; the view at hand reads it. */
const sim_relation *sim_any(sim_writer *w);
/* One whose filter or projection can be published. */
const sim_relation *sim_any_plain(sim_writer *w);
const sim_relation *sim_use(sim_writer *w, uint32_t i);
/* Are rows of t with one value of the column in one partition? */
bool sim_is_home(const sim_writer *w, sim_home column);

typedef void sim_put(sim_writer *w, const char *name);
sim_put sim_put_window, sim_put_session, sim_put_window_join,
    sim_put_interval_join, sim_put_window_rank, sim_put_late, sim_put_temporal,
    sim_put_held;
sim_put sim_put_history, sim_put_current, sim_put_changelog, sim_put_surrogate,
    sim_put_lookup, sim_put_asof, sim_put_letters;

#endif
