"""``kazami intel``: which ATT&CK is in use, and how another one comes in."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kazami.cli.exit_code import DONE
from kazami.cli.output import own_packs
from kazami.cli.rows import table as rows
from kazami.cli.scan import Language
from kazami.errors import UsageError
from kazami.respond.text import safe

if TYPE_CHECKING:
    from kazami.intel.build import Built
    from kazami.intel.measure import Advice

app = typer.Typer(
    help="What the world knows: ATT&CK, networks and their owners, relays.", no_args_is_help=True
)

Version = Annotated[
    str, typer.Option("--attack-version", help="Its version, where the bundle does not say it: 18.1.")
]


@app.command()
def add(
    file: Annotated[
        Path,
        typer.Argument(help="ATT&CK as a STIX bundle; networks and owners; a list of relays. Also in gzip."),
    ],
    attack_version: Version = "",
    output: Annotated[
        Path | None, typer.Option("--output", help="Write ATT&CK's table here instead of using it.")
    ] = None,
    name: Annotated[
        str, typer.Option("--name", help="What a list of relays is called (default: as its file).")
    ] = "",
) -> int:
    """Use knowledge of the user's own from now on; what a file is shows in its content."""
    from kazami.intel import offered
    from kazami.intel.shelf import derive

    kind = offered.kind(file)
    if kind == offered.NETWORKS:
        return _networks(file)
    if kind == offered.RELAYS:
        return _relays(file, name)
    return _take(derive(file, attack_version), output)


def _networks(file: Path) -> int:
    from kazami.intel import networks

    made = networks.read(file)
    path = networks.install(made)
    _left_out(made.left_out)
    rows(["what", "value"], [("file", str(path)), ("networks", made.table.num_rows), ("kind", made.kind)])
    return DONE


def _relays(file: Path, name: str) -> int:
    from kazami.intel import relays

    entries, left_out = relays.read(file, name)
    path = relays.install(entries)
    _left_out(left_out)
    framed = sum(bool(entry.first or entry.last) for entry in entries)
    rows(
        ["what", "value"],
        [
            ("file", str(path)),
            ("relays", len(entries)),
            ("with a time frame", framed),
            ("list", entries[0].list),
        ],
    )
    return DONE


def _left_out(left_out: Mapping[str, int]) -> None:
    for reason, count in sorted(left_out.items()):
        if count:
            sys.stderr.write(f"left out: {count:,} {reason}\n")


@app.command()
def update(
    url: Annotated[str, typer.Option(help="Where the bundle is (default: MITRE's newest).")] = "",
    attack_version: Version = "",
) -> int:
    """Fetch MITRE's newest bundle, make the table out of it, and use it. The only step that asks the network."""
    from kazami.intel.shelf import NEWEST, fetch

    return _take(fetch(url or NEWEST, attack_version), None)


@app.command()
def advise(
    techniques: Annotated[list[str] | None, typer.Argument(help="Techniques: T1003.003.")] = None,
    case: Annotated[Path | None, typer.Option(help="Those of the findings of this case.")] = None,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.en,
) -> int:
    """Say what to do about techniques: now (contain), this week (eradicate), then (harden)."""
    from kazami.intel.measure import measures

    own_packs()
    wanted = [one.strip().upper() for one in techniques or ()]
    if case is not None:
        wanted += _techniques(case)
    if not wanted:
        raise UsageError("name a technique, or a case with findings: --case CASE")
    found = measures().gathered(wanted)
    rows(
        ["when", "id", "what", "techniques", "attack", "sources"],
        [
            (
                one.measure.when,
                one.measure.id,
                one.measure.spoken(lang.value),
                list(one.techniques),
                *_cited(one),
            )
            for one in found
        ],
    )
    nothing = [one for one in wanted if not measures().of(one)]
    if nothing:
        sys.stderr.write(f"nothing is known about {', '.join(safe(one[:20]) for one in nothing[:20])}\n")
    return DONE


def _cited(one: Advice) -> tuple[list[str], list[str]]:
    return list(one.measure.attack), list(one.measure.sources)


def _techniques(case: Path) -> list[str]:
    from kazami.store.case import Case
    from kazami.store.summary import summary

    with Case.open(case, read_only=True) as opened:
        return [count.key for count in summary(opened).techniques]


@app.command()
def show(
    ids: Annotated[
        list[str] | None,
        typer.Argument(help="Techniques, groups, software, campaigns, mitigations: T1003.003."),
    ] = None,
) -> int:
    """Say which table is in use and what is in it; with ids, what is known about them."""
    from kazami.intel.described import contents, described
    from kazami.intel.shelf import attack

    if not ids:
        rows(["what", "value"], contents(attack()))
        return DONE
    rows(["id", "attack", "kind", "name", "more"], [described(attack(), one) for one in ids])
    return DONE


@app.command()
def lolrmm(
    folder: Annotated[Path, typer.Argument(help="A folder with LOLRMM's YAML files.")],
) -> int:
    """Use LOLRMM's remote-management tools as indicators: kazami list remote-tools looks for them."""
    from kazami.intel.remote import install, read

    found = read(folder)
    path = install(found.tools)
    for file, reason in found.broken.items():
        sys.stderr.write(f"kazami: {file}: no tool: {reason}\n")
    counts = [
        (kind, sum(len(getattr(tool, kind)) for tool in found.tools))
        for kind in ("programs", "originals", "folders", "services", "domains")
    ]
    general = [(f"left out, too general: {kind}", count) for kind, count in found.left_out.items()]
    rows(["what", "value"], [("file", str(path)), ("tools", len(found.tools)), *counts, *general])
    return DONE


def _take(built: Built, output: Path | None) -> int:
    from kazami.cli.output import written
    from kazami.intel.described import contents
    from kazami.intel.shelf import keep
    from kazami.intel.table import pack

    if output is None:
        path = keep(built.table)
    else:
        with written(output) as path:
            path.write_bytes(pack(built.table))
    _left_out(built.left_out)
    rows(["what", "value"], [("file", str(path)), *contents(built.table)])
    return DONE
