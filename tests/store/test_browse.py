"""The file that readers browse says what the case says, and no more than a person may see."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from kazami.errors import CaseError, UsageError
from kazami.pipeline.request import Request
from kazami.pipeline.scan import scan
from kazami.store.browse import counts, entities, findings, incidents, lists, page, patch, schema, words
from kazami.store.browse.build import build
from kazami.store.browse.clock import iso, micro
from kazami.store.browse.findings import Wanted
from kazami.store.browse.incidents import Asked
from kazami.store.browse.reader import Reader
from kazami.store.case import Case
from kazami.store.incidents import incidents as kept
from kazami.store.read import findings as rows_of
from kazami.web.quiet import Quiet

EXAMPLE = Path(__file__).parents[2] / "examples" / "intrusion"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browse") / "case"
    scan(Request((EXAMPLE,), folder, tenant_from_folder=True), Quiet())
    return folder


@pytest.fixture(scope="module")
def file(case: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("browse") / "example.browse"
    with Case.open(case, read_only=True) as opened:
        build(opened, made, signature="one")
    return made


def walked(reader: Reader, wanted: Wanted, **how: bool) -> list[findings.Found]:
    found: list[findings.Found] = []
    after = ""
    while True:
        one = findings.findings(reader, wanted, after=after, limit=37, **how)
        found += one.rows
        if one.next is None:
            return found
        after = one.next


def test_all_findings_are_there_in_order_of_time(case: Path, file: Path) -> None:
    with Case.open(case, read_only=True) as opened:
        rows = list(rows_of(opened))
    with Reader(file) as reader:
        newest, oldest = walked(reader, Wanted()), walked(reader, Wanted(), oldest=True)
    assert [one.uid for one in newest] == [one.uid for one in reversed(oldest)]
    assert {one.uid for one in newest} == {row["finding_uid"] for row in rows}
    times = [one.time for one in oldest if one.time]
    assert times == sorted(times)
    told = {row["finding_uid"]: row for row in rows}
    for one in newest:
        row = told[one.uid]
        assert (one.title, one.level, one.tenant, one.host, one.user, one.matched) == tuple(
            row[name] for name in ("title", "level", "tenant", "host", "user", "matched")
        )


@pytest.mark.parametrize("field", ["tenant", "host", "user", "rule", "source"])
def test_filters_and_facets_count_alike(file: Path, field: str) -> None:
    with Reader(file) as reader:
        everything = Counter(getattr(one, field) for one in walked(reader, Wanted()))
        shown = {f.dimension: f for f in findings.facets(reader, Wanted())}[field]
        assert not shown.more
        for value, _, n in shown.values:
            assert n == everything[value] == len(walked(reader, Wanted(**{field: value})))
        assert walked(reader, Wanted(**{field: "nobody's"})) == []


def test_levels_times_and_text_narrow(file: Path) -> None:
    with Reader(file) as reader:
        everything = walked(reader, Wanted())
        high = walked(reader, Wanted(level="high"))
        assert {one.level for one in high} == {"high", "critical"}
        middle = everything[len(everything) // 2].time
        assert middle
        late = walked(reader, Wanted(since=micro(middle)))
        early = walked(reader, Wanted(until=micro(middle)))
        assert len(late) + len(early) == len([one for one in everything if one.time])
        said = walked(reader, Wanted(text="ntdsutil"))
        assert said
        assert all("ntdsutil" in str(one.matched).lower() or "ntdsutil" in one.title.lower() for one in said)
        with pytest.raises(UsageError, match="level"):
            findings.findings(reader, Wanted(level="loud"))


def test_incidents_are_those_of_the_case(case: Path, file: Path) -> None:
    with Case.open(case, read_only=True) as opened:
        told = list(kept(opened, links=True))
    with Reader(file) as reader:
        listed = incidents.incidents(reader, Asked()).rows
        assert [one.uid for one in listed] == [one.incident_uid for one in told]
        assert incidents.count(reader, Asked()) == len(told)
        for order in ("newest", "oldest", "score"):
            first = incidents.incidents(reader, Asked(), order=order, limit=2)
            rest = incidents.incidents(reader, Asked(), order=order, after=first.next or "")
            together = [one.uid for one in [*first.rows, *rest.rows]]
            assert sorted(together) == sorted(one.incident_uid for one in told)
        for one in told:
            whole = incidents.incident(reader, one.incident_uid[:12])
            assert whole is not None
            assert (whole.title, whole.steps, whole.moves) == (one.title, one.steps, one.moves)
            assert whole.links == one.links[: len(whole.links)]
        assert incidents.incident(reader, "") is None
        assert incidents.incident(reader, "' OR 1 --") is None


def test_an_entity_has_its_incidents_and_findings(file: Path) -> None:
    with Reader(file) as reader:
        about = entities.entity(reader, "KUMO-JUMP01")
        assert about is not None
        assert "host" in about.kinds
        assert about.incidents
        found = walked(reader, Wanted(entity="kumo-jump01"))
        assert len(found) >= about.findings > 0
        assert entities.entity(reader, "no-such-host") is None
        assert ("host", "kumo-jump01") in entities.similar(reader, "kumo-j")


def test_a_host_in_two_spellings_is_one(file: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(file, tmp_path / "spelled.browse"))
    with Reader(other) as reader:
        name, before = Counter(one.host for one in walked(reader, Wanted()) if one.host).most_common(1)[0]
        about = entities.entity(reader, name)
    short = name.partition(".")[0].lower()
    with closing(sqlite3.connect(other)) as database, database:
        database.execute("INSERT INTO name VALUES (99999, 'host', ?, ?)", [short, short])
        database.execute(
            "UPDATE finding SET host = 99999 WHERE id % 3 = 0 AND host = "
            "(SELECT id FROM name WHERE kind = 'host' AND value = ?)",
            [name],
        )
    with Reader(other) as reader:
        assert len({one.host for one in walked(reader, Wanted(host=name))}) == 2
        for spelled in (name, name.lower(), short, short.upper()):
            assert len(walked(reader, Wanted(host=spelled))) == before
            found = entities.entity(reader, spelled)
            assert found is not None
            assert about is not None
            assert [one.uid for one in found.incidents] == [one.uid for one in about.incidents]
            assert len(entities.moments(reader, spelled)) == len(entities.moments(reader, name))
        counted = next(one for one in findings.facets(reader, Wanted()) if one.dimension == "host").values
        assert [n for value, _, n in counted if value.lower().startswith(short)] == [before]
        assert entities.entity(reader, "nowhere.corp.example") is None


def test_the_wall_holds_in_every_question(file: Path) -> None:
    with Reader(file) as everybody, Reader(file, {"aoba-water"}) as water, Reader(file, set()) as nobody:
        foreign = [one for one in walked(everybody, Wanted()) if one.tenant != "aoba-water"]
        assert {one.tenant for one in walked(water, Wanted())} == {"aoba-water"}
        assert walked(nobody, Wanted()) == []
        assert all(findings.finding(water, one.uid) is None for one in foreign)
        assert walked(water, Wanted(tenant="kumo-msp")) == []
        assert {one.tenant for one in incidents.incidents(water, Asked()).rows} == {"aoba-water"}
        assert incidents.count(water, Asked(tenant="kumo-msp")) == 0
        assert [one.tenant for one in counts.weather(water)] == ["aoba-water"]
        assert {one.tenant for one in lists.evidence(water).rows} == {"aoba-water"}
        assert {one["tenant"] for one in lists.log_sources(water)} == {"aoba-water"}
        assert water.tenant_names() == ["aoba-water"]
        assert entities.entity(water, "kumo-jump01") is None
        assert counts.weather(nobody) == []
        hosts = {one.value for one in counts.counts(water, "host")}
        assert hosts
        assert not hosts & {one.host for one in foreign}
        mine = {one.id: one.findings for one in lists.rules(water, fired=True).rows}
        assert sum(mine.values()) <= sum(one.count for one in counts.counts(water, "rule"))


def test_counts_add_up(file: Path) -> None:
    with Reader(file) as reader:
        everything = len(walked(reader, Wanted()))
        for dimension in ("level", "rule", "source"):
            assert sum(one.count for one in counts.counts(reader, dimension, limit=10_000)) == everything
        assert sum(one.findings for one in counts.weather(reader)) == everything
        with pytest.raises(UsageError):
            counts.counts(reader, "moon")


def test_decisions_are_patched_in(case: Path, tmp_path: Path) -> None:
    made = tmp_path / "file.browse"
    with Case.open(case, read_only=True) as opened:
        build(opened, made, signature="one")
    with Reader(made) as reader:
        uid = incidents.incidents(reader, Asked()).rows[0].uid
        one = incidents.incident(reader, uid)
    assert one is not None
    from dataclasses import replace

    patch.decided(made, [replace(one, state="closed", owner="ana")], signature="two")
    with Reader(made) as reader:
        assert reader.meta["signature"] == "two"
        assert uid not in {row.uid for row in incidents.incidents(reader, Asked()).rows}
        assert [row.uid for row in incidents.incidents(reader, Asked(state="", owner="ana")).rows] == [uid]


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"not a database at all" * 100)
    with pytest.raises(CaseError, match="cannot be read"):
        Reader(tmp_path / "broken")
    with pytest.raises(CaseError, match="cannot be read"):
        Reader(tmp_path / "missing")
    assert schema.VERSION > 0


@pytest.mark.parametrize(
    "text", ["*", '"', "NEAR(a b)", "a OR b", "-x", "\x00", "東京の水道", "a" * 5000, "' --", "col:x"]
)
def test_a_search_is_never_a_language(file: Path, text: str) -> None:
    with Reader(file) as reader:
        assert isinstance(findings.findings(reader, Wanted(text=text)).rows, list)
        assert isinstance(findings.findings(reader, Wanted(entity=text)).rows, list)


def test_signs_without_spaces_are_words() -> None:
    assert words.query("水道局") == '"水 道 局"*'
    assert words.query("pass.word") == '"pass word"*'
    assert words.query(" ** ") == ""


@pytest.mark.parametrize("given", ["", "W10", "WyJhIl0", "!!!!", "e30", "WzFd" * 400, "W3RydWVd"])
def test_a_strange_cursor_is_told(given: str) -> None:
    with pytest.raises(UsageError, match="cursor"):
        page.opened(given, [int])


def test_times_of_all_ages() -> None:
    assert iso(None) is None
    assert iso(1 << 62) is None
    assert iso(0) == "1970-01-01T00:00:00.000000Z"
    assert micro("1970-01-01T09:00:00+09:00") == 0
    assert micro("") is None
    with pytest.raises(UsageError):
        micro("soon")
