"""Containers: every kind, nested, encrypted, damaged, and bombs."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import random
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kazami.archive.budget import Limits
from kazami.archive.compressed import DECODERS
from kazami.archive.spool import fill
from kazami.archive.unpack import CUSTOMARY
from packed import COMPRESS, LOG, SMALL, Unpack, encrypted, sevenzipped, tarred, zipped, zst


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
