"""Submissions: who kills a worker is left out the second time, and nothing that was not seen is clean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from kazami.engine.cage import Died, Ended, Said
from kazami.model.content import Inspection, Limits, Looked
from kazami.pipeline.inspect import _ENCODE, Submission, Wish, _Answer, _judged, _work, inspect, rules

PE = b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0" + bytes(200)


def one(name: str, data: bytes, **wish: Any) -> Inspection:
    (found,) = inspect([Submission(name, data=data, size=len(data))], Wish(**wish))
    return found


def test_a_verdict_with_its_proof() -> None:
    found = one("mail/report.pdf.exe", PE)
    assert (found.verdict.word, found.kind, found.size) == ("suspicious", "pe", len(PE))
    assert [(p.name, p.techniques) for p in found.verdict.proofs] == [
        ("name.double_extension", ("T1036.007",))
    ]


def test_only_the_beginning_of_what_is_too_large_is_not_clean(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(b"a" * 5000)
    (found,) = inspect([Submission(str(path), path)], Wish(limits=Limits(file=1000)))
    assert found.verdict.word == "incomplete"
    assert found.size == 5000
    assert found.verdict.gaps[0].kind == "limit"
    assert found.sha256 == one("large.txt", b"a" * 5000).sha256


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (found,) = inspect([Submission("gone", tmp_path / "gone")], Wish())
    assert found.error
    assert found.verdict.word == "incomplete"


def test_verdicts_are_kept_by_content_name_and_rules(tmp_path: Path) -> None:
    first = one("a.pdf.exe", PE, cache=tmp_path)
    again = one("elsewhere/a.pdf.exe", PE, cache=tmp_path)
    assert again.seconds == first.seconds  # the same one, not one like it
    assert again.name == "elsewhere/a.pdf.exe"
    assert again.verdict == first.verdict
    assert one("a.exe", PE, cache=tmp_path).verdict != first.verdict
    assert rules(Wish()) != rules(Wish(passwords=("x",)))
    assert rules(Wish()) == rules(Wish())


class Scripted:
    """Cages whose worker dies for tasks that do not skip what kills it."""

    def __init__(self, killers: set[str]) -> None:
        self.killers = killers

    def run(
        self, tasks: Iterable[Submission]
    ) -> Iterator[Said[Submission] | Ended[Submission] | Died[Submission]]:
        for task in tasks:
            looked = Looked("f", "f", "pe", 1, "00", "", "", 0, "", "")
            yield Said(task, _ENCODE(_Answer(sha256="00", kind="pe", size=1)))
            left = self.killers - {analyzer for _, analyzer, _ in task.skip}
            if left:
                yield Died(task, "signal SIGSEGV", f"00 {min(left)}")
                continue
            yield Said(task, _ENCODE(_Answer(looked=looked)))
            yield Ended(task)


def test_who_kills_a_worker_is_left_out() -> None:
    cages = Scripted({"rtf", "pdf"})
    ((_, found, _),) = _judged(cast(Any, cages), [Submission("f")], "v", lambda submission, kept: None)
    assert [one.place for one in found.looked] == ["f"]


def test_after_a_few_deaths_it_is_judged_as_it_is() -> None:
    cages = Scripted({f"analyzer{n}" for n in range(9)})
    ((_, found, key),) = _judged(cast(Any, cages), [Submission("f")], "v", lambda submission, kept: None)
    assert found.verdict.word == "incomplete"
    assert [gap.kind for gap in found.verdict.gaps] == ["ended"]
    assert key == ""


def test_what_is_skipped_is_a_gap() -> None:
    (sha256,) = {look.sha256 for look in one("f", PE).looked}
    task = Submission("f", data=PE, skip=((sha256, "name", "signal SIGSEGV"),))
    said = b"".join(_work(Wish(), "v", task, lambda note: None))
    assert b"signal SIGSEGV" in said


def test_a_worker_that_talks_nonsense_is_not_believed() -> None:
    class Mad(Scripted):
        def run(self, tasks: Any) -> Any:
            for task in tasks:
                yield Said(task, b"\xc1nonsense")
                yield Ended(task)

    ((_, found, _),) = _judged(cast(Any, Mad(set())), [Submission("f")], "v", lambda submission, kept: None)
    assert found.verdict.word == "incomplete"


def test_a_kept_verdict_that_cannot_be_read_is_not_believed() -> None:
    class Old(Scripted):
        def run(self, tasks: Any) -> Any:
            for task in tasks:
                yield Said(task, _ENCODE(_Answer(sha256="00", kind="pe", size=1, known=b"\x81\x01")))
                yield Ended(task)

    ((_, found, key),) = _judged(cast(Any, Old(set())), [Submission("f")], "v", lambda submission, kept: None)
    assert found.verdict.word == "incomplete"
    assert key == ""
