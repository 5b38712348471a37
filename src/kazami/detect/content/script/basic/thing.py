"""Objects that VBScript and VBA ask for: those that text is hidden in are played, the rest is written down."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kazami.detect.content.script.basic.value import Thing, text, truth, whole
from kazami.detect.content.script.powershell.value import pattern_of, replaced
from kazami.detect.content.script.record import Unknown

if TYPE_CHECKING:
    from kazami.detect.content.script.basic.machine import Machine

_STARTS = frozenset(("run", "exec", "shellexecute", "create"))
_SHELLS = frozenset(("wscript.shell", "shell.application"))
_PROGRAM = re.compile(
    r"[\"']?(?:[\w:\\.%-]*\\)?(?:powershell|pwsh|cmd|mshta|rundll32|regsvr32|wscript|cscript|certutil|bitsadmin|\S+\.exe)\b",
    re.IGNORECASE,
)
_KNOWN = {
    "scripting.dictionary": "dictionary", "vbscript.regexp": "regexp", "msscriptcontrol.scriptcontrol": "scriptcontrol", "scriptcontrol": "scriptcontrol", "scripting.filesystemobject": "files",
    "wscript.shell": "wscript.shell", "adodb.stream": "adodb.stream", "collection": "collection",
}  # fmt: skip
#: What holds things by name or in a row.
HOLDERS = frozenset(("dictionary", "collection"))
_HELD = re.compile(r"^(?:.*\.)?(?=(?:range|cells|variables|customdocumentproperties)\()")
_FOLDERS = {0: "C:\\Windows", 1: "C:\\Windows\\System32", 2: "C:\\Users\\user\\AppData\\Local\\Temp"}


def made(machine: Machine, name: Any) -> Any:
    """``CreateObject``."""
    machine.record.call("CreateObject", name)
    if isinstance(name, Unknown):
        machine.record.unresolved.append(f"CreateObject({name.text})")
        return name
    word = text(name).lower()
    if word.startswith(("msxml2.domdocument", "microsoft.xmldom", "msxml2.freethreadeddomdocument")):
        return Thing("document")
    return Thing(_KNOWN.get(word, text(name)))


def member(machine: Machine, value: Any, name: str, given: list[Any] | None) -> Any:
    """A property or a method; `given` is None where nothing was given. Raises ValueError, LookupError."""
    machine.meter.step()
    if isinstance(value, Thing):
        if value.name == "instance" and name in machine.procedures:
            return machine.invoke_on(value, name, given or [])
        if value.name == "procedure" and given is not None:
            return machine.invoke_name(value.fields["name"], given)
        if given is None and name in value.fields:
            return value.fields[name]
        way = _WAYS.get((value.name, name))
        if way is not None:
            return way(machine, value, given or [])
        return recorded(machine, value.name, name, given or [])
    if isinstance(value, Unknown):
        return recorded(machine, value.text, name, given or [])
    if isinstance(value, str) and given is None and name in ("value", "text"):
        return value  # what a cell or variable holds stands for it
    return recorded(machine, type(value).__name__, name, given or [])


def put(machine: Machine, value: Any, name: str, new: Any) -> None:
    """A property is set."""
    if not isinstance(value, Thing):
        owner = value.text if isinstance(value, Unknown) else "?"
        machine.record.call(f"{owner}.{name} =", new)
        machine.settings[_place(owner, name)] = new
        return
    if value.name == "instance" and f"{name}=" in machine.procedures:
        machine.invoke_on(value, f"{name}=", [new])
        return
    value.fields[name] = new
    if value.name == "element" and name in ("text", "datatype", "nodetypedvalue"):
        _typed(value)
    elif value.name not in ("regexp", "document", "element"):
        machine.record.call(f"{value.name}.{name} =", new)


def _place(owner: str, name: str = "value") -> str:
    """Where a document keeps a value: a cell is the same on the sheet that is named and on the one that is shown."""
    return f"{_HELD.sub('', owner.lower())}.{name.lower()}"


def recorded(machine: Machine, owner: str, name: str, given: list[Any]) -> Any:
    """Something was asked for that only a real machine has, unless the script has set it before."""
    said = ", ".join(one.text if isinstance(one, Unknown) else str(one)[:200] for one in given)
    called = f"{owner}.{name}({said})"[:400]
    place = _place(called) if given else _place(owner, name)
    if place in machine.settings:
        return machine.settings[place]
    machine.record.call(f"{owner}.{name}", *given)
    if name == "add" and len(given) > 1 and owner.lower().endswith("variables()"):
        machine.settings[_place(f"variables({given[0]})")] = given[1]
    if name in _STARTS and given and isinstance(given[0], Unknown) and owner.lower() in _SHELLS:
        machine.record.unresolved.append(given[0].text)
    elif (
        name in _STARTS
        and given
        and (owner.lower() in _SHELLS or name != "run" or _PROGRAM.match(str(given[0])))
    ):
        parts = given[: 2 if name == "shellexecute" else 1]
        command(machine, " ".join(one for one in parts if isinstance(one, str)))
    return Unknown(called)


def command(machine: Machine, line: str) -> None:
    """A program would be started."""
    if line.strip():
        machine.record.layer(line, "cmd", "command")


def _typed(value: Thing) -> None:
    """Base64 and hexadecimal text of an XML element, as its type says."""
    kind, body = str(value.fields.get("datatype", "")).lower(), value.fields.get("text")
    if kind not in ("bin.base64", "bin.hex"):
        return
    try:
        if isinstance(body, str):
            plain = re.sub(r"\s+", "", body)
            value.fields["nodetypedvalue"] = (
                base64.b64decode(plain) if kind == "bin.base64" else bytes.fromhex(plain)
            )
        elif isinstance(value.fields.get("nodetypedvalue"), bytes):
            value.fields["text"] = base64.b64encode(value.fields["nodetypedvalue"]).decode("ascii")
    except (binascii.Error, ValueError) as error:
        value.fields["nodetypedvalue"] = Unknown(f"base64: {error}")


def _element(machine: Machine, value: Thing, given: list[Any]) -> Thing:
    return Thing("element")


def _write(machine: Machine, value: Thing, given: list[Any]) -> None:
    new = given[0] if given else ""
    machine.meter.room(len(value.data))
    if isinstance(new, bytes):
        value.data += new
    elif isinstance(new, list):
        value.data += bytes(whole(one) & 255 for one in new)
    elif isinstance(new, Unknown):
        value.fields["from"] = new.text
    else:
        value.data += text(new).encode("utf-8", "replace")


def _read_text(machine: Machine, value: Thing, given: list[Any]) -> Any:
    if not value.data and "from" in value.fields:
        return Unknown(value.fields["from"])
    charset = text(value.fields.get("charset") or "utf-8").lower()
    encoding = {
        "unicode": "utf-16-le",
        "us-ascii": "ascii",
        "ascii": "ascii",
        "windows-1252": "cp1252",
        "iso-8859-1": "latin-1",
    }.get(charset, "utf-8")
    return value.data.decode(encoding, "replace")


def _saved(machine: Machine, value: Thing, given: list[Any]) -> None:
    machine.record.call("ADODB.Stream.SaveToFile", *given, Unknown(text(value.fields.get("from", ""))))
    if value.data:
        name = text(given[0]) if given else ""
        machine.record.layer(value.data, _extension(name), f"SaveToFile {name}")


def _extension(name: str) -> str:
    match = re.search(r"\.([A-Za-z0-9]{1,5})$", name)
    return match[1].lower() if match else "bin"


def _file(machine: Machine, value: Thing, given: list[Any]) -> Thing:
    machine.record.call("Scripting.FileSystemObject.CreateTextFile", *given)
    stream = Thing("textstream", {"path": text(given[0]) if given else ""})
    machine.files.append(stream)
    return stream


def _line(machine: Machine, value: Thing, given: list[Any]) -> None:
    for one in given[:1]:
        machine.meter.room(len(value.text))
        value.text += text(one)


def _whole_line(machine: Machine, value: Thing, given: list[Any]) -> None:
    _line(machine, value, given)
    value.text += "\r\n"


def _item(machine: Machine, value: Thing, given: list[Any]) -> Any:
    return value.fields.get(f"item {text(given[0])}")


def _add(machine: Machine, value: Thing, given: list[Any]) -> None:
    value.fields[f"item {text(given[0])}"] = given[1] if len(given) > 1 else None


def _items(value: Thing) -> dict[str, Any]:
    return {key[5:]: one for key, one in value.fields.items() if key.startswith("item ")}


def each(value: Thing) -> list[Any]:
    """What a loop over it goes through: the names of a dictionary, the items of a collection."""
    return list(_items(value)) if value.name == "dictionary" else list(_items(value).values())


def _collected(machine: Machine, value: Thing, given: list[Any]) -> None:
    key = text(given[1]).lower() if len(given) > 1 and given[1] is not None else str(len(_items(value)) + 1)
    machine.meter.room(len(value.fields))
    value.fields[f"item {key}"] = given[0]


def _collected_item(machine: Machine, value: Thing, given: list[Any]) -> Any:
    if isinstance(given[0], str):
        return value.fields[f"item {given[0].lower()}"]
    return list(_items(value).values())[whole(given[0]) - 1]


def _test(machine: Machine, value: Thing, given: list[Any]) -> bool:
    return _pattern(value).search(text(given[0]), timeout=0.5) is not None


def _pattern(value: Thing) -> Any:
    return pattern_of(text(value.fields.get("pattern")), not truth(value.fields.get("ignorecase")))


def _substituted(machine: Machine, value: Thing, given: list[Any]) -> str:
    return replaced(_pattern(value), text(given[1]), text(given[0]), machine.meter)


def _matches(machine: Machine, value: Thing, given: list[Any]) -> list[Any]:
    found = _pattern(value).finditer(text(given[0]), timeout=0.5)
    return [
        Thing(
            "match",
            {"value": one[0], "text": one[0], "submatches": list(one.groups()), "firstindex": one.start()},
        )
        for one in found
    ]


def _code(machine: Machine, value: Thing, given: list[Any]) -> Any:
    language = text(value.fields.get("language") or "vbscript").lower()
    source = given[0]
    if isinstance(source, Unknown):
        machine.record.unresolved.append(source.text)
        return source
    machine.record.call("ScriptControl.AddCode", source)
    if not language.startswith("vb"):
        machine.record.layer(text(source), "js", "ScriptControl")
        return Unknown("script control")
    return machine.execute(source, "ScriptControl")


def _expanded(machine: Machine, value: Thing, given: list[Any]) -> str:
    return re.sub(
        r"%(\w+)%", lambda match: machine.environment.get(match[1].lower(), match[0]), text(given[0])
    )


def _environment(machine: Machine, value: Thing, given: list[Any]) -> Any:
    return Thing("environment")


_WAYS: dict[tuple[str, str], Callable[[Machine, Thing, list[Any]], Any]] = {
    ("document", "createelement"): _element,
    ("document", "documentelement"): lambda m, v, g: v.fields.setdefault("documentelement", Thing("element")),
    ("document", "loadxml"): lambda m, v, g: True,
    ("adodb.stream", "write"): _write, ("adodb.stream", "writetext"): _write, ("adodb.stream", "open"): lambda m, v, g: None, ("adodb.stream", "close"): lambda m, v, g: None,
    ("adodb.stream", "readtext"): _read_text, ("adodb.stream", "read"): lambda m, v, g: v.data, ("adodb.stream", "savetofile"): _saved, ("adodb.stream", "flush"): lambda m, v, g: None,
    ("files", "createtextfile"): _file, ("files", "opentextfile"): _file, ("files", "fileexists"): lambda m, v, g: recorded(m, "files", "FileExists", g), ("files", "getspecialfolder"): lambda m, v, g: _FOLDERS.get(whole(g[0]), ""),
    ("files", "buildpath"): lambda m, v, g: "\\".join(text(one).rstrip("\\") for one in g), ("files", "gettempname"): lambda m, v, g: "rad00000.tmp",
    ("textstream", "write"): _line, ("textstream", "writeline"): _whole_line, ("textstream", "close"): lambda m, v, g: None,
    ("dictionary", "item"): _item, ("dictionary", "add"): _add, ("dictionary", "exists"): lambda m, v, g: f"item {text(g[0])}" in v.fields, ("dictionary", "count"): lambda m, v, g: len(_items(v)),
    ("dictionary", "keys"): lambda m, v, g: list(_items(v)), ("dictionary", "items"): lambda m, v, g: list(_items(v).values()),
    ("collection", "add"): _collected, ("collection", "item"): _collected_item, ("collection", "count"): lambda m, v, g: len(_items(v)),
    ("regexp", "test"): _test, ("regexp", "replace"): _substituted, ("regexp", "execute"): _matches,
    ("scriptcontrol", "addcode"): _code, ("scriptcontrol", "executestatement"): _code, ("scriptcontrol", "eval"): _code, ("scriptcontrol", "run"): lambda m, v, g: m.invoke_name(text(g[0]).lower(), g[1:]),
    ("wscript.shell", "expandenvironmentstrings"): _expanded, ("wscript.shell", "environment"): _environment,
    ("wscript", "createobject"): lambda m, v, g: made(m, g[0]), ("wscript", "sleep"): lambda m, v, g: None, ("wscript", "scriptfullname"): lambda m, v, g: "C:\\Users\\user\\script.vbs", ("wscript", "scriptname"): lambda m, v, g: "script.vbs",
    ("wscript", "arguments"): lambda m, v, g: Unknown("WScript.Arguments"), ("server", "createobject"): lambda m, v, g: made(m, g[0]),
    ("application", "run"): lambda m, v, g: m.invoke_name(text(g[0]).lower().rpartition(".")[2], g[1:]),
    ("err", "clear"): lambda m, v, g: None, ("err", "number"): lambda m, v, g: Unknown("Err.Number"),
}  # fmt: skip
