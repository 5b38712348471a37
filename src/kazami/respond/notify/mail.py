"""Notices over SMTP (RFC 5321). What cannot be delivered is an error that names server and reason."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterable
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

from kazami.errors import UsageError
from kazami.model.tenant import Delivery
from kazami.respond.text import safe

#: Seconds that a server may take for an answer.
PATIENCE = 20.0


def message(
    subject: str, text: str, sender: str, to: str, files: Iterable[tuple[str, bytes, str]] = ()
) -> EmailMessage:
    """A mail; `files` are names, contents and types such as ``text/html``."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, safe(subject)[:200]
    made["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text)
    for name, content, kind in files:
        main, _, sub = kind.partition("/")
        made.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return made


def send(made: EmailMessage, way: Delivery) -> str:
    """Hand a mail over; what the log keeps of it. Raises UsageError where the server does not take it."""
    if not way.host:
        raise UsageError("no mail server is named (delivery in tenants.toml)")
    try:
        with _connected(way) as server:
            if way.user:
                server.login(way.user, _password(way))
            server.send_message(made)
    except (OSError, smtplib.SMTPException) as error:
        raise UsageError(f"mail server {way.host}:{way.port}: {_said(error)}") from error
    return str(made["Message-ID"])


def _said(error: OSError | smtplib.SMTPException) -> str:
    """Why a server did not take a mail: its own answer, with its code, where it gave one."""
    answer: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused) and error.recipients:
        code, answer = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, answer = error.smtp_code, error.smtp_error
    else:
        return safe(getattr(error, "strerror", None) or str(error))[:300]
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    return f"refused: {code} {safe(text)[:300]}"


def _connected(way: Delivery) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if way.security == "tls":
        return smtplib.SMTP_SSL(way.host, way.port, timeout=PATIENCE, context=context)
    server = smtplib.SMTP(way.host, way.port, timeout=PATIENCE)
    if way.security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _password(way: Delivery) -> str:
    try:
        return Path(way.password_file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{way.password_file}: cannot be read: {error}") from error
