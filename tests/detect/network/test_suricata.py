"""What cases cannot say of the rules: hostile expressions, broken files, random rules with and without the prefilter, and their words."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from benchmarks import suricata_page
from hypothesis import given, settings
from hypothesis import strategies as st

import capture_writer as made
from kazami.detect.network.suricata import detector, parse, pcre
from kazami.detect.network.suricata.app import datagrams, streams
from kazami.detect.network.suricata.bytesteps import Where
from kazami.detect.network.suricata.classes import Classes
from kazami.detect.network.suricata.compile import KEYWORDS, load, loads
from kazami.detect.network.suricata.header import VARIABLES, header
from kazami.detect.network.suricata.inspector import Inspector, Options
from kazami.detect.network.suricata.memory import Counters
from kazami.detect.network.suricata.number import comparison
from kazami.detect.network.suricata.prefilter import Finder, Unfiltered, choose
from kazami.detect.network.suricata.rule import Limit
from kazami.detect.network.suricata.session import Session
from kazami.detect.network.suricata.steps import BUDGET, View
from kazami.detect.network.suricata.subset import table
from kazami.detect.network.suricata.tap import shown
from kazami.detect.network.suricata.words import info

NEAR, FAR = bytes((10, 0, 0, 1)), bytes((192, 0, 2, 7))
DATA = Path(__file__).parents[4] / "shared" / "data"


def rule(body: str, head: str = "alert tcp any any -> any any") -> str:
    return f"{head} ({body} sid:1;)"


def talked(text: str, frames: Sequence[bytes], finder: type[Finder] = Finder) -> tuple[Inspector, Session]:
    inspector = Inspector(loads(text).running, Options(), finder)
    session = Session(inspector, 6, (NEAR, FAR), (40000, 443), 0)
    for number, packet in enumerate(frames, 1):
        session.take(number, number, int(packet[12:16] != NEAR), packet, 0, 20, len(packet))
    session.finish()
    return inspector, session


@pytest.mark.parametrize(
    "expression", ["(a+)+$", "(a|aa)+$", "(.*)*x", "(?:a*)*b", r"(a+)+\1$", r"(?=(a+)+c)a+b", "(x+x+)+y"]
)
def test_no_expression_hangs(expression: str) -> None:
    inspector, session = talked(rule(f'pcre:"/{expression}/";'), made.talk(b"a" * 40_000 + b"!", size=1400))
    assert len(session.alerts) < 50
    if not session.alerts:
        assert pcre.compiled(expression, "").engine == "re2" or inspector.spent


def test_no_list_of_contents_hangs() -> None:
    body = "".join('content:"a"; distance:0; ' for _ in range(12)) + 'content:"b"; distance:0;'
    inspector, session = talked(
        rule('content:"a"; ' + body + ' content:"!";'), made.talk(b"a" * 5_000 + b"!", size=1400)
    )
    assert not session.alerts
    assert inspector.spent[0] == 1


def test_the_budget_is_suricatas() -> None:
    assert BUDGET == 3_000


WORDS = st.sampled_from(["ab", "b", "abc", "|00|", "|00 00|", "ca", "a|00|b", "GET ", "bca", "Ab"])
BYTES = st.lists(st.sampled_from([b"a", b"b", b"c", b"A", b"\0", b"GET ", b"abc"]), max_size=30).map(b"".join)


@st.composite
def bodies(draw: st.DrawFn) -> str:
    parts = []
    for number in range(draw(st.integers(1, 3))):
        more = draw(
            st.sampled_from(["", " nocase;", " offset:1;", " depth:8;", " distance:1;" if number else ""])
        )
        parts.append(f'content:{draw(st.sampled_from(["", "", "!"]))}"{draw(WORDS)}";{more}')
    return " ".join([*parts, draw(st.sampled_from(["", "dsize:>2;", "flow:to_server;", 'pcre:"/b.?c/";']))])


@settings(max_examples=150, deadline=None)
@given(st.lists(bodies(), min_size=1, max_size=4), BYTES, BYTES, st.integers(1, 9))
def test_the_prefilter_leaves_out_nothing(found: list[str], client: bytes, server: bytes, size: int) -> None:
    text = "\n".join(f"alert tcp any any -> any any ({body} sid:{n};)" for n, body in enumerate(found, 1))
    frames = made.talk(client, server, size=size)
    one, other = (talked(text, frames, finder)[1].alerts for finder in (Finder, Unfiltered))
    assert [(a.rule.sid, a.side, a.number, a.offset) for a in one] == [
        (a.rule.sid, a.side, a.number, a.offset) for a in other
    ]


def test_rules_that_are_no_utf8_are_told_legibly_and_match_by_byte(tmp_path: Path) -> None:
    rule = 'alert tcp any any -> any any (msg:"caf\xe9 \u4e2d"; content:"\xe9"; metadata:by \xe9; sid:1;)\n'
    wrong = 'alert tcp any any -> any any (msg:"caf\xe9"; sid:2; foo;)\nalert \xe9\n'
    path = tmp_path / "old.rules"
    path.write_bytes(
        rule.replace("\xe9", "\udce9").encode("utf-8", "surrogateescape") + wrong.encode("latin-1")
    )
    made = load([path])
    assert [one.message for one in made.running] == ["caf\xe9 \u4e2d"]
    assert made.left[0].message == "caf\xe9"
    for said in (info(made.running[0]), *made.left):
        orjson.dumps(said, default=str)  # else it could not be shown, or kept
    assert made.running[0].payload[0].steps[0].pattern == b"\xe9"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_rules_or_reasons(text: str) -> None:
    loaded = loads(
        f'alert tcp any any -> any any (msg:"{text}"; sid:1;)\n{text}\nalert tcp any any -> any any ({text}; sid:2;)'
    )
    assert all(left.reason or left.keyword for left in loaded.left)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([53, 88, 445, 25, 21, 80, 443]), st.integers(0, 1))
def test_no_bytes_break_a_parser(data: bytes, port: int, side: int) -> None:
    starts = [b"", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x00\x20\x01", b"SSH-2.0-", b"\0\0\0\x40\xfeSMB", b"\0\0\0\x40\xffSMB",
              b"\x05\0\x0b\x03\x10\0\0\0", b"EHLO a\r\nDATA\r\n", b"USER a\r\n", b"\0\0\0\x20\x6a"]  # fmt: skip
    for start in starts:
        parser = streams((40000, port), side, start + data)
        if parser is not None:
            found = [
                *parser.feed(side, start + data),
                *parser.feed(1 - side, data),
                *parser.gap(side),
                *parser.finish(),
            ]
            for exchange, way in found:
                assert way in (0, 1)
                for name in ("http.uri", "file.data", "dns.query", "tls.sni", "smb.share", "krb5.cname"):
                    values = exchange.values(name, way)
                    assert values is None or all(isinstance(value, bytes) for value in values)
    parser = datagrams((40000, port), data)
    if parser is not None:
        parser.feed(side, data)


def test_segments_in_any_order_are_one_stream() -> None:
    whole = bytes(random.Random(1).randbytes(3_000)).replace(b"needle", b"") + b"needle" + b"x" * 500
    frames = made.talk(whole, size=100)
    middle = frames[3:-2]
    random.Random(2).shuffle(middle)
    _, session = talked(rule('content:"needle";'), [*frames[:3], *middle, *frames[-2:]])
    assert [alert.offset for alert in session.alerts] == [whole.index(b"needle")]


def test_what_came_first_wins_where_segments_overlap() -> None:
    start = made.talk(b"", size=100)[:2]
    one, other = (made.ip(made.tcp(data, 100, target=443)) for data in (b"first one", b"other one"))
    _, session = talked('alert tcp-stream any any -> any any (content:"other"; sid:1;)', [*start, one, other])
    assert not session.alerts
    _, session = talked('alert tcp-pkt any any -> any any (content:"other"; sid:1;)', [*start, one, other])
    assert len(session.alerts) == 1


def test_a_gap_is_stepped_over() -> None:
    frames = made.talk(b"a" * 300 + b"needle" + b"b" * 94, size=100)
    _, session = talked(rule('content:"needle";'), [*frames[:3], *frames[4:]])
    assert [alert.offset for alert in session.alerts] == [300]


def test_one_direction_is_looked_at_as_far_as_suricata_looks() -> None:
    frames = made.talk(b"x" * 1_200_000 + b"needle", size=60_000)
    _, session = talked(rule('content:"needle";'), frames)
    assert not session.alerts


def test_a_file_that_is_cut_and_one_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.rules"
    path.write_bytes(
        b'alert tcp any any -> any any (content:"\xff\xfe"; sid:1;)\nalert tcp any any -> any any (cont'
    )
    loaded = load([path, tmp_path / "b.rules"])
    assert len(loaded.running) == 1
    assert [left.line for left in loaded.left] == [2, 0]
    assert "cannot be read" in loaded.left[1].reason


def test_of_two_revisions_the_newer_one_runs() -> None:
    text = "\n".join(
        f'alert tcp any any -> any any (msg:"{rev}"; content:"a"; sid:1; rev:{rev};)' for rev in (2, 3, 1)
    )
    loaded = loads(text)
    assert [one.message for one in loaded.running] == ["3"]
    assert len(loaded.left) == 2


def test_a_rule_over_several_lines_is_one() -> None:
    (found,) = parse.rules('alert tcp any any -> any any ( \\\n  msg:"a\\;b"; \\\n  sid:7;)')
    assert isinstance(found, parse.Text)
    assert (found.first("msg"), found.line) == ("a;b", 1)


def test_variables_that_name_themselves_end() -> None:
    loaded = loads("alert tcp $A any -> any any (sid:1;)", variables={"A": "$B", "B": "$A"})
    assert "without end" in loaded.left[0].reason


def test_addresses_of_one_version_do_not_meet_those_of_the_other() -> None:
    head = header("ip", ("!10.0.0.0/8", "any", "::/0", "any"), "->", VARIABLES)
    assert head.meets(bytes(15) + b"\1", bytes(15) + b"\2", 0, 0)
    assert not head.meets(NEAR, FAR, 0, 0)


def test_the_words_of_a_rule() -> None:
    text = rule('msg:"A"; content:"a"; classtype:trojan-activity; reference:url,x.example/1; '
                "metadata:signature_severity Major, mitre_tactic_id TA0011, mitre_technique_id T1071_001;")  # fmt: skip
    found = info(loads(text).running[0])
    assert (found.title, found.level, found.id) == ("A", "high", "suricata-rule:1:1")
    assert found.tags == ("attack.command-and-control", "attack.t1071.001")
    assert found.references == ("https://x.example/1",)
    plain = info(loads(rule('msg:"ET TROJAN x"; content:"a"; classtype:misc-activity;')).running[0])
    assert (plain.level, plain.tactics) == ("low", ["command-and-control"])


def test_bytes_are_shown_as_rules_write_them() -> None:
    assert shown(b"a|b\0\x01c\r\n") == "a|7c|b|00 01|c|0d 0a|"


def test_a_rule_is_found_by_what_tells_most() -> None:
    found = loads(rule('content:"|00 00 00 00|"; content:"GET /checkin"; content:"a";')).running[0]
    choice = choose(found)
    assert choice is not None
    assert choice.pattern == b"get /checkin"


def test_counting_ends_with_its_time() -> None:
    found = loads(rule('content:"a"; threshold:type limit,track by_src,count 1,seconds 10;')).running[0]
    assert isinstance(found.limit, Limit)
    counters = Counters()
    due = [counters.passes(found, b"x", second * 1_000_000, (1, 2)) for second in (0, 5, 9, 11, 12)]
    assert due == [True, False, False, True, False]


PORTS = ["80", "[1:100,!50]", "!443", "any", "[8000:,!9000:9100]", "[!1,!2]"]


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_numbers_of_one_class_are_in_the_same_sets(one: int, other: int) -> None:
    sets = [header("tcp", ("any", text, "any", "any"), "->").source_port for text in PORTS]
    classes = Classes(sets)
    if classes.of(one) == classes.of(other):
        assert [group.holds(one) for group in sets] == [group.holds(other) for group in sets]
    assert classes.of(50) != classes.of(51)


def test_a_number_that_is_not_whole_is_none() -> None:
    where = Where(size=4, offset=0)
    assert where.read(View(b"\0\0\1"), 0) is None
    assert where.read(View(b"\0\0\1\0"), 0) == (256, 4)
    assert Where(size=2, offset=-1, relative=True).read(View(b"abc"), 0) is None


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("5", 5, 4),
        ("<5", 4, 5),
        (">=5", 5, 4),
        ("!5", 4, 5),
        ("3<>6", 5, 6),
        ("3-6", 4, 3),
        ("0x10", 16, 10),
        ("1kb", 1024, 1),
    ],
)
def test_comparisons(text: str, inside: int, outside: int) -> None:
    test = comparison(text)
    assert test.holds(inside)
    assert not test.holds(outside)


def test_the_subset_names_every_keyword() -> None:
    whole = table()
    assert all(f"`{keyword}`" in whole for keyword in KEYWORDS)


def test_a_batch_without_matches_has_no_findings() -> None:
    assert list(detector.detect(iter([]))) == []


def test_a_view_of_nothing() -> None:
    assert View(b"").lower == b""


def test_the_page_names_the_subset_of_today() -> None:
    text = suricata_page.PAGE.read_text("utf-8")
    assert suricata_page.written(text) == text


@pytest.mark.skipif(not (DATA / "suricata-rules-2019").is_dir(), reason="no rules of 2019 at ../shared/data")
def test_the_rules_of_2019_run() -> None:
    loaded = load(sorted((DATA / "suricata-rules-2019").glob("emerging-m*.rules")))
    assert loaded.share > 0.99


def test_a_conversation_that_was_seen_before_finds_the_same() -> None:
    text = 'alert tcp any any -> any any (content:"needle"; sid:1;)\nalert http any any -> any any (http.uri; content:"/a"; sid:2;)'
    kinds = [
        made.talk(b"hay", b"hay"),
        made.talk(b"needle", b"hay"),
        made.talk(b"GET /a HTTP/1.1\r\n\r\n", b"hay"),
    ]
    inspector = Inspector(loads(text).running, Options())
    found = []
    for frames in [*kinds, *kinds, made.talk(b"hay", b"needle"), made.talk(b"hay", b"hay", size=2)]:
        session = Session(inspector, 6, (NEAR, FAR), (40000, 443), 0)
        for number, packet in enumerate(frames, 1):
            session.take(number, number, int(packet[12:16] != NEAR), packet, 0, 20, len(packet))
        session.finish()
        found.append([alert.rule.sid for alert in session.alerts])
    assert found == [[], [1], [2], [], [1], [2], [1], []]
    assert len(inspector.past.quiet) == 2
