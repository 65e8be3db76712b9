"""Works that never were, in the shape of Open Library's.

A subject is a list of works in the order of its pages.  Everything comes
from the lists below and small arithmetic on the work's number, so that two
runs, and two machines, serve the same bytes.  What real answers do to a
reader is planted on purpose:

    every 7th work     no `availability` at all
    every 11th         `availability` is null
    every 5th          the error form of it (six keys)
    every 9th          first_publish_year is null
    every 13th         no authors
    every 17th         two authors of the same name with different keys
    every 10th         a long subject array, with duplicates by case
    SHARED             works that both subjects have
    REPEATED           works that stand on two pages of one subject
"""

TITLES = [
    "The Glass Meridian", "Salt Under the Moon", "A Clockmaker's Winter",
    "The Last Cartographer", "Harbour of Quiet Engines", "Nine Lamps",
    "The Orchard Beyond Saturn", "Ash and Algebra", "The Tin Philosopher",
    "Letters to a Distant Sun", "The Copper Forest", "Silence at Perihelion",
    "The Weaver's Arithmetic", "Where the Tides Forget", "Iron Daughters",
    "The Lantern Parliament", "An Atlas of Small Storms", "The Ninth Shore",
    "Children of the Slow Comet", "The Salt Merchant's Ghost", "Paper Moons",
    "The Engine Below the City", "Thornwater", "A Grammar of Dragons",
    "The Astronomer's Debt", "Crown of Feathers", "The Hollow Orbit",
    "Songs for a Machine", "The Borrowed Kingdom", "Vespers on Ganymede",
]
ODD_TITLES = {
    3: "L'été des automates",
    8: "The \"Perfect\" Machine",
    14: "Die Königin der Uhren",
    21: "Соляные звёзды",
    26: "O'Hara's Comet, or: \"Why Not?\"",
    33: "星の庭",
    40: "Back\\slash, a Novel",
    47: "Ænigma & Sons, Ltd.",
    55: "  Leading Blanks",
    64: "Tab\tand Line\nBreak",
    72: "İstanbul'da Bir Yıldız",
    81: "Éléphants de cuivre 🐘",
}
GIVEN = ["Mara", "Edwin", "Ilse", "J. R.", "Tomás", "Nadia", "Anselm", "Ruth",
         "Olu", "Yuki", "Per", "Zofia", "Amelia", "K. S."]
FAMILY = ["Vance", "Okonkwo", "Lindqvist", "Marlowe-Hart", "Ferreira", "Kaya",
          "Østergaard", "Tanaka", "Whitlock", "Nowak", "O'Dell", "Brandt",
          "Adeyemi"]
SUBJECTS = {
    "science_fiction": ["Science fiction", "Space flight", "Robots", "Fiction",
                        "Roman d'anticipation", "ciencia ficción"],
    "fantasy": ["Fantasy", "Magic", "Dragons", "Fiction", "fantasía",
                "Contes de fées"],
}
SHARED = (2, 12, 29)  # numbers in science_fiction that fantasy has too
REPEATED = {"science_fiction": ((4, 104), (50, 118)), "fantasy": ((6, 66),)}
COUNTS = {"science_fiction": 130, "fantasy": 90}


def author(n):
    """One of 182 authors; key and name agree."""
    n %= len(GIVEN) * len(FAMILY)
    return {"key": "/authors/OL%dA" % (70000 + n),
            "name": GIVEN[n % len(GIVEN)] + " " + FAMILY[n % len(FAMILY)]}


def authors(slug, n):
    base = n * 3 + (40 if slug == "fantasy" else 0)
    if n % 13 == 0:
        return []
    if n % 17 == 0:  # one name, two keys
        first = author(base)
        return [first, {"key": "/authors/OL%dA" % (90000 + base),
                        "name": first["name"]}]
    if n == 31:  # a single word, and a name in another script
        return [{"key": "/authors/OL80001A", "name": "Eko"},
                {"key": "/authors/OL80002A", "name": "[英]阿道司·赫胥黎"}]
    # Few authors, so that some have several books in a year.
    return [author(base // 4 + k) for k in range(1 + (n % 6 == 0))]


def availability(n, ident):
    if n % 5 == 0:
        return {"status": "error", "error_message": "not found",
                "identifier": ident, "is_restricted": True,
                "is_browseable": False,
                "__src__": "core.models.lending.get_availability"}
    status = ("open", "borrow_available", "borrow_unavailable")[n % 3]
    return {
        "status": status, "available_to_browse": n % 2 == 0,
        "available_to_borrow": status == "borrow_available",
        "available_to_waitlist": False, "is_printdisabled": True,
        "is_readable": status == "open", "is_lendable": status != "open",
        "is_previewable": True, "identifier": ident, "isbn": None,
        "oclc": None, "openlibrary_work": "OL%dW" % (500000 + n),
        "openlibrary_edition": "OL%dM" % (600000 + n), "last_loan_date": None,
        "num_waitlist": str(n % 4), "last_waitlist_date": None,
        "is_restricted": status != "open", "is_browseable": n % 2 == 0,
        "__src__": "core.models.lending.get_availability"}


def subject_list(slug, n):
    names = list(SUBJECTS[slug])
    if n % 10 == 0:
        names += ["Topic %d of %d" % (k, n) for k in range(1, 121)]
        names += [name.upper() for name in SUBJECTS[slug]]
        names += ["Heinlein, \"Bob\", 1907-1988", "Children's stories"]
    return names


def work(slug, n):
    number = (100000 if slug == "science_fiction" else 200000) + n
    title = TITLES[n % len(TITLES)]
    if n >= len(TITLES):
        title += (", Book %d" if n % 2 else " (Volume %d)") % (
            1 + n // len(TITLES))
    if slug == "science_fiction":
        title = ODD_TITLES.get(n, title)
    else:
        title = "Tales: " + title
    ident = "work%07d" % number
    w = {
        "key": "/works/OL%dW" % number, "title": title,
        "edition_count": 400 - 3 * n if n < 130 else 1,
        "cover_id": None if n % 8 == 0 else 10000000 + number,
        "cover_edition_key": None if n % 8 == 0 else "OL%dM" % number,
        "subject": subject_list(slug, n),
        "ia_collection": [] if n % 4 == 0 else ["inlibrary", "americana"],
        "printdisabled": n % 3 == 0,
        "lending_edition": "" if n % 6 == 0 else "OL%dM" % (number + 7),
        "lending_identifier": "" if n % 6 == 0 else ident,
        "authors": authors(slug, n),
        "first_publish_year": None if n % 9 == 0 else 1890 + n * 7 % 130,
        "ia": None if n % 6 == 0 else ident,
        "public_scan": n % 5 == 1, "has_fulltext": n % 6 != 0,
    }
    if n % 7 != 0:
        w["availability"] = None if n % 11 == 0 else availability(n, ident)
    return w


def changed(slug, works):
    """Edition 2: what a catalogue does in a month."""
    out = []
    for w in works:
        n = int(w["key"][9:-1]) % 100000  # the work's number, not its place
        if n in (10, 57):
            continue  # merged away
        w = dict(w)
        if n % 20 == 3:
            w["title"] += " (corrected)"
        if n % 25 == 4:
            w["first_publish_year"] = 1999
        if n % 30 == 5 and w["authors"]:
            w["authors"] = w["authors"][:1]
        if "availability" in w and isinstance(w["availability"], dict) and \
                "num_waitlist" in w["availability"] and n % 40 == 6:
            w["availability"] = dict(w["availability"], num_waitlist="12")
        out.append(w)
    start = COUNTS[slug]
    return out + [work(slug, n) for n in range(start, start + 5)]


def subject(slug, edition):
    works = [work(slug, n) for n in range(COUNTS[slug])]
    if slug == "fantasy":
        for at, n in enumerate(SHARED):
            works[20 + at] = work("science_fiction", n)
    for first, again in REPEATED[slug]:
        works[again] = works[first]
    return changed(slug, works) if edition >= 2 else works


def subjects(edition):
    """{slug: [work]}"""
    return {slug: subject(slug, edition) for slug in COUNTS}
