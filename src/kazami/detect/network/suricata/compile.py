"""From rules as written to rules that run, and what became of each of them."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kazami.detect.network.suricata import parse
from kazami.detect.network.suricata.buffers import BUFFERS
from kazami.detect.network.suricata.builder import PAYLOAD, Builder
from kazami.detect.network.suricata.fault import RuleError, UnsupportedError
from kazami.detect.network.suricata.header import VARIABLES, header
from kazami.detect.network.suricata.keywords import application, buffer, meta, packet, payload, state
from kazami.detect.network.suricata.keywords.payload import Handler
from kazami.detect.network.suricata.rule import Inspection, Rule
from kazami.detect.network.suricata.steps import Content

#: Every keyword that is evaluated (or taken without effect), by family.
FAMILIES: dict[str, dict[str, Handler]] = {
    "rule": meta.KEYWORDS, "payload": payload.KEYWORDS, "buffer": buffer.KEYWORDS, "packet": packet.KEYWORDS,
    "state": state.KEYWORDS, "application": application.KEYWORDS,
}  # fmt: skip
KEYWORDS: dict[str, Handler] = {
    name: handle for family in FAMILIES.values() for name, handle in family.items()
}

#: Bytes of one file of rules.
MAX_FILE = 256 << 20

_ACTIONS = {"pass": 0, "drop": 1, "reject": 2, "rejectsrc": 2, "rejectdst": 2, "rejectboth": 2, "alert": 3}
_FOR_FILES = ("http", "smtp", "smb", "ftp-data")


@dataclass(frozen=True, slots=True)
class Left:
    """A rule that does not run: where, why; `keyword` is what is missing here, "" where the rule itself is wrong."""

    path: str
    line: int
    sid: int
    message: str
    keyword: str
    reason: str


@dataclass(slots=True)
class Rules:
    """Rules that run, and those that do not."""

    running: list[Rule] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    @property
    def missing(self) -> Counter[str]:
        """How many rules each keyword leaves out."""
        return Counter(one.keyword for one in self.left if one.keyword)

    @property
    def share(self) -> float:
        """The part that runs; 1.0 where there are no rules."""
        total = len(self.running) + len(self.left)
        return len(self.running) / total if total else 1.0


def load(paths: Iterable[Path], variables: Mapping[str, str] = VARIABLES) -> Rules:
    """All rules of these files; a file that cannot be read is named like a rule that does not run."""
    made = Rules()
    for path in paths:
        try:
            if path.stat().st_size > MAX_FILE:
                made.left.append(Left(str(path), 0, 0, "", "", f"larger than {MAX_FILE >> 20} MB"))
                continue
            text = _decoded(path.read_bytes())
        except OSError as error:
            made.left.append(Left(str(path), 0, 0, "", "", f"cannot be read: {error.strerror}"))
            continue
        add(made, text, str(path), variables)
    finish(made)
    return made


def _decoded(data: bytes) -> str:
    """The text of a file of rules, as editors of all systems write it; bytes of other encodings stay as they are."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16", "replace") if wide else data.decode("utf-8-sig", "surrogateescape")


def loads(text: str, path: str = "", variables: Mapping[str, str] = VARIABLES) -> Rules:
    """The rules of a text."""
    made = Rules()
    add(made, text, path, variables)
    finish(made)
    return made


def add(made: Rules, text: str, path: str, variables: Mapping[str, str]) -> None:
    """Add the rules of a text to `made`."""
    for one in parse.rules(text):
        if isinstance(one, tuple):
            made.left.append(Left(path, one[0], 0, legible(one[2]), "", legible(one[1])))
            continue
        try:
            made.running.append(compiled(one, path, variables))
        except UnsupportedError as error:
            keyword, reason = legible(error.keyword), legible(error.reason)
            made.left.append(Left(path, one.line, _sid(one), legible(one.first("msg")), keyword, reason))
        except RuleError as error:
            made.left.append(
                Left(path, one.line, _sid(one), legible(one.first("msg")), "", legible(str(error)))
            )


def legible(text: str) -> str:
    """What a rule says, for people: bytes that are no UTF-8 as the letters of Latin-1, as older rules have them."""
    if text.isascii():
        return text
    return "".join(chr(ord(one) - 0xDC00) if "\udc80" <= one <= "\udcff" else one for one in text)


def _sid(text: parse.Text) -> int:
    sid = text.first("sid")
    return int(sid) if sid.isdecimal() and len(sid) < 12 else 0


def finish(made: Rules) -> None:
    """Number the rules, drop older revisions of the same rule, and say in which order they are asked."""
    newest: dict[tuple[int, int], Rule] = {}
    for rule in made.running:
        known = newest.get((rule.gid, rule.sid))
        if known is None or rule.rev > known.rev or not rule.sid:
            newest[rule.gid, rule.sid] = rule
    kept = []
    for rule in made.running:
        if rule.sid and newest[rule.gid, rule.sid] is not rule:
            made.left.append(
                Left(rule.path, rule.line, rule.sid, rule.message, "", "the same sid stands elsewhere")
            )
        else:
            kept.append(rule)
    made.running = kept
    for index, rule in enumerate(kept):
        rule.index = index
        writes = any(bit.command in ("set", "toggle", "unset") for bit in rule.bits)
        bits = (0 if writes and not rule.checks_bits else 1 if writes else 2) if rule.bits else 3
        rule.order = (_ACTIONS[rule.action], bits, rule.priority if rule.priority is not None else 3, index)


def compiled(text: parse.Text, path: str, variables: Mapping[str, str]) -> Rule:
    """One rule.

    Raises:
        RuleError: It breaks the language.
        UnsupportedError: It asks for what is not in the subset.
    """
    if text.action == "config":
        raise UnsupportedError("config", "rules that configure Suricata")
    ends = (text.source, text.source_port, text.target, text.target_port)
    head = header(text.protocol, ends, text.direction, variables)
    rule = Rule(head, text.action, path=path, line=text.line, raw=text.raw)
    builder = Builder(rule, folder=str(Path(path).parent), protocol=text.protocol)
    for name, value in text.options:
        handle = KEYWORDS.get(name)
        if handle is None:
            raise UnsupportedError(name)
        handle(builder, value or "")
    if missing := [name for name in builder.wanted if name not in KEYWORDS]:
        raise UnsupportedError(missing[0])
    if not rule.sid:
        raise RuleError("has no sid")
    _settle(rule, builder)
    rule.message, rule.raw, rule.classtype = legible(rule.message), legible(rule.raw), legible(rule.classtype)
    rule.references = tuple(map(legible, rule.references))
    rule.metadata = tuple((legible(name), legible(value)) for name, value in rule.metadata)
    return rule


def _settle(rule: Rule, builder: Builder) -> None:
    found = builder.finished()
    rule.tests = tuple(builder.tests)
    rule.payload = tuple(one for one in found if one.buffer == PAYLOAD)
    rule.buffers = tuple(one for one in found if one.buffer != PAYLOAD)
    rule.beyond = len(rule.tests) > builder.settled or _of_packet(rule.buffers)
    rule.needs_packet |= rule.header.packet_only or rule.no_stream or _of_packet(rule.buffers)
    rule.placed = any(
        isinstance(step, Content)
        and (step.depth is not None or step.offset or step.starts)
        and not step.relative
        for one in rule.payload
        for step in one.steps
    )
    _agree(rule)


def _of_packet(buffers: tuple[Inspection, ...]) -> bool:
    return any(one.buffer in BUFFERS and not BUFFERS[one.buffer].application for one in buffers)


def _agree(rule: Rule) -> None:
    """Buffers belong to one protocol, that of the header, and to one direction."""
    wanted = {_application(one.buffer) for one in rule.buffers} - {"", "file"}
    head = rule.header.application
    if len(wanted) > 1 and not (wanted == {"smb", "dcerpc"}):
        raise RuleError(f"asks {' and '.join(sorted(wanted))} at once")
    for one in wanted:
        if head and head != one and not (head in ("smb", "dcerpc") and one in ("smb", "dcerpc")):
            raise RuleError(f"asks for {one}, but is about {head}")
    if any(_application(one.buffer) == "file" for one in rule.buffers) and head and head not in _FOR_FILES:
        raise UnsupportedError("file.data", f"files in {head}")
    sides = possible(rule)
    if not sides:
        raise RuleError("asks for both directions at once")


def _application(name: str) -> str:
    if name in BUFFERS:
        return BUFFERS[name].application
    return name.partition(".")[0]


def possible(rule: Rule) -> tuple[int, ...]:
    """The directions in which a rule can be true."""
    sides = {0, 1} if rule.side is None else {rule.side}
    for one in rule.buffers:
        if one.buffer in BUFFERS:
            sides &= set(BUFFERS[one.buffer].sides)
    return tuple(sorted(sides))


def reasons(made: Rules) -> Iterator[tuple[str, int]]:
    """Why rules do not run, and how many: keywords first, the most frequent ahead."""
    yield from made.missing.most_common()
    wrong = sum(1 for one in made.left if not one.keyword)
    if wrong:
        yield "the rule itself is wrong", wrong
