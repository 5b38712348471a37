"""Remote-management tools by the names of their programs and services."""

from __future__ import annotations

from functools import lru_cache

#: A tool, and words that names of its programs or services hold, in lower case without blanks.
TOOLS: dict[str, tuple[str, ...]] = {
    "action1": ("action1_agent", "action1agent"),
    "ammyy": ("aa_v3", "ammyyadmin"),
    "anydesk": ("anydesk",),
    "atera": ("ateraagent",),
    "bomgar": ("bomgar-scc", "bomgar"),
    "chrome remote desktop": ("remoting_host", "chromoting"),
    "connectwise automate": ("ltsvc", "ltservice", "labtech"),
    "datto rmm": ("aemagent", "cagservice", "centrastage"),
    "dameware": ("dwrcs", "dwrcst", "dntus"),
    "dwservice": ("dwagent", "dwagsvc"),
    "fleetdeck": ("fleetdeck",),
    "gotoassist": ("gotoassist", "g2ax", "gotoresolve"),
    "kaseya": ("agentmon", "kaseya"),
    "level": ("level-windows", "levelagent"),
    "logmein": ("logmein", "lmiguardian"),
    "meshcentral": ("meshagent",),
    "n-able": ("basupsrvc", "ncentral", "windowsagentservice", "winagent"),
    "netsupport": ("client32", "netsupport"),
    "ninjaone": ("ninjarmm",),
    "pdq": ("pdqconnect", "pdqdeployrunner"),
    "pulseway": ("pulseway", "pcmonitorsrv"),
    "radmin": ("rserver3", "radmin"),
    "remote utilities": ("rutserv", "rfusclient"),
    "rustdesk": ("rustdesk",),
    "screenconnect": ("screenconnect", "connectwisecontrol"),
    "simplehelp": ("simplehelp", "simpleservice", "remoteaccesswinlauncher"),
    "splashtop": ("srserver", "srmanager", "strwinclt", "splashtop"),
    "superops": ("superops",),
    "supremo": ("supremo",),
    "syncro": ("syncro", "kabuto"),
    "tacticalrmm": ("tacticalrmm",),
    "teamviewer": ("teamviewer",),
    "ultraviewer": ("ultraviewer",),
    "zoho assist": ("za_connect", "zohours", "zohoassist"),
}


@lru_cache(maxsize=16384)
def tool_of(text: str) -> str:
    """The tool that a program, a service or a person's words name; empty where it is none."""
    low = text.lower().replace(" ", "")
    return next(
        (
            tool
            for tool, words in TOOLS.items()
            if tool.replace(" ", "") in low or any(word in low for word in words)
        ),
        "",
    ) if low else ""  # fmt: skip
