"""``kazami reputation`` as people use it."""

from __future__ import annotations

import hashlib

from program import Program


def test_added_looked_up_and_counted(kazami: Program) -> None:
    digest = hashlib.sha256(b"something").hexdigest()
    (kazami.folder / "list.txt").write_text(f"{digest}\n")
    (kazami.folder / "something").write_bytes(b"something")
    shelf = ["--shelf", str(kazami.folder / "shelf")]
    added = kazami("reputation", "add", kazami.folder / "list.txt", "--as", "bad", *shelf).ended(0)
    assert "1 hashes" in added.err
    told = kazami("reputation", "look", kazami.folder / "something", "0" * 64, *shelf).ended(1)
    assert [row["standing"] for row in told.rows] == ["bad", "unknown"]
    kazami("reputation", "look", "0" * 64, *shelf).ended(0)
    kazami("reputation", "look", "nonsense", *shelf).ended(2)
    stats = kazami("reputation", "stats", *shelf).ended(0)
    assert stats.rows == [{"kind": "supplement", "hashes": 1}]
    (kazami.folder / "empty.txt").write_text("nothing\n")
    kazami("reputation", "add", kazami.folder / "empty.txt", "--as", "bad", *shelf).ended(2)


def test_beyond_this_machine_only_with_a_token(kazami: Program) -> None:
    assert "--token" in kazami("reputation", "serve", "--host", "192.0.2.1").ended(2).told
