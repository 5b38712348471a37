"""Detectors over all that a case holds: asked for by them, gathered by the store, judged by pure functions."""

from __future__ import annotations

from kazami import plugins
from kazami.model.tenant import Directory
from kazami.store.case import Case
from kazami.store.gather import gather
from kazami.store.run import Run


def judge(case: Case, run: Run, directory: Directory) -> list[str]:
    """Replace the findings of every registered detector; notes on what could not be judged.

    A detector that fails is named, and what it found before is kept; the others go on.
    """
    notes = []
    case.database.widen()
    for extension in plugins.discover(plugins.DETECTORS):
        detector = extension.object
        if extension.error:
            notes.append(f"detector {extension.name} cannot be used: {extension.error}")
        if not isinstance(detector, plugins.Overall):
            continue
        batches = (batch for question in detector.tables for batch in gather(case, question))
        try:
            found, said = detector.judge(batches, directory)
        except Exception as error:  # noqa: BLE001 - whatever a third party's code raises is reported by name
            notes.append(f"detector {extension.name} failed: {type(error).__name__}: {error}")
            continue
        words = list(detector.RULES.values())
        run.replace_findings([rule.id for rule in words], found, words)
        notes += said
    return notes
