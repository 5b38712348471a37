"""What command lines of programs that run text would run: PowerShell, cmd, mshta, rundll32, certutil."""

from __future__ import annotations

import base64
import binascii
import re

from kazami.detect.content.script.record import Meter, Record

_SHELL = re.compile(
    r"\"?(?:[\w:\\.%-]{0,200}[\\/])?(?:powershell|pwsh)(?:\.exe)?\"?\s+(.*)", re.IGNORECASE | re.DOTALL
)
_INLINE = re.compile(
    r"(?:mshta(?:\.exe)?\"?\s+\"?|rundll32(?:\.exe)?\"?\s+\"?)\s*(vbscript|javascript|about)\s*:(.*)",
    re.IGNORECASE | re.DOTALL,
)
_DECODE = re.compile(
    r"certutil(?:\.exe)?\"?\s+.*?[-/]decode(hex)?\s+(?:[-/]f\s+)?\"?([^\s\"]+)\"?\s+\"?([^\s\"]+)",
    re.IGNORECASE,
)
_ENCODED = re.compile(
    r"[-/\u2013\u2014]e(?:nc?|nco|ncod|ncode|ncoded|ncodedc\w*|c)?\s+\"?([A-Za-z0-9+/=]{8,})", re.IGNORECASE
)
_COMMAND = re.compile(r"[-/\u2013\u2014]c(?:o(?:m(?:m(?:a(?:nd?)?)?)?)?)?\s+(.*)", re.IGNORECASE | re.DOTALL)
_OPTION = re.compile(
    r"(?:[-/\u2013\u2014](?:nop\w*|noni\w*|nol\w*|sta|mta|noexit)\s+|[-/\u2013\u2014](?:w\w*|ex?\w*|exec\w*|ep|v\w*|inp\w*|outp\w*|if|of)\s+\S+\s+)+",
    re.IGNORECASE,
)


def extension(name: str) -> str:
    """What a file's name ends in, where that is an ending."""
    ending = name.rpartition(".")[2].lower()
    return ending if re.fullmatch(r"[a-z0-9]{1,5}", ending) else "txt"


def inner(
    text: str, record: Record, meter: Meter, files: dict[str, list[str]], itself: dict[str, str]
) -> None:
    """The text that a command line would run, where its program is one that runs text, as a layer. `files` were written before, `itself` is the batch file by its path."""
    if match := _INLINE.search(text):
        record.layer(match[2].strip(), "vbs" if match[1].lower() == "vbscript" else "js", match[1].lower())
    elif match := _DECODE.search(text):
        _decoded(match, record, files)
    elif match := _SHELL.match(text):
        _powershell(match[1], record)
        if any(path in text.lower() for path in itself):
            _reads(record, meter, itself)


def _reads(record: Record, meter: Meter, itself: dict[str, str]) -> None:
    """PowerShell that looks for its code in the batch file that started it: run with that file at hand."""
    from kazami.detect.content.script.powershell import machine

    layer = record.layers[-1] if record.layers else None
    if layer is not None and layer.extension == "ps1":
        found = machine.run(layer.data.decode("utf-8", "replace"), meter, itself)
        for one in found.layers:
            record.layer(one.data, one.extension, one.how)


def _decoded(match: re.Match[str], record: Record, files: dict[str, list[str]]) -> None:
    lines = files.get(match[2].lower(), [])
    body = "".join(line.strip() for line in lines if not line.startswith("-----"))
    try:
        data = bytes.fromhex(body) if match[1] else base64.b64decode(body + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        return
    record.layer(data, extension(match[3]), "certutil -decode")


def _powershell(arguments: str, record: Record) -> None:
    """What a command line tells PowerShell to run."""
    if match := _ENCODED.search(arguments):
        try:
            record.layer(
                base64.b64decode(match[1] + "=" * (-len(match[1]) % 4)).decode("utf-16-le", "replace"),
                "ps1",
                "EncodedCommand",
            )
        except (binascii.Error, ValueError):
            record.unresolved.append(match[0][:100])
        return
    found = _COMMAND.search(arguments)
    rest = found[1] if found else _OPTION.sub("", arguments)
    rest = rest.strip()
    if rest.startswith('"'):
        rest = rest[1:].removesuffix('"').replace('\\"', '"')
    if rest and not rest.startswith(("-", "/")):
        record.layer(rest, "ps1", "Command")
