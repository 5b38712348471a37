"""The errors that Kazami raises on purpose.

    KazamiError
      UsageError       the command line or the configuration cannot mean anything
      EvidenceError    evidence cannot be read at all (a record that cannot be read is a reject, not an error)
      RuleError        a rule cannot be loaded
      CaseError        the case on disk cannot be opened, locked or written

Each message names the file, and the place in it where there is one.
"""

from __future__ import annotations


class KazamiError(Exception):
    """The root: whoever calls Kazami as a library may catch just this."""


class UsageError(KazamiError):
    """What was asked for cannot be done in these words."""


class EvidenceError(KazamiError):
    """Evidence that cannot be read, with its name and the place in it."""

    def __init__(self, name: str, reason: str, place: str = "") -> None:
        self.name = name
        self.reason = reason
        self.place = place
        super().__init__(f"{name}{f' ({place})' if place else ''}: {reason}")


class RuleError(KazamiError):
    """A rule that cannot be loaded, with its file and the reason."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


class CaseError(KazamiError):
    """A case that cannot be opened, locked or written."""
