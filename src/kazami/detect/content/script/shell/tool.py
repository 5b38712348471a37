"""Programs of Linux that make text of other text, as far as scripts hide with them. Each takes its arguments and what comes in, and gives what goes out.

Text holds bytes as characters up to 255, as it comes from pipes.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable

import regex

from kazami.detect.content.script.record import TEXT
from kazami.detect.content.script.shell.word import UNKNOWN, unescaped

_CLASSES = {
    "[:lower:]": "a-z",
    "[:upper:]": "A-Z",
    "[:digit:]": "0-9",
    "[:alpha:]": "A-Za-z",
    "[:space:]": " \\t\\n",
    "[:punct:]": "!-/:-@",
}
_EDIT = re.compile(r"s(.)((?:\\.|(?!\1).)*)\1((?:\\.|(?!\1).)*)\1([gIi0-9]*)\Z", re.DOTALL)
_LINES = re.compile(r"(\d+|\$)(?:,(\d+|\$))?([pd])\Z")
_FORM = re.compile(r"%(-?)(0?)(\d*)(?:\.\d+)?([sdixXobcuq%])")
_MOST = 20000


def run(name: str, given: list[str], source: str) -> str | None:
    """What comes out; None for a program that is not here. Never raises for what is given."""
    way = _WAYS.get(name)
    if way is None:
        return None
    if UNKNOWN in source or any(UNKNOWN in one for one in given):
        return UNKNOWN
    try:
        return way(given, source)[:TEXT]
    except (ValueError, OSError, EOFError, LookupError, re.error, zlib.error, lzma.LZMAError, regex.error):
        return UNKNOWN


def octets(source: str) -> bytes:
    """Text as the bytes that it stands for."""
    try:
        return source.encode("latin-1")
    except UnicodeEncodeError:
        return source.encode("utf-8", "replace")


def _echo(given: list[str], source: str) -> str:
    end, escapes = "\n", False
    while given and re.fullmatch(r"-[neE]+", given[0]):
        end = "" if "n" in given[0] else end
        escapes = escapes or "e" in given[0]
        given = given[1:]
    said = " ".join(given)
    return (unescaped(said) if escapes else said) + end


def _printf(given: list[str], source: str) -> str:
    given = given[1:] if given[:1] == ["--"] else given
    form, rest, out = given[0], list(given[1:]), ""
    for _ in range(_MOST):
        used = 0

        def one(match: re.Match[str]) -> str:
            nonlocal used
            if match[4] == "%":
                return "%"
            used += 1
            return _formed(match, rest.pop(0) if rest else "")

        out += _FORM.sub(one, unescaped(form))
        if not rest or not used or len(out) > TEXT:
            break
    return out


def _formed(match: re.Match[str], value: str) -> str:
    kind, width = match[4], int(match[3] or 0)
    if kind in "sbqc":
        said = unescaped(value) if kind == "b" else value[:1] if kind == "c" else value
    else:
        number = (
            ord(value[1])
            if value[:1] in "'\"" and len(value) > 1
            else int(value or "0", 0 if value.startswith("0x") else 8 if value.startswith("0") else 10)
        )
        said = format(number, {"i": "d", "u": "d"}.get(kind, kind))
    width = min(width, 1000)
    return said.ljust(width) if match[1] else said.rjust(width, "0" if match[2] else " ")


def _base64(given: list[str], source: str) -> str:
    if not any(one in ("-d", "-D", "--decode") or re.fullmatch(r"-\w*d\w*", one) for one in given):
        return base64.b64encode(octets(source)).decode() + "\n"
    body = re.sub(r"[^A-Za-z0-9+/]", "", source)
    return base64.b64decode(body + "=" * (-len(body) % 4)).decode("latin-1")


def _base32(given: list[str], source: str) -> str:
    body = re.sub(r"\s", "", source)
    return base64.b32decode(body).decode("latin-1") if "-d" in given else UNKNOWN


def _openssl(given: list[str], source: str) -> str:
    if (
        "-d" in given
        and {"base64", "-base64", "-a"} & set(given)
        and not any(one.startswith(("-aes", "-k", "-pass")) for one in given)
    ):
        return _base64(["-d"], source)
    return UNKNOWN


def _xxd(given: list[str], source: str) -> str:
    if not any(one.startswith("-") and "r" in one for one in given):
        return octets(source).hex() + "\n" if "-p" in given else UNKNOWN
    return bytes.fromhex(re.sub(r"[^0-9a-fA-F]", "", source)).decode("latin-1")


def _rev(given: list[str], source: str) -> str:
    return "\n".join(line[::-1] for line in source.split("\n"))


def _set(text: str) -> str:
    for name, members in _CLASSES.items():
        text = text.replace(name, members)
    text = unescaped(text)
    return re.sub(
        r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), text, flags=re.DOTALL
    )


def _tr(given: list[str], source: str) -> str:
    flags = "".join(one for one in given if one.startswith("-") and len(one) > 1)
    sets = [_set(one) for one in given if not (one.startswith("-") and len(one) > 1)]
    if "d" in flags:
        drop = set(sets[0])
        return "".join(char for char in source if (char in drop) == ("c" in flags))
    if len(sets) < 2 or "s" in flags or "c" in flags:
        return source if "s" in flags else UNKNOWN
    new = sets[1] + sets[1][-1:] * (len(sets[0]) - len(sets[1]))
    return source.translate(dict(zip(map(ord, sets[0]), new, strict=False)))


def _unpacked(given: list[str], source: str) -> str:
    with gzip.GzipFile(fileobj=io.BytesIO(octets(source))) as stream:
        return stream.read(TEXT).decode("latin-1")


def _gzip(given: list[str], source: str) -> str:
    return _unpacked(given, source) if any(re.fullmatch(r"-\w*d\w*", one) for one in given) else UNKNOWN


def _bunzip(given: list[str], source: str) -> str:
    return bz2.BZ2Decompressor().decompress(octets(source), TEXT).decode("latin-1")


def _unxz(given: list[str], source: str) -> str:
    return lzma.LZMADecompressor(memlimit=64 << 20).decompress(octets(source), TEXT).decode("latin-1")


def _sed(given: list[str], source: str) -> str:
    programs = [one for one in given if one not in ("-e", "-E", "-r", "-n", "-ne", "-i")][:1]
    out = source
    for part in re.split(r"(?<!\\);(?=s|\d|\$|\Z)", programs[0]) if programs else []:
        if match := _EDIT.match(part.strip()):
            new = re.sub(r"\\(\d)", r"\\g<\1>", match[3]).replace("&", r"\g<0>")
            old = (
                match[2]
                if {"-E", "-r"} & set(given)
                else re.sub(
                    r"\\([(){}+?|])",
                    r"\1",
                    re.sub(r"(?<!\\)([(){}+?|])", r"\\\1", match[2]).replace("\\\\", "\\"),
                )
            )
            pattern = regex.compile(old, regex.IGNORECASE if "i" in match[4].lower() else 0)
            out = "\n".join(
                str(pattern.sub(new, line, count=0 if "g" in match[4] else 1, timeout=0.5))
                for line in out.split("\n")
            )
        elif match := _LINES.match(part.strip()):
            out = _chosen(out, match)
        else:
            return UNKNOWN
    return out


def _chosen(source: str, match: re.Match[str]) -> str:
    lines = source.splitlines(keepends=True)
    first, last = (len(lines) if one == "$" else int(one) for one in (match[1], match[2] or match[1]))
    if match[3] == "p":
        return "".join(lines[first - 1 : last])
    return "".join(lines[: first - 1] + lines[last:])


def _count(given: list[str]) -> str:
    for at, one in enumerate(given):
        if one in ("-n", "-c") and at + 1 < len(given):
            return given[at + 1]
        if match := re.fullmatch(r"-[nc]?([+-]?\d+)", one):
            return match[1]
    return "10"


def _part(given: list[str], source: str, end: bool) -> str:
    """``head`` and ``tail``."""
    count = _count(given)
    of = any(one.startswith("-c") for one in given)
    parts = [*source] if of else source.splitlines(keepends=True)
    number = int(count.lstrip("+-"))
    if end:
        return "".join(parts[number - 1 :] if count.startswith("+") else parts[-number:] if number else [])
    return "".join(parts[:-number] if count.startswith("-") and number else parts[:number])


def _cut(given: list[str], source: str) -> str:
    options: dict[str, str] = {}
    for at, one in enumerate(given):
        if one[:2] in ("-d", "-f", "-c", "-b"):
            options[one[1]] = one[2:] or (given[at + 1] if at + 1 < len(given) else "")
    chosen = [
        tuple(part.split("-") if "-" in part else (part, part))
        for part in options.get("f", options.get("c", options.get("b", ""))).split(",")
    ]
    mark = options.get("d", "\t")

    def line(said: str) -> str:
        parts = said.split(mark) if "f" in options else [*said]
        out = [
            one for first, last in chosen for one in parts[int(first or 1) - 1 : int(last) if last else None]
        ]
        return (mark if "f" in options else "").join(out)

    return "".join(line(one) + "\n" for one in source.splitlines())


def _seq(given: list[str], source: str) -> str:
    numbers = [int(one) for one in given]
    first, step, last = (
        (1, 1, numbers[0])
        if len(numbers) == 1
        else (numbers[0], 1, numbers[1])
        if len(numbers) == 2
        else numbers
    )
    return "".join(f"{n}\n" for n in range(first, last + (1 if step > 0 else -1), step)[:_MOST])


def _grep(given: list[str], source: str) -> str:
    flags = "".join(one for one in given if one.startswith("-"))
    plain = [one for one in given if not one.startswith("-")]
    pattern = regex.compile(plain[0])
    if "o" in flags:
        return "".join(f"{found[0]}\n" for found in pattern.finditer(source, timeout=0.5) if found[0])
    return "".join(
        f"{line}\n"
        for line in source.splitlines()
        if bool(pattern.search(line, timeout=0.5)) != ("v" in flags)
    )


_WAYS: dict[str, Callable[[list[str], str], str]] = {
    "echo": _echo, "printf": _printf, "base64": _base64, "base32": _base32, "openssl": _openssl, "xxd": _xxd, "rev": _rev, "tr": _tr, "gunzip": _unpacked, "zcat": _unpacked,
    "gzip": _gzip, "bunzip2": _bunzip, "bzcat": _bunzip, "unxz": _unxz, "xzcat": _unxz, "sed": _sed, "cut": _cut, "seq": _seq, "grep": _grep,
    "head": lambda given, source: _part(given, source, False), "tail": lambda given, source: _part(given, source, True),
    "tac": lambda given, source: "".join(source.splitlines(keepends=True)[::-1]), "fold": lambda given, source: source, "cat": lambda given, source: source, "tee": lambda given, source: source,
}  # fmt: skip
#: Programs that read the file they are given.
READ = frozenset(
    (
        "base64",
        "base32",
        "xxd",
        "rev",
        "gunzip",
        "zcat",
        "bunzip2",
        "xzcat",
        "sed",
        "cut",
        "grep",
        "head",
        "tail",
        "tac",
        "cat",
    )
)
