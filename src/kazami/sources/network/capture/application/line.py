"""Protocols of lines: FTP, SMTP and IRC. What was said in clear, in the fields of Zeek's logs. After RFC 959, 5321 and 1459."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

#: Lines of one side, and characters of one, that are looked at.
MAX_LINES, MAX_LINE = 400, 1000

_REPLY = re.compile(rb"(\d{3})[ \r\n]")
_SMTP = re.compile(rb"(?i)(?:EHLO|HELO)[ \r\n]")
_FTP = re.compile(rb"(?i)(?:USER |AUTH |FEAT|SYST|OPTS )")
_IRC = re.compile(rb"(?:NICK |PASS |USER |CAP (?:LS|REQ))")
_END = re.compile(rb"\r?\n\.\r?\n")
_ADDRESS = re.compile(r"(?i)(?:FROM|TO):\s*<?([^>\s]*)>?")
_FTP_LOGGED = frozenset(("APPE", "DELE", "RETR", "STOR", "STOU", "ACCT", "PORT", "PASV", "EPRT", "EPSV", "MKD", "RMD", "RNFR", "RNTO", "LIST", "CWD"))  # fmt: skip
_HEADERS = {
    "date": "date", "from": "from", "to": "to", "cc": "cc", "reply-to": "reply_to", "message-id": "msg_id", "in-reply-to": "in_reply_to",
    "subject": "subject", "x-originating-ip": "x_originating_ip", "user-agent": "user_agent", "x-mailer": "user_agent",
}  # fmt: skip
_IRC_TOLD = frozenset(("NICK", "USER", "JOIN", "PRIVMSG", "PASS", "PART", "TOPIC", "MODE"))


class Message(NamedTuple):
    """A mail as it was sent, without the dots that SMTP adds; where it begins, and whether its end is there."""

    data: bytes
    at: int
    whole: bool


def is_smtp(client: bytes, server: bytes) -> bool:
    """Whether a client greets as SMTP does."""
    return _SMTP.match(client) is not None


def is_ftp(client: bytes, server: bytes) -> bool:
    """Whether a client logs in to a server that greets as FTP does."""
    return server[:3] == b"220" and _FTP.match(client) is not None


def is_irc(client: bytes, server: bytes) -> bool:
    """Whether a client registers as in IRC."""
    return (
        _IRC.match(client) is not None
        and server[:3] != b"220"
        and (server[:1] in (b":", b"") or server[:4] in (b"PING", b"NOTI", b"ERRO"))
    )


def lines(data: bytes) -> Iterator[tuple[int, str]]:
    """Lines without their ends, and where they begin."""
    at = 0
    for _ in range(MAX_LINES):
        if at >= len(data):
            return
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        yield at, data[at : min(end, at + MAX_LINE)].rstrip(b"\r").decode("utf-8", "replace")
        at = end + 1


def replies(server: bytes) -> list[tuple[int, str]]:
    """Code and text of the last line of each reply, the greeting's first."""
    found = []
    for _, line in lines(server):
        if line[:3].isdecimal() and line[3:4] != "-":
            found.append((int(line[:3]), line[4:]))
    return found


def ftp(client: bytes, server: bytes) -> list[dict[str, Any]]:
    """Fields of ``ftp`` for the log-in and every command that Zeek would log."""
    answers = iter(replies(server)[1:])
    user = password = ""
    records = []
    for at, line in lines(client):
        command, _, argument = line.partition(" ")
        command = command.upper()
        code, text = next(answers, (0, ""))
        while 100 <= code < 200:  # a file is on its way; the last word is still to come
            code, text = next(answers, (code + 100, text))
        if command == "USER":
            user = argument
        elif command == "PASS":
            password = argument if user.lower() in ("anonymous", "ftp") else "<hidden>"
        if command not in _FTP_LOGGED and command != "PASS":
            continue
        fields: dict[str, Any] = {"#at": at, "user": user or "<unknown>", "command": command}
        if password:
            fields["password"] = password
        if argument and command != "PASS":
            fields["arg"] = argument
        if code:
            fields |= {"reply_code": code, "reply_msg": text}
        records.append(fields)
    return records


def smtp(client: bytes, server: bytes) -> list[dict[str, Any]]:
    """Fields of ``smtp`` for every message, or one for a session that sent none. ``#message`` is the mail itself."""
    said: dict[str, Any] = {}
    mail: dict[str, Any] = {}
    records: list[dict[str, Any]] = []
    at = 0
    for _ in range(MAX_LINES):
        if at >= len(client):
            break
        _, line = next(lines(client[at : at + MAX_LINE]))
        begun, at = at, _behind(client, at)
        command, argument = line[:4].upper(), line[5:]
        if command in ("HELO", "EHLO"):
            said["helo"] = argument
        elif command == "MAIL":
            mail = {
                **said,
                "#at": begun,
                "trans_depth": len(records) + 1,
                "mailfrom": _address(argument),
                "rcptto": [],
            }
        elif command == "RCPT" and mail:
            mail["rcptto"].append(_address(argument))
        elif command == "DATA" and mail:
            message, at = _message(client, at)
            records.append({**mail, **_headers(message.data), "#message": message})
            mail = {}
        elif command == "STAR":
            said["tls"] = True
            break
    last = replies(server)[-1:]
    told = {"last_reply": f"{last[0][0]} {last[0][1]}"} if last else {}
    return [{**said, **one, **told} for one in records or [{"trans_depth": 1}]]


def _behind(data: bytes, at: int) -> int:
    end = data.find(b"\n", at)
    return len(data) if end < 0 else end + 1


def _message(client: bytes, at: int) -> tuple[Message, int]:
    """The mail that begins at `at`, and where the next command does."""
    end = _END.search(client, max(0, at - 2))
    data = client[at : max(at, end.start() + 2)] if end else client[at:]
    plain = data[1:] if data[:2] == b".." else data
    return Message(plain.replace(b"\n..", b"\n."), at, end is not None), end.end() if end else len(client)


def _headers(message: bytes) -> dict[str, Any]:
    """What the headers of a mail say, in the words of Zeek."""
    found: dict[str, Any] = {}
    for _, line in lines(message):
        if not line:
            break
        name, colon, value = line.partition(":")
        if colon and name.lower() in _HEADERS:
            found.setdefault(_HEADERS[name.lower()], value.strip())
        elif name.lower() == "received":
            found.setdefault("first_received", value.strip())
    return found


def _address(argument: str) -> str:
    found = _ADDRESS.match(argument)
    return found[1] if found else argument


def irc(client: bytes, server: bytes) -> list[dict[str, Any]]:
    """Fields of ``irc`` for what a client says, up to its first hundred lines."""
    nick = user = ""
    records: list[dict[str, Any]] = []
    for at, line in lines(client):
        command, _, rest = line.partition(" ")
        command = command.upper()
        if command not in _IRC_TOLD or len(records) >= 100:
            continue
        if command == "NICK":
            nick = rest.strip().lstrip(":")
        elif command == "USER":
            user = rest.partition(" ")[0]
        value, _, added = rest.partition(" ")
        fields: dict[str, Any] = {
            "#at": at,
            "command": command,
            "value": "<hidden>" if command == "PASS" else value,
        }
        fields |= {name: text for name, text in (("nick", nick), ("user", user)) if text}
        if added and command in ("PRIVMSG", "USER", "JOIN"):
            fields["addl"] = added.lstrip(":")[:500]
        records.append(fields)
    return records
