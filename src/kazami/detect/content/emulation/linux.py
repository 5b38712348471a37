"""A script of Linux, run in a cage: its system calls as acts in Sigma's words."""

from __future__ import annotations

import posixpath
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from kazami.detect.content.emulation import strace
from kazami.detect.content.emulation.record import Record
from kazami.detect.content.identify import HEAD, kind
from kazami.engine import jail

#: By kind: names of interpreters, the first that is there runs it.
_INTERPRETERS = {"shell": ("sh",), "python": ("python3",), "perl": ("perl",)}
_SHEBANG = re.compile(rb"#!\s*(?:/usr)?/bin/(?:env\s+)?(bash|dash|zsh|ksh|sh|python3?|perl)\b")
_SUFFIXES = {"shell": ".sh", "python": ".py", "perl": ".pl"}

_DECOYS = "/opt/bin"
#: What needs a network or more rights than there are does as if: what comes back is a script that does nothing.
_DECOY = Path(__file__).with_name("decoy.sh")
_FEIGNED = ("curl", "wget", "nc", "ncat", "ssh", "scp", "crontab", "systemctl", "service", "sudo", "su", "apt-get", "yum", "iptables", "useradd", "usermod", "chattr", "docker", "pkill", "killall", "insmod", "modprobe")  # fmt: skip
_FILES = {
    "/etc/passwd": b"root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000:User,,,:/home/user:/bin/bash\n",
    "/etc/group": b"root:x:0:\nuser:x:1000:\n",
    "/etc/hosts": b"127.0.0.1 localhost\n192.0.2.14 pc-14\n",
    "/etc/resolv.conf": b"nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    "/etc/crontab": b"17 * * * * root cd / && run-parts --report /etc/cron.hourly\n",
    "/home/user/.bashrc": b"alias ll='ls -l'\n",
    "/home/user/report.txt": b"The minutes of the meeting.\n",
}
_SECRET = re.compile(r"/etc/g?shadow-?$|/\.ssh/id_\w+$|/\.aws/credentials|/\.netrc$|/\.git-credentials|/\.docker/config\.json|/\.kube/config|Login Data$|logins\.json$|key4\.db$|/\.password-store/")  # fmt: skip
_NOISE = ("/dev/", "/proc/", "/sys/")
#: A packet that asks: recursion wanted, one question, no answers, and labels.
_DNS = re.compile(
    r"\x01.\x00\x01(?:\x00\x00){2}\x00[\x00\x01]((?:[\x01-\x3f][\w-]+)+)\x00", re.ASCII | re.DOTALL
)


def language(data: bytes, name: str) -> str:
    """``shell``, ``python``, ``perl``, "" for what is none of them: by its first line, else by what it is taken for."""
    if named := _SHEBANG.match(data[:200]):
        word = named.group(1).decode()
        return {"python": "python", "python3": "python", "perl": "perl"}.get(word, "shell")
    word = kind(data[:HEAD], name)
    return word if word in _INTERPRETERS else ""


def interpreter(language: str, head: bytes) -> str:
    """The path of what runs such a script here, "" where nothing does."""
    wanted = _INTERPRETERS.get(language, ())
    if named := _SHEBANG.match(head):
        wanted = (named.group(1).decode(), *wanted)
    found = (name for name in wanted if shutil.which(name, path="/usr/bin"))
    return next((f"/usr/bin/{name}" for name in found), "")


def run(data: bytes, name: str, seconds: float) -> Record:
    """What it does within `seconds`. Whatever hinders it is the record's `ended`. Raises OSError where there is no cage."""
    word = language(data, name)
    program = interpreter(word, data[:200])
    own = f"{jail.HOME}/{_file_name(name, word)}"
    record = Record("linux", program, f"{posixpath.basename(program)} {own}", "user", own=own)
    if not program:
        record.ended = f"nothing here runs a script of {word or 'no known language'}"
        return record
    inside = jail.Program(
        (program, own),
        {**_FILES, own: data, f"{_DECOYS}/decoy": _DECOY.read_bytes()},
        {f"{_DECOYS}/{feigned}": "decoy" for feigned in _FEIGNED},
        f"{_DECOYS}:/usr/bin:/bin",
    )
    outcome = jail.run(inside, jail.Limits(seconds=seconds))
    record.ended, record.lost = outcome.ended, outcome.lost
    record.dropped = list(outcome.files.items())
    _Reading(record).read(outcome.log)
    return record


def _file_name(name: str, language: str) -> str:
    last = re.sub(r"[^\w.-]", "_", name)[-100:].lstrip(".-") or "script"
    return last if "." in last else last + _SUFFIXES.get(language, "")


class _Reading:
    """The log of a cage becomes acts; what the cage itself does comes first and is passed over."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._images: dict[int, tuple[str, str]] = {}  # program and command line by process
        self._forker = 0  # who last made a process: the parent of one that is new
        self._main = 0  # the process of the script
        self._refused = False  # it asked for the network and got none

    def read(self, log: bytes) -> None:
        """All of it, from where the script is started to where the cage's shell takes over again."""
        calls = strace.read(log)
        keeper = 0
        for said in calls:
            if isinstance(said, strace.Call) and said.name == "execve" and said.result == 0:
                if "keeper" in said.texts:
                    keeper = said.pid
                elif said.texts == [self._record.image, self._record.image, self._record.own]:
                    break
        else:
            self._record.ended = self._record.ended or "it was never started"
            return
        self._main, self._images[said.pid] = said.pid, (self._record.image, self._record.command)
        for said in calls:
            if said.pid != keeper:
                self._hear(said)

    def _hear(self, said: strace.Call | strace.Exit | strace.Begun) -> None:
        if isinstance(said, strace.Exit):
            if said.pid == self._main and said.code and not self._record.ended:
                how = f"with exit code {said.code}" if said.code > 0 else "by a signal"
                self._record.ended = (
                    f"it failed, {how}{' where it found no network' if self._refused else ''}"
                )
        elif said.name in ("fork", "vfork", "clone", "clone3"):
            self._forked(said)
        elif isinstance(said, strace.Call):
            self._record.calls[said.name] += 1
            if (
                said.name in ("open", "openat")
                and "O_RDONLY" in said.arguments
                and not _SECRET.search(self._path(said))
            ):
                return  # programs read hundreds of files when they start
            number = [*self._images].index(said.pid) if said.pid in self._images else None
            self._record.line({"call": said.name, "process": number, "texts": said.texts[:50], "failed": said.note if said.result == -1 else None})  # fmt: skip
            if act := getattr(self, f"_{said.name}", None):
                act(said)

    def _who(self, pid: int) -> tuple[str, str]:
        """Program and command line of a process; one that is new is what made it."""
        own = (self._record.image, self._record.command)
        return self._images.get(pid) or self._images.get(self._forker) or own

    def _act(self, call: strace.Call, category: str, **fields: str) -> None:
        self._record.act(category, Image=self._who(call.pid)[0], **fields)

    def _forked(self, said: strace.Call | strace.Begun) -> None:
        if isinstance(said, strace.Begun) or (said.result or 0) > 0:
            self._forker = said.pid
        elif "EAGAIN" in said.note:
            self._record.ended = self._record.ended or "more processes wanted than are allowed"

    def _execve(self, call: strace.Call) -> None:
        if call.result != 0:
            return
        image, *words = call.texts
        parent = self._who(call.pid)
        if image.startswith(_DECOYS):
            image = f"/usr/bin/{posixpath.basename(image)}"
        command = " ".join(words) or image
        self._images[call.pid] = (image, command)
        self._record.act(
            "process_creation",
            Image=image,
            CommandLine=command,
            CurrentDirectory=jail.HOME,
            ParentImage=parent[0],
            ParentCommandLine=parent[1],
        )
        if posixpath.basename(image) in ("curl", "wget"):
            self._fetched(call, words)

    def _fetched(self, call: strace.Call, words: list[str]) -> None:
        for word in words:
            host = urlsplit(word).hostname if re.match(r"(?:https?|ftp)://", word) else None
            if host:
                self._act(call, "dns_query", QueryName=host)
                self._act(call, "proxy", **{"c-uri": word, "cs-host": host, "cs-method": "GET"})

    def _openat(self, call: strace.Call) -> None:
        path = self._path(call)
        if _SECRET.search(path):
            self._act(call, "file_access", FileName=path)
        written = "O_CREAT" in call.arguments or "O_WRONLY" in call.arguments or "O_RDWR" in call.arguments
        if written and (call.result or -1) >= 0 and not path.startswith(_NOISE):
            self._act(call, "file_event", TargetFilename=path)

    _open = _openat

    def _creat(self, call: strace.Call) -> None:
        if (call.result or -1) >= 0:
            self._act(call, "file_event", TargetFilename=self._path(call))

    def _unlink(self, call: strace.Call) -> None:
        if call.result == 0:
            self._act(call, "file_delete", TargetFilename=self._path(call))

    _unlinkat = _unlink

    def _rename(self, call: strace.Call) -> None:
        if call.result == 0 and len(call.texts) > 1:
            old, new = (self._absolute(one) for one in call.texts[:2])
            self._act(call, "file_rename", SourceFilename=old, TargetFilename=new)

    _renameat = _renameat2 = _rename

    def _connect(self, call: strace.Call) -> None:
        if not call.address:
            return
        address, port = call.address
        if port != "53":
            self._refused = True
            self._act(
                call, "network_connection", DestinationIp=address, DestinationPort=port, Initiated="true"
            )

    def _sendto(self, call: strace.Call) -> None:
        for name in _names(call.texts):
            self._refused = True
            self._act(call, "dns_query", QueryName=name)

    _sendmmsg = _sendmsg = _sendto

    def _nanosleep(self, call: strace.Call) -> None:
        found = re.search(r"tv_sec=(\d+)", call.arguments)
        wanted = min(int(found.group(1)), 1 << 32) if found else 0
        now = time.monotonic() if "TIMER_ABSTIME" in call.arguments else 0
        self._record.slept += max(0, round(wanted - now))

    _clock_nanosleep = _nanosleep

    def _path(self, call: strace.Call) -> str:
        """The path that a call names; strace says of an open file what it is."""
        if opened := re.match(r"\d+<(/[^>]*)>", f"{call.result}{call.note}"):
            return opened.group(1)
        folder = re.match(r"(?:AT_FDCWD|\d+)<(/[^>]*)>", call.arguments)
        return self._absolute(call.texts[0] if call.texts else "", folder.group(1) if folder else jail.HOME)

    def _absolute(self, path: str, folder: str = jail.HOME) -> str:
        return posixpath.normpath(posixpath.join(folder, path))


def _names(texts: list[str]) -> Iterator[str]:
    """Names that are asked for in packets of DNS."""
    for packet in texts:
        for found in _DNS.finditer(packet):
            labels, at, parts = found.group(1), 0, []
            while at < len(labels):
                length = ord(labels[at])
                parts.append(labels[at + 1 : at + 1 + length])
                at += 1 + length
            yield ".".join(parts)
