"""A SYN of an embedded Linux under a program that runs on Windows: who speaks TCP is not who speaks above it.

After p0f (Zalewski, 2012): the order of TCP's options and the time to live tell the stack. A router that only translates addresses leaves both as they are; a relay in a program of its own
makes new connections with its own. Proxies of companies, VPN services and virtual machines behind a user's network do the same, which is why this alone says little.
"""

from __future__ import annotations

_LINUX = ("MSTNW", "MNNSNW", "MSTNWNN")
_WINDOWS = ("MNWNNS", "MNNS", "MNWNNTNNS", "MNWSTNN")
_WEIGHT = 0.35


def system(signature: str) -> str:
    """``linux``, ``windows`` or ``""``, by a signature as a flow has it (`sources.network.capture.handshake`)."""
    parts = signature.split(":")
    if len(parts) != 5 or not parts[0].isdecimal():
        return ""
    alive, layout = int(parts[0]), parts[4].rstrip("EN") if parts[4].endswith("E") else parts[4]
    if layout in _LINUX and alive <= 64:
        return "linux"
    return "windows" if layout in _WINDOWS and 64 < alive <= 128 else ""


def mismatch(signature: str, agent: str) -> tuple[float, str] | None:
    """How much it says that `agent`, which runs on Windows, came in a connection with this SYN; None where they fit."""
    if system(signature) != "linux":
        return None
    size = signature.split(":")[2]
    line = ", over PPPoE" if size in ("1452", "1412", "1440", "1448") else ""
    return _WEIGHT, f"a SYN of Linux ({signature}{line}) under {agent[:120]}"
