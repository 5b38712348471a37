"""Authenticode signatures of PE files, verified offline: digest, signature, chain, purpose, stamped time.

asn1crypto reads the structure, cryptography verifies. LIEF would verify too, but dies on changed signatures (1.0.0); a status of "OK"
there also says nothing of trust.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import algos, cms, core, tsp
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import NameOID

from kazami.detect.content.executable.trust import Chain, Roots, name, quiet, signs_code, verified

_INDIRECT = "1.3.6.1.4.1.311.2.1.4"
_NESTED = 4  # signatures inside a signature that are looked at
_CARRIED = 40  # certificates
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303 - what was signed with it is verified with it; trust is another question
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature. `of_these_bytes` is the digest, `holds` the signature over it; `stamped` is the time that was stamped beside it."""

    organization: str
    common_name: str
    algorithm: str
    of_these_bytes: bool
    holds: bool
    chain: Chain
    signs_code: bool
    begins: datetime
    ends: datetime
    stamped: datetime | None

    @property
    def good(self) -> bool:
        """Of these bytes, by who it says, below a known root, for code."""
        return self.of_these_bytes and self.holds and self.chain.end == "root" and self.signs_code

    @property
    def signer(self) -> str:
        """Organization, else common name."""
        return self.organization or self.common_name


class _Attribute(core.Sequence):  # type: ignore[misc]
    _fields = [("type", core.ObjectIdentifier), ("value", core.Any, {"optional": True})]  # noqa: RUF012


class _Indirect(core.Sequence):  # type: ignore[misc]
    """SpcIndirectDataContent."""

    _fields = [("data", _Attribute), ("message_digest", algos.DigestInfo)]  # noqa: RUF012


def signatures(der: bytes, digest: Callable[[str], bytes], roots: Roots) -> list[Signature]:
    """All signatures in one entry of the table, the outer one first. Raises ValueError where it cannot be read."""
    found: list[Signature] = []
    waiting = [cms.ContentInfo.load(der)]
    while waiting and len(found) < _NESTED:
        content = waiting.pop(0)
        if content["content_type"].native != "signed_data":
            raise ValueError("not signed data")
        signed = content["content"]
        for info in list(signed["signer_infos"])[:_NESTED]:
            found.append(_signature(signed, info, digest, roots))
            waiting += list(_unsigned(info, "microsoft_nested_signature"))[:_NESTED]
    if not found:
        raise ValueError("nobody signed")
    return found


def _signature(signed: Any, info: Any, digest: Callable[[str], bytes], roots: Roots) -> Signature:
    carried = [choice.chosen for choice in list(signed["certificates"])[:_CARRIED]]
    own = next((one for one in carried if _is_of(info["sid"], one)), None)
    if own is None:
        raise ValueError("the signer's certificate is not carried")
    if signed["encap_content_info"]["content_type"].dotted != _INDIRECT:
        raise ValueError("signed is something else than a program")
    indirect = signed["encap_content_info"]["content"].parse(_Indirect)
    algorithm = indirect["message_digest"]["digest_algorithm"]["algorithm"].native
    with quiet():
        leaf = x509.load_der_x509_certificate(own.dump())
        others = _loaded(one.dump() for one in carried if one is not own)
        return Signature(
            organization=name(leaf, NameOID.ORGANIZATION_NAME),
            common_name=name(leaf, NameOID.COMMON_NAME),
            algorithm=algorithm,
            of_these_bytes=hmac.compare_digest(
                digest(algorithm), indirect["message_digest"]["digest"].native
            ),
            holds=_holds(info, indirect.contents, leaf),
            chain=roots.chain(leaf, others),
            signs_code=signs_code(leaf),
            begins=leaf.not_valid_before_utc,
            ends=leaf.not_valid_after_utc,
            stamped=_stamped(info),
        )


def _loaded(every: Any) -> Sequence[x509.Certificate]:
    """Certificates that can be read: of one that cannot, no chain leads on."""
    found = []
    for der in every:
        try:
            found.append(x509.load_der_x509_certificate(der))
        except ValueError:
            continue
    return found


def _is_of(sid: Any, certificate: Any) -> bool:
    if sid.name != "issuer_and_serial_number":
        return bool(certificate.key_identifier == sid.native)
    return bool(
        certificate.serial_number == sid.chosen["serial_number"].native
        and certificate.issuer.dump() == sid.chosen["issuer"].dump()
    )


def _holds(info: Any, content: bytes, leaf: x509.Certificate) -> bool:
    """Whether the signer's key signed this content, by its digest among the signed attributes."""
    algorithm = _HASHES.get(info["digest_algorithm"]["algorithm"].native)
    if algorithm is None:
        return False
    told = next((a["values"][0].native for a in info["signed_attrs"] if a["type"].native == "message_digest"), None)  # fmt: skip
    digest = hashes.Hash(algorithm)
    digest.update(content)
    if not isinstance(told, bytes) or not hmac.compare_digest(told, digest.finalize()):
        return False
    # Inside the message the set has a tag of its place; signed is the set itself (RFC 5652, 5.4).
    message = b"\x31" + info["signed_attrs"].dump()[1:]
    probabilistic = info["signature_algorithm"]["algorithm"].native == "rsassa_pss"
    filled = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO) if probabilistic else padding.PKCS1v15()
    try:
        return verified(leaf.public_key(), info["signature"].native, message, algorithm, filled)
    except (ValueError, UnsupportedAlgorithm):
        return False


def _unsigned(info: Any, kind: str) -> Any:
    for attribute in info["unsigned_attrs"] or ():
        if attribute["type"].native == kind:
            yield from attribute["values"]


def _stamped(info: Any) -> datetime | None:
    """The time in a countersignature (PKCS #9) or a time stamp (RFC 3161). It is read, not verified."""
    for other in _unsigned(info, "counter_signature"):
        for attribute in other["signed_attrs"] or ():
            if attribute["type"].native == "signing_time":
                return _time(attribute["values"][0].native)
    for token in _unsigned(info, "microsoft_time_stamp_token"):
        content = token["content"]["encap_content_info"]["content"]
        return _time(tsp.TSTInfo.load(bytes(content.native if isinstance(content.native, bytes) else content.contents))["gen_time"].native)  # fmt: skip
    return None


def _time(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) else None
