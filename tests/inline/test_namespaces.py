"""Inline on a real line: a client, a router that looks, a server, each in a network namespace of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import rat_messages
from capture_writer import hello, question
from kazami.respond.notify.log import Log

PEER = Path(__file__).with_name("peer.py")
SERVER, LISTED, SIX = "10.177.2.2", "10.177.2.3", "fd00:177:2::2"
TOOLS = "/usr/sbin:/sbin:/usr/bin:/bin"


def missing() -> str:
    """Why these tests cannot run here; "" where they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux"
    if shutil.which("ip", path=TOOLS) is None:
        return "needs ip (iproute2)"
    if shutil.which("iptables", path=TOOLS) is None and shutil.which("nft", path=TOOLS) is None:
        return "needs nft or iptables"
    return ""


def run(*command: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, **more)


@dataclass
class Line:
    """The three namespaces, and what runs in them."""

    client: str
    router: str
    server: str
    folder: Path
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, where: str, *command: str) -> subprocess.Popen[str]:
        made = subprocess.Popen(["ip", "netns", "exec", where, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, bufsize=1)  # fmt: skip
        self.running.append(made)
        return made

    def inline(self, *options: str, where: str = "") -> subprocess.Popen[str]:
        """The program at the router, or elsewhere; returns when packets come to it."""
        for old in self.running[1:]:  # of a test that failed
            old.kill()
            old.wait()
        words = ["--key", str(self.folder / "key"), "--log", str(self.folder / "log.jsonl"), *options]
        made = self.start(where or self.router, sys.executable, "-m", "kazami", "inline", *words)
        assert made.stderr is not None
        first = made.stderr.readline()
        if "cannot be led here" in first or "no netlink" in first:
            pytest.skip(f"this kernel has no queue: {first.strip()}")
        assert "kazami inline:" in first, first + made.stderr.read()
        return made

    def say(
        self, *messages: bytes, port: int = 995, kind: str = "tcp", host: str = SERVER, seconds: float = 10
    ) -> bool:
        """Whether the server got exactly this and its answer came back."""
        done = run("ip", "netns", "exec", self.client, sys.executable, str(PEER), "say", kind, host, str(port), str(seconds),
                   input=json.dumps([one.hex() for one in messages]))  # fmt: skip
        whole = b"".join(messages)
        if done.stdout == "dead":
            return False
        assert json.loads(done.stdout) == {"bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}
        return True

    def rules(self) -> str:
        """All that stands in the router's kernel, without counters."""
        found = []
        for command in (
            ["nft", "list", "tables"],
            ["iptables", "-t", "mangle", "-S"],
            ["ip6tables", "-t", "mangle", "-S"],
        ):
            if shutil.which(command[0], path=TOOLS):
                done = subprocess.run(
                    ["ip", "netns", "exec", self.router, *command], capture_output=True, text=True
                )
                found += [done.stdout]
        return "".join(found).replace("table ip mangle\n", "").replace("table ip6 mangle\n", "")


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    if reason := missing():
        pytest.skip(reason)
    mine = os.getpid()
    names = [f"kz{part}{mine}" for part in ("a", "m", "b")]
    made = Line(*names, tmp_path_factory.mktemp("line"))
    try:
        try:
            for name in names:
                run("ip", "netns", "add", name)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
        wire(made)
        server = made.start(made.server, sys.executable, str(PEER), "serve")
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        yield made
    finally:
        for one in made.running:
            one.kill()
            one.communicate()
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def wire(line: Line) -> None:
    """Two cables, and a router that forwards between them."""
    for near, far, number, own in ((line.client, line.router, 1, "ca"), (line.server, line.router, 2, "cb")):
        run("ip", "link", "add", own, "netns", near, "type", "veth", "peer", "name", f"{own}m", "netns", far)
        run("ip", "-n", near, "addr", "add", f"10.177.{number}.2/24", "dev", own)
        run("ip", "-n", far, "addr", "add", f"10.177.{number}.1/24", "dev", f"{own}m")
        for where, name in ((near, own), (far, f"{own}m"), (near, "lo")):
            run("ip", "-n", where, "link", "set", name, "up")
        run("ip", "-n", near, "addr", "add", f"fd00:177:{number}::2/64", "dev", own, "nodad")
        run("ip", "-n", far, "addr", "add", f"fd00:177:{number}::1/64", "dev", f"{own}m", "nodad")
        run("ip", "-n", near, "route", "add", "default", "via", f"10.177.{number}.1")
        run("ip", "-n", near, "route", "add", "default", "via", f"fd00:177:{number}::1")
    run("ip", "-n", line.server, "addr", "add", f"{LISTED}/24", "dev", "cb")
    run(
        "ip",
        "netns",
        "exec",
        line.router,
        "sh",
        "-c",
        "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
    )


def ended(program: subprocess.Popen[str], how: int = signal.SIGTERM) -> tuple[str, str]:
    program.send_signal(how)
    return program.communicate(timeout=20)


#: What an implant says first, made by us and inert: family, port, protocol, messages.
CHECK_INS: list[tuple[str, int, str, list[bytes]]] = [
    ("RedLeaves", 995, "tcp", [rat_messages.redleaves()[:12], rat_messages.redleaves()[12:]]),
    ("RedLeaves", 80, "tcp", [rat_messages.redleaves_http()]),
    ("PlugX", 80, "tcp", [rat_messages.plugx_http()]),
    ("ChChes", 80, "tcp", [rat_messages.chches()]),
    ("KV-botnet", 443, "tcp", [rat_messages.kv_botnet()]),
    ("gh0st", 443, "tcp", [rat_messages.gh0st()]),
    ("PlugX", 8080, "udp", [rat_messages.plugx_udp()]),
]

#: What everybody says, and must get through.
BENIGN: list[tuple[str, int, str, list[bytes]]] = [
    (
        "HTTP",
        80,
        "tcp",
        [b"GET /index.html HTTP/1.1\r\nHost: www.example\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n"],
    ),
    (
        "HTTP with a body",
        80,
        "tcp",
        [b"POST /index.php HTTP/1.1\r\nHost: w\r\nContent-Length: 9\r\n\r\n", b"a=1&b=222"],
    ),
    ("TLS", 443, "tcp", [hello("www.example")]),
    ("DNS", 53, "udp", [question("www.example")]),
    ("SSH", 22, "tcp", [b"SSH-2.0-OpenSSH_9.2\r\n", rat_messages.dense(1200)]),
    ("twelve bytes", 995, "tcp", [b"hello world\n", b"and more of it"]),
    ("ten megabytes", 443, "tcp", [rat_messages.dense(10 << 20)]),
]


def through(line: Line, talks: list[tuple[str, int, str, list[bytes]]], seconds: float) -> list[str]:
    """Names of those that got through, all at once."""
    with ThreadPoolExecutor() as threads:
        arrived = threads.map(lambda one: line.say(*one[3], port=one[1], kind=one[2], seconds=seconds), talks)
        return [name for (name, *_), good in zip(talks, arrived, strict=True) if good]


@pytest.mark.parametrize("options", [(), ("--every",)], ids=["first packets", "every packet"])
def test_check_ins_die_and_everything_else_passes(line: Line, options: tuple[str, ...]) -> None:
    before = line.rules()
    program = line.inline("--block", *options)
    assert line.rules() != before
    assert through(line, CHECK_INS, 2) == []
    assert through(line, BENIGN, 20) == [name for name, *_ in BENIGN]
    out, err = ended(program)
    told = [json.loads(one) for one in out.splitlines()]
    assert sorted(one["family"] for one in told) == sorted(name for name, *_ in CHECK_INS)
    assert {one["verdict"] for one in told} == {"dropped"}
    first = next(one for one in told if one["server_port"] == "995")
    assert (first["client"], first["server"], first["proof key"]) == ("10.177.1.2", SERVER, "Lucky123")
    assert line.rules() == before
    kept = [one for one in Log(line.folder / "log.jsonl").lines() if one["verdict"] == "dropped"]
    assert len(kept) >= len(told)
    if not options:  # the kernel passed the big transfer by itself
        assert int(err.split(" packets, ")[0].rsplit("\n", 1)[-1].replace(",", "")) < 800


def test_without_being_told_to_block_it_tells_only(line: Line) -> None:
    program = line.inline()
    assert line.say(rat_messages.redleaves())
    out, _ = ended(program)
    assert [json.loads(one)["verdict"] for one in out.splitlines()] == ["would be dropped"]


def test_who_is_listed_is_never_cut(line: Line) -> None:
    program = line.inline("--block", "--allow", f"{LISTED}/32")
    assert line.say(rat_messages.redleaves(), host=LISTED)
    assert not line.say(rat_messages.redleaves(), host=SERVER, seconds=1.5)
    ended(program)


def test_over_ipv6_and_on_the_machine_itself(line: Line) -> None:
    if not Path("/proc/sys/net/ipv6").exists():
        pytest.skip("this machine has no IPv6")
    program = line.inline("--block", "--local", where=line.client)
    arrived = [line.say(rat_messages.redleaves(), host=host, seconds=1.5) for host in (SIX, SERVER)]
    assert line.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", port=80, host=SIX)
    out, err = ended(program)
    if "not everything is seen" in err:
        pytest.skip(f"this kernel has no queue for IPv6: {err}")
    assert arrived == [False, False]
    assert [json.loads(one)["server"] for one in out.splitlines()] == [SIX, SERVER]
    program = line.inline("--block")
    assert not line.say(rat_messages.redleaves(), host=SIX, seconds=1.5)
    ended(program)


def test_rules_decide_as_well(line: Line) -> None:
    rules = line.folder / "some.rules"
    rules.write_text(
        'drop tcp any any -> any any (msg:"a word"; flow:established,to_server; content:"forbidden"; sid:7; rev:1;)\n'
    )
    program = line.inline("--block", "--rules", str(rules))
    assert not line.say(b"GET /", b"forbidden HTTP/1.1\r\n\r\n", port=80, seconds=1.5)
    assert line.say(b"GET /", b"allowed HTTP/1.1\r\n\r\n", port=80)
    assert not line.say(rat_messages.redleaves(), seconds=1.5)
    out, _ = ended(program)
    said = [json.loads(one)["family"] for one in out.splitlines()]
    assert list(dict.fromkeys(said)) == ["a word", "RedLeaves"]  # a sender that tries again is told of again


def test_when_it_is_killed_everything_passes_and_the_next_start_cleans(line: Line) -> None:
    before = line.rules()
    program = line.inline("--block")
    assert not line.say(rat_messages.redleaves(), seconds=1.5)
    ended(program, signal.SIGKILL)
    assert line.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", port=80)
    assert line.say(rat_messages.redleaves())
    assert settled(line, before)
    ended(line.inline("--block"), signal.SIGKILL)
    program = line.inline("--block")  # at once: who cleans after the other one leaves this one alone
    assert not line.say(rat_messages.redleaves(), seconds=1.5)
    ended(program)
    assert line.rules() == before


def settled(line: Line, wanted: str) -> bool:
    """Whether the kernel comes to hold no more than `wanted`."""
    return any(line.rules() == wanted or time.sleep(0.2) for _ in range(50))


def test_when_it_and_its_guard_are_killed_everything_passes_and_it_can_be_cleaned(line: Line) -> None:
    before = line.rules()
    program = line.inline("--block")
    (guard,) = children(program.pid)
    os.kill(guard, signal.SIGKILL)
    ended(program, signal.SIGKILL)
    assert line.rules() != before  # nobody was there to take it away
    assert line.say(rat_messages.redleaves())
    run("ip", "netns", "exec", line.router, sys.executable, "-m", "kazami", "inline", "--clean")
    assert line.rules() == before


def children(pid: int) -> list[int]:
    """Processes that another one started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_however_it_ends_nothing_is_left(line: Line, how: signal.Signals) -> None:
    before = line.rules()
    program = line.inline("--block")
    guard = children(program.pid)
    program.send_signal(how)
    program.wait(timeout=20)
    assert settled(line, before)
    assert not any(Path(f"/proc/{one}/stat").exists() for one in guard) or how in (
        signal.SIGHUP,
        signal.SIGQUIT,
    )
    assert line.say(rat_messages.redleaves())


def test_when_it_stands_still_everything_passes(line: Line) -> None:
    before = line.rules()
    program = line.inline("--block")
    assert not line.say(rat_messages.redleaves(), seconds=1.5)
    program.send_signal(signal.SIGSTOP)
    assert line.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", port=80, seconds=30)
    assert settled(line, before)
    assert program.wait(timeout=10) == -signal.SIGKILL
    assert program.stderr is not None
    assert "stood still for 5 s and was ended; everything passes" in program.stderr.read()


def test_a_second_one_on_the_same_queue_is_refused_and_harms_nothing(line: Line) -> None:
    program = line.inline("--block")
    rules = line.rules()
    words = ["--key", str(line.folder / "key"), "--log", str(line.folder / "other.jsonl")]
    done = subprocess.run(["ip", "netns", "exec", line.router, sys.executable, "-m", "kazami", "inline", *words],
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 2
    assert "somebody listens there already" in done.stderr
    assert line.rules() == rules
    assert not line.say(rat_messages.redleaves(), seconds=1.5)
    ended(program)
