"""Small-office relays: `tests/cases/relay_host` says what is found, what nearly is, and what only looks like it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from capture_writer import SYN, ethernet, ip, pcap, talk, tcp
from kazami import pipeline, plugins
from kazami.detect.network import relay_host
from kazami.detect.network.relay_host import distance, face, gather, stack
from kazami.detect.network.relay_host.question import LISTED, QUESTIONS
from kazami.detect.network.relay_host.score import RULES, judged
from kazami.detect.network.relay_host.signal import Signal
from kazami.intel import networks, relays
from kazami.model.tenant import Directory
from kazami.store.case import Case
from kazami.store.read import findings
from kazami.tenants import parse
from made import Watcher

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "relay_host" / "cases.yaml").read_text("utf-8"))
LEVELS = {rule.id: rule.level for rule in RULES.values()}
TENANTS = parse('[tenants.north]\nnetworks = ["198.51.101.0/24"]\n')
START = datetime(2026, 11, 10, tzinfo=UTC)


def batches(events: list[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
    """Events in the words of the questions, as the store would answer: to each question those that have its columns."""
    for question in (*QUESTIONS, LISTED):
        schema = question.schema()
        special = set(question.columns) & {"agent", "face", "syn"}
        rows = [
            {
                "event_uid": f"{number:032x}", "tenant": one.get("tenant", "north"), "evidence": "e", "record": number, "host": "VPN01",
                "time": datetime.fromisoformat(one["at"]).replace(tzinfo=UTC) if "at" in one else START + timedelta(hours=number),
                **{name: one.get(name) for name in schema.names if name in question.columns or name in ("EventID", "user")},
            }
            for number, one in enumerate(events)
            if one["table"] == question.table and (not special or special <= one.keys() or ("syn" in special and "far" in one))
        ]  # fmt: skip
        if rows:
            yield pa.RecordBatch.from_pylist(rows, schema)


@pytest.fixture
def knowledge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZAMI_INTEL", str(tmp_path / "intel"))
    (tmp_path / "owners.tsv").write_text(CASES["owners"])
    (tmp_path / "made.txt").write_text(CASES["lists"])
    networks.install(networks.read(tmp_path / "owners.tsv"))
    relays.install(relays.read(tmp_path / "made.txt")[0])


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES["cases"].items()])
@pytest.mark.usefixtures("knowledge")
def test_a_case(case: dict[str, Any]) -> None:
    found, notes = relay_host.judge(batches(case["says"]), TENANTS)
    told = {}
    for row in found.to_pylist():
        matched = dict(row["matched"])
        told[matched["c-ip"]] = [
            LEVELS[row["rule_id"]],
            *(kind for kind in ("listed", "face", "stack", "distance", "consumer") if kind in matched),
        ]
        assert row["event_uids"]
        assert row["tenant"] == "north"
    assert told == case["expect"]
    assert notes == []


def test_without_knowledge_it_says_what_that_blinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZAMI_INTEL", str(tmp_path))
    said = CASES["cases"]["a stack and a distance that do not fit"]["says"]
    found, notes = relay_host.judge(batches(said), TENANTS)
    assert (found.num_rows, notes) == (1, [])  # nobody logged on from outside
    found, notes = relay_host.judge(
        batches(CASES["cases"]["an administrator without a past"]["says"]), TENANTS
    )
    assert ["kazami intel add" in note for note in notes] == [True, True]
    assert relay_host.judge(iter([]), Directory())[1] == []


@pytest.mark.usefixtures("knowledge")
def test_tenants_are_judged_apart() -> None:
    said = CASES["cases"]["a router's page and a stack that does not fit"]["says"]
    apart = [{**one, "tenant": "south" if one["table"] == "tls" else "north"} for one in said]
    assert relay_host.judge(batches(apart), TENANTS)[0].num_rows == 0


@pytest.mark.usefixtures("knowledge")
def test_what_is_too_much_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "MOST", 3)
    flows = [{"table": "flow", "source": "203.0.113.9", "target": "198.51.100.1"}] * 9
    found, notes = relay_host.judge(batches(flows), TENANTS)
    assert found.num_rows == 1
    assert "6 signals beyond the first" in notes[0]


def test_it_is_registered_and_reads_all_flows_only_where_a_list_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = [one for one in plugins.discover(plugins.DETECTORS) if one.name == "relay_host"]
    assert isinstance(one.object, plugins.Overall)
    monkeypatch.setenv("KAZAMI_INTEL", str(tmp_path))
    assert LISTED not in one.object.tables
    relays.install([relays.Entry("203.0.113.9/32", "", "", "l")])
    assert LISTED in one.object.tables
    with pytest.raises(AttributeError):
        relay_host.nothing  # noqa: B018


def connection(options: str, alive: int, request: bytes) -> list[bytes]:
    """A connection from a listed address to one of ours."""
    packets = talk(
        request,
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        80,
        source="203.0.113.9",
        target="198.51.101.1",
    )
    raw = bytes.fromhex(options)
    first = bytearray(ip(tcp(b"", 99, SYN, target=80)[:12] + bytes(((20 + len(raw)) // 4 << 4, SYN, 250, 240, 0, 0, 0, 0)) + raw,
                         source="203.0.113.9", target="198.51.101.1"))  # fmt: skip
    first[8] = alive
    return [bytes(first), *packets[1:]]


@pytest.mark.usefixtures("knowledge")
@pytest.mark.parametrize(
    ("options", "alive", "level"),
    [("020405ac0402080a000000010000000001030302", 52, "medium"), ("020405b40103030801010402", 119, "low")],
)
def test_a_scan_of_a_capture_finds_it(options: str, alive: int, level: str, tmp_path: Path) -> None:
    request = b"GET /remote/login HTTP/1.1\r\nHost: vpn.north.example\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0)\r\n\r\n"
    made = pcap([ethernet(one) for one in connection(options, alive, request)])
    (tmp_path / "a.pcap").write_bytes(made)
    lists = tmp_path / "now.txt"
    lists.write_text("203.0.113.9 2023-11-01 2023-11-30\n")
    relays.install(relays.read(lists)[0])
    pipeline.scan(
        pipeline.Request(
            [tmp_path / "a.pcap"], tmp_path / "case", packs=(), tenant="north", directory=TENANTS
        ),
        Watcher(),
    )
    with Case.open(tmp_path / "case", read_only=True) as opened:
        found = [row for row in findings(opened) if "relay" in row["title"].lower()]
    assert [(row["level"], row["matched"]["c-ip"]) for row in found] == [(level, "203.0.113.9")]


def signal(kind: str, weight: float, admin: str = "") -> Signal:
    return Signal("north", "203.0.113.9", kind, weight, "", 0, admin=admin)


@pytest.mark.parametrize(
    ("signals", "key"),
    [
        ([], ""),
        ([signal("listed", 0.6)], "relay-low"),
        ([signal("face", 0.4)] * 9, ""),  # the same kind again says no more
        ([signal("face", 0.25), signal("stack", 0.25)], ""),
        ([signal("face", 0.4), signal("stack", 0.35)], "relay-medium"),
        ([signal("listed", 0.6), signal("consumer", 0.3)], "relay-medium"),
        ([signal("listed", 0.6), signal("consumer", 0.3, "adm")], "relay-high"),
        ([signal("face", 0.25), signal("consumer", 0.3, "adm")], "relay-medium"),
    ],
)
def test_two_kinds_at_least_before_it_is_more_than_low(signals: list[Signal], key: str) -> None:
    assert judged(signals)[0] == key


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CN=NETGEAR,OU=Home", "a NETGEAR device"),
        ("CN=rv325", "a Cisco RV router"),
        ("Basic realm=\"DrayTek Vigor 2925\"", "a DrayTek router"),
        ("GoAhead-Webs", "a server of embedded devices"),
        ("SSH-2.0-dropbear_2017.75", "an SSH of embedded devices"),
        ("CN=jdyfj", "a certificate of KV-botnet's own"),
        ("CN=FortiGate", "a small firewall"),
        ("CN=www.example.com,O=Example", None),
        ("nginx/1.18.0", None),
        ("CN=carving.example", None),
        ("CN=serv20.example", None),
        ("", None),
    ],
)  # fmt: skip
def test_faces(text: str, words: str | None) -> None:
    found = face.seen(text)
    assert (found[1] if found else None) == words


@pytest.mark.parametrize(
    ("signature", "system"),
    [
        ("52:5840:1452:2:MSTNW", "linux"),
        ("64:64240:1460:7:MSTNW", "linux"),
        ("119:64240:1460:8:MNWNNS", "windows"),
        ("52:64240:1460:8:MNWNNS", ""),  # Windows' options with another's time to live
        ("200:64240:1460:7:MSTNW", ""),
        ("55:65535:1460:6:MNWNNTSEE", ""),
        ("", ""),
        ("a:b:c:d:e", ""),
    ],
)
def test_systems(signature: str, system: str) -> None:
    assert stack.system(signature) == system


def test_a_line_of_a_home_is_said() -> None:
    found = stack.mismatch("52:5840:1452:2:MSTNW", "Windows NT 10.0")
    assert found is not None
    assert "PPPoE" in found[1]


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ([(0.012, 0.19)] * 3, True),
        ([(0.012, 0.19)] * 2, False),
        ([(0.2, 0.21)] * 5, False),  # far away, and alike
        ([(0.09, 0.16)] * 5, False),  # a slow machine
        ([(0.012, 0.19), (0.012, 0.03), (0.012, 0.03)], False),
        ([], False),
    ],
)
def test_distances(pairs: list[tuple[float, float]], says: bool) -> None:
    assert (distance.gap(pairs) is not None) == says
