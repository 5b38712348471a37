"""Texts that an attacker may put into an event, and a finding that is made of them."""

from __future__ import annotations

import story
from kazami.model.result import FindingRow

ESC, BEL, CSI, RLO, ZWSP, NUL = "\x1b", "\x07", "\x9b", "\u202e", "\u200b", "\x00"

TEXTS: tuple[str, ...] = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</style></title></textarea><script>x</script>",
    "javascript:alert(1)",
    "{{ 7*7 }} {% raw %} ${7*7} {0} {n}",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1,1)",
    "\t=1+1",
    "\r=1+1",
    "＝1+1",
    f"{ESC}[31mred{ESC}[0m{ESC}]0;title{BEL}",
    f"{CSI}2J{CSI}1;1H",
    f"evil{RLO}cod.exe{ZWSP}",
    f"nul{NUL}nul",
    "line\nfeed\r\nand return\rover",
    "[red]markup[/red] [link=http://x]y[/link] [/]",
    "lone surrogate \ud800 here",
    "\u2028separators\u2029",
    "full　width と 日本語",
    "tab\tbetween",
    "",
)


def finding(text: str, number: int = 1) -> FindingRow:
    """A finding in which everything that evidence or a rule can say is `text`."""
    return story.row(
        "whoami",
        number=number,
        title=text,
        tenant=text or "t",
        host=text,
        user=text,
        evidence=text,
        table=text,
        matched={text: text, "CommandLine": text},
        tags=[text],
        techniques=[text],
        tactics=[text],
        description=text,
        author=text,
        falsepositives=[text],
        references=[text, f"https://example.org/{text}"],
        rule_id=f"rule {text}",
        event_uids=[text],
        finding_uid=f"{number:032x}",
    )


FINDINGS: list[FindingRow] = [finding(text, number) for number, text in enumerate(TEXTS)]


def active(text: str, allowed: str = "\n") -> set[str]:
    """Characters of `text` that a terminal would act on, or that hide."""
    return {c for c in text if not c.isprintable() and c not in allowed and c not in "\u3000\xa0"}
