"""PowerShell that hides a harmless statement, a technique a function (`script_writer.TECHNIQUES`)."""

from __future__ import annotations

import base64
import gzip
import zlib
from random import Random

from script_words import cased, name, pieces, single


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


def _ciphered(plain: bytes, key: bytes, iv: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    rest = 16 - len(plain) % 16
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(plain + bytes((rest,)) * rest) + encryptor.finalize()


def ps_aes(text: str, chance: Random) -> str:
    key, iv = chance.randbytes(32), chance.randbytes(16)
    body, made = (
        _ciphered(text.encode(), key, iv),
        chance.choice(
            ("New-Object Security.Cryptography.AesManaged", "[System.Security.Cryptography.Aes]::Create()")
        ),
    )
    of = [f"[Convert]::FromBase64String('{base64.b64encode(part).decode()}')" for part in (key, iv, body)]
    return (
        f"$a = {made}; $a.Mode = [Security.Cryptography.CipherMode]::CBC; $a.Key = {of[0]}; $a.IV = {of[1]}; $x = {of[2]}\n"
        "$d = $a.CreateDecryptor($a.Key, $a.IV); iex ([Text.Encoding]::UTF8.GetString($d.TransformFinalBlock($x, 0, $x.Length)))"
    )


def ps_secure_string(text: str, chance: Random) -> str:
    iv = chance.randbytes(16)
    body = f"2|{base64.b64encode(iv).decode()}|{_ciphered(text.encode('utf-16-le'), bytes(range(3, 27)), iv).hex()}"
    secret = "76492d1116743f0423413b16050a5345" + base64.b64encode(body.encode("utf-16-le")).decode()
    if chance.random() < 0.5:
        return f"$s = ConvertTo-SecureString '{secret}' -Key (3..26); iex (New-Object Management.Automation.PSCredential('u', $s)).GetNetworkCredential().Password"
    marshal = "[Runtime.InteropServices.Marshal]"
    return f"iex ({marshal}::PtrToStringAuto({marshal}::SecureStringToBSTR($('{secret}' | ConvertTo-SecureString -K (3..26)))))"
