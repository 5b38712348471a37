"""What `kazami inline` says of its rules and its log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kazami.cli import inline
from kazami.detect.network.rat.proof import Proof
from kazami.errors import UsageError
from kazami.inline.watch import Cut
from kazami.respond.notify.log import Log
from kazami.respond.notify.sign import Signer

CUT = Cut(
    Proof("RedLeaves", "TCP", "high", "client", 0, {}), "10.0.0.5", 40000, "203.0.113.9", 995, "tcp", True
)


def test_a_log_that_cannot_be_written_ends_nothing_and_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.jsonl"
    log.mkdir()
    teller = inline._Teller(Log(log), Signer(tmp_path / "key"), "north")
    for _ in range(3):
        teller.tell(CUT)
        teller.flush()
    said = capsys.readouterr()
    assert [json.loads(line)["verdict"] for line in said.out.splitlines()] == ["dropped"] * 3
    assert said.err.count("not in the log") == 1
    log.rmdir()
    log.touch()
    teller.tell(CUT)
    teller.flush()
    assert len(list(Log(log).lines())) == 1
    assert capsys.readouterr().err == ""


def test_what_cannot_be_is_said_before_packets_come(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        inline._log(tmp_path)
    (tmp_path / "log.jsonl").write_text("{}\n")
    with pytest.raises(UsageError, match="does not follow"):
        inline._log(tmp_path / "log.jsonl")
    with pytest.raises(UsageError, match="no such rule file or folder"):
        inline._rules([tmp_path / "none.rules"])
