"""Misuse of Kerberos, by what tickets were asked for and what went wrong.

Kerberoasting and AS-REP roasting (T1558.003, .004): tickets in RC4, whose keys are passwords that can be guessed offline (RFC 4757; Medin, "Attacking
Kerberos", 2014). Spraying and listing of names by the errors that a key distribution center gives (RFC 4120, 7.5.9). Counted are different
services and accounts within a time, never requests. Who logs on as an account soon after its password was wrong has mistyped it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import DAY, MINUTE, SECOND, Numbers, Rows, bursts, window
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "misuse of Kerberos"
NEEDS = ("kerberos",)

RULES = rules(
    "kerberos",
    {
        "kerberos-roast": (
            "Tickets for Many Services in RC4",
            "high",
            "A machine got tickets for several services in a weak cipher within minutes; their passwords can be guessed offline.",
            "credential-access t1558.003",
            "Old domains in which RC4 is what everybody uses",
        ),
        "kerberos-roast-slow": (
            "Tickets for Many Services in RC4 Within a Day",
            "medium",
            "Within a day a machine got tickets for many services in a weak cipher, although this domain gives tickets in AES.",
            "credential-access t1558.003",
            "A machine that works with many old services",
        ),
        "kerberos-many": (
            "Tickets for Many Services at Once",
            "medium",
            "A machine got tickets for twenty services or more within minutes, none of which every machine has.",
            "credential-access discovery t1558.003 t1046",
            "Monitoring of databases and web servers by name",
        ),
        "kerberos-roast-old": (
            "Tickets for Many Services in RC4, as All Are",
            "low",
            "A machine got tickets for several services in a weak cipher within minutes, in a domain of which no other cipher is in the evidence.",
            "credential-access t1558.003",
            "Every logon in an old domain",
        ),
        "kerberos-weak": (
            "Ticket in RC4 Where Others Are in AES",
            "low",
            "A ticket was given in a weak cipher although this domain gives tickets in AES.",
            "credential-access t1558 t1550.002",
            "Services whose accounts know no AES",
        ),
        "kerberos-unproven": (
            "Tickets for Several Accounts Without Proof of the Password",
            "high",
            "A machine got first tickets of several accounts in a weak cipher within minutes, as those do who guess passwords offline.",
            "credential-access t1558.004",
            "Terminal servers of old domains",
        ),
        "kerberos-spray": (
            "Wrong Passwords of Many Accounts",
            "high",
            "A machine failed with the passwords of many accounts within minutes.",
            "credential-access t1110.003",
            "A terminal server or gateway for many users",
        ),
        "kerberos-spray-slow": (
            "Wrong Passwords of Many Accounts Within a Day",
            "medium",
            "Within a day a machine failed with the passwords of many accounts, and did not log on as these soon after.",
            "credential-access t1110.003",
            "A terminal server or gateway for many users",
        ),
        "kerberos-names": (
            "Names of Accounts Tried Out",
            "high",
            "A machine asked for tickets of many accounts that do not exist within minutes.",
            "discovery credential-access t1087.002 t1589.001",
            "Hardly any",
        ),
        "kerberos-guess": (
            "Many Wrong Passwords of One Account",
            "medium",
            "A machine failed with the password of one account again and again.",
            "credential-access t1110.001",
            "A stored password that is no longer right",
        ),
        "kerberos-person": (
            "Ticket for a Person Instead of a Service",
            "low",
            "A ticket was asked for an account that is named like a person's, not like a service's; targeted roasting does it.",
            "credential-access t1558.003",
            "Applications that run under such an account",
        ),
    },
)  # fmt: skip

#: Different services or accounts, failures of one account, and within what time.
SERVICES, ACCOUNTS, NAMES, FAILURES, WIDTH = 4, 6, 8, 25, 10 * MINUTE

#: The same over a day, in which more comes together by itself: twice the services; accounts that failed and did not log on soon, of which
#: a machine of many people has a few.
SLOW_SERVICES, SLOW_ACCOUNTS = 8, 15

#: Services in whatever cipher within `WIDTH`: a session asks for a handful, a list of all accounts with services is longer.
MANY = 20

#: Machines of which a median says what is usual here.
MACHINES = 4

#: Classes of services that every machine has (MS-ADTS and setspn name them as aliases of HOST): managing many machines asks for them.
_ALIASES = frozenset(
    (
        "host",
        "cifs",
        "rpcss",
        "rpc",
        "ldap",
        "gc",
        "dns",
        "termsrv",
        "wsman",
        "restrictedkrbhost",
        "krbtgt",
        "kadmin",
        "ntfrs",
        "dfsr",
    )
)

#: Names that do not exist, within a time in which nobody types them.
FAST, SECONDS = 5, 10 * SECOND

_WEAK = frozenset(
    ("rc4-hmac", "arcfour-hmac", "rc4-hmac-exp", "des-cbc-md5", "des-cbc-crc", "23", "0x17", "rc4-hmac-nt")
)
_UNKNOWN, _WRONG = ("KDC_ERR_C_PRINCIPAL_UNKNOWN", "6"), ("KDC_ERR_PREAUTH_FAILED", "24")
#: How a spray ends at accounts that are locked or disabled, or whose password is too old.
_SPRAYED = (*_WRONG, "KDC_ERR_CLIENT_REVOKED", "18", "KDC_ERR_KEY_EXPIRED", "23")


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Roasting, spraying, guessing, and single tickets that do not fit."""
    rows = traffic["kerberos"]
    weak = rows.texts["cipher"].where(lambda cipher: cipher.lower() in _WEAK)
    strong = rows.texts["cipher"].where(lambda cipher: cipher.lower().startswith("aes"))
    fine = ~rows.texts["success"].among(("F", "false", "False"))
    asked, first = rows.texts["request"].among(("TGS",)), rows.texts["request"].among(("AS",))
    service = rows.texts["service"].where(_is_service)
    mostly = bool(strong.sum() > weak.sum())
    yield from _roasting(rows, weak & asked & service & fine, strong, mostly=mostly)
    yield from _many(rows, weak & first & fine, "client", SERVICES, "kerberos-unproven")
    yield from _many(
        rows, asked & fine & ~weak & rows.texts["service"].where(_is_listed), "service", MANY, "kerberos-many"
    )
    wrong = _lasting(rows, _failed(rows, _SPRAYED), first & fine)
    yield from _both(
        _many(rows, wrong, "client", ACCOUNTS, "kerberos-spray"),
        _many(rows, wrong, "client", SLOW_ACCOUNTS, "kerberos-spray-slow", DAY),
    )
    yield from _many(rows, _failed(rows, _UNKNOWN), "client", NAMES, "kerberos-names")
    yield from _often(rows, _failed(rows, _WRONG))
    if mostly:
        for places in rows.groups(
            "source", "client", among=weak & fine & rows.texts["client"].where(_is_person)
        ):
            yield _hit(rows, places, "kerberos-weak")
    for places in rows.groups(
        "source", "service", among=asked & fine & rows.texts["service"].where(_is_account)
    ):
        yield _hit(rows, places, "kerberos-person")


def _roasting(rows: Rows, weak: Numbers, strong: Numbers, *, mostly: bool) -> Iterator[Hit]:
    """Tickets for services in RC4: many at once, or over a day where this domain has AES."""
    fast = list(
        _many(rows, weak, "service", SERVICES, "kerberos-roast" if strong.any() else "kerberos-roast-old")
    )
    if not strong.any():
        yield from _beyond(rows, fast)
        return
    slow = _many(rows, weak, "service", SLOW_SERVICES, "kerberos-roast-slow", DAY) if mostly else ()
    yield from _both(fast, slow)


def _both(fast: Iterable[Hit], slow: Iterable[Hit]) -> Iterator[Hit]:
    """What was fast, and of what was slow the machines that were not told already."""
    told = set()
    for hit in fast:
        told.add(hit.about[0])
        yield hit
    yield from (hit for hit in slow if hit.about[0] not in told)


def _beyond(rows: Rows, hits: list[Hit]) -> Iterator[Hit]:
    """Those who asked for more than twice as many services as machines here do in the median: that all do is no sign. Of few machines, all."""
    counts = [len(rows.texts["service"].distinct(hit.places)) for hit in hits]
    most: dict[str, int] = {}
    for hit, count in zip(hits, counts, strict=True):
        most[hit.about[0]] = max(count, most.get(hit.about[0], 0))
    usual = float(np.median(list(most.values()))) if len(most) >= MACHINES else 0.0
    yield from (hit for hit, count in zip(hits, counts, strict=True) if count > 2 * usual)


def _lasting(rows: Rows, failed: Numbers, worked: Numbers) -> Numbers:
    """Failures behind which the same account did not log on from the same machine soon: who mistypes tries again."""
    lasting = failed.copy()
    for places in rows.groups("source", "client", least=2, among=failed | worked):
        good, bad = rows.time[places[worked[places]]], places[failed[places]]
        if len(good) and len(bad):
            after = np.searchsorted(good, rows.time[bad])
            soon = np.append(good, good[-1] + DAY)[after] - rows.time[bad] <= WIDTH
            lasting[bad[soon & (after < len(good))]] = False
    return lasting


def _many(rows: Rows, among: Numbers, what: str, least: int, rule: str, width: int = WIDTH) -> Iterator[Hit]:
    """Many different ones of `what` within `width`, from one machine."""
    for pair in rows.groups("source", least=min(FAST, least), among=among):
        for places in bursts(rows.time, pair, width):
            # The first of each kind counts: a kind that comes again adds nothing.
            _, firsts = np.unique(rows.texts[what].codes[places], return_index=True)
            different = places[np.sort(firsts)]
            found = window(rows.time, different, width, least)
            if rule == "kerberos-names" and not len(found):
                found = window(rows.time, different, SECONDS, FAST)
            if len(found):
                yield _hit(rows, found, rule)


def _often(rows: Rows, among: Numbers) -> Iterator[Hit]:
    for pair in rows.groups("source", "client", least=FAILURES, among=among):
        found = window(rows.time, pair, WIDTH, FAILURES)
        if len(found):
            yield _hit(rows, found, "kerberos-guess")


def _hit(rows: Rows, found: Numbers, rule: str) -> Hit:
    first = int(found[0])
    names = {
        name: rows.texts[name].distinct(found) for name in ("client", "service", "cipher", "error", "request")
    }
    said = {
        name: ", ".join(some[:20]) + (f" and {len(some) - 20} more" if len(some) > 20 else "")
        for name, some in names.items()
    }
    said["different clients"], said["different services"] = (
        number(len(names[name])) for name in ("client", "service")
    )
    about = (
        rows.texts["source"][first],
        names["client"][0] if names["client"] else "",
        str(int(rows.time[first])),
    )
    return Hit(rule, rows, found, said, about)


def _failed(rows: Rows, errors: tuple[str, ...]) -> Numbers:
    return rows.texts["error"].among(errors)


def _is_service(name: str) -> bool:
    """Not the ticket service itself, nor a machine, whose passwords nobody guesses."""
    head = name.partition("/")[0].partition("@")[0].lower()
    return bool(head) and head not in ("krbtgt", "kadmin") and not head.endswith("$")


def _is_listed(service: str) -> bool:
    """A service of a class that not every machine has."""
    return _is_service(service) and service.partition("/")[0].lower() not in _ALIASES


def _is_person(client: str) -> bool:
    """A client, written with its realm or without, that is no machine."""
    name = client.partition("/")[0].partition("@")[0]
    return bool(name) and not name.endswith("$")


def _is_account(service: str) -> bool:
    """A service that is named like an account: no principal of a service, no machine."""
    name = service.partition("@")[0]
    return _is_service(name) and "/" not in name and "$" not in name
