"""How the first session of an incident was opened, told: what answers "how did it get in" where no finding does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from kazami.correlate import words
from kazami.correlate.entity import address
from kazami.model.incident import Incident, Text, Way


def begun(one: Incident, way: Way) -> Incident:
    """The incident with its way in: in how it began, among its addresses, and no longer asked for."""
    source = Text("", "")
    if address(way.address):
        named = (
            words.fill(words.WAY_MACHINE, address=way.address, machine=way.machine)
            if way.machine
            else way.address
        )
        source = words.fill(words.WAY_FROM, address=named)
    kind = words.LOGONS.get(way.kind, words.LOGONS[""])
    said = [
        one.entry,
        words.fill(words.WAY, account=way.account, kind=kind, time=_when(way.time), source=source),
    ]
    if way.outside:
        given = _when(way.given) if way.given else "?"
        said.append(
            words.fill(words.WAY_VPN, caller=way.caller, gateway=way.gateway, time=given, outside=way.outside)
        )
    new = [each for each in map(address, (way.address, way.outside)) if each and each not in one.addresses]
    answered = [words.QUESTIONS["address"]] if new else []
    answered += [words.QUESTIONS["entry"]] if way.outside else []
    hunts = one.hunts
    if new and not one.addresses:
        hunts = (*hunts, words.fill(words.HUNTS["address"], addresses=words.several(new)))
    return replace(
        one,
        entry=Text(" ".join(text.en for text in said), "".join(text.ja for text in said)),
        addresses=(*one.addresses, *new),
        questions=tuple(text for text in one.questions if text not in answered),
        hunts=hunts,
    )


def _when(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC")
