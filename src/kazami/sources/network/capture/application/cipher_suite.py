"""Names of cipher suites and of elliptic curves, as IANA and Zeek write them."""

from __future__ import annotations

from functools import lru_cache

from kazami.sources import mapping

CURVES = {
    19: "secp192r1", 21: "secp224r1", 22: "secp256k1", 23: "secp256r1", 24: "secp384r1", 25: "secp521r1", 29: "x25519", 30: "x448",
    256: "ffdhe2048", 257: "ffdhe3072", 258: "ffdhe4096", 4588: "X25519MLKEM768", 25497: "X25519Kyber768Draft00",
}  # fmt: skip


@lru_cache(1024)
def name_of(number: int) -> str:
    """The name of a cipher suite."""
    name = mapping.load("network/cipher_suites.yml").get(number)
    return f"unknown-{number}" if name is None else f"TLS_{name}"
