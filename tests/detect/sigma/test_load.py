"""Loading: whatever is handed over ends loaded, or rejected with its file and a reason."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kazami.detect.sigma import load as loading
from kazami.detect.sigma.entry import entries
from kazami.detect.sigma.load import load
from kazami.detect.sigma.rule import RuleSet
from kazami.errors import UsageError


def text(number: int = 1, **changes: Any) -> str:
    """One rule as YAML."""
    rule = {
        "title": f"rule {number}",
        "id": f"00000000-0000-4000-8000-{number:012}",
        "level": "high",
        "logsource": {"product": "windows", "category": "process_creation"},
        "detection": {"selection": {"Image|endswith": "\\cmd.exe"}, "condition": "selection"},
    }
    changed = {key: value for key, value in (rule | changes).items() if value is not None}
    return yaml.safe_dump(changed, sort_keys=False, allow_unicode=True)


def write(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / f"{name}.yml").write_bytes(data)
    return folder


def reasons(found: RuleSet) -> dict[str, str]:
    return {Path(gone.path).stem: gone.reason for gone in found.rejected}


def test_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "a.yml").write_text(text(1))
    (tmp_path / "deep" / "er" / "b.YAML").write_text(text(2))
    (tmp_path / "deep" / "notes.txt").write_text("no rule")
    (tmp_path / ".git" / "c.yml").write_text(text(3))
    odd = tmp_path / "rule.txt"
    odd.write_text(text(4))
    found = load([tmp_path, odd, tmp_path / "a.yml"])
    assert [rule.info.title for rule in found.rules] == ["rule 1", "rule 2", "rule 4"]
    assert [Path(rule.info.path).name for rule in found.rules] == ["a.yml", "b.YAML", "rule.txt"]
    assert found.rejected == ()


def test_a_file_named_in_two_ways_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    write(tmp_path / "deep", a=text())
    monkeypatch.chdir(tmp_path)
    found = load([Path("deep"), tmp_path, Path("deep/a.yml"), tmp_path / "deep" / "a.yml", Path()])
    assert [rule.info.path for rule in found.rules] == [str(Path("deep") / "a.yml")]
    assert found.rejected == ()


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    write(tmp_path / "rules", a=text())
    (tmp_path / "rules" / "loop").symlink_to(tmp_path / "rules", target_is_directory=True)
    assert len(load([tmp_path / "rules"]).rules) == 1


def test_an_empty_folder(tmp_path: Path) -> None:
    assert load([tmp_path]).rules == ()


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such rule file"):
        load([tmp_path / "none"])


def test_one_broken_file_stops_no_other(tmp_path: Path) -> None:
    write(
        tmp_path,
        a_good=text(1),
        b_text="just text",
        c_list="- a\n- b\n",
        d_yaml="title: [\n",
        e_bytes=b"\xff\xfe\x00",
        f_other="name: workflow\non: push\n",
        g_empty="",
        h_bomb="a: &a [x, x, x]\nb: &b [" + "*a," * 90_000 + "]\n",
        i_deep="detection: " + "[" * 100_000,
        j_pattern=text(2, detection={"s": {"A|re": "(("}, "condition": "s"}),
        k_huge=text(3, detection={"s": {"A|re": "x" * 20_000}, "condition": "s"}),
        l_placeholder=text(4, detection={"s": {"A|expand": "%x%"}, "condition": "s"}),
        m_good=text(5),
    )
    found = load([tmp_path])
    assert [rule.info.title for rule in found.rules] == ["rule 1", "rule 5"]
    said = reasons(found)
    assert set(said) == {
        "b_text",
        "c_list",
        "d_yaml",
        "e_bytes",
        "f_other",
        "g_empty",
        "h_bomb",
        "i_deep",
        "j_pattern",
        "k_huge",
        "l_placeholder",
    }
    assert said["b_text"] == "not a map but a str: no Sigma rule"
    assert said["d_yaml"].startswith("not YAML:")
    assert "neither detection nor correlation nor filter" in said["f_other"]
    assert "aliases written out" in said["h_bomb"]
    assert "nest" in said["i_deep"]  # ours, or that of a newer libyaml
    named = next(gone for gone in found.rejected if gone.path.endswith("j_pattern.yml"))
    assert (named.id, named.title) == ("00000000-0000-4000-8000-000000000002", "rule 2")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    write(tmp_path, a=text())
    (tmp_path / "a.yml").chmod(0)
    assert "cannot be read" in reasons(load([tmp_path]))["a"]


def test_a_file_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "LARGEST_FILE", 10)
    write(tmp_path, a=text())
    assert "at most 10 are read" in reasons(load([tmp_path]))["a"]


def test_the_second_of_two_equal_ids_is_rejected_and_the_first_named(tmp_path: Path) -> None:
    write(tmp_path, a=text(1, title="first"), b=text(1, title="second"))
    found = load([tmp_path])
    assert [rule.info.title for rule in found.rules] == ["first"]
    assert reasons(found)["b"] == f"its id is already that of 'first' in {tmp_path / 'a.yml'}"


def test_ids_inherited_in_a_collection_are_told_apart(tmp_path: Path) -> None:
    common = text(1, action="global", detection={"condition": "s"})
    parts = [f"detection: {{s: {{EventID: {number}}}}}" for number in (1, 2, 3)]
    write(tmp_path, a="\n---\n".join([common, *parts]))
    found = load([tmp_path])
    assert found.rejected == ()
    assert len({rule.info.id for rule in found.rules}) == 3
    assert [rule.info.id for rule in load([tmp_path]).rules] == [rule.info.id for rule in found.rules]


def test_a_rule_without_id_gets_one_from_its_content(tmp_path: Path) -> None:
    write(tmp_path, a=text(id=None), b=text(id=None, title="other"), c=text(id="mine"), d=text(5, id=7))
    found = load([tmp_path])
    again = load([tmp_path])
    assert [rule.info.id for rule in found.rules] == [rule.info.id for rule in again.rules]
    assert len({rule.info.id for rule in found.rules}) == 4
    assert found.rules[2].info.id == "mine"
    said = {Path(warning.path).stem: warning.reason for warning in found.warnings}
    assert "was made of its content" in said["a"]
    assert "is not a UUID" in said["c"]
    assert "was made of its content" in said["d"]


def test_what_is_wrong_with_its_words_costs_no_rule_its_place(tmp_path: Path) -> None:
    write(
        tmp_path, a=text(title=None, level="urgent", tags="attack.t1059", references={"a": 1}, date=20240101)
    )
    found = load([tmp_path])
    (rule,) = found.rules
    assert (rule.info.title, rule.info.level) == ("(no title)", "informational")
    assert (rule.info.tags, rule.info.references, rule.info.date) == (("attack.t1059",), (), "20240101")
    assert {warning.reason for warning in found.warnings} == {
        "no title",
        "unknown level 'urgent', taken as informational",
        "references: not a list of texts",
    }


def test_the_version_follows_the_meaning(tmp_path: Path) -> None:
    def version(content: str, **placeholders: list[str]) -> str:
        write(tmp_path, a=content)
        (rule,) = load([tmp_path], placeholders=placeholders).rules
        return rule.info.version

    plain = text(1)
    assert version(plain) == version("# a comment\n" + plain)
    assert version(plain) != version(text(1, level="low"))
    assert len(version(plain)) == 16
    expand = text(1, detection={"s": {"A|expand": "%x%"}, "condition": "s"})
    assert version(expand, x=["a"]) != version(expand, x=["b"])
    assert version(expand, x=["a"]) == version(expand, x=["a"], unused=["c"])


def test_the_version_of_the_set(tmp_path: Path) -> None:
    write(tmp_path, a=text(1), b=text(2))
    before = load([tmp_path]).version
    assert before == load([tmp_path / "b.yml", tmp_path / "a.yml"]).version
    write(tmp_path, b=text(2, title="changed"))
    assert load([tmp_path]).version != before


def test_workers_compile_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_WORTH_PROCESSES", 2)
    write(tmp_path, a=text(1), b=text(2), c="- no rule", d=text(1))
    one, two = load([tmp_path]), load([tmp_path], workers=2)
    assert [rule.info for rule in one.rules] == [rule.info for rule in two.rules]
    assert [rule.condition for rule in one.rules] == [rule.condition for rule in two.rules]
    assert one.rejected == two.rejected


def test_correlations_are_loaded_and_tied(tmp_path: Path) -> None:
    correlation = {
        "type": "event_count",
        "rules": ["base"],
        "group-by": ["User"],
        "timespan": "5m",
        "condition": {"gte": 10},
    }
    broken = correlation | {"rules": ["nobody"]}
    write(
        tmp_path,
        a=text(1, name="base"),
        b=yaml.safe_dump({"title": "many", "level": "high", "correlation": correlation}),
        c=yaml.safe_dump({"title": "lost", "level": "high", "correlation": broken}),
        d=yaml.safe_dump({"title": "odd", "level": "high", "correlation": correlation | {"type": "magic"}}),
    )
    found = load([tmp_path])
    assert [each.info.title for each in found.correlations] == ["many"]
    assert found.correlations[0].rules == (found.rules[0].info.id,)
    assert found.rules[0].report is False
    assert set(reasons(found)) == {"c", "d"}
    assert "nobody" in reasons(found)["c"]


def test_many_rules(tmp_path: Path) -> None:
    many(tmp_path, 1_000)


@pytest.mark.slow
def test_fifty_thousand_rules(tmp_path: Path) -> None:
    many(tmp_path, 50_000)


def many(folder: Path, count: int) -> None:
    with (folder / "many.yml").open("w", encoding="utf-8") as out:
        for number in range(count):
            out.write(f"---\n{text(number)}")
    found = load([folder], cache=folder / "cache")
    assert len(found.rules) == count
    assert len(load([folder / "many.yml"], cache=folder / "cache").rules) == count


SEED = "\n---\n".join(
    [
        text(
            1,
            detection={
                "s": {"A|re|i": "x+", "B|base64offset|contains": "abc"},
                "f": ["k*"],
                "condition": "s and not f",
            },
        ),
        text(
            2,
            detection={"a": [{"A|windash|contains|all": ["-x", "/y"]}, {"B": None}], "condition": "1 of a*"},
        ),
        "title: f\nlogsource: {product: windows}\nfilter: {rules: any, s: {A|cidr: 10.0.0.0/8}, condition: not s}",
        "title: c\ncorrelation: {type: event_count, rules: [a], group-by: [b], timespan: 5m, condition: {gte: 2}}",
    ]
).encode()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(SEED)),
            st.integers(0, 6),
            st.one_of(
                st.binary(max_size=4),
                st.sampled_from(
                    [
                        b"|",
                        b"*",
                        b"&a ",
                        b"*a",
                        b": ",
                        b"\n",
                        b"- ",
                        b"[",
                        b"{",
                        b"null",
                        b"%x%",
                        b"\\",
                        b"|all",
                        b"|re",
                        b"9" * 30,
                    ]
                ),
            ),
        ),
        max_size=5,
    )
)
def test_no_bytes_make_loading_fail(edits: list[tuple[int, int, bytes]]) -> None:
    data = SEED
    for place, cut, insert in edits:
        data = data[:place] + insert + data[place + cut :]
    for entry in entries(data, {}):
        assert (entry.kind == "rejected") is (entry.info is None)
        assert entry.info is not None or not entry.notes[0].startswith("cannot be compiled")


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "title",
                        "id",
                        "detection",
                        "logsource",
                        "condition",
                        "s",
                        "A|re",
                        "A|contains",
                        "correlation",
                        "filter",
                        "rules",
                        "action",
                        "product",
                    ]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_no_document_makes_loading_fail(content: Any) -> None:
    data = yaml.safe_dump(
        {"title": "t", "logsource": {"product": "x"}, "detection": content}, allow_unicode=True
    )
    for entry in entries(data.encode("utf-8", "replace"), {}):
        assert entry.info is not None or not entry.notes[0].startswith("cannot be compiled")
