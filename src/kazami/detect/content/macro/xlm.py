"""Excel 4 macros: which sheets hold them, what starts them, and what their formulas come to once they are evaluated.

Structure is read here. Formulas are evaluated by XLMMacroDeobfuscator in a process of its own, for as long as is left: it runs nothing, it
works out what strings and cells a macro would build. What it does not reach is told.
"""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator

from kazami.detect.content.container.unpacker import handed_over, run
from kazami.detect.content.identify import kind
from kazami.detect.content.macro import MEANINGS as OF_MACRO
from kazami.detect.content.macro import workbook
from kazami.detect.content.macro.words import told
from kazami.detect.content.ooxml import MEANINGS as OF_OOXML
from kazami.detect.content.ooxml import asked
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

MEANINGS = {**OF_OOXML, **OF_MACRO}
NEEDS = {
    "olefile": "Excel 4 macros in Excel 97 workbooks",
    "XLMMacroDeobfuscator": "what formulas of Excel 4 macros come to",
}

#: Workbooks, and what begins as older ones do, which have no kind of their own.
KINDS = frozenset(("xls", "xlsx", "xlsb", "slk", "data"))
_BEGINS = (
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"PK\x03\x04",
    b"ID;",
    b"\x09\x00\x04\x00",
    b"\x09\x02\x06\x00",
    b"\x09\x04\x06\x00",
)
_OUT = 4 << 20
_UNPACKED = 60 << 20
_CALLS = re.compile(
    r"=\s*(?:_xlfn\.)?(?:CALL|REGISTER|EXEC|URLDownloadToFile\w?)\s*\(.{0,200}|\bCALL\(.{0,200}",
    re.IGNORECASE,
)
_RUNS = re.compile(r"\bEXEC\s*\(.{0,200}", re.IGNORECASE)
_BUILDS = re.compile(r"\b(?:CHAR|FORMULA(?:\.FILL)?|MID|SET\.VALUE)\s*\(", re.IGNORECASE)
_MANY = 30
#: What the process does; its argument is the workbook, its answer JSON: formulas as they are, and as they are evaluated.
_PROCESS = """
import contextlib, io, json, signal, sys, time, types
if hasattr(signal, "alarm"):
    signal.alarm(4)  # the default action: nothing in the library can catch it
for name in ("distutils", "distutils.util"):  # gone from Python 3.12; all that is asked of it is this function
    sys.modules[name] = types.ModuleType(name)
sys.modules["distutils.util"].strtobool = lambda text: text.lower() in ("1", "true", "yes", "y", "on", "t")
words = dict(file=sys.argv[1], noninteractive=True, return_deobfuscated=True, silent=True, timeout=3, password="VelvetSweatshop")
told, error = [[], []], ""
with contextlib.redirect_stdout(io.StringIO()):
    from XLMMacroDeobfuscator.deobfuscator import process_file
    for at, more in enumerate((dict(extract_only=True), dict(no_indent=True, output_formula_format="[[CELL-ADDR]] [[INT-FORMULA]]"))):
        begun = time.monotonic()
        try:
            told[at] = [str(line)[:4000] for line in process_file(**words, **more)][:5000]
        except Exception as fault:
            error = f"{type(fault).__name__}: {fault}"[:300]
        if time.monotonic() - begun >= words["timeout"]:
            error = "without end after 3 s"
print(json.dumps([*told, error]))
"""


def confidence(head: bytes, name: str) -> float:
    """May be a workbook; which kind of storage or package it is, `analyze` sees."""
    return 0.7 if head.startswith(_BEGINS) else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """Sheets of macros, links to other programs, and the formulas."""
    what = scope.kind or kind(data, scope.name)
    if (what not in KINDS or what == "data") and not data.startswith(_BEGINS[3:]):
        return Analysis()
    found = _workbook(data, what)
    features = [*_links(found)]
    if not found.macros:
        return Analysis(tuple(features))
    features += _structure(found)
    if found.locked:
        return Analysis(tuple(features))  # the decrypted document comes as a child
    gaps: list[Gap] = []
    formulas, evaluated = (found.formulas, []) if found.formulas else _evaluated(data, what, gaps)
    if not formulas and what in ("xls", "data"):
        formulas = workbook.calls(_stream(data) if what == "xls" else data)
    features += _formulas(formulas, evaluated)
    text = "\n".join((*formulas, "", *evaluated)).strip()
    children = (Child("excel4.txt", text.encode("utf-8", "replace"), relation="decoded"),) if text else ()
    return Analysis(tuple(features), children, tuple(gaps))


def _workbook(data: bytes, what: str) -> workbook.Workbook:
    if what == "slk":
        return workbook.sylk(data[:_OUT].decode("latin-1"))
    if what in ("xlsx", "xlsb"):
        return workbook.package(data)
    if what != "xls":
        return workbook.biff(data)
    return workbook.biff(_stream(data))


def _stream(data: bytes) -> bytes:
    """The workbook in an OLE storage."""
    import olefile

    with olefile.OleFileIO(io.BytesIO(data), raise_defects=olefile.DEFECT_FATAL) as storage:
        name = next((name for name in ("Workbook", "Book") if storage.exists(name)), None)
        return bytes(storage.openstream(name).read()) if name else b""


def _structure(found: workbook.Workbook) -> Iterator[Feature]:
    macros = found.macros
    yield Feature("macro.xlm", ", ".join(sheet.name for sheet in macros[:20]))
    for sheet in macros[:20]:
        if sheet.hidden:
            yield Feature("macro.xlm_hidden", f"{sheet.name} ({sheet.hidden})")
    if found.starts:
        yield Feature("macro.autoexec", ", ".join(found.starts[:10]))


def _links(found: workbook.Workbook) -> Iterator[Feature]:
    """A service with a dot is the class of an OLE link."""
    for service, topic in found.links[:100]:
        request = f"{service} {topic}"
        yield Feature("ooxml.external_part", request) if "." in service else asked(request, "dde.link")


def _evaluated(data: bytes, what: str, gaps: list[Gap]) -> tuple[list[str], list[str]]:
    """Formulas as they are, and as they are evaluated."""
    if what in ("xlsx", "xlsb"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(
                info.file_size
                for info in archive.infolist()
                if info.filename.lower().endswith((".xml", ".bin"))
            )
        if size > _UNPACKED:
            gaps.append(Gap("limit", f"formulas not evaluated: {size:,} bytes of parts"))
            return [], []
    with handed_over(data) as (path, keep):
        output, talk, whole = run([sys.executable, "-I", "-c", _PROCESS, path], keep, _OUT)
    if not output.strip() or not whole:
        lines = talk.strip().splitlines()
        gaps.append(Gap("ended", f"formulas not evaluated: {lines[-1][:200] if lines else 'out of time'}"))
        return [], []
    formulas, evaluated, error = json.loads(output)
    if error:
        gaps.append(Gap("error", f"formulas not evaluated: {error}"))
    return formulas, evaluated


def _formulas(formulas: list[str], evaluated: list[str]) -> Iterator[Feature]:
    """What formulas do, seen in either form."""
    for text in (*evaluated, *formulas):
        if match := _CALLS.search(text):
            yield Feature("macro.xlm_formula", match[0])
            break
    for text in (*evaluated, *formulas):
        if match := _RUNS.search(text):
            yield Feature("macro.runs", match[0])
            break
    builds = sum(len(_BUILDS.findall(text)) for text in formulas)
    if builds >= _MANY:
        yield Feature("macro.xlm_obfuscated", f"{builds} functions that build text or formulas")
    yield from (f for f in told("\n".join((*formulas, *evaluated))) if f.name != "macro.runs")
