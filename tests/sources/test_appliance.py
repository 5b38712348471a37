"""Firewalls and gateways of private networks: connections become flows, sessions events of `vpn`; all else stays what it is."""

from __future__ import annotations

from types import ModuleType

import pytest
from reads import read

from kazami.plugins import SOURCES as GROUP
from kazami.plugins import discover
from kazami.sources import identify, syslog
from kazami.sources.network import access_log, appliance, w3c

SOURCES = discover(GROUP)
FORTI = 'date=2026-03-02 time=09:00:07 devname="edge9" tz="+0900" type="{kind}" subtype="{sub}" level="notice" vd="root" action="{action}" '
ASA = "Mar 02 2026 09:00:07 edge9 : %ASA-{0}"
PALO = "Mar  2 09:00:07 edge9 1,2026/03/02 09:00:07,7,{0},0,1,2026/03/02 09:00:07,"
GATE = (
    PALO.format("GLOBALPROTECT")
    + 'vsys1,{event},login,LDAP,,north\\mori,JP,PC9,198.51.100.8,0.0.0.0,10.66.0.3,0.0.0.0,h,s,6,Windows,"W, 64",1,{reason},,,{status},,0,,0,gw9'
)
PULSE = "Mar  2 09:00:07 edge9 PulseSecure: "
OPEN = "2026-03-02 09:00:07 us=5 "
MORI = {"User": "mori", "SourceIp": "198.51.100.8"}

SESSIONS: dict[str, tuple[str, dict[str, str]]] = {
    "Fortinet, a tunnel": (FORTI.format(kind="event", sub="vpn", action="tunnel-up") + 'remip=198.51.100.8 tunnelip=10.66.0.3 user="mori" group="staff"',
                           {**MORI, "Action": "accepted", "TunnelIp": "10.66.0.3", "Group": "staff"}),
    "Fortinet, refused": ("<189>" + FORTI.format(kind="event", sub="vpn", action="ssl-login-fail") + 'remip=198.51.100.8 user="mori" reason="sslvpn_login_permission_denied"',
                          {**MORI, "Action": "failed"}),
    "Fortinet, ended": (FORTI.format(kind="event", sub="vpn", action="tunnel-down") + 'remip=198.51.100.8 user="mori" sentbyte=77 rcvdbyte=88', {**MORI, "Action": "closed", "BytesSent": "77"}),
    "ASA, AnyConnect": (ASA.format("6-113039: Group <Staff> User <mori> IP <198.51.100.8> AnyConnect parent session started."), {**MORI, "Action": "accepted", "Group": "Staff"}),
    "ASA, an address": (ASA.format("4-722051: Group <Staff> User <mori> IP <198.51.100.8> IPv4 Address <10.66.0.3> IPv6 address <::> assigned to session"),
                        {**MORI, "Action": "assigned", "TunnelIp": "10.66.0.3"}),
    "ASA, refused": (ASA.format("6-113005: AAA user authentication Rejected : reason = AAA failure : server = 10.1.1.9 : user = mori : user IP = 198.51.100.8"), {**MORI, "Action": "failed"}),
    "FTD, with a short header": ("<164>2026-03-02T09:00:07Z edge9 %FTD-6-716039: Group <A> User <mori> IP <198.51.100.8> Authentication: rejected, Session Type: WebVPN.", {**MORI, "Action": "failed"}),
    "ASA, ended": (ASA.format("4-113019: Group = Staff, Username = mori, IP = 198.51.100.8, Session disconnected. Session Type: SSL, Duration: 1h:02m:03s, Bytes xmt: 77, Bytes rcv: 88, Reason: Idle Timeout"),
                   {**MORI, "Action": "closed", "BytesSent": "77", "Reason": "Idle Timeout"}),
    "GlobalProtect": (GATE.format(event="gateway-connected", reason="", status="success"), {**MORI, "User": "north\\mori", "Action": "accepted", "TunnelIp": "10.66.0.3"}),
    "GlobalProtect, refused": (GATE.format(event="gateway-auth", reason="Invalid password", status="failure"), {"Action": "failed", "Reason": "Invalid password"}),
    "GlobalProtect, in the system log": (PALO.format("SYSTEM").replace(",0,1,", ",0,") .replace("SYSTEM,0", "SYSTEM,globalprotect,0") + ",globalprotectgateway-auth-succ,GW,0,0,general,informational,"
        '"GlobalProtect gateway user authentication succeeded. Login from: 198.51.100.8, Source region: JP, User name: mori, Auth type: profile"', {**MORI, "Action": "accepted"}),
    "Ivanti": (PULSE + "2026-03-02 09:00:07 - ive - [198.51.100.8] mori(Staff)[] - Login succeeded for mori/Staff (session:1) from 198.51.100.8 with Mozilla/5.0.", {**MORI, "Action": "accepted"}),
    "Ivanti, refused": (PULSE + "2026-03-02 09:00:07 - ive - [198.51.100.8] mori(Staff)[] - Login failed using auth server AD (LDAP).  Reason: Failed", {**MORI, "Action": "failed"}),
    "Ivanti, in pairs": (PULSE + 'id=firewall time="2026-03-02 09:00:07" pri=6 fw=edge9 vpn=ive user=mori realm="Staff" proto=auth src=198.51.100.8 dst= type=vpn op= '
        'msg="AUT24326: Primary authentication successful for mori/AD from 198.51.100.8"', {**MORI, "Action": "accepted"}),
    "OpenVPN": (OPEN + "198.51.100.8:40001 [mori] Peer Connection Initiated with [AF_INET]198.51.100.8:40001", {**MORI, "Action": "accepted", "SourcePort": "40001"}),
    "OpenVPN, behind syslog": ("Mar  2 09:00:07 edge9 ovpn-server[7]: mori/198.51.100.8:40001 MULTI: Learn: 10.66.0.3 -> mori/198.51.100.8:40001", {**MORI, "Action": "assigned", "TunnelIp": "10.66.0.3"}),
    "OpenVPN, refused": (OPEN + "198.51.100.8:40001 TLS Auth Error: Auth Username/Password verification failed for peer", {"SourceIp": "198.51.100.8", "Action": "failed"}),
}  # fmt: skip


def source_of(text: str) -> ModuleType:
    name, note = identify.identify("x.log", text.encode(), SOURCES)
    assert name in ("syslog", "appliance"), note
    return {"syslog": syslog, "appliance": appliance}[name]


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_of_a_private_network(name: str) -> None:
    line, wanted = SESSIONS[name]
    found = read(source_of(line), f"{line}\n")
    (event,) = found.of("vpn")
    assert event["time"].isoformat() == (
        "2026-03-02T00:00:07+00:00" if "+0900" in line else "2026-03-02T09:00:07+00:00"
    )
    assert {key: event.get(key) for key in wanted} == wanted
    assert event.get("user") == event.get("User")
    assert event.get("host") == (None if line.startswith(OPEN) else "edge9")
    assert found.rejects == []


STATUS = {
    "first": "OpenVPN CLIENT LIST\nUpdated,2026-03-02 09:00:00\nCommon Name,Real Address,Bytes Received,Bytes Sent,Connected Since\n"
    "mori,198.51.100.8:40001,88,77,2026-03-02 08:00:00\nROUTING TABLE\nVirtual Address,Common Name,Real Address,Last Ref\n10.66.0.3,mori,198.51.100.8:40001,x\nGLOBAL STATS\nEND\n",
    "second": "TITLE,OpenVPN 2.6.3\nTIME,2026-03-02 09:00:00,1772442000\nHEADER,CLIENT_LIST,Common Name,Real Address,Virtual Address,Bytes Received,Bytes Sent,Connected Since,Username\n"
    "CLIENT_LIST,c1,198.51.100.8:40001,10.66.0.3,88,77,2026-03-02 08:00:00,mori\nHEADER,ROUTING_TABLE,Virtual Address,Common Name\nROUTING_TABLE,10.66.0.3,c1\nEND\n",
}  # fmt: skip
STATUS["third"] = STATUS["second"].replace(",", "\t")


@pytest.mark.parametrize("version", STATUS)
def test_the_status_file_of_openvpn(version: str) -> None:
    found = read(source_of(STATUS[version]), STATUS[version])
    (event,) = found.of("vpn")
    assert {key: event[key] for key in (*MORI, "Action", "BytesSent", "BytesReceived")} == {**MORI, "Action": "accepted", "BytesSent": "77", "BytesReceived": "88"}  # fmt: skip
    assert event["time"].isoformat() == "2026-03-02T08:00:00+00:00"
    assert found.rejects == []


FLOWS = {
    "Fortinet": FORTI.format(kind="traffic", sub="forward", action="close") + "srcip=10.3.0.2 srcport=5001 dstip=198.51.100.8 dstport=8443 proto=6 sentbyte=77 rcvdbyte=88",
    "Palo Alto": PALO.format("TRAFFIC") + "10.3.0.2,198.51.100.8,0.0.0.0,0.0.0.0,out,,,ssl,vsys1,a,b,e1,e2,fwd,x,9,1,5001,8443,0,0,0x1c,tcp,allow,165,77,88,9,2026/03/02 08:59:00,60,any,0,1,0x0,a,b,0,4,5,tcp-fin",
}  # fmt: skip


@pytest.mark.parametrize("name", FLOWS)
def test_a_connection_through_a_firewall(name: str) -> None:
    (event,) = read(source_of(FLOWS[name]), FLOWS[name]).of("flow")
    wanted = {"id.orig_h": "10.3.0.2", "id.orig_p": "5001", "id.resp_h": "198.51.100.8", "id.resp_p": "8443", "proto": "tcp", "action": "accept",
              "orig_ip_bytes": "77", "resp_ip_bytes": "88"}  # fmt: skip
    assert {key: event[key] for key in wanted} == wanted


@pytest.mark.parametrize("line", [
    "Mar  2 09:00:07 edge9 sshd[1]: Accepted password for mori from 198.51.100.8 port 40001 ssh2",
    "Mar  2 09:00:07 edge9 %ASA-6-305011: Built dynamic TCP translation from inside:10.1.1.4/5000 to outside:198.51.100.8/443",
    "Mar  2 09:00:07 edge9 cron[2]: a=1 b=2 c=3 d=4 e=5 f=6 g=7",
    PALO.format("SYSTEM") + "x,y,z,0,0,general,informational,User admin logged in",
    "Mar  2 09:00:07 edge9 app: user=mori says that the tunnel is up = a = b = c = d = e = f",
], ids=range(5))  # fmt: skip
def test_other_lines_stay_syslog(line: str) -> None:
    found = read(source_of(line), f"{line}\n")
    assert found.of("vpn") == found.of("flow") == []
    assert len(found.events) == 1


@pytest.mark.parametrize("text", [
    "date=2026-03-02 time=" + "=" * 200_000, "TITLE,OpenVPN \nHEADER,CLIENT_LIST\nCLIENT_LIST\n,,,,\n", 'a="' * 5000, PALO.format("GLOBALPROTECT") + '"' * 999,
    "%ASA-6-113039: Group <" + "<" * 60_000, "OpenVPN CLIENT LIST\nUpdated,\nCommon Name\n,\n",
], ids=range(6))  # fmt: skip
def test_damage_is_kept_or_rejected(text: str) -> None:
    found = read(appliance, f"{text}\n")
    assert len(found.events) + len(found.rejects) >= (0 if "OpenVPN" in text else 1)


def test_windows_own_firewall() -> None:
    text = (
        "#Version: 1.5\n#Software: Microsoft Windows Firewall\n#Time Format: Local\n#Fields: date time action protocol src-ip dst-ip src-port dst-port size path\n\n"
        "2026-03-02 09:00:07 ALLOW TCP 10.3.0.2 198.51.100.8 5001 8443 0 SEND\n"
    )
    assert identify.identify("pfirewall.log", text.encode(), SOURCES)[0] == "w3c"
    (event,) = read(w3c, text).of("flow")
    assert (event["id.resp_h"], event["id.resp_p"], event["proto"], event["action"]) == ("198.51.100.8", "8443", "tcp", "accept")  # fmt: skip


def test_squid_s_own_format() -> None:
    text = (
        "1772442007.120    150 10.3.0.2 TCP_MISS/200 4512 GET http://a.example:8080/x.bin?y mori HIER_DIRECT/198.51.100.8 text/html\n"
        "1772442008.120   9150 10.3.0.2 TCP_TUNNEL/200 94512 CONNECT b.example:443 - HIER_DIRECT/198.51.100.9 -\n"
    )
    assert identify.identify("x", text.encode(), SOURCES)[0] == "access_log"
    first, second = read(access_log, text).of("http")
    assert (first["host_"], first["uri"], first["username"], first["response_body_len"]) == ("a.example", "/x.bin?y", "mori", "4512")  # fmt: skip
    assert (second["host_"], second["uri"], second["method"]) == ("b.example", "b.example:443", "CONNECT")


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("DNS Server log file creation at 3/1/2024 9:59:00 AM\n\nMessage logging key:\n\tField #  Information\n\n"
         "3/1/2024 10:00:00 AM 0F64 PACKET  000000E1D1DA9EC0 UDP Rcv 10.1.1.20       1234   Q [0001   D   NOERROR] A      (4)evil(7)example(0)\n", "dns"),
        ("\t\tMicrosoft DHCP Service Activity Log\n\nEvent ID  Meaning\n10\tA new IP address was leased\n\nID,Date,Time,Description,IP Address,Host Name,MAC Address\n"
         "24,03/01/24,00:00:43,Database Cleanup Begin,,,,\n10,03/01/24,10:00:00,Assign,10.1.1.20,PC1,001122334455,\n", "zeek.dhcp"),
    ],
)  # fmt: skip
def test_logs_of_windows_servers_that_explain_themselves(text: str, table: str) -> None:
    found = read(source_of(text), text)
    assert [(event["#table"], event["time"].isoformat()) for event in found.events] == [
        (table, "2024-03-01T10:00:00+00:00")
    ]
    assert not found.rejects
