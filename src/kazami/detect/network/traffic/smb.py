"""Shares and pipes of SMB: programs copied to administrative shares, pipes of remote control, files that nobody should fetch.

T1021.002, T1570. Names of pipes: PsExec (Sysinternals), its kin (RemCom, PAExec, CSExec, winexe), smbexec of Impacket
(``__output``), and the defaults of Cobalt Strike, Covenant, Metasploit and PoshC2 as their documentation and public rules name them. Zeek's
words: ``path`` is the share, ``name`` the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from kazami.detect.network.traffic.hit import Hit
from kazami.detect.network.traffic.rows import HOUR, Numbers, Rows, bursts
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "shares and pipes"
NEEDS = ("smb_files", "smb_mapping")

RULES = rules(
    "smb_files",
    {
        "smb-program": (
            "Program Written to an Administrative Share",
            "high",
            "A machine wrote a program or script to an administrative share of another one.",
            "lateral-movement t1021.002 t1570",
            "Software distribution",
        ),
        "smb-program-opened": (
            "Program on an Administrative Share Opened",
            "medium",
            "A machine opened a program or script on an administrative share of another one; whether it wrote it is not in the evidence.",
            "lateral-movement t1021.002 t1570",
            "Software distribution, administration",
        ),
        "smb-program-share": (
            "Program Written to a Share",
            "low",
            "A machine wrote a program or script to an ordinary share of another one.",
            "lateral-movement t1570 t1080",
            "People who store programs on a file server",
        ),
        "smb-exec-pipe": (
            "Pipe of a Tool That Runs Programs Elsewhere",
            "high",
            "A machine opened a pipe, or a file of output, that PsExec or one of its kin uses.",
            "lateral-movement execution t1021.002 t1569.002",
            "Administration with PsExec",
        ),
        "smb-control-pipe": (
            "Pipe of a Tool of Command and Control",
            "high",
            "A machine opened a pipe that bears the default name of a tool of command and control.",
            "command-and-control lateral-movement t1071 t1090.001",
            "Hardly any",
        ),
        "smb-secrets": (
            "File of Secrets Fetched Over the Network",
            "high",
            "A machine opened a file on another one that holds secrets of Windows: the directory, hives, memory of the logon process.",
            "credential-access t1003.002 t1003.003",
            "Backup",
        ),
        "smb-startup": (
            "File Written Where Programs Start by Themselves",
            "high",
            "A machine wrote to a folder of another one from which programs start at logon, or to folders of tasks.",
            "persistence lateral-movement t1547.001 t1021.002",
            "Software distribution",
        ),
        "smb-admin-share": (
            "Administrative Share Opened",
            "low",
            "A machine opened an administrative share of another one.",
            "lateral-movement t1021.002",
            "Administration, backup, monitoring",
        ),
        "smb-pipe": (
            "Pipe of Remote Administration Opened",
            "low",
            "A machine opened a pipe by which services, tasks, the registry or accounts of another one are administered.",
            "lateral-movement discovery t1021.002",
            "Administration, monitoring",
        ),
    },
)

_ADMINISTRATIVE = re.compile(r"(?:^|\\)(?:admin|[a-z])\$$", re.I)
_PROGRAM = re.compile(
    r"\.(?:exe|dll|sys|scr|com|ps1|psm1|bat|cmd|vbs|vbe|js|jse|wsf|hta|msi|msp|cpl|ocx|xll|jar|py|lnk|sct|inf|csproj)$", re.I
)  # fmt: skip
_EXEC = re.compile(
    r"^\\?(?:pipe\\)?(?:psexesvc|remcom_comm?unication|remcom_std(?:in|out|err)|paexec|csexec|winexesvc|ahexec|svcctl_std|psexecsvc)|"
    r"(?:^|\\)__(?:output|\d{9,})|-(?:stdin|stdout|stderr)$|(?:^|\\)psexesvc",
    re.I,
)
_CONTROL = re.compile(
    r"^\\?(?:pipe\\)?(?:msse-[0-9a-f]+-server|postex_(?:ssh_)?[0-9a-f]+|status_[0-9a-f]+|msagent_[0-9a-f]+|dsernamepipe|"
    r"mypipe-[fh][0-9a-f]+|windows\.update\.manager[0-9a-f]*|ntsvcs_?[0-9a-f]{2,}|scerpc_?[0-9a-f]{2,}|spoolss_[0-9a-f]{2,}|"
    r"win_svc|gruntsvc|jaccdpqnvbrrxlaf|posh.*|tsvcpipe-.*|adschemerpc|anychannel|bizkaz|isapi_(?:http|dg)\d?|lsassw|pshost_.*c2|fullduplex_[0-9a-f]+|demoagent_\d+)$",
    re.I,
)
_SECRETS = re.compile(
    r"(?:^|\\)(?:ntds\.dit|lsass[^\\]*\.dmp|(?:windows\\)?system32\\config\\(?:sam|security|system)|[^\\]*\.kirbi|protect\\s-1-5-21[^\\]*\\[0-9a-f-]{36}|ntds\.jfm)$",
    re.I,
)
_STARTUP = re.compile(
    r"start menu\\programs\\startup\\|\\system32\\tasks\\|\\sysvol\\.*\\scripts\\(?:startup|logon)\\.|^scripts\\",
    re.I,
)
_PIPES = frozenset(("svcctl", "atsvc", "winreg", "samr", "lsarpc", "eventlog", "spoolss", "efsrpc", "epmapper", "protected_storage",
                    "netlogon", "drsuapi", "netdfs", "lsass", "itaskschedulerservice", "wkssvc", "srvsvc"))  # fmt: skip

_WRITTEN = frozenset(("SMB::FILE_WRITE", "SMB::FILE_RENAME", "SMB2_COMMAND_WRITE"))


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Files and pipes, then shares."""
    rows = traffic["smb_files"]
    name, path, action = (rows.texts[column] for column in ("name", "path", "action"))
    administrative = path.where(lambda text: bool(_ADMINISTRATIVE.search(text)))
    program = name.where(lambda text: bool(_PROGRAM.search(text)))
    written = action.among(_WRITTEN)
    opened = program & administrative & ~written
    ours = traffic.inside("smb_files", "target") | traffic.inside("smb_files", "source")
    found = {
        "smb-program": program & administrative & written,
        "smb-program-share": program & ~administrative & written,
        "smb-exec-pipe": name.where(lambda text: bool(_EXEC.search(text))),
        "smb-control-pipe": name.where(lambda text: bool(_CONTROL.search(text))),
        "smb-secrets": name.where(lambda text: bool(_SECRETS.search(text))),
        "smb-startup": name.where(lambda text: bool(_STARTUP.search(text))) & written,
        "smb-pipe": name.where(lambda text: text.lower().rpartition("\\")[2] in _PIPES),
    }
    for rule, mask in found.items():
        yield from _hits(rows, mask & ours, rule)
    # What was written is told above: opening it is part of that.
    told = np.unique(name.codes[found["smb-program"]])
    yield from _hits(rows, opened & ours & ~np.isin(name.codes, told), "smb-program-opened")
    shares = traffic["smb_mapping"]
    mapped = shares.texts["path"].where(lambda text: bool(_ADMINISTRATIVE.search(text)))
    yield from _hits(shares, mapped, "smb-admin-share")


def _hits(rows: Rows, among: Numbers, rule: str) -> Iterator[Hit]:
    """One for each pair of machines and hour of quiet."""
    for pair in rows.groups("source", "target", among=among):
        for places in bursts(rows.time, pair, HOUR):
            first = int(places[0])
            said = {
                column: ", ".join(rows.texts[column].distinct(places)[:20])
                for column in ("path", "name", "action")
                if column in rows.texts
            }
            about = (rows.texts["source"][first], rows.texts["target"][first], str(int(rows.time[first])))
            yield Hit(rule, rows, places, said, about)
