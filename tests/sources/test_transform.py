"""Values brought to Sigma's words, one by one."""

from __future__ import annotations

import pytest

from kazami.sources.transform import TRANSFORMS


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("decimal", ["0x1a4"], "420"),
        ("decimal", ["420"], "420"),
        ("decimal", ["x"], "x"),
        ("decimal", [None], None),
        ("decimal", ["0x" + "f" * 200], "0x" + "f" * 200),
        ("keywords", ["-9214364837600034816"], "0x8020000000000000"),
        ("keywords", ["0x8010000000000000"], "0x8010000000000000"),
        ("keywords", ["Audit Failure"], "0x8010000000000000"),
        ("keywords", ["Other"], "Other"),
        ("hexadecimal", ["255"], "0xff"),
        ("level", ["Warning"], "3"),
        ("level", ["3"], "3"),
        ("logon_id", ["0x0", None, "0x3E7"], "0x3e7"),
        ("logon_id", ["999"], "0x3e7"),
        ("logon_id", ["0x0", "-"], None),
        ("guid", ["{0197231e-c424-69e1-c922-000000000800}"], "0197231E-C424-69E1-C922-000000000800"),
        ("guid", ["{00000000-0000-0000-0000-000000000000}"], None),
        ("guid", ["-"], None),
        ("account", ["S-1-5-18", "CORP", "DC1$"], r"NT AUTHORITY\SYSTEM"),
        ("account", ["S-1-5-21-1", "CORP", "anna"], r"CORP\anna"),
        ("account", [None, None, "anna"], "anna"),
        ("account", [None, "CORP.EXAMPLE", "anna@CORP.EXAMPLE"], r"CORP.EXAMPLE\anna"),
        ("account", ["S-1-0-0", "-", "-", "S-1-5-21-1", "CORP", "bo"], r"CORP\bo"),
        ("account", ["S-1-0-0", "-", "-"], None),
        ("security_id", ["S-1-5-20"], r"NT AUTHORITY\NETWORK SERVICE"),
        ("security_id", ["S-1-5-21-7"], "S-1-5-21-7"),
        ("somebody", ["-"], None),
        ("integrity", ["S-1-16-12288"], "High"),
        ("integrity", ["S-1-16-4096"], "Low"),
        ("integrity", ["S-1-16-77"], "S-1-16-77"),
        ("integrity", [r"Mandatory Label\System Mandatory Level"], "System"),
        ("registry", [r"\REGISTRY\MACHINE\SYSTEM\ControlSet001\Services\x"], r"HKLM\System\CurrentControlSet\Services\x"),
        ("registry", [r"\REGISTRY\MACHINE\SYSTEM\ControlSet0019\x"], r"HKLM\SYSTEM\ControlSet0019\x"),
        ("registry", [r"\registry\machine\software", "v"], r"HKLM\software\v"),
        ("registry", [r"\REGISTRY\MACHINEX\a"], r"\REGISTRY\MACHINEX\a"),
        ("registry", [r"\REGISTRY\USER\S-1-5-21-1_Classes\x", "-"], r"HKU\S-1-5-21-1_Classes\x"),
        ("registry", [r"HKEY_LOCAL_MACHINE\SOFTWARE\x", "v"], r"HKLM\SOFTWARE\x\v"),
        ("registry", [r"\REGISTRY\A\{1}\x"], r"\REGISTRY\A\{1}\x"),
        ("registry_details", ["1", "%%1876"], "DWORD (0x00000001)"),
        ("registry_details", ["0xC000000000000001", "%%1883"], "QWORD (0xc0000000-0x00000001)"),
        ("registry_details", ["AAFF", "%%1875"], "Binary Data"),
        ("registry_details", ["1", "%%1873"], "1"),
        ("registry_details", ["text", "%%1876"], "text"),
        ("drive", [r"\device\harddiskvolume2\Windows\x"], r"C:\Windows\x"),
        ("drive", [r"\device\harddiskvolume2\Program Files (x86)\x"], r"C:\Program Files (x86)\x"),
        ("drive", [r"\device\harddiskvolume2\windowsx\x"], r"\device\harddiskvolume2\windowsx\x"),
        ("drive", ["System"], "System"),
        ("drive", ["-"], None),
        ("share_file", [r"\??\C:\Windows", r"Temp\a.exe", r"\\*\ADMIN$"], r"C:\Windows\Temp\a.exe"),
        ("share_file", ["", r"a\b", r"\\*\DATA"], r"\\*\DATA\a\b"),
        ("share_file", [r"\??\C:", "\\", None], None),
        ("pipe", ["svcctl"], r"\svcctl"),
        ("pipe", [""], None),
        ("device_pipe", [r"\Device\NamedPipe\x"], r"\x"),
        ("device_pipe", ["x"], r"\x"),
        ("file_path", [r"C:\Windows", "a.exe"], r"C:\Windows\a.exe"),
        ("file_path", [r"C:\Windows\A.EXE", "a.exe"], r"C:\Windows\A.EXE"),
        ("file_path", ["/usr/bin", "curl"], "/usr/bin/curl"),
        ("file_path", [None, "a.exe"], "a.exe"),
        ("file_path", [None, None], None),
        ("url_host", ["https://x.example:8443/a?b"], "x.example"),
        ("url_host", ["x.example"], "x.example"),
        ("url_host", [""], None),
        ("initiated", ["%%14593"], "true"),
        ("initiated", ["Inbound"], "false"),
        ("initiated", ["sideways"], None),
        ("protocol", ["6"], "tcp"),
        ("protocol", ["Tcp"], "tcp"),
        ("protocol", ["47"], "47"),
        ("is_ipv6", ["::1"], "true"),
        ("is_ipv6", ["10.0.0.1"], "false"),
        ("flag", ["True"], "true"),
        ("flag", ["0"], "false"),
        ("flag", ["maybe"], "maybe"),
        ("capital", ["high"], "High"),
        ("md5", ["SHA1=A1,MD5=B2,IMPHASH=C3"], "B2"),
        ("imphash", ["SHA1=A1,MD5=B2,IMPHASH=C3"], "C3"),
        ("sha1", ["sha1=a1, md5=b2"], "a1"),
        ("md5", ["sha1=a1, md5=b2"], "b2"),
        ("sha256", ["SHA1=A1,MD5=B2"], None),
        ("sha1", ["A1"], None),
        ("hashes", ["B2", "A1", None, "C3"], "SHA1=A1,MD5=B2,IMPHASH=C3"),
        ("hashes", [None], None),
        ("line.HostName", ["a\r\n\tHostName=x y\r\n\tHostNameX=1"], "x y"),
        ("line.HostName", ["HostName=x"], None),
        ("line.HostName", [None], None),
        ("label.EventType", ["Registry:\r\nEventType: SetValue\r\nX: y"], "SetValue"),
        ("label.EventType", ["Registry"], None),
        ("context.User", [None], None),
        ("context.User", ["a = b"], None),
    ],
)  # fmt: skip
def test_transform(name: str, arguments: list[str | None], expected: str | None) -> None:
    assert TRANSFORMS[name](*arguments) == expected


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
def test_what_is_absent_or_strange_raises_nothing(name: str) -> None:
    for value in (None, "", "-", "\0", "\ud800", "x" * 10_000, "0x", "%%", "=", "\\", "S-1-16-"):
        result = TRANSFORMS[name](value)
        assert result is None or isinstance(result, str)
    assert TRANSFORMS[name](None) is None
