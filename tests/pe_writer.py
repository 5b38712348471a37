"""Writes programs of Windows that do nothing, with everything that an analyzer looks at, and signs them with keys that are thrown away."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_PAGE, _SECTOR = 0x1000, 0x200
_CODE, _DATA, _WRITABLE = 0x60000020, 0x40000040, 0xE0000020
#: Version information as Microsoft's linker puts it into a library of Windows.
MICROSOFT = {
    "CompanyName": "Microsoft Corporation",
    "ProductName": "Microsoft® Windows® Operating System",
    "OriginalFilename": "sample.exe",
    "FileVersion": "10.0.19041.1 (WinBuild.160101.0800)",
}
OTHER = {"CompanyName": "Example Works", "ProductName": "Sample", "OriginalFilename": "sample.exe"}


@dataclass(frozen=True)
class Section:
    """A section; `characteristics` as in the format, `memory` the size there where it is not that of `data`."""

    name: str
    data: bytes
    characteristics: int = _DATA
    memory: int = 0


def text(data: bytes = b"\xc3" + bytes(63), name: str = ".text", writable: bool = False) -> Section:
    """Code: returns."""
    return Section(name, data, _WRITABLE if writable else _CODE)


def pe(
    sections: Sequence[Section] = (),
    *,
    imports: Mapping[str, Sequence[str]] | None = None,
    exports: Mapping[str, str] | None = None,
    resources: Mapping[int, Mapping[int, bytes]] | None = None,
    version: Mapping[str, str] | None = None,
    rich: int | None = 0,
    entry: int = _PAGE,
    when: int = 0x5F000000,
    overlay: bytes = b"",
    library: bool = False,
    stub: bytes = b"",
    directories: Mapping[int, tuple[int, int]] | None = None,
) -> bytes:
    """A program for x64. `exports` are names with "" for code, "=" for one shared place, or ``OTHER.name``; `rich` is None for no
    Rich header, else what its checksum is wrong by; `resources` are bytes by type and number; `directories` are (address, size), the second section is at 0x2000."""
    placed = list(sections) or [text()]
    tree = dict(resources or {})
    if version is not None:
        tree[16] = {1: _version(version)}
    rows = [(0, 0)] * 16
    for index, row in (directories or {}).items():
        rows[index] = row
    for index, make, given in (
        (1, _imports, imports),
        (0, _exports, exports),
        (2, _resources, tree),
    ):
        if given:
            at = _PAGE * (1 + sum(_pages(one) for one in placed))
            content = make(given, at)  # type: ignore[operator]
            placed.append(Section({0: ".edata", 1: ".idata", 2: ".rsrc"}[index], content))
            rows[index] = (at, len(content))
    return _file(placed, rows, _rich(rich, stub), entry, when, library) + overlay


def _pages(section: Section) -> int:
    return -(-max(len(section.data), section.memory, 1) // _PAGE)


def _rich(wrong: int | None, stub: bytes) -> bytes:
    """DOS header, its program and the Rich header, up to where the PE header begins."""
    dos = bytearray(b"MZ".ljust(64, b"\0") + stub)
    if wrong is None:
        dos[60] = len(dos)
        return bytes(dos)
    entries = [(0x01027A00, 3), (0x01047A00, 7)]
    dos[60] = len(dos) + 16 + 8 * len(entries) + 8
    key = len(dos) + sum(_rotated(byte, at) for at, byte in enumerate(dos) if not 60 <= at < 64)
    key = (key + sum(_rotated(tool, many) for tool, many in entries) + wrong) & 0xFFFFFFFF
    words = [0x536E6144, 0, 0, 0, *(word for pair in entries for word in pair)]
    return bytes(dos) + b"".join(struct.pack("<I", word ^ key) for word in words) + b"Rich" + struct.pack("<I", key)  # fmt: skip


def _rotated(value: int, by: int) -> int:
    by &= 31
    return (value << by | value >> (32 - by)) & 0xFFFFFFFF


def _file(
    sections: Sequence[Section],
    directories: Sequence[tuple[int, int]],
    start: bytes,
    entry: int,
    when: int,
    library: bool,
) -> bytes:
    size = len(start) + 24 + 240 + 40 * len(sections)
    first = -(-size // _SECTOR) * _SECTOR
    table, bodies, at, rva = b"", b"", first, _PAGE
    for section in sections:
        raw = section.data.ljust(-(-len(section.data) // _SECTOR) * _SECTOR, b"\0")
        table += struct.pack("<8sIIIIIIHHI", section.name.encode(), max(section.memory, len(section.data)), rva, len(raw), at if raw else 0, 0, 0, 0, 0, section.characteristics)  # fmt: skip
        bodies += raw
        at += len(raw)
        rva += _PAGE * _pages(section)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, len(sections), when, 0, 0, 240, 0x2022 if library else 0x22)  # fmt: skip
    optional = struct.pack(
        "<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 14, 0, _SECTOR, _SECTOR, 0, entry, _PAGE, 0x140000000, _PAGE, _SECTOR,
        6, 0, 0, 0, 6, 0, 0, rva, first, 0, 3, 0x160, 1 << 20, 4096, 1 << 20, 4096, 0, 16,
    )  # fmt: skip
    headers = start + coff + optional + b"".join(struct.pack("<II", *one) for one in directories) + table
    return headers.ljust(first, b"\0") + bodies


def _imports(given: Mapping[str, Sequence[str]], at: int) -> bytes:
    head = 20 * (len(given) + 1)
    thunks, names, rows = b"", b"", b""
    room = sum(16 * (len(functions) + 1) for functions in given.values())
    for library, functions in given.items():
        pointers = b""
        for function in functions:
            pointers += struct.pack("<Q", at + head + room + len(names))
            names += b"\0\0" + function.encode() + b"\0"
        pointers += bytes(8)
        where = at + head + len(thunks)
        thunks += pointers * 2
        rows += struct.pack("<IIIII", where, 0, 0, at + head + room + len(names), where + len(pointers))
        names += library.encode() + b"\0"
    return rows + bytes(20) + thunks + names


def _exports(given: Mapping[str, str], at: int) -> bytes:
    many = len(given)
    functions, pointers, ordinals, names = b"", b"", b"", b"sample.dll\0"
    start = at + 40 + 10 * many
    for number, (name, to) in enumerate(sorted(given.items())):
        pointers += struct.pack("<I", start + len(names))
        names += name.encode() + b"\0"
        ordinals += struct.pack("<H", number)
        if "." in to:
            functions += struct.pack("<I", start + len(names))
            names += to.encode() + b"\0"
        else:
            functions += struct.pack("<I", _PAGE + (0 if to else 1 + number))
    head = struct.pack("<IIHHIIIIIII", 0, 0, 0, 0, start, 1, many, many, at + 40, at + 40 + 4 * many, at + 40 + 8 * many)  # fmt: skip
    return head + functions + pointers + ordinals + names


def _resources(given: Mapping[int, Mapping[int, bytes]], at: int) -> bytes:
    """Three levels, as Windows wants: type, number, language."""

    def directory(rows: Sequence[tuple[int, int]]) -> bytes:
        return struct.pack("<IIHHHH", 0, 0, 0, 0, 0, len(rows)) + b"".join(
            struct.pack("<II", *r) for r in rows
        )

    leaves = [(kind, number, data) for kind, every in given.items() for number, data in every.items()]
    second = 16 + 8 * len(given)
    third = second + sum(16 + 8 * len(every) for every in given.values())
    entries = third + 24 * len(leaves)
    contents = entries + 16 * len(leaves)
    tops, middles, bottoms, rows, body = [], b"", b"", b"", b""
    for kind, every in given.items():
        tops.append((kind, 0x80000000 | (second + len(middles))))
        group = []
        for number, data in every.items():
            group.append((number, 0x80000000 | (third + len(bottoms))))
            bottoms += directory([(1033, entries + len(rows))])
            rows += struct.pack("<IIII", at + contents + len(body), len(data), 0, 0)
            body += data.ljust(-(-len(data) // 8) * 8, b"\0")
        middles += directory(group)
    return directory(tops) + middles + bottoms + rows + body


def _version(words: Mapping[str, str]) -> bytes:
    """VS_VERSIONINFO with one table of strings."""

    def block(key: str, value: bytes, children: bytes = b"", letters: int = 0) -> bytes:
        head = _aligned(bytes(6) + key.encode("utf-16-le") + b"\0\0")
        body = _aligned(head + value) + children
        return struct.pack("<HHH", len(body), letters or len(value), 1 if letters else 0) + body[6:]

    strings = b"".join(
        _aligned(block(key, value.encode("utf-16-le") + b"\0\0", letters=len(value) + 1))
        for key, value in words.items()
    )
    fixed = struct.pack("<13I", 0xFEEF04BD, 0x10000, 0, 0, 0, 0, 0x3F, 0, 4, 1, 0, 0, 0)
    return block("VS_VERSION_INFO", fixed, block("StringFileInfo", b"", block("040904b0", b"", strings)))


def _aligned(data: bytes) -> bytes:
    return data.ljust(-(-len(data) // 4) * 4, b"\0")


def shared_imports(rows: int, functions: int) -> bytes:
    """A small program in which all libraries share one list of functions: a reader that walks it has rows times functions to do."""
    first = _PAGE + 20 * (rows + 1)
    name = first + 8 * (functions + 1)
    table = struct.pack("<IIIII", first, 0, 0, name + 4, first) * rows + bytes(20)
    table += struct.pack("<Q", name) * functions + bytes(12) + b"a.dll\0"
    return pe([Section(".idata", table)], directories={1: (_PAGE, len(table))})


def lying_sections(many: int = 65_535) -> bytes:
    """As many sections as the header can say, and room for their rows."""
    data = pe(version=OTHER)
    at = int.from_bytes(data[60:64], "little") + 6
    return data[:at] + struct.pack("<H", many) + data[at + 2 :] + bytes(40 * many)


# -- signing --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Identity:
    """A certificate with its key."""

    certificate: Any
    key: Any


def identity(
    organization: str,
    common_name: str = "",
    issuer: Identity | None = None,
    *,
    authority: bool = False,
    for_code: bool = True,
) -> Identity:
    """A certificate for ten years from 2020; self-signed without an issuer."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name or organization),
        ]
    )
    begins = datetime(2020, 1, 1, tzinfo=UTC)
    usage = ExtendedKeyUsageOID.CODE_SIGNING if for_code else ExtendedKeyUsageOID.SERVER_AUTH
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
    )
    if not authority:
        made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return Identity(made.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def signed(
    data: bytes,
    signer: Identity,
    carried: Sequence[Identity] = (),
    *,
    digest: bytes = b"",
    stamped: datetime | None = None,
    padding: bytes = b"",
    broken: bool = False,
) -> bytes:
    """`data` with a signature; `digest` another than its own, `padding` what is appended inside the certificate table."""
    data = data.ljust(-(-len(data) // 8) * 8, b"\0")
    optional = int.from_bytes(data[60:64], "little") + 24
    directory = optional + (112 if data[optional + 1] == 2 else 96) + 32
    own = hashlib.sha256(data[: optional + 64] + data[optional + 68 : directory] + data[directory + 8 :]).digest()  # fmt: skip
    der = _pkcs7(digest or own, signer, carried, stamped, broken)
    content = (der + padding).ljust(-(-(8 + len(der) + len(padding)) // 8) * 8 - 8, b"\0")
    table = struct.pack("<IHH", 8 + len(content), 0x200, 2) + content
    changed = bytearray(data)
    changed[directory : directory + 8] = struct.pack("<II", len(data), len(table))
    return bytes(changed) + table


def _pkcs7(digest: bytes, signer: Identity, carried: Sequence[Identity], stamped: datetime | None, broken: bool) -> bytes:  # fmt: skip
    """SignedData as Authenticode has it: SpcIndirectDataContent, content type and digest among the signed attributes."""
    from asn1crypto import algos, cms, core, x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    sha256 = algos.DigestAlgorithm({"algorithm": "sha256"})
    data = _der(0x30, core.ObjectIdentifier("1.3.6.1.4.1.311.2.1.15").dump() + _der(0x30, b"\x03\x01\0"))
    inner = data + algos.DigestInfo({"digest_algorithm": sha256, "digest": digest}).dump()
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["1.3.6.1.4.1.311.2.1.4"]},
            {"type": "message_digest", "values": [hashlib.sha256(inner).digest()]},
        ]
    )
    message = attributes.dump() + (b"x" if broken else b"")
    own = x509.Certificate.load(signer.certificate.public_bytes(serialization.Encoding.DER))
    info = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            {"issuer_and_serial_number": {"issuer": own.issuer, "serial_number": own.serial_number}}
        ),
        "digest_algorithm": sha256,
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        "signature": signer.key.sign(message, ec.ECDSA(hashes.SHA256())),
    }
    if stamped:
        time = cms.CMSAttributes([{"type": "signing_time", "values": [cms.Time({"utc_time": stamped})]}])
        info["unsigned_attrs"] = [{"type": "counter_signature", "values": [{**info, "signed_attrs": time}]}]
    certificates = b"".join(
        one.certificate.public_bytes(serialization.Encoding.DER) for one in (signer, *carried)
    )
    purpose = core.ObjectIdentifier("1.3.6.1.4.1.311.2.1.4").dump()
    body = (
        core.Integer(1).dump()
        + _der(0x31, sha256.dump())
        + _der(0x30, purpose + _der(0xA0, _der(0x30, inner)))
        + _der(0xA0, certificates)
        + _der(0x31, cms.SignerInfo(info).dump())
    )
    kind = core.ObjectIdentifier("1.2.840.113549.1.7.2").dump()
    return _der(0x30, kind + _der(0xA0, _der(0x30, body)))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 0x80 else b"\x82" + struct.pack(">H", size)
    return bytes([tag]) + length + content


def cases() -> list[tuple[str, str, bytes]]:
    """Golden inputs: stem, name, content."""
    maker = identity("Example Works")
    lookalike = identity("Microsoft Root", authority=True)
    microsoft = identity("Microsoft Corporation", issuer=lookalike)
    loader = {"KERNEL32.dll": ["LoadLibraryA", "GetProcAddress"], "helper.dll": ["Start"]}
    return [
        ("plain", "sample.exe", pe(version=OTHER)),
        ("forged", "sample.exe", signed(pe(version=MICROSOFT), microsoft, [lookalike])),
        ("unsigned_claim", "sample.exe", pe(version=MICROSOFT)),
        ("claim_of_windows", "sample.exe", pe(version={"CompanyName": "Example", "ProductName": "Microsoft\u00ae Windows\u00ae Operating System"})),
        ("claim_with_hidden_letter", "sample.exe", pe(version={**OTHER, "CompanyName": "Micro\u200bsoft Corporation"})),
        ("add_in_for_microsoft", "sample.dll", pe(version={"CompanyName": "Example", "ProductName": "Add-in for Microsoft Excel"}, library=True)),
        ("swapped_name", "scvhost.exe", pe(version=OTHER)),
        ("name_near_by", "service.exe", pe(version=OTHER)),
        ("padded", "sample.exe", signed(pe(version=OTHER), maker, padding=b"hidden " * 9)),
        ("packed", "setup.exe", pe([Section("UPX0", b"", 0xE0000080, 0x8000), text(hashlib.shake_256(b"x").digest(8192), "UPX1", True)], imports=loader, entry=0x9000)),
        ("carrier", "sample.exe", pe(resources={10: {1: pe()}}, overlay=b"7z\xbc\xaf\x27\x1c" + bytes(range(100)))),
        ("false_library", "version.dll", pe(exports=dict.fromkeys(("A", "B", "C", "D", "E"), "="), library=True)),
    ]  # fmt: skip


def masked(data: bytes, key: bytes, before: int = 0, sparing: bool = False) -> bytes:
    """`data` behind a repeated key after `before` bytes of noise; `sparing` leaves zeros and bytes of the key as they are."""
    stream = [key[at % len(key)] for at in range(len(data))]
    kept = {0, key[0]} if sparing else set[int]()
    noise = hashlib.shake_256(b"before").digest(before)
    return noise + bytes(a if a in kept else a ^ b for a, b in zip(data, stream, strict=True))


#: With the text that linkers write.
STUBBED = pe(
    stub=b"\x0e\x1f\xba\x0e\0\xb4\x09\xcd!\xb8\1L\xcd!This program cannot be run in DOS mode.\r\r\n$".ljust(
        64, b"\0"
    )
)


def masked_cases() -> list[tuple[str, str, bytes]]:
    """Golden inputs: stem, name, content."""
    noise = hashlib.shake_256(b"noise").digest(3000)
    return [
        ("one_byte", "pastime.dat", masked(STUBBED, b"\x3d")),
        ("ten_bytes", "handkerchief.dat", masked(STUBBED, b"0123456789", 10)),
        ("sparing", "goat.dat", masked(STUBBED, b"\x3d", sparing=True)),
        ("noise", "cache.dat", noise),
        ("table", "cache.dat", b"\x93" + bytes(range(200)) * 8),
    ]
