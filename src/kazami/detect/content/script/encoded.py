"""Scripts under Microsoft's Script Encoder (``.vbe``, ``.jse``, ``VBScript.Encode``): ``#@~^``, six of length, the text, a sum, ``==^#~@``.

Each character is replaced by one of three alphabets, chosen by its place modulo 64. The encoding keeps nobody out; the alphabets were
published in 2001 ("Mr Brownstone", scrdec).
"""

from __future__ import annotations

import re

from kazami.detect.content.identify import extension, kind
from kazami.detect.content.script import MEANINGS
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

__all__ = ["MEANINGS", "analyze", "confidence", "decoded"]

_START = b"#@~^"
_BLOCK = re.compile(rb"#@~\^[A-Za-z0-9+/]{6}==(.*?)(?:[A-Za-z0-9+/]{6}==\^#~@|\Z)", re.DOTALL)
_LOOKED, _BLOCKS = 8 << 20, 100
_ESCAPED = {b"@&": b"\n", b"@#": b"\r", b"@*": b">", b"@!": b"<", b"@$": b"@"}
_SIGN = re.compile(b"|".join(map(re.escape, _ESCAPED)))
_ENDINGS = {"vbe": "vbs", "vbs": "vbs", "jse": "js", "js": "js"}

#: Which of the three alphabets, by place modulo 64.
_ORDER = "0120121221210212021200122102122100212120200120210212001220012021"
#: What an encoded character stands for in each alphabet, from 32 on; those of ``<>@`` never stand alone.
_TABLE = [
    "2E2D32",
    "477530",
    "7A5221",
    "566029",
    "42715B",
    "6A5E38",
    "2F4933",
    "265C3D",
    "496258",
    "417D3A",
    "342935",
    "323665",
    "5B2039",
    "767C5C",
    "727A56",
    "437F73",
    "386B66",
    "39634E",
    "703345",
    "452B6B",
    "686862",
    "715159",
    "4F6678",
    "09765E",
    "62317D",
    "44644A",
    "23546D",
    "754371",
    "4A4C41",
    "7E3A60",
    "4A4C41",
    "5E7E53",
    "404C40",
    "774542",
    "4A2C27",
    "612A48",
    "5D7472",
    "222775",
    "4B3731",
    "6F4437",
    "4E794D",
    "3B5952",
    "4C2F22",
    "506F54",
    "67266A",
    "2A7247",
    "7D6A64",
    "74392D",
    "547B20",
    "2B3F7F",
    "2D382E",
    "2C774C",
    "30675D",
    "6E537E",
    "6B476C",
    "66346F",
    "357879",
    "255D74",
    "213043",
    "642326",
    "4D5A76",
    "525B25",
    "636C24",
    "3F482B",
    "7B5528",
    "787023",
    "296941",
    "282E34",
    "734C09",
    "59212A",
    "332444",
    "7F4E3F",
    "6D5077",
    "55093B",
    "535655",
    "7C7369",
    "3A3561",
    "5F6163",
    "654B50",
    "465867",
    "583B51",
    "315749",
    "69224F",
    "6C6D46",
    "5A4D68",
    "48257C",
    "272836",
    "5C4670",
    "3D4A6E",
    "24327A",
    "79412F",
    "373D5F",
    "605F4B",
    "514F5A",
    "20422C",
    "366557",
]


def _alphabets() -> list[bytes]:
    """A table of 256 for each alphabet."""
    out = [bytearray(range(256)) for _ in range(3)]
    for code, row in [(9, "576E7B"), *enumerate(_TABLE, 32)]:
        for which in range(3):
            if code not in b"<>@":
                out[which][code] = int(row[2 * which : 2 * which + 2], 16)
    return [bytes(one) for one in out]


_ALPHABETS = _alphabets()
_STEPS = [_ALPHABETS[int(which)] for which in _ORDER]


def confidence(head: bytes, name: str) -> float:
    """Has the mark of an encoded script, at the start or behind a plain beginning."""
    return 1.0 if _START in head else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """The plain text, as a script of its own."""
    out: list[bytes] = []
    gaps = [] if len(data) <= _LOOKED else [Gap("limit", f"only the first {_LOOKED:,} bytes looked at")]
    for match in _BLOCK.finditer(data[:_LOOKED]):
        out.append(decoded(match[1]))
        if len(out) >= _BLOCKS:
            gaps.append(Gap("limit", f"only {_BLOCKS} encoded pieces looked at"))
            break
    if not out:
        return Analysis(gaps=(*gaps, Gap("error", "marked as an encoded script, and none can be read")))
    plain = b"\n".join(out)
    ending = _ENDINGS.get(extension(scope.name)) or ("js" if kind(plain) == "jscript" else "vbs")
    feature = Feature("script.encoded", plain[:200].decode("cp1252", "replace"), offset=data.find(_START))
    return Analysis((feature,), (Child(f"decoded.{ending}", plain, relation="decoded"),), tuple(gaps))


def decoded(text: bytes) -> bytes:
    """An encoded text in plain."""
    text = _SIGN.sub(lambda match: _ESCAPED[match[0]], text)
    out, place = bytearray(), -1
    for code in text:
        place += code < 128
        out.append(_STEPS[place % 64][code] if code < 128 else code)
    return bytes(out)
