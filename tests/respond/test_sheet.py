"""A plain page of tables: what is shown is text, whatever it holds."""

from __future__ import annotations

import pytest

from kazami.errors import UsageError
from kazami.respond.report.sheet import Sheet, write


def test_what_is_shown_is_text() -> None:
    rows = [["high", 7, "<script>alert(1)</script>\u202e\x1b[31m"]]
    page = write("T", "L", [Sheet("S", ("level", "n", "name"), rows, ["a note"], levels=True)], "ja")
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e\\x1b[31m" in page
    assert '<span class="level high">高</span>' in page
    assert '<td class="num">7</td>' in page
    assert 'lang="ja"' in page
    with pytest.raises(UsageError):
        write("T", "L", [], "xx")
