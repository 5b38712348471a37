"""Notices of a case: the wall between tenants, the way round a provider that is a victim, sending and withdrawing."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from kazami import cli, pipeline
from kazami.model.incident import Incident, Text
from kazami.model.tenant import Directory
from kazami.pipeline import notices
from kazami.pipeline.campaigns import Keys
from kazami.respond.notify.log import Log
from kazami.respond.notify.sign import Signer
from kazami.store import incidents
from kazami.store.case import Case
from kazami.tenants import parse
from made import Watcher

NAMES = ("north", "south", "east", "west", "hill")

RULES = r"""
title: Recon Tool {canary}
id: 11111111-1111-4111-8111-111111111111
status: test
tags: [attack.discovery, attack.t1033, attack.credential-access]
logsource: {product: windows, category: process_creation}
detection:
  one: {Image|endswith: ['\whoami.exe', '\mimi.exe']}
  condition: one
level: critical
""".replace("{canary}", "Seen")


def canary(tenant: str, field: str) -> str:
    return f"CANARY{tenant}{field}".upper()


def event(tenant: str, number: int) -> dict[str, Any]:
    """A start of a program with a canary in every field, beside one thing that all tenants share."""
    mine = {
        name: canary(tenant, name)
        for name in (
            "CommandLine",
            "ParentImage",
            "ParentCommandLine",
            "CurrentDirectory",
            "Company",
            "Title",
        )
    }
    return {
        "EventID": 1,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "SourceName": "Microsoft-Windows-Sysmon",
        "Computer": canary(tenant, "host"),
        "TimeCreated": f"2026-11-20T01:{number:02d}:00.000Z",
        "RecordNumber": number,
        "Image": "C:\\{}\\{}".format(canary(tenant, "image"), "whoami.exe" if number % 2 else "mimi.exe"),
        "User": f"DOM\\{canary(tenant, 'user')}",
        "Hashes": "SHA256=" + "AB" * 32,
        "DestinationIp": "185.220.101.7",
        **mine,
    }


def directory(names: tuple[str, ...], more: str = "", port: int = 0) -> Directory:
    text = [
        f"[provider]\ntenant = 'msp'\ncontacts = [{{name = 'SOC', phone = '{canary('msp', 'phone')}'}}]\n"
    ]
    for way in ("usual", "independent"):
        if port:
            text.append(f"[delivery.{way}]\nhost='127.0.0.1'\nport={port}\nsecurity='none'\nsender='{way}@msp.test'\n")  # fmt: skip
    for name in names:
        text.append(
            f"[tenants.{name}]\ntitle = '{canary(name, 'title')}'\ncontacts = [\n"
            f"{{name = '{canary(name, 'one')}', mail = '{name}@x.test', lang = 'en'}},\n"
            f"{{name = '{canary(name, 'two')}', mail = 'free-{name}@x.test', lang = 'ja', independent = true}}]\n"
        )
    return parse("".join(text) + more)


def scanned(folder: Path, names: tuple[str, ...]) -> Path:
    rules = folder / "rules.yml"
    folder.mkdir(parents=True, exist_ok=True)
    rules.write_text(RULES)
    for name in names:
        place = folder / "evidence" / name
        place.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(event(name, number)) for number in range(1, 9)]
        (place / f"{canary(name, 'file')}.jsonl").write_text("\n".join(lines) + "\n")
    request = pipeline.Request(
        [folder / "evidence"],
        folder / "case",
        rules=[rules],
        packs=(),
        tenant_from_folder=True,
        directory=directory(names),
    )
    pipeline.scan(request, Watcher())
    return folder / "case"


def plan(case: Path, names: tuple[str, ...], keys: Path, **more: Any) -> dict[str, dict[str, str]]:
    """What is made for each tenant: file to text."""
    about = directory(names, **more)
    with Case.open(case, read_only=True) as opened:
        notices.plan(opened, about, Keys(keys / "keys.json"), Signer(keys / "key"))
        told = {one.tenant for one in incidents.incidents(opened)}
    assert told - {"msp"} == set(names), "each tenant has an incident, else this proves nothing"
    made: dict[str, dict[str, str]] = {name: {} for name in names}
    for path in sorted((case / notices.FOLDER).rglob("*")):
        if path.is_file() and path.name not in (notices.PLAN, notices.LOG):
            text = path.read_text()
            page = path.with_name(path.name.split(".")[0] + ".html").read_text()
            owners = [name for name in names if canary(name, "title") in page]
            if owners:  # else it is the provider's own, which sees all
                (owner,) = owners
                made[owner][path.name] = text
    return made


def test_no_canary_of_another_tenant_is_in_anything_that_is_made_for_one(tmp_path: Path) -> None:
    names = NAMES[:3]
    made = plan(scanned(tmp_path / "w", names), names, tmp_path)
    for name, files in made.items():
        assert len(files) == 4 * 4 * 2  # audience and language, form, and signature
        whole = "\n".join(files.values()).upper()
        assert canary(name, "host") in whole
        assert canary(name, "file") in whole
        for other in names:
            if other != name:
                assert canary(other, "") not in whole
                assert f"{other}@x.test".upper() not in whole


def test_another_tenant_changes_nothing_for_one_but_the_band_from_three_others_on(tmp_path: Path) -> None:
    before: dict[str, str] = {}
    for count in (1, 2, 3, 4):
        names = NAMES[:count]
        made = plan(scanned(tmp_path / "w", names), names, tmp_path)["north"]
        shutil.rmtree(tmp_path / "w" / "case")
        pages = {name: text for name, text in made.items() if not name.endswith(".sig")}
        if count in (2, 3):
            assert pages == before
        if count == 4:
            assert "three or more others" in pages["administrator-en.html"]
            for name, text in pages.items():
                assert len(set(text.splitlines()) ^ set(before[name].splitlines())) <= 6, name
        before = pages


def graved(case: Path) -> None:
    """The provider gets a grave incident of its own."""
    with Case.open(case) as opened:
        told = list(incidents.incidents(opened))
        mine = Incident("f" * 32, "msp", Text("x", "x"), severity="critical", tactics=("persistence",))
        incidents.replace(
            opened,
            [*told, mine],
            members=incidents.members(opened),
            links=incidents.links(opened, None),
            skeleton=incidents.skeleton(opened),
        )


@pytest.fixture
def server() -> Iterator[tuple[list[Any], int]]:
    mails: list[Any] = []

    class Box:
        async def handle_RCPT(self, _s: Any, _t: Any, envelope: Any, address: str, _o: Any) -> str:  # noqa: N802
            if "south" in address:
                return "550 not here"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, _s: Any, _t: Any, envelope: Any) -> str:  # noqa: N802
            mails.append(envelope)
            return "250 OK"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Box(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mails, port
    finally:
        controller.stop()


def done(case: Path, about: Directory, tmp_path: Path, **how: Any) -> list[tuple[str, str, str]]:
    made = notices.apply(case, about, Signer(tmp_path / "key"), **{"send": True, **how})
    return [(action.tenant, action.target, state) for action, state, _ in made]


def test_plan_apply_undo(tmp_path: Path, server: tuple[list[Any], int]) -> None:
    mails, port = server
    names = NAMES[:2]
    case = scanned(tmp_path / "w", names)
    plan(case, names, tmp_path, port=port)
    about = directory(names, port=port)
    dry = done(case, about, tmp_path, send=False)
    assert {state for _, _, state in dry} == {"would be sent"}
    assert mails == []
    assert not (case / notices.FOLDER / notices.LOG).exists()
    states = {(target, state) for _, target, state in done(case, about, tmp_path)}
    assert ("north@x.test", "sent") in states
    assert ("south@x.test", "failed") in states
    assert {tuple(one.rcpt_tos) for one in mails} == {("north@x.test",), ("free-north@x.test",)}
    again = done(case, about, tmp_path)
    assert {target for _, target, _ in again if "@" in target} == {"south@x.test", "free-south@x.test"}
    assert len(mails) == 2
    assert {state for _, _, state in done(case, about, tmp_path, undo=True)} == {"withdrawn"}
    assert b"Subject: Withdrawn" in mails[-1].content
    assert sum(1 for _ in Log(case / notices.FOLDER / notices.LOG).lines()) >= 4 + 2 + 2
    assert {one["state"] for one in notices.status(case)} == {"failed", "to be called", "withdrawn"}


def test_round_a_provider_that_is_a_victim(tmp_path: Path, server: tuple[list[Any], int]) -> None:
    mails, port = server
    case = scanned(tmp_path / "w", ("north",))
    graved(case)
    about = directory(("north",), port=port)
    with Case.open(case, read_only=True) as opened:
        made = notices.plan(opened, about, Keys(tmp_path / "keys.json"), Signer(tmp_path / "key"))
    assert {one.target for one in made if one.tenant == "north"} == {"free-north@x.test"}
    done(case, about, tmp_path, tenant="north")
    (envelope,) = mails
    assert envelope.mail_from == "independent@msp.test"
    page = next((case / notices.FOLDER).rglob("administrator-en.html"))
    pages = [path.read_text() for path in (case / notices.FOLDER).rglob("administrator-en.html")]
    (north,) = (text for text in pages if canary("north", "title") in text)
    assert canary("msp", "phone") not in north
    assert "provider may itself be affected" in north
    assert page.with_suffix(".html.sig").exists()


def test_a_tenant_that_nobody_can_tell_is_in_the_plan(tmp_path: Path) -> None:
    case = scanned(tmp_path / "w", ("north",))
    graved(case)
    only = "[{name = 'x', mail = 'a@b.test'}]"
    for text, why in (
        ("", "no contact"),
        (f"contacts = {only}", "no contact that does not depend on the provider"),
    ):
        provider = "[provider]\ntenant = 'msp'\n" if text else ""
        about = parse(f"{provider}[tenants.north]\n{text}\n")
        with Case.open(case, read_only=True) as opened:
            made = notices.plan(opened, about, Keys(tmp_path / "keys.json"), Signer(tmp_path / "key"))
        (action,) = (one for one in made if one.tenant == "north")
        assert (action.channel, action.target, action.why) == ("call", "", why)


def test_a_notice_that_was_changed_after_the_plan_is_not_sent(
    tmp_path: Path, server: tuple[list[Any], int]
) -> None:
    mails, port = server
    case = scanned(tmp_path / "w", ("north",))
    plan(case, ("north",), tmp_path)
    for path in (case / notices.FOLDER).rglob("*.html"):
        path.write_text("other")
    about = directory(("north",), port=port)
    assert {state for _, _, state in done(case, about, tmp_path)} == {"failed"}
    assert mails == []


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = scanned(tmp_path / "w", ("north",))
    file = tmp_path / "t.toml"
    file.write_text("[tenants.north]\ncontacts = [{name = 'x', phone = '+81'}]\n")
    options = ["--tenants", str(file), "--key", str(tmp_path / "k")]
    assert cli.run(["notify", "status", str(case)]) == 2
    assert cli.run(["notify", "plan", str(case), *options, "--keys", str(tmp_path / "ks")]) == 0
    assert "public key" in capsys.readouterr().err
    assert cli.run(["notify", "apply", str(case), *options]) == 0
    assert "nothing was sent" in capsys.readouterr().err
    assert cli.run(["notify", "apply", str(case), *options, "--send"]) == 0
    assert '"to be called"' in capsys.readouterr().out
    assert cli.run(["notify", "undo", str(case), *options]) == 0
    assert cli.run(["notify", "status", str(case)]) == 0
