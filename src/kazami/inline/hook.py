"""The kernel's rules that lead packets into the queue: one table or chain of our own, set up and taken away whole.

nftables where the kernel has its ``queue``, else iptables. Accepted packets go on to the machine's own filter rules: ours stand before them (mangle). What
is decided of a flow is kept as a mark of its connection, so that the kernel alone passes or drops the rest. Nobody at the queue means pass.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from kazami.errors import UsageError
from kazami.model.tenant import Network

#: Bits of marks, of packets and of connections: all of it passes, all of it is dropped.
PASSED, BLOCKED = 0x40000000, 0x80000000

#: Networks that the kernel itself spares, at most; the rest is spared a step later.
MOST_SPARED = 500

#: Seconds that a command may take.
PATIENCE = 30

FORWARD, LOCAL = ("forward",), ("input", "output")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be led into queue `number`: of `hooks`, the first `first` packets of a flow (0: all), but nothing of `spared`."""

    number: int
    hooks: Sequence[str] = FORWARD
    first: int = 20
    spared: Sequence[Network] = ()


@dataclass(frozen=True, slots=True)
class Hook:
    """What stands in the kernel; `way` is ``nft`` or ``iptables``, `missing` says what could not be had."""

    way: str
    number: int
    missing: str = ""

    def remove(self) -> None:
        """Take it away, all of it."""
        clean(self.number)


def place(wanted: Wanted) -> Hook:
    """Set up, after whatever an earlier run left was cleaned. Raises UsageError where the kernel can do neither."""
    clean(wanted.number)
    reasons = []
    if _program("nft"):
        try:
            _run(["nft", "-f", "-"], nft_text(wanted))
            return Hook("nft", wanted.number)
        except UsageError as error:
            reasons.append(str(error))
    missing = []
    for program, version in (("iptables-restore", 4), ("ip6tables-restore", 6)):
        try:
            _run([program, "--noflush"], iptables_text(wanted, version))
        except UsageError as error:
            missing.append(str(error))
    if len(missing) == 2:
        clean(wanted.number)
        raise UsageError(f"packets cannot be led here: {'; '.join([*reasons, *missing])}")
    return Hook("iptables", wanted.number, missing[0] if missing else "")


def clean(number: int) -> None:
    """Take away all of ours for queue `number`, of this run or of one that was killed; nothing else."""
    if _program("nft") and f"table inet {table(number)}" in _run(["nft", "list", "tables"]).splitlines():
        _run(["nft", "delete", "table", "inet", table(number)])
    for family in ("iptables", "ip6tables"):
        if _program(family) and _program(f"{family}-restore"):
            _clean(family, number)


def _clean(family: str, number: int) -> None:
    try:
        rules = _run([family, "-w", "-t", "mangle", "-S"]).splitlines()
    except UsageError:
        return  # a kernel without this family's table has nothing of ours in it
    name = chain(number)
    jumps = [f"-D{rule[2:]}" for rule in rules if rule.startswith("-A ") and rule.endswith(f" -j {name}")]
    if jumps or f"-N {name}" in rules:
        made = [f"-F {name}", f"-X {name}"] if f"-N {name}" in rules else []
        _run([f"{family}-restore", "--noflush"], "\n".join(["*mangle", *jumps, *made, "COMMIT", ""]))


def table(number: int) -> str:
    """The name of our table in nftables."""
    return f"kazami_inline_{number}"


def chain(number: int) -> str:
    """The name of our chain in iptables."""
    return f"KAZAMI_INLINE_{number}"


def nft_text(wanted: Wanted) -> str:
    """The table, as nft reads it."""
    lines = [f"table inet {table(wanted.number)} {{"]
    for hook in wanted.hooks:
        lines += [f"\tchain on_{hook} {{", f"\t\ttype filter hook {hook} priority mangle; policy accept;"]
        for network in wanted.spared[:MOST_SPARED]:
            family = "ip" if network.version == 4 else "ip6"
            lines += [f"\t\t{family} {end} {network} accept" for end in ("saddr", "daddr")]
        first = f"ct packets <= {wanted.first} " if wanted.first else ""
        lines += [
            f"\t\tct mark & {BLOCKED:#x} != 0 drop",
            f"\t\tmeta mark & {BLOCKED:#x} != 0 ct mark set ct mark | {BLOCKED:#x} drop",
            f"\t\tct mark & {PASSED:#x} != 0 accept",
            f"\t\tmeta mark & {PASSED:#x} != 0 ct mark set ct mark | {PASSED:#x} meta mark set meta mark & {~PASSED & 0xFFFFFFFF:#x} accept",
            f"\t\tmeta l4proto {{ tcp, udp }} {first}queue flags bypass to {wanted.number}",
            "\t}",
        ]
    return "\n".join([*lines, "}", ""])


def iptables_text(wanted: Wanted, version: int) -> str:
    """The chain and the jumps to it, as iptables-restore reads them."""
    name = chain(wanted.number)
    lines = ["*mangle", f":{name} - [0:0]"]
    for network in wanted.spared[:MOST_SPARED]:
        if network.version == version:
            lines += [f"-A {name} {end} {network} -j RETURN" for end in ("-s", "-d")]
    blocked, passed = f"{BLOCKED:#x}/{BLOCKED:#x}", f"{PASSED:#x}/{PASSED:#x}"
    lines += [
        f"-A {name} -m connmark --mark {blocked} -j DROP",
        f"-A {name} -m mark --mark {blocked} -j CONNMARK --set-xmark {blocked}",
        f"-A {name} -m mark --mark {blocked} -j DROP",
        f"-A {name} -m connmark --mark {passed} -j RETURN",
        f"-A {name} -m mark --mark {passed} -j CONNMARK --set-xmark {passed}",
        f"-A {name} -m mark --mark {passed} -j MARK --set-xmark 0x0/{PASSED:#x}",
        f"-A {name} -m connmark --mark {passed} -j RETURN",
    ]
    first = f"-m connbytes --connbytes 0:{wanted.first} --connbytes-dir both --connbytes-mode packets "
    for protocol in ("tcp", "udp"):
        lines.append(
            f"-A {name} -p {protocol} {first if wanted.first else ''}-j NFQUEUE --queue-num {wanted.number} --queue-bypass"
        )
    lines += [f"-I {hook.upper()} 1 -j {name}" for hook in wanted.hooks]
    return "\n".join([*lines, "COMMIT", ""])


def _program(name: str) -> str:
    return shutil.which(name, path=f"/usr/sbin:/sbin:{os.environ.get('PATH', '')}") or ""


def _run(command: Sequence[str], text: str = "") -> str:
    program = _program(command[0])
    if not program:
        raise UsageError(f"{command[0]} is not installed")
    try:
        done = subprocess.run(  # noqa: S603 - ours
            [program, *command[1:]], input=text, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{command[0]}: {error}") from error
    if done.returncode:
        raise UsageError(f"{command[0]}: {' '.join(done.stderr.split())[:300] or done.returncode}")
    return done.stdout
