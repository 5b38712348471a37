"""DKIM with keys that the operator gives; nothing is asked of the network."""

from __future__ import annotations

import base64

import pytest

from kazami.detect.content.mail import analyze
from kazami.model.content import Scope
from mail_writer import eml

dkim = pytest.importorskip("dkim")


@pytest.fixture(scope="module")
def keys() -> tuple[bytes, str]:
    """A private key, and its record as it would stand in DNS."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


def said(data: bytes, record: str = "") -> set[str]:
    settings = {"mail.dkim_keys": (f"sel._domainkey.example.org={record}",)} if record else {}
    return {feature.name for feature in analyze(data, Scope(settings=settings)).features}


def test_a_signature_holds_and_a_changed_mail_does_not(keys: tuple[bytes, str]) -> None:
    private, record = keys
    data = eml("Anna <anna@example.org>", text="Pay the invoice to account 1.")
    signed = dkim.sign(data, b"sel", b"example.org", private, include_headers=[b"from", b"subject"]) + data
    assert said(signed, record) == {"mail.dkim_good"}
    assert said(signed.replace(b"account 1", b"account 2"), record) == {"mail.dkim_bad"}
    assert said(signed) == set()
    assert said(data, record) == set()
    assert said(signed, "v=DKIM1; k=rsa; p=") == set()
