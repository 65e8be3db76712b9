#!/usr/bin/env python3
"""The figures of kafka_figures.py, of Kafka Streams on the same machine.

    streams_figures.py CUPEL [--kafka 3.9.2] [--rows 1000000] [NAME...]

NAME: throughput, latency, restore, gaps; none: all of them.  The jars are
fetched once, with Maven, into build/streams beside the tree.  Input, broker,
producer and consumer are those of kafka_figures.py (cupel makes the topics).
The JVM gets its defaults; CPU times contain its start and its compiler.
"""

import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import kafka_figures as figures  # noqa: E402


def jars():
    lib = figures.ROOT / "build/streams"
    if not (lib / ".complete").exists():
        figures.say("fetching the jars of Kafka Streams")
        subprocess.run(["mvn", "-q", "-B", "-f", HERE / "pom.xml",
                        "dependency:copy-dependencies",
                        f"-DoutputDirectory={lib}"], check=True)
        (lib / ".complete").touch()
    return lib


class Process:
    """One JVM with one stream thread, as by default."""

    def __init__(self, bench, kind, folder, instance, **words):
        words = {"app": folder.name, "brokers": bench.broker.address,
                 "in": folder.name + ".in", "out": folder.name + ".out",
                 "state": folder / ("state." + instance),
                 "instance": instance, "keys": 10000,
                 "delivery": "exactly_once_v2", **words}
        self.seen, self.at = {}, {}
        self.began = time.monotonic()
        self.p = subprocess.Popen(
            ["java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp",
             f"{bench.classes}:{bench.lib}/*", "Streams", kind,
             *(f"{k}={v}" for k, v in words.items())],
            stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        bench.processes.append(self)

    def read(self):
        for line in self.p.stdout:
            what, _, n = line.strip().partition(" ")
            self.at.setdefault(what, time.monotonic())
            self.seen[what] = int(n or 1)

    cpu = figures.Process.cpu
    end = figures.Process.end

    def resident(self):
        """Megabytes."""
        with open(f"/proc/{self.p.pid}/status") as f:
            return next(int(line.split()[1]) / 1000 for line in f
                        if line.startswith("VmRSS"))

    def wait(self, what, least=1, seconds=600):
        until = time.monotonic() + seconds
        while self.seen.get(what, 0) < least:
            if self.p.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{what} never reached {least}")
            time.sleep(0.01)
        return time.monotonic()


class Bench(figures.Bench):
    def __init__(self, options, work):
        super().__init__(options, work)
        self.lib, self.classes = jars(), work / "classes"
        subprocess.run(["javac", "-cp", f"{self.lib}/*", "-d", self.classes,
                        HERE / "Streams.java"], check=True)

    def folder(self, name):
        folder = self.app(name, "")
        subprocess.run([self.cupel, "topics", "create", name + ".out",
                        "--partitions", str(figures.PARTITIONS), "--brokers",
                        self.broker.address, "-q"], check=True,
                       stdout=subprocess.DEVNULL)
        return folder

    def throughput(self):
        for delivery in ("exactly_once_v2", "at_least_once"):
            for kind in ("pass", "count"):
                folder = self.folder(f"s-{kind}-{delivery[0]}")
                self.fill(folder.name + ".in", self.rows, 10000)
                p = Process(self, kind, folder, "x", delivery=delivery)
                p.wait("applied", self.rows)
                cpu, wall = p.cpu(), time.monotonic() - p.began
                yield (f"throughput, {kind}, {delivery}",
                       f"{self.rows / cpu / 1000:.0f} k rows per CPU s, "
                       f"{self.rows / wall / 1000:.0f} k rows/s, "
                       f"{p.resident():.0f} MB resident")
                p.end()

    def latency(self):
        for delivery, interval in (("exactly_once_v2", 50),
                                   ("exactly_once_v2", 100),
                                   ("at_least_once", 5)):
            folder = self.folder(f"sl-{delivery[0]}-{interval}")
            p = Process(self, "pass", folder, "x", delivery=delivery,
                        interval=interval)
            p.wait("running")
            self.pace(folder.name + ".in", 1000, 10)
            arrivals = figures.Arrivals(self, folder.name + ".out")
            time.sleep(1)
            self.pace(folder.name + ".in", 20000, 20)
            time.sleep(1)
            p.end()
            yield (f"latency, {delivery}, commits every {interval} ms",
                   figures.delays(arrivals))

    def restore(self):
        folder = self.folder("s-restore")
        self.fill("s-restore.in", self.rows, self.rows)
        p = Process(self, "count", folder, "x", keys=self.rows)
        p.wait("applied", self.rows)
        time.sleep(2)  # its last commit
        yield "clean stop", f"{p.end() * 1000:.0f} ms"
        shutil.rmtree(folder / "state.x")
        p = Process(self, "count", folder, "x", keys=self.rows)
        p.wait("restored")
        wall = p.wait("running") - p.at["restored"]
        n = p.seen["restored"]
        yield ("restore from nothing",
               f"{n / 1000:.0f} k records: {n / wall / 1000:.0f} k "
               f"records/s, {n / p.cpu() / 1000:.0f} k per CPU s; "
               f"{p.resident():.0f} MB resident")
        p.end()
        p = Process(self, "count", folder, "x", keys=self.rows)
        at = p.wait("running")
        yield ("restart with its state, until it runs",
               f"{(at - p.began) * 1000:.0f} ms")
        p.end()

    def gap(self, name, folder, event, seconds):
        longest = self.silences(folder, folder.name + ".out", event, seconds)
        return name, f"longest silence of a partition {longest[-1]:.0f} ms"

    def gaps(self):
        for kind, words in (("as by default", {}),
                            ("leaves, session 10 s",
                             {"leave": "true", "session": 10000})):
            folder = self.folder("sg-" + ("leave" if words else "plain"))
            first = Process(self, "pass", folder, "a", **words)
            first.wait("running")
            self.pace(folder.name + ".in", 2000, 2)
            started = []

            def join():
                time.sleep(3)
                started.append(Process(self, "pass", folder, "b", **words))

            yield self.gap(f"a second process joins, {kind}", folder, join, 15)

            def leave():
                time.sleep(3)
                started[0].end()

            yield self.gap(f"it stops, {kind}", folder, leave, 60)
            second = Process(self, "pass", folder, "b", **words)
            second.wait("applied")

            def die():
                time.sleep(3)
                second.end(signal.SIGKILL)

            yield self.gap(f"it is killed, {kind}", folder, die, 60)
            first.end()


if __name__ == "__main__":
    figures.main(Bench, __doc__)
