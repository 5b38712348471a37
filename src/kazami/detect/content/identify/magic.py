"""Magic bytes at fixed places, and short looks at structure where two bytes are not enough."""

from __future__ import annotations

from collections.abc import Callable

#: How content begins. Longer before shorter where one begins with the other.
_START: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"PK\x07\x08", "zip"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"%PDF-", "pdf"), (b"{\\rt", "rtf"), (b"\x7fELF", "elf"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "rar"),
    (b"\x1f\x8b\x08", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zst"), (b"LZIP", "lzip"),
    (b"MSCF\0\0\0\0", "cab"), (b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F", "lnk"), (b"ITSF", "chm"),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "one"), (b"!BDN", "pst"), (b"\x78\x9f\x3e\x22", "tnef"),
    (b"#@~^", "encoded_script"), (b"SQLite format 3\0", "sqlite"), (b"ElfFile\0", "evtx"), (b"regf", "registry"),
    (b"MSWIM\0\0\0", "wim"), (b"vhdxfile", "vhdx"), (b"conectix", "vhd"), (b"KDMV", "vmdk"), (b"!<arch>\n", "deb"),
    (b"\xed\xab\xee\xdb", "rpm"), (b"dex\n0", "dex"), (b"\0asm", "wasm"), (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"), (b"GIF89a", "gif"), (b"II*\0", "tiff"), (b"MM\0*", "tiff"), (b"\xd7\xcd\xc6\x9a", "wmf"),
    (b"%!PS", "eps"), (b"\xc5\xd0\xd3\xc6", "eps"), (b"FWS", "swf"), (b"CWS", "swf"), (b"ZWS", "swf"), (b"wOFF", "woff"),
    (b"wOF2", "woff"), (b"\0\1\0\0\0", "ttf"), (b"OTTO", "ttf"), (b"ttcf", "ttf"), (b"OggS", "mp3"), (b"ID3", "mp3"), (b"fLaC", "mp3"),
    (b"\x1aE\xdf\xa3", "mp4"), (b"\xd4\xc3\xb2\xa1", "pcap"), (b"\xa1\xb2\xc3\xd4", "pcap"), (b"\x0a\x0d\x0d\x0a", "pcap"),
    (b"PAR1", "parquet"), (b"070701", "cpio"), (b"070707", "cpio"), (b"\x60\xea", "arj"), (b"\xfe\xed\xfa\xce", "macho"), (b"\xfe\xed\xfa\xcf", "macho"),
    (b"\xce\xfa\xed\xfe", "macho"), (b"\xcf\xfa\xed\xfe", "macho"), (b"ID;P", "slk"),
)  # fmt: skip

#: Magic at other places.
_INSIDE: tuple[tuple[int, bytes, str], ...] = (
    (257, b"ustar", "tar"), (7, b"**ACE**", "ace"), (2, b"-lh", "lzh"), (0x8001, b"CD001", "iso"), (0x8801, b"CD001", "iso"),
    (0x8001, b"BEA01", "udf"), (3, b"NTFS    ", "ntfs"), (54, b"FAT1", "fat"), (82, b"FAT32", "fat"), (40, b" EMF", "emf"), (4, b"ftyp", "mp4"),
)  # fmt: skip

_FIRST = frozenset(start[0] for start, _ in _START)


def kind(data: bytes) -> str:
    """What the bytes say, or ""."""
    if data[0] in _FIRST:
        for start, name in _START:
            if data.startswith(start) and (name not in _CHECKS or _CHECKS[name](data)):
                return name
    if data[:2] == b"MZ":
        return "pe" if _is_pe(data) else "data"
    for offset, piece, name in _INSIDE:
        if data.startswith(piece, offset):
            return name
    return _odd(data)


def _odd(data: bytes) -> str:
    """What begins later, or with bytes that mean little."""
    if b"%PDF-" in data[:1024]:  # readers accept it anywhere there
        return "pdf"
    if data[:4] == b"RIFF":
        return {b"WEBP": "webp", b"WAVE": "mp3", b"AVI ": "mp4"}.get(data[8:12], "data")
    if data[:1] == b"0" and b"\x2a\x86\x48\x86\xf7\x0d\x01\x07" in data[:24]:
        return "cms"
    if data[:4] == b"\xca\xfe\xba\xbe":  # Java and fat Mach-O share it; versions of Java begin at 45
        return "class" if int.from_bytes(data[6:8], "big") >= 45 else "macho"
    if data[:2] == b"BM" and len(data) > 26 and data[6:10] == b"\0\0\0\0":
        return "bmp"
    if data[:4] in (b"\0\0\1\0", b"\0\0\2\0") and len(data) > 22 and data[9] == 0:
        return "ico"
    if data[-512:-504] == b"conectix":
        return "vhd"
    if data[510:512] == b"\x55\xaa" and not len(data) % 512 and data[446] in (0, 0x80) and any(data[450:454]):
        return "mbr"
    if data[-512:-508] == b"koly":
        return "dmg"
    return (
        "pickle"
        if data[:1] == b"\x80" and data[1:2] in (b"\2", b"\3", b"\4", b"\5") and data[-1:] == b"."
        else ""
    )


def _is_pe(data: bytes) -> bool:
    """A header that Windows or DOS would start: the PE signature where e_lfanew says, or an old program's relocations."""
    at = int.from_bytes(data[60:64], "little")
    return data[at : at + 2] in (b"PE", b"NE", b"LE") or (len(data) > 64 and data[24:26] < b"\x40")


_CHECKS: dict[str, Callable[[bytes], bool]] = {
    "bz2": lambda data: data[3:4].isdigit() and data[4:10] in (b"1AY&SY", b"\x17rE8P\x90"),
    "swf": lambda data: len(data) > 8 and 1 <= data[3] <= 60,
    "arj": lambda data: len(data) > 10 and data[4] < 60,
}
