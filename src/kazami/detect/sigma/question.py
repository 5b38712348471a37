"""The questions of a compiled rule in words, in English and Japanese."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kazami.detect.sigma.expression import ANY, DASH, ONE, Predicate

_LONGEST = 200  # characters of a value or pattern in a sentence

#: {f} field, {v} what it is compared with, {o} another field, {n} a number.
_EN: Mapping[str, str] = {
    "any": "any field",
    "empty": "{f} is empty",
    "anything": "{f} has a value",
    "is": "{f} is {v}",
    "startswith": "{f} begins with {v}",
    "endswith": "{f} ends with {v}",
    "contains": "{f} contains {v}",
    "shape": "{f} has the form {v}",
    "re": "{f} matches the regular expression {v}",
    "cidr": "{f} is an address in {v}",
    "number": "{f} is the number {v}",
    "gt": "{f} is greater than {v}",
    "gte": "{f} is {v} or greater",
    "lt": "{f} is less than {v}",
    "lte": "{f} is {v} or less",
    "null": "{f} is missing or null",
    "exists": "{f} is there",
    "missing": "{f} is not there",
    "ref_eq": "{f} is the same as {v}",
    "ref_startswith": "{f} begins with the value of {v}",
    "ref_endswith": "{f} ends with the value of {v}",
    "ref_contains": "{f} contains the value of {v}",
    "time_eq": "the {p} of {f} is {v}",
    "time_neq": "the {p} of {f} is not {v}",
    "time_gt": "the {p} of {f} is after {v}",
    "time_gte": "the {p} of {f} is {v} or later",
    "time_lt": "the {p} of {f} is before {v}",
    "time_lte": "the {p} of {f} is {v} or earlier",
    "minute": "minute",
    "hour": "hour (UTC)",
    "day": "day of the month",
    "week": "week (ISO 8601)",
    "month": "month",
    "year": "year",
    "cased": "{q}, upper and lower case told apart",
    "dash": " ({d} is any dash or slash)",
    "and": "all of",
    "or": "any of",
    "not": "not",
    "named": "{v}",
    "const": "always",
    "true": "true",
    "false": "false",
    "seen_missing": "missing",
    "seen_null": "null",
    "seen_nothing": "no value",
    "seen": "seen: {v}",
    "timeout": "given up: the regular expression took too long",
    "more": "... and {n} more, each {v}",
    "holds": "The rule is true of this event.",
    "fails": "The rule is not true of this event.",
    "legend": "> marks what decides: any change of the result has to come from there.",
}
_JA: Mapping[str, str] = {
    "any": "いずれかのフィールド",
    "empty": "{f} が空である",
    "anything": "{f} に値がある",
    "is": "{f} が {v} である",
    "startswith": "{f} が {v} で始まる",
    "endswith": "{f} が {v} で終わる",
    "contains": "{f} が {v} を含む",
    "shape": "{f} が {v} の形である",
    "re": "{f} が正規表現 {v} に一致する",
    "cidr": "{f} が {v} 内のアドレスである",
    "number": "{f} が数値 {v} である",
    "gt": "{f} が {v} より大きい",
    "gte": "{f} が {v} 以上である",
    "lt": "{f} が {v} より小さい",
    "lte": "{f} が {v} 以下である",
    "null": "{f} がない、または null である",
    "exists": "{f} がある",
    "missing": "{f} がない",
    "ref_eq": "{f} が {v} と同じである",
    "ref_startswith": "{f} が {v} の値で始まる",
    "ref_endswith": "{f} が {v} の値で終わる",
    "ref_contains": "{f} が {v} の値を含む",
    "time_eq": "{f} の{p}が {v} である",
    "time_neq": "{f} の{p}が {v} でない",
    "time_gt": "{f} の{p}が {v} より後である",
    "time_gte": "{f} の{p}が {v} 以降である",
    "time_lt": "{f} の{p}が {v} より前である",
    "time_lte": "{f} の{p}が {v} 以前である",
    "minute": "分",
    "hour": "時 (UTC)",
    "day": "日",
    "week": "週 (ISO 8601)",
    "month": "月",
    "year": "年",
    "cased": "{q} (大文字と小文字を区別)",
    "dash": " ({d} は任意のダッシュまたはスラッシュ)",
    "and": "すべて",
    "or": "いずれか",
    "not": "否定",
    "named": "{v}",
    "const": "常に",
    "true": "真",
    "false": "偽",
    "seen_missing": "なし",
    "seen_null": "null",
    "seen_nothing": "値なし",
    "seen": "実際の値: {v}",
    "timeout": "打ち切り: 正規表現に時間がかかりすぎました",
    "more": "... ほか {n} 件、いずれも{v}",
    "holds": "このイベントはルールに一致します。",
    "fails": "このイベントはルールに一致しません。",
    "legend": "> は結果を決めた箇所です。結果を変えるには、ここが変わる必要があります。",
}
WORDS: Mapping[str, Mapping[str, str]] = {"en": _EN, "ja": _JA}

_TOKENS = {ANY: "*", ONE: "?", DASH: "[-/]"}


def short(text: str) -> str:
    """A text in quotes, cut where it is long."""
    return f"'{text[:_LONGEST]}…'" if len(text) > _LONGEST else f"'{text}'"


def question(predicate: Predicate, lang: str = "en") -> str:
    """What a predicate asks, as a sentence without a full stop."""
    words = WORDS[lang]
    field = words["any"] if predicate.field is None else predicate.field
    key, value, part = _ASKED.get(predicate.op, _plain)(predicate)
    asked = words[key].format(f=field, v=value, p=words.get(part, ""))
    if DASH_SIGN in value and predicate.op == "match" and DASH in predicate.arg:
        asked += words["dash"].format(d=DASH_SIGN)
    return words["cased"].format(q=asked) if predicate.cased else asked


DASH_SIGN = _TOKENS[DASH]

_Asked = tuple[str, str, str]


def _plain(predicate: Predicate) -> _Asked:
    return predicate.op, str(predicate.arg), ""


def _match(predicate: Predicate) -> _Asked:
    parts: tuple[Any, ...] = predicate.arg
    if not parts:
        return "empty", "", ""
    if parts == (ANY,):
        return "anything", "", ""
    before, after = (
        parts[0] == ANY and isinstance(parts[0], int),
        parts[-1] == ANY and isinstance(parts[-1], int),
    )
    inner = parts[1 if before else 0 : len(parts) - 1 if after else len(parts)]
    if any(isinstance(part, int) and part != DASH for part in inner):
        return "shape", short(_spelled(parts)), ""
    key = {
        (False, False): "is",
        (False, True): "startswith",
        (True, False): "endswith",
        (True, True): "contains",
    }
    return key[before, after], short(_spelled(inner)), ""


def _spelled(parts: tuple[Any, ...]) -> str:
    return "".join(part if isinstance(part, str) else _TOKENS[part] for part in parts)


def _re(predicate: Predicate) -> _Asked:
    pattern, flags = predicate.arg
    return "re", short(pattern) + (f" ({flags})" if flags else ""), ""


def _exists(predicate: Predicate) -> _Asked:
    return "exists" if predicate.arg else "missing", "", ""


def _ref(predicate: Predicate) -> _Asked:
    other, how = predicate.arg
    return f"ref_{how}", other, ""


def _time(predicate: Predicate) -> _Asked:
    part, comparison, number = predicate.arg
    return f"time_{comparison}", str(number), part


_ASKED: Mapping[str, Callable[[Predicate], _Asked]] = {
    "match": _match,
    "re": _re,
    "exists": _exists,
    "ref": _ref,
    "time": _time,
}
