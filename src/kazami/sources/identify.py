"""What a piece of evidence is, by its first bytes; its name is at most a tie-breaker inside a source."""

from __future__ import annotations

from collections.abc import Sequence

from kazami.plugins import Extension

#: Below this confidence of every source something is not evidence.
LEAST = 0.2

#: Below this confidence the mark of another format counts more.
HALF = 0.5

#: How files begin that a person may hand over and no source reads: offset, bytes, what it seems to be.
_SEEMS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"MZ", "a Windows program"),
    (0, b"\x00\x05\x16\x07", "what macOS keeps beside a file (AppleDouble)"),
    (0, b"\x7fELF", "a Linux program"),
    (0, b"\xcf\xfa\xed\xfe", "a macOS program"),
    (0, b"\xca\xfe\xba\xbe", "a Java class or macOS program"),
    (0, b"\x89PNG", "an image"),
    (0, b"\xff\xd8\xff", "an image"),
    (0, b"GIF8", "an image"),
    (0, b"BM", "an image"),
    (0, b"RIFF", "sound, video or an image"),
    (4, b"ftyp", "video"),
    (0, b"%PDF", "a PDF document, not read yet"),
    (0, b"{\\rtf", "an RTF document, not read yet"),
    (0, b"\xd0\xcf\x11\xe0", "an Office document or installer (OLE), not read yet"),
    (0, b"PK\x03\x04", "a document or program packed as zip, not read yet"),
    (4, b"LfLe", "an event log of Windows XP or 2003 (EVT), not read yet"),
    (0, b"LPKSHHRH", "a journal of systemd, not read yet (journalctl -o json makes it readable)"),
    (0, b"regf", "a registry hive, not read yet"),
    (0, b"FILE0", "a master file table, not read yet"),
    (4, b"SCCA", "a prefetch file, not read yet"),
    (0, b"MAM\x04", "a prefetch file, not read yet"),
    (0, b"L\0\0\0\x01\x14\x02\0", "a shortcut (LNK), not read yet"),
    (4, b"\xef\xcd\xab\x89", "an ESE database, not read yet"),
    (0, b"SQLite format 3", "an SQLite database, not read yet"),
    (0, b"PAR1", "a Parquet file, not read yet"),
    (0, b"Rar!\x1a\x07", "a RAR archive, not opened (pack it as zip or 7z)"),
    (0, b"MSCF", "a CAB archive, not opened (pack it as zip or 7z)"),
    (0, b"\x04\x22\x4d\x18", "an LZ4 file, not opened (use gz or zst)"),
    (0, b"\x1f\x9d", "a compress file (.Z), not opened (use gz)"),
    (0, b"EVF\x09", "a disk image (E01), not opened"),
    (0, b"KDMV", "a disk image (VMDK), not opened"),
    (0, b"vhdxfile", "a disk image (VHDX), not opened"),
    (32769, b"CD001", "a disk image (ISO 9660), not opened"),
    (510, b"\x55\xaa", "a disk image, not opened"),
    (0, b"PAGEDU", "a memory image, not read yet"),
    (0, b"-----BEGIN ", "a key or certificate"),
    (0, b"<!DOCTYPE html", "a web page"),
    (0, b"<html", "a web page"),
)


def identify(name: str, head: bytes, sources: Sequence[Extension]) -> tuple[str, str]:
    """The source that is surest of `head` (up to 64 KiB), and a note for people.

    The first of equals wins. Where no source is at least `LEAST` sure the name is "", and the note says what the
    evidence seems to be; the same where it is known to be something else and a source is but half sure. A source
    that fails here is named in the note; the others still count.
    """
    if not head:
        return "", "empty"
    best, sure, notes = "", LEAST, list[str]()
    for source in sources:
        if source.object is None:
            continue
        try:
            found = float(source.object.confidence(name, head))
        except Exception as error:  # noqa: BLE001 - a broken source must not hide the others
            notes.append(f"the source {source.name} failed to look at it: {type(error).__name__}: {error}")
            continue
        if found > sure or (found == sure and not best):
            best, sure = source.name, found
    if best and sure < HALF and _other(head):
        best = ""
    return best, "; ".join(notes if best else [f"not evidence: {seems(head)}", *notes])


def seems(head: bytes) -> str:
    """What something that no source reads seems to be."""
    if words := _other(head):
        return words
    if not head.strip(b"\0"):
        return "nothing but zeros"
    if b"\0" in head[:1024]:
        return "binary data of no known form"
    return "text of no known form"


def _other(head: bytes) -> str:
    """The format whose mark `head` carries, "" where it is none of these. Two letters mark nothing in a text."""
    binary = b"\0" in head[:1024]
    for offset, magic, words in _SEEMS:
        if head.startswith(magic, offset) and (binary or len(magic) > 2):
            return words
    return ""
