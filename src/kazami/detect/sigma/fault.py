"""Why a rule cannot be compiled, before anybody knows the file it stands in."""

from __future__ import annotations


class Fault(ValueError):  # noqa: N818 - of the rule, not an error of ours
    """A rule that means nothing, or not one thing; the message says what in words for its author."""
