"""SMTP: who sends to whom, and the attachments of each mail, decoded."""

from __future__ import annotations

import hashlib
import quopri
import re
from collections.abc import Sequence

from kazami.detect.network.suricata.app.parser import MAX_VALUES, Exchange
from kazami.detect.network.suricata.transform import decoded

#: Bytes of one mail and of a line that are kept, parts within parts, and attachments of one mail.
MAX_MAIL, MAX_LINE, MAX_DEPTH, MAX_PARTS = 1 << 20, 65_536, 8, 64

_PORTS = frozenset((25, 465, 587, 2525))
_COMMANDS = (b"EHLO ", b"HELO ", b"MAIL FROM:")
_BOUNDARY = re.compile(rb"""boundary\s*=\s*(?:"([^"]+)"|([^;\s]+))""", re.IGNORECASE)
_ADDRESSEES = re.compile(rb'(?:"[^"]*"|[^,"])+')
_BLANK = re.compile(rb"\r?\n\r?\n")
_FILE = re.compile(rb"""(?:file)?name(?:\*0)?\*?\s*=\s*(?:"([^"]*)"|([^;\s]+))""", re.IGNORECASE)


def is_smtp(ports: tuple[int, int], side: int, data: bytes) -> bool:
    """Whether a side begins as SMTP does."""
    if side == 0:
        return data[:10].upper().startswith(_COMMANDS)
    return data.startswith(b"220") and (ports[1] in _PORTS or b"SMTP" in data[:512].upper())


class Mail:
    """One mail: sender, recipients, and its files (name, content)."""

    __slots__ = ("fields", "files", "greeted", "recipients", "sender")

    def __init__(self, greeted: bytes) -> None:
        self.greeted, self.sender = greeted, b""
        self.recipients: list[bytes] = []
        self.files: list[tuple[bytes, bytes]] = []
        self.fields: list[tuple[bytes, bytes]] = []

    def values(self, name: str, side: int) -> Sequence[bytes] | None:
        """The values of a buffer; None where it is absent."""
        if side:
            return None
        plain: dict[str, list[bytes]] = {
            "smtp.helo": [self.greeted] if self.greeted else [], "smtp.mail_from": [self.sender] if self.sender else [],
            "smtp.rcpt_to": self.recipients, "file.data": [content for _, content in self.files],
            "file.name": [called for called, _ in self.files], "file.size": [str(len(c)).encode() for _, c in self.files],
        }  # fmt: skip
        if name in plain:
            return plain[name] or None
        if name.startswith("email."):
            return self._field(name[6:].replace("_", "-").encode()) or None
        if name in ("file.md5", "file.sha1", "file.sha256") and self.files:
            kind = name.partition(".")[2]
            return [hashlib.new(kind, c, usedforsecurity=False).hexdigest().encode() for _, c in self.files]
        return None

    def _field(self, name: bytes) -> list[bytes]:
        """The first field of a name; all of those that say the way; of addressees the field, and each of them."""
        found = [value for field, value in self.fields if field == name][:MAX_VALUES]
        if name == b"received":
            return found
        if name in (b"to", b"cc") and found:
            each = [one.strip() for one in _ADDRESSEES.findall(found[0])[:MAX_VALUES]]
            return [found[0], *each] if len(each) > 1 else found[:1]
        return found[:1]


class Smtp:
    """Follows one connection."""

    def __init__(self) -> None:
        self.name = "smtp"
        self.over = False
        self._buffer = bytearray()
        self._greeted = b""
        self._mail: Mail | None = None
        self._body: bytearray | None = None
        self._left = 0
        self._over = False

    def feed(self, side: int, data: bytes) -> list[Exchange]:
        """Bytes that come next on one side; only the client's are followed."""
        if side or self._over:
            return []
        self._buffer += data
        made: list[Exchange] = []
        while self._step(made):
            pass
        if len(self._buffer) > MAX_LINE + MAX_MAIL:
            self._over = True
            self._buffer.clear()
        return made

    def gap(self, side: int) -> list[Exchange]:
        """What is missing ends the mail."""
        made = self.finish()
        self._over = self._over or not side
        return made

    def finish(self) -> list[Exchange]:
        """A mail that is not whole is looked at as it is."""
        made: list[Exchange] = []
        if self._mail is not None:
            if self._body is not None:
                self._body += self._buffer
                self._buffer.clear()
            self._close(made)
        return made

    def _step(self, made: list[Exchange]) -> bool:
        if self._left:
            size = min(self._left, len(self._buffer))
            self._keep(bytes(self._buffer[:size]))
            del self._buffer[:size]
            self._left -= size
            return size > 0 and bool(self._buffer)
        end = self._buffer.find(b"\n")
        if end < 0:
            return False
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        if self._body is not None:
            if line.rstrip(b"\r\n") == b".":
                self._close(made)
            else:
                self._keep(line[1:] if line.startswith(b"..") else line)
            return True
        self._command(line.strip(), made)
        return not self._over

    def _keep(self, data: bytes) -> None:
        if self._body is None:
            self._body = bytearray()
        room = MAX_MAIL - len(self._body)
        self._body += data[: max(0, room)]

    def _command(self, line: bytes, made: list[Exchange]) -> None:
        verb = line[:4].upper()
        if verb in (b"EHLO", b"HELO"):
            self._greeted = _word(line[5:])
        elif verb == b"MAIL":
            if self._mail is not None:
                self._close(made)
            self._mail = Mail(self._greeted)
            self._mail.sender = _word(line.partition(b":")[2])
        elif verb == b"RCPT" and self._mail is not None:
            if len(self._mail.recipients) < MAX_VALUES:
                self._mail.recipients.append(_word(line.partition(b":")[2]))
        elif verb == b"DATA":
            self._mail = self._mail or Mail(self._greeted)
            self._body = bytearray()
        elif verb == b"BDAT":
            words = line.split()
            self._mail = self._mail or Mail(self._greeted)
            size = words[1] if len(words) > 1 else b""
            self._left = int(size) if size.isdigit() and len(size) < 12 else 0
        elif verb == b"STAR" and line.upper().startswith(b"STARTTLS"):
            self._over = True
        elif verb == b"RSET":
            self._mail, self._body = None, None

    def _close(self, made: list[Exchange]) -> None:
        mail, body = self._mail, self._body
        self._mail, self._body = None, None
        if mail is not None:
            mail.files = files(bytes(body)) if body else []
            mail.fields = _fields(_BLANK.split(bytes(body), maxsplit=1)[0]) if body else []
            made.append((mail, 0))


def _word(text: bytes) -> bytes:
    """What stands before the first blank: an address with its brackets, without the options behind it."""
    return text.lstrip(b" ").partition(b" ")[0]


def files(mail: bytes, depth: int = 0) -> list[tuple[bytes, bytes]]:
    """Attachments of a mail or of a part of it: names and contents."""
    blank = _BLANK.search(mail)
    head = dict(reversed(_fields(mail[: blank.start()] if blank else mail)))
    body = mail[blank.end() :] if blank else b""
    kind = head.get(b"content-type", b"")
    boundary = _BOUNDARY.search(kind) if b"multipart/" in kind.lower() else None
    if boundary is not None and depth < MAX_DEPTH:
        mark = b"--" + (boundary[1] or boundary[2] or b"")
        found: list[tuple[bytes, bytes]] = []
        for part in body.split(mark)[1 : MAX_PARTS + 1]:
            if not part.startswith(b"--"):
                found += files(
                    part.lstrip(b"\r\n") if part[:2] == b"\r\n" or part[:1] == b"\n" else part, depth + 1
                )
        return found[:MAX_PARTS]
    named = _FILE.search(head.get(b"content-disposition", b"")) or _FILE.search(kind)
    if named is None:
        return []
    coding = head.get(b"content-transfer-encoding", b"").lower()
    if b"base64" in coding:
        content = _quanta(body)
    elif b"quoted-printable" in coding:
        content = quopri.decodestring(body)
    else:
        content = body.removesuffix(b"\r\n")
    return [(named[1] or named[2] or b"", content)]


def _quanta(body: bytes) -> bytes:
    """Base64 in groups of four letters, each of which may end in padding (RFC 2045 lets pieces be joined)."""
    letters = body.translate(None, b" \t\r\n")
    if b"=" not in letters.rstrip(b"="):
        return decoded(letters, "rfc2045")
    return b"".join(decoded(letters[at : at + 4], "rfc2045") for at in range(0, len(letters), 4))


def _fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """Fields of a head, names in small letters, lines that were folded put together."""
    found: list[tuple[bytes, bytes]] = []
    for line in head.split(b"\n")[:512]:
        text = line.rstrip(b"\r")
        if text[:1] in (b" ", b"\t") and found:
            found[-1] = found[-1][0], found[-1][1] + b" " + text.strip()
            continue
        key, colon, value = text.partition(b":")
        if colon:
            found.append((key.strip().lower(), value.strip()))
    return found
