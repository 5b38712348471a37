"""Application protocols: which one a flow speaks, and a parser for it."""

from __future__ import annotations

from collections.abc import Callable

from kazami.detect.network.suricata.app import ftp, http, krb5, smb, smtp, ssh, tls
from kazami.detect.network.suricata.app.dcerpc import Dcerpc, is_bind
from kazami.detect.network.suricata.app.dns import Dns, is_dns
from kazami.detect.network.suricata.app.parser import Exchange, Parser

__all__ = ["Exchange", "Parser", "datagrams", "streams"]

_Test = Callable[[tuple[int, int], int, bytes], bool]

_STREAMS: tuple[tuple[_Test, Callable[[], Parser]], ...] = (
    (lambda ports, side, data: http.is_request(data) if side == 0 else data.startswith(b"HTTP/"), http.Http),
    (lambda ports, side, data: tls.is_tls(data), tls.Tls),
    (lambda ports, side, data: data.startswith(b"SSH-"), ssh.Ssh),
    (lambda ports, side, data: smb.is_smb(data), smb.Smb),
    (lambda ports, side, data: smtp.is_smtp(ports, side, data), smtp.Smtp),
    (lambda ports, side, data: ftp.is_ftp(ports, side, data), ftp.Ftp),
    (lambda ports, side, data: is_bind(data), Dcerpc),
    (lambda ports, side, data: 53 in ports and is_dns(data[2:]), lambda: Dns(framed=True)),
    (lambda ports, side, data: 88 in ports and krb5.is_krb5(data[4:]), lambda: krb5.Krb5(framed=True)),
)


def streams(ports: tuple[int, int], side: int, data: bytes) -> Parser | None:
    """The parser for a connection by the first bytes of one side; None where they say nothing."""
    return next((make() for test, make in _STREAMS if test(ports, side, data)), None)


def datagrams(ports: tuple[int, int], data: bytes) -> Parser | None:
    """The parser for datagrams by the first of them."""
    if (53 in ports or 5353 in ports or 5355 in ports) and is_dns(data):
        return Dns()
    return krb5.Krb5() if 88 in ports and krb5.is_krb5(data) else None
