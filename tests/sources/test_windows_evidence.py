"""Windows events of real machines: every one is routed, and the formats agree."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import evtx as evtx_package
import pytest
import yaml
from reads import Reading, read

from kazami.model.event import LogSource
from kazami.sources import evtx, jsonl, mapping, windows, xml

WHOLE = mapping.load("windows.yml")

#: Log sources of Windows that rules address and that no Windows event log carries.
NOT_SERVED: dict[LogSource, str] = {}


def test_every_log_source_of_the_official_runner_is_served(shared: Path) -> None:
    thor = yaml.safe_load((shared / "sigma" / "tests" / "thor.yml").read_text())["logsources"]
    channels = {
        entry["service"]: source.removeprefix("WinEventLog:")
        for entry in thor.values()
        if entry.get("product") == "windows" and "service" in entry
        for source in entry.get("sources", ())
    }
    checked = 0
    for entry in thor.values():
        service = entry.get("rewrite", entry).get("service")
        if entry.get("rewrite", entry).get("product") != "windows" or service is None:
            continue
        rule = LogSource(entry.get("product"), entry.get("category"), entry.get("service"))
        ids = entry.get("conditions", {}).get("EventID", 0)
        value = entry.get("conditions", {}).get("EventType")
        for event_id in ids if isinstance(ids, list) else [ids]:
            assert serves(rule, channels[service], event_id, value), (rule, event_id)
            checked += 1
    assert checked > 90


def serves(rule: LogSource, channel: str, event_id: int, value: str | None) -> bool:
    data = {"EventType": value, "NewProcessName": "x"}
    chosen = windows.values_of(data, windows.discriminator(channel, event_id))
    plan = windows.plan(channel, None, event_id, tuple(data), chosen)
    return any(rule.covers(s) for each in (plan, *plan.projections) for s in each.route.sources)


def test_every_log_source_of_the_rules_is_served(shared: Path) -> None:
    wanted: Counter[LogSource] = Counter()
    for path in (shared / "sigma").glob("rules*/**/*.yml"):
        for rule in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader):
            source = (rule or {}).get("logsource", {})
            if source.get("product") == "windows":
                wanted[LogSource("windows", source.get("category"), source.get("service"))] += 1
    assert wanted.total() > 2800
    given = all_sources()
    unserved = {rule for rule in wanted if not any(rule.covers(each) for each in given)}
    assert unserved == set(NOT_SERVED)


def all_sources() -> set[LogSource]:
    """Every log source that the mapping can give."""
    given = {LogSource("windows", None, s) for service in WHOLE["services"] for s in names_of(service)}
    for section in ("events", "feeds"):
        for service, events in WHOLE[section].items():
            for entries in events.values():
                for entry in entries:
                    found = entry["category"]
                    given |= {
                        LogSource("windows", category, service)
                        for category in ([found] if isinstance(found, str) else found)
                    }
    return given


def names_of(service: str) -> list[str]:
    return [service, *WHOLE["also"].get(service, [])]


def test_positive_tests_of_the_rules_reach_their_log_source(shared: Path) -> None:
    rules = {}
    for path in (shared / "sigma").glob("rules*/**/*.yml"):
        for rule in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader):
            if rule and "logsource" in rule:
                rules[rule["id"]] = LogSource(*map(rule["logsource"].get, ("product", "category", "service")))
    missed, held = [], 0
    for path in sorted((shared / "sigma" / "regression_data").rglob("info.yml")):
        told = yaml.safe_load(path.read_text())["rule_metadata"][0]["id"]
        for twin in path.parent.glob("*.json"):
            found = read(jsonl, twin.read_bytes())
            assert found.rejects == []
            held += 1
            if not any(rules[told].covers(s) for event in found.events for s in event["#route"].sources):
                missed.append(told)
    assert missed == []
    assert held > 90


@pytest.mark.parametrize("name", ["sysmon.evtx", "system.evtx", "E_Windows_system32*CAPI2*"])
def test_xml_says_what_evtx_says(shared: Path, name: str) -> None:
    (path,) = (shared / "benign-evtx").glob(name)
    texts = as_xml(path)
    left, right = read(xml, "\n".join(texts)), read(evtx, path.read_bytes())
    assert len(texts) == len(left.own) > 100
    for mine, other in zip(left.own, right.own, strict=True):
        assert comparable(mine) == comparable(other)


def as_xml(path: Path) -> list[str]:
    texts, records = [], iter(evtx_package.PyEvtxParser(str(path)).records())
    while True:
        try:
            texts.append(next(records)["data"])
        except StopIteration:
            return texts
        except RuntimeError:
            continue


def comparable(event: dict[str, Any]) -> dict[str, Any]:
    """What both formats can say: GUIDs without braces, empty as missing, line ends alike."""
    ignored = ("event_uid", "record", "raw", "evidence", "EventRecordID")
    return {name: alike(v) for name, v in event.items() if name not in ignored and alike(v)}


def alike(value: Any) -> Any:
    if isinstance(value, list):
        return [each for item in value if (each := alike(item))]
    return value.replace("\r", "").strip("{} \n").upper() if isinstance(value, str) else value


def test_every_event_of_benign_machines_is_routed(shared: Path) -> None:
    tables: Counter[str] = Counter()
    for path in sorted((shared / "benign-evtx").glob("*.evtx")):
        tables.update(event["#table"] for event in read(evtx, path.read_bytes()).own)
    assert tables.total() > 11_000
    assert {"system", "process_creation", "capi2", "shell-core"} <= tables.keys()


def test_flat_events_of_a_campaign_are_routed(shared: Path) -> None:
    found = otrf(shared, 60_000)
    tables = Counter(event["#table"] for event in found.events)
    assert found.rejects == []
    assert all(event.get("time") for event in found.events)
    assert all(event.get("host") for event in found.own if event["#table"] != "aws.cloudtrail")
    assert {"process_access", "registry_event", "security", "image_load"} <= tables.keys()
    assert not [table for table in tables if table in ("json", "ecs", "windows")]


@pytest.mark.slow
def test_flat_events_of_all_campaigns_are_routed(shared: Path) -> None:
    found = otrf(shared, 1 << 30)
    assert len(found.own) > 500_000
    assert found.rejects == []


def otrf(shared: Path, size: int) -> Reading:
    """Everything in the archives up to `size` bytes, packed."""
    found = Reading()
    for path in sorted((shared / "otrf").rglob("*.zip")):
        if path.stat().st_size > size:
            continue
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".json") and "MACOSX" not in name:
                    part = read(jsonl, archive.read(name))
                    found.events += part.events
                    found.rejects += part.rejects
    return found
