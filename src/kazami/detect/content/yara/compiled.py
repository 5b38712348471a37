"""Rules compiled by YARA-X, and kept on disk by content: the library's own form under a header with its checksum.

What is kept is read only where it belongs to this user and nobody else can write it; whatever is wrong with it makes the rules
be compiled again and nothing more. The engine is named in this module and in the analyzer only, so that another could take its place.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from kazami.detect.content.yara import collection
from kazami.detect.content.yara.collection import RuleFile
from kazami.model.rule import Rejected

#: Variables that published rules use, beside those of YARA itself.
EXTERNALS = ("filename", "filepath", "extension", "filetype", "owner")

_MAGIC = b"kazami yara 1\n"
_LARGEST = 1 << 30  # bytes
_KEPT = 8  # compiled sets in the folder; the oldest go first
#: Warnings of the compiler that a rule costs more than others.
_SLOW = frozenset(("slow_pattern", "potentially_slow_loop"))


class _Told(msgspec.Struct, array_like=True):
    """What the compiler said of a set, kept beside it."""

    rejected: list[Rejected]
    slow: list[Rejected]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A compiled set. `rules` is None where there are none; `rejected` and `slow` name file, rule and reason."""

    rules: Any
    files: Mapping[str, RuleFile]  # by namespace
    version: str = ""
    rejected: tuple[Rejected, ...] = ()
    slow: tuple[Rejected, ...] = ()
    by_folder: bool = field(default=False)  # whether a rule asks where a file lies


Stamp = tuple[tuple[str, int, int], ...]

#: Rule files as they were when somebody last looked whether they have changed, by the paths that were given.
_stamps: dict[tuple[str, ...], Stamp] = {}


def load(paths: Sequence[Path], cache: Path | None = None, *, fresh: bool = False) -> RuleSet:
    """The rules of files and folders; `cache` is a folder to keep them in. Raises ImportError without YARA-X.

    With `fresh` it is looked whether the files have changed; else they are as they were then.
    """
    named = tuple(map(str, paths))
    if fresh or named not in _stamps:
        _stamps[named] = collection.stamp(paths)
    return _load(named, str(cache or ""), _stamps[named])


@lru_cache(4)
def _load(paths: tuple[str, ...], cache: str, stamp: Stamp) -> RuleSet:
    import yara_x  # noqa: F401 - so that it is missing before anything is read

    found = list(collection.files(map(Path, paths)))
    files = collection.names([one for one in found if isinstance(one, RuleFile)])
    unread = tuple(one for one in found if isinstance(one, Rejected))
    key = _key(files)
    rules, told = _read(Path(cache) / f"yara-{key}") if cache else (None, None)
    if rules is None or told is None:
        rules, told = _compiled(files)
        if cache:
            _keep(Path(cache) / f"yara-{key}", rules, told)
    by_folder = any("filepath" in one.text for one in files.values())
    return RuleSet(
        rules if files else None, files, key, (*unread, *told.rejected), tuple(told.slow), by_folder
    )


def _key(files: Mapping[str, RuleFile]) -> str:
    try:
        engine = version("yara-x")
    except PackageNotFoundError:
        engine = "?"
    digest = hashlib.sha256(repr((engine, EXTERNALS, Path(__file__).read_bytes())).encode())
    for name, one in files.items():
        digest.update(f"{name}\0{one.path}\0{one.license}\0{len(one.text)}\0{one.text}".encode())
    return digest.hexdigest()[:32]


def compiler() -> Any:
    """A compiler that leaves out what is broken, follows no include, and knows the customary variables."""
    import yara_x

    made = yara_x.Compiler()
    made.ignore_invalid_rules(True)
    made.enable_includes(False)
    for name in EXTERNALS:
        made.define_global(name, "")
    return made


def _compiled(files: Mapping[str, RuleFile]) -> tuple[Any, _Told]:
    """All rules that compile; a broken one costs the others nothing."""
    import yara_x

    making = compiler()
    rejected: list[Rejected] = []
    slow: list[Rejected] = []
    seen = [0, 0, 0]
    for namespace, one in files.items():
        making.new_namespace(namespace)
        with contextlib.suppress(yara_x.CompileError):  # it is among the errors
            making.add_source(one.text, namespace)
        ignored, errors, warnings = making.ignored_rules(), making.errors(), making.warnings()
        rejected += _ignored(one, ignored[seen[0] :])
        rejected += _broken(one, errors[seen[1] :], ignored[seen[0] :])
        slow += _expensive(one, warnings[seen[2] :])
        seen = [len(ignored), len(errors), len(warnings)]
    return making.build(), _Told(rejected, slow)


def _ignored(one: RuleFile, ignored: Sequence[Any]) -> list[Rejected]:
    return [
        Rejected(one.path, rule.message.removeprefix("error: "), f"yara:{rule.name}", rule.name)
        for rule in ignored
    ]


def _broken(one: RuleFile, errors: Sequence[Mapping[str, Any]], ignored: Sequence[Any]) -> Iterator[Rejected]:
    """What is wrong with a file itself; errors of rules that were left out are told with these."""
    told = {rule.message for rule in ignored}
    for error in errors:
        if not any(error["title"] in message for message in told):
            label = next((label["text"] for label in error["labels"]), "")
            name = one.rule_at(error["line"])
            yield Rejected(
                one.path,
                f"line {error['line']}: {error['title']}: {label}".rstrip(": "),
                f"yara:{name}" if name else "",
                name,
            )


def _expensive(one: RuleFile, warnings: Sequence[Mapping[str, Any]]) -> Iterator[Rejected]:
    for warning in warnings:
        if warning["code"] in _SLOW:
            name = one.rule_at(warning["line"])
            yield Rejected(one.path, f"line {warning['line']}: {warning['title']}", f"yara:{name}", name)


def _read(path: Path) -> tuple[Any, _Told | None]:
    """What was kept, where it can be trusted and read."""
    import yara_x

    try:
        status = path.stat()
        ours = not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)
        if not ours or not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            return None, None
        data = path.read_bytes()
        start = len(_MAGIC)
        if (
            not data.startswith(_MAGIC)
            or hashlib.sha256(data[start + 32 :]).digest() != data[start : start + 32]
        ):
            return None, None
        size = int.from_bytes(data[start + 32 : start + 40], "little")
        told = msgspec.msgpack.decode(data[start + 40 : start + 40 + size], type=_Told)
        return yara_x.Rules.deserialize_from(io.BytesIO(data[start + 40 + size :])), told
    except (OSError, ValueError, msgspec.MsgspecError):
        return None, None


def _keep(path: Path, rules: Any, told: _Told) -> None:
    """Keep a set; a cache is never worth a failure."""
    said, body = msgspec.msgpack.encode(told), io.BytesIO()
    rules.serialize_into(body)
    data = len(said).to_bytes(8, "little") + said + body.getvalue()
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")  # mode 0600
        with os.fdopen(handle, "wb") as out:
            out.write(_MAGIC + hashlib.sha256(data).digest() + data)
        Path(temporary).replace(path)
        kept = sorted(path.parent.glob("yara-*"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in kept[_KEPT:]:
            old.unlink(missing_ok=True)
