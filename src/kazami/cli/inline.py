"""``kazami inline``: looks at connections as they begin, and cuts those that prove to be a remote access tool's."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kazami.cli.block import Least
from kazami.cli.exit_code import DONE
from kazami.cli.notify import KeyFile, TenantsFile, signer
from kazami.cli.rows import line
from kazami.cli.terminal import out
from kazami.errors import UsageError
from kazami.respond.text import safe

if TYPE_CHECKING:
    from kazami.detect.network.suricata.tap import RuleTap
    from kazami.inline.hook import Hook
    from kazami.inline.watch import Cut
    from kazami.model.tenant import Directory, Network
    from kazami.respond.notify.log import Log
    from kazami.respond.notify.sign import Signer


def inline(
    block: Annotated[
        bool, typer.Option("--block", help="Drop what is proven; without it only tell.")
    ] = False,
    queue: Annotated[int, typer.Option(min=0, max=65535, help="Number of the queue.")] = 1789,
    local: Annotated[
        bool, typer.Option("--local", help="This machine's own connections, not what it forwards.")
    ] = False,
    first: Annotated[
        int, typer.Option(min=4, max=1000, help="Packets of each flow that are looked at.")
    ] = 20,
    every: Annotated[bool, typer.Option("--every", help="Look at every packet.")] = False,
    rules: Annotated[
        list[Path] | None, typer.Option("--rules", help="Suricata rules, a file or folder; may be repeated.")
    ] = None,
    confidence: Annotated[Least, typer.Option(help="Drop from this confidence on.")] = Least.high,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", help="Address or network that is never cut; may be repeated."),
    ] = None,
    tenants: TenantsFile = None,
    tenant: Annotated[str, typer.Option("--tenant", help="Whose line this is.")] = "default",
    log: Annotated[Path | None, typer.Option("--log", help="Log (default: the user's).")] = None,
    key: KeyFile = None,
    seconds: Annotated[float, typer.Option(min=0, help="Stop after so many; 0 means never.")] = 0.0,
    clean: Annotated[bool, typer.Option("--clean", help="Only take away what a killed run left.")] = False,
) -> int:
    """Look at connections on the line: tell, or drop, what proves to be a remote access tool. Needs root, and Linux."""
    from kazami.inline import hook
    from kazami.inline.run import Stop, run
    from kazami.inline.watch import Watch

    if clean:
        hook.clean(queue)
        return DONE
    who = _directory(tenants, allow or [])
    told = _Teller(_log(log), signer(key), tenant)
    watch = Watch(
        told.tell, block=block, exempt=_exempt(who, tenant), least=confidence.value, rules=_rules(rules or [])
    )
    hooks = hook.LOCAL if local else hook.FORWARD
    wanted = hook.Wanted(queue, hooks, 0 if every else first, _spared(who, tenant))
    stop = Stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: setattr(stop, "wanted", True))
    began = time.process_time()
    guard = (sys.executable, "-m", "kazami.cli.guard")
    run(
        watch,
        wanted,
        stop,
        guard=guard,
        ready=lambda placed: _ready(placed, block),
        after=told.flush,
        seconds=seconds,
    )
    sys.stderr.write(
        f"{watch.packets:,} packets, {watch.bytes:,} bytes, {watch.flows:,} flows seen; {told.count:,} told, "
        f"{watch.dropped:,} packets dropped here; {time.process_time() - began:.2f} s of the processor\n"
    )
    return DONE


class _Teller:
    """Says what was cut: a line of JSON at once, and a line of the log behind the handful of packets it was among."""

    def __init__(self, log: Log, signer: Signer, tenant: str) -> None:
        self._log, self._signer, self._tenant = log, signer, tenant
        self._waiting: list[dict[str, str]] = []
        self._lost = False
        self.count = 0

    def tell(self, cut: Cut) -> None:
        """Take one."""
        self.count += 1
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        said = {"time": now, "tenant": self._tenant, **cut.fields()}
        self._waiting.append(said)

    def flush(self) -> None:
        """Say and keep what waits. A log that cannot be written ends nothing: then only what is said tells of it."""
        if not self._waiting:
            return
        said, self._waiting = self._waiting, []
        stream = out()
        stream.write("".join(line(one) + "\n" for one in said))
        stream.flush()
        try:
            self._log.extend(self._signer, said)
        except (OSError, UsageError) as error:
            if not self._lost:
                sys.stderr.write(
                    f"kazami inline: not in the log, until it can be written again: {safe(str(error))}\n"
                )
            self._lost = True
        else:
            self._lost = False


def _rules(paths: list[Path]) -> RuleTap | None:
    """The rules as they run in the way of the packets. Raises UsageError where none does."""
    if not paths:
        return None
    from kazami.config import load
    from kazami.detect.network.suricata.inspector import Options
    from kazami.detect.network.suricata.tap import RuleTap
    from kazami.pipeline import wire_rules

    if missing := [path for path in paths if not path.exists()]:
        raise UsageError(f"{missing[0]}: no such rule file or folder")
    named = wire_rules.of(paths, load())
    loaded = wire_rules.load(*named)
    if not loaded.running:
        reason = f": {loaded.left[0].reason}" if loaded.left else ""
        raise UsageError(f"{', '.join(map(str, paths))}: no rule of these runs{reason}")
    if loaded.left:
        sys.stderr.write(
            f"kazami inline: {len(loaded.left):,} rules do not run (kazami rules check says why)\n"
        )
    return RuleTap(loaded.running, Options(inline=True), wire_rules.plan(*named))


def _ready(placed: Hook, block: bool) -> None:
    what = "drops" if block else "tells, and drops nothing (--block drops),"
    sys.stderr.write(f"kazami inline: {what} what is proven; over {placed.way}, queue {placed.number}\n")
    if placed.missing:
        sys.stderr.write(f"kazami inline: not everything is seen: {placed.missing}\n")
    sys.stderr.flush()


def _directory(path: Path | None, allowed: list[str]) -> Directory:
    """Who the tenants are, with what the command line spares."""
    from dataclasses import replace
    from ipaddress import ip_network

    from kazami.tenants import find

    who = find(path)
    try:
        networks = tuple(ip_network(text.strip()) for text in allowed)
    except ValueError as error:
        raise UsageError(f"--allow: {error}") from error
    never = replace(who.spared.never, networks=(*who.spared.never.networks, *networks))
    return replace(who, spared=replace(who.spared, never=never))


def _spared(who: Directory, tenant: str) -> list[Network]:
    """Networks with which no conversation is cut: the kernel spares them, so that they cost nothing."""
    places = [one for spared in (who.spared, who.tenant(tenant).spared)
              for one in (spared.gateways, spared.resolvers, spared.never)]  # fmt: skip
    listed = [network for one in places for network in one.networks]
    return list(dict.fromkeys([*listed, *who.provider.sources, *who.provider.two_way]))


def _exempt(who: Directory, tenant: str) -> Callable[[str], str]:
    from functools import lru_cache

    from kazami.respond.block.allow import Allow

    allow = Allow(who, tenant)

    @lru_cache(1 << 14)
    def exempt(place: str) -> str:
        why = allow.exempt(place)
        return why.en if why else ""

    return exempt


def _log(path: Path | None) -> Log:
    import platformdirs

    from kazami.respond.notify.log import Log

    path = path or Path(platformdirs.user_data_dir("kazami")) / "inline.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    log = Log(path)
    for _ in log.lines():  # what does not hold together is said now, not at the first that is cut
        pass
    return log
