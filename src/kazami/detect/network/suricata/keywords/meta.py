"""Keywords that say something about the rule, and those that are taken without effect, with a notice."""

from __future__ import annotations

import operator
import re

from kazami.detect.network.suricata import number
from kazami.detect.network.suricata.builder import Builder
from kazami.detect.network.suricata.fault import RuleError, UnsupportedError
from kazami.detect.network.suricata.keywords.payload import Handler
from kazami.detect.network.suricata.parse import unquoted

#: The version of Suricata whose language is evaluated, for rules that ask for one.
VERSION = (9, 0, 99)
_BOUND = r"(>=|>|<=|<)\s*(\d{1,3}(?:\.\d{1,3}){0,2})"
_COMPARE = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}
_FEATURES = ("ja3", "ja4")

#: Taken without effect: why that changes nothing in what is found.
IGNORED: dict[str, str] = {
    "filestore": "files are not stored by rules", **dict.fromkeys(("tls.store", "tls_store"), "certificates are not stored by rules"), "tag": "packets behind an alert are not kept",
    "bypass": "nothing is bypassed when a capture is read", "replace": "nothing is changed in a capture",
    "prefilter": "the prefilter chooses for itself", "logto": "findings go into the case",
}  # fmt: skip


def _number(name: str) -> Handler:
    def handle(builder: Builder, value: str) -> None:
        found = number.integer(value)
        if not 0 <= found < 1 << 32:
            raise RuleError(f"{name}: {value[:40]!r}")
        setattr(builder.rule, name, found)

    return handle


def _message(builder: Builder, value: str) -> None:
    if (value[:1] == '"') != (value[-1:] == '"') or value == '"':
        raise RuleError("a message whose quotes do not end")  # and what it swallowed is missing elsewhere
    builder.rule.message = unquoted(value)


def _classtype(builder: Builder, value: str) -> None:
    builder.rule.classtype = value.strip()


def _reference(builder: Builder, value: str) -> None:
    builder.rule.references += (value.strip(),)


def _metadata(builder: Builder, value: str) -> None:
    pairs = (part.strip().split(None, 1) for part in value.split(","))
    builder.rule.metadata += tuple(
        (pair[0].lower(), pair[1] if len(pair) > 1 else "") for pair in pairs if pair
    )


def _target(builder: Builder, value: str) -> None:
    builder.rule.target = value.strip()


def _requires(builder: Builder, value: str) -> None:
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, _, given = part.partition(" ")
        if name == "keyword":
            builder.wanted.append(given.strip())
        elif not (
            (name == "version" and any(_within(one) for one in given.split("|")))
            or (name == "feature" and given.strip() in _FEATURES)
        ):
            raise UnsupportedError("requires", part[:60])


def _within(bounds: str) -> bool:
    """Whether the version of the language that is evaluated here is within some bounds: ``>= 7.0.3 < 8``."""
    if not re.fullmatch(rf"(?:\s*{_BOUND})+\s*", bounds):
        raise RuleError(f"requires: version {bounds.strip()[:40]!r}")
    return all(
        _COMPARE[sign](VERSION, (*map(int, version.split(".")), 0, 0)[:3])
        for sign, version in re.findall(_BOUND, bounds)
    )


def _ignored(name: str) -> Handler:
    def handle(builder: Builder, value: str) -> None:
        builder.rule.notices += (f"{name}: {IGNORED[name]}",)

    return handle


KEYWORDS: dict[str, Handler] = {
    "msg": _message, "sid": _number("sid"), "gid": _number("gid"), "rev": _number("rev"), "priority": _number("priority"),
    "classtype": _classtype, "reference": _reference, "metadata": _metadata, "target": _target, "requires": _requires,
    **{name: _ignored(name) for name in IGNORED},
}  # fmt: skip
