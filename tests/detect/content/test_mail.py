"""Whom mails pose as, what they name, and that nothing in them breaks the reader."""

from __future__ import annotations

import base64
import binascii

import pytest

from kazami.detect.content.mail import analyze, lure
from kazami.detect.content.mail.domain import alike, of, registrable, skeleton
from kazami.detect.content.mail.message import decoded, read
from kazami.detect.content.recursion import look
from kazami.model.content import Artifact, Limits, Looked, Scope
from kazami.pipeline.inspect import analyzers
from mail_writer import LOCKED, PE, eml, mbox, msg, tnef

OURS = {"mail.own_domains": ("example.co.jp",), "mail.authserv_ids": ("mx.example.co.jp",)}


@pytest.mark.parametrize(
    ("domain", "other"),
    [
        ("rnicrosoft.com", "microsoft.com"),
        ("miсrosoft.com", "microsoft.com"),
        ("miсrosoft.com".encode("idna").decode(), "microsoft.com"),
        ("microsotf.com", "microsoft.com"),
        ("microsoft-login.example", "microsoft.com"),
        ("microsoft.com.evil.example", "microsoft.com"),
        ("jsps-go.jp", "jsps.go.jp"),
        ("jsps.go.jp.example.net", "jsps.go.jp"),
        ("login.microsoft.com", ""),
        ("microchip.com", ""),
        ("jsps.example", ""),
        ("example.org", ""),
    ],
)
def test_domains_that_are_taken_for_others(domain: str, other: str) -> None:
    assert alike(of(f"x@{domain}"), ("microsoft.com", "jsps.go.jp"))[0] == other


def test_what_somebody_registered() -> None:
    assert registrable("mail.example.co.jp") == "example.co.jp"
    assert registrable("a.b.example.go.jp") == "example.go.jp"
    assert skeleton("rnicrоs0ft") == skeleton("microsoft")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The password is: Secret12!", ["Secret12!"]),
        ("Password: infected\n", ["infected"]),
        ("パスワードは「abc-123」です。", ["abc-123"]),
        ("解凍PW：Kaken2017\nよろしく", ["Kaken2017"]),
        ("パスワード: 8fJ2kQ\r\n", ["8fJ2kQ"]),
        ("pw=x9", []),
        ("Your password has expired. Reset the password below.", []),
        ("The document is password protected.", []),
        ("パスワードは別途お送りします。", []),
        ("The password for the document is Ofc2026!", ["Ofc2026!"]),
        ('PW = "t0p secret"', ["t0p secret"]),
        ("開封用PW→ qwe-rty9 ", ["qwe-rty9"]),
        ("ﾊﾟｽﾜｰﾄﾞ：ＡＢＣ１２３４ を入力してください", ["ABC1234"]),
        ("パスワードは下記のとおりです。\r\n\r\n  zXc!77yy\r\n\r\n以上", ["zXc!77yy"]),
        ("The password to open it:\r\n\r\n  hello99\r\n", ["hello99"]),
        ("暗証番号は 20261102 となります。", ["20261102"]),
        ("(password: sUbj55)", ["sUbj55"]),
        ("Passwort: q1w2e3", ["q1w2e3"]),
        ("We bypass the wall. 別メールでパスワードを送ります", []),
        ("", []),
    ],
)
def test_passwords_that_people_write(text: str, words: list[str]) -> None:
    assert lure.passwords(text) == words


def features(data: bytes, settings: dict[str, tuple[str, ...]] | None = None) -> set[str]:
    return {feature.name for feature in analyze(data, Scope(settings=settings or {})).features}


@pytest.mark.parametrize(
    ("server", "sender", "expected"),
    [
        ("mx.example.co.jp", "a@example.co.jp", {"mail.poses_as_own"}),
        ("mx.example.co.jp", "a@example.org", {"mail.authentication_failed"}),
        ("mx.google.com", "a@example.co.jp", set()),
    ],
)
def test_only_ones_own_server_is_believed(server: str, sender: str, expected: set[str]) -> None:
    data = eml(
        f"Anna <{sender}>",
        Authentication_Results=f"{server}; spf=fail smtp.mailfrom=x; dkim=none; dmarc=fail",
    )
    assert features(data, OURS) == expected
    passed = eml(f"Anna <{sender}>", Authentication_Results=f"{server}; spf=pass; dkim=pass; dmarc=pass")
    assert features(passed, OURS) == set()


def test_results_that_came_with_the_mail_do_not_count() -> None:
    data = eml("Anna <a@example.org>", Authentication_Results="mx.example.co.jp; dmarc=pass")
    forged = data.replace(b"To:", b"Authentication-Results: mx.example.co.jp; dmarc=fail\r\nTo:", 1)
    assert features(b"Authentication-Results: mx.example.co.jp; dmarc=pass\r\n" + forged, OURS) == set()


def test_first_contact_needs_somebody_known() -> None:
    known = {"mail.known_senders": ("ben@example.net",)}
    assert features(eml("Anna <anna@example.org>"), known) == {"mail.first_contact"}
    assert features(eml("Ben <ben@example.net>"), known) == set()
    assert features(eml("Anna <anna@example.org>")) == set()


def test_headers_alone_are_no_evidence() -> None:
    data = eml(
        "Anna <anna@example.org>",
        Return_Path="<x@lists.example.net>",
        Reply_To="y@example.com",
        Sender="z@a.example",
    )
    assert features(data) == set()


def chain(data: bytes, name: str) -> dict[str, str]:
    """What lies where, of everything that comes out of a mail."""
    found = look(Artifact(data, (name,)), analyzers(), Scope())
    return {one.place: one.kind for one in found if isinstance(one, Looked)}


def test_the_password_of_the_text_opens_the_archive() -> None:
    data = eml("A <a@example.org>", text="パスワードは jsps2017 です。", files={"m.zip": LOCKED})
    assert chain(data, "m.eml")["m.eml!m.zip!取材依頼書.docx.exe"] == "pe"


def test_the_password_of_the_next_mail_does_too() -> None:
    data = mbox(
        eml("A <a@example.org>", files={"m.zip": LOCKED}), eml("A <a@example.org>", text="PW: jsps2017")
    )
    assert "m.mbox!1.eml!m.zip!取材依頼書.docx.exe" in chain(data, "m.mbox")


def test_mails_of_outlook_are_opened() -> None:
    data = msg("Anna", "anna@example.org", "m", "password: jsps2017", {"m.zip": LOCKED})
    assert "m.msg!m.zip!取材依頼書.docx.exe" in chain(data, "m.msg")


@pytest.mark.parametrize(
    "data",
    [
        b"From: a@b.example\nTo: " + b"x@y.example, " * 80_000 + b"\n\nbody",
        b"From: a@b.example\nSubject: " + b"=?utf-8?q?a?= " * 80_000 + b"\n\nbody",
        b"From: a@b.example\n" + b"X: y\n" * 200_000 + b"\nbody",
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\na\n" * 20_000,
        b"From: a@b.example\n"
        + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1400)),
    ],
    ids=["long to", "encoded words", "many headers", "many parts", "too deep"],
)
def test_hostile_mails_are_told(data: bytes) -> None:
    assert analyze(data, Scope()).gaps


def test_headers_are_read_as_people_read_them() -> None:
    assert decoded("=?utf-8?b?5Y+W5p2Q?=\r\n =?utf-8?b?5L6d6aC8?=") == "取材依頼"
    assert decoded("=?no-such-charset?q?a?=") == "a"
    assert decoded("plain") == "plain"
    mail = read(eml("日本学術振興会 <a@example.org>"), Limits())
    assert mail.sender == ("日本学術振興会", "a@example.org")


PROGRAM = binascii.b2a_uu(PE[:45]) + binascii.b2a_uu(PE[45:90])
HEAD = b"From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\nDate: Tue, 17 Jan 2017 10:00:00 +0900\r\n"
INNER = eml("Ben <ben@example.net>", files={"minutes.exe": PE})
ATTACHED = (
    b"\r\nContent-Disposition: attachment; filename=minutes.exe\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(PE)
)


@pytest.mark.parametrize(
    "mail",
    [
        HEAD + b"\r\nHello\r\nbegin 644 minutes.exe\r\n" + PROGRAM + b"`\nend\n",
        HEAD + b"Content-Type: multipart/mixed; boundary=one\r\nContent-Type: multipart/mixed; boundary=two\r\n\r\n--two" + ATTACHED + b"\r\n--two--\r\n",
        HEAD + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(INNER),
        tnef("minutes.exe", PE),
    ],
    ids=["in the text", "two structures", "encoded mail in a mail", "winmail.dat"],
)  # fmt: skip
def test_a_program_is_found_wherever_it_hangs(mail: bytes) -> None:
    seen = [
        one
        for one in look(Artifact(mail, ("m.eml",)), analyzers(), Scope(name="m.eml"))
        if isinstance(one, Looked)
    ]
    assert ("mail.program", "minutes.exe") in [(f.name, f.value) for one in seen for f in one.features]


@pytest.mark.parametrize(
    "sender",
    [
        "経済産業省 <a@example.org>".encode(),
        "経済産業省 <a@example.org>".encode("iso-2022-jp"),
        "経済産業省 <a@example.org>".encode("cp932"),
    ],
    ids=["UTF-8", "ISO-2022-JP", "CP932"],
)
def test_headers_that_are_not_encoded_are_read(sender: bytes) -> None:
    found = analyze(b"From: " + sender + b"\r\nTo: c@d.example\r\nSubject: x\r\n\r\nx", Scope(name="m.eml"))
    assert ("mail.institution", "経済産業省 from example.org") in [(f.name, f.value) for f in found.features]


def test_a_password_is_looked_for_in_pages_subjects_and_names() -> None:
    mail = eml(
        "A <a@b.example>",
        "archive (password: sub-77)",
        page="<b>Pass</b>word:&nbsp;<i>pag!e88</i>",
        files={"m_pw-nam99.zip": b"x"},
    )
    assert analyze(mail, Scope(name="m.eml")).passwords == ("sub-77", "pag!e88", "nam99")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "2017-01-17T01:00:00+00:00"),
        ({"Received": "from a by b; Mon, 09 Nov 2026 09:12:00 +0900"}, "2026-11-09T00:12:00+00:00"),
        ({"Received": "from a by b; Mon, 09 Nov 2026 09:12:00 -0000"}, "2026-11-09T09:12:00+00:00"),
        ({"Received": "from a by b"}, "2017-01-17T01:00:00+00:00"),
        ({"Received": "from a by b; 32 Nov 99999 77:00"}, "2017-01-17T01:00:00+00:00"),
    ],
)
def test_when_a_mail_came(headers: dict[str, str], expected: str) -> None:
    assert read(eml("a@b.example", **headers), Limits()).sent == expected


def test_a_mail_says_whom_it_was_delivered_to_first() -> None:
    mail = read(eml("A <a@b.example>", "s", Delivered_To="x@c.example", Cc="Y <y@c.example>"), Limits())
    assert mail.about == {
        "sent": "2017-01-17T01:00:00+00:00",
        "from": "a@b.example",
        "to": "x@c.example someone@example.co.jp y@c.example",
        "subject": "s",
    }
    assert read(b"Subject: \n\nx", Limits()).about == {}


@pytest.mark.parametrize(
    ("sender", "poses"),
    [
        ("国際協力機構 JICA <info@notice.example>", True),
        ("国際協力機構 <info@jica.go.jp>", False),
        ("独立行政法人なんとか機構 <a@b.example.com>", True),
        ("独立行政法人なんとか機構 <a@nantoka.go.jp>", False),
        ("港区役所 <a@city.minato.lg.jp>", False),
        ("港区役所 <a@city-minato.example>", True),
        ("財前省吾 <a@b.example.com>", False),
    ],
)
def test_institutions_and_who_may_write_for_them(sender: str, poses: bool) -> None:
    found = {feature.name for feature in analyze(eml(sender), Scope(name="m.eml")).features}
    assert ("mail.institution" in found) is poses
