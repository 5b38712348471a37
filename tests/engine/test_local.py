"""Workers die of what they are given; nothing else is lost, and what killed them is known by name."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import pytest

from kazami.engine.local import Done, Lost, Pool
from kazami.errors import CaseError, UsageError

Task = tuple[str, ...]

#: What a piece of evidence may do to a worker, and how the parent says it.
DEATHS: dict[str, tuple[Callable[[], Any], str]] = {
    "exit": (lambda: os._exit(7), "exit code 7"),
    "kill": (lambda: signal.raise_signal(signal.SIGKILL), "signal SIGKILL"),
    "crash": (lambda: _crash(), "signal SIGSEGV"),
    "memory": (lambda: _raise(MemoryError()), "out of memory"),
    "bug": (lambda: _raise(ValueError("no \x1b[31m such thing")), "ValueError: no \x1b[31m such thing"),
    "end of file": (lambda: _raise(EOFError("in a source")), "EOFError: in a source"),
    "leave": (lambda: sys.exit(3), "SystemExit: 3"),
    "panic": (lambda: _raise(BaseException("of a library")), "BaseException: of a library"),
}


def _raise(error: BaseException) -> None:
    raise error


def _crash() -> None:
    faulthandler.disable()  # that of pytest would write at length
    signal.raise_signal(signal.SIGSEGV)


def die(piece: str) -> None:
    """What a piece named ``... !exit`` does."""
    if "!" in piece:
        how = piece.split("!")[1]
        time.sleep(60) if how == "hang" else DEATHS[how][0]()


class Keeper:
    """A handler that keeps pieces back until `many` wait, as the reader of a scan does.

    A piece with ``@`` does its harm only when it is given out, with all that wait.
    """

    def __init__(self, many: int = 5, log: Path | None = None) -> None:
        self.many, self.log = many, log
        self.waiting: list[str] = []

    def handle(self, task: Task) -> Iterator[list[str]]:
        for piece in task:
            if self.log:
                with self.log.open("a") as out:
                    out.write(f"{piece}\n")
            if "@" not in piece:
                die(piece)
            self.waiting.append(piece)
            if len(self.waiting) >= self.many:
                yield self._give()

    def settle(self) -> Iterator[list[str]]:
        if len(self.waiting) * 3 >= self.many * 2:
            yield self._give()

    def finish(self) -> Iterator[list[str]]:
        yield self._give()

    def _give(self) -> list[str]:
        for piece in self.waiting:
            die(piece)
        given, self.waiting = self.waiting, []
        return given


def halves(task: Task) -> list[Task]:
    middle = len(task) // 2
    return [task[:middle], task[middle:]] if middle else [task]


def run(
    tasks: list[Task], workers: int = 2, patience: float = 30, **keeper: Any
) -> tuple[Counter[str], list[Task], list[Lost[Task]]]:
    """The pieces given, the tasks covered, and what was lost."""
    given: Counter[str] = Counter()
    covered: list[Task] = []
    lost: list[Lost[Task]] = []
    with Pool[Task, list[str]](partial(Keeper, **keeper), halves, workers=workers, patience=patience) as pool:
        for outcome in pool.run(tasks):
            if isinstance(outcome, Done):
                given.update(outcome.result)
                covered += outcome.covered
            else:
                lost.append(outcome)
    return given, covered, lost


def tasks(number: int, size: int = 3) -> list[Task]:
    return [tuple(f"{n}.{k}" for k in range(size)) for n in range(number)]


def pieces(found: Iterable[Task]) -> list[str]:
    return sorted(piece for task in found for piece in task)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No process, no zombie and no descriptor of a pool outlives it."""
    resource_tracker.ensure_running()
    before = set(Path("/proc/self/fd").iterdir()) if sys.platform == "linux" else set()
    yield
    assert multiprocessing.active_children() == []
    with contextlib.suppress(ChildProcessError):  # none at all; else the tracker of `multiprocessing`, alive
        assert os.waitpid(-1, os.WNOHANG) == (0, 0)
    if sys.platform == "linux":
        assert set(Path("/proc/self/fd").iterdir()) <= before


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("many", [1, 4, 1000])
def test_every_task_is_covered_once(workers: int, many: int) -> None:
    todo = tasks(20)
    given, covered, lost = run(todo, workers, many=many)
    assert given == Counter(pieces(todo))
    assert sorted(covered) == sorted(todo)
    assert lost == []


def test_no_tasks() -> None:
    given, covered, lost = run([], 3)
    assert (sum(given.values()), covered, lost) == (0, [], [])


def test_a_result_covers_only_what_is_in_results_by_then() -> None:
    """Whenever a task is covered, all of its pieces were given with that result or before it."""
    seen: set[str] = set()
    with Pool[Task, list[str]](partial(Keeper, many=7), halves, workers=2) as pool:
        for outcome in pool.run(tasks(40, 5)):
            assert isinstance(outcome, Done)
            seen.update(outcome.result)
            assert {piece for task in outcome.covered for piece in task} <= seen


@pytest.mark.parametrize("place", [0, 11])
@pytest.mark.parametrize("how", DEATHS)
def test_one_piece_kills(how: str, place: int) -> None:
    todo = tasks(12)
    poison = f"{place}.1!{how}"
    todo[place] = (todo[place][0], poison, todo[place][2])
    given, covered, lost = run(todo, many=5)
    reason = DEATHS[how][1]
    assert [one.task for one in lost] == [(poison,)]
    assert reason in lost[0].reason
    assert set(given) == set(pieces(todo)) - {poison}
    assert pieces(covered) == sorted(set(pieces(todo)) - {poison})  # each once


@pytest.mark.parametrize("workers", [1, 2])
def test_a_piece_that_kills_only_when_results_are_given(workers: int) -> None:
    """The innocent that were held beside it, and were begun after it, are not blamed."""
    todo = [("a", "b"), ("c", "d@!kill", "e"), ("f",), ("g", "h"), ("i",)]
    given, covered, lost = run(todo, workers, many=100)
    assert [one.task for one in lost] == [("d@!kill",)]
    assert pieces(covered) == ["a", "b", "c", "e", "f", "g", "h", "i"]
    assert set(given) == set("abcefghi")


def test_every_piece_kills() -> None:
    todo: list[Task] = [(f"{n}!exit", f"{n}!kill") for n in range(4)]
    given, covered, lost = run(todo)
    assert (sum(given.values()), covered) == (0, [])
    assert pieces([one.task for one in lost]) == pieces(todo)


def test_a_hang_is_ended() -> None:
    todo = [("a", "b!hang"), *tasks(3)]
    given, covered, lost = run(todo, 1, patience=0.5)
    assert [(one.task, one.reason) for one in lost] == [(("b!hang",), "no sign of life for 0 s")]
    assert set(given) == set(pieces(todo)) - {"b!hang"}
    assert pieces(covered) == sorted(given)


def test_one_death_by_chance_loses_nothing(tmp_path: Path) -> None:
    """Killed from outside while innocent: what it held is done again."""
    marker = tmp_path / "killed"
    given, covered, lost = run(todo := tasks(6), 1, many=4, log=marker)
    assert lost == []
    done: list[Task] = []
    with Pool[Task, list[str]](partial(Keeper, many=4), halves, workers=1) as pool:
        for number, outcome in enumerate(pool.run(tasks(6))):
            assert isinstance(outcome, Done)
            done += outcome.covered
            if number == 1:
                for child in multiprocessing.active_children():
                    child.kill()
    assert sorted(done) == sorted(todo) == sorted(covered)
    assert given == Counter(pieces(todo))


class Stillborn:
    """A handler that cannot be made."""

    def __init__(self) -> None:
        raise OSError("no room for rules")


def test_workers_that_cannot_start() -> None:
    with (
        Pool[Task, Any](Stillborn, halves, workers=2) as pool,  # type: ignore[arg-type]
        pytest.raises(RuntimeError, match=r"no worker comes to work: OSError: no room for rules"),
    ):
        list(pool.run(tasks(3)))


class Stopper(Keeper):
    """A handler whose case is full."""

    error: type[Exception] = CaseError

    def handle(self, task: Task) -> Iterator[list[str]]:
        yield from super().handle(task)
        if task[0] == "2.0":
            raise self.error("/case: no space left on device")


class Refuser(Stopper):
    error = UsageError


@pytest.mark.parametrize("kind", [Stopper, Refuser])
def test_an_error_of_ours_is_not_taken_for_a_death(kind: type[Stopper]) -> None:
    with (
        Pool[Task, list[str]](kind, halves, workers=2) as pool,
        pytest.raises(kind.error, match="no space left"),
    ):
        list(pool.run(tasks(5)))


class Chatter(Keeper):
    """A handler of large tasks and larger results: neither pipe holds them."""

    def handle(self, task: Task) -> Iterator[list[str]]:
        yield [piece + "x" * 3_000_000 for piece in task]


def test_large_tasks_and_results_do_not_wait_for_each_other() -> None:
    todo = [(f"{n}" + "y" * 2_000_000,) for n in range(12)]
    with Pool[Task, list[str]](Chatter, halves, workers=2) as pool:
        sizes = [len(piece) for one in pool.run(todo) if isinstance(one, Done) for piece in one.result]
    assert sizes == [pytest.approx(5_000_001, abs=1)] * 12


def test_results_are_wanted_no_more() -> None:
    with Pool[Task, list[str]](partial(Keeper, many=2), halves, workers=2) as pool:
        for _ in pool.run(tasks(1000)):
            break


def test_on_wait_is_called_while_workers_work() -> None:
    calls = 0

    def tick() -> None:
        nonlocal calls
        calls += 1

    with Pool[Task, list[str]](Keeper, halves, workers=1, patience=1) as pool:
        list(pool.run([("a!hang",)], tick))
    assert calls >= 4


def test_a_thread_in_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a thread runs, a fork may copy a lock that is never released: workers are spawned."""
    kinds: list[str] = []
    context = multiprocessing.get_context

    def seen(kind: str) -> Any:
        kinds.append(kind)
        return context(kind)

    monkeypatch.setattr(multiprocessing, "get_context", seen)
    leave = threading.Event()
    thread = threading.Thread(target=leave.wait)
    thread.start()
    try:
        todo = [("a", "b!kill"), ("c",), ("d",)]
        given, covered, lost = run(todo, 1)
    finally:
        leave.set()
        thread.join()
    assert set(kinds) == {"spawn"}
    assert set(given) == {"a", "c", "d"}
    assert pieces(covered) == ["a", "c", "d"]
    assert [one.task for one in lost] == [("b!kill",)]


PARENT = """
import os, sys, time
from test_local import Pool, Keeper, halves, multiprocessing
with Pool(Keeper, halves, workers=2) as pool:
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    for _ in pool.run([("a!hang",), ("b!hang",), ("c!hang",)]):
        pass
"""


def test_workers_end_with_their_parent() -> None:
    """Killed at once, it cannot tell them; they may be deep inside a parser and still end."""
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
    ) as parent:
        assert parent.stdout
        children = [int(word) for word in parent.stdout.readline().split()]
        assert len(children) == 2
        time.sleep(0.3)
        parent.kill()
    until(lambda: not any(map(alive, children)))


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"  # who inherits it may take its time to bury it


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.02)


def test_interrupts_are_for_the_parent() -> None:
    """Ctrl-C reaches all processes of a terminal; workers go on until the parent ends them."""
    with Pool[Task, list[str]](partial(Keeper, many=2), halves, workers=2) as pool:
        for child in multiprocessing.active_children():
            assert child.pid
            os.kill(child.pid, signal.SIGINT)
        covered = [task for one in pool.run(tasks(6)) if isinstance(one, Done) for task in one.covered]
    assert sorted(covered) == sorted(tasks(6))


def test_what_libraries_print_in_a_worker_does_not_reach_the_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with Pool[Task, list[str]](Printer, halves, workers=1) as pool:
        assert len(list(pool.run([("a",)]))) >= 1
    assert capfd.readouterr() == ("", "")


class Printer(Keeper):
    def handle(self, task: Task) -> Iterator[list[str]]:
        os.write(2, b"thread panicked at '\x1b[2J'")
        yield list(task)
