"""From something inside a file up to what was handed over: the file that a disk would hold, what carried it, the mail it came by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kazami.detect.content.identify import kinds
from kazami.model.content import Inspection, Looked

#: Families whose members are files by themselves once they are taken out; what lies in a document stays in it.
_CARRIERS = frozenset(("archive", "mail", "image_of_disk", "installer"))


@dataclass(frozen=True, slots=True)
class Lineage:
    """`carried` is the file and, before it, all archives and images that it lay in, the outermost first; `mail` what the
    innermost mail says of itself (`Analysis.about`), empty where there is none."""

    carried: Sequence[Looked]
    mail: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Looked:
        """The file that a disk would hold."""
        return self.carried[-1]


def lineage(found: Inspection, one: Looked) -> Lineage:
    """The lineage of `one`, an artifact of `found`."""
    by_hash = {each.sha256: each for each in found.looked}
    way = [one]
    while (above := by_hash.get(way[-1].parent)) is not None and above not in way:
        way.append(above)
    family = [kinds()[each.kind].family if each.kind in kinds() else "" for each in way]
    start = next((n for n in range(len(way) - 1) if family[n + 1] in _CARRIERS), len(way) - 1)
    mail: Mapping[str, str] = next(
        (each.about for each in way if "sent" in each.about or "from" in each.about), {}
    )
    carried = [each for each, what in zip(way[start:], family[start:], strict=True) if what != "mail"]
    return Lineage(tuple(reversed(carried)) or (way[start],), mail)
