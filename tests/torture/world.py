"""A broker, a proxy before it, an input that grows, and cupel processes.

    World      the broker and the proxy of a whole run
    Run        one scenario: an app, its topics, its processes, its feeder
    Process    one `cupel run` of it; only by its own pid is it signalled

The broker has a second listener whose address, as told to clients, is the
proxy's: who comes through the proxy stays behind it.
"""
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from kafka import Client, Feeder, Refused
from pipeline import ITEMS, PARTITIONS, SQL, item, row
from verify import hanging, rows_from, topics_of

HERE = os.path.dirname(os.path.abspath(__file__))
BROKER = os.path.join(HERE, "..", "kafka", "broker.sh")


class Violation(Exception):
    """something waits for ever, or ended when it should not"""


class Idle(Exception):
    """the scenario did not happen as it should: the run proves nothing"""


class World:
    def __init__(self, version, port, work):
        self.version, self.port, self.work = version, port, work
        self.data = os.path.join(work, "broker")
        self.brokers = "127.0.0.1:%d" % port
        self.proxied = "127.0.0.1:%d" % (port + 3)
        self.proxy = None
        self.counts = {"broker kills": 0, "broker stops": 0}

    def start(self):
        own, second, told = self.port, self.port + 2, self.port + 3
        here = "127.0.0.1:"
        more = [
            "listeners=PLAINTEXT://%s%d,PROXIED://%s%d,CONTROLLER://%s%d"
            % (here, own, here, second, here, own + 1),
            "advertised.listeners=PLAINTEXT://%s%d,PROXIED://%s%d"
            % (here, own, here, told),
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,"
            "PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.cleaner.backoff.ms=1000",
            "transaction.max.timeout.ms=120000",
        ]
        made = subprocess.run([BROKER, "start", self.version, str(own),
                               self.data] + more)
        if made.returncode:
            sys.exit(made.returncode)
        self.proxy = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "proxy.py"), str(told),
             str(second)], stdin=subprocess.PIPE,
            stdout=open(os.path.join(self.work, "proxy.log"), "w"))

    def rule(self, text):
        self.proxy.stdin.write((text + "\n").encode())
        self.proxy.stdin.flush()

    def faults(self):
        with open(os.path.join(self.work, "proxy.log")) as f:
            return sum(line.startswith("fault") for line in f)

    def broker(self, verb):
        """kill, stop, again"""
        if subprocess.run([BROKER, verb, self.data]).returncode:
            self.wait_broker()
        if verb != "again":
            self.counts["broker %ss" % verb] += 1

    def wait_broker(self, seconds=180):
        """A busy machine: it takes longer than broker.sh would wait."""
        until = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(1)

    def end(self, wipe=True):
        if self.proxy:
            self.proxy.stdin.close()
            self.proxy.kill()
            self.proxy.wait()
        subprocess.run([BROKER, "wipe" if wipe else "kill", self.data],
                       check=False)


class Process:
    def __init__(self, run, name):
        self.run, self.name = run, name
        self.state = os.path.join(run.work, "state." + name)
        self.log = os.path.join(run.work, "said." + name)
        self.child = None

    def start(self, state=None, instance=None, proxied=False, env=None,
              before=(), **options):
        self.how = dict(options, state=state, instance=instance, env=env,
                        proxied=proxied, before=before)
        r = self.run
        o = dict(r.options, **options)
        properties = {
            "session.timeout.ms": o["session"],
            "heartbeat.interval.ms": min(500, o["session"] // 5),
            "transaction.timeout.ms": o["transaction"],
            "socket.timeout.ms": min(o["socket"], o["transaction"]),
            "message.timeout.ms": o["transaction"],
            "max.poll.interval.ms": o["max_poll"],
        }
        properties.update(o.get("properties", {}))
        command = list(before) + [
            r.cupel, "run", r.folder, "--app", r.app, "-v",
            "--brokers", r.world.proxied if proxied else r.world.brokers,
            "--state", state or self.state,
            "--instance", instance or self.name,
            "--workers", str(o["workers"]),
            "--commit-interval", str(o["commit"]),
            "--set", "input=" + r.input, "--set", "items=" + r.items]
        for name, value in properties.items():
            command += ["-X", "%s=%s" % (name, value)]
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                command, stdout=log, stderr=log,
                env=dict(os.environ, **r.env, **(env or {})))
        r.counts["starts"] += 1
        return self

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def stopped(self):
        if not self.alive():
            return False
        with open("/proc/%d/stat" % self.child.pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "T"

    def hit(self, number):
        if not self.alive():
            self.run.supervise()
        if not self.alive():
            raise Violation("%s ended by itself with %s: %s" % (
                self.name, self.child and self.child.returncode,
                self.tail()))
        os.kill(self.child.pid, number)

    def kill(self):
        self.hit(signal.SIGKILL)
        self.child.wait()
        self.run.counts["kills"] += 1

    def stop(self):
        self.hit(signal.SIGSTOP)
        self.run.counts["stops"] += 1

    def go_on(self):
        self.hit(signal.SIGCONT)

    def terminate(self, seconds=120, code=0):
        """SIGTERM, and waits; the exit code must be `code` (None: any)"""
        self.hit(signal.SIGTERM)
        self.wait_end(seconds, code)

    def wait_end(self, seconds=120, code=0):
        begin = time.monotonic()
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            stacks = self.stacks()
            self.child.kill()
            self.child.wait()
            raise Violation("%s does not end within %d s of SIGTERM: %s\n%s"
                            % (self.name, seconds, self.tail(), stacks))
        self.run.slowest_end = max(self.run.slowest_end,
                                   time.monotonic() - begin)
        self.run.counts["terms"] += 1
        if code is not None and self.child.returncode != code:
            raise Violation("%s ended with %s: %s" % (
                self.name, self.child.returncode, self.tail()))

    def wait_stopped(self, seconds=180):
        """it stops itself at a named point"""
        until = time.monotonic() + seconds
        while not self.stopped():
            if not self.alive():
                self.hit(0)
            if time.monotonic() > until:
                raise Idle("%s never came to its point" % self.name)
            time.sleep(0.01)
        self.run.counts["stops"] += 1

    def wait_crashed(self, seconds=180):
        try:
            code = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Idle("%s never came to its crash point" % self.name)
        if code != 137:
            raise Violation("%s ended with %s: %s" % (self.name, code,
                                                      self.tail()))
        self.run.counts["kills"] += 1

    def tail(self, n=4):
        with open(self.log, errors="replace") as f:
            return " | ".join(f.read().splitlines()[-n:])

    def stacks(self):
        if not shutil.which("gdb"):
            return ""
        made = subprocess.run(
            ["gdb", "-p", str(self.child.pid), "-batch", "-ex",
             "thread apply all bt 14"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, timeout=60)
        text = made.stdout.decode(errors="replace")
        with open(self.log + ".stacks", "w") as f:
            f.write(text)
        return "stacks in " + self.log + ".stacks"


class Run:
    """One scenario on one app."""
    OPTIONS = {"session": 3000, "transaction": 5000, "socket": 5000,
               "max_poll": 60000, "workers": 1, "commit": 100}

    def __init__(self, world, name, cupel, seed, env=None, **options):
        self.world, self.app, self.cupel = world, name, cupel
        self.random = random.Random(seed)
        self.options = dict(self.OPTIONS, **options)
        self.env = env or {}
        self.work = os.path.join(world.work, name)
        self.folder = os.path.join(self.work, "sql")
        os.makedirs(self.folder)
        with open(os.path.join(self.folder, "pipeline.sql"), "w") as f:
            f.write(SQL)
        self.input, self.items = "in." + name, "items." + name
        self.processes = {}
        self.counts = {"starts": 0, "kills": 0, "stops": 0, "terms": 0}
        self.slowest_end = 0.0
        self.notes, self.compacted = [], False
        self.ruled = False  # the proxy has a rule of ours
        self.short = False  # fewer rounds of the same
        self.needs = {}  # what the verifier must have counted at least
        self.fed = [0] * PARTITIONS
        self.feeding, self.feed_error, self.enough = None, None, False
        self._topics()

    def _topics(self):
        client = Client(self.world.brokers)
        client.create(self.input, PARTITIONS)
        client.create(self.items, PARTITIONS)
        client.close()
        feeder = Feeder(self.world.brokers, self.items)
        self.items_fed = [0] * PARTITIONS
        for i in range(ITEMS):
            key, value = item(i)
            feeder.send(i % PARTITIONS, value, key)
            self.items_fed[i % PARTITIONS] += 1
        feeder.close()

    # --- input

    def feed(self, rate, rows=10 ** 9):
        """begins to feed in the background, until fed() or so many rows"""
        def work():
            try:
                self._feed(rate, rows)
            except Exception as e:  # told by fed()
                self.feed_error = e
        self.feeding = threading.Thread(target=work, daemon=True)
        self.feeding.start()

    def _feed(self, rate, rows):
        feeder = Feeder(self.world.brokers, self.input)
        begin, sent = time.monotonic(), 0
        while not self.enough and sent < rows:
            due = min(rows, int((time.monotonic() - begin) * rate))
            for k in range(sent, due):
                p = k % PARTITIONS
                feeder.send(p, row(p, self.fed[p]))
                self.fed[p] += 1
            sent = max(sent, due)
            feeder.serve()
            time.sleep(0.02)
        feeder.close()

    def fed_all(self):
        self.enough = True
        if self.feeding:
            self.feeding.join(700)
        if self.feed_error:
            raise self.feed_error

    # --- processes

    def process(self, name):
        if name not in self.processes:
            self.processes[name] = Process(self, name)
        return self.processes[name]

    def start(self, *names, **how):
        return [self.process(n).start(**how) for n in names]

    def supervise(self):
        """Who came while no broker was there has said so and ended with 4
        (docs/errors.md), and librdkafka 2.0.2 has assertions of its own that
        do not hold when a broker goes: a supervisor starts both again."""
        for p in self.processes.values():
            code = p.child and p.child.poll()
            if code == -signal.SIGABRT and "rdkafka_" in p.tail(8):
                self.notes.append("%s was ended by librdkafka: %s" % (
                    p.name, next(part for part in p.tail(8).split(" | ")
                                 if "rdkafka_" in part)))
                p.start(**p.how)
            elif code == 4:
                p.start(**p.how)

    def living(self):
        self.supervise()
        return [p for p in self.processes.values() if p.alive()]

    def rounds(self, n):
        return (n + 1) // 2 if self.short else n

    def sleep(self, low, high=None):
        time.sleep(low if high is None else self.random.uniform(low, high))

    def aborted(self):
        """those that an assertion of their own has ended"""
        return [p for p in self.processes.values()
                if p.child and p.child.poll() == -signal.SIGABRT]

    def expect_alive(self):
        for p in self.aborted():
            raise Violation("%s ended with %d: %s" % (
                p.name, p.child.returncode, p.tail()))

    def wait_rows(self, seconds=180):
        """until the group has gone on in every partition of the input"""
        def now():
            try:
                return [at or 0 for at in client.positions(self.input,
                                                           PARTITIONS)]
            except Refused:  # a transaction is open there
                return before
        client = Client(self.world.brokers, group=self.app)
        before = [0] * PARTITIONS
        before = now()
        until = time.monotonic() + seconds
        while any(a >= b for a, b in zip(before, now())):
            if time.monotonic() > until or \
                    self.aborted() and not self.living():
                client.close()
                self.expect_alive()
                raise Idle("no rows went through for %d s" % seconds)
            time.sleep(0.2)
        client.close()

    def count_of(self, text):
        """lines in what the processes said"""
        n = 0
        for p in self.processes.values():
            if os.path.exists(p.log):
                with open(p.log, errors="replace") as f:
                    n += sum(text in line for line in f)
        return n

    def small_segments(self):
        """The cleaner works on the changelogs from now on."""
        client = Client(self.world.brokers)
        for topic in topics_of(self.world.brokers, self.app):
            if topic.endswith(".changelog"):
                client.configure(topic, cleanup_policy="compact",
                                 segment_bytes=1 << 20, segment_ms=3000,
                                 min_cleanable_dirty_ratio=0.01,
                                 max_message_bytes=16777216,
                                 min_compaction_lag_ms=0)
        client.close()
        self.compacted = True
        self.needs["compacted away"] = 5

    # --- the end

    def behind(self):
        """what the group has not taken yet: [] when it has all"""
        client = Client(self.world.brokers, group=self.app)
        out = []
        try:
            for topic, n in ((self.input, PARTITIONS),
                             (self.items, PARTITIONS)):
                ends = client.ends(topic, n)
                at = client.positions(topic, n)
                out += ["%s[%d] %s of %d" % (topic, p, at[p], ends[p])
                        for p in range(n) if at[p] != ends[p]]
            for topic, n in topics_of(self.world.brokers, self.app).items():
                if topic.endswith(".repartition"):
                    out += self._exchange_behind(client, topic, n)
        except Refused as e:
            out.append(str(e))
        finally:
            client.close()
        return out

    def _exchange_behind(self, client, topic, n):
        ends, at = client.ends(topic, n), client.positions(topic, n)
        return ["%s[%d] %s of %d" % (topic, p, at[p], ends[p])
                for p in range(n)
                if ends[p] - (at[p] or 0) > 200 or
                rows_from(self.world.brokers, topic, p, at[p], ends[p])]

    def hanging(self):
        return hanging(self.world.brokers,
                       topics_of(self.world.brokers, self.app))

    def ended_by_themselves(self):
        return [p for p in self.processes.values()
                if p.child is not None and p.child.poll() not in
                (None, 0, -signal.SIGKILL, 137)]

    def rule(self, text):
        self.ruled = True
        self.world.rule(text)

    def heal(self, seconds=300):
        """Everybody may go on; all input must go through, else something
        waits for ever.  Then SIGTERM must end everybody."""
        if self.ruled:
            self.world.rule("-")
        for p in self.living():
            p.go_on()
        self.fed_all()
        if not self.living():
            raise Violation("nobody is left to go on")
        begin, calm = time.monotonic(), 0
        while calm < 2:
            # What a killed process left open ends with its timeout; until then
            # it hides what came behind it.
            left = self.behind() or self.hanging()
            calm = 0 if left else calm + 1
            self.supervise()
            for p in self.ended_by_themselves():
                raise Violation("%s ended with %s: %s" % (
                    p.name, p.child.returncode, p.tail()))
            if time.monotonic() - begin > seconds:
                where = [p.stacks() for p in self.living()]
                where += self.hanging()
                raise Violation("not through after %d s: %s; %s" % (
                    seconds, "; ".join(left[:5]), "; ".join(where)))
            time.sleep(0.5)
        self.healed = time.monotonic() - begin
        self.end_all()

    def end_all(self):
        for p in self.ended_by_themselves():
            raise Violation("%s ended with %s: %s" % (
                p.name, p.child.returncode, p.tail()))
        leaving = self.living()
        for p in leaving:
            p.hit(signal.SIGTERM)
        for p in leaving:
            p.wait_end()

    def abandon(self):
        """after a violation: nobody is left behind"""
        self.enough = True
        for p in self.living():
            p.child.kill()
            p.child.wait()
