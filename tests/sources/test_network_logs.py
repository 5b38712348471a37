"""Logs and flow exports of the network: text forms, binary forms, cut and broken ones."""

from __future__ import annotations

import json

import pytest
from reads import fields, read

from flows_writer import NOW, ipfix, netflow5, netflow9
from kazami.model.event import LogSource
from kazami.sources import csv_table, jsonl
from kazami.sources.network import access_log, cef, netflow, nfdump, rpc, w3c, words, zeek
from kazami.sources.network.netflow_fields import MAX_FIELDS, Templates

HEADER = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#open\t2018-01-30-18-14-02\n"
    "#fields\tts\tuid\tid.orig_h\tquery\tanswers\trejected\n#types\ttime\tstring\taddr\tstring\tvector[string]\tbool\n"
)


def test_a_log_of_zeek() -> None:
    line = "1517336042.090842\tC1\t10.0.0.1\ta\\x09b\\xc3\\xa9\tc,d\\x2ce\tF"
    found = read(zeek, f"{HEADER}{line}\n#close\t2018-01-30-19-00-00\n")
    (event,) = found.of("dns")
    assert found.rejects == []
    assert event["raw"] == line
    assert event["record"] == 9
    assert event["time"].isoformat() == "2018-01-30T18:14:02.090842+00:00"
    assert fields(event) | {"answer": None} == {
        "ts": "1517336042.090842", "uid": "C1", "id.orig_h": "10.0.0.1", "src_ip": "10.0.0.1", "query": "a\tbé",
        "answers": ["c", "d,e"], "answer": None, "rejected": "false",
    }  # fmt: skip


def test_unset_is_missing_and_empty_is_empty() -> None:
    found = read(zeek, f"{HEADER}1517336042.09\tC1\t10.0.0.1\t-\t(empty)\tT\n")
    (event,) = found.of("dns")
    assert "query" not in event
    assert event["answers"] == ""
    assert event["time"].microsecond == 90_000


def test_lines_of_zeek_that_are_cut_or_too_long_or_stand_alone() -> None:
    whole = "1517336042.090842\tC1\t10.0.0.1\ta\t-\tF"
    found = read(zeek, f"x\ty\n{HEADER}{whole}\tmore\n1517336042.0908\tC2\n{whole}\n")
    assert len(found.of("dns")) == 2
    assert [reason.split(": ")[0] for reason in found.reasons] == ["line 1", "line 10", "line 11"]


@pytest.mark.parametrize("line", range(1, 9))
@pytest.mark.parametrize("share", [0.5, 1])
def test_a_log_of_zeek_that_is_cut_in_its_header_is_told(line: int, share: float) -> None:
    *whole, last = HEADER.splitlines(keepends=True)[:line]
    found = read(zeek, "".join(whole) + last[: round(len(last) * share)])
    reasons = [] if (line, share) == (8, 1) else [f"line {line}: cut in the header of a log"]
    assert found.reasons == reasons


def test_a_log_of_zeek_without_records_is_whole() -> None:
    assert read(zeek, f"{HEADER}#close\t2018-01-30-19-00-00\n").reasons == []
    assert read(zeek, "").reasons == []


def test_two_logs_of_zeek_in_one_file() -> None:
    second = HEADER.replace("\tdns\n", "\tweird\n").replace("query", "name")
    found = read(
        zeek, f"{HEADER}1517336042.1\tC\t10.0.0.1\tq\t-\tF\n{second}1517336042.1\tC\t10.0.0.1\tn\t-\tF\n"
    )
    assert [event["name"] for event in found.of("zeek.weird")] == ["n"]
    assert [event["query"] for event in found.of("dns")] == ["q"]


def test_a_header_without_a_separator_of_sets() -> None:
    found = read(
        zeek,
        HEADER.replace("#set_separator\t,", "#set_separator\t") + "1517336042.1\tC\t10.0.0.1\tq\tc,d\tF\n",
    )
    assert [event["answers"] for event in found.of("dns")] == [["c", "d"]]


def test_a_log_that_names_itself_after_a_path() -> None:
    found = read(zeek, HEADER.replace("\tdns\n", "\t../../x\n") + "1517336042.1\tC\t10.0.0.1\tq\t-\tF\n")
    assert [event["#table"] for event in found.events] == ["zeek"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            '192.0.2.1 - anna [10/Oct/2020:13:55:36 -0700] "GET /a/b.php?c=d HTTP/1.1" 200 2326 "http://x.example/" "Mozilla/4.08 \\"x\\""',
            {"id.orig_h": "192.0.2.1", "username": "anna", "method": "GET", "uri": "/a/b.php?c=d", "version": "1.1", "status_code": "200",
             "response_body_len": "2326", "referrer": "http://x.example/", "user_agent": 'Mozilla/4.08 \\"x\\"', "cs-uri-stem": "/a/b.php",
             "cs-uri-query": "/a/b.php?c=d", "sc-status": "200", "c-ip": "192.0.2.1", "cs-referer": "http://x.example/"},
        ),
        ('x.example:443 2001:db8::1 - - [10/Oct/2020:13:55:36 +0000] "GET / HTTP/2.0" 301 0 "-" "-"', {"host_": "x.example:443", "id.orig_h": "2001:db8::1"}),
        ('192.0.2.1 - - [10/Oct/2020:13:55:36 +0000] "\\x16\\x03\\x01" 400 -', {"uri": "\\x16\\x03\\x01", "status_code": "400"}),
        ('192.0.2.1 - - [10/Oct/2020:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "-" "curl" "203.0.113.9" rt=0.1', {"user_agent": "curl"}),
    ],
)  # fmt: skip
def test_access_logs(line: str, expected: dict[str, str]) -> None:
    assert access_log.confidence("x", f"{line}\n".encode()) > 0.9
    found = read(access_log, f"{line}\n")
    (event,) = found.of("http")
    assert expected.items() <= fields(event).items()
    assert event["#route"].sources == (LogSource("zeek", "webserver", "http"),)
    assert event["time"].isoformat().startswith("2020-10-10T")


@pytest.mark.parametrize(
    "line", ["", "hello world", '192.0.2.1 - - [x] "GET /" 200 5', "Nov 22 05:52:59 h sshd[1]: Invalid user"]
)
def test_what_is_no_access_log(line: str) -> None:
    assert access_log.confidence("access.log", f"{line}\n".encode()) == 0.0


IIS = (
    "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2024-03-01 10:00:00\n"
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status\n"
)


def test_iis() -> None:
    line = "2024-03-01 10:00:01 10.0.0.5 POST /owa/x.aspx a=b 443 - 192.0.2.1 Mozilla/5.0+(x) - 200"
    assert w3c.confidence("x", IIS.encode()) == 1.0
    found = read(w3c, f"{IIS}{line}\n2024-03-01 10:00:01 10.0.0.5 GET\n")
    (event,) = found.of("http")
    assert event["time"].isoformat() == "2024-03-01T10:00:01+00:00"
    assert event["#route"].sources == (LogSource("zeek", "webserver", "http"),)
    expected = {"cs-uri-query": "/owa/x.aspx?a=b", "cs-uri-stem": "/owa/x.aspx", "cs-user-agent": "Mozilla/5.0 (x)", "sc-status": "200",
                "id.orig_h": "192.0.2.1", "id.resp_h": "10.0.0.5", "method": "POST"}  # fmt: skip
    assert expected.items() <= fields(event).items()
    assert "cs-username" not in event
    assert found.reasons == ["line 6: cut: fewer values than fields"]


def test_a_proxy_that_writes_w3c() -> None:
    head = "#Software: SGOS\n#Fields: date time c-ip cs-username cs-method cs-host cs-uri-path cs-uri-query cs(User-Agent) sc-status\n"
    found = read(w3c, head + '2024-03-01 10:00:01 10.0.0.7 anna GET x.example /a ?b=c "Mozilla (x)" 200\n')
    (event,) = found.of("http")
    assert event["#route"].sources == (LogSource("zeek", "proxy", "http"),)
    assert event["user"] == "anna"
    assert {"c-uri": "http://x.example/a?b=c", "c-useragent": "Mozilla (x)"}.items() <= fields(event).items()


def test_cloudfront() -> None:
    head = "#Version: 1.0\n#Fields: date time x-edge-location c-ip cs-method cs(Host) cs-uri-stem sc-status cs(User-Agent) cs-uri-query x-host-header\n"
    line = "2024-03-01\t10:00:00\tNRT57\t198.51.100.7\tGET\td1.example\t/x.php\t200\tcurl/7%20x\tcmd=a\twww.example.com\n"
    (event,) = read(w3c, head + line).of("http")
    assert event["#route"].sources == (LogSource("zeek", "webserver", "http"),)
    assert {
        "cs-uri-query": "/x.php?cmd=a",
        "cs-user-agent": "curl/7 x",
        "cs-host": "www.example.com",
    }.items() <= fields(event).items()


def test_a_proxy_that_calls_paths_stems() -> None:
    head = "#Software: TMG\n#Fields: date time c-ip cs-method cs-host cs-uri-stem cs-uri-query sc-status\n"
    (event,) = read(w3c, head + "2024-03-01 10:00:00 10.0.0.7 GET x.example /a b=c 200\n").of("http")
    assert event["uri"] == "/a?b=c"


def test_cef() -> None:
    text = (
        "<134>Nov 22 05:52:59 gw CEF:0|Maker|Wall \\| One|1|100|traffic|3|src=10.0.0.1 spt=4 dst=192.0.2.1 dpt=21 proto=TCP act=permit msg=a\\=b c\n"
        "CEF:0|Maker|Proxy|1|7|web|3|src=10.0.0.1 requestMethod=GET request=http://x.example/a.exe?b rt=1709287200000\n"
        "CEF:0|Maker|Other|1|8|log on|3|suser=anna\nno such thing\n"
    )
    assert cef.confidence("x", text.encode()) > 0.9
    found = read(cef, text)
    (flow,), (http,), (other,) = found.of("flow"), found.of("http"), found.of("cef")
    assert {
        "dst_port": "21",
        "action": "accept",
        "device_product": "Wall | One",
        "msg": "a=b c",
    }.items() <= fields(flow).items()
    assert {"c-uri": "http://x.example/a.exe?b", "method": "GET", "c-uri-extension": "exe"}.items() <= fields(
        http
    ).items()
    assert http["time"].isoformat() == "2024-03-01T10:00:00+00:00"
    assert other["suser"] == "anna"
    assert found.reasons == ["line 4: not of the Common Event Format, nor LEEF"]


def test_nfdump() -> None:
    text = (
        "Date first seen          Duration Proto      Src IP Addr:Port          Dst IP Addr:Port   Packets    Bytes Flows\n"
        "2020-10-10 10:00:00.075     1.500 TCP       10.0.0.1:40000 ->       192.0.2.1:443         12    1.2 M     1\n"
        "2020-10-10 10:00:01.000     0.000 UDP   2001:db8::1.5353   <->    2001:db8::2.53    3  4  300  400   1\n"
        "2020-10-10 10:00:02.000     0.000 TCP   10.0.0.1:1   ->    10.0.0.2:2  .A..S.   0    1  60   1\n"
        "Summary: total flows: 2\nodd\n"
    )
    assert nfdump.confidence("x", text.encode()) > 0.9
    found = read(nfdump, text)
    first, second, third = (fields(event) for event in found.of("flow"))
    assert {
        "id.orig_h": "10.0.0.1",
        "id.orig_p": "40000",
        "id.resp_p": "443",
        "orig_ip_bytes": "1200000",
        "duration": "1.500",
        "proto": "tcp",
    }.items() <= first.items()
    assert {
        "id.orig_h": "2001:db8::1",
        "id.orig_p": "5353",
        "resp_pkts": "3",
        "orig_pkts": "4",
        "orig_ip_bytes": "400",
    }.items() <= second.items()
    assert {"flags": ".A..S.", "orig_pkts": "1", "orig_ip_bytes": "60"}.items() <= third.items()
    assert found.reasons == ["line 6: not a flow as nfdump prints it"]


@pytest.mark.parametrize(
    ("time", "wanted"),
    [("14:00:05", "2025-10-06T14:00:05+00:00"), ("2025-10-07 08:00:00", "2025-10-07T08:00:00+00:00")],
)
def test_a_day_in_a_column_of_its_own(time: str, wanted: str) -> None:
    text = f"Date,Time,Source IP,Destination IP,Destination Port,Protocol,Action\n2025-10-06,{time},10.0.0.1,192.0.2.1,443,TCP,allow\n"
    (flow,) = read(csv_table, text).of("flow")
    assert flow["time"].isoformat() == wanted
    assert "#time" not in flow


@pytest.mark.parametrize(("answered", "state"), [("14", "REJ"), ("12", None), ("00", None)])
def test_what_suricata_saw_refused(answered: str, state: str | None) -> None:
    flow = {"timestamp": "2025-10-06T00:00:00.000000+0000", "event_type": "flow", "src_ip": "10.0.0.1", "dest_ip": "10.0.0.2", "src_port": 1, "dest_port": 2,
            "proto": "TCP", "flow": {"start": "2025-10-06T00:00:00.000000+0000", "state": "closed"}, "tcp": {"tcp_flags_ts": "02", "tcp_flags_tc": answered}}  # fmt: skip
    (event,) = read(jsonl, json.dumps(flow) + "\n").of("flow")
    assert event.get("conn_state") == state


def test_argus() -> None:
    text = (
        "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,SrcPkts,Label\n"
        "2018/12/18 14:00:00.075359,0.7,tcp,10.0.0.1,52691,   ->,192.0.2.1,443,SPA_SPA,0,0,5,700,300,3,\n"
        "2018/12/18 14:00:01.075359,0.0,tcp,10.0.0.1,52692,   ->,192.0.2.1,445,S_RA,0,0,2,134,70,1,\n"
    )
    open_, refused = read(csv_table, text).of("flow")
    assert {
        "resp_ip_bytes": "400",
        "resp_pkts": "2",
        "action": "accept",
        "id.resp_p": "443",
    }.items() <= fields(open_).items()
    assert "action" not in refused
    assert (refused["conn_state"], "conn_state" in open_) == ("REJ", False)
    assert open_["time"].isoformat() == "2018-12-18T14:00:00.075359+00:00"


@pytest.mark.parametrize(
    "made",
    [
        netflow5(1) + netflow5(2),
        netflow9(1) + netflow9(2, template=False),
        ipfix(1) + ipfix(2, template=False),
    ],
)
def test_netflow(made: bytes) -> None:
    assert netflow.confidence("x", made) > 0.9
    found = read(netflow, made)
    first, second = found.of("flow")
    assert found.rejects == []
    assert first["time"].timestamp() == NOW - 60
    assert {
        "id.orig_p": "40000",
        "id.resp_p": "443",
        "proto": "tcp",
        "orig_ip_bytes": "1001",
        "duration": "2.000000",
    }.items() <= fields(first).items()
    assert second["orig_ip_bytes"] == "1002"
    assert first["host"] in ("10.0.0.1", "2001:db8::1")


def test_ipfix_keeps_what_enterprises_add() -> None:
    made = ipfix(1).replace((29305).to_bytes(4), (9).to_bytes(4))
    (flow,) = read(netflow, made).of("flow")
    assert {"enterprise9.1": "0005", "applicationName": "dns"}.items() <= fields(flow).items()


def test_flows_without_their_template_are_counted() -> None:
    found = read(netflow, netflow9(1, template=False) + netflow9(2, kind=257))
    assert [event["orig_ip_bytes"] for event in found.of("flow")] == ["1002"]
    assert found.reasons == ["byte 20: flows without their template: they cannot be read"]


CUT = ("cut in a datagram", "not a datagram of NetFlow or IPFIX")


@pytest.mark.parametrize("made", [netflow5(1), netflow9(1), ipfix(1)])
def test_netflow_that_is_cut(made: bytes) -> None:
    found = read(netflow, made + made[: len(made) - 7])
    assert len(found.of("flow")) == 1
    assert [reason.split(": ")[1] in CUT for reason in found.reasons] == [True]
    strange = read(netflow, made + b"GARBAGE!" * 9)
    assert len(strange.of("flow")) == 1
    assert len(strange.rejects) == 1


def test_templates_are_bounded() -> None:
    templates = Templates()
    assert "too many" in templates.learn(
        0, (300).to_bytes(2) + (MAX_FIELDS + 1).to_bytes(2) + bytes(4000), 9, 0
    )
    assert "cut" in templates.learn(0, (300).to_bytes(2) + (9).to_bytes(2) + bytes(8), 9, 0)
    assert templates.get(0, 300) is None


def test_no_number_of_an_operation_stands_twice() -> None:
    operations = rpc.operations()
    assert operations[rpc.interfaces_by_name()["svcctl"], 12] == "CreateServiceW"
    assert operations[rpc.interfaces_by_name()["drsuapi"], 3] == "DRSGetNCChanges"
    assert operations[rpc.interfaces_by_name()["ITaskSchedulerService"], 1] == "SchRpcRegisterTask"
    assert operations[rpc.interfaces_by_name()["samr"], 64] == "SamrConnect5"
    assert operations[rpc.interfaces_by_name()["IWbemServices"], 24] == "ExecMethod"
    assert operations[rpc.interfaces_by_name()["netlogon"], 26] == "NetrServerAuthenticate3"


def test_evidence_cannot_make_up_any_number_of_logs() -> None:
    assert not words.is_name("a b")
    found = {words.is_name(f"made-up-{n}") for n in range(3 * words.MAX_NAMES)}
    words._names.clear()
    assert found == {True, False}
