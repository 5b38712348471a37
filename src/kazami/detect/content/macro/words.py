"""What macros do, by the words of their source: what starts by itself, starts programs, fetches, calls Windows directly.

Names of events after Microsoft's documentation of Office's auto macros and of the object models' events. What a script does in detail is
for the analyzers of scripts; this also reads what is no script: compiled macros, and formulas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from kazami.model.content import Feature

_AUTOEXEC = (
    r"(?i)\bSub\s+("
    r"Auto_?(?:Open|Exec|Exit|Close|New)"
    r"|(?:Document|Workbook|Presentation|Project)_?(?:Open|New|Close|BeforeClose|BeforeSave|Activate|Deactivate|SheetActivate)"
    r"|Document_?ContentControlOn(?:Enter|Exit)|Workbook_WindowActivate|Worksheet_(?:Activate|Calculate|Change|SelectionChange)"
    r"|(?:On|App|App_)(?:SlideShowPageChange|PresentationOpen)|OnSlideShowPageChange"
    r"|\w{1,60}_(?:Painted|Painting|Layout|Resize|GotFocus|LostFocus|MouseMove|MouseHover|MouseEnter|MouseLeave|StatusTextChange|ProgressChange"
    r"|TitleChange|DocumentComplete|NavigateComplete2?|BeforeNavigate2?|DownloadBegin|DownloadComplete|onConnecting|OnConnected|Initialize)"
    r")\s*\("
)
_DOES = {
    "macro.runs": (
        r"(?im)(?:^|[=:.]|\bThen\b|\bElse\b|\bCall\b)[ \t]*Shell\s*(?:\(|[ \t]+[\w\"])|\bWScript\.Shell\b|\bShell\.Application\b|\bShellExecute(?:Ex)?[AW]?\b|\bWinExec\b|\bCreateProcess[AW]?\b"
        r"|\bwinmgmts:|\bWin32_Process\b|\bMacScript\b|\bSchedule\.Service\b|\bcmd(?:\.exe)?\s+/[ck]\b|\bpowershell(?:\.exe)?\s+-"
        r"|\b(?:mshta|rundll32|regsvr32|certutil|wscript|cscript)(?:\.exe)?\s+\S|=EXEC\(|\bcall\(.{0,80}?shell32"
    ),
    "macro.download": (
        r"(?im)\bURLDownloadToFile[AW]?\b|\b(?:Microsoft|MSXML2)\.(?:Server)?XMLHTTP\b|\bWinHttp\.WinHttpRequest\b|\bInternetOpenUrl[AW]?\b"
        r"|\bInternetExplorer\.Application\b|\bDownload(?:File|String|Data)\b|\bbitsadmin\b"
    ),
    "macro.native": (
        r"(?im)\b(?:VirtualAlloc(?:Ex)?|VirtualProtect|RtlMoveMemory|WriteProcessMemory|CreateThread|CreateRemoteThread|NtAllocateVirtualMemory"
        r"|HeapCreate|EnumSystemLocales[AW]|EnumWindows|SetTimer|CallWindowProc[AW]?|LoadLibrary[AW]?|GetProcAddress|DispCallFunc)\b"
    ),
}
#: A line that goes on is one, and adjacent strings are one.
_GOES_ON = re.compile(r"\s_\r?\n\s*")
_JOINED = re.compile(r"\"\s*[&+]\s*\"")
_TEXT = 2 << 20


@cache
def _compiled(pattern: str) -> Any:
    """RE2, as text of a few megabytes costs Python's expressions seconds."""
    import re2

    return re2.compile(pattern)


def told(text: str, place: str = "") -> Iterator[Feature]:
    """What `text` starts by itself and does, each kind once with how it is written."""
    joined = _JOINED.sub("", _GOES_ON.sub(" ", text[:_TEXT]))
    starts = dict.fromkeys(match[1] for match in _compiled(_AUTOEXEC).finditer(joined))
    if starts:
        yield Feature("macro.autoexec", ", ".join([*starts][:10]), place)
    for name, pattern in _DOES.items():
        if match := _compiled(pattern).search(joined):
            yield Feature(name, " ".join(match[0][:200].split()), place)
