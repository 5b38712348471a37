"""Keys of campaigns, and campaigns of a case."""

from __future__ import annotations

import dataclasses
import stat
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from kazami import cli
from kazami.errors import UsageError
from kazami.model.incident import LINK, MEMBER, SKELETON, Incident, Skeleton, Text
from kazami.model.tenant import Directory
from kazami.pipeline.campaigns import Keys, campaigns
from kazami.store import incidents
from kazami.store.case import Case

WHEN = datetime(2026, 11, 20, tzinfo=UTC)


def made(path: Path, verdict: str = "") -> None:
    """A case with an incident in each of two tenants, which share a tool and a server."""
    told = [Incident(f"{n:032x}", f"t{n}", Text("x", "x"), verdict=verdict if n else "") for n in range(2)]
    rows = [
        dataclasses.asdict(Skeleton(one.tenant, kind, value, one.incident_uid, WHEN, WHEN, 1.0))
        for one in told
        for kind, value in (("hash", "ab" * 32), ("address", "185.220.101.7"))
    ]
    with Case.open(path, create=True) as case:
        case.begin(version="0")
        incidents.replace(
            case,
            told,
            members=MEMBER.empty_table(),
            links=LINK.empty_table(),
            skeleton=pa.Table.from_pylist(rows, SKELETON),
        )


def test_keys_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "far" / "keys.json"
    first = Keys(path).of(7)
    assert Keys(path).of(7) == first != Keys(path).of(8)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "[]", '{"x": "00"}', '{"1": "zz"}', '{"1": "00"}', '{"1": 5}'])
def test_a_file_that_holds_no_keys_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"keys\.json"):
        Keys(path)


def test_a_case_tells_its_campaigns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path / "case")
    keys = tmp_path / "keys.json"
    with Case.open(tmp_path / "case", read_only=True) as case:
        (found,) = campaigns(case, Keys(keys), Directory())
    assert found.tenants == ("t0", "t1")
    assert cli.run(["campaigns", "list", str(tmp_path / "case"), "--keys", str(keys)]) == 0
    assert found.campaign_uid in capsys.readouterr().out
    words = ["campaigns", "show", str(tmp_path / "case"), found.campaign_uid[:8], "--keys", str(keys)]
    assert cli.run(words) == 0
    shown = capsys.readouterr().out
    assert "shared hash" in shown
    assert "185.220.101.7" not in shown
    assert cli.run([*words[:3], "none", *words[4:]]) == 2


def test_what_a_person_called_false_makes_no_campaign(tmp_path: Path) -> None:
    made(tmp_path / "case", "false positive")
    with Case.open(tmp_path / "case", read_only=True) as case:
        assert campaigns(case, Keys(tmp_path / "keys.json"), Directory()) == []
