"""``kazami reputation`` as people use it."""

from __future__ import annotations

import hashlib

from program import Program


def test_added_looked_up_and_counted(run: Program) -> None:
    digest = hashlib.sha256(b"something").hexdigest()
    (run.folder / "list.txt").write_text(f"{digest}\n")
    (run.folder / "something").write_bytes(b"something")
    shelf = ["--shelf", str(run.folder / "shelf")]
    added = run("reputation", "add", run.folder / "list.txt", "--as", "bad", *shelf).ended(0)
    assert "1 hashes" in added.err
    told = run("reputation", "look", run.folder / "something", "0" * 64, *shelf).ended(1)
    assert [row["standing"] for row in told.rows] == ["bad", "unknown"]
    run("reputation", "look", "0" * 64, *shelf).ended(0)
    run("reputation", "look", "nonsense", *shelf).ended(2)
    stats = run("reputation", "stats", *shelf).ended(0)
    assert stats.rows == [{"kind": "supplement", "hashes": 1}]
    (run.folder / "empty.txt").write_text("nothing\n")
    run("reputation", "add", run.folder / "empty.txt", "--as", "bad", *shelf).ended(2)


def test_beyond_this_machine_only_with_a_token(run: Program) -> None:
    assert "--token" in run("reputation", "serve", "--host", "192.0.2.1").ended(2).told
