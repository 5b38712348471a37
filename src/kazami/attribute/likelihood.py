"""How much more likely evidence is from a group than from anybody: log likelihood ratios, in nats.

A group's profile is taken as a language model over features (Dirichlet smoothing: Zhai and Lafferty, A Study of
Smoothing Methods for Language Models, SIGIR 2001): P(f | g) = (c(g, f) + MU * p(f)) / (|g| + MU), where c is 1 for a
reported use, HALF where only the parent or only a sub-technique is reported, p(f) is how common f is over all groups, and
|g| the size of the profile. A share NOISE of what rules show is not the intruder's, or new for him, and as common as
anywhere: each feature gives log (NOISE + (1 - NOISE) * P(f | g) / p(f)). Rare features weigh more, large profiles get
nothing for their size, one that does not fit costs little, and what was not seen says nothing.
`benchmarks.attribution` measures what comes of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kazami.attribute.profile import LEAST, Matrix, Profiles

#: Smoothing in uses, and the credit for the other half of a technique and its sub-technique.
MU, HALF, NOISE = 20.0, 0.3, 0.4

#: Groups that share a piece of malware at most, for it to say anything about any of them.
SHARED = 3

#: What evidence is divided by, because its items are not independent; items from which on it grows, as this power of
#: their number, because the more there are, the more hang together; and what "none known" has before evidence. They were set on
#: intrusions as if no other report told of them (`benchmarks.attribution`): nobody has read of what happened yesterday.
TEMPERATURE, MANY, POWER, NONE_KNOWN = 1.25, 10, 0.5, 0.7


def countable(items: Sequence[str], profiles: Profiles) -> list[str]:
    """The items that are evidence: known features, each once, no technique beside its own sub-technique."""
    known = [item for item in dict.fromkeys(items) if item in profiles.place]
    above = {item.partition(".")[0] for item in known if "." in item}
    return [item for item in known if item not in above]


def shared(feature: str, known: Matrix, profiles: Profiles) -> bool:
    """Whether so many groups have a piece of malware that it counts for nobody."""
    return feature[0] == "S" and known[:, profiles.place[feature]].sum() > SHARED


def nats(items: Sequence[str], known: Matrix, profiles: Profiles) -> Matrix:
    """Log likelihood ratios: groups x `items` (of `countable`), over the matrix `known`."""
    size = known.sum(axis=1, keepdims=True)
    total = known.sum() + known.shape[1]
    columns = [profiles.place[item] for item in items]
    common = (known[:, columns].sum(axis=0) + 1) / total
    uses = (
        np.stack([_uses(column, known, profiles) for column in columns], axis=1) if columns else known[:, :0]
    )
    ratios: Matrix = np.log(NOISE + (1 - NOISE) * (uses / common + MU) / (size + MU))
    for number, item in enumerate(items):
        if item[0] == "S":  # software speaks for those who have it, and against nobody
            free = shared(item, known, profiles)
            ratios[:, number] = 0.0 if free else np.where(uses[:, number] > 0, ratios[:, number], 0.0)
    return ratios


def _uses(column: int, known: Matrix, profiles: Profiles) -> Matrix:
    uses: Matrix = known[:, column]
    others = (
        [int(profiles.parent[column])] if profiles.parent[column] >= 0 else profiles.children.get(column, [])
    )
    return np.maximum(uses, HALF * known[:, others].max(axis=1)) if others else uses


def candidates(known: Matrix) -> np.ndarray:
    """Which groups are known well enough to be candidates."""
    enough: np.ndarray = known.sum(axis=1) >= LEAST
    return enough


def posterior(scores: Matrix, able: np.ndarray, items: int, temperature: float = TEMPERATURE) -> Matrix:
    """Probabilities of each group, and last of "none known", from `scores` summed over so many `items`; groups
    not `able` get 0."""
    temperature *= max(1.0, items / MANY) ** POWER
    prior = np.log((1 - NONE_KNOWN) / max(int(able.sum()), 1))
    logs = np.append(np.where(able, scores / temperature + prior, -np.inf), np.log(NONE_KNOWN))
    weights: Matrix = np.exp(logs - logs.max())
    weights /= weights.sum()
    return weights
