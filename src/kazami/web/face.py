"""The face of a resource for people: HTML from templates, in a language and a theme."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from kazami.errors import KazamiError
from kazami.model.finding import LEVELS
from kazami.model.incident import Incident
from kazami.respond.language import LANGUAGES, Words
from kazami.respond.language import words as report_words
from kazami.respond.report.incident import Picture, picture
from kazami.respond.report.matrix import of_incident
from kazami.respond.text import safe, safe_lines
from kazami.respond.track import NARROW, WIDE, track
from kazami.web.answer import status_of
from kazami.web.line import line_of
from kazami.web.site import Site
from kazami.web.state.sessions import Session

THEMES: tuple[str, ...] = ("auto", "light", "dark")


@cache
def catalog(lang: str) -> dict[str, str]:
    """The words of the console in a language, by key."""
    text = (files("kazami.web") / "words" / f"{lang}.yaml").read_text("utf-8")
    return dict(_flat(yaml.safe_load(text), ""))


def _flat(tree: dict[str, Any], before: str) -> Any:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("kazami.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        safe=safe,
        lines=safe_lines,
        exactly=exactly,
        when=when,
        query=query,
        seconds=seconds,
        short=short,
        tail=lambda path: "/".join(re.split(r"[/\\]", path)[-2:]),
        file=lambda path: re.split(r"[/\\]", path)[-1] or path,
        segment=lambda text: quote(str(text), safe=""),
    )
    made.globals.update(
        severities=severities, pairs=pairs, track_of=track_of, matrix_of=of_incident, line_of=line_of
    )
    return made


def warm() -> None:
    """Compile all templates and read all words, so that nobody waits for it."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)
    for lang in LANGUAGES:
        Speech(lang)


def when(text: str | datetime | None) -> str:
    """A time as people read it: to the second, in UTC, which the page says once."""
    if isinstance(text, datetime):
        text = text.isoformat()
    return text[:19].replace("T", " ") if text else "–"


def exactly(text: str) -> Markup:
    """A text that a form has to give back as it is: what cannot be printed stands as a reference by number."""
    parts = [
        str(escape(sign)) if sign.isprintable() or sign == "\n" else f"&#x{ord(sign):x};" for sign in text
    ]
    return Markup("".join(parts))  # noqa: S704 - each sign is escaped


def seconds(time: float) -> str:
    """Seconds since 1970 as `when` shows a time."""
    return when(datetime.fromtimestamp(time, UTC))


def track_of(one: Incident, words: Words) -> Picture | None:
    """The picture of an incident, for wide and for narrow screens, its marks leading to steps; None without times."""
    wide, narrow = track([one], WIDE), track([one], NARROW)
    if wide is None or narrow is None:
        return None
    return picture((wide, narrow), words, "track", linked=True)


def short(host: str) -> str:
    """A host without its domain; an address, and anything else, stays whole."""
    first = host.partition(".")[0]
    return host if first.isdigit() or ":" in host else first


def query(values: Mapping[str, Any]) -> str:
    """The part of an address after the question mark; what is empty is left out."""
    return urlencode({name: value for name, value in values.items() if value not in ("", None)})


def severities(w: Any) -> list[tuple[str, str]]:
    """Levels to choose from, the highest first, each with its words."""
    return [(level, w.level(level)) for level in reversed(LEVELS)]


def pairs(values: Sequence[str]) -> list[tuple[str, str]]:
    """Values to choose from that are their own words."""
    return [(value, value) for value in values]


def language_of(request: Request) -> str:
    """The language that was asked for, else the browser's, else English."""
    chosen = request.query_params.get("lang") or request.cookies.get("lang", "")
    if chosen in LANGUAGES:
        return chosen
    wanted = request.headers.get("accept-language", "").lower()
    return "ja" if wanted.startswith("ja") else "en"


class Speech:
    """The words of the console, then those of the report: ``w("nav.incidents")``."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.own = catalog(lang)
        self.report: Words = report_words(lang)

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of `key`, filled; where `n` is one and there is a text for it, that one."""
        text = (values.get("n") in (1, "1") and self.own.get(f"{key}_one")) or self.own.get(key)
        if text is None:
            return self.report(key, **values)
        return text.format(**values) if values else text

    def known(self, kind: str, value: str) -> str:
        """The word for one of a kind of values; one that has none yet says itself, made harmless."""
        return self.own.get(f"{kind}.{value.replace(' ', '_')}") or safe(value)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.report, name)


def page(
    request: Request, site: Site, template: str, session: Session | None, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """The page of `template`. What is in `values` is shown escaped, control codes made visible."""
    lang = language_of(request)
    theme = request.cookies.get("theme", "auto")
    base = request.scope.get("kazami.base", "")
    html = (
        _environment()
        .get_template(f"{template}.html")
        .render(
            w=Speech(lang),
            lang=lang,
            theme=theme if theme in THEMES else "auto",
            person=session.person if session else None,
            proof=session.proof if session else "",
            base=base,
            path=request.url.path.removeprefix(base) or "/",
            asked=dict(request.query_params),
            cases=site.cases(session.person.tenants) if session and len(site.desks) > 1 else [],
            readable=request.method == "GET",
            twin=request.method == "GET" and template not in ("me", "cases", "error"),
            homeless=len(site.desks) > 1 and not base,
            case=request.scope.get("kazami.case", ""),
            demo=site.demo,
            **values,
        )
    )
    return HTMLResponse(html, status_code=status)


def refusal(request: Request, site: Site, error: KazamiError, session: Session | None) -> HTMLResponse:
    """The page of an error, with the way back to the form that led to it."""
    status, code = status_of(error)
    came = urlsplit(request.headers.get("referer", ""))
    back = ""
    ours = came.netloc == request.headers.get("host") and not came.path.startswith("//")
    if request.method == "POST" and ours:
        back = f"{came.path}{'?' if came.query else ''}{came.query}"
    return page(request, site, "error", session, status=status, code=code, message=str(error), back=back)
