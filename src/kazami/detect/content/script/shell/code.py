"""What texts of Python and Perl decode that shell scripts hand over: constants only."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

_QUOTED = r"[\"']{1,3}([^\"'\s]{12,})[\"']{1,3}"
_CODED: tuple[tuple[re.Pattern[str], Callable[[str], bytes]], ...] = (
    (
        re.compile(r"(?:b64decode|decode_base64|base64_decode|decode64)\s*\(\s*b?" + _QUOTED),
        lambda text: base64.b64decode(text),
    ),
    (re.compile(r"(?:fromhex|unhexlify|hex2bin)\s*\(\s*b?" + _QUOTED), bytes.fromhex),
    (re.compile(r"pack\s*\(?\s*[\"']H\*[\"']\s*,\s*" + _QUOTED), bytes.fromhex),
)
_MOST = 50


def of_python(source: str) -> Iterator[tuple[bytes, str]]:
    """Decoded texts, with an extension: code of the same language where it imports or assigns, else of a shell."""
    for pattern, decode in _CODED:
        for match, _ in zip(pattern.finditer(source), range(_MOST), strict=False):
            try:
                data = decode(match[1])
            except (binascii.Error, ValueError):
                continue
            yield data, "py" if re.match(rb"\s*(?:import|from|exec)\b", data) else "sh"
