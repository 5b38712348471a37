"""Libraries beside programs that load them, and programs behind keys: what lies together, what nearly does, what is harmless."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content_writer import zipped
from kazami.detect.content.executable.side_loading import tied
from kazami.model.content import Feature, Inspection, Looked, Scope
from kazami.pipeline.inspect import Submission, Wish, inspect
from pe_writer import OTHER, STUBBED, masked, pe

pytest.importorskip("lief")
from kazami.detect.content.masked import analyze

NOISE = hashlib.shake_256(b"noise").digest(3000)
LIBRARY = pe(exports={"Start": ""}, library=True)
DESCRIBED = pe(exports={"Start": ""}, version=OTHER, library=True)


def one(place: str, *features: tuple[str, str], kind: str = "pe", size: int = 9000) -> Looked:
    return Looked(place, place.rpartition("/")[2], kind, size, place, "", "", 1, "", "", (), tuple(Feature(*f) for f in features))  # fmt: skip


def program(
    place: str = "x/tool.exe", loads: str = "helper.dll", signer: str = "Example Works; Root"
) -> Looked:
    return one(place, *([("pe.signer", signer)] if signer else []), ("pe.loads", f"a.dll {loads}"))


def data(place: str = "x/cache.dat") -> Looked:
    return one(place, ("masked.noise", "3,000 bytes"), kind="data")


def seen(*looked: Looked) -> set[str]:
    return {f.name for item in tied(looked) for f in item.features if f.name.startswith("pe.side_load")}


UNSIGNED = ("pe.unsigned", "")
CASES: dict[str, tuple[list[Looked], str]] = {
    "signed program, unsigned library": ([program(), one("x/Helper.dll", UNSIGNED)], "pe.side_loaded"),
    "with noise beside": ([program(), one("x/helper.dll", UNSIGNED), data()], "pe.side_loaded_beside_data"),
    "noise elsewhere": ([program(), one("x/helper.dll", UNSIGNED), data("y/cache.dat")], "pe.side_loaded"),
    "library elsewhere": ([program(), one("y/helper.dll", UNSIGNED)], ""),
    "another library": ([program(), one("x/other.dll", UNSIGNED), data()], ""),
    "unsigned program": ([program(signer=""), one("x/helper.dll", UNSIGNED), data()], ""),
    "signed library": ([program(), one("x/helper.dll", ("pe.signer", "Somebody; Root")), data()], ""),
    "library that says who it is": ([program(), one("x/helper.dll", UNSIGNED, ("pe.version", "Maker")), data()], ""),
    "known pair": ([program("x/obedience.exe"), one("x/StarBurn.dll", UNSIGNED)], "pe.side_loaded_known"),
    "known pair, payload": ([program("x/obedience.exe"), one("x/StarBurn.dll", UNSIGNED), data("x/handkerchief.dat")], "pe.side_loaded_with_payload"),
    "genuine pair": ([program("x/GUP.exe"), one("x/libcurl.dll", UNSIGNED, ("pe.version", "The curl library"))], "pe.side_loading_names"),
    "genuine pair, signed": ([program("x/GUP.exe"), one("x/libcurl.dll", ("pe.signer", "Notepad++; Root"))], ""),
    "too small for the real one": ([program("x/aim.exe"), one("x/libcef.dll", UNSIGNED, ("pe.version", "CEF"))], "pe.side_loaded_known"),
    "as large as the real one": ([program("x/aim.exe"), one("x/libcef.dll", UNSIGNED, ("pe.version", "CEF"), size=23 << 20)], "pe.side_loading_names"),
    "nothing": ([], ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_lies_together(case: str) -> None:
    looked, expected = CASES[case]
    assert seen(*looked) == set(expected.split())


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("C:\\ProgramData\\svchost.exe", True),
        ("disk/Users/Public/rundll32.exe", True),
        ("a.zip!Windows/Temp/lsass.exe", True),
        ("disk/Windows/System32/svchost.exe", False),
        ("disk/ProgramData/tool.exe", False),
        ("svchost.exe", False),
        ("evidence/svchost.exe", False),
    ],
)
def test_programs_of_windows_in_the_wrong_place(place: str, told: bool) -> None:
    (item,) = tied([one(place)])
    assert ("pe.system_name_elsewhere" in {f.name for f in item.features}) is told


def looked_at(*submissions: Submission) -> dict[str, Inspection]:
    return {found.name: found for found in inspect(submissions, Wish())}


def test_in_an_archive() -> None:
    members = {
        "a/obedience.exe": pe(),
        "a/StarBurn.dll": LIBRARY,
        "a/handkerchief.dat": masked(STUBBED, b"\x3d"),
    }
    found = looked_at(Submission("a.zip", data=zipped(members)))["a.zip"]
    assert found.verdict.word == "malicious"
    proof = next(p for p in found.verdict.proofs if p.name == "pe.side_loaded_with_payload")
    assert proof.place == "a.zip!a/StarBurn.dll"
    assert "handkerchief.dat" in proof.value


def test_in_a_folder(tmp_path: Path) -> None:
    files = {"x/obedience.exe": pe(), "x/StarBurn.dll": LIBRARY, "y/StarBurn.dll": LIBRARY, "x/handkerchief.dat": NOISE, "x/readme.txt": b"Hello, all of you.\n"}  # fmt: skip
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    wish = Wish(cache=tmp_path / "cache")
    for _ in range(2):  # the second time from the cache, where each file is by itself
        found = {
            f.name: f for f in inspect([Submission(str(tmp_path / n), tmp_path / n) for n in files], wish)
        }
        words = {Path(name).relative_to(tmp_path).as_posix(): one.verdict.word for name, one in found.items()}
        assert len(found) == len(files)
        assert words["x/StarBurn.dll"] == "malicious"
        assert words["y/StarBurn.dll"] == words["x/obedience.exe"] == "informational"
        assert words["x/readme.txt"] == "clean"


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=16).filter(any), st.integers(0, 300))
def test_any_short_key_falls_out(key: bytes, before: int) -> None:
    analysis = analyze(masked(STUBBED, key, before), Scope())
    assert [f.name for f in analysis.features] == ["masked.program"]
    assert analysis.children[0].data == STUBBED
    assert analysis.features[0].offset == before


def test_wiped_marks_are_told() -> None:
    analysis = analyze(masked(b"\xff\xff" + STUBBED[2:], b"\x3d"), Scope())
    assert analysis.features[0].value == "key 3d, first bytes wiped"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=3000))
def test_nothing_is_made_up(content: bytes) -> None:
    assert not analyze(content, Scope()).children


def test_a_plain_program_has_no_key() -> None:
    assert not analyze(b"\0" * 200 + STUBBED, Scope()).children
