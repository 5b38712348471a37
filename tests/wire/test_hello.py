"""Hello messages of TLS, and fingerprints of them."""

from __future__ import annotations

import hashlib

import capture_writer as made
from kazami.sources.network.capture.application.tls import messages
from kazami.wire import hello


def short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def test_fingerprints() -> None:
    asked = hello.hello(messages(made.hello())[0][1], client=True)
    assert hello.ja3(asked) == "771,4865-49199,0-10-11-13-16-43,29-23,0"
    head, ciphers, extensions = hello.ja4(asked).split("_")
    assert head == "t13d0206h2"
    assert ciphers == short("1301,c02f")
    assert extensions == short("000a,000b,000d,002b_0403,0804")


def test_grease_is_in_no_fingerprint() -> None:
    said = hello.Hello(0x0303, ciphers=[0x0A0A, 0x1301], extensions=[0xFAFA, 0], versions=[0x7A7A, 0x0304])
    assert hello.ja3(said) == "771,4865,0,,"
    assert hello.ja3s(said) == "771,4865,0"
    assert hello.ja4(said).startswith("t13d010100_")


def test_a_cut_hello_says_what_is_there() -> None:
    whole = messages(made.hello())[0][1]
    asked = hello.hello(whole, client=True)
    assert asked.name == b"x.example"
    assert len(asked.random) == 32
    for size in range(len(whole)):
        said = hello.hello(whole[:size], client=True)
        assert said.ciphers in ([], asked.ciphers)
        assert asked.extensions[: len(said.extensions)] == said.extensions
