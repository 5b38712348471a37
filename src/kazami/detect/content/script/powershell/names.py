"""Names of Windows PowerShell 5.1: aliases, cmdlets, switches, methods that are looked for by their likeness."""

from __future__ import annotations

#: Aliases of Windows PowerShell 5.1 that matter here.
ALIASES = {
    "iex": "invoke-expression", "icm": "invoke-command", "%": "foreach-object", "foreach": "foreach-object", "?": "where-object", "where": "where-object",
    "echo": "write-output", "write": "write-output", "gv": "get-variable", "sv": "set-variable", "set": "set-variable", "nv": "set-variable", "new-variable": "set-variable",
    "gci": "get-childitem", "dir": "get-childitem", "ls": "get-childitem", "gi": "get-item", "item": "get-item", "gcm": "get-command", "gal": "get-alias",
    "sal": "set-alias", "nal": "set-alias", "new-alias": "set-alias", "select": "select-object", "sort": "sort-object", "iwr": "invoke-webrequest",
    "curl": "invoke-webrequest", "wget": "invoke-webrequest", "irm": "invoke-restmethod", "saps": "start-process", "start": "start-process", "sleep": "start-sleep",
    "cat": "get-content", "gc": "get-content", "gm": "get-member", "type": "get-content", "sc": "set-content", "si": "set-item", "ni": "new-item", "gp": "get-itemproperty", "sp": "set-itemproperty",
    "rm": "remove-item", "del": "remove-item", "ri": "remove-item", "cp": "copy-item", "copy": "copy-item", "mv": "move-item", "sajb": "start-job", "iwmi": "invoke-wmimethod", "ii": "invoke-item",
    "measure": "measure-object", "group": "group-object", "ogv": "out-gridview", "oh": "out-host", "tee": "tee-object", "variable": "get-variable", "alias": "get-alias", "childitem": "get-childitem", "command": "get-command",
}  # fmt: skip
CMDLETS = (
    "Invoke-Expression", "Invoke-Command", "New-Object", "Get-Command", "Get-Variable", "Set-Variable", "Get-Item", "Get-ChildItem", "Get-Content",
    "Start-Process", "Invoke-WebRequest", "Invoke-RestMethod", "Add-Type", "Get-Alias", "Set-Alias", "ForEach-Object", "Where-Object", "Write-Output", "Write-Host",
)  # fmt: skip
WEB_CLIENT = (
    "DownloadData", "DownloadDataAsync", "DownloadFile", "DownloadFileAsync", "DownloadString", "DownloadStringAsync", "OpenRead", "OpenWrite", "UploadData", "UploadFile", "UploadString",
)  # fmt: skip
#: Parameters that take no value.
SWITCHES = frozenset(
    (
        "noprofile",
        "nop",
        "noninteractive",
        "noni",
        "nologo",
        "sta",
        "mta",
        "passthru",
        "force",
        "usebasicparsing",
        "wait",
        "nonewwindow",
        "asplaintext",
        "expandproperty",
        "noexit",
        "shell",
        "recurse",
    )
)
