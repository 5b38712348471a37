"""Which remote-management tools a name, a path or a domain belongs to; the globs of all tools are one automaton."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import re2

from kazami.intel.remote import Tool

#: Characters of a value that is looked at.
_LONGEST = 1000


class Matcher:
    """The indicators of `tools`; each method gives the names of the tools that a value belongs to, sorted."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        known = list(tools)
        self._programs = _Globs((t.name, glob) for t in known for glob in t.programs)
        self._folders = _Globs((t.name, rf"*{glob}") for t in known for glob in t.folders)
        self._originals = _Globs((t.name, name) for t in known for name in t.originals)
        self._services = _Globs((t.name, name) for t in known for name in t.services)
        self._domains: dict[str, set[str]] = {}
        for tool in known:
            for domain in tool.domains:
                self._domains.setdefault(domain, set()).add(tool.name)
        self.kinds: Mapping[str, Callable[[str], list[str]]] = {
            "program": self.program,
            "path": self.path,
            "original": self._originals.of,
            "service": self._services.of,
            "domain": self.domain,
        }

    def program(self, image: str) -> list[str]:
        """By the file name of a program's path."""
        return self._programs.of(re.split(r"[\\/]", image[-_LONGEST:])[-1])

    def path(self, path: str) -> list[str]:
        """By the folders that a path leads through."""
        return self._folders.of(path.replace("/", "\\"))

    def domain(self, name: str) -> list[str]:
        """By a domain, or one above it that stands for all below."""
        text = name.strip().lower().rstrip(".")[:_LONGEST]
        found = set(self._domains.get(text, ()))
        labels = text.split(".")
        for start in range(len(labels) - 1):
            found |= self._domains.get("*." + ".".join(labels[start:]), set())
        return sorted(found)


class _Globs:
    """Globs (``*`` any characters), all looked for at once."""

    def __init__(self, named: Iterable[tuple[str, str]]) -> None:
        self._exact: dict[str, set[str]] = {}
        self._names: list[str] = []
        automaton: Any = re2.Set.FullMatchSet()
        for name, glob in dict.fromkeys(named):
            if "*" not in glob:
                self._exact.setdefault(glob, set()).add(name)
                continue
            automaton.Add("(?s)" + ".*".join(map(re.escape, glob.split("*"))))
            self._names.append(name)
        self._automaton = automaton
        if self._names:
            automaton.Compile()

    def of(self, value: str) -> list[str]:
        """The names whose glob is the whole of `value`, in any case of letters."""
        text = value.strip().lower()[-_LONGEST:]
        found = set(self._exact.get(text, ()))
        if self._names:
            found |= {self._names[index] for index in self._automaton.Match(text) or ()}
        return sorted(found)
