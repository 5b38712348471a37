"""One tenant's incidents and findings into a notice.

The wall is in the arguments: what is handed over is one tenant's, and of others one bit, whether three or more of them saw
something of it. Nothing here reads a case, a clock or a setting, so equal data give equal notices.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from kazami.model.finding import level_rank
from kazami.model.incident import Incident, Step
from kazami.model.notice import Line, Notice, Proof
from kazami.model.result import FindingRow
from kazami.model.tenant import Contact, Tenant
from kazami.respond.notify import words

#: What a notice prints of each; the rest is counted.
LINES, PROOFS, NAMES = 40, 100, 50

#: Tactics that need no foothold; an incident with only these is an attempt.
_BEFORE = frozenset({"", "reconnaissance", "resource-development", "initial-access"})


def condition(incidents: Iterable[Incident]) -> str:
    """``affected`` where somebody did something inside or it is grave, else ``targeted``."""
    inside = any(set(one.tactics) - _BEFORE or level_rank(one.severity) >= 3 for one in incidents)
    return "affected" if inside else "targeted"


def build(
    tenant: Tenant,
    incidents: Sequence[Incident],
    findings: Sequence[FindingRow],
    *,
    audience: str,
    lang: str,
    elsewhere: bool = False,
    callers: Sequence[Contact] = (),
    provider_is_victim: bool = False,
    tlp: str = "AMBER",
) -> Notice:
    """A notice for `audience` (one of `model.tenant.ROLES`) in `lang`.

    `incidents` and `findings` are the tenant's own; raises ValueError where one is another's. `callers` are whom to call.
    """
    foreign = {one.tenant for one in incidents} | {row["tenant"] for row in findings}
    if foreign - {tenant.name}:
        raise ValueError(f"a notice to {tenant.name} was handed data of another tenant")
    state = condition(incidents)
    name = tenant.title or tenant.name
    first = min((one.first for one in incidents if one.first), default=None)
    last = max((one.last for one in incidents if one.last), default=None)
    hosts = _distinct(host for one in incidents for host in one.hosts)
    accounts = _distinct(account for one in incidents for account in one.accounts)
    said = [words.SUMMARY[state].spoken(lang)]
    if first and last:
        said.append(words.SPAN.spoken(lang).format(first=_minute(first), last=_minute(last)))
    said.append(words.WHERE.spoken(lang).format(hosts=len(hosts), accounts=len(accounts)))
    if provider_is_victim:
        said.append(words.PROVIDER.spoken(lang))
    proofs = [_proof(row) for row in sorted(findings, key=lambda row: -level_rank(row["level"]))]
    made = Notice(
        notice_uid="",
        tenant=tenant.name,
        name=name,
        audience=audience,
        lang=lang,
        tlp=tlp,
        condition=state,
        severity=max((one.severity for one in incidents), key=level_rank, default="informational"),
        title=words.TITLE[state].spoken(lang).format(name=name),
        summary=tuple(said),
        happened=tuple(_lines(incidents, lang)),
        proofs=tuple(proofs[:PROOFS]) if audience == "administrator" else (),
        todo=tuple(_todo(incidents, audience, lang)),
        call=tuple(map(_call, callers)),
        band=words.BAND.spoken(lang) if elsewhere else "",
        hosts=tuple(hosts[:NAMES]),
        accounts=tuple(accounts[:NAMES]),
        techniques=tuple(_distinct(one for incident in incidents for one in incident.techniques)),
        incidents=tuple((one.incident_uid, one.title.spoken(lang)) for one in incidents),
        first=first,
        last=last,
        more_proofs=max(0, len(proofs) - PROOFS) if audience == "administrator" else 0,
    )
    return _named(made)


def _named(made: Notice) -> Notice:
    """The notice with its id: 32 hex digits of all that it says."""
    from dataclasses import replace

    digest = hashlib.sha256(repr(made).encode("utf-8", "surrogatepass")).hexdigest()
    return replace(made, notice_uid=digest[:32])


def _lines(incidents: Sequence[Incident], lang: str) -> list[Line]:
    steps = [step for one in incidents for step in one.steps]
    if not steps:
        return [Line(one.first, one.title.spoken(lang)) for one in incidents][:LINES]
    grave = sorted(steps, key=lambda step: (-level_rank(step.level), step.number))[:LINES]
    return sorted((_line(step, lang) for step in grave), key=_when)


def _line(step: Step, lang: str) -> Line:
    return Line(step.first, step.words.spoken(lang) or step.title, step.host, step.account, step.tactic)


def _when(line: Line) -> tuple[bool, float]:
    return (line.time is None, line.time.timestamp() if line.time else 0.0)


def _todo(incidents: Sequence[Incident], audience: str, lang: str) -> list[str]:
    if audience == "executive":
        return [one.spoken(lang) for one in words.EXECUTIVE]
    tactics = {tactic for one in incidents for tactic in one.tactics}
    return [words.ALWAYS.spoken(lang), *(text.spoken(lang) for key, text in words.ADVICE.items() if key in tactics)]  # fmt: skip


def _proof(row: FindingRow) -> Proof:
    return Proof(
        row["finding_uid"],
        row["title"],
        row["level"],
        row["time"] or "",
        row["host"] or "",
        row["evidence"],
        row["record"],
    )


def _call(contact: Contact) -> str:
    return ", ".join(filter(None, (contact.name, contact.phone, contact.mail)))


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


def _minute(time: object) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
