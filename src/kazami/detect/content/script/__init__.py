"""Scripts: PowerShell, batch, VBScript and VBA, JScript, shell. Unfolded in layers, run as far as values are known, judged by what is asked for.

Nothing is executed: evaluators of our own go through the text, write down what it would call (`record.Record`) and keep every text that it
would run as a child. Patterns are then searched in the text and in the recorded calls (`trait`, `pattern.yml`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kazami.detect.content.identify import claimed, extension, kind
from kazami.detect.content.identify.text import marked_wide
from kazami.detect.content.meaning import meanings
from kazami.detect.content.script import trait
from kazami.detect.content.script.fetched import fetched_and_started
from kazami.detect.content.script.record import Layer, Meter, Record
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

MEANINGS = meanings(__file__)
BY_NAME = True  # Windows runs what the name says

_LOOKED = 4 << 20
_COMMAND_LINE = re.compile(
    rb"\s*[\"']?(?:[\w:\\.% ()-]{0,100}\\)?(?:powershell|pwsh|cmd|mshta|rundll32|regsvr32|wscript|cscript|certutil|bitsadmin|wmic|ntdsutil|netsh|vssadmin)"
    rb"(?:\.exe)?[\"']?[ \t]+[-/\w\"'^]",
    re.IGNORECASE,
)
_RUN = 1 << 20
_SHARE = 0.6  # of an analyzer's seconds: what was found by then must still be told
_GRAM = 8
#: Of code page 1252, what differs from Latin-1; Windows leaves the five that it does not define as they are.
_WINDOWS = {code: bytes((code,)).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}
_SHORT = 12  # characters of a text that is too short to hide anything
_MANY = 3


def _powershell(text: str, meter: Meter) -> Record:
    from kazami.detect.content.script.powershell import machine

    return machine.run(text, meter)


def _batch(text: str, meter: Meter) -> Record:
    from kazami.detect.content.script.batch import machine

    return machine.run(text, meter)


def _basic(text: str, meter: Meter) -> Record:
    from kazami.detect.content.script.basic import machine

    return machine.run(text, meter)


def _vba(text: str, meter: Meter) -> Record:
    from kazami.detect.content.script.basic import machine

    return machine.run(text, meter, every=True)


def _shell(text: str, meter: Meter) -> Record:
    from kazami.detect.content.script.shell import machine

    return machine.run(text, meter)


#: Who runs which language; JScript is run by an analyzer of its own, which needs an engine.
RUNS: dict[str, Callable[[str, Meter], Record]] = {
    "powershell": _powershell,
    "batch": _batch,
    "vbscript": _basic,
    "vba": _vba,
    "shell": _shell,
}
_ENDINGS = {
    "powershell": "ps1",
    "batch": "bat",
    "vbscript": "vbs",
    "vba": "vba",
    "jscript": "js",
    "shell": "sh",
}
LANGUAGES = frozenset((*RUNS, "jscript", "php", "jsp"))


def confidence(head: bytes, name: str) -> float:
    """Is a script by its content or, where content leaves it open, by its name."""
    return 1.0 if languages(kind(head, name), name, head) else 0.0


def languages(found: str, name: str, head: bytes = b"") -> list[str]:
    """The languages to take a text of kind `found` for: what it looks like, what Windows takes it for by its name, else a command line."""
    named = [one for one in claimed(extension(name)) if one in LANGUAGES]
    if found not in LANGUAGES and found != "text":
        return []
    if found == "text" and not named and _COMMAND_LINE.match(head):
        return ["batch"]
    return list(dict.fromkeys([*([found] if found in LANGUAGES else []), *named]))


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What it does, by its text and by its run; every layer that came out as a child."""
    found = scope.kind or kind(data, scope.name)
    text = decoded(data[:_LOOKED])
    gaps = [] if len(data) <= _LOOKED else [Gap("limit", f"only the first {_LOOKED:,} bytes looked at")]
    features: list[Feature] = []
    children: list[Child] = []
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") and not marked_wide(data):
        features.append(Feature("script.false_mark", data[:2].hex(" "), offset=0))
    named = languages("text", scope.name)
    for language in languages(found, scope.name, data[:400]):
        features += trait.seen(text, language, "text")
        if language in RUNS and len(text) > _RUN:
            if language in named or not named:
                gaps.append(Gap("limit", f"{len(text):,} characters, too many to run"))
        elif language in RUNS:
            record = RUNS[language](text, Meter(seconds=scope.limits.seconds * _SHARE))
            said = tell(record, text, language)
            features += said.features
            children += said.children
            gaps += said.gaps
    return Analysis(tuple(features), tuple(dict.fromkeys(children)), tuple(gaps))


def decoded(data: bytes) -> str:
    """Bytes as text: by their mark, as UTF-16 where every other byte is zero, as UTF-8, or byte by byte."""
    if marked_wide(data):
        return data.decode("utf-16", "replace")
    if len(data) > 3 and data[1:400:2].count(0) > len(data[1:400:2]) * 0.8:
        return data.decode("utf-16-le", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1").translate(_WINDOWS)


def tell(record: Record, text: str, language: str) -> Analysis:
    """What a run means: features of calls, layers as children, gaps where our bounds ended it."""
    features = list(trait.seen("\n".join(record.calls), language, "call"))
    features += fetched_and_started(record.calls)
    features += _of_layers(record, text)
    if record.unresolved:
        features.append(Feature("script.unresolved_dynamic", record.unresolved[0], "recorded call"))
    if record.stopped:
        features.append(Feature("script.stopped", record.stopped, language))
    children = [
        Child(f"layer{at}.{layer.extension}", layer.data, layer.how, "decoded")
        for at, layer in enumerate(record.layers, 1)
    ]
    if record.folded and _differs(record.folded, text):
        features += _revealed(record.folded, text, language)
        children.append(
            Child(
                f"written_out.{_ENDINGS[language]}", record.folded.encode("utf-8", "replace"), "", "decoded"
            )
        )
    gaps = (Gap(record.gap, record.stopped),) if record.gap else ()
    return Analysis(tuple(features), tuple(children), gaps)


def _of_layers(record: Record, text: str) -> Iterator[Feature]:
    plain = _plain(text).replace("\\", "")  # a sign that is escaped hides nothing
    hidden = [layer for layer in record.layers if _is_hidden(layer, plain)]
    for layer in record.layers:
        shown = layer.data[:200].decode("utf-8", "replace")
        yield Feature("script.layer", shown, layer.how)
        if layer.data[:2] == b"MZ" and kind(layer.data) == "pe":
            yield Feature("script.carries_program", f"{len(layer.data):,} bytes", layer.how)
    if hidden:
        yield Feature("script.hidden_code", hidden[0].data[:200].decode("utf-8", "replace"), hidden[0].how)
    if len(hidden) >= _MANY:
        yield Feature("script.many_layers", f"{len(hidden)} texts", hidden[-1].how)


def _plain(text: str) -> str:
    return "".join(text.lower().split())


def _is_hidden(layer: Layer, plain: str) -> bool:
    """Whether code was run of which less than half stands in the script as it is; a program's command line is no code."""
    if layer.extension == "cmd":
        return False
    said = _plain(layer.data[:4000].decode("utf-8", "replace")).replace("\\", "")
    if len(said) < _SHORT:
        return False
    grams = [said[at : at + _GRAM] for at in range(0, len(said) - _GRAM + 1, 4)]
    return sum(gram in plain for gram in grams) * 2 < len(grams)


def _differs(folded: str, text: str) -> bool:
    """Whether writing a script out says anything new."""
    plain = _plain(text)
    words = {word for word in folded.lower().split() if len(word) >= _GRAM}
    return any(word.strip("'\"();,") not in plain for word in words)


def _revealed(folded: str, text: str, language: str) -> Iterator[Feature]:
    """What is seen in the written-out copy and nowhere in the text: names of weight only."""
    before = {feature.name for feature in trait.seen(text, language, "text")}
    for feature in trait.seen(folded, language, "text"):
        if feature.name not in before and MEANINGS[feature.name].level in ("medium", "high", "critical"):
            yield Feature("script.split_words", f"{feature.name}: {feature.value}", "written out")
            return
