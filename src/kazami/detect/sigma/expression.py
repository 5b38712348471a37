"""Compiled rules: boolean expressions over predicates, small enough to be cached as JSON.

pySigma parses a rule; `compile` turns it into this form; `plain` evaluates it event by event, `match` in
columns. Both read nothing but what is here, so this page is the whole meaning of a compiled rule.

An expression is a tuple:

    ("and", (e, ...))   ("or", (e, ...))   ("not", e)   ("is", Predicate)   ("const", bool)

``("and", ())`` is true and ``("or", ())`` is false.

A predicate is true on an event when its field has a value for which it holds. A field that holds several
values makes it true when *any* value does. A field that is missing makes every predicate false, except
`null` (true) and `exists` with argument False (true). `field` is None for a keyword, which holds when it
holds for any value of any field of the event, at any depth.

    op          arg                          holds when
    match       tuple of str and tokens      the whole value has this shape; ANY (*) ONE (?) DASH are tokens
    re          (pattern, flags)             the regular expression is found somewhere; flags of "ims"
    cidr        network                      the value is an IPv4 or IPv6 address inside; any text form of it
    number      int or float                 the value is this number, or its text (4688, "4688", "0x1250")
    gt gte lt lte  int or float              the value is a number, and so compared
    null        None                         the field is missing, or explicitly null
    exists      bool                         the field is present (even if empty or null), or is not
    ref         (other field, how)           the value relates to a value of the other field;
                                             how: eq startswith endswith contains
    time        (part, comparison, number)   the value is a time, whose part (minute hour day week month year, in
                                             UTC, week after ISO 8601) compares so (eq neq gt gte lt lte)

Comparison of text is by full Unicode case folding unless `cased`. `re` and `cidr` ignore `cased`. Folding
is done before matching, so ONE is one character of the folded value. DASH is any of ``-/–—―``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, TypeAlias

ANY, ONE, DASH = 0, 1, 2
DASHES = "-/–—―"

Op: TypeAlias = Literal[
    "match", "re", "cidr", "number", "gt", "gte", "lt", "lte", "null", "exists", "ref", "time"
]


class Predicate(NamedTuple):
    """One question asked of one field."""

    field: str | None
    op: Op
    arg: Any
    cased: bool = False


#: A tuple as described above; its recursive type is beyond what a checker follows usefully.
Expression: TypeAlias = tuple[Any, ...]

TRUE: Expression = ("const", True)
FALSE: Expression = ("const", False)


def predicates(expression: Expression) -> Iterator[Predicate]:
    """All predicates of an expression, in reading order, repeated where they repeat."""
    kind, body = expression
    if kind == "is":
        yield body
    elif kind == "not":
        yield from predicates(body)
    elif kind in ("and", "or"):
        for part in body:
            yield from predicates(part)


def fields(predicate: Predicate) -> frozenset[str]:
    """The fields that a predicate looks at; none for a keyword."""
    named = {predicate.field} if predicate.field is not None else set()
    return frozenset(named | {predicate.arg[0]} if predicate.op == "ref" else named)


def to_json(expression: Expression) -> list[Any]:
    """The expression as JSON-able lists."""
    kind, body = expression
    if kind == "is":
        field, op, arg, cased = body
        return [kind, [field, op, list(arg) if isinstance(arg, tuple) else arg, cased]]
    if kind == "not":
        return [kind, to_json(body)]
    if kind == "const":
        return [kind, body]
    return [kind, [to_json(part) for part in body]]


def from_json(value: list[Any]) -> Expression:
    """The inverse of `to_json`."""
    kind, body = value
    if kind == "is":
        field, op, arg, cased = body
        return ("is", Predicate(field, op, tuple(arg) if isinstance(arg, list) else arg, cased))
    if kind == "not":
        return ("not", from_json(body))
    if kind == "const":
        return ("const", bool(body))
    return (kind, tuple(from_json(part) for part in body))
