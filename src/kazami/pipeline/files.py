"""What no source reads, looked inside: files, mails and members of archives that are among the evidence of a scan.

A file in which something is suspicious becomes an event of the table ``file_inspection`` for each artifact that says so, and each
proof that counts a finding on it. Name and hashes are those of the file that a disk would hold, what carried it, when and to whom a mail brought it and
which machine it calls are fields of their own, so that incidents tie it to where the same file was seen and the same machine was called
(`detect.sighting`). What nothing speaks against is only noted beside the evidence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid5

import orjson
import pyarrow as pa

from kazami.config import Settings
from kazami.correlate.entity import address, domain
from kazami.detect.content.identify import HEAD, kind, kinds
from kazami.detect.content.lineage import Lineage, lineage
from kazami.detect.content.mail import LEARNED
from kazami.detect.network.assertion import asserted
from kazami.detect.sighting import CARRIED, SENT
from kazami.intel.shelf import attack
from kazami.model.content import Inspection, Limits, Looked, Proof
from kazami.model.event import LogSource, Route
from kazami.model.evidence import Evidence
from kazami.model.finding import level_rank
from kazami.model.result import EvidenceRow
from kazami.model.rule import RuleInfo
from kazami.pipeline import carved, emulated, made_events, yara_rules
from kazami.pipeline.carved import Passing
from kazami.pipeline.inspect import Submission, Wish, inspect
from kazami.pipeline.rarity import marked, memory_of
from kazami.sources import walk
from kazami.store import correspondents, memories, segment
from kazami.store.case import Case
from kazami.store.lists import evidence_rows
from kazami.store.run import Run

ROUTE = Route("file_inspection", (LogSource(None, "file_inspection", None),))

#: Families of content that nobody needs to look inside of when a folder holds a million of them.
_PLAIN = frozenset(("picture", "font", "movie"))
_TOLD = frozenset(("suspicious", "malicious"))
_NAMESPACE = UUID("5c8a4d4e-6f52-5b0b-9a39-2f7a9d0b6c11")
_BY_MAIL = ("attack.initial-access", "attack.t1566.001")
_FLOW = ("src_ip", "dest_ip", "uid")
_FIELDS = (
    "TargetFilename", "Hashes", "FileKind", "Place", "Container", "Verdict", "Score", CARRIED, SENT, "MailFrom", "MailTo", "MailSubject",
    "DestinationHostname", "DestinationIp", *_FLOW,
)  # fmt: skip
_Row = tuple[EvidenceRow | Passing, Inspection, Looked, list[Proof]]
_CALLED = re.compile(r"(?:(?:https?|ftp|file)://|\\\\)([^\s/\\:@\"'<>?#]{4,253})", re.IGNORECASE)
_BATCH = 200  # inspections that share a commit


def look_inside(
    case: Case,
    run: Run,
    files: Sequence[walk.File],
    settings: Settings,
    workers: int,
    yara: Sequence[Path] = (),
    packs: Sequence[str] | None = None,
) -> list[str]:
    """Look inside all that no source read among `files`; gives notes for people. What was known stays known.

    `yara` are files and folders of rules beside those of the settings, `packs` those that are used.
    """
    rows = _open(case, files)
    passed = carved.passings(case)
    if not rows and not passed:
        return carved.forget(case)
    told = yara_rules.content(settings, yara, packs) | (
        emulated.content(settings, packs) if settings.emulate else {}
    )
    wish = Wish(
        emulated.limits(settings, settings.emulate),
        settings.passwords,
        told,
        emulate=settings.emulate,
        cache=settings.cache,
        seen=correspondents.known(case),
    )
    by_name = _by_submission(rows, files, wish.limits)
    counts = {"suspicious": 0, "malicious": 0, "incomplete": 0}
    waiting: list[tuple[list[EvidenceRow], Inspection]] = []
    recall = lru_cache(64)(partial(memory_of, memories.default()))
    learned: dict[str, set[str]] = {}
    tasks = _submissions(files, by_name, wish.limits)
    for found in inspect(tasks, wish, workers=max(1, min(workers, len(by_name)))):
        tenant, _, name = found.name.partition("\0")
        found = marked(replace(found, name=name), recall(tenant))
        _learn(found, learned.setdefault(tenant, set()))
        counts[found.verdict.word] = counts.get(found.verdict.word, 0) + 1
        waiting.append((by_name[name, tenant], found))
        if len(waiting) >= _BATCH:
            _store(case, run, waiting)
            waiting = []
    _store(case, run, waiting)
    correspondents.remember(case, learned)
    for word, count in _carved(case, run, passed, wish, workers).items():
        counts[word] = counts.get(word, 0) + count
    said = ", ".join(
        f"{counts[word]:,} {word}" for word in ("malicious", "suspicious", "incomplete") if counts[word]
    )
    notes = [f"looked inside {sum(counts.values()):,} files that hold no events: {said}"] if said else []
    return [*notes, *carved.forget(case), *yara_rules.notes(told)]


def _carved(case: Case, run: Run, passed: list[Passing], wish: Wish, workers: int) -> Counter[str]:
    """Look inside what passed in captures: how many there are of each verdict."""
    counts: Counter[str] = Counter()
    at: dict[tuple[str, str], list[Passing]] = {}
    for one in passed:
        at.setdefault((one.tenant, one.sha256), []).append(one)
    for found in inspect(carved.submissions(case, passed), wish, workers=max(1, min(workers, len(at)))):
        tenant, _, name = found.name.partition("\0")
        counts[found.verdict.word] += 1
        rows = [
            (one, replace(found, name=one.place), looked, proofs)
            for one in at[tenant, found.sha256]
            for looked, proofs in _telling(replace(found, name=name))
        ]
        if rows:
            _tell(case, run, rows, [])
    return counts


def _learn(found: Inspection, domains: set[str]) -> None:
    """Whom mails came from that nothing speaks against: the next scan knows them."""
    bad = {proof.sha256 for proof in found.verdict.proofs if proof.weight > 0}
    for one in found.looked:
        if one.sha256 not in bad and one.parent not in bad:
            domains.update(
                word.removeprefix(f"{LEARNED} ") for word in one.learned if word.startswith(f"{LEARNED} ")
            )


def _open(case: Case, files: Sequence[walk.File]) -> list[EvidenceRow]:
    """Evidence of `files`, and of archives among them, that no source has read."""
    named = {walk.named(file.path) for file in files}
    return [
        row
        for row in evidence_rows(case)
        if row.state == "skipped" and row.size and (row.name in named or _outer(row.name, named))
    ]


def _outer(name: str, named: set[str]) -> str:
    """The file in which a member lies."""
    end = name.find("!")
    while end >= 0:
        if name[:end] in named:
            return name[:end]
        end = name.find("!", end + 1)
    return ""


#: Rows of evidence by name and tenant of what is looked at as one: a file, an archive as a whole, or one member of a large one.
_Rows = dict[tuple[str, str], list[EvidenceRow]]


def _by_submission(rows: Sequence[EvidenceRow], files: Sequence[walk.File], limits: Limits) -> _Rows:
    """An archive that is small enough is looked at whole, because what lies beside each other in it says something."""
    whole = {walk.named(file.path) for file in files if file.size <= limits.file}
    named = {walk.named(file.path) for file in files}
    found: _Rows = {}
    for row in rows:
        outer = _outer(row.name, named)
        name = outer if outer in whole else row.name
        found.setdefault((name, row.tenant), []).append(row)
    return found


def _submissions(files: Sequence[walk.File], rows: _Rows, limits: Limits) -> Iterator[Submission]:
    """By their path; members of large archives by their bytes, unpacked as the scan did. The tenant goes before the name."""
    names = {walk.named(file.path) for file in files}
    holders = {(_outer(name, names), tenant) for name, tenant in rows}
    for file in files:
        name = walk.named(file.path)
        if (name, file.tenant) in rows:
            path = Path(file.path)
            if _worth(name, _head(path)):
                yield Submission(f"{file.tenant}\0{name}", path, size=file.size)
        elif (name, file.tenant) in holders:
            yield from _members(file, rows, limits)


def _members(file: walk.File, rows: _Rows, limits: Limits) -> Iterator[Submission]:
    for found in walk.expand(file):
        if isinstance(found, Evidence) and (found.name, file.tenant) in rows:
            with found.open() as stream:
                data = stream.read(limits.file + 1)
            if _worth(found.name, data[:HEAD]):
                yield Submission(f"{file.tenant}\0{found.name}", data=data, size=found.size)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""


def _worth(name: str, head: bytes) -> bool:
    return bool(head) and kinds()[kind(head, name)].family not in _PLAIN


def _store(case: Case, run: Run, inspected: list[tuple[list[EvidenceRow], Inspection]]) -> None:
    """Events, findings and notes of what was looked at."""
    rows = [(given[0], found, one, proofs) for given, found in inspected for one, proofs in _telling(found)]
    notes = [replace(row, note=_note(found)) for given, found in inspected for row in given]
    if not rows:
        run.commit(evidence=notes)
        return
    _tell(case, run, rows, notes)


def _tell(case: Case, run: Run, rows: Sequence[_Row], notes: list[EvidenceRow]) -> None:
    ways = [lineage(found, one) for _, found, one, _ in rows]
    batch = _events(rows, ways)
    pairs = []
    for at, ((_, found, one, proofs), way) in enumerate(zip(rows, ways, strict=True)):
        mail = way.mail
        brought = bool(mail) and not one.about
        pairs += [(at, _rule(proof, brought=brought), _matched(found, proof, mail)) for proof in proofs]
    run.learn([rule for _, rule, _ in pairs])
    run.commit(
        segments=segment.write(Path(case.root), [batch]), findings=asserted(batch, pairs), evidence=notes
    )


def _note(found: Inspection) -> str:
    verdict = found.verdict
    why = "; ".join(dict.fromkeys(p.title for p in verdict.proofs if p.counts and p.weight)) or "; ".join(
        dict.fromkeys(gap.reason for gap in verdict.gaps)
    )
    return f"looked inside: {verdict.word}{f' ({why[:300]})' if why else ''}"


def _telling(found: Inspection) -> Iterator[tuple[Looked, list[Proof]]]:
    """Artifacts of a suspicious submission with the proofs that count on them."""
    if found.verdict.word not in _TOLD:
        return
    counted = [p for p in found.verdict.proofs if p.counts and level_rank(p.level) > 0]
    seen = set()
    for one in found.looked:
        proofs = [p for p in counted if p.sha256 == one.sha256 and p.place.startswith(one.place)]
        if proofs and one.sha256 not in seen:
            seen.add(one.sha256)
            yield one, proofs


def _events(rows: Sequence[_Row], ways: Sequence[Lineage]) -> pa.RecordBatch:
    made = []
    for number, ((row, found, one, proofs), way) in enumerate(zip(rows, ways, strict=True)):
        file, mail = way.file, way.mail
        fields = {
            "TargetFilename": file.name,
            "Hashes": _hashes(file),
            "FileKind": one.kind,
            "Place": one.place,
            "Container": found.name,
            "Verdict": found.verdict.word,
            "Score": str(found.verdict.score),
            CARRIED: orjson.dumps(
                [[each.name, each.sha256, each.sha1, each.md5] for each in way.carried]
            ).decode(),
            SENT: mail.get("sent"),
            "MailFrom": mail.get("from"),
            "MailTo": mail.get("to"),
            "MailSubject": mail.get("subject"),
            **_called(proofs),
            **(_flow(row) if isinstance(row, Passing) else dict.fromkeys(_FLOW)),
        }
        raw = orjson.dumps(fields | {"Proofs": [f"{p.rule}: {p.value}" for p in proofs]}).decode()
        envelope = {
            "event_uid": sha256("\0".join((row.tenant, found.name, one.sha256, one.place)).encode("utf-8", "surrogatepass")).hexdigest()[:32],
            "tenant": row.tenant,
            "evidence": row.evidence if isinstance(row, Passing) else row.uid,
            "record": number + 1,
            "raw": raw,
            "time": datetime.fromisoformat(mail["sent"]) if "sent" in mail else None,
            "user": mail.get("to", "").partition(" ")[0] or None,
            **({"time": row.time, "host": row.host} if isinstance(row, Passing) else {}),
        }  # fmt: skip
        made.append(envelope | fields)
    return made_events.batch(ROUTE, _FIELDS, made)


def _called(proofs: Sequence[Proof]) -> dict[str, str | None]:
    """The machine that the first address in what was seen names: what ties it to whoever called the same one."""
    found = next((match[1] for proof in proofs if (match := _CALLED.search(proof.value))), "")
    return {
        "DestinationHostname": domain(found) or None,
        "DestinationIp": address(found) or None,
    }


def _flow(one: Passing) -> dict[str, str]:
    """Who sent it to whom: what ties it to hosts."""
    return dict(zip(_FLOW, (one.sender, one.receiver, one.flow), strict=True))


def _hashes(one: Looked) -> str:
    """As sensors write them, so that rules on the hash of imports match as well."""
    imports = next((f",IMPHASH={f.value.upper()}" for f in one.features if f.name == "pe.imphash"), "")
    return f"SHA256={one.sha256},SHA1={one.sha1},MD5={one.md5}{imports}"


def _rule(proof: Proof, *, brought: bool = False) -> RuleInfo:
    """What a proof asserts, as the rule of a finding, another one where a mail brought the file; its version is that of its words."""
    words = "\0".join((proof.rule, proof.title, proof.level, proof.reason, *proof.techniques))
    tags = attack().tagged([f"attack.{technique.lower()}" for technique in proof.techniques])
    return RuleInfo(
        id=str(uuid5(_NAMESPACE, f"{proof.rule} by mail" if brought else proof.rule)),
        version=sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        title=f"{proof.title}, in a mail" if brought else proof.title,
        level=proof.level,
        kind="detector",
        status="experimental",
        description=proof.reason,
        author=proof.author,
        license=proof.license,
        references=proof.references,
        logsource=ROUTE.sources[0],
        tags=tuple(dict.fromkeys((*_BY_MAIL, *tags))) if brought else tags,
        name=proof.rule,
    )


def _matched(found: Inspection, proof: Proof, mail: Mapping[str, str]) -> dict[str, str]:
    said = {
        "rule": proof.rule,
        "value": proof.value,
        "place": proof.place,
        "offset": "" if proof.offset is None else str(proof.offset),
        "confidence": proof.confidence,
        "verdict": f"{found.verdict.word} ({found.verdict.score})",
        "sha256": proof.sha256,
        **{f"mail {name}": value for name, value in mail.items()},
    }
    return {name: value for name, value in said.items() if value}
