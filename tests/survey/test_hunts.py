"""The hunts that packs bring: each finds what it is for, keeps quiet beside it, and says when the log is not there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from tests.survey.cases import Rows, made

from kazami.errors import UsageError
from kazami.store.seen import views
from kazami.survey.answer import Answer, State, ask
from kazami.survey.hunts import Packed, load

CASES = Path(__file__).parents[1] / "cases" / "hunts"
HUNTS = load()
HUNT = pytest.mark.parametrize("one", HUNTS.loaded, ids=lambda one: one.hunt.id)


def answer(one: Packed, folder: Path, logs: dict[str, Rows], rows: int = 1000) -> Answer:
    with made(folder, logs) as case:
        return ask(case, one.hunt, views(case), rows)


def told(one: Packed) -> dict[str, Any]:
    path = CASES / Path(one.path).stem / "case.yaml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def test_all_hunts_of_the_packs_load() -> None:
    assert HUNTS.broken == ()
    ids = {one.hunt.id for one in HUNTS.loaded}
    assert {f"H{number}" for number in range(1, 15)} <= ids
    assert {"CS1", "CS2", "CS3", "CS4", "MS1", "MS2", "MS3"} <= ids
    assert [one.hunt.id for one in HUNTS.loaded][:3] == ["H1", "H2", "H3"]


@HUNT
def test_a_hunt_says_all_that_a_person_needs(one: Packed) -> None:
    hunt = one.hunt
    for text in (hunt.title, hunt.question, hunt.answer, hunt.next):
        assert text.en
        assert re.search(r"[぀-ヿ一-鿿]", text.ja), text
    assert all(re.fullmatch(r"T\d{4}(\.\d{3})?", name) for name in hunt.techniques)
    assert all(reference.startswith("https://") for reference in hunt.references)
    assert any(not need.extra for need in hunt.needs)
    assert hunt.facts


@HUNT
def test_it_finds_what_it_is_for(one: Packed, tmp_path: Path) -> None:
    case = told(one)
    got = answer(one, tmp_path / "case", case["found"])
    assert got.state is State.found, got.reason
    rows = [dict(zip(got.names, map(plain, row), strict=True)) for row in got.rows]
    for expected in case["expect"]:
        assert any(expected.items() <= row.items() for row in rows), rows


def plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | list | None) else str(value)


@HUNT
def test_it_is_quiet_beside_it(one: Packed, tmp_path: Path) -> None:
    got = answer(one, tmp_path / "case", told(one)["quiet"])
    assert (got.state, got.rows) in ((State.nothing, []), (State.partly, [])), got.reason


@HUNT
def test_it_says_that_the_log_is_not_there(one: Packed, tmp_path: Path) -> None:
    got = answer(one, tmp_path / "case", {"elsewhere": [{"x": "1"}]})
    assert got.state is State.blind
    assert {gone.need.log for gone in got.missing} == {need.log for need in one.hunt.needs}
    assert got.rows == []


@HUNT
def test_it_never_fails_where_columns_are_not_there(one: Packed, tmp_path: Path) -> None:
    logs: dict[str, Rows] = {
        need.log: [dict.fromkeys(need.fields, "x") or {"x": "1"}] for need in one.hunt.needs
    }
    assert answer(one, tmp_path / "case", logs).state is not State.failed
    need = one.hunt.needs[-1]
    alone: dict[str, Rows] = {need.log: [dict.fromkeys(need.fields, "x") or {"x": "1"}]}
    assert answer(one, tmp_path / "alone", alone).state is not State.failed


def test_a_field_that_no_event_had_is_missing(tmp_path: Path) -> None:
    (h4,) = HUNTS.chosen(["h4"])
    got = answer(h4, tmp_path / "case", {"application": [{"EventID": "325"}]})
    assert got.state is State.blind
    assert [str(gone) for gone in got.missing] == ["application (Data)", "process_creation"]


def test_part_of_the_logs_is_told(tmp_path: Path) -> None:
    (h3,) = HUNTS.chosen(["H3"])
    got = answer(h3, tmp_path / "a", {"file_event": [{"TargetFilename": "C:\\x"}]})
    assert got.state is State.nothing  # what is missing would only add to it
    (h5,) = HUNTS.chosen(["H5"])
    got = answer(h5, tmp_path / "b", {"process_creation": [{"CommandLine": "whoami"}]})
    assert got.state is State.partly


def test_a_gateway_of_a_private_network_alone_answers(tmp_path: Path) -> None:
    (h8,) = HUNTS.chosen(["H8"])
    tries: Rows = [
        {
            "time": f"2026-11-12T05:0{n}:00",
            "host": "edge9",
            "Action": "accepted" if n == 6 else "failed",
            "User": f"u{n % 6}",
            "SourceIp": "198.51.100.8",
        }
        for n in range(7)
    ]
    got = answer(h8, tmp_path / "case", {"vpn": tries})
    assert got.state is State.found
    assert dict(zip(got.names, got.rows[0], strict=True))["account"] == "u0"
    assert answer(h8, tmp_path / "quiet", {"vpn": tries[:3]}).state is State.partly


def test_rows_are_bounded(tmp_path: Path) -> None:
    (h12,) = HUNTS.chosen(["H12"])
    logs: dict[str, Rows] = {"security": [{"EventID": "1102", "host": f"h{n}"} for n in range(5)]}
    got = answer(h12, tmp_path / "case", logs, rows=3)
    assert (len(got.rows), got.more) == (3, True)


def test_an_unknown_hunt_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no hunt 'H99'.*H1, H2"):
        HUNTS.chosen(["H99"])


BROKEN = {
    "text.yml": ("- not a hunt", "Expected `object`"),
    "yaml.yml": ("id: [", "flow"),
    "large.yml": ("#" * (65 << 10), "larger than 65,536 bytes"),
    "key.yml": ("id: X1\nsurprise: 1\n", "surprise"),
    "taken.yml": (None, "the id X1 is taken by"),
    "setting.yml": ("log-everything", "'log-everything' is no setting"),
    "name.yml": ("x-1", "is not capital letters and a number"),
}


def test_a_broken_file_is_named_and_the_rest_loads(tmp_path: Path) -> None:
    (tmp_path / "hunts").mkdir()
    (tmp_path / "pack.yml").write_text("name: mine\n")
    two = {"en": "a", "ja": "あ"}
    good = {
        "id": "X1", "title": two, "question": two, "techniques": ["T1003"], "references": [], "answer": two, "next": two,
        "needs": [{"log": "sshd", "setting": "logon"}], "sql": "select time from sshd",
    }  # fmt: skip
    (tmp_path / "hunts" / "good.yml").write_text(yaml.safe_dump(good))
    for name, (text, _) in BROKEN.items():
        if name == "taken.yml":
            text = yaml.safe_dump(good)
        if name == "setting.yml":
            text = yaml.safe_dump({**good, "id": "X2", "needs": [{"log": "sshd", "setting": text}]})
        if name == "name.yml":
            text = yaml.safe_dump({**good, "id": text})
        assert text
        (tmp_path / "hunts" / name).write_text(text)
    found = load([str(tmp_path)])
    assert [one.hunt.id for one in found.loaded] == ["X1"]
    assert {Path(one.path).name for one in found.broken} == BROKEN.keys()
    for one in found.broken:
        assert BROKEN[Path(one.path).name][1] in one.reason


def test_sql_of_a_hunt_reads_the_case_and_nothing_else(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    (h12,) = HUNTS.chosen(["H12"])
    for sql in (f"from '{secret}'", f"select * from read_csv('{secret}')", "drop table finding", "selec"):
        evil = Packed("mine", msgspec.structs.replace(h12.hunt, sql=sql), "evil.yml")
        got = answer(evil, tmp_path / sql[:4].strip() / str(len(sql)), {"security": [{"EventID": "1102"}]})
        assert got.state is State.failed
        assert got.reason
