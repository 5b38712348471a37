"""Encrypted Office documents, opened with Excel's default password and with words found in the submission.

VelvetSweatshop opens a workbook without asking, which is why malicious ones are encrypted with it: no scanner that does not try it sees inside.
"""

from __future__ import annotations

import io
from typing import Any

from kazami.archive.stream import reason
from kazami.detect.content.container.members import passwords
from kazami.detect.content.identify import kind
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

MEANINGS = meanings(__file__)
NEEDS = {"msoffcrypto": "what is inside encrypted Office documents"}

_DEFAULT = "VelvetSweatshop"
_TRIED = 12  # a wrong one costs up to a quarter of a second
KINDS = frozenset(("encrypted_office", "doc", "xls", "ppt"))


def confidence(head: bytes, name: str) -> float:
    """Begins as OLE storages do, in which encrypted documents lie."""
    return 0.9 if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """The document itself as a child, where a password opens it."""
    if (scope.kind or kind(data)) not in KINDS:
        return Analysis()
    import msoffcrypto
    from msoffcrypto.exceptions import FileFormatError

    try:
        document: Any = msoffcrypto.OfficeFile(io.BytesIO(data))
        if not document.is_encrypted():
            return Analysis()
    except FileFormatError as error:
        if scope.kind == "encrypted_office":
            return Analysis(gaps=(Gap("error", reason(error)),))
        return Analysis()  # an old or odd document, which is not encrypted as far as it can be read
    tried = (_DEFAULT, *passwords(scope, customary=1))[:_TRIED]
    faults: set[str] = set()
    for password in tried:
        opened = _opened(data, password, faults)
        if opened:
            return _told(opened, password, scope)
    why = f"encrypted, and none of {len(tried)} passwords opens it"
    odd = tuple(Gap("error", fault) for fault in sorted(faults))
    return Analysis((Feature("office.encrypted", ""),), gaps=(Gap("password", why), *odd))


def _told(opened: bytes, password: str, scope: Scope) -> Analysis:
    default = password == _DEFAULT
    feature = Feature("office.default_password" if default else "office.opened_with_password", password)
    return Analysis((feature,), (Child(f"decrypted {scope.name}".strip(), opened, relation="decoded"),))


def _opened(data: bytes, password: str, faults: set[str]) -> bytes:
    """The document that `password` opens, or b"". What is not a wrong password is noted."""
    import msoffcrypto
    from msoffcrypto.exceptions import DecryptionError, InvalidKeyError

    try:
        document: Any = msoffcrypto.OfficeFile(io.BytesIO(data))
        document.load_key(password=password)
        out = io.BytesIO()
        document.decrypt(out)
    except (InvalidKeyError, DecryptionError):
        return b""
    except Exception as error:  # noqa: BLE001 - parsers of hostile bytes raise anything, and a wrong key looks like that too
        faults.add(reason(error))
        return b""
    found = out.getvalue()
    return found if found[:4] == b"PK\x03\x04" or found[:8] == data[:8] else b""
