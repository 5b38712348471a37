"""Notices: what they say, how they leave, and what cannot get into them."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import stix2
from aiosmtpd.controller import Controller

from kazami.errors import UsageError
from kazami.model.incident import Incident, Step, Text
from kazami.model.notice import TLP
from kazami.model.result import FindingRow
from kazami.model.tenant import Contact, Delivery, Tenant
from kazami.respond.notify import mail, ocsf, page, stix, webhook, words
from kazami.respond.notify.build import PROOFS, build, condition
from kazami.respond.notify.log import Log
from kazami.respond.notify.sign import Signer, verify

WHEN = datetime(2026, 11, 20, 1, tzinfo=UTC)
EVIL = '<script>alert(1)</script>\x1b[31m\u202e"'


def incident(**more: Any) -> Incident:
    step = Step(1, "lateral-movement", "t", "r", "high", WHEN, WHEN, "FS1", words=Text("went on", "移動した"))
    made: dict[str, Any] = {
        "incident_uid": "a" * 32,
        "tenant": "north",
        "title": Text(f"Intrusion {EVIL}", "侵入"),
        "severity": "high",
        "first": WHEN,
        "last": WHEN,
        "hosts": ("FS1",),
        "accounts": ("msp\\sato",),
        "tactics": ("initial-access", "lateral-movement"),
        "techniques": ("T1199", "T1021.002"),
        "steps": (step,),
    }
    return Incident(**{**made, **more})


def row(number: int = 0, tenant: str = "north") -> FindingRow:
    made: Any = {
        "finding_uid": f"{number:032x}",
        "title": f"rule {EVIL}",
        "level": "high",
        "time": "2026-11-20T01:00:00.000000+00:00",
        "tenant": tenant,
        "host": "FS1",
        "evidence": "logs/security.evtx",
        "record": number,
    }
    return made


def notice(lang: str = "en", audience: str = "administrator", **more: Any) -> Any:
    given: dict[str, Any] = {"audience": audience, "lang": lang, "callers": [Contact("SOC", phone="+81 3")]}
    return build(Tenant("north", "North"), [incident()], [row()], **{**given, **more})


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("audience", ["executive", "administrator"])
def test_a_notice_says_what_happened_what_to_do_and_whom_to_call(lang: str, audience: str) -> None:
    made = notice(lang, audience)
    for text in (page.html(made), page.plain(made)):
        assert words.SUMMARY["affected"].spoken(lang).split(",")[0][:20] in text
        assert "TLP:AMBER" in text
        assert "SOC" in text
        assert "went on" in text or "移動した" in text
        assert made.todo[0] in text
    assert ("security.evtx" in page.html(made)) == (audience == "administrator")
    assert made.condition == "affected"


def test_what_evidence_says_is_text_on_every_way_out() -> None:
    made = notice()
    shown = page.html(made)
    assert "<script" not in shown
    for text in (shown, page.plain(made), stix.bundle(made), ocsf.incident(made)):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_the_page_allows_its_own_style_only() -> None:
    shown = page.html(notice())
    policy = shown.split('Content-Security-Policy" content="')[1].split('"')[0]
    assert "default-src &#39;none&#39;" in policy or "default-src 'none'" in policy
    assert "http" not in shown.split("<body>")[1]


def test_equal_data_give_equal_bytes_and_others_a_new_id() -> None:
    assert page.html(notice()) == page.html(notice())
    assert notice().notice_uid != notice(elsewhere=True).notice_uid


def test_of_others_one_sentence_is_all_that_changes() -> None:
    alone, band = notice(), notice(elsewhere=True)
    assert replace(band, band="", notice_uid="") == replace(alone, notice_uid="")
    assert "three or more" in page.html(band)


def test_data_of_another_tenant_is_refused() -> None:
    with pytest.raises(ValueError, match="another tenant"):
        build(Tenant("north"), [incident()], [row(tenant="south")], audience="executive", lang="en")


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "affected"),
        ({"tactics": ("initial-access",), "severity": "medium"}, "targeted"),
        ({"tactics": ("reconnaissance", "initial-access"), "severity": "critical"}, "affected"),
        ({"tactics": (), "severity": "low"}, "targeted"),
        ({"tactics": ("discovery",), "severity": "low"}, "affected"),
    ],
)
def test_who_was_only_tried_is_told_so(more: dict[str, Any], state: str) -> None:
    assert condition([incident(**more)]) == state


def test_evidence_beyond_the_limit_is_counted() -> None:
    rows = [row(number) for number in range(PROOFS + 5)]
    made = build(Tenant("north"), [incident(steps=())], rows, audience="administrator", lang="en")
    assert (len(made.proofs), made.more_proofs) == (PROOFS, 5)
    assert "and 5 more" in page.html(made)


def test_an_incident_without_times_is_told() -> None:
    step = Step(1, "", "t", "r", "low", None, None)
    made = build(Tenant("north"), [incident(first=None, last=None, steps=(step,))], [], audience="executive", lang="ja")  # fmt: skip
    assert "不明" in page.html(made)
    json.loads(ocsf.incident(made))
    stix2.parse(stix.bundle(made), allow_custom=True)


@pytest.mark.parametrize("tlp", TLP)
def test_stix_is_read_by_its_library(tlp: str) -> None:
    text = stix.bundle(notice(tlp=tlp))
    found = stix2.parse(text, allow_custom=True)
    kinds = [one["type"] for one in found["objects"]]
    assert kinds.count("incident") == 1
    assert kinds.count("attack-pattern") == 2
    ids = {one["id"] for one in found["objects"]}
    report = next(one for one in json.loads(text)["objects"] if one["type"] == "report")
    assert set(report["object_refs"]) | set(report["object_marking_refs"]) <= ids


def test_ocsf_is_an_incident_finding() -> None:
    made = json.loads(ocsf.incident(notice()))
    assert (made["class_uid"], made["type_uid"], made["severity_id"]) == (2005, 200501, 4)
    assert made["metadata"]["tenant_uid"] == "north"
    assert made["time"] == 1795136400000 + 0 * made["activity_id"]


class _Box:
    """A mail server's memory; it refuses whom it does not know."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, _: Any) -> str:  # noqa: N802
        if address.startswith("nobody"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope)
        return "250 OK"


@pytest.fixture
def server() -> Iterator[tuple[_Box, Delivery]]:
    box = _Box()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, Delivery("127.0.0.1", port, "none", "soc@msp.test")
    finally:
        controller.stop()


def test_a_mail_arrives_at_a_real_server(server: tuple[_Box, Delivery]) -> None:
    import email
    from email import policy

    box, way = server
    made = notice("ja")
    sent = mail.message(made.title + "\r\nBcc: x@y", page.plain(made), way.sender, "a@north.test",
                        [("notice.html", page.html(made).encode(), "text/html")])  # fmt: skip
    assert mail.send(sent, way).startswith("<")
    (envelope,) = box.mails
    assert envelope.rcpt_tos == ["a@north.test"]
    read: Any = email.message_from_bytes(envelope.content, policy=policy.default)
    assert read["Bcc"] is None
    assert "北" in str(read) or made.title[:5] in str(read["Subject"])
    assert [part.get_filename() for part in read.iter_attachments()] == ["notice.html"]


def test_a_server_that_refuses_is_named(server: tuple[_Box, Delivery]) -> None:
    box, way = server
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:\d+: refused: 550 no such user here$"):
        mail.send(mail.message("s", "t", way.sender, "nobody@north.test"), way)
    with pytest.raises(UsageError, match=r"127\.0\.0\.1"):
        mail.send(mail.message("s", "t", way.sender, "a@north.test"), replace(way, security="starttls"))
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:1: Connection refused$"):
        mail.send(mail.message("s", "t", way.sender, "a@north.test"), replace(way, port=1))
    with pytest.raises(UsageError, match="no mail server"):
        mail.send(mail.message("s", "t", way.sender, "a@north.test"), Delivery())
    assert box.mails == []


@pytest.fixture
def hook() -> Iterator[tuple[str, list[Any]]]:
    got: list[Any] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            code = {"/ok": 200, "/away": 302}.get(self.path, 500)
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "/ok")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    made = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{made.server_port}", got
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def test_a_webhook_gets_the_notice_and_its_signature(hook: tuple[str, list[Any]]) -> None:
    address, got = hook
    assert webhook.post(f"{address}/ok", b"{}", "ab") == "HTTP 200"
    headers, body = got[0]
    assert (headers["X-Kazami-Signature"], body) == ("ab", b"{}")
    for path in ("/away", "/no"):
        with pytest.raises(UsageError, match="HTTP"):
            webhook.post(address + path, b"{}")
    assert len(got) == 3  # nobody followed
    with pytest.raises(UsageError, match="is https"):
        webhook.post("http://example.test/x", b"{}")


def test_a_signature_holds_for_what_was_signed(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "notice"
    signer = Signer(path)
    assert Signer(path).public == signer.public == path.with_suffix(".pub").read_text().strip()
    assert path.stat().st_mode & 0o077 == 0
    made = signer.sign(b"x")
    assert verify(signer.public, made, b"x")
    assert not verify(signer.public, made, b"y")
    assert not verify("zz", made, b"x")
    path.write_text(base64.b64encode(b"no").decode())
    with pytest.raises(UsageError, match="holds no key"):
        Signer(path)


def test_a_log_whose_last_line_was_cut_goes_on(tmp_path: Path) -> None:
    signer, log = Signer(tmp_path / "key"), Log(tmp_path / "log.jsonl")
    log.add(signer, action="0", said="a\u2028b\x85c")
    whole = log.path.read_bytes()
    log.path.write_bytes(whole + whole[:70])
    assert [line["action"] for line in log.lines()] == ["0"]
    log.add(signer, action="1")
    log.add(signer, action="2")
    assert [line["action"] for line in Log(log.path, signer.public).lines()] == ["0", "1", "2"]


def test_a_log_that_was_changed_is_named_with_its_line(tmp_path: Path) -> None:
    signer, log = Signer(tmp_path / "key"), Log(tmp_path / "log.jsonl")
    for number in range(4):
        log.add(signer, action=str(number), said="日本\n語")
    assert [line["action"] for line in log.lines()] == ["0", "1", "2", "3"]
    lines = log.path.read_text().splitlines()
    broken = {
        2: [lines[0], lines[1].replace('"1"', '"9"'), *lines[2:]],
        3: [*lines[:2], lines[3]],
        1: lines[1:],
        4: [*lines[:3], "{}"],
    }
    for number, changed in broken.items():
        log.path.write_text("\n".join(changed) + "\n")
        with pytest.raises(UsageError, match=rf"line {number}\)"):
            list(log.lines())
    log.path.write_text("\n".join(lines) + "\n")
    with pytest.raises(UsageError, match="line 1"):
        list(Log(log.path, Signer(tmp_path / "other").public).lines())
