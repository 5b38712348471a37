"""Commands of PowerShell: those that work on values are run, the rest is written down."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from kazami.detect.content.script.powershell import cipher, library
from kazami.detect.content.script.powershell.names import ALIASES, CMDLETS, SWITCHES, WEB_CLIENT
from kazami.detect.content.script.powershell.value import (
    Block,
    Thing,
    Type,
    cast,
    items,
    join,
    text,
    truth,
    whole,
)
from kazami.detect.content.script.record import Unknown, shown
from kazami.detect.content.script.tree import Node

if TYPE_CHECKING:
    from kazami.detect.content.script.powershell.machine import Machine

__all__ = ["ALIASES", "each", "join", "like", "made", "named", "run", "set_member", "those"]

_ENCODED = re.compile(r"-(?:e|ec|en|enc|enco|encod|encode|encoded|encodedc\w*)$")
_PROGRAM = re.compile(r"(?:powershell|pwsh)(?:\.exe)?$", re.IGNORECASE)
_ERRORS = (ValueError, OverflowError, TimeoutError, LookupError)

Named = dict[str, Any]


def run(machine: Machine, how: str, name: Node, arguments: list[Node], given: list[Any] | None) -> list[Any]:
    """A command; `given` is what comes through the pipe, None for nothing."""
    called = machine.value(name)
    plain: list[Any] = []
    by_name: Named = {}
    ordered: list[Any] = []
    waiting = ""
    for node in arguments:
        if node.kind == "parameter":
            word, value = node.parts
            by_name[word] = machine.value(value) if value is not None else True
            waiting = word if value is None else ""
            ordered += [f"-{word}"] if value is None else [f"-{word}", by_name[word]]
            continue
        value = machine.value(node)
        ordered.append(value)
        if node.kind == "variable" and machine.source[node.start : node.start + 1] == "@":
            plain += items(value)
            continue
        if waiting and waiting not in SWITCHES:
            by_name[waiting] = value
        else:
            plain.append(value)
        waiting = ""
    if isinstance(called, list) and called:
        called = called[0]
    machine.ordered = ordered
    return named(machine, called, plain, by_name, given)


def named(
    machine: Machine, called: Any, plain: list[Any], by_name: Named, given: list[Any] | None
) -> list[Any]:
    """A command by what was called: a name, a block, something that stands for one."""
    if isinstance(called, Block):
        return machine.invoke(called, plain, given, by_name)
    if isinstance(called, Thing) and called.name == "scriptblock":
        return machine.run_dynamic(called.text, "ScriptBlock.Create")
    if isinstance(called, Unknown) or called is None:
        machine.record.unresolved.append(getattr(called, "text", ""))
        machine.record.call("&", called, *plain)
        return [Unknown(f"& {getattr(called, 'text', '')}")]
    word = text(called).strip().lower()
    word = (
        machine.aliases.get(word, word).rsplit("\\", 1)[-1]
        if "\\" in word[:40] and word.startswith("microsoft.")
        else machine.aliases.get(word, word)
    )
    if word in machine.functions:
        return _function(machine, machine.functions[word], plain, by_name, given)
    if word in _KNOWN:
        try:
            return _KNOWN[word](machine, plain, by_name, given)
        except _ERRORS as error:
            return [Unknown(f"{word}: {error}")]
    return _recorded(machine, text(called), plain, by_name, given)


def _function(
    machine: Machine, block: Block, plain: list[Any], by_name: Named, given: list[Any] | None
) -> list[Any]:
    """A function; what comes through the pipe is its first parameter, item by item, unless it asks for all of it."""
    if given is None or plain or "$input" in block.text.lower():
        return machine.invoke(block, plain, given, by_name)
    return [value for item in given for value in machine.invoke(block, [item], [item], by_name)]


def _recorded(
    machine: Machine, word: str, plain: list[Any], by_name: Named, given: list[Any] | None
) -> list[Any]:
    said = [*plain, *(f"-{key}" if value is True else [f"-{key}", value] for key, value in by_name.items())]
    machine.record.call(word, *said, *([given] if given else []))
    flat = [
        word,
        *(f"-{k} {'' if v is True else _quoted(v)}".strip() for k, v in by_name.items()),
        *map(_quoted, plain),
    ]
    line = " ".join(flat)
    if _PROGRAM.search(word):
        _inner(machine, plain, by_name, given)
    elif re.match(
        r"(?:[\w:\\%.-]*\\)?(?:cmd|mshta|rundll32|regsvr32|wscript|cscript|certutil|bitsadmin)(?:\.exe)?$",
        word,
        re.IGNORECASE,
    ):
        machine.record.layer(" ".join([word, *map(_quoted, machine.ordered)]), "cmd", "command")
    return [Unknown(line[:400])]


def _quoted(value: Any) -> str:
    said = (
        shown(value)
        if isinstance(value, Unknown)
        else value.text.strip("{}")
        if isinstance(value, Block)
        else text(value)
    )
    return f'"{said}"' if " " in said else said


def _inner(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> None:
    """A PowerShell within: what it is told to run."""
    for key, value in by_name.items():
        if _ENCODED.match(f"-{key}") and isinstance(value, str):
            try:
                machine.record.layer(
                    base64.b64decode(value).decode("utf-16-le", "replace"), "ps1", "EncodedCommand"
                )
            except (binascii.Error, ValueError):
                machine.record.unresolved.append(f"-{key} {value[:80]}")
        elif key in ("c", "command", "com", "comm") and value is not True:
            machine.record.layer(text(value), "ps1", "Command")
    for value in (*plain, *(given or [])):
        if value != "-" and isinstance(value, (Block, str)):
            machine.record.layer(text(value).strip("{}"), "ps1", "Command")


def made(machine: Machine, kind: str, given: list[Any]) -> Any:
    """An object of a class."""
    name = kind.lower().removeprefix("system.")
    if any(isinstance(one, Unknown) for one in given):
        machine.record.call("New-Object", name, *given)
        return Unknown(f"{name}({', '.join(shown(one) for one in given)})")
    if name.endswith(("memorystream", "streamreader", "gzipstream", "deflatestream", "zlibstream")):
        return library.made_stream(name, given)
    if name.endswith(("stringbuilder",)):
        return Thing("builder", text=text(given[0]) if given and isinstance(given[0], str) else "")
    if name.endswith("encoding"):
        return Thing(
            "encoding",
            text={"text.unicodeencoding": "utf-16-le", "text.asciiencoding": "ascii"}.get(name, "utf-8"),
        )
    if name == "string":
        return join(
            "", [text(given[0]) * whole(given[1])] if len(given) == 2 else items(given[0]), machine.meter
        )
    if name in ("collections.arraylist", "object[]") or name.startswith("collections.generic.list"):
        return list(items(given[0])) if given else []
    if name in ("collections.hashtable", "hashtable") or name.startswith("collections.generic.dictionary"):
        return {}
    if (found := cipher.made(name)) is not None:
        return found
    if name.endswith(("pscredential", "networkcredential")):
        return Thing("credential", text=text(given[1]) if len(given) > 1 else "")
    if name.endswith("regex"):
        return Thing("regex", text=text(given[0]))
    if name.endswith("[]"):
        return cast(name, [0] * min(whole(given[0]), 1 << 20), machine.meter) if given else []
    machine.record.call("New-Object", name, *given)
    return Unknown(name)


def set_member(machine: Machine, target: Node, value: Any) -> None:
    """A property is set: kept in a table, written down elsewhere."""
    owner, name, _ = target.parts
    thing = machine.value(owner)
    word = name if isinstance(name, str) else text(machine.value(name)).lower()
    if isinstance(thing, dict):
        thing[word] = value
        return
    if isinstance(thing, Thing) and thing.name == "variable":
        machine.set(thing.text, value)
        return
    if isinstance(thing, Thing) and thing.name == "cipher":
        cipher.put(thing, word, value)
        return
    what = thing.text if isinstance(thing, Unknown) else machine.source[owner.start : owner.end][:100]
    machine.record.call(f"{what}.{word} =", value)


def like(pattern: str) -> Any:
    """Cmdlets whose name is like `pattern`."""
    found = [name for name in CMDLETS if fnmatchcase(name.lower(), pattern.lower())]
    return found[0] if len(found) == 1 else found or (pattern if "*" not in pattern else Unknown(pattern))


def each(machine: Machine, block: Block, given: list[Any]) -> list[Any]:
    """A block on every item, in the same scope."""
    out: list[Any] = []
    for value in given:
        machine.meter.step()
        machine.scopes[-1]["_"] = value
        out += machine.run(block.body)
    return out


def those(machine: Machine, block: Block, given: list[Any]) -> list[Any]:
    """Items for which a block holds."""
    out = []
    for value in given:
        machine.scopes[-1]["_"] = value
        result = machine.run(block.body)
        if result and truth(result[0]):
            out.append(value)
    return out


def _iex(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    value = by_name.get("command", plain[0] if plain else None)
    if value is None and given:
        value = given[0] if len(given) == 1 else join("\n", given, machine.meter)
    return machine.run_dynamic(value, "Invoke-Expression")


def _each(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    blocks = [one for one in plain if isinstance(one, Block)]
    parts = {
        key[0]: value for key, value in by_name.items() if isinstance(value, Block)
    }  # begin, process, end
    if not blocks and not parts:
        names = [text(one).lower() for one in plain]
        return [library.member(machine, value, name, False) for value in given or [] for name in names[:1]]
    if len(blocks) > 1:
        parts = dict(zip("bpe", blocks, strict=False)) | parts
    elif blocks:
        parts["p"] = blocks[0]
    out = machine.run(parts["b"].body) if "b" in parts else []
    out += each(machine, parts["p"], [None] if given is None else given) if "p" in parts else []
    return out + (machine.run(parts["e"].body) if "e" in parts else [])


def _those(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    block = next((one for one in (*plain, *by_name.values()) if isinstance(one, Block)), None)
    return those(machine, block, given or []) if block else list(given or [])


def _object(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    if "comobject" in by_name or "com" in by_name:
        name = text(by_name.get("comobject", by_name.get("com")))
        machine.record.call("New-Object -ComObject", name)
        return [Unknown(name)]
    kind = by_name.get("typename", by_name.get("type", plain[0] if plain else ""))
    rest = plain if "typename" in by_name or "type" in by_name else plain[1:]
    arguments = by_name.get("argumentlist", by_name.get("args", rest[0] if len(rest) == 1 else rest or None))
    if isinstance(kind, Unknown):
        return [kind]
    name = kind.name if isinstance(kind, Type) else text(kind)
    stream = isinstance(arguments, list) and all(isinstance(one, int) for one in arguments) and arguments
    value = made(machine, name, [arguments] if stream else items(arguments))
    return [value] if not isinstance(value, list) else value


def _variable(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    pattern = text(by_name.get("name", plain[0] if plain else "*")).lower()
    names = {name for scope in machine.scopes for name in scope}
    found = sorted(name for name in names if fnmatchcase(name, pattern))
    if any(key.startswith("v") for key in by_name):
        return [machine.get(name) for name in found]
    return [Thing("variable", text=name, extra=machine.get(name)) for name in found]


def _set_variable(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    values = list(plain)
    name = by_name["name"] if "name" in by_name else values.pop(0)
    value = by_name["value"] if "value" in by_name else values.pop(0) if values else (given or [None])[0]
    machine.set(text(name).lower(), value)
    return []


def _item(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    path = text(by_name.get("path", plain[0] if plain else "")).lower()
    drive, _, rest = path.partition(":")
    rest = rest.lstrip("\\/") or "*"
    if drive == "variable":
        return _variable(machine, [rest], {}, None)
    if drive == "env":
        return [
            Thing("variable", text=name, extra=value)
            for name, value in machine.environment.items()
            if fnmatchcase(name, rest)
        ]
    if drive == "alias":
        return [name for name in machine.aliases if fnmatchcase(name, rest)]
    if drive == "function":
        return [
            Thing("variable", text=name, extra=block)
            for name, block in machine.functions.items()
            if fnmatchcase(name, rest)
        ]
    return _recorded(machine, "Get-Item", plain, by_name, given)


def _set_item(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    path = text(by_name.get("path", plain[0] if plain else "")).lower()
    drive, _, rest = path.partition(":")
    value = by_name.get("value", plain[1] if len(plain) > 1 else None)
    if drive in ("variable", "env"):
        machine.set(rest.lstrip("\\/") if drive == "variable" else path, value)
        return []
    return _recorded(machine, "Set-Item", plain, by_name, given)


def _command(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    found = [like(text(one)) for one in plain or [by_name.get("name", "")]]
    return [one for name in found for one in items(name)]


def _alias(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    pattern = text(plain[0] if plain else "*").lower()
    return [name for name in ALIASES if fnmatchcase(name, pattern)]


def _set_alias(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    values = list(plain)
    name = by_name["name"] if "name" in by_name else values.pop(0)
    value = by_name["value"] if "value" in by_name else values.pop(0)
    machine.aliases[text(name).lower()] = machine.aliases.get(text(value).lower(), text(value).lower())
    return []


def _select(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    values = list(given or [])
    for key, count in by_name.items():
        if key.startswith("fi"):
            values = values[: whole(count)]
        elif key.startswith("la"):
            values = values[-whole(count) :]
        elif key.startswith("sk"):
            values = values[whole(count) :]
        elif key.startswith("exp") and plain:
            values = [library.member(machine, value, text(plain[0]).lower(), False) for value in values]
    return values


def _sort(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    block = plain[0] if plain and isinstance(plain[0], Block) else None

    def key(value: Any) -> tuple[int, float, str]:
        return _order((each(machine, block, [value]) or [None])[0] if block else value)

    return sorted(given or [], key=key, reverse=any(name.startswith("d") for name in by_name))


def _order(value: Any) -> tuple[int, float, str]:
    return (0, float(value), "") if isinstance(value, (int, float)) else (1, 0.0, text(value).lower())


def _start(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    line = " ".join(
        _quoted(one) if at == 0 else text(join(" ", items(one), machine.meter))
        for at, one in enumerate(
            [
                by_name.get("filepath", plain[0] if plain else ""),
                *plain["filepath" not in by_name :],
                by_name.get("argumentlist", by_name.get("args", "")),
            ]
        )
    )
    machine.record.layer(line.strip(), "cmd", "Start-Process")
    return _recorded(machine, "Start-Process", plain, by_name, given)


def _invoke(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    block = next((one for one in (*plain, *by_name.values()) if isinstance(one, (Block, Thing))), None)
    if "computername" in by_name or "cn" in by_name:
        machine.record.call(
            "Invoke-Command -ComputerName", by_name.get("computername", by_name.get("cn")), block
        )
    if isinstance(block, Thing):
        return machine.run_dynamic(block.text, "ScriptBlock.Create")
    if block is None:
        return _recorded(machine, "Invoke-Command", plain, by_name, given)
    arguments = items(by_name.get("argumentlist", by_name.get("args")))
    return machine.invoke(block, arguments, given)


def _type(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    source = by_name.get("typedefinition", by_name.get("memberdefinition", plain[0] if plain else None))
    if isinstance(source, str):
        machine.record.layer(source, "cs", "Add-Type")
    return _recorded(machine, "Add-Type", plain, by_name, given)


def _secure(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    source = by_name.get("string", plain[0] if plain else (given or [None])[0])
    key = next((value for name, value in by_name.items() if name.startswith("k")), None)
    return [cipher.secure(source, key)]


def _content(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    path = by_name.get("path", by_name.get("literalpath", plain[0] if plain else ""))
    found = machine.files.get(text(path).strip("'\"").lower())
    if found is None:
        return _recorded(machine, "Get-Content", plain, by_name, given)
    return [found] if "raw" in by_name else [*found.splitlines()]


def _set_content(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    paths = [by_name[key] for key in ("path", "filepath", "literalpath") if key in by_name] or plain[:1]
    values = items(by_name.get("value", given if given is not None else plain[1:]))
    if paths and isinstance(paths[0], str) and not any(isinstance(one, Unknown) for one in values):
        machine.files[paths[0].lower()] = join("\r\n", values, machine.meter)
    return _recorded(machine, "Set-Content", plain, by_name, given)


def _from_json(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    source = text(by_name.get("inputobject", plain[0] if plain else join("\n", given or [], machine.meter)))
    machine.meter.room(len(source))
    return items(_lowered(json.loads(source)))


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.lower(): _lowered(one) for key, one in value.items()}
    return [_lowered(one) for one in value] if isinstance(value, list) else value


def _members(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    """Methods of what fetches, which scripts look for by their likeness."""
    what = (given or [None])[0]
    if isinstance(what, Unknown) and what.text.lower().endswith("net.webclient"):
        return [{"name": name} for name in WEB_CLIENT]
    return _recorded(machine, "Get-Member", plain, by_name, given)


def _nothing(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    return []


def _put_out(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    out: list[Any] = list(given or [])
    for value in (*plain, by_name.get("inputobject")):
        out += items(value)
    return out


def _as_text(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    return [join("\r\n", given or [], machine.meter)]


def _path(machine: Machine, plain: list[Any], by_name: Named, given: list[Any] | None) -> list[Any]:
    return [
        join(
            "\\",
            [
                by_name.get("path", plain[0] if plain else ""),
                by_name.get("childpath", plain[-1] if plain else ""),
            ],
            machine.meter,
        )
    ]


_KNOWN: dict[str, Callable[[Machine, list[Any], Named, list[Any] | None], list[Any]]] = {
    "invoke-expression": _iex, "foreach-object": _each, "where-object": _those, "new-object": _object, "get-variable": _variable, "set-variable": _set_variable,
    "get-item": _item, "get-childitem": _item, "set-item": _set_item, "new-item": _set_item, "get-command": _command, "get-alias": _alias, "set-alias": _set_alias, "select-object": _select,
    "sort-object": _sort, "start-process": _start, "invoke-command": _invoke, "add-type": _type, "write-output": _put_out, "out-string": _as_text,
    "get-content": _content, **dict.fromkeys(("set-content", "out-file"), _set_content), "convertfrom-json": _from_json, "get-member": _members,
    "join-path": _path, "convertto-securestring": _secure, **dict.fromkeys(("out-null", "start-sleep", "write-host", "write-verbose", "write-debug", "write-progress", "set-strictmode", "import-module"), _nothing),
}  # fmt: skip
