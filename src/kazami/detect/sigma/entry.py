"""What one document of a rule file came to: a form that the cache keeps as JSON.

Nothing here depends on where the file lies or on other files: paths, duplicates, filters and references between
rules are for `load`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from kazami.detect.sigma import information
from kazami.detect.sigma.compile import compile_rule
from kazami.detect.sigma.document import Document, read
from kazami.detect.sigma.expression import to_json
from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.filter import compile_filter
from kazami.detect.sigma.placeholder import Placeholders
from kazami.detect.sigma.stored import Entry
from kazami.detect.sigma.witness import words
from kazami.detect.sigma.yaml12 import bare
from kazami.errors import RuleError


def entries(data: bytes, placeholders: Placeholders) -> list[Entry]:
    """The entries of one file, in its order. Never raises for what a file contains."""
    return [entry(document, placeholders) for document in read(data)]


def compiled(content: dict[Any, Any], placeholders: Placeholders) -> Entry:
    """The entry of a document that is in memory already."""
    return entry(Document(1, content), placeholders)


def entry(document: Document, placeholders: Placeholders) -> Entry:
    """The entry of one document."""
    content = document.content
    try:
        if document.fault:
            raise Fault(document.fault)
        return _compiled(content, placeholders, document.inherited_id)
    except RuleError as error:
        reason = error.reason
    except Fault as fault:
        reason = str(fault)
    except Exception as error:  # noqa: BLE001 - one odd rule must not cost all others; it is named with what happened
        reason = f"cannot be compiled: {type(error).__name__}: {error}"
    id_, title = information.label(content)
    return Entry("rejected", None, _raw(None), [reason], id_, title)


def _compiled(content: dict[Any, Any], placeholders: Placeholders, inherited: bool) -> Entry:
    for kind, section, compiler in _KINDS:
        if section in content:
            return compiler(kind, content, placeholders, inherited)
    raise Fault("no Sigma rule: it has neither detection nor correlation nor filter")


def _rule(kind: str, content: dict[Any, Any], placeholders: Placeholders, inherited: bool) -> Entry:
    info, expression, warnings = compile_rule(content, "", placeholders)
    found = words(expression)
    told = None if found is None else tuple(sorted(found))
    return Entry(kind, info, _raw(to_json(expression)), warnings, inherited=inherited, words=told)


def _filter(kind: str, content: dict[Any, Any], placeholders: Placeholders, _: bool) -> Entry:
    made, warnings = compile_filter(content, "", placeholders)
    return Entry(kind, made.info, _raw([made.rules, to_json(made.keep)]), warnings)


def _correlation(kind: str, content: dict[Any, Any], _: Placeholders, __: bool) -> Entry:
    from kazami.detect.sigma import correlation  # not needed by most rule sets

    made = correlation.load(bare(content), "")
    return Entry(kind, made.info, _raw(correlation.to_json(made)), [])


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


_KINDS: tuple[tuple[str, str, Callable[[str, dict[Any, Any], Placeholders, bool], Entry]], ...] = (
    ("correlation", "correlation", _correlation),
    ("filter", "filter", _filter),
    ("rule", "detection", _rule),
)
