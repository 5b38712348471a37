"""SARIF 2.1.0 (OASIS), written as a stream: results first, then the rules that they refer to.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. The members of a JSON object have no order,
so ``tool`` may follow ``results`` and only the rules are held in memory. A record is no line of a text file,
so its number stands in ``properties`` and in a logical location, not in a region.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TextIO
from urllib.parse import quote

from kazami.model.finding import level_rank
from kazami.model.result import FindingRow, Summary
from kazami.respond.export.jsonl import dumps

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_LEVELS = ("note", "note", "warning", "error", "error")
#: What GitHub's code scanning sorts by: the middle of CVSS's band for the word.
_SEVERITIES = ("0.0", "2.0", "5.5", "8.0", "9.5")
_RANKS = (5.0, 25.0, 50.0, 75.0, 95.0)

#: What a result says of the finding beside SARIF's own members.
_PROPERTIES = (
    *("time", "level", "tenant", "host", "user", "table", "record", "kind"),
    *("techniques", "tactics", "event_uids", "matched"),
)

#: Notifications of one kind; the counts in the report and the case are complete.
_NOTIFICATIONS = 1000

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def message(text: str) -> dict[str, str]:
    """A message whose braces and brackets are text, not placeholders or links (sections 3.11.5 and 3.11.6)."""
    escaped = text.replace("{", "{{").replace("}", "}}")
    return {"text": re.sub(r"(\\*)([\[\]])", r"\1\1\\\2", escaped)}


def uri(name: str) -> str:
    """A name of evidence as a URI reference (RFC 3986): absolute paths become ``file:`` URIs."""
    path = name.replace("\\", "/") if _DRIVE.match(name) or name.startswith("\\\\") else name
    quoted = quote(path.encode("utf-8", "surrogatepass"), safe="/!~-._")
    if _DRIVE.match(name):
        return f"file:///{name[0]}:{quoted[4:]}"  # the drive's colon is not percent-encoded
    if quoted.startswith("//"):
        return f"file:{quoted}"  # a server's share
    return f"file://{quoted}" if quoted.startswith("/") else quoted


def stamp(time: datetime | None) -> str | None:
    """A time as SARIF wants it: UTC, with a Z."""
    return time.isoformat().replace("+00:00", "Z") if time else None


def descriptor(row: FindingRow) -> dict[str, Any]:
    """The rule of a finding as a reportingDescriptor."""
    rank = level_rank(row["level"])
    notes = [f"False positives: {note}" for note in row["falsepositives"]]
    references = [f"Reference: {reference}" for reference in row["references"]]
    help_text = "\n".join([row["description"] or row["title"], *notes, *references])
    return {
        "id": row["rule_id"],
        "name": row["title"],
        "shortDescription": {"text": row["title"]},
        "fullDescription": {"text": row["description"] or row["title"]},
        "help": {"text": help_text},
        "defaultConfiguration": {"level": _LEVELS[rank], "rank": _RANKS[rank]},
        "properties": {
            "tags": list(dict.fromkeys(["security", *row["tags"]])),
            "security-severity": _SEVERITIES[rank],
            "version": row["rule_version"],
            "author": row["author"],
        },
    }


def result(row: FindingRow, index: int) -> dict[str, Any]:
    """One finding as a result that refers to rule number `index`."""
    rank = level_rank(row["level"])
    where = ", ".join(part for part in (row["host"], row["user"]) if part)
    place = {
        "fullyQualifiedName": f"{row['evidence']}#{row['record']}",
        "name": f"record {row['record']}",
        "kind": "element",
    }
    about: Mapping[str, Any] = row
    silenced = row.get("suppressed")  # SARIF 2.1.0, 3.27.23: an empty array says that nothing is
    suppressions = [{"kind": "external", "justification": f"kazami suppress {silenced}"}] if silenced else []
    return {
        "ruleId": row["rule_id"],
        "ruleIndex": index,
        "level": _LEVELS[rank],
        "rank": _RANKS[rank],
        "message": message(f"{row['title']}{f' ({where})' if where else ''}"),
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": uri(row["evidence"])}},
                "logicalLocations": [place],
            }
        ],
        "fingerprints": {"kazami/v1": row["finding_uid"]},
        **({"suppressions": suppressions} if "suppressed" in row else {}),
        "properties": {name: about[name] for name in _PROPERTIES},
    }


def _note(text: str, level: str = "warning") -> dict[str, Any]:
    return {"message": message(text), "level": level}


def invocation(summary: Summary) -> dict[str, Any]:
    """When the scan ran, and what it could not read or load."""
    failures = [_note(f"{r.name}: {r.place}: {r.reason} ({r.count})") for r in summary.rejects]
    unread = [_note(f"{e.name}: {e.note}", "error") for e in summary.evidence if e.state == "unreadable"]
    rules = [_note(f"{r.path}: {r.reason}") for r in summary.rejected_rules]
    run: dict[str, Any] = {
        "executionSuccessful": True,
        "toolExecutionNotifications": (unread + failures)[:_NOTIFICATIONS],
        "toolConfigurationNotifications": rules[:_NOTIFICATIONS],
    }
    times = {"startTimeUtc": stamp(summary.started), "endTimeUtc": stamp(summary.finished)}
    return run | {name: time for name, time in times.items() if time}


def tool(rules: list[dict[str, Any]], summary: Summary) -> dict[str, Any]:
    """The tool object, with all rules that have findings."""
    return {
        "driver": {
            "name": "Kazami",
            "informationUri": "https://github.com/kazami-ids/kazami",
            "version": summary.version,
            "rules": rules,
        }
    }


def write(findings: Iterable[FindingRow], summary: Summary, out: TextIO) -> int:
    """Write one SARIF log to `out`; returns the number of findings."""
    out.write(f'{{"$schema":"{SCHEMA}","version":"2.1.0","runs":[{{"results":[')
    seen: dict[str, int] = {}
    rules: list[dict[str, Any]] = []
    count = 0
    for count, row in enumerate(findings, 1):
        index = seen.setdefault(row["rule_id"], len(rules))
        if index == len(rules):
            rules.append(descriptor(row))
        out.write(("\n" if count == 1 else ",\n") + dumps(result(row, index)))
    out.write(
        f'\n],\n"invocations":[{dumps(invocation(summary))}],\n"tool":{dumps(tool(rules, summary))}}}]}}\n'
    )
    return count
