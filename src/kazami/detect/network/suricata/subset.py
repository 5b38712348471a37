"""The subset as a table: every keyword that is evaluated, by family, and what is taken without effect."""

from __future__ import annotations

from collections.abc import Iterator

from kazami.detect.network.suricata.buffers import ALIASES, BUFFERS, LETTERS, MODIFIERS
from kazami.detect.network.suricata.compile import FAMILIES
from kazami.detect.network.suricata.keywords.meta import IGNORED
from kazami.detect.network.suricata.protocol import APPLICATIONS, TRANSPORTS

_TITLES = {
    "rule": "about the rule", "payload": "payload", "packet": "headers of packets", "state": "flows and memory",
    "application": "application protocols: numbers and words",
}  # fmt: skip


def rows() -> Iterator[tuple[str, str]]:
    """What it is, and its words."""
    yield "protocols", _listed([*TRANSPORTS, "tcp-pkt", "tcp-stream", *APPLICATIONS])
    for family, title in _TITLES.items():
        names = [name for name in FAMILIES[family] if name not in MODIFIERS and name not in IGNORED]
        yield title, _listed(names)
    yield "sticky buffers", _listed(list(BUFFERS))
    yield "other names of them", _listed(list(ALIASES))
    yield "old modifiers of content", _listed(list(MODIFIERS))
    transforms = [name for name in FAMILIES["buffer"] if name not in BUFFERS and name not in ALIASES]
    yield "transforms, and absence", _listed(transforms)
    yield "letters of pcre", _listed([*"ismxAEGR", *LETTERS])
    yield "taken without effect", "; ".join(f"`{name}` ({why})" for name, why in sorted(IGNORED.items()))


def _listed(names: list[str]) -> str:
    return " ".join(f"`{name}`" for name in sorted(names))


def table() -> str:
    """All of it in Markdown."""
    return "\n".join(["| what | words |", "|---|---|", *(f"| {what} | {words} |" for what, words in rows())])
