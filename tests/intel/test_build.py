"""From a bundle to the table, and back from its bytes."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest
import stix

from kazami.errors import UsageError
from kazami.intel import bundle, shelf
from kazami.intel.build import build
from kazami.intel.described import described
from kazami.intel.table import LARGEST, Table, Use, pack, unpack


def table(*more: object) -> Table:
    found, _ = bundle.parse(stix.bundle(*more), "bundle")
    return build(found).table


def test_what_a_bundle_says() -> None:
    made = table()
    assert made.version == "18.1"
    ntds = made.technique["T1003.003"]
    assert (ntds.parent, ntds.platforms, ntds.components) == ("T1003", ("Windows",), ("File Creation",))
    assert made.name("T1003.003") == "Dumping: NTDS"
    assert made.current("T1900") == "T1003.003"
    assert [one.id for one in made.mitigations_of("T1003.003")] == ["M1026"]
    assert made.group["G0001"].aliases == ("Terns",)
    assert made.piece["S0001"].aliases == ("Quill",)
    assert (made.campaigns[0].groups, made.campaigns[0].first) == (("G0001",), "2024-01-02")
    assert made.citations == ("Report A", "Report B")
    assert made.uses == (Use("C0001", "S0001", (0,)), Use("G0001", "T1003.003", (0, 1)))


def test_what_is_left_out_is_counted() -> None:
    found, strange = bundle.parse(stix.bundle({"type": "malware", "id": 7}, [], "x"), "bundle")
    assert strange == 3
    assert build(found).left_out == {
        "course-of-action without an id of ATT&CK": 1,
        "relationships no longer in force": 1,
        "relationships of what is not there": 1,
    }


def test_of_one_id_given_twice_the_one_in_force_counts() -> None:
    again = stix.thing("attack-pattern", "T1900", "New")
    again["id"] = "attack-pattern--again"
    assert table(again).technique["T1900"].name == "New"
    old = stix.thing("attack-pattern", "T1003", "Past", revoked=True)
    old["id"] = "attack-pattern--old"
    assert table(old).technique["T1003"].name == "Dumping"


def test_a_circle_of_revocations_ends() -> None:
    circle = [
        stix.thing("attack-pattern", "T1901", "a", revoked=True),
        stix.thing("attack-pattern", "T1902", "b", revoked=True),
        stix.tie("revoked-by", "attack-pattern--T1901", "attack-pattern--T1902"),
        stix.tie("revoked-by", "attack-pattern--T1902", "attack-pattern--T1901"),
    ]
    assert table(*circle).current("T1901") in ("T1901", "T1902")


def test_names_are_bounded() -> None:
    long = stix.thing("malware", "S0002", "n" * 100_000, x_mitre_aliases=["a" * 1000] * 5000)
    piece = table(long).piece["S0002"]
    assert len(piece.name) == 200
    assert len(piece.aliases) == 1


def test_the_same_table_gives_the_same_bytes() -> None:
    assert pack(table()) == pack(table())
    assert unpack(pack(table()), "table") == table()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no STIX bundle"),
        (b"[]", "no STIX bundle"),
        (b'{"type": "bundle"}', "no STIX bundle"),
        (b'{"type": "indicator", "objects": []}', "its type is 'indicator'"),
        (b'{"type": "bundle", "objects": []}', "which version"),
        (stix.bundle()[:-300], "no STIX bundle"),
        (b'{"type": "bundle", "objects": ' + b"[" * 200_000, "no STIX bundle"),
        (
            b'{"type": "bundle", "objects": [{"type": "x-mitre-collection", "id": "1", "x_mitre_version": "18.1"}]}',
            "no technique",
        ),
        (b"\x1f\x8b\x08\x00 not gzip", "cannot be read"),
        (gzip.compress(stix.bundle())[:200], "cannot be read"),
    ],
)
def test_what_is_no_bundle_is_said_with_its_name(tmp_path: Path, content: bytes, reason: str) -> None:
    path = stix.written(tmp_path, content)
    with pytest.raises(UsageError, match=reason) as said:
        shelf.derive(path)
    assert str(path) in str(said.value)


def test_a_bundle_has_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LARGEST", 1000)
    with pytest.raises(UsageError, match="more than 1,000 bytes"):
        shelf.derive(stix.written(tmp_path, gzip.compress(b"0" * 2000)))
    monkeypatch.setattr(bundle, "MOST", 3)
    with pytest.raises(UsageError, match="more than 3 objects"):
        bundle.parse(stix.bundle(), "bundle")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"table",
        pack(table())[:-9],
        zlib.compress(b"{}"),
        zlib.compress(b"[18, 1]"),
        zlib.compress(b"0" * (LARGEST + 1)),
        zlib.compress(json.dumps(["18.1", "x", "x", [["TA1"]]]).encode()),
    ],
    ids=["empty", "text", "cut", "object", "numbers", "bomb", "short rows"],
)
def test_what_is_no_table_is_said_with_its_name(content: bytes) -> None:
    with pytest.raises(UsageError, match=r"mine\.bin"):
        unpack(content, "mine.bin")


def test_the_table_that_is_shipped_is_made_from_mitre_s_bundle(shared: Path) -> None:
    made = shelf.derive(shared / "attack" / "enterprise-attack-18.1.json.gz").table
    assert made == shelf.shipped()


def test_the_shipped_table_is_small_whole_and_carries_the_notice() -> None:
    path = Path(shelf.__file__).parent / "data" / shelf.SHIPPED
    assert path.stat().st_size < 1_000_000
    whole = shelf.shipped()
    assert len([one for one in whole.techniques if not one.state]) == 691
    assert len([one for one in whole.groups if not one.state]) == 172
    assert "MITRE Corporation" in whole.notice
    assert whole.notice in (path.parent / "NOTICE").read_text("utf-8")


def test_what_is_known_of_an_id() -> None:
    whole = shelf.shipped()
    assert described(whole, "t1562.001")[:4] == (
        "T1562.001",
        "18.1",
        "technique",
        "Impair Defenses: Disable or Modify Tools",
    )
    assert described(whole, "G1017")[4]["campaigns"] == ["C0035", "C0039"]
    assert described(whole, "S0144")[4]["used by"] == ["G0045"]
    assert described(whole, "C0035")[3] == "KV Botnet Activity"
    assert "T1047" in described(whole, "M1026")[4]["techniques"]
    with pytest.raises(UsageError, match="T0000"):
        described(whole, "T0000")
