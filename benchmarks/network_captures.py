"""Captures of attacks, one by one: what was found, and whether it is what the name of the file states.

A part of ``python -m benchmarks.network``; alone: ``python -m benchmarks.network_captures [--data DIR] [--all]``. Every capture is a tenant of its own in
one scan, so that none is another's history. Benign: captures and logs in which no attack is known to be, and how many findings of high or
above they have for 10,000 flows, by detector.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import yaml

from benchmarks.figures import Figure, at_least, publish, told
from kazami.detect.network import traffic
from kazami.detect.network.rat.detector import RULES as RATS
from kazami.model.finding import level_rank
from kazami.pipeline.request import Request
from kazami.pipeline.scan import scan
from kazami.store.case import Case

#: The share of captures of movement, tunnels and control in which what the name states must be found.
BAR = 0.8

_KINDS = ("movement", "tunnel", "control")


class Silent:
    """An observer that nobody sees."""

    def begin(self, files: int, size: int) -> None:
        """Nothing."""

    def advance(self, size: int, events: int, findings: int, name: str) -> None:
        """Nothing."""

    def tick(self) -> None:
        """Nothing."""


def keys() -> dict[str, str]:
    """Keys of rules by id: those of traffic, and ``rat`` for what recognisers find."""
    found = {rule.id: key for key, rule in traffic.RULES.items()}
    return found | {rule.id: "rat" for rule in RATS.values()}


def findings(captures: list[Path], tenants: bool = True) -> tuple[dict[str, list[tuple[str, str]]], int]:
    """Of each capture (by the name of its file): keys and levels of what was found in it; and how many flows there were."""
    with tempfile.TemporaryDirectory() as folder:
        evidence = Path(folder) / "evidence"
        for path in captures:
            own = evidence / (_tenant(path) if tenants else "all")
            own.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, own / path.name)
            else:
                shutil.copy(path, own / f"{len(list(own.iterdir()))}-{path.name}")
        case = Path(folder) / "case"
        scan(Request([evidence], case, tenant_from_folder=True, packs=(), workers=2), Silent())
        with Case.open(case, read_only=True) as opened:
            rows = opened.database.rows("SELECT tenant, rule_id, rule_version FROM kase.finding")
            levels = {
                row["id"]: row["level"] for row in opened.database.rows("SELECT id, level FROM kase.rule")
            }
            flows = opened.database.rows(
                "SELECT coalesce(sum(rows), 0)::BIGINT AS n FROM kase.segment WHERE \"table\" = 'flow'"
            )
    names = keys()
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        found[row["tenant"]].append((names.get(row["rule_id"], row["rule_id"]), levels[row["rule_id"]]))
    return found, int(flows[0]["n"])


def _tenant(path: Path) -> str:
    return re.sub(r"[^\w-]+", "-", path.name)


def stated(name: str, entries: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What the name of a capture states; None where nothing."""
    return next((entry for entry in entries if any(word in name.lower() for word in entry["words"])), None)


def table(captures: list[Path], title: str) -> tuple[Counter[str], Counter[str], int]:
    """Print what was found, capture by capture; by kind, how many show what they state, and how many there are; and their flows."""
    entries = yaml.safe_load(Path(__file__).with_name("captures.yml").read_text("utf-8"))
    found, flows = findings(captures)
    shown: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    print(f"\n{title}")
    for path in sorted(captures):
        entry = stated(path.name, entries)
        own = Counter(found.get(_tenant(path), []))
        right = entry is not None and any(key.startswith(tuple(entry["by"])) for key, _ in own)
        kind = entry["kind"] if entry else "none"
        asked[kind] += 1
        shown[kind] += right
        said = ", ".join(
            f"{key} ({level}{f', {count}' if count > 1 else ''})"
            for (key, level), count in sorted(own.items(), key=_grave)
        )
        verdict = "found" if right else "MISSED" if entry else "-"
        print(
            f"  {verdict:<6} {path.name}\n         states: {entry['states'] if entry else 'nothing'}; found: {said or 'nothing'}"
        )
    return shown, asked, flows


def _grave(item: tuple[tuple[str, str], int]) -> tuple[int, str]:
    return -level_rank(item[0][1]), item[0][0]


def figures(data: Path, *, everything: bool = False) -> list[Figure]:
    """The share of captures that show what they state; findings in what is harmless."""
    shown, asked, _ = table(sorted((data / "pcap" / "attack").iterdir()), "captures of attacks")
    made = [
        told(f"captures that state {kind}, of which {shown[kind]} show it", asked[kind])
        for kind in (*_KINDS, "other", "none")
        if asked[kind]
    ]
    total, right = sum(asked[kind] for kind in _KINDS), sum(shown[kind] for kind in _KINDS)
    made.append(at_least("share of movement, tunnels and control that is found", right / max(1, total), BAR))
    more = sorted((data / "otrf").glob("atomic/**/network/*")) if everything else []
    if more:
        shown, asked, _ = table(more, "captures of OTRF's Security Datasets")
        total, right = sum(asked[kind] for kind in _KINDS), sum(shown[kind] for kind in _KINDS)
        made.append(told(f"OTRF: captures of movement, of which {right} show it", total))
        made.append(told(f"OTRF: other captures, of which {shown['other']} show it", asked["other"]))
    return [*made, *benign(data)]


def benign(data: Path) -> list[Figure]:
    """Findings of high or above for 10,000 flows where no attack is known to be."""
    logs = [data / "zeek" / "rita", data / "zeek" / "slips" / "test9-mixed-zeek-dir"]
    captures = sorted((data / "suricata-verify").glob("*/*.pcap"))
    made = []
    for name, paths in (("logs", logs), ("captures of suricata-verify", captures)):
        found, flows = findings([path for path in paths if path.exists()], tenants=name == "logs")
        every = Counter(one for some in found.values() for one in some)
        grave = sum(count for (_, level), count in every.items() if level in ("high", "critical"))
        print(f"\nharmless: {name}, {flows:,} flows")
        for (key, level), count in sorted(every.items(), key=_grave):
            print(f"  {level:<14} {key:<24} {count:>6}  {count * 1e4 / max(1, flows):8.2f} in 10,000 flows")
        made.append(told(f"high or above in 10,000 flows, {name}", grave * 1e4 / max(1, flows)))
    return made


def main() -> int:
    """Measure, print, and 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--all", action="store_true", help="also the captures of OTRF's Security Datasets")
    chosen = parser.parse_args()
    return publish(figures(chosen.data, everything=chosen.all))


if __name__ == "__main__":
    raise SystemExit(main())
