#!/usr/bin/env python3
"""Computes the reports of a shipped pipeline from its input, without cupel.

    reports.py PIPELINE DATA OUT

Reads the files that the pipeline reads and writes OUT/*.csv as PostgreSQL
would print them.  Slow and plain on purpose: it is what the pipeline's SQL is
judged by.
"""

import csv
import datetime as dt
import decimal
import glob
import json
import os
import re
import statistics
import sys
from collections import Counter, defaultdict

D = decimal.Decimal
UTC = dt.timezone.utc


# --- printing as PostgreSQL does --------------------------------------------


def cell(v):
    if v is None:
        return ""
    if v is True or v is False:
        return "t" if v else "f"
    if isinstance(v, D) and v == 0:
        return str(abs(v))  # numeric has no -0
    if isinstance(v, float):
        return repr(int(v)) if v == int(v) else repr(v)
    if isinstance(v, dt.datetime):
        text = v.replace(tzinfo=None).isoformat(sep=" ")
        if v.microsecond:
            text = text.rstrip("0")
        return text + ("+00" if v.tzinfo else "")
    text = str(v)
    if text == "" or re.search(r'[",\r\n]', text):
        return '"' + text.replace('"', '""') + '"'
    return text


def report(out, name, columns, rows):
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, name + ".csv"), "w", encoding="utf-8") as f:
        f.write(columns.replace(" ", "") + "\n")
        for row in rows:
            f.write(",".join(cell(v) for v in row) + "\n")


def natural(path):
    return [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", path)]


def files(data, pattern):
    return sorted(glob.glob(os.path.join(data, pattern)), key=natural)


def round2(x):
    return D(x).quantize(D("0.01"), decimal.ROUND_HALF_UP)


# --- window-events ----------------------------------------------------------


def event(cells):
    """(time, action), or None for what is no event."""
    if len(cells) != 2 or cells[1] not in ("Open", "Close"):
        return None
    try:
        t = dt.datetime.fromisoformat(cells[0].replace("Z", "+00:00"))
    except ValueError:
        return None
    if t > dt.datetime.now(UTC) or t.year < 2000:
        return None
    return t, cells[1]


def window_events(data, out):
    counts, rejected = defaultdict(Counter), 0
    for path in files(data, "events/*.csv"):
        with open(path, encoding="utf-8", newline="") as f:
            for cells in list(csv.reader(f))[1:]:
                e = event(cells)
                if e is None:
                    rejected += 1
                    continue
                start = e[0].replace(minute=e[0].minute // 10 * 10, second=0,
                                     microsecond=0)
                counts[start][e[1]] += 1
    ten = dt.timedelta(minutes=10)
    rows = [(s, s + ten, c["Close"], c["Open"],
             (c["Close"] + c["Open"]) / 2) for s, c in sorted(counts.items())]
    report(out, "windows_10min",
           "window_start,window_end,close,open,avg_actions", rows)
    mean = sum(r[2] + r[3] for r in rows) / len(rows) if rows else None
    report(out, "average", "avg_total_actions", [(mean,)])
    top = sorted(rows, key=lambda r: (-r[3], r[0]))[:10]
    report(out, "top10_open", "rank,window_start,window_end,close,open",
           [(i + 1,) + r[:4] for i, r in enumerate(top)])
    report(out, "rejected", "n", [(rejected,)])


# --- purchases-scd2 ---------------------------------------------------------


def purchases(data, out):
    history, current = defaultdict(list), {}
    for path in files(data, "purchases_*.csv"):
        with open(path, encoding="utf-8", newline="") as f:
            current = {int(r["PurchaseID"]): (int(r["product"]),
                                              int(r["user"]), r["date"])
                       for r in csv.DictReader(f)}
        for key, row in current.items():
            versions = history[key]
            if not versions or versions[-1] != row:
                versions.append(row)
    rows = []
    for key, versions in sorted(history.items()):
        for i, v in enumerate(versions):
            until = versions[i + 1][2] if i + 1 < len(versions) else None
            rows.append((key,) + v + (i + 1, v[2], until))
    report(out, "history", "purchase_id,product,user_id,bought,version,"
           "valid_from,valid_until", rows)
    report(out, "current", "purchase_id,product,user_id,bought",
           [(k,) + current[k] for k in sorted(current)])


# --- tier-tracks-weather ----------------------------------------------------


def no_constant(word):
    raise ValueError(word)


def framed(path, prefixes):
    """Objects with their keys' prefixes cut off; None for what is none."""
    with open(path, encoding="utf-8") as f:
        for line in f:
            text = line.strip().lstrip("[").rstrip(",")
            if text in ("", "]"):
                continue
            try:
                row = json.loads(text, parse_float=D, parse_int=D,
                                 parse_constant=no_constant)
            except ValueError:
                yield None
                continue
            cut = {}
            for k, v in row.items():
                for p in prefixes:
                    if k.startswith(p):
                        k = k[len(p):]
                        break
                cut[k] = v
            yield cut


WEATHER = ("city apparenttemperature humidity precipintensity "
           "precipprobability preciptype temperature visibility windspeed "
           "date_time").split()
TRACKS = ("anonymous_id event_name original_timestamp_time sent_time "
          "received_time timezone os_name os_version device_id app_version "
          "properties_rating").split()
EVENT_KEY = ("anonymous_id event_name original_timestamp_time "
             "sent_time").split()


def clean(path, prefixes, columns, nullable, key):
    rows, rejected = {}, 0
    for row in framed(path, prefixes):
        if row is None or any(row.get(c) is None and c not in nullable
                              for c in columns):
            rejected += 1
            continue
        rows.setdefault(tuple(row[k] for k in key),
                        tuple(row.get(c) for c in columns))
    return rows, rejected


def tier(data, out):
    weather, bad_weather = clean(
        os.path.join(data, "weather.json"),
        ["weather_data.currently_", "weather_data."], WEATHER, {"preciptype"},
        ("city", "date_time"))
    report(out, "weather", ",".join(WEATHER),
           [weather[k] for k in sorted(weather)])
    tracks, bad_tracks = clean(
        os.path.join(data, "track_events.json"),
        ["segment_tracks.context_", "segment_tracks."], TRACKS,
        set(TRACKS) - set(EVENT_KEY) - {"received_time"}, EVENT_KEY)
    report(out, "track_events", ",".join(TRACKS),
           sorted(tracks.values(), key=lambda r: (r[0], r[2], r[1], r[3])))
    report(out, "rejected", "table_name,n",
           [("track_events", bad_tracks), ("weather", bad_weather)])
    joined(out, tracks, weather)


SHOWN = ("temperature apparenttemperature humidity precipintensity "
         "precipprobability preciptype visibility windspeed date_time").split()


def joined(out, tracks, weather):
    by_city = defaultdict(list)
    for city, at in sorted(weather):
        by_city[city].append(at)
    rows = []
    for r in tracks.values():
        city = None
        if r[5] is not None:
            parts = r[5].split("/")
            city = parts[1] if len(parts) > 1 else ""
        before = [t for t in by_city.get(city, ()) if t <= r[2]]
        w = weather[(city, before[-1])] if before else [None] * len(WEATHER)
        rows.append(r[:4] + (city,) +
                    tuple(w[WEATHER.index(c)] for c in SHOWN))
    rows.sort(key=lambda r: (r[0], r[2], r[1], r[3]))
    report(out, "events_with_weather",
           "anonymous_id,event_name,original_timestamp_time,sent_time,city," +
           ",".join(SHOWN[:-1]) + ",weather_time", rows)


# --- books-movies -----------------------------------------------------------


def moment(text):
    return dt.datetime.fromisoformat(text[:-2] + ":" + text[-2:])


def merged(data, pattern, key):
    """All dumps in order, updated or inserted, nothing deleted."""
    rows = {}
    for path in files(data, pattern):
        with open(path, encoding="utf-8") as f:
            for r in json.load(f):
                if key(r) is not None:
                    rows[key(r)] = r
    return rows


def table(data, pattern):
    rows = []
    for path in files(data, pattern):
        with open(path, encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))
    return rows


class Films:
    def __init__(self, data):
        self.authors = merged(data, "authors*.json",
                              lambda r: r["metadata"]["name"])
        self.books = merged(data, "books*.json", lambda r: r["name"])
        self.reviews = merged(data, "reviews*.json", lambda r: r["created"])
        self.movies = table(data, "movies*.csv")
        self.users = table(data, "users*.csv")
        self.streams = [
            (r["movie_title"].lower(), r["user_email"], float(r["size_mb"]),
             moment(r["start_at"]), moment(r["end_at"]))
            for r in table(data, "streams*.csv")]
        self.pairs = {
            (b["metadata"]["title"].lower(), m["title"].lower())
            for r in self.reviews.values() for b in r["books"]
            for m in r["movies"] if m["title"] != "end"}


def minutes_of(s):
    return D((s[4] - s[3]) // dt.timedelta(microseconds=1)) / 60000000


def answers(f):
    titles = {s[0] for s in f.streams}
    adapted = {m for _, m in f.pairs}
    n = len(titles & adapted)
    yes = []
    for flag, k in ((True, n), (False, len(titles) - n)):
        if k:
            yes.append((flag, round2(D(100) * k / len(titles))))
    yield "q1_based_on_books", "based_on_book,percentage", yes
    low, high = (moment(f"2021-12-25T{h}:00:00.000+0100")
                 for h in ("07", "12"))
    yield "q2_unforgiven_users", "quantity", [(len(
        {s[1] for s in f.streams
         if s[0] == "unforgiven" and s[3] <= high and s[4] >= low}),)]
    nations = {k.lower(): {n["label"].lower() for n in a["nationalities"]}
               for k, a in f.authors.items()}
    books = {k.lower() for k, b in f.books.items()
             if "singaporeans" in nations.get((b["author"] or "").lower(), ())}
    month = [moment("2021-12-01T00:00:00.000+0100"),
             moment("2022-01-01T00:00:00.000+0100")]
    films = {m for b, m in f.pairs if b in books}
    yield "q3_singaporean_movies", "quantity", [(len(
        {s[0] for s in f.streams
         if s[0] in films and month[0] <= s[3] < month[1]}),)]
    mean = sum(map(minutes_of, f.streams), D(0)) / len(f.streams)
    yield "q4_average_minutes", "minutes", [(round2(mean),)]
    yield "q5_median_gigabytes", "gigabytes", [(round2(D(repr(
        statistics.median(s[2] for s in f.streams) / 1000))),)]
    last = max(s[4] for s in f.streams) - dt.timedelta(days=7)
    length = {m["title"].lower(): D(m["duration_mins"]) for m in f.movies}
    yield "q6_watched_half", "quantity", [(len(
        {s[1] for s in f.streams if s[3] >= last and s[0] in length and
         minutes_of(s) * 2 >= length[s[0]]}),)]
    yield "counts", "table_name,n", [
        (name, len(getattr(f, name))) for name in (
            "authors", "books", "movies", "reviews", "streams", "users")]


def books_movies(data, out):
    for name, columns, rows in answers(Films(data)):
        report(out, name, columns, rows)


# --- fleet-sensors ----------------------------------------------------------

DECLARED = ["speed", "engine_temp", "oil_pressure", "coolant_temp",
            "fuel_level", "battery_voltage", "rpm", "load_weight",
            "cabin_temp", "odometer", "tyre_pressure"]


def reading(line):
    """The reading, or None when it is none."""
    try:
        r = json.loads(line, parse_float=D, parse_int=D)
        at = dt.datetime.fromisoformat(r["ts"].replace("Z", "+00:00"))
        if at > dt.datetime.now(UTC) or not isinstance(r["truck"], str):
            return None
        if any(r.get(c) is not None and not isinstance(r[c], D)
               for c in DECLARED):
            return None
        return at, r
    except (ValueError, KeyError, TypeError):
        return None


def fleet(data, out):
    rows, rejected = [], 0
    for path in files(data, "readings_*.json"):
        with open(path, encoding="utf-8") as f:
            for line in f:
                r = reading(line)
                rejected += r is None
                rows += [r] if r else []
    hours, newest, seen = defaultdict(list), {}, {}
    for at, r in rows:
        hours[r["truck"], at.replace(minute=0, second=0)].append(r)
        for name, value in r.items():
            first, n = seen.get(name, (at, 0))
            seen[name] = (min(first, at), n + 1)
            key = r["truck"], name
            if isinstance(value, D) and at >= newest.get(key, (at,))[0]:
                newest[key] = at, value
    of = lambda rs, name: [r[name] for r in rs if name in r]
    def hour(rs):
        speeds, temps, km = (of(rs, n) for n in
                             ("speed", "engine_temp", "odometer"))
        return (len(rs), round2(sum(speeds) / len(speeds)) if speeds else None,
                max(temps, default=None), max(km) - min(km) if km else None)
    report(out, "hourly", "truck,hour,readings,speed,hottest,distance",
           [k + hour(rs) for k, rs in sorted(hours.items())])
    report(out, "newest", "truck,sensor,value,ts",
           [k + (v, at) for k, (at, v) in sorted(newest.items())])
    report(out, "columns_seen", "column_name,first_seen,readings",
           sorted(((name,) + v for name, v in seen.items()),
                  key=lambda row: (row[1], row[0])))
    tyres = []
    for truck in sorted({r["truck"] for _, r in rows}):
        mine = [(at, r) for at, r in rows if r["truck"] == truck]
        fitted = [(at, r["tyre_pressure"]) for at, r in mine
                  if "tyre_pressure" in r]
        tyres.append((truck, len(fitted), len(mine) - len(fitted),
                      min((v for _, v in fitted), default=None),
                      min((at for at, _ in fitted), default=None)))
    report(out, "tyres", "truck,readings,without,lowest,fitted", tyres)
    report(out, "rejected", "n", [(rejected,)])


PIPELINES = {"window-events": window_events, "purchases-scd2": purchases,
             "tier-tracks-weather": tier, "books-movies": books_movies,
             "fleet-sensors": fleet}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in PIPELINES:
        sys.exit(__doc__)
    PIPELINES[sys.argv[1]](sys.argv[2], sys.argv[3])


main()
