/* Keeps a consumer's fetchers awake.
 *
 * librdkafka 2.0.2 stops fetching from a broker while the queue is above
 * its limit and looks again only when that broker's thread wakes up: by
 * itself, a second later.  Emptying the queue does not wake it.  With a
 * queue of 8 MiB a reader then gets 8 MiB in each second however fast it
 * is (measured, 300-byte rows: 124 k/s without this, 1.3 M/s with it).
 *
 * A request wakes the thread of the broker that it goes to, so one is sent
 * whenever half a queue has been taken out: the list of consumer groups
 * that are dead, which goes to every broker, needs no permission and has
 * no entries.  Its answer is thrown away.
 */
#include "log/kafka.h"

#include "base/alloc.h"

#include <librdkafka/rdkafka.h>

enum { ANSWER_MS = 5000 };

struct cu_kafka_wake {
    rd_kafka_t *rk;
    rd_kafka_queue_t *answers;
    rd_kafka_AdminOptions_t *options;
    size_t every_bytes, taken;
    bool asked; /* an answer is still to come */
};

cu_kafka_wake *cu_kafka_wake_new(rd_kafka_t *rk, size_t queue_bytes)
{
    char why[8];
    const rd_kafka_consumer_group_state_t dead[] = {
        RD_KAFKA_CONSUMER_GROUP_STATE_DEAD};
    cu_kafka_wake *w = cu_calloc(1, sizeof(*w));
    w->rk = rk;
    w->every_bytes = queue_bytes / 2;
    w->answers = rd_kafka_queue_new(rk);
    w->options = rd_kafka_AdminOptions_new(
        rk, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS);
    rd_kafka_AdminOptions_set_request_timeout(w->options, ANSWER_MS, why,
                                              sizeof(why));
    rd_kafka_error_destroy(
        rd_kafka_AdminOptions_set_match_consumer_group_states(w->options, dead,
                                                              1));
    return w;
}

void cu_kafka_wake_taken(cu_kafka_wake *w, size_t bytes)
{
    w->taken += bytes;
    if (w->taken < w->every_bytes)
        return;
    if (w->asked) {
        rd_kafka_event_t *answer = rd_kafka_queue_poll(w->answers, 0);
        if (!answer)
            return; /* asked again with the next run */
        rd_kafka_event_destroy(answer);
    }
    rd_kafka_ListConsumerGroups(w->rk, w->options, w->answers);
    w->asked = true;
    w->taken = 0;
}

void cu_kafka_wake_free(cu_kafka_wake *w)
{
    if (!w)
        return;
    rd_kafka_AdminOptions_destroy(w->options);
    rd_kafka_queue_destroy(w->answers);
    cu_free(w);
}
