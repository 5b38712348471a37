"""Who acted, in which session and process, in the words of Sysmon and of rules."""

from __future__ import annotations

from kazami.sources.number import Text, number

#: Accounts that a Windows log names by SID, in the words of Sysmon and of rules.
_ACCOUNTS = {
    "S-1-5-18": r"NT AUTHORITY\SYSTEM",
    "S-1-5-19": r"NT AUTHORITY\LOCAL SERVICE",
    "S-1-5-20": r"NT AUTHORITY\NETWORK SERVICE",
    "S-1-5-7": r"NT AUTHORITY\ANONYMOUS LOGON",
}


#: Integrity levels: the last number of S-1-16-*, from winnt.h (SECURITY_MANDATORY_*_RID).
_INTEGRITY = {0: "Untrusted", 4096: "Low", 8192: "Medium", 8448: "Medium", 12288: "High", 16384: "System"}


_NOBODY = frozenset(("", "-", "S-1-0-0", "(null)", "N/A"))


_NULL_GUID = "00000000-0000-0000-0000-000000000000"


def logon_id(*values: Text) -> Text:
    """The first logon id that names a session, as lower-case hexadecimal; 0x0 is none."""
    for value in values:
        if parsed := number(value):
            return f"0x{parsed & 0xFFFF_FFFF_FFFF_FFFF:x}"
    return None


def guid(value: Text) -> Text:
    """A GUID in upper case without braces; None for the null GUID."""
    if value is None:
        return None
    value = value.strip().strip("{}").upper()
    return None if value in ("", "-", _NULL_GUID) else value


def account(*values: Text) -> Text:
    r"""``DOMAIN\name`` of the first (SID, domain, name) that names somebody; well-known SIDs in Sysmon's words."""
    for sid, domain, name in zip(values[::3], values[1::3], values[2::3], strict=False):
        if sid in _ACCOUNTS:
            return _ACCOUNTS[sid]
        if name is not None and name not in _NOBODY:
            return name if domain is None or domain in _NOBODY else f"{domain}\\{name.partition('@')[0]}"
    return None


def security_id(value: Text) -> Text:
    """A SID; well-known ones as the account's name."""
    if value is None or value in _NOBODY:
        return None
    return _ACCOUNTS.get(value, value)


def somebody(value: Text) -> Text:
    """An account's name as it is, None where it is a mark for nobody."""
    return None if value is None or value in _NOBODY else value


def integrity(label: Text) -> Text:
    """``S-1-16-12288`` or ``Mandatory Label\\High Mandatory Level`` as ``High``."""
    if label is None:
        return None
    if label.startswith("S-1-16-"):
        return _INTEGRITY.get(number(label[7:]) or 0, label)
    return label.rpartition("\\")[2].removesuffix(" Mandatory Level")
