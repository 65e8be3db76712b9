#!/usr/bin/env python3
"""Chaos on a real broker, and a verifier that asks cupel nothing.

    torture.py --cupel BINARY [--kafka VERSION] [SCENARIO…]
    torture.py --test-cupel BINARY --sabotage NAME|all      must be caught
    torture.py --cupel BINARY --test-cupel BINARY --short   some of both
    torture.py --list

    --long ROWS   all scenarios, then random chaos, three minutes at least and
                  until so many rows were fed
    --jobs N      so many side by side (none may touch broker or proxy)
    --seed N      the random moments
    --keep        leave the folder of what failed

Prints one line a scenario, at last a table of counts and "N passed, N
failed".  Exits with 77 when this machine cannot run a broker.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

COLUMNS = ("kills", "stops", "terms", "faults", "takeovers", "transactions",
           "rows", "violations")

CHAOS_RUNS = 3  # of a minute each, in the long form


def free_ports(n):
    made = subprocess.run([sys.executable, os.path.join(
        HERE, "..", "e2e", "ports.py"), str(n)], check=True,
        stdout=subprocess.PIPE)
    return int(made.stdout)


class Outcome:
    def __init__(self, name):
        self.name, self.counts = name, dict.fromkeys(COLUMNS, 0)
        self.told, self.seconds = [], 0.0
        self.idle, self.judged = False, False


def one(world, job, a, seed, postgres=None):
    """Runs, heals, verifies a scenario."""
    from verify import verify, verify_part
    from world import Idle, Run, Violation
    out, begin = Outcome(job.app), time.monotonic()
    f, transactions, takeovers, options = job.body
    run = Run(world, job.app, job.cupel, seed, job.env, **options)
    run.short = a.short
    try:
        f(run)
        run.heal()
        v = verify(world.brokers, run.app,
                   {run.input: run.fed, run.items: run.items_fed},
                   compacted=run.compacted)
        out.told = run.notes + v.told
        out.counts.update(v.counts, violations=v.violations)
        out.judged = True
        if postgres:
            other = postgres.differs(world.brokers, run.app, run.input,
                                     run.items, run.fed)
            out.counts["violations"] += len(other)
            out.told += ["PostgreSQL has another answer: " + view
                         for view in other]
        if v.counts["transactions"] < transactions or \
                v.counts["takeovers"] < takeovers:
            raise Idle("%d transactions and %d takeovers" % (
                v.counts["transactions"], v.counts["takeovers"]))
        for what, least in run.needs.items():
            if v.counts[what] < least:
                raise Idle("%d %s" % (v.counts[what], what))
    except Idle as e:
        out.idle = True
        out.told.append("proves nothing: %s (at least %d transactions and %d "
                        "takeovers are needed)" % (e, transactions, takeovers))
    except Violation as e:
        out.told.append(str(e))
        out.counts["violations"] = 1
        if job.sabotage:  # some process has noticed by itself
            noticed = len(run.aborted())
            run.abandon()
            v = verify_part(world.brokers, run.app, run.fed)
            out.told += v.told
            out.counts.update(v.counts, violations=v.violations + noticed)
            out.judged = True
    finally:
        run.abandon()
    out.counts.update(run.counts)
    out.seconds = time.monotonic() - begin
    return out


def tell(out, good, sabotaged):
    c = out.counts
    print("%s %s%s: %s in %.0f s" % (
        "ok" if good else "not ok", out.name,
        " is caught" if sabotaged else "",
        ", ".join("%d %s" % (c[k], k) for k in COLUMNS if c[k]),
        out.seconds), flush=True)
    for line in out.told:
        print("    " + line, flush=True)
    if out.judged and c["violations"] and not sabotaged:
        print("    what consumers read is wrong", flush=True)


def table(outcomes, world):
    print("\n%-24s" % "scenario" + "".join("%13s" % c for c in COLUMNS))
    total = dict.fromkeys(COLUMNS, 0)
    for out in outcomes:
        print("%-24s" % out.name +
              "".join("%13d" % out.counts[c] for c in COLUMNS))
        for c in COLUMNS:
            total[c] += out.counts[c]
    print("%-24s" % "sum" + "".join("%13d" % total[c] for c in COLUMNS))
    print("Kafka %s, %s" % (world.version, ", ".join(
        "%d %s" % (n, what) for what, n in world.counts.items())))


class Job:
    def __init__(self, a, app, name, sabotage=None):
        from scenarios import ALL
        self.app, self.body, self.sabotage = app, ALL[name], sabotage
        self.cupel = a.test_cupel if sabotage else a.cupel
        self.env = {"CUPEL_SABOTAGE": sabotage} if sabotage else {}


def jobs_of(a):
    from scenarios import ALL, SABOTAGES, SHORT
    names = a.scenarios or (SHORT if a.short else ALL)
    if a.sabotage and not a.short:
        names = ()
    wrong = SABOTAGES if a.sabotage == "all" else [a.sabotage]
    return [Job(a, name, name) for name in names] + [
        Job(a, s, SABOTAGES[s], s) for s in wrong if s]


def judge(world, a, out, sabotaged):
    """True when it went as it must"""
    bad = out.counts["violations"]
    good = bad > 0 and out.judged if sabotaged else bad == 0 and not out.idle
    tell(out, good, sabotaged)
    if good and not a.keep:
        shutil.rmtree(os.path.join(world.work, out.name), ignore_errors=True)
    return good


def run_all(a, world, postgres):
    from scenarios import chaos
    outcomes = []

    def do(job):
        out = one(world, job, a, a.seed + len(outcomes), postgres)
        outcomes.append((out, judge(world, a, out, job.sabotage)))
        return outcomes[-1][1]

    # Side by side: they mostly wait.
    with ThreadPoolExecutor(a.jobs) as pool:
        list(pool.map(do, jobs_of(a)))
    chaotic = 0
    while a.long and (sum(o.counts["rows"] for o, _ in outcomes) < a.long or
                      chaotic < CHAOS_RUNS):
        chaotic += 1
        job = Job(a, "chaos-%d" % chaotic, "kill9-loop")
        job.body = (lambda run: chaos(run, 60, 4000), 50, 4, {})
        if not do(job):
            break
    table([o for o, _ in outcomes], world)
    good = sum(g for _, g in outcomes)
    print("%d passed, %d failed" % (good, len(outcomes) - good))
    return len(outcomes) - good


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("scenarios", nargs="*")
    p.add_argument("--cupel")
    p.add_argument("--kafka", default="3.9.2")
    p.add_argument("--sabotage")
    p.add_argument("--test-cupel")
    p.add_argument("--jobs", type=int, default=1)
    p.add_argument("--short", action="store_true")
    p.add_argument("--long", type=int, default=0)
    p.add_argument("--seed", type=int,
                   default=int(os.environ.get("SEED", "1")))
    p.add_argument("--keep", action="store_true")
    p.add_argument("--list", action="store_true")
    a = p.parse_args()
    if a.list:
        from scenarios import ALL
        print("\n".join(ALL))
        return 0
    if not shutil.which("kcat"):
        print("SKIPPED: kcat is not installed (Debian: kcat)")
        return 77
    from world import World
    a.cupel = a.cupel and os.path.abspath(a.cupel)
    a.test_cupel = a.test_cupel and os.path.abspath(a.test_cupel)
    work = tempfile.mkdtemp(prefix="cupel-torture-")
    world = World(a.kafka, free_ports(4), work)
    failed, postgres = 1, None
    try:
        world.start()
        if a.long:
            from postgres import Postgres, programs
            if programs():
                postgres = Postgres(work)
            else:
                print("no PostgreSQL here: Python's answer is not compared")
        failed = run_all(a, world, postgres)
    except Exception:
        traceback.print_exc()
    finally:
        if postgres:
            postgres.end()
        keep = failed and a.keep
        world.end(wipe=not keep)
        if keep:
            print("kept, with the broker's data: " + work)
        else:
            shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


sys.exit(main())
