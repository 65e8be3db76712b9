"""A broker from the outside: librdkafka by ctypes and kcat, nothing of cupel.

Client asks (ends, stable ends, positions of groups, topics); Feeder writes
rows with one idempotent producer; read() returns a topic's committed records
as kcat sees them.
"""
import ctypes
import subprocess
from ctypes import byref, c_char_p, c_int, c_int32, c_int64, c_size_t, c_void_p

LIB = ctypes.CDLL("librdkafka.so.1")
PRODUCER, CONSUMER = 0, 1
NO_OFFSET = -1001
QUEUE_FULL = -184
ALTER_CONFIGS, CREATE_TOPICS = 4, 1
COPY = 2


def signature(name, result, *arguments):
    f = getattr(LIB, name)
    f.restype = result
    f.argtypes = arguments
    return f


conf_new = signature("rd_kafka_conf_new", c_void_p)
conf_set = signature("rd_kafka_conf_set", c_int, c_void_p, c_char_p, c_char_p,
                     c_char_p, c_size_t)
rk_new = signature("rd_kafka_new", c_void_p, c_int, c_void_p, c_char_p,
                   c_size_t)
rk_destroy = signature("rd_kafka_destroy", None, c_void_p)
err_name = signature("rd_kafka_err2name", c_char_p, c_int)
last_error = signature("rd_kafka_last_error", c_int)
watermarks = signature("rd_kafka_query_watermark_offsets", c_int, c_void_p,
                       c_char_p, c_int32, ctypes.POINTER(c_int64),
                       ctypes.POINTER(c_int64), c_int)
committed = signature("rd_kafka_committed", c_int, c_void_p, c_void_p, c_int)
topic_new = signature("rd_kafka_topic_new", c_void_p, c_void_p, c_char_p,
                      c_void_p)
produce = signature("rd_kafka_produce", c_int, c_void_p, c_int32, c_int,
                    c_char_p, c_size_t, c_char_p, c_size_t, c_void_p)
poll = signature("rd_kafka_poll", c_int, c_void_p, c_int)
flush = signature("rd_kafka_flush", c_int, c_void_p, c_int)
list_new = signature("rd_kafka_topic_partition_list_new", c_void_p, c_int)
list_free = signature("rd_kafka_topic_partition_list_destroy", None, c_void_p)
queue_new = signature("rd_kafka_queue_new", c_void_p, c_void_p)
queue_free = signature("rd_kafka_queue_destroy", None, c_void_p)
queue_poll = signature("rd_kafka_queue_poll", c_void_p, c_void_p, c_int)
event_free = signature("rd_kafka_event_destroy", None, c_void_p)
event_error = signature("rd_kafka_event_error", c_int, c_void_p)
topics_of = signature("rd_kafka_event_CreateTopics_result", c_void_p, c_void_p)
topics_at = signature("rd_kafka_CreateTopics_result_topics", c_void_p,
                      c_void_p, ctypes.POINTER(c_size_t))
topic_error = signature("rd_kafka_topic_result_error", c_int, c_void_p)
new_topic = signature("rd_kafka_NewTopic_new", c_void_p, c_char_p, c_int,
                      c_int, c_char_p, c_size_t)
new_topic_set = signature("rd_kafka_NewTopic_set_config", c_int, c_void_p,
                          c_char_p, c_char_p)
new_topic_free = signature("rd_kafka_NewTopic_destroy", None, c_void_p)
create_topics = signature("rd_kafka_CreateTopics", None, c_void_p,
                          ctypes.POINTER(c_void_p), c_size_t, c_void_p,
                          c_void_p)
resource_new = signature("rd_kafka_ConfigResource_new", c_void_p, c_int,
                         c_char_p)
resource_set = signature("rd_kafka_ConfigResource_set_config", c_int,
                         c_void_p, c_char_p, c_char_p)
resource_free = signature("rd_kafka_ConfigResource_destroy", None, c_void_p)
alter_configs = signature("rd_kafka_AlterConfigs", None, c_void_p,
                          ctypes.POINTER(c_void_p), c_size_t, c_void_p,
                          c_void_p)


class Part(ctypes.Structure):
    _fields_ = [("topic", c_char_p), ("partition", c_int32),
                ("offset", c_int64), ("metadata", c_void_p),
                ("metadata_size", c_size_t), ("opaque", c_void_p),
                ("err", c_int), ("private", c_void_p)]


class PartList(ctypes.Structure):
    _fields_ = [("cnt", c_int), ("size", c_int),
                ("elems", ctypes.POINTER(Part))]


add_part = signature("rd_kafka_topic_partition_list_add", ctypes.POINTER(Part),
                     c_void_p, c_char_p, c_int32)


class Refused(Exception):
    """the broker said no, or nothing"""


def check(code, doing):
    if code:
        raise Refused("%s: %s" % (doing, err_name(code).decode()))


def handle(kind, brokers, **settings):
    conf, why = conf_new(), ctypes.create_string_buffer(300)
    settings["bootstrap_servers"] = brokers
    settings["log_level"] = "2"
    for name, value in settings.items():
        if conf_set(conf, name.replace("_", ".").encode()
                    if name != "log_level" else b"log_level",
                    str(value).encode(), why, 300):
            raise Refused(why.value.decode())
    rk = rk_new(kind, conf, why, 300)
    if not rk:
        raise Refused(why.value.decode())
    return rk


class Client:
    """What is on the broker; `isolation` decides what an end is."""

    def __init__(self, brokers, group="torture", isolation="read_committed"):
        self.rk = handle(CONSUMER, brokers, group_id=group,
                         isolation_level=isolation,
                         enable_auto_commit="false")

    def close(self):
        rk_destroy(self.rk)

    def ends(self, topic, partitions):
        out = []
        for p in range(partitions):
            low, high = c_int64(), c_int64()
            check(watermarks(self.rk, topic.encode(), p, byref(low),
                             byref(high), 10000), "the end of " + topic)
            out.append(high.value)
        return out

    def positions(self, topic, partitions):
        """of the group; None where there is none"""
        parts = list_new(partitions)
        for p in range(partitions):
            add_part(parts, topic.encode(), p)
        code = committed(self.rk, parts, 20000)
        view = ctypes.cast(parts, ctypes.POINTER(PartList)).contents
        out = [view.elems[k].offset for k in range(view.cnt)]
        list_free(parts)
        check(code, "positions in " + topic)
        return [None if at == NO_OFFSET else at for at in out]

    def _admin(self, call, things, n):
        queue = queue_new(self.rk)
        call(self.rk, things, n, None, queue)
        event = queue_poll(queue, 30000)
        queue_free(queue)
        if not event:
            raise Refused("no answer to an admin request")
        check(event_error(event), "admin request")
        return event

    def create(self, topic, partitions):
        why = ctypes.create_string_buffer(300)
        t = new_topic(topic.encode(), partitions, 1, why, 300)
        event = self._admin(create_topics, (c_void_p * 1)(t), 1)
        n = c_size_t()
        results = topics_at(topics_of(event), byref(n))
        first = ctypes.cast(results, ctypes.POINTER(c_void_p))[0]
        code = topic_error(first)
        event_free(event)
        new_topic_free(t)
        check(code, "creating " + topic)

    def configure(self, topic, **settings):
        """replaces the topic's own settings"""
        r = resource_new(2, topic.encode())
        for name, value in settings.items():
            resource_set(r, name.replace("_", ".").encode(),
                         str(value).encode())
        event_free(self._admin(alter_configs, (c_void_p * 1)(r), 1))
        resource_free(r)


class Feeder:
    """One idempotent producer; what it was given arrives once, in order,
    however long the broker is away."""

    def __init__(self, brokers, topic):
        self.rk = handle(PRODUCER, brokers, enable_idempotence="true",
                         linger_ms=5, message_timeout_ms=0)
        self.topic = topic_new(self.rk, topic.encode(), None)

    def send(self, partition, value, key=None):
        while produce(self.topic, partition, COPY, value, len(value), key,
                      len(key) if key else 0, None):
            if last_error() != QUEUE_FULL:
                raise Refused(err_name(last_error()).decode())
            poll(self.rk, 20)

    def serve(self):
        poll(self.rk, 0)

    def close(self):
        check(flush(self.rk, 600000), "the input is not delivered")
        # destroyed with the process: a handle over a dead broker may wait


class Record:
    __slots__ = ("partition", "offset", "key", "value")

    def __init__(self, partition, offset, key, value):
        self.partition, self.offset = partition, offset
        self.key, self.value = key, value


NOTHING = b"-"


def read(brokers, topic, partition=None, at=None, timeout=120):
    """Committed records of all partitions, or of one from a position on, to
    the end as of now, in order of each partition; a null key or value is
    None.  What stands for no row (docs/formats.md) is left out."""
    where = [] if partition is None else ["-p", str(partition)]
    made = subprocess.run(
        ["kcat", "-b", brokers, "-C", "-t", topic, *where, "-o",
         "beginning" if at is None else str(at), "-e", "-q",
         "-X", "isolation.level=read_committed", "-X",
         "check.crcs=true", "-f", "%p %o %K %S\n%k%s\n"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
    if made.returncode:
        raise Refused("kcat cannot read %s: %s" % (topic, made.stderr[-300:]))
    data, at, out = made.stdout, 0, []
    while at < len(data):
        end = data.index(b"\n", at)
        partition, offset, k, s = map(int, data[at:end].split())
        at = end + 1
        key = None if k < 0 else data[at:at + k]
        at += max(k, 0)
        value = None if s < 0 else data[at:at + s]
        at += max(s, 0) + 1
        if key != NOTHING or value is not None:
            out.append(Record(partition, offset, key, value))
    return out
