/* The log of one simulated process: cu_log over a simulated broker.
 *
 * It says what log/kafka*.c would say: what is lost, late or refused becomes
 * the same codes and flags, so that the runtime above cannot tell.  Whatever
 * goes over the network passes a named point, where the world may freeze the
 * process, kill it, or lose the request or its answer.
 */
#ifndef CU_SIM_CLIENT_H
#define CU_SIM_CLIENT_H

#include "tests/simulation/broker.h"
#include "tests/simulation/gen.h"

typedef enum sim_fate {
    SIM_GO,
    SIM_KILLED,     /* the process is no more: every call fails */
    SIM_NO_REQUEST, /* it never arrived */
    SIM_NO_ANSWER,  /* it arrived, and was sent once more */
    SIM_LATE,       /* a copy of it is still on its way */
    SIM_FATES,
} sim_fate;

/* What the client leaves out, to see that somebody notices. */
typedef enum sim_client_sabotage {
    SIM_HONEST,
    SIM_STRANGER, /* marks without the group's generation */
    SIM_GUARD,    /* an end sent twice passes for one */
    SIM_OUTSIDE,  /* marks are committed behind the transaction */
    SIM_UNFENCED, /* a newer producer fences nobody */
    SIM_NO_ABORT, /* an abort is not sent */
    SIM_MANGLE,   /* a letter loses its last byte */
    SIM_DEAF,     /* one partition is never heard of */
    SIM_SKIP,     /* a restore misses some records */
} sim_client_sabotage;
extern sim_client_sabotage sim_client_broken;

typedef struct sim_client {
    cu_log base;
    sim_broker *broker;
    cu_env *env;
    sim_rng *rng;
    bool dead;
    /* NULL: nothing ever happens, and waiting moves the clock. */
    sim_fate (*point)(void *ctx, const char *name);
    void (*wait)(void *ctx, int64_t us);
    /* A partition is read by hand. */
    void (*opened)(void *ctx, cu_part part, int64_t from);
    void *ctx;
} sim_client;

/* The points, for a sweep over all of them. */
extern const char *const sim_points[];

void sim_client_init(sim_client *c, sim_broker *b, cu_env *env, sim_rng *rng);

/* --- between client.c, client_writer.c and client_reader.c ---------------- */

sim_fate sim_pass(sim_client *c, const char *point);
void sim_wait(sim_client *c, int64_t us);
/* Waits for the broker; false: in vain. */
bool sim_reach(sim_client *c, int64_t us);
int sim_dead(cu_err *err);
int sim_down(cu_err *err);
int sim_no_part(cu_part p, cu_err *err);

int sim_writer_open(cu_log *, const char *, cu_writer **, cu_err *);
int sim_begin(cu_writer *, cu_err *);
int sim_append(cu_writer *, const cu_record *, cu_err *);
int sim_mark_reader(cu_writer *, cu_reader *, cu_part, int64_t, cu_err *);
bool sim_attach(cu_writer *, const cu_kv_batch *);
int sim_commit(cu_writer *, int64_t, cu_arena *, cu_positions *, cu_err *);
int sim_abort(cu_writer *, cu_err *);
void sim_writer_close(cu_writer *);

int sim_reader_open(cu_log *, const cu_reader_opts *, cu_reader **, cu_err *);
int sim_reader_seek(cu_reader *, cu_part, int64_t, cu_err *);
int sim_reader_pause(cu_reader *, cu_part, bool, cu_err *);
int sim_reader_poll(cu_reader *, int64_t, cu_poll *, cu_err *);
void sim_reader_close(cu_reader *);
/* The member and generation under which the reader has `part`. */
int sim_reader_generation(cu_reader *, cu_part, sim_group **, sim_part **,
                          uint64_t *member, uint64_t *generation, cu_err *);

#endif
