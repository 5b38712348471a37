"""The page: templates, styles and the script put together, with a policy that forbids everything else.

Every value that a template prints passes `_shown` first (invisible and active characters become visible) and
is then escaped by Jinja. The Content-Security-Policy allows exactly the style and the script of this page, by
their SHA-256 (https://www.w3.org/TR/CSP3/#grammardef-hash-source), and no connection, font, image or form.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import BytecodeCache, Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup
from platformdirs import user_cache_dir

from kazami import __version__
from kazami.respond.text import safe, safe_lines, shorten

#: No text of an event is longer than this on the page, wherever it stands.
LONGEST = 4_000
NAME = 80


def _shown(value: object) -> object:
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text, more = shorten(value, LONGEST)
    return safe_lines(text) + (f" […+{more:,}]" if more else "")


def name(text: str) -> str:
    """The name of a host, an account or a tenant on one line."""
    shown, more = shorten(text, NAME)
    return safe(shown) + ("…" if more else "")


def link(reference: str) -> str:
    """`reference` where it is an ordinary web address, else nothing: only these become links."""
    text = reference.strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    plain = text.isprintable() and not any(c in text for c in " \"'<>\\^`{|}")
    return text if plain and parts.scheme in ("http", "https") and parts.hostname else ""


def _compiled() -> BytecodeCache | None:
    """Where compiled templates are kept, beside the compiled rules: compiling takes longer than a small page."""
    folder = Path(user_cache_dir("kazami")) / f"templates-{__version__}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        trusted = folder.stat().st_mode & 0o022 == 0 and os.access(folder, os.W_OK)
    except OSError:
        return None
    return _Kept(str(folder)) if trusted else None


class _Kept(FileSystemBytecodeCache):
    """Compiled templates on disk; where they cannot be had or kept, they are compiled, and that is all."""

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Jinja with autoescape on, unknown names an error, and every value made visible."""
    loader = PackageLoader("kazami.respond.report")
    env = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_compiled(),
    )
    env.filters |= {"link": link, "name": name}
    return env


def prepare() -> None:
    """Load what a page is made with, before there is anything to show."""
    for name in environment().list_templates(["html"]):
        environment().get_template(name)


def _asset(name: str) -> str:
    return files("kazami.respond.report").joinpath(name).read_text("utf-8").strip() + "\n"


def track_style() -> str:
    """How the picture of a track looks, which other pages of ours show as well."""
    return files("kazami.respond.track").joinpath("style.css").read_text("utf-8").strip() + "\n"


def style() -> str:
    """How pages of ours look."""
    return track_style() + _asset("style.css")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy of a page that holds exactly this style and this script."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}';"
        " base-uri 'none'; form-action 'none'"
    )


def stream(context: Mapping[str, Any]) -> Any:
    """The page in pieces of text, with nothing but `context` and our own files in it."""
    look, script = style(), _asset("script.js")
    ours = {"style": Markup(look), "script": Markup(script)}  # noqa: S704 - files of this package
    pieces = environment().get_template("page.html").stream(**context, **ours, policy=policy(look, script))
    pieces.enable_buffering(50)
    return pieces
