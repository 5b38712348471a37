"""The cache of compiled rules: quick, by content, and never trusted further than it deserves."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kazami.detect.sigma import cache as kept
from kazami.detect.sigma.load import load
from kazami.detect.sigma.rule import RuleSet

RULE = """
title: rule {number}
id: 00000000-0000-4000-8000-{number:012}
logsource: {{product: windows}}
detection: {{selection: {{Image|endswith: '{value}'}}, condition: selection}}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.yml").write_text(RULE.format(number=number, value=f"{number}.exe"))
    (folder / "broken.yml").write_text("title: [")
    return folder


def seen(found: RuleSet) -> Any:
    return (
        [(rule.info, rule.condition, rule.report) for rule in found.rules],
        found.rejected,
        found.warnings,
        found.version,
    )


def only(folder: Path) -> Path:
    (found,) = folder.glob("*.json")
    return found


def test_warm_is_what_cold_is(rules: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cold = load([rules], cache=cache)
    warm = load([rules], cache=cache)
    assert seen(warm) == seen(cold) == seen(load([rules]))
    assert (cold.extra["compiled_files"], warm.extra["compiled_files"]) == (4, 0)


def test_a_changed_file_is_compiled_alone(rules: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    load([rules], cache=cache)
    (rules / "1.yml").write_text(RULE.format(number=1, value="changed.exe"))
    (rules / "2.yml").unlink()
    (rules / "0.yml").rename(rules / "moved.yml")
    found = load([rules], cache=cache)
    assert found.extra["compiled_files"] == 1
    assert seen(found) == seen(load([rules]))
    assert sorted(Path(rule.info.path).name for rule in found.rules) == ["1.yml", "moved.yml"]
    assert len(list(cache.glob("*.json"))) == 1


def test_placeholders_and_paths_are_part_of_the_key(rules: Path, tmp_path: Path) -> None:
    one = kept.key([rules], {})
    assert one == kept.key([rules], {})
    assert one != kept.key([rules], {"a": ["b"]})
    assert kept.key([rules], {"a": ["b"]}) != kept.key([rules], {"a": ["c"]})
    assert one != kept.key([tmp_path], {})


def test_another_compiler_is_another_key(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept.key([rules], {})
    monkeypatch.setattr(kept, "_stamps", lambda folder: [("compile.py", 1, 1)])
    assert kept.key([rules], {}) != before
    monkeypatch.undo()
    monkeypatch.setattr(kept, "version", lambda name: "0")
    assert kept.key([rules], {}) != before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data + b" ",
        lambda data: data.replace(b"0.exe", b"9.exe"),
        lambda data: b"kazami rules 9\n" + data[15:],
        lambda data: os.urandom(len(data)),
        lambda data: b"[" * 1_000_000,
    ],
)
def test_a_spoilt_cache_is_made_anew(rules: Path, tmp_path: Path, spoil: Any) -> None:
    cache = tmp_path / "cache"
    cold = load([rules], cache=cache)
    path = only(cache)
    path.write_bytes(spoil(path.read_bytes()))
    again = load([rules], cache=cache)
    assert again.extra["compiled_files"] == 4
    assert seen(again) == seen(cold)
    assert load([rules], cache=cache).extra["compiled_files"] == 0


@pytest.mark.parametrize(
    "body", ["{}", "[1]", '[["x", [["rule", 5, null, []]]]]', "[[" * 5_000, '"' + "x" * 100]
)
def test_a_checksum_does_not_make_it_a_cache(rules: Path, tmp_path: Path, body: str) -> None:
    import hashlib

    cache = tmp_path / "cache"
    load([rules], cache=cache)
    digest = hashlib.sha256(body.encode()).digest()
    only(cache).write_bytes(b"kazami rules 1\n" + digest + body.encode())
    assert load([rules], cache=cache).extra["compiled_files"] == 4


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners and modes are those of POSIX")
def test_folder_and_file_are_this_users_alone(rules: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    load([rules], cache=cache)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert stat.S_IMODE(only(cache).stat().st_mode) == 0o600


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners and modes are those of POSIX")
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_others_can_write_is_not_read(rules: Path, tmp_path: Path, mode: int) -> None:
    cache = tmp_path / "cache"
    load([rules], cache=cache)
    only(cache).chmod(mode)
    assert load([rules], cache=cache).extra["compiled_files"] == 4


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners and modes are those of POSIX")
def test_what_belongs_to_another_is_not_read(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    load([rules], cache=cache)
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    assert load([rules], cache=cache).extra["compiled_files"] == 4


def test_a_link_is_not_followed(rules: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    load([rules], cache=cache)
    path = only(cache)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert load([rules], cache=cache).extra["compiled_files"] == 4


def test_a_folder_that_cannot_be_written(rules: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    found = load([rules], cache=blocked / "cache")
    assert len(found.rules) == 3
    assert found.extra["cache_written"] is False


def test_a_full_disk_leaves_nothing_behind(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    cache = tmp_path / "cache"
    assert load([rules], cache=cache).extra["cache_written"] is False
    assert list(cache.iterdir()) == []


def test_old_caches_are_removed(rules: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for number in range(20):
        load([rules], cache=cache, placeholders={"x": [str(number)]})
    assert len(list(cache.glob("*.json"))) == 16


def test_a_warm_start_imports_no_compiler(rules: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    load([rules], cache=cache)
    code = (
        "import sys, json; from pathlib import Path; from kazami.detect.sigma.load import load;"
        f"load([Path({str(rules)!r})], cache=Path({str(cache)!r}));"
        "print(json.dumps([name for name in ('sigma', 're2', 'regex', 'yaml') if name in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert json.loads(out.stdout) == []


def test_the_cache_holds_no_pickle(rules: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    load([rules], cache=cache)
    data = only(cache).read_bytes()
    assert json.loads(data[len(b"kazami rules 1\n") + 32 :])
