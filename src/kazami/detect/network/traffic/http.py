"""Requests that are odd: to bare addresses, with odd agents, programs under other names, what a web shell gets, proxies.

T1071.001, T1105, T1505.003. A request alone says little; said is what of it is odd, and the level follows how much that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from kazami.detect.network.traffic.domain import is_random, registered
from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import HOUR, Numbers, Rows, bursts
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "odd requests"
NEEDS = ("http",)

RULES = rules(
    "http",
    {
        "http-program": (
            "Program Fetched Under Another Name, or From a Bare Address",
            "high",
            "What came is a program of Windows, though its name does not say so, or its source has no name.",
            "command-and-control t1105 t1036.008",
            "Software that is fetched through links without a file's name",
        ),
        "http-bare": (
            "Request to a Bare Address on an Odd Port",
            "medium",
            "A machine sent data to an address on the internet without a name, on a port that is not the web's.",
            "command-and-control t1071.001 t1571",
            "Devices and games that talk to their makers",
        ),
        "http-agent": (
            "Request by a Script or a Tool",
            "low",
            "The agent of a request is that of a script or tool, none at all, or one that nobody has.",
            "command-and-control t1071.001 t1059",
            "Administration, package managers, monitoring",
        ),
        "http-posts": (
            "The Same Data Post Again and Again",
            "medium",
            "A machine sends data to one place of the internet again and again, gets next to nothing back, and was led there by no page.",
            "command-and-control exfiltration t1071.001 t1041",
            "Telemetry",
        ),
        "http-report": (
            "Request That Tells of the Machine",
            "medium",
            "A request names the machine or its user in its query, as implants do that report for duty.",
            "command-and-control t1071.001 t1082 t1033",
            "Inventory and licensing",
        ),
        "http-generated": (
            "Request to a Name That Looks Made Up",
            "low",
            "A machine sent requests to a domain that looks like one that a program made.",
            "command-and-control t1568.002",
            "Shortened names, delivery networks",
        ),
        "http-shell": (
            "Web Shell",
            "high",
            "A script of a server here is asked with commands, or gets data from one or two machines only and by nobody through a page.",
            "persistence t1505.003",
            "Interfaces for programs that are scripts",
        ),
        "http-proxy": (
            "Web Proxy That Hardly Anybody Uses",
            "low",
            "A machine had itself connected elsewhere by a web proxy that no more than two machines use.",
            "command-and-control t1090",
            "Small networks; development",
        ),
        "http-federation": (
            "Settings of a Federation Server Asked For",
            "high",
            "A machine asked a federation server for its settings as another server of the farm would; the key that signs tokens is among them.",
            "credential-access t1552.004 t1606.002",
            "Servers of the same farm",
        ),
        "http-command": (
            "Command in a Request",
            "medium",
            "A request from elsewhere to a script of a server here has a command in it; whether it was carried out is not in the evidence.",
            "initial-access t1190 t1059",
            "The usual noise of the internet",
        ),
        "http-connect": (
            "Tunnel Through a Web Proxy to an Odd Port",
            "medium",
            "A proxy was asked to connect to a port that is not that of the web.",
            "command-and-control t1090 t1572",
            "Chats and calls through the proxy",
        ),
    },
)

#: Posts to one place, and bytes that come back at most in the mean.
POSTS, BACK = 10, 300

#: Machines that a proxy of a network has more than.
USERS = 2

_PROGRAM = re.compile(
    r"x-dosexec|x-msdownload|x-msdos-program|portable-executable|x-executable|x-elf|x-sharedlib", re.I
)
_NAMED = re.compile(
    r"\.(?:exe|dll|msi|sys|cab|msu|scr|com|bin|ocx|cpl|mui|drv|so|elf|deb|rpm|psf|esd|vdm|dpl)(?:$|[?#;/&])",
    re.I,
)
_TOOL = re.compile(
    r"powershell|winhttp|python|curl/|wget/|go-http-client|java/|libwww|bitsadmin|certutil|nmap|sqlmap|nikto|masscan|zgrab|^microsoft bits|^mozilla/\d\.0$|^-?$|"
    r"^winhttprequest|httpie|okhttp|empire|havoc|sliver|^[a-z]{10,40}$",
    re.I,
)
_BARE = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?$|\[[0-9a-f:]+\](?::\d+)?$", re.I)
_REPORT = re.compile(
    r"[?&](?:c|host|hostname|computer|computername|pc|machine|comp)=[\w.-]{3,}&(?:.*&)?(?:u|user|username|usr|login)=[\w.-]{2,}",
    re.I,
)
_SCRIPT = re.compile(r"\.(?:php\d?|phtml|aspx?|ashx|asmx|jspx?|cfm|cgi|pl)(?:$|[?/])", re.I)
_COMMAND = re.compile(
    r"[?&](?:cmd|exec|command|execute|c|run|shell|e|pass)=(?:[^&]*(?:whoami|ipconfig|ifconfig|net(?:\+|%20)|dir(?:\+|%20|$)|cat(?:\+|%20)|type(?:\+|%20)|id$|ls(?:\+|%20|$)|"
    r"tasklist|systeminfo|uname|powershell|cmd(?:\.exe|\+|%20|%2f)|/bin/|wget|curl|certutil|query(?:\+|%20)user|netstat|arp(?:\+|%20)-a))",
    re.I,
)
_WEB = (80, 81, 443, 3128, 5985, 5986, 8000, 8008, 8080, 8081, 8088, 8443, 8888)
_TUNNELED = frozenset(("443", "8443", "80", "563", "22"))


def judge(traffic: Traffic) -> Iterator[Hit]:
    """What leaves, then what comes in."""
    rows = traffic["http"]
    text = rows.texts
    inside = traffic.inside("http", "source")
    outward = inside & ~traffic.inside("http", "target")
    bare = text["name"].where(lambda name: bool(_BARE.match(name))) & ~text["name"].where(
        _is_private(traffic)
    )
    program = text["mime"].where(lambda mime: bool(_PROGRAM.search(mime)))
    unnamed = ~text["uri"].where(lambda uri: bool(_NAMED.search(uri)))
    post = text["method"].among(("POST", "PUT"))
    odd_port = ~np.isin(rows.known("port"), (*_WEB, 0))
    yield from _hits(rows, program & outward & (unnamed | bare), "http-program")
    yield from _hits(rows, outward & bare & odd_port & post, "http-bare")
    yield from _hits(
        rows, outward & text["agent"].where(lambda agent: bool(_TOOL.search(agent))), "http-agent"
    )
    yield from _hits(rows, outward & text["uri"].where(lambda uri: bool(_REPORT.search(uri))), "http-report")
    yield from _hits(rows, outward & text["name"].where(_is_made), "http-generated")
    yield from _posts(rows, outward & post & (text["referrer"].codes < 0))
    connect = text["method"].among(("CONNECT",)) & text["uri"].where(
        lambda uri: uri.rpartition(":")[2] not in _TUNNELED
    )
    yield from _hits(rows, connect, "http-connect")
    yield from _proxies(rows, text["method"].among(("CONNECT",)) & ~connect)
    farm = text["uri"].where(lambda uri: uri.lower().startswith("/adfs/services/policystoretransfer"))
    yield from _hits(rows, farm, "http-federation")
    yield from _shells(traffic, rows)


def _is_private(traffic: Traffic):  # type: ignore[no-untyped-def]
    return lambda name: traffic.is_inside(name.strip("[]").partition("]")[0].partition(":")[0])


def _is_made(name: str) -> bool:
    return is_random(registered(name.partition(":")[0]).partition(".")[0])


def _proxies(rows: Rows, among: Numbers) -> Iterator[Hit]:
    for places in rows.groups("target", among=among):
        if len(np.unique(rows.texts["source"].codes[places])) <= USERS:
            yield _hit(rows, places, "http-proxy")


def _posts(rows: Rows, among: Numbers) -> Iterator[Hit]:
    back = rows.known("received")
    for places in rows.groups("source", "name", "uri", least=POSTS, among=among):
        if back[places].mean() <= BACK:
            yield _hit(rows, places, "http-posts")


def _shells(traffic: Traffic, rows: Rows) -> Iterator[Hit]:
    inward = traffic.inside("http", "target") | (rows.texts["target"].codes < 0)
    script = rows.texts["uri"].where(lambda uri: bool(_SCRIPT.search(uri)))
    fine = np.isin(rows.known("status"), (0, 200))
    command = rows.texts["uri"].where(lambda uri: bool(_COMMAND.search(uri)))
    post = rows.texts["method"].among(("POST",))
    done = rows.known("status") == 200
    yield from _hits(rows, inward & command & done, "http-shell")
    yield from _hits(rows, inward & command & fine & ~done, "http-command")
    for places in rows.groups("target", "uri", least=6, among=inward & script & fine & ~command):
        posts = post[places]
        clients = len(np.unique(rows.texts["source"].codes[places]))
        led = (rows.texts["referrer"].codes[places] >= 0).any()
        if posts.all() and clients == 1 and not led and _alone(traffic, rows, places):
            yield _hit(rows, places, "http-shell")


def _alone(traffic: Traffic, rows: Rows, places: Numbers) -> bool:
    """Whether the one who asks a script comes from the internet, and asks for nothing else there: no page, no picture."""
    first = int(places[0])
    source, target = rows.texts["source"].codes, rows.texts["target"].codes
    others = (source == source[first]) & (target == target[first])
    return traffic.is_outside(rows.texts["source"][first]) and int(others.sum()) == len(places)


def _hits(rows: Rows, among: Numbers, rule: str) -> Iterator[Hit]:
    for pair in rows.groups("source", "name", among=among):
        for places in bursts(rows.time, pair, HOUR):
            yield _hit(rows, places, rule)
    for pair in rows.groups("source", "target", among=among & (rows.texts["name"].codes < 0)):
        for places in bursts(rows.time, pair, HOUR):
            yield _hit(rows, places, rule)


def _hit(rows: Rows, places: Numbers, rule: str) -> Hit:
    first = int(places[0])
    said = {
        name: ", ".join(rows.texts[name].distinct(places)[:10])
        for name in ("method", "name", "uri", "agent", "mime")
    }
    said["sent bytes"] = number(float(rows.known("sent")[places].sum()))
    about = (
        rows.texts["source"][first],
        rows.texts["name"][first],
        rows.texts["uri"][first],
        str(int(rows.time[first])),
    )
    return Hit(rule, rows, places, said, about)
