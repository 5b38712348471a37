"""Writes scripts that hide a harmless text, a technique a function: what tests and the benchmark hold the analyzers against.

`TECHNIQUES` has them by language; each takes the text that is to come out (a statement of its language) and a source of chance.
"""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Callable
from random import Random

from kazami.detect.content.script.encoded import _ESCAPED, _STEPS

Writer = Callable[[str, Random], str]

_NAMES = "abcdefghijklmnopqrstuvwxyz"


def name(chance: Random) -> str:
    """A name that is no word of any language here."""
    return "z" + "".join(chance.choice(_NAMES) for _ in range(6))


def pieces(text: str, chance: Random, least: int = 1, most: int = 5) -> list[str]:
    """The text cut up."""
    out = []
    while text:
        size = chance.randint(least, most)
        out.append(text[:size])
        text = text[size:]
    return out


def single(text: str) -> str:
    """A text in PowerShell's single quotes."""
    return "'" + text.replace("'", "''") + "'"


def double(text: str) -> str:
    """A text in BASIC's quotes."""
    return '"' + text.replace('"', '""') + '"'


def cased(text: str, chance: Random) -> str:
    """In any case of letters."""
    return "".join(chance.choice((char.upper(), char.lower())) for char in text)


# PowerShell


def ps_concat(text: str, chance: Random) -> str:
    return f"{cased('iex', chance)} ({'+'.join(map(single, pieces(text, chance)))})"


def ps_reorder(text: str, chance: Random) -> str:
    parts = pieces(text, chance, 2, 9)
    order = chance.sample(range(len(parts)), len(parts))
    places = "".join(f"{{{order.index(at)}}}" for at in range(len(parts)))
    return f'IEX ("{places}" -f {",".join(single(parts[at]) for at in order)})'


def ps_chars(text: str, chance: Random) -> str:
    return f"iex (-join [char[]]({','.join(str(ord(char)) for char in text)}))"


def ps_xor_pipe(text: str, chance: Random) -> str:
    key = chance.randint(1, 90)
    return f"(({','.join(str(ord(char) ^ key) for char in text)}) | % {{ [char]($_ -bxor {key}) }}) -join '' | iex"


def ps_foreach(text: str, chance: Random) -> str:
    key, out, at = chance.randint(1, 90), name(chance), name(chance)
    return (
        f"${out}=''; foreach(${at} in @({','.join(str(ord(char) + key) for char in text)}))"
        f"{{ ${out} += [char](${at} - {key}) }}; Invoke-Expression ${out}"
    )


def ps_function(text: str, chance: Random) -> str:
    key, called = chance.randint(1, 90), name(chance)
    return (
        f"function {called}([string]$s, [int]$k) {{ $r = ''\n for ($i = 0; $i -lt $s.Length; $i += 2) {{\n"
        f"  $r += [char]([Convert]::ToInt32($s.Substring($i, 2), 16) -bxor $k)\n }}\n return $r }}\n"
        f"& ('I'+'EX') ({called} '{bytes(ord(char) ^ key for char in text).hex()}' {key})"
    )


def ps_while(text: str, chance: Random) -> str:
    a, i = name(chance), name(chance)
    return f"${a}={single(text[::-1])}; ${i}=${a}.Length-1; $o=''; while(${i} -ge 0){{ $o=$o+${a}[${i}]; ${i}-- }}; iex $o"


def ps_reverse(text: str, chance: Random) -> str:
    a = name(chance)
    return f"${a}={single(text[::-1])}; iex (${a}[-1..-(${a}.Length)] -join '')"


def ps_array_reverse(text: str, chance: Random) -> str:
    a = name(chance)
    return f"${a}={single(text[::-1])}.ToCharArray(); [array]::Reverse(${a}); iex (-join ${a})"


def ps_replace(text: str, chance: Random) -> str:
    mark = chance.choice(("ZqZ", "#~#", "QQx"))
    return (
        f"iex {single(mark.join(pieces(text, chance)))}.Replace('{mark}','')"
        if chance.random() < 0.5
        else f"iex ({single(mark.join(pieces(text, chance)))} -creplace '{mark}','')"
    )


def ps_split(text: str, chance: Random) -> str:
    mark = chance.choice(("g", "~", "-", "x"))
    return f"iex (('{mark.join(format(ord(char), 'X') for char in text)}' -split '{mark}' | foreach {{ [char][Convert]::ToInt16($_, 16) }}) -join '')"


def ps_base64(text: str, chance: Random) -> str:
    body = base64.b64encode(text.encode("utf-16-le")).decode()
    return f"iex ([System.Text.Encoding]::Unicode.GetString([System.Convert]::FromBase64String('{body}')))"


def ps_base64_utf8(text: str, chance: Random) -> str:
    a = name(chance)
    return f'${a}=[Convert]::FromBase64String("{base64.b64encode(text.encode()).decode()}"); [ScriptBlock]::Create([Text.Encoding]::UTF8.GetString(${a})).Invoke()'


def ps_gzip(text: str, chance: Random) -> str:
    body = base64.b64encode(gzip.compress(text.encode())).decode()
    return (
        f"$s=New-Object IO.MemoryStream(,[Convert]::FromBase64String('{body}'));"
        "IEX (New-Object IO.StreamReader(New-Object IO.Compression.GzipStream($s,[IO.Compression.CompressionMode]::Decompress))).ReadToEnd();"
    )


def ps_deflate(text: str, chance: Random) -> str:
    packer = zlib.compressobj(9, wbits=-15)
    body = base64.b64encode(packer.compress(text.encode()) + packer.flush()).decode()
    return (
        "sal a New-Object; iex (a IO.StreamReader((a IO.Compression.DeflateStream([IO.MemoryStream][Convert]::FromBase64String("
        f"'{body}'),[IO.Compression.CompressionMode]::Decompress)),[Text.Encoding]::ASCII)).ReadToEnd()"
    )


def ps_letters_of_environment(text: str, chance: Random) -> str:
    word = chance.choice(
        (
            "$env:comspec[4,24,25]-join''",
            "$pshome[4]+$PSHOME[30]+'x'",
            "$ShellId[1]+$shellid[13]+'x'",
            "(gv '*mdr*').Name[3,11,2]-join''",
            "$verbosepreference.ToString()[1,3]+'x'-join''",
        )
    )
    return f"{chance.choice('&.')}({word}) ({'+'.join(map(single, pieces(text, chance)))})"


def ps_ticks(text: str, chance: Random) -> str:
    return f"i`E`x ({'+'.join(map(single, pieces(text, chance)))})"


def ps_wildcard(text: str, chance: Random) -> str:
    return (
        f"&(Get-Command {chance.choice(('*ke-e*', 'i*-Ex*n', 'In*ss*n'))}) {single(text)}"
        if chance.random() < 0.5
        else f". (gal i*x) {single(text)}"
    )


def ps_variable_drive(text: str, chance: Random) -> str:
    a = name(chance)
    return f"Set-Item Variable:{a} ({'+'.join(map(single, pieces(text, chance)))}); iex (Get-Variable {a} -Value)"


def ps_expand(text: str, chance: Random) -> str:
    half, a, b = len(text) // 2, name(chance), name(chance)
    return f'${a}={single(text[:half])}\n${b}={single(text[half:])}\niex "${{{a}}}$({"$"}{b})"'


def ps_match_backwards(text: str, chance: Random) -> str:
    return f"iex (([regex]::Matches({single(text[::-1])},'.','RightToLeft') | foreach {{$_.Value}}) -join '')"


def ps_invoke_script(text: str, chance: Random) -> str:
    return f"$ExecutionContext.InvokeCommand.InvokeScript(({'+'.join(map(single, pieces(text, chance)))}))"


def ps_switch(text: str, chance: Random) -> str:
    good = chance.randint(2, 9)
    return f"switch ({good}) {{ {good - 1} {{ iex 'wrong' }} {good} {{ iex ({'+'.join(map(single, pieces(text, chance)))}) }} default {{ 'none' }} }}"


def ps_table(text: str, chance: Random) -> str:
    parts = pieces(text, chance, 4, 12)
    rows = ";".join(f"k{at}={single(part)}" for at, part in enumerate(parts))
    return f"$t=@{{{rows}}}; iex ({'+'.join(f'$t.k{at}' if at % 2 else f'''$t['k{at}']''' for at in range(len(parts)))})"


def ps_encoded_command(text: str, chance: Random) -> str:
    body = base64.b64encode(text.encode("utf-16-le")).decode()
    return f"powershell.exe -NoP -w {chance.choice(('hidden', '1'))} -{chance.choice(('e', 'ec', 'enc', 'EncodedCommand'))} {body}"


def ps_nested(text: str, chance: Random) -> str:
    for _ in range(3):
        text = chance.choice((ps_concat, ps_base64, ps_xor_pipe, ps_foreach, ps_reverse))(text, chance)
    return text


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


def encode(plain: bytes) -> bytes:
    """As Microsoft's Script Encoder does."""
    signs, out, place = {value: key for key, value in _ESCAPED.items()}, bytearray(), 0
    for code in plain:
        if bytes((code,)) in signs:
            out += signs[bytes((code,))]
            place += code < 128  # the sign of two characters is one
            continue
        step = _STEPS[place % 64]
        out.append(
            next(
                (
                    c
                    for c in range(128)
                    if step[c] == code
                    and bytes((c,)) not in (b"<", b">", b"@")
                    and (c > 31 or c == code or c == 9)
                ),
                code,
            )
            if code < 128
            else code
        )
        place += code < 128
    return (
        b"#@~^"
        + base64.b64encode(len(plain).to_bytes(4, "little"))
        + bytes(out)
        + base64.b64encode((sum(plain) & 0xFFFFFFFF).to_bytes(4, "little"))
        + b"^#~@\0"
    )


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


TECHNIQUES: dict[str, dict[str, Writer]] = {
    ending: {
        key.removeprefix(start): value for key, value in globals().copy().items() if key.startswith(start)
    }
    for ending, start in (("ps1", "ps_"), ("vbs", "vbs_"), ("vba", "vba_"), ("bat", "bat_"), ("sh", "sh_"))
}
TECHNIQUES["vbe"] = {"encoded": TECHNIQUES["vbs"].pop("encoded")}

#: What comes out, by language: harmless, and a statement of it.
PAYLOADS: dict[str, str] = {
    "ps1": "Write-Output 'kazami {mark}'",
    "vbs": 'MsgBox "kazami {mark}"',
    "vbe": 'MsgBox "kazami {mark}"',
    "vba": "kazami.exe /{mark}",
    "bat": "kazami.exe /{mark} and more of it",
    "sh": "kazami --{mark} and more of it",
}
