"""Signs that NTLM is relayed, or guessed, by who logs on from where.

A relay (T1557.001): a machine is logged on to, and within two seconds logs on itself elsewhere, with the same account and the same
name of a machine, which is not its own. Spraying (T1110.003): one address fails with many accounts within minutes. A client of Windows always
tells the name of its machine (MS-NLMP 2.2.1.3, Workstation); Impacket and what is built on it leave it empty, also where the rest is encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import MINUTE, SECOND, Rows, window
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "relayed or guessed logons by NTLM"
NEEDS = ("ntlm",)

RULES = rules(
    "ntlm",
    {
        "ntlm-relay": (
            "Logon by NTLM Passed On",
            "high",
            "An account logged on to a machine, and that machine at once elsewhere as the same account of the same client.",
            "credential-access lateral-movement t1557.001",
            "Proxies that pass logons on",
        ),
        "ntlm-spray": (
            "Logons by NTLM Failed for Many Accounts",
            "high",
            "A machine failed to log on as many accounts within minutes.",
            "credential-access t1110.003",
            "A gateway for many users",
        ),
        "ntlm-nameless": (
            "Logon by NTLM That Names No Machine",
            "low",
            "An account logged on by NTLM from a machine that did not say its name, as tools in Python do and Windows does not.",
            "lateral-movement t1550.002 t1021.002",
            "Devices and programs that are not of Windows",
        ),
    },
)

#: Between a logon and what is made of it; accounts that fail, and within what time.
WITHIN, ACCOUNTS, WIDTH = 2 * SECOND, 6, 10 * MINUTE


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Relays, then sprays, then what tells no name."""
    rows = traffic["ntlm"]
    yield from _relays(rows)
    yield from _nameless(rows)
    failed = rows.texts["success"].among(("F", "false", "False"))
    for pair in rows.groups("source", least=ACCOUNTS, among=failed):
        _, firsts = np.unique(rows.texts["account"].codes[pair], return_index=True)
        found = window(rows.time, pair[np.sort(firsts)], WIDTH, ACCOUNTS)
        if len(found):
            names = rows.texts["account"].distinct(found)
            source = rows.texts["source"][int(found[0])]
            said = {"accounts": ", ".join(names[:20]), "different accounts": number(len(names))}
            yield Hit("ntlm-spray", rows, found, said, (source, str(int(rows.time[found[0]]))))


def _nameless(rows: Rows) -> Iterator[Hit]:
    named = rows.texts["name"].where(lambda name: name.strip("-\\ ") != "")
    person = rows.texts["account"].where(lambda account: account not in ("", "-"))
    failed = rows.texts["success"].among(("F", "false", "False"))
    for places in rows.groups("source", "account", among=person & ~named & ~failed):
        first = int(places[0])
        source, account = rows.texts["source"][first], rows.texts["account"][first]
        said = {
            "account": account,
            "domain": rows.texts["domain"][first],
            "to": ", ".join(rows.texts["target"].distinct(places)[:20]),
        }
        yield Hit("ntlm-nameless", rows, places, said, (source, account))


def _relays(rows: Rows) -> Iterator[Hit]:
    source, target = rows.texts["source"].codes, rows.texts["target"].codes
    for places in rows.groups("account", "name", least=2):
        for before, after in pairwise(places):
            near = rows.time[after] - rows.time[before] <= WITHIN
            if (
                near
                and target[before] == source[after]
                and source[before] not in (source[after], target[after])
            ):
                first = int(before)
                said = {
                    "account": rows.texts["account"][first],
                    "client": rows.texts["name"][first],
                    "from": rows.texts["source"][first],
                    "through": rows.texts["target"][first],
                    "to": rows.texts["target"][int(after)],
                }
                yield Hit("ntlm-relay", rows, np.array([before, after]), said, tuple(said.values()))
