"""Detectors over all that a case holds: asked for by them, gathered by the store, judged by pure functions."""

from __future__ import annotations

from kazami import plugins
from kazami.model.finding import FINDING
from kazami.model.tenant import Directory
from kazami.store.case import Case
from kazami.store.gather import gather
from kazami.store.run import Run
from kazami.store.seen import tenants_of
from kazami.store.views import Views


def judge(case: Case, run: Run, directory: Directory) -> list[str]:
    """Replace the findings of every registered detector; notes on what could not be judged.

    A detector that fails is named, and what it found before is kept; the others go on.
    """
    notes = []
    case.database.widen()
    tenants, views = tenants_of(case), Views(case.database, case.root)
    for extension in plugins.discover(plugins.DETECTORS):
        detector = extension.object
        if extension.error:
            notes.append(f"detector {extension.name} cannot be used: {extension.error}")
        if not isinstance(detector, plugins.Overall):
            continue
        batches = (batch for question in detector.tables for batch in gather(case, question, views=views))
        try:
            why = detector.idle(tenants, directory) if hasattr(detector, "idle") else ""
            found, said = (FINDING.empty_table(), []) if why else detector.judge(batches, directory)
        except Exception as error:  # noqa: BLE001 - whatever a third party's code raises is reported by name
            notes.append(f"detector {extension.name} failed: {type(error).__name__}: {error}")
            continue
        run.replace_findings([rule.id for rule in detector.RULES.values()], found)
        notes += said
    return notes
