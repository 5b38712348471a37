"""Keywords that say something about the rule, and those that are taken without effect, with a notice."""

from __future__ import annotations

from kazami.detect.network.suricata import number
from kazami.detect.network.suricata.builder import Builder
from kazami.detect.network.suricata.fault import RuleError, UnsupportedError
from kazami.detect.network.suricata.keywords.payload import Handler
from kazami.detect.network.suricata.parse import unquoted

#: Taken without effect: why that changes nothing in what is found.
IGNORED: dict[str, str] = {
    "filestore": "files are not stored by rules", "tag": "packets behind an alert are not kept",
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
    for part in value.split(","):
        name, _, _given = part.strip().partition(" ")
        if name == "keyword":
            raise UnsupportedError("requires", part.strip()[:60])
        if name not in ("version", "feature", ""):
            raise UnsupportedError("requires", name[:40])


def _ignored(name: str) -> Handler:
    def handle(builder: Builder, value: str) -> None:
        builder.rule.notices += (f"{name}: {IGNORED[name]}",)

    return handle


KEYWORDS: dict[str, Handler] = {
    "msg": _message, "sid": _number("sid"), "gid": _number("gid"), "rev": _number("rev"), "priority": _number("priority"),
    "classtype": _classtype, "reference": _reference, "metadata": _metadata, "target": _target, "requires": _requires,
    **{name: _ignored(name) for name in IGNORED},
}  # fmt: skip
