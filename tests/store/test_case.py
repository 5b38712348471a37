"""A case is opened, written, closed, killed, moved, shared; nothing that was committed is lost or doubled."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_events import PROCESS, SECURITY, batch, findings, matches, rejects, uid

from kazami.errors import CaseError
from kazami.model.result import EvidenceRow
from kazami.store import segment
from kazami.store.case import Case, Part

ONE, TWO = (Part(name * 16, 0, None, "default") for name in "12")


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.open(tmp_path / "case", create=True) as case:
        yield case


def count(case: Case, table: str) -> int:
    return int(case.database.rows(f"SELECT count(*) AS n FROM kase.{table}")[0]["n"])


def files(case: Case) -> list[str]:
    return sorted(p.relative_to(case.path).as_posix() for p in (case.path / "events").rglob("*.parquet"))


def child(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process that says "ready" when it has got somewhere."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def until(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout
    for line in process.stdout:
        if line.strip() == word:
            return
    pytest.fail(f"the child never said {word}: {process.communicate()[1]}")


HOLD = """
import sys
from kazami.store.case import Case
from store_events import batch, findings
case = Case.open(sys.argv[1], create=True, command="kazami scan evil\\x1b[31m")
run = case.begin(version="1")
run.commit(segments=case.write([batch([{"Image": "x"}])]), findings=findings([{}]))
print("ready", flush=True)
sys.stdin.readline()
"""

LOOP = """
import sys
from kazami.store.case import Case, Part
from store_events import batch, findings, uid
case = Case.open(sys.argv[1], create=True)
run = case.begin(version="1", ruleset="r")
for n in range(int(sys.argv[2]), 100000):
    part = Part(f"{n:016d}", 0, None, "default")
    rows = [{"event_uid": uid(f"{n} {k}"), "Image": "x"} for k in range(50)]
    run.commit(parts=[part], segments=case.write([batch(rows, evidence=part.evidence)]),
        findings=findings([{"event": f"{n} {k}"} for k in range(5)]))
    print(n, flush=True)
"""


def test_a_commit_and_what_is_there_after_reopening(case: Case) -> None:
    run = case.begin(version="1", ruleset="r")
    run.commit(
        parts=[ONE],
        segments=case.write([batch([{"Image": "x"}])]),
        findings=findings([{}, {"event": "z"}]),
        matches=matches([{}]),
        rejects=rejects([{}]),
        evidence=[EvidenceRow("1" * 16, "a.evtx", "default", "evtx", 1, 0, 0, 0, "done")],
    )
    run.finish()
    case.close()
    with Case.open(case.path) as again:
        assert [count(again, t) for t in ("segment", "finding", "match", "reject", "evidence")] == [
            1,
            2,
            1,
            1,
            1,
        ]
        assert again.done_parts("r") == again.stored_parts() == {ONE}
        assert again.done_parts("other rules") == set()


def test_a_commit_twice_is_a_commit_once(case: Case) -> None:
    run = case.begin(version="1", ruleset="r")
    segments = case.write([batch([{"Image": "x"}])])
    for _ in range(2):
        run.commit(
            parts=[ONE],
            segments=segments,
            findings=findings([{}, {"event": "0"}, {"event": "1"}]),
            matches=matches([{}, {}, {"rule_id": "r2"}]),
            rejects=rejects([{}]),
            evidence=[EvidenceRow("1" * 16, "a.evtx", "default", "evtx", 1, 0, 0, 0, "done")],
        )
    run.finish()
    tables = ("segment", "finding", "match", "reject", "evidence")
    assert [count(case, table) for table in tables] == [1, 2, 2, 1, 1]


def test_a_failed_commit_stores_nothing_and_the_next_one_works(case: Case) -> None:
    run = case.begin(version="1")
    wrong = rejects([{}]).set_column(4, "count", [["not a number"]])
    with pytest.raises(CaseError, match=str(case.path)):
        run.commit(parts=[ONE], segments=case.write([batch([{"Image": "x"}])]), rejects=wrong)
    assert case.stored_parts() == set()
    assert count(case, "segment") == 0
    run.commit(parts=[TWO])
    assert case.stored_parts() == {TWO}


def test_no_case(tmp_path: Path) -> None:
    for read_only in (False, True):
        with pytest.raises(CaseError, match="no case"):
            Case.open(tmp_path, read_only=read_only)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("x")
    with pytest.raises(CaseError, match=r"not empty.*thesis\.doc"):
        Case.open(tmp_path, create=True)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "case.duckdb").write_text("this is not a database, by far" * 1000)
    for read_only in (False, True):
        with pytest.raises(CaseError, match=str(tmp_path)):
            Case.open(tmp_path, read_only=read_only)


def test_a_newer_schema_is_refused_in_words(case: Case) -> None:
    case.database.run("UPDATE meta SET value = '99' WHERE key = 'schema'")
    case.close()
    for read_only in (False, True):
        with pytest.raises(CaseError, match="newer version of Kazami"):
            Case.open(case.path, read_only=read_only)


def test_two_writers(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    with child(HOLD, folder) as other:
        until(other, "ready")
        with pytest.raises(CaseError, match=rf"process {other.pid} \(kazami scan evil\?\[31m\)"):
            Case.open(folder)
        other.communicate("\n")
    Case.open(folder).close()


def test_two_writers_in_one_process(case: Case) -> None:
    with pytest.raises(CaseError, match="already open"):
        Case.open(case.path)
    case.begin(version="1")


def test_reading_while_another_writes(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    with child(HOLD, folder) as other:
        until(other, "ready")
        with Case.open(folder, read_only=True) as reader:
            assert (count(reader, "finding"), count(reader, "segment")) == (1, 1)
            with pytest.raises(CaseError, match="is being written"):
                Case.open(folder)
        assert not list((folder / "staging").iterdir())
        other.communicate("\n")


def test_reading_while_this_process_writes(case: Case) -> None:
    run = case.begin(version="1")
    with Case.open(case.path, read_only=True) as before:
        run.commit(findings=findings([{}]))
        with Case.open(case.path, read_only=True) as after:
            assert (count(before, "finding"), count(after, "finding")) == (0, 1)


def test_a_writer_waits_for_readers(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.close()
    monkeypatch.setattr("kazami.store.lock.READING", 0.1)
    script = "import sys\nfrom kazami.store.case import Case\nwith Case.open(sys.argv[1], read_only=True):\n"
    with child(script + "  print('ready', flush=True)\n  sys.stdin.readline()", case.path) as other:
        until(other, "ready")
        with pytest.raises(CaseError, match="reading it"):
            Case.open(case.path)
        other.communicate("\n")
    Case.open(case.path).close()


@pytest.mark.parametrize("commits", [1, 7, 20])
def test_killed_in_the_middle_and_again(tmp_path: Path, commits: int) -> None:
    folder = tmp_path / "case"
    for start in (0, 1000):
        with child(LOOP, folder, start) as other:
            until(other, str(start + commits))
            other.send_signal(signal.SIGKILL)
    with Case.open(folder, read_only=True) as reader:  # with the log that the dead left behind
        done = {int(part.evidence) for part in reader.done_parts("r")}
        assert done >= {*range(commits + 1), *range(1000, 1000 + commits + 1)}
        assert (count(reader, "segment"), count(reader, "finding")) == (len(done), 5 * len(done))
    with Case.open(folder) as case:
        assert len(files(case)) == len(done)
        assert not list((folder / "staging").iterdir())
        _, rows = case.sql("SELECT count(*) AS n FROM event")
        assert [row for part in rows for row in part.to_pylist()] == [{"n": 50 * len(done)}]


def test_files_that_nobody_knows_go_at_the_next_opening(case: Case) -> None:
    run = case.begin(version="1")
    run.commit(segments=case.write([batch([{"Image": "kept"}])]))
    case.write([batch([{"Image": "orphan"}], SECURITY)])
    (case.path / "staging" / "half.parquet").write_bytes(b"PAR1")
    (case.path / "events" / "notes.txt").write_text("mine")
    case.close()
    with Case.open(case.path) as again:
        assert [name.split("/")[1] for name in files(again)] == ["process_creation"]
        assert not list((case.path / "staging").iterdir())
        assert (case.path / "events" / "notes.txt").exists()


def half_done(case: Case) -> set[Part]:
    """One part done, one done together with half of another, and more of that."""
    run = case.begin(version="1", ruleset="r")
    three = Part("3" * 16, 0, None, "default")
    run.commit(parts=[ONE], segments=case.write([batch([{"event_uid": uid("1")}])]))
    run.commit(parts=[TWO], open_parts=[three], segments=case.write([batch([{"event_uid": uid("2")}])]))
    run.commit(
        open_parts=[three], segments=case.write([batch([{"event_uid": uid("3")}])]), rejects=rejects([{}])
    )
    case.close()
    return {ONE, TWO, three}


def test_parts_that_were_not_finished_are_forgotten_when_they_are_read_again(case: Case) -> None:
    everything = half_done(case)
    with Case.open(case.path) as again:
        again.restart(dict.fromkeys(everything, "x"), [])
        assert again.stored_parts() == {ONE}
        assert (count(again, "segment"), len(files(again)), count(again, "reject")) == (1, 1, 0)


def test_what_is_not_read_again_is_not_forgotten(case: Case) -> None:
    everything = half_done(case)
    for todo in (set[Part](), {ONE}, everything - {TWO}):
        with Case.open(case.path) as again:
            again.restart(dict.fromkeys(todo, "x"), [])
            assert again.stored_parts() == {ONE, TWO}
            assert (count(again, "segment"), len(files(again)), count(again, "reject")) == (3, 3, 1)


def test_finished_parts_can_be_read_once_more(case: Case) -> None:
    run = case.begin(version="1", ruleset="r")
    for part in (ONE, TWO):
        run.commit(parts=[part], segments=case.write([batch([{"event_uid": uid(part.evidence)}])]))
    case.restart({ONE: "1", TWO: "2"}, [], again=[ONE.evidence])
    assert case.stored_parts() == {TWO}
    assert count(case, "segment") == 1


def test_failures_are_forgotten_when_the_evidence_is_looked_for_again(case: Case) -> None:
    run = case.begin(version="1", ruleset="r")
    rows = [
        ("1" * 16, "/e/a.zip", "unreadable"),  # the part itself
        ("1" * 16, "/e/a.zip!x", "partial"),
        ("1" * 16, "/e/a.zip!y", "done"),
        ("9" * 16, "/e/a.zip!z", "unreadable"),  # an older file of that name
        ("9" * 16, "/e/a.zip!w", "partial"),
        ("", "/e/folder/sub", "unreadable"),  # nobody could look into it
        ("", "/e/folders", "unreadable"),
        ("8" * 16, "/e/b.zip", "unreadable"),
        ("2" * 16, "/e/folder/done.zip", "unreadable"),
    ]
    run.commit(
        evidence=[EvidenceRow(i, name, "default", "", 1, 0, 0, 0, state) for i, name, state in rows],
        rejects=rejects([{"evidence": i, "name": name} for i, name, _ in rows]),
    )
    run.commit(parts=[TWO])
    case.restart({ONE: "/e/a.zip", TWO: "/e/folder/done.zip"}, ["/e/folder"])
    left = {row["name"] for row in case.database.rows("SELECT name FROM evidence")}
    assert left == {"/e/a.zip!y", "/e/a.zip!w", "/e/folders", "/e/b.zip", "/e/folder/done.zip"}
    left = {row["name"] for row in case.database.rows("SELECT name FROM reject")}
    assert left == {"/e/a.zip!w", "/e/folders", "/e/b.zip", "/e/folder/done.zip"}


def test_parts_that_were_finished_later_stay(case: Case) -> None:
    run = case.begin(version="1", ruleset="r")
    run.commit(open_parts=[ONE], segments=case.write([batch([{"event_uid": uid("1")}])]))
    run.commit(parts=[ONE], segments=case.write([batch([{"event_uid": uid("2")}])]))
    case.begin(version="1", ruleset="other").commit(open_parts=[ONE])
    case.close()
    with Case.open(case.path) as again:
        assert (again.done_parts("r"), again.done_parts("other")) == ({ONE}, set())
        assert count(again, "segment") == 2


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_part_whose_file_is_lost_is_not_done(case: Case, damage: str) -> None:
    run = case.begin(version="1", ruleset="r")
    for part in (ONE, TWO):
        run.commit(parts=[part], segments=case.write([batch([{"event_uid": uid(part.evidence)}])]))
    lost = case.path / case.database.rows("SELECT path FROM segment ORDER BY id")[0]["path"]
    case.close()
    if damage == "gone":
        lost.unlink()
    else:
        lost.write_bytes(lost.read_bytes()[:100])
    with Case.open(case.path) as again:
        assert again.done_parts("r") == {TWO}
        assert len(files(again)) == count(again, "segment") == 1


def test_a_case_can_be_moved(case: Case, tmp_path: Path) -> None:
    run = case.begin(version="1", ruleset="r")
    run.commit(parts=[ONE], segments=case.write([batch([{"Image": "x"}])]))
    run.finish()
    case.close()
    target = tmp_path / "else where" / "it's [here]*"
    target.parent.mkdir()
    shutil.move(case.path, target)
    with Case.open(target) as moved:
        assert moved.done_parts("r") == {ONE}
        _, rows = moved.sql("SELECT Image FROM process_creation")
        assert [row for part in rows for row in part.to_pylist()] == [{"Image": "x"}]


def test_matches_are_given_in_order_for_the_versions_asked(case: Case) -> None:
    run = case.begin(version="1")
    run.commit(
        matches=matches(
            [
                {"event": "late", "time": 3_000_000},
                {"event": "none", "time": None},
                {"event": "early", "time": 1_000_000},
                {"event": "old", "rule_version": "v0"},
                {"event": "other", "rule_id": "r9"},
            ]
        )
    )
    rows = [row for part in case.matches({"r1": "v1"}, size=2) for row in part.to_pylist()]
    assert [row["event_uid"] for row in rows] == [uid("early"), uid("late"), uid("none")]
    assert rows[0]["fields"] == [("Image", "C:\\x.exe")]
    assert list(case.matches({})) == []


def test_derived_findings_are_replaced(case: Case) -> None:
    run = case.begin(version="1")
    run.commit(findings=findings([{"rule_id": "c1", "event": "a"}, {"rule_id": "r1", "event": "b"}]))
    run.replace_findings(["c1", "c2"], findings([{"rule_id": "c1", "event": "z"}]))
    rows = case.database.rows("SELECT rule_id, event_uids FROM finding ORDER BY rule_id")
    assert [(row["rule_id"], row["event_uids"]) for row in rows] == [("c1", [uid("z")]), ("r1", [uid("b")])]


@pytest.fixture
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Rights count for everybody but root: who is root becomes nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    for folder in (tmp_path_factory.getbasetemp(), *tmp_path_factory.getbasetemp().parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_cannot_be_written(case: Case, request: pytest.FixtureRequest) -> None:
    run = case.begin(version="1")
    run.commit(segments=case.write([batch([{"Image": "x"}])]), findings=findings([{}]))
    case.close()
    for folder in (case.path.parent, case.path, *(p for p in case.path.rglob("*") if p.is_dir())):
        folder.chmod(0o555)
    for file in (p for p in case.path.rglob("*") if p.is_file()):
        file.chmod(0o444)
    request.getfixturevalue("nobody")
    with pytest.raises(CaseError, match=rf"{case.path}.*cannot be written"):
        Case.open(case.path)
    with pytest.raises(CaseError, match=str(case.path.parent / "new")):
        Case.open(case.path.parent / "new", create=True)
    with pytest.raises(CaseError, match="cannot be written"):
        segment.write(case.path, [batch([{"Image": "x"}])])
    with Case.open(case.path, read_only=True) as reader:
        assert count(reader, "finding") == 1
        _, rows = reader.sql("SELECT Image FROM process_creation ORDER BY time")
        assert sum(part.num_rows for part in rows) == 1


FILL = """
import resource, sys
from kazami.errors import CaseError
from kazami.store.case import Case
from store_events import batch, findings, uid
case = Case.open(sys.argv[1], create=True)
run = case.begin(version="1")
if sys.argv[2] == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
try:
    for n in range(1000):
        if sys.argv[3] == "events":
            rows = [{"event_uid": uid(f"{n} {k}"), "raw": uid(str(k)) * 100} for k in range(3000)]
            run.commit(segments=case.write([batch(rows)]))
        else:
            run.commit(findings=findings([{"event": f"{n} {k}", "matched": [("x", uid(f"{n} {k}") * 9)]} for k in range(500)]))
        print(n, flush=True)
except CaseError as error:
    print(error)
    sys.exit(7)
"""


@pytest.mark.parametrize("what", ["events", "findings"])
def test_a_full_disk(tmp_path: Path, what: str, request: pytest.FixtureRequest) -> None:
    """What was committed stays; the message names the case. A file size limit stands in where nothing can be mounted."""
    folder, how = tmp_path / "case", "limit"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if (
        sys.platform == "linux"
        and os.geteuid() == 0
        and not subprocess.run(mount, capture_output=True).returncode
    ):
        how = "mount"
        request.addfinalizer(lambda: subprocess.run(["umount", "-l", str(folder)], check=True))
    with child(FILL, folder, how, what) as other:
        out, err = other.communicate(timeout=60)
    assert other.returncode == 7, err
    *numbers, message = out.splitlines()
    assert str(folder) in message
    if how == "mount":  # make room, as a person would
        subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
    with Case.open(folder) as case:
        table, rows = ("segment", 1) if what == "events" else ("finding", 500)
        assert count(case, table) == rows * len(numbers)
        assert len(files(case)) == count(case, "segment")
        case.begin(version="1").commit(segments=case.write([batch([{"Image": "x"}], PROCESS)]))
