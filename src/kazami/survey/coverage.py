"""Which settings of logging the evidence shows on, off or unknown, machine by machine. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kazami.survey.holes import SECOND, is_extract, share
from kazami.survey.presence import NONE, Host, Seen, Signs
from kazami.survey.setting import Setting
from kazami.survey.streams import NO_TIME, Stream

#: A log that is there whole over so many records and seconds, without a sign, shows that nothing writes it.
RECORDS, SECONDS, WHOLE = 100, 3600, 0.9
#: Signs to the contrary that are needed: a few records say nothing of the rule.
DENIED = 3


class State(StrEnum):
    """What the evidence shows of a setting."""

    on = "on"
    off = "off"
    unknown = "unknown"


@dataclass(frozen=True, slots=True)
class Covered:
    """A setting on a machine (of a tenant as a whole, where `host` is None).

    `why` is a key of the words for it: ``seen``, ``denied`` (the log is written, without what was asked for), ``silent``
    (a whole log without it), ``part`` (only part of the log is there), ``missing`` (nothing to judge by).
    """

    tenant: str
    host: str | None
    setting: str
    state: State
    why: str
    seen: Seen = NONE


def covered(
    machines: Mapping[Host, frozenset[str]], settings: Mapping[str, Setting], signs: Signs, whole: Whole
) -> Iterator[Covered]:
    """The state of each setting on each machine that it is for, and of wide ones for each tenant.

    `machines` are those of the case with the products whose logs they wrote, `whole` tells which logs are there whole.
    """
    tenants = dict.fromkeys(tenant for tenant, _ in machines)
    places: list[tuple[Host, frozenset[str]]] = [((tenant, None), frozenset()) for tenant in sorted(tenants)]
    places += sorted(machines.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    for host, products in places:
        for name, setting in settings.items():
            if setting.wide == (host[1] is None) and (setting.wide or products & set(setting.platforms)):
                yield _covered(host, name, setting, signs, whole)


def _covered(host: Host, name: str, setting: Setting, signs: Signs, whole: Whole) -> Covered:
    here = signs.get(host, {})
    seen = sum((here.get(sign, NONE) for sign in setting.signs), NONE)
    if seen.events:
        return Covered(*host, name, State.on, "seen", seen)
    denied = sum((here.get(sign, NONE) for sign in setting.denied), NONE)
    if denied.events >= DENIED:
        return Covered(*host, name, State.off, "denied", denied)
    log = whole.get((host[0], host[1] or "", setting.log)) if setting.log else None
    if log is None:
        return Covered(*host, name, State.unknown, "missing")
    return Covered(*host, name, State.off if log else State.unknown, "silent" if log else "part")


#: By tenant, machine and channel: whether the log is there whole, and long enough to judge by.
Whole = Mapping[tuple[str, str, str], bool]


def whole(streams: Iterable[Stream]) -> dict[tuple[str, str, str], bool]:
    """Which channels can be judged by what is not in them."""
    return {(one.tenant, one.host, one.log): _whole(one) for one in streams if one.numbered}


def _whole(stream: Stream) -> bool:
    times = stream.time[stream.time != NO_TIME]
    if len(times) < RECORDS or is_extract(stream) or share(stream) < WHOLE:
        return False
    return bool(times.max() - times.min() >= SECONDS * SECOND)


def matrix(rows: Sequence[Covered]) -> dict[str, dict[State, list[str]]]:
    """For each setting the machines (tenants, of wide ones) by state."""
    found: dict[str, dict[State, list[str]]] = {}
    for row in rows:
        states = found.setdefault(row.setting, {state: [] for state in State})
        states[row.state].append(row.host or row.tenant)
    return found
