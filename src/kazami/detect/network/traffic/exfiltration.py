"""Exfiltration: more than a machine ever sent, flows that only send, and archives that leave.

T1041, T1048, T1560. Volume is judged against the machine's own past days by median and median absolute deviation (Iglewicz and Hoaglin, "How to
Detect and Handle Outliers", 1993: a modified z-score above 3.5; here 8, and a hundred megabytes at least). Without a past only what is lopsided and large
is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import DAY, HOUR, Numbers, Rows, bursts
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "exfiltration"
NEEDS = ("flow", "http", "files", "smb_files")

RULES = rules(
    "flow",
    {
        "exfiltration-volume": (
            "A Machine Sent Far More Than It Ever Did",
            "medium",
            "In a day a machine sent far more to one destination on the internet than to all of them on its days before.",
            "exfiltration t1041 t1048",
            "New backups, large uploads of people",
        ),
        "exfiltration-upload": (
            "Large Upload",
            "low",
            "A machine sent a great deal to one destination on the internet and got little back.",
            "exfiltration t1041 t1048",
            "Backups, uploads of people, calls",
        ),
        "exfiltration-archive": (
            "Archive Sent to the Internet",
            "medium",
            "A machine sent an archive to the internet.",
            "exfiltration t1560.001 t1048",
            "People who send archives",
        ),
        "exfiltration-staged": (
            "Archive Moved to or From an Administrative Share",
            "medium",
            "An archive was opened or written on an administrative share of another machine.",
            "collection t1560.001 t1039 t1074.002",
            "Administration",
        ),
    },
)

#: Bytes that are much in any case, how many robust deviations above the median, days that a past has, and how lopsided an upload is.
MUCH, ABOVE, PAST, UPLOAD, LOPSIDED = 100_000_000, 8.0, 5, 50_000_000, 10.0

_ARCHIVE = re.compile(r"\.(?:zip|rar|7z|cab|tar|tgz|tar\.gz|gz|bz2|xz|arj|lzh|ace|r\d\d|z\d\d|zipx)$", re.I)
_MIME = re.compile(r"x-rar|x-7z|/zip|x-zip|x-tar|gzip|x-ace|x-arj|vnd\.ms-cab|x-lzh|x-bzip|x-xz", re.I)
_ADMINISTRATIVE = re.compile(r"(?:^|\\)(?:admin|[a-z])\$$", re.I)


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Volume, uploads, archives."""
    yield from _volume(traffic)
    rows = traffic["http"]
    sends = (
        rows.texts["method"].among(("POST", "PUT"))
        & traffic.inside("http", "source")
        & ~traffic.inside("http", "target")
    )
    named = rows.texts["uri"].where(lambda uri: bool(_ARCHIVE.search(uri.partition("?")[0]))) | rows.texts[
        "file"
    ].where(lambda name: bool(_ARCHIVE.search(name.strip('[]"'))))
    yield from _hits(rows, sends & named, "exfiltration-archive", ("name", "uri", "file"))
    rows = traffic["files"]
    archive = rows.texts["mime"].where(lambda mime: bool(_MIME.search(mime))) | rows.texts["name"].where(
        lambda name: bool(_ARCHIVE.search(name))
    )
    leaves = traffic.inside("files", "source") & traffic.outside("files", "target")
    sent = rows.texts["from_client"].among(("T", "true"))
    yield from _hits(rows, archive & leaves & sent, "exfiltration-archive", ("name", "mime", "via"))
    rows = traffic["smb_files"]
    staged = rows.texts["name"].where(lambda name: bool(_ARCHIVE.search(name))) & rows.texts["path"].where(
        lambda path: bool(_ADMINISTRATIVE.search(path))
    )
    yield from _hits(rows, staged, "exfiltration-staged", ("path", "name", "action"))


def _volume(traffic: Traffic) -> Iterator[Hit]:
    rows = traffic.flow
    sent, received = rows.known("sent"), rows.known("received")
    among = traffic.outward & traffic.talks & (sent > 0)
    for places in rows.groups("source", among=among):
        days = rows.time[places] // DAY
        kinds, of = np.unique(days, return_inverse=True)
        sums = np.bincount(of, weights=sent[places])
        for number_, day in enumerate(kinds.tolist()):
            if sums[number_] < min(MUCH, UPLOAD):
                continue
            past = sums[:number_]
            there = places[days == day]
            for found in rows.where(there).groups("target"):
                yield from _judged(rows, there[found], past, sent, received)


def _judged(rows: Rows, found: Numbers, past: Numbers, sent: Numbers, received: Numbers) -> Iterator[Hit]:
    size, back = float(sent[found].sum()), float(received[found].sum())
    usual = bound(past)
    said = {
        "sent bytes": number(size),
        "received bytes": number(back),
        "usual bytes of a day": number(float(np.median(past))) if len(past) else "",
    }
    about = (
        rows.texts["source"][int(found[0])],
        rows.texts["target"][int(found[0])],
        str(int(rows.time[found[0]] // DAY)),
    )
    if len(past) >= PAST and size >= MUCH and size > usual:
        yield Hit("exfiltration-volume", rows, found, said, about)
    elif size >= UPLOAD and size >= LOPSIDED * max(1.0, back):
        yield Hit("exfiltration-upload", rows, found, said, about)


def bound(past: Numbers) -> float:
    """What a day may have at most: the median and `ABOVE` robust deviations (1.4826 median absolute deviations), twice the median at least."""
    if not len(past):
        return 0.0
    median = float(np.median(past))
    return max(2 * median, median + ABOVE * 1.4826 * float(np.median(np.abs(past - median))))


def _hits(rows: Rows, among: Numbers, rule: str, shown: tuple[str, ...]) -> Iterator[Hit]:
    for pair in rows.groups("source", "target", among=among):
        for places in bursts(rows.time, pair, HOUR):
            said = {name: ", ".join(rows.texts[name].distinct(places)[:10]) for name in shown}
            yield Hit(rule, rows, places, said)
