"""Containers: every kind, nested, encrypted, damaged, and bombs."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import random
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import py7zr
import pytest
import pyzipper
import zstandard

from kazami import archive
from kazami.archive.budget import Limits
from kazami.archive.compressed import DECODERS
from kazami.archive.spool import fill
from kazami.archive.unpack import CUSTOMARY
from kazami.model.event import rejects
from kazami.model.evidence import Evidence
from kazami.sources import walk

LOG = b"".join(b"2020-10-05T20:43:58Z line %d of a log\n" % n for n in range(2000))
SMALL = Limits(unpacked=1 << 20, ratio=100, ratio_from=1 << 16, members=50)


def zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zst,
}


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_600_000_000
            file.addfile(info, io.BytesIO(data))
    return out.getvalue()


def sevenzipped(members: dict[str, bytes], password: str | None = None, hide_names: bool = False) -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", password=password, header_encryption=hide_names) as file:
        for name, data in members.items():
            file.writestr(data, name)
    return out.getvalue()


def encrypted(members: dict[str, bytes], password: str) -> bytes:
    out = io.BytesIO()
    with pyzipper.AESZipFile(out, "w", pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as file:
        file.setpassword(password.encode())
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


class Found:
    """What came of one file: contents by name, and rejects."""

    def __init__(self, rows: Iterator[Evidence | dict[str, Any]]) -> None:
        self.evidence: list[Evidence] = []
        self.contents: dict[str, bytes] = {}
        self.rejects: list[dict[str, Any]] = []
        for item in rows:
            if isinstance(item, Evidence):
                with item.open() as stream:
                    self.contents[item.name.split("!", 1)[-1]] = stream.read()
                self.evidence.append(item)
            else:
                self.rejects.append(item)
        rejects(self.rejects)  # the rows are in the words of the schema

    @property
    def reasons(self) -> str:
        return " | ".join(f"{r['name']} ({r['place']}): {r['reason']}" for r in self.rejects)


Unpack = Callable[..., Found]


@pytest.fixture
def unpack(tmp_path: Path) -> Unpack:
    def run(data: bytes, name: str = "evidence", **options: Any) -> Found:
        path = tmp_path / name
        path.write_bytes(data)
        return Found(walk.find([path], tenant="acme", **options))

    return run


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_compressed_file(unpack: Unpack, kind: str) -> None:
    found = unpack(COMPRESS[kind](LOG), f"sys.log.{kind}")
    assert found.contents == {"sys.log": LOG}
    assert not found.rejects
    assert found.evidence[0].size == len(LOG)
    assert found.evidence[0].tenant == "acme"
    assert found.evidence[0].path is None


@pytest.mark.parametrize("kind", COMPRESS)
def test_compressed_streams_one_after_another(unpack: Unpack, kind: str) -> None:
    found = unpack(COMPRESS[kind](b"one\n") + COMPRESS[kind](b"") + COMPRESS[kind](LOG))
    assert list(found.contents.values()) == [b"one\n" + LOG]
    assert not found.rejects


def test_frames_without_content_between_zstandard_frames(unpack: Unpack) -> None:
    skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    assert list(unpack(zst(b"a") + skippable + zst(b"b") + skippable).contents.values()) == [b"ab"]


@pytest.mark.parametrize("kind", COMPRESS)
def test_other_bytes_after_the_end_are_told(unpack: Unpack, kind: str) -> None:
    found = unpack(COMPRESS[kind](LOG) + b"\0" * 100 + b"<garbage>")
    assert list(found.contents.values()) == [LOG]
    assert "other bytes follow" in found.reasons


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_zip(unpack: Unpack, method: int) -> None:
    found = unpack(zipped({"a/b.log": LOG, "c.log": b"", "d/": b""}, method))
    assert found.contents == {"a/b.log": LOG, "c.log": b""}
    assert not found.rejects


def test_members_without_a_name(unpack: Unpack) -> None:
    assert unpack(zipped({"N": b"1", "b": b"2"}).replace(b"N", b"\0")).contents == {"": b"1", "b": b"2"}


def test_a_tar_keeps_the_time_of_its_members(unpack: Unpack) -> None:
    found = unpack(tarred({"var/log/syslog": LOG, "x" * 200: b"y"}))
    assert found.contents == {"var/log/syslog": LOG, "x" * 200: b"y"}
    assert found.evidence[0].modified == 1_600_000_000_000_000
    assert not found.rejects


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_compressed_tar_is_read_in_one_go(unpack: Unpack, kind: str) -> None:
    found = unpack(COMPRESS[kind](tarred({"a": LOG, "b": b"2"})), f"logs.tar.{kind}")
    assert found.contents == {"logs.tar!a": LOG, "logs.tar!b": b"2"}
    assert not found.rejects


def test_a_7z(unpack: Unpack) -> None:
    found = unpack(sevenzipped({"a/b.log": LOG, "c.log": b"c", "empty": b""}))
    assert found.contents == {"a/b.log": LOG, "c.log": b"c", "empty": b""}
    assert not found.rejects


def test_containers_in_containers(unpack: Unpack) -> None:
    inner = sevenzipped({"deep.log": LOG})
    found = unpack(
        gzip.compress(tarred({"x.zip": zipped({"y.7z": inner, "z.log.bz2": bz2.compress(b"z")})})), "l.tgz"
    )
    assert found.contents == {"l.tar!x.zip!y.7z!deep.log": LOG, "l.tar!x.zip!z.log.bz2!z.log": b"z"}
    assert not found.rejects


def test_equal_contents_have_equal_uids_wherever_they_lie(unpack: Unpack) -> None:
    plain, packed = unpack(LOG), unpack(zipped({"a": LOG}), "a.zip")
    assert plain.evidence[0].uid == packed.evidence[0].uid
    assert len(plain.evidence[0].uid) == 16


def test_a_document_is_no_container(unpack: Unpack) -> None:
    data = zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<x/>"})
    assert list(unpack(data).contents.values()) == [data]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("監査ログ.csv".encode("cp932"), "監査ログ.csv"),
        ("セキュリティ.evtx".encode("cp932"), "セキュリティ.evtx"),
        ("Größe für Änderung.log".encode("cp1252"), "Größe für Änderung.log"),
        ("Übersicht.log".encode(), "Übersicht.log"),
        (b"a\x1b[31m\n.log", "a\\x1b[31m\\n.log"),
    ],
)
@pytest.mark.parametrize("make", [zipped, tarred])
def test_names_of_members_are_text_in_any_encoding(
    unpack: Unpack, make: Callable[[dict[str, bytes]], bytes], raw: bytes, name: str
) -> None:
    placeholder = "N" * len(raw)
    data = make({placeholder: b"x"}).replace(placeholder.encode(), raw)
    if make is tarred:
        header = bytearray(data[:512])
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        data = bytes(header) + data[512:]
    assert list(unpack(data).contents) == [name]


def test_a_name_that_leads_out_of_the_archive_is_only_shown(unpack: Unpack, tmp_path: Path) -> None:
    for data in (zipped({"../../evil": b"x"}), tarred({"../../evil": b"x"}), tarred({"/etc/evil": b"x"})):
        assert list(unpack(data).contents.values()) == [b"x"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["evidence"]


# Encryption


@pytest.mark.parametrize("password", [CUSTOMARY[0], "s3crét"])
@pytest.mark.parametrize("make", [encrypted, sevenzipped])
def test_given_and_customary_passwords_are_tried(
    unpack: Unpack, make: Callable[[dict[str, bytes], str], bytes], password: str
) -> None:
    found = unpack(make({"a.log": LOG, "b.log": b"b"}, password), passwords=["no", "s3crét"])
    assert found.contents == {"a.log": LOG, "b.log": b"b"}
    assert not found.rejects


def test_zipcrypto(unpack: Unpack) -> None:
    found = unpack(ZIPCRYPTO)
    assert found.contents == {"a.log": b"hello, hello, hello, hello\n"}
    assert not found.rejects


@pytest.mark.parametrize("make", [encrypted, sevenzipped])
def test_a_wrong_password_is_told(unpack: Unpack, make: Callable[[dict[str, bytes], str], bytes]) -> None:
    found = unpack(make({"a.log": LOG}, "unknown to us"), passwords=["wrong"])
    assert not found.contents
    assert len(found.rejects) == 1
    assert "passwords opens it" in found.reasons
    assert make is sevenzipped or found.rejects[0]["name"].endswith("!a.log")


def test_a_7z_with_hidden_names(unpack: Unpack) -> None:
    data = sevenzipped({"a.log": LOG}, "infected", hide_names=True)
    assert unpack(data).contents == {"a.log": LOG}


def test_members_that_no_password_opens_do_not_hide_the_others(unpack: Unpack) -> None:
    locked = encrypted({f"{n}.log": b"x" for n in range(30)}, "unknown to us")
    found = unpack(zipped({"locked.zip": locked, "open.log": LOG}))
    assert found.contents == {"open.log": LOG}
    assert sum(r["count"] for r in found.rejects) == 30


# Damage


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


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_bomb_is_told_and_stops(unpack: Unpack, kind: str) -> None:
    found = unpack(COMPRESS[kind](bytes(40 << 20)), limits=SMALL)
    assert len(found.rejects) == 1
    assert "unpacking stopped" in found.reasons
    assert sum(map(len, found.contents.values())) < 34 << 20


@pytest.mark.parametrize("make", [zipped, sevenzipped, lambda m: gzip.compress(tarred(m))])
def test_what_was_read_before_a_bomb_stays(unpack: Unpack, make: Callable[[dict[str, bytes]], bytes]) -> None:
    found = unpack(make({"a.log": LOG, "bomb": bytes(5 << 20), "c.log": LOG}), limits=SMALL)
    assert LOG in found.contents.values()
    assert len(found.rejects) == 1
    assert "unpacking stopped" in found.reasons
    assert not any(name.endswith("c.log") for name in found.contents)


def test_nested_bombs_share_one_account(unpack: Unpack) -> None:
    layer = zipped({"zeros": bytes(300_000)})
    for _ in range(3):
        layer = zipped({f"{n}.zip": layer for n in range(8)})
    found = unpack(layer, limits=SMALL)
    assert len(found.rejects) == 1
    assert "unpacking stopped" in found.reasons
    assert sum(map(len, found.contents.values())) < 3 << 20


def test_nesting_ends(unpack: Unpack) -> None:
    data = b"x"
    for _ in range(12):
        data = gzip.compress(data)
    found = unpack(data)
    assert not found.contents
    assert "nested deeper than 8" in found.reasons


def test_a_zip_that_contains_itself_ends(unpack: Unpack) -> None:
    """A deflated quine, made of stored blocks that repeat: here the same effect by a chain that is long enough."""
    data = zipped({"r.zip": b"PK\x05\x06" + bytes(18)}, zipfile.ZIP_STORED)
    for _ in range(20):
        data = zipped({"r.zip": data}, zipfile.ZIP_STORED)
    assert "nested deeper" in unpack(data).reasons


def test_too_many_members_end(unpack: Unpack) -> None:
    found = unpack(zipped({str(n): b"" for n in range(80)}), limits=SMALL)
    assert len(found.contents) == 50
    assert "more than 50 members" in found.reasons


def test_many_equal_faults_are_gathered(unpack: Unpack) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for n in range(300):
            info = tarfile.TarInfo(f"link{n}")
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            file.addfile(info)
    found = unpack(out.getvalue())
    assert len(found.rejects) == 101
    assert found.rejects[-1]["place"] == "further members"


# Spooling


def test_large_members_lie_on_a_disk_without_a_name(
    unpack: Unpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    data = random.Random(2).randbytes(200_000)
    found = unpack(zipped({"big": data, "small": b"s"}), limits=Limits(in_memory=1000, folder=str(folder)))
    assert found.contents == {"big": data, "small": b"s"}
    assert list(folder.iterdir()) == []
    with found.evidence[0].open() as one, found.evidence[0].open() as two:
        one.seek(150_000)
        assert two.read(10) == data[:10]
        assert one.read(10) == data[150_000:150_010]
        assert one.seek(-5, 2) == 199_995
        assert one.read() == data[-5:]


def test_a_full_disk_is_told_and_what_was_taken_stays(unpack: Unpack) -> None:
    found = unpack(gzip.compress(LOG), limits=Limits(in_memory=1000, folder="/nonexistent"))
    assert "cannot be kept" in found.reasons
    assert "No such file" in found.reasons


def test_fill_hashes_what_it_keeps() -> None:
    spool = fill(iter([b"a", b"", b"b"]), 100)
    assert spool.size == 2
    assert spool.digest.startswith("fb8e20fc2e4c3f24")
    assert spool.open().read() == b"ab"


@pytest.mark.parametrize("kind", DECODERS)
def test_decoders_take_input_byte_by_byte(kind: str) -> None:
    source = io.BytesIO(COMPRESS[kind](LOG[:2000]))
    assert b"".join(DECODERS[kind](lambda _: source.read(1))) == LOG[:2000]


#: ``a.log`` deflated and encrypted with "infected", as Info-ZIP's ``zip -P`` writes it.
ZIPCRYPTO = base64.b64decode(
    "UEsDBBQACQAIAOI1dl1LIaEpGAAAABsAAAAFAAAAYS5sb2cumFHbsb/YHRt67b3Nxeu13OZ9MNBhGsNQSwcISyGhKRgAAAAbAAAA"
    "UEsBAh4DFAAJAAgA4jV2XUshoSkYAAAAGwAAAAUAAAAAAAAAAQAAAKSBAAAAAGEubG9nUEsFBgAAAAABAAEAMwAAAEsAAAAAAA=="
)
