"""Fields that stand in the text of a message only."""

from __future__ import annotations

import re
from collections.abc import Callable

from kazami.sources.number import Text

#: The settings that classic PowerShell writes as ``Name=value`` lines; any other line may be somebody's script.
SETTINGS = (
    "HostName", "HostVersion", "HostId", "HostApplication", "EngineVersion", "RunspaceId", "PipelineId",
    "CommandName", "CommandType", "ScriptName", "CommandPath", "CommandLine", "NewEngineState",
    "PreviousEngineState", "NewCommandState", "NewProviderState", "ProviderName", "SequenceNumber", "UserId",
    "DetailSequence", "DetailTotal",
)  # fmt: skip


_SETTING = re.compile(rf"^[ \t]*({'|'.join(SETTINGS)})=(.*?)\r?$", re.M)


def settings(text: str) -> dict[str, str]:
    """The `SETTINGS` in a message of classic PowerShell, the first of each name."""
    found: dict[str, str] = {}
    for name, value in _SETTING.findall(text):
        found.setdefault(name, value)
    return found


#: Order of the lines of PowerShell's ContextInfo; their labels are in the language of the machine.
CONTEXT = (
    "Severity", "HostName", "HostVersion", "HostID", "HostApplication", "EngineVersion", "RunspaceID",
    "PipelineID", "CommandName", "CommandType", "ScriptName", "CommandPath", "SequenceNumber", "User",
)  # fmt: skip


def line_field(name: str) -> Callable[[Text], Text]:
    """A transform that takes one ``Name=value`` line out of a message; the writer indents these by a tab."""
    start = f"\t{name}="

    def extract(text: Text) -> Text:
        at = text.find(start) if text else -1
        if text is None or at < 0:
            return None
        end = text.find("\n", at)
        return text[at + len(start) : end if end >= 0 else None].rstrip("\r")

    return extract


def labeled(name: str) -> Callable[[Text], Text]:
    """A transform that takes one ``Name: value`` line out of the rendered message of a Sysmon event."""
    start = f"\n{name}: "

    def extract(text: Text) -> Text:
        at = text.find(start) if text else -1
        if text is None or at < 0:
            return None
        end = text.find("\n", at + 1)
        return text[at + len(start) : end if end >= 0 else None].strip()

    return extract


def context_field(name: str) -> Callable[[Text], Text]:
    """A transform that takes one line out of ContextInfo, by its English label, else by its place."""
    label = f"{re.sub('(?<=[a-z])(?=[A-Z])', ' ', name)} = "
    place = CONTEXT.index(name)

    def extract(text: Text) -> Text:
        if not text:
            return None
        at = text.find(label)
        if at >= 0:
            end = text.find("\n", at)
            return text[at + len(label) : end if end >= 0 else None].strip()
        if "Host Application =" in text:
            return None
        lines = [line.partition("=")[2].strip() for line in text.splitlines() if "=" in line]
        return lines[place] if place < len(lines) else None

    return extract
