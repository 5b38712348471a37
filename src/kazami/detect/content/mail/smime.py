"""Signed, compressed and encrypted mails (S/MIME 4.0, RFC 8551; CMS, RFC 5652): what is signed as a whole lies inside the signature.

Signatures are not verified here. What is encrypted needs a key that is not here, and is told as not looked at.
"""

from __future__ import annotations

import zlib

from kazami.detect.content.container.members import MEANINGS
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

__all__ = ["MEANINGS", "NEEDS", "analyze", "confidence"]

NEEDS = {"asn1crypto": "mails inside of a signature (S/MIME)"}

_CMS = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07"
_COMPRESSED = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09"


def confidence(head: bytes, name: str) -> float:
    """Begins as the containers of CMS do."""
    return 1.0 if head[:1] == b"0" and (_CMS in head[:24] or _COMPRESSED in head[:28]) else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What was signed or compressed."""
    from asn1crypto import cms

    try:
        info = cms.ContentInfo.load(data)
        what = str(info["content_type"].native)
        if what not in ("signed_data", "compressed_data"):
            if "enveloped" in what or what == "encrypted_data":
                locked = Gap("password", "encrypted to a key that is not here")
                return Analysis((Feature("container.encrypted", "S/MIME"),), gaps=(locked,))
            return Analysis()
        content = info["content"]["encap_content_info"]["content"].native
    except (ValueError, TypeError, KeyError) as error:
        return Analysis(gaps=(Gap("error", f"its structure cannot be read ({type(error).__name__})"),))
    if not isinstance(content, bytes) or not content:
        return Analysis()  # the signature lies beside what it signs
    if what == "compressed_data":
        return _unpacked(content, scope)
    return Analysis((), (Child("signed.eml", content, relation="decoded"),))


def _unpacked(content: bytes, scope: Scope) -> Analysis:
    unpack = zlib.decompressobj()
    try:
        plain = unpack.decompress(content, scope.limits.stream)
    except zlib.error:
        return Analysis(gaps=(Gap("error", "its content cannot be decompressed"),))
    gaps = (Gap("limit", f"only the first {len(plain):,} bytes looked at"),) if unpack.unconsumed_tail else ()
    return Analysis((), (Child("compressed.eml", plain, relation="decoded"),), gaps)
