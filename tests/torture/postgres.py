"""The same views, asked of a PostgreSQL of our own over what the input topics
hold: the answer of pipeline.py must not be our own mistake."""
import glob
import json
import os
import pwd
import shutil
import subprocess
import time

from kafka import read
from pipeline import answer

TABLES = """
CREATE TABLE raw (v json);
CREATE TABLE kind_of (v json);
"""
VIEWS = """
CREATE TABLE sale AS
SELECT (v->>'shop')::int AS shop, (v->>'item')::int AS item,
       (v->>'amount')::bigint AS amount,
       to_timestamp((v->>'ts')::bigint / 1000) AS ts FROM raw;
CREATE TABLE item AS
SELECT (v->>'id')::int AS id, (v->>'kind')::int AS kind FROM kind_of;
CREATE VIEW shops AS
SELECT shop, count(*) AS n, sum(amount) AS total,
       count(DISTINCT item) AS items
FROM sale GROUP BY shop;
CREATE VIEW sizes AS
SELECT n % 7 AS size, count(*) AS shops, sum(total) AS total
FROM shops GROUP BY n % 7;
CREATE VIEW kinds AS
SELECT i.kind, count(*) AS n, sum(s.amount) AS total
FROM sale s JOIN item i ON i.id = s.item GROUP BY i.kind;
CREATE VIEW hours AS
SELECT to_char(date_trunc('hour', ts), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
       AS window_start, count(*) AS n, sum(amount) AS total
FROM sale GROUP BY 1;
"""


def programs():
    """the folder of initdb, or None"""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    path = found[-1] if found else shutil.which("initdb")
    return path and os.path.dirname(path)


class Postgres:
    def __init__(self, work):
        self.bin = programs()
        self.data = os.path.join(work, "pg")
        os.makedirs(self.data)
        self.user = []
        if os.getuid() == 0:  # initdb refuses to run as root
            names = {p.pw_name for p in pwd.getpwall()}
            name = "postgres" if "postgres" in names else "nobody"
            shutil.chown(self.data, name)
            os.chmod(work, 0o711)
            self.user = ["setpriv", "--reuid", name, "--regid",
                         str(pwd.getpwnam(name).pw_gid), "--clear-groups"]
        env = dict(os.environ, TZ="UTC")
        self._quiet("initdb", "-D", self.data + "/db", "-U", "cupel", "-A",
                    "trust", "-N", "--locale=C.UTF-8", env=env)
        self.server = subprocess.Popen(
            self.user + [self.bin + "/postgres", "-D", self.data + "/db",
                         "-k", self.data, "-h", "", "-F"], cwd=self.data,
            env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            if subprocess.run(self._psql("postgres") + ["-c", "SELECT 1"],
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError("PostgreSQL does not start")

    def _quiet(self, program, *arguments, env):
        subprocess.run(self.user + [self.bin + "/" + program, *arguments],
                       check=True, cwd=self.data, env=env,
                       stdout=subprocess.DEVNULL)

    def _psql(self, database):
        return [self.bin + "/psql", "-h", self.data, "-U", "cupel", "-d",
                database, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]

    def _run(self, database, sql, text=None):
        made = subprocess.run(self._psql(database) + ["-c", sql], check=True,
                              input=text, stdout=subprocess.PIPE,
                              env=dict(os.environ, PGTZ="UTC"))
        return made.stdout.decode()

    def differs(self, brokers, app, sales, items, counts):
        """What Python's answer says otherwise: [] when it says the same."""
        name = "t_" + app.replace("-", "_")
        self._run("postgres", "CREATE DATABASE " + name)
        self._run(name, TABLES)
        for table, topic in (("raw", sales), ("kind_of", items)):
            self._run(name, "COPY %s FROM STDIN" % table, b"".join(
                r.value + b"\n" for r in read(brokers, topic)))
        self._run(name, VIEWS)
        out = []
        for view, want in answer(counts).items():
            got = [json.loads(line) for line in self._run(
                name, "SELECT row_to_json(v) FROM %s v" % view).splitlines()]
            key = next(iter(next(iter(want.values()))))
            if {r[key]: r for r in got} != want:
                out.append(view)
        self._run("postgres", "DROP DATABASE " + name)
        return out

    def end(self):
        self.server.terminate()
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
