"""A command whose plain words are taken as they are, before anybody is asked what they mean.

Newer versions of Typer turn every word into its type through Pydantic, whose import and preparation take a tenth of a
second: more than all the rest of a command line. A path, a text, a number in its range and a choice that is spelled as
it stands need none of it. Whatever is not that plain goes Typer's own way, and so does every error.
"""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

from typer.core import TyperCommand, TyperGroup

_UNKNOWN = object()


class QuickCommand(TyperCommand):
    """For commands that are run often."""

    def get_params(self, ctx: Any) -> list[Any]:
        """As Typer has them, its help among them."""
        return _quickened(super().get_params(ctx))


class QuickGroup(TyperGroup):
    """For what stands before such commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """As Typer has them, its help among them."""
        return _quickened(super().get_params(ctx))


def _quickened(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if getattr(parameter, "_runtime_param", _UNKNOWN) is None:  # older versions have no such thing
            parameter._runtime_param = Quick(parameter)
    return parameters


class Quick:
    """What Typer asks for the value of one parameter."""

    def __init__(self, parameter: Any) -> None:
        self._parameter = parameter
        descriptor = parameter.type_descriptor
        self._kind, self._about = descriptor.annotation, descriptor.parameter_info
        self._many = get_origin(self._kind) is list

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value in its type; Typer's own answer, or error, where it is not plain."""
        found = self._plain(value)
        if found is not _UNKNOWN:
            return found
        from typer._coercion import build_runtime_param

        return build_runtime_param(self._parameter.type_descriptor).coerce(value, param=param, ctx=ctx)

    def _plain(self, value: Any) -> Any:
        if value is None:
            return () if self._parameter.multiple or self._parameter.nargs == -1 else None
        if self._about.parser is not None:
            return _UNKNOWN
        if not self._many:
            return self._one(self._kind, value)
        (kind,) = get_args(self._kind)
        found = [self._one(kind, one) for one in value] if isinstance(value, list | tuple) else [_UNKNOWN]
        return _UNKNOWN if _UNKNOWN in found else found

    def _one(self, kind: Any, value: Any) -> Any:
        if not isinstance(kind, type):
            return _UNKNOWN
        if issubclass(kind, Enum):
            return next((one for one in kind if value in (one, one.value)), _UNKNOWN)
        if kind is str and isinstance(value, str):
            return value
        if kind is Path and isinstance(value, str | Path):
            return self._path(value)
        number = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10
        if kind in (int, float) and (number or type(value) is kind):
            return self._number(kind(value))
        return _UNKNOWN

    def _number(self, value: float) -> Any:
        low, high = self._about.min, self._about.max
        inside = (low is None or value >= low) and (high is None or value <= high)
        return value if inside else _UNKNOWN

    def _path(self, value: str | Path) -> Any:
        about = self._about
        asked = about.exists or about.resolve_path or about.path_type or about.allow_dash or about.writable
        if asked or not (about.file_okay and about.dir_okay) or not str(value):
            return _UNKNOWN
        if about.readable and os.path.exists(value) and not os.access(value, os.R_OK):  # noqa: PTH110
            return _UNKNOWN
        return Path(value)
