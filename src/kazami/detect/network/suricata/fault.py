"""Why a rule does not run: it is wrong, or it asks for what is not in the subset."""

from __future__ import annotations


class RuleError(Exception):
    """The rule breaks the rules of its own language."""


class UnsupportedError(Exception):
    """The rule uses something that is not evaluated here; `keyword` is what is counted."""

    def __init__(self, keyword: str, reason: str = "") -> None:
        super().__init__(f"{keyword}: {reason}" if reason else keyword)
        self.keyword, self.reason = keyword, reason
