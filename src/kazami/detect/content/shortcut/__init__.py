"""Windows shortcuts (MS-SHLLINK) and Internet shortcuts: what they start, and what they do to hide it.

Lure features after what was reported of Cloud Hopper's mails: commands behind padding, a document's icon, the build machine's name.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Child, Feature, Scope

MEANINGS = meanings(__file__)
NEEDS = {"LnkParse3": "what shortcuts start"}

_MAGIC = b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F"
_SHOWN = 260  # characters of arguments that the property window shows
_PADDING = re.compile(r"[\s\u3000\u00a0]{20,}")
_STARTS = re.compile(
    r"\b(?:cmd|powershell|pwsh|mshta|rundll32|regsvr32|wscript|cscript|certutil|msiexec|bitsadmin|forfiles|conhost|wmic|explorer|ssh|curl|ftp|pcalua|hh)(?:\.exe)?\b|%comspec%",
    re.IGNORECASE,
)
_INTERPRETERS = re.compile(
    r"\b(?:powershell|pwsh|mshta|wscript|cscript|regsvr32|bitsadmin|certutil|forfiles)\b", re.IGNORECASE
)
_DOCUMENT_ICON = re.compile(
    r"(?:winword|excel|powerpnt|acrord32|acrobat|wordpad|notepad|onenote|msedge|chrome|\.(?:docx?|xlsx?|pdf|txt|rtf|jpe?g|png))\b|(?:shell32|imageres)\.dll",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?|ftp|file)://[^\s'\"<>]+|\\\\[\w.-]+(?:@(?:ssl|\d+))?\\[^\s'\"]+", re.IGNORECASE)
#: A share or WebDAV server that is named by its address or port, as no house names its own.
_FOREIGN = re.compile(
    r"\\\\(?:[\w.-]+@(?:ssl|\d+)\b|(?:\d{1,3}\.){3}\d{1,3}\\|[\w.-]+\\davwwwroot\b)[^\s'\"]*", re.IGNORECASE
)
_LIBRARY = re.compile(
    r"\brundll32(?:\.exe)?[\"']?\s+[\"']?([^\s,\"']+\.(\w{1,10}))[\"']?(?=[\s,])", re.IGNORECASE
)
_LIBRARIES = frozenset(("dll", "cpl", "ocx", "exe", "ax", "drv", "acm"))
_HIDES = re.compile(
    r"\bconhost(?:\.exe)?[\"']?\s+--headless\b|\s-w(?:in(?:dowstyle)?)?\s+h(?:id)?", re.IGNORECASE
)
#: Names of machines on which shortcuts of the campaign were made (JPCERT/CC, APT10_ChChes_lnk).
_BUILDERS = frozenset(("john-pc", "win-hg68mmgacjc", "t-user-nb"))


def confidence(head: bytes, name: str) -> float:
    """Begins with the shell link's class identifier, or with the section of an Internet shortcut."""
    return 1.0 if head.startswith(_MAGIC) or b"[internetshortcut" in head[:400].lower() else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What is started, with which arguments, under which icon; what is appended becomes a child."""
    if not data.startswith(_MAGIC):
        return Analysis(tuple(_internet(data.decode("utf-8", "replace"))))
    import LnkParse3

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is odd about a field is said there; what fails is raised
        link = LnkParse3.lnk_file(io.BytesIO(data)).get_json()
    features = list(_features(link))
    rest = _appended(data, link)
    children = []
    if len(rest) > 64:
        features.append(Feature("lnk.appended", f"{len(rest):,} bytes", offset=len(data) - len(rest)))
        children.append(Child("appended", rest, relation="object"))
    command = _command(link)
    if command:
        children.append(Child("command.cmd", command.encode("utf-8"), "StringData", "decoded"))
    return Analysis(tuple(features), tuple(children))


def _command(link: dict[str, Any]) -> str:
    strings = link.get("data") or {}
    return " ".join(filter(None, (_target(link), str(strings.get("command_line_arguments") or "").strip())))


def _target(link: dict[str, Any]) -> str:
    strings, info = link.get("data") or {}, link.get("link_info") or {}
    extra = (link.get("extra") or {}).get("ENVIRONMENTAL_VARIABLES_LOCATION_BLOCK") or {}
    named = (
        info.get("local_base_path"),
        extra.get("target_unicode"),
        extra.get("target_ansi"),
        strings.get("relative_path"),
    )
    found = next((str(name) for name in named if name), "")
    return found or _last_item(link)


def _last_item(link: dict[str, Any]) -> str:
    """The last part of the list of shell items."""
    items = ((link.get("target") or {}).get("items")) or []
    return next(
        (
            str(item["primary_name"])
            for item in reversed(items)
            if isinstance(item, dict) and item.get("primary_name")
        ),
        "",
    )


def _features(link: dict[str, Any]) -> Iterator[Feature]:
    strings = link.get("data") or {}
    target, arguments = _target(link), str(strings.get("command_line_arguments") or "")
    icon = str(strings.get("icon_location") or "")
    command = f"{target} {arguments}"
    if target:
        yield Feature("lnk.target", command.strip()[:400])
    yield from _of_command(command, arguments)
    if len(arguments) > _SHOWN:
        yield Feature("lnk.long_arguments", f"{len(arguments):,} characters", "StringData")
    if _PADDING.search(arguments):
        yield Feature("lnk.padded_arguments", arguments.strip()[:200], "StringData")
    for url in _URL.findall(command)[:5]:
        yield Feature("lnk.url", url)
    if _STARTS.search(command) and _DOCUMENT_ICON.search(icon):
        yield Feature("lnk.document_icon", icon)
    if "MINNOACTIVE" in str((link.get("header") or {}).get("windowstyle", "")).upper() and _STARTS.search(
        command
    ):
        yield Feature("lnk.minimized", target)
    tracker = (link.get("extra") or {}).get("DISTRIBUTED_LINK_TRACKER_BLOCK") or {}
    machine = str(tracker.get("machine_identifier") or "").strip("\0").lower()
    if machine:
        yield Feature(
            "lnk.builder_of_campaign" if machine in _BUILDERS else "lnk.machine", machine, "TrackerDataBlock"
        )


def _of_command(command: str, arguments: str) -> Iterator[Feature]:
    """What is started, and from where."""
    if _INTERPRETERS.search(command):
        yield Feature("lnk.starts_interpreter", command[:400], "StringData")
    elif _STARTS.search(command) and arguments.strip():
        yield Feature("lnk.starts_command", command[:400], "StringData")
    if match := _FOREIGN.search(command):
        yield Feature("lnk.foreign_share", match[0], "StringData")
    if (match := _LIBRARY.search(command)) and match[2].lower() not in _LIBRARIES:
        yield Feature("lnk.library_by_another_name", match[1], "StringData")
    if _HIDES.search(command):
        yield Feature("lnk.hides_window", command[:400], "StringData")


def _appended(data: bytes, link: dict[str, Any]) -> bytes:
    """What follows the last block; the format ends with four zeros (or a size below four)."""
    size = int(link.get("size") or 0)
    return data[size:].strip(b"\0") if 76 <= size < len(data) else b""


def _internet(text: str) -> Iterator[Feature]:
    rows = dict(line.strip().split("=", 1) for line in text.splitlines() if "=" in line)
    named = {key.strip().lower(): value.strip() for key, value in rows.items()}
    url = named.get("url", "")
    if url:
        yield Feature("url.target", url)
    if re.match(r"(?:file:|\\\\)", url, re.IGNORECASE):
        yield Feature("url.remote_file", url)
