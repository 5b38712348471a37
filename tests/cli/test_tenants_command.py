"""`kazami tenants`."""

from __future__ import annotations

from pathlib import Path

from program import Program

FILE = "[provider]\ntenant = 'msp'\n[tenants.north]\nhosts = ['FS01']\n"


def test_the_commands(tmp_path: Path, run: Program) -> None:
    file = tmp_path / "tenants.toml"
    file.write_text(FILE)
    shown = run("tenants", "show", file)
    assert shown.code == 0
    assert '"tenant":"north"' in shown.out
    assert run("tenants", "check", file).code == 0
    file.write_text(FILE + FILE)
    wrong = run("tenants", "check", file)
    assert wrong.code == 2
    assert "twice" in wrong.err
    missing = run("tenants", "check", tmp_path / "none.toml")
    assert missing.code == 2
