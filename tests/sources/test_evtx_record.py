"""Three ways lead from a record to its cells, and all to the same: as one of a known kind, as the first, as any other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cells import by_uid, rejects
from evtx import PyEvtxParser
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.model.evidence import Evidence
from kazami.sources import evtx_decoder, evtx_record, windows
from kazami.sources.columns import Columns
from kazami.sources.evtx_decoder import Decoders

SYSMON = "Microsoft-Windows-Sysmon/Operational"


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    forget()
    yield
    forget()


def forget() -> None:
    evtx_record._kinds.clear()
    evtx_record._decoders = Decoders()


def columns() -> Columns:
    return Columns(Evidence("a.evtx", "ab" * 8, "acme", 0, open=lambda: pytest.fail("not to be opened")))


def event(data: Any = ..., time: Any = "2020-10-05T22:43:58.123456Z", **system: Any) -> dict[str, Any]:
    """A record as the library gives it, its system part in Windows' order."""
    whole = {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon", "Guid": "5770385F-C22A-43E0-BF4C-06F5698FFBD9"}},
        "EventID": 1,
        "Version": 5,
        "Level": 4,
        "Task": 1,
        "Opcode": 0,
        "Keywords": "0x8000000000000000",
        "TimeCreated": {"#attributes": {"SystemTime": time}},
        "EventRecordID": 7,
        "Correlation": None,
        "Execution": {"#attributes": {"ProcessID": 4, "ThreadID": 8}},
        "Channel": SYSMON,
        "Computer": "ws01",
        "Security": {"#attributes": {"UserID": "S-1-5-18"}},
        **system,
    }  # fmt: skip
    kept = {name: value for name, value in whole.items() if value is not ...}
    inner: dict[str, Any] = {
        "#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"}
    }
    inner["System"] = kept
    if data is not ...:
        inner["EventData"] = data
    return {"Event": inner}


def as_known(raws: list[str]) -> Columns:
    """All kinds are known before, where they can be."""
    forget()
    add_all(evtx_record.add, raws)
    return add_all(evtx_record.add, raws)


def as_first(raws: list[str]) -> Columns:
    def add(raw: str, record: int, into: Columns) -> None:
        forget()
        evtx_record.add(raw, record, into)

    return add_all(add, raws)


def as_odd(raws: list[str]) -> Columns:
    return add_all(evtx_record.add_odd, raws)


def add_all(add: Callable[[str, int, Columns], None], raws: list[str]) -> Columns:
    into = columns()
    for number, raw in enumerate(raws, 1):
        add(raw, number, into)
    assert into.rows + sum(row["count"] for row in into._rejects) == len(raws)
    return into


def same(raws: list[str]) -> None:
    """Each way gives the same batches, cell by cell, and the same rejects."""
    wanted = list(as_odd(raws).rest())
    for way in (as_first, as_known, as_known):
        found = list(way(raws).rest())
        assert by_uid(found) == by_uid(wanted)
        assert rejects(found) == rejects(wanted)
    for batch in wanted:
        batch.validate(full=True)


def known(raws: list[str]) -> int:
    """How many of the records took the quick way: they leave no full plan behind."""
    forget()
    add_all(evtx_record.add, raws)
    with pytest.MonkeyPatch.context() as patch:
        slow = []
        patch.setattr(evtx_record, "_put", lambda *_: slow.append(1))
        into = columns()
        for number, raw in enumerate(raws, 1):
            evtx_record.add(raw, number, into)
    return len(raws) - len(slow)


USUAL = [
    event({"Image": "C:\\a.exe", "ProcessId": 4, "Hashes": "MD5=1,SHA1=2"}),
    event({"Image": "C:\\b.exe", "ProcessId": 5, "Hashes": None}),
    event({"Image": "", "ProcessId": 0, "Hashes": "x"}, Correlation={"#attributes": {"ActivityID": "A-1"}}),
    event({"Image": "日本\u2028\"\\", "ProcessId": 2**64 - 1, "Hashes": "\0\u0001"}, Execution=None, Security=None),
    event({"Image": True, "ProcessId": False, "Hashes": 1.5}, Computer=None, EventRecordID=2**63),
    event({"Image": 1, "ProcessId": 1.0, "Hashes": -1}, time="not a time"),
    event({"Image": "a"}),
    event({"Image": "a", "Other": "b"}),
    event(None),
    event({}),
    event({"a": 1}, EventID={"#text": 4, "#attributes": {"Qualifiers": 16384}}),
    event({"a": 1}, Version=..., Opcode=...),
    event({"a": 1}, Provider={"#attributes": {"Name": "P"}}),
    event({"a": 1}, Provider={"#attributes": {"Name": "P", "EventSourceName": "Q"}}, Channel="Security"),
    event({"a": 1}, Provider={"#attributes": {"Name": "P", "EventSourceName": "Q"}}, Channel="System"),
    event({"a": 1}, Execution={"#attributes": {"ProcessID": 1, "ThreadID": 2, "KernelTime": 3, "UserTime": 4}}),
    event({"a": 1}, Correlation={"#attributes": {"ActivityID": "A", "RelatedActivityID": "B"}}),
    event({"LogonType": 3, "TargetUserName": "x"}, EventID=4624, Channel="Security"),
    event({"EventType": "CreateKey", "TargetObject": "HKLM\\x"}, EventID=12),
    event({"EventType": "DeleteValue", "TargetObject": "HKLM\\x"}, EventID=12),
    event({"EventType": None, "TargetObject": "HKLM\\y"}, EventID=12),
    event({"Channel": "of the data", "EventID": "of the data", "Computer": "z", "host": "h", "time": "t"}),
]  # fmt: skip

ODD: list[Any] = [
    event({"Certificate": "a", "Certificate_1": "b", "Certificate_x": "c", "d_1": "e"}),
    event(
        {"Data": "HostApplication=powershell.exe\r\n\tHostVersion=5.1"},
        Provider={"#attributes": {"Name": "PowerShell"}},
    ),
    event({"Data": "none"}, Provider={"#attributes": {"Name": "PowerShell"}}),
    event(),
    event({"Data": ["a", "b", None, 1]}),
    event({"Data": {"#text": ["a", "b"]}, "Binary": "00FF"}),
    event({"Data": []}),
    event({"a": {"b": {"c": 1}}, "d": [{"e": 1}, {"e": 2}]}),
    event({"a": {"#attributes": {"x": "y"}, "#text": "z"}}),
    event("text"),
    event(["a", "b"]),
    event(17),
    {"Event": {"System": {"Channel": "System"}, "UserData": {"Log": {"User": "x", "Deep": {"er": 1}}}}},
    {"Event": {"System": None}},
    {"Event": {}},
    {"Event": {"EventData": {"a": 1}}},
    {"System": {"EventID": 1}},
    event({"a": 1}, EventID="4688"),
    event({"a": 1}, EventID=True),
    event({"a": 1}, EventID=1.0),
    event({"a": 1}, EventID=2**63),
    event({"a": 1}, EventID={"#text": "17"}),
    event({"a": 1}, EventID=[1, 2]),
    event({"a": 1}, Channel=["a", "b"]),
    event({"a": 1}, Channel=True),
    event({"a": 1}, Channel={"#text": "Security"}),
    event({"a": 1}, Provider={"#attributes": {"Name": ["a", "b"]}}),
    event({"a": 1}, Provider="P"),
    event({"a": 1}, Provider=None),
    event({"a": 1}, TimeCreated=None),
    event({"a": 1}, TimeCreated="2020-10-05T22:43:58Z"),
    event({"a": 1}, TimeCreated={"#attributes": {"SystemTime": ["x", "y"]}}),
    event({"a": 1}, TimeCreated={"#attributes": {"SystemTime": 5}}),
    event({"a": 1}, Unknown={"#attributes": {"b": 1}}),
    event({"a": 1}, EventID_1=5),
    event({"a": 1}, Execution={"#attributes": {"ProcessID": "0x4"}}),
    event({"a": 1}, Computer=["a", "b"]),
    event({"a": 1}, Level="4"),
    event({'quo"te': 1, "back\\slash": 2, "con\ntrol": 3, "": 4}),
    event({"#text": 1, "#attributes": {"a": 1}, "TimeCreated": 3}),
    event({f"field{number}": number for number in range(150)}),
    event({f"field{number}": number for number in range(100)}),
    {"Event": {"EventData": {"TimeCreated": "x"}, **event()["Event"]}},
    {"Event": "text"},
    {"Event": None},
    {"Event": [1]},
    [],
    "text",
    None,
    17,
]


def test_usual_records_are_the_same_on_each_way() -> None:
    raws = [json.dumps(one) for one in USUAL]
    same(raws)
    assert known(raws) >= len(raws) - 4  # some of one beginning are more than are remembered


def test_odd_records_are_the_same_on_each_way() -> None:
    same([json.dumps(one) for one in ODD])


@pytest.mark.parametrize("one", ODD, ids=range(len(ODD)))
def test_each_odd_record_alone_and_twice(one: Any) -> None:
    same([json.dumps(one)])
    same([json.dumps(one), json.dumps({"Event": {"System": {"EventRecordID": 9}}}), json.dumps(one) + " "])


@pytest.mark.parametrize(
    "raw", ["", "{", "nonsense", '{"Event":', '"', "[[[[", '{"Event":{"System":{"TimeCreated":', "\0"]
)
def test_what_is_no_record_is_rejected_with_its_number(raw: str) -> None:
    into = columns()
    evtx_record.add(raw, 17, into)
    (found,) = into.rest()
    (row,) = found.to_pylist()
    assert row["place"] == "record 17"
    assert row["reason"].startswith("not an event: ")


def test_records_out_of_order_keep_their_own_values() -> None:
    """Whoever writes TimeCreated first cannot make others of the same beginning look like the first."""

    def early(number: int, **more: Any) -> dict[str, Any]:
        inner = event({"a": 1})["Event"]
        system = {
            "TimeCreated": inner["System"].pop("TimeCreated"),
            **inner["System"],
            "EventID": number,
            **more,
        }
        return {"Event": {**inner, "System": system}}

    def late(**more: Any) -> dict[str, Any]:
        return event({"a": 1}, **{"Level": ..., "Version": ..., **more})

    raws = [
        early(1),
        early(4688, Channel="Security"),
        early(3, Level=0),
        late(),
        late(EventRecordID=8),
        late(Level=2),
        late(Version=9),
    ]
    raws += [
        {
            "Event": {
                "EventData": {"b": number, "TimeCreated": "x"},
                "System": event(EventID=number)["Event"]["System"],
            }
        }
        for number in (1, 3, 11)
    ]
    same([json.dumps(one) for one in raws])


SCALARS = st.one_of(
    st.none(), st.booleans(), st.sampled_from(["", "a", "1", "true", "CreateKey", "%%1904", "File", "\0", "日"]),
    st.integers(-2, 2), st.integers(0, 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=4),
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(["Image", "EventType", "ObjectType", "a", "TimeCreated", "#text"]), st.text(max_size=3)
)
DATA = st.one_of(
    st.dictionaries(NAMES, SCALARS, max_size=4),
    st.dictionaries(NAMES, st.one_of(SCALARS, st.lists(SCALARS, max_size=2)), max_size=3),
    st.sampled_from([None, {}, "text", ...]),
)
CHANGES = st.dictionaries(
    st.sampled_from(["EventID", "Level", "Channel", "Provider", "Keywords", "Correlation", "Execution", "Security", "Computer"]),
    st.one_of(
        st.just(...), st.none(), st.sampled_from([1, 12, 4657, 4663]), st.sampled_from(["Security", SYSMON]), SCALARS,
        st.just({"#attributes": {"Name": "P"}}), st.just({"#text": 4656, "#attributes": {"Qualifiers": 0}}),
    ),
    max_size=2,
)  # fmt: skip


@st.composite
def records(draw: st.DrawFn) -> str:
    one = event(draw(DATA), **draw(CHANGES))
    system = one["Event"]["System"]
    if draw(st.integers(0, 5)) == 0:
        one["Event"]["System"] = {name: system[name] for name in draw(st.permutations(list(system)))}
    if draw(st.integers(0, 5)) == 0:
        one["Event"] = {name: one["Event"][name] for name in draw(st.permutations(list(one["Event"])))}
    return json.dumps(one, ensure_ascii=draw(st.booleans()))


@settings(max_examples=120, deadline=None)
@given(st.lists(records(), min_size=1, max_size=6, unique=True))
def test_any_records_are_the_same_on_each_way(raws: list[str]) -> None:
    same(raws)


def test_real_records_are_the_same_on_each_way(shared: Path) -> None:
    seen = quick = 0
    for path in sorted((shared / "evtx-attack-samples").rglob("*.evtx"))[::5]:
        raws = []
        source = iter(PyEvtxParser(str(path)).records_json())
        while True:
            try:
                raws += [record["data"] for record in source]
                break
            except RuntimeError:
                continue
        raws = list(dict.fromkeys(raws))[:150]
        same(raws)
        seen += len(raws)
        quick += known(raws)
    assert seen > 500
    assert quick > 0.7 * seen


def test_kinds_with_equal_beginnings_are_told_apart_by_their_fields() -> None:
    few = [json.dumps(event({f"f{number % 5}": number, "EventRecordID": number})) for number in range(40)]
    assert known(few) == 40
    same(few)
    many = [json.dumps(event({f"f{number % 9}": number})) for number in range(40)]
    same(many)
    forget()
    add_all(evtx_record.add, many)
    (kind,) = evtx_record._kinds.values()
    several = 0
    while kind is not None:
        several, kind = several + 1, kind.other
    assert several == evtx_record.MAX_OTHERS + 1


def test_what_evidence_invents_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evtx_record, "MAX_KINDS", 20)
    monkeypatch.setattr(evtx_decoder, "MAX_DECODED", 300)
    raws = [json.dumps(event({f"f{number}": number}, Task=number)) for number in range(100)]
    same(raws)
    forget()
    for number, raw in enumerate(raws):
        evtx_record.add(raw, number, columns())
        assert len(evtx_record._kinds) <= 20
    assert len(evtx_record._decoders._made) <= 300 // 11 + 1


def test_long_beginnings_and_records_without_time_are_not_remembered() -> None:
    raws = [json.dumps(event({"a": 1}, Keywords="x" * size)) for size in (100, 5000, 60_000)]
    raws += [json.dumps(event({"a": number}, TimeCreated=...)) for number in range(3)]
    same(raws)
    forget()
    add_all(evtx_record.add, raws)
    assert len(evtx_record._kinds) == 1
    assert max(map(len, evtx_record._kinds)) <= evtx_record.MAX_PREFIX


def test_the_plan_of_a_kind_outlives_the_cache_of_plans() -> None:
    """Plans are told apart by themselves: an address alone may soon be that of another plan."""
    raw = json.dumps(event({"EventType": "CreateKey", "TargetObject": "x"}, EventID=12))
    evtx_record.add(raw, 1, columns())
    (kind,) = evtx_record._kinds.values()
    assert kind is not None
    for round_ in range(600):
        value = ("CreateKey", "DeleteKey", "else")[round_ % 3]
        windows._plans._plans.clear()
        windows._plans_over._plans.clear()
        whole = windows.plan(SYSMON, kind.provider, 12, kind.keys, (value,))
        assert kind.plan((value,)).route == whole.route


def test_one_kind_from_two_files_in_one_batch() -> None:
    into = columns()
    raw = [json.dumps(event({"a": number})) for number in range(4)]
    for number, one in enumerate(raw):
        if number == 2:
            into.begin(Evidence("b.evtx", "cd" * 8, "other", 0, open=lambda: pytest.fail("not to be opened")))
        evtx_record.add(one, number, into)
    (batch,) = into.rest()
    assert sorted(zip(batch.column("record").to_pylist(), batch.column("tenant").to_pylist(), strict=True)) == [
        (0, "acme"), (1, "acme"), (2, "other"), (3, "other"),
    ]  # fmt: skip
