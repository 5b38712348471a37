"""The console over a large case: ``python -m benchmarks.console``.

A made case of 1,000,000 findings, 10,000 incidents and 50 tenants (synthetic; nothing about quality is read from it) is
served, and twenty readers turn its pages at once, each page and its JSON twin, with a second to read in between. Told are
the server's own time at the 95th percentile of every resource, the first paint in Chromium meanwhile, and memory.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.figures import Figure, at_most, publish, told
from benchmarks.finding_load import rules
from kazami.model.finding import FINDING
from kazami.model.incident import LINK, MEMBER, SKELETON, Incident, Move, Step, Text
from kazami.store import incidents as kept
from kazami.store.case import Case
from kazami.web.opening import opened
from kazami.web.state import people, sessions

FINDINGS, INCIDENTS, TENANTS, READERS, SEED = 1_000_000, 10_000, 50, 20, 20261129
START = datetime(2026, 8, 1, tzinfo=UTC)
RESULT = Path(__file__).parent / "results" / "console.json"

#: Requests of one reader.
REQUESTS = 60


@dataclass(frozen=True, slots=True)
class Size:
    """How large the case is, and how much each reader reads."""

    findings: int
    incidents: int
    requests: int


def make(folder: Path, findings: int, incidents: int) -> None:
    """A case with so many findings and incidents."""
    dice = np.random.default_rng(SEED)
    known = rules()
    with Case.open(folder, create=True) as case:
        run = case.begin(version="made", ruleset="made", rules=list(known.values()))
        run.finish()
        for first in range(0, findings, 100_000):
            table = _findings(dice, first, min(100_000, findings - first), findings)
            case.database.insert("INSERT INTO finding BY NAME SELECT * FROM new", table)
        each = max(findings // (incidents * 2), 1)
        uids = [f"{n:032x}" for n in range(incidents)]
        members = pa.table(
            {
                "incident_uid": [uid for uid in uids for _ in range(each)],
                "finding_uid": [f"f{n}" for n in range(incidents * each)],
                "tenant": [f"tenant{n % TENANTS:02}" for n in range(incidents) for _ in range(each)],
                "step": [1 + k % 8 for _ in uids for k in range(each)],
            },
            schema=MEMBER,
        )
        skeleton = pa.table(
            {
                "tenant": [f"tenant{n % TENANTS:02}" for n in range(incidents)],
                "kind": ["account"] * incidents,
                "entity": [f"user{n % 5000}" for n in range(incidents)],
                "incident_uid": uids,
                "first": [START] * incidents,
                "last": [START + timedelta(days=1)] * incidents,
                "weight": [3.0] * incidents,
            },
            schema=SKELETON,
        )
        links = pa.table(
            {
                "incident_uid": [uid for uid in uids for _ in range(6)],
                "tenant": [f"tenant{n % TENANTS:02}" for n in range(incidents) for _ in range(6)],
                "kind": ["account"] * incidents * 6,
                "entity": [f"user{n % 5000}" for n in range(incidents) for _ in range(6)],
                "weight": [2.5] * incidents * 6,
                "source": ["f1"] * incidents * 6,
                "target": ["f2"] * incidents * 6,
                "count": [2] * incidents * 6,
                "words": ["the same account"] * incidents * 6,
                "words_ja": ["同じアカウント"] * incidents * 6,
            },
            schema=LINK,
        )
        made = (_incident(n, each) for n in range(incidents))
        kept.replace(case, made, members=members, links=links, skeleton=skeleton)


def _findings(dice: np.random.Generator, first: int, count: int, total: int) -> pa.Table:
    numbers = np.arange(first, first + count)
    host = dice.integers(0, 4000, count)
    seconds = dice.integers(0, 90 * 86400, count)
    programs = dice.integers(0, 20_000, count)
    lists = pa.ListArray.from_arrays(
        pa.array(np.arange(count + 1, dtype=np.int32)), pa.array([f"e{n}" for n in numbers])
    )
    matched = pa.MapArray.from_arrays(
        pa.array(np.arange(count + 1, dtype=np.int32)),
        pa.array(["CommandLine"] * count),
        pa.array([f"powershell.exe -File C:\\work\\job{n}.ps1 -Target server{n % 977}" for n in programs]),
    )
    return pa.table(
        {
            "finding_uid": [f"f{n}" for n in numbers],
            "rule_id": [f"r{n}" for n in np.minimum(dice.zipf(1.3, count) - 1, 799)],
            "rule_version": ["1"] * count,
            "time": pa.array((seconds + int(START.timestamp())) * 1_000_000).cast(pa.timestamp("us", "UTC")),
            "tenant": [f"tenant{n % TENANTS:02}" for n in numbers],
            "host": [f"HOST{n}.example" for n in host],
            "user": [f"CORP\\user{n}" for n in dice.integers(0, 5000, count)],
            "logon_id": pa.nulls(count, pa.string()),
            "process_uid": pa.nulls(count, pa.string()),
            "parent_uid": pa.nulls(count, pa.string()),
            "table": ["process_creation"] * count,
            "event_uids": lists,
            "evidence": ["made"] * count,
            "record": numbers,
            "matched": matched,
        },
        schema=FINDING,
    )


def _incident(number: int, each: int) -> Incident:
    first = START + timedelta(minutes=number)
    host = f"host{number % 4000}"
    tactics = ("execution", "credential-access", "lateral-movement", "exfiltration")
    steps = tuple(
        Step(
            k + 1, tactics[k % 4], f"Rule {k}", f"r{k}", "high", first + timedelta(hours=k), first + timedelta(hours=k), host,
            techniques=("T1059.001",), findings=max(each // 8, 1),
        )
        for k in range(8)
    )  # fmt: skip
    return Incident(
        f"{number:032x}",
        f"tenant{number % TENANTS:02}",
        Text(f"Execution and exfiltration on {host}", f"{host}での実行と持ち出し"),
        severity=("low", "medium", "high", "critical")[number % 4],
        score=float(number % 1000) / 10,
        first=first,
        last=first + timedelta(days=1),
        findings=each,
        rules=8,
        hosts=(host, f"host{(number + 1) % 4000}"),
        accounts=(f"user{number % 5000}",),
        tactics=tactics,
        techniques=("T1059.001", "T1003"),
        steps=steps,
        moves=(Move(host, f"host{(number + 1) % 4000}", first + timedelta(hours=2), step=3),),
        mitigations=("M1032", "M1026"),
    )


def places(dice: random.Random, findings: int, incidents: int) -> list[str]:
    """Each resource, of something chosen at random."""
    uid = f"{dice.randrange(incidents):032x}"
    lists = [
        "/",
        "/incidents",
        f"/incidents?tenant=tenant{dice.randrange(TENANTS):02}&order=newest",
        "/findings",
    ]
    found = [
        f"/findings?level=high&tenant=tenant{dice.randrange(TENANTS):02}",
        f"/findings?text=job{dice.randrange(20_000)}",
        f"/findings?host=HOST{dice.randrange(4000)}.example",
        f"/findings/f{dice.randrange(findings)}",
    ]
    one = [f"/incidents/{uid}", f"/incidents/{uid}/assessment", f"/incidents/{uid}/notices"]
    return [*lists, *found, *one, f"/entities?name=host{dice.randrange(4000)}", "/rules", "/rules/r1", "/rules?show=cost", "/evidence", "/evidence/logging", "/files", "/campaigns", "/actors", "/actors/G1017", "/hunts", "/people", "/audit", "/jobs", "/reputation", "/changes?since=2026-10-01", "/suppressions?tenant=tenant07&host=HOST7.example"]  # fmt: skip


def named(place: str) -> str:
    """The resource that a place belongs to."""
    path, _, query = place.partition("?")
    path = re.sub(r"/(f\d+|[0-9a-f]{32})", "/UID", path)
    kind = query.partition("=")[0]
    return f"{path}?{kind}" if kind else path


def _read(origin: str, place: str, cookie: str) -> float:
    """The server's own time for a page, in milliseconds. Raises where it is no page."""
    asked = urllib.request.Request(origin + place, headers={"cookie": cookie, "accept": "text/html"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        body = answer.read()
        assert len(body) < 300_000, f"{place}: {len(body)} bytes"
        return float(answer.headers["server-timing"].partition("dur=")[2])


def reading(origin: str, cookies: list[str], size: Size) -> tuple[dict[str, list[float]], list[str]]:
    """What twenty readers waited for, by resource; and what went wrong."""
    times: dict[str, list[float]] = defaultdict(list)
    wrong: list[str] = []

    def reader(number: int) -> None:
        dice = random.Random(SEED + number)
        for _ in range(size.requests):
            place = dice.choice(places(dice, size.findings, size.incidents))
            if dice.random() < 0.3:
                path, _, query = place.partition("?")
                place = f"{'/index' if path == '/' else path}.json{'?' if query else ''}{query}"
            try:
                took = _read(origin, place, cookies[number])
                times[named(place)].append(took)
            except (urllib.error.URLError, AssertionError, TimeoutError) as error:
                wrong.append(f"{place}: {error}")
            time.sleep(dice.uniform(0.5, 1.5))

    threads = [threading.Thread(target=reader, args=(n,)) for n in range(len(cookies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, wrong


def painted(origin: str, cookie: str) -> float | None:
    """Milliseconds to the first paint in Chromium, the slowest of the main pages; None where there is no browser."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ModuleNotFoundError:
        return None
    import shutil

    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        return None
    name, _, value = cookie.partition("=")
    slowest = 0.0
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            context = browser.new_context(bypass_csp=True)  # the measure itself is a script
            context.add_cookies([{"name": name, "value": value, "url": origin}])
            page = context.new_page()
            for place in ("/", "/incidents", "/findings", f"/incidents/{5:032x}"):
                page.goto(origin + place)
                script = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
                page.wait_for_function(script)
                slowest = max(slowest, float(page.evaluate(script)))
    except Error as error:
        print(f"no browser: {error}", file=sys.stderr)
        return None
    return slowest


def main() -> int:
    """Make, serve, read, tell."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", help="not needed; all is made")
    options.add_argument("--findings", type=int, default=FINDINGS)
    options.add_argument("--incidents", type=int, default=INCIDENTS)
    options.add_argument("--requests", type=int, default=REQUESTS)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="kazami-console-") as folder:
        case, state = Path(folder) / "case", Path(folder) / "state"
        make(case, asked.findings, asked.incidents)
        started = time.perf_counter()
        with opened(case, state, None) as site:
            built = time.perf_counter() - started
            people.add(site.state, "chief", "administrator", "a heron by the weir")
            chief = people.named(site.state, "chief")
            cookies = [f"kazami={sessions.begin(site.state, chief)}" for _ in range(READERS)]
            size = site.desks["case"].file.stat().st_size / 1e6
        return publish(
            _served(case, state, cookies, Size(asked.findings, asked.incidents, asked.requests), built, size),
            RESULT,
        )


def _served(
    case: Path, state: Path, cookies: list[str], amount: Size, built: float, size: float
) -> list[Figure]:
    command = [sys.executable, "-m", "kazami", "serve", str(case), "--state", str(state), "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        origin = server.stderr.readline().strip().rstrip("/")
        paints: list[float | None] = []
        painting = threading.Timer(5, lambda: paints.append(painted(origin, cookies[0])))
        painting.start()
        times, wrong = reading(origin, cookies, amount)
        painting.join()
        peak = _peak(server.pid)
    finally:
        server.terminate()
        server.wait()
    figures = [told("file to browse made, seconds", built), told("file to browse, MB", size)]
    for name in sorted(times):
        figures.append(at_most(f"{name}, 95th percentile ms", float(np.percentile(times[name], 95)), 300))
    everything = [one for many in times.values() for one in many]
    figures.append(told("requests", len(everything)))
    figures.append(at_most("all, 95th percentile ms", float(np.percentile(everything, 95)), 300))
    if paints and paints[0] is not None:
        figures.append(at_most("first paint, slowest ms", paints[0], 1000))
    figures.append(at_most("memory of the server, peak MB", peak, 600))
    figures.append(at_most("requests that failed", len(wrong), 0))
    for line in wrong[:5]:
        print(line, file=sys.stderr)
    return figures


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    raise SystemExit(main())
