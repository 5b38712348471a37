"""Lists of relays: as they are published, and when an address was one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazami.errors import UsageError
from kazami.intel import relays
from kazami.intel.offered import kind
from kazami.intel.relays import Entry, Relays, read

LIST = """\
# made up
Controllers of a made network
203.0.113[.]9 - active 9/10/2022 to 12/21/2022
203.0.113.10,2023-01-05,2023-02-01,node
2001:db8::9 first seen Jan 3, 2024
198.51.100.0/28
not an address 1.2.3
999.1.2.3
10.0.0.0/2
"""


def at(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000


def test_lines_of_all_kinds(tmp_path: Path) -> None:
    (tmp_path / "made-net.txt").write_text(LIST)
    assert kind(tmp_path / "made-net.txt") == "relays"
    entries, left_out = read(tmp_path / "made-net.txt")
    assert entries == [
        Entry("203.0.113.9/32", "2022-09-10", "2022-12-21", "made-net"),
        Entry("203.0.113.10/32", "2023-01-05", "2023-02-01", "made-net"),
        Entry("2001:db8::9/128", "2024-01-03", "", "made-net"),
        Entry("198.51.100.0/28", "", "", "made-net"),
    ]
    assert left_out["lines without an address"] == 5


@pytest.mark.parametrize(
    ("address", "day", "when"),
    [
        ("203.0.113.9", "2022-10-01", "inside"),
        ("203.0.113.9", "2022-12-22T23:00", "inside"),  # reports round to days
        ("203.0.113.9", "2023-01-01", "outside"),
        ("203.0.113.9", "2022-09-01", "outside"),
        ("::ffff:203.0.113.9", "2022-10-01", "inside"),
        ("2001:db8::9", "2026-01-01", "inside"),
        ("198.51.100.3", "2026-01-01", ""),
        ("198.51.100.99", "2026-01-01", None),
        ("x", "2026-01-01", None),
    ],
)
def test_when_an_address_was_a_relay(address: str, day: str, when: str | None, tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text(LIST)
    found = Relays(read(tmp_path / "l.txt")[0]).at(address, at(day))
    assert (found.when if found else None) == when


def test_indicators_of_stix(tmp_path: Path) -> None:
    objects = [
        {
            "type": "indicator",
            "pattern": "[ipv4-addr:value = '203.0.113.9']",
            "valid_from": "2026-01-02T00:00:00Z",
            "valid_until": "2026-02-03T00:00:00Z",
        },
        {"type": "indicator", "pattern": "[domain-name:value = 'x.example']"},
        {"type": "identity"},
    ]
    (tmp_path / "b.json").write_text(json.dumps({"type": "bundle", "objects": objects}))
    assert kind(tmp_path / "b.json") == "relays"
    entries, left_out = read(tmp_path / "b.json", "theirs")
    assert entries == [Entry("203.0.113.9/32", "2026-01-02", "2026-02-03", "theirs")]
    assert left_out["objects that name no address"] == 2


def test_lists_are_kept_beside_each_other_and_replaced_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAZAMI_INTEL", str(tmp_path / "intel"))
    assert relays.installed() is None
    relays.install([Entry("203.0.113.1/32", "", "", "a"), Entry("203.0.113.2/32", "", "", "b")])
    relays.install([Entry("203.0.113.3/32", "", "", "a")])
    found = relays.installed()
    assert found is not None
    assert len(found) == 2
    assert [bool(found.of(f"203.0.113.{n}")) for n in (1, 2, 3)] == [False, True, True]
    relays.place().write_text("{")
    with pytest.raises(UsageError, match="cannot be read"):
        relays._entries(relays.place())


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.txt", "nothing here\n"), ("a.txt", ""), ("a.json", "{"), ("b.json", '{"objects": []}')],
)
def test_what_is_no_list_is_said(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=name.replace(".", r"\.")):
        read(tmp_path / name)


@given(st.text(max_size=300) | st.from_regex(r"[0-9.:/\[\]a-f ,-]{1,80}"))
def test_no_line_makes_it_fail(line: str) -> None:
    entry = relays._line(line, "l")
    if entry is not None:
        Relays([entry]).at("203.0.113.9", 0)
