"""Incidents for people on a terminal, as JSON of ours, and as OCSF Incident Finding (class 2005 of OCSF 1.7)."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson

from kazami import __version__
from kazami.intel.shelf import attack
from kazami.model.attack import TACTICS
from kazami.model.finding import LEVELS
from kazami.model.incident import Incident, Step, Text
from kazami.respond.language import words
from kazami.respond.text import safe, safe_json

_COLUMNS = "incident tenant severity score state first last findings hosts title"
COLUMNS: tuple[str, ...] = tuple(_COLUMNS.split(" "))

#: Sigma's levels as severities of OCSF: Informational, Low, Medium, High, Critical.
_SEVERITIES = dict(zip(LEVELS, range(1, 6), strict=True))

#: Our states and verdicts as OCSF numbers them.
_STATUS = {"open": (1, "New"), "closed": (5, "Closed"), "redirected": (5, "Closed")}
_VERDICT = {"": 0, "false positive": 1, "true positive": 2, "benign": 5, "test": 6}

#: Of a step whose findings are gone.
_THEN = Text("(as it was told then)", "（当時の記録）")

_HEADINGS: dict[str, Text] = {
    "entry": Text("How it began", "始まり"),
    "spread": Text("Where it went", "広がり"),
    "taken": Text("What was taken", "持ち出されたもの"),
    "why": Text("Why it is grave", "重大である理由"),
    "steps": Text("Steps", "段階"),
    "links": Text("What ties it together", "関連の根拠"),
    "questions": Text("Open questions", "未解決の問い"),
    "hunts": Text("Hunt next", "次に探すこと"),
    "mitigations": Text("Counter-measures (ATT&CK)", "対策（ATT&CK）"),
}

#: Lines of steps and links that are shown on a terminal.
SHOWN = 60

#: Those of them that a terminal has room for.
NARROW = ("incident", "severity", "score", "state", "tenant", "first", "title")


def row(one: Incident, lang: str) -> list[Any]:
    """The values of `COLUMNS`."""
    times = [time.replace(microsecond=0) if time else None for time in (one.first, one.last)]
    known = [one.incident_uid[:12], one.tenant, one.severity, one.score, one.state, *times, one.findings]
    return [*known, len(one.hosts), one.title.spoken(lang)]


def narrow(one: Incident, lang: str) -> list[Any]:
    """The values of `NARROW`: what a terminal has room for."""
    first = one.first.strftime("%Y-%m-%d %H:%M") if one.first else ""
    known = [one.incident_uid[:8], words(lang).level(one.severity), f"{one.score:.0f}", one.state]
    return [*known, one.tenant, first, one.title.spoken(lang)]


def json_line(one: Incident) -> str:
    """All that is known of an incident, as one line of JSON."""
    return safe_json(orjson.dumps(asdict(one)).decode())


def text(one: Incident, lang: str) -> str:
    """An incident for a person at a terminal; every line is safe to show."""
    language = words(lang)
    head = f"{one.title.spoken(lang)}\n{one.incident_uid}  {one.tenant}  {language.level(one.severity)}  {one.score:g}/100  {one.state}"
    parts = [head]
    for name in ("entry", "spread", "taken"):
        parts.append(f"{_HEADINGS[name].spoken(lang)}: {getattr(one, name).spoken(lang)}")
    parts.append(_section("why", [said.spoken(lang) for said in one.why], lang))
    parts.append(_section("steps", [_step(step, lang) for step in one.steps], lang))
    parts.append(_section("links", [link.words.spoken(lang) for link in one.links], lang))
    for name in ("questions", "hunts"):
        parts.append(_section(name, [said.spoken(lang) for said in getattr(one, name)], lang))
    parts.append(_section("mitigations", [_measure(measure) for measure in one.mitigations], lang))
    return "\n".join(safe(line) for part in parts if part for line in part.split("\n")) + "\n"


def _measure(measure: str) -> str:
    """A counter-measure with the name that ATT&CK gives it."""
    return next((f"{one.id} {one.name}" for one in attack().mitigations if one.id == measure), measure)


def _section(name: str, lines: list[str], lang: str) -> str:
    if not lines:
        return ""
    shown = [textwrap.shorten(line, 300, placeholder="…") for line in lines[:SHOWN]]
    more = [f"… +{len(lines) - SHOWN}"] if len(lines) > SHOWN else []
    return "\n".join([f"{_HEADINGS[name].spoken(lang)}:", *(f"  {line}" for line in [*shown, *more])])


def _step(step: Step, lang: str) -> str:
    time = step.first.strftime("%Y-%m-%d %H:%M:%S") if step.first else "?"
    who = " ".join(part for part in (step.host, step.account, step.address) if part)
    then = f" {_THEN.spoken(lang)}" if step.gone else ""
    return f"{step.number:>3}  {time}  {step.words.spoken(lang)}  [{who}] ×{step.findings}{then}"


def ocsf_line(one: Incident) -> str:
    """An incident as one line of JSON in the words of OCSF 1.7, class 2005; our links stand under ``unmapped``."""
    return safe_json(orjson.dumps(ocsf(one)).decode())


def ocsf(one: Incident) -> dict[str, Any]:
    """An incident as OCSF Incident Finding."""
    status, said = _STATUS[one.state]
    severity = _SEVERITIES[one.severity]
    return {
        "activity_id": 3 if status == 5 else 1,
        "category_uid": 2,
        "class_uid": 2005,
        "type_uid": 200503 if status == 5 else 200501,
        "time": _milliseconds(one.last) or 0,
        "start_time": _milliseconds(one.first),
        "end_time": _milliseconds(one.last),
        "desc": one.title.en,
        "severity_id": severity,
        "severity": one.severity.capitalize(),
        "status_id": status,
        "status": said,
        "verdict_id": _VERDICT.get(one.verdict, 0),
        "is_suspected_breach": one.severity in ("high", "critical"),
        "finding_info_list": [_finding(one, number) for number in range(min(len(one.steps), 400))]
        or [{"uid": one.incident_uid, "title": one.title.en}],
        "attacks": [_attack(step.tactic, technique) for step in one.steps for technique in step.techniques][
            :400
        ],
        "metadata": {
            "version": "1.7.0",
            "product": {"name": "Kazami", "vendor_name": "Kazami", "version": __version__},
            "tenant_uid": one.tenant,
            "uid": one.incident_uid,
            "correlation_uid": one.redirect or one.incident_uid,
        },
        **({"assignee": {"name": one.owner}} if one.owner else {}),
        "unmapped": {"score": one.score, "hosts": one.hosts, "links": [asdict(link) for link in one.links]},
    }


def _finding(one: Incident, number: int) -> dict[str, Any]:
    step = one.steps[number]
    return {
        "uid": step.finding_uids[0] if step.finding_uids else f"{one.incident_uid}-{step.number}",
        "title": step.title,
        "first_seen_time": _milliseconds(step.first),
        "last_seen_time": _milliseconds(step.last),
        "analytic": {"type_id": 1, "uid": step.rule_id, "name": step.title},
    }


def _attack(tactic: str, technique: str) -> dict[str, Any]:
    named: dict[str, Any] = {"version": "18.1", "technique": {"uid": technique}}
    return named | ({"tactic": {"name": tactic}} if tactic in TACTICS else {})


def _milliseconds(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp() * 1000)
