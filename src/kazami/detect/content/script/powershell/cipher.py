"""AES as PowerShell reaches it: secure strings under a key, and the ciphers of System.Security.Cryptography (NIST SP 800-38A).

What is hidden with a key that stands beside it is no secret. Needs the package ``cryptography``; without it such values stay unknown.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from kazami.detect.content.script.powershell.value import Thing, octets, text, whole
from kazami.detect.content.script.record import Unknown

if TYPE_CHECKING:
    from kazami.detect.content.script.powershell.machine import Machine

#: What ``ConvertFrom-SecureString -Key`` begins with.
_MARK = "76492d1116743f0423413b16050a5345"
_CLASSES = re.compile(r"(?:^|\.)(?:aes|aesmanaged|aescryptoserviceprovider|aescng|rijndael|rijndaelmanaged)$")


def decrypted(data: bytes, key: bytes, iv: bytes, mode: str = "cbc", padding: str = "pkcs7") -> bytes:
    """Plain bytes. Raises ValueError where key, length or padding is none."""
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError as error:
        raise ValueError("cryptography is not installed") from error
    way = modes.ECB() if mode == "ecb" else modes.CBC(iv)  # noqa: S305 - theirs, not ours
    decryptor = Cipher(algorithms.AES(key), way).decryptor()
    out = decryptor.update(data) + decryptor.finalize()
    if padding == "zeros":
        return out.rstrip(b"\0")
    if padding == "none":
        return out
    if not out or not 1 <= out[-1] <= 16:
        raise ValueError("a padding that is none")
    return out[: -out[-1]]


def secure(source: Any, key: Any) -> Any:
    """``ConvertTo-SecureString``: plain text as it is, encrypted text under `key`. Raises ValueError."""
    said = text(source).strip()
    if key is None:
        return Thing("secure", text=said)
    if isinstance(key, Unknown):
        return key
    body = said.removeprefix(_MARK)
    try:
        _, iv, data = base64.b64decode(body).decode("utf-16-le").split("|")
        plain = decrypted(bytes.fromhex(data), octets(key), base64.b64decode(iv))
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    return Thing("secure", text=plain.decode("utf-16-le", "replace"))


def made(name: str) -> Thing | None:
    """A cipher by the name of its class; None for another class."""
    return Thing("cipher", extra={"mode": "cbc", "padding": "pkcs7"}) if _CLASSES.search(name) else None


def put(cipher: Thing, name: str, value: Any) -> None:
    """A property: key, IV, mode, padding."""
    if isinstance(cipher.extra, dict):
        cipher.extra[name] = value


def decryptor(machine: Machine, cipher: Thing, given: list[Any]) -> Thing:
    """With key and IV given, or those that were set before."""
    settings = dict(cipher.extra)
    settings |= dict(zip(("key", "iv"), given, strict=False))
    return Thing("decryptor", extra=settings)


def transformed(machine: Machine, value: Thing, given: list[Any]) -> Any:
    """``TransformFinalBlock``. Raises ValueError where something is missing or does not fit."""
    settings = value.extra
    if any(isinstance(one, Unknown) for one in (*given, *settings.values())):
        return Unknown("deciphered")
    data = octets(given[0])
    if len(given) > 2:
        data = data[whole(given[1]) :][: whole(given[2])]
    machine.meter.room(len(data))
    mode, padding = (
        _word(settings["mode"], {"2": "ecb", "1": "cbc"}),
        _word(settings["padding"], {"1": "none", "2": "pkcs7", "3": "zeros"}),
    )
    return list(decrypted(data, octets(settings["key"]), octets(settings.get("iv")), mode, padding))


def _word(value: Any, numbers: dict[str, str]) -> str:
    word = text(value).lower()
    return numbers.get(word, word)
