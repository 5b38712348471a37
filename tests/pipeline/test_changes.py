"""Changes: each file of `tests/cases/changes` says what there was, what there is, and all that is told from level low on."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.survey.cases import made as case_of

from kazami.detect.change.compare import compare
from kazami.detect.change.rank import info, ranked, title
from kazami.errors import CaseError, UsageError
from kazami.model.change import Approval, Bounds, Change, Header, Item, Snapshot
from kazami.model.finding import level_rank
from kazami.pipeline.baseline import Kept
from kazami.pipeline.changes import approved, check, of_case, of_folder
from kazami.pipeline.inspect import Wish
from kazami.respond.notify.sign import Signer
from kazami.sources.folder.entry import entries
from kazami.sources.folder.listing import read
from kazami.sources.folder.place import kinds

CASES = sorted((Path(__file__).parents[1] / "cases" / "changes").glob("*/case.yaml"))
SECRET = b"of a test"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def write(folder: Path, tree: dict[str, Any]) -> None:
    for name, said in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if said is None:
            path.unlink()
            continue
        given = said if isinstance(said, dict) else {"text": said}
        path.write_text(given["text"], "utf-8")
        path.chmod(int(given.get("mode", "0644"), 8))
        if "time" in given:
            os.utime(path, (given["time"], given["time"]))


def told(changes: list[Change]) -> list[list[str]]:
    """From level low on; digests of secrets are the same in all cases."""
    rows = [
        [one.level, one.rule, re.sub(r"<[0-9a-f]{12}>", "<*>", one.item.name)]
        for one in changes
        if level_rank(one.level)
    ]
    return sorted(rows, key=lambda row: (-level_rank(row[0]), row[1:]))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_what_is_told(path: Path, tmp_path: Path) -> None:
    case = yaml.safe_load(path.read_text("utf-8"))
    if "events" in case:
        with case_of(tmp_path / "case", case["events"]) as opened:
            found = of_case(opened, since=case["since"])
        assert [one.notes for one in found if not one.baseline], "a host without a before is named"
        changes = [change for one in found for change in one.changes]
    else:
        folder = tmp_path / "host"
        write(folder, case["before"])
        before = read(folder, tenant="t", host="h", secret=SECRET)
        write(folder, case["after"])
        after = read(folder, tenant="t", host="h", secret=SECRET)
        changes = ranked(compare(before.items, after.items, whole=True))
    expected = sorted(case["expect"], key=lambda row: (-level_rank(row[0]), row[1:]))
    assert told(changes) == expected


def test_every_kind_of_place_has_words() -> None:
    for kind in kinds():
        for what in ("new", "altered", "removed"):
            one = ranked([Change(what, Item(kind, "x", {"type": "file"}))])[0]
            assert one.item.kind in one.rule
            assert title(one, "ja") != title(one, "en")
            assert info(one).title == title(one, "en")


def test_what_is_known_of_the_file_decides() -> None:
    change = [Change("new", Item("system_file", "usr/bin/x", {"sha256": "a" * 64, "type": "file"}))]
    levels = {
        word: ranked(change, {"a" * 64: word})[0].level
        for word in ("bad", "malicious", "suspicious", "good", "")
    }
    assert levels == {"bad": "critical", "malicious": "critical", "suspicious": "high", "good": "informational", "": "medium"}  # fmt: skip


def test_hostile_folders(tmp_path: Path) -> None:
    folder = tmp_path / "host"
    folder.mkdir()
    (folder / "loop").symlink_to("..")
    (folder / "out").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    for name in (b"\xff\x1b[31m", b"\\xff\x1b[31m", b"new\nline", "\u202etxt.exe".encode()):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).touch()
    (folder / "big").write_bytes(b"x" * 5000)
    (folder / "dated").write_text("x")
    os.utime(folder / "dated", (4e9, 4e9))
    found = read(folder, tenant="t", host="h", bounds=Bounds(largest=1000, exclude=("no*",)), made=NOW)
    names = [item.name for item in found.items]
    assert len(set(names)) == len(names) == 9
    assert {item.name: item.facts["type"] for item in found.items}["pipe"] == "special"
    assert {item.name: item.facts.get("target") for item in found.items}["out"] == "/etc/passwd"
    assert [missed.name for missed in found.unread] == ["big"]
    assert next(item for item in found.items if item.name == "dated").facts["clock"] == "in the future"
    few = read(folder, tenant="t", host="h", bounds=Bounds(most=3))
    assert not few.whole, "what is not there may only not have been looked at"
    assert len(few.items) == 3
    assert "more than 3 entries" in few.unread[0].reason
    with pytest.raises(UsageError, match="is no folder"):
        read(folder / "big", tenant="t", host="h")


def test_of_a_running_system_what_is_no_file_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from kazami.sources.folder import listing

    monkeypatch.setattr(listing, "_walk", lambda state: None)
    found = read(Path("/"), tenant="t", host="h", bounds=Bounds(exclude=("srv/*",)))
    assert found.bounds.exclude == ("srv/*", "proc/*", "sys/*", "dev/*", "run/*")


def test_what_is_not_looked_into_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kazami.pipeline import changes as module

    monkeypatch.setattr(module, "MOST_INSPECTED", 1)
    write(tmp_path, {"var/www/a.php": "<?php echo 1;", "var/www/b.php": "<?php echo 2;"})
    now = read(tmp_path, tenant="t", host="h")
    header = Header("u", "t", "h", NOW - timedelta(900), "me", "a folder", True, 1)
    found = of_folder(now, header, [], wish=Wish())
    assert len(found.inspected) == 1
    assert "1 new and altered files were not looked into" in found.notes[0]


def test_a_file_that_changes_while_it_is_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kazami.sources.folder import listing

    path = tmp_path / "growing"
    path.write_text("x")
    real = listing._digest

    def growing(*given: Any) -> tuple[str, bytes]:
        answer = real(*given)
        with path.open("a") as file:
            file.write("y")
        return answer

    monkeypatch.setattr(listing, "_digest", growing)
    found = read(tmp_path, tenant="t", host="h")
    assert [(one.name, one.reason) for one in found.unread] == [
        ("growing", "changed while it was read, twice")
    ]


def kept(folder: Path, tenant: str = "t") -> Kept:
    return Kept(folder / "store", tenant, Signer(folder / "key"))


def snapshot(*items: Item, tenant: str = "t", host: str = "h", made: datetime = NOW) -> Snapshot:
    return Snapshot(tenant, host, made, "a folder", True, items)


def test_baselines_are_kept_apart_and_show_what_was_done_to_them(tmp_path: Path) -> None:
    own = kept(tmp_path)
    one = own.add(snapshot(Item("file", "a", {"sha256": "1"}, time=NOW)), "me")
    two = own.add(snapshot(Item("file", "b"), made=NOW + timedelta(1)), "me", "after the update")
    assert own.headers() == [one, two]
    assert own.find(host="H") == two
    assert own.find(one.uid[:6]) == one
    assert own.items(one) == [Item("file", "a", {"sha256": "1"}, time=NOW)]
    assert own.faults() == []
    with pytest.raises(UsageError, match="belongs to tenant"):
        own.add(snapshot(Item("file", "a"), tenant="other"), "me")
    with pytest.raises(UsageError, match="there is none"):
        kept(tmp_path, "other").find()

    (own.own / "0123456789ab.items").write_bytes(b"x")
    (own.own / f"{one.uid}.items").write_bytes(b"changed")
    assert [fault.partition(": ")[2] for fault in own.faults()] == [
        "was changed after it was made: its hash is not the one in the register",
        "the register does not know it",
    ]
    with pytest.raises(CaseError, match="was changed"):
        own.items(one)
    register = own.own / "register.jsonl"
    register.write_text(register.read_text().replace("after the update", "before the update"))
    with pytest.raises(UsageError, match=r"line 2\): does not follow"):
        own.headers()


def test_names_of_one_host(tmp_path: Path) -> None:
    rows = [
        {
            "time": "2026-05-01T00:00:00",
            "host": "srv",
            "EventID": "7045",
            "ServiceName": "Old",
            "ImagePath": "a",
        },
        {
            "time": "2026-05-03T00:00:00",
            "host": "SRV.example.com",
            "EventID": "7045",
            "ServiceName": "Old",
            "ImagePath": "a",
        },
        {
            "time": "2026-05-03T00:00:00",
            "host": "SRV.example.com",
            "EventID": "7045",
            "ServiceName": "New",
            "ImagePath": "a",
        },
    ]
    with case_of(tmp_path / "case", {"system": rows}) as opened:
        found = of_case(opened, since=datetime(2026, 5, 2, tzinfo=UTC), host="srv")
    assert [(one.host, [change.item.name for change in one.changes]) for one in found] == [
        ("SRV.example.com", ["New"])
    ]


def approval(**said: Any) -> Approval:
    given = {
        "uid": "a",
        "tenant": "t",
        "reason": "update",
        "owner": "ops",
        "made": NOW,
        "expires": NOW + timedelta(30),
    }
    return Approval(**{**given, **said})


@pytest.mark.parametrize(
    ("said", "allows"),
    [
        ({"name": "usr/bin/*"}, True),
        ({"name": "usr/bin/*", "tenant": "other"}, False),
        ({"name": "usr/bin/*", "host": "other"}, False),
        ({"name": "usr/bin/*", "host": "H"}, True),
        ({"name": "usr/bin/*", "host": "h.example.com"}, True),
        ({"sha256": "a" * 64}, True),
        ({"sha256": "b" * 64}, False),
        ({"begins": NOW - timedelta(1), "ends": NOW + timedelta(1)}, True),
        ({"begins": NOW + timedelta(1), "ends": NOW + timedelta(2)}, False),
    ],
)
def test_what_an_approval_allows(said: dict[str, Any], allows: bool) -> None:
    facts = {"type": "file", "sha256": "a" * 64, "touched": str(int(NOW.timestamp()))}
    change = ranked([Change("altered", Item("system_file", "usr/bin/x", facts, time=NOW - timedelta(900)))])
    assert [one.approval for one in approved(change, "t", "h.example.com", [approval(**said)])] == [
        "a" if allows else ""
    ]


def test_approvals_have_an_end_and_a_log(tmp_path: Path) -> None:
    own = kept(tmp_path)
    own.approve(approval(name="x"), "me")
    assert [one.uid for one in own.approvals(NOW)] == ["a"]
    assert own.approvals(NOW + timedelta(31)) == []
    own.approve(approval(name="x"), "me", "removed", "not needed")
    assert own.approvals(NOW) == []
    assert [line["what"] for line in own.approval_log()] == ["added", "removed"]
    for said in ({}, {"name": "*"}, {"name": "x", "owner": " "}, {"begins": NOW}):
        with pytest.raises(UsageError):
            check(approval(**said))


def test_what_could_not_be_read_is_not_gone(tmp_path: Path) -> None:
    header = Header("u", "t", "h", NOW, "me", "a folder", True, 3)
    before = [
        Item("file", "a/b", {"type": "file"}),
        Item("file", "c", {"type": "file"}),
        Item("file", "no/x", {}),
    ]
    from kazami.model.change import Unread

    now = Snapshot(
        "t",
        "h",
        NOW - timedelta(1),
        str(tmp_path),
        True,
        (),
        (Unread("a", "no right"),),
        Bounds(exclude=("no/*",)),
    )
    found = of_folder(now, header, before)
    assert [(one.what, one.item.name) for one in found.changes] == [("removed", "c")]
    assert "a clock was set" in found.notes[0]


@pytest.mark.parametrize("how", ["lines", "words", "passwd", "group", "shadow", "keys", "unit", "task"])
@settings(max_examples=40, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=400), st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass"))
    )
)
def test_settings_of_any_content_are_read_or_left(how: str, content: bytes) -> None:
    for name, facts in entries(how, content, SECRET):
        assert len(name) <= 300
        assert all(0 < len(value) <= 300 for value in facts.values())


def test_secrets_do_not_stand_in_what_is_kept() -> None:
    said = entries(
        "lines", b"snmp-server community s3cr3t RO\npassword = hunter2\nenable secret 5 $1$abc\n", SECRET
    )
    assert not any(word in name for name, _ in said for word in ("s3cr3t", "hunter2", "$1$abc"))
    assert all("***" in name for name, _ in entries("lines", b"password = hunter2\n"))
    assert (
        entries(
            "task",
            b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a><Command>&b;</Command></a>",
        )
        == []
    )


def test_large_files_are_compared_as_far_as_they_were_read(tmp_path: Path) -> None:
    folder, bounds = tmp_path / "host", Bounds(largest=1000)
    folder.mkdir()
    (folder / "big").write_bytes(b"x" * 5000)
    first = read(folder, tenant="t", host="h", bounds=bounds)
    (folder / "big").write_bytes(b"y" * 5000)
    now = read(folder, tenant="t", host="h", bounds=bounds)
    header = Header("u", "t", "h", first.made, "me", "a folder", True, 1, unread=first.unread)
    assert [one.item.name for one in of_folder(now, header, first.items).changes] == ["big"]
