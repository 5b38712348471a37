"""HTTP/1: requests and answers of a connection, their bodies without chunks and compression."""

from __future__ import annotations

import re
import zlib

from kazami.detect.network.suricata.app.http_message import Headers, Message, Transfer
from kazami.detect.network.suricata.app.parser import Exchange

#: Bytes of a head, and of a body, that are kept; what a body may become when it is unpacked; exchanges that wait for an answer.
MAX_HEAD, MAX_BODY, MAX_UNPACKED, MAX_WAITING = 65_536, 131_072, 1 << 20, 128

_END = re.compile(rb"\r?\n[ \t]*\r?\n")
_REQUEST = re.compile(rb"[A-Za-z][A-Za-z_-]{1,31}[ \t]+[^\r\n]{1,65536}?[ \t]+HTTP/\d\.\d[ \t]*\r?\n")
_START = re.compile(
    rb"(?:GET|POST|HEAD|PUT|OPTIONS|CONNECT|DELETE|PROPFIND|PATCH|TRACE|MKCOL|COPY|MOVE|LOCK|UNLOCK|SEARCH|REPORT|M-SEARCH)[ \t]"
)
_FILE = re.compile(rb"""filename\s*=\s*(?:"([^"]*)"|([^;\s]+))""", re.IGNORECASE)
_BOUNDARY = re.compile(rb"""boundary\s*=\s*(?:"([^"]+)"|([^;\s]+))""", re.IGNORECASE)


def is_request(data: bytes) -> bool:
    """Whether a client begins with a request."""
    return _START.match(data) is not None or _REQUEST.match(data[:4096]) is not None


class Http:
    """Follows one connection."""

    def __init__(self) -> None:
        self.name = "http"
        self.over = False
        self._buffers = [bytearray(), bytearray()]
        self._sides: list[_Body | None] = [None, None]
        self._waiting: list[Transfer] = []
        self._broken = [False, False]
        self._current: Transfer | None = None

    def feed(self, side: int, data: bytes) -> list[Exchange]:
        """Bytes that come next on one side."""
        if self._broken[side]:
            return []
        self._buffers[side] += data
        made: list[Exchange] = []
        while self._step(side, made):
            pass
        return made

    def gap(self, side: int) -> list[Exchange]:
        """Bytes are missing: what is there is looked at, and nothing behind it."""
        made = self._partial(side)
        self._broken[side] = True
        return made

    def finish(self) -> list[Exchange]:
        """What is not whole is looked at as it is."""
        return [one for side in (0, 1) for one in self._partial(side)]

    def _partial(self, side: int) -> list[Exchange]:
        made: list[Exchange] = []
        body = self._sides[side]
        if body is not None:
            self._whole(side, body, made)
        elif self._buffers[side] and not self._broken[side]:
            rest = bytes(self._buffers[side])
            self._buffers[side].clear()
            if b"\n" in rest and (message := _message(rest.rstrip(b"\r\n"), rest, side)) is not None:
                self._place(side, message)
                self._whole(side, _Body(message, side, 0, False), made)
        return made

    def _step(self, side: int, made: list[Exchange]) -> bool:
        buffer = self._buffers[side]
        body = self._sides[side]
        if body is None:
            return self._head(side, buffer, made)
        done = body.take(buffer)
        if done:
            self._whole(side, body, made)
            return bool(buffer)
        return False

    def _head(self, side: int, buffer: bytearray, made: list[Exchange]) -> bool:
        while buffer[:2] in (b"\r\n",) or buffer[:1] == b"\n":
            del buffer[: 2 if buffer[:1] == b"\r" else 1]
        if not buffer:
            return False
        end = _END.search(buffer)
        if end is None:
            if len(buffer) > MAX_HEAD:
                self._broken[side] = True
                buffer.clear()
            return False
        raw = bytes(buffer[: end.end()])
        message = _message(raw[: end.start()], raw, side)
        if message is None:
            self._broken[side] = True
            buffer.clear()
            return False
        del buffer[: end.end()]
        if side and message.words[1][:1] == b"1" and message.words[1] != b"101":
            return bool(buffer)
        self._place(side, message)
        self._sides[side] = self._body(side, message)
        if self._sides[side] is not None and self._sides[side].take(buffer):  # type: ignore[union-attr]
            self._whole(side, self._sides[side], made)  # type: ignore[arg-type]
            return bool(buffer)
        return False

    def _place(self, side: int, message: Message) -> None:
        if not side:
            if len(self._waiting) < MAX_WAITING:
                self._waiting.append(Transfer(message))
            return
        found = next((one for one in self._waiting if one.answer is None), None)
        if found is None:
            found = Transfer()
            self._waiting.append(found)
        found.answer = message
        self._current = found

    def _body(self, side: int, message: Message) -> _Body:
        chunked = b"chunked" in (message.header(b"transfer-encoding") or b"").lower()
        given = (message.header(b"content-length") or b"").split(b",")[0].strip()
        length = int(given) if given.isdigit() and len(given) < 16 else None
        if not side:
            return _Body(message, side, length or 0, chunked)
        request = self._current.request if self._current is not None else None
        none = message.words[1] in (b"204", b"304") or (request is not None and request.words[0] == b"HEAD")
        if none:
            return _Body(message, side, 0, False)
        if message.words[1] == b"101" or (request is not None and request.words[0] == b"CONNECT"):
            self._broken = [True, True]
            return _Body(message, side, 0, False)
        return _Body(message, side, length, chunked)

    def _whole(self, side: int, body: _Body, made: list[Exchange]) -> None:
        body.finish()
        self._sides[side] = None
        for at, one in enumerate(self._waiting):
            if (one.answer if side else one.request) is body.message:
                made.append((one, side))
                if side:
                    del self._waiting[: at + 1]
                return


class _Body:
    """A body that is on its way: of a known length, in chunks, or to the end of the connection."""

    def __init__(self, message: Message, side: int, length: int | None, chunked: bool) -> None:
        self.message, self._side = message, side
        self._left = length
        self._chunked = chunked
        self._chunk = -1  # bytes left of the present chunk; -1 before its size is known, -2 in the trailer
        self._data = bytearray()

    def take(self, buffer: bytearray) -> bool:
        """Take what is there; True when the body is whole."""
        if self._chunked:
            return self._chunks(buffer)
        if self._left is None:
            self._keep(buffer, len(buffer))
            return False
        size = min(self._left, len(buffer))
        self._keep(buffer, size)
        self._left -= size
        return self._left == 0

    def _keep(self, buffer: bytearray, size: int) -> None:
        room = MAX_BODY - len(self._data)
        if room > 0:
            self._data += buffer[: min(size, room)]
        del buffer[:size]

    def _chunks(self, buffer: bytearray) -> bool:
        while buffer:
            if self._chunk > 0:
                size = min(self._chunk, len(buffer))
                self._keep(buffer, size)
                self._chunk -= size
                continue
            end = buffer.find(b"\n")
            if end < 0:
                return len(buffer) > 4096
            line = bytes(buffer[:end]).strip()
            if self._chunk == -2:
                del buffer[: end + 1]
                if not line:
                    return True
                continue
            if not line:
                del buffer[: end + 1]
                continue
            try:
                self._chunk = int(line.partition(b";")[0].strip(), 16)
            except ValueError:
                self._chunked, self._left = False, None  # no chunk after all: all of it is the body
                return self.take(buffer)
            del buffer[: end + 1]
            if self._chunk == 0:
                self._chunk = -2
        return False

    def finish(self) -> None:
        """What came is the body, decompressed where the head says how."""
        data = bytes(self._data)
        message = self.message
        for coding in reversed((message.header(b"content-encoding") or b"").lower().split(b",")):
            data = _unpacked(data, coding.strip())
        message.body = data
        kind = message.header(b"content-type") or b""
        if not self._side and b"multipart/form-data" in kind.lower():
            boundary = _BOUNDARY.search(kind)
            if boundary is not None:
                message.parts = _files(data, boundary[1] or boundary[2] or b"")


def _unpacked(data: bytes, coding: bytes) -> bytes:
    if coding in (b"gzip", b"x-gzip"):
        return _inflate(data, zlib.MAX_WBITS | 32, data)
    if coding == b"deflate":
        return _inflate(data, zlib.MAX_WBITS, b"") or _inflate(data, -zlib.MAX_WBITS, data)
    return data


def _inflate(data: bytes, window: int, otherwise: bytes) -> bytes:
    made = bytearray()
    unpack = zlib.decompressobj(window)
    try:
        for at in range(0, len(data), 4096):
            made += unpack.decompress(data[at : at + 4096], MAX_UNPACKED - len(made))
            if len(made) >= MAX_UNPACKED:
                break
    except zlib.error:
        pass  # what came out before is looked at
    return bytes(made) or otherwise


def _files(data: bytes, boundary: bytes) -> list[tuple[bytes, bytes]]:
    files = []
    for part in data.split(b"--" + boundary)[1:65]:
        head, blank, content = part.partition(b"\r\n\r\n")
        found = _FILE.search(head)
        if blank and found is not None:
            files.append((found[1] or found[2] or b"", content.removesuffix(b"\r\n")))
    return files


def _message(head: bytes, raw: bytes, side: int) -> Message | None:
    first, _, rest = head.partition(b"\n")
    first = first.rstrip(b"\r")
    if side:
        parts = first.split(None, 2)
        if not parts or not parts[0].upper().startswith(b"HTTP/"):
            return None
        words = (parts[0], parts[1] if len(parts) > 1 else b"", parts[2] if len(parts) > 2 else b"")
    else:
        words = _request(first)
    block = raw[len(head.partition(b"\n")[0]) + 1 :]
    return Message(first, words, block, _headers(rest))


def _request(line: bytes) -> tuple[bytes, bytes, bytes]:
    """Method, URI and protocol: blanks inside the URI belong to it where a protocol stands behind them."""
    method, _, rest = line.lstrip().partition(b" ")
    rest = rest.strip()
    target, blank, protocol = rest.rpartition(b" ")
    if blank and protocol.upper().startswith(b"HTTP/"):
        return method, target.strip(), protocol
    return method, rest, b""


def _headers(block: bytes) -> Headers:
    headers: Headers = []
    for line in block.split(b"\n")[:256]:
        text = line.rstrip(b"\r")
        if text[:1] in (b" ", b"\t") and headers:
            name, value = headers[-1]
            headers[-1] = name, value + b" " + text.strip()
            continue
        name, colon, value = text.partition(b":")
        if colon:
            headers.append((name.strip(), value.strip()))
    return headers
