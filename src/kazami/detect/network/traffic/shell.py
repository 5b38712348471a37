"""Shells in clear: a machine that hands its command line to who is at the other end of a connection.

T1059, T1095. Told by what shells say on their own: the banner of Windows, prompts, the complaint of a shell without a terminal; and by what some commands
answer (``id``, a listing of files, the file of accounts), where the other side typed something. Only connections whose protocol nobody knows are
judged: what Telnet, SMTP or HTTP say has a name. The side that opened the connection and speaks as a shell is a reverse shell; the other is a bound one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from kazami.detect.network.rat.proof import is_known_protocol
from kazami.detect.network.traffic.hit import Hit, ends
from kazami.detect.network.traffic.rows import HOUR, Numbers, Rows, bursts
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic
from kazami.detect.network.traffic.tunnel import decoded

ABOUT = "shells in clear"
NEEDS = ("flow",)

RULES = rules(
    "flow",
    {
        "shell-reverse": (
            "Shell Handed to the Machine That Was Called",
            "high",
            "A machine opened a connection and spoke on it as a shell does: whoever answered has its command line.",
            "execution command-and-control t1059 t1095",
            "Hardly any",
        ),
        "shell-bound": (
            "Shell in Clear Without a Protocol",
            "medium",
            "A machine that was called spoke as a shell does, at once and without any protocol.",
            "execution command-and-control t1059 t1095",
            "Consoles of devices over bare connections",
        ),
    },
)

#: What a shell says before anybody typed anything: at the very beginning.
_GREETS = re.compile(
    rb"\s*(?:Microsoft Windows \[[^\]\r\n]{1,40}\]\r?\n|Windows PowerShell\r?\n|PS [A-Z]:\\[^\r\n>]{0,200}>|[A-Z]:\\[^\r\n>]{0,200}>|"
    rb"(?:/bin/)?(?:ba|z|k|da|a)?sh: [^\r\n]{0,60}(?:job control|tty)|bash: cannot set terminal|(?:ba|z|k|da)?sh-\d[\d.]*[$#] |"
    rb"(?:\x1b[^\r\n]{0,80})?\[?[a-z_][\w-]{0,31}@[\w.-]{1,63}[: ][~/][^\r\n]{0,200}[$#] )"
)
#: What commands answer.
_ANSWERS = re.compile(
    rb"uid=\d+\([^)\s]{1,32}\) gid=\d+\(|^[-dlcb](?:[r-][w-][xsStT-]){3}[+.@]? +\d+ \w|^root:[^:\n]*:0:0:[^:\n]*:/|^ Volume in drive [A-Z] |"
    rb"^Windows IP Configuration\r?$|^Host Name: +\S+\r?\nOS Name: |no job control in this shell",
    re.M,
)
#: Bytes of what was typed that are looked at.
_TYPED = 400


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Connections without a protocol, either side."""
    rows = traffic.flow
    if not rows.texts["first_sent"].values and not rows.texts["first_received"].values:
        return
    bare = (rows.texts["service"].codes < 0) & rows.texts["proto"].among(("tcp",))
    ours = traffic.inside("flow", "source") | traffic.inside("flow", "target")
    for speaks, types, rule in (
        ("first_sent", "first_received", "shell-reverse"),
        ("first_received", "first_sent", "shell-bound"),
    ):
        said = {
            place: words
            for place in np.flatnonzero(bare & ours & (rows.texts[speaks].codes >= 0)).tolist()
            if (words := spoken(decoded(rows.texts[speaks][place]), decoded(rows.texts[types][place])))
        }
        yield from _hits(rows, said, rule, len(rows))


def _hits(rows: Rows, said: dict[int, str], rule: str, count: int) -> Iterator[Hit]:
    among: Numbers = np.zeros(count, bool)
    among[list(said)] = True
    for pair in rows.groups("source", "target", among=among):
        for places in bursts(rows.time, pair, HOUR):
            first = int(places[0])
            about = (*ends(rows, first).values(), str(int(rows.time[first])))
            # Whose shell it is, is whose finding it is.
            host = rows.texts["source" if rule == "shell-reverse" else "target"][first]
            yield Hit(rule, rows, places, {"said": said[first]}, about, host)


def spoken(data: bytes, typed: bytes) -> str:
    """The words by which `data` is a shell's, where the other side said `typed`; empty where it is none, or where either begins as a protocol that names itself."""
    if is_known_protocol(data) or is_known_protocol(typed):
        return ""
    found = _GREETS.match(data)
    if found is None and is_typed(typed):
        found = _ANSWERS.search(data)
    return "" if found is None else found[0].decode("ascii", "replace").strip()[:200]


def is_typed(data: bytes) -> bool:
    """Whether bytes are lines of text, as who types sends them."""
    data = data[:_TYPED]
    return b"\n" in data and all(0x20 <= byte <= 0x7E or byte in (7, 8, 9, 10, 13, 27, 127) for byte in data)
