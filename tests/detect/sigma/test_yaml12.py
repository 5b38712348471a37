"""YAML as rules are written in it, and as enemies write it."""

from __future__ import annotations

from typing import Any

import pytest

from kazami.detect.sigma.document import read
from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.yaml12 import Written, bare, documents


def only(text: str | bytes) -> Any:
    (found,) = documents(text.encode() if isinstance(text, str) else text)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("4688", 4688),
        ("-5", -5),
        ("0x1F", 31),
        ("0o17", 15),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("'4688'", "4688"),
        ('"4688"', "4688"),
        ("!!str 4688", "4688"),
        ("! 4688", "4688"),
        ("!!int '7'", 7),
        ("|\n  x", "x"),
        ("'<<'", "<<"),
    ],
)
def test_scalars(text: str, value: Any) -> None:
    found = only(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["1.10", "1.5", "010", "00000429", "+5", "1e3", ".5", "5."])
def test_numbers_keep_their_spelling(text: str) -> None:
    found = only(f"a: {text}")["a"]
    assert isinstance(found, Written)
    assert found == float(text)
    assert found.text == text
    assert type(bare({"a": [found]})["a"][0]) is float


def test_merge_keys_give_way_to_what_is_written() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2}\nc: {<<: [*a, *b], x: 3}\nd: {<<: *a}"
    found = only(text)
    assert found["c"] == {"x": 3, "y": 1}
    assert found["d"] == {"x": 1, "y": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\nb: 2\na: 3", "the key 'a' stands twice (line 3)"),
        ("a: &a [*a]", "contains itself"),
        ("a: *b", "stands for nothing"),
        ("a: {<<: 5}", "takes a map"),
        ("? [a]\n: 1", "has to be text"),
        ("a: !!python/object/apply:os.system [ls]", "is not read"),
        ("a: !!binary aGk=", "is not read"),
        ("a: !!timestamp 2024-01-01", "is not read"),
        ("a: !!set {x, y}", "is not read"),
        ("a: !!int x", "is not read"),
        ("[" * 100_000, "nest"),
        ("{a: " * 100_000, "nest"),
        ("- " * 100_000, "nest"),
        ("a: [", "not YAML"),
        ("a:\n\t- b", "not YAML"),
        ("a: \x00", "not YAML"),
        ('a: "\\ud800"', "not YAML"),
        (b"a: \xff\xfe", "not YAML"),
        (b"\x80", "not YAML"),
    ],
    ids=lambda value: str(value)[:20].encode("ascii", "replace").decode(),
)
def test_what_is_refused(text: str | bytes, reason: str) -> None:
    found = only(text)
    assert isinstance(found, Fault)
    assert reason in str(found)


def test_a_bomb_of_aliases_is_weighed_before_it_goes_off() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    found = only("\n".join(lines))
    assert isinstance(found, Fault)
    assert "aliases written out" in str(found)


def test_merges_are_weighed_too() -> None:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 12)]
    assert isinstance(only("\n".join(lines)), Fault)


def test_long_texts_are_weighed() -> None:
    assert only(f"a: {'x' * 1_000_000}") == {"a": "x" * 1_000_000}
    assert isinstance(only(f"a: {'x' * 20_000_000}"), Fault)


def test_a_fault_costs_its_own_document_only() -> None:
    found = list(documents(b"a: 1\n---\nb: 1\nb: 2\n---\nc: 3\n"))
    assert [isinstance(each, Fault) for each in found] == [False, True, False]


def test_what_is_before_broken_yaml_is_kept() -> None:
    found = list(documents(b"a: 1\n---\nb: [\n---\nc: 3\n"))
    assert found[0] == {"a": 1}
    assert isinstance(found[1], Fault)
    assert "line" in str(found[1])


def test_utf16_with_its_mark_is_read() -> None:
    assert only("a: été".encode("utf-16")) == {"a": "été"}


def test_documents_of_a_file() -> None:
    found = read(b"a: 1\n---\n---\n- b\n---\naction: fly\n---\nc: 1\n")
    assert [(each.number, each.content, bool(each.fault)) for each in found] == [
        (1, {"a": 1}, False),
        (3, {}, True),
        (4, {}, True),
        (5, {"c": 1}, False),
    ]
    assert "unknown action 'fly'" in found[2].fault


def test_an_inherited_id_is_marked() -> None:
    found = read(b"action: global\nid: X\n---\na: 1\n---\nid: Y\na: 2\n---\naction: repeat\na: 3\n")
    assert [(each.content["id"], each.inherited_id) for each in found] == [
        ("X", True),
        ("Y", False),
        ("Y", True),
    ]
