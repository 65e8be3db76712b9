#!/usr/bin/env python3
"""The figures of docs/reliability.md, on a broker that it starts itself.

    kafka_figures.py CUPEL [--kafka 3.9.2] [--rows 1000000] [NAME...]

NAME: throughput, latency, restore, gaps; none: all of them.

Wall times are of the machine as it is; CPU times are of cupel alone, from
/proc.  Nothing passes or fails.  Latency is the time from the producer's
clock in the row to the arrival at an independent read_committed consumer
(kcat), and so contains the producer's linger, two trips over the broker and
what Python takes to note it.
"""

import argparse
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTITIONS = 4
TICKS = os.sysconf("SC_CLK_TCK")

PASS = """
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka{options};
CREATE FOREIGN TABLE event (id bigint NOT NULL, sent_us bigint, note text)
  SERVER kafka OPTIONS (topic 'event', format 'json');
CREATE MATERIALIZED VIEW passed AS
SELECT id, sent_us FROM event WHERE note <> '';
"""

COUNT = """
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka{options};
CREATE FOREIGN TABLE event (id bigint NOT NULL, sent_us bigint, note text)
  SERVER kafka OPTIONS (topic 'event', format 'json');
CREATE MATERIALIZED VIEW counted AS
SELECT id % {keys} AS k, count(*) AS n, max(sent_us) AS last,
       max(note) AS note
FROM event GROUP BY id % {keys};
"""


def say(text):
    print(text, file=sys.stderr, flush=True)


class Broker:
    def __init__(self, version, work):
        self.script = str(ROOT / "tests/kafka/broker.sh")
        self.data = str(work / "broker")
        port = subprocess.run([sys.executable, ROOT / "tests/e2e/ports.py",
                               "2"], capture_output=True, text=True,
                              check=True).stdout.strip()
        self.address = "127.0.0.1:" + port
        subprocess.run([self.script, "start", version, port, self.data],
                       check=True, stdout=subprocess.DEVNULL)

    def close(self):
        subprocess.run([self.script, "wipe", self.data], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Process:
    """One cupel run; `instance` names it and its state folder."""

    def __init__(self, bench, folder, instance, *options):
        self.folder, self.instance = folder, instance
        self.said = open(folder / ("said." + instance), "a+b")
        self.began = time.monotonic()
        self.p = subprocess.Popen(
            [bench.cupel, "run", folder, "--app", folder.name, "--brokers",
             bench.broker.address, "--state", folder / ("state." + instance),
             "--instance", instance, "--listen",
             "127.0.0.1:" + bench.port(), *options],
            stdout=self.said, stderr=self.said)
        self.listen = bench.last_port
        bench.processes.append(self)

    def cpu(self):
        """Seconds of user and system time."""
        with open(f"/proc/{self.p.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def metric(self, name):
        """The sum over all labels; None while nobody answers."""
        try:
            with urllib.request.urlopen(
                    f"http://127.0.0.1:{self.listen}/metrics", timeout=2) as r:
                text = r.read().decode()
        except OSError:
            return None
        values = [float(line.split()[-1]) for line in text.splitlines()
                  if line.startswith("cupel_" + name)]
        return sum(values) if values else None

    def wait(self, name, least, seconds=600):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.p.poll() is not None:
                self.said.seek(0)
                raise SystemExit(self.said.read().decode())
            value = self.metric(name)
            if value is not None and value >= least:
                return time.monotonic()
            time.sleep(0.01)
        raise SystemExit(f"{name} never reached {least}")

    def end(self, how=signal.SIGTERM):
        began = time.monotonic()
        if self.p.poll() is None:
            self.p.send_signal(how)
        self.p.wait(60)
        return time.monotonic() - began


class Arrivals:
    """A read_committed consumer that notes when rows come."""

    def __init__(self, bench, topic):
        self.rows = []  # (arrival s, partition, sent_us)
        self.p = subprocess.Popen(
            ["kcat", "-b", bench.broker.address, "-C", "-t", topic, "-o",
             "end", "-u", "-q", "-f", "%p %s\n", "-X",
             "isolation.level=read_committed", "-X", "fetch.wait.max.ms=10"],
            stdout=subprocess.PIPE)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.p.stdout:
            now = time.time()
            if b"sent_us" not in line:
                continue
            part, row = line.split(b" ", 1)
            sent = int(row.split(b'"sent_us":', 1)[1].split(b"}")[0]
                       .split(b",")[0])
            self.rows.append((now, int(part), sent))

    def close(self):
        self.p.terminate()
        self.thread.join(10)
        return self.rows


def delays(arrivals):
    """From the clock in a row to its arrival."""
    took = sorted(now * 1e6 - sent for now, _, sent in arrivals.close())
    return (f"p50 {took[len(took) // 2] / 1000:.0f} ms, p99 "
            f"{took[len(took) * 99 // 100] / 1000:.0f} ms ({len(took)} rows)")


class Bench:
    def __init__(self, options, work):
        self.cupel, self.rows, self.work = options.cupel, options.rows, work
        self.processes, self.last_port = [], None
        self.broker = Broker(options.kafka, work)

    def port(self):
        self.last_port = subprocess.run(
            [sys.executable, ROOT / "tests/e2e/ports.py", "1"],
            capture_output=True, text=True, check=True).stdout.strip()
        return self.last_port

    def app(self, name, sql, delivery=None, **words):
        folder = self.work / name
        folder.mkdir()
        options = f" OPTIONS (delivery '{delivery}')" if delivery else ""
        (folder / "pipeline.sql").write_text(
            sql.format(options=options, **words).replace("'event'",
                                                         f"'{name}.in'"))
        subprocess.run([self.cupel, "topics", "create", name + ".in",
                        "--partitions", str(PARTITIONS), "--brokers",
                        self.broker.address, "-q"], check=True,
                       stdout=subprocess.DEVNULL)
        return folder

    def producer(self, topic, *options):
        return subprocess.Popen(
            ["kcat", "-b", self.broker.address, "-P", "-t", topic, "-K", "\t",
             "-X", "linger.ms=2", "-X", "partitioner=murmur2_random",
             *options], stdin=subprocess.PIPE)

    def fill(self, topic, rows, keys):
        """Rows at full speed, 100 bytes of note each."""
        draw = random.Random(7)
        p = self.producer(topic)
        for at in range(0, rows, 1000):
            p.stdin.write(b"".join(
                b'%d\t{"id":%d,"sent_us":%d,"note":"%0100d"}\n' %
                (i, draw.randrange(keys), i, i)
                for i in range(at, min(at + 1000, rows))))
        p.stdin.close()
        p.wait()

    def pace(self, topic, per_second, seconds, meanwhile=None):
        """Rows by the clock, every 5 ms as many as are due."""
        p = self.producer(topic)
        began, sent, n = time.monotonic(), 0, per_second * seconds
        helper = threading.Thread(target=meanwhile) if meanwhile else None
        if helper:
            helper.start()
        while sent < n:
            due = min(n, int((time.monotonic() - began) * per_second))
            now = time.time_ns() // 1000
            p.stdin.write(b"".join(
                b'%d\t{"id":%d,"sent_us":%d,"note":"x"}\n' % (i, i, now)
                for i in range(sent, due)))
            p.stdin.flush()
            sent = due
            time.sleep(0.005)
        p.stdin.close()
        p.wait()
        if helper:
            helper.join()

    # --- what is measured --------------------------------------------------

    def throughput(self):
        for delivery in ("exactly_once", "at_least_once"):
            for name, sql in (("pass", PASS), ("count", COUNT)):
                folder = self.app(f"t-{name}-{delivery[0]}", sql, delivery,
                                  keys=10000)
                self.fill(folder.name + ".in", self.rows, 10000)
                p = Process(self, folder, "x", "--memory", "256MB")
                p.wait("commits_total", 1)
                p.wait("rows_applied_total", self.rows)
                cpu, wall = p.cpu(), time.monotonic() - p.began
                p.end()
                yield (f"throughput, {name}, {delivery}",
                       f"{self.rows / cpu / 1000:.0f} k rows per CPU s, "
                       f"{self.rows / wall / 1000:.0f} k rows/s")

    def latency(self):
        for delivery, interval in (("exactly_once", "50"),
                                   ("exactly_once", "100"),
                                   ("at_least_once", "5")):
            folder = self.app(f"l-{delivery[0]}-{interval}", PASS, delivery)
            p = Process(self, folder, "x", "--commit-interval", interval)
            p.wait("commits_total", 1)
            self.pace(folder.name + ".in", 1000, 2)
            arrivals = Arrivals(self, folder.name + ".passed")
            time.sleep(1)
            self.pace(folder.name + ".in", 20000, 20)
            time.sleep(1)
            p.end()
            yield (f"latency, {delivery}, commits every {interval} ms",
                   delays(arrivals))

    def restore(self):
        folder = self.app("restore", COUNT, keys=self.rows)
        self.fill("restore.in", self.rows, self.rows)
        p = Process(self, folder, "x", "--memory", "256MB")
        p.wait("rows_applied_total", self.rows)
        yield "clean stop", f"{p.end() * 1000:.0f} ms"
        shutil.rmtree(folder / "state.x")
        p = Process(self, folder, "x", "--memory", "256MB")
        began = p.wait("restored_records_total", 1)
        p.wait("commits_total", 1)
        wall, cpu = time.monotonic() - began, p.cpu()
        mb = p.metric("restored_bytes_total") / 1e6
        rows = p.metric("restored_records_total")
        rss = p.metric("resident_bytes") / 1e6
        p.end()
        yield ("restore from nothing",
               f"{mb:.0f} MB, {rows / 1000:.0f} k records: {mb / wall:.0f} "
               f"MB/s, {rows / wall / 1000:.0f} k records/s, {mb / cpu:.0f} "
               f"MB per CPU s; {rss:.0f} MB resident")
        p = Process(self, folder, "x", "--memory", "256MB")
        at = p.wait("commits_total", 1)
        yield ("restart with its state, to the first commit",
               f"{(at - p.began) * 1000:.0f} ms")
        p.end()

    def silences(self, folder, topic, event, seconds):
        """The longest of each partition of `topic` around an event, in ms."""
        arrivals = Arrivals(self, topic)
        time.sleep(1)
        self.pace(folder.name + ".in", 2000, seconds, event)
        time.sleep(2)
        times = {}
        for now, part, _ in arrivals.close():
            times.setdefault(part, []).append(now)
        return sorted(max(b - a for a, b in zip(t, t[1:])) * 1000
                      for t in times.values() if len(t) > 1)

    def gap(self, name, folder, event, seconds):
        longest = self.silences(folder, folder.name + ".passed", event,
                                seconds)
        return (name, f"longest silence of a partition {longest[-1]:.0f} ms, "
                      f"of the others {longest[0]:.0f} ms at least")

    def gaps(self):
        for kind, options in (("static members", ()),
                              ("members with --leave", ("--leave",))):
            folder = self.app("g-leave" if options else "g-static", PASS)
            first = Process(self, folder, "a", *options)
            first.wait("commits_total", 1)
            self.pace(folder.name + ".in", 2000, 2)
            started = []

            def join():
                time.sleep(3)
                started.append(Process(self, folder, "b", *options))

            yield self.gap(f"a second process joins, {kind}", folder,
                           join, 10)

            def leave():
                time.sleep(3)
                started[0].end()

            yield self.gap(f"it stops, {kind}", folder, leave, 18)
            second = Process(self, folder, "b", *options)
            second.wait("commits_total", 1)

            def die():
                time.sleep(3)
                second.end(signal.SIGKILL)

            yield self.gap(f"it is killed, {kind}", folder, die, 20)
            first.end()

    def close(self):
        for p in self.processes:
            if p.p.poll() is None:
                p.p.kill()
                p.p.wait()
        self.broker.close()


def main(kind=Bench, what=__doc__):
    names = ["throughput", "latency", "restore", "gaps"]
    parser = argparse.ArgumentParser(description=what.split("\n")[0])
    parser.add_argument("cupel")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--kafka", default="3.9.2")
    parser.add_argument("--rows", type=int, default=1000000)
    options = parser.parse_intermixed_args()
    options.cupel = os.path.abspath(options.cupel)
    work = pathlib.Path(tempfile.mkdtemp(prefix="cupel-figures-"))
    bench = kind(options, work)
    try:
        for name in options.names or names:
            say(f"{time.strftime('%H:%M:%S')} {name}")
            for what, figure in getattr(bench, name)():
                print(f"| {what} | {figure} |", flush=True)
    finally:
        bench.close()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
