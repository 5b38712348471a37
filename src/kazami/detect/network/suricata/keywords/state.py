"""Keywords about a flow and what is remembered: flow, flowbits, flowint, xbits, thresholds, stream_size."""

from __future__ import annotations

from kazami.detect.network.suricata import number
from kazami.detect.network.suricata.builder import Builder
from kazami.detect.network.suricata.fault import RuleError, UnsupportedError
from kazami.detect.network.suricata.keywords.payload import Handler
from kazami.detect.network.suricata.packet import TCP, Packet
from kazami.detect.network.suricata.protocol import APPLICATIONS
from kazami.detect.network.suricata.rule import BitTest, CountTest, Limit
from kazami.detect.network.suricata.steps import Test

#: How long a bit of a host lasts.
HOST_SECONDS = 300

_COMMANDS = ("set", "isset", "toggle", "unset", "isnotset", "noalert")


def _flow(builder: Builder, value: str) -> None:
    rule = builder.rule
    rule.flowing = True
    for word in (part.strip().lower() for part in value.split(",")):
        if word in ("to_server", "from_client"):
            rule.side = 0
        elif word in ("to_client", "from_server"):
            rule.side = 1
        elif word == "established":
            rule.established = True
        elif word == "not_established":
            rule.established = False
        elif word == "only_stream":
            rule.only_stream = True
        elif word == "no_stream":
            rule.no_stream = True
        elif word == "no_frag":
            builder.tests.append(lambda packet: packet.ip >= 0)
        elif word == "only_frag":
            builder.tests.append(lambda packet: packet.ip < 0)
        elif word not in ("stateless", ""):
            raise RuleError(f"flow: {word[:40]!r}")


def _flowbits(builder: Builder, value: str) -> None:
    command, _, names = value.partition(",")
    command = command.strip().lower()
    if command == "noalert":
        builder.rule.quiet = True
        return
    found = tuple(name.strip() for name in names.split("|") if name.strip())
    if command not in _COMMANDS or not found or any(len(name.split()) > 1 for name in found):
        raise RuleError(f"flowbits: {value[:60]!r}")
    builder.rule.bits += (BitTest(command, found),)


_TRACKS = {"ip_src": "source", "ip_dst": "target", "ip_pair": "pair", "tx": "tx"}


def _xbits(builder: Builder, value: str) -> None:
    words = [word.strip() for word in value.split(",")]
    command = words[0].lower()
    if command == "noalert":
        builder.rule.quiet = True
        return
    if command not in _COMMANDS or len(words) < 3:
        raise RuleError(f"xbits: {value[:60]!r}")
    track = words[2].split()[-1].lower()
    seconds = next((number.integer(word.split()[-1]) for word in words[3:] if word.startswith("expire")), 30)
    if track not in _TRACKS or track == "tx":
        raise UnsupportedError("xbits", f"track {track}")
    builder.rule.bits += (BitTest(command, (words[1],), _TRACKS[track], seconds),)


def _hostbits(builder: Builder, value: str) -> None:
    command, *rest = (word.strip() for word in value.split(","))
    if command == "noalert" and not rest:
        builder.rule.quiet = True
        return
    name, where, seconds, *_ = [*rest, *("", "src", str(HOST_SECONDS))[len(rest) :]]
    if command not in _COMMANDS or not name or where not in ("src", "dst"):
        raise RuleError(f"hostbits: {value[:60]!r}")
    scope = "source" if where == "src" else "target"
    builder.rule.bits += (BitTest(command, (name,), scope, number.integer(seconds)),)


def _flowint(builder: Builder, value: str) -> None:
    words = [word.strip() for word in value.split(",")]
    if len(words) == 2 and words[1].lower() in ("isset", "isnotset", "notset"):
        builder.rule.counts += (CountTest(words[0], words[1].lower()),)
        return
    if len(words) != 3 or words[1] not in ("+", "-", "=", ">", "<", ">=", "<=", "==", "!="):
        raise RuleError(f"flowint: {value[:60]!r}")
    builder.rule.counts += (CountTest(words[0], words[1], number.variable(words[2])),)


def _limit(builder: Builder, value: str) -> None:
    named = _named(value)
    kind = named.get("type", "").lower()
    if kind not in ("limit", "threshold", "both", "backoff"):
        raise RuleError(f"threshold: type {kind!r}")
    builder.rule.limit = Limit(
        kind, _track(named), number.integer(named.get("count", "1")), number.integer(named.get("seconds", "0")),
        number.integer(named.get("multiplier", "1")),
    )  # fmt: skip


def _filter(builder: Builder, value: str) -> None:
    named = _named(value)
    unique = named.get("unique_on", "")
    if unique not in ("", "src_port", "dst_port"):
        raise UnsupportedError("detection_filter", f"unique_on {unique}")
    builder.rule.limit = Limit(
        "filter", _track(named), number.integer(named.get("count", "1")), number.integer(named.get("seconds", "0")),
        unique=unique,
    )  # fmt: skip


def _named(value: str) -> dict[str, str]:
    words = (part.strip().split(None, 1) for part in value.split(","))
    return {word[0].lower(): word[1].strip() for word in words if len(word) == 2}


def _track(named: dict[str, str]) -> str:
    track = named.get("track", "").lower()
    if track not in ("by_src", "by_dst", "by_both", "by_rule", "by_flow"):
        raise RuleError(f"track {track!r}")
    return track


def _stream_size(builder: Builder, value: str) -> None:
    words = [word.strip() for word in value.split(",")]
    if len(words) != 3 or words[0] not in ("server", "client", "both", "either"):
        raise RuleError(f"stream_size: {value[:60]!r}")
    who, sign, size = words[0], words[1], number.integer(words[2])
    if sign not in ("=", "!=", "<", "<=", ">", ">="):
        raise RuleError(f"stream_size: {sign!r}")
    test = Test("!" if sign == "!=" else sign, size)

    def holds(packet: Packet) -> bool:
        if packet.protocol != TCP:
            return False
        client, server = (test.holds(half.extent()) for half in packet.session.halves)
        return {"client": client, "server": server, "both": client and server, "either": client or server}[
            who
        ]

    builder.tests.append(holds)
    builder.rule.needs_packet = True


def _age(builder: Builder, value: str) -> None:
    test = number.comparison(value)
    builder.tests.append(lambda packet: test.holds((packet.time - packet.session.first) // 1_000_000))
    builder.rule.needs_packet = True


_WAYS = {"toclient": (1,), "toserver": (0,), "both": (0, 1), "either": (0, 1)}


def _counter(place: int) -> Handler:
    def handle(builder: Builder, value: str) -> None:
        first, _, rest = value.partition(",")
        word = first.strip().lower()
        if place < 0 and word not in _WAYS:
            raise RuleError(f"flow.pkts: {value[:40]!r}")
        sides = _WAYS[word] if place < 0 else (place,)
        test = number.comparison(rest if place < 0 else value)
        ask = any if word == "either" else all

        def holds(packet: Packet) -> bool:
            return ask(test.holds(packet.session.packets[side]) for side in sides)

        builder.tests.append(holds)
        builder.rule.needs_packet = True

    return handle


def _application(builder: Builder, value: str) -> None:
    name, _, mode = value.partition(",")
    name = name.strip().strip('"').lower()
    negated = name.startswith("!")
    name = name.lstrip("!")
    if mode.strip() not in ("", "either"):
        raise UnsupportedError("app-layer-protocol", mode.strip())
    if name == "failed" or name not in APPLICATIONS:
        raise UnsupportedError("app-layer-protocol", f"{name[:40]} is not told apart")
    builder.rule.application += ((APPLICATIONS[name][0], negated),)


def _noalert(builder: Builder, value: str) -> None:
    builder.rule.quiet = True


def _alert(builder: Builder, value: str) -> None:
    builder.rule.told = True


KEYWORDS: dict[str, Handler] = {
    "flow": _flow, "flowbits": _flowbits, "xbits": _xbits, "hostbits": _hostbits, "flowint": _flowint, "threshold": _limit, "detection_filter": _filter,
    "stream_size": _stream_size, "flow.age": _age, "app-layer-protocol": _application, "noalert": _noalert, "alert": _alert,
    "flow.pkts": _counter(-1), "flow.pkts_toserver": _counter(0), "flow.pkts_toclient": _counter(1),
}  # fmt: skip
