"""What is known of a file by its hash, in the verdict on it: bad convicts, good ends the looking, known is not good."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from content_writer import PE, zipped
from kazami.detect.content import reputation
from kazami.detect.content.verdict import judge
from kazami.intel.reputation.label import Label
from kazami.intel.reputation.shelf import Statement, add
from kazami.model.content import Feature, Inspection, Looked, Meaning
from kazami.pipeline.inspect import Submission, Wish, inspect, rules

EVIL = b"\x00\x01nothing that anybody could see\x00"
RULE = 'rule Sees { meta: score = 90 strings: $a = "nobody" condition: any of them or filesize == 32 }'


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "shelf"


def say(shelf: Path, data: bytes, standing: str, digest: str = "sha256", product: str = "") -> None:
    label = Label("feed of ours", standing, "2026-10-01", product)
    add(shelf, [Statement(hashlib.new(digest, data, usedforsecurity=False).hexdigest(), label)])


def look(shelf: Path, data: bytes, name: str = "x.bin", yara: Path | None = None) -> Inspection:
    settings = {"reputation.shelf": (str(shelf),), "yara.rules": (str(yara),) if yara else ()}
    (found,) = inspect([Submission(name, data=data, size=len(data))], Wish(settings=settings))
    return found


@pytest.mark.parametrize(
    ("standing", "digest", "word"),
    [
        ("bad", "sha256", "malicious"),
        ("bad", "md5", "malicious"),
        ("bad", "sha1", "malicious"),
        ("unwanted", "sha256", "informational"),
        ("tool", "sha256", "informational"),
        ("known", "sha256", "informational"),
        ("good", "sha256", "informational"),
        ("good", "md5", "informational"),
    ],
)
def test_each_standing_has_its_word(shelf: Path, standing: str, digest: str, word: str) -> None:
    say(shelf, EVIL, standing, digest, "Remote Admin" if standing == "tool" else "")
    found = look(shelf, EVIL)
    assert found.verdict.word == word
    (proof,) = (p for p in found.verdict.proofs if p.group == "reputation")
    weak = standing == "good" and digest == "md5"
    assert proof.name == f"reputation.{'known' if weak else standing}"
    assert "feed of ours; " in proof.value
    assert "since 2026-10-01" in proof.value
    assert proof.author == "feed of ours"
    assert ("yara" in found.looked[0].analyzers) is (standing != "good" or weak)


def test_without_a_shelf_nothing_is_said(shelf: Path) -> None:
    assert look(shelf, EVIL).verdict.word == "clean"


def test_bad_inside_an_archive(shelf: Path) -> None:
    say(shelf, EVIL, "bad")
    found = look(shelf, zipped({"a.bin": EVIL, "b.txt": b"hello"}), "a.zip")
    assert found.verdict.word == "malicious"
    assert found.verdict.proofs[0].place == "a.zip!a.bin"


def test_known_good_is_not_looked_into_but_its_name_is(shelf: Path, tmp_path: Path) -> None:
    """A rule that would convict it does not run; a lying name counts all the same."""
    rule = tmp_path / "r.yar"
    rule.write_text(RULE)
    assert look(shelf, EVIL[:32], yara=rule).verdict.word == "malicious"
    say(shelf, EVIL[:32], "good")
    assert look(shelf, EVIL[:32], yara=rule).verdict.word == "informational"
    say(shelf, PE, "good")
    named = look(shelf, PE, "invoice.pdf.exe")
    assert named.verdict.word == "suspicious"
    assert "name.double_extension" in [p.name for p in named.verdict.proofs]


def test_known_good_ends_at_a_forged_identity() -> None:
    """Who made it is forged: then what is known of the bytes is not believed, and all counts."""
    meanings = {
        "reputation.good": Meaning("reputation.good", "G", "informational", "reputation"),
        "pe.forged": Meaning("pe.forged", "F", "high", "identity"),
        "pe.claims": Meaning("pe.claims", "C", "medium", "identity"),
        "packer.odd": Meaning("packer.odd", "P", "high", "packer"),
    }

    def word(*names: str) -> str:
        one = Looked("x", "x", "pe", 1, "a", "", "", 0, "", "", (), tuple(Feature(n) for n in names))
        return judge([one], meanings).word

    assert word("packer.odd") == "suspicious"
    assert word("reputation.good", "packer.odd", "pe.claims") == "informational"
    assert word("reputation.good", "packer.odd", "pe.forged") == "malicious"


def test_a_kept_verdict_knows_its_shelf(shelf: Path) -> None:
    wish = Wish(settings={"reputation.shelf": (str(shelf),), "yara.rules": ()})
    before = rules(wish)
    say(shelf, EVIL, "bad")
    assert rules(wish) != before


def test_a_damaged_shelf_is_a_gap_and_never_clean(shelf: Path) -> None:
    shelf.mkdir()
    (shelf / "sha256.book").write_bytes(b"no book")
    found = look(shelf, EVIL)
    assert found.verdict.word == "incomplete"
    assert any("is no book of hashes" in gap.reason for gap in found.verdict.gaps)
    assert reputation.version({"reputation.shelf": (str(shelf),)})
