"""DKIM signatures (RFC 6376), verified with keys that the operator gives: nothing is asked of the network.

A key is written as its record stands in DNS, name first: ``sel._domainkey.example.jp=v=DKIM1; k=rsa; p=...`` (setting ``mail.dkim_keys``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kazami.model.content import Feature, Gap, Scope

_REVOKED = re.compile(r"\bp=\s*(?:;|$)")
_TAG = re.compile(rb"\b([ds])\s*=\s*([\w.-]+)")


def features(data: bytes, scope: Scope, gaps: list[Gap]) -> Iterator[Feature]:
    """What can be said of the signatures of a mail whose keys are known."""
    given = (key.partition("=")[::2] for key in scope.settings.get("mail.dkim_keys", ()))
    keys = {name.lower(): record for name, record in given if not _REVOKED.search(record)}
    if not keys or b"dkim-signature:" not in data[: 64 << 10].lower():
        return
    import dkim

    def answer(name: bytes, timeout: int = 5) -> bytes | None:
        found = keys.get(name.decode("ascii", "replace").rstrip(".").lower())
        return found.encode("ascii", "replace") if found is not None else None

    signer = dkim.DKIM(data)
    for number, header in enumerate(
        value for name, value in signer.headers if name.lower() == b"dkim-signature"
    ):
        tags = {key.decode(): value.decode("ascii", "replace") for key, value in _TAG.findall(header)}
        domain = f"{tags.get('s', '')}._domainkey.{tags.get('d', '')}".lower()
        if domain not in keys or number >= 5:
            continue
        try:
            good = signer.verify(idx=number, dnsfunc=answer)
        except dkim.DKIMException as error:
            if "body hash mismatch" in str(error):  # its words for a body that was changed
                yield Feature("mail.dkim_bad", tags.get("d", ""), "DKIM-Signature")
                continue
            gaps.append(Gap("error", f"DKIM: {error}"[:200], "DKIM-Signature"))
            continue
        yield Feature("mail.dkim_good" if good else "mail.dkim_bad", tags.get("d", ""), "DKIM-Signature")
