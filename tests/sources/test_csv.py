"""CSV: headers, delimiters, quotes, and the exports whose columns are known."""

from __future__ import annotations

import csv
import io

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reads import read

from kazami.sources import csv_rows, csv_table

PROCESS = (
    "Timestamp,DeviceId,DeviceName,ActionType,FileName,FolderPath,ProcessCommandLine,AccountDomain,AccountName,"
    "InitiatingProcessFileName,InitiatingProcessFolderPath,InitiatingProcessCommandLine,MD5\n"
    '2021-03-04T05:06:07.8910111Z,d1,ws01.x,ProcessCreated,net.exe,C:\\Windows\\System32\\net.exe,"net user ""a"", b",X,bob,'
    "cmd.exe,c:\\windows\\system32\\cmd.exe,cmd,\n"
)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_table(separator: str) -> None:
    text = "time,host,user,what happened\n2021-03-04 05:06:07,h1,bob,logon\n,h2,,\n".replace(",", separator)
    one, two = read(csv_table, text).own
    assert (one["#table"], one["host"], one["user"], one["record"]) == ("csv", "h1", "bob", 2)
    assert one["time"].isoformat() == "2021-03-04T05:06:07+00:00"
    assert (two["host"], "user" in two, "time" in two) == ("h2", False, False)
    assert one["what happened"] == "logon"
    assert str(one["#route"].sources[0]) == "*/*/*"


def test_the_original_of_a_row_says_what_its_cells_mean() -> None:
    (event,) = read(csv_table, "a,b\n1,\n").own
    assert orjson.loads(event["raw"]) == {"a": "1", "b": ""}


def test_quotes_delimiters_and_ends_of_lines_within_cells() -> None:
    one, two = read(csv_table, 'a,b,c\r\n"x, ""y""\r\nz",2,3\r\n4,5,6\r\n').own
    assert (one["a"], one["record"]) == ('x, "y"\r\nz', 2)
    assert (two["a"], two["record"]) == ("4", 4)


def test_rows_with_too_few_and_too_many_cells_are_kept_and_noted() -> None:
    found = read(csv_table, "a,b,c\n1,2\n1,2,3,4,5\n1,2,3\n")
    assert [{k: e.get(k) for k in "abc"} for e in found.own] == [
        {"a": "1", "b": "2", "c": None},
        {"a": "1", "b": "2", "c": "3"},
        {"a": "1", "b": "2", "c": "3"},
    ]
    assert "4\\n5" in found.own[1]["raw"]
    assert found.reasons == [
        "line 2: fewer cells than the header has",
        "line 3: more cells than the header has",
    ]
    assert [r["count"] for r in found.rejects] == [0, 0]


def test_quotes_that_do_not_fit_cost_their_line_only() -> None:
    found = read(csv_table, 'a,b\n1,"open\n2,x\n3,"closed\nlater"\n4,"y,z"w\n5,"never')
    assert [(e["a"], e["b"], e["record"]) for e in found.own] == [
        ("1", '"open', 2),
        ("2", "x", 3),
        ("3", "closed\nlater", 4),
        ("4", "y,zw", 6),
        ("5", '"never', 7),
    ]
    assert [r.split(":")[0] for r in found.reasons] == ["line 2", "line 6", "line 7"]
    assert [r["count"] for r in found.rejects] == [0, 0, 0]


def test_open_quotes_on_every_line_take_bounded_time() -> None:
    text = "a,b\n" + 'x,"y\n' * 30_001
    found = read(csv_table, text)
    assert len(found.own) > 15_000
    assert found.rejects


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp932", "utf-8"])
def test_encodings(encoding: str) -> None:
    text = "時刻,コンピューター,内容\n2021-03-04 05:06:07,端末一号,ログオン成功\n"
    (event,) = read(csv_table, text.encode(encoding)).own
    assert (event["コンピューター"], event["内容"]) == ("端末一号", "ログオン成功")


def test_preambles_are_passed_over() -> None:
    for preamble in ("#TYPE System.Object\n", "sep=;\n"):
        (event,) = read(csv_table, preamble + "a;b\n1;2\n").own
        assert (event["a"], event["b"], event["record"]) == ("1", "2", 3)


def test_names_of_columns_that_are_empty_or_repeat() -> None:
    (event,) = read(csv_table, "a,b,c,d,e,f,g,h,i,j,a,\n" + "x," * 11 + "y\n").own
    assert event["a (2)"] == "x"
    assert event["column 12"] == "y"


def test_columns_without_end_are_bounded() -> None:
    names = [f"c{n}" for n in range(6000)]
    found = read(csv_table, ",".join(names) + "\n" + ",".join("1" * 6000) + "\n")
    (event,) = found.own
    assert "c4999" in event
    assert "c5000" not in event
    assert "more than 5000 columns" in found.reasons[0]


def test_defender_process_events() -> None:
    (event,) = read(csv_table, PROCESS).own
    assert event["#table"] == "process_creation"
    assert [str(s) for s in event["#route"].sources] == ["windows/process_creation/defender"]
    assert event["Image"] == "C:\\Windows\\System32\\net.exe"
    assert event["CommandLine"] == 'net user "a", b'
    assert event["ParentImage"] == "c:\\windows\\system32\\cmd.exe"
    assert (event["host"], event["User"]) == ("ws01.x", "X\\bob")
    assert event["time"].isoformat() == "2021-03-04T05:06:07.891011+00:00"
    assert "MD5" not in event


@pytest.mark.parametrize(
    "header",
    [
        PROCESS.partition("\n")[0].lower(),
        PROCESS.partition("\n")[0].replace("Timestamp", "Timestamp [UTC]"),
        PROCESS.partition("\n")[0]
        .replace("Timestamp", "TimeGenerated [UTC]")
        .replace("DeviceName", "DeviceName_s"),
    ],
)
def test_defender_in_other_spellings(header: str) -> None:
    text = header + "\n" + PROCESS.partition("\n")[2]
    assert csv_table.confidence("x", text.encode()) == 0.9
    (event,) = read(csv_table, text).own
    (plain,) = read(csv_table, PROCESS).own
    for name in ("#table", "time", "host", "user", "Image", "CommandLine", "ParentImage", "User"):
        assert event[name] == plain[name], name


def row(**cells: str) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, cells, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerow(cells)
    return out.getvalue()


def test_evtxecmd() -> None:
    payload = {
        "EventData": {"Data": [{"@Name": "Image", "#text": "C:\\a.exe"}, {"@Name": "User", "#text": "X\\b"}]}
    }
    text = row(
        RecordNumber="1", EventRecordId="77", TimeCreated="2021-03-04 05:06:07.8910110", EventId="1", Level="Info",
        Provider="Microsoft-Windows-Sysmon", Channel="Microsoft-Windows-Sysmon/Operational", ProcessId="4", ThreadId="5",
        Computer="ws01", UserId="S-1-5-18", MapDescription="Process creation", PayloadData1="", Payload=orjson.dumps(payload).decode(),
    )  # fmt: skip
    (event,) = read(csv_table, text).own
    assert event["#table"] == "process_creation"
    assert (event["Image"], event["host"], event["user"], event["EventID"]) == (
        "C:\\a.exe",
        "ws01",
        "X\\b",
        "1",
    )
    assert event["time"].isoformat() == "2021-03-04T05:06:07.891011+00:00"


def winevent(provider: str, log: str, event_id: str, message: str) -> str:
    return "#TYPE Selected\n" + row(
        Message=message, Id=event_id, Version="5", Level="4", RecordId="7", ProviderName=provider, ProviderId="g",
        LogName=log, ProcessId="1", ThreadId="2", MachineName="ws01", UserId="S-1-5-18", TimeCreated="3/4/2021 5:06:07 AM",
        Properties="System.Collections.Generic.List`1[System.Diagnostics.Eventing.Reader.EventProperty]",
    )  # fmt: skip


def test_get_winevent_of_sysmon() -> None:
    message = "Process Create:\r\nRuleName: -\r\nImage: C:\\a.exe\r\nCommandLine: a.exe -x: y\r\nUser: X\\b"
    (event,) = read(
        csv_table, winevent("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational", "1", message)
    ).own
    assert event["#table"] == "process_creation"
    assert (event["Image"], event["CommandLine"], event["user"]) == ("C:\\a.exe", "a.exe -x: y", "X\\b")
    assert event["time"].isoformat() == "2021-03-04T05:06:07+00:00"


def test_get_winevent_of_security() -> None:
    message = (
        "A new process has been created.\r\n\r\nCreator Subject:\r\n\tSecurity ID:\t\tS-1-5-18\r\n\tAccount Name:\t\tWS01$\r\n"
        "\tAccount Domain:\t\tX\r\n\tLogon ID:\t\t0x3E7\r\n\r\nTarget Subject:\r\n\tAccount Name:\t\tbob\r\n\r\n"
        "Process Information:\r\n\tNew Process ID:\t\t0x1a4\r\n\tNew Process Name:\tC:\\Windows\\System32\\net.exe\r\n"
        "\tCreator Process Name:\tC:\\cmd.exe\r\n\tProcess Command Line:\tnet user x /add\r\n\r\nToken Elevation Type indicates: x"
    )
    found = read(csv_table, winevent("Microsoft-Windows-Security-Auditing", "Security", "4688", message))
    (own,) = found.of("security")
    assert (own["SubjectUserName"], own["TargetUserName"], own["NewProcessId"]) == ("WS01$", "bob", "0x1a4")
    (process,) = found.of("process_creation")
    assert (process["Image"], process["CommandLine"]) == ("C:\\Windows\\System32\\net.exe", "net user x /add")


@pytest.mark.parametrize(
    "header",
    [
        "Level,Date and Time,Source,Event ID,Task Category",
        "レベル,日付と時刻,ソース,イベント ID,タスクのカテゴリ,",
    ],
)
def test_event_viewer(header: str) -> None:
    text = (
        header
        + '\nInformation,3/4/2021 5:06:07 AM,Microsoft-Windows-Sysmon,1,(1),"Process Create:\nImage: C:\\a.exe\n"\n'
    )
    assert csv_table.confidence("x", text.encode()) == 0.9
    found = read(csv_table, text)
    (event,) = found.own
    assert (event["#table"], event["Image"]) == ("process_creation", "C:\\a.exe")


@pytest.mark.parametrize(
    ("head", "sure"),
    [
        ("a,b,c\n1,2,3\n", 0.4),
        ("a;b\n1;2\n", 0.4),
        (PROCESS, 0.9),
        (PROCESS.splitlines()[0], 0.9),
        ("a,b,c", 0.2),
        ("Dear all,\nthis is a letter, as you see,\nbye\n", 0.0),
        ("1,2,3\n4,5,6\n", 0.0),
        ('{"a": 1, "b": 2}\n{"a": 1, "b": 2}\n', 0.0),
        ("<Event>,x\n", 0.0),
        ("one column\nonly\n", 0.0),
        ("", 0.0),
        ("\0\0\0\0\0\0", 0.0),
        ("Nov 22 05:52:59 h x: a, b\nNov 22 05:52:59 h x: c, d\n", 0.46),
    ],
)
def test_confidence(head: str, sure: float) -> None:
    found = csv_table.confidence("x.log", head.encode())
    assert found >= sure if sure in (0.4, 0.9, 0.2) else found <= sure


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_characters="\0\r", codec="utf-8"), max_size=8),
            min_size=2,
            max_size=4,
        ),
        max_size=6,
    ),
    st.sampled_from(csv_rows.DELIMITERS),
)
def test_rows_are_those_of_the_library(rows: list[list[str]], separator: str) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    lines = enumerate(out.getvalue().split("\n"), 1)
    assert [row.cells for row in csv_rows.read(lines, separator)] == rows


@given(st.text(st.sampled_from('a,"\n\r;'), max_size=60))
def test_any_text_gives_rows_and_loses_no_line(text: str) -> None:
    lines = text.split("\n")
    rows = list(csv_rows.read(enumerate(lines, 1), ","))
    kept = "".join("".join(row.cells) for row in rows)
    assert [c for c in kept if c == "a"] == [c for c in text if c == "a"]


def merged(*rows: dict[str, str], separator: str = ",") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for r in rows for name in r)), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("lines", [1, 12, 30, 300])
def test_cells_of_many_lines_in_the_first_rows(separator: str, lines: int) -> None:
    """A script in an event is longer than any number of lines that one would look at."""
    script = "\r\n".join(f'Write-Host "{n}, a;b"; # {n}' for n in range(lines))
    one = {
        "Channel": "Microsoft-Windows-PowerShell/Operational",
        "EventID": "4104",
        "ScriptBlockText": script,
    }
    text = merged(one, one, one, separator=separator)
    assert csv_table.confidence("x", text.encode()) == 0.9
    found = read(csv_table, text)
    assert [event["ScriptBlockText"].replace("\r", "") for event in found.own] == [
        script.replace("\r", "")
    ] * 3


def test_a_table_of_several_logs_has_empty_cells_that_say_nothing() -> None:
    sysmon = {
        "Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": "7", "UtcTime": "2024-03-01 10:00:00.123",
        "EventTime": "2024-03-01 10:00:00", "Signature": "X",
    }  # fmt: skip
    defender = {
        "Channel": "Microsoft-Windows-Windows Defender/Operational", "EventID": "1116", "EventTime": "2024-03-01 11:00:00",
        "Threat Name": "Virus:X", "Path": "",
    }  # fmt: skip
    image, virus = read(csv_table, merged(sysmon, defender)).own
    assert (image["#table"], image["Signature"]) == ("image_load", "X")
    assert (virus["#table"], virus["Signature"]) == ("antivirus", "Virus:X")
    assert virus["time"].isoformat() == "2024-03-01T11:00:00+00:00"
    assert "UtcTime" not in virus


def test_results_of_splunk() -> None:
    event = "<Event xmlns='x'><System><Provider Name='P'/><EventID>4624</EventID><Channel>Security</Channel></System></Event>"
    (found,) = read(csv_table, merged({"_time": "2024-03-01T10:00:00Z", "_raw": event, "host": "h"})).own
    assert (found["#table"], found["EventID"]) == ("security", "4624")
