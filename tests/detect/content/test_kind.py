"""What files are taken for."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from kazami.detect.content.identify import claimed, extension, kind, kinds


def package(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"", "a.exe", "empty"),
        (b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0", "a.txt", "pe"),
        (b"MZ is how this text begins, and it goes on like that for a while, in words.", "a.txt", "data"),
        (b"%PDF-1.7\n", "", "pdf"),
        (b"\r\n\r\n%PDF-1.4\n", "", "pdf"),
        (b"{\\rtf1\\ansi}", "a.doc", "rtf"),
        (b"{\\rt0 malformed}", "a.doc", "rtf"),
        (package("[Content_Types].xml", "word/document.xml"), "a.zip", "docx"),
        (package("[Content_Types].xml", "xl/workbook.xml"), "", "xlsx"),
        (package("[Content_Types].xml", "xl/workbook.bin"), "", "xlsb"),
        (package("word/notes.txt"), "", "zip"),
        (package("META-INF/MANIFEST.MF", "a.class"), "", "jar"),
        (gzip.compress(b"x", mtime=0), "a.bin", "gz"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34", "", "class"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02", "", "macho"),
        (bytes(0x8001) + b"CD001" + bytes(100), "", "iso"),
        (b"From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\n\r\nbody", "a.txt", "eml"),
        (b"Note: buy milk\nTo: do\n\nthe rest", "a.txt", "text"),
        (b"From a@b Sat Jan  3 01:05:34 1998\nFrom: a@b\n", "", "mbox"),
        (b"<html><script>x</script></html>", "a.html", "html"),
        (b"<html><HTA:APPLICATION id=x></html>", "a.html", "hta"),
        (b"<html><body></html>", "a.hta", "hta"),
        (b'<?xml version="1.0"?><job><script language="VBScript"/></job>', "a.wsf", "wsf"),
        (b"$x = New-Object Net.WebClient\n$x.DownloadString('a') | iex\n[Convert]::ToInt32(1)", "a.txt", "powershell"),
        (b"Write-Host 'hello'", "a.ps1", "powershell"),
        (b"Write-Host 'hello'", "a.txt", "text"),
        (b"@echo off\r\nset A=b\r\necho %A%\r\ngoto end\r\n", "", "batch"),
        (b'Dim x\r\nSet x = CreateObject("WScript.Shell")\r\nx.Run "calc"\r\nOn Error Resume Next\r\n', "", "vbscript"),
        (b"var a = function (b) { return b === 1; };\neval('x');\nconst c = () => { };", "", "jscript"),
        (b"#!/bin/sh\nif true; then\n  curl -s x\nfi\n", "", "shell"),
        ("var a = new ActiveXObject('x'); eval(a); String.fromCharCode(1)".encode("utf-16"), "", "jscript"),
        (b"The function of the set is to write a letter, and that is all.", "letter.txt", "text"),
        (bytes(range(256)) * 4, "a.bin", "data"),
    ],
)  # fmt: skip
def test_content_decides(data: bytes, name: str, expected: str) -> None:
    assert kind(data, name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.EXE", "exe"), ("a.exe. ", "exe"), ("a", ""), (".bashrc", ""), ("a.tar.gz", "gz"), ("", "")],
)
def test_extensions(name: str, expected: str) -> None:
    assert extension(name) == expected


def test_every_kind_that_is_named_is_in_the_table() -> None:
    known = kinds()
    assert claimed("doc") == ("doc", "rtf")
    assert {k.family for k in known.values()} >= {"program", "office", "script", "archive"}
    for data in (
        b"MZ",
        b"\0" * 99,
        b"\xff" * 99,
        b"PK\x03\x04",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    ):
        assert kind(data) in known
