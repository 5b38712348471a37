"""Traffic: each file of `tests/cases/network` says what is found, what nearly is, and what only looks like it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from tests import traffic_events

from kazami import plugins
from kazami.detect.network import traffic
from kazami.detect.network.traffic import JUDGES, RULES
from kazami.detect.network.traffic import traffic as scene
from kazami.detect.network.traffic.rows import Rows, Texts
from kazami.model.finding import FINDING
from kazami.model.tenant import Directory, Tenant

CASES = Path(__file__).parents[2] / "cases" / "network"
KEYS = {rule.id: key for key, rule in RULES.items()}
FILES = sorted(CASES.glob("*/case.yaml"))
NAMES = [judge.__name__.rpartition(".")[2] for judge in JUDGES]


def cases() -> Iterator[Any]:
    for path in FILES:
        for name, case in yaml.safe_load(path.read_text("utf-8"))["cases"].items():
            yield pytest.param(path.parent.name, case, id=f"{path.parent.name}: {name}")


def judged(case: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    tenants = {name: Tenant(name, expected=tuple(case.get("expected", ()))) for name in ("north", "south")}
    found, notes = traffic.judge(traffic_events.batches(case["events"]), Directory(tenants))
    assert found.schema == FINDING
    return [
        {**row, "rule": KEYS[row["rule_id"]], "matched": dict(row["matched"])} for row in found.to_pylist()
    ], notes


@pytest.mark.parametrize(("name", "case"), list(cases()))
def test_a_case(name: str, case: dict[str, Any]) -> None:
    """What the case names of its own detector is found, and nothing else of it; others may have their say."""
    own = next(judge for judge in JUDGES if judge.__name__.endswith(f".{name}")).RULES
    found, notes = judged(case)
    found = [row for row in found if row["rule"] in own]
    assert sorted(row["rule"] for row in found) == sorted(one["rule"] for one in case["expect"])
    for one in case["expect"]:
        wanted = one.get("matched", {})
        row = next(
            row for row in found if row["rule"] == one["rule"] and row["matched"].items() >= wanted.items()
        )
        assert row["host"] == one.get("host", row["host"])
        assert row["tenant"] == one.get("tenant", "north")
        assert row["event_uids"]
    assert case.get("notes", "") in " ".join(notes)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_each_has_its_four_kinds_of_cases(path: Path) -> None:
    document = yaml.safe_load(path.read_text("utf-8"))["cases"]
    for kind in ("positive", "near miss", "look-alike", "empty"):
        assert any(name.startswith(kind) for name in document), kind
    expected = {one["rule"] for case in document.values() for one in case["expect"]}
    own = next(judge for judge in JUDGES if judge.__name__.endswith(f".{path.parent.name}")).RULES
    assert expected == set(own)


def test_every_detector_has_a_file() -> None:
    assert {path.parent.name for path in FILES} == set(NAMES)


def test_each_says_what_it_is_about_and_where_its_formula_comes_from() -> None:
    for judge in JUDGES:
        assert judge.ABOUT
        assert judge.NEEDS
        assert len(judge.__doc__ or "") > 100, judge.__name__


def test_tenants_are_judged_apart() -> None:
    """Half of a rhythm in each of two tenants is none."""
    events = [
        {"table": "flow", "at": f"2026-01-05T0{hour}:00:00", "tenant": ("north", "south")[hour % 2]}
        | {"source": "10.0.0.5", "target": "203.0.113.9", "port": 443, "proto": "tcp", "state": "SF"}
        for hour in range(9)
    ]
    assert judged({"events": events})[0] == []


def test_a_finding_stays_the_same_when_evidence_is_added() -> None:
    entry = {"table": "flow", "at": "2026-01-05T08:00:00", "every": 60, "source": "10.0.0.5"}
    entry |= {"target": "203.0.113.9", "port": 443, "proto": "tcp", "state": "SF"}
    uids = [judged({"events": [entry | {"times": times}]})[0][0]["finding_uid"] for times in (100, 200)]
    assert uids[0] == uids[1]


def test_what_had_nothing_to_read_is_said() -> None:
    _, notes = judged({"events": [{"table": "ntlm", "at": "2026-01-05T08:00:00", "source": "10.0.0.5"}]})
    assert "beacons" in notes[0]
    assert "no flow" in notes[0]
    assert judged({"events": []}) == ([], [])
    # Windows has a log of NTLM as well: no connection is in it, so nothing is wanting.
    assert judged({"events": [{"table": "ntlm", "at": "2026-01-05T08:00:00", "host": "srv9"}]}) == ([], [])


ODD = ("", "-", "fe80::1%eth0", "::ffff:10.0.0.5", "not an address", "999.1.1.1", "[", "\u202e\x00\x1b[31m", "a" * 5000, "10.0.0.5", "203.0.113.9",
       "\\\\x\\ADMIN$", "[]", "nan", "inf", "-1", "1e400", "99999999999999999999", "$", "%", "/", "..", "xn--", "=?utf-8?", "T", "F")  # fmt: skip
NUMBERS = (0.0, -1.0, 1e300, float("inf"), float("nan"), 65_536.0, 443.0, 1e12, None)
TIMES = (-62_135_596_800_000_000, 0, 1_767_600_000_000_000, 1_767_600_000_000_001, 253_402_300_799_000_000)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_evidence_says_no_question_fails(seed: int) -> None:
    chance = random.Random(seed)

    def odd(field: pa.Field) -> Any:
        if field.name == "time":
            return chance.choice(TIMES) + chance.randrange(1000)
        if field.name in ("tenant", "evidence"):
            return "north"
        if field.name in ("event_uid", "record"):
            return f"{chance.getrandbits(128):032x}" if field.name == "event_uid" else chance.randrange(99)
        return chance.choice(NUMBERS) if pa.types.is_floating(field.type) else chance.choice((*ODD, None))

    batches = [
        pa.RecordBatch.from_pylist(
            [{field.name: odd(field) for field in one.schema()} for _ in range(200)], one.schema()
        )
        for one in traffic.QUESTIONS
    ]
    found, notes = traffic.judge(iter(batches), Directory())
    assert found.schema == FINDING
    assert [note for note in notes if "failed" in note] == []


def test_a_question_that_fails_is_named_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> Iterator[Any]:
        raise ValueError("a name")

    monkeypatch.setattr(JUDGES[0], "judge", broken)
    events = [
        {
            "table": "flow",
            "at": "2026-01-05T08:00:00",
            "times": 40,
            "every": 1,
            "source": "10.0.0.5",
            "target": "10.0.1.{n}",
        }
    ]
    found, notes = judged({"events": [events[0] | {"port": 445, "proto": "tcp", "state": "S0"}]})
    assert [row["rule"] for row in found] == ["scan-hosts"]
    assert any("beacons failed in north: ValueError: a name" in note for note in notes)


@pytest.mark.parametrize(
    ("entry", "parts"),
    [
        ("10.0.0.5", ("10.0.0.5", 0)),
        ("10.0.0.0/8:445", ("10.0.0.0/8", 445)),
        ("*.update.example:443", ("*.update.example", 443)),
        ("2001:db8::1", ("2001:db8::1", 0)),
        ("[2001:db8::1]:443", ("2001:db8::1", 443)),
    ],
)
def test_what_is_expected_is_an_address_a_network_or_a_name(entry: str, parts: tuple[str, int]) -> None:
    assert scene.parted(entry) == parts


def test_the_detector_is_registered_as_others_would_be() -> None:
    found = {one.name: one for one in plugins.discover(plugins.DETECTORS)}
    assert isinstance(found["traffic"].object, plugins.Overall)


def in_minutes(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same events under a clock that knows minutes only: many have one time."""
    return batch.set_column(
        batch.schema.get_field_index("time"),
        batch.schema.field("time"),
        pc.floor_temporal(batch.column("time"), unit="minute"),
    )


@pytest.mark.parametrize(("name", "case"), list(cases()))
def test_what_is_found_does_not_hang_on_the_order_of_events(name: str, case: dict[str, Any]) -> None:
    """Workers hand on what they read as they come to it: the same evidence gives the same findings, by their ids."""
    given = [in_minutes(batch) for batch in traffic_events.batches(case["events"])]
    chance = random.Random(name)
    mixed = [batch.take(chance.sample(range(batch.num_rows), batch.num_rows)) for batch in given]
    one, other = (
        {row["finding_uid"] for row in traffic.judge(batches, Directory({}))[0].to_pylist()}
        for batches in (given, mixed)
    )
    assert one == other


@pytest.mark.parametrize("width", [3, 1 << 16, 1 << 31])
@pytest.mark.parametrize("count", [0, 1, 3000])
def test_rows_are_grouped_by_all_their_texts_in_the_order_of_time(count: int, width: int) -> None:
    """However many bits the texts take: with their places as one number, numbered anew, or by themselves."""
    chance = np.random.default_rng(7)
    codes = [(chance.integers(0, width, count) // 7 * 7 - 1).astype(np.int32) for _ in range(4)]
    texts = {str(at): Texts(one, []) for at, one in enumerate(codes)}
    rows = Rows("flow", np.arange(count), np.zeros(count, "S16"), np.zeros(count), texts, {})
    wanted: dict[tuple[int, ...], list[int]] = {}
    for place, key in enumerate(zip(*(one.tolist() for one in codes), strict=True)):
        if min(key) >= 0:
            wanted.setdefault(key, []).append(place)
    assert sorted(one.tolist() for one in rows.groups(*texts)) == sorted(wanted.values())


def test_what_one_question_found_before_it_failed_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    case = yaml.safe_load((CASES / "long" / "case.yaml").read_text("utf-8"))["cases"]
    case = next(one for one in case.values() if one["expect"])
    judge = next(one for one in JUDGES if one.__name__.endswith(".long")).judge

    def fails(traffic: Any) -> Iterator[Any]:
        yield from judge(traffic)
        raise ValueError("broken")

    before, _ = judged(case)
    monkeypatch.setattr("kazami.detect.network.traffic.long.judge", fails)
    found, notes = judged(case)
    assert [row["finding_uid"] for row in found] == [row["finding_uid"] for row in before]
    assert any("long connections failed in north: ValueError: broken" in note for note in notes)
