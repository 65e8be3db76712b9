/* The two pipelines of kafka_figures.py, said in Kafka Streams.
 *
 *   java -cp 'JARS/*' Streams.java pass|count KEY=VALUE...
 *
 * app, brokers, in, out, state, instance (a name), keys; delivery
 * (exactly_once_v2, at_least_once), interval (ms between commits), leave
 * (true: leaves the group when it stops).  Everything else is what Kafka
 * Streams does by default.
 *
 * It tells its progress in lines: "applied N" (rows of the input that went
 * through), "restored N" (records) and "running".
 */
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.StateRestoreListener;

public final class Streams {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final AtomicLong applied = new AtomicLong();
    private static final AtomicLong restored = new AtomicLong();

    private static Serde<JsonNode> rows() {
        Serializer<JsonNode> to = (topic, row) -> {
            try {
                return row == null ? null : JSON.writeValueAsBytes(row);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        };
        Deserializer<JsonNode> from = (topic, bytes) -> {
            try {
                return bytes == null ? null : JSON.readTree(bytes);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        };
        return Serdes.serdeFrom(to, from);
    }

    private static JsonNode passed(JsonNode row) {
        ObjectNode out = JSON.createObjectNode();
        out.set("id", row.get("id"));
        out.set("sent_us", row.get("sent_us"));
        return out;
    }

    private static JsonNode counted(long key, JsonNode row, JsonNode before) {
        ObjectNode out = JSON.createObjectNode();
        long last = row.get("sent_us").asLong();
        String note = row.get("note").asText();
        if (before.size() > 0) {
            last = Math.max(last, before.get("last").asLong());
            String other = before.get("note").asText();
            if (other.compareTo(note) > 0)
                note = other;
        }
        out.put("k", key);
        out.put("n", before.path("n").asLong() + 1);
        out.put("last", last);
        out.put("note", note);
        return out;
    }

    private static void build(StreamsBuilder b, boolean counts,
                              Map<String, String> words) {
        Serde<JsonNode> rows = rows();
        KStream<byte[], JsonNode> in = b.stream(words.get("in"),
            Consumed.with(Serdes.ByteArray(), rows));
        in = in.peek((k, v) -> applied.incrementAndGet());
        if (!counts) {
            in.filter((k, v) -> !v.get("note").asText().isEmpty())
                .mapValues(Streams::passed)
                .to(words.get("out"),
                    Produced.with(Serdes.ByteArray(), rows));
            return;
        }
        long keys = Long.parseLong(words.get("keys"));
        in.map((k, v) -> KeyValue.pair(v.get("id").asLong() % keys, v))
            .groupByKey(Grouped.with(Serdes.Long(), rows))
            .aggregate(JSON::createObjectNode, Streams::counted,
                       Materialized.with(Serdes.Long(), rows))
            .toStream()
            .to(words.get("out"), Produced.with(Serdes.Long(), rows));
    }

    private static Properties settings(Map<String, String> words) {
        Properties p = new Properties();
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, words.get("app"));
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, words.get("brokers"));
        p.put(StreamsConfig.STATE_DIR_CONFIG, words.get("state"));
        p.put(StreamsConfig.CLIENT_ID_CONFIG, words.get("instance"));
        p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
              words.get("delivery"));
        p.put("auto.offset.reset", "earliest");
        if (words.containsKey("interval"))
            p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG,
                  words.get("interval"));
        if (words.containsKey("leave"))
            p.put("internal.leave.group.on.close", true);
        if (words.containsKey("session"))
            p.put("session.timeout.ms", words.get("session"));
        return p;
    }

    private static StateRestoreListener listener() {
        return new StateRestoreListener() {
            public void onRestoreStart(TopicPartition p, String store,
                                       long from, long to) {}
            public void onBatchRestored(TopicPartition p, String store,
                                        long to, long n) {
                restored.addAndGet(n);
            }
            public void onRestoreEnd(TopicPartition p, String store, long n) {}
        };
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> words = new HashMap<>();
        for (int i = 1; i < args.length; i++) {
            String[] pair = args[i].split("=", 2);
            words.put(pair[0], pair[1]);
        }
        StreamsBuilder b = new StreamsBuilder();
        build(b, args[0].equals("count"), words);
        KafkaStreams streams = new KafkaStreams(b.build(), settings(words));
        CountDownLatch end = new CountDownLatch(1);
        streams.setGlobalStateRestoreListener(listener());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close();
            end.countDown();
        }));
        streams.start();
        boolean running = false;
        for (long a = -1, r = -1;; Thread.sleep(20)) {
            if (a != applied.get())
                System.out.println("applied " + (a = applied.get()));
            if (r != restored.get())
                System.out.println("restored " + (r = restored.get()));
            if (!running && streams.state() == KafkaStreams.State.RUNNING)
                System.out.println("running");
            running = streams.state() == KafkaStreams.State.RUNNING;
            System.out.flush();
        }
    }
}
