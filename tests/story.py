"""An invented intrusion through a provider into two customers, as finding rows and a summary. Nothing in it is real."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from kazami.model.attack import tactics, techniques
from kazami.model.finding import LEVELS, level_rank
from kazami.model.result import Blind, Count, EvidenceRow, FindingRow, RejectRow, Summary
from kazami.model.rule import Rejected, RuleInfo

#: key: title, level, tags, log source, false positives, description
RULES: dict[str, tuple[str, str, str, str, str, str]] = {
    "lsass": (
        "Process Memory of LSASS Written to a File",
        "critical",
        "credential-access t1003.001",
        "process_creation",
        "A crash dump that support asked for",
        "A library of Windows is asked to write the memory of the process that holds passwords. Attackers do this to read them elsewhere.",
    ),
    "ntds": (
        "Copy of the Domain Database Made With the Backup Tool",
        "critical",
        "credential-access t1003.003",
        "process_creation",
        "An administrator who sets up a domain controller from media",
        "The tool of Windows that makes installation media from a domain controller also makes a copy of every password hash of the domain.",
    ),
    "logclear": (
        "Security Log Cleared",
        "high",
        "defense-evasion t1070.001",
        "security",
        "A new image being prepared",
        "The log that would show logons was emptied.",
    ),
    "portproxy": (
        "Port Forwarding Set Up With Netsh",
        "high",
        "command-and-control t1090.001",
        "process_creation",
        "Test environments; old remote-support setups",
        "Windows is told to forward connections from one port to another machine.",
    ),
    "wmiexec": (
        "Command Shell Started Through WMI With Output to an Administrative Share",
        "high",
        "execution lateral-movement t1047 t1021.002",
        "process_creation",
        "None that is known",
        "A shell that the WMI service starts, and that writes what it prints to a share, is how remote administration tools of attackers read the answer.",
    ),
    "svc": (
        "Service Installed With a Command Shell as Its Program",
        "high",
        "persistence privilege-escalation t1543.003",
        "system",
        "Badly made installers",
        "A new service that starts a shell instead of a program of its own.",
    ),
    "spray": (
        "Many Accounts Failing to Log On From One Address",
        "medium",
        "credential-access t1110.003",
        "security",
        "A scanner; a proxy in front of a web application",
        "One address tried passwords on many accounts within ten minutes.",
    ),
    "task": (
        "Scheduled Task Created for a Script in a Public Folder",
        "medium",
        "persistence execution t1053.005",
        "process_creation",
        "Software distribution of the customer",
        "A task that starts a script from a folder that everybody can write to.",
    ),
    "rdp": (
        "Remote Desktop Logon by a Provider's Account Outside of Working Hours",
        "medium",
        "lateral-movement initial-access t1021.001 t1078.002",
        "security",
        "On-call duty",
        "",
    ),
    "archive": (
        "Archive Made With a Password on the Command Line",
        "medium",
        "collection t1560.001",
        "process_creation",
        "Scripts of administrators",
        "A packing program is started with a password and many files.",
    ),
    "whoami": (
        "Who Am I, Asked With All Privileges",
        "low",
        "discovery t1033",
        "process_creation",
        "Administrators; logon scripts",
        "A person or a program asks which rights it has.",
    ),
    "nltest": (
        "Domain Trusts Listed",
        "low",
        "discovery t1482",
        "process_creation",
        "Administrators",
        "Trust relations of the domain are listed with a tool of Windows.",
    ),
    "net": (
        "Members of an Administrative Group Listed",
        "low",
        "discovery t1069.002",
        "process_creation",
        "Administrators; inventory software",
        "",
    ),
    "psenc": (
        "PowerShell With an Encoded Command",
        "low",
        "execution t1059.001 t1027",
        "process_creation",
        "Management agents",
        "Management agents do this all day; so do attackers.",
    ),
    "logon": (
        "Logon With Explicit Credentials",
        "informational",
        "lateral-movement t1078",
        "security",
        "Everyday administration",
        "",
    ),
}

VALUES: dict[str, dict[str, str]] = {
    "lsass": {
        "Image": "C:\\Windows\\System32\\rundll32.exe",
        "CommandLine": "rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump 612 C:\\Windows\\Temp\\vmware-log.tmp full",
    },
    "ntds": {"CommandLine": 'ntdsutil "ac i ntds" ifm "create full C:\\Windows\\Temp\\pro" q q'},
    "logclear": {"EventID": "1102", "SubjectUserName": "svc-rmm"},
    "portproxy": {
        "CommandLine": "netsh interface portproxy add v4tov4 listenaddress=0.0.0.0 listenport=9999 connectaddress=10.20.4.17 connectport=8443 protocol=tcp"
    },
    "wmiexec": {
        "ParentImage": "C:\\Windows\\System32\\wbem\\WmiPrvSE.exe",
        "CommandLine": "cmd.exe /Q /c quser 1> \\\\127.0.0.1\\ADMIN$\\__1709374211.31 2>&1",
    },
    "svc": {
        "ImagePath": "%COMSPEC% /c start /b C:\\Users\\Public\\Libraries\\up.bat",
        "ServiceName": "WinDefUpd",
        "EventID": "7045",
    },
    "spray": {"IpAddress": "203.0.113.77", "value_count": "38", "timeframe": "10m"},
    "task": {
        "CommandLine": "schtasks /create /tn Updates /sc hourly /ru SYSTEM /tr C:\\Users\\Public\\u.vbs",
        "Image": "C:\\Windows\\System32\\schtasks.exe",
    },
    "rdp": {"LogonType": "10", "TargetUserName": "adm-harbor", "IpAddress": "10.9.0.14"},
    "archive": {
        "CommandLine": "rar.exe a -v100m -hpK1tt3n -r C:\\$Recycle.Bin\\p.rar D:\\Finance\\2024\\*",
        "Image": "C:\\ProgramData\\rar.exe",
    },
    "whoami": {"CommandLine": "whoami /all", "Image": "C:\\Windows\\System32\\whoami.exe"},
    "nltest": {"CommandLine": "nltest /domain_trusts /all_trusts"},
    "net": {"CommandLine": 'net group "Domain Admins" /domain'},
    "psenc": {
        "CommandLine": "powershell.exe -NoProfile -EncodedCommand JABhACAAPQAgAEcAZQB0AC0ARABhAHQAZQA7ACAAVwByAGkAdABlAC0ASABvAHMAdAAgACQAYQA="
    },
    "logon": {"EventID": "4648", "TargetServerName": "FS02", "TargetUserName": "adm-harbor"},
}

#: rule, tenant, host, user, minutes from the start, times, minutes between
STEPS: list[tuple[str, str, str, str, int, int, int]] = [
    ("spray", "harbor-it", "VPN-GW1", "", 0, 3, 14),
    ("rdp", "harbor-it", "JUMP01", "HARBOR\\adm-harbor", 190, 4, 400),
    ("whoami", "harbor-it", "JUMP01", "HARBOR\\adm-harbor", 195, 3, 2),
    ("nltest", "harbor-it", "JUMP01", "HARBOR\\adm-harbor", 199, 2, 1),
    ("net", "harbor-it", "JUMP01", "HARBOR\\adm-harbor", 201, 5, 1),
    ("lsass", "harbor-it", "JUMP01", "HARBOR\\adm-harbor", 228, 1, 0),
    ("rdp", "riverside-water", "RW-TS01", "RIVERSIDE\\adm-harbor", 2950, 6, 700),
    ("wmiexec", "riverside-water", "RW-DC01", "RIVERSIDE\\adm-harbor", 2984, 14, 3),
    ("whoami", "riverside-water", "RW-DC01", "RIVERSIDE\\adm-harbor", 2985, 2, 9),
    ("ntds", "riverside-water", "RW-DC01", "RIVERSIDE\\adm-harbor", 3011, 1, 0),
    ("portproxy", "riverside-water", "RW-TS01", "RIVERSIDE\\adm-harbor", 3090, 2, 33),
    ("logclear", "riverside-water", "RW-DC01", "RIVERSIDE\\adm-harbor", 3120, 1, 0),
    ("rdp", "tanaka-seiki", "TS-FILE01", "TANAKA\\adm-harbor", 5810, 3, 820),
    ("svc", "tanaka-seiki", "TS-FILE01", "TANAKA\\svc-rmm", 5902, 2, 7),
    ("task", "tanaka-seiki", "TS-FILE01", "TANAKA\\svc-rmm", 5910, 1, 0),
    ("archive", "tanaka-seiki", "TS-FILE01", "TANAKA\\svc-rmm", 5950, 9, 11),
    ("archive", "tanaka-seiki", "TS-設計サーバー01", "TANAKA\\田中.一郎", 6010, 4, 17),
    ("wmiexec", "tanaka-seiki", "TS-DC02", "TANAKA\\svc-rmm", 6100, 8, 2),
    ("logclear", "tanaka-seiki", "TS-FILE01", "TANAKA\\svc-rmm", 6160, 1, 0),
]

START = datetime(2024, 3, 2, 1, 17, 9, tzinfo=UTC)


def row(rule: str = "whoami", time: datetime | None = START, number: int = 1, **changed: Any) -> FindingRow:
    """One finding of one of `RULES`; any field can be changed."""
    title, level, tags, table, harmless, description = RULES[rule]
    all_tags = [f"attack.{tag}" for tag in tags.split()]
    uid = hashlib.sha256(f"{rule}{time}{number}".encode()).hexdigest()
    made: FindingRow = {
        "finding_uid": uid[:32],
        "rule_id": str(hashlib.md5(rule.encode(), usedforsecurity=False).hexdigest()),
        "title": title,
        "level": level,
        "time": time.isoformat(timespec="microseconds") if time else None,
        "tenant": "harbor-it",
        "host": "JUMP01",
        "user": "HARBOR\\adm-harbor",
        "techniques": techniques(all_tags),
        "tactics": tactics(all_tags),
        "event_uids": [uid[32:]],
        "evidence": "/evidence/harbor-it/JUMP01.zip!Security.evtx",
        "record": number,
        "table": table,
        "matched": dict(VALUES[rule]),
        "kind": "correlation" if rule == "spray" else "rule",
        "rule_version": uid[:16],
        "tags": all_tags,
        "description": description,
        "author": "The Kazami authors",
        "falsepositives": [harmless],
        "references": ["https://attack.mitre.org/", "An internal note, 2024-02"],
    }
    made.update(changed)  # type: ignore[typeddict-item]
    return made


def noise(count: int, days: float = 9, seed: int = 5) -> list[FindingRow]:
    """What fires on ordinary machines all day."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        tenant, prefix = chance.choice([("riverside-water", "RW-WS"), ("tanaka-seiki", "TS-PC")])
        at = START + timedelta(days=chance.random() * days - 1)
        if at.hour < 7 and chance.random() < 0.8:
            at += timedelta(hours=8)
        host = f"{prefix}{chance.randint(1, 14):02}"
        rule = chance.choices(["psenc", "logon", "net", "whoami"], [6, 9, 1, 1])[0]
        evidence = f"/evidence/{tenant}/{host}.evtx"
        user = chance.choice(["NT AUTHORITY\\SYSTEM", f"user{chance.randint(1, 9)}"])
        rows.append(row(rule, at, 5000 + number, tenant=tenant, host=host, user=user, evidence=evidence))
    return rows


def story(noisy: int = 140) -> list[FindingRow]:
    """All findings of the invented intrusion, with ordinary noise around them."""
    rows = []
    for rule, tenant, host, user, minutes, times, between in STEPS:
        for turn in range(times):
            at = START + timedelta(minutes=minutes + turn * between, seconds=13 * turn, microseconds=120_345)
            evidence = (
                f"/evidence/{tenant}/{host}.zip!{'Security' if rule in ('rdp', 'spray') else 'Sysmon'}.evtx"
            )
            extra = {"event_uids": [f"{turn:032x}"] * 38} if rule == "spray" else {}
            rows.append(
                row(
                    *(rule, at, 100 + minutes + turn),
                    **(extra | {"tenant": tenant, "host": host, "user": user or None, "evidence": evidence}),
                )
            )
    rows.append(
        row(
            "psenc",
            None,
            9,
            host="RW-WS03",
            tenant="riverside-water",
            user=None,
            evidence="/evidence/riverside-water/old.evtx",
        )
    )
    return rows + noise(noisy)


def counts(rows: Iterable[FindingRow], field: str) -> list[Count]:
    """Counts of one field of `rows`, as a case would give them."""
    grouped: dict[str, list[FindingRow]] = defaultdict(list)
    for each in rows:
        values: Any = each[field]  # type: ignore[literal-required]
        for value in values if isinstance(values, list) else [values]:
            if value:
                grouped[value].append(each)
    found = []
    for key, mine in grouped.items():
        times = sorted(datetime.fromisoformat(each["time"]) for each in mine if each["time"])
        level = LEVELS[max(level_rank(each["level"]) for each in mine)]
        label = mine[0]["title"] if field == "rule_id" else ""
        found.append(
            Count(key, len(mine), times[0] if times else None, times[-1] if times else None, level, label)
        )
    return sorted(found, key=lambda count: (-level_rank(count.level), -count.count, count.key))


def summary(rows: list[FindingRow], **changed: Any) -> Summary:
    """A summary that fits `rows`, with evidence, rejects and rules that could not be judged."""
    times = sorted(each["time"] for each in rows if each["time"])
    first = datetime.fromisoformat(times[0]) - timedelta(hours=3) if times else None
    last = datetime.fromisoformat(times[-1]) + timedelta(hours=5) if times else None
    names = Counter((each["evidence"], each["tenant"]) for each in rows)
    evidence = [
        EvidenceRow(
            f"{i:016x}",
            name,
            tenant,
            "evtx",
            1_118_208 * (i % 7 + 1),
            2311 * count,
            17 * i,
            0,
            "done",
        )
        for i, ((name, tenant), count) in enumerate(sorted(names.items()))
    ]
    evidence += [
        EvidenceRow("a" * 16, "/evidence/tanaka-seiki/TS-DC02.7z", "tanaka-seiki", "", 91_000_112, 0, 0, 0, "unreadable", "wrong password"),
        EvidenceRow("b" * 16, "/evidence/riverside-water/RW-TS01.zip!Security.evtx", "riverside-water", "evtx", 20_975_616, 61_204, 0, 91, "partial", "the file ends inside chunk 318"),
        EvidenceRow("c" * 16, "/evidence/riverside-water/readme.pdf", "riverside-water", "", 32_112, 0, 0, 0, "skipped"),
    ]  # fmt: skip
    blind = [
        Blind(RuleInfo(f"b{i}", "0" * 16, f"{what} Rule Number {i}"), reason)
        for what, reason, number in (
            ("PowerShell Script", "no events of windows/ps_script", 171),
            ("Cloud Trail", "no events of aws/*/cloudtrail", 55),
            ("Linux Audit", "no events of linux/*/auditd", 53),
            ("Import Hash", "field Imphash never seen in process_creation", 12),
        )
        for i in range(number)
    ]
    given: dict[str, Any] = {
        "case": "harbor-2024-03",
        "version": "0.1.0",
        "started": START + timedelta(days=20),
        "finished": START + timedelta(days=20, seconds=48),
        "events": sum(each.events for each in evidence),
        "duplicates": 1204,
        "first": first,
        "last": last,
        "findings": len(rows),
        "levels": counts(rows, "level"),
        "rules": counts(rows, "rule_id"),
        "hosts": counts(rows, "host"),
        "users": counts(rows, "user"),
        "techniques": counts(rows, "techniques"),
        "tenants": counts(rows, "tenant"),
        "log_sources": [
            Count("process_creation", 402_117, first, last),
            Count("security", 188_204, first, last),
            Count("system", 9_021, first, last),
        ],
        "evidence": evidence,
        "rejects": [
            RejectRow(evidence[-2].name, "chunk 318", "the file ends inside the chunk", 90),
            RejectRow(evidence[-2].name, "record 1207", "a template is missing", 1, "<Event xmlns='...'"),
        ],
        "rejected_records": 91,
        "loaded": 2104,
        "rejected_rules": [
            Rejected(
                "rules/local/vpn.yml",
                "the placeholder %vpn_ranges% has no values",
                "",
                "Logon From Outside of the VPN",
            ),
            Rejected("rules/local/broken.yml", "line 14, column 3: not YAML"),
        ],
        "blind": blind,
        "notes": ["The rule 'PowerShell With an Encoded Command' ran out of time on 3 values."],
    }
    return Summary(**(given | changed))
