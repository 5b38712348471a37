"""Single events of a file, in the order of its records, in the words of each log source that they feed."""

from __future__ import annotations

from pathlib import Path

import pytest

import made
from kazami.errors import EvidenceError
from kazami.pipeline import look
from made import Bench, event, events, zipped

SECURITY = {"Channel": "Security", "SourceName": "Microsoft-Windows-Security-Auditing", "Image": None}


def mixed() -> list[dict[str, object]]:
    return [
        event(0),
        event(1, **SECURITY, EventID=4624, TargetUserName="bob"),
        event(2, **SECURITY, EventID=4688, NewProcessName=made.WHOAMI),
        event(3, CommandLine="last"),
    ]


@pytest.mark.parametrize("form", ["jsonl", "evtx", "xml", "zip"])
def test_events_in_the_order_of_the_file(bench: Bench, form: str) -> None:
    if form == "zip":
        path = zipped(
            bench.evidence / "a.zip", {"1.jsonl": made.lines(mixed()[:2]), "2.jsonl": made.lines(mixed()[2:])}
        )
    else:
        maker = {"jsonl": made.lines, "evtx": made.evtx, "xml": made.xml}[form]
        path = bench.put(f"a.{form}", maker(mixed()))
    found = [look.event(path, number) for number in (1, 2, 3, 4)]
    assert [forms[0][0][0].category for forms in found] == [
        "process_creation",
        None,
        None,
        "process_creation",
    ]
    assert [forms[0][0][0].service for forms in found[1:3]] == ["security", "security"]
    assert [forms[0][1].get("CommandLine") for forms in found] == ["run 0", "run 1", "run 2", "last"]
    assert found[1][0][1]["TargetUserName"] == "bob"
    assert [len(forms) for forms in found] == [1, 1, 2, 1]
    sources, projected = found[2][1]
    assert sources[0].category == "process_creation"
    assert projected["Image"] == made.WHOAMI
    assert look.event(path, 5) == []


def test_missing_null_and_empty_are_three_things(bench: Bench) -> None:
    path = bench.put(
        "a.jsonl", b'{"EventID":1,"Channel":"' + made.CHANNEL.encode() + b'","A":null,"B":"","C":["x","y"]}'
    )
    _, fields = look.event(path, 1)[0]
    assert "Z" not in fields
    assert (fields["A"], fields["B"], fields["C"]) == (None, "", ["x", "y"])


def test_batches_of_several_files(bench: Bench) -> None:
    bench.put("a.jsonl", events(0, 1))
    bench.put("b.evtx", made.evtx(events(2)))
    assert sum(batch.num_rows for batch in look.batches([bench.evidence])) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n123", "not evidence"),
        (b"PK\x03\x04junk", ""),
    ],
)
def test_what_is_no_evidence(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "a"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EvidenceError, match=f"{path}.*{words}"):
        look.event(path, 1)
