"""Writes scripts that hide a harmless text, a technique a function: what tests and the benchmark hold the analyzers against.

`TECHNIQUES` has them by language; each takes the text that is to come out (a statement of its language) and a source of chance.
"""

from __future__ import annotations

import base64
import gzip
import sys
from collections.abc import Callable
from random import Random

import jscript_writer
import powershell_writer
from script_words import cased, double, encode, name, pieces

Writer = Callable[[str, Random], str]


# VBScript


def vbs_chr(text: str, chance: Random) -> str:
    return f"Execute {'&'.join(f'Chr({ord(char)})' if chance.random() < 0.5 else f'ChrW({ord(char) - 9}+9)' for char in text)}"


def vbs_reverse(text: str, chance: Random) -> str:
    a = name(chance)
    return f"Dim {a}\n{a} = StrReverse({double(text[::-1])})\nExecuteGlobal {a}"


def vbs_replace(text: str, chance: Random) -> str:
    mark = f"#{name(chance)}#"
    return f'{cased("execute", chance)}(Replace({double(mark.join(pieces(text, chance)))}, "{mark}", ""))'


def vbs_numbers(text: str, chance: Random) -> str:
    key, a, i = chance.randint(1, 60), name(chance), name(chance)
    return (
        f'Dim {a}, {i}, o\n{a} = Split("{",".join(str(ord(char) * 3 + key) for char in text)}", ",")\n'
        f"For {i} = 0 To UBound({a})\n o = o & Chr((CInt({a}({i})) - {key}) / 3)\nNext\nExecute o"
    )


def vbs_hex_function(text: str, chance: Random) -> str:
    called, key = name(chance), chance.randint(1, 90)
    return (
        f'Function {called}(h)\n Dim i, r\n i = 1\n Do While i < Len(h)\n  r = r & Chr(CLng("&H" & Mid(h, i, 2)) Xor {key}) : i = i + 2\n'
        f' Loop\n {called} = r\nEnd Function\nOn Error Resume Next\nExecute({called}("{bytes(ord(char) ^ key for char in text).hex()}"))'
    )


def vbs_each(text: str, chance: Random) -> str:
    return f'For Each c In Array({",".join(str(ord(char)) for char in text)})\n s = s + Chr(c)\nNext\nEval "1"\nExecute s'


def vbs_base64(text: str, chance: Random) -> str:
    return (
        'Set x = CreateObject("MSXML2.DOMDocument").createElement("b")\nx.dataType = "bin.base64"\n'
        f'x.text = "{base64.b64encode(text.encode()).decode()}"\nWith CreateObject("ADODB.Stream")\n .Type = 1 : .Open\n .Write x.nodeTypedValue\n'
        ' .Position = 0 : .Type = 2\n .CharSet = "us-ascii"\n Execute .ReadText\nEnd With'
    )


def vbs_nested(text: str, chance: Random) -> str:
    for _ in range(3):
        text = chance.choice((vbs_chr, vbs_replace))(text, chance)
    return text


def vbs_walk(text: str, chance: Random) -> str:
    letters = "".join(dict.fromkeys(text))
    return f"a = {double(letters)}\nExecute {' & '.join(f'Mid(a, {letters.index(char) + 1}, 1)' for char in text)}"


def vbs_encoded(text: str, chance: Random) -> str:
    return encode(text.encode("cp1252", "replace")).decode("latin-1")


# VBA: what comes out is started


def vba_shift(text: str, chance: Random) -> str:
    called, key = name(chance), chance.randint(1, 9)
    return (
        f'Attribute VB_Name = "Module1"\nOption Explicit\nSub AutoOpen()\n Dim s As String\n s = {called}({double("".join(chr(ord(char) + key) for char in text))})\n Shell s, vbHide\nEnd Sub\n'
        f"Private Function {called}(ByVal t As String) As String\n Dim i As Integer\n For i = 1 To Len(t)\n  {called} = {called} & Chr$(Asc(Mid$(t, i, 1)) - {key})\n Next i\nEnd Function\n"
    )


def vba_parts(text: str, chance: Random) -> str:
    parts = pieces(text, chance, 3, 9)
    lines = "\n".join(f"Private Const p{at} As String = {double(part)}" for at, part in enumerate(parts))
    return f'{lines}\nSub Document_Open()\n CreateObject("WScript." & "Shell").Run {" & ".join(f"p{at}" for at in range(len(parts)))}, 0\nEnd Sub\n'


def vba_bytes(text: str, chance: Random) -> str:
    key = chance.randint(1, 90)
    return (
        f"Sub Workbook_Open()\n Dim b() As Variant, i As Long, s As String\n b = Array({', '.join(str(ord(char) ^ key) for char in text)})\n"
        f" For i = LBound(b) To UBound(b)\n  s = s + Chr(b(i) Xor {key})\n Next\n Call Shell(s, 0)\nEnd Sub\n"
    )


def vba_reverse(text: str, chance: Random) -> str:
    return f'Sub Auto_Open()\n Dim o As Object\n Set o = CreateObject(StrReverse("llehS.tpircSW"))\n o.Exec StrReverse({double(text[::-1])})\nEnd Sub\n'


# Batch


def bat_carets(text: str, chance: Random) -> str:
    return "@echo off\n" + "".join(
        ("^" if chance.random() < 0.5 and char.isalpha() else "") + char for char in text
    )


def bat_variables(text: str, chance: Random) -> str:
    parts = [(name(chance), part) for part in pieces(text, chance, 2, 6)]
    return (
        "@echo off\n"
        + "\n".join(f'set "{key}={part}"' for key, part in parts)
        + "\n"
        + "".join(f"%{key}%" for key, _ in parts)
    )


def bat_substrings(text: str, chance: Random) -> str:
    letters = list(dict.fromkeys(text))
    chance.shuffle(letters)
    a = name(chance)
    return f'set "{a}={"".join(letters)}"\n' + "".join(f"%{a}:~{letters.index(char)},1%" for char in text)


def bat_replace(text: str, chance: Random) -> str:
    return f'set "v={"QZ".join(pieces(text, chance))}"\n%v:QZ=%'


def bat_delayed(text: str, chance: Random) -> str:
    parts = pieces(text, chance, 2, 6)
    lines = "\n".join(f'set "y{at}={part}"' for at, part in enumerate(parts))
    return f"@echo off\nsetlocal EnableDelayedExpansion\n{lines}\n{''.join(f'!y{at}!' for at in range(len(parts)))}"


def bat_loop(text: str, chance: Random) -> str:
    letters = list(dict.fromkeys(text))
    chance.shuffle(letters)
    return (
        f'@echo off\nsetlocal enabledelayedexpansion\nset "a={"".join(letters)}"\nset "o="\n'
        f'for %%i in ({" ".join(str(letters.index(char)) for char in text)}) do set "o=!o!!a:~%%i,1!"\n!o!'
    )


def bat_file(text: str, chance: Random) -> str:
    return f"@echo off\necho {text}> %temp%\\a.txt.bat\ncall %temp%\\a.txt.bat"


def bat_certutil(text: str, chance: Random) -> str:
    body = base64.b64encode(text.encode()).decode()
    lines = "\n".join(f"echo {body[at : at + 40]}>>a.b64" for at in range(0, len(body), 40))
    return f"@echo off\n{lines}\ncertutil -decode a.b64 a.bat\na.bat"


def bat_goto(text: str, chance: Random) -> str:
    parts = pieces(text, chance, 4, 9)
    blocks = [f':l{at}\nset "q{at}={part}"\ngoto l{at + 1}\n' for at, part in enumerate(parts)]
    chance.shuffle(blocks)
    return f"goto l0\n{''.join(blocks)}:l{len(parts)}\n{''.join(f'%q{at}%' for at in range(len(parts)))}"


# Shell


def sh_base64(text: str, chance: Random) -> str:
    return f"#!/bin/sh\necho {base64.b64encode(text.encode()).decode()} | base64 -d | {chance.choice(('sh', 'bash', '/bin/sh'))}"


def sh_variable(text: str, chance: Random) -> str:
    return f'#!/bin/bash\nX="{base64.b64encode(text.encode()).decode()}"\necho "$X" | base64 --decode | bash'


def sh_printf(text: str, chance: Random) -> str:
    return "#!/bin/sh\neval \"$(printf '" + "".join(f"\\x{ord(char):02x}" for char in text) + "')\""


def sh_rev(text: str, chance: Random) -> str:
    body = base64.b64encode(text.encode()).decode()[::-1]
    return f"#!/bin/sh\necho '{body}' | rev | base64 -d | sh"


def sh_gzip(text: str, chance: Random) -> str:
    return (
        f"#!/bin/sh\necho {base64.b64encode(gzip.compress(text.encode())).decode()} | base64 -d | gunzip | sh"
    )


def sh_hex(text: str, chance: Random) -> str:
    return f"#!/bin/sh\necho {text.encode().hex()} | xxd -r -p | bash"


def _techniques(module: object, start: str) -> dict[str, Writer]:
    return {key.removeprefix(start): value for key, value in vars(module).items() if key.startswith(start)}


_HERE = sys.modules[__name__]
TECHNIQUES: dict[str, dict[str, Writer]] = {
    "ps1": _techniques(powershell_writer, "ps_"),
    "js": _techniques(jscript_writer, "js_"),
    **{ending: _techniques(_HERE, f"{ending}_") for ending in ("vbs", "vba", "bat", "sh")},
}
TECHNIQUES["vbe"] = {"encoded": TECHNIQUES["vbs"].pop("encoded")}
TECHNIQUES["js"].pop("quoted")
TECHNIQUES["jse"] = {"encoded": TECHNIQUES["js"].pop("encoded")}

#: What comes out, by language: harmless, and a statement of it.
PAYLOADS: dict[str, str] = {
    "ps1": "Write-Output 'kazami {mark}'",
    "vbs": 'MsgBox "kazami {mark}"',
    "vbe": 'MsgBox "kazami {mark}"',
    "js": "var kazami = '{mark}';",
    "jse": "var kazami = '{mark}';",
    "vba": "kazami.exe /{mark}",
    "bat": "kazami.exe /{mark} and more of it",
    "sh": "kazami --{mark} and more of it",
}
