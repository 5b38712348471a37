"""What findings of one tenant name as bad: addresses, names, URLs, JA3 and certificates, each as its one spelling.

Outward findings (command and control, exfiltration) mean where a connection led to, inward ones (a break-in, guessed passwords, scans)
whom it came from. A finding's own fields count first, then those of its events; a command line gives what it fetches.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from kazami.model.address import is_inside
from kazami.model.block import CONFIDENCES, Indicator, sure
from kazami.model.finding import level_rank
from kazami.model.result import FindingRow
from kazami.model.tenant import Network, parsed, within

#: Tactics whose findings mean the far end, and those that mean whoever came.
OUTWARD = frozenset(("command-and-control", "exfiltration"))
INWARD = frozenset(("initial-access", "credential-access", "reconnaissance"))

#: Findings that one indicator names, events of one finding that are looked at, URLs of one command line.
MOST_FINDINGS, MOST_EVENTS, MOST_URLS = 20, 5, 5

_TO = ("DestinationIp", "id.resp_h", "dst_ip", "dest_ip", "destination.ip", "DestAddress", "r-ip", "destination", "server",
       "address", "dst")  # fmt: skip
_FROM = (
    "SourceIp",
    "id.orig_h",
    "src_ip",
    "source.ip",
    "IpAddress",
    "SourceAddress",
    "ClientAddress",
    "c-ip",
    "address",
    "src",
)
_NAMES = (
    "QueryName",
    "query",
    "server_name",
    "DestinationHostname",
    "cs-host",
    "r-dns",
    "dns.question.name",
    "domain",
)
_QUESTIONS = ("QueryName", "query", "dns.question.name")
_URLS = ("url", "c-uri", "url.original")
_JA3 = ("ja3", "tls.ja3.hash")
_CERTIFICATES = ("cert_chain_fps", "fingerprint", "certificate.fingerprint", "sha1", "sha256")
_COMMANDS = ("CommandLine", "ParentCommandLine", "ScriptBlockText", "Payload")
_URL = re.compile(r"https?://[^\s\"'<>|^`(){}\\,;]{4,2000}", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_DIGEST = {32: "ja3", 40: "certificate", 64: "certificate"}

Seen = tuple[str, str, str]  # kind, value, confidence


def domain(text: str) -> str:
    """A name in lower case and letters of ASCII (RFC 5890), without the last dot; empty where it is none."""
    name = text.strip().rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            return ""
    labels = name.split(".")
    good = len(name) <= 253 and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdecimal()
    return name if good and parsed(name) is None else ""


def address(text: str) -> str:
    """An address in its shortest spelling; IPv4 within IPv6 as IPv4. Empty where it is none."""
    found = parsed(text) if len(text) < 64 else None
    return str(found) if found is not None else ""


def url(text: str) -> str:
    """A URL of http or https with its host in lower case; empty where it is none or could not be written everywhere."""
    found = re.fullmatch(
        r"((?i:https?))://([^/?#\s@]+@)?([^/?#:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?([/?#][!-~]*)?",
        text.strip(),
    )
    if not found or len(text) > 2000 or re.search(r"[\"'\\<>`{}|^]", found[5] or ""):
        return ""
    host = address(found[3].strip("[]")) or domain(found[3])
    if not host:
        return ""
    path = (found[5] or "").partition("#")[0]  # what comes behind it is not sent
    path = path if path.startswith("/") else f"/{path}"
    return f"{found[1].lower()}://{f'[{host}]' if ':' in host else host}{found[4] or ''}{path}"


def host_of(text: str) -> str:
    """The host of what `url` gave."""
    authority = text.split("://", 1)[1].split("/", 1)[0]
    return authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]


def below(name: str, names: Container[str]) -> Iterator[str]:
    """Those of `names` below which a name lies, the nearest first."""
    labels = name.split(".")
    return (above for at in range(1, len(labels)) if (above := ".".join(labels[at:])) in names)


def is_whole(text: str) -> bool:
    """Whether what `url` gave means all of its host: nothing follows the first slash."""
    return text.endswith("/") and text.count("/") == 3


def digest(text: str, kind: str) -> str:
    """Hex digits of a JA3 or certificate in lower case, without colons; empty where it is none."""
    plain = text.strip().lower().replace(":", "")
    return plain if re.fullmatch(r"[0-9a-f]+", plain) and _DIGEST.get(len(plain)) == kind else ""


def confidence(row: FindingRow, severity: str = "") -> str:
    """How sure a finding makes: what it says itself, else by its level; a grave incident is one step more."""
    said = row["matched"].get("confidence", "")
    step = sure(said) if said in CONFIDENCES else min(2, level_rank(row["level"]) - 2)
    step += level_rank(severity) >= 3 and said not in CONFIDENCES
    return CONFIDENCES[max(0, min(2, step))]


def indicators(
    tenant: str,
    rows: Iterable[tuple[FindingRow, str]],
    events: Mapping[str, Mapping[str, Any]],
    own: Sequence[Network] = (),
    names: Mapping[str, int] | None = None,
) -> list[Indicator]:
    """Of a tenant's findings (each with the severity of its incident, or ""), the strongest first.

    `events` are the tenant's, by uid; `own` are its networks; `names` counts names by address. Raises ValueError where a finding is
    another tenant's.
    """
    found: dict[tuple[str, str], Indicator] = {}
    for row, severity in rows:
        if row["tenant"] != tenant:
            raise ValueError(f"blocks of {tenant} were handed a finding of another tenant")
        for kind, value, certain in _seen(row, severity, events, own):
            known = found.get((kind, value))
            uids, titles = (known.findings, known.titles) if known else ((), ())
            if known and (row["finding_uid"] in uids or len(uids) >= MOST_FINDINGS):
                certain = max(certain, known.confidence, key=sure)
            else:
                uids, titles = (*uids, row["finding_uid"]), (*titles, row["title"])
                certain = max(certain, known.confidence if known else "low", key=sure)
            found[kind, value] = Indicator(
                tenant, kind, value, certain, uids, titles, (names or {}).get(value, 0)
            )
    return sorted(found.values(), key=lambda one: (-sure(one.confidence), one.kind, one.value))


def _seen(
    row: FindingRow, severity: str, events: Mapping[str, Mapping[str, Any]], own: Sequence[Network]
) -> Iterator[Seen]:
    certain = confidence(row, severity)
    outward, inward = (bool(set(row["tactics"]) & group) for group in (OUTWARD, INWARD))
    if not outward and not inward:
        return
    places = [row["matched"], *(events[uid] for uid in row["event_uids"][:MOST_EVENTS] if uid in events)]
    for fields in places:
        asked = any(fields.get(name) for name in _QUESTIONS)  # then the far end is a name server
        far = "" if asked and outward else _far(fields, outward, own)
        if far:
            yield "address", far, certain
        if outward:
            yield from _told(fields, certain)


def _far(fields: Mapping[str, Any], outward: bool, own: Sequence[Network]) -> str:
    """The end that is not ours: where it led to, or who came; the other one where that one is inside."""
    ends = [_first(fields, _TO, address), _first(fields, _FROM, address)]
    if not outward:
        ends.reverse()
    outside = [one for one in ends if one and not is_inside(one) and not within(one, own)]
    return outside[0] if outside else ""


def _told(fields: Mapping[str, Any], certain: str) -> Iterator[Seen]:
    for kind, keys, clean in (("domain", _NAMES, domain), ("url", _URLS, url)):
        if value := _first(fields, keys, clean):
            yield kind, value, certain
    if value := _first(fields, _JA3, lambda text: digest(text, "ja3")):
        yield "ja3", value, certain
    if value := _first(fields, _CERTIFICATES, lambda text: digest(text, "certificate")):
        yield "certificate", value, certain
    host, path = (str(fields.get(name) or "") for name in ("host_", "uri"))
    if value := url(f"http://{host}{path}") if host and path.startswith("/") else "":
        yield "url", value, certain
    for name in _COMMANDS:
        fetched = _URL.findall(str(fields.get(name) or "")[:32768])[:MOST_URLS]
        for value in filter(None, map(url, fetched)):  # a command names good places as well
            yield "url", value, CONFIDENCES[max(0, sure(certain) - 1)]


def _first(fields: Mapping[str, Any], keys: Sequence[str], clean: Any) -> str:
    for key in keys:
        for text in _texts(fields.get(key)):
            if value := str(clean(text)):
                return value
    return ""


def _texts(value: Any) -> list[str]:
    """A field's texts: one, or those of a list, which is stored as JSON."""
    if not isinstance(value, str) or len(value) > 65536:
        return []
    if value.startswith("["):
        try:
            parts = orjson.loads(value)
        except orjson.JSONDecodeError:
            return [value]
        return [one for one in parts if isinstance(one, str)][:20] if isinstance(parts, list) else []
    return [value]
