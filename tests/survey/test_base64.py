"""Base64 in texts: decoded through its layers, never where there is none, within bounds whatever comes."""

from __future__ import annotations

import base64
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazami.survey.base64 import LARGEST, SHOWN, Decoded, decoded

SAID = "Write-Host 'an inert example of text'"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("data", "layers"),
    [
        (SAID.encode(), ("base64", "utf-8")),
        (SAID.encode("utf-16-le"), ("base64", "utf-16")),
        ("日本語の文字列でも読めるようにする".encode(), ("base64", "utf-8")),
        (gzip.compress(SAID.encode()), ("base64", "gzip", "utf-8")),
        (zlib.compress(SAID.encode()), ("base64", "zlib", "utf-8")),
        (deflated(SAID.encode() * 9), ("base64", "deflate", "utf-8")),
        (gzip.compress(SAID.encode("utf-16-le")), ("base64", "gzip", "utf-16")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "data",
)
def test_what_it_says(data: bytes, layers: tuple[str, ...]) -> None:
    said = decoded(b64(data))
    assert said is not None
    assert said.layers == layers
    assert said.text[:9] in (SAID[:9], "日本語の文字列でも"[:9])


def test_one_inside_the_other() -> None:
    inner = b64("http://203.0.113.7/path".encode("utf-16-le"))
    said = decoded(b64(f"$ser=$([Text.Encoding]::Unicode.GetString('{inner}'))".encode("utf-16-le")))
    assert said == Decoded(
        ("base64", "utf-16", "base64", "utf-16"), said.text if said else "", "http://203.0.113.7/path"
    )
    assert said is not None
    assert said.text.startswith("$ser=")


def test_a_program_is_named() -> None:
    said = decoded(b64(b"MZ\x90" + bytes(range(200))))
    assert said == Decoded(("base64", "program (MZ)"), "203 bytes", "")


@pytest.mark.parametrize(
    "text",
    [
        "C/Windows/System32/drivers/etc/hosts",
        "0123456789abcdef0123456789abcdef",
        "d41d8cd98f00b204e9800998ecf8427e00000000",
        "ThisIsAnOrdinaryIdentifierInCamelCase",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "----------------------------------------",
    ],
)
def test_what_is_none(text: str) -> None:
    assert decoded(text) is None


def test_a_bomb_is_cut() -> None:
    said = decoded(b64(gzip.compress(b"A text. " * LARGEST)))
    assert said is not None
    assert len(said.text) == SHOWN


def test_endless_nesting_ends() -> None:
    text = SAID
    for _ in range(20):
        text = b64(text.encode())
    said = decoded(text)
    assert said is not None
    assert said.layers.count("base64") < 20


@given(st.text(alphabet=st.sampled_from("ABCDabcd0189+/_-="), max_size=300))
def test_it_never_raises(text: str) -> None:
    assert decoded(text) is None or isinstance(decoded(text), Decoded)
