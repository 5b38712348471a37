"""Mailboxes of any size: complete, in parts; who wrote before is known, from the mailbox and from earlier scans."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from content_writer import PE, zipped
from kazami.cli import run
from kazami.detect.content.mail.correspondence import ENOUGH, Correspondence, told
from kazami.model.content import Inspection, Limits
from kazami.pipeline import mailbox
from kazami.pipeline.inspect import Submission, Wish, inspect
from kazami.store import correspondents
from kazami.store.case import Case


def mail(
    number: int, sender: str, answers: str = "", to: str = "me@own.example", body: str = "hello"
) -> bytes:
    references = f"References: <{answers}>\n" if answers else ""
    return (
        f"From {sender} Tue Jan 17 10:00:00 2017\nFrom: X <{sender}>\nTo: {to}\nSubject: {number}\n"
        f"Message-ID: <{number}@x>\n{references}Content-Type: text/plain\n\n{body} {number}\n\n"
    ).encode()


def attached(number: int, name: str, data: bytes) -> bytes:
    import base64

    text = base64.encodebytes(data).decode()
    return (
        f"From a@partner.example Tue Jan 17 10:00:00 2017\nFrom: a@partner.example\nSubject: {number}\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nsee\n--b\n'
        f'Content-Type: application/octet-stream; name="{name}"\nContent-Transfer-Encoding: base64\n\n{text}\n--b--\n\n'
    ).encode()


def box(count: int) -> bytes:
    return b"".join(mail(n, f"a{n % 7}@partner.example") for n in range(1, count + 1))


def look(data: bytes, path: Path | None = None, **wish: object) -> Inspection:
    submission = Submission("box.mbox", path, data=None if path else data, size=len(data))
    (found,) = inspect([submission], Wish(**wish))  # type: ignore[arg-type]
    return found


def features(found: Inspection, name: str) -> list[tuple[str, str]]:
    return [(p.value, p.place) for p in found.verdict.proofs if p.name == name]


def test_more_mails_than_a_budget_has_are_all_looked_at(tmp_path: Path) -> None:
    data = box(1150) + attached(1151, "invoice.pdf.exe", PE)
    path = tmp_path / "box.mbox"
    path.write_bytes(data)
    found = look(data, path, limits=Limits(file=200_000))
    assert (found.sha256, found.size, found.kind) == (hashlib.sha256(data).hexdigest(), len(data), "mbox")
    assert [gap for gap in found.verdict.gaps if gap.kind == "limit"] == []
    assert found.verdict.word == "malicious"
    assert found.verdict.proofs[0].place == "box.mbox!1151.eml!invoice.pdf.exe"
    names = [one.name for one in found.looked if one.kind == "eml"]
    assert sorted(names, key=lambda name: int(name[:-4])) == [f"{n}.eml" for n in range(1, 1152)]


def test_a_box_inside_an_archive_is_looked_at_within_its_budget() -> None:
    (found,) = inspect(
        [Submission("a.zip", data=zipped({"box.mbox": box(30)}))], Wish(limits=Limits(children=25))
    )
    assert found.verdict.word == "incomplete"


def test_parts_hold_the_same_bytes_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MAILS", 4)
    data = box(10) + b"no line of From behind\n" + mail(11, "z@new.example")
    parts = mailbox.cut(io.BytesIO(data), 3)
    assert b"".join(data[span.start : span.stop] for span in parts.spans) == data
    assert [span.number for span in parts.spans] == [1, 5, 9]
    assert {span.box for span in parts.spans} == {3}
    assert all(data[span.start :].startswith(b"From ") for span in parts.spans)


def test_first_contact_is_learned_from_the_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MAILS", 10)
    data = box(ENOUGH) + mail(90, "b@new.example") + mail(91, "c@new.example") + mail(92, "a@partner.example")
    found = look(data)
    assert features(found, "mail.first_contact") == [("new.example", f"box.mbox!{ENOUGH + 1}.eml!From")]
    assert features(look(box(3) + mail(4, "b@new.example")), "mail.first_contact") == []


def test_the_same_inside_an_archive() -> None:
    data = zipped({"box.mbox": box(ENOUGH) + mail(90, "b@new.example")})
    (found,) = inspect([Submission("a.zip", data=data)], Wish())
    assert features(found, "mail.first_contact") == [("new.example", f"a.zip!box.mbox!{ENOUGH + 1}.eml!From")]


def test_a_lookalike_in_a_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MAILS", 1)  # the conversation goes over parts
    asked = mail(1, "anna@supplier.example", to="me@own.example")
    assert features(look(asked + mail(2, "anna@suppller.example", "1@x")), "mail.lookalike_in_thread") == [
        ("suppller.example differs by one letter: supplier.example", "box.mbox!2.eml!From")
    ]
    honest = look(asked + mail(2, "anna@supplier.example", "1@x") + mail(3, "boss@own.example", "2@x"))
    assert features(honest, "mail.lookalike_in_thread") == []
    stranger = look(asked + mail(2, "x@elsewhere.example", "1@x"))
    assert stranger.verdict.word == "informational"
    assert features(stranger, "mail.stranger_in_thread")
    assert features(look(asked + mail(2, "anna@suppller.example")), "mail.lookalike_in_thread") == []


def test_what_is_heard_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from kazami.detect.content.mail import correspondence

    monkeypatch.setattr(correspondence, "_MOST_PEOPLE", 50)
    monkeypatch.setattr(correspondence, "_MOST_MAILS", 50)
    heard = Correspondence()
    for number in range(500):
        heard.hear(mail(number, f"a@d{number}.example").split(b"\n", 1)[1])
    assert len(heard._domains) <= 50
    assert len(heard._threads) <= 50
    assert told(["aa first", "bb thread x y"], "bb") == {"thread": "x y"}
    assert heard.hear(b"From: " + b"@" * 100_000 + b"\n\n") == []


def test_the_next_scan_knows_who_wrote_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    evidence, case = tmp_path / "evidence", tmp_path / "case"
    evidence.mkdir()
    (evidence / "one.eml").write_bytes(mail(1, "a@partner.example").split(b"\n", 1)[1])
    (evidence / "lure.eml").write_bytes(
        attached(2, "x.pdf.exe", PE).replace(b"partner", b"evil").split(b"\n", 1)[1]
    )
    command = ["scan", str(evidence), "--case", str(case), "--no-report", "--workers", "1", "--tenant", "t"]
    run(command)
    with Case.open(case, read_only=True) as opened:
        assert correspondents.known(opened) == {"t": ("partner.example",)}
        seen = correspondents.known(opened)
    new = mail(3, "b@new.example").split(b"\n", 1)[1]
    old = mail(4, "b@partner.example").split(b"\n", 1)[1]
    names = ["t\0a.eml", "t\0b.eml", "other\0a.eml"]
    found = {
        one.name: features(one, "mail.first_contact")
        for one in inspect(
            [Submission(name, data=data) for name, data in zip(names, (new, old, new), strict=True)],
            Wish(seen=seen, cache=tmp_path / "cache"),
        )
    }
    assert found == {names[0]: [("new.example", "a.eml!From")], names[1]: [], names[2]: []}
