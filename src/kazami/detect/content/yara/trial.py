"""Case files of YARA rules: inert bytes, written out, that a rule must match or must not.

    about: ...
    facts: threats 3.1 row Loader traits
    yara: ../../../../src/kazami/packs/cloud_hopper/yara/redleaves.yar
    rule: CloudHopper_RedLeaves_Program
    samples:
      - about: the mutex in a program
        match: true
        name: x.dll                      # what rules that ask for a name see
        bytes: [{stub: pe}, RedLeavesCMDSimulatorMutex]

`bytes` is a list: a text, or one of ``{wide: text}`` (UTF-16), ``{hex: 00 ff}``, ``{zeros: 100}``, ``{times: 9, of: text}``,
``{noise: 5000}`` (bytes as if at random, always the same), ``{stub: pe}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import shake_128
from pathlib import Path
from typing import Any

import yaml

from kazami.detect.content import yara
from kazami.detect.content.identify import kind
from kazami.detect.sigma.trial import Outcome
from kazami.errors import UsageError
from kazami.model.content import Scope

_MOST = 1 << 20  # bytes of one sample

#: Beginnings of files that hold nothing which could run.
_STUBS: Mapping[str, bytes] = {
    "pe": b"MZ".ljust(60, b"\0") + (0x80).to_bytes(4, "little") + bytes(64) + b"PE\0\0\x4c\x01" + bytes(250),
    "elf": b"\x7fELF\x02\x01\x01".ljust(64, b"\0"),
    "class": b"\xca\xfe\xba\xbe\0\0\0\x34",
    "zip": b"PK\x03\x04\x14" + bytes(25),
    "lnk": b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F".ljust(76, b"\0"),
}


def is_case(path: Path) -> bool:
    """Whether a case file is one of YARA rules."""
    try:
        return isinstance(content := yaml.safe_load(path.read_text("utf-8")), dict) and "yara" in content
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return False  # whoever reads it as a case of Sigma rules says what is wrong


def run(path: Path) -> list[Outcome]:
    """The outcomes of all samples of a case file. Raises UsageError where it is none, or the rule does not load."""
    case = yaml.safe_load(path.read_text("utf-8"))
    try:
        rules = path.parent / case["yara"]
        return list(_asked(path, case, rules))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: is no case of YARA rules: {error!r}") from error


def _asked(path: Path, case: Mapping[str, Any], rules: Path) -> Iterator[Outcome]:
    settings = {"yara.rules": (str(rules),)}
    loaded = yara.rule_set(settings)
    if loaded.rejected or case["rule"] not in [name for file in loaded.files.values() for name in file.rules]:
        reason = "; ".join(one.reason for one in loaded.rejected) or "there is no such rule in it"
        raise UsageError(f"{path}: {case['rule']}: {reason}")
    for sample in case["samples"]:
        data, name = data_of(sample["bytes"]), str(sample.get("name", "x"))
        said = yara.analyze(data, Scope(name=name, folder=str(sample.get("folder", "")), kind=kind(data, name), settings=settings))  # fmt: skip
        found = case["rule"] in [feature.rule.rpartition(":")[2] for feature in said.features]
        note = "; ".join(gap.reason for gap in said.gaps)
        yield Outcome(str(path), str(case["about"]), str(sample["about"]), case["rule"], "yara", sample["match"] is True, found, note)  # fmt: skip


def data_of(parts: list[Any]) -> bytes:
    """The bytes of a sample. Raises ValueError, KeyError where they cannot be meant."""
    made = b"".join(_part(part) for part in parts)
    if len(made) > _MOST:
        raise ValueError(f"a sample of more than {_MOST:,} bytes")
    return made


def _part(part: Any) -> bytes:
    if isinstance(part, str):
        return part.encode()
    if "wide" in part:
        return str(part["wide"]).encode("utf-16-le")
    if "hex" in part:
        return bytes.fromhex(str(part["hex"]))
    if "zeros" in part:
        return bytes(min(int(part["zeros"]), _MOST + 1))
    if "noise" in part:
        return shake_128(b"noise").digest(min(int(part["noise"]), _MOST + 1))
    if "times" in part:
        return _part(part["of"]) * min(int(part["times"]), _MOST)
    return _STUBS[part["stub"]]
