"""Domains that look like others: what a person takes them for (Unicode UTS 39 skeletons), and how far they are from it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

#: Letters that are drawn like Latin ones (a part of confusables.txt), and what is written instead of them.
_DRAWN = str.maketrans(
    {
        pair[0]: pair[1]
        for pair in [
            "аa",
            "сc",
            "еe",
            "оo",
            "рp",
            "хx",
            "уy",
            "іi",
            "јj",
            "ѕs",
            "ԁd",
            "ԛq",
            "ԝw",
            "кk",
            "мm",
            "тt",
            "вb",
            "нh",
            "гr",
            "αa",
            "εe",
            "οo",
            "ρp",
            "νv",
            "ιi",
            "τt",
            "κk",
            "χx",
            "υu",
            "ѵv",
            "ӏl",
            "ɩi",
            "ıi",
            "łl",
            "øo",
            "ŋn",
            "0o",
            "1l",
            "3e",
            "5s",
            "|l",
        ]
    }
)
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("nn", "m"))
_DOMAIN = re.compile(r"[\w.-]+\.[\w-]{2,}")
_SHORT = 5  # letters of a name that one changed letter does not make alike


@lru_cache(maxsize=50_000)
def registrable(domain: str) -> str:
    """What somebody registered: ``example.co.jp`` of ``mail.example.co.jp``; by the public suffix list, offline."""
    found = _extractor()(domain.strip(".").lower())
    return f"{found.domain}.{found.suffix}" if found.domain and found.suffix else domain.lower()


@cache
def _extractor() -> Any:
    """The list that comes with the package: nothing is fetched, nothing is written."""
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None)


def of(address: str) -> str:
    """The domain of an address, as it is read: punycode decoded; "" where there is none."""
    domain = address.rpartition("@")[2].strip(" >.").lower()
    return readable(domain) if _DOMAIN.fullmatch(domain) else ""


def readable(domain: str) -> str:
    """A domain as a person sees it."""
    labels = []
    for label in domain.split("."):
        try:
            labels.append(label.encode("ascii").decode("idna") if label.startswith("xn--") else label)
        except UnicodeError:
            labels.append(label)
    return ".".join(labels)


def skeleton(text: str) -> str:
    """What `text` looks like: equal for names that a hurried reader takes for the same."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c)).translate(_DRAWN)
    for pair, letter in _PAIRS:
        plain = plain.replace(pair, letter)
    return plain


def alike(domain: str, protected: Iterable[str]) -> tuple[str, str]:
    """The protected domain that `domain` is taken for, and why; ("", "") where it is none or one of them itself."""
    name = registrable(domain)
    known = {registrable(other) for other in protected}
    if name in known:
        return "", ""
    stem, mine = _stem(name), skeleton(name)
    for other in sorted(known):
        if mine == skeleton(other):
            return other, "looks the same"
        if name.replace("-", ".") == other:
            return other, "has a hyphen for a dot"
        its = _stem(other)
        if len(its) > _SHORT and near(stem, its):
            return other, "differs by one letter"
        if len(its) > _SHORT and re.search(rf"(?:^|[-.]){re.escape(its)}(?:[-.]|$)", stem) and stem != its:
            return other, "has its name in it"
        if domain.startswith(f"{other}.") or f".{other}." in domain:
            return other, "begins with it"
    return "", ""


def _stem(name: str) -> str:
    return name.partition(".")[0]


def near(first: str, second: str) -> bool:
    """Whether one insertion, deletion, change or swap of neighbors makes one of the other (optimal string alignment)."""
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    at = next(
        (n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
        min(len(first), len(second)),
    )
    a, b = first[at:], second[at:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and len(a) > 1 and a[2:] == b[2:])
