"""``kazami evaluate`` as people use it: by hash, as JSON and as a page."""

from __future__ import annotations

import hashlib
import json

from program import Program


def test_by_hash_as_json_and_as_a_page(run: Program) -> None:
    folder = run.folder / "samples"
    folder.mkdir()
    bodies = {"a<b>.pdf.exe": b"MZ" + bytes(100), "b.txt": b"nothing at all", "c.txt": b"not labeled"}
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
    labels = run.folder / "labels.csv"
    rows = [
        f"{hashlib.sha256(body).hexdigest()},{said}"
        for body, said in zip(bodies.values(), "01", strict=False)
    ]
    labels.write_text("sha256,label\n" + "\n".join([*rows[:2], "x,perhaps"]) + "\n")
    where = ["--samples", folder, "--labels", labels, "--workers", "1"]
    page = run.folder / "page.html"
    done = run("evaluate", *where, "--report", page, "--lang", "ja").ended(0)
    told = done.rows[0]
    assert told["samples"] == {"malicious": 1, "benign": 1}
    assert [one["name"] for one in told["misses"]] == ["b.txt"]
    assert (told["unlabeled"], told["faulty"]) == (1, 1)
    assert (
        set(told["layers"])
        == set(told["without"])
        == {"signatures", "structure", "scripts", "executables", "emulation", "reputation", "learned"}
    )
    assert "'perhaps' is no label" in done.err
    text = page.read_text("utf-8")
    assert "a&lt;b&gt;.pdf.exe" in text, "a false alarm, and no markup"
    assert "ファイル検査の評価" in text
    run("evaluate", *where, "--output", run.folder / "told.json").ended(0)
    assert json.loads((run.folder / "told.json").read_text())["samples"] == told["samples"]
    table = run("evaluate", *where, "--format", "table").ended(0)
    assert "Layers, added up" in table.out
    labels.write_text("path,label\nnone.exe,1\n")
    assert "labels none" in run("evaluate", *where).ended(2).err
    run("evaluate", "--samples", labels, "--labels", labels).ended(2)
