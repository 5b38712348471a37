"""Writes mails for tests, all inert: EML, mailboxes, winmail.dat, Outlook's own."""

from __future__ import annotations

import struct
from email import policy
from email.header import Header
from email.message import EmailMessage

from content_writer import PE, TEXT, cfb, zipped

DATE = "Tue, 17 Jan 2017 10:00:00 +0900"


def eml(
    sender: str,
    subject: str = "minutes",
    text: str = "Please see below.",
    page: str = "",
    files: dict[str, bytes] | None = None,
    **headers: str,
) -> bytes:
    """A mail; `sender` as it stands in From, `headers` with underscores for hyphens."""
    message = EmailMessage(policy=policy.SMTP)
    name, _, address = sender.rpartition("<")
    if name:
        shown = Header(name.strip().strip('"'), "utf-8" if not name.isascii() else "us-ascii").encode()
        message.add_header("From", f'"{shown}" <{address}' if name.isascii() else f"{shown} <{address}")
    else:
        message["From"] = sender
    message["To"] = "someone@example.co.jp"
    message["Subject"] = subject
    message["Date"] = DATE
    for header, value in headers.items():
        message[header.replace("_", "-")] = value
    message.set_content(text)
    if page:
        message.add_alternative(page, subtype="html")
    for number, (file, data) in enumerate((files or {}).items()):
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=file)
        message.set_boundary(f"=={number}==")
    return message.as_bytes()


def mbox(*mails: bytes) -> bytes:
    """A mailbox."""
    return b"".join(
        b"From a@b.example Tue Jan 17 10:00:00 2017\n" + mail.replace(b"\r\n", b"\n") + b"\n"
        for mail in mails
    )


def tnef(name: str, data: bytes) -> bytes:
    """winmail.dat with one attachment and its long name."""

    def attribute(what: int, value: bytes) -> bytes:
        return struct.pack("<BLL", 2, what, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)

    long = name.encode("utf-16-le") + b"\0\0"
    properties = struct.pack("<LHHLL", 1, 0x1F, 0x3707, 1, len(long)) + long
    return (
        struct.pack("<LH", 0x223E9F78, 1)
        + attribute(0x2800C, TEXT + b"\0")
        + attribute(0x69002, bytes(14))
        + attribute(0x18010, b"MINUTE~1.EXE\0")
        + attribute(0x6800F, data)
        + attribute(0x69005, properties)
    )


def msg(
    name: str, address: str, subject: str, text: str, files: dict[str, bytes], inner: bool = False
) -> bytes:
    """A mail of Outlook; with `inner`, a mail hangs on it that has the files."""

    def wide(tag: str, value: str) -> tuple[str, bytes]:
        return f"__substg1.0_{tag}001F", value.encode("utf-16-le")

    streams = {
        "__properties_version1.0": bytes(64),
        **dict([wide("0037", subject), wide("0C1A", name), wide("0C1F", address), wide("1000", text)]),
    }
    above = ""
    if inner:
        above = "__attach_version1.0_#00000000/__substg1.0_3701000D/"
        streams |= {
            f"{above}{key}": value for key, value in dict([wide("0037", "inner"), wide("1000", text)]).items()
        }
    for number, (file, data) in enumerate(files.items()):
        folder = f"{above}__attach_version1.0_#{number:08X}"
        streams[f"{folder}/__substg1.0_37010102"] = data
        streams[f"{folder}/{wide('3707', file)[0]}"] = file.encode("utf-16-le")
    return cfb(streams)


LOCKED = zipped({"取材依頼書.docx.exe": PE}, "jsps2017")

#: By analyzer: name of the golden file, what the analyzer is told the name is, content.
GOLDEN: dict[str, list[tuple[str, str, bytes]]] = {
    "mail": [
        ("jsps_from_free_mail", "m.eml", eml("日本学術振興会 <tanaka.jsps@yahoo.co.jp>", "科研費について", "添付をご確認ください。\nパスワードは jsps2017 です。", files={"取材依頼書.zip": LOCKED})),
        ("honest_institution", "m.eml", eml("日本学術振興会 <kakenhi@jsps.go.jp>", "科研費について", "公募要領を公開しました。")),
        ("lookalike", "m.eml", eml("Microsoft account team <no-reply@rnicrosoft.com>", "sign-in", page="<a href='http://192.0.2.7/x'>https://login.microsoft.com/</a>")),
        ("shown_address", "m.eml", eml('"president@example.co.jp" <x@mail.example.net>', "Re: invoice")),
        ("mailing_list", "m.eml", eml("Anna <anna@example.org>", "Re: patch", "Looks good.", Return_Path="<bounce@lists.example.net>", Reply_To="list@lists.example.net", References="<1@example.org>")),
        ("program", "m.eml", eml("Anna <anna@example.org>", files={"minutes.pdf.exe": PE})),
        ("many_boundaries", "m.eml", eml("Anna <anna@example.org>") + b"".join(b"Content-Type: multipart/mixed; boundary=%d\n" % n for n in range(400))),
        ("nested", "m.eml", eml("Anna <anna@example.org>", files={"inner.eml": eml("Ben <ben@example.net>", files={"a.txt": TEXT})})),
    ],
    "mbox": [("two", "m.mbox", mbox(eml("A <a@example.org>", text="archive follows"), eml("A <a@example.org>", text="password: x")))],
    "tnef": [("program", "winmail.dat", tnef("議事録.exe", PE))],
    "msg": [
        ("program", "m.msg", msg("日本学術振興会", "x@gmail.com", "minutes", "password: jsps2017", {"minutes.exe": PE})),
        ("inner", "m.msg", msg("Anna", "anna@example.org", "fwd", "see inside", {"minutes.exe": PE}, inner=True)),
    ],
}  # fmt: skip
