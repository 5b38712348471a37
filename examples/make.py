"""Write the evidence of `examples/intrusion`: python examples/make.py [FOLDER].

Nothing here was recorded. Every run writes the same bytes (but for the compression, which differs between versions
of zlib), so the evidence can be read, changed and made again.
"""

from __future__ import annotations

import gzip
import io
import lzma
import sys
import zipfile
from pathlib import Path

from story import aoba, everyday, kumo, minato
from story.cast import Cast
from story.formats import device_process_events, evtx_dump, winlogbeat
from story.machine import SECURITY, SYSMON

LOGS = {
    "Security.jsonl": (SECURITY,),
    "Sysmon.jsonl": (SYSMON,),
    "Application.jsonl": ("Application",),
    "System.jsonl": ("System",),
    "PowerShell.jsonl": ("Microsoft-Windows-PowerShell/Operational",),
}


def told() -> Cast:
    """The whole week, by everyone who acts in it."""
    cast = Cast()
    for part in (everyday, kumo, aoba, minato):
        part.tell(cast)
    return cast


def evidence(cast: Cast) -> dict[str, bytes]:
    """Path below the folder to content."""
    controller = {name: evtx_dump(cast.dc, *channels) for name, channels in LOGS.items()}
    return {
        "kumo-msp/kumo-edge01/audit.log": cast.edge.audit_log().encode(),
        "kumo-msp/kumo-edge01/secure": cast.edge.secure_log().encode(),
        "kumo-msp/KUMO-MTG02.jsonl": evtx_dump(cast.meeting).encode(),
        "kumo-msp/KUMO-JUMP01.jsonl.gz": gzip.compress(evtx_dump(cast.jump).encode(), mtime=0),
        "aoba-water/AOBA-DC01.zip": packed(controller),
        "aoba-water/AOBA-HIST01.ndjson": winlogbeat(cast.historian).encode(),
        "aoba-water/AOBA-PC03.jsonl.xz": lzma.compress(evtx_dump(cast.clerk).encode()),
        "minato-foods/MINATO-FS01.jsonl": evtx_dump(cast.files).encode(),
        "minato-foods/MINATO-APP01.jsonl": evtx_dump(cast.app).encode(),
        "minato-foods/DeviceProcessEvents.csv": device_process_events(cast.desk_processes).encode(),
    }


def packed(files: dict[str, str]) -> bytes:
    """A zip archive without the time of its making."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 16, 9, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def write(folder: Path) -> None:
    """Write all evidence below `folder`."""
    for name, content in evidence(told()).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "intrusion")
