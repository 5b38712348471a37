"""Blocks in this machine's kernel, now: the table of `nftables`, handed to ``nft -f -`` as one step. Needs root.

The kernel itself ends what is too old. The machine's own gateways and name servers pass first, and who is logged on to it over SSH. `place` names a network namespace (``ip netns``), or ``-`` for the machine's own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from kazami.errors import UsageError
from kazami.model.block import Block
from kazami.respond.block import nftables, own
from kazami.respond.block.nftables import plan, takes

__all__ = ["apply", "plan", "takes", "undo"]

#: What `place` means: no folder.
FOLDER = False

#: Seconds that nft may take.
PATIENCE = 60


def apply(tenant: str, blocks: Sequence[Block], place: Path, now: datetime) -> str:
    """Make the table what `blocks` say. Raises UsageError where nft is not there or refuses; then all is as before."""
    here = str(place) in ("-", ".")
    commands = nftables.text(tenant, blocks, now, own.addresses() if here else ())
    nft(["-f", "-"], commands, "" if here else str(place))
    return f"table inet {nftables.table(tenant)}{'' if blocks else ': removed'}"


undo = apply


def nft(arguments: Sequence[str], text: str = "", namespace: str = "") -> str:
    """Run nft; what it says. Raises UsageError where it is not there or fails."""
    program = shutil.which("nft", path=f"/usr/sbin:/sbin:{os.environ.get('PATH', '')}")
    if program is None:
        raise UsageError("nft is not installed: apt install nftables")
    within = ["ip", "netns", "exec", namespace] if namespace else []
    try:
        done = subprocess.run([*within, program, *arguments], input=text, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603 - ours  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"nft: {error}") from error
    if done.returncode:
        raise UsageError(f"nft: {' '.join(done.stderr.split())[:300] or f'exit code {done.returncode}'}")
    return done.stdout
