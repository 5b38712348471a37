"""Rules of Suricata's language over conversations that are made for them: ``tests/cases/suricata``, a file a family of keywords."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import capture_writer as made
from kazami.detect.network.suricata.alert import Alert
from kazami.detect.network.suricata.compile import loads
from kazami.detect.network.suricata.inspector import Inspector, Options
from kazami.detect.network.suricata.keywords.payload import pattern
from kazami.detect.network.suricata.prefilter import Finder, Unfiltered
from kazami.detect.network.suricata.session import Session

FOLDER = Path(__file__).parents[2] / "cases" / "suricata"
NEAR, FAR = bytes((10, 0, 0, 1)), bytes((192, 0, 2, 7))


def cases(named: bool = True) -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.yaml")):
        whole = yaml.safe_load(path.read_text("utf-8"))
        shared = {key: value for key, value in whole.items() if key not in ("about", "cases")}
        for number, case in enumerate(whole["cases"], 1):
            if ("rule" in case) == named:
                yield pytest.param(shared | case, id=f"{path.stem}-{number}")


def said(text: str) -> bytes:
    return pattern(text.replace("\\", "\\\\")) if 0 < len(text) < 200 else b"".join(_pieces(text))


def _pieces(text: str) -> Iterator[bytes]:
    for at, part in enumerate(text.split("|")):
        yield bytes.fromhex(part) if at % 2 else part.encode()


def packets(case: dict[str, Any]) -> tuple[int, int, list[bytes]]:
    """Protocol, port of the server, and the IP packets of a case."""
    client, server = said(case.get("client", "")), said(case.get("server", ""))
    transport, port = case.get("transport", "tcp"), case.get("port", 80)
    if transport == "dns":
        back = made.ip(made.udp(made.answer(), 53, 40000), 17, "192.0.2.7", "10.0.0.1")
        return 17, 53, [made.ip(made.udp(made.question()), 17), back]
    if transport == "udp":
        return 17, port, [made.ip(made.udp(client, target=port), 17)]
    if transport == "icmp":
        return 1, 0, [made.ip(struct.pack("!BBHHH", 8, 0, 0, 7, 1) + client, 1)]
    if transport == "tls":
        client, server, port = made.hello(), made.server_hello(), 443
    found = made.talk(client, server, port, case.get("size", 4096))
    opened = made.ip(made.tcp(b"", 100, made.ACK, target=port))
    return 6, port, [*found[:2], opened, *found[2:]]


def rules(case: dict[str, Any]) -> str:
    ends, protocol = case.get("ends", "any any -> any any"), case.get("protocol", "tcp")
    lines = []
    for number, body in enumerate((case["rule"], *case.get("more", ())), 1):
        action, body = ("pass", body.removeprefix("pass ")) if body.startswith("pass ") else ("alert", body)
        lines.append(f"{action} {protocol} {ends} ({body} sid:{number};)")
    return "\n".join(lines)


def alerts(text: str, case: dict[str, Any], finder: type[Finder] = Finder) -> list[Alert]:
    loaded = loads(text)
    assert not loaded.left, loaded.left
    protocol, port, frames = packets(case)
    inspector = Inspector(loaded.running, Options(midstream=False, one_sided=False), finder)
    session = Session(inspector, protocol, (NEAR, FAR), (40000, port), 0)
    for number, packet in enumerate(frames, 1):
        side = int(packet[12:16] != NEAR)
        session.take(number * 1000, number, side, packet, 0, 20, len(packet))
    session.finish()
    return session.alerts


@pytest.mark.parametrize("case", list(cases()))
def test_case(case: dict[str, Any]) -> None:
    found = alerts(rules(case), case)
    assert len(found) == case["expect"], [(one.rule.sid, one.number, one.buffer) for one in found]
    for alert in found:
        assert alert.number >= 1
        assert alert.source != alert.target


@pytest.mark.parametrize("case", list(cases()))
def test_nothing_that_is_true_is_left_out_by_the_prefilter(case: dict[str, Any]) -> None:
    one, other = (alerts(rules(case), case, finder) for finder in (Finder, Unfiltered))
    assert sorted((a.rule.sid, a.side, a.number) for a in one) == sorted(
        (a.rule.sid, a.side, a.number) for a in other
    )


@pytest.mark.parametrize("case", list(cases(named=False)))
def test_what_cannot_run_is_named(case: dict[str, Any]) -> None:
    loaded = loads(case["text"])
    assert not loaded.running
    (left,) = loaded.left
    assert left.keyword == case.get("keyword", "")
    assert case.get("reason", "") in left.reason


def test_proof_is_where_it_says() -> None:
    case = {"client": "hay |00|needle hay", "size": 4}
    (alert,) = alerts('alert tcp any any -> any any (content:"needle"; sid:1;)', case)
    assert (alert.buffer, alert.offset, alert.proof) == ("stream", 5, b"needle")
    assert alert.number == 5  # the packet that carried its first byte
