"""Tunnels in the name system, slow exfiltration by names, and commands in answers.

T1071.004, T1048.003. What is judged is how much a machine *says* in the names below one registered domain: different names, their length, and
entropy (Born and Gustafson, "Detecting DNS Tunnels Using Character Frequency Analysis", 2010; Farnham, "Detecting DNS Tunneling", SANS 2013). There is
no window: a tunnel of one name an hour says as much as one of ten a second, only later. Services that many machines ask that way (reputation of
addresses and files, delivery networks) are told by that, and by short answers of addresses.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kazami.detect.network.traffic.domain import below, entropy, is_random, registered, vowels
from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import DAY, HOUR, Numbers, Rows, window
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "tunnels in DNS"
NEEDS = ("dns",)

RULES = rules(
    "dns",
    {
        "dns-tunnel": (
            "Tunnel in the Name System",
            "high",
            "A machine says much in names below one domain, and asks for kinds of records that carry data, or in bytes that no name has.",
            "command-and-control exfiltration t1071.004 t1572 t1048.003",
            "Hardly any",
        ),
        "dns-load": (
            "Much Said in Names Below One Domain",
            "medium",
            "A machine asks for many different long names below one domain, which few others ask.",
            "command-and-control exfiltration t1071.004 t1048.003",
            "Reputation services, delivery networks, mail filters",
        ),
        "dns-slow": (
            "A Little Said in Names Below One Domain for Days",
            "low",
            "A machine asks for different long names below one domain over days, a few an hour, and nobody else does.",
            "exfiltration t1048.003 t1029",
            "Reputation services, telemetry",
        ),
        "dns-commands": (
            "Commands or Programs in Answers of the Name System",
            "high",
            "Answers hold text that a shell or an interpreter would run, or data in Base64, piece by piece.",
            "command-and-control t1071.004 t1059",
            "Hardly any",
        ),
        "dns-generated": (
            "Names That a Program Makes up",
            "medium",
            "A machine asks for many domains that look random and do not exist.",
            "command-and-control t1568.002",
            "Browsers that test for captive portals; security tools",
        ),
    },
)

#: Different names, characters of each in the mean, bits a character that speak for data; the sum of bytes said.
NAMES, LENGTH, BITS, SAID = 40, 20, 3.0, 1_500
#: The same where nothing is fast.
SLOW_NAMES, SLOW_SAID = 24, 600
#: Share of records that carry data; machines of which a domain is not one's own; domains that do not exist within an hour.
CARRIERS, FEW, MADE = 0.5, 3, 10
#: Different names asked for a kind of record that nobody uses, which are a tunnel's however few: iodine shakes hands in more.
UNUSED = 6
#: Share of answers that differ, of which a tunnel's are nearly all: half leaves room for what is asked again.
ANSWERED = 0.5
#: Domains that do not exist within an hour, and share of vowels in their letters below which they are no words: words have some 40 %, chance has
#: 23 %, and of twenty names of ten letters the mean strays by 3 %.
UNKNOWN, VOWELS = 20, 0.3

_CARRIERS = frozenset(
    (
        "TXT",
        "NULL",
        "CNAME",
        "MX",
        "SRV",
        "KEY",
        "PRIVATE",
        "TYPE65399",
        "65399",
        "RRSIG",
        "DNSKEY",
        "SIG",
        "HINFO",
        "query-65399",
    )
)
#: Kinds that carry anything and are used by nothing else: NULL (RFC 1035, 3.3.10, experimental), and iodine's of its own.
_UNUSED = frozenset(("NULL", "PRIVATE", "TYPE65399", "65399", "query-65399"))
_KNOWN_TEXTS = re.compile(
    r"v=spf|v=dkim|v=dmarc|-verification|verification=|domainkey|v=bimi|v=tlsrpt|ms=ms|k=rsa|_acme|docusign|apple-domain",
    re.I,
)
#: Labels under which records are kept for machines (RFC 8552): keys of mail, policies, proofs of ownership.
_SCOPED = re.compile(r"(?:^|\.)_(?:domainkey|dmarc|spf|acme-challenge|mta-sts|smtp|report|bimi|adsp)\.", re.I)
#: Services that are asked about files, senders and links by names below theirs; nobody else can have such names.
_LOOKUPS = frozenset(
    ("sophosxl.net", "mcafee.com", "cloudmark.com", "spamhaus.org", "spamhaus.net", "surbl.org", "uribl.com", "sorbs.net", "spamcop.net", "dnswl.org",
     "barracudacentral.org", "cymru.com", "e5.sk", "mailspike.net", "abuseat.org", "senderscore.com", "trendmicro.com", "f-secure.com")
)  # fmt: skip
_COMMANDS = re.compile(
    r"powershell|cmd(?:\.exe)? /c|\biex\b|invoke-|frombase64string|\[system\.|-join|nslookup -|/bin/(?:ba)?sh|wget http|curl http|"
    r"python -c|certutil|rundll32|regsvr32|eval\(|exec\(|whoami|net (?:user|group)|\$\w+\s*=",
    re.I,
)
_DATA = re.compile(r"(?:TXT \d+ )?[\"'@]?(?:[A-Za-z0-9+/]{4}){30,}={0,2}")
_RAW = re.compile("[^\x20-\x7e]")


@dataclass(slots=True)
class _Domain:
    """What one machine asked below one domain."""

    domain: str
    machines: int  # that ask below it
    places: Numbers
    names: list[str]
    data: float  # share of records that carry data
    unused: float  # share of records of kinds that nobody uses
    raw: float  # share of names with bytes that no name has
    answered: float  # share of answers that are different ones; 1 where answers are not in the evidence

    @property
    def said(self) -> int:
        return sum(map(len, self.names))

    @property
    def length(self) -> float:
        return self.said / max(1, len(self.names))

    @property
    def bits(self) -> float:
        return entropy("".join(self.names[:2000]))


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Domains by machine; answers; names that do not exist."""
    rows = traffic["dns"]
    domains, owners = _domains(rows)
    for places in rows.groups("source", among=domains >= 0):
        for one in _of(rows, places, domains[places], owners):
            rule = _rule(rows, one)
            if rule:
                yield _hit(rows, one, rule)
    yield from _commands(rows)
    yield from _made(rows, domains, owners)


@dataclass(slots=True)
class _Owners:
    """The registered domains of a table, and how many machines ask each."""

    names: list[str]
    machines: Numbers


def _domains(rows: Rows) -> tuple[Numbers, _Owners]:
    """By row: the number of its registered domain, -1 where there is none."""
    known: dict[str, int] = {}
    column = rows.texts["query"]
    table = np.full(len(column.values) + 1, -1, np.int64)
    for code in column.present().tolist():
        domain = registered(column.values[code])
        if domain:
            table[code] = known.setdefault(domain, len(known))
    found: Numbers = table[column.codes]
    asked = found >= 0
    width = len(rows.texts["source"].values) + 1
    pairs = np.unique(found[asked] * width + rows.texts["source"].codes[asked])
    return found, _Owners(list(known), np.bincount(pairs // width, minlength=len(known)))


def _of(rows: Rows, places: Numbers, domains: Numbers, owners: _Owners) -> Iterator[_Domain]:
    order = np.argsort(domains, kind="stable")
    cuts = np.flatnonzero(np.diff(domains[order])) + 1
    for part in np.split(order, cuts):
        queries = rows.texts["query"].distinct(places[part])
        kinds = [rows.texts["type"][int(place)] for place in places[part]]
        unused = sum(kind in _UNUSED for kind in kinds) / len(kinds)
        if len(queries) < (UNUSED if unused >= CARRIERS else SLOW_NAMES):
            continue
        number_ = int(domains[part[0]])
        domain, machines = owners.names[number_], int(owners.machines[number_])
        spoken = (below(query, domain) for query in queries if not _SCOPED.search(query))
        names = [name for name in spoken if name]
        carriers = sum(kind in _CARRIERS for kind in kinds) / len(kinds)
        raw = sum(bool(_RAW.search(query)) for query in queries) / len(queries)
        yield _Domain(
            domain, machines, places[part], names, carriers, unused, raw, _answered(rows, places[part])
        )


def _answered(rows: Rows, places: Numbers) -> float:
    """How much comes back: the share of different ones among answers. Lists (RFC 5782) say the same few words again and again, or that a name does not exist."""
    codes = rows.texts["answers"].codes[places]
    answers = codes[codes >= 0]
    if len(answers):
        return len(np.unique(answers)) / len(answers)
    gone = np.array([rows.texts["code"][int(place)].upper() == "NXDOMAIN" for place in places[:1000]])
    return 0.0 if gone.mean() > ANSWERED else 1.0


def _rule(rows: Rows, one: _Domain) -> str:
    """What speaks for a tunnel, from the surest to the least; empty where nothing does."""
    if one.unused >= CARRIERS and len(one.names) >= UNUSED and one.answered >= ANSWERED:
        return "dns-tunnel"
    if one.machines > FEW or one.length < LENGTH or one.bits < BITS or one.domain in _LOOKUPS:
        return ""
    if len(one.names) >= NAMES and one.said >= SAID:
        carries = (one.data >= CARRIERS or one.length >= 50) and one.answered >= ANSWERED
        return "dns-tunnel" if carries or one.raw >= 0.1 else "dns-load"
    span = rows.time[one.places[-1]] - rows.time[one.places[0]]
    return "dns-slow" if span >= DAY and one.machines == 1 and one.said >= SLOW_SAID else ""


def _hit(rows: Rows, one: _Domain, rule: str) -> Hit:
    source = rows.texts["source"][int(one.places[0])]
    said = {
        "domain": one.domain,
        "different names": number(len(one.names)),
        "characters of a name": number(one.length),
        "bits a character": number(one.bits),
        "bytes said": number(one.said),
        "records that carry data": f"{one.data:.0%}",
        "names with bytes that no name has": f"{one.raw:.0%}",
        "different answers": f"{one.answered:.0%}",
        "an example": rows.texts["query"][int(one.places[0])],
    }
    return Hit(rule, rows, one.places, said, (source, one.domain))


def _commands(rows: Rows) -> Iterator[Hit]:
    answers = rows.texts["answers"]
    shell = answers.where(lambda text: bool(_COMMANDS.search(text)) and not _KNOWN_TEXTS.search(text))
    data = answers.where(lambda text: bool(_DATA.search(text)) and not _KNOWN_TEXTS.search(text))
    texts = rows.texts["type"].among(("TXT",)) | answers.where(lambda text: "TXT " in text)
    texts &= ~rows.texts["query"].where(lambda query: bool(_SCOPED.search(query)))
    by_domain: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place in np.flatnonzero(texts & (shell | data)).tolist():
        by_domain[rows.texts["source"][place], registered(rows.texts["query"][place])].append(place)
    for (source, domain), some in by_domain.items():
        places = np.array(some)
        if domain and (shell[places].any() or len(rows.texts["answers"].distinct(places)) >= 4):
            said = {"domain": domain, "answer": answers[int(places[np.argmax(shell[places])])][:400]}
            yield Hit("dns-commands", rows, places, said, (source, domain))


def _made(rows: Rows, domains: Numbers, owners: _Owners) -> Iterator[Hit]:
    """Domains that do not exist and look random, or together have fewer vowels than words, within an hour."""
    labels = [name.partition(".")[0] for name in owners.names]
    random = np.array([*map(is_random, labels), False])
    share = np.array([*map(vowels, labels), 1.0])
    gone = rows.texts["code"].among(("NXDOMAIN", "NXDomain")) & (domains >= 0)
    for places in rows.groups("source", least=MADE, among=gone):
        _, firsts = np.unique(domains[places], return_index=True)
        different = places[np.sort(firsts)]
        found = window(rows.time, different[random[domains[different]]], HOUR, MADE)
        if not len(found):
            found = window(rows.time, different[share[domains[different]] < 1], HOUR, UNKNOWN)
            if not len(found) or share[domains[found]].mean() > VOWELS:
                continue
        names = [owners.names[int(domains[place])] for place in found]
        said = {"different domains": number(len(names)), "domains": ", ".join(names[:20])}
        yield Hit("dns-generated", rows, found, said, (rows.texts["source"][int(found[0])], "generated"))
