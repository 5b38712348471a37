"""A page and its JSON twin, and what can be done there, from one function each; together they are the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin

import msgspec

from kazami.errors import UsageError
from kazami.store.browse.reader import Reader
from kazami.web.desk import Desk
from kazami.web.site import Site
from kazami.web.state.people import Person
from kazami.web.state.sessions import Session


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question without parameters."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One request: who asks what of which case. `reader` stands behind the wall of the person's tenants."""

    site: Site
    desk: Desk
    reader: Reader
    session: Session
    query: Any
    path: Mapping[str, str] = field(default_factory=dict)
    lang: str = "en"

    @property
    def person(self) -> Person:
        """Who asks."""
        return self.session.person


#: Whether a person may use something.
May = Callable[[Person], bool]


def everybody(_: Person) -> bool:
    """Whoever is signed in."""
    return True


def provider(person: Person) -> bool:
    """People of the provider."""
    return person.is_provider


def writers(person: Person) -> bool:
    """People who may change things."""
    return person.may_write


def administrators(person: Person) -> bool:
    """People who may change who may do what."""
    return person.is_administrator


@dataclass(frozen=True, slots=True)
class Resource:
    """Something to read. `query` says its parameters, `data` what comes back; `template` renders it for people."""

    path: str
    template: str
    about: str
    fetch: Callable[[Asking], Any]
    data: Any
    query: type[msgspec.Struct] = Nothing
    may: May = everybody


@dataclass(frozen=True, slots=True)
class Act:
    """Something to do: a POST with a `body`; `back` is where a browser goes afterwards, filled from the path and
    from what came of it.

    With a `template` the browser is shown what came of it, once, instead. What is done `anywhere` needs no case.
    """

    path: str
    about: str
    carry_out: Callable[[Asking], msgspec.Struct]
    body: type[msgspec.Struct]
    back: str
    may: May = writers
    template: str = ""
    anywhere: bool = False


def decoded(given: Mapping[str, Any], kind: type[msgspec.Struct]) -> Any:
    """Parameters or fields of a form as `kind`. Raises UsageError that names the one that is wrong.

    What a form leaves empty is as if it were not there; a list may come as one value.
    """
    wanted: dict[str, Any] = {}
    lists = {f.encode_name for f in msgspec.structs.fields(kind) if _is_list(f.type)}
    for name, value in given.items():
        if name in lists:
            wanted[name] = value if isinstance(value, list) else [value]
        elif value != "":
            wanted[name] = value[-1] if isinstance(value, list) else value
    try:
        return msgspec.convert(wanted, kind, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(str(error)) from error


def _is_list(kind: Any) -> bool:
    """Whether a field holds several values, whatever else is said of it."""
    return get_origin(get_args(kind)[0] if get_origin(kind) is Annotated else kind) is list
