"""Objects of COM that programs start others, fetch and reach WMI with. Called by their place in the table of an interface, or by name through IDispatch.

Order of methods after Microsoft's type libraries (wshom.ocx, shell32, msxml6, winhttp, wbemcli.h). What a class does is the same either way.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from kazami.detect.content.emulation.noting import (
    connected,
    fetched,
    path_of,
    program_of,
    started,
    wrote_value,
)

LIBRARY = "com"
_SLOTS, _MOST = 64, 500
_NO_CLASS, _NO_NAME = 0x80040154, 0x800401F3  # REGDB_E_CLASSNOTREG, CO_E_CLASSSTRING
_BSTR, _DISPATCH, _LONG = 8, 9, 3
_BY_REFERENCE = 0x4000
_WMI = "C:\\Windows\\System32\\wbem\\WmiPrvSE.exe"
_HIVES = {"HKCU": "HKEY_CURRENT_USER", "HKLM": "HKEY_LOCAL_MACHINE", "HKCR": "HKEY_CLASSES_ROOT"}

#: Methods by place, with what they take beside the object itself: s text, n number, p pointer, v VARIANT by value, o where an answer goes, O a VARIANT for it.
_PLAIN = {0: ("QueryInterface", "po"), 1: ("AddRef", ""), 2: ("Release", "")}
_NAMED = _PLAIN | {
    3: ("GetTypeInfoCount", "p"),
    4: ("GetTypeInfo", "nnp"),
    5: ("GetIDsOfNames", "ppnnp"),
    6: ("Invoke", "npnnpppp"),
}
_METHODS: dict[str, dict[int, tuple[str, str]]] = {
    "WScript.Shell": _NAMED | {
        7: ("SpecialFolders", "o"), 8: ("Environment", "po"), 9: ("Run", "sppo"), 10: ("Popup", "spppo"), 11: ("CreateShortcut", "so"), 12: ("ExpandEnvironmentStrings", "so"),
        13: ("RegRead", "sO"), 14: ("RegWrite", "spp"), 15: ("RegDelete", "s"), 19: ("Exec", "so"),
    },
    "Shell.Application": _NAMED | {9: ("NameSpace", "vo"), 12: ("Open", "v"), 31: ("ShellExecute", "svvvv")},
    "MSXML2.XMLHTTP": _NAMED | {
        7: ("open", "ssvvv"), 8: ("setRequestHeader", "ss"), 11: ("send", "v"), 12: ("abort", ""), 13: ("status", "o"), 16: ("responseText", "o"), 17: ("responseBody", "O"), 19: ("readyState", "o"),
    },
    "WinHttp.WinHttpRequest": _NAMED | {9: ("open", "ssv"), 10: ("setRequestHeader", "ss"), 13: ("send", "v"), 14: ("status", "o"), 16: ("responseText", "o"), 17: ("responseBody", "O")},
    "IWbemLocator": _PLAIN | {3: ("ConnectServer", "ssssnspo")},
    "IWbemServices": _PLAIN | {6: ("GetObject", "snpoo"), 20: ("ExecQuery", "ssnpo"), 24: ("ExecMethod", "ssnppoo")},
    "IWbemClassObject": _PLAIN | {4: ("Get", "snOpp"), 5: ("Put", "snpn"), 15: ("SpawnInstance", "no"), 19: ("GetMethod", "snoo")},
    "IEnumWbemClassObject": _PLAIN | {3: ("Reset", ""), 4: ("Next", "nnop")},
}  # fmt: skip
_CLASSES = {
    "72c24dd5-d70a-438b-8a42-98424b88afb8": "WScript.Shell",
    "13709620-c279-11ce-a49e-444553540000": "Shell.Application",
    "f6d90f16-9c73-11d3-b32e-00c04f990bb4": "MSXML2.XMLHTTP",
    "f5078f35-c551-11d3-89b9-0000f81fe221": "MSXML2.XMLHTTP",
    "88d96a0a-f192-11d4-a65f-0040963251e5": "MSXML2.XMLHTTP",
    "88d96a0b-f192-11d4-a65f-0040963251e5": "MSXML2.XMLHTTP",
    "2087c2f4-2cef-4953-a8ab-66779b670495": "WinHttp.WinHttpRequest",
    "4590f811-1d3a-11d0-891f-00aa004b2e24": "IWbemLocator",
    "76a64158-cb41-11d1-8b02-00600806d9b6": "WbemScripting.SWbemLocator",
    "0d43fe01-f093-11cf-8940-00a0c9054228": "Scripting.FileSystemObject",
    "00000566-0000-0010-8000-00aa006d2ea4": "ADODB.Stream",
    "49b2791a-b1ae-4c90-9b8e-e860ba07f889": "MMC20.Application",
    "9ba05972-f6a8-11cf-a442-00a0c90a8f39": "ShellWindows",
}
_ALIASES = {
    "msxml2.serverxmlhttp": "MSXML2.XMLHTTP",
    "microsoft.xmlhttp": "MSXML2.XMLHTTP",
}


@dataclass(slots=True)
class Thing:
    """An object by its class, with what was put into it."""

    name: str
    held: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Objects:
    """The objects of one run, by address, and the names that it asked numbers for."""

    found: dict[int, Thing] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=lambda: [""])


def method(machine: Any, name: str) -> tuple[str, int, Callable[..., int]]:
    """Convention, number of words and what happens, of a call that an entry of a table stands for: ``WScript.Shell:9:Run``."""
    kind, place, *_ = name.split(":")
    known = _methods(kind).get(int(place))
    if known is None:
        if machine.get_ptr_size() == 4:
            machine.give_up(f"method {place} of the COM object {kind} is not known")
        machine.record.unknown[f"{LIBRARY}.{name}"] += 1
        return "stdcall", 4, lambda machine, wide, argv: 0
    words = 4 if machine.get_ptr_size() == 4 else 1
    count = 1 + sum(words if sign == "v" else 1 for sign in known[1])
    return "stdcall", count, lambda machine, wide, argv: _called(machine, known, argv)


def _methods(kind: str) -> dict[int, tuple[str, str]]:
    return _METHODS.get(kind, _NAMED)


def _called(machine: Any, known: tuple[str, str], argv: list[Any]) -> int:
    name, signs = known
    thing = machine.objects.found.get(argv[0]) or Thing("an object that is not known")
    argv[0], rest = thing.name, argv[1:]
    if name == "QueryInterface":
        address = next((at for at, one in machine.objects.found.items() if one is thing), 0)
        _put(machine, rest[1], address)
        return 0
    if name in ("AddRef", "Release"):
        return 1
    if name == "GetIDsOfNames":
        return _numbered(machine, rest)
    if name == "Invoke":
        return _invoked(machine, thing, rest)
    given, outs = _given(machine, signs, rest)
    argv[1:] = [one.name if isinstance(one, Thing) else one for one in given]
    value = _does(machine, thing, name, given)
    for sign, place in outs:
        if place and sign == "o":
            _put(machine, place, _answer(machine, value))
        elif place:
            _variant_out(machine, place, value)
    return 0


def _given(machine: Any, signs: str, words: list[int]) -> tuple[list[Any], list[tuple[str, int]]]:
    """What arguments say, and where answers go."""
    given: list[Any] = []
    outs: list[tuple[str, int]] = []
    at = 0
    for sign in signs:
        if sign in "oO":
            outs.append((sign, words[at]))
        elif sign == "v" and machine.get_ptr_size() == 4:
            given.append(
                _variant(machine, struct.pack("<4I", *(one & 0xFFFFFFFF for one in words[at : at + 4])))
            )
            at += 3
        elif sign == "s":
            given.append(machine.read_mem_string(words[at], 2, max_chars=4000) if words[at] else "")
        elif sign in "pv":
            given.append(machine.objects.found.get(words[at]) or _variant_at(machine, words[at]))
        else:
            given.append(words[at])
        at += 1
    return given, outs


def _variant_at(machine: Any, place: int) -> Any:
    if not place or not machine.get_address_map(place):
        return ""
    return _variant(machine, bytes(machine.mem_read(place, 8 + machine.get_ptr_size())))


def _variant(machine: Any, data: bytes) -> Any:
    """The value of a VARIANT: text, number or object; "" for none."""
    kind = int.from_bytes(data[:2], "little")
    value = int.from_bytes(data[8 : 8 + machine.get_ptr_size()], "little")
    if kind & _BY_REFERENCE and value:
        return _variant_at(machine, value) if kind & 0xFFF == 12 else ""
    if kind == _BSTR:
        return machine.read_mem_string(value, 2, max_chars=4000) if value else ""
    if kind in (_DISPATCH, 13):
        return machine.objects.found.get(value, "")
    return value if kind in (2, _LONG, 11, 17, 19, 22, 23) else ""


def _numbered(machine: Any, rest: list[Any]) -> int:
    """GetIDsOfNames: a number for each name."""
    size = machine.get_ptr_size()
    for at in range(min(rest[2], 32)):
        place = int.from_bytes(machine.mem_read(rest[1] + at * size, size), "little")
        name = machine.read_mem_string(place, 2, max_chars=200)
        if name not in machine.objects.names:
            machine.objects.names.append(name)
        machine.mem_write(rest[4] + 4 * at, machine.objects.names.index(name).to_bytes(4, "little"))
    return 0


def _invoked(machine: Any, thing: Thing, rest: list[Any]) -> int:
    """IDispatch::Invoke: a method, or a property that is read or set."""
    number, _, _, flags, parameters, result = rest[:6]
    names, size = machine.objects.names, machine.get_ptr_size()
    name = names[number] if number < len(names) else f"member {number}"
    first, _, count, _ = struct.unpack(
        "<IIII" if size == 4 else "<QQII", bytes(machine.mem_read(parameters, 2 * size + 8))
    )
    step = 8 + 2 * size
    given = [_variant_at(machine, first + step * at) for at in reversed(range(min(count, 32)))]
    rest[:] = [name, *given]
    machine.record.line({"call": f"{thing.name}.{name}", "arguments": [str(one)[:500] for one in given]})
    if flags & 0xC and given:
        thing.held[name.lower()] = given[0]
        return 0
    value = _does(machine, thing, name, given)
    if result:
        _variant_out(machine, result, value if value is not None else Thing(f"{thing.name}.{name}"))
    return 0


def _does(machine: Any, thing: Thing, name: str, given: list[Any]) -> Any:
    """What a method does, in words of the record; its answer."""
    word = name.lower()
    texts = [one if isinstance(one, str) else "" for one in given]
    act = _ACTS.get((thing.name.partition("(")[0].lower(), word)) or _ACTS.get(("", word))
    return act(machine, thing, texts, given) if act else None


def _runs(machine: Any, thing: Thing, texts: list[str], given: list[Any]) -> int:
    started(machine.record, program_of(texts[0]), texts[0])
    return 0


def _executes(machine: Any, thing: Thing, texts: list[str], given: list[Any]) -> int:
    program = program_of(f'"{texts[0]}"')
    started(machine.record, program, f'"{program}" {texts[1] if len(texts) > 1 else ""}'.strip())
    return 1


def _by_wmi(machine: Any, command: str) -> int:
    """A process that WMI's own starts; without a command there is none."""
    if not command:
        return 21  # "invalid parameter" of Win32_Process.Create
    machine.record.act(
        "process_creation", Image=program_of(command), CommandLine=command, CurrentDirectory="C:\\Windows\\System32\\", ParentImage=_WMI, ParentCommandLine=f"{_WMI} -secured -Embedding",
    )  # fmt: skip
    return 0


def _writes_value(machine: Any, thing: Thing, texts: list[str], given: list[Any]) -> None:
    hive, _, rest = texts[0].partition("\\")
    key, _, name = f"{_HIVES.get(hive.upper(), hive)}\\{rest}".rpartition("\\")
    wrote_value(machine.record, key, name, str(given[1]) if len(given) > 1 else "")


def _opens(machine: Any, thing: Thing, texts: list[str], given: list[Any]) -> None:
    thing.held["url"] = texts[1] if len(texts) > 1 else ""


def _sends(machine: Any, thing: Thing, texts: list[str], given: list[Any]) -> None:
    url = str(thing.held.get("url", ""))
    try:
        found = urlsplit(url)
        server, port = found.hostname, found.port
    except ValueError:
        return
    if server:
        connected(machine.record, server, str(port or (443 if url.lower().startswith("https") else 80)))
        fetched(machine.record, url)


def _writes_file(machine: Any, thing: Thing, texts: list[str], given: list[Any]) -> None:
    machine.record.act(
        "file_event", TargetFilename=path_of(texts[-1] if len(texts) > 1 and texts[1] else texts[0])
    )


def _execs_method(machine: Any, thing: Thing, texts: list[str], given: list[Any]) -> None:
    held = next((one.held for one in given if isinstance(one, Thing)), {})
    if texts[0].lower().startswith("win32_process") and texts[1].lower() == "create":
        _by_wmi(machine, str(held.get("commandline", "")))


def _creates(machine: Any, thing: Thing, texts: list[str], given: list[Any]) -> Any:
    return _by_wmi(machine, texts[0]) if texts and thing.held.get("class") == "win32_process" else None


def _puts(machine: Any, thing: Thing, texts: list[str], given: list[Any]) -> None:
    thing.held[texts[0].lower()] = given[2]


def _gets(machine: Any, thing: Thing, texts: list[str], given: list[Any]) -> Thing:
    return Thing("SWbemObject", {"class": texts[0].lower().rpartition(":")[2]} if texts else {})


def _gives(name: str) -> Callable[[Any, Thing, list[str], list[Any]], Any]:
    return lambda machine, thing, texts, given: Thing(name)


_ACTS: dict[tuple[str, str], Callable[[Any, Thing, list[str], list[Any]], Any]] = {
    ("wscript.shell", "run"): _runs, ("wscript.shell", "exec"): _runs, ("wscript.shell", "regwrite"): _writes_value,
    ("wscript.shell", "expandenvironmentstrings"): lambda machine, thing, texts, given: texts[0],
    ("", "shellexecute"): _executes, ("", "executeshellcommand"): _executes, ("msxml2.xmlhttp", "open"): _opens, ("msxml2.xmlhttp", "send"): _sends,
    ("winhttp.winhttprequest", "open"): _opens, ("winhttp.winhttprequest", "send"): _sends, ("", "status"): lambda *_: 200, ("", "readystate"): lambda *_: 4, ("", "responsetext"): lambda *_: "",
    ("adodb.stream", "savetofile"): _writes_file, ("scripting.filesystemobject", "createtextfile"): _writes_file, ("scripting.filesystemobject", "copyfile"): _writes_file,
    ("iwbemlocator", "connectserver"): _gives("IWbemServices"), ("iwbemservices", "getobject"): _gives("IWbemClassObject"), ("iwbemservices", "execquery"): _gives("IEnumWbemClassObject"),
    ("iwbemservices", "execmethod"): _execs_method, ("iwbemclassobject", "put"): _puts, ("iwbemclassobject", "getmethod"): _gives("IWbemClassObject"),
    ("iwbemclassobject", "spawninstance"): _gives("IWbemClassObject"), ("wbemscripting.swbemlocator", "connectserver"): _gives("SWbemServices"), ("swbemservices", "get"): _gets, ("swbemobject", "create"): _creates,
}  # fmt: skip


def _put(machine: Any, place: int, value: int) -> None:
    if place:
        machine.mem_write(place, value.to_bytes(machine.get_ptr_size(), "little"))


def _answer(machine: Any, value: Any) -> int:
    """An answer as a word: a number, or where the text or object lies."""
    if isinstance(value, Thing):
        return made(machine, value)
    return _text(machine, value) if isinstance(value, str) else int(value or 0)


def _text(machine: Any, value: str) -> int:
    data = value.encode("utf-16-le")
    place = int(machine.mem_map(len(data) + 8, tag="emu.COM.text"))
    machine.mem_write(place, len(data).to_bytes(4, "little") + data + b"\0\0")
    return place + 4


def _variant_out(machine: Any, place: int, value: Any) -> None:
    kind = _DISPATCH if isinstance(value, Thing) else _BSTR if isinstance(value, str) else _LONG
    word = _answer(machine, value).to_bytes(machine.get_ptr_size(), "little")
    machine.mem_write(place, kind.to_bytes(8, "little") + word)


def made(machine: Any, thing: Thing) -> int:
    """Where an object lies that the program may call."""
    objects, size = machine.objects, machine.get_ptr_size()
    if len(objects.found) >= _MOST:
        machine.give_up(f"more than {_MOST} COM objects")
        return 0
    if thing.name not in objects.tables:
        table = objects.tables[thing.name] = int(machine.mem_map(_SLOTS * size, tag="emu.COM.table"))
        titles = _methods(thing.name)
        places = [
            machine.add_callback(LIBRARY, f"{thing.name}:{at}:{titles.get(at, ('',))[0]}")
            for at in range(_SLOTS)
        ]
        machine.mem_write(table, b"".join(one.to_bytes(size, "little") for one in places))
    address = int(machine.mem_map(2 * size, tag="emu.COM.object"))
    _put(machine, address, objects.tables[thing.name])
    objects.found[address] = thing
    return address


def _class(machine: Any, place: int) -> str:
    return str(UUID(bytes_le=bytes(machine.mem_read(place, 16)))) if place else ""


def create(machine: Any, wide: int, argv: list[Any]) -> int:
    """CoCreateInstance."""
    _put(machine, argv[4], 0)
    known = argv[0] = _class(machine, argv[0])
    if known not in _CLASSES:
        return _NO_CLASS
    argv[0] = _CLASSES[known]
    _put(machine, argv[4], made(machine, Thing(argv[0])))
    return 0


def create_elsewhere(machine: Any, wide: int, argv: list[Any]) -> int:
    """CoCreateInstanceEx: class, outer, where, server, number, MULTI_QI (interface, object, answer)."""
    known = argv[0] = _class(machine, argv[0])
    if known not in _CLASSES:
        return _NO_CLASS
    argv[0], size = _CLASSES[known], machine.get_ptr_size()
    for at in range(min(argv[4], 8)):
        _put(machine, argv[5] + 3 * size * at + size, made(machine, Thing(argv[0])))
        machine.mem_write(argv[5] + 3 * size * at + 2 * size, bytes(4))
    return 0


def class_of_name(machine: Any, wide: int, argv: list[Any]) -> int:
    """CLSIDFromProgID."""
    argv[0] = machine.read_mem_string(argv[0], 2, max_chars=200) if argv[0] else ""
    word = argv[0].lower().rstrip(".0123456789")
    word = _ALIASES.get(word, word).lower()
    found = next((key for key, name in _CLASSES.items() if name.lower() == word), "")
    if not found:
        return _NO_NAME
    machine.mem_write(argv[1], UUID(found).bytes_le)
    return 0


def by_moniker(machine: Any, wide: int, argv: list[Any]) -> int:
    """CoGetObject: ``winmgmts:``, ``new:{...}``, ``Elevation:Administrator!new:{...}``."""
    argv[0] = machine.read_mem_string(argv[0], 2, max_chars=400) if argv[0] else ""
    word = argv[0].lower()
    named = word.rpartition("new:{")[2].partition("}")[0]
    name = _CLASSES.get(named, "SWbemServices" if word.startswith("winmgmts:") else "")
    if not name:
        return _NO_NAME
    held = {"class": "win32_process"} if word.endswith("win32_process") else {}
    _put(machine, argv[3], made(machine, Thing("SWbemObject" if held else name, held)))
    return 0


FUNCTIONS = {
    "CoCreateInstance": ("stdcall", 5, create),
    "CoCreateInstanceEx": ("stdcall", 6, create_elsewhere),
    "CLSIDFromProgID": ("stdcall", 2, class_of_name),
    "CLSIDFromProgIDEx": ("stdcall", 2, class_of_name),
    "CoGetObject": ("stdcall", 4, by_moniker),
}
