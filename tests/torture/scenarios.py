"""The named scenarios.  Each is a function of a Run that has its topics and
no process yet; it feeds, hurts, and returns; the caller heals and verifies.

    @scenario(least transactions, least takeovers, options of every process…)

A run with fewer transactions or takeovers than its least proves nothing and
fails.  What a scenario needs besides (fences, faults) it asserts itself.
"""
import os
import shutil
import subprocess
import time

from world import Idle, Violation

ALL = {}


def scenario(transactions, takeovers, **options):
    def keep(f):
        name = f.__name__.replace("_", "-")
        ALL[name] = (f, transactions, takeovers, options)
        return f
    return keep


def session(run):
    return run.options["session"] / 1000


def expect(run, text, least, what):
    n = run.count_of(text)
    if n < least:
        raise Idle("%s %d times, at least %d are needed"
                        % (what, n, least))


def up(run, *names, rate=2000, **how):
    """Starts, feeds, and waits until everybody works."""
    run.feed(rate)
    run.start(*names, **how)
    for n in names:
        wait_working(run, run.process(n))


def wait_working(run, process, seconds=180):
    """until it has its first assignment"""
    until = time.monotonic() + seconds
    while b" gets " not in open(process.log, "rb").read():
        run.supervise()
        if time.monotonic() > until or not process.alive():
            raise Violation("%s gets no partitions in %d s: %s"
                            % (process.name, seconds, process.tail()))
        time.sleep(0.1)


@scenario(30, 0, workers=2)
def kill9_loop(run):
    up(run, "x", "y", "z")
    for _ in range(run.rounds(10)):
        run.sleep(1, 2)
        p = run.random.choice(run.living())
        p.kill()
        run.sleep(0, 0.5)
        p.start()


@scenario(60, 8)
def kill9_takeover(run):
    up(run, "x", "y", "z")
    for name in ("x", "y", "z"):
        run.wait_rows()
        run.process(name).kill()
        run.sleep(session(run))
        run.wait_rows()
        run.process(name).start()
        wait_working(run, run.process(name))


@scenario(40, 6, commit=400)
def zombie_pending_rows(run):
    zombies(run)


@scenario(20, 6, commit=700)
def zombie_long_commits(run):
    zombies(run)


def zombies(run):
    up(run, "x", "y", "z")
    for name in "xyzxy"[:run.rounds(5)]:
        run.wait_rows()
        run.sleep(0, 1)
        run.process(name).stop()
        run.sleep(session(run) + 1, session(run) + 3)
        run.wait_rows()
        run.process(name).go_on()


# The transaction outlives the session by far: nothing but restore may end it.
@scenario(30, 2, session=2000, transaction=20000, socket=5000)
def zombie_before_endtxn(run):
    up(run, "x", "y")
    for _ in range(run.rounds(4)):
        z = run.process("z")
        z.start(env={"CUPEL_CRASH_AT": "kafka_before_end:12:stop"})
        z.wait_stopped()
        run.sleep(session(run) + 0.5, session(run) + 4)
        z.go_on()
        run.sleep(0.5)
        z.kill()


@scenario(30, 4, session=6000, transaction=3000, socket=3000)
def zombie_txn_timed_out(run):
    up(run, "x", "y")
    for seconds in (5, 5, 9, 9):
        z = run.process("z")
        z.start(env={"CUPEL_CRASH_AT": "kafka_before_end:8:stop"})
        z.wait_stopped()
        run.sleep(seconds)
        z.go_on()
        run.sleep(1)
        z.kill()


@scenario(30, 4, session=2000, max_poll=2500)
def max_poll_exceeded(run):
    up(run, "x", "y")
    z = run.process("z")
    z.start(env={"CUPEL_CRASH_AT": "commit_emitted:25:5000"})
    wait_working(run, z)
    run.sleep(25)
    expect(run, "was not polled for too long", 1, "max.poll was exceeded")
    z.kill()


@scenario(20, 0)
def freeze_all(run):
    up(run, "x", "y", "z")
    for broker_too in (False, True, False):
        run.sleep(2)
        for p in run.living():
            p.stop()
        if broker_too:
            run.world.broker("kill")
        run.sleep(session(run) + 2)
        if broker_too:
            run.world.broker("again")
        for p in run.living():
            p.go_on()
        run.sleep(3)


@scenario(20, 0, transaction=5000)
def broker_crash(run):
    up(run, "x", "y", "z")
    for verb in ("kill", "stop", "kill"):
        run.sleep(3, 4)
        run.world.broker(verb)
        run.sleep(0, 3)
        run.world.broker("again")
        run.sleep(2)


@scenario(40, 0, transaction=5000, socket=2000)
def endtxn_faults(run):
    up(run, "x", "y", proxied=True)
    before = run.world.faults()
    for fault in ("drop-request", "drop-reply", "delay:3", "cut"):
        run.rule("26 0.15 " + fault)
        wait_faults(run, run.world.faults() + run.rounds(4))
    run.rule("-")
    need_faults(run, before, 8)


def wait_faults(run, n, seconds=90):
    until = time.monotonic() + seconds
    while run.world.faults() < n and time.monotonic() < until:
        run.sleep(0.2)


def need_faults(run, before, least):
    n = run.world.faults() - before
    run.counts["faults"] = n
    if n < least:
        raise Idle("%d faults on the wire, at least %d "
                        "are needed" % (n, least))


# The late packet must find a transaction that has rows and is not yet at its
# own end: a long linger keeps the flush busy.
@scenario(20, 0, transaction=8000, socket=2000, commit=400, workers=1,
          properties={"linger.ms": 100})
def endtxn_late(run):
    up(run, "x", "y", rate=4000, proxied=True)
    before = run.world.faults()
    run.rule("26 0.3 hold:2.6")
    run.sleep(25)
    wait_faults(run, before + 6)
    run.rule("-")
    need_faults(run, before, 4)


def scale(run, steps):
    up(run, "a")
    names = "abcd"
    for n in steps:
        run.sleep(1, 2)
        for k, name in enumerate(names):
            p = run.process(name)
            if k < n and not p.alive():
                p.start()
                wait_working(run, p)
            elif k >= n and p.alive():
                p.terminate()
        run.sleep(session(run) + 2 if n == 1 else 1)


@scenario(40, 6)
def scale_1_3_2_1(run):
    scale(run, (3, 2, 1))


@scenario(40, 8)
def scale_1_2_4_3_1(run):
    scale(run, (2, 4, 3, 1))


# Fetches of the one that restores are slow; somebody joins meanwhile.
@scenario(20, 2, max_poll=8000)
def join_during_restore(run):
    run.feed(4000)
    run.start("x")
    wait_working(run, run.process("x"))
    run.sleep(8)
    run.rule("1 1 delay:0.4")
    run.start("y", proxied=True)
    run.sleep(4)
    run.start("z")
    run.sleep(4)
    run.process("z").kill()
    run.sleep(session(run) + 2)
    run.rule("-")
    run.sleep(2)


@scenario(40, 0)
def crash_points(run):
    up(run, "x", "y")
    for n, point in enumerate((
            "commit_begin", "commit_emitted", "commit_marked",
            "kafka_before_end", "kafka_after_end", "commit_committed",
            "commit_applied", "kafka_before_end", "kafka_after_end")):
        z = run.process("z")
        z.start(env={"CUPEL_CRASH_AT": "%s:%d" % (point, 3 + n % 4)})
        z.wait_crashed()
    run.process("z").start()
    wait_working(run, run.process("z"))


# The dead owner's transaction would live for a minute: taken over by others,
# who must end it, or wait for ever.
@scenario(20, 4, session=2000, transaction=60000, socket=5000)
def dead_owner(run):
    up(run, "x", "y")
    for _ in range(3):
        z = run.process("z")
        z.start(env={"CUPEL_CRASH_AT": "kafka_before_end:8:stop"})
        z.wait_stopped()
        z.kill()
        run.sleep(session(run) + 4)
    expect(run, "is in the way; ending it", 1, "an owner was fenced")


@scenario(20, 0)
def twin_instance(run):
    up(run, "x", "y")
    twin = run.process("twin")
    for _ in range(2):
        run.sleep(2)
        twin.start(instance="x")
        run.sleep(4)
        if twin.alive():
            twin.kill()
        if not run.process("x").alive():
            expect(run, "another process runs as", 1, "told of a twin")
            run.process("x").start()
    run.sleep(session(run))


@scenario(30, 0)
def cleaner_during_restore(run):
    up(run, "x", "y", rate=4000)
    run.sleep(5)
    run.small_segments()
    for name in ("x", "y", "x"):
        run.sleep(4)
        p = run.process(name)
        p.kill()
        shutil.rmtree(p.state)
        p.start()
    run.sleep(2)


# A few MiB for the state: it fills, everybody waits or ends, no harm is done.
@scenario(10, 0)
def full_disk(run):
    state = os.path.join(run.work, "disk")
    os.makedirs(state)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", state],
        stderr=subprocess.DEVNULL).returncode == 0
    run.notes.append("the disk is a tmpfs of 24 MiB" if mounted else
                     "no mount here: the disk is RLIMIT_FSIZE")
    limit = () if mounted else ("prlimit", "--fsize=4194304")
    run.feed(3000)
    try:
        run.start("y")
        x = run.process("x").start(state=state, before=limit)
        wait_working(run, x)
        with open(os.path.join(state, "ballast"), "wb") as f:
            fill(f)
        run.sleep(12)
        if x.alive():
            x.kill()
        os.unlink(os.path.join(state, "ballast"))
        x.start(state=state)
        run.sleep(4)
        if x.alive():
            x.terminate(code=None)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", state], check=False)


def fill(f):
    try:
        for _ in range(64):
            f.write(b"x" * (1 << 20))
            f.flush()
    except OSError:
        pass


@scenario(30, 0, transaction=6000, socket=2000)
def cuts_and_delays(run):
    up(run, "x", "y", proxied=True)
    run.start("z")
    before = run.world.faults()
    for rule in ("-1 0.01 cut drop-reply drop-request", "-1 0.05 delay:0.3",
                 "-1 0.005 drop-request delay:2.5", "26 0.2 cut delay:0.5"):
        run.rule(rule)
        run.sleep(6)
    run.rule("-")
    need_faults(run, before, 10)


# Records that are not delivered in time, long before the transaction's own
# time is over: aborts, and nobody is fenced.
@scenario(20, 0, transaction=20000, socket=2000,
          properties={"message.timeout.ms": 1500})
def produce_timeouts(run):
    up(run, "x", "y", proxied=True)
    before = run.world.faults()
    for _ in range(3):
        run.rule("0 1 drop-request")
        run.sleep(6)
        run.rule("-")
        run.sleep(4)
    need_faults(run, before, 4)
    expect(run, "message(s) timed out", 2, "deliveries timed out")


def chaos(run, seconds, rate):
    """Everything at random; the long form alone."""
    up(run, "x", "y", "z", rate=rate)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        run.sleep(1, 4)
        p = run.random.choice(run.living())
        what = run.random.choice(("kill", "kill", "dead", "stop", "stop",
                                  "term", "broker", "freeze"))
        if what == "kill":
            p.kill()
            run.sleep(0, 0.5)
            p.start()
        elif what == "dead":
            p.kill()
            run.sleep(session(run) + 2)
            p.start()
        elif what == "stop":
            p.stop()
            run.sleep(session(run) + run.random.choice((-1, 0.2, 1, 3)))
            p.go_on()
        elif what == "term":
            p.terminate()
            run.sleep(0, 2)
            p.start()
        elif what == "broker":
            run.world.broker(run.random.choice(("kill", "stop")))
            run.sleep(0, 2)
            run.world.broker("again")
            run.sleep(4)
        else:
            for q in run.living():
                q.stop()
            run.sleep(session(run) + 2)
            for q in run.living():
                q.go_on()
            run.sleep(3)


# Which scenario must catch which sabotage.
SABOTAGES = {
    "no-group-metadata": "zombie-pending-rows",
    "restore-to-lso": "zombie-before-endtxn",
    "no-guard": "endtxn-late",
    "offsets-outside": "zombie-long-commits",
    "no-seek": "produce-timeouts",
}
SHORT = ("kill9-loop", "zombie-pending-rows", "zombie-before-endtxn",
         "endtxn-faults", "crash-points")
