"""``kazami inspect``: what is in files, and what to think of them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kazami import config
from kazami.cli import output
from kazami.cli.exit_code import DONE, FINDINGS, UNREADABLE
from kazami.cli.hunt import Form
from kazami.cli.scan import Language, PackOption, cores
from kazami.errors import UsageError
from kazami.respond.text import safe

if TYPE_CHECKING:
    from kazami.detect.rarity.memory import Things
    from kazami.model.content import Inspection
    from kazami.pipeline.inspect import Submission, Wish

#: Files from which on only those are shown on a terminal that something was found in.
_FEW = 40


class Word(StrEnum):
    """Words of a verdict."""

    informational = "informational"
    incomplete = "incomplete"
    suspicious = "suspicious"
    malicious = "malicious"


TenantOption = Annotated[
    str, typer.Option(help="Count what is rare at this tenant, by the files learned of it.")
]
LearnOption = Annotated[
    bool, typer.Option("--learn", help="Learn files of the tenant that nothing speaks against.")
]


def inspect(
    paths: Annotated[
        list[str], typer.Argument(help="Files and folders; - reads one file from standard input.")
    ],
    password: Annotated[
        list[str] | None, typer.Option(help="Tried on anything encrypted. May be repeated.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Worker processes (default: cores).")
    ] = None,
    yara: Annotated[
        list[Path] | None,
        typer.Option(
            help="YARA rules, beside those of packs and settings: a file or folder. May be repeated."
        ),
    ] = None,
    pack: PackOption = None,
    deep: Annotated[bool, typer.Option("--deep", help="Run the slow analyzers too.")] = False,
    emulate: Annotated[
        bool | None,
        typer.Option(help="Run programs in an emulator and scripts in a cage, and judge what they do."),
    ] = None,
    extract: Annotated[
        Path | None, typer.Option(help="Write everything found inside to this folder, under safe names.")
    ] = None,
    form: Annotated[Form | None, typer.Option("--format", help="Form (terminal: table, else jsonl).")] = None,
    output_file: Annotated[
        Path | None, typer.Option("--output", help="Write JSON lines to this file.")
    ] = None,
    fail_on: Annotated[
        Word, typer.Option(help="Exit with 1 at this verdict or a worse one.")
    ] = Word.suspicious,
    cache: Annotated[bool, typer.Option(help="Use verdicts that were reached before.")] = True,
    tenant: TenantOption = "",
    learn: LearnOption = False,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.en,
    configuration: Annotated[
        Path | None, typer.Option("--config", help="Settings (default: kazami.toml).")
    ] = None,
) -> int:
    """Look inside files: identify, open what is packed, analyze all that is found, and give a verdict with its proof."""
    from kazami.pipeline.inspect import inspect as run

    settings = config.load(configuration)
    output.check(output_file)
    wish = replace(
        wish_of(settings, password or (), yara or (), pack, deep=deep, emulate=emulate),
        keep=extract is not None,
        cache=settings.cache if cache else None,
    )
    submissions, unread = _submissions(paths, wish.limits.file)
    count = min(workers or settings.workers or cores(), max(1, len(submissions)))
    keep = _Extract(extract) if extract is not None else None
    found = run(
        submissions, wish, workers=count, on_kept=keep.write if keep else lambda submission, kept: None
    )
    told = Counter[str]()
    if learn and not tenant:
        raise UsageError("--learn: of which tenant? --tenant NAME")
    counted = _counted(_by_tenant(found, tenant, learn), told)
    if form is Form.table or (form is None and output_file is None and sys.stdout.isatty()):
        from kazami.cli.verdict import show

        show(list(counted), lang.value, few=_FEW)
    else:
        _lines(counted, output_file)
    if keep is not None:
        sys.stderr.write(f"kazami: {keep.written:,} files written to {extract}\n")
    return _exit_code(told, fail_on, unread)


def wish_of(
    settings: config.Settings,
    passwords: Sequence[str],
    yara: Sequence[Path],
    packs: Sequence[str] | None = None,
    *,
    deep: bool,
    emulate: bool | None,
) -> Wish:
    """How to look, by settings and command; rules that do not load are told on standard error."""
    from kazami.pipeline import emulated, yara_rules
    from kazami.pipeline.inspect import Wish

    running = settings.emulate if emulate is None else emulate
    sigma = emulated.content(settings, packs) if running else {}
    wish = Wish(
        emulated.limits(settings, running),
        passwords=tuple(dict.fromkeys((*passwords, *settings.passwords))),
        settings={**yara_rules.content(settings, yara, packs), **sigma},
        deep=deep,
        emulate=running,
    )
    for note in yara_rules.notes(wish.settings):
        sys.stderr.write(f"kazami: {safe(note)}\n")
    return wish


def _submissions(paths: list[str], most: int) -> tuple[list[Submission], int]:
    """What is to be looked at, and how many things could not be found or listed."""
    from kazami.cli.terminal import say
    from kazami.pipeline.inspect import Submission
    from kazami.sources.walk import list_files

    named = [path for path in paths if path != "-"]
    if any(not path for path in named):
        raise UsageError("an empty word names no file")
    files, rejects = list_files(named, tenant="")
    for reject in rejects:
        say(f"{reject['name']}: {reject['reason']}")
    found = [Submission(file.path, Path(file.path), size=file.size) for file in files]
    if "-" in paths:
        data = sys.stdin.buffer.read(most + 1)
        found.insert(0, Submission("standard input", data=data, size=len(data)))
    return found, sum(reject["count"] for reject in rejects)


def _by_tenant(found: Iterable[Inspection], tenant: str, learn: bool) -> Iterator[Inspection]:
    """The inspections, with what is rare at a tenant in them; what nothing speaks against is learned at the end."""
    if not tenant:
        yield from found
        return
    from kazami.pipeline import rarity
    from kazami.store.memories import default

    known = rarity.memory_of(default(), tenant)
    usual: dict[str, Things] = {}
    for one in found:
        yield (judged := rarity.marked(one, known))
        usual |= rarity.usual_files([judged]) if learn else {}
    if learn:
        rarity.learn(default(), tenant, usual)


def _counted(found: Iterable[Inspection], told: Counter[str]) -> Iterator[Inspection]:
    for one in found:
        told["unread" if one.error else one.verdict.word] += 1
        yield one


def _lines(found: Iterable[Inspection], path: Path | None) -> None:
    from kazami.cli.rows import line
    from kazami.cli.terminal import speaking
    from kazami.cli.verdict import row

    with speaking(sys.stdout), output.target(path) as stream:
        for one in found:
            stream.write(line(row(one)) + "\n")
            stream.flush()


def _exit_code(told: Counter[str], fail_on: Word, unread: int) -> int:
    from kazami.model.content import WORDS

    if any(told[word] for word in WORDS[WORDS.index(fail_on.value) :]):
        return FINDINGS
    return UNREADABLE if unread or told["unread"] else DONE


class _Extract:
    """Writes what is found inside, each content once, under names that can do no harm: hash, then harmless letters."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.written = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder}: cannot be made: {error.strerror}") from error

    def write(self, submission: Submission, kept: object) -> None:
        """Write one."""
        from kazami.pipeline.inspect import Kept

        assert isinstance(kept, Kept), "only what was kept is written"
        path = self._folder / harmless(kept.sha256, kept.name)
        try:
            with path.open("xb") as file:
                file.write(kept.data)
            path.chmod(0o600)
        except FileExistsError:
            return
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
        self.written += 1


def harmless(sha256: str, name: str) -> str:
    """A file name of the hash and what is harmless of `name`; it never has an extension that anything would start."""
    import re

    last = re.split(r"[\\/]", name)[-1]
    letters = re.sub(r"[^\w.-]", "_", last, flags=re.ASCII).strip("._")[:80]
    return f"{sha256[:16]}_{letters}.bin" if letters else f"{sha256[:16]}.bin"
