"""The picture of an intrusion: what is drawn, where it lies, what it says, and how little it ever takes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from lxml import etree

from kazami.model.attack import TACTICS
from kazami.model.incident import Incident, Move, Step, Text
from kazami.model.story import Bond
from kazami.respond.language import LANGUAGES, words
from kazami.respond.track import NARROW, WIDE, draw, legend, svg, track
from kazami.respond.track.kind import KINDS, SHAPES, kind_of
from kazami.respond.track.layout import Track
from kazami.respond.track.milestone import MORE, MOST
from kazami.respond.track.phase import Phase, phases, placed, stretches, ticks

START = datetime(2026, 11, 9, 2, 0, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def step(
    number: int, minutes: float, host: str, tactic: str = "execution", level: str = "high", **more: object
) -> Step:
    when = START + timedelta(minutes=minutes)
    values = {"first": when, "last": when, "words": Text(f"did {number}", f"{number} をした"), **more}
    return Step(number, tactic, f"rule {number}", f"r{number}", level, host=host, **values)  # type: ignore[arg-type]


def move(source: str, target: str, minutes: float, account: str = "") -> Move:
    return Move(source, target, START + timedelta(minutes=minutes), account)


def incident(*steps: Step, tenant: str = "acme", moves: tuple[Move, ...] = ()) -> Incident:
    hosts = tuple(dict.fromkeys(one.host for one in steps))
    tactics = tuple(dict.fromkeys(one.tactic for one in steps))
    return Incident("a" * 32, tenant, Text("x", "x"), hosts=hosts, tactics=tactics, steps=steps, moves=moves)


VISITS = incident(
    step(1, 0, "pc1", "initial-access", address="203.0.113.7"),
    step(2, 3, "pc1", "persistence", "critical"),
    step(3, 4, "srv1", "lateral-movement", "medium"),
    step(4, 90 * 24 * 60, "srv1", "discovery", "low"),
    step(5, 90 * 24 * 60 + 4, "dc1", "credential-access", "critical"),
    step(6, 91 * 24 * 60, "srv1", "exfiltration", address="198.51.100.9"),
    moves=(move("pc1", "srv1", 4, "adm"), move("srv1", "dc1", 90 * 24 * 60 + 4)),
)


def drawn(made: Track | None, lang: str = "en") -> etree._Element:
    assert made is not None
    source = str(svg(made, words(lang), "t1")).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return etree.fromstring(source)


def texts(root: etree._Element) -> list[str]:
    return [node.text or "" for node in root.iter(f"{SVG}text")]


def test_every_tactic_has_a_kind_and_every_kind_a_shape_of_its_own() -> None:
    assert {kind_of(tactic) for tactic in TACTICS} == set(KINDS) - {"other"}
    assert kind_of("") == kind_of("no such tactic") == "other"
    assert SHAPES.keys() == KINDS.keys()
    assert len(set(SHAPES.values())) == len(KINDS)


def test_months_of_silence_take_no_room_and_are_stated() -> None:
    made = track([VISITS])
    assert made is not None
    assert [round(one.silence / 3600) for one in made.phases] == [0, 90 * 24, 24]
    first, second, third = made.phases
    assert first.right < second.left < second.right < third.left
    assert {"3 mo", "90 d", "24 h"} & set(texts(drawn(made))) == {"90 d", "24 h"}
    assert texts(drawn(made)).count("2026-11-09") == 1
    assert "02:00–02:04" in texts(drawn(made))


def test_lanes_are_hosts_in_the_order_in_which_they_were_reached() -> None:
    made = track([VISITS])
    assert made is not None
    assert [lane.place[1] for lane in made.lanes] == ["pc1", "srv1", "dc1"]
    assert [lane.y for lane in made.lanes] == sorted(lane.y for lane in made.lanes)
    assert len(made.bands) == 1


def test_hosts_of_little_value_stand_first_where_somebody_said_so() -> None:
    one = incident(step(1, 0, "dc1"), step(2, 1, "srv1"), step(3, 2, "pc1"))
    tiers = {("acme", "dc1"): 0, ("acme", "srv1"): 1, ("acme", "pc1"): 2}
    made = track([one], WIDE, tiers)
    assert made is not None
    assert [lane.place[1] for lane in made.lanes] == ["pc1", "srv1", "dc1"]
    assert "domain controller or alike" in texts(drawn(made))
    assert "server" in texts(drawn(made))


def test_entry_moves_and_what_left_are_arrows() -> None:
    made = track([VISITS])
    assert made is not None
    assert [arrow.what for arrow in made.arrows] == ["entry", "exit", "move", "move"]
    entry, exit_, first, second = made.arrows
    at = {lane.place[1]: lane.y for lane in made.lanes}
    assert (entry.y1, entry.y2, entry.label) == (made.outside, at["pc1"], "203.0.113.7")
    assert (exit_.y1, exit_.y2, exit_.label) == (at["srv1"], made.outside, "198.51.100.9")
    assert (first.y1, first.y2, first.label) == (at["pc1"], at["srv1"], "adm")
    assert (second.y1, second.y2) == (at["srv1"], at["dc1"])
    said = texts(drawn(made))
    assert "Entry · 203.0.113.7" in said
    assert "Exfiltration · 198.51.100.9" in said


def test_where_nobody_saw_it_enter_that_is_said() -> None:
    made = track([incident(step(1, 0, "pc1", address="10.0.0.1"), step(2, 5, "pc2"))])
    assert made is not None
    assert made.arrows == []
    assert made.outside == 0
    assert "first seen" in texts(drawn(made))
    assert "without an entry that was found" in draw.described(made, words("en"))


def test_steps_of_one_kind_that_lie_close_are_one_shape_of_the_gravest() -> None:
    one = incident(
        *(step(n, n / 600, "pc1", "execution", "low") for n in range(1, 50)),
        step(50, 0.09, "pc1", "persistence", "critical"),
        step(51, 0.09, "pc1", "discovery"),
        step(52, 10, "pc1", "discovery"),
    )
    made = track([one])
    assert made is not None
    assert [(mark.kind, mark.rank, len(mark.spots)) for mark in made.marks] == [
        ("run", 4, 50),
        ("look", 3, 1),
        ("look", 3, 1),
    ]


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_shapes_of_one_lane_never_lie_on_each_other(size: object) -> None:
    kinds = [tactics[0] for tactics in KINDS.values()]
    one = incident(*(step(n, n * 0.01, "pc1", kinds[n % len(kinds)]) for n in range(60)))
    made = track([one], WIDE if size is WIDE else NARROW)
    assert made is not None
    xs = sorted(mark.x for mark in made.marks)
    assert all(after - before >= 10 for before, after in pairwise(xs))
    assert all(0 < x < made.size.width for x in xs)
    assert sum(len(mark.spots) for mark in made.marks) == 60


def test_milestones_are_few_numbered_in_order_and_hold_entry_and_exit() -> None:
    many = [step(n, n * 7, f"h{n % 9}", TACTICS[n % len(TACTICS)]) for n in range(2, 300)]
    one = incident(
        step(1, 0, "pc1", "initial-access", "low"), *many, step(300, 9000, "pc1", "exfiltration", "low")
    )
    made = track([one])
    assert made is not None
    assert len(made.told) == MOST
    assert [spot.second for spot in made.told] == sorted(spot.second for spot in made.told)
    assert {"initial-access", "exfiltration"} <= {spot.step.tactic for spot in made.told}
    badges = sorted(badge for mark in made.marks for badge in mark.badges)
    assert badges == list(range(1, MOST + 1))


def test_hundreds_of_hosts_and_thousands_of_steps_stay_small_and_what_is_left_out_is_counted() -> None:
    steps = [
        step(n, n, f"host-{n % 500:03}" * 20, TACTICS[n % len(TACTICS)], "critical" if n == 77 else "low")
        for n in range(1, 5000)
    ]
    moves = tuple(move(f"host-{n:03}" * 20, f"host-{n + 1:03}" * 20, n + 1) for n in range(499))
    made = track([incident(*steps, moves=moves)])
    assert made is not None
    assert len(made.lanes) == WIDE.lanes
    assert any(lane.place[1].startswith("host-077") for lane in made.lanes)
    assert made.scene.hosts_left_out == 500 - WIDE.lanes
    shown = sum(len(mark.spots) for mark in made.marks)
    assert shown + made.scene.steps_left_out == len(steps)
    assert len([arrow for arrow in made.arrows if arrow.what == "move"]) + made.scene.moves_left_out == 499
    assert len(svg(made, words("en"), "t")) < 150_000


def test_steps_without_time_are_counted_and_alone_make_no_picture() -> None:
    lost = step(1, 0, "pc1", first=None, last=None)
    assert track([incident(lost)]) is None
    assert track([]) is None
    made = track([incident(lost, step(2, 0, "pc1"))])
    assert made is not None
    assert made.scene.undated == 1
    assert len(made.marks) == 1


def test_a_step_that_goes_on_for_days_is_no_silence_and_one_seen_twice_is() -> None:
    assert stretches(0, 86_400, 500) == [(0, 86_400)]
    assert stretches(0, 86_400, 2) == [(0, 0), (86_400, 86_400)]
    assert len(phases([(0, 86_400)], 8)) == 1
    assert [(one.start, one.stop) for one in phases([(0, 0), (86_400, 86_400)], 8)] == [
        (0, 0),
        (86_400, 86_400),
    ]


def test_phases_are_no_more_than_asked_for_and_are_cut_at_the_longest_silences() -> None:
    days = [(86_400.0 * n * n, 86_400.0 * n * n + 600) for n in range(20)]
    found = phases(days, 4)
    assert len(found) == 4
    assert found[0].start == 0
    assert found[-1].stop == days[-1][1]
    assert min(one.silence for one in found[1:]) > 15 * 86_400
    assert phases([], 4) == []


def test_phases_fill_the_room_they_are_given() -> None:
    found = placed([Phase(0, 1), Phase(5, 9)], [100, 300], 10, 450, 40)
    assert [(one.left, one.right) for one in found] == [(10, 110), (150, 450)]
    assert found[1].at(7) == 300
    assert found[1].at(-100) == 150
    assert Phase(3, 3, 10, 20).at(3) == 15


def test_ticks_are_round_and_only_where_there_is_room() -> None:
    assert ticks(Phase(100, 7_300, 0, 400)) == [3_600, 7_200]
    assert ticks(Phase(100, 7_300, 0, 100)) == []
    assert len(ticks(Phase(-62_000_000_000, 250_000_000_000, 0, 900))) <= 100


def test_a_campaign_has_a_band_for_each_tenant_and_a_line_for_what_ties() -> None:
    one = incident(step(1, 0, "jump", "initial-access"), step(2, 9, "jump"), tenant="msp")
    other = incident(step(1, 30, "web", address="10.1.1.1"), step(2, 40, "db"), tenant="north")
    made = track([one, other], bonds=[Bond(0, 1, "address", "10.1.1.1")])
    assert made is not None
    assert [band.tenant for band in made.bands] == ["msp", "north"]
    assert made.bands[0].bottom <= made.bands[1].top
    (bond,) = [arrow for arrow in made.arrows if arrow.what == "bond"]
    at = {lane.place[1]: lane.y for lane in made.lanes}
    assert (bond.y1, bond.y2) == (at["jump"], at["web"])
    assert {"msp", "north"} <= set(texts(drawn(made)))
    assert len(made.told) <= MORE


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_picture_says_what_it_shows_in_words(lang: str, size: object) -> None:
    root = drawn(track([VISITS], WIDE if size is WIDE else NARROW), lang)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "t1-title t1-desc"
    (desc,) = root.findall(f"{SVG}desc")
    for word in ("pc1", "srv1", "dc1", "2026-11-09 02:00", "2027-02-07 02:04"):
        assert word in (desc.text or "")
    made = track([VISITS])
    assert made is not None
    assert [kind for kind, _, _ in legend(made, words(lang))] == [
        "enter",
        "run",
        "credential",
        "look",
        "move",
        "take",
    ]


def test_names_from_evidence_are_only_text_and_never_too_long() -> None:
    evil = '</text><script>alert(1)</script>"\u202e\x1b[2J' + "w" * 500
    one = incident(
        step(1, 0, evil, "initial-access", address=evil, words=Text(evil, evil)),
        step(2, 5, "b", "exfiltration", address=evil),
        tenant=evil,
        moves=(move(evil, "b", 5, evil),),
    )
    other = incident(step(1, 9, evil), tenant="north")
    made = track([one, other], bonds=[Bond(0, 1, "address", evil)])
    root = drawn(made)
    assert {node.tag.removeprefix(SVG) for node in root.iter()} <= {
        *("svg", "title", "desc", "text", "rect", "line", "path", "g"),
    }
    assert all(name in ALLOWED for node in root.iter() for name in node.attrib)
    assert not re.search("[\x1b\u202e]", etree.tostring(root, encoding="unicode"))
    assert max(map(len, texts(root))) <= 80


ALLOWED = {
    *(
        "class",
        "viewBox",
        "role",
        "aria-labelledby",
        "id",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "width",
        "height",
    ),
    *("d", "transform", "rx"),
}


@pytest.mark.parametrize("year", [1, 1601, 9999])
def test_times_at_the_ends_of_the_calendar_are_drawn(year: int) -> None:
    when = datetime(year, 12, 31, 23, 59, tzinfo=UTC)
    made = track([incident(step(1, 0, "pc1", first=when, last=when), step(2, 0, "pc1"))])
    assert drawn(made) is not None


def test_wide_letters_count_twice() -> None:
    assert draw.fitted("日本語日本語", 7) == "日本…"
    assert draw.fitted("abc", 3) == "abc"
