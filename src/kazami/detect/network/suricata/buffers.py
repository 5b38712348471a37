"""The buffers that rules may ask for: their names, whose they are, in which direction, and how old rules call them."""

from __future__ import annotations

from typing import NamedTuple

CLIENT, SERVER, BOTH = (0,), (1,), (0, 1)


class Buffer(NamedTuple):
    """`application` fills it, "" for what every packet has; `sides` are the directions; `many` values are each looked at."""

    application: str
    sides: tuple[int, ...]
    many: bool = False


def _all(application: str, sides: tuple[int, ...], names: str, many: bool = False) -> dict[str, Buffer]:
    return {name: Buffer(application, sides, many) for name in names.split()}


BUFFERS: dict[str, Buffer] = {
    **_all("", BOTH, "tcp.hdr udp.hdr ipv4.hdr ipv6.hdr icmpv4.hdr icmpv6.hdr"),
    **_all("http", CLIENT, "http.uri http.uri.raw http.method http.user_agent http.host http.host.raw http.request_body "
                           "http.request_line http.accept http.accept_enc http.accept_lang http.referer"),
    **_all("http", SERVER, "http.response_body http.stat_code http.stat_msg http.response_line http.server http.location"),
    **_all("http", BOTH, "http.header http.header.raw http.header_names http.cookie http.content_type http.content_len "
                         "http.connection http.protocol http.start"),
    **_all("http", CLIENT, "http.request_header", many=True), **_all("http", SERVER, "http.response_header", many=True),
    **_all("file", BOTH, "file.data", many=True), **_all("file", BOTH, "file.name", many=True),
    **_all("dns", CLIENT, "dns.query", many=True),
    **_all("dns", BOTH, "dns.queries.rrname", many=True),
    **_all("dns", BOTH, "dns.answers.rrname dns.authorities.rrname dns.additionals.rrname", many=True),
    **_all("dns", SERVER, "dns.response.rrname", many=True),
    **_all("tls", CLIENT, "tls.sni ja3.hash ja3.string ja4.hash"),
    **_all("tls", SERVER, "tls.cert_subject tls.cert_issuer tls.cert_serial tls.cert_fingerprint ja3s.hash ja3s.string"),
    **_all("tls", BOTH, "tls.random tls.random_time tls.random_bytes"),
    **_all("tls", SERVER, "tls.certs tls.subjectaltname", many=True),
    **_all("tls", BOTH, "tls.alpn", many=True),
    **_all("ssh", BOTH, "ssh.proto ssh.software"),
    **_all("ssh", CLIENT, "ssh.hassh ssh.hassh.string"), **_all("ssh", SERVER, "ssh.hassh.server ssh.hassh.server.string"),
    **_all("smb", CLIENT, "smb.named_pipe smb.share smb.ntlmssp_user smb.ntlmssp_domain"),
    **_all("dcerpc", BOTH, "dcerpc.stub_data"),
    **_all("krb5", SERVER, "krb5.cname krb5.sname", many=True),
    **_all("ftp", CLIENT, "ftp.command ftp.command_data"),
    **_all("ftp", SERVER, "ftp.reply ftp.completion_code", many=True),
    **_all("smtp", CLIENT, "smtp.helo smtp.mail_from email.from email.subject email.date email.message_id email.x_mailer"),
    **_all("smtp", CLIENT, "smtp.rcpt_to email.received email.to email.cc", many=True),
}  # fmt: skip

#: Sticky buffers by other names.
ALIASES: dict[str, str] = {
    "file_data": "file.data", "dns_query": "dns.query", "tls_sni": "tls.sni", "ja3_hash": "ja3.hash", "ja3_string": "ja3.string",
    "tls_cert_subject": "tls.cert_subject", "tls_cert_issuer": "tls.cert_issuer", "tls_cert_serial": "tls.cert_serial",
    "tls_cert_fingerprint": "tls.cert_fingerprint", "tls.cert_sha1": "tls.cert_fingerprint", "ssh_proto": "ssh.proto",
    "ssh_software": "ssh.software", "smb_named_pipe": "smb.named_pipe", "smb_share": "smb.share", "ja3s_hash": "ja3s.hash",
    "dce_stub_data": "dcerpc.stub_data", "dns.query.name": "dns.queries.rrname", "dns.answer.name": "dns.answers.rrname",
    "tls.subject_alt_name": "tls.subjectaltname", "ipv4.header": "ipv4.hdr", "krb5_cname": "krb5.cname",
    "krb5_sname": "krb5.sname", "ja4.hash": "ja4.hash", "http.content-type": "http.content_type",
    "http_request_line": "http.request_line", "http_response_line": "http.response_line", "http_header_names": "http.header_names",
    "http_protocol": "http.protocol", "http_start": "http.start", "http_accept": "http.accept", "http_accept_enc": "http.accept_enc",
    "http_accept_lang": "http.accept_lang", "http_referer": "http.referer", "http_connection": "http.connection",
    "http_content_type": "http.content_type", "http_content_len": "http.content_len", "http_server": "http.server",
    "http_location": "http.location",
}  # fmt: skip

#: Modifiers of the content before them.
MODIFIERS: dict[str, str] = {
    "http_uri": "http.uri", "http_raw_uri": "http.uri.raw", "http_method": "http.method", "http_header": "http.header",
    "http_raw_header": "http.header.raw", "http_cookie": "http.cookie", "http_user_agent": "http.user_agent",
    "http_host": "http.host", "http_raw_host": "http.host.raw", "http_client_body": "http.request_body",
    "http_server_body": "http.response_body", "http_stat_code": "http.stat_code", "http_stat_msg": "http.stat_msg",
}  # fmt: skip

#: Letters of pcre and the buffers that they name.
LETTERS: dict[str, str] = {
    "U": "http.uri", "I": "http.uri.raw", "P": "http.request_body", "Q": "http.response_body", "H": "http.header",
    "D": "http.header.raw", "M": "http.method", "C": "http.cookie", "S": "http.stat_code", "Y": "http.stat_msg",
    "V": "http.user_agent", "W": "http.host", "Z": "http.host.raw", "B": "payload",
}  # fmt: skip
