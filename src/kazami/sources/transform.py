"""What mappings call by name: functions that make one text of the texts of one or several fields.

A text is None where its field is null or absent; None as a result says that there is no such fact.
"""

from __future__ import annotations

from collections.abc import Callable

from kazami.sources.actor import account, guid, integrity, logon_id, security_id, somebody
from kazami.sources.message import CONTEXT, SETTINGS, context_field, labeled, line_field
from kazami.sources.number import (
    Text,
    capital,
    decimal,
    flag,
    hashes,
    hexadecimal,
    initiated,
    is_ipv6,
    keywords,
    level,
    one_hash,
    protocol,
)
from kazami.sources.path import (
    device_pipe,
    drive,
    file_path,
    pipe,
    registry,
    registry_details,
    share_file,
    url_host,
)

_NAMED: tuple[Callable[..., Text], ...] = (
    account, capital, decimal, device_pipe, drive, file_path, flag, guid, hashes, hexadecimal, initiated, integrity,
    is_ipv6, keywords, level, logon_id, pipe, protocol, registry, registry_details, security_id, share_file, somebody,
    url_host,
)  # fmt: skip

#: All transforms by the name that a mapping uses.
TRANSFORMS: dict[str, Callable[..., Text]] = {
    **{function.__name__: function for function in _NAMED},
    **{algorithm: one_hash(algorithm) for algorithm in ("md5", "sha1", "sha256", "imphash")},
    **{f"context.{name}": context_field(name) for name in CONTEXT},
    **{f"line.{name}": line_field(name) for name in SETTINGS},
    **{f"label.{name}": labeled(name) for name in ("EventType", "RuleName", "UtcTime", "User")},
}
