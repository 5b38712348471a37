"""Blocks of a case: the wall between tenants, a dry run that does nothing, undo to the byte, and the kernel's own tables."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import rat_messages
from capture_writer import ethernet, pcap, talk
from kazami import pipeline
from kazami.cli.program import run
from kazami.errors import UsageError
from kazami.intel import networks
from kazami.model.tenant import Directory
from kazami.pipeline import blocks
from kazami.respond.notify.log import Log
from kazami.respond.notify.sign import Signer
from kazami.store.case import Case
from kazami.store.named import names_at
from kazami.tenants import parse
from made import Watcher

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
FAR = {"north": "203.0.113.9", "south": "198.18.7.7"}


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tenants, each with a check-in to an address that only it met."""
    folder = tmp_path_factory.mktemp("blocks")
    for tenant, target in FAR.items():
        (folder / "evidence" / tenant).mkdir(parents=True)
        frames = [ethernet(one) for one in talk(rat_messages.redleaves(), target=target, port=995)]
        (folder / "evidence" / tenant / "a.pcap").write_bytes(pcap(frames))
    request = pipeline.Request([folder / "evidence"], folder / "case", packs=(), tenant_from_folder=True)
    pipeline.scan(request, Watcher())
    return folder / "case"


@pytest.fixture
def case(scanned: Path, tmp_path: Path) -> Path:
    shutil.copytree(scanned, tmp_path / "case")
    return tmp_path / "case"


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(tmp_path / "key")


def plan(case: Path, directory: Directory | None = None, **more: int) -> list[blocks.Block]:
    with Case.open(case, read_only=True) as opened:
        return blocks.plan(opened, directory or Directory(), now=NOW, **more)


def values(told: list[blocks.Told], state: str) -> list[str]:
    return [one.value for one, _, _, found, _ in told if found == state]


def test_each_tenant_is_blocked_what_it_met_itself(case: Path, signer: Signer, tmp_path: Path) -> None:
    made = plan(case)
    assert {one.tenant: one.value for one in made} == FAR
    assert all(one.confidence == "high" and one.findings[0] in one.reason.en for one in made)
    with pytest.raises(UsageError, match="2 tenants"):
        list(blocks.apply(case, Directory(), signer, sink="suricata", place=str(tmp_path / "o"), now=NOW))
    for sink in blocks.sinks():
        if sink == "nft":
            continue
        for tenant, other in (("north", "south"), ("south", "north")):
            place = tmp_path / sink / tenant
            told = list(
                blocks.apply(
                    case,
                    Directory(),
                    signer,
                    sink=sink,
                    place=str(place),
                    tenant=tenant,
                    now=NOW,
                    enforce=True,
                )
            )
            assert values(told, "blocked") == [FAR[tenant]]
            text = "".join(path.read_text() for path in place.iterdir())
            assert FAR[other] not in text
            assert other not in text
            assert other not in "".join(path.name for path in place.iterdir())


def test_a_dry_run_does_nothing_and_shows_the_difference(case: Path, signer: Signer, tmp_path: Path) -> None:
    plan(case)
    before = {path: path.read_bytes() for path in case.rglob("*") if path.is_file()}
    told = list(
        blocks.apply(
            case, Directory(), signer, sink="suricata", place=str(tmp_path / "out"), tenant="north", now=NOW
        )
    )
    assert values(told, "would be blocked") == [FAR["north"]]
    assert any(
        line.startswith("+drop ip") and FAR["north"] in line for line in blocks.difference(case, told, NOW)
    )
    assert not (tmp_path / "out").exists()
    assert before == {path: path.read_bytes() for path in case.rglob("*") if path.is_file()}


def test_what_is_in_force_is_undone_to_the_byte_and_every_step_is_logged(
    case: Path, signer: Signer, tmp_path: Path
) -> None:
    plan(case)
    place = str(tmp_path / "out")
    list(
        blocks.apply(
            case, Directory(), signer, sink="proxy", place=place, tenant="north", now=NOW, enforce=True
        )
    )
    assert [(state, where) for _, _, where, state, _ in blocks.status(case, NOW) if state == "in force"] == [
        ("in force", place)
    ]
    would = list(blocks.undo(case, signer, now=NOW))
    assert values(would, "would be undone") == [FAR["north"]]
    assert any(Path(place).iterdir())
    done = list(blocks.undo(case, signer, now=NOW, enforce=True))
    assert values(done, "undone") == [FAR["north"]]
    assert list(Path(place).iterdir()) == []
    lines = list(Log(case / "blocks" / "log.jsonl", signer.public).lines())
    assert [line["state"] for line in lines] == ["begun", "blocked", "undone"]
    assert all(
        line["reason"] and line["until"] and line["findings"] and "kazami block undo" in line["undo"]
        for line in lines
    )
    assert list(blocks.undo(case, signer, now=NOW, enforce=True)) == []


def test_what_is_over_is_undone_and_the_rest_stays(case: Path, signer: Signer, tmp_path: Path) -> None:
    place = str(tmp_path / "out")
    plan(case, hours=1)
    list(
        blocks.apply(
            case, Directory(), signer, sink="suricata", place=place, tenant="north", now=NOW, enforce=True
        )
    )
    plan(case, hours=9)
    list(
        blocks.apply(
            case, Directory(), signer, sink="suricata", place=place, tenant="south", now=NOW, enforce=True
        )
    )
    later = NOW + timedelta(hours=2)
    assert sorted(state for *_, state, _ in blocks.status(case, later)) == ["in force", "over"]
    assert list(blocks.undo(case, signer, now=NOW, expired=True, enforce=True)) == []
    done = list(blocks.undo(case, signer, now=later, expired=True, enforce=True))
    assert values(done, "undone") == [FAR["north"]]
    assert [FAR["south"] in path.read_text() for path in Path(place).iterdir()] == [True]


def test_who_was_listed_since_is_not_blocked(case: Path, signer: Signer, tmp_path: Path) -> None:
    plan(case)
    listed = parse(f'[tenants.north]\nnever = ["{FAR["north"]}"]\n')
    told = list(
        blocks.apply(
            case,
            listed,
            signer,
            sink="nftables",
            place=str(tmp_path / "o"),
            tenant="north",
            now=NOW,
            enforce=True,
        )
    )
    assert values(told, "not blocked") == [FAR["north"]]
    assert not (tmp_path / "o").exists()
    assert [one.refused.en for one in plan(case, listed) if one.refused] == [
        "is listed as never to be blocked"
    ]


def test_an_address_that_its_owner_lends_to_many_is_held_back(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAZAMI_INTEL", str(tmp_path / "intel"))
    (tmp_path / "n.csv").write_text(
        "203.0.113.0,203.0.113.255,64501,Example CDN Ltd\n198.18.0.0,198.18.255.255,64502,Example University\n"
    )
    networks.install(networks.read(tmp_path / "n.csv"))
    held = {one.value: one.warning.en for one in plan(case) if one.warning}
    assert held == {
        FAR[
            "north"
        ]: "its owner lends addresses to many, or to one after the other (Example CDN Ltd, AS64501)"
    }


def test_a_place_that_cannot_be_written_is_a_failure_in_the_log(
    case: Path, signer: Signer, tmp_path: Path
) -> None:
    plan(case)
    (tmp_path / "file").write_text("no folder")
    told = list(
        blocks.apply(
            case,
            Directory(),
            signer,
            sink="stix",
            place=str(tmp_path / "file"),
            tenant="north",
            now=NOW,
            enforce=True,
        )
    )
    assert values(told, "failed") == [FAR["north"]]
    assert [line["state"] for line in Log(case / "blocks" / "log.jsonl").lines()] == ["begun", "failed"]
    assert "in force" not in [state for *_, state, _ in blocks.status(case, NOW)]


def test_an_apply_that_was_killed_is_known_and_undone(
    case: Path, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sink has the blocks, the log has only that it began, and its last line was cut."""
    plan(case)
    place, log = tmp_path / "o", case / "blocks" / "log.jsonl"
    asked = {"sink": "suricata", "place": str(place), "tenant": "north", "now": NOW, "enforce": True}
    list(blocks.apply(case, Directory(), signer, **asked))
    (case / "blocks" / "plan.json").rename(tmp_path / "plan.json")
    assert [state for *_, state, _ in blocks.status(case, NOW)] == ["in force"]
    (tmp_path / "plan.json").rename(case / "blocks" / "plan.json")
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0] + lines[1][:100])
    assert [state for *_, state, _ in blocks.status(case, NOW)] == ["planned", "in force"]
    with monkeypatch.context() as patched:
        patched.setattr(
            "kazami.respond.block.suricata.undo", lambda *_: (_ for _ in ()).throw(UsageError("no"))
        )
        told = list(blocks.undo(case, signer, now=NOW, enforce=True))
        assert values(told, "not undone") == [FAR["north"]]
    assert values(list(blocks.undo(case, signer, now=NOW, enforce=True)), "undone") == [FAR["north"]]
    assert list(place.iterdir()) == []
    assert list(blocks.undo(case, signer, now=NOW, enforce=True)) == []
    list(blocks.apply(case, Directory(), signer, **asked))
    states = [line["state"] for line in Log(log, signer.public).lines()]
    assert states == ["begun", "not undone", "undone", "begun", "blocked"]


def test_one_command_at_a_time_changes_blocks(case: Path, signer: Signer, tmp_path: Path) -> None:
    plan(case)
    busy = "import sys, time; from pathlib import Path; from kazami.pipeline import case_folder\nwith case_folder.alone(Path(sys.argv[1]), 'blocks'):\n print(1, flush=True); sys.stdin.read()"
    other = subprocess.Popen(
        [sys.executable, "-c", busy, str(case)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    asked = {"sink": "stix", "place": str(tmp_path / "o"), "tenant": "north", "now": NOW}
    assert other.stdout is not None
    other.stdout.readline()
    with pytest.raises(UsageError, match="another command is at work"):
        list(blocks.apply(case, Directory(), signer, enforce=True, **asked))
    assert values(list(blocks.apply(case, Directory(), signer, **asked)), "would be blocked") == [
        FAR["north"]
    ]
    other.communicate()
    assert values(list(blocks.apply(case, Directory(), signer, enforce=True, **asked)), "blocked")


def test_who_was_listed_since_is_let_go(case: Path, signer: Signer, tmp_path: Path) -> None:
    plan(case)
    asked = {"sink": "nftables", "place": str(tmp_path / "o"), "tenant": "north", "now": NOW, "enforce": True}
    list(blocks.apply(case, Directory(), signer, **asked))
    listed = parse(f"[tenants.north]\nnever = ['{FAR['north']}']\n")
    told = list(blocks.apply(case, listed, signer, **asked))
    assert values(told, "not blocked") == values(told, "undone") == [FAR["north"]]
    assert list((tmp_path / "o").iterdir()) == []
    assert blocks.standing(case) == []


def test_one_tenant_is_planned_anew_and_the_other_stays(case: Path, signer: Signer, tmp_path: Path) -> None:
    before = plan(case)
    with Case.open(case, read_only=True) as opened:
        made = blocks.plan(opened, Directory(), tenant="north", now=NOW)
    assert [one.tenant for one in made] == ["north"]
    assert blocks.planned(case) == before
    with pytest.raises(UsageError, match="nothing is planned for tenant 'west'"):
        list(
            blocks.apply(case, Directory(), signer, sink="stix", place=str(tmp_path), tenant="west", now=NOW)
        )


def test_a_log_that_was_changed_stops_everything(case: Path, signer: Signer, tmp_path: Path) -> None:
    plan(case)
    list(
        blocks.apply(
            case,
            Directory(),
            signer,
            sink="stix",
            place=str(tmp_path / "o"),
            tenant="north",
            now=NOW,
            enforce=True,
        )
    )
    log = case / "blocks" / "log.jsonl"
    log.write_text(log.read_text().replace(FAR["north"], "203.0.113.1"))
    with pytest.raises(UsageError, match="does not follow"):
        list(blocks.undo(case, signer, now=NOW, enforce=True))


def test_the_commands(
    case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key = ["--key", str(tmp_path / "key")]
    assert run(["block", "plan", str(case), "--lang", "ja"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    words = ["--tenant", "north", "--sink", "suricata", "--to", "out", *key]
    assert run(["block", "apply", str(case), *words]) == 0
    shown = capsys.readouterr()
    assert "nothing was blocked" in shown.err
    assert "+drop ip any any" in shown.err
    assert run(["block", "apply", str(case), *words, "--enforce"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "blocked"
    assert run(["block", "status", str(case)]) == 0
    assert '"in force"' in capsys.readouterr().out
    assert run(["block", "undo", str(case), "--enforce", *key]) == 0
    assert list(Path("out").iterdir()) == []
    assert "is in force" not in capsys.readouterr().err
    assert run(["block", "undo", str(case), "--enforce", *key]) == 0
    assert "nothing of that is in force" in capsys.readouterr().err
    assert run(["block", "apply", str(case), "--sink", "moat", *key]) == 2


@pytest.fixture
def namespace() -> Iterator[str]:
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("nft", path="/usr/sbin:/sbin") is None:
        pytest.skip("needs root, ip and nft")
    name = f"kzb{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode:
        pytest.skip("no network namespaces here")
    yield name
    subprocess.run(["ip", "netns", "del", name], check=True)


def ruleset(namespace: str) -> str:
    nft = shutil.which("nft", path="/usr/sbin:/sbin") or ""
    return subprocess.run(
        ["ip", "netns", "exec", namespace, nft, "list", "ruleset"], capture_output=True, text=True, check=True
    ).stdout


def test_names_that_lead_to_an_address_are_counted_within_the_tenant(tmp_path: Path) -> None:
    head = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tssl\n"
    head += "#fields\tts\tid.orig_h\tid.resp_h\tserver_name\n#types\ttime\taddr\taddr\tstring\n"
    for tenant, count in (("north", 3), ("south", 6)):
        (tmp_path / "e" / tenant).mkdir(parents=True)
        rows = [f"1517336042.{n}\t10.0.0.1\t203.0.113.9\tn{n % count}.example\n" for n in range(9)]
        (tmp_path / "e" / tenant / "ssl.log").write_text(
            head + "".join(rows) + "1517336043.1\t10.0.0.1\t203.0.113.8\t-\n"
        )
    pipeline.scan(
        pipeline.Request([tmp_path / "e"], tmp_path / "case", packs=(), tenant_from_folder=True), Watcher()
    )
    with Case.open(tmp_path / "case", read_only=True) as opened:
        assert names_at(opened, "north", ["203.0.113.9", "203.0.113.8"]) == {"203.0.113.9": 3}
        assert names_at(opened, "south", ["203.0.113.9"]) == {"203.0.113.9": 6}
        assert names_at(opened, "south", []) == {}


def test_the_kernel_blocks_and_is_left_as_it_was(case: Path, signer: Signer, namespace: str) -> None:
    nft = shutil.which("nft", path="/usr/sbin:/sbin") or ""
    subprocess.run(["ip", "netns", "exec", namespace, nft, "add table inet theirs"], check=True)
    before = ruleset(namespace)
    plan(case)
    told = list(
        blocks.apply(
            case, Directory(), signer, sink="nft", place=namespace, tenant="north", now=NOW, enforce=True
        )
    )
    if any("No such file" in said or "not supported" in said for *_, said in told):
        pytest.skip(f"this kernel has no nftables sets: {told[0][-1]}")
    assert values(told, "blocked") == [FAR["north"]], told
    assert FAR["north"] in ruleset(namespace)
    list(
        blocks.apply(
            case, Directory(), signer, sink="nft", place=namespace, tenant="north", now=NOW, enforce=True
        )
    )  # again
    list(blocks.undo(case, signer, now=NOW, enforce=True))
    assert ruleset(namespace) == before
