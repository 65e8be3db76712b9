#!/usr/bin/env python3
"""Makes input for the shipped pipelines, from a seed.

    generate.py window-events OUT [--windows CSV] [--seed N]
    generate.py purchases-scd2 OUT [--days N] [--seed N]
    generate.py tier-tracks-weather OUT [--rows N] [--seed N]
    generate.py books-movies OUT [--dump N] [--seed N]
    generate.py fleet-sensors OUT [--days N] [--seed N]

The files have the shape of the real ones and their faults: rows out of order,
repeated, malformed.  The same arguments give the same bytes.

--windows: a CSV with window_start, close, open; so many events are made.
--rows: track events; 660000 is the size of the real file.
--dump: 2 is the vendor's next dump: corrected, with one author gone.
"""

import argparse
import csv
import datetime as dt
import io
import json
import os
import random

UTC = dt.timezone.utc


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(text)


# --- window-events -----------------------------------------------------------


def window_counts(path, rng):
    """(start, close, open) of each window."""
    if path:
        with open(path, encoding="utf-8") as f:
            for row in csv.DictReader(f):
                start = dt.datetime.fromisoformat(
                    row["window_start"].replace("Z", "+00:00"))
                yield start, int(row["close"]), int(row["open"])
        return
    start = dt.datetime(2016, 7, 26, 2, 40, tzinfo=UTC)
    for _ in range(313):
        yield start, rng.randrange(0, 4), rng.randrange(0, 4)
        start += dt.timedelta(minutes=10)


def events_of(start, close, opened, rng):
    """Whole seconds in the window, some of them twice, one at its start."""
    for action, n in (("Close", close), ("Open", opened)):
        for i in range(n):
            second = 0 if i == 0 else rng.randrange(600)
            yield start + dt.timedelta(seconds=second), action


BAD_EVENTS = """,Open
2016-07-26T05:00:00.000Z,
2016-07-26T05:00:00.000Z,open
2016-07-26T05:00:00.000Z,Toggle
2999-01-01T00:00:00.000Z,Open
1899-12-31T00:00:00.000Z,Close
yesterday,Open
2016-07-26T05:00:00.000Z,Open,once more
""".splitlines()


def window_events(args, rng):
    rows = []
    for start, close, opened in window_counts(args.windows, rng):
        rows += events_of(start, close, opened, rng)
    rows.sort()
    lines = [t.strftime("%Y-%m-%dT%H:%M:%S.000Z,") + a for t, a in rows]
    size = max(1, len(lines) // 50)
    blocks = [lines[i:i + size] for i in range(0, len(lines), size)]
    blocks.insert(0, blocks.pop())  # the newest first: 52 hours of disorder
    middle = blocks[1:]
    rng.shuffle(middle)
    blocks = blocks[:1] + middle
    bad = BAD_EVENTS if not args.windows else []
    n_files = 5
    for i in range(n_files):
        part = [x for b in blocks[i::n_files] for x in b]
        for k, line in enumerate(bad):
            if k % n_files == i:
                part.insert((k * 17) % (len(part) + 1), line)
        write(args.out, f"events/file-{i}.csv",
              "time,action\n" + "".join(x + "\n" for x in part))


# --- purchases-scd2 ----------------------------------------------------------


def purchases(args, rng):
    """Whole tables of a few days: rows come, change and stay."""
    day = dt.date(2023, 7, 20)
    table = {}
    for i in range(20):
        bought = day - dt.timedelta(days=rng.randrange(1, 700))
        table[1002313000 + i] = [rng.randrange(10, 20),
                                 1003400 + rng.randrange(50), bought]
    for number in range(1, args.days + 1):
        if number > 1:
            day += dt.timedelta(days=1)
            for key in rng.sample(sorted(table), 4):
                table[key] = [table[key][0] + 1, table[key][1], day]
            key = max(table) + 1
            table[key] = [rng.randrange(10, 20), 1003400, day]
        keys = sorted(table)
        rng.shuffle(keys)
        write(args.out, f"purchases_{number}.csv",
              "PurchaseID,product,user,date\n" +
              "".join(f"{k},{table[k][0]},{table[k][1]},{table[k][2]}\n"
                      for k in keys))


# --- tier-tracks-weather -----------------------------------------------------

CITIES = [("Europe", c) for c in (
    "Oslo", "Zurich", "Berlin", "Paris", "Vienna", "Stockholm", "Madrid",
    "Lisbon", "Helsinki", "Copenhagen", "Brussels", "Warsaw", "Prague",
    "Rome", "Athens", "Dublin", "Riga", "Vilnius", "Tallinn", "Bucharest")]
EVENTS = ["Application Opened", "Map Viewed", "Vehicle Selected",
          "Ride Started", "Ride Ended", "Signup Started", "Signup Completed",
          "Payment Added", "Ride Rated", "Application Backgrounded"]
START = dt.datetime(2019, 5, 13)
HOURS = 24 * 14


def framed(objects):
    """[ glued to the first object, a comma at each line's end, no ]."""
    text = ",\n".join(objects) + ",\n"
    return "[" + text


def dumps(o):
    return json.dumps(o, separators=(",", ":"))


def weather_rows(rng):
    for hour in range(HOURS):
        for _, city in CITIES:
            t = START + dt.timedelta(hours=hour, seconds=rng.randrange(3600))
            wet = rng.random() < 0.2
            intensity = round(rng.lognormvariate(-2, 1), 4) if wet else 0
            row = {"date_time": str(t), "city": city,
                   "currently_apparenttemperature": round(
                       rng.uniform(-10, 38), 2),
                   "currently_humidity": round(rng.random(), 2),
                   "currently_precipintensity": intensity,
                   "currently_precipprobability": round(rng.random(), 2),
                   "currently_preciptype": "rain" if intensity else None,
                   "currently_temperature": round(rng.uniform(-10, 38), 2),
                   "currently_visibility": round(rng.uniform(0, 16.09), 2),
                   "currently_windspeed": round(rng.uniform(0, 20), 2)}
            yield {"weather_data." + k: v for k, v in row.items()}


def weather_text(rng, hours):
    objects = []
    for i, row in enumerate(weather_rows(rng)):
        if i >= hours * len(CITIES):
            break
        if i % 97 == 50:  # a field that has to be there is null
            row["weather_data." + rng.choice(
                ["city", "date_time", "currently_humidity"])] = None
        text = dumps(row)
        if i % 131 == 70:
            text = text.replace('temperature":', 'temperature":NaN,"x":', 1)
        objects.append(text)
    return framed(objects)


def hexes(rng):
    h = f"{rng.getrandbits(128):032x}"
    return "-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:]))


def phone(rng):
    ios = rng.random() < 0.5
    ident = hexes(rng)
    return {"context_timezone": "/".join(rng.choice(CITIES)),
            "context_os_version": "12.2" if ios else "9",
            "context_os_name": "iOS" if ios else "Android",
            "context_device_type": "ios" if ios else "android",
            "context_device_model": "iPhone11,6" if ios else "SM-G960F",
            "context_device_manufacturer": "Apple" if ios else "samsung",
            "context_device_id": ident.upper() if ios else ident,
            "context_app_version": "3.0.5",
            "context_app_name": "Tier",
            "context_app_build": "3.0.5.2" if ios else "30052"}


def track_objects(rows, rng):
    bad = 0.02 if rows < 10000 else 0.001
    made = 0
    before = None
    while made < rows:
        who, device = hexes(rng), phone(rng)
        at = START + dt.timedelta(seconds=rng.randrange(HOURS * 3600))
        for _ in range(rng.randrange(5, 41)):
            if made == rows:
                return
            made += 1
            if before and rng.random() < 0.005:
                yield before
                continue
            at += dt.timedelta(seconds=rng.randrange(1, 90))
            sent = at + dt.timedelta(seconds=rng.randrange(
                7200) if rng.random() < 0.02 else rng.randrange(3))
            name = EVENTS[min(int(rng.expovariate(0.5)), len(EVENTS) - 1)]
            row = {"original_timestamp_time": str(at), "event_name": name}
            for k, v in device.items():
                row[k] = None if rng.random() < 0.01 else v
            row["anonymous_id"] = who
            row["received_time"] = str(
                sent + dt.timedelta(seconds=rng.randrange(5)))
            row["sent_time"] = str(sent)
            row["properties_rating"] = (
                str(rng.randrange(1, 6)) if name == "Ride Rated" else None)
            if rng.random() < bad:
                row[rng.choice(["sent_time", "anonymous_id"])] = None
            before = dumps({"segment_tracks." + k: v for k, v in row.items()})
            if rng.random() < bad:
                yield before[:-20]  # cut off
                continue
            yield before


def tier(args, rng):
    small = args.rows < 10000
    write(args.out, "weather.json", weather_text(rng, 30 if small else HOURS))
    write(args.out, "track_events.json",
          framed(list(track_objects(args.rows, rng))))


# --- books-movies ------------------------------------------------------------

FIRST = ["Ada", "Boris", "Chloé", "Dmitri", "Edith", "Farid", "Greta", "Hugo",
         "Ines", "Jonas", "Kaja", "Liam", "Mona", "Nils", "Olga", "Pau"]
LAST = ["Abel", "Berg", "Costa", "Drost", "Eriksen", "Falk", "Grau", "Holm",
        "Ibsen", "Juhl", "Krag", "Lund"]
WORDS = ["Silent", "Golden", "Broken", "River", "Garden", "Winter", "House",
         "Letter", "Night", "Harbour", "Mirror", "Stone"]
NATIONS = ["Singaporeans", "Italians", "Dutch", "Welsh", "Danes", "Canadians"]


def vendor_time(t):
    return t.strftime("%Y-%m-%dT%H:%M:%S.") + f"{t.microsecond // 1000:03d}"


def author(name, rng):
    nation = {"id": None, "label": rng.choice(NATIONS), "slug": "x"}
    empty = {"id": None, "label": "", "slug": None}
    pair = [nation, empty] if rng.random() < 0.5 else [empty, nation]
    born = dt.datetime(rng.randrange(1900, 2000), 5, 7)
    return {"metadata": {"name": name,
                         "birth_date": vendor_time(born) + "+0000",
                         "died_at": None}, "nationalities": pair}


def vendor(rng, titles):
    names = [f"{f} {l}" for f in FIRST[:6] for l in LAST[:5]]
    authors = [author(n, rng) for n in names]
    authors.insert(7, {"metadata": {"name": None, "birth_date": None,
                                    "died_at": None},
                       "nationalities": [
                           {"id": None, "label": "", "slug": None},
                           {"id": None, "label": "unknown", "slug": None}]})
    books = [{"name": f"The {a} {b}", "pages": rng.randrange(173, 9897),
              "author": rng.choice(names), "publisher": rng.choice(LAST)}
             for a in WORDS[:6] for b in WORDS[6:10]]
    reviews = []
    for i in range(60):
        created = dt.datetime(2021, 12, 2) + dt.timedelta(
            seconds=37 * i * 1000 + i)
        film = {"id": 0, "title": rng.choice(titles[:-3]).upper()}
        end = {"id": 0, "title": "end"}
        reviews.append({
            "content": {"text": "Solitudo vulpes."},
            "rating": {"rate": rng.randrange(1, 6), "label": "ONE"},
            "books": [{"id": None, "metadata": {
                "title": rng.choice(books)["name"].upper(),
                "pages": "unknown"}}],
            "movies": [film, end] if i % 2 else [end, film],
            "updated": vendor_time(created) + "+0100",
            "created": vendor_time(created) + "+0100"})
    return authors, books, reviews


def next_dump(authors, books, reviews):
    """An author gone, a book with another publisher, a review edited."""
    del authors[3]
    books[2]["publisher"] = "Moved & Sons"
    reviews[5]["rating"]["rate"] = 5
    reviews[5]["updated"] = "2022-01-03T10:00:00.000+0100"


def csv_text(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def internal(args, rng, titles):
    movies = [[t, rng.randrange(47, 159), rng.choice(["Korean", "French"]),
               rng.randrange(507, 2382)] for t in titles]
    users = [[f, l, f"{f}.{l}@example.org".lower()]
             for f in FIRST for l in LAST[:4]]
    zone = dt.timezone(dt.timedelta(hours=1))
    streams = []
    for i in range(700):
        start = dt.datetime(2021, 12, 1, tzinfo=zone) + dt.timedelta(
            milliseconds=rng.randrange(30 * 86400 * 1000))
        end = start + dt.timedelta(milliseconds=rng.randrange(86400 * 1000))
        movie = rng.choice(movies)
        streams.append([movie[0], rng.choice(users)[2],
                        repr(movie[3] * rng.uniform(0, 1.6)),
                        vendor_time(start) + "+0100",
                        vendor_time(end) + "+0100"])
    write(args.out, "movies.csv", csv_text(
        [["title", "duration_mins", "original_language", "size_mb"]] + movies))
    write(args.out, "users.csv", csv_text(
        [["first_name", "last_name", "email"]] + users))
    write(args.out, "streams.csv", csv_text(
        [["movie_title", "user_email", "size_mb", "start_at", "end_at"]] +
        streams))


def books_movies(args, rng):
    titles = [f"{a} {b}" for a in WORDS[:6] for b in WORDS[6:10]]
    titles[0] = "Unforgiven"
    titles[1] = "The Good, the Bad and the Ugly"
    titles[2] = "WALL·E"
    titles += ["The River House", "The Golden Night", "The Winter Stone"]
    authors, books, reviews = vendor(rng, titles)
    internal(args, rng, titles)
    if args.dump == 2:
        next_dump(authors, books, reviews)
    for name, rows in (("authors", authors), ("books", books),
                       ("reviews", reviews)):
        write(args.out, name + ".json",
              json.dumps(rows, indent=4, ensure_ascii=False) + "\n")


# --- fleet-sensors -----------------------------------------------------------

SENSORS = {"speed": (0, 90), "engine_temp": (70, 110), "oil_pressure": (2, 6),
           "coolant_temp": (60, 100), "fuel_level": (0, 100),
           "battery_voltage": (11, 14), "rpm": (600, 2500),
           "load_weight": (0, 24000), "cabin_temp": (15, 30)}
FITTED = dt.datetime(2024, 3, 2, 11, 30)


def reading(truck, at, odometer, rng):
    """A reading has some of its sensors; tyres report once they are fitted."""
    r = {"truck": truck, "ts": at.isoformat() + "Z"}
    for sensor, (low, high) in SENSORS.items():
        if rng.random() < 0.7:
            r[sensor] = round(rng.uniform(low, high), rng.choice([0, 1, 2]))
    if rng.random() < 0.9:
        r["odometer"] = round(odometer, 1)
    if at >= FITTED and truck != "T4" and rng.random() < 0.5:
        r["tyre_pressure"] = round(rng.uniform(6, 9), 2)
    return r


def fleet(args, rng):
    odometers = {f"T{i}": 10000.0 * i for i in range(1, 5)}
    for day in range(1, args.days + 1):
        rows = []
        for truck in odometers:
            at = dt.datetime(2024, 3, day, 6)
            while at.hour < 15:
                odometers[truck] += rng.uniform(0, 20)
                rows.append(reading(truck, at, odometers[truck], rng))
                at += dt.timedelta(seconds=rng.randrange(60, 3600))
        rows.sort(key=lambda r: (r["ts"], r["truck"]))
        late = rows.pop(3)
        lines = [dumps(r) for r in rows] + [dumps(late)]
        if day == 1:
            lines[5:5] = ['{"truck":"T1","speed":1}', "no reading",
                          '{"truck":"T1","ts":"2024-03-01T08:00:00Z",'
                          '"speed":"fast"}',
                          '{"truck":"T1","ts":"2999-03-01T08:00:00Z"}']
        write(args.out, f"readings_{day}.json", "\n".join(lines) + "\n")


PIPELINES = {"window-events": window_events, "purchases-scd2": purchases,
             "tier-tracks-weather": tier, "books-movies": books_movies,
             "fleet-sensors": fleet}


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("pipeline", choices=sorted(PIPELINES))
    p.add_argument("out")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--windows")
    p.add_argument("--days", type=int, default=0)
    p.add_argument("--rows", type=int, default=200)
    p.add_argument("--dump", type=int, default=1, choices=[1, 2])
    args = p.parse_args()
    args.days = args.days or (2 if args.pipeline == "fleet-sensors" else 3)
    PIPELINES[args.pipeline](args, random.Random(args.seed))


main()
