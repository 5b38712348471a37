"""Settings that decide what logs are written: ``settings.yml`` beside this module."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words in both languages."""

    en: str
    ja: str

    def of(self, lang: str) -> str:
        """The words in `lang`."""
        return (self.ja if lang == "ja" else self.en).strip()


class Sign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events of the view `log`, of these `ids` (any for none), in which `field` is filled, or has the `value`."""

    log: str
    ids: tuple[str, ...] = ()
    field: str = ""
    value: str = ""


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A setting as ``settings.yml`` says it, which describes the keys."""

    name: Text
    how: Text
    signs: tuple[Sign, ...]
    denied: tuple[Sign, ...] = ()
    log: str = ""
    wide: bool = False
    platforms: tuple[str, ...] = ("windows",)
    feeds: tuple[str, ...] = ()
    field: str = ""


@cache
def settings() -> Mapping[str, Setting]:
    """All settings by id, in the order of the file."""
    text = files("kazami.survey").joinpath("settings.yml").read_text("utf-8")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return msgspec.convert(yaml.load(text, Loader=loader), dict[str, Setting])  # noqa: S506 - a safe loader, ours
