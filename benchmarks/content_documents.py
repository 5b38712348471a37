"""What the folders of public test documents promise is found, and nothing is claimed on the clean ones.

The documents are oletools' (BSD), folders are labels. A promise is a feature or a child that the document must give; what is counted as a macro, a
DDE field or a link is found by analyzers of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, at_least, at_most, told
from kazami.model.content import Inspection
from kazami.pipeline.inspect import Submission, Wish, inspect

#: Names of features that keep the promise of a folder or name.
_MACRO = ("macro.", "xlm.", "vba.")
_EMBEDDED = ("ole.embedded", "ole.linked", "payload.", "one.")


def promised(path: Path) -> tuple[str, Callable[[Inspection], bool]] | None:
    """What a document must show, by its folder and name; None where it promises nothing."""
    name, folder = path.name.lower(), path.parent.name
    if "clean" in name or name.startswith("rtf-spec"):
        return "clean", lambda found: found.verdict.word not in ("suspicious", "malicious")
    if folder == "encrypted":
        opened = "standardpassword" in name
        return "encrypted", lambda found: has(
            found, ("office.default_password",) if opened else ("office.encrypted",)
        )
    if name.startswith("dde"):
        return "DDE", lambda found: has(found, ("dde.", "ooxml.dde", "office.dde", "macro.dde"))
    if folder == "excel4-macros" or "autostart" in name:
        return "XLM", lambda found: has(found, _MACRO)
    if "external_link" in name:
        return "external link", lambda found: has(found, ("ooxml.external", "ole.external", "ole.linked"))
    if name.startswith(("embedded-", "sample_with_calc", "sample_with_lnk")):
        return "embedded", lambda found: has(found, _EMBEDDED)
    if "vba" in name:
        return "VBA", lambda found: has(found, _MACRO)
    return None


def has(found: Inspection, beginnings: tuple[str, ...]) -> bool:
    """Whether a feature begins with one of these."""
    return any(feature.name.startswith(beginnings) for one in found.looked for feature in one.features)


def figures(places: Any) -> list[Figure]:
    """One figure a promise."""
    root = places.data / "content"
    files = sorted(path for path in root.rglob("*") if path.is_file() and promised(path))
    if not files:
        return []
    kept: dict[str, list[bool]] = {}
    wish = Wish(passwords=("infected-test",))
    for found in inspect([Submission(str(path), path) for path in files], wish):
        path = Path(found.name)
        name, keeps = promised(path) or ("", lambda found: True)
        kept.setdefault(name, []).append(keeps(found))
        if not kept[name][-1]:
            print(f"not as promised ({name}): {path.relative_to(root)}", file=sys.stderr)
    out = [at_most("documents, clean ones accused", kept.pop("clean", []).count(False), 0)]
    for name, all_of in sorted(kept.items()):
        out.append(told(f"documents with {name}", len(all_of)))
        out.append(at_least(f"documents, {name} found", sum(all_of) / len(all_of), 1.0))
    return out
