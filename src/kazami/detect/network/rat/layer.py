"""What a conversation carries: behind a request to a proxy (CONNECT, SOCKS), and request by request of HTTP.

A tool that finds a proxy on its way says the same behind it as it says without: recognisers look at both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kazami.detect.network.rat.proof import Conversation, http_body
from kazami.wire import socks

#: Proxies one behind the other, and requests of one connection, that are looked at.
MAX_PROXIES, MAX_REQUESTS = 3, 16

_METHOD = re.compile(rb"(?:GET|POST|HEAD|PUT) ")
_SAYS = re.compile(rb"POST |[A-Z]+ [^\r\n]+\r\n(?:[^\r\n]+\r\n)*?Cookie:", re.I)
_TOLD, _CHUNKED = (
    re.compile(rb"\ncontent-length: *(\d{1,9})\b", re.I),
    re.compile(rb"\ntransfer-encoding:", re.I),
)


class Layer(NamedTuple):
    """A conversation, how many bytes of client and server lie before it, behind what it was, and which request of HTTP it is."""

    said: Conversation
    client: int = 0
    server: int = 0
    behind: str = ""
    request: int = 0


def layers(conversation: Conversation) -> Iterator[Layer]:
    """The conversation, what is behind its proxies, and further requests of the innermost."""
    layer = Layer(conversation)
    yield layer
    for _ in range(MAX_PROXIES):
        inner = _behind(layer)
        if inner is None:
            break
        layer = inner
        yield layer
    yield from _requests(layer)


def _behind(layer: Layer) -> Layer | None:
    """What a proxy passes on; None where there is none, or nothing behind it."""
    said = layer.said
    if said.client.startswith(b"CONNECT "):
        near, far = http_body(said.client), http_body(said.server)
        name, places = "CONNECT", (near[1] if near else 0, far[1] if far else 0)
    elif said.protocol == "tcp" and socks.is_socks(said.client, said.server):
        name, places = "SOCKS", socks.parse(said.client, said.server)[1:]
    else:
        return None
    if not all(places):
        return None
    inner = said.after(*places)
    if not inner.client and not inner.server:
        return None
    behind = f"{layer.behind}, {name}" if layer.behind else name
    return Layer(inner, layer.client + places[0], layer.server + places[1], behind)


def _requests(layer: Layer) -> Iterator[Layer]:
    """Requests behind the first that have a body or cookies, each with the answers from its own on, as far as their lengths are told."""
    for number in range(2, MAX_REQUESTS + 1):
        client, server = layer.said.client, layer.said.server
        near = _length(client) if _METHOD.match(client) else 0
        if not near or near >= len(client):
            return
        far = _length(server) or len(server)
        layer = Layer(
            layer.said.after(near, far), layer.client + near, layer.server + far, layer.behind, number
        )
        if _SAYS.match(layer.said.client):
            yield layer


def _length(data: bytes) -> int:
    """Bytes of the message of HTTP that `data` begins with; 0 where its length is not told."""
    found = http_body(data)
    if found is None or _CHUNKED.search(found[0]):
        return 0
    told = _TOLD.search(found[0])
    return found[1] + (int(told[1]) if told else 0)
