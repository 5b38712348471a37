"""Signatures (Ed25519, RFC 8032) with a key of its own, which no mail account of the provider's gives away.

The private key lies in a file that only its owner reads; the public one beside it, as ``.pub``, is handed to tenants on paper
or in person, before it is needed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from kazami.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def default_key() -> Path:
    """Where the key is, where nobody says otherwise; not in the case, which may be handed on."""
    return Path(platformdirs.user_data_dir("kazami")) / "notice-key"


class Signer:
    """Signs with the key in `path`, which is made where there is none. Raises UsageError where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._key = _load(path) if path.exists() else _make(path)

    @property
    def public(self) -> str:
        """The public key, as 64 hex digits."""
        return self._key.public_key().public_bytes_raw().hex()

    def sign(self, content: bytes) -> str:
        """The signature, as 128 hex digits."""
        return self._key.sign(content).hex()


def verify(public: str, signature: str, content: bytes) -> bool:
    """Whether `signature` is that of the owner of `public` under `content`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _load(path: Path) -> Ed25519PrivateKey:
    kind = _kind()
    try:
        return kind.from_private_bytes(bytes.fromhex(path.read_text("ascii").strip()))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: holds no key to sign with: {error}") from error


def _make(path: Path) -> Ed25519PrivateKey:
    made = _kind().generate()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(made.private_bytes_raw().hex() + "\n")
        path.with_suffix(".pub").write_text(made.public_key().public_bytes_raw().hex() + "\n", "ascii")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    return made


def _kind() -> type[Ed25519PrivateKey]:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as error:
        raise UsageError("signing needs cryptography: pip install 'kazami[notify]'") from error
    return Ed25519PrivateKey
