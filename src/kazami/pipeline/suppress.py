"""Suppressions of a case: what one would silence, then added, or removed, and the incidents told anew."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kazami.errors import UsageError
from kazami.model.incident import Incident
from kazami.model.suppression import Entry, Suppression
from kazami.pipeline import incidents as telling
from kazami.store import incidents, suppressed
from kazami.store.case import Case

#: Days that a suppression holds where nobody says otherwise, and at most.
DAYS, LONGEST = 90, 366


@dataclass(frozen=True, slots=True)
class Silenced:
    """Findings of one rule that would go silent."""

    rule: str
    title: str
    level: str
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a suppression would do: findings by rule, open incidents that would vanish or shrink (with the findings left),
    tactics of which nothing would be left in the tenant, and chains (correlations of several events) among the rules."""

    rules: list[Silenced] = field(default_factory=list)
    vanish: list[Incident] = field(default_factory=list)
    shrink: list[tuple[Incident, int]] = field(default_factory=list)
    tactics: list[str] = field(default_factory=list)

    @property
    def findings(self) -> int:
        """All findings that would go silent."""
        return sum(one.count for one in self.rules)

    @property
    def chains(self) -> list[Silenced]:
        """Rules that join several events: what they find is seldom noise."""
        return [one for one in self.rules if one.kind == "correlation"]


def planned(
    case: Case,
    tenant: str,
    *,
    rule: str = "",
    host: str = "",
    account: str = "",
    entity: str = "",
    where: Mapping[str, str] | None = None,
    reason: str = "",
    owner: str = "",
    expires: datetime | None = None,
) -> Suppression:
    """A suppression that is not added yet; `tenant` may be empty where the case has only one.

    `rule` is an id or a title. Raises UsageError: no tenant or several, a rule that the case does not know, nothing that
    narrows it, an end that has passed or is more than a year away.
    """
    now = datetime.now(UTC)
    expires = expires or now + timedelta(days=DAYS)
    if not now < expires <= now + timedelta(days=LONGEST):
        raise UsageError(f"--expires: has to be in the future, and at most {LONGEST} days away")
    made = Suppression(
        "",
        _tenant(case, tenant),
        reason,
        owner,
        now,
        expires,
        _rule(case, rule) if rule else "",
        *(host.strip(), account.strip(), entity.strip()),
        tuple(sorted((where or {}).items())),
    )
    if not made.narrow:
        raise UsageError(
            "a suppression needs a rule, a host, an account, an entity or a field: it may not silence all"
        )
    vague = [
        text
        for text in (made.host, made.account, *(value for _, value in made.where))
        if not text.strip("*") and text
    ]
    if vague:
        raise UsageError(f"{vague[0]}: silences everything; say what it is that may be ignored")
    uid = hashlib.sha256(repr(made).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return Suppression(uid, *(getattr(made, name) for name in Suppression.__slots__[1:]))


def preview(case: Case, one: Suppression) -> Preview:
    """What `one` would silence that counts now; nothing is changed."""
    meant = suppressed.condition(one)
    source = f"({suppressed.counted(case.path)}) s"
    rows = case.database.rows(
        f"""SELECT rule_id, any_value(title) AS title, any_value(level) AS level, any_value(kind) AS kind,
        count(*) AS n FROM {source} WHERE {meant} GROUP BY rule_id ORDER BY n DESC, rule_id"""  # noqa: S608 - quoted
    )
    silent = case.database.rows(
        f"""SELECT tactic FROM (SELECT unnest(tactics) AS tactic, {meant} AS meant FROM {source}
        WHERE tenant = ?) GROUP BY tactic HAVING bool_and(meant) ORDER BY tactic""",  # noqa: S608 - quoted
        [one.tenant],
    )
    rules = [Silenced(row["rule_id"], row["title"], row["level"], row["kind"], row["n"]) for row in rows]
    if not rules:
        return Preview()
    after = telling.correlated(case, telling.known_of(case, one.tenant), [one], one.tenant)
    left = {each.incident_uid: each for each in after.incidents if each.state == "open"}
    before = list(incidents.incidents(case, tenant=one.tenant, only="open"))
    vanish, shrink = [], []
    for each in before:
        rest = left.get(each.incident_uid)
        if rest is None:
            vanish.append(each)
        elif rest.findings < each.findings:
            shrink.append((each, rest.findings))
    return Preview(rules, vanish, shrink, [row["tactic"] for row in silent])


def add(case: Case, one: Suppression, who: str) -> Suppression:
    """Let a suppression hold from now on; incidents are told anew. Raises UsageError where reason or owner is missing."""
    if not one.reason.strip() or not one.owner.strip():
        raise UsageError("a suppression needs a reason and an owner: --reason, --owner")
    if len(suppressed.active(case.path)) >= suppressed.MOST:
        raise UsageError(f"{case.path}: has {suppressed.MOST} suppressions already; remove some")
    suppressed.log(case, Entry(datetime.now(UTC), who, "added", one))
    telling.tell(case)
    return one


def remove(case: Case, name: str, who: str, note: str = "") -> Suppression:
    """End a suppression, by its id or the beginning of it: what it silenced counts again. Raises UsageError if unknown."""
    found = [one for one in suppressed.standing(case.path) if one.uid.startswith(name)] if name else []
    if len(found) != 1:
        raise UsageError(f"{name}: no suppression of this case, or the beginning of several ids")
    suppressed.log(case, Entry(datetime.now(UTC), who, "removed", found[0], note))
    telling.tell(case)
    return found[0]


def _tenant(case: Case, tenant: str) -> str:
    known: Sequence[str] = [
        row["tenant"]
        for row in case.database.rows(
            "SELECT DISTINCT tenant FROM finding UNION SELECT tenant FROM evidence ORDER BY 1"
        )
    ]
    if tenant and tenant not in known:
        raise UsageError(f"{tenant}: no tenant of this case; it has {', '.join(known[:20]) or 'none'}")
    if not tenant and len(known) != 1:
        raise UsageError(
            "--tenant: has to be said, for the case has several; a suppression never crosses tenants"
        )
    return tenant or known[0]


def _rule(case: Case, name: str) -> str:
    """The id of a rule by its id or its title."""
    rows = case.database.rows(
        "SELECT DISTINCT id FROM rule WHERE id = ? OR lower(title) = lower(?) "
        "UNION SELECT DISTINCT rule_id FROM finding WHERE rule_id = ?",
        [name, name, name],
    )
    if len(rows) != 1:
        raise UsageError(
            f"{name}: {'several rules have this title; give an id' if rows else 'no rule of this case'}"
        )
    return str(rows[0]["id"])
