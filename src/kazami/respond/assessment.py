"""An assessment in words, after ICD 203: how likely in one sentence, how sure in another, then why and why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kazami.respond.language import Words


def lines(told: Mapping[str, Any], measured: Mapping[str, Any], language: Words) -> Iterator[tuple[str, str]]:
    """Lines of text, each with what it is: ``title``, ``claim``, ``text``, ``item`` or ``note``.

    `told` is an assessment as `kazami.attribute` gives it as plain values, `measured` how good the method was found to be.
    """
    yield "claim", claim(told, language)
    yield "text", sure(told, language)
    for number, one in enumerate(told["hypotheses"], 1):
        yield (
            "title",
            f"{number}. {one['name']} ({one['group']}): {_percent(one['probability'], language)}",
        )
        for kind in ("strongest", "contradicting", "missing"):
            for item in one[kind]:
                yield "item", _item(kind, item, language)
    yield "title", f"–  {language('attribution.none_known')}: {_percent(told['none_known'], language)}"
    yield "note", _seen(told, language)
    yield "note", _measured(told, measured, language)
    yield "note", language("attribution.limits")


def claim(told: Mapping[str, Any], language: Words) -> str:
    """What is claimed, and how likely it is; never how sure."""
    if told["confidence"] == "none":
        word = language(f"likelihood.{told['none_known_word']}")
        return language("attribution.nobody", word=word, percent=_percent(told["none_known"], language))
    first = told["hypotheses"][0]
    return language(
        "attribution.consistent",
        name=first["name"],
        group=first["group"],
        word=language(f"likelihood.{first['word']}"),
        percent=_percent(first["probability"], language),
    )


def sure(told: Mapping[str, Any], language: Words) -> str:
    """How sure, and what holds it down; never how likely."""
    reasons = [language(f"attribution.why.{key}") for key in told["why"]]
    said = language("list.comma").join(reasons) or language("attribution.why.own_malware")
    return language(f"attribution.confidence.{told['confidence']}", reasons=said)


def _item(kind: str, item: Mapping[str, Any], language: Words) -> str:
    said = language(
        f"attribution.{kind}",
        id=item["id"],
        name=item["name"],
        nats=f"{item['nats']:+.1f}",
        groups=language.count("group", item["groups"]),
    )
    behind = [*item["rules"], *item["reports"][:2]] if kind != "contradicting" else item["rules"]
    return f"{said} [{'; '.join(behind)}]" if behind else said


def _seen(told: Mapping[str, Any], language: Words) -> str:
    return language(
        "attribution.seen",
        techniques=language.count("technique", sum(one[0] == "T" for one in told["counted"])),
        malware=language.number(sum(one[0] == "S" for one in told["counted"])),
        ignored=language.number(len(told["ignored"])),
        findings=language.count("finding", told["findings"]),
        rules=language.count("rule", told["rules"]),
        sources=language.listing(list(told["log_sources"])[:5], len(told["log_sources"]), "source"),
        version=told["attack"],
    )


def _measured(told: Mapping[str, Any], measured: Mapping[str, Any], language: Words) -> str:
    reports, campaigns = measured["reports"], measured["campaigns"]
    return language(
        "attribution.measured",
        method=told["method"],
        low=_percent(reports["low"]["right"], language),
        low_n=language.number(reports["low"]["named"]),
        moderate=_percent(reports["moderate"]["right"], language),
        moderate_n=language.number(reports["moderate"]["named"]),
        cases=language.number(reports["cases"]),
        campaigns=language.number(campaigns["cases"]),
        right=_percent(campaigns["first_right"], language),
    )


def _percent(share: float, language: Words) -> str:
    """A share in percent; nobody is certain, so that 0 and 100 are not said of what is between them."""
    number = min(max(round(share * 100), 1), 99) if 0 < share < 1 else round(share * 100)
    return f"{language.number(number)} %"
