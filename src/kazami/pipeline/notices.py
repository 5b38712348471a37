"""Notices of a case: who is told what, over which way; then sent, and withdrawn."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kazami.correlate.campaign import bands
from kazami.errors import UsageError
from kazami.model.finding import level_rank
from kazami.model.incident import Incident
from kazami.model.notice import Action, Notice
from kazami.model.result import FindingRow
from kazami.model.tenant import ROLES, Contact, Delivery, Directory, Tenant
from kazami.pipeline import case_folder
from kazami.pipeline.campaigns import Keys, derived, tokens
from kazami.respond.notify import mail, ocsf, page, stix, webhook, words
from kazami.respond.notify.build import build
from kazami.respond.notify.log import Log
from kazami.respond.notify.sign import Signer
from kazami.store import incidents
from kazami.store.case import Case
from kazami.store.read import findings

FOLDER, PLAN, LOG = "notices", "plan.json", "log.jsonl"

#: Findings of one tenant that a notice looks at.
MOST = 2000


def plan(case: Case, directory: Directory, keys: Keys, signer: Signer, tlp: str = "AMBER") -> list[Action]:
    """Write the notices and the plan into the case; nothing leaves it. Who has no incident gets no notice."""
    told = [
        one for one in incidents.incidents(case) if one.verdict not in ("false positive", "benign", "test")
    ]
    victim = provider_is_victim(case, told, directory)
    elsewhere = bands(tokens(case, keys, directory))
    made: list[Action] = []
    for name in sorted({one.tenant for one in told}):
        own = [one for one in told if one.tenant == name]
        about = _described(name, directory)
        independent = victim and name != directory.provider.tenant
        notices = _notices(
            about,
            own,
            list(findings(case, tenant=name, limit=MOST, order="level", counted=True)),
            elsewhere=any(one.incident_uid in elsewhere for one in own),
            callers=_callers(about, directory, victim),
            provider_is_victim=independent,
            tlp=tlp,
        )
        made += _planned_for(case, about, notices, independent, signer)
    path = case_folder.made(case.path, FOLDER) / PLAN
    told_as = [dataclasses.asdict(one) for one in made]
    path.write_text(json.dumps(told_as, ensure_ascii=False, indent=1), "utf-8")
    return made


def _described(name: str, directory: Directory) -> Tenant:
    """A tenant as it is described; the provider, where its own channel is told."""
    if name == directory.provider.tenant:
        return Tenant(name, directory.provider.title, contacts=directory.provider.contacts)
    return directory.tenant(name)


def _notices(
    tenant: Tenant, own: Sequence[Incident], rows: Sequence[FindingRow], **said: Any
) -> list[Notice]:
    """The notices to one tenant: one for each audience and language."""
    return [
        build(tenant, own, rows, audience=audience, lang=lang, **said)
        for audience in ROLES
        for lang in ("en", "ja")
    ]


def _planned_for(
    case: Case, tenant: Tenant, notices: Sequence[Notice], independent: bool, signer: Signer
) -> list[Action]:
    """The notices written into the case, and the actions that carry them.

    Where nobody is there to read one, it is a call without a target: a person has to find somebody.
    """
    made: list[Action] = []
    for notice in notices:
        path = _written(case.path, notice, signer)
        made += _actions(tenant, notice, path, independent)
    if not made:
        why = "no contact that does not depend on the provider" if independent else "no contact"
        made = [dataclasses.replace(_action(notice, "call", "", path, independent), why=why)]
    return [_digested(case.path, one) for one in made]


def provider_is_victim(case: Case, told: Sequence[Incident], directory: Directory) -> bool:
    """Whether the provider has a grave incident itself: then its accounts are not to be trusted.

    An incident that only says what several tenants share is none: it would tell each tenant that there are others.
    """
    name = directory.provider.tenant
    grave = {one.incident_uid for one in told if one.tenant == name and level_rank(one.severity) >= 3}
    return bool(name and grave - derived(case, name))


def planned(case: Path) -> list[Action]:
    """The plan of a case. Raises UsageError where there is none, or it is broken."""
    path = case / FOLDER / PLAN
    try:
        return [Action(**one) for one in json.loads(path.read_text("utf-8"))]
    except FileNotFoundError as error:
        raise UsageError(f"{case}: no notices are planned: kazami notify plan {case}") from error
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{path}: is no plan: {error}") from error


def status(case: Path) -> list[dict[str, Any]]:
    """Each action of the plan with the last thing that was done with it."""
    last = {line["action"]: line for line in Log(case / FOLDER / LOG).lines()}
    return [
        dataclasses.asdict(one)
        | {"state": last.get(one.action_uid, {}).get("state", "planned")}
        | {"said": last.get(one.action_uid, {}).get("said", "")}
        for one in planned(case)
    ]


def drafts(case: Path, tenant: str) -> list[tuple[str, Path]]:
    """The notices to a tenant that were written last, as text: for whom and in which language, and the file."""
    return [(file.stem, file) for file in sorted((case / FOLDER / _named(tenant)).glob("*.txt"))]


def _named(tenant: str) -> str:
    """The folder of a tenant's notices: a name that any file system takes."""
    return hashlib.sha256(tenant.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def apply(
    case: Path, directory: Directory, signer: Signer, *, send: bool, undo: bool = False, tenant: str = ""
) -> Iterator[tuple[Action, str, str]]:
    """Carry the plan out, or with `undo` withdraw what was sent: action, state and what was said of it.

    Without `send` nothing leaves, nothing is logged, and the state is ``would be sent``. One that fails is logged as
    ``failed`` and the others go on; what was sent is not sent again.
    """
    log = Log(case / FOLDER / LOG, signer.public)
    last = {line["action"]: line["state"] for line in log.lines()}
    for action in planned(case):
        state = last.get(action.action_uid, "planned")
        wanted = (state == "sent") is undo
        if not wanted or (tenant and action.tenant != tenant):
            continue
        goal = "withdrawn" if undo else "sent"
        if not send:
            yield action, f"would be {goal}", ""
            continue
        try:
            said = _carry_out(case, action, directory, signer, undo)
            state = "to be called" if action.channel == "call" else goal
        except UsageError as error:
            state, said = "failed", str(error)
        log.add(
            signer,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            action=action.action_uid,
            notice=action.notice_uid,
            tenant=action.tenant,
            channel=action.channel,
            target=action.target,
            digest=action.digest,
            state=state,
            said=said,
        )
        yield action, state, said


def _carry_out(case: Path, action: Action, directory: Directory, signer: Signer, undo: bool) -> str:
    """Send one notice, or its withdrawal; what the log keeps of it. Raises UsageError where that cannot be."""
    content = _unchanged(case, action)
    if action.channel == "call":
        return ""
    if undo:
        content = json.dumps(
            {"withdrawn": action.notice_uid, "message": _withdrawal(action)}, ensure_ascii=False
        ).encode()
    if action.channel == "webhook":
        return webhook.post(action.target, content, signer.sign(content))
    way: Delivery = directory.independent if action.independent else directory.delivery
    sender = way.sender or "kazami@localhost"
    if undo:
        subject = words.WITHDRAWN.en.format(title=action.notice_uid)
        return mail.send(mail.message(subject, _withdrawal(action), sender, action.target), way)
    stem = case / action.path
    text = stem.with_suffix(".txt").read_text("utf-8")
    subject = " ".join(text.splitlines()[0:3]).replace("  ", " ")
    return mail.send(mail.message(subject, text, sender, action.target, _attached(stem, signer)), way)


def _unchanged(case: Path, action: Action) -> bytes:
    """The file of an action, as it was planned. Raises UsageError where it is another, or none of this case."""
    path = (case / action.path).resolve()
    if not path.is_relative_to((case / FOLDER).resolve()) or not path.is_file():
        raise UsageError(f"{action.path}: is no notice of this case")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != action.digest:
        raise UsageError(f"{action.path}: was changed since it was planned; plan again")
    return content


def _withdrawal(action: Action) -> str:
    return "\n".join(words.WITHDRAWAL.spoken(lang).format(uid=action.notice_uid) for lang in ("en", "ja"))


def _attached(stem: Path, signer: Signer) -> list[tuple[str, bytes, str]]:
    """The files that go with a mail: the page, STIX, OCSF, and the signature of the page."""
    kinds = {".html": "text/html", ".stix.json": "application/json", ".ocsf.json": "application/json"}
    files = [(f"notice{end}", stem.with_suffix(end).read_bytes(), kind) for end, kind in kinds.items()]
    return [*files, ("notice.html.sig", signer.sign(files[0][1]).encode(), "application/octet-stream")]


def _callers(tenant: Tenant, directory: Directory, victim: bool) -> list[Contact]:
    """Whom to call: the provider, unless it is the victim; then the tenant's own people that do not depend on it."""
    if victim:
        return [one for one in tenant.contacts if one.independent]
    return [*directory.provider.contacts]


def _written(case: Path, notice: Notice, signer: Signer) -> Path:
    """Path of the page within the case; beside it text, STIX and OCSF, and the page's signature."""
    folder = case_folder.made(case, FOLDER) / _named(notice.tenant)
    folder.mkdir(exist_ok=True)
    stem = folder / f"{notice.audience}-{notice.lang}"
    makers: dict[str, Callable[[Notice], str]] = {
        ".html": page.html,
        ".txt": page.plain,
        ".stix.json": stix.bundle,
        ".ocsf.json": ocsf.incident,
    }
    for end, maker in makers.items():
        content = maker(notice).encode("utf-8", "backslashreplace")
        stem.with_suffix(end).write_bytes(content)
        stem.with_suffix(f"{end}.sig").write_text(signer.sign(content) + "\n", "ascii")
    return stem.with_suffix(".html").relative_to(case)


def _actions(tenant: Tenant, notice: Notice, path: Path, victim: bool) -> Iterator[Action]:
    for contact in tenant.contacts:
        if contact.role != notice.audience or contact.lang != notice.lang:
            continue
        if victim and not contact.independent:
            continue
        ways = (("mail", contact.mail), ("webhook", contact.webhook), ("call", contact.phone))
        for channel, target in ways:
            if not target:
                continue
            sent = path.with_suffix(".ocsf.json") if channel == "webhook" else path
            yield _action(notice, channel, target, sent, victim)


def _action(notice: Notice, channel: str, target: str, path: Path, victim: bool) -> Action:
    uid = hashlib.sha256(f"{notice.notice_uid}\0{channel}\0{target}".encode()).hexdigest()[:32]
    return Action(uid, notice.notice_uid, notice.tenant, channel, target, path.as_posix(), "", victim)


def _digested(case: Path, action: Action) -> Action:
    digest = hashlib.sha256((case / action.path).read_bytes()).hexdigest()
    return dataclasses.replace(action, digest=digest)
