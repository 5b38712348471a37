"""The console on a real socket, and what it remembers."""

from __future__ import annotations

import threading
import time
import urllib.request

import pytest
import uvicorn

from kazami.errors import UsageError
from kazami.web import server
from kazami.web.site import Site
from kazami.web.state import notes, people


def test_it_answers_on_a_socket_and_the_address_is_taken_once(site: Site) -> None:
    listen = server.Listen(port=0)
    with server.bound(listen) as (found, port):
        with pytest.raises(UsageError, match=str(port)), server.bound(server.Listen(port=port)):
            pass
        running = uvicorn.Server(server.config(site, listen))
        thread = threading.Thread(target=running.run, args=([found],))
        thread.start()
        try:
            for _ in range(200):
                if running.started:
                    break
                time.sleep(0.05)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=10) as answer:
                assert b"<form" in answer.read()
                assert "server" not in answer.headers
        finally:
            running.should_exit = True
            thread.join()


def test_what_people_say_tick_and_keep_is_remembered(site: Site) -> None:
    state, ana = site.state, people.named(site.state, "ana")
    notes.say(state, "incident/1", "t", "ana", "first")
    assert [(c.who, c.text) for c in notes.comments(state, "incident/1")] == [("ana", "first")]
    assert notes.comments(state, "incident/2") == []
    with pytest.raises(UsageError):
        notes.say(state, "incident/1", "t", "ana", "  ")
    notes.tick(state, "incident/1", "M1032", "ana", done=True)
    assert notes.ticked(state, "incident/1")["M1032"][0] == "ana"
    notes.tick(state, "incident/1", "M1032", "ana", done=False)
    assert notes.ticked(state, "incident/1") == {}
    notes.keep_view(state, ana, "mine", "owner=ana")
    assert notes.views(state, ana) == {"mine": "owner=ana"}
    notes.keep_view(state, ana, "mine", "")
    assert notes.views(state, ana) == {}
    assert notes.last_seen(state, ana, "x/") is None
    notes.saw(state, ana, "x/")
    assert notes.last_seen(state, ana, "x/") is not None
