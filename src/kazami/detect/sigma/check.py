"""Linting rules, for ``kazami rules check``: what does not load, what may not do what it is for, what could be better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from kazami.detect.sigma import document, files
from kazami.detect.sigma.document import Document
from kazami.detect.sigma.entry import entry
from kazami.detect.sigma.expression import from_json
from kazami.detect.sigma.gather import Gathered
from kazami.detect.sigma.lint import Known, lint
from kazami.detect.sigma.placeholder import Placeholders
from kazami.detect.sigma.remark import SEVERITIES, Remark
from kazami.detect.sigma.stored import LARGEST_FILE, Entry
from kazami.detect.sigma.validators import Validators
from kazami.model.rule import Rejected


def check(
    paths: Sequence[Path], *, placeholders: Placeholders | None = None, known: Known | None = None
) -> list[Remark]:
    """All remarks on the rules that `paths` hold, weightiest first, then by file.

    `known` are the log sources that are known, with their fields; without it, no rule is told that it addresses
    something unknown. Raises `UsageError` where a path does not exist.
    """
    gathered = Gathered()
    validators = Validators()
    remarks: list[Remark] = []
    for path in files.find(paths):
        documents = _documents(path, gathered)
        made = [entry(each, placeholders or {}) for each in documents]
        gathered.add(path, made)
        for each, compiled in zip(documents, made, strict=True):
            remarks += _rule(each, compiled, validators, known)
    remarks += validators.finish()
    loaded = gathered.finish()
    remarks += [_remark("error", "rejected", gone) for gone in loaded.rejected]
    remarks += [_remark("warning", "loading", said) for said in loaded.warnings]
    return sorted(remarks, key=lambda remark: (SEVERITIES.index(remark.severity), remark.path, remark.code))


def _documents(path: str, gathered: Gathered) -> list[Document]:
    try:
        with Path(path).open("rb") as file:
            if file.seek(0, 2) > LARGEST_FILE:
                gathered.rejected.append(Rejected(path, f"cannot be read: more than {LARGEST_FILE} bytes"))
                return []
            file.seek(0)
            return document.read(file.read())
    except OSError as error:
        gathered.rejected.append(Rejected(path, f"cannot be read: {error.strerror}"))
        return []


def _rule(each: Document, compiled: Entry, validators: Validators, known: Known | None) -> Iterator[Remark]:
    """The remarks on a rule that compiles; `Gathered` speaks of all else."""
    info = compiled.info
    if compiled.kind != "rule" or info is None:
        return
    expression = from_json(msgspec.json.decode(compiled.body))
    for said in lint(each.content, expression, info.logsource, known):
        yield Remark(said.severity, said.code, said.text, info.path, info.id, info.title)
    yield from validators.check(each.content, info)


def _remark(severity: str, code: str, about: Rejected) -> Remark:
    return Remark(severity, code, about.reason, about.path, about.id, about.title)
