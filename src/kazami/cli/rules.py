"""``kazami rules``: what rules there are, what is wrong with them, what they do, and what they cost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kazami import config
from kazami.cli.exit_code import DONE, FINDINGS
from kazami.cli.rows import table
from kazami.errors import UsageError
from kazami.respond.language import words

if TYPE_CHECKING:
    from kazami.detect.sigma.rule import Rule, RuleSet
    from kazami.model.event import LogSource

    Form = tuple[tuple[LogSource, ...], dict[str, str | list[str | None] | None]]

app = typer.Typer(help="Rules: list, check, test, explain, profile.", no_args_is_help=True)

Paths = Annotated[list[Path] | None, typer.Argument(help="Rule files and folders (default: the packs).")]
Rules = Annotated[
    list[Path] | None, typer.Option("--rules", help="Sigma rules: a file or folder. May be repeated.")
]
Packs = Annotated[
    list[str] | None,
    typer.Option(
        "--pack", help="Packs to use, by name or as a folder like ./mine (default: all). May be repeated."
    ),
]
CaseOption = Annotated[
    Path | None, typer.Option(help="A case: also say which rules its evidence leaves blind.")
]


def _load(paths: list[Path] | None, packs: list[str] | None) -> RuleSet:
    """The rules in `paths` and of `packs` alone, where any are named, else those that a scan uses."""
    settings = config.load()
    if paths:
        settings, packs = replace(settings, rules=()), packs or []
    return _rules(settings, paths, packs)


def load_all(rules: list[Path] | None, packs: list[str] | None) -> RuleSet:
    """The rules that a scan uses with these options."""
    return _rules(config.load(), rules, packs)


def _rules(settings: config.Settings, rules: list[Path] | None, packs: list[str] | None) -> RuleSet:
    from kazami import pipeline

    return pipeline.rules_of(pipeline.Request([], Path(), rules=rules or (), packs=packs, settings=settings))


@app.command("list")
def list_rules(paths: Paths = None, pack: Packs = None) -> int:
    """List the rules that load."""
    loaded = _load(paths, pack)
    infos = [rule.info for rule in loaded.rules] + [one.info for one in loaded.correlations]
    table(
        ["id", "level", "status", "kind", "title", "log source", "techniques", "path"],
        [
            (i.id, i.level, i.status, i.kind, i.title, str(i.logsource), ", ".join(i.techniques), i.path)
            for i in infos
        ],
    )
    if loaded.rejected:
        sys.stderr.write(f"{len(loaded.rejected):,} rejected; kazami rules check says why\n")
    return DONE


@app.command()
def check(paths: Paths = None, pack: Packs = None, case: CaseOption = None) -> int:
    """Say of every rule whether it loads, is rejected and why, or is blind; and what should be better about it."""
    from kazami.cli import wire_check, yara_check
    from kazami.detect.sigma.check import check as remarks
    from kazami.pipeline.wire_rules import divide

    loaded = _load(paths, pack)
    rows: list[tuple[str, str, str, str, str]] = [
        ("loaded", info.id, info.title, "", info.path)
        for info in [rule.info for rule in loaded.rules] + [one.info for one in loaded.correlations]
    ]
    rows += [("rejected", gone.id, gone.title, gone.reason, gone.path) for gone in loaded.rejected]
    if case is not None:
        rows += list(_blind(case, loaded))
    named = divide(paths or _pack_paths(pack))[0]
    wire = wire_check.rows(paths or config.load().rules, config.load())
    rows += wire
    bytes_rules = yara_check.rows(paths, pack)
    rows += bytes_rules
    found = remarks(named, placeholders=config.load().placeholders)
    rows += [
        (r.severity, r.id, r.title, f"{r.code}: {r.text}", r.path) for r in found if r.code != "rejected"
    ]
    table(["state", "id", "title", "reason", "path"], rows)
    counts = {
        state: sum(1 for row in rows if row[0] == state) for state in dict.fromkeys(row[0] for row in rows)
    }
    sys.stderr.write(", ".join(f"{count} {state}" for state, count in counts.items()) + "\n")
    wrong = (
        loaded.rejected
        or counts.get("error")
        or any(row[0] not in ("loaded", "warning") for row in (*wire, *bytes_rules))
    )
    return FINDINGS if wrong else DONE


def _pack_paths(packs: list[str] | None) -> list[Path]:
    from kazami import packs as shipped

    settings = config.load()
    return [*shipped.choose(packs or settings.packs).rules, *settings.rules]


def _blind(case: Path, loaded: RuleSet) -> Iterator[tuple[str, str, str, str, str]]:
    from kazami.detect.sigma.blind import blind
    from kazami.store.case import Case
    from kazami.store.seen import seen

    with Case.open(case, read_only=True) as opened:
        for one in blind(loaded.rules, seen(opened)):
            yield "blind", one.rule.id, one.rule.title, one.reason, one.rule.path


@app.command()
def test(files: Annotated[list[Path], typer.Argument(help="Case files, or folders of them.")]) -> int:
    """Run case files: events on which rules must be true, and events on which they must not."""
    from kazami.detect.content.yara import trial as of_bytes
    from kazami.detect.sigma import trial

    outcomes = [
        outcome
        for file in _case_files(files)
        for outcome in (of_bytes.run(file) if of_bytes.is_case(file) else trial.run(file))
    ]
    failed = [outcome for outcome in outcomes if not outcome.passed]
    table(
        ["case", "event", "rule", "engine", "expected", "found", "note", "file"],
        [
            (o.case, o.event, o.rule, o.engine, _truth(o.expected), _truth(o.found), o.note, o.path)
            for o in failed
        ],
    )
    sys.stderr.write(f"{len(outcomes) - len(failed)} as expected, {len(failed)} not\n")
    return FINDINGS if failed else DONE


def _case_files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: there is no such file or folder")
        yield from sorted(path.rglob("*.y*ml")) if path.is_dir() else [path]


def _truth(value: bool) -> str:
    return "match" if value else "no match"


@app.command()
def explain(
    rule: Annotated[str, typer.Argument(help="A rule file, or the id or title of a rule.")],
    event: Annotated[str, typer.Argument(help="A file with the event, or with --case its event_uid.")],
    rules: Rules = None,
    pack: Packs = None,
    case: Annotated[Path | None, typer.Option(help="The case that the event is in.")] = None,
    record: Annotated[int, typer.Option(min=1, help="Which event of the file.")] = 1,
    lang: Annotated[str, typer.Option(help="Language: en or ja.")] = "en",
    full: Annotated[bool, typer.Option("--full", help="Also branches that decide nothing.")] = False,
) -> int:
    """Show, leaf by leaf, why a rule matches an event or does not."""
    from kazami.cli.terminal import out
    from kazami.detect.sigma import explain as explaining
    from kazami.detect.sigma import plain
    from kazami.respond.text import safe

    words(lang)
    chosen = _rule(rule, rules, pack)
    sources, fields = _form(chosen, _event(event, case, record))
    stream = out()
    steps = explaining.explain(chosen, fields, explaining.named(chosen))
    for line in explaining.render(steps, lang=lang, full=full):
        stream.write(safe(line) + "\n")
    applies = any(chosen.info.logsource.covers(source) for source in sources)
    if not applies:
        seen = ", ".join(map(str, sources))
        stream.write(f"\nThe rule is for {chosen.info.logsource}; this event is of {safe(seen)}.\n")
    return DONE if applies and plain.evaluate(chosen.condition, fields) else FINDINGS


def _rule(wanted: str, rules: list[Path] | None, packs: list[str] | None) -> Rule:
    path = Path(wanted)
    loaded = _load([path], None) if path.is_file() else load_all(rules, packs)
    found = [rule for rule in loaded.rules if path.is_file() or wanted in (rule.info.id, rule.info.title)]
    if found:
        return found[0]
    for gone in loaded.rejected:
        if path.is_file() or wanted in (gone.id, gone.title):
            raise UsageError(f"{gone.path}: the rule is rejected: {gone.reason}")
    for one in loaded.correlations:
        if path.is_file() or wanted in (one.info.id, one.info.title):
            raise UsageError(f"{one.info.path}: is a correlation; explain the rules that it counts")
    raise UsageError(f"there is no rule {wanted!r} in what is loaded; --rules names more")


def _form(rule: Rule, forms: list[Form]) -> Form:
    """Of the forms of an event, one for each kind of log source, that which the rule looks at; else the first."""
    covers = rule.info.logsource.covers
    return next((form for form in forms if any(covers(source) for source in form[0])), forms[0])


def _event(wanted: str, case: Path | None, record: int) -> list[Form]:
    """An event as its own log source says it, and as it is told to others."""
    from kazami.pipeline.look import event

    if case is None:
        found = event(Path(wanted), record)
        if not found:
            raise UsageError(f"{wanted}: there is no event {record} in it")
        return found
    from kazami.store.case import Case
    from kazami.store.read import forms

    with Case.open(case, read_only=True) as opened:
        found = forms(opened, wanted)
    if not found:
        raise UsageError(f"{case}: there is no event {wanted}")
    return found


@app.command()
def profile(
    evidence: Annotated[list[Path], typer.Argument(help="Evidence to measure with.")],
    rules: Rules = None,
    pack: Packs = None,
    yara: Annotated[
        list[Path] | None,
        typer.Option(help="Measure these YARA rules instead, by their files. May be repeated."),
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="Rules to show; 0 for all.")] = 50,
) -> int:
    """Measure what each rule costs over some evidence."""
    if yara:
        from kazami.cli.yara_check import profile as measure_files

        return measure_files(yara, evidence, top)
    from kazami.detect.sigma.profile import profile as measure
    from kazami.pipeline.look import batches

    costs = measure(load_all(rules, pack).rules, batches(evidence))
    total = sum(cost.total for cost in costs) or 1.0
    table(
        ["microseconds", "share", "own", "shared", "events", "evaluations", "matches", "id", "title"],
        [
            (
                round(c.total, 1),
                f"{100 * c.total / total:.2f} %",
                round(c.own, 1),
                round(c.shared, 1),
                c.events,
                c.evaluations,
                c.matches,
                c.rule.id,
                c.rule.title,
            )
            for c in (costs[:top] if top else costs)
        ],
    )
    return DONE
