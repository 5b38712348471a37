"""What ``kazami rules check`` and ``profile`` say of YARA rules."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kazami import config
from kazami.cli.exit_code import DONE
from kazami.errors import UsageError

if TYPE_CHECKING:
    from kazami.detect.content.yara.compiled import RuleSet

#: Bytes that rules are measured with, together and of one file.
_MEASURED, _LARGEST = 64 << 20, 8 << 20

#: State, id, title, reason, path: a row of the table.
Row = tuple[str, str, str, str, str]


def rows(paths: Sequence[Path] | None, packs: list[str] | None) -> list[Row]:
    """A row for each rule of these files and folders, else of those that are used; then what makes one slow."""
    from kazami.detect.content.yara.collection import SUFFIXES
    from kazami.pipeline import yara_rules

    settings = config.load()
    if paths:
        named = [path for path in paths if path.is_dir() or path.suffix.lower() in SUFFIXES]
        told = {"yara.rules": tuple(map(str, named)), "yara.cache": (str(settings.cache),)}
        if not named:
            return []
    else:
        told = yara_rules.content(settings, (), packs)
    rules = yara_rules.loaded(told)
    if rules is None:
        sys.stderr.write("YARA rules need yara-x: pip install 'kazami[content]'\n")
        return []
    return [*_loaded(rules), *(("rejected", one.id, one.title, one.reason, one.path) for one in rules.rejected), *(("warning", one.id, one.title, one.reason, one.path) for one in rules.slow)]  # fmt: skip


def _loaded(rules: RuleSet) -> list[Row]:
    gone = {(one.path, one.title) for one in rules.rejected}
    return [
        ("loaded", f"yara:{name}", name, f"licence: {file.license}" if file.license else "", file.path)
        for file in rules.files.values()
        for name in file.rules
        if (file.path, name) not in gone
    ]


def profile(rules: Sequence[Path], evidence: Sequence[Path], top: int) -> int:
    """A table of rule files with what each costs over the files of `evidence`, the dearest first."""
    from kazami.cli.rows import table
    from kazami.detect.content.yara.collection import RuleFile, files
    from kazami.detect.content.yara.profile import profile as measure

    samples = list(_samples(evidence))
    size = sum(map(len, samples))
    if not size:
        raise UsageError("there is nothing to measure with in what was named")
    costs = measure([one for one in files(rules) if isinstance(one, RuleFile)], samples)
    table(
        ["ms per MB", "rules", "files matched", "warnings", "path"],
        [
            (
                round(1e9 * cost.seconds / size, 2),
                cost.rules,
                cost.matched,
                "; ".join(cost.slow),
                cost.file.path,
            )
            for cost in (costs[:top] if top else costs)
        ],
    )
    sys.stderr.write(f"{len(costs):,} rule files over {len(samples):,} files, {size / 1e6:.1f} MB\n")
    return DONE


def _samples(evidence: Sequence[Path]) -> Iterator[bytes]:
    """Contents of files, the first megabytes of all together."""
    from kazami.sources.walk import list_files

    left = _MEASURED
    for file in list_files(evidence, tenant="")[0]:
        with Path(file.path).open("rb") as stream:
            data = stream.read(min(left, _LARGEST))
        left -= len(data)
        if data:
            yield data
        if left <= 0:
            return
