"""Packs that are folders of the user's own: they work the same, what is broken is named, and the rest loads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kazami import config, pipeline
from kazami.errors import UsageError
from kazami.intel.actor import find as actor
from kazami.intel.measure import measures
from kazami.packs import choose, find, use
from made import Bench, event

RULE = """title: {title}
id: {id}
name: {name}
logsource: {{product: windows, category: process_creation}}
detection:
    sel: {{CommandLine|contains: {word}}}
    condition: sel
level: high
"""
FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A pack with one rule."""
    folder = tmp_path / "mine"
    (folder / "rules").mkdir(parents=True)
    (folder / "pack.yml").write_text("name: mine\n", "utf-8")
    (folder / "rules" / "one.yml").write_text(
        RULE.format(title="Frobnicate", id=FIRST, name="frob", word="frobnicate"), "utf-8"
    )
    return folder


def loaded(*packs: Path | str) -> tuple[set[str], dict[str, str]]:
    """Ids that load, and reasons by name of file."""
    found = pipeline.rules_of(pipeline.Request([], Path(), packs=[str(pack) for pack in packs]))
    ids = {one.info.id for one in (*found.rules, *found.correlations)}
    return ids, {Path(gone.path).name: gone.reason for gone in found.rejected}


def test_a_folder_is_a_pack(mine: Path) -> None:
    assert loaded(mine) == ({FIRST}, {})
    assert find(str(mine)) == mine


def test_a_folder_without_a_description_is_a_pack_too(mine: Path) -> None:
    (mine / "pack.yml").unlink()
    assert loaded(mine) == ({FIRST}, {})


def test_it_stands_beside_those_that_come_with_kazami(mine: Path) -> None:
    ids, rejected = loaded("volt_typhoon", mine)
    assert ids == loaded("volt_typhoon")[0] | {FIRST}
    assert rejected == {}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("two.yml", "title: [unfinished", "not YAML"),
        ("two.yml", "title: x\nlogsource: {product: windows}\ndetection: {condition: sel}", "sel"),
        ("two.yml", RULE.format(title="Other", id=FIRST, name="other", word="other"), "already"),
        ("two.yml", RULE.format(title="Other", id=SECOND, name="other", word="other").replace("contains", "holds"), "holds"),
    ],
    ids=["no yaml", "no selection", "id taken", "no such modifier"],
)  # fmt: skip
def test_a_broken_rule_is_named_and_the_rest_loads(mine: Path, name: str, content: str, reason: str) -> None:
    (mine / "rules" / name).write_text(content, "utf-8")
    ids, rejected = loaded(mine)
    assert ids == {FIRST}
    assert list(rejected) == [name]
    assert reason in rejected[name]


def test_a_link_that_leads_nowhere_is_named(mine: Path) -> None:
    (mine / "rules" / "gone.yml").symlink_to(mine / "nowhere.yml")
    ids, rejected = loaded(mine)
    assert ids == {FIRST}
    assert "cannot be read" in rejected["gone.yml"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"name: [mine", "not YAML: line"),
        (b"- a list", "not a map"),
        (b"needs: common", "'needs' is no list"),
        (b"needs: [salt]", "there is no pack 'salt'"),
        (b"needs: [./salt]", "there is no such folder"),
        (b"name: \xff\xfe", "codec"),
        (b"[" * 20_000, "nested too deeply"),
        (b"name: mine\n" + b"#" * 70_000, "larger than"),
    ],
    ids=["no yaml", "no map", "no list", "no such pack", "no such folder", "no text", "depth bomb", "too large"],
)  # fmt: skip
def test_a_broken_description_is_named_and_the_rules_load(mine: Path, content: bytes, reason: str) -> None:
    (mine / "pack.yml").write_bytes(content)
    ids, rejected = loaded(mine)
    assert ids == {FIRST}
    assert list(rejected) == ["pack.yml"]
    assert reason in rejected["pack.yml"]


def test_what_it_needs_is_loaded_as_well(mine: Path) -> None:
    (mine / "pack.yml").write_text("needs: [common]\n", "utf-8")
    chain = "title: Both\nid: %s\ncorrelation:\n    type: temporal\n    rules: [frob, discovery_burst]\n    timespan: 1h\n"
    (mine / "rules" / "both.yml").write_text(chain % SECOND, "utf-8")
    ids, rejected = loaded(mine)
    assert ids == loaded("common")[0] | {FIRST, SECOND}
    assert rejected == {}


def test_packs_that_need_each_other_are_loaded_once(mine: Path) -> None:
    (mine / "pack.yml").write_text("needs: [../mine, common]\n", "utf-8")
    assert len(choose([str(mine), "common", str(mine)]).folders) == 2
    assert loaded(mine, mine)[1] == {}


def test_every_pack_loads_alone() -> None:
    for name in ("common", "volt_typhoon", "cloud_hopper"):
        assert loaded(name)[1] == {}


@pytest.mark.parametrize(
    ("name", "reason"),
    [("./nowhere", "no such folder"), ("./empty", "is no pack"), ("mines", "no pack 'mines'")],
)
def test_what_is_no_pack_is_said(mine: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str) -> None:
    (mine.parent / "empty").mkdir()
    monkeypatch.chdir(mine.parent)
    with pytest.raises(UsageError, match=reason):
        find(name)


def test_settings_name_folders_beside_them(mine: Path) -> None:
    (mine.parent / "kazami.toml").write_text('[scan]\npacks = ["common", "./mine"]\n', "utf-8")
    settings = config.load(mine.parent / "kazami.toml")
    found = pipeline.rules_of(pipeline.Request([], Path(), settings=settings))
    assert FIRST in {rule.info.id for rule in found.rules}
    assert len(found.rules) > 10


def test_a_scan_finds_with_it(mine: Path, tmp_path: Path) -> None:
    (mine / "rules" / "bad.yml").write_text("title: [unfinished", "utf-8")
    bench = Bench(tmp_path, tmp_path / "cache")
    bench.put("one.jsonl", [event(1, CommandLine="x frobnicate"), event(2, CommandLine="y")])
    result = bench.scan(packs=[str(mine)], rules=[])
    assert result.found == 1
    assert [Path(gone.path).name for gone in result.rules.rejected] == ["bad.yml"]


MEASURES = """
sources: {us: https://example.org/frob}
measures:
- {id: unplug-frob, when: now, en: Unplug the frobnicator., ja: フロブニケーターを外す。, sources: [us]}
techniques: {T1059.003: [unplug-frob]}
"""

ACTOR = """
group: G9999
name: Frob Typhoon
names: [{name: Frob Typhoon, kind: actor, by: us}]
origin: {en: unknown, ja: 不明}
aim: {en: frobnication, ja: フロブ}
habits: []
"""


@pytest.fixture
def _only_ours() -> Iterator[None]:
    yield
    use(())


@pytest.mark.usefixtures("_only_ours")
def test_what_it_says_of_actors_and_of_what_to_do_counts(mine: Path) -> None:
    (mine / "mitigations.yml").write_text(MEASURES, "utf-8")
    (mine / "actor.yml").write_text(ACTOR, "utf-8")
    assert loaded(mine) == ({FIRST}, {})
    assert [one.id for one in measures().of("T1059.003") if one.when == "now"] == ["unplug-frob"]
    assert measures().of("T1003.003")  # what comes with Kazami still counts
    assert actor("frob typhoon").pack == "mine"
    loaded("common")
    assert "unplug-frob" not in [one.id for one in measures().of("T1059.003")]


@pytest.mark.usefixtures("_only_ours")
@pytest.mark.parametrize(
    ("name", "content"),
    [("mitigations.yml", "techniques: {T1: [nothing-of-that-name]}"), ("actor.yml", "name: [broken")],
)
def test_what_cannot_be_taken_is_named_and_the_rest_counts(mine: Path, name: str, content: str) -> None:
    (mine / name).write_text(content, "utf-8")
    ids, rejected = loaded(mine)
    assert ids == {FIRST}
    assert set(rejected) == {name}
    assert rejected[name]
    assert measures().of("T1003.003")
    assert actor("volt typhoon")
