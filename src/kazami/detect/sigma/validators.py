"""pySigma's own checks, those of them that need no network and are not about file names.

The checks of ATT&CK and D3FEND tags fetch their lists from the web, so they are never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from sigma.exceptions import (
    SigmaAuthorError,
    SigmaDateError,
    SigmaDescriptionError,
    SigmaError,
    SigmaFalsePositivesError,
    SigmaFieldsError,
    SigmaLicenseError,
    SigmaModifiedError,
    SigmaNameError,
    SigmaReferencesError,
    SigmaRelatedError,
    SigmaRuleLocation,
    SigmaScopeError,
    SigmaStatusError,
    SigmaTagError,
    SigmaTitleError,
)
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import PythonRegexEngine
from sigma.rule import SigmaDetectionItem, SigmaLogSource, SigmaRule
from sigma.validation import SigmaValidator
from sigma.validators.base import SigmaRuleValidator, SigmaValidationIssue, SigmaValidationIssueSeverity
from sigma.validators.core import condition, logsources, metadata, modifiers, tags, values

from kazami.detect.sigma.remark import Remark
from kazami.detect.sigma.yaml12 import as_text
from kazami.model.event import LogSource
from kazami.model.rule import RuleInfo

_CHECKS: tuple[type[SigmaRuleValidator], ...] = (
    condition.AllOfThemConditionValidator,
    condition.DanglingDetectionValidator,
    condition.ThemConditionWithSingleDetectionValidator,
    logsources.FieldnameLogsourceValidator,
    logsources.SpecificInsteadOfGenericLogsourceValidator,
    metadata.CustomAttributesValidator,
    metadata.DuplicateReferencesValidator,
    metadata.DuplicateTitleValidator,
    modifiers.InvalidModifierCombinationsValidator,
    tags.CARTagValidator,
    tags.CVETagValidator,
    tags.DetectionTagValidator,
    tags.DuplicateTagValidator,
    tags.NamespaceTagValidator,
    tags.STPTagValidator,
    tags.TLPTagValidator,
    tags.TagFormatValidator,
    values.ControlCharacterValidator,
    values.DoubleWildcardValidator,
    values.EscapedWildcardValidator,
    values.NumberAsStringValidator,
    values.WildcardsInsteadOfModifiersValidator,
)

#: Errors about the words of a rule. What pySigma says about its detection is not ours, see decision 0010.
_WORDS = (
    SigmaAuthorError,
    SigmaDateError,
    SigmaDescriptionError,
    SigmaFalsePositivesError,
    SigmaFieldsError,
    SigmaLicenseError,
    SigmaModifiedError,
    SigmaNameError,
    SigmaReferencesError,
    SigmaRelatedError,
    SigmaScopeError,
    SigmaStatusError,
    SigmaTagError,
    SigmaTitleError,
)

_SEVERITY = {
    SigmaValidationIssueSeverity.LOW: "note",
    SigmaValidationIssueSeverity.MEDIUM: "warning",
    SigmaValidationIssueSeverity.HIGH: "warning",
}
_POLICY = SigmaPolicy(regex_engine=PythonRegexEngine())  # RE2 here would write to stderr what it cannot do


class Validators:
    """Takes rules one by one; some checks speak only when all have been seen."""

    def __init__(self) -> None:
        self._validator = SigmaValidator(_CHECKS)
        self._infos: dict[int, RuleInfo] = {}
        self._rules: list[SigmaRule] = []  # keeps what `_infos` names by identity

    def check(self, content: Mapping[Any, Any], info: RuleInfo) -> Iterator[Remark]:
        """The remarks on a rule that loads."""
        try:
            location = SigmaRuleLocation(Path(info.path))
            rule = SigmaRule.from_dict(
                as_text(dict(content)), collect_errors=True, source=location, policy=_POLICY
            )
        except Exception as error:  # noqa: BLE001 - pySigma lets through whatever an odd document makes Python raise
            yield _unreadable(info, f"{type(error).__name__}: {error}")
            return
        refused = [error for error in rule.errors if not _about_words(error)]
        for each in rule.errors:
            if _about_words(each):
                code = "tag" if _is_tag(each) else _code(each, "Error")
                yield Remark("warning", code, _said(each), info.path, info.id, info.title)
        if refused:
            yield _unreadable(info, _said(refused[0]))
            return
        self._infos[id(rule)] = info
        self._rules.append(rule)
        yield from self._issues(rule, info)

    def _issues(self, rule: SigmaRule, info: RuleInfo) -> Iterator[Remark]:
        try:
            for issue in self._validator.validate_rule(rule):
                yield _remark(issue, info)
        except SigmaError as error:
            yield _unreadable(info, _said(error))

    def finish(self) -> Iterator[Remark]:
        """The remarks on several rules together."""
        for issue in self._validator.finalize():
            for rule in issue.rules:
                yield _remark(issue, self._infos[id(rule)])


def _about_words(error: SigmaError) -> bool:
    """pySigma has one class for a wrong date of modification and for too many dashes, none for a wrong tag."""
    return _is_tag(error) or (isinstance(error, _WORDS) and "windash" not in str(error))


def _is_tag(error: SigmaError) -> bool:
    return _said(error).startswith("Sigma tag")


def _unreadable(info: RuleInfo, reason: str) -> Remark:
    text = f"tools built on pySigma refuse it: {reason}"
    return Remark("note", "portability", text, info.path, info.id, info.title)


def _said(error: SigmaError) -> str:
    """The message without the place, which the remark has."""
    return str(error.args[0] if error.args else error)[:300]


def _remark(issue: SigmaValidationIssue, info: RuleInfo) -> Remark:
    details = ", ".join(_details(issue))
    text = f"{issue.description}: {details}" if details else issue.description
    return Remark(_SEVERITY[issue.severity], _code(issue, "Issue"), text, info.path, info.id, info.title)


def _details(issue: SigmaValidationIssue) -> Iterator[str]:
    for each in fields(issue):
        value = getattr(issue, each.name)
        if each.name == "rules" or value is None:
            continue
        if isinstance(value, SigmaDetectionItem):
            yield value.field or "keyword"
        elif isinstance(value, SigmaLogSource):
            yield f"{each.name} {LogSource(value.product, value.category, value.service)}"
        else:
            yield str(value)[:200]


def _code(said: object, suffix: str) -> str:
    """``DuplicateTitleIssue`` as ``duplicate_title``."""
    name = type(said).__name__.removeprefix("Sigma").removesuffix(suffix)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
