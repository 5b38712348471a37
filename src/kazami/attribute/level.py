"""Confidence and its ceilings, and the words of ICD 203 for how likely something is.

Confidence says how good the evidence is, likelihood how probable the claim; the two never stand in one sentence
(Intelligence Community Directive 203, Analytic Standards, 2015).
"""

from __future__ import annotations

#: Levels of confidence that this program gives. ``high`` needs infrastructure from two independent, current sources
#: and the name of an analyst, which no command collects: it is not given.
CONFIDENCE: tuple[str, ...] = ("none", "low", "moderate")

#: Below this probability nobody is named; below that number of techniques neither, without malware of one's own;
#: nor where the second is as near as this, in nats.
NAMED, TECHNIQUES, LEAD = 0.40, 8, 2.0

#: Groups that have a piece of malware, for it to lift the ceiling.
OWN = 3

#: ICD 203: the largest probability of each word.
_WORDS: tuple[tuple[float, str], ...] = (
    (0.05, "almost_no_chance"),
    (0.20, "very_unlikely"),
    (0.45, "unlikely"),
    (0.55, "even"),
    (0.80, "likely"),
    (0.95, "very_likely"),
    (1.00, "almost_certain"),
)


def word(probability: float) -> str:
    """ICD 203's word for a probability, as a key: ``almost_no_chance`` to ``almost_certain``."""
    return next(name for most, name in _WORDS if probability <= most or name == "almost_certain")


def confidence(
    probability: float, lead: float, techniques: int, own_software: int, contradictions: int
) -> str:
    """The level for the first of the candidates.

    `lead` is in nats over the second; `own_software` counts malware of at most `OWN` groups that this one has;
    `contradictions` counts malware seen that only others have. Techniques alone never give more than ``low``.
    """
    if probability < NAMED or lead < LEAD or (techniques < TECHNIQUES and not own_software):
        return "none"
    return "moderate" if own_software and not contradictions else "low"
