"""Small well-formed inputs to start from, by target."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import sys
import tarfile
import zipfile
from pathlib import Path

import zstandard

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

import capture_writer
import network_messages
import rat_messages
import script_writer
from evtx_writer import write
from flows_writer import ipfix, netflow5, netflow9
from parquet_writer import parquet

RECORDS = [
    {
        "System": {
            "EventID": 1,
            "Channel": "Microsoft-Windows-Sysmon/Operational",
            "Provider": "Microsoft-Windows-Sysmon",
        },
        "EventData": {"Image": "C:\\a.exe", "CommandLine": "a -b", "ProcessId": 4},
    },
    {
        "System": {"EventID": 4688, "Channel": "Security"},
        "EventData": {"NewProcessName": "C:\\a.exe", "List": ("a", "b")},
    },
    {"System": {"EventID": 1102}, "UserData": {"LogFileCleared": {"SubjectUserName": "bob"}}},
    {
        "System": {"EventID": 400, "Provider": "PowerShell"},
        "EventData": ["x", "\tHostApplication=powershell -enc AA"],
    },
]

XML = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='P'/><EventID Qualifiers='1'>"
    "4688</EventID><TimeCreated SystemTime='2021-03-04T05:06:07Z'/><EventRecordID>7</EventRecordID><Channel>Security</Channel>"
    "<Computer>h</Computer></System><EventData><Data Name='A'>b &amp; c</Data><Data>d</Data></EventData></Event>\n"
)

JSON = (
    '{"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "Image": "C:\\\\a.exe", "n": [1, null, 2.5], "o": {"a": {}}}\n'
    '{"Event": {"System": {"EventID": {"#text": 1}, "Provider": {"#attributes": {"Name": "P"}}}, "EventData": {"a": "b"}}}\n'
    '{"winlog": {"channel": "Security", "event_id": 4688, "event_data": {"A": "b"}}, "@timestamp": "2021-03-04T05:06:07Z"}\n'
)

CSV = (
    "Timestamp,DeviceName,ActionType,FileName,FolderPath,ProcessCommandLine\n"
    '2021-03-04T05:06:07.1234567Z,h,ProcessCreated,a.exe,C:\\a.exe,"a ""b"", c\nd"\n,,,,\n'
)

SYSLOG = (
    "Nov 22 05:52:59 h sshd[1]: Failed password for invalid user x from 10.0.0.1 port 5 ssh2\n"
    '<34>1 2020-11-22T05:52:59.003Z h p 1 ID [a@1 b="c"] message\n'
    "Nov 22 05:52:59 h sudo: bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/id\n"
    'Nov 22 05:52:59 h kernel: [1.0] audit: type=1400 audit(1604996384.965:7): name="x"\n'
    f"Nov 22 05:52:59 h sysmon: {XML}"
)

AUDIT = (
    'node=h type=SYSCALL msg=audit(1604996384.965:7): arch=c000003e syscall=59 success=yes pid=1 ppid=2 auid=1 uid=0 exe="/a"\n'
    'type=EXECVE msg=audit(1604996384.965:7): argc=2 a0="a" a1_len=4 a1[0]=6162\ntype=CWD msg=audit(1604996384.965:7): cwd="/"\n'
    "type=PATH msg=audit(1604996384.965:7): item=0 name=2F61 nametype=CREATE\n"
    "type=SOCKADDR msg=audit(11/10/2020 08:19:44.965:8) : saddr={ saddr_fam=inet laddr=10.0.0.1 lport=443 }\n"
    'type=USER_CMD msg=audit(1604996384.965:9): pid=1 msg=\'cwd="/" cmd=6C73 res=success\'\x1dUID="root"\n'
    "type=PROCTITLE msg=audit(1604996384.965:7): proctitle=6100\n"
)

ZEEK = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
    "#fields\tts\tuid\tid.orig_h\tquery\tanswers\trejected\n#types\ttime\tstring\taddr\tstring\tvector[string]\tbool\n"
    "1517336042.090842\tC1\t10.0.0.1\ta\\x09b\tc,d\tT\n1517336042.090843\tC2\t10.0.0.1\t(empty)\t-\tF\n#close\t2020\n"
)

ACCESS = (
    '10.0.0.1 - anna [10/Oct/2020:13:55:36 -0700] "GET /a?b=c HTTP/1.1" 200 5 "http://x/" "Mozilla \\"x\\""\n'
    'www.x:443 ::1 - - [10/Oct/2020:13:55:36 +0000] "\\x16\\x03" 400 - "-" "-" 17\n'
)

W3C = (
    "#Software: Microsoft Internet Information Services 10.0\n#Date: 2020-10-10 10:00:00\n"
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status\n"
    '2020-10-10 10:00:00 10.0.0.1 GET /a b=c 10.0.0.2 Mozilla/5.0+(x) 200\n2020-10-10 10:00:01 "a ""b""" - - - - - - 404\n'
)

CEF = (
    "CEF:0|v\\|w|p|1|100|name|5|src=10.0.0.1 dst=10.0.0.2 dpt=443 act=allow msg=a\\=b c\n"
    "Nov 22 05:52:59 h CEF:0|v|p|1|1|n|5|request=http://x/a?b requestMethod=GET src=10.0.0.1\nCEF:0|a|b|c|d|e|f|\n"
)

NFDUMP = (
    "Date first seen          Duration Proto      Src IP Addr:Port          Dst IP Addr:Port   Packets    Bytes Flows\n"
    "2020-10-10 10:00:00.000     1.000 TCP      10.0.0.1:1 ->      10.0.0.2:443      1    1.2 M     1\n"
    "2020-10-10 10:00:00.000     1.000 UDP      2001:db8::1.53 <->  2001:db8::2.53   1  2  3  4   1\nSummary: total flows: 2\n"
)

RULE = """\
title: A rule
id: 5b1d6f7c-2f6b-4a0c-9d0e-0123456789ab
logsource: {product: windows, category: process_creation}
detection:
  selection:
    Image|endswith: ['\\\\a.exe', '\\\\b?.exe']
    CommandLine|re|i: 'x+y{2,3}'
    User|contains|all: [a, b]
    Size|gte: 5
    Address|cidr: 10.0.0.0/8
    Data|base64offset|contains: abc
  words: [one, 'two*three']
  filter: {ParentImage: null, Other|exists: false, A|fieldref: B}
  condition: selection and (1 of words or not filter)
level: high
tags: [attack.t1059.001]
---
title: A correlation
correlation: {type: event_count, rules: [5b1d6f7c-2f6b-4a0c-9d0e-0123456789ab], group-by: [User], timespan: 5m, condition: {gte: 3}}
"""


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", JSON)
        archive.writestr("b.gz", gzip.compress(AUDIT.encode()))
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("a.log")
        info.size = len(SYSLOG)
        archive.addfile(info, io.BytesIO(SYSLOG.encode()))
    return out.getvalue()


def _captures() -> list[bytes]:
    made = capture_writer
    talks = [
        made.talk(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 80),
        made.talk(made.hello(), made.server_hello()),
        [
            made.ip(made.udp(made.question()), 17),
            made.ip(made.udp(made.answer(), 53, 40000), 17, "192.0.2.7", "10.0.0.1"),
        ],
        [
            made.ip(b"\0\0\x08\0" + made.ip(made.tcp(b"data")), 47),
            made.ip(made.tcp(b"data")[:24], place=0x2000),
        ],
    ]
    frames = [made.ethernet(packet) for talk in talks for packet in talk]
    return [made.pcap(frames), made.pcapng(frames), made.pcap(talks[1], 101)]


def _spoken() -> list[bytes]:
    pairs = [made() for made in network_messages.CONVERSATIONS.values()]
    pairs += [
        (network_messages.quic(), b""),
        (network_messages.kerberos_request(), network_messages.kerberos_reply()),
    ]
    return [len(client).to_bytes(2) + client + server for client, server in pairs]


WIRE_RULES = """alert http $HOME_NET any -> any [80,8080:] (msg:"a"; flow:established,to_server; http.uri; content:"/a"; nocase; fast_pattern; \
 content:"b"; distance:1; within:3; pcre:"/^\\/a\\?b=[A-Z]+$/U"; http.header; content:"Host|3a 20|"; flowbits:set,x; metadata:a b; sid:1; rev:2;)
drop tcp !10.0.0.0/8 any <> any any (content:"GET "; depth:4; byte_test:1,>,3,0,relative,string,dec; isdataat:!1,relative; threshold:type limit, track by_src, count 1, seconds 60; sid:2;)
pass udp any any -> any 53 (dns.query; dotprefix; content:".x"; endswith; sid:3;)
"""


def _golden() -> dict[str, list[bytes]]:
    """The golden files of each analyzer."""
    folder = Path(__file__).resolve().parents[1] / "tests" / "golden"
    found = {
        f"content-{one.name}": [path.read_bytes() for path in sorted(one.glob("*.in"))]
        for one in sorted(folder.iterdir())
        if one.is_dir()
    }
    return {**found, "submission": [data for several in found.values() for data in several[:4]]}


def _scripts() -> list[bytes]:
    """A script of each technique; the first byte says which language (`fuzz.targets.scripts`)."""
    ending = {"batch": "bat", "powershell": "ps1", "shell": "sh", "vba": "vba", "vbscript": "vbs"}
    made = []
    for at, language in enumerate(sorted(ending)):
        for writer in script_writer.TECHNIQUES[ending[language]].values():
            text = script_writer.PAYLOADS[ending[language]].format(mark="fuzzed")
            made.append(bytes((at,)) + writer(text, random.Random(1)).encode("latin-1"))
    return made


#: By target; targets without an entry start from all of these.
SEEDS: dict[str, list[bytes]] = {
    **_golden(),
    "parquet": [parquet([{"time": "2026-03-01T12:00:00Z", "host": "h", "n": n} for n in range(9)])],
    "evtx": [write(RECORDS)[: 4096 + 8192], write(RECORDS, inline=True)[: 4096 + 8192]],
    "xml": [XML.encode() * 2, XML.encode("utf-16")],
    "jsonl": [JSON.encode(), b"[" + JSON.replace("}\n{", "},\n{").encode() + b"]"],
    "csv": [CSV.encode(), CSV.encode("utf-16")],
    "syslog": [SYSLOG.encode()],
    "auditd": [AUDIT.encode()],
    "zeek": [ZEEK.encode()],
    "access_log": [ACCESS.encode()],
    "w3c": [W3C.encode()],
    "cef": [CEF.encode()],
    "nfdump": [NFDUMP.encode()],
    "netflow": [netflow5(1) + netflow5(2), netflow9(1) + netflow9(2), ipfix(1) + ipfix(2)],
    "pcap": [*_captures()],
    "rat": [
        rat_messages.redleaves(),
        rat_messages.redleaves_http(),
        rat_messages.plugx_tcp(),
        rat_messages.plugx_http(),
        rat_messages.plugx_udp(),
        rat_messages.chches(),
        rat_messages.kv_botnet(),
        rat_messages.gh0st(),
        rat_messages.frp(),
        rat_messages.earthworm(),
    ],
    "spoken": [*_spoken()],
    "scripts": _scripts(),
    "rules": [RULE.encode()],
    "wire_rules": [WIRE_RULES.encode()],
    "containers": [
        _zip(),
        _tar(),
        gzip.compress(JSON.encode()),
        bz2.compress(CSV.encode()),
        lzma.compress(AUDIT.encode()),
        zstandard.ZstdCompressor(write_checksum=True).compress(SYSLOG.encode()),
    ],
}
