"""The columnar matcher gives what the plain evaluator gives, for every rule and every event."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from event_batch import batch, rule
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.detect.sigma import field_index, match, plain
from kazami.detect.sigma.expression import ANY, DASH, ONE, Expression, Predicate
from kazami.detect.sigma.match import Matcher
from kazami.detect.sigma.witness import words
from kazami.model.event import LogSource, Route

FIELDS = ("Image", "CommandLine", "Count", "Peer", "When")

TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            "a",
            "A",
            "cmd.exe",
            "C:\\Windows\\cmd.exe",
            "CMD.EXE /c whoami",
            "straße",
            "STRASSE",
            "ÉTÉ",
            "été",
        ]
    ),
    st.sampled_from(
        ["-enc x", "–enc x", "/enc x", "a-b", "line\nbreak", "nul\0inside", "\0", "%", "_", "'", "Σίσυφος"]
    ),
    st.sampled_from(
        ["4688", "0x1250", "-5", "1.5", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "2020-10-05T22:43:58Z"]
    ),
    st.text(max_size=6),
)
LITERALS = st.one_of(
    TEXTS.filter(bool), st.sampled_from(["c", "cmd", "exe", "\\", "enc", "SS", "É", "x", "b"])
)
VALUES = st.one_of(TEXTS, st.none(), st.lists(st.one_of(TEXTS, st.none()), max_size=3))
EVENTS = st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5), min_size=1, max_size=40)
PARTS = st.lists(st.one_of(LITERALS, st.sampled_from([ANY, ONE, DASH])), max_size=4).map(tuple)
NAMED = st.sampled_from(FIELDS)
NUMBERS = st.one_of(st.integers(-10, 5000), st.floats(-5, 5, allow_nan=False))

PREDICATES = st.one_of(
    st.builds(Predicate, st.one_of(NAMED, st.none()), st.just("match"), PARTS, st.booleans()),
    st.builds(
        Predicate,
        NAMED,
        st.just("re"),
        st.tuples(
            st.sampled_from(
                ["cmd", "^c.*e$", "(foo|exe|enc)", "a(?=-b)", "\\d+", "[A-Z]{2}", "x?", "(?i)WHOAMI"]
            ),
            st.sampled_from(["", "i", "s", "im"]),
        ),
    ),
    st.builds(Predicate, NAMED, st.just("cidr"), st.sampled_from(["10.0.0.0/8", "10.0.0.1/8", "fe80::/10"])),
    st.builds(Predicate, NAMED, st.sampled_from(["number", "gt", "gte", "lt", "lte"]), NUMBERS),
    st.builds(Predicate, NAMED, st.just("null"), st.none()),
    st.builds(Predicate, NAMED, st.just("exists"), st.booleans()),
    st.builds(
        Predicate,
        NAMED,
        st.just("ref"),
        st.tuples(NAMED, st.sampled_from(["eq", "startswith", "endswith", "contains"])),
        st.booleans(),
    ),
    st.builds(
        Predicate,
        NAMED,
        st.just("time"),
        st.tuples(
            st.sampled_from(["hour", "year"]), st.sampled_from(["eq", "gte"]), st.sampled_from([22, 2020])
        ),
    ),
)
LEAVES = st.one_of(PREDICATES.map(lambda p: ("is", p)), st.booleans().map(lambda b: ("const", b)))
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, max_size=4).map(tuple)),
        inner.map(lambda e: ("not", e)),
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(EXPRESSIONS, min_size=1, max_size=5), EVENTS)
def test_columns_say_what_single_events_say(
    expressions: list[Expression], events: list[dict[str, Any]]
) -> None:
    rules = [rule(expression, number) for number, expression in enumerate(expressions)]
    told = [replace(one, words=_words(one.condition)) for one in rules]
    matcher = Matcher(told)
    for _ in range(3):  # at first only the rules whose words are there, then all, then from memory
        found = {(m.rule.info.id, row) for m in matcher.match(batch(events)) for row in m.rows.tolist()}
        wanted = {
            (one.info.id, row)
            for one in rules
            for row, event in enumerate(events)
            if plain.evaluate(one.condition, event)
        }
        assert found == wanted


def _words(expression: Expression) -> tuple[str, ...] | None:
    found = words(expression)
    return None if found is None else tuple(sorted(found))


def test_of_few_events_only_rules_are_asked_whose_words_are_there() -> None:
    rules = [
        replace(rule(("is", Predicate("Image", "match", (ANY, name))), name), words=(name,))
        for name in ("cmd.exe", "calc.exe")
    ]
    matcher = Matcher(rules)
    asked: list[int] = []
    program = match.Program.__init__

    def counted(self: match.Program, given: Any, *more: Any) -> None:
        asked.append(len(given))
        program(self, given, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(match.Program, "__init__", counted)
        for _ in range(3):
            assert [found.rule.info.id for found in matcher.match(batch([{"Image": "C:\\CMD.EXE"}]))] == [
                "cmd.exe"
            ]
    assert asked == [1, 2]


def test_many_rows_share_answers() -> None:
    events = [{"Image": "C:\\a\\cmd.exe" if i % 3 else "C:\\a\\calc.exe"} for i in range(1000)]
    ends = rule(("is", Predicate("Image", "match", (ANY, "\\cmd.exe"))))
    (found,) = Matcher([ends]).match(batch(events))
    assert found.rows.tolist() == [i for i in range(1000) if i % 3]
    assert found.fields() == [("Image", ["C:\\a\\cmd.exe"] * len(found.rows))]


def test_evidence_names_the_branch_that_held() -> None:
    expression = (
        "and",
        (
            (
                "or",
                (
                    ("is", Predicate("Image", "match", (ANY, "cmd.exe"))),
                    ("is", Predicate("Peer", "null", None)),
                ),
            ),
            ("is", Predicate("CommandLine", "match", (ANY, "/c", ANY))),
            ("not", ("is", Predicate("Count", "match", ("3",)))),
        ),
    )
    events = [
        {"Image": "cmd.exe", "CommandLine": "x /c y", "Peer": "p", "Count": "1"},
        {"Image": "calc.exe", "CommandLine": "x /c z"},
    ]
    (found,) = Matcher([rule(expression)]).match(batch(events))
    fields = dict(found.fields())
    assert fields["Image"] == ["cmd.exe", None]
    assert fields["CommandLine"] == ["x /c y", "x /c z"]
    assert "Count" not in fields


def test_a_relation_names_both_fields() -> None:
    (found,) = Matcher([rule(("is", Predicate("Image", "ref", ("CommandLine", "startswith"))))]).match(
        batch([{"Image": "C:\\a.exe -x", "CommandLine": "c:\\A.EXE"}, {"Image": "b", "CommandLine": "c"}])
    )
    assert found.fields() == [("CommandLine", ["c:\\A.EXE"]), ("Image", ["C:\\a.exe -x"])]


def test_a_keyword_names_the_field_it_was_found_in() -> None:
    (found,) = Matcher([rule(("is", Predicate(None, "match", (ANY, "needle", ANY))))]).match(
        batch([{"Image": "hay"}, {"Peer": ["hay", "a NEEDLE here"]}])
    )
    assert found.rows.tolist() == [1]
    assert found.fields() == [("Peer", ["hay, a NEEDLE here"])]


@pytest.mark.parametrize(
    ("addressed", "applies"),
    [
        (LogSource("windows", "process_creation"), True),
        (LogSource("windows", None, "sysmon"), True),
        (LogSource(None, "process_creation"), True),
        (LogSource(), True),
        (LogSource("linux", "process_creation"), False),
        (LogSource("windows", None, "security"), False),
    ],
)
def test_the_log_source_is_part_of_the_match(addressed: LogSource, applies: bool) -> None:
    route = Route("process_creation", (LogSource("windows", "process_creation", "sysmon"),))
    found = list(Matcher([rule(("const", True), source=addressed)]).match(batch([{"Image": "x"}], route)))
    assert bool(found) is applies


def test_no_rules_and_no_events_match_nothing() -> None:
    assert list(Matcher([]).match(batch([{"Image": "x"}]))) == []
    nothing = batch([{"Image": "x"}]).slice(0, 0)
    assert list(Matcher([rule(("const", True))]).match(nothing)) == []


def test_a_regular_expression_without_end_is_given_up_and_named() -> None:
    evil = rule(("is", Predicate("CommandLine", "re", ("^(a|a)*(?=$)", ""))))
    matcher = Matcher([evil])
    assert list(matcher.match(batch([{"CommandLine": "a" * 60 + "!"}]))) == []
    assert matcher.timeouts() == {"0": 1}
    assert list(matcher.match(batch([{"CommandLine": "a" * 70 + "!"}]))) == []
    assert matcher.timeouts() == {"0": 2}


def test_answers_are_remembered_for_one_batch_only() -> None:
    index = field_index.FieldIndex([(0, Predicate("Image", "match", (ANY, "7", ANY)))])
    for start in range(0, 100, 5):
        values = [str(number) for number in range(start, start + 5)]
        assert index.answers(values) == [(0,) if "7" in value else () for value in values]
        assert set(index._memo[""]) == set(values)


def test_a_field_is_found_under_both_spellings() -> None:
    for name in ("Imphash", "imphash"):
        asked = rule(("is", Predicate(name, "match", ("c0de",))))
        (found,) = Matcher([asked]).match(batch([{"Imphash": "C0DE"}, {"Imphash": "0"}]))
        assert found.rows.tolist() == [0]


def test_a_field_named_like_the_envelope_is_asked_by_its_own_name() -> None:
    asked = rule(("is", Predicate("host", "match", ("web1",))))
    (found,) = Matcher([asked]).match(batch([{"host_": "web1"}, {"host_": "web2"}]))
    assert found.rows.tolist() == [0]
