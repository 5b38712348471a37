"""Blocks of a case: planned for each tenant out of its own data, carried out where somebody says so, undone, with every step in a log."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from kazami import plugins
from kazami.errors import UsageError
from kazami.intel import networks
from kazami.intel.remote import installed
from kazami.model.block import Block
from kazami.model.incident import Incident, Text
from kazami.model.result import FindingRow
from kazami.model.tenant import Directory
from kazami.pipeline import case_folder
from kazami.respond.block.allow import Allow
from kazami.respond.block.build import build
from kazami.respond.block.indicator import MOST_EVENTS, indicators
from kazami.respond.notify.log import Log
from kazami.respond.notify.sign import Signer
from kazami.store import incidents
from kazami.store.case import Case
from kazami.store.named import names_at
from kazami.store.read import events, findings

FOLDER, PLAN, LOG = "blocks", "plan.json", "log.jsonl"

#: Findings of one tenant that a plan looks at, the gravest first.
MOST = 20_000

_CLEARED = ("false positive", "benign", "test")

Told = tuple[Block, str, str, str, str]  # block, sink, place, state, what was said


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """A block that is in force: through which sink, at which place."""

    block: Block
    sink: str
    place: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What one folder or table holds together: tenant, sink, place."""
        return self.block.tenant, self.sink, self.place


def plan(
    case: Case,
    directory: Directory,
    *,
    least: str = "medium",
    hours: int = 0,
    tenant: str = "",
    now: datetime,
) -> list[Block]:
    """Write the plan into the case, and of each tenant what every sink would be given; nothing is blocked.

    With `tenant` what is planned for others stays as it is. Gives what was planned anew.
    """
    told = list(incidents.incidents(case))
    names = sorted({row["tenant"] for row in case.database.rows("SELECT DISTINCT tenant FROM finding")})
    made: list[Block] = []
    for name in names:
        if tenant in ("", name):
            made += _of_tenant(case, name, told, directory, least, hours)
    if tenant and tenant not in names:
        raise UsageError(f"{case.path}: no findings of tenant {tenant!r}")
    with case_folder.alone(case.path, FOLDER) as folder:
        _shown(folder, made, now)
        kept = (
            [one for one in planned(case.path) if one.tenant != tenant]
            if tenant and (folder / PLAN).exists()
            else []
        )
        content = msgspec.json.encode(sorted([*kept, *made], key=lambda one: one.tenant))
        half = folder / f"{PLAN}.part"
        half.write_bytes(msgspec.json.format(content, indent=1))
        half.replace(folder / PLAN)
    return made


def _of_tenant(
    case: Case, name: str, told: Sequence[Incident], directory: Directory, least: str, hours: int
) -> list[Block]:
    """Blocks of one tenant: nothing of another comes into this function."""
    severities, cleared = _members(case, name, told)
    rows = [
        (row, severities.get(row["finding_uid"], ""))
        for row in findings(
            case,
            tenant=name,
            levels=("medium", "high", "critical"),
            limit=MOST,
            order="level",
            counted=True,
        )
        if row["finding_uid"] not in cleared
    ]
    found = indicators(name, rows, _events(case, name, rows), directory.tenant(name).networks)
    counts = names_at(case, name, [one.value for one in found if one.kind == "address"])
    found = [dataclasses.replace(one, names=counts.get(one.value, 0)) for one in found]
    return build(found, allow(directory, name), least=least, hours=hours, owner=_lender())


def _lender() -> Callable[[str], str]:
    """Who lends an address to many, or to whoever is at home just then, by the networks that the user installed."""
    owners = networks.installed()

    def lender(address: str) -> str:
        owner = owners.at(address) if owners else None
        return str(owner) if owner and (owner.lends or owner.kind == "consumer") else ""

    return lender


def _members(case: Case, name: str, told: Sequence[Incident]) -> tuple[dict[str, str], set[str]]:
    """Severities of the incidents that findings are in; and the findings that a person cleared."""
    of = {one.incident_uid: one for one in told if one.tenant == name}
    severities, cleared = {}, set()
    for row in incidents.members(case).to_pylist():
        one = of.get(row["incident_uid"])
        if one is not None and one.verdict in _CLEARED:
            cleared.add(row["finding_uid"])
        elif one is not None:
            severities[row["finding_uid"]] = one.severity
    return severities, cleared


def _events(case: Case, name: str, rows: Iterable[tuple[FindingRow, str]]) -> dict[str, dict[str, Any]]:
    uids = {uid for row, _ in rows for uid in row["event_uids"][:MOST_EVENTS]}
    return {uid: one for uid, one in events(case, uids).items() if one.get("tenant") == name}


def allow(directory: Directory, tenant: str) -> Allow:
    """What is spared for `tenant`; with the domains of the remote-management tools that were agreed on, where LOLRMM is installed."""
    wanted = {tool.lower() for tool in directory.tenant(tenant).tools}
    domains = [one for tool in installed() or () if tool.name.lower() in wanted for one in tool.domains]
    return Allow(directory, tenant, tuple(domains))


def sinks() -> dict[str, plugins.Sink]:
    """Those that load, by name."""
    return {one.name: one.object for one in plugins.discover(plugins.SINKS) if one.object is not None}


def _shown(folder: Path, blocks: Sequence[Block], now: datetime) -> None:
    """What each sink would be given, to be read before anything is done."""
    for name in sorted({one.tenant for one in blocks}):
        own = [one for one in blocks if one.tenant == name and not one.refused and not one.warning]
        for sink, way in sinks().items():
            texts = way.plan(name, [one for one in own if way.takes(one)], now)
            place = folder / hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16] / sink
            place.mkdir(parents=True, exist_ok=True)
            for file, text in texts.items():
                (place / file).write_text(text, "utf-8")


def planned(case: Path) -> list[Block]:
    """The plan of a case. Raises UsageError where there is none, or it is broken."""
    path = case / FOLDER / PLAN
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Block])
    except FileNotFoundError as error:
        raise UsageError(f"{case}: no blocks are planned: kazami block plan {case}") from error
    except (OSError, msgspec.MsgspecError) as error:
        raise UsageError(f"{path}: is no plan: {error}") from error


def standing(case: Path, public: str = "") -> list[Standing]:
    """What is in force by the log, those that are over as well; with `public` the log is checked for that key.

    What was begun and of which nobody said how it ended may be in force: then it counts.
    """
    found: dict[tuple[str, str, str], Standing] = {}
    begun: dict[tuple[str, str, str], Standing] = {}
    for line in Log(case / FOLDER / LOG, public).lines():
        key = (line["block"], line["sink"], line["place"])
        if line["state"] in ("begun", "blocked"):
            states = begun if line["state"] == "begun" else found
            states[key] = Standing(_logged(line), line["sink"], line["place"])
        elif line["state"] in ("undone", "over"):
            found.pop(key, None)
        if line["state"] not in ("begun", "not undone"):
            begun.pop(key, None)
    return list((found | begun).values())


def apply(
    case: Path,
    directory: Directory,
    signer: Signer,
    *,
    sink: str,
    place: str,
    now: datetime,
    tenant: str = "",
    shared: bool = False,
    enforce: bool = False,
) -> Iterator[Told]:
    """Carry out one tenant's plan through `sink` at `place`; without `enforce` nothing is done and nothing is logged.

    Those with a warning are carried out with `shared` only. What is spared is looked up again: who was listed since is not blocked.
    """
    way, place = _way(sink, place)
    with _alone(case, enforce):
        blocks = planned(case)
        tenant = tenant or _only([one.tenant for one in blocks], case)
        mine = [one for one in blocks if one.tenant == tenant]
        before = [one for one in standing(case, signer.public) if one.key == (tenant, sink, place)]
        if not before and not mine:
            raise UsageError(f"{case}: nothing is planned for tenant {tenant!r}")
        asked = allow(directory, tenant)
        fresh, left = _sorted_out(mine, way, asked, shared, now)
        yield from ((one, sink, place, state, why) for one, state, why in left)
        if enforce:
            yield from _carried_out(case, signer, way, (tenant, sink, place), before, fresh, asked, now)
        else:
            yield from ((one, sink, place, "would be blocked", "") for one in fresh)


def _sorted_out(
    blocks: Sequence[Block], way: plugins.Sink, asked: Allow, shared: bool, now: datetime
) -> tuple[list[Block], list[tuple[Block, str, str]]]:
    """What is to be carried out, until when; and what is not, with its state and why."""
    fresh, left = [], []
    for block in blocks:
        why = block.refused or asked.never(block.kind, block.value)
        if why or (block.warning and not shared) or not way.takes(block):
            state = "not blocked" if why else "held back" if way.takes(block) else "not for this sink"
            left.append((block, state, (why or block.warning or Text("", "")).en))
        else:
            fresh.append(dataclasses.replace(block, until=now + timedelta(seconds=block.seconds)))
    return fresh, left


def _carried_out(
    case: Path,
    signer: Signer,
    way: plugins.Sink,
    where: tuple[str, str, str],
    before: Sequence[Standing],
    fresh: Sequence[Block],
    asked: Allow,
    now: datetime,
) -> Iterator[Told]:
    """Make the sink hold `fresh` and what is in force; that it begins is in the log before it does, so that an undo knows of it whatever comes."""
    tenant, sink, place = where
    again = {one.block_uid for one in fresh}
    rest = [one.block for one in before if one.block.block_uid not in again]
    over = [one for one in rest if _is_over(one, now)]
    spared = [one for one in rest if not _is_over(one, now) and asked.never(one.kind, one.value)]
    gone = {one.block_uid for one in (*over, *spared)}
    kept = [one for one in rest if one.block_uid not in gone]
    log = Log(case / FOLDER / LOG, signer.public)
    log.extend(signer, [_line(now, one, sink, place, "begun", "") for one in fresh])
    done, said = _done(way.apply, tenant, [*kept, *fresh], place, now)
    told = [(one, "blocked" if done else "failed") for one in fresh]
    told += [(one, "over" if one in over else "undone") for one in (*over, *spared) if done]
    log.extend(signer, [_line(now, one, sink, place, state, said) for one, state in told])
    yield from ((one, sink, place, state, said) for one, state in told if state != "over")


def undo(
    case: Path,
    signer: Signer,
    *,
    now: datetime,
    tenant: str = "",
    sink: str = "",
    place: str = "",
    block: str = "",
    expired: bool = False,
    enforce: bool = False,
) -> Iterator[Told]:
    """Take back what is in force and asked for: of a tenant, a sink, a place, one block, or all that is over."""
    groups: dict[tuple[str, str, str], list[Block]] = defaultdict(list)
    with _alone(case, enforce):
        for one in standing(case, signer.public):
            groups[one.key].append(one.block)
        for (name, through, where), blocks in groups.items():
            if (tenant and tenant != name) or (sink and sink != through):
                continue
            way, target = _way(through, place or where)
            gone = [
                one
                for one in blocks
                if one.block_uid.startswith(block) and (_is_over(one, now) or not expired)
            ]
            if target == where and gone:
                if enforce:
                    yield from _taken_back(case, signer, way, (name, through, where), blocks, gone, now)
                else:
                    yield from ((one, through, where, "would be undone", "") for one in gone)


def _taken_back(
    case: Path,
    signer: Signer,
    way: plugins.Sink,
    where: tuple[str, str, str],
    blocks: Sequence[Block],
    gone: Sequence[Block],
    now: datetime,
) -> Iterator[Told]:
    """Make the sink hold `blocks` without those that go; what is over goes with them."""
    tenant, sink, place = where
    leave = {one.block_uid for one in gone}
    rest = [one for one in blocks if one.block_uid not in leave]
    gone = [*gone, *(one for one in rest if _is_over(one, now))]
    kept = [one for one in rest if not _is_over(one, now)]
    done, said = _done(way.undo, tenant, kept, place, now)
    state = "undone" if done else "not undone"
    Log(case / FOLDER / LOG, signer.public).extend(
        signer, [_line(now, one, sink, place, state, said) for one in gone]
    )
    yield from ((one, sink, place, state, said) for one in gone)


def status(case: Path, now: datetime) -> Iterator[Told]:
    """All that is planned, with where it is in force; and what is in force and no longer planned."""
    found: dict[str, list[Standing]] = defaultdict(list)
    for one in standing(case):
        found[one.block.block_uid].append(one)
    lost = found and not (case / FOLDER / PLAN).exists()  # what is in force is what the log says
    plans = {} if lost else {one.block_uid: one for one in planned(case)}
    for uid, block in plans.items():
        if uid not in found:
            state = "not blocked" if block.refused else "held back" if block.warning else "planned"
            yield block, "", "", state, (block.refused or block.warning or Text("", "")).en
    for some in found.values():
        for one in some:
            state = "over" if _is_over(one.block, now) else "in force"
            yield one.block, one.sink, one.place, state, ""


def difference(case: Path, told: Sequence[Told], now: datetime) -> list[str]:
    """How the files of a folder would change by what `apply` says would be blocked: lines as diff writes them."""
    fresh = [one for one, _, _, state, _ in told if state == "would be blocked"]
    if not fresh:
        return []
    _, sink, place, _, _ = told[-1]
    way, tenant = sinks()[sink], fresh[0].tenant
    again = {one.block_uid for one in fresh}
    kept = [one.block for one in standing(case) if one.key == (tenant, sink, place)]
    kept = [one for one in kept if one.block_uid not in again and not _is_over(one, now)]
    lines: list[str] = []
    for name, text in way.plan(tenant, [*kept, *fresh], now).items():
        path = Path(place) / name
        old = path.read_text("utf-8", "replace") if path.is_file() else ""
        lines += difflib.unified_diff(old.splitlines(), text.splitlines(), name, name, n=0, lineterm="")
    return lines


def _alone(case: Path, enforce: bool) -> contextlib.AbstractContextManager[object]:
    """Who changes something is the only one; who only asks need not wait."""
    return case_folder.alone(case, FOLDER) if enforce else contextlib.nullcontext()


def _way(sink: str, place: str) -> tuple[plugins.Sink, str]:
    known = sinks()
    if sink not in known:
        raise UsageError(f"there is no sink {sink!r}; known: {', '.join(sorted(known))}")
    way = known[sink]
    if not getattr(way, "FOLDER", True):
        return way, place or "-"
    if not place:
        raise UsageError(f"sink {sink} needs a folder: --to DIR")
    return way, str(Path(place).resolve())


def _done(step: Any, tenant: str, blocks: Sequence[Block], place: str, now: datetime) -> tuple[bool, str]:
    try:
        return True, str(step(tenant, blocks, Path(place), now))
    except UsageError as error:
        return False, str(error)


def _only(names: Sequence[str], case: Path) -> str:
    found = sorted(set(names))
    if len(found) > 1:
        raise UsageError(f"{case}: the plan has {len(found)} tenants; name one: --tenant {found[0]}")
    return found[0] if found else ""


def _is_over(block: Block, now: datetime) -> bool:
    return block.until is not None and block.until <= now


def _line(now: datetime, block: Block, sink: str, place: str, state: str, said: str) -> dict[str, str]:
    return {
        "time": now.isoformat(timespec="seconds"),
        "block": block.block_uid,
        "tenant": block.tenant,
        "kind": block.kind,
        "value": block.value,
        "confidence": block.confidence,
        "findings": " ".join(block.findings),
        "reason": block.reason.en,
        "reason_ja": block.reason.ja,
        "until": block.until.isoformat() if block.until else "",
        "sink": sink,
        "place": place,
        "state": state,
        "said": said,
        "undo": f"kazami block undo CASE --block {block.block_uid} --sink {sink} --enforce",
    }


def _logged(line: dict[str, Any]) -> Block:
    until = datetime.fromisoformat(line["until"]).astimezone(UTC)
    seconds = max(1, round((until - datetime.fromisoformat(line["time"])).total_seconds()))
    return Block(
        line["block"], line["tenant"], line["kind"], line["value"], line["confidence"], seconds,
        tuple(line["findings"].split()), Text(line["reason"], line["reason_ja"]), until=until,
    )  # fmt: skip
