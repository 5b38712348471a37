"""Damaged containers give what can be read, and say what cannot."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
import zlib
from typing import Any

import pytest

from kazami import archive
from packed import COMPRESS, LOG, Unpack, sevenzipped, tarred, zipped


def cuts(data: bytes, count: int = 40) -> list[int]:
    return sorted(
        {*range(64), *(len(data) * n // count for n in range(count)), *range(len(data) - 24, len(data))}
    )


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_compressed_file_cut_anywhere_gives_what_comes_before(unpack: Unpack, kind: str) -> None:
    packed = COMPRESS[kind](LOG)
    longest = 0
    for at in cuts(packed):
        found = unpack(packed[:at])
        if not archive.kind(packed[:at]):
            continue  # too short to be known
        assert all(LOG.startswith(c) for c in found.contents.values()), at
        assert [r["count"] for r in found.rejects] == [1], (at, found.reasons)
        assert "ends too early" in found.reasons
        longest = max(longest, *(len(c) for c in found.contents.values()), 0)
    assert longest == len(LOG)  # only the checksum at the end is cut


def test_a_zip_cut_anywhere_gives_what_comes_before(unpack: Unpack) -> None:
    packed = zipped({"a.log": LOG, "b.log": random.Random(1).randbytes(5000), "c.log": LOG})
    whole = packed.index(b"PK\x01\x02")
    for at in cuts(packed, 20):
        found = unpack(packed[:at])
        if at < 4:
            continue
        assert found.rejects, at
        assert LOG.startswith(found.contents.get("a.log", b""))
        assert at < whole or set(found.contents) == {"a.log", "b.log", "c.log"}
    assert unpack(packed[: whole + 4]).contents["c.log"] == LOG


@pytest.mark.parametrize("hurt", ["a.log", "b.log", "c.log"])
@pytest.mark.parametrize("lost", [1, 700])
def test_a_hole_in_a_zip_costs_the_member_it_is_in(unpack: Unpack, hurt: str, lost: int) -> None:
    """All that is behind the hole has moved, so that the directory is wrong about what is before it, or behind."""
    contents = {name: random.Random(name).randbytes(5000) for name in ("a.log", "b.log", "c.log")}
    packed = zipped(contents)
    at = packed.index(hurt.encode()) + 1000
    found = unpack(packed[:at] + packed[at + lost :])
    for name in contents.keys() - {hurt}:
        assert found.contents.get(name) == contents[name], name
    assert found.rejects


def test_members_behind_damage_are_found_without_a_directory(unpack: Unpack) -> None:
    packed = bytearray(zipped({"a.log": LOG, "b.log": LOG, "c.log": LOG}))
    packed[packed.index(b"b.log") + 400] ^= 0xFF
    found = unpack(bytes(packed[: packed.index(b"PK\x01\x02")]))
    assert found.contents["a.log"] == found.contents["c.log"] == LOG
    assert found.rejects


def test_a_zip_made_for_a_pipe_is_saved_too(unpack: Unpack) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: Any) -> int:
            raise io.UnsupportedOperation

    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.log", LOG)
        file.writestr("b.log", LOG)
    packed = out.getvalue()
    assert unpack(packed[: packed.index(b"PK\x01\x02")]).contents == {"a.log": LOG, "b.log": LOG}


def test_a_tar_cut_anywhere_gives_what_comes_before(unpack: Unpack) -> None:
    packed = tarred({"a.log": LOG, "b.log": LOG})[: 2 * (512 + -(-len(LOG) // 512) * 512)]
    for at in cuts(packed, 20):
        found = unpack(packed[:at])
        if at < 262:
            continue
        assert found.rejects or at % 512 == 0, at
        assert all(LOG.startswith(c) for c in found.contents.values())
    assert unpack(packed[:-512]).contents["a.log"] == LOG


def test_a_damaged_header_in_a_tar_costs_its_member_only(unpack: Unpack) -> None:
    packed = bytearray(tarred({"a": b"1", "b": b"2", "c": b"3"}))
    packed[1024 + 100] ^= 0xFF
    found = unpack(bytes(packed))
    assert found.contents == {"a": b"1", "c": b"3"}
    assert "unreadable header" in found.reasons


def test_links_and_devices_in_a_tar_are_not_followed(unpack: Unpack) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for kind in (tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo("link")
            info.type, info.linkname = kind, "/etc/passwd"
            file.addfile(info)
    found = unpack(out.getvalue())
    assert not found.contents
    assert [r["count"] for r in found.rejects] == [0, 0, 0]


def test_a_7z_cut_anywhere_is_told(unpack: Unpack) -> None:
    packed = sevenzipped({"a.log": LOG})
    for at in cuts(packed, 5)[::7]:
        found = unpack(packed[:at])
        assert found.rejects or at < 6, at


@pytest.mark.parametrize("kind", COMPRESS)
def test_flipped_bits_never_raise_and_lose_only_what_follows(unpack: Unpack, kind: str) -> None:
    noise = random.Random(3).randbytes(300_000)
    packed = COMPRESS[kind](noise)
    broken = bytearray(packed)
    broken[len(packed) * 2 // 3] ^= 0x55
    found = unpack(bytes(broken))
    assert found.rejects
    content = next(iter(found.contents.values()), b"")
    assert len(content) >= (100_000 if kind in ("gz", "xz") else 0)


def test_a_wrong_checksum_in_a_zip_is_told_and_the_content_kept(unpack: Unpack) -> None:
    packed = zipped({"a.log": LOG})
    check = zlib.crc32(LOG).to_bytes(4, "little")
    found = unpack(packed.replace(check, b"\1\2\3\4"))
    assert found.contents == {"a.log": LOG}
    assert "checksum" in found.reasons


def test_a_damage_is_told_once_however_deep(unpack: Unpack) -> None:
    packed = gzip.compress(tarred({"a.log.gz": gzip.compress(random.Random(1).randbytes(9000)), "b": b"b"}))
    found = unpack(packed[:5000], "logs.tar.gz")
    assert len(found.rejects) == 1, found.reasons
    assert found.rejects[0]["name"].endswith("logs.tar!a.log.gz!a.log")
    assert found.rejects[0]["place"].startswith("byte ")


# Bombs
