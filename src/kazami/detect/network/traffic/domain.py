"""Names: the domain that somebody registered, and how random a label looks."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache

#: Second labels under which others register, in countries that do it so. A list of all (publicsuffix.org) changes weekly; these are its bulk.
_SHARED = frozenset(
    (
        "ac",
        "ad",
        "co",
        "com",
        "ed",
        "edu",
        "go",
        "gob",
        "gouv",
        "gov",
        "gr",
        "lg",
        "mil",
        "ne",
        "net",
        "nom",
        "or",
        "org",
    )
)

#: Services under whose domains many parties have names of their own: their third label is the registered one.
_HOSTED = frozenset(("amazonaws.com", "azurewebsites.net", "cloudfront.net", "cloudapp.net", "azureedge.net", "trafficmanager.net",
                     "akamaiedge.net", "akamai.net", "edgekey.net", "fastly.net", "herokuapp.com", "github.io", "blogspot.com",
                     "duckdns.org", "no-ip.org", "ddns.net", "hopto.org", "zapto.org", "dyndns.org"))  # fmt: skip

_ADDRESS = re.compile(r"[\d.]+(:\d+)?|\[?[0-9a-fA-F:]*:[0-9a-fA-F:.]+\]?(:\d+)?")
_VOWELS = frozenset("aeiouy")
#: Pairs of letters that hardly any word of European languages has.
_RARE = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}|q[^u]|[jqxz]{2}|[0-9][a-z][0-9]|[a-z][0-9][a-z]")


@lru_cache(1 << 16)
def registered(name: str) -> str:
    """The domain that somebody registered, in small letters; empty for addresses and single labels."""
    if _ADDRESS.fullmatch(name):
        return ""
    labels = name.lower().rstrip(".").split(".")
    if len(labels) < 2 or labels[-1] in ("arpa", "local", "lan", "localdomain", "internal", "home"):
        return ""
    count = 3 if len(labels[-1]) == 2 and labels[-2] in _SHARED else 2
    if ".".join(labels[-2:]) in _HOSTED:
        count = 3
    return ".".join(labels[-count:])


def below(name: str, domain: str) -> str:
    """What stands before the registered domain, without dots."""
    return name.lower().rstrip(".").removesuffix(domain).rstrip(".").replace(".", "")


def entropy(text: str) -> float:
    """Bits a character (Shannon, 1948); 0 for nothing."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())


def is_random(label: str) -> bool:
    """Whether a label looks like one that a program made: hex with letters and digits, or letters that make no word.

    After Yadav et al., "Detecting Algorithmically Generated Malicious Domain Names" (IMC 2010): made names have another
    distribution of characters than words. Short labels say nothing.
    """
    text = label.lower().replace("-", "")
    if len(text) < 8 or text.isdigit() or text.startswith("xn"):
        return False
    digits = sum(one.isdigit() for one in text)
    if re.fullmatch(r"[0-9a-f]+", text) and 2 <= digits <= len(text) - 2:
        return True
    vowels = sum(one in _VOWELS for one in text)
    odd = len(_RARE.findall(text))
    return (odd >= 2 and vowels <= 0.25 * len(text)) or (digits >= 3 and odd >= 3 and len(text) >= 10)


def vowels(label: str) -> float:
    """The share of vowels among the letters of a label; 1 where it has fewer than eight, which say nothing."""
    letters = [one for one in label.lower() if one.isalpha()]
    return sum(one in _VOWELS for one in letters) / len(letters) if len(letters) >= 8 else 1.0
