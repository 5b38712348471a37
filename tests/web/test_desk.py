"""What pages keep of a case: made once for all who ask, and anew when the case changes."""

from __future__ import annotations

import threading
from pathlib import Path

from kazami.web.desk import Desk


def test_what_several_ask_for_is_made_once(tmp_path: Path) -> None:
    desk = Desk("a", tmp_path, tmp_path)
    asked, go, made, got = threading.Barrier(4), threading.Event(), [], []

    def make() -> object:
        made.append(1)
        go.wait(10)
        return object()

    def ask() -> None:
        asked.wait(10)
        got.append(desk.kept("x", make))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    asked.wait(10)
    go.set()
    for thread in threads:
        thread.join(10)
    assert len(made) == 1
    assert len(got) == 3
    assert got[0] is got[1] is got[2]


def test_another_state_of_the_case_another_thing(tmp_path: Path) -> None:
    desk = Desk("a", tmp_path, tmp_path)
    first = desk.kept("x", object)
    assert desk.kept("x", object) is first
    assert desk.kept("y", object) is not first
    desk.keep()
    assert desk.kept("x", object) is not first


def test_what_fails_is_tried_again(tmp_path: Path) -> None:
    desk = Desk("a", tmp_path, tmp_path)
    tries = []

    def make() -> int:
        tries.append(1)
        return 1 // (len(tries) - 1)

    for _ in "12":
        try:
            assert desk.kept("x", make) == 1
        except ZeroDivisionError:
            continue
    assert len(tries) == 2
