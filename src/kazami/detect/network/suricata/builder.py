"""Where the keywords of one rule put what they mean, until the rule is whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from kazami.detect.network.suricata.buffers import BUFFERS, Buffer
from kazami.detect.network.suricata.fault import RuleError, UnsupportedError
from kazami.detect.network.suricata.rule import Inspection, PacketTest, Rule, Transform
from kazami.detect.network.suricata.steps import Content, Step, changed

PAYLOAD, INSIDE = "payload", "inside"


@dataclass(slots=True)
class Draft:
    """One buffer of a rule that is being read."""

    buffer: str
    steps: list[Step] = field(default_factory=list)
    transforms: list[tuple[str, Transform]] = field(default_factory=list)
    absent: str | None = None
    exists: bool = False


@dataclass(slots=True)
class Builder:
    """The rule so far, its buffers, which of them is selected, and which one got the last step."""

    rule: Rule
    drafts: list[Draft] = field(default_factory=list)
    chosen: Draft | None = None
    last: Draft | None = None
    tests: list[PacketTest] = field(default_factory=list)
    settled: int = 0  # how many of them protocol and payload alone answer
    variables: set[str] = field(default_factory=set)
    folder: str = ""
    protocol: str = ""
    wanted: list[str] = field(default_factory=list)  # keywords without which the rule says it makes no sense

    def draft(self, name: str) -> Draft:
        """The plain buffer of this name; made if need be."""
        found = next((one for one in self.drafts if one.buffer == name and not one.transforms), None)
        if found is None:
            found = Draft(name)
            self.drafts.append(found)
        return found

    def select(self, name: str) -> None:
        """A sticky buffer: what follows is about it. One of many values begins anew each time."""
        self._settle()
        if name == PAYLOAD:
            self.chosen = None
            return
        if BUFFERS[name].many:
            self.chosen = Draft(name)
            self.drafts.append(self.chosen)
        else:
            self.chosen = Draft(name)  # joined with an equal one when its transforms are known

    def inside(self, steps: list[Step]) -> None:
        """What follows is about what a step has decoded."""
        self._settle()
        self.chosen = Draft(INSIDE, steps)

    def _settle(self) -> None:
        """The selected buffer is as it will be: join it with an equal one."""
        chosen = self.chosen
        if chosen is None or chosen.buffer == INSIDE or any(one is chosen for one in self.drafts):
            return
        names = [name for name, _ in chosen.transforms]
        for one in self.drafts:
            if one.buffer == chosen.buffer and [name for name, _ in one.transforms] == names:
                one.exists = one.exists or not chosen.steps
                self.chosen = one
                return
        self.drafts.append(chosen)

    def current(self) -> Draft:
        """Where the next content goes."""
        self._settle()
        return self.chosen if self.chosen is not None else self.draft(PAYLOAD)

    def add(self, step: Step, relative: bool = False) -> None:
        """Take a step; where nothing is selected, a relative one follows the step before it, whatever its buffer."""
        where = self.current()
        if self.chosen is None and relative and self.last is not None:
            where = self.last
        where.steps.append(step)
        self.last = where

    def content(self) -> Content:
        """The last content, which a modifier is about."""
        if self.last is not None:
            for step in reversed(self.last.steps):
                if isinstance(step, Content):
                    return step
        raise RuleError("a modifier without a content before it")

    def change(self, content: Content) -> None:
        """The last content, changed by its modifier."""
        assert self.last is not None
        for at in range(len(self.last.steps) - 1, -1, -1):
            if isinstance(self.last.steps[at], Content):
                self.last.steps[at] = content
                return

    def move(self, name: str) -> None:
        """An old-style modifier: the last content belongs to this buffer."""
        content = self.content()
        assert self.last is not None
        if self.chosen is not None:
            raise RuleError("a modifier of content where a sticky buffer is selected")
        for at in range(len(self.last.steps) - 1, -1, -1):
            if self.last.steps[at] is content:
                del self.last.steps[at]
                break
        where = self.draft(name)
        where.steps.append(content)
        self.last = where

    def transform(self, name: str, function: Transform) -> None:
        """A transform of the selected buffer."""
        if self.chosen is None:
            raise RuleError(f"{name} without a sticky buffer before it")
        if self.chosen.steps:  # what stands before is about the buffer as it was
            self._settle()
            self.chosen = Draft(self.chosen.buffer, transforms=list(self.chosen.transforms))
        self.chosen.transforms.append((name, function))

    def finished(self) -> list[Inspection]:
        """All buffers, as they will be looked at.

        Raises:
            RuleError: A buffer is selected and nothing is asked of it, or buffers of different protocols are mixed.
        """
        self._settle()
        made = []
        for one in self.drafts:
            if not one.steps and one.absent is None:
                if one.buffer == PAYLOAD:
                    continue
                one.exists = True
            functions = tuple(function for _, function in one.transforms)
            steps = one.steps if functions else [_spelled(one.buffer, step) for step in one.steps]
            made.append(Inspection(one.buffer, tuple(steps), functions, one.absent, one.exists))
        return made

    def buffer(self, name: str) -> Buffer:
        """The description of a buffer.

        Raises:
            UnsupportedError: It is not filled here.
        """
        if name not in BUFFERS:
            raise UnsupportedError(name)
        return BUFFERS[name]


def _spelled(buffer: str, step: Step) -> Step:
    """A content in the letters of its buffer: hashes are written in small ones, serial numbers in capitals."""
    if not isinstance(step, Content) or step.nocase:
        return step
    if buffer == "http.host" and step.pattern != step.pattern.lower() and not step.negated:
        raise RuleError("http.host is in small letters: what has capitals is never in it")
    turn = bytes.lower if buffer in _SMALL else bytes.upper if buffer == "tls.cert_serial" else None
    return changed(step, pattern=turn(step.pattern)) if turn is not None else step


_SMALL = frozenset(("ja3.hash", "ja3s.hash", "tls.cert_fingerprint", "ssh.hassh", "ssh.hassh.server"))
