"""The touchpoints as rules: what findings of them are called and how much they weigh."""

from __future__ import annotations

import uuid

from kazami.model.rule import RuleInfo, detector

#: Raised where a judge decides otherwise than before.
REVISION = 1

_SPACE = uuid.UUID("b9c0f6f4-5d0b-4d5f-8a39-6d1a7d5f0a11")
_ADVISORIES = (
    "https://www.cisa.gov/news-events/alerts/2018/10/03/advanced-persistent-threat-activity-exploiting-managed-service-providers",
    "https://www.cisa.gov/news-events/cybersecurity-advisories/aa22-131a",
)

_SAID: dict[str, tuple[str, str, str, tuple[str, ...], str]] = {
    "J1": (
        "Provider's Account in Several Tenants That Are Not Its Own",
        "high",
        "One account of the provider was active in several tenants within an hour, from one source, and one of them at least is not among those it usually works for.",
        ("attack.initial-access", "attack.t1199", "attack.t1078"),
        "A technician stands in for another; a ticket (provider.changes) clears it",
    ),
    "J1T": (
        "Provider's Account Where It Never Worked Before",
        "medium",
        "An account of the provider was active here, though this is not among the tenants that it usually works for.",
        ("attack.initial-access", "attack.t1199", "attack.t1078"),
        "A new technician, or one who stands in",
    ),
    "J2": (
        "Provider's Account From a Source That Was Not Agreed On",
        "high",
        "An account of the provider logged on from an address that is no jump host and no pool of the provider's VPN.",
        ("attack.initial-access", "attack.t1199", "attack.t1133"),
        "A new jump host; work on site",
    ),
    "J3": (
        "A Session From a Tenant Into the Provider or Another Tenant",
        "critical",
        "A logon crossed the border of a tenant in the direction in which nobody works.",
        ("attack.lateral-movement", "attack.t1199", "attack.t1021"),
        "Agents of monitoring that connect in both directions (provider.two_way)",
    ),
    "J4": (
        "The Same Rare Tool in Several Tenants",
        "high",
        "A program that was in none of these tenants before appeared in several of them within a week.",
        ("attack.lateral-movement", "attack.t1570", "attack.t1072"),
        "Software that the provider rolls out (provider.software, a ticket)",
    ),
    "J5": (
        "An Archive of One Tenant at Another or at the Provider",
        "high",
        "An archive was made in one tenant, and one of the same name appeared at the provider or in another tenant.",
        ("attack.collection", "attack.t1074.002", "attack.exfiltration"),
        "Central backup (provider.backup_accounts)",
    ),
    "J6": (
        "Provider's Account Copies From Administrative Shares and Packs",
        "high",
        "An account of the provider opened administrative shares, and copied or packed with a password, within a day.",
        ("attack.collection", "attack.t1560.001", "attack.t1021.002"),
        "Moving files to a new server",
    ),
    "J7": (
        "Provider's Account Starts Tasks or Services Where It Does Not Manage",
        "high",
        "A task or a service was made by an account of the provider on a host that it does not manage.",
        (
            "attack.execution",
            "attack.lateral-movement",
            "attack.t1053.005",
            "attack.t1569.002",
        ),
        "Patch jobs; a ticket clears them",
    ),
    "J8": (
        "From a Host of Low Value to One of High Value",
        "high",
        "The provider's account came to an ordinary machine for the first time, somebody looked around there, and an account of that machine then reached a server or controller for the first time.",
        ("attack.lateral-movement", "attack.discovery", "attack.t1199", "attack.t1078"),
        "A help desk case that is passed on",
    ),
    "J9": (
        "Provider's Account Outside the Contract",
        "medium",
        "An account of the provider was active outside the agreed time, after the contract's end, or after 45 days and more of rest.",
        ("attack.initial-access", "attack.t1199", "attack.t1078"),
        "An emergency",
    ),
    "J10": (
        "Remote Management That Was Not Agreed On",
        "high",
        "A remote-management tool ran that is not on the tenant's list.",
        ("attack.command-and-control", "attack.t1219"),
        "The provider changes its tool",
    ),
    "J11": (
        "Provider's Account Among Domain Administrators or at a Controller",
        "high",
        "An account of the provider was added to an administrators' group, or logged on to a domain controller in person.",
        (
            "attack.persistence",
            "attack.privilege-escalation",
            "attack.t1098",
            "attack.t1078.002",
        ),
        "Break-glass accounts; a ticket clears them",
    ),
    "J12": (
        "Failures in a Row on a Provider's Account",
        "medium",
        "Many logons or second factors of an account of the provider failed within a quarter of an hour.",
        ("attack.credential-access", "attack.t1110", "attack.t1621"),
        "A new telephone; a stored password that expired",
    ),
    "J13": (
        "The Same Control Server in Several Networks",
        "high",
        "What findings of command and control name was seen in several tenants, or at the provider, within a week, or lies in the provider's own networks.",
        ("attack.command-and-control", "attack.t1090"),
        "Shared hosting of harmless services",
    ),
}


def _info(key: str) -> RuleInfo:
    title, level, about, tags, false = _SAID[key]
    identity = str(uuid.uuid5(_SPACE, key))
    return detector(
        identity,
        (identity, REVISION, _SAID[key]),
        title=title,
        level=level,
        description=about,
        tags=tags,
        references=_ADVISORIES,
        falsepositives=(false,),
        name=f"touchpoint_{key.lower()}",
    )


#: By key: J1 to J13, and J1T, which is what J1 means to one tenant alone.
RULES: dict[str, RuleInfo] = {key: _info(key) for key in _SAID}
