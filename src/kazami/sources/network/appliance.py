"""What firewalls, gateways, servers of names and of pages write in lines: pairs of key and value, Palo Alto's CSV, messages (`phrase`), access logs.

Lines with a header of syslog come from `kazami.sources.syslog`; this source reads files of lines without one. A connection becomes a `flow`; a question `dns`, a request `http`; a
session of a private network an event of the table `vpn`, whose `Action` is accepted, failed, assigned or closed. All other lines stay syslog, or pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kazami.model.evidence import Evidence
from kazami.sources.columns import Columns, reading
from kazami.sources.encoding import in_utf8
from kazami.sources.json_frames import first_lines, line_blocks
from kazami.sources.network import access_log, openvpn_status, pairs, paloalto, phrase, words
from kazami.sources.network.phrase import Said
from kazami.sources.network.session import Sessions
from kazami.sources.plan_cache import Names, hidden
from kazami.sources.syslog_line import parse

#: Characters of a line that are looked at.
MAX_LINE = 1 << 16

_PALOALTO = re.compile(
    r"[^,]{0,40},\d{4}/\d\d/\d\d \d\d:\d\d:\d\d,[^,]{0,40},(TRAFFIC|THREAT|GLOBALPROTECT|SYSTEM),"
)
_OWN = re.compile(
    r"(?:<\d{1,3}>)?(?:(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?: us=\d{1,6})? (?:- \S{1,64} - )?"
    r"|(\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d\.\d{3}) |\[(\d{9,11})\] (?=unbound\[)|\[([A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{6})? \d{4})\] (?=\[)|(\d{1,4}[/.]\d{1,2}[/.]\d{2,4} \d{1,2}:\d\d:\d\d(?: [AP]M)?) )?"
)
#: How logs of Windows' servers begin: with pages on what their columns mean.
_EXPLAINED = ("DNS Server log file creation", "Microsoft DHCP Service Activity Log")

#: Programs that write access logs by way of syslog, and those that write pairs.
_WEB = frozenset(("nginx", "apache", "apache2", "httpd", "lighttpd", "squid", "(squid-1)"))
_WRITERS = _WEB | {"checkpoint", "rt_flow", "rt_utm", "rt_idp"}


def said(
    program: str | None, message: str, data: str | None = None, identity: str | None = None
) -> Said | None:
    """What a message says, without its header of syslog; `program` is in lower case, `data` structured data, `identity` the kind of message. None where it is of no appliance."""
    if program is not None and program.isdecimal():
        program = None  # Cisco IOS counts its messages
    if program is not None and program not in _WRITERS and not phrase.is_known(program):
        if program[:1] != "%":
            return None
        message, program = f"{program.upper()}: {message}", None
    message = message[:MAX_LINE]
    if program in _WEB and (request := access_log.record(message)) is not None:
        return Said(*request)
    if (record := _PALOALTO.match(message)) is not None:
        return paloalto.said(message, record[1])
    quoted = (
        data is not None or message.count('="') >= 3
    )  # pairs for sure; else a message may hold some, as Linux' packet filter's do
    told = None if quoted else phrase.told(program, message)
    if told is not None and told.kind != "vpn":
        return told
    if found := pairs.read(data[1:-1] if data else message):
        if identity and program == "rt_flow":
            found["action"] = identity.removesuffix("_LS").rpartition("_")[2].lower()
        kind = pairs.kind_of(found)
        session = phrase.told(program, found.get("msg", "")) if kind == "vpn" else None
        return Said(kind, found | (session.fields if session else {}))
    return phrase.told(program, message) if quoted else told


def confidence(name: str, head: bytes) -> float:
    """By how many of the first lines are of appliances and have no header of syslog; status files of OpenVPN and logs of Windows' servers of names and leases are certain."""
    if b"\0" in head[:1024]:
        return 0.0
    if openvpn_status.is_status(head) or any(title.encode() in head[:64] for title in _EXPLAINED):
        return 1.0
    lines = head[:16384].decode("utf-8", "replace").split("\n")
    sample = [line for line in (lines[:-1] if len(head) > 16384 else lines) if line.strip()][:20]
    known = sum(parse(line) is None and _bare(line.rstrip("\r"))[1] is not None for line in sample)
    return 0.5 + 0.45 * known / len(sample) if sample and 4 * known > len(sample) else 0.0


def _bare(line: str) -> tuple[str | None, Said | None]:
    """Time as text, and what a line without a header of syslog says."""
    own = _OWN.match(line)
    if own is None:
        return None, None
    return own[own.lastindex] if own.lastindex else None, said(None, line[own.end() :])


class Lines:
    """What lines of one file say, on its way to the columns."""

    def __init__(self, columns: Columns) -> None:
        self._columns, self._names = columns, Names()
        sessions = Sessions(self._put)
        self.add, self.finish = sessions.take, sessions.finish

    def _put(self, found: Said, raw: str, number: int) -> None:
        fields = {name: value for name, value in found.fields.items() if value is not None}
        keys = hidden((*fields,), self._names.surplus(found.kind or "pairs", (*fields,)))
        plan = words.plan(found.kind, keys) if found.kind else words.plan_of(keys, fields)
        self._columns.add(plan or words.plan("appliance", keys), (*fields.values(),), raw, number)


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every line of `evidence`; yields the bytes read since the last time."""
    lines, status, explained = Lines(columns), openvpn_status.Status(), False
    with evidence.open() as stream:
        source = in_utf8(stream)
        for block in line_blocks(source, first_lines(source), columns.reject):
            for number, text in zip(block.numbers, block.texts, strict=True):
                line = text.rstrip("\r\0")
                told = status.take(line)
                if told:
                    lines.add(Said("vpn", told), line, number)
                elif told is None and line.strip():
                    time, found = _bare(line)
                    explained = found is None and (explained or line.strip().startswith(_EXPLAINED))
                    if explained:
                        continue  # what the server says of its own log
                    found = found or Said("appliance", {"message": line})
                    found.fields.setdefault("#time", time)
                    lines.add(found, line, number)
            yield block.size
    lines.finish()


read = reading(feed)
