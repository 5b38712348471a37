"""JScript that hides a harmless statement, a technique a function (`script_writer.TECHNIQUES`)."""

from __future__ import annotations

import base64
from random import Random

from script_words import encode, js_quoted, name, pieces


def js_codes(text: str, chance: Random) -> str:
    return f"eval(String.fromCharCode({','.join(str(ord(char)) for char in text)}));"


def js_hex_xor(text: str, chance: Random) -> str:
    key, called = chance.randint(1, 90), name(chance)
    return (
        f"function {called}(h,k){{var r='';for(var i=0;i<h.length;i+=2){{r+=String.fromCharCode(parseInt(h.substr(i,2),16)^k);}}return r;}}\n"
        f"this['ev'+'al']({called}('{bytes(ord(char) ^ key for char in text).hex()}',{key}));"
    )


def js_reverse(text: str, chance: Random) -> str:
    return f"eval({js_quoted(text[::-1])}.split('').reverse().join(''));"


def js_unescape(text: str, chance: Random) -> str:
    body = "".join(f"%{ord(char):02x}" if chance.random() < 0.5 else f"%u{ord(char):04x}" for char in text)
    return f"eval(unescape('{body}'));"


def js_constructor(text: str, chance: Random) -> str:
    return f"[]['fi'+'lter']['const'+'ructor']({'+'.join(map(js_quoted, pieces(text, chance)))})();"


def js_function(text: str, chance: Random) -> str:
    mark = name(chance)
    return f"var a={js_quoted(mark.join(pieces(text, chance)))};new Function(a.split('{mark}').join(''))();"


def js_rotated(text: str, chance: Random) -> str:
    parts = pieces(text, chance, 3, 8)
    turn = chance.randint(0, len(parts) - 1)
    turned = parts[turn:] + parts[:turn]
    return (
        f"var _0x1=[{','.join(map(js_quoted, turned))}];(function(a,n){{while(n--){{a['push'](a['shift']());}}}}(_0x1,{(len(parts) - turn) % len(parts)}));"
        f"eval(_0x1.join(''));"
    )


def js_local(text: str, chance: Random) -> str:
    half = len(text) // 2
    return f"(function(){{var a={js_quoted(text[:half])};var b=function(c){{eval(a+c);}};b({js_quoted(text[half:])});}})();"


def js_base64(text: str, chance: Random) -> str:
    return (
        "var d=new ActiveXObject('Msxml2.DOMDocument').createElement('b');d.dataType='bin.base64';"
        f"d.text='{base64.b64encode(text.encode()).decode()}';eval(d.nodeTypedValue);"
    )


def js_nested(text: str, chance: Random) -> str:
    for _ in range(3):
        text = chance.choice((js_codes, js_hex_xor, js_reverse, js_unescape))(text, chance)
    return text


def js_conditional(text: str, chance: Random) -> str:
    return f"/*@cc_on\n eval({js_quoted(text[::-1])}.split('').reverse().join(''));\n@*/"


def js_encoded(text: str, chance: Random) -> str:
    return encode(js_codes(text, chance).encode()).decode("latin-1")
