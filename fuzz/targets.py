"""What is fuzzed: functions of some bytes that raise where a promise is broken."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from kazami.archive.budget import Limits
from kazami.detect.content.recursion import look, run
from kazami.detect.content.script import RUNS, decoded
from kazami.detect.content.script.record import Meter
from kazami.detect.content.verdict import judge
from kazami.detect.network.rat import Conversation, recognize
from kazami.detect.network.suricata import compile as compiling
from kazami.detect.network.suricata.inspector import Inspector
from kazami.detect.network.suricata.session import Session
from kazami.detect.network.suricata.words import info
from kazami.detect.sigma.expression import from_json, to_json
from kazami.detect.sigma.load import load
from kazami.model.content import GAPS, Artifact, Gap, Looked, Scope
from kazami.model.content import Limits as ContentLimits
from kazami.model.event import REJECTS, Route
from kazami.model.evidence import Evidence
from kazami.pipeline.inspect import analyzers, meanings
from kazami.plugins import SOURCES, Extension, discover
from kazami.sources import walk
from kazami.sources.network.capture.application import talk

Target = Callable[[bytes], None]

_CONTENT = ContentLimits(
    file=8 << 20, total=16 << 20, children=100, depth=4, seconds=20.0, submission_seconds=60.0
)
_LIMITS = Limits(depth=4, members=100, unpacked=8 << 20, in_memory=1 << 16)


def source(reader: Any, data: bytes) -> None:
    """Any bytes: a confidence between 0 and 1, valid batches of known routes, reasons for what is rejected."""
    if not 0.0 <= reader.confidence("evidence", data[:65536]) <= 1.0:
        raise AssertionError("a confidence that is none")
    uid = hashlib.sha256(data).hexdigest()[:16]
    for batch in reader.read(Evidence("evidence", uid, "tenant", len(data), lambda: io.BytesIO(data))):
        batch.validate(full=True)
        if Route.of(batch) == REJECTS and not all(batch.column("reason").to_pylist()):
            raise AssertionError("a reject without a reason")


def containers(data: bytes) -> None:
    """Any file: evidence whose content is as long and hashes as it says, or rows of rejects."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(data)
        for found in walk.find([path], tenant="tenant", limits=_LIMITS):
            if isinstance(found, Evidence):
                with found.open() as stream:
                    content = stream.read()
                if len(content) != found.size or hashlib.sha256(content).hexdigest()[:16] != found.uid:
                    raise AssertionError("evidence that is not what it says")
            elif not found["reason"]:
                raise AssertionError("a reject without a reason")


def rules(data: bytes) -> None:
    """Any rule file: each rule loaded, or rejected with a reason; what is loaded survives being kept as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rule.yml")
        path.write_bytes(data)
        found = load([path])
    if not all(rejected.reason for rejected in found.rejected):
        raise AssertionError("a rule rejected without a reason")
    for rule in found.rules:
        if from_json(to_json(rule.condition)) != rule.condition:
            raise AssertionError("a condition that JSON does not keep")


def wire_rules(data: bytes) -> None:
    """Any text as rules of Suricata's language: each runs or is named with a reason; what runs looks at a conversation and ends."""
    loaded = compiling.loads(data.decode("utf-8", "surrogateescape"))
    if not all(left.reason or left.keyword for left in loaded.left):
        raise AssertionError("a rule left out without a reason")
    for said in (*loaded.left, *map(info, loaded.running)):
        orjson.dumps(said, default=str)  # what is no text could not be shown
    session = Session(Inspector(loaded.running), 6, (b"\x0a\0\0\1", b"\x0a\0\0\2"), (40000, 80), 0)
    request = b"GET /a?b=%41 HTTP/1.1\r\nHost: x.example\r\n\r\n"
    for number, (side, text) in enumerate(
        ((0, request), (1, b"HTTP/1.1 200 OK\r\n\r\nabc"), (0, data[:512])), 1
    ):
        segment = bytes(4) + bytes(8) + b"\x50\x10" + bytes(6) + text
        session.take(number, number, side, segment, -1, 0, len(segment))
    session.finish()
    if any(alert.offset < 0 or not 1 <= alert.number <= 3 for alert in session.alerts):
        raise AssertionError("proof at a place that is none")


def rat(data: bytes) -> None:
    """Any first bytes of both directions, on TCP and UDP: proofs of known families at places that exist."""
    half = len(data) // 2
    for protocol, (client, server) in (
        ("tcp", (data, b"")),
        ("udp", (data, b"")),
        ("tcp", (data[:half], data[half:])),
    ):
        for proof in recognize(Conversation(client, server, protocol)):
            if not 0 <= proof.offset < len(client if proof.side == "client" else server):
                raise AssertionError("a proof at a place that is none")


def spoken(data: bytes) -> None:
    """Any first bytes of both directions, two bytes before them saying where the second begins: records of known logs, at places that exist."""
    at = 2 + int.from_bytes(data[:2])
    client, server = data[2:at], data[at:]
    for _, records in (
        talk.stream(talk.Talk(client, server, 445)),
        talk.datagrams(talk.Talk(client, server, 443, ([len(client)], [len(server)]))),
    ):
        for path, fields in records:
            if not path or not 0 <= fields.get("#at", 0) <= len(client):
                raise AssertionError("a record at a place that is none")
            orjson.dumps(fields, default=str)


def analyzer(found: Extension, data: bytes) -> None:
    """Any bytes under any name: an analysis whose features have a meaning; whatever is raised has become a gap, with a reason."""
    if not 0.0 <= found.object.confidence(data[:65536], "name") <= 1.0:
        raise AssertionError("a confidence that is none")
    analysis = run(found, data, Scope(_CONTENT, name="name"))
    if unknown := {feature.name for feature in analysis.features} - found.object.MEANINGS.keys():
        raise AssertionError(f"features without a meaning: {unknown}")
    if not all(gap.reason and gap.kind in GAPS for gap in analysis.gaps):
        raise AssertionError("a gap without a reason")


def submission(data: bytes) -> None:
    """Any file with all that comes out of it: a verdict; what was not looked at is never clean."""
    told = list(look(Artifact(data, ("name",)), analyzers(), Scope(_CONTENT)))
    looked = [one for one in told if isinstance(one, Looked)]
    gaps = [one for one in told if isinstance(one, Gap)]
    verdict = judge(looked, meanings(), gaps)
    if not looked or (verdict.gaps and verdict.word in ("clean", "informational")):
        raise AssertionError("clean, and not all of it was looked at")


def scripts(data: bytes) -> None:
    """Any text in any of the languages that are calculated: a record, within its steps; nothing is raised, not even as a gap."""
    if not data:
        return
    languages = sorted(RUNS)
    record = RUNS[languages[data[0] % len(languages)]](decoded(data[1:]), Meter(seconds=5.0))
    if record.gap and not record.stopped:
        raise AssertionError("ended without a reason")
    if not all(layer.data and layer.how for layer in record.layers):
        raise AssertionError("a layer that nothing made")


TARGETS: dict[str, Target] = {
    **{found.name: partial(source, found.object) for found in discover(SOURCES) if found.object is not None},
    **{
        f"content-{found.name}": partial(analyzer, found) for found in analyzers() if found.object is not None
    },
    "submission": submission,
    "scripts": scripts,
    "containers": containers,
    "rules": rules,
    "wire_rules": wire_rules,
    "rat": rat,
    "spoken": spoken,
}
