"""What stands out, in sentences: the few things that a person should look at first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from kazami.model.finding import LEVELS, level_rank
from kazami.respond.language import Words
from kazami.respond.report.axis import moment
from kazami.respond.report.page import name
from kazami.respond.report.tactics import row as tactics
from kazami.respond.report.tally import Group, Tally
from kazami.respond.report.timeline import affected

#: Sentences about rules; the table below the picture has them all.
RULES = 3
NAMES = 3

#: Accounts that act on every machine, so that being on many says nothing.
_BUILT_IN = frozenset({"system", "local service", "network service", "anonymous logon", "-", "", "root"})

#: A stretch that holds this share of all findings is worth a sentence, if it is this much shorter than all.
BURST_SHARE, BURST_LENGTH = 0.3, 20


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing that stands out; `rule` is the id of the rule that it points to, if any."""

    text: Markup
    level: str = ""
    rule: str = ""


def names(words: Words, keys: list[str], noun: str) -> str:
    """The first few of `keys`, and how many more."""
    return words.listing([name(key) for key in keys[:NAMES]], len(keys), noun)


def severe(tally: Tally) -> list[Group]:
    """Rules with findings, most severe first; among equals those with fewer findings, which are less noise."""
    return sorted(tally.rules.values(), key=lambda rule: (-rule.rank, rule.count, rule.key))


def _rules(tally: Tally, words: Words) -> Iterator[Sentence]:
    for rule in severe(tally)[:RULES]:
        text = tally.texts.get(rule.key)
        if rule.rank < level_rank("medium") or text is None:
            return
        hosts = [host for _, host in rule.hosts]
        where = words("standout.on", hosts=names(words, hosts, "host")) if hosts else ""
        sentence = words.marked(
            "standout.rule",
            title=name(text.title),
            findings=words.count("finding", rule.count) + where,
            first=words.time(rule.first, seconds=False),
        )
        yield Sentence(sentence, rule.level, rule.key)


def _host(tally: Tally, words: Words) -> Iterator[Sentence]:
    hosts = affected(tally)
    if len(hosts) > 1 and len(hosts[0].rules) > 1:
        top = hosts[0]
        yield Sentence(
            words.marked(
                "standout.host",
                host=name(top.key),
                rules=words.count("rule", len(top.rules)),
                tactics=words.count("tactic", len(tally.tactics(top))),
            ),
            top.level,
        )


def _person(account: str) -> bool:
    """Whether an account can be somebody's: neither a machine's nor one that every Windows has."""
    short = account.rsplit("\\", 1)[-1].lower()
    return not short.endswith("$") and short not in _BUILT_IN


def _user(tally: Tally, words: Words) -> Iterator[Sentence]:
    people = [user for user in tally.users.values() if _person(user.key) and len(user.hosts) > 1]
    spread = max(people, key=lambda user: (user.rank, len(user.hosts), user.key), default=None)
    if spread is not None:
        hosts = names(words, [host for _, host in spread.hosts], "host")
        yield Sentence(words.marked("standout.user", user=name(spread.key), hosts=hosts), spread.level)


def _tenants(tally: Tally, words: Words) -> Iterator[Sentence]:
    if len(tally.tenants) > 1:
        shared = [
            rule
            for rule in severe(tally)
            if rule.rank >= level_rank("medium")
            and sum(rule.key in tenant.rules for tenant in tally.tenants.values()) > 1
        ]
        if shared:
            title = name(tally.texts[shared[0].key].title) if shared[0].key in tally.texts else shared[0].key
            yield Sentence(
                words.marked("standout.tenants", rules=words.count("rule", len(shared)), title=title),
                shared[0].level,
            )


def _burst(tally: Tally, words: Words) -> Iterator[Sentence]:
    """The densest stretch of a twentieth of the whole time, where it holds much of all."""
    buckets = list(tally.time.lane(0).items())
    dated = tally.all.count - tally.undated
    if dated < 10:
        return
    length = (buckets[-1][0] + tally.time.width - buckets[0][0]) // BURST_LENGTH
    if length < 2 * tally.time.width:
        return
    best, at, inside, low = 0, 0, 0, 0
    for second, levels in buckets:
        inside += sum(levels)
        while second - buckets[low][0] > length:
            inside -= sum(buckets[low][1])
            low += 1
        if inside > best:
            best, at = inside, buckets[low][0]
    if best >= BURST_SHARE * dated:
        start, stop = moment(at), moment(at + length)
        yield Sentence(
            words.marked(
                "standout.burst",
                share=f"{100 * best // dated} %",
                span=words.duration(length),
                start=words.time(start, seconds=False),
                stop=words.time(stop, seconds=False),
            )
        )


def _tactics(tally: Tally, words: Words) -> Iterator[Sentence]:
    seen = tally.tactics(tally.all)
    if len(seen) > 2:
        yield Sentence(
            words.marked(
                "standout.tactics",
                n=words.number(len(seen)),
                all=words.number(len(tactics(tally))),
                first=words.tactic(seen[0]),
                last=words.tactic(seen[-1]),
            )
        )


def sentences(tally: Tally, words: Words) -> list[Sentence]:
    """All that stands out, in the order of reading."""
    parts = (_rules, _host, _user, _tenants, _burst, _tactics)
    return [sentence for part in parts for sentence in part(tally, words)]


def levels(tally: Tally) -> list[tuple[str, int]]:
    """Findings by level, the highest first."""
    return [(LEVELS[i], tally.all.levels[i]) for i in reversed(range(len(LEVELS)))]
