"""JSON: how values are told apart, what is strange or broken, and that nothing is lost quietly."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reads import evidence, read

from kazami.model.event import Route
from kazami.sources import json_frames, json_shape, json_values, jsonl, plan_cache, windows_kind

RECORDS = [{"n": n, "text": f'é {n} \\ " \n', "deep": {"list": [n, {"x": n}]}} for n in range(1, 6)]


def numbers(text: bytes | str) -> list[str]:
    """Field ``n`` of every event, in the order of the file."""
    found = read(jsonl, text)
    assert found.rejects == []
    return [event["n"] for event in found.own]


def test_an_empty_object_is_no_event() -> None:
    found = read(jsonl, '{"n": 1}\n{}\n{"n": 2}')
    assert [event["n"] for event in found.own] == ["1", "2"]
    assert found.reasons == ["record 2: an empty object is no event"]


def lines(indent: int | None = None) -> str:
    return "\n".join(json.dumps(record, ensure_ascii=False, indent=indent) for record in RECORDS)


FRAMINGS: dict[str, Callable[[], str | bytes]] = {
    "lines": lines,
    "lines, the last ended": lambda: lines() + "\n",
    "lines, ended as on Windows": lambda: lines().replace("\n", "\r\n"),
    "lines, blank ones between": lambda: lines().replace("\n", "\n\n \t\n"),
    "lines with commas": lambda: lines().replace("\n", ",\n"),
    "a sequence of RFC 7464": lambda: "\x1e" + lines().replace("\n", "\n\x1e"),
    "lines padded with NUL": lambda: lines() + "\0" * 100,
    "an array": lambda: json.dumps(RECORDS),
    "an array, element by line": lambda: "[" + lines().replace("\n", ",\n") + "]",
    "an array, brackets on their own lines": lambda: "[\n" + lines().replace("\n", ",\n") + "\n]\n",
    "an array, pretty": lambda: json.dumps(RECORDS, indent=2),
    "an array by line": lambda: "\n".join(json.dumps([record]) for record in RECORDS),
    "pretty, one after the other": lambda: lines(2),
    "one after the other on a line": lambda: "".join(json.dumps(record) for record in RECORDS),
    "an export": lambda: json.dumps({"Records": RECORDS}),
    "an export, pretty, with more around": lambda: json.dumps(
        {"@odata.context": "https://x", "count": 5, "value": RECORDS, "@odata.nextLink": "https://y"},
        indent=1,
    ),
    "as evtx_dump numbers them": lambda: "".join(
        f"Record {r['n']}\n{json.dumps(r, indent=2)}\n" for r in RECORDS
    ),
    "as evtx_dump numbers them, on Windows, without indents": lambda: "".join(
        f"Record {r['n']}\r\n{json.dumps(r)}\r\n" for r in RECORDS
    ),
    "results of Splunk": lambda: json.dumps(
        {"preview": False, "init_offset": 0, "messages": [], "fields": [{"name": "n"}], "results": RECORDS}
    ),
    "results of Splunk, pretty": lambda: json.dumps(
        {"preview": False, "init_offset": 0, "messages": [], "fields": [{"name": "n"}], "results": RECORDS},
        indent=1,
    ),
    "several exports": lambda: json.dumps({"events": RECORDS[:2]}) + json.dumps({"events": RECORDS[2:]}),
    "hits of a search": lambda: json.dumps(
        {
            "took": 1,
            "_shards": {"total": 1},
            "hits": {"total": {"value": 5}, "hits": [{"_index": "i", "_source": r} for r in RECORDS]},
        }
    ),
    "hits of a search, pretty": lambda: json.dumps(
        {"took": 1, "hits": {"total": 5, "hits": [{"_index": "i", "_source": r} for r in RECORDS]}}, indent=2
    ),
    "UTF-8 with its mark": lambda: b"\xef\xbb\xbf" + lines().encode(),
    "UTF-16, little": lambda: lines().encode("utf-16"),
    "UTF-16, big": lambda: b"\xfe\xff" + lines().encode("utf-16-be"),
    "UTF-16 without its mark": lambda: lines().encode("utf-16-le"),
    "UTF-16, big, without its mark": lambda: lines().encode("utf-16-be"),
    "UTF-16, pretty": lambda: lines(2).encode("utf-16"),
}


@pytest.mark.parametrize("name", FRAMINGS)
def test_every_framing_gives_the_same(name: str) -> None:
    text = FRAMINGS[name]()
    assert numbers(text) == ["1", "2", "3", "4", "5"]
    head = text if isinstance(text, bytes) else text.encode()
    assert jsonl.confidence("x", head) >= 0.3 or name == "UTF-16, big, without its mark"


@pytest.mark.parametrize("name", ["lines", "an array, pretty", "pretty, one after the other"])
def test_original_text_is_kept_whole(name: str) -> None:
    found = read(jsonl, FRAMINGS[name]())
    assert [json.loads(event["raw"]) for event in found.own] == RECORDS
    assert all(event["raw"] in FRAMINGS[name]() for event in found.own)


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("name", FRAMINGS)
def test_blocks_of_any_size(name: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_frames, "BLOCK", size)
    monkeypatch.setattr(json_values, "BLOCK", size)
    assert numbers(FRAMINGS[name]()) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("text", "kept", "reasons"),
    [
        ("", [], []),
        ("\n\n", [], []),
        ('{"n":1}\n{"n":2', ["1"], ["line 2: not a JSON object"]),
        ('n":0}\n{"n":1}\n{"n":2}', ["1", "2"], ["line 1: not a JSON object"]),
        ('{"n":1}\nhello\n{"n":2}\n', ["1", "2"], ["line 2: not a JSON object"]),
        ('{"n":1}\n17\n"x"\n[1]\nnull\n{"n":2}', ["1", "2"], ["line 2", "line 3", "line 4", "line 5"]),
        ('[{"n":1},{"n":2},{"n":', ["1", "2"], ["value 3, character 17: not JSON", "an array is not closed"]),
        ('[{"n":1},{"n":2}', ["1", "2"], ["an array is not closed"]),
        ('[{"n":1},{"n":oops},{"n":3}]', ["1", "3"], ["value 2, character 9: not JSON"]),
        ('[{"n":1},{"n":"x\n"},{"n":"y},\n{"n":3}]', ["1", "x\n", "3"], ["value 3"]),
        ('[\n {\n  "n": 1\n },\n {\n  "n": 2\n {\n  "n": 3\n }\n]', ["1", "3"], ["value 2"]),
        ("[" * 100_000, [], ["an array is not closed"]),
        ('{"n":1}\n{"a":' + "[" * 200_000 + "]" * 200_000 + "}", ["1"], ["line 2: nested too deeply"]),
        ('{"n":1}\n' + '{"a":' * 200_000 + "1" + "}" * 200_000, ["1"], ["line 2: nested too deeply"]),
    ],
)
def test_broken(text: str, kept: list[str], reasons: list[str]) -> None:
    found = read(jsonl, text)
    assert [event["n"] for event in found.own] == kept
    assert len(found.reasons) == len(reasons), found.reasons
    for reason, said in zip(reasons, found.reasons, strict=True):
        assert reason in said


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'{"v":"a\u0000b"}', "a\0b"),
        (r'{"v":"\ud83d\ude00"}', "😀"),
        (r'{"v":"x\ud83dy"}', "x\ufffd\ufffd\ufffdy"),
        ('{"v":"a\x01b"}', "a\x01b"),
        ('{"v":12345678901234567890123}', "12345678901234567890123"),
        ('{"v":-9223372036854775809}', "-9223372036854775809"),
        ('{"v":1.0}', "1"),
        ('{"v":1e400}', "inf"),
        ('{"v":NaN}', "nan"),
        ('{"v":true}', "true"),
        ('{"v":[]}', ""),
        ('{"v":{"a":{}}, "v":1}', "1"),
        ('{"v":[1,"a",null,true]}', ["1", "a", None, "true"]),
    ],
)
def test_strange_values(text: str, value: Any) -> None:
    found = read(jsonl, text)
    assert found.rejects == []
    (event,) = found.events
    assert event["v"] == value


def test_invalid_utf8_is_read_and_said() -> None:
    found = read(jsonl, b'{"v":"a\xffb","n":1}\n{"n":2}\n')
    assert [event["n"] for event in found.own] == ["1", "2"]
    assert found.own[0]["v"] == "a\ufffdb"
    (reject,) = found.rejects
    assert (reject["place"], reject["count"]) == ("line 1", 0)
    assert "invalid UTF-8" in reject["reason"]


def test_invalid_utf8_in_an_array() -> None:
    found = read(jsonl, b'[{"v":"a\xffb"}]')
    assert found.own[0]["v"] == "a\ufffdb"
    assert [reject["count"] for reject in found.rejects] == [0]


def test_a_question_mark_in_the_evidence_is_not_invalid() -> None:
    assert read(jsonl, '[{"v":"\ufffd"}]').rejects == []


def test_line_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_frames, "MAX_VALUE", 1000)
    monkeypatch.setattr(json_frames, "BLOCK", 64)
    long = '{"n":"' + "x" * 5000 + '"}'
    found = read(jsonl, f'{{"n":1}}\n{long}\n{{"n":3}}\n')
    assert [(event["n"], event["record"]) for event in found.own] == [("1", 1), ("3", 3)]
    (reject,) = found.rejects
    assert reject["place"] == "line 2, byte 8"
    assert reject["count"] == 1
    assert len(reject["sample"]) == 200


def test_value_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "MAX_VALUE", 1000)
    monkeypatch.setattr(json_values, "BLOCK", 64)
    long = '{"n": "' + "x" * 5000 + '"}'
    found = read(jsonl, f'[{{"n": 1}}, {long}, {{"n": 3}}]')
    assert [event["n"] for event in found.own] == ["1", "3"]
    assert [reject["reason"] for reject in found.rejects] == ["longer than 0 MiB"]


def test_a_huge_line_takes_little_memory() -> None:
    data = b'{"n":1}\n{"n":"' + b"x" * (40 << 20) + b'"}\n{"n":3}\n'
    tracemalloc.start()
    found = read(jsonl, data)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [event["n"] for event in found.own] == ["1", "3"]
    assert most < 80 << 20


def test_an_array_is_not_held_whole() -> None:
    data = b"[" + b",".join(b'{"n":%d,"t":"%s"}' % (n, b"x" * 1000) for n in range(30_000)) + b"]"
    tracemalloc.start()
    values = sum(len(block.texts) for block in json_values.value_blocks(io.BytesIO(data), b"", _refuse))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert values == 30_000
    assert most < len(data) / 3


def _refuse(place: str, reason: str, count: int, sample: str | bytes) -> None:
    raise AssertionError((place, reason))


def test_too_deep_a_value_in_an_array() -> None:
    found = read(jsonl, '[{"n":1},' + '{"n":' * 200_000 + "1" + "}" * 200_000 + ',{"n":3}]')
    assert [found.own[0]["n"], found.own[-1]["n"]] == ["1", "3"]
    assert "value 2, character 9: nested too deeply" in found.reasons


@pytest.mark.parametrize("bomb", ['{"a":', '[{"a":', '{"a":[1,', '[[1],{"b":2,"a":', '{"a":1}}', '{"a":"'])
def test_bombs_take_linear_time(bomb: str) -> None:
    """Were any part of these looked at again and again, this would not end."""
    found = read(jsonl, bomb * 20_000)
    assert found.rejects


def test_record_is_the_number_of_the_line() -> None:
    found = read(jsonl, '\n{"n":1}\n\n[{"n":2},{"n":3}]\n{"n":4}')
    assert [(event["n"], event["record"]) for event in found.own] == [("1", 2), ("2", 4), ("3", 4), ("4", 5)]


def test_five_thousand_fields() -> None:
    record = {f"f{n}": n for n in range(6000)}
    found = read(jsonl, json.dumps(record) + "\n" + json.dumps({"g": 1, "f0": 2}))
    first, second = found.own
    assert first["f4999"] == "4999"
    assert "f5000" not in first
    assert second["f0"] == "2"
    assert "g" not in second
    assert json.loads(first["raw"]) == record
    assert [(reject["place"], reject["count"]) for reject in found.rejects] == [
        ("record 1", 0),
        ("record 2", 0),
    ]


def test_a_flood_of_names_hides_none_of_another_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_cache, "MAX_NAMES", 50)
    flood = [{"Channel": "Contoso", "EventID": n, f"f{n}": n} for n in range(60)]
    event = {"Channel": "Security", "EventID": 4688, "NewProcessName": "C:\\a.exe", "Computer": "ws1"}
    found = read(jsonl, "\n".join(map(json.dumps, [*flood, event])))
    assert found.of("process_creation")[0]["Image"] == "C:\\a.exe"
    assert len(found.own) == 61
    assert found.rejects


def test_many_shapes_and_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows_kind, "MAX_CHANNELS", 20)
    monkeypatch.setattr(json_shape, "MAX_SHAPES", 10)
    monkeypatch.setattr(windows_kind, "_channels", {})
    records = [{"Channel": f"many{n}", "EventID": n, f"x{n % 70}": 1} for n in range(500)]
    found = read(jsonl, "\n".join(map(json.dumps, records)))
    assert found.rejects == []
    assert len(found.own) == 500
    assert len({event["#table"] for event in found.own}) == 21


def test_kinds_mixed_in_one_file() -> None:
    records = [
        {"Event": {"System": {"EventID": 1, "Channel": "System"}}},
        {"Channel": "Security", "EventID": 4624},
        {"eventSource": "x", "eventName": "y", "awsRegion": "z"},
        {"a": 1},
    ]
    found = read(jsonl, "\n".join(map(json.dumps, records * 2)))
    assert [event["#table"] for event in found.own] == ["system", "security", "aws.cloudtrail", "json"] * 2


def test_equal_records_are_told_apart_unless_they_name_themselves() -> None:
    plain = read(jsonl, '{"a":1}\n{"a":1}')
    assert len({event["event_uid"] for event in plain.own}) == 2
    named = '{"Channel":"System","EventID":1,"RecordNumber":5}'
    assert len({event["event_uid"] for event in read(jsonl, f"{named}\n{named}").own}) == 1
    unnamed = '{"Channel":"System","EventID":1,"RecordNumber":null}'
    assert len({event["event_uid"] for event in read(jsonl, f"{unnamed}\n{unnamed}").own}) == 2


@pytest.mark.parametrize(
    ("name", "head", "low", "high"),
    [
        ("a.json", b'{"a":1}\n', 0.9, 1.0),
        ("x", b'[{"a":', 0.9, 1.0),
        ("x", b"[2024-01-01 10:00:00] error {", 0.0, 0.2),
        ("a.log", b"Nov 22 05:52:59 web01 sshd[812]: x", 0.0, 0.0),
        ("a.json", b"garbage\n{", 0.1, 0.3),
        ("x", b"", 0.0, 0.0),
        ("x", b"<Event>", 0.0, 0.0),
        ("x", b"{not json", 0.0, 0.3),
        ("x", b'\xff\xfe{\0"\0', 0.9, 1.0),
        ("x", b"[" * 60_000, 0.1, 0.9),
    ],
)
def test_confidence(name: str, head: bytes, low: float, high: float) -> None:
    assert low <= jsonl.confidence(name, head) <= high


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
WORDS = """
    Event System EventData Channel EventID winlog event_data log_name event_id host user ActionType DeviceName time ts
    eventSource eventName awsRegion Records value hits _source result _raw Payload @timestamp event.category _path data
    Message EventTime TimeCreated Provider AdditionalFields win #text #attributes protoPayload category
"""
KEYS = st.sampled_from(WORDS.split())


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.dictionaries(KEYS | st.text(max_size=5), JSON, max_size=6), min_size=1, max_size=4),
    st.booleans(),
)
def test_any_record_is_read_whatever_its_values_are(records: list[dict[str, Any]], array: bool) -> None:
    text = json.dumps(records) if array else "\n".join(map(json.dumps, records))
    found = read(jsonl, text)
    assert all(reject["count"] == 0 or "no event" in reject["reason"] for reject in found.rejects)
    if not any(record.keys() & {*json_values.LISTS, "hits"} for record in records):
        empty = {int(r["place"].removeprefix("record ")) for r in found.rejects if "empty" in r["reason"]}
        assert {event["record"] for event in found.own} | empty == set(range(1, len(records) + 1))


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from([b"", b"{", b"[", b'{"a":1}\n', b"\xff\xfe{\0", b'{"Records":['])
)
def test_garbage_never_raises(data: bytes, start: bytes) -> None:
    jsonl.confidence("x.json", start + data)
    read(jsonl, start + data)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(FRAMINGS)), st.integers(0, 2000))
def test_a_file_cut_anywhere_keeps_what_was_whole(name: str, cut: int) -> None:
    text = FRAMINGS[name]()
    whole = text if isinstance(text, bytes) else text.encode()
    found = read(jsonl, whole[:cut])
    kept = [event.get("n") for event in found.own if "n" in event]
    assert kept == ["1", "2", "3", "4", "5"][: len(kept)]
    if b"UTF" not in name.encode() and name not in ("hits of a search", "an export") and cut < len(whole):
        ended = sum(1 for record in RECORDS if _end(whole, record) <= cut)
        assert len(kept) >= ended


def _end(whole: bytes, record: dict[str, Any]) -> int:
    """Where a record has certainly ended: at the start of the next, or with the file."""
    following = f'"n": {record["n"] + 1}'.encode()
    at = whole.find(following)
    return at if at >= 0 else len(whole)


def test_routes_are_of_the_model() -> None:
    for batch in jsonl.read(evidence(b'{"a":1}\nx\n')):
        assert Route.of(batch)
