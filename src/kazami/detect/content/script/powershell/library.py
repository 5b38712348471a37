"""What is asked of values in PowerShell: properties, methods, static methods of .NET that make text out of other text."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kazami.detect.content.script.powershell import cipher
from kazami.detect.content.script.powershell.static import (
    STATIC_METHODS,
    block_of,
    matches,
    one,
    regex_replace,
)
from kazami.detect.content.script.powershell.textual import TEXT_METHODS, item
from kazami.detect.content.script.powershell.value import (
    Block,
    Char,
    Thing,
    Type,
    cast,
    items,
    octets,
    text,
    whole,
)
from kazami.detect.content.script.record import TEXT, Unknown

if TYPE_CHECKING:
    from kazami.detect.content.script.powershell.machine import Machine

__all__ = ["CONTEXT", "block_of", "call", "item", "made_stream", "member", "put"]

_BLOCK = "script block of "

CONTEXT = Thing("executioncontext")
_ENCODINGS = {
    "utf8": "utf-8",
    "ascii": "ascii",
    "unicode": "utf-16-le",
    "bigendianunicode": "utf-16-be",
    "utf32": "utf-32-le",
    "utf7": "utf-7",
    "default": "cp1252",
    "latin1": "latin-1",
}
_NAMED = {
    "utf-8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "utf-16": "utf-16-le",
    "unicode": "utf-16-le",
    "utf-16le": "utf-16-le",
    "utf8": "utf-8",
    "1252": "cp1252",
    "65001": "utf-8",
    "1200": "utf-16-le",
    "iso-8859-1": "latin-1",
    "28591": "latin-1",
}


def put(value: Any, index: Any, new: Any) -> None:
    """``value[index] = new``."""
    if isinstance(value, dict):
        value[text(index).lower()] = new
    elif isinstance(value, list) and not isinstance(index, Unknown):
        at = whole(index) if isinstance(index, (int, float, str)) else len(value)
        if -len(value) <= at < len(value):
            value[at] = new


def member(machine: Machine, value: Any, name: str, static: bool) -> Any:
    """A property; of something unknown, written down in what is unknown."""
    if static and isinstance(value, Type):
        return _static_member(machine, value.name, name)
    if isinstance(value, Unknown):
        return Unknown(f"{value.text}.{name}")
    if isinstance(value, dict):
        return (
            value[name]
            if name in value
            else {"count": len(value), "keys": list(value), "values": list(value.values())}.get(name)
        )
    if name in ("length", "count"):
        return (
            len(value)
            if isinstance(value, (str, list))
            else len(value.data)
            if isinstance(value, Thing)
            else 1
        )
    if isinstance(value, Thing):
        return _thing_member(machine, value, name)
    if isinstance(value, list):
        found = [member(machine, one, name, False) for one in value]
        return [one for one in found if one is not None]
    way = _PLAIN_MEMBERS.get(name)
    return way(value) if way else Unknown(f"{text(value)[:100]}.{name}")


_PLAIN_MEMBERS: dict[str, Callable[[Any], Any]] = {
    "name": text, "value": lambda value: value, "replace": lambda value: Unknown("method"), "fullname": text, "scriptblock": lambda value: value,
    "definition": lambda value: value.text if isinstance(value, Block) else text(value), "tostring": text,
}  # fmt: skip


def _thing_member(machine: Machine, value: Thing, name: str) -> Any:
    if value.name == "executioncontext":
        return Thing("invokecommand") if name in ("invokecommand", "sessionstate") else value
    if value.name == "variable":
        return value.extra if name == "value" else value.text
    if value.name == "match":
        return (
            value.extra
            if name == "groups"
            else Thing("match", text=value.text)
            if name == "captures"
            else value.text
        )
    if value.name == "invokecommand":
        return value
    if value.name == "cipher":
        return value.extra.get(name)
    if value.name == "scriptblock" and name == "ast":
        return value
    return value.text or Unknown(f"{value.name}.{name}")


def _static_member(machine: Machine, kind: str, name: str) -> Any:
    if kind.endswith("encoding"):
        return Thing("encoding", text=_ENCODINGS.get(name, "utf-8"))
    known = {
        ("string", "empty"): "",
        ("environment", "newline"): "\r\n",
        ("int", "maxvalue"): 2**31 - 1,
        ("char", "maxvalue"): Char("\uffff"),
    }
    if (kind, name) in known:
        return known[kind, name]
    if kind.endswith(
        (
            "compressionmode",
            "ciphermode",
            "paddingmode",
            "stringsplitoptions",
            "base64formattingoptions",
            "regexoptions",
        )
    ):
        return name
    if (kind, name) in STATIC_METHODS:
        return Thing("method", text=name, extra=Type(kind))
    return Unknown(f"[{kind}]::{name}")


def call(machine: Machine, value: Any, name: str, given: list[Any], static: bool) -> Any:
    """A method. Raises ValueError, LookupError where it cannot be. What is not known here is recorded."""
    machine.meter.step()
    if static and isinstance(value, Type):
        return _static(machine, value.name, name, given)
    if isinstance(value, Unknown) or any(isinstance(one, Unknown) for one in given):
        return _recorded(machine, value, name, given)
    if name in ("invoke", "invokereturnasis", "dynamicinvoke"):
        return _invoked(machine, value, given)
    if isinstance(value, Thing) and (value.name, name) in _METHODS:
        return _METHODS[value.name, name](machine, value, given)
    if isinstance(value, Thing) and value.name in _OBJECTS:
        return _object_call(machine, value, name, given)
    if isinstance(value, str) and name in TEXT_METHODS:
        return TEXT_METHODS[name](machine, value, given)
    if isinstance(value, dict) and name in ("add", "containskey", "contains", "item", "get_item"):
        return _table(value, name, given)
    if isinstance(value, list) and name in (
        "add",
        "contains",
        "clone",
        "toarray",
        "getvalue",
        "addrange",
        "foreach",
        "where",
    ):
        return _array(machine, value, name, given)
    if name in ("tostring", "gettype", "tochar", "toint32", "getenumerator", "trim", "clone"):
        return (
            text(value)
            if name == "tostring" and not given
            else _hex(value, given)
            if name == "tostring"
            else value
        )
    if isinstance(value, list) and value and name in TEXT_METHODS:
        return [call(machine, one, name, given, False) for one in value]
    return _recorded(machine, value, name, given)


def _hex(value: Any, given: list[Any]) -> str:
    way = text(given[0])
    return (
        format(whole(value), way.lower() if way[:1] in "xX" else "")
        if way[:1] in ("x", "X") and len(way) == 1
        else text(value)
    )


def _recorded(machine: Machine, value: Any, name: str, given: list[Any]) -> Unknown:
    what = (
        value.text
        if isinstance(value, (Unknown, Thing)) and value.text
        else getattr(value, "name", "") or text(value)[:200]
    )
    machine.record.call(f"{what}.{name}", *given)
    if name in ("invokescript", "newscriptblock") or (name.startswith("invoke") and what.startswith(_BLOCK)):
        machine.record.unresolved.append(what)
    for argument in given:
        if isinstance(argument, (list, Thing)) and name in ("load", "write", "invoke"):
            _bytes_out(machine, argument, f"{what}.{name}")
    return Unknown(f"{what}.{name}({', '.join(text(one)[:300] for one in given)})")


def _bytes_out(machine: Machine, value: Any, how: str) -> None:
    try:
        data = octets(value)
    except ValueError:
        return
    if len(data) > 64:
        machine.record.layer(data, "bin", how)


def _invoked(machine: Machine, value: Any, given: list[Any]) -> Any:
    from kazami.detect.content.script.powershell import command

    if isinstance(value, Block):
        return one(machine.invoke(value, given))
    if isinstance(value, Thing) and value.name == "scriptblock":
        return one(machine.run_dynamic(value.text, "ScriptBlock.Create"))
    if isinstance(value, Thing) and value.name == "method" and isinstance(value.extra, Type):
        return _static(machine, value.extra.name, value.text, given)
    if isinstance(value, str):
        return one(command.named(machine, value, given, {}, None))
    return _recorded(machine, value, "invoke", given)


def _table(value: dict[str, Any], name: str, given: list[Any]) -> Any:
    key = text(given[0]).lower()
    if name == "add":
        value[key] = given[1] if len(given) > 1 else None
        return None
    return key in value if name.startswith("contains") else value.get(key)


def _array(machine: Machine, value: list[Any], name: str, given: list[Any]) -> Any:
    if name in ("add", "addrange"):
        value += given if name == "add" else items(given[0])
        return None
    if name in ("foreach", "where") and given and isinstance(given[0], Block):
        from kazami.detect.content.script.powershell import command

        return (
            command.each(machine, given[0], value)
            if name == "foreach"
            else command.those(machine, given[0], value)
        )
    if name == "contains":
        return given[0] in value
    return value[whole(given[0])] if name == "getvalue" else list(value)


def _static(machine: Machine, kind: str, name: str, given: list[Any]) -> Any:
    short = kind.removeprefix("text.regularexpressions.")
    if name == "new":
        from kazami.detect.content.script.powershell import command

        return command.made(machine, kind, given)
    if kind.endswith("encoding") and name == "getencoding":
        return Thing("encoding", text=_NAMED.get(text(given[0]).lower(), "utf-8"))
    if name == "create" and (found_cipher := cipher.made(short)) is not None:
        return found_cipher
    if name.startswith(("securestringto", "ptrtostring")):  # a secret and its text are one here
        return given[0].text if isinstance(given[0], Thing) and name.startswith("ptr") else given[0]
    if name == "create" and short.endswith("scriptblock") and isinstance(given[0], Unknown):
        return Unknown(_BLOCK + given[0].text)
    found = STATIC_METHODS.get((short, name))
    if found is None or any(isinstance(one, Unknown) for one in given):
        return _recorded(machine, Unknown(f"[{kind}]"), f":{name}", given)
    return found(machine, given)


def _inflated(data: bytes, name: str) -> bytes:
    """What a stream unpacks to, up to our bound. Raises ValueError."""
    ways = {"gzip": (31,), "deflate": (-15, 15), "zlib": (15,)}[
        next(way for way in ("gzip", "deflate", "zlib") if way in name)
    ]
    for bits in ways:
        try:
            return zlib.decompressobj(bits).decompress(data, TEXT)
        except zlib.error:
            continue
    raise ValueError("a stream that does not unpack")


def made_stream(name: str, given: list[Any]) -> Any:
    """A stream or reader on what is given. Raises ValueError."""
    source = given[0] if given else b""
    data = octets(source) if isinstance(source, (list, Thing)) else b""
    if "gzipstream" in name or "deflatestream" in name:
        data = _inflated(data, name)
    encoding = next((one.text for one in given if isinstance(one, Thing) and one.name == "encoding"), "utf-8")
    return Thing("stream", data=data, text="", extra=encoding)


def _read(machine: Machine, value: Thing, given: list[Any]) -> str:
    machine.meter.room(len(value.data))
    out = value.data.decode(str(value.extra or "utf-8"), "replace")
    value.data = b""
    return out


def _copied(machine: Machine, value: Thing, given: list[Any]) -> None:
    if isinstance(given[0], Thing):
        given[0].data += value.data


def _written(machine: Machine, value: Thing, given: list[Any]) -> None:
    value.data += octets(given[0])


def _appended(machine: Machine, value: Thing, given: list[Any]) -> Thing:
    machine.meter.room(len(value.text))
    value.text += text(given[0]) if given else ""
    return value


def _decoded(machine: Machine, value: Thing, given: list[Any]) -> str:
    data = octets(given[0])
    machine.meter.room(len(data))
    return data.decode(value.text, "replace")


_METHODS: dict[tuple[str, str], Callable[[Machine, Thing, list[Any]], Any]] = {
    ("encoding", "getstring"): _decoded,
    ("encoding", "getchars"): lambda m, v, g: cast("char[]", _decoded(m, v, g), m.meter),
    ("encoding", "getbytes"): lambda m, v, g: list(text(g[0]).encode(v.text, "replace")),
    ("stream", "readtoend"): _read,
    ("stream", "toarray"): lambda m, v, g: list(v.data),
    ("stream", "getbuffer"): lambda m, v, g: list(v.data),
    ("stream", "copyto"): _copied,
    ("stream", "write"): _written,
    ("builder", "append"): _appended,
    ("builder", "tostring"): lambda m, v, g: v.text,
    ("invokecommand", "invokescript"): lambda m, v, g: one(
        m.run_dynamic(g[-1] if not isinstance(g[0], str) else g[0], "InvokeScript")
    ),
    ("invokecommand", "newscriptblock"): lambda m, v, g: block_of(m, g[0]),
    ("invokecommand", "expandstring"): lambda m, v, g: text(g[0]),
    ("invokecommand", "getcommand"): lambda m, v, g: _commands(text(g[0])),
    ("invokecommand", "getcmdlets"): lambda m, v, g: _commands(text(g[0])),
    ("regex", "replace"): lambda m, v, g: regex_replace(m, [g[0], v.text, g[1]]),
    ("regex", "matches"): lambda m, v, g: matches(m, [g[0], v.text]),
    ("credential", "getnetworkcredential"): lambda m, v, g: v,
    ("cipher", "createdecryptor"): cipher.decryptor,
    ("decryptor", "transformfinalblock"): cipher.transformed,
    ("scriptblock", "getnewclosure"): lambda m, v, g: v,
    ("match", "tostring"): lambda m, v, g: v.text,
    ("match", "result"): lambda m, v, g: v.text,
}
_OBJECTS = frozenset(("stream", "builder", "encoding", "cipher", "decryptor"))


def _commands(pattern: str) -> Any:
    from kazami.detect.content.script.powershell import command

    return command.like(pattern)


def _object_call(machine: Machine, value: Thing, name: str, given: list[Any]) -> Any:
    if name in ("close", "dispose", "flush", "seek", "reset"):
        return None
    return text(value) if name == "tostring" else _recorded(machine, value, name, given)
