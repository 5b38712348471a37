"""Keywords about one number or word that an application protocol says: DNS, TLS, SMB, DCE/RPC, Kerberos, files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kazami.detect.network.suricata import number
from kazami.detect.network.suricata.builder import Builder, Draft
from kazami.detect.network.suricata.fault import RuleError, UnsupportedError
from kazami.detect.network.suricata.keywords import lists
from kazami.detect.network.suricata.keywords.lists import Among
from kazami.detect.network.suricata.keywords.payload import Handler, pattern
from kazami.detect.network.suricata.parse import unquoted
from kazami.detect.network.suricata.steps import Content, Step, Test, View

_OPCODES = {"query": 0, "iquery": 1, "status": 2, "notify": 4, "update": 5}
_CODES = {
    "noerror": 0, "formerr": 1, "servfail": 2, "nxdomain": 3, "notimp": 4, "refused": 5, "yxdomain": 6, "yxrrset": 7,
    "nxrrset": 8, "notauth": 9, "notzone": 10, "badvers": 16, "badsig": 16, "badkey": 17, "badtime": 18, "badmode": 19,
    "badname": 20, "badalg": 21, "badtrunc": 22,
}  # fmt: skip
_TYPES = {
    "a": 1, "ns": 2, "md": 3, "mf": 4, "cname": 5, "soa": 6, "mb": 7, "mg": 8, "mr": 9, "null": 10, "wks": 11, "ptr": 12,
    "hinfo": 13, "minfo": 14, "mx": 15, "txt": 16, "rp": 17, "afsdb": 18, "x25": 19, "isdn": 20, "rt": 21, "nsap": 22,
    "nsapptr": 23, "sig": 24, "key": 25, "px": 26, "gpos": 27, "aaaa": 28, "loc": 29, "nxt": 30, "srv": 33, "atma": 34,
    "naptr": 35, "kx": 36, "cert": 37, "a6": 38, "dname": 39, "opt": 41, "apl": 42, "ds": 43, "sshfp": 44, "ipseckey": 45,
    "rrsig": 46, "nsec": 47, "dnskey": 48, "dhcid": 49, "nsec3": 50, "nsec3param": 51, "tlsa": 52, "smimea": 53, "hip": 55,
    "cds": 59, "cdnskey": 60, "openpgpkey": 61, "csync": 62, "zonemd": 63, "svcb": 64, "https": 65, "spf": 99, "nid": 104,
    "l32": 105, "l64": 106, "lp": 107, "eui48": 108, "eui64": 109, "tkey": 249, "tsig": 250, "any": 255, "uri": 256,
}  # fmt: skip
_ENCRYPTIONS = {
    "des-cbc-crc": 1, "des-cbc-md4": 2, "des-cbc-md5": 3, "des3-cbc-md5": 5, "des3-cbc-sha1": 7,
    "aes128-cts-hmac-sha1-96": 17, "aes256-cts-hmac-sha1-96": 18, "rc4-hmac": 23, "rc4-hmac-exp": 24,
}  # fmt: skip
_WEAK = frozenset((1, 2, 3, 5, 7, 16, 23, 24))


@dataclass(frozen=True, slots=True)
class Compared:
    """A buffer that holds a decimal number, compared."""

    test: Test
    relative: bool = False

    def places(self, view: View, at: int) -> Iterator[int]:
        """`at`, if it holds."""
        if self.test.holds(int(view.data)):
            yield at


@dataclass(frozen=True, slots=True)
class Asked:
    """A buffer for which a function holds."""

    function: Callable[[bytes], bool]
    relative: bool = False

    def places(self, view: View, at: int) -> Iterator[int]:
        """`at`, if it does."""
        if self.function(view.data):
            yield at


def _compared(buffer: str, names: dict[str, int] | None = None) -> Handler:
    def handle(builder: Builder, value: str) -> None:
        builder.drafts.append(Draft(buffer, [Compared(number.comparison(value, names))]))

    return handle


def _version(builder: Builder, value: str) -> None:
    words = {"1.0": b"TLS 1.0", "1.1": b"TLS 1.1", "1.2": b"TLS 1.2", "1.3": b"TLS 1.3"}
    found = words.get(unquoted(value).strip().strip('"').lower().removeprefix("tls").strip())
    if found is None:
        raise RuleError(f"tls.version: {value[:40]!r}")
    builder.drafts.append(Draft("tls.version", [Among(frozenset((found,)))]))


def _ssl_version(builder: Builder, value: str) -> None:
    words = {"sslv2": b"SSLv2", "sslv3": b"SSLv3", "tls1.0": b"TLS 1.0", "tls1.1": b"TLS 1.1", "tls1.2": b"TLS 1.2",
             "tls1.3": b"TLS 1.3"}  # fmt: skip
    wanted: set[bytes] = set()
    unwanted: set[bytes] = set()
    for part in value.strip().strip('"').split(","):
        name = part.strip().lower()
        found = words.get(name.lstrip("!"))
        if found is None:
            raise RuleError(f"ssl_version: {part[:40]!r}")
        (unwanted if name.startswith("!") else wanted).add(found)
    steps: list[Step] = [Among(frozenset(wanted))] if wanted else []
    steps += [Among(frozenset(unwanted), True)] if unwanted else []
    builder.drafts.append(Draft("tls.version", steps))


def _ssl_state(builder: Builder, value: str) -> None:
    names = [part.strip().lower() for part in re.split(r"[,|]", value.strip().strip('"'))]
    known = {"client_hello", "server_hello", "client_keyx", "server_keyx"}
    if [name for name in names if name.lstrip("!") not in known]:
        raise UnsupportedError("ssl_state", value[:40])
    steps: list[Step] = [Among(frozenset(name.encode() for name in names if name[:1] != "!"))]
    builder.drafts.append(Draft("tls.state", steps))


def _said(buffer: str) -> Handler:
    """Old keywords of TLS that hold a content themselves."""

    def handle(builder: Builder, value: str) -> None:
        negated = value.strip().startswith("!")
        text = value.strip().lstrip("!").strip()
        found = pattern(text[1:-1] if text[:1] == '"' else text)
        builder.drafts.append(Draft(buffer, [Content(found, negated=negated)]))

    return handle


def _smb_version(builder: Builder, value: str) -> None:
    name = value.strip().strip('"').lower()
    if name not in ("1", "2"):
        raise RuleError(f"smb.version: {value[:40]!r}")
    builder.drafts.append(Draft("smb.version", [Among(frozenset((name.encode(),)))]))


def _interface(builder: Builder, value: str) -> None:
    uuid, *rest = (part.strip() for part in value.split(","))
    if not re.fullmatch(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", uuid):
        raise RuleError(f"dcerpc.iface: {uuid[:40]!r}")
    versions = [word for word in rest if word and word != "any_frag"]
    test = number.comparison(versions[0]) if versions else None

    def bound(data: bytes) -> bool:
        for entry in data.split(b","):
            name, _, version = entry.partition(b"/")
            if name.decode() == uuid.lower() and (test is None or test.holds(int(version or b"0"))):
                return True
        return False

    builder.drafts.append(Draft("dcerpc.iface", [Asked(bound)]))


def _opnum(builder: Builder, value: str) -> None:
    tests: list[Test] = []
    for part in value.split(","):
        first, dash, last = part.strip().partition("-")
        if dash:
            tests.append(Test("..", number.integer(first), number.integer(last)))
        else:
            tests.append(number.comparison(part))
    builder.drafts.append(
        Draft("dcerpc.opnum", [Asked(lambda data: any(test.holds(int(data)) for test in tests))])
    )


def _weak(builder: Builder, value: str) -> None:
    builder.drafts.append(Draft("krb5.ticket_encryption", [Asked(lambda data: int(data) in _WEAK)]))


def _encryption(builder: Builder, value: str) -> None:
    name = value.strip().strip('"').lower()
    negated = name.startswith("!")
    name = name.lstrip("!").strip()
    if name == "weak":
        builder.drafts.append(
            Draft("krb5.ticket_encryption", [Asked(lambda d: (int(d) in _WEAK) != negated)])
        )
        return
    names = [part.strip() for part in name.split(",")]
    wanted = {_ENCRYPTIONS[n] if n in _ENCRYPTIONS else number.integer(n) for n in names}
    builder.drafts.append(Draft("krb5.ticket_encryption", [Asked(lambda d: (int(d) in wanted) != negated)]))


def _filename(ending: bool) -> Handler:
    def handle(builder: Builder, value: str) -> None:
        negated = value.strip().startswith("!")
        name = unquoted(value.strip().lstrip("!")).lower().encode()
        wanted = b"." + name if ending else name

        def holds(data: bytes) -> bool:
            return (data.lower().endswith(wanted) if ending else wanted in data.lower()) != negated

        builder.drafts.append(Draft("file.name", [Asked(holds)]))

    return handle


KEYWORDS: dict[str, Handler] = {
    "dns.opcode": _compared("dns.opcode", _OPCODES), "dns_opcode": _compared("dns.opcode", _OPCODES),
    "dns.rcode": _compared("dns.rcode", _CODES), "dns.rrtype": _compared("dns.rrtype", _TYPES),
    "tls.version": _version, "ssl_version": _ssl_version, "ssl_state": _ssl_state,
    "tls.subject": _said("tls.cert_subject"), "tls.issuerdn": _said("tls.cert_issuer"),
    "tls.fingerprint": _said("tls.cert_fingerprint"), "tls.cert_chain_len": _compared("tls.cert_chain_len"),
    "smb.version": _smb_version, "dcerpc.iface": _interface, "dce_iface": _interface, "dcerpc.opnum": _opnum, "dce_opnum": _opnum,
    "krb5_msg_type": _compared("krb5.msg_type"), "krb5.msg_type": _compared("krb5.msg_type"),
    "krb5_err_code": _compared("krb5.err_code"), "krb5.err_code": _compared("krb5.err_code"),
    "krb5.weak_encryption": _weak, "krb5.ticket_encryption": _encryption,
    "filename": _filename(False), "fileext": _filename(True), "filesize": _compared("file.size"),
    "filemd5": lists.hashes("file.md5", 32), "filesha1": lists.hashes("file.sha1", 40), "filesha256": lists.hashes("file.sha256", 64),
    "dataset": lists.dataset,
}  # fmt: skip
