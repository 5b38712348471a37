"""Reputation of files: exact, whatever the size; what others publish; looked up by one, by many, from other machines."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.errors import CaseError, UsageError
from kazami.intel.reputation import book, shelf, supplement
from kazami.intel.reputation.book import Book
from kazami.intel.reputation.formats import read
from kazami.intel.reputation.label import Label, weighed
from kazami.intel.reputation.shelf import Shelf, Statement, add, compact, key_of

GOOD = Label("vendor", "good", "2026-01-01", "Office")
BAD = Label("feed", "bad", "2026-02-02")
KNOWN = Label("NSRL", "known")


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@given(
    st.lists(st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 5)), max_size=200),
    st.binary(min_size=16, max_size=16),
)
@settings(max_examples=40, deadline=None)
def test_a_book_says_what_a_dictionary_says(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[bytes, int]], other: bytes
) -> None:
    file = tmp_path_factory.mktemp("book") / "x.book"
    said: dict[bytes, set[int]] = {}
    for key, label in rows:
        said.setdefault(key, set()).add(label)
    assert book.write(file, (book.records([key], label) for key, label in rows)) == sum(
        map(len, said.values())
    )
    with Book(file) as opened:
        for key in [*said, other, b"\0" * 16, b"\xff" * 16]:
            assert set(opened.labels(key)) == said.get(key, set())
        asked = [*said, other, b"\0" * 16, b"\xff" * 16]
        where, labels = opened.many(np.frombuffer(b"".join(asked), np.uint8).reshape(-1, 16))
        together = sorted(zip(where.tolist(), labels.tolist(), strict=True))
        assert together == [(n, label) for n, key in enumerate(asked) for label in sorted(said.get(key, ()))]
        assert where.tolist() == sorted(where.tolist())
        keys = b"".join(part["key"].tobytes() for part in opened.records())
        assert keys == b"".join(sorted(keys[i : i + 16] for i in range(0, len(keys), 16)))


def test_a_large_book_is_exact(tmp_path: Path) -> None:
    dice = np.random.default_rng(1)
    raw = dice.integers(0, 256, (300_000, 16), dtype=np.uint8)
    keys = [row.tobytes() for row in raw]
    book.write(
        tmp_path / "x.book",
        (book.records(keys[a : a + 70_000], a // 70_000) for a in range(0, len(keys), 70_000)),
    )
    with Book(tmp_path / "x.book") as opened:
        assert opened.count == len(set(keys))
        for place in range(0, len(keys), 997):
            assert opened.labels(keys[place]) == [place // 70_000]
            near = bytearray(keys[place])
            near[15] ^= 1
            assert opened.labels(bytes(near)) == []


@pytest.mark.parametrize(
    "content", [b"", b"x", b"KAZAMI-HASHES" + b"\0" * 100, b"KAZAMI-HASHES\x01" + b"\xff" * 200]
)
def test_a_broken_book_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.book").write_bytes(content)
    with pytest.raises(CaseError, match=r"x\.book"):
        Book(tmp_path / "x.book")
    book.write(tmp_path / "y.book", [book.records([b"a" * 16], 0)])
    whole = (tmp_path / "y.book").read_bytes()
    (tmp_path / "z.book").write_bytes(whole[:-3])
    with pytest.raises(CaseError, match="cut"):
        Book(tmp_path / "z.book")


def test_small_additions_and_large_ones_are_found_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "SMALL", 50)
    assert add(tmp_path, [Statement(sha("a"), GOOD), Statement("no hash", GOOD)]) == (1, 1)
    assert add(tmp_path, [Statement(sha(str(n)), KNOWN) for n in range(120)]) == (120, 0)
    assert add(tmp_path, [Statement(sha("a"), BAD), Statement(hashlib.md5(b"m").hexdigest(), GOOD)]) == (2, 0)
    for _ in range(2):
        with Shelf(tmp_path) as opened:
            found = opened.look(sha("a").upper())
            assert found is not None
            assert (found.standing, found.labels, found.trusted) == ("bad", (BAD, GOOD), True)
            weak = opened.look(hashlib.md5(b"m").hexdigest())
            assert weak is not None
            assert (weak.standing, weak.trusted) == ("known", False)
            assert opened.look(sha("119")) is not None
            assert opened.look(sha("120")) is None
            with pytest.raises(UsageError):
                opened.look("xyz")
            texts = [sha("a").upper(), hashlib.md5(b"m").hexdigest(), sha("119"), sha("120"), sha("a")]
            assert opened.look_many(texts) == [opened.look(text) for text in texts]
            with pytest.raises(UsageError):
                opened.look_many([sha("a"), "xyz"])
        compact(tmp_path)
    with Shelf(tmp_path) as opened:
        assert opened.stats() == {"sha256": 122, "md5": 1, "supplement": 0, "sha1": 0}


def test_an_empty_shelf_knows_nothing(tmp_path: Path) -> None:
    with Shelf(tmp_path / "nowhere") as opened:
        assert opened.look(sha("x")) is None
        assert opened.stats() == {"supplement": 0}


def test_a_weak_hash_convicts_and_does_not_acquit() -> None:
    assert weighed("m", [GOOD], weak=True).standing == "known"
    assert weighed("m", [BAD, GOOD], weak=True).standing == "bad"
    assert weighed("s", [GOOD, KNOWN], weak=False).standing == "good"
    assert key_of("f" * 63) is None
    assert supplement.Supplement


def statements(file: Path, standing: str = "bad", form: str = "") -> list[tuple[str, str, str]]:
    return [
        (s.hash, s.label.standing, s.label.product)
        for s in read(file, Label("src", standing, "2026-01-01"), form)
    ]


def test_nsrl_knows_tools_and_never_says_good_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "RDS.db"
    with sqlite3.connect(file) as database:
        database.executescript(
            "CREATE TABLE FILE (sha256 TEXT, sha1 TEXT, md5 TEXT, file_name TEXT, package_id INTEGER);"
            "CREATE TABLE PKG (package_id INTEGER, name TEXT, application_type TEXT);"
            "INSERT INTO PKG VALUES (1, 'Office', 'Office Suite'), (2, 'Cracker', 'Hacking Tool');"
        )
        database.executemany(
            "INSERT INTO FILE VALUES (?, '', '', 'x', ?)", [(sha("o"), 1), (sha("h"), 2), (sha("o"), 1)]
        )
    database.close()
    assert sorted(statements(file, "known")) == sorted(
        [(sha("o"), "known", "Office Suite"), (sha("h"), "tool", "Hacking Tool")]
    )


def test_misp_stix_csv_and_lists(tmp_path: Path) -> None:
    event = {"Event": {"info": "Wave", "date": "2025-05-05", "Attribute": [
        {"type": "sha256", "value": sha("1"), "to_ids": True},
        {"type": "filename|sha256", "value": f"x.exe|{sha('2')}", "to_ids": False},
        {"type": "domain", "value": "x.example"}], "Object": [{"Attribute": [{"type": "md5", "value": "0" * 32, "to_ids": True}]}]}}  # fmt: skip
    (tmp_path / "misp.json").write_text(json.dumps(event))
    assert statements(tmp_path / "misp.json") == [
        (sha("1"), "bad", "Wave"),
        (sha("2"), "known", "Wave"),
        ("0" * 32, "bad", "Wave"),
    ]
    bundle = {"type": "bundle", "objects": [
        {"type": "indicator", "name": "n", "pattern": f"[file:hashes.'SHA-256' = '{sha('3')}' OR file:hashes.MD5 = '{'1' * 32}']"},
        {"type": "indicator", "revoked": True, "pattern": f"[file:hashes.'SHA-256' = '{sha('4')}']"},
        {"type": "file", "name": "f", "hashes": {"SHA-256": sha("5")}}]}  # fmt: skip
    (tmp_path / "stix.json").write_text(json.dumps(bundle))
    assert statements(tmp_path / "stix.json") == [
        (sha("3"), "bad", "n"),
        ("1" * 32, "bad", "n"),
        (sha("5"), "known", "f"),
    ]
    (tmp_path / "t.csv").write_text(
        f"name,sha256,verdict,first_seen\nA,{sha('6')},benign,2024-01-02\nB,{sha('7')},malware,\nC,,,\n"
    )
    assert statements(tmp_path / "t.csv") == [
        (sha("6"), "good", "A"),
        (sha("7"), "bad", "B"),
        ("", "bad", "C"),
    ]
    (tmp_path / "list.txt").write_text(f"# heading\n{sha('8')}  some file\n{'a' * 31}\n{sha('9')}\n")
    assert statements(tmp_path / "list.txt") == [(sha("8"), "bad", ""), (sha("9"), "bad", "")]


@pytest.mark.parametrize(
    "content", [b"", b"no hash here", b"\x00" * 100, b'{"Event": [', b"SQLite format 3\0" + b"x" * 200]
)
def test_what_is_no_source_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UsageError):
        list(read(tmp_path / "x", KNOWN))
    with pytest.raises(UsageError):
        list(read(tmp_path / "missing", KNOWN))


def test_other_machines_look_up_one_or_many(tmp_path: Path) -> None:
    client_of = pytest.importorskip(
        "starlette.testclient", reason="the extra `console` is not installed"
    ).TestClient
    from kazami.web.lookup import MOST, create_lookup

    add(tmp_path, [Statement(sha("a"), BAD)])
    headers = {"authorization": "Bearer a-token-of-some-length"}
    with client_of(create_lookup(tmp_path, "a-token-of-some-length")) as client:
        assert client.get(f"/look/{sha('a')}").status_code == 401
        one: Any = client.get(f"/look/{sha('a')}", headers=headers).json()["data"]
        assert (one["standing"], one["labels"][0]["source"]) == ("bad", "feed")
        many = client.post("/look", json=[sha("b"), sha("a")], headers=headers).json()["data"]
        assert (many[0], many[1]["standing"]) == (None, "bad")
        for wrong in ("{}", "[1]", "[", json.dumps(["x"]), json.dumps([sha("a")] * (MOST + 1))):
            assert client.post("/look", content=wrong, headers=headers).status_code == 400
        add(tmp_path, [Statement(sha("b"), GOOD)])
        assert client.get(f"/look/{sha('b')}", headers=headers).json()["data"]["standing"] == "good"
        assert client.get("/stats", headers=headers).json()["data"]["supplement"] == 2
        assert client.get("/stats").status_code == 401


def test_one_address_does_not_ask_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client_of = pytest.importorskip(
        "starlette.testclient", reason="the extra `console` is not installed"
    ).TestClient
    from kazami.web import lookup

    monkeypatch.setattr(lookup, "BURST", 3)
    monkeypatch.setattr(lookup, "PER_SECOND", 0.001)
    with client_of(lookup.create_lookup(tmp_path)) as client:
        assert [client.get("/stats").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
