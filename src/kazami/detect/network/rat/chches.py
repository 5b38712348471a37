"""ChChes: what it says stands encrypted in cookies, under a key made of each cookie's own name.

After JPCERT/CC (January 2017): the RC4 key is characters 8 to 23 of the MD5 of the name in hexadecimal, and what is encrypted begins with the
name. So a cookie proves itself: by chance one in 256 to the length of its name does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from urllib.parse import unquote_to_bytes

from kazami.detect.network.rat.proof import Conversation, Proof, header_lines, http_body, rc4

#: Cookies of one request that are looked at, and characters of one.
MAX_COOKIES, MAX_VALUE = 50, 4096


def recognize(conversation: Conversation) -> Proof | None:
    """By cookies that decrypt to their own name."""
    data = conversation.client
    found = http_body(data)
    if found is None:
        return None
    cookies = [value for name, value in header_lines(found[0]) if name.lower() == "cookie"]
    read = {name: text for name, value in _pairs(cookies) if (text := decrypted(name, value)) is not None}
    if not read or (len(read) == 1 and len(next(iter(read))) < 4):
        return None
    offset = data.find(next(iter(read)).encode("latin-1") + b"=")
    told = {name: text.decode("latin-1") for name, text in read.items()}
    told["message"] = b"".join(read.values()).decode("latin-1")[:1000]
    return Proof("ChChes", "HTTP cookies", "high", "client", offset, told)


def _pairs(cookies: list[str]) -> list[tuple[str, str]]:
    pairs = [part.strip().partition("=") for cookie in cookies for part in cookie.split(";")][:MAX_COOKIES]
    return [(name, value) for name, _, value in pairs if len(name) >= 2 and value]


def decrypted(name: str, value: str) -> bytes | None:
    """What a cookie says behind its name; None where it does not decrypt to the name."""
    key = hashlib.md5(name.encode("latin-1", "replace"), usedforsecurity=False).hexdigest()[8:24].encode()
    try:
        cipher = base64.b64decode(unquote_to_bytes(value[:MAX_VALUE]), validate=True)
    except (binascii.Error, ValueError):
        return None
    plain = rc4(key, cipher)
    mark = name.encode("latin-1", "replace")
    return plain[len(mark) :] if plain.startswith(mark) else None
