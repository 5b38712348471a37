"""Exfiltration: more than a machine ever sent, flows that only send, and archives that leave.

T1041, T1048, T1560. Volume is judged against the machine's own past days by median and median absolute deviation (Iglewicz and Hoaglin, "How to
Detect and Handle Outliers", 1993: a modified z-score above 3.5; here 8, and a hundred megabytes at least). Without a past only what is lopsided and large
is told.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

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
            "In a day a machine sent far more to one destination on the internet, or to many that are new to it, than to all of them on its days before.",
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
        "exfiltration-inside": (
            "A Machine Sent Far More Inside Than It Ever Did",
            "low",
            "In a day a machine sent a gigabyte or more to another one inside, far more than to all of them on its days before.",
            "collection t1074.002 t1039",
            "New backups, moved data",
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
    yield from _archives(traffic)
    rows = traffic["smb_files"]
    staged = rows.texts["name"].where(_is_archive) & rows.texts["path"].where(
        lambda path: bool(_ADMINISTRATIVE.search(path))
    )
    yield from _hits(rows, staged, "exfiltration-staged", ("path", "name", "action"))


def _archives(traffic: Traffic) -> Iterator[Hit]:
    """Archives by the name under which HTTP sent them, and by their content; one that shows in both is told once, with both."""
    rows = traffic["http"]
    sends = (
        rows.texts["method"].among(("POST", "PUT"))
        & traffic.inside("http", "source")
        & traffic.outside("http", "target")
    )
    named = rows.texts["uri"].where(lambda uri: _is_archive(uri.partition("?")[0]))
    named |= rows.texts["file"].where(lambda name: _is_archive(name.strip('[]"')))
    posted: dict[tuple[str, str], list[Hit]] = defaultdict(list)
    for hit in _hits(rows, sends & named, "exfiltration-archive", ("name", "uri", "file")):
        posted[_pair(hit)].append(hit)
    rows = traffic["files"]
    archive = rows.texts["mime"].where(lambda mime: bool(_MIME.search(mime))) | rows.texts["name"].where(
        _is_archive
    )
    leaves = traffic.inside("files", "source") & traffic.outside("files", "target")
    sent = rows.texts["from_client"].among(("T", "true"))
    for hit in _hits(rows, archive & leaves & sent, "exfiltration-archive", ("name", "mime", "via")):
        same = [one for one in posted[_pair(hit)] if _together(one, hit)]
        posted[_pair(hit)] = [one for one in posted[_pair(hit)] if one not in same]
        told = {name: ", ".join(one.matched[name] for one in same) for name in ("uri", "file")}
        yield replace(hit, matched={**hit.matched, **told})
    for hits in posted.values():
        yield from hits


def _is_archive(name: str) -> bool:
    return bool(_ARCHIVE.search(name))


def _pair(hit: Hit) -> tuple[str, str]:
    first = int(hit.places[0])
    return hit.rows.texts["source"][first], hit.rows.texts["target"][first]


def _together(one: Hit, other: Hit) -> bool:
    """Whether two hits lie within an hour of each other."""
    near, far = one.rows.time[one.places], other.rows.time[other.places]
    return bool(near[0] - HOUR <= far[-1] and far[0] - HOUR <= near[-1])


def _volume(traffic: Traffic) -> Iterator[Hit]:
    """Day by day, what a machine sent to the internet; and what it sent inside."""
    rows = traffic.flow
    sent = rows.known("sent")
    for among, judged in ((traffic.outward, _outward), (traffic.within, _inside)):
        for places in rows.groups("source", among=among & traffic.talks & (sent > 0)):
            kinds, of = np.unique(rows.time[places] // DAY, return_inverse=True)
            sums = np.bincount(of, weights=sent[places])
            if sums.max() < min(MUCH, UPLOAD):
                continue
            most: dict[int, list[tuple[int, float]]] = defaultdict(list)
            for number_, day in enumerate(kinds.tolist()):
                there = places[of == number_]
                found = _Day(day, sums[:number_], _by_target(rows, there))
                if sums[number_] >= min(MUCH, UPLOAD):
                    yield from judged(rows, found, most)
                for target, some in found.targets.items():
                    most[target].append((day, float(sent[some].sum())))


@dataclass(slots=True)
class _Day:
    """One day of a machine: its number, bytes of each day before, and by target (its code) the flows of this one."""

    day: int
    past: Numbers
    targets: dict[int, Numbers]


_Most = Mapping[int, list[tuple[int, float]]]  # by target: days before, and their bytes


def _by_target(rows: Rows, places: Numbers) -> dict[int, Numbers]:
    codes = rows.texts["target"].codes[places]
    order = np.argsort(codes, kind="stable")
    cuts = np.flatnonzero(np.diff(codes[order])) + 1
    return {int(rows.texts["target"].codes[some[0]]): some for some in np.split(places[order], cuts)}


def _outward(rows: Rows, day: _Day, most: _Most) -> Iterator[Hit]:
    rest = []
    for target, found in day.targets.items():
        rule = _rule(rows, day, found, most.get(target, []))
        if rule:
            yield _hit(rows, day, found, rule)
        elif not most.get(target):
            rest.append(found)
    if len(rest) > 1:  # what goes to many new ones, a little to each
        together = np.sort(np.concatenate(rest))
        if _rule(rows, day, together, []) == "exfiltration-volume":
            yield _hit(rows, day, together, "exfiltration-volume", len(rest))


def _inside(rows: Rows, day: _Day, most: _Most) -> Iterator[Hit]:
    for target, found in day.targets.items():
        if (
            _rule(rows, day, found, most.get(target, [])) == "exfiltration-volume"
            and _size(rows, found) >= 10 * MUCH
        ):
            yield _hit(rows, day, found, "exfiltration-inside")


def _size(rows: Rows, found: Numbers) -> float:
    return float(rows.known("sent")[found].sum())


def _rule(rows: Rows, day: _Day, found: Numbers, before: list[tuple[int, float]]) -> str:
    """What a day's flows to a destination are. What went there in the same measure `PAST` days before or earlier comes again: a backup of every week."""
    size, back = _size(rows, found), float(rows.known("received")[found].sum())
    again = any(day.day - when >= PAST and 2 * much >= size for when, much in before)
    if len(day.past) >= PAST and size >= MUCH and size > bound(day.past) and not again:
        return "exfiltration-volume"
    return "exfiltration-upload" if size >= UPLOAD and size >= LOPSIDED * max(1.0, back) else ""


def _hit(rows: Rows, day: _Day, found: Numbers, rule: str, targets: int = 1) -> Hit:
    said = {
        "sent bytes": number(_size(rows, found)),
        "received bytes": number(float(rows.known("received")[found].sum())),
        "usual bytes of a day": number(float(np.median(day.past))) if len(day.past) else "",
        "destinations": number(targets) if targets > 1 else "",
    }
    target = rows.texts["target"][int(found[0])] if targets == 1 else "many"
    return Hit(rule, rows, found, said, (rows.texts["source"][int(found[0])], target, str(day.day)))


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
