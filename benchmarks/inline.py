"""How much passes `kazami inline`: between three network namespaces, with every packet looked at and with the first packets only.

    python -m benchmarks.inline [--seconds 4]

Needs root, ip, and iptables or nft; iperf3 where it is there, else a pump of our own. Bars: 500 Mbit/s with every packet, 10 Gbit/s with first packets. What a busy machine
says is worth little: the shares of what the same line carries while nobody looks are of one run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import at_least, publish, told

PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
SERVER = "10.178.2.2"

#: Sends or receives as fast as Python can, over one connection; says bits a second.
PUMP = """
import socket, sys, time
if sys.argv[1] == "serve":
    server = socket.create_server(("0.0.0.0", 5201)); print("ready", flush=True); line, _ = server.accept()
    buffer, count, start = bytearray(1 << 20), 0, time.monotonic()
    while size := line.recv_into(buffer): count += size
    print(count * 8 / (time.monotonic() - start))
else:
    line = socket.create_connection((sys.argv[1], 5201)); data, ends = bytes(1 << 20), time.monotonic() + float(sys.argv[2])
    while time.monotonic() < ends: line.sendall(data)
"""


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@contextmanager
def line() -> Iterator[tuple[str, str, str]]:
    """Names of the three namespaces: client, router, server."""
    client, router, server = names = tuple(f"kzb{part}{os.getpid()}" for part in "amb")
    try:
        for name in names:
            run("ip", "netns", "add", name)
        for near, number in ((client, 1), (server, 2)):
            run(
                "ip",
                "link",
                "add",
                f"c{number}",
                "netns",
                near,
                "type",
                "veth",
                "peer",
                "name",
                f"m{number}",
                "netns",
                router,
            )
            for where, card, last in ((near, f"c{number}", 2), (router, f"m{number}", 1)):
                run("ip", "-n", where, "addr", "add", f"10.178.{number}.{last}/24", "dev", card)
                run("ip", "-n", where, "link", "set", card, "up")
            run("ip", "-n", near, "route", "add", "default", "via", f"10.178.{number}.1")
        run("ip", "netns", "exec", router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        yield client, router, server
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def rate(client: str, server: str, seconds: float) -> float:
    """Bits a second from the client to the server."""
    if shutil.which("iperf3"):
        listener = subprocess.Popen(
            ["ip", "netns", "exec", server, "iperf3", "-s", "-1", "--forceflush"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert listener.stdout is not None
        while "listening" not in listener.stdout.readline():
            pass
        said = run("ip", "netns", "exec", client, "iperf3", "-J", "-c", SERVER, "-t", str(seconds))
        listener.communicate()
        return float(json.loads(said)["end"]["sum_received"]["bits_per_second"])
    listener = subprocess.Popen(
        ["ip", "netns", "exec", server, sys.executable, "-c", PUMP, "serve"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert listener.stdout is not None
    listener.stdout.readline()
    run("ip", "netns", "exec", client, sys.executable, "-c", PUMP, SERVER, str(seconds))
    return float(listener.communicate()[0])


def looked_at(names: tuple[str, str, str], seconds: float, folder: Path, *options: str) -> tuple[float, str]:
    """The same while `kazami inline` looks; and what it says at its end."""
    client, router, server = names
    words = ["--key", str(folder / "key"), "--log", str(folder / "log"), *options]
    looking = subprocess.Popen(["ip", "netns", "exec", router, sys.executable, "-m", "kazami", "inline", *words],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert looking.stderr is not None
    first = looking.stderr.readline()
    if "over" not in first:
        raise SystemExit(first + looking.stderr.read())
    try:
        found = rate(client, server, seconds)
    finally:
        looking.send_signal(signal.SIGTERM)
    return found, looking.communicate()[1].strip().splitlines()[-1]


def per_second(said: str) -> float:
    """Mbit a second of the processor, by what the program says at its end."""
    size = float(re.findall(r"([\d,]+) bytes", said)[0].replace(",", ""))
    return size * 8 / 1e6 / float(re.findall(r"([\d.]+) s of", said)[0])


def main() -> int:
    """Measure, and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--data", type=Path, help="not needed")
    seconds = parser.parse_args().seconds
    os.environ["PATH"] = f"{PATH}:{os.environ.get('PATH', '')}"
    if os.geteuid() or not shutil.which("ip"):
        raise SystemExit("needs root and ip (iproute2)")
    with line() as names, tempfile.TemporaryDirectory() as folder:
        nobody = rate(names[0], names[2], seconds)
        every, said = looked_at(names, seconds, Path(folder), "--every")
        first, also = looked_at(names, seconds, Path(folder))
        after = rate(names[0], names[2], seconds)
        run("ip", "-n", names[0], "link", "set", "c1", "gso_max_segs", "1")  # a card that splits nothing
        small, more = looked_at(names, seconds, Path(folder), "--every")
    print(f"every packet: {said}\nevery packet, none larger than the line's: {more}\nfirst packets: {also}")
    print(
        f"nobody looks: {nobody / 1e9:.2f} Gbit/s before, {after / 1e9:.2f} after; load {os.getloadavg()[0]:.1f}"
    )
    bare = min(nobody, after)
    return publish(
        [
            at_least("inline, every packet, Mbit/s", every / 1e6, 500),
            told("inline, every packet, none larger than the line's, Mbit/s", small / 1e6),
            told("inline, every packet, Mbit a second of the processor", per_second(said)),
            told("inline, the same, none larger than the line's", per_second(more)),
            at_least(
                "inline, first packets, Gbit/s (10, or nine tenths of the bare line)",
                first / 1e9,
                min(10, 0.9 * bare / 1e9),
            ),
            told("inline, every packet, share of the bare line", every / bare),
            told("inline, first packets, share of the bare line", first / bare),
            told("the bare line, Gbit/s", bare / 1e9),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
