"""Compressed streams: gzip, bzip2, xz, Zstandard, and the bare deflate of zip members.

Decoders are generators over ``read(count) -> bytes``. Each gives everything that can be decoded before it
raises, and takes streams one after another in one file, as ``cat a.gz b.gz`` makes them. Input goes in
by small pieces, so that no piece of output can be large, whatever the ratio.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from kazami.archive.stream import PIECE

Read = Callable[[int], bytes]

_INPUT = 1 << 16  # bytes that zlib, which bounds its output, takes at once
_SMALL = 1 << 9  # bytes for decoders which do not: four bytes may become 128 KiB
_STEP = 1 << 14  # bytes of output at a time, where what a failing call would have given is lost
_SKIPPABLE = tuple(
    bytes((n,)) + b"\x2a\x4d\x18" for n in range(0x50, 0x60)
)  # frames of Zstandard without content
_XZ_MEMORY = 256 << 20  # bytes; xz -9 wants 65 MiB


def gunzip(read: Read) -> Iterator[bytes]:
    """RFC 1952, any number of members; raises EOFError, zlib.error, ValueError."""
    return _streams(read, lambda: zlib.decompressobj(31), _inflate_piece, _INPUT, (b"\x1f\x8b",))


def bunzip2(read: Read) -> Iterator[bytes]:
    """Raises EOFError, OSError, ValueError."""
    return _streams(read, bz2.BZ2Decompressor, _bounded_piece, _INPUT, (b"BZh",))


def unxz(read: Read) -> Iterator[bytes]:
    """Raises EOFError, lzma.LZMAError, ValueError."""
    return _streams(
        read,
        lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY),
        _bounded_piece,
        _SMALL,
        (b"\xfd7zXZ",),
    )


def unzstd(read: Read) -> Iterator[bytes]:
    """RFC 8878 with windows up to 128 MiB; raises EOFError, zstandard.ZstdError, ValueError."""
    import zstandard

    whole = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    return _streams(read, whole.decompressobj, _unbounded_piece, _SMALL, (b"\x28\xb5\x2f\xfd", *_SKIPPABLE))


def inflate(read: Read) -> Iterator[bytes]:
    """RFC 1951, one stream, as in zip; raises EOFError, zlib.error."""
    return _streams(read, lambda: zlib.decompressobj(-15), _inflate_piece, _INPUT, ())


def inflate64(read: Read) -> Iterator[bytes]:
    """Deflate64, which Windows writes for members above 2 GiB; raises EOFError, ValueError."""
    from inflate64 import Inflater

    decoder = Inflater()
    while not decoder.eof:
        piece = read(_SMALL)
        yield decoder.inflate(piece)
        if not piece and not decoder.eof:
            raise EOFError("ends too early")


def _streams(
    read: Read,
    new: Callable[[], Any],
    piece: Callable[[Any, bytes], Iterator[bytes]],
    size: int,
    magics: tuple[bytes, ...],
) -> Iterator[bytes]:
    """One compressed stream after another; `magics` begin a further one, none where there is but one."""
    decoder, data = new(), b""
    while True:
        data = data or read(size)
        if not data:
            raise EOFError("ends too early, in the middle of its compressed data")
        yield from piece(decoder, data)
        data = b""
        if not decoder.eof:
            continue
        data = decoder.unused_data
        if not magics:
            return
        data = _past_padding(data, read, size)
        if not data:
            return
        if not data.startswith(tuple(m[: len(data)] for m in magics)):
            raise ValueError("other bytes follow the end of the compressed data")
        decoder = new()


def _past_padding(data: bytes, read: Read, size: int) -> bytes:
    """What follows the zeros that tapes and xz put between streams, or the line end that a careless copy adds."""
    while not (data := data.lstrip(b"\0\r\n\t ")):
        data = read(size)
        if not data:
            return b""
    return data


def _inflate_piece(decoder: Any, data: bytes) -> Iterator[bytes]:
    full = True
    while full and not decoder.eof:
        before = decoder.copy()
        try:
            out = decoder.decompress(data, PIECE)
        except zlib.error:
            yield from _byte_by_byte(before, data)
            raise
        yield out
        data, full = decoder.unconsumed_tail, len(out) == PIECE


def _byte_by_byte(decoder: Any, data: bytes) -> Iterator[bytes]:
    """What can be decoded of `data` up to the very byte that cannot: zlib gives back nothing of a failed call."""
    good = bytearray()
    try:
        for i in range(len(data)):
            good += decoder.decompress(data[i : i + 1])
    except zlib.error:
        yield bytes(good)


def _bounded_piece(decoder: Any, data: bytes) -> Iterator[bytes]:
    yield decoder.decompress(data, _STEP)
    while not decoder.needs_input and not decoder.eof:
        yield decoder.decompress(b"", _STEP)


def _unbounded_piece(decoder: Any, data: bytes) -> Iterator[bytes]:
    yield decoder.decompress(data)


#: Decoders of containers that hold one compressed stream.
DECODERS: dict[str, Callable[[Read], Iterator[bytes]]] = {
    "gz": gunzip,
    "bz2": bunzip2,
    "xz": unxz,
    "zst": unzstd,
}
