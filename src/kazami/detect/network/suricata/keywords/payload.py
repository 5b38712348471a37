"""content and its modifiers, isdataat, bsize, dsize, pcre, and the byte keywords."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kazami.detect.network.suricata import bytesteps, number, pcre
from kazami.detect.network.suricata.buffers import MODIFIERS
from kazami.detect.network.suricata.builder import PAYLOAD, Builder
from kazami.detect.network.suricata.fault import RuleError, UnsupportedError
from kazami.detect.network.suricata.packet import Packet
from kazami.detect.network.suricata.steps import Content, DataAt, Number, Size, changed

Handler = Callable[[Builder, str], None]

#: Bytes of one content (Suricata's own limit).
LONGEST = 255

_SNORT = re.compile(r'"(?:[^"\\]|\\.)+"\s*,[^"]*')
_HEX = re.compile(r"[0-9a-fA-F]{2}")


def pattern(text: str) -> bytes:
    r"""The bytes of a content: text, hexadecimal between bars, ``\"``, ``\;``, ``\:`` and ``\\``.

    Raises:
        RuleError: It is none.
    """
    made = bytearray()
    at = 0
    while at < len(text):
        letter = text[at]
        if letter == "|":
            end = text.find("|", at + 1)
            digits = "".join(text[at + 1 : end].split())
            if (
                end < 0
                or len(digits) % 2
                or any(not _HEX.match(digits[i : i + 2]) for i in range(0, len(digits), 2))
            ):
                raise RuleError(f"hexadecimal that is none in {text[:60]!r}")
            made += bytes.fromhex(digits)
            at = end + 1
            continue
        if letter == "\\" and at + 1 < len(text):
            at += 1
            letter = text[at]
        made += letter.encode("utf-8", "surrogateescape")
        at += 1
    if not made or len(made) > LONGEST:
        raise RuleError(f"a content of {len(made)} bytes")
    return bytes(made)


def content_text(value: str) -> tuple[bool, bytes]:
    """Whether a content is negated, and its bytes."""
    value = value.strip()
    negated = value.startswith("!")
    value = value[1:].strip() if negated else value
    if _SNORT.fullmatch(value):
        raise UnsupportedError("content", "what stands behind a comma is the language of Snort 3")
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        raise RuleError("a content that is not in quotes")
    return negated, pattern(value[1:-1])


def _content(builder: Builder, value: str) -> None:
    negated, found = content_text(value)
    builder.add(Content(found, negated=negated))


def _uricontent(builder: Builder, value: str) -> None:
    _content(builder, value)
    builder.move("http.uri")


def _nocase(builder: Builder, value: str) -> None:
    old = builder.content()
    builder.change(changed(old, nocase=True, pattern=old.pattern.lower()))


def _place(name: str) -> Handler:
    def set_place(builder: Builder, value: str) -> None:
        old, given = builder.content(), number.variable(value)
        if isinstance(given, str) and given not in builder.variables:
            raise RuleError(f"{name}: the variable {given} is not set before it")
        if name in ("depth", "within") and isinstance(given, int) and given < len(old.pattern):
            raise RuleError(f"{name} is less than the content")
        made = changed(old, **{name: given})
        if name == "depth" and isinstance(given, int) and isinstance(old.offset, int):
            made = changed(made, depth=given + old.offset)
        if name == "offset" and isinstance(given, int) and isinstance(old.depth, int):
            made = changed(made, depth=old.depth + given)
        builder.change(made)

    return set_place


def _starts(builder: Builder, value: str) -> None:
    old = builder.content()
    if old.offset or old.depth is not None or old.relative:
        raise RuleError("startswith beside another place")
    builder.change(changed(old, starts=True))


def _ends(builder: Builder, value: str) -> None:
    builder.change(changed(builder.content(), ends=True))


def _fast(builder: Builder, value: str) -> None:
    builder.change(changed(builder.content(), fast=True, fast_only=value.strip() == "only"))


def _rawbytes(builder: Builder, value: str) -> None:
    builder.content()


def _move(name: str) -> Handler:
    def to(builder: Builder, value: str) -> None:
        builder.move(name)

    return to


def _isdataat(builder: Builder, value: str) -> None:
    place, *rest = (part.strip() for part in value.split(","))
    if unknown := [word for word in rest if word not in ("relative", "rawbytes")]:
        raise RuleError(f"isdataat: {unknown[0]!r}")
    relative, negated = "relative" in rest, place.startswith("!")
    given = number.variable(place.lstrip("!").strip())
    builder.add(DataAt(given, relative, negated), relative)


def _bsize(builder: Builder, value: str) -> None:
    if builder.chosen is None:
        raise RuleError("bsize without a sticky buffer before it")
    found = _VARIABLE.fullmatch(value.strip())
    if found is not None and found[2] in builder.variables:
        builder.add(Size(replace(number.comparison((found[1] or "") + "0"), first=found[2])))
        return
    builder.add(Size(number.comparison(value)))


_VARIABLE = re.compile(r"(<=|>=|<|>|!)?\s*([A-Za-z_][\w.-]*)")


def _dsize(builder: Builder, value: str) -> None:
    test = number.comparison(value)
    least = 1 if test.sign == "!" else 0  # Suricata: what is of another size is there at all

    def holds(packet: Packet) -> bool:
        size = packet.stop - packet.start
        return size >= least and test.holds(size)

    builder.tests.append(holds)
    builder.settled += 1
    builder.rule.needs_packet = True


def _urilen(builder: Builder, value: str) -> None:
    length, _, form = value.partition(",")
    name = "http.uri.raw" if form.strip() == "raw" else "http.uri"
    if form.strip() not in ("", "norm", "raw"):
        raise RuleError(f"urilen: {form!r}")
    builder.draft(name).steps.append(Size(number.comparison(length)))


def _pcre(builder: Builder, value: str) -> None:
    found = pcre.expression(value)
    pcre.compiled(found.pattern, found.flags)
    step = pcre.Pcre(found.pattern, found.flags, found.relative, found.negated)
    if found.buffer is not None and found.buffer != PAYLOAD:
        where = builder.draft(found.buffer)
        where.steps.append(step)
        builder.last = where
    else:
        builder.add(step, found.relative)


# The byte keywords: each value is a list between commas, some of it named.


def _field(
    words: list[str], size: str, offset: str, builder: Builder, keyword: str, base: int = 10
) -> bytesteps.Where:
    made = bytesteps.Where(_number(size, builder), _number(offset, builder))
    text = False
    for word in words:
        name, _, value = word.replace("=", " ").partition(" ")
        name, value = name.strip().lower(), value.strip()
        if name in _BASES or name == "string":
            base = _BASES.get(value or name, base)
            text = text or name == "string"
        elif name == "dce":
            raise UnsupportedError(keyword, "dce: the byte order of a DCE/RPC message")
        elif name in _PARTS:
            made = replace(made, **_PARTS[name](value))
        elif name:
            raise RuleError(f"{keyword}: {word[:40]!r}")
    if not text and isinstance(made.size, int) and made.size > 8:
        raise RuleError(f"{keyword}: {made.size} bytes")
    return replace(made, base=base if text else 0)


_BASES = {"hex": 16, "dec": 10, "oct": 8}
_PARTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "relative": lambda value: {"relative": True},
    "little": lambda value: {"little": True},
    "big": lambda value: {"little": False},
    "endian": lambda value: {"little": value == "little"},
    "bitmask": lambda value: {"mask": number.integer(value if value[:2].lower() == "0x" else f"0x{value}")},
    "align": lambda value: {"align": number.integer(value) if value else 4},
    "multiplier": lambda value: {"multiplier": number.integer(value)},
}


def _number(text: str, builder: Builder) -> Number:
    found = number.variable(text)
    if isinstance(found, str) and found not in builder.variables:
        raise RuleError(f"the variable {found} is not set before it")
    return found


def _words(value: str, least: int, keyword: str) -> list[str]:
    words = [word.strip() for word in value.split(",")]
    if len(words) < least:
        raise RuleError(f"{keyword} with too few words")
    return words


def _byte_test(builder: Builder, value: str) -> None:
    size, sign, wanted, offset, *rest = _words(value, 4, "byte_test")
    negated = sign.startswith("!")
    sign = sign.lstrip("!").strip() or "="
    if sign not in ("=", "<", ">", "<=", ">=", "&", "^"):
        raise RuleError(f"byte_test: {sign!r}")
    field = _field(rest, size, offset, builder, "byte_test", bytesteps.AUTOMATIC)
    builder.add(bytesteps.ByteTest(field, sign, _number(wanted, builder), negated), field.relative)


def _byte_jump(builder: Builder, value: str) -> None:
    size, offset, *rest = _words(value, 2, "byte_jump")
    own = {"from_beginning", "from_end", "post_offset"}
    posts = [word.split(None, 1)[1] for word in rest if word.startswith("post_offset") and " " in word]
    field = _field(
        [w for w in rest if w.split(" ")[0] not in own],
        size,
        offset,
        builder,
        "byte_jump",
        bytesteps.AUTOMATIC,
    )
    step = bytesteps.ByteJump(
        field, "from_beginning" in rest, "from_end" in rest, _number(posts[0], builder) if posts else 0
    )
    builder.add(step, field.relative)


def _byte_extract(builder: Builder, value: str) -> None:
    size, offset, name, *rest = _words(value, 3, "byte_extract")
    field = _field(rest, size, offset, builder, "byte_extract")
    builder.add(bytesteps.ByteExtract(field, name), field.relative)
    builder.variables.add(name)


def _byte_math(builder: Builder, value: str) -> None:
    named: dict[str, str] = {}
    rest: list[str] = []
    for word in _words(value, 5, "byte_math"):
        name, _, given = word.partition(" ")
        if name in ("bytes", "offset", "oper", "rvalue", "result"):
            named[name] = given.strip()
        else:
            rest.append(word)
    if {"bytes", "offset", "oper", "rvalue", "result"} - named.keys():
        raise RuleError("byte_math without all of bytes, offset, oper, rvalue, result")
    if named["oper"] not in ("+", "-", "*", "/", "<<", ">>"):
        raise RuleError(f"byte_math: {named['oper']!r}")
    field = _field(rest, named["bytes"], named["offset"], builder, "byte_math")
    step = bytesteps.ByteMath(field, named["oper"], _number(named["rvalue"], builder), named["result"])
    builder.add(step, field.relative)
    builder.variables.add(named["result"])


def _base64_decode(builder: Builder, value: str) -> None:
    count: Number = 0
    offset: Number = 0
    relative = False
    for word in (part.strip() for part in value.split(",")):
        name, _, given = word.partition(" ")
        if name == "bytes":
            count = _number(given, builder)
        elif name == "offset":
            offset = _number(given, builder)
        elif name == "relative":
            relative = True
        elif name:
            raise RuleError(f"base64_decode: {word[:40]!r}")
    builder.add(bytesteps.Base64(offset, count, relative, []), relative)


def _base64_data(builder: Builder, value: str) -> None:
    steps = builder.last.steps if builder.last is not None else []
    found = next((step for step in reversed(steps) if isinstance(step, bytesteps.Base64)), None)
    if found is None:
        raise RuleError("base64_data without a base64_decode before it")
    builder.inside(found.inner)


def _pkt_data(builder: Builder, value: str) -> None:
    builder.select(PAYLOAD)


KEYWORDS: dict[str, Handler] = {
    "content": _content, "uricontent": _uricontent, "nocase": _nocase, "offset": _place("offset"), "depth": _place("depth"),
    "distance": _place("distance"), "within": _place("within"), "startswith": _starts, "endswith": _ends, "fast_pattern": _fast,
    "rawbytes": _rawbytes, "isdataat": _isdataat, "bsize": _bsize, "dsize": _dsize, "urilen": _urilen, "pcre": _pcre,
    "byte_test": _byte_test, "byte_jump": _byte_jump, "byte_extract": _byte_extract, "byte_math": _byte_math,
    "base64_decode": _base64_decode, "base64_data": _base64_data, "pkt_data": _pkt_data,
    **{name: _move(buffer) for name, buffer in MODIFIERS.items()},
}  # fmt: skip
