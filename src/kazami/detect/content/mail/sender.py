"""Who a mail poses as: look-alike domains, shown addresses, institution words, and what the operator's own server says.

Header mismatches (Return-Path, Reply-To against From) are no evidence: they are so in two of three ordinary mails of a mailing list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from kazami.detect.content.mail.correspondence import told
from kazami.detect.content.mail.domain import alike, of, registrable
from kazami.detect.content.mail.message import Mail
from kazami.model.content import Feature, Scope

#: Where anybody can have an address.
FREE = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "yahoo.com",
        "yahoo.co.jp",
        "ymail.ne.jp",
        "outlook.com",
        "outlook.jp",
        "hotmail.com",
        "hotmail.co.jp",
        "live.com",
        "live.jp",
        "icloud.com",
        "me.com",
        "aol.com",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "mail.com",
        "mail.ru",
        "yandex.ru",
        "yandex.com",
        "protonmail.com",
        "proton.me",
        "tutanota.com",
        "zoho.com",
        "excite.co.jp",
        "infoseek.jp",
        "goo.jp",
        "goo.ne.jp",
        "nifty.com",
        "biglobe.ne.jp",
        "so-net.ne.jp",
        "ocn.ne.jp",
        "qq.com",
        "163.com",
        "126.com",
        "naver.com",
    ]
)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_REPLY = re.compile(r"^\s*(?:re|aw|sv|返信)\s*[:：]", re.IGNORECASE)
_RESULT = re.compile(r"\b(spf|dkim|dmarc|arc|compauth)\s*=\s*([a-z]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Institution:
    """Somebody that lures pose as."""

    name: str
    words: re.Pattern[str]
    domains: tuple[str, ...]
    protect: bool

    def owns(self, domain: str) -> bool:
        """Whether mails from `domain` may be its own."""
        suffixes = tuple(one for one in self.domains if one.startswith("."))
        return f".{domain}".endswith(suffixes) or registrable(domain) in map(registrable, self.domains)


@cache
def institutions() -> tuple[Institution, ...]:
    """The table that comes along."""
    rows = yaml.safe_load(Path(__file__).with_name("institutions.yml").read_text("utf-8"))
    return tuple(
        Institution(str(name), _pattern(row["words"]), tuple(row["domains"]), row.get("protect", True))
        for name, row in rows.items()
    )


def _pattern(words: list[str]) -> re.Pattern[str]:
    """Any of the words: Latin ones as whole words, others anywhere."""
    parts = [rf"(?<![a-z0-9]){re.escape(w)}(?![a-z0-9])" if w.isascii() else re.escape(w) for w in words]
    return re.compile("|".join(parts), re.IGNORECASE)


@cache
def _protected() -> tuple[str, ...]:
    return tuple(domain for one in institutions() if one.protect for domain in one.domains)


def features(mail: Mail, scope: Scope) -> Iterator[Feature]:
    """All that is said of the sender."""
    name, address = mail.sender
    domain = of(address)
    own, partners = (scope.settings.get(f"mail.{key}", ()) for key in ("own_domains", "partner_domains"))
    if domain:
        other, why = alike(domain, (*own, *partners, *_protected()))
        if other and domain not in FREE:
            yield Feature("mail.lookalike_domain", f"{domain} {why}: {other}", "From")
        yield from _poses(name, domain, (*own, *partners))
    yield from _shown(name, domain)
    yield from _authenticated(mail, domain, scope, own)
    known = scope.settings.get("mail.known_senders", ())
    if (
        known
        and address
        and address not in known
        and registrable(domain) not in map(registrable, (*own, *known))
    ):
        yield Feature("mail.first_contact", address, "From")
    elif domain:
        yield from _correspondence(domain, scope)
    if _REPLY.match(mail.first("subject")) and not (mail.first("references") or mail.first("in-reply-to")):
        yield Feature("mail.false_reply", mail.first("subject")[:120], "Subject")


def _correspondence(domain: str, scope: Scope) -> Iterator[Feature]:
    """What the mails before this one say of its sender: those of its mailbox, else those of the tenant's earlier scans."""
    lines, seen = (scope.settings.get(f"mail.{key}", ()) for key in ("told", "seen"))
    said = told(lines, scope.hashes[0]) if scope.hashes else {}
    if "first" in said or (not lines and seen and domain not in seen):
        yield Feature("mail.first_contact", domain, "From")
    if talking := said.get("thread", ""):
        other, why = alike(domain, talking.split())
        if other and domain not in FREE:
            yield Feature("mail.lookalike_in_thread", f"{domain} {why}: {other}", "From")
        elif registrable(domain) not in map(registrable, talking.split()):
            yield Feature("mail.stranger_in_thread", f"{domain} among {talking}", "References")


def _poses(name: str, domain: str, ours: tuple[str, ...]) -> Iterator[Feature]:
    mine = registrable(domain)
    if mine in map(registrable, ours):
        return
    for one in institutions():
        if (match := one.words.search(name)) and not one.owns(domain):
            by = "mail.institution_by_freemail" if mine in FREE else "mail.institution"
            yield Feature(by, f"{match[0]} from {domain}", "From")
            return


def _shown(name: str, domain: str) -> Iterator[Feature]:
    for address in _ADDRESS.findall(name)[:1]:
        shown = of(address)
        if shown and domain and registrable(shown) != registrable(domain):
            yield Feature("mail.display_address", f"{address} from {domain}", "From")


def _authenticated(mail: Mail, domain: str, scope: Scope, own: tuple[str, ...]) -> Iterator[Feature]:
    """What the operator's own server found (RFC 8601); results that carry another server's name could be anybody's."""
    servers = {server.lower() for server in scope.settings.get("mail.authserv_ids", ())}
    for header in mail.all("authentication-results"):
        server, _, said = header.partition(";")
        if server.split()[:1] == [] or server.split()[0].lower() not in servers:
            continue
        results = {method.lower(): result.lower() for method, result in _RESULT.findall(said)}
        failed = results.get("dmarc") == "fail" or (
            results.get("spf") in ("fail", "softfail") and results.get("dkim") in ("fail", "none")
        )
        told = ", ".join(f"{method}={result}" for method, result in results.items())
        if failed and registrable(domain or "-") in map(registrable, own):
            yield Feature("mail.poses_as_own", told, "Authentication-Results")
        elif failed:
            yield Feature("mail.authentication_failed", told, "Authentication-Results")
        return  # the topmost is the server's own; what is below came with the mail
