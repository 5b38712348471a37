"""Networks and their owners, in the forms in which they are handed out."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazami.errors import UsageError
from kazami.intel import networks
from kazami.intel.networks import Networks, Owner, read
from kazami.intel.offered import kind

TSV = "203.0.113.0\t203.0.113.255\t64501\tJP\tEXAMPLE-NET Example Broadband\n192.0.2.0\t192.0.2.255\t0\tNone\tNot routed\n"
FORMS = {
    "iptoasn": TSV,
    "DB-IP": '"203.0.113.0","203.0.113.255","64501","Example Broadband"\n',
    "ip-location-db": "203.0.113.0,203.0.113.255,64501,Example Broadband\n2001:db8::,2001:db8::ffff,64502,Six\n",
    "GeoLite2": "network,autonomous_system_number,autonomous_system_organization\n203.0.113.0/24,64501,Example Broadband\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_forms(form: str, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "networks"
    path.write_bytes(gzip.compress(FORMS[form].encode()) if packed else FORMS[form].encode())
    assert kind(path) == "networks"
    made = read(path)
    assert made.kind == "owners"
    found = Networks([made.table]).at("203.0.113.77")
    assert found is not None
    assert (found.asn, found.kind) == (64501, "consumer")


def test_countries_alone_and_both_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZAMI_INTEL", str(tmp_path / "intel"))
    assert networks.installed() is None
    for name, text in (
        ("a", FORMS["ip-location-db"]),
        ("c", "203.0.113.0,203.0.113.127,JP\n2001:db8::,2001:db8::ff,US\n"),
    ):
        (tmp_path / name).write_text(text)
        networks.install(read(tmp_path / name))
    found = networks.installed()
    assert found is not None
    assert found.at("203.0.113.5") == Owner(64501, "JP", "Example Broadband")
    assert found.at("203.0.113.200") == Owner(64501, "", "Example Broadband")
    assert str(found.at("2001:db8::7")) == "Six, AS64502, US"
    assert found.at("::ffff:203.0.113.5") == found.at("203.0.113.5")
    for nowhere in (
        "203.0.112.255",
        "203.0.114.0",
        "2001:db8:1::",
        "no address",
        "0.0.0.0",
        "255.255.255.255",
    ):
        assert found.at(nowhere) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b,c\n",
        "203.0.113.9,203.0.113.1,1,x\n",
        "203.0.113.0,2001:db8::,1,x\n",
        "192.0.2.0\t192.0.2.9\t0\tNone\tNot routed\n",
    ],
)
def test_what_is_no_table_is_said(text: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(UsageError, match="no line of it is a network"):
        read(tmp_path / "x")


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_text(TSV * 3)
    monkeypatch.setattr(networks, "MOST", 2)
    with pytest.raises(UsageError, match="line 3"):
        read(tmp_path / "x")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(TSV.encode())[:-9])
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "cut.gz")
    with pytest.raises(UsageError, match="No such file"):
        read(tmp_path / "none")
    monkeypatch.setattr(networks, "LARGEST", 10)
    with pytest.raises(UsageError, match="more than 10 bytes"):
        read(tmp_path / "x")


@pytest.mark.parametrize(
    ("name", "what", "lends"),
    [
        ("Comcast Cable Communications, LLC", "consumer", False),
        ("Amazon.com, Inc.", "hosting", True),
        ("Deutsche Telekom AG", "consumer", False),
        ("The Constant Company, LLC", "hosting", False),
        ("Cloudflare, Inc.", "", True),
        ("Example University", "", False),
    ],
)
def test_kinds_of_owners(name: str, what: str, lends: bool) -> None:
    assert (Owner(1, "", name).kind, Owner(1, "", name).lends) == (what, lends)


@given(
    st.lists(
        st.text(max_size=40)
        | st.sampled_from(["203.0.113.0", "203.0.113.255", "::/0", "0.0.0.0/0", "AS99999999999", "JP"]),
        max_size=6,
    )
)
def test_no_row_makes_it_fail(row: list[str]) -> None:
    found = networks._span(row, Counter())
    assert found is None or (len(found[0]) == len(found[1]) == 16 and 0 <= found[2] < 1 << 32)
