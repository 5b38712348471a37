"""How well the Suricata subset does: rules that run, tests of suricata-verify as expected, speed with a whole rule set.

* ``data/suricata-rules-2019``: the share of active rules that run
* ``data/suricata-verify``: tests all of whose rules are in the subset, and how many of them give the expected alerts
* packets a second of CPU time, on one core, over one capture of at least 300 MB of all that are at hand: flows and records alone, and with all
  rules of 2019; memory with them
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import yaml

from benchmarks import network_speed
from benchmarks.figures import Figure, at_least, at_most, publish, told
from kazami.detect.network.suricata.alert import Alert
from kazami.detect.network.suricata.compile import Rules, load
from kazami.detect.network.suricata.inspector import Options
from kazami.detect.network.suricata.tap import RuleTap
from kazami.model.evidence import Evidence
from kazami.sources.columns import Columns
from kazami.sources.network.capture import packets, source
from kazami.sources.network.capture.engine import Engine

#: Bytes of the large capture; packets a second and megabytes that are wanted with the whole rule set.
SIZE, WANTED, MOST = 300 << 20, 250_000, 500

#: The version of Suricata whose behaviour is expected, where a check depends on it.
VERSION = (8, 0, 0)


#: Tests that turn on their own configuration of Suricata, which is no part of the rule.
CONFIGURED = {
    "http-xff-eve-reverse-overwrite": "addresses of alerts overwritten by a header",
    "eve-overlap-payload-02-policy-oldlinux": "a reassembly policy of its own",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test: None where it is outside of the subset (`reason`), else whether all its checks hold."""

    name: str
    passed: bool | None
    reason: str = ""


def alerts(rules: Rules, capture: Path, options: Options) -> list[Alert]:
    """All alerts of a rule set over one capture."""
    tap = RuleTap(rules.running, options)
    found: list[Alert] = []
    engine = Engine(lambda flow: found.extend(flow.watch.alerts), tap=tap)
    with capture.open("rb") as stream:
        for packet in packets.read(stream, _ignore, _ignore):
            engine.add(packet)
    for _ in engine.finish():
        pass
    return found


def _ignore(*_: object) -> None:
    return None


def verified(folder: Path) -> Outcome:
    """One test of suricata-verify."""
    test = yaml.safe_load((folder / "test.yaml").read_text("utf-8"))
    rules = load(sorted(folder.glob("*.rules")))
    if rules.left:
        left = rules.left[0]
        return Outcome(folder.name, None, left.keyword or left.reason)
    arguments = " ".join(str(one) for one in test.get("args") or [])
    if "http2" in arguments or folder.name in CONFIGURED:
        return Outcome(folder.name, None, CONFIGURED.get(folder.name, "HTTP/2"))
    inline = "--simulate-ips" in arguments or folder.name.endswith("-ips")
    options = Options("midstream=true" in arguments, "async-oneside=true" in arguments, inline)
    capture = folder / test["pcap"] if test.get("pcap") else next(folder.glob("*.pcap*"), None)
    if capture is None or not capture.is_file():
        return Outcome(folder.name, None, "no capture beside it")
    found = [shown(alert) for alert in alerts(rules, capture, options)]
    wrong = list(_checked(test, found))
    return Outcome(folder.name, not wrong, "; ".join(wrong))


def _checked(test: dict[str, Any], found: list[dict[str, Any]]) -> Iterator[str]:
    for check in test.get("checks") or []:
        if "filter" not in check or not _wanted(check) or not _wanted(check["filter"]):
            continue
        match = flat(check["filter"]["match"])
        if match.get("event_type", "alert") != "alert" or not any(
            key in match for key in ("event_type", *KNOWN)
        ):
            continue
        known = {key: value for key, value in match.items() if key in KNOWN}
        more = (
            match.keys() - known.keys() - {"event_type"}
        )  # what is not compared makes the rest a lower bound
        count = sum(
            1 for alert in found if all(alert[key] in (_plain(value), None) for key, value in known.items())
        )
        wanted = check["filter"].get("count", 1)
        if count < wanted or (count > wanted and not more):
            yield f"{known}: {count} instead of {wanted}"


#: What of an expected alert is compared. The number of the packet only where a rule is about packets: for streams and transactions
#: Suricata names the packet in which it came to look at them, we the one that carried the bytes.
KNOWN = frozenset(
    (
        "alert.signature_id",
        "alert.gid",
        "alert.rev",
        "alert.signature",
        "src_ip",
        "dest_ip",
        "src_port",
        "dest_port",
        "proto",
        "pcap_cnt",
    )
)


def _plain(value: object) -> object:
    if isinstance(value, str):
        try:
            return str(ip_address(value))
        except ValueError:
            return value
    return value


def _wanted(what: dict[str, Any]) -> bool:
    needs = what.get("requires") or {}
    return (
        _version(needs.get("min-version"), (0,)) <= VERSION
        and _version(needs.get("lt-version"), (99,)) > VERSION
    )


def _version(text: object, otherwise: tuple[int, ...]) -> tuple[int, ...]:
    return (
        otherwise if text is None else tuple(int(part) for part in str(text).split(".") if part.isdecimal())
    )


def flat(match: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested names as dotted ones."""
    made: dict[str, Any] = {}
    for key, value in match.items():
        if isinstance(value, dict):
            made |= flat(value, f"{prefix}{key}.")
        else:
            made[prefix + key] = value
    return made


def shown(alert: Alert) -> dict[str, Any]:
    """An alert in the words of Suricata's EVE."""
    (source, port), (target, other) = alert.source, alert.target
    return {
        "event_type": "alert", "alert.signature_id": alert.rule.sid, "alert.gid": alert.rule.gid, "alert.rev": alert.rule.rev,
        "alert.signature": alert.rule.message, "src_ip": str(ip_address(source)), "dest_ip": str(ip_address(target)),
        "src_port": port, "dest_port": other, "pcap_cnt": alert.number if alert.buffer in ("", "payload") else None,
        "proto": {4: "IP-in-IP", 6: "TCP", 17: "UDP", 1: "ICMP", 58: "IPv6-ICMP", 132: "SCTP"}.get(alert.protocol, str(alert.protocol)),
    }  # fmt: skip


def measure(capture: Path, rules: Path | None, remember: bool = True) -> dict[str, float]:
    """Read a capture as a worker of a scan does; CPU seconds, rows, and the most memory that this process had, in MB.

    Without `remember`, conversations that came before are searched again like any other.
    """
    tap = (
        RuleTap(load(sorted(rules.glob("*.rules"))).running, Options(remember=remember))
        if rules is not None
        else None
    )
    gc.disable()  # as a worker does
    columns = Columns(limit=32_000)
    columns.tap = lambda: tap
    evidence = Evidence(
        capture.name, "0" * 16, "t", capture.stat().st_size, lambda: capture.open("rb"), capture
    )
    columns.begin(evidence)
    rows = 0
    begun = time.process_time()
    for _ in source.feed(evidence, columns):
        if columns.is_full:
            for batch in columns.rest():
                rows += batch.num_rows
    for batch in columns.rest():
        rows += batch.num_rows
    spent = time.process_time() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": spent, "rows": rows, "memory": memory}


def speed(data: Path) -> list[Figure]:
    """How fast one large capture is read with and without rules, each in a process of its own."""
    from benchmarks.network import captures

    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder, "large.pcap")
        count = network_speed.build(captures(data), capture, SIZE)
        rules = data / "suricata-rules-2019"
        plain, ruled, anew = _apart(capture), _apart(capture, str(rules)), _apart(capture, str(rules), "anew")
    return [
        told("packets of the large capture", count),
        told("flows and records alone, packets a second of CPU", count / plain["seconds"]),
        at_least("with the rules of 2019, packets a second of CPU", count / ruled["seconds"], WANTED),
        told("the same, every conversation searched anew", count / anew["seconds"]),
        told("the part of the speed that is left with rules", plain["seconds"] / ruled["seconds"]),
        told("rows that the rules made", ruled["rows"] - plain["rows"]),
        at_most("memory with the rules of 2019, MB", ruled["memory"], MOST),
    ]


def _apart(capture: Path, *more: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.network_rules", "--measure", str(capture)]
    done = subprocess.run([*command, *more], capture_output=True, check=True, text=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def figures(data: Path, verbose: bool = False) -> list[Figure]:
    """All figures about rules."""
    rules = load(sorted((data / "suricata-rules-2019").glob("*.rules")))
    outcomes = [
        verified(folder) for folder in sorted((data / "suricata-verify").iterdir()) if folder.is_dir()
    ]
    inside = [one for one in outcomes if one.passed is not None]
    for one in inside:
        if not one.passed:
            print(f"  not as expected: {one.name}: {one.reason}"[:400])
    if verbose:
        for reason, count in Counter(one.reason for one in outcomes if one.passed is None).most_common():
            print(f"  outside: {count:>3} {reason}")
    return [
        at_least("percent of the rules of 2019 that run", 100 * rules.share, 91),
        told("tests of suricata-verify", len(outcomes)),
        told("tests in the subset", len(inside)),
        at_least(
            "tests in the subset as expected, percent",
            100 * sum(one.passed is True for one in inside) / max(1, len(inside)),
            100,
        ),
    ]


def main() -> int:
    """Measure, print, and 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--measure", type=Path, nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--tests-only", action="store_true", help="leave out how fast it is")
    chosen = parser.parse_args()
    if chosen.measure:
        capture, *more = chosen.measure
        print(json.dumps(measure(capture, more[0] if more else None, len(more) < 2)))
        return 0
    found = figures(chosen.data, True)
    return publish(found if chosen.tests_only else [*found, *speed(chosen.data)])


if __name__ == "__main__":
    raise SystemExit(main())
