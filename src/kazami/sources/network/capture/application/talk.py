"""Which protocol the first bytes of a flow are, and the records in them: each protocol is asked in turn, whatever the port is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from kazami.sources.network.capture.application import (
    dcerpc,
    dnp3,
    dns,
    file,
    http,
    http2,
    kerberos,
    line,
    modbus,
    ntlm,
    plain,
    quic,
    rdp,
    smb,
    smb1,
    ssh,
    tls,
    x509,
)
from kazami.wire import socks

#: A log of Zeek, and its fields; ``#at`` is where in the client's bytes the record begins.
Record = tuple[str, dict[str, Any]]
Said = tuple[str, list[Record]]

_NONE: Said = ("", [])


#: Is given a file that passed whole, with its SHA-256.
Keep = Callable[[bytes, str], None]


class Talk(NamedTuple):
    """First bytes of both sides in their order, sizes of the first payloads, the responder's port, who keeps whole files; the
    originator's port (0 where it does not matter), whether what one side said alone is here to its end, and behind how many proxies this is."""

    client: bytes
    server: bytes
    port: int = 0
    sizes: tuple[list[int], list[int]] = ((), ())  # type: ignore[assignment]
    keep: Keep | None = None
    from_port: int = 0
    whole: bool = False
    depth: int = 0


#: Proxies behind proxies that are looked behind.
MAX_DEPTH = 4


def stream(talk: Talk) -> Said:
    """What a connection of TCP says."""
    client, server = talk.client, talk.server
    if not client:
        return _bare(talk)
    for applies, parse in _PARSERS.get(client[0], ()):
        if applies(client):
            return parse(talk)
    for greets, read in _GREETERS:
        if greets(client, server):
            return read(talk)
    return _plant(talk) or (_bare(talk) if not server else _server_only(server))


def _plant(talk: Talk) -> Said | None:
    """What controls machines, and what is known by name only."""
    client, server = talk.client, talk.server
    if modbus.is_modbus(client, server, talk.port):
        return "modbus", [("modbus", fields) for fields in modbus.parse(client, server)]
    if dnp3.is_dnp3(client):
        return "dnp3_tcp", [("dnp3", fields) for fields in dnp3.parse(client, server)]
    name = plain.stream(client, server)
    return (name, []) if name else None


def datagrams(talk: Talk) -> Said:
    """What the datagrams of a flow of UDP say, DNS aside."""
    client = talk.client
    if kerberos.is_datagram(client):
        pair = (
            kerberos.datagrams(data, sizes)
            for data, sizes in zip((client, talk.server), talk.sizes, strict=True)
        )
        return "krb", [("kerberos", fields) for fields in kerberos.parse(*pair)]
    if quic.is_quic(client):
        pieces = [
            [data for _, data in kerberos.datagrams(*side)]
            for side in zip((client, talk.server), talk.sizes, strict=True)
        ]
        fields, said = quic.parse(*pieces)
        records: list[Record] = [("quic", fields)] if fields else []
        return "quic", [*records, ("ssl", said)] if said else records
    return plain.datagrams(client or talk.server, talk.port), []


#: The port from which FTP sends files, where the server opens the connection.
_FTP_DATA = 20


def _bare(talk: Talk) -> Said:
    """A connection in which one side alone speaks: what it says may be a file, as on the second connection of FTP."""
    data = talk.client or talk.server
    kind = file.mime_type(data[:1024])
    if not data or kind in _TEXTS:
        return _server_only(talk.server)
    of_ftp = _FTP_DATA in (talk.port, talk.from_port)
    total = len(data) if talk.whole else None
    found = _file("FTP_DATA" if of_ftp else "TCP", talk, data, total, bool(talk.client))
    return "ftp-data" if of_ftp else "", [("files", found)]


def _file(
    source: str, talk: Talk, data: bytes, total: int | None, from_client: bool, name: str = ""
) -> dict[str, Any]:
    """Fields of a file that passed; who keeps files is given it where it is whole."""
    fields = file.fields_of(source, data, total, from_client)
    if talk.keep is not None and "sha256" in fields:
        talk.keep(data, fields["sha256"])
    return {**fields, "filename": name} if name else fields


def _server_only(server: bytes) -> Said:
    """What a server says where the client's side was not captured, or said nothing that is known."""
    if server[:4] == b"SSH-":
        return "ssh", [("ssh", ssh.parse(b"", server))]
    if server[:1] == b"\xff" and server[1:2] in (b"\xfb", b"\xfc", b"\xfd", b"\xfe"):
        return "telnet", []
    return _NONE


def _tls(talk: Talk) -> Said:
    return "ssl", secured(talk.client, talk.server)


def secured(client: bytes, server: bytes) -> list[Record]:
    """The records of TLS: the connection, and its certificates."""
    fields, chain = tls.parse(client, server)
    records: list[Record] = [("ssl", fields)]
    for number, certificate in enumerate(chain):
        known = x509.parse(certificate)
        records.append(("x509", {**known, "host_cert": number == 0, "client_cert": False}))
        kind = "application/x-x509-user-cert" if number == 0 else "application/x-x509-ca-cert"
        records.append(("files", {"#source": number, **_certificate_file(certificate, kind)}))
    return records


def _certificate_file(certificate: bytes, kind: str) -> dict[str, Any]:
    return file.fields_of("SSL", certificate, len(certificate), False, kind)


def _http(talk: Talk) -> Said:
    client, server = talk.client, talk.server
    found = http.parse(client, server)
    records: list[Record] = []
    for fields in found:
        records += _bodies(fields, talk)
        records.append(("http", fields))
    records += [("ntlm", fields) for fields in ntlm.parse(client, server, http=True)]
    ends = client.find(b"\r\n\r\n"), server.find(b"\r\n\r\n")
    connects = found and found[0]["method"] == "CONNECT" and min(ends) > 0
    if connects and not http.is_http(
        client[ends[0] + 4 :]
    ):  # requests in clear are among those that were found
        service, inner = _behind(talk, ends[0] + 4, ends[1] + 4)
        return f"http,{service}".rstrip(","), [*records, *inner]
    return "http", records


def _http2(talk: Talk) -> Said:
    return "http", [("http", fields) for fields in http2.parse(talk.client, talk.server)]


def _behind(talk: Talk, near: int, far: int, port: int = 0) -> Said:
    """What is said behind the request to a proxy and its answer, which end at these places."""
    client, server = talk.client[near:], talk.server[far:]
    if talk.depth >= MAX_DEPTH or not client:
        return _NONE
    service, records = stream(Talk(client, server, port, keep=talk.keep, depth=talk.depth + 1))
    for _, inner in records:
        if "#at" in inner:
            inner["#at"] += near
    return service, records


def _bodies(fields: dict[str, Any], talk: Talk) -> list[Record]:
    """Records of the files in a request and its answer."""
    records: list[Record] = []
    for mark, from_originator, kinds in (
        ("#sent", True, "orig_mime_types"),
        ("#got", False, "resp_mime_types"),
    ):
        body = fields.pop(mark, None)
        if body is None:
            continue
        whole = _file("HTTP", talk, body.data, body.total, from_originator, body.name)
        if body.name:
            fields.setdefault("orig_filenames" if from_originator else "resp_filenames", []).append(body.name)
        if "mime_type" in whole:
            fields.setdefault(kinds, [whole["mime_type"]])
        records.append(("files", {"#at": fields["#at"], "#source": len(records), **whole}))
    return records


def _ssh(talk: Talk) -> Said:
    return "ssh", [("ssh", ssh.parse(talk.client, talk.server))]


def _rdp(talk: Talk) -> Said:
    client, server = talk.client, talk.server
    records: list[Record] = [("rdp", rdp.parse(client, server))]
    inner = client[int.from_bytes(client[2:4]) :], server[int.from_bytes(server[2:4]) :]
    if tls.is_tls(inner[0]):
        return "rdp,ssl", [*records, *secured(*inner)]
    return "rdp", records


def _smb(talk: Talk) -> Said:
    client, server = talk.client, talk.server
    reader = smb1 if smb1.is_smb1(client) else smb
    if reader is smb1 and smb.is_smb(server):  # the client asked in version 1, and was answered in version 2
        client = client[4 + int.from_bytes(client[1:4]) :]
        reader = smb
    session = reader.parse(client, server)
    records: list[Record] = [("smb_mapping", fields) for fields in session.mappings]
    records += [("smb_files", fields) for fields in session.files]
    records += [("dce_rpc", fields) for pipe in session.pipes.values() for fields in pipe.calls()]
    for number, one in enumerate(session.contents.contents()):
        found = _file("SMB", talk, one.data, one.total, one.from_client, one.name)
        records.append(("files", {"#at": one.at, "#source": number, **found}))
    for fields in ntlm.parse(client, server):
        records.append(
            ("ntlm", fields if session.success is None else {**fields, "success": session.success})
        )
    return "smb", records


def _rpc(talk: Talk) -> Said:
    calls = [{"named_pipe": str(talk.port), **fields} for fields in dcerpc.parse(talk.client)]
    records: list[Record] = [("dce_rpc", fields) for fields in calls]
    return "dce_rpc", [*records, *(("ntlm", fields) for fields in ntlm.parse(talk.client, talk.server))]


def _kerberos(talk: Talk) -> Said:
    found = kerberos.parse(kerberos.messages(talk.client), kerberos.messages(talk.server))
    return "krb_tcp", [("kerberos", fields) for fields in found]


def _socks(talk: Talk) -> Said:
    fields, near, far = socks.parse(talk.client, talk.server)
    if not near:
        return "socks", [("socks", fields)]
    service, records = _behind(talk, near, far, fields.get("request_p", 0))
    return f"socks,{service}".rstrip(","), [("socks", fields), *records]


def _lines(path: str, read: Callable[[bytes, bytes], list[dict[str, Any]]]) -> Callable[[Talk], Said]:
    return lambda talk: (path, [(path, fields) for fields in read(talk.client, talk.server)])


def _smtp(talk: Talk) -> Said:
    records: list[Record] = []
    for number, fields in enumerate(line.smtp(talk.client, talk.server)):
        message: line.Message | None = fields.pop("#message", None)
        if message is not None and message.data:
            total = len(message.data) if message.whole else None
            found = _file("SMTP", talk, message.data, total, True) | {"mime_type": "message/rfc822"}
            records.append(("files", {"#at": message.at, "#source": number, **found}))
        records.append(("smtp", fields))
    return "smtp", records


def _names(talk: Talk) -> Said:
    """DNS on TCP: messages behind their lengths, answers by their number."""
    answers: dict[int, dict[str, Any]] = {}
    for _, message in _framed(talk.server):
        found = dns.parse(message)
        if found is not None and found[1]:
            answers.setdefault(found[0]["trans_id"], found[0])
    records: list[Record] = []
    for at, message in _framed(talk.client):
        found = dns.parse(message)
        if found is not None and not found[1]:
            records.append(("dns", {"#at": at, **found[0], **answers.get(found[0]["trans_id"], {})}))
    return ("dns", records) if records else _NONE


def _framed(data: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    at = 0
    while at + 14 <= len(data) and len(found) < 200:
        size = int.from_bytes(data[at : at + 2])
        found.append((at, data[at + 2 : at + 2 + size]))
        at += 2 + size
    return found


#: What is no file but what people and programs say.
_TEXTS = frozenset((None, "text/plain", "text/html", "application/json", "application/xml"))


def _is_dns(client: bytes) -> bool:
    return (
        len(client) >= 19
        and client[4:6] in (b"\x01\x00", b"\0\0", b"\x01\x20", b"\0\x20")
        and client[6:8] == b"\0\x01"
        and client[8:10] == b"\0\0"
    )


def _is_ssh(client: bytes) -> bool:
    return client[:4] == b"SSH-"


def _is_old_tls(client: bytes) -> bool:
    """A hello in the form of SSL 2 that offers TLS; its fields are not read, the server's are."""
    return len(client) > 11 and client[0] & 0x80 == 0x80 and client[2] == 1 and client[3] == 3


def _is_smb(client: bytes) -> bool:
    return smb.is_smb(client) or smb1.is_smb1(client)


_Parser = tuple[Callable[[bytes], bool], Callable[[Talk], Said]]
_LETTERS: tuple[_Parser, ...] = ((http2.is_http2, _http2), (http.is_http, _http), (_is_ssh, _ssh))

#: By the first byte of a client.
_PARSERS: dict[int, tuple[_Parser, ...]] = {
    **dict.fromkeys(range(ord("A"), ord("Z") + 1), _LETTERS),
    0x16: ((tls.is_tls, _tls),),
    0x00: ((_is_smb, _smb), (kerberos.is_kerberos, _kerberos), (_is_dns, _names)),
    0x01: ((_is_dns, _names),),
    0x03: ((rdp.is_rdp, _rdp),),
    0x05: ((dcerpc.is_rpc, _rpc),),
    0x80: ((_is_old_tls, _tls),),
}

#: By what both sides begin with.
_GREETERS: tuple[tuple[Callable[[bytes, bytes], bool], Callable[[Talk], Said]], ...] = (
    (socks.is_socks, _socks), (line.is_smtp, _smtp), (line.is_ftp, _lines("ftp", line.ftp)), (line.is_irc, _lines("irc", line.irc)),
)  # fmt: skip
