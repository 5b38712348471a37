"""Commands over a case that is there: ``findings``, ``summary``, ``report``, ``sql``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kazami.cli import output
from kazami.cli.output import Format, own_packs
from kazami.cli.scan import Language, TenantsFile

CasePath = Annotated[Path, typer.Argument(help="Folder of the case.")]


def findings(
    case: CasePath,
    form: Annotated[
        Format | None, typer.Option("--format", help="Form (terminal: table, else jsonl).")
    ] = None,
    output_file: Annotated[Path | None, typer.Option("--output", help="Write to this file.")] = None,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.en,
) -> int:
    """Print the findings of a case."""
    own_packs()
    output.present(case, form, output_file, lang.value)
    return 0


def summary(case: CasePath, lang: Annotated[Language, typer.Option(help="Language.")] = Language.en) -> int:
    """Print the summary of a case: severity, rules, hosts, techniques, what could not be read."""
    from kazami.cli.summary import TOP, show
    from kazami.cli.terminal import data
    from kazami.store.case import Case
    from kazami.store.incidents import gravest
    from kazami.store.summary import summary as told

    with Case.open(case, read_only=True) as opened:
        show(told(opened), data(), lang=lang.value, story=gravest(opened, TOP))
    return 0


def report(
    case: CasePath,
    output_file: Annotated[
        Path | None, typer.Option("--output", help="File (default: CASE/report.html).")
    ] = None,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.en,
    tenants_file: TenantsFile = None,
) -> int:
    """Write the report of a case: one HTML file that needs no network."""
    from kazami.pipeline.story import story
    from kazami.store.case import Case
    from kazami.store.summary import summary as told
    from kazami.tenants import find

    own_packs()
    path = output_file or case / "report.html"
    with Case.open(case, read_only=True) as opened:
        known = told(opened)
        tale = story(opened, find(tenants_file), known.blind)
        output.write_report(opened, known, path, lang.value, tale)
    typer.echo(str(path))
    return 0


def sql(
    case: CasePath,
    query: Annotated[
        str, typer.Argument(help="For example: select Image, count(*) from process_creation group by 1")
    ],
    limit: Annotated[int, typer.Option(min=0, help="Rows at most; 0 for all.")] = 10_000,
) -> int:
    """Ask a case in SQL (DuckDB): one view a log source, and finding, rule, reject, evidence, run, event."""
    from kazami.cli.rows import show
    from kazami.store.case import Case

    with Case.open(case, read_only=True) as opened:
        names, batches = opened.sql(query)
        show(names, batches, limit)
    return 0
