"""XML: how events are found, what is strange or broken, and that it says what EVTX says."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reads import read
from windows_text import NAMESPACE, as_xml

from kazami.sources import xml

EVENTS = [
    as_xml(
        {
            "channel": "System",
            "provider": "P",
            "id": n,
            "computer": "ws1",
            "data": {"A": f"é {n} <&>"},
            "record": n,
        }
    )
    for n in range(1, 5)
]

FRAMINGS = {
    "one after the other": "".join(EVENTS),
    "lines": "\n".join(EVENTS),
    "a root": "<?xml version='1.0' encoding='UTF-8' standalone='yes'?><Events>"
    + "\n".join(EVENTS)
    + "</Events>",
    "declarations between": "".join(f'<?xml version="1.0" encoding="utf-8"?>\n{event}\n' for event in EVENTS),
    "numbers between": "".join(f"Record {n}\n{event}\n" for n, event in enumerate(EVENTS)),
    "UTF-16": "\n".join(EVENTS).encode("utf-16"),
    "Windows-1252": b"<?xml version='1.0' encoding='windows-1252'?><Events>"
    + "".join(EVENTS).encode("windows-1252"),
    "a prefix": "".join(EVENTS).replace("<Event ", "<e:Event xmlns:e='x' ").replace("</Event>", "</e:Event>"),
    "a document type before": '<!DOCTYPE x [<!ENTITY a "b">]><Events>' + "".join(EVENTS) + "</Events>",
}


@pytest.mark.parametrize("block", [16, 1 << 20])
@pytest.mark.parametrize("name", FRAMINGS)
def test_every_framing_gives_the_same(name: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "BLOCK", block)
    text = FRAMINGS[name]
    found = read(xml, text)
    assert found.rejects == []
    assert [(event["EventID"], event["A"], event["record"]) for event in found.own] == [
        (str(n), f"é {n} <&>", n) for n in range(1, 5)
    ]
    assert xml.confidence("x.xml", text if isinstance(text, bytes) else text.encode()) >= 0.9


def test_original_text_is_kept_whole() -> None:
    assert [event["raw"] for event in read(xml, FRAMINGS["a root"]).own] == EVENTS


def body(inner: str, system: str = "<EventID>7</EventID><Channel>Application</Channel>") -> str:
    return f"<Event xmlns='{NAMESPACE}'><System>{system}</System>{inner}</Event>"


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (body("<EventData><Data Name='A'></Data><Data Name='B'/></EventData>"), {"A": "", "B": ""}),
        (body("<EventData><Data>a</Data><Data>b</Data><Binary>00</Binary></EventData>"), {"Data": ["a", "b"]}),
        (body("<EventData>text alone</EventData>"), {"Data": "text alone"}),
        (body("<EventData/>"), {"EventID": "7"}),
        (body(""), {"EventID": "7"}),
        (body("<EventData><Data Name='A'>1</Data><Data Name='A'>2</Data></EventData>"), {"A": ["1", "2"]}),
        (body("<EventData Name='X'><ComplexData Name='S'>01</ComplexData></EventData>"),
         {"EventData_Name": "X", "ComplexData": "01", "ComplexData_Name": "S"}),
        (body("<UserData><R xmlns='u'><Path>p</Path><Cert file='f'><Sub>s</Sub></Cert></R></UserData>"),
         {"Path": "p", "Cert_file": "f", "Cert.Sub": "s"}),
        (body("<EventData><Data Name='A'>x</Data></EventData><RenderingInfo Culture='en-US'><Message>M</Message></RenderingInfo>"),
         {"A": "x", "Message": "M"}),
        (body("<EventData><Data Name='A'>&#x1;a\x02b</Data></EventData>"), {"A": "\ufffda\ufffdb"}),
        (body("<EventData><Data Name='A'>&lt;Event&gt;</Data></EventData>"), {"A": "<Event>"}),
        (body("<EventData><Data Name='A'><![CDATA[<b>]]></Data></EventData>"), {"A": "<b>"}),
        (body("", "<Provider Name='P' Guid='{g}'/><EventID Qualifiers='16384'>9</EventID><Channel>System</Channel>"),
         {"EventID": "9", "Provider_Name": "P", "Provider_Guid": "{g}"}),
    ],
)  # fmt: skip
def test_forms_of_data(text: str, fields: dict[str, object]) -> None:
    found = read(xml, text)
    assert found.rejects == []
    (event,) = found.own
    assert {name: event.get(name) for name in fields} == fields


@pytest.mark.parametrize(
    ("text", "kept", "reason"),
    [
        (EVENTS[0] + EVENTS[1][:200], ["1"], "event 2"),
        (EVENTS[0][:300] + EVENTS[1], ["2"], "event 1, character 0: cut off"),
        (EVENTS[0].replace("</System>", "") + EVENTS[1], ["1", "2"], "event 1: not XML"),
        ("<Event></Event>" + EVENTS[0], ["1"], "event 1: an event without System"),
        (body("<EventData><Data Name='A'>&bomb;</Data></EventData>"), ["7"], "event 1: not XML"),
        (body("<EventData><Data Name='A'>a & b</Data></EventData>"), ["7"], "event 1: not XML"),
        (EVENTS[0] + "<Events>" * 20, ["1"], None),
        ("<Event " * 5000, [], "cut off"),
        ("", [], None),
    ],
)
def test_broken(text: str, kept: list[str], reason: str | None) -> None:
    found = read(xml, text)
    assert [event["EventID"] for event in found.own] == kept
    assert bool(found.reasons) == (reason is not None)
    if reason is not None:
        assert reason in found.reasons[0]


def test_entities_are_not_resolved(tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("x") / "secret"
    secret.write_text("do not read")
    start = f'<!DOCTYPE Event [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    found = read(xml, start + body("<EventData><Data Name='A'>&x;</Data></EventData>"))
    assert "do not read" not in repr(found)


def test_an_event_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "MAX_EVENT", 5000)
    monkeypatch.setattr(xml, "BLOCK", 1000)
    found = read(xml, body(f"<EventData><Data>{'x' * 9000}</Data></EventData>") + EVENTS[1])
    assert [event["EventID"] for event in found.own] == ["2"]
    assert len(found.rejects) == 1


def test_depth() -> None:
    deep = "<a>" * 200 + "x" + "</a>" * 200
    (event,) = read(xml, body(f"<UserData><r>{deep}</r></UserData>")).own
    assert event["EventID"] == "7"


def test_many_cut_events_take_linear_time() -> None:
    found = read(xml, "<Event x='1'><System>" * 50_000)
    assert found.own == []
    assert found.rejects


@pytest.mark.parametrize("text", ["", "<Event>", "<a/>", EVENTS[0][:-3], "<Event><System/>"])
def test_parse_event_says_none_where_there_is_none(text: str) -> None:
    assert xml.parse_event(text) is None or "System" in text


def test_parse_event() -> None:
    found = xml.parse_event(EVENTS[0])
    assert found is not None
    assert found[1] == {"A": "é 1 <&>"}


@pytest.mark.parametrize(
    "head", [b"", b"<html>", b"{}", b"<Events>", b"text <Event", b"<EventLog><x/>", b"<!-- --><EventXml/>"]
)
def test_other_files_are_not_taken(head: bytes) -> None:
    assert xml.confidence("x.xml", head) <= 0.1


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 1200), st.integers(0, 40))
@example(b"\0x\0", 1, 3).via("begins like UTF-16")
def test_garbage_never_raises(data: bytes, cut: int, skip: int) -> None:
    whole = "".join(EVENTS).encode()
    text = whole[:cut] + data + whole[cut + skip :]
    xml.confidence("x", text)
    found = read(xml, text)
    assert len(found.own) >= 2 or (not found.own and found.reasons == ["file: no event in it"])
