"""Whether programs and scripts are run in a run of ours, how long, and by which Sigma rules what they do is judged."""

from __future__ import annotations

from collections.abc import Sequence

from kazami import packs
from kazami.config import Settings
from kazami.model.content import Limits

_SUBMISSION = 600.0  # seconds of a submission in which something is run


def limits(settings: Settings, emulate: bool) -> Limits:
    """Bounds of a submission: the usual ones, or longer where things are run."""
    if not emulate:
        return Limits()
    seconds = settings.emulation_seconds
    return Limits(
        emulation_seconds=seconds,
        slow_seconds=40.0 + seconds,
        submission_seconds=max(_SUBMISSION, 10 * seconds),
    )


def content(settings: Settings, chosen: Sequence[str] | None = None) -> dict[str, tuple[str, ...]]:
    """Settings of content that say which rules judge: those of the packs (`chosen`, for None those of the settings), and the user's."""
    folders = packs.choose(chosen if chosen is not None else settings.packs).rules
    rules = tuple(str(path.absolute()) for path in (*folders, *settings.rules))
    return {"sigma.rules": rules, "sigma.cache": (str(settings.cache),)}
