"""Where the documents of all rule files meet: duplicate ids, filters, references."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

import msgspec

from kazami.detect.sigma.rule import Correlation, Rule, RuleSet
from kazami.detect.sigma.stored import Entry
from kazami.detect.sigma.versions import digest
from kazami.model.rule import Rejected, RuleInfo


class Gathered:
    """Takes entries file by file, then gives the rule set."""

    def __init__(self) -> None:
        self.rejected: list[Rejected] = []
        self.extra: dict[str, Any] = {}
        self._warnings: list[Rejected] = []
        self._rules: dict[str, Rule] = {}
        self._filters: list[tuple[RuleInfo, Entry]] = []
        self._correlations: list[tuple[RuleInfo, Entry]] = []

    def add(self, path: str, entries: Iterable[Entry]) -> None:
        """The documents of one file."""
        for entry in entries:
            info = entry.info
            if info is None:
                self.rejected.append(Rejected(path, entry.notes[0], entry.id, entry.title))
                continue
            # just decoded or compiled, and not shared with anybody yet: no need for a copy
            object.__setattr__(info, "path", path)
            if entry.kind == "rule":
                self._add_rule(info, entry)
            elif entry.kind == "filter":
                self._filters.append((info, entry))
            else:
                self._correlations.append((info, entry))
            for note in entry.notes:
                self._warnings.append(Rejected(path, note, info.id, info.title))

    def _add_rule(self, info: RuleInfo, entry: Entry) -> None:
        known = self._rules.get(info.id)
        if known is not None and entry.inherited:
            info = replace(info, id=str(uuid5(UUID(int=0), f"{info.id} {info.version}")))
            known = self._rules.get(info.id)
        if known is not None:
            reason = f"its id is already that of '{known.info.title}' in {known.info.path}"
            self.rejected.append(Rejected(info.path, reason, info.id, info.title))
            return
        self._rules[info.id] = Rule(info, bytes(entry.body), words=entry.words)

    def finish(self) -> RuleSet:
        """All of it, filters applied and references tied."""
        self._filter()
        rules: Sequence[Rule] = tuple(self._rules.values())
        correlations: Sequence[Correlation] = ()
        if self._correlations:
            rules, correlations = self._tie(rules)
        infos = [rule.info for rule in rules] + [each.info for each in correlations]
        versions = sorted(f"{info.id} {info.version}" for info in infos)
        return RuleSet(
            tuple(rules),
            tuple(correlations),
            tuple(self.rejected),
            tuple(self._warnings),
            digest("\n".join(versions).encode()),
            self.extra,
        )

    def _tie(self, rules: Sequence[Rule]) -> tuple[Sequence[Rule], Sequence[Correlation]]:
        from kazami.detect.sigma import correlation  # not needed by most rule sets

        made = [correlation.from_json(msgspec.json.decode(entry.body)) for _, entry in self._correlations]
        resolved = correlation.resolve(
            [replace(each, info=info) for each, (info, _) in zip(made, self._correlations, strict=True)],
            rules,
        )
        self.rejected.extend(resolved.rejected)
        return resolved.rules, resolved.correlations

    def _filter(self) -> None:
        """Each filter's condition joins the rules it is for, and its version theirs."""
        names = {rule.info.name: id_ for id_, rule in self._rules.items() if rule.info.name}
        applied: dict[str, list[tuple[RuleInfo, bytes]]] = {}
        for info, entry in self._filters:
            wanted, keep = msgspec.json.decode(entry.body, type=tuple[list[str] | None, msgspec.Raw])
            for id_ in self._targets(info, wanted, names):
                applied.setdefault(id_, []).append((info, bytes(keep)))
        for id_, filters in applied.items():
            rule = self._rules[id_]
            assert isinstance(rule.compiled, bytes)
            parts = b",".join([rule.compiled, *(keep for _, keep in filters)])
            version = digest(rule.info.version.encode(), *(info.version.encode() for info, _ in filters))
            joined = b'["and",[' + parts + b"]]"  # the words of one part are words of all
            self._rules[id_] = Rule(replace(rule.info, version=version), joined, words=rule.words)

    def _targets(self, info: RuleInfo, wanted: list[str] | None, names: dict[str, str]) -> list[str]:
        covered = [id_ for id_, rule in self._rules.items() if info.logsource.covers(rule.info.logsource)]
        if wanted is None:
            return covered
        targets = []
        for reference in wanted:
            id_ = _canonical(reference) if _canonical(reference) in self._rules else names.get(reference, "")
            if id_ not in self._rules:
                self._note(info, f"it is for '{reference}', which is neither id nor name of a loaded rule")
            elif id_ not in covered:
                source = self._rules[id_].info.logsource
                self._note(
                    info, f"it is for '{reference}' of {source}, which is not its log source {info.logsource}"
                )
            else:
                targets.append(id_)
        return list(dict.fromkeys(targets))

    def _note(self, info: RuleInfo, text: str) -> None:
        self._warnings.append(Rejected(info.path, text, info.id, info.title))


def _canonical(id_: str) -> str:
    try:
        return str(UUID(id_.strip()))
    except ValueError:
        return id_.strip()
