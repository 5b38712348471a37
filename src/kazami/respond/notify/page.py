"""A notice as a page that needs no network, and as plain text for mail."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kazami.model.notice import Notice
from kazami.respond.notify.words import HEADINGS
from kazami.respond.text import safe, safe_lines, shorten

_STYLE = """body{font:16px/1.6 system-ui,"Noto Sans JP",sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid #d0d7de}
table{border-collapse:collapse;width:100%;font-size:.875rem}th,td{text-align:left;vertical-align:top;padding:.35rem .5rem;border-bottom:1px solid #d0d7de;overflow-wrap:anywhere}
th,.time{white-space:nowrap}.tlp{display:inline-block;background:#000;font-weight:700;padding:.1rem .5rem}
.tlp-clear{color:#fff}.tlp-green{color:#33ff00}.tlp-amber,.tlp-amber-strict{color:#ffc000}.tlp-red{color:#ff2b2b}
.band{border-left:4px solid #bf8700;padding-left:.75rem}.names{overflow-wrap:anywhere}.id{color:#57606a;font-size:.75rem}
@media print{body{margin:0}}
"""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("kazami.respond.notify"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: object) -> object:
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text, more = shorten(value)
    return safe_lines(text) + (f" […+{more:,}]" if more else "")


def html(notice: Notice) -> str:
    """The page. Its policy allows its own style and nothing else."""
    headings = {key: text.spoken(notice.lang) for key, text in HEADINGS.items()}
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return _environment().get_template("notice.html").render(
        n=notice,
        h=headings,
        style=Markup(_STYLE),  # noqa: S704 - ours
        policy=policy,
        more=headings["more"].format(n=notice.more_proofs),
    )  # fmt: skip


def plain(notice: Notice) -> str:
    """The same in short, as lines of text."""
    said = {key: text.spoken(notice.lang) for key, text in HEADINGS.items()}
    lines = [f"TLP:{notice.tlp}", "", notice.title, "", *notice.summary]
    lines += ["", notice.band] if notice.band else []
    for key, items in (("todo", notice.todo), ("call", notice.call)):
        lines += ["", f"{said[key]}:", *(f"- {item}" for item in items or (said["unknown"],))]
    lines += ["", f"{said['happened']}:"]
    for line in notice.happened:
        time = f"{line.time:%Y-%m-%d %H:%M:%S}" if line.time else said["unknown"]
        lines.append(f"- {time} {line.host} {line.text}")
    return "\n".join(safe(shorten(line)[0]) for line in [*lines, "", notice.notice_uid]) + "\n"
