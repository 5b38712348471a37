"""Words, pieces and quotes for those who write scripts that hide something."""

from __future__ import annotations

import base64
from random import Random

from kazami.detect.content.script.encoded import _ESCAPED, _STEPS

_NAMES = "abcdefghijklmnopqrstuvwxyz"


def name(chance: Random) -> str:
    """A name that is no word of any language here."""
    return "z" + "".join(chance.choice(_NAMES) for _ in range(6))


def pieces(text: str, chance: Random, least: int = 1, most: int = 5) -> list[str]:
    """The text cut up."""
    out = []
    while text:
        size = chance.randint(least, most)
        out.append(text[:size])
        text = text[size:]
    return out


def single(text: str) -> str:
    """A text in PowerShell's single quotes."""
    return "'" + text.replace("'", "''") + "'"


def double(text: str) -> str:
    """A text in BASIC's quotes."""
    return '"' + text.replace('"', '""') + '"'


def cased(text: str, chance: Random) -> str:
    """In any case of letters."""
    return "".join(chance.choice((char.upper(), char.lower())) for char in text)


def encode(plain: bytes) -> bytes:
    """As Microsoft's Script Encoder does."""
    signs, out, place = {value: key for key, value in _ESCAPED.items()}, bytearray(), 0
    for code in plain:
        if bytes((code,)) in signs:
            out += signs[bytes((code,))]
            place += code < 128  # the sign of two characters is one
            continue
        step = _STEPS[place % 64]
        out.append(
            next(
                (
                    c
                    for c in range(128)
                    if step[c] == code
                    and bytes((c,)) not in (b"<", b">", b"@")
                    and (c > 31 or c == code or c == 9)
                ),
                code,
            )
            if code < 128
            else code
        )
        place += code < 128
    return (
        b"#@~^"
        + base64.b64encode(len(plain).to_bytes(4, "little"))
        + bytes(out)
        + base64.b64encode((sum(plain) & 0xFFFFFFFF).to_bytes(4, "little"))
        + b"^#~@\0"
    )


def js_quoted(text: str) -> str:
    """A text in JScript's quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
