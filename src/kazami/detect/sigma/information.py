"""What a rule says about itself: from the YAML map to `RuleInfo`, and what is wrong with it.

Faults here never cost a rule its place: whatever cannot be used is left out, and said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.versions import digest
from kazami.detect.sigma.yaml12 import Written
from kazami.model.event import LogSource
from kazami.model.finding import LEVELS
from kazami.model.rule import RuleInfo

#: The namespace of ids that rules without an id get from their content.
_NAMESPACE = UUID("6f0c1ad3-6a2a-5b0e-9d55-3d6c1f6f7a10")


def canonical(content: Any) -> bytes:
    """The content of a document in one spelling: equal bytes where maps are equal."""
    spelled = _spelled(content)
    return json.dumps(spelled, sort_keys=True, separators=(",", ":"), default=str, ensure_ascii=True).encode()


def _spelled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _spelled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_spelled(each) for each in value]
    return ["number", value.text] if isinstance(value, Written) else value


def inform(content: Mapping[Any, Any], path: str, kind: str = "rule") -> tuple[RuleInfo, list[str]]:
    """The words of a rule, a correlation or a filter; and what a person should look at."""
    warnings: list[str] = []
    spelled = canonical(content)
    info = RuleInfo(
        id=_id(content, spelled, warnings),
        version=digest(spelled),
        title=_title(content, warnings),
        level=_level(content, warnings),
        kind=kind,
        status=_text(content, "status"),
        description=_text(content, "description"),
        author=_text(content, "author"),
        date=_text(content, "date"),
        tags=_texts(content, "tags", warnings),
        references=_texts(content, "references", warnings),
        falsepositives=_texts(content, "falsepositives", warnings),
        fields=_texts(content, "fields", warnings),
        license=_text(content, "license"),
        path=path,
        name=_text(content, "name"),
    )
    return info, warnings


def log_source(content: Mapping[Any, Any]) -> LogSource:
    """The log source that a rule addresses, in lower case. Raises `Fault` where it names none."""
    section = content.get("logsource")
    if not isinstance(section, Mapping):
        raise Fault(
            "no log source: it would be asked of every event" if section is None else "logsource: not a map"
        )
    found: dict[str, str | None] = {}
    for part in ("product", "category", "service"):
        value = section.get(part)
        if value is not None and not isinstance(value, str):
            raise Fault(f"logsource: {part} is not text")
        found[part] = value.strip().lower() if value else None
    if not any(found.values()):
        raise Fault("logsource: names no product, category or service")
    return LogSource(found["product"], found["category"], found["service"])


def label(content: Mapping[Any, Any]) -> tuple[str, str]:
    """Id and title as far as a document has them, for naming what is rejected."""
    return _text(content, "id"), _text(content, "title")


def _id(content: Mapping[Any, Any], spelled: bytes, warnings: list[str]) -> str:
    written = content.get("id")
    if isinstance(written, str) and written.strip():
        try:
            return str(UUID(written.strip()))
        except ValueError:
            warnings.append(f"its id '{written.strip()[:80]}' is not a UUID")
            return written.strip()
    derived = str(uuid5(_NAMESPACE, spelled.decode("ascii")))
    if "filter" not in content:  # nothing refers to a filter
        warnings.append(f"no id: {derived} was made of its content, and changes with it")
    return derived


def _title(content: Mapping[Any, Any], warnings: list[str]) -> str:
    title = _text(content, "title")
    if not title:
        warnings.append("no title")
    return title or "(no title)"


def _level(content: Mapping[Any, Any], warnings: list[str]) -> str:
    level = _text(content, "level").lower()
    if level and level not in LEVELS:
        warnings.append(f"unknown level '{level[:80]}', taken as informational")
    return level if level in LEVELS else LEVELS[0]


def _text(content: Mapping[Any, Any], key: str) -> str:
    value = content.get(key)
    if value is None or isinstance(value, (dict, list)):
        return ""
    return value.text if isinstance(value, Written) else str(value).strip()


def _texts(content: Mapping[Any, Any], key: str, warnings: list[str]) -> tuple[str, ...]:
    value = content.get(key)
    if value is None or value == "":
        return ()
    elements: Sequence[Any] = value if isinstance(value, list) else [value]
    if any(isinstance(element, (dict, list)) for element in elements):
        warnings.append(f"{key}: not a list of texts")
    return tuple(str(e).strip() for e in elements if not isinstance(e, (dict, list)) and e is not None)
