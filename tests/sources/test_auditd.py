"""The Linux audit log: single records in auditd's words, and what whole events feed besides."""

from __future__ import annotations

from pathlib import Path

import pytest
from reads import fields, read

from kazami.sources import auditd, walk

HEAD = "msg=audit(1604996384.965:93777)"
EXEC = f"""\
type=SYSCALL {HEAD}: arch=c000003e syscall=59 success=yes exit=0 a0=55 a1=56 items=2 ppid=29002 pid=2168 auid=1000 uid=0 \
ses=104 comm="dd" exe="/bin/dd" key=(null)
type=EXECVE {HEAD}: argc=3 a0="dd" a1="if=/dev/zero" a2=61206220C3A9
type=CWD {HEAD}: cwd="/home/u"
type=PATH {HEAD}: item=0 name="/bin/dd" nametype=NORMAL
type=PROCTITLE {HEAD}: proctitle=64640069663D2F6465762F7A65726F
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            f'type=EXECVE {HEAD}: argc=2 a0="wget" a1=687474703A2F2F612062',
            {"type": "EXECVE", "argc": "2", "a0": "wget", "a1": "http://a b"},
        ),
        (
            f"type=EXECVE {HEAD}: argc=1 a0_len=12 a0[0]=6162 a0[1]=C3 a0[2]=A9",
            {"type": "EXECVE", "argc": "1", "a0_len": "12", "a0": "abé"},
        ),
        (f"type=PATH {HEAD}: name=2F746D702F6120 nametype=CREATE", {"name": "/tmp/a ", "nametype": "CREATE"}),
        (f"type=PATH {HEAD}: name=(null) mode=0100755 cap_fp=0", {"name": "(null)", "mode": "0100755"}),
        (f"type=CWD {HEAD}:  cwd=2F612062", {"cwd": "/a b"}),
        (f"type=PROCTITLE {HEAD}: proctitle=617270002D6100", {"proctitle": "arp -a"}),
        (f"type=SYSCALL {HEAD}: key=610162 a0=616263", {"key": "a,b", "a0": "616263"}),
        (
            f'type=SERVICE_STOP {HEAD}: pid=1 uid=0 auid=4294967295 ses=4294967295 msg=\'unit=firewalld comm="systemd" '
            'exe="/usr/lib/systemd/systemd" hostname=? addr=? terminal=? res=success\'',
            {"type": "SERVICE_STOP", "unit": "firewalld", "comm": "systemd", "res": "success", "pid": "1"},
        ),
        (
            f'type=USER_CMD {HEAD}: pid=9 msg=\'cwd="/root" cmd=636174202F657463 terminal=pts/0 res=success\'\x1dUID="bob"',
            {"type": "USER_CMD", "cmd": "cat /etc", "UID": "bob"},
        ),
        (f"type=TTY {HEAD}: data=6C730D", {"type": "TTY", "data": "ls\r"}),
        (f"type=1334 {HEAD}: prog-id=3 op=LOAD", {"type": "BPF", "prog-id": "3", "op": "LOAD"}),
        (f"type=UNKNOWN[1999] {HEAD}: x=y", {"type": "UNKNOWN[1999]", "x": "y"}),
        (
            f'type=AVC {HEAD}: avc:  denied  {{ read }} for  pid=7 comm="httpd" tclass=file',
            {"type": "AVC", "msg": "avc:  denied  { read } for", "pid": "7", "comm": "httpd"},
        ),
        (
            'audit: type=1400 audit(1604996384.965:7): apparmor="DENIED" operation="open" name="/etc/shadow"',
            {"type": "AVC", "apparmor": "DENIED", "name": "/etc/shadow"},
        ),
        (
            "type=SYSCALL msg=audit(11/10/2020 08:19:44.965:93777) : arch=x86_64 syscall=memfd_create success=yes auid=bob uid=root",
            {"arch": "x86_64", "syscall": "memfd_create", "SYSCALL": "memfd_create", "auid": "bob"},
        ),
        (
            "type=PROCTITLE msg=audit(11/10/20 08:19:44.965:9) : proctitle=dd if=/dev/zero of=/tmp/a b  bs=1 ",
            {"proctitle": "dd if=/dev/zero of=/tmp/a b  bs=1"},
        ),
        (
            "type=EXECVE msg=audit(11/10/20 08:19:44.965:9) : argc=3 a0=sh a1=-c a2=x=1 y=2 ",
            {"argc": "3", "a0": "sh", "a1": "-c", "a2": "x=1 y=2"},
        ),
        (
            "type=PATH msg=audit(11/10/20 08:19:44.965:9) : item=0 name=/tmp/a b nametype=CREATE ",
            {"item": "0", "name": "/tmp/a b", "nametype": "CREATE"},
        ),
        (
            "type=SOCKADDR msg=audit(11/10/2020 08:19:44.965:9) : saddr={ saddr_fam=inet laddr=10.0.0.1 lport=443 } ",
            {"saddr": "{ saddr_fam=inet laddr=10.0.0.1 lport=443 }"},
        ),
        (
            "type=USER_LOGIN msg=audit(11/10/2020 08:19:44.965:9) : pid=3 msg='op=login acct=bob addr=10.0.0.1 res=failed'",
            {"op": "login", "acct": "bob", "res": "failed"},
        ),
    ],
)
def test_a_record_in_fields(line: str, expected: dict[str, str]) -> None:
    (event,) = read(auditd, line).own
    found = fields(event)
    assert {name: found.get(name) for name in expected} == expected
    assert event["raw"] == line
    assert event["time"].isoformat() == "2020-11-10T08:19:44.965000+00:00"
    assert event["#table"] == "auditd"
    assert str(event["#route"].sources[0]) == "linux/*/auditd"


@pytest.mark.parametrize(
    ("arch", "number", "name"),
    [
        ("c000003e", "319", "memfd_create"),
        ("c000003e", "59", "execve"),
        ("40000003", "11", "execve"),
        ("c00000b7", "221", "execve"),
        ("c00000b7", "33", "mknodat"),
        ("dead", "59", None),
        ("c000003e", "99999", None),
    ],
)
def test_system_calls_by_name(arch: str, number: str, name: str | None) -> None:
    (event,) = read(auditd, f"type=SYSCALL {HEAD}: arch={arch} syscall={number} success=no").own
    assert event.get("SYSCALL") == name


def test_enriched_records_say_the_name_of_the_call_and_the_users() -> None:
    line = f'type=SYSCALL {HEAD}: arch=c000003e syscall=1 auid=1000 uid=33 ses=3 key=(null)\x1dARCH=x86_64 SYSCALL=personality AUID="bob" UID="www-data"'
    (event,) = read(auditd, line).own
    assert (event["SYSCALL"], event["user"], event["logon_id"]) == ("personality", "bob", "3")


def test_a_program_that_ran_is_a_process() -> None:
    found = read(auditd, EXEC)
    assert [e["type"] for e in found.own] == ["SYSCALL", "EXECVE", "CWD", "PATH", "PROCTITLE"]
    (process,) = found.of("process_creation")
    assert fields(process) == {
        "Image": "/bin/dd",
        "CommandLine": "dd if=/dev/zero a b é",
        "CurrentDirectory": "/home/u",
        "User": "root",
        "LogonId": "104",
        "ProcessId": "2168",
        "ParentProcessId": "29002",
        "TerminalSessionId": "104",
    }
    assert process["#route"].projected
    assert (process["user"], process["logon_id"]) == ("1000", "104")
    assert process["event_uid"] == found.own[0]["event_uid"]
    assert [e["user"] for e in found.own] == ["1000"] * 5


def test_a_call_that_failed_is_no_process() -> None:
    assert read(auditd, EXEC.replace("success=yes", "success=no")).of("process_creation") == []


def test_the_title_stands_in_where_arguments_are_missing() -> None:
    lines = EXEC.replace("argc=3", "argc=7")
    assert read(auditd, lines).of("process_creation")[0]["CommandLine"] == "dd if=/dev/zero"
    alone = EXEC.splitlines()[0]
    assert "CommandLine" not in read(auditd, alone).of("process_creation")[0]


def test_arguments_over_several_records() -> None:
    first, *_ = EXEC.splitlines()
    more = [
        f'type=EXECVE {HEAD}: argc=3 a0="sh" a1="-c" a2_len=4 a2[0]=6162',
        f"type=EXECVE {HEAD}: a2[1]=6364",
    ]
    (process,) = read(auditd, "\n".join([first, *more, f"type=EOE {HEAD}: "])).of("process_creation")
    assert process["CommandLine"] == "sh -c abcd"


def test_records_of_several_events_mix() -> None:
    other = EXEC.replace("93777", "93778").replace("dd", "cc").replace("pid=2168", "pid=2169").splitlines()
    mixed = [line for pair in zip(EXEC.splitlines(), other, strict=True) for line in pair]
    found = read(auditd, "\n".join(mixed)).of("process_creation")
    assert [p["Image"] for p in found] == ["/bin/dd", "/bin/cc"]
    assert [p["CommandLine"].split()[0] for p in found] == ["dd", "cc"]


def test_parents_are_named_by_what_they_ran() -> None:
    child = (
        EXEC.replace("93777", "93779")
        .replace("ppid=29002 pid=2168", "ppid=2168 pid=3000")
        .replace("dd", "id")
    )
    parent, process = read(auditd, EXEC + child).of("process_creation")
    assert "ParentImage" not in parent
    assert (process["ParentImage"], process["ParentCommandLine"]) == ("/bin/dd", "dd if=/dev/zero a b é")


def test_more_events_than_are_kept_open_lose_nothing() -> None:
    first = EXEC.splitlines()[0]
    lines = [first.replace("93777", str(n)).replace("pid=2168", f"pid={n}") for n in range(3000)]
    found = read(auditd, "\n".join(lines))
    assert len(found.own) == 3000
    assert len(found.of("process_creation")) == 3000


CREATE = f"""\
type=SYSCALL {HEAD}: arch=c000003e syscall=257 success=yes exit=3 ppid=1 pid=7 auid=1000 uid=1000 ses=2 exe="/usr/bin/vi" key=(null)
type=CWD {HEAD}: cwd="/etc"
type=PATH {HEAD}: item=0 name="/etc/" nametype=PARENT
type=PATH {HEAD}: item=1 name="sudoers.d/../sudoers.d/x" nametype=CREATE
"""


def test_a_path_that_was_created_is_a_file_event() -> None:
    found = read(auditd, CREATE)
    (created,) = found.of("file_event")
    assert fields(created) == {
        "TargetFilename": "/etc/sudoers.d/x",
        "Image": "/usr/bin/vi",
        "User": "1000",
        "ProcessId": "7",
    }
    assert str(created["#route"].sources[0]) == "linux/file_event/*"
    assert len(read(auditd, CREATE.replace("=CREATE", "=DELETE")).of("file_delete")) == 1
    assert read(auditd, CREATE.replace("success=yes", "success=no")).of("file_event") == []


@pytest.mark.parametrize(
    ("saddr", "address", "port"),
    [
        ("020001BB0A000001" + "00" * 8, "10.0.0.1", "443"),
        ("0A001F90000000002001" + "0" * 27 + "1" + "00000000", "2001::1", "8080"),
        ("0A0000500000000000000000000000000000FFFFC0A8000100000000", "192.168.0.1", "80"),
        ("0100", None, None),
        ("zz", None, None),
    ],
)
def test_an_address_that_was_connected_to(saddr: str, address: str | None, port: str | None) -> None:
    lines = f"""\
type=SYSCALL {HEAD}: arch=c000003e syscall=42 success=yes pid=7 auid=1000 uid=1000 ses=2 exe="/bin/bash" key=(null)
type=SOCKADDR {HEAD}: saddr={saddr}
"""
    found = read(auditd, lines).of("network_connection")
    assert [(e["DestinationIp"], e["DestinationPort"], e["Initiated"], e["Image"]) for e in found] == (
        [(address, port, "true", "/bin/bash")] if address else []
    )


def test_nodes_are_hosts_and_events_of_nodes_are_kept_apart() -> None:
    lines = "".join(
        "".join(f"node={node} {line}\n" for line in EXEC.replace("dd", node).splitlines())
        for node in ("a1", "b2")
    )
    found = read(auditd, lines).of("process_creation")
    assert [(p["host"], p["Image"]) for p in found] == [("a1", "/bin/a1"), ("b2", "/bin/b2")]


def test_marks_of_ausearch_are_passed_over_and_other_lines_rejected() -> None:
    found = read(auditd, "----\ntime->Tue Nov 10 08:19:44 2020\r\n" + EXEC + "garbage\n\n")
    assert len(found.own) == 5
    assert found.reasons == ["line 8: not an audit record"]
    assert found.rejects[0]["sample"] == "garbage"


def test_field_names_without_end_are_kept_in_raw_only() -> None:
    lines = "\n".join(f"type=TEST {HEAD}: " + " ".join(f"n{i}_{j}=1" for j in range(290)) for i in range(20))
    found = read(auditd, lines)
    assert len(found.own) == 20
    assert len({name for e in found.own for name in fields(e)}) <= auditd.MAX_NAMES
    assert "names of fields" in found.reasons[0]
    assert "n19_289=1" in found.own[-1]["raw"]


@pytest.mark.parametrize(
    ("head", "sure"),
    [
        (EXEC.encode(), True),
        (b"node=web " + EXEC.encode(), True),
        (b"----\ntime->Tue Nov 10 08:19:44 2020\n" + EXEC.encode(), True),
        (b"\xef\xbb\xbf" + EXEC.encode(), True),
        (EXEC.encode("utf-16"), True),
        (b"Nov 10 08:19:44 host audit[1]: type=SYSCALL msg=audit(1:2): x", False),
        (b'{"type": "SYSCALL"}', False),
        (b"type=SYSCALL\n", False),
    ],
)
def test_confidence(head: bytes, sure: bool) -> None:
    assert (auditd.confidence("x", head) > 0.9) is sure


def test_real_records(shared: Path) -> None:
    files = sorted((shared / "otrf" / "atomic" / "linux").rglob("*.zip"))
    assert files
    for found in walk.find(files, tenant="t"):
        with found.open() as stream:  # type: ignore[union-attr]
            data = stream.read()
        reading = read(auditd, data)
        assert not reading.rejects
        assert reading.of("process_creation")
        assert len(reading.own) == data.count(b"\n")
