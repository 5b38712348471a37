"""What is added to a finding about its techniques: names with the version of ATT&CK, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kazami.intel import translate
from kazami.intel.measure import WHEN, measures


def told(techniques: Sequence[str]) -> dict[str, Any]:
    """``attack``: name and version of each id that is known. ``mitigations``: ids of what to do now, this week, then.

    The texts are those of `kazami intel advise`.
    """
    what = measures().gathered(techniques)
    return {
        "attack": {
            one: {"name": name, "version": translate.version_of(one)}
            for one in techniques
            if (name := translate.name(one))
        },
        "mitigations": {when: [one.measure.id for one in what if one.measure.when == when] for when in WHEN},
    }
