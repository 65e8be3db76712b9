"""The verifier: reads every topic of an app as committed, and judges.

Nothing here asks cupel.  What must hold (each break is one violation):

  passed     every (partition, offset) of the input once, none missing
  views      the last value of each key is Python's answer
  steady     no record repeats the one before it of its key
  sequence   progress records of each changelog partition are 1, 2, 3 …
  forward    each begins where the last one ended: no position goes back
  positions  of the group = of the last progress records = ends of the input
  exchanges  behind the group's position there are marks only, no rows
  hanging    the stable end is the end: no transaction is left open
"""
import json
import struct
import subprocess
from collections import Counter

from kafka import Client, read
from pipeline import PARTITIONS, answer, fields
from progress import KEY, Progress


class Verdict:
    def __init__(self):
        self.violations = 0
        self.told = []
        self.counts = Counter()

    def broken(self, what, n=1):
        """n violations of one kind; the first few are told"""
        self.violations += n
        if len(self.told) < 12:
            self.told.append(what)


def topics_of(brokers, app):
    made = subprocess.run(["kcat", "-b", brokers, "-L", "-J"], check=True,
                          stdout=subprocess.PIPE, timeout=60)
    found = json.loads(made.stdout)["topics"]
    return {t["topic"]: len(t["partitions"]) for t in found
            if t["topic"].startswith(app + ".")}


def check_passed(v, brokers, app, counts, all_there=True):
    seen = Counter()
    for r in read(brokers, app + ".passed"):
        row = json.loads(r.value)
        at = (row["p"], row["o"])
        seen[at] += 1
        if row["amount"] != fields(*at)[2]:
            v.broken("passed: row %s has another content" % (at,))
    twice = [at for at, n in seen.items() if n > 1]
    if twice:
        v.broken("passed: %d rows more than once, such as %s"
                 % (len(twice), sorted(twice)[:3]), len(twice))
    want = {(p, o) for p, n in enumerate(counts) for o in range(n)}
    missing, strange = want - seen.keys(), seen.keys() - want
    if missing and all_there:
        v.broken("passed: %d rows are missing, such as %s"
                 % (len(missing), sorted(missing)[:3]), len(missing))
    if strange:
        v.broken("passed: %d rows that nobody wrote, such as %s"
                 % (len(strange), sorted(strange)[:3]), len(strange))
    v.counts["rows"] += len(want)


def check_view(v, brokers, app, view, want):
    last, repeats = {}, 0
    records = read(brokers, app + "." + view)
    for r in records:
        if last.get(r.key, b"") == r.value:
            repeats += 1
        last[r.key] = r.value
    if repeats:
        v.broken("%s: %d records repeat the one before" % (view, repeats),
                 repeats)
    got = {}
    for key, value in last.items():
        if value is not None:
            (name,) = json.loads(key).values()
            got[name] = json.loads(value)
    wrong = [k for k in want.keys() | got.keys() if want.get(k) != got.get(k)]
    if wrong:
        k = sorted(wrong, key=str)[0]
        v.broken("%s: %d of %d rows differ: is %s, should be %s"
                 % (view, len(wrong), len(want), got.get(k), want.get(k)),
                 len(wrong))
    v.counts["records"] += len(records)


def check_progress(v, brokers, topic, compacted, last):
    """Into `last`: (topic, partition) -> the positions of its readers."""
    before = {}
    for r in read(brokers, topic):
        if r.key != KEY or r.value is None:
            continue
        p, old = Progress(r.value), before.get(r.partition)
        expected = old.sequence + 1 if old else 1
        if compacted and p.sequence > expected:
            v.counts["compacted away"] += 1
        elif p.sequence != expected:
            v.broken("%s[%d]: sequence %d follows %d"
                     % (topic, r.partition, p.sequence, expected - 1))
        for at, following in p.inputs.items():
            if old and following < old.inputs.get(at, following):
                v.broken("%s[%d]: sequence %d goes back in %s to %d"
                         % (topic, r.partition, p.sequence, at, following))
        if old and old.instance != p.instance:
            v.counts["takeovers"] += 1
        v.counts["transactions"] += 1
        before[r.partition] = p
    for p in before.values():
        for at, following in p.inputs.items():
            last.setdefault(at, []).append(following)


def rows_from(brokers, topic, partition, at, end):
    """Blocks with rows (docs/formats.md) behind a position."""
    if at is not None and at >= end:
        return 0
    records = read(brokers, topic, partition=partition, at=at)
    return sum(struct.unpack_from("<I", r.value, 17)[0] > 0 for r in records
               if r.value)


def check_positions(v, brokers, app, inputs, topics, last):
    """inputs: topic -> rows of each partition, as they were fed"""
    client = Client(brokers, group=app)
    for topic, counts in inputs.items():
        ends = client.ends(topic, PARTITIONS)
        group = client.positions(topic, PARTITIONS)
        if ends != counts:
            v.broken("the test fed %s rows to %s, its ends are %s"
                     % (counts, topic, ends))
        for p in range(PARTITIONS):
            if group[p] != ends[p]:
                v.broken("%s[%d]: the group stands at %s, the end is %d"
                         % (topic, p, group[p], ends[p]))
            for at in last.get((topic, p), [None]):
                if at != ends[p]:
                    v.broken("%s[%d]: a progress record says %s, the end "
                             "is %d" % (topic, p, at, ends[p]))
    for topic, n in topics.items():
        if not topic.endswith(".repartition"):
            continue
        group, ends = client.positions(topic, n), client.ends(topic, n)
        left = 0
        for p in range(n):
            left += rows_from(brokers, topic, p, group[p], ends[p])
            said = last.get((topic, p), [])
            if said and group[p] is not None and min(said) != group[p]:
                v.broken("%s[%d]: the group stands at %s, progress at %s"
                         % (topic, p, group[p], said))
        if left:
            v.broken("%s: %d blocks of rows were never taken" % (topic, left),
                     left)
    client.close()


def hanging(brokers, topics):
    """what says that a transaction is open: the stable end is not the end"""
    out = []
    stable = Client(brokers, isolation="read_committed")
    all_of = Client(brokers, isolation="read_uncommitted")
    for topic, n in topics.items():
        a, b = stable.ends(topic, n), all_of.ends(topic, n)
        if a != b:
            out.append("%s: stable ends %s, ends %s: a transaction hangs"
                       % (topic, a, b))
    stable.close()
    all_of.close()
    return out


def verify_part(brokers, app, counts):
    """Of an app that did not go through to the end: what is wrong whatever
    is still missing."""
    v = Verdict()
    check_passed(v, brokers, app, counts, all_there=False)
    for topic in topics_of(brokers, app):
        if topic.endswith(".changelog"):
            check_progress(v, brokers, topic, False, {})
    return v


def verify(brokers, app, inputs, compacted=False):
    v, last = Verdict(), {}
    sales = next(iter(inputs.values()))
    topics = topics_of(brokers, app)
    for what in hanging(brokers, topics):
        v.broken(what)
    check_passed(v, brokers, app, sales)
    for view, want in answer(sales).items():
        check_view(v, brokers, app, view, want)
    changelogs = [t for t in topics if t.endswith(".changelog")]
    if not changelogs:
        v.broken("there is no changelog at all")
    for topic in changelogs:
        check_progress(v, brokers, topic, compacted, last)
    check_positions(v, brokers, app, inputs, topics, last)
    letters = app + ".dlq"
    if letters in topics:
        n = len(read(brokers, letters))
        if n:
            v.broken("%d dead letters" % n, n)
    return v
