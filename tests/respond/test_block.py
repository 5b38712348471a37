"""Blocks: what findings name, what is spared, and what sinks are told."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stix2

from kazami.errors import UsageError
from kazami.model.block import Block, Indicator
from kazami.model.incident import Text
from kazami.model.tenant import Directory
from kazami.respond.block import live, nftables, own, proxy, sinkhole, stix, suricata
from kazami.respond.block.allow import Allow
from kazami.respond.block.build import build
from kazami.respond.block.indicator import domain, indicators, url
from kazami.tenants import parse

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)

TENANTS = parse("""
[provider]
tenant = "msp"
jump_hosts = ["jump01.msp.example"]
sources = ["198.51.100.8/30"]
networks = ["198.51.100.0/24"]
two_way = ["203.0.114.50"]
[tenants.north]
domains = ["north.example"]
expected = ["*.cloud.example:443", "203.0.116.0/24", "[2001:db8:5::/48]:443"]
networks = ["203.0.114.0/28"]
gateways = ["192.0.2.254"]
tools = ["Rmm"]
[tenants.south]
domains = ["south.example"]
networks = ["203.0.115.0/28"]
[blocking]
resolvers = ["192.0.2.53"]
never = ["updates.example", "192.0.3.0/24"]
shared = ["192.0.4.0/24", "cdn.example"]
""")


def finding(**more: Any) -> Any:
    made: dict[str, Any] = {
        "finding_uid": "f" * 32, "title": "RedLeaves on the Network", "tenant": "north", "level": "critical",
        "tactics": ["command-and-control"], "matched": {}, "event_uids": [],
    }  # fmt: skip
    return {**made, **more}


#: What a finding says, and the indicators that come of it.
NAMED: list[tuple[str, dict[str, Any], dict[str, Any], list[tuple[str, str, str]]]] = [
    ("a flow's far end", {}, {"id.orig_h": "10.0.0.5", "id.resp_h": "203.0.113.9"}, [("address", "203.0.113.9", "high")]),
    ("the far end is the client's where the server is ours", {}, {"id.orig_h": "203.0.113.9", "id.resp_h": "10.0.0.5"},
     [("address", "203.0.113.9", "high")]),
    ("the tenant's own network is no far end", {}, {"id.orig_h": "203.0.114.3", "id.resp_h": "203.0.113.9"},
     [("address", "203.0.113.9", "high")]),
    ("both ends inside", {}, {"id.orig_h": "10.0.0.5", "id.resp_h": "10.0.0.6"}, []),
    ("who came", {"tactics": ["initial-access"], "level": "high"}, {"IpAddress": "203.0.113.7", "DestinationIp": "203.0.113.1"},
     [("address", "203.0.113.7", "medium")]),
    ("a tactic that names nobody", {"tactics": ["discovery"]}, {"id.resp_h": "203.0.113.9"}, []),
    ("what it says of its own confidence", {"matched": {"confidence": "low"}}, {"id.resp_h": "203.0.113.9"},
     [("address", "203.0.113.9", "low")]),
    ("who was asked for a name is a name server", {}, {"query": "evil.example", "id.orig_h": "10.0.0.5", "id.resp_h": "203.0.113.53"},
     [("domain", "evil.example", "high")]),
    ("names, in one spelling", {}, {"QueryName": "Evil.Example."}, [("domain", "evil.example", "high")]),
    ("names beyond ASCII", {}, {"query": "悪.example"}, [("domain", "xn--ndu.example", "high")]),
    ("a name that is none", {}, {"query": "a b;drop.example"}, []),
    ("a request", {}, {"host_": "evil.example", "uri": "/a?b=1"}, [("url", "http://evil.example/a?b=1", "high")]),
    ("a hello", {}, {"ja3": "ab" * 16, "server_name": "evil.example"},
     [("domain", "evil.example", "high"), ("ja3", "ab" * 16, "high")]),
    ("certificates, with colons", {}, {"fingerprint": ":".join(["AB"] * 20)}, [("certificate", "ab" * 20, "high")]),
    ("a list of certificates", {}, {"cert_chain_fps": json.dumps(["cd" * 32])}, [("certificate", "cd" * 32, "high")]),
    ("what a command line fetches is less sure", {}, {"CommandLine": "certutil -urlcache http://203.0.113.9/a.exe a.exe"},
     [("url", "http://203.0.113.9/a.exe", "medium")]),
    ("nothing", {}, {}, []),
]  # fmt: skip


@pytest.mark.parametrize(("about", "said", "event", "expected"), NAMED, ids=[row[0] for row in NAMED])
def test_what_findings_name(about: str, said: Any, event: Any, expected: list[tuple[str, str, str]]) -> None:
    row = finding(event_uids=["e"], **said)
    found = indicators("north", [(row, "")], {"e": event}, TENANTS.tenant("north").networks)
    assert [(one.kind, one.value, one.confidence) for one in found] == expected


def test_of_several_findings_the_surest_counts_and_all_are_named() -> None:
    rows = [(finding(finding_uid=str(n), level=level, matched={"id.resp_h": "203.0.113.9"}), "")
            for n, level in enumerate(("medium", "critical"))]  # fmt: skip
    (one,) = indicators("north", rows, {})
    assert (one.confidence, one.findings) == ("high", ("0", "1"))


def test_a_grave_incident_is_one_step_more() -> None:
    row = finding(level="high", matched={"id.resp_h": "203.0.113.9"})
    assert [
        one.confidence for severity in ("", "high") for one in indicators("north", [(row, severity)], {})
    ] == ["medium", "high"]


def test_a_finding_of_another_tenant_is_refused() -> None:
    with pytest.raises(ValueError, match="another tenant"):
        indicators("north", [(finding(tenant="south"), "")], {})


@pytest.mark.parametrize(
    "text", ["ftp://a.example/", "http:///x", 'http://a.example/"x', "http://a b/", "x" * 3000, "http://[::1"]
)
def test_no_url(text: str) -> None:
    assert url(text) == ""


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", "-a.example", "192.0.2.1", "a" * 64 + ".example", "1.2.3", "a.example\n"]
)
def test_no_name(text: str) -> None:
    assert domain(text) in ("", "a.example")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("HTTP://Evil.Example?x=1", "http://evil.example/?x=1"),
        ("http://evil.example/a#b", "http://evil.example/a"),
        ("http://evil.example#b", "http://evil.example/"),
        ("http://evil.example/?a=b#c?d", "http://evil.example/?a=b"),
    ],
)
def test_a_url_is_what_is_sent(text: str, wanted: str) -> None:
    assert url(text) == wanted


#: What is asked for, and why it is never blocked ("" where it may be).
SPARED = [
    ("address", "203.0.113.9", ""),
    ("address", "203.0.114.3", "is the tenant's own"),
    ("address", "203.0.115.3", "belongs to the provider or to somebody it works for"),
    ("address", "198.51.100.9", "is where the provider works from"),
    ("address", "203.0.114.50", "is where the provider works from"),
    ("address", "198.51.100.200", "belongs to the provider or to somebody it works for"),
    ("address", "10.1.2.3", "lies inside the network"),
    ("address", "fe80::1", "leads nowhere on the internet"),
    ("address", "224.0.0.251", "leads nowhere on the internet"),
    ("address", "0.0.0.0", "leads nowhere on the internet"),
    ("address", "192.0.2.254", "is a gateway"),
    ("address", "192.0.2.53", "is a name server that is in use"),
    ("address", "192.0.3.7", "is listed as never to be blocked"),
    ("address", "8.8.8.8", "is a public name server"),
    ("address", "2620:fe::fe", "is a public name server"),
    ("address", "203.0.116.9", "is where the tenant's connections are expected to go"),
    ("address", "2001:db8:5::1", "is where the tenant's connections are expected to go"),
    ("domain", "a.cloud.example", "is where the tenant's connections are expected to go"),
    ("domain", "evil.example", ""),
    ("domain", "vpn.north.example", "is the tenant's own"),
    ("domain", "north.example", "is the tenant's own"),
    ("domain", "mail.south.example", "belongs to the provider or to somebody it works for"),
    ("domain", "jump01.msp.example", "is where the provider works from"),
    ("domain", "a.rmm.example", "belongs to the remote management that was agreed on"),
    ("domain", "x.updates.example", "is listed as never to be blocked"),
    ("domain", "xupdates.example", ""),
    ("domain", "cloudfront.net", "everybody's names lie below it"),
    ("domain", "d111.cloudfront.net", ""),
    ("domain", "co.jp", "everybody's names lie below it"),
    ("domain", "fs01.local", "leads nowhere on the internet"),
    ("domain", "wpad", "leads nowhere on the internet"),
    ("url", "http://192.0.3.7/a", "is listed as never to be blocked"),
    ("url", "https://github.com/evil/tool", ""),
    ("url", "http://vpn.north.example/x", "is the tenant's own"),
    ("ja3", "ab" * 16, ""),
    ("address", "64:ff9b::808:808", "is a public name server"),
    ("address", "2002:808:808::1", "is a public name server"),
    ("address", "2001:0:c000:201:0:0:f7f7:f7f7", "is a public name server"),
    ("address", "64:ff9b::c000:2fe", "is a gateway"),
    ("address", "64:ff9b::cb00:7109", ""),
    ("address", "168.63.129.16", "leads nowhere on the internet"),
    ("domain", "com.example", ""),
    ("domain", "msp.example", "what is never blocked lies below it"),
    ("domain", "rmm.example", "belongs to the remote management that was agreed on"),
    ("domain", "cloud.example", "what is never blocked lies below it"),
    ("domain", "office365.com", "everybody's names lie below it"),
    ("domain", "outlook.office365.com", "runs mail, logons, updates or the like for everybody"),
    ("domain", "north-example.mail.protection.outlook.com", "runs mail, logons, updates or the like for everybody"),
    ("domain", "notoffice365.com", ""),
    ("domain", "githubusercontent.com", "what is never blocked lies below it"),
    ("url", "http://github.com/", "everybody's names lie below it"),
    ("url", "http://msp.example/", "what is never blocked lies below it"),
    ("url", "http://msp.example/tool.exe", ""),
    ("url", "https://drive.google.com/uc?id=1", ""),
    ("url", "http://www.google.com/", "runs mail, logons, updates or the like for everybody"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "why"), SPARED)
def test_what_is_spared(kind: str, value: str, why: str) -> None:
    found = Allow(TENANTS, "north", ("*.rmm.example",)).never(kind, value)
    assert (found.en if found else "") == why


@pytest.mark.parametrize(
    ("kind", "value", "names", "why"),
    [
        ("address", "203.0.113.9", 0, ""),
        ("address", "203.0.113.9", 4, ""),
        ("address", "203.0.113.9", 5, "5 names lead to it"),
        ("address", "104.16.1.1", 0, "is a content network's"),
        ("address", "192.0.4.4", 0, "is listed as shared"),
        ("domain", "a.cdn.example", 0, "is listed as shared"),
        ("domain", "pastebin.com", 0, "serves what anybody puts there"),
        ("url", "https://pastebin.com/raw/x", 0, ""),
        ("url", "https://pastebin.com/", 0, "serves what anybody puts there"),
        ("url", "http://104.16.1.1/", 0, "is a content network's"),
        ("domain", "contoso-my.sharepoint.com", 0, "serves what anybody puts there"),
        ("address", "40.97.1.1", 0, "is of a cloud that everybody's mail and documents are in"),
        ("address", "2a00:1450:4001::5", 0, "is of a cloud that everybody's mail and documents are in"),
        ("address", "64:ff9b::6810:101", 0, "is a content network's"),
        ("ja3", "ab" * 16, 0, "many programs may share it"),
    ],
)
def test_who_else_could_be_hit(kind: str, value: str, names: int, why: str) -> None:
    found = Allow(TENANTS, "north").warned(kind, value, names)
    assert (found.en if found else "") == why


def test_what_is_spared_comes_before_how_sure_one_is() -> None:
    weak = Indicator("north", "address", "203.0.113.9", "low", ("f",), ("t",))
    spared = Indicator("north", "address", "8.8.8.8", "low", ("f",), ("t",))
    first, second = build([weak, spared], Allow(Directory(), "north"))
    assert first.refused is not None
    assert "not sure enough" in first.refused.en
    assert second.refused is not None
    assert second.refused.en == "is a public name server"
    assert build([weak], Allow(Directory(), "north"), least="low", hours=9)[0].seconds == 9 * 3600


def test_what_lies_below_a_blocked_name_is_not_listed_twice() -> None:
    names = {
        "evil.example": "medium",
        "a.b.evil.example": "medium",
        "c.evil.example": "high",
        "notevil.example": "medium",
    }
    made = build(
        [Indicator("north", "domain", name, sure, ("f",), ("t",)) for name, sure in names.items()],
        Allow(Directory(), "north"),
    )
    told = {one.value: one.refused.en for one in made if one.refused}
    assert told == {
        "a.b.evil.example": "lies below evil.example, which is blocked"
    }  # the other one is to last longer


EVIL = '"; drop ip any any -> any any (msg:"x'
BLOCKS = [
    Block(f"{number:032x}", "north", kind, value, "high", 3600, ("f",), Text(f"RAT {EVIL}", "RAT"), until=NOW + timedelta(hours=1))
    for number, (kind, value) in enumerate(
        [
            ("address", "203.0.113.9"), ("address", "2001:db8::9"), ("domain", "evil.example"),
            ("url", "http://evil.example/a;b?c=1|2"), ("ja3", "ab" * 16), ("certificate", "cd" * 20),
            ("certificate", "ef" * 32),
        ]
    )
]  # fmt: skip


def planned(sink: Any, blocks: list[Block] = BLOCKS) -> dict[str, str]:
    made: dict[str, str] = sink.plan("north", [one for one in blocks if sink.takes(one)], NOW)
    return made


def test_rules_of_suricata() -> None:
    (text,) = planned(suricata).values()
    rules = text.splitlines()[1:]
    assert len(rules) == 2 + 3 + 1 + 1 + 1  # addresses, a name thrice, URL, JA3, SHA-1
    for rule in rules:
        assert re.fullmatch(
            r'drop \w+ \S+ \S+ (<>|->) \S+ any \(msg:"[^";\\]*"; ([^"]|"[^"]*")*sid:1\d{6}; rev:1;\)', rule
        ), rule
    assert len({re.search(r"sid:(\d+)", rule)[1] for rule in rules}) == len(rules)  # type: ignore[index]
    assert 'content:"/a|3b|b|3f|c=1|7c|2"' in text
    assert ":".join(["cd"] * 20) in text
    assert "ef" * 32 not in text


def test_name_servers_are_told_in_three_forms() -> None:
    zone, unbound, hosts = planned(sinkhole).values()
    assert "evil.example CNAME .\n*.evil.example CNAME .\n" in zone
    assert "32.9.113.0.203.rpz-ip CNAME ." in zone
    assert "128.9.zz.db8.2001.rpz-ip CNAME ." in zone
    assert 'local-zone: "evil.example." always_nxdomain' in unbound
    assert "0.0.0.0 evil.example\n:: evil.example" in hosts


def test_proxies() -> None:
    (name, squid), (_, pac) = planned(proxy).items()
    lines = squid.splitlines()
    assert any(line.endswith("dstdomain .evil.example") for line in lines)
    pattern = next(line.split()[-1] for line in lines if " url_regex " in line)
    assert re.match(pattern, "http://evil.example/a;b?c=1|2")
    assert not re.match(pattern, "http://evilxexample/a;b?c=1|2")
    above = [*BLOCKS, replace(BLOCKS[2], value="a.evil.example")]  # Squid refuses to start over both
    assert [
        line.split()[-1] for line in planned(proxy, above)[name].splitlines() if " dstdomain " in line
    ] == [".evil.example"]
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here to run the PAC")
    asked = [
        ("http://x.evil.example/", "x.evil.example"),
        ("http://203.0.113.9/", "203.0.113.9"),
        ("http://good.example/", "good.example"),
    ]
    calls = "".join(
        f"console.log(FindProxyForURL({json.dumps(url)}, {json.dumps(host)}));" for url, host in asked
    )
    done = subprocess.run([node, "-e", pac + calls], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["PROXY 127.0.0.1:9", "PROXY 127.0.0.1:9", "DIRECT"]


def test_stix_is_read_by_its_library() -> None:
    (text,) = planned(stix).values()
    bundle = stix2.parse(text, allow_custom=True)
    found = [one for one in bundle.objects if one["type"] == "indicator"]
    assert len(found) == len(BLOCKS)
    assert all(one["valid_until"] - one["valid_from"] == timedelta(hours=1) for one in found)


def test_nft_takes_what_it_is_given() -> None:
    (text,) = planned(nftables).values()
    assert "203.0.113.9 timeout 3600s" in text
    nft = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin")
    if nft is None:
        pytest.skip("nft is not installed")
    done = subprocess.run([nft, "-c", "-f", "-"], input=text, capture_output=True, text=True)
    if "Operation not permitted" in done.stderr or "cache initialization failed" in done.stderr:
        pytest.skip(f"nft cannot be asked here: {done.stderr.strip()[:100]}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("sink", [suricata, nftables, sinkhole, proxy, stix])
def test_a_folder_is_left_as_it_was(sink: Any, tmp_path: Path) -> None:
    (tmp_path / "theirs.conf").write_text("mine")
    sink.apply("north", [one for one in BLOCKS if sink.takes(one)], tmp_path, NOW)
    assert len(list(tmp_path.iterdir())) == 1 + len(planned(sink))
    sink.undo("north", [], tmp_path, NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.conf"]


def test_files_come_all_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sinkhole.apply("north", BLOCKS[:3], tmp_path, NOW)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    write = Path.write_text

    def full(path: Path, text: str, encoding: str) -> int:
        if "hosts" in path.name:
            raise OSError(28, "No space left on device", str(path))
        return write(path, text, encoding)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UsageError, match="No space left"):
        sinkhole.apply("north", [replace(BLOCKS[2], value="other.example")], tmp_path, NOW)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_machine_without_nft_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.shutil, "which", lambda *_, **__: None)
    with pytest.raises(UsageError, match="apt install nftables"):
        live.apply("north", BLOCKS[:1], Path("-"), NOW)


def test_a_machine_spares_what_it_cannot_do_without(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "proc" / "net").mkdir(parents=True)
    (tmp_path / "etc" / "resolv.conf").write_text(
        "# x\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\noptions edns0\nnameserver\n"
    )
    route = "Iface Destination Gateway Flags\neth0 00000000 010200C0 0003\neth0 000200C0 00000000 0001\neth0 00000000 0102 0003\n"
    (tmp_path / "proc" / "net" / "route").write_text(route)
    six = "20010db8" + "0" * 23 + "1"
    (tmp_path / "proc" / "net" / "ipv6_route").write_text(
        f"{'0' * 32} 00 {'0' * 32} 00 {six} 0\n{'0' * 32} 00 x 00 {'0' * 32}\n"
    )
    found = own.addresses(
        tmp_path, {"SSH_CONNECTION": "203.0.113.9 50000 192.0.2.7 22", "SSH_CLIENT": "203.0.113.9 50000 22"}
    )
    assert found == ["192.0.2.53", "fe80::1", "192.0.2.1", "2001:db8::1", "203.0.113.9"]
    assert own.addresses(tmp_path / "nothing", {}) == []
    text = nftables.text("north", BLOCKS[:2], NOW, found)
    for chain in text.split("chain on_")[1:]:
        assert chain.index("ip saddr 203.0.113.9 accept") < chain.index("ip saddr @bad4 counter drop")
        assert chain.index("ip6 saddr 2001:db8::1 accept") < chain.index("ip6 saddr @bad6 counter drop")


def test_a_file_of_somebody_else_stays(tmp_path: Path) -> None:
    name = next(iter(planned(suricata)))
    (tmp_path / name).write_text("drop ip any any -> any any (sid:1;)")
    for step in (suricata.apply, suricata.undo):
        with pytest.raises(UsageError, match="not of these blocks"):
            step("north", BLOCKS[:1], tmp_path, NOW)
    assert (tmp_path / name).read_text().startswith("drop ip")
