"""A file that a script fetches and then starts, over the calls that a run of it recorded, in the order in which they came."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kazami.model.content import Feature

_LINE = 4000
#: Calls that fetch into a file; the group is the file, in the last one the end of the address that names it.
_FETCHES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:curl|wget)\b.{0,400}?\s--?(?:o|output|output-document)[ =]?\"?([^\s\"&|<>-][^\s\"&|<>]*)",
        r"\b(?:bitsadmin|certutil)\b.{0,200}?https?://\S+\s+\"?([^\s\"&|<>)]+)",
        r"download(?:file|filetaskasync)?\(\"?https?://[^\",]+\"?,\s*\"?([^\",)]+)",
        r"-(?:destination|outfile)\"?[,\s]+\"?([^\",)\]]+)",
        r"savetofile\(\"([^\"]+)\"",
        r"urldownloadtofile\w*\(.{0,300}?https?://[^\",]+\"?,\s*\"([^\"]+)\"",
        r"\bwget\b(?!.{0,400}\s-O)(?:.{0,200}?)https?://\S*/([\w.-]+)",
    )
)
_NAME = re.compile(r"[^\\/]+\Z")
_STARTS = re.compile(
    r"(?:run|shell|start-process|invoke-item|(?:[\w.]+\.)?(?:run|exec|shellexecute)|eval|&)\(?[\[\"'\s]*"
    r"(?:(?:start|nohup|sudo|sh|bash|dash|exec|cmd(?:\.exe)?|/c|/b|/min|-c|\"\"|rundll32(?:\.exe)?|wscript(?:\.exe)?|cscript(?:\.exe)?|powershell(?:\.exe)?|-file|-ep|bypass)\s+)*"
    r"\"?([^\s\",)]+)",
    re.IGNORECASE,
)


def fetched_and_started(calls: Sequence[str]) -> Iterator[Feature]:
    """The first file that is fetched and started later."""
    names: dict[str, str] = {}
    for call in calls:
        line = call[:_LINE]
        found = next((match for pattern in _FETCHES if (match := pattern.search(line))), None)
        if found is not None:
            if name := _NAME.search(found[1].strip()):
                names[name[0].lower()] = line
            continue
        started = _STARTS.match(line)
        name = _NAME.search(started[1]) if started else None
        if name is not None and name[0].lower() in names:
            yield Feature(
                "script.starts_fetched_file", f"{names[name[0].lower()]} {line}"[:300], "recorded call"
            )
            return
