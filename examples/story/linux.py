"""A Linux gateway: its audit log and its log of logons."""

from __future__ import annotations

from dataclasses import dataclass, field

from story.clock import at, number


@dataclass
class Gateway:
    """A Linux machine; lines are kept with their time and sorted when written."""

    name: str
    audit: list[tuple[float, str]] = field(default_factory=list)
    secure: list[tuple[float, str]] = field(default_factory=list)
    _serial: int = 4210

    def runs(
        self, when: str, program: str, *words: str, uid: int = 0, parent: int = 1, login: int = 4294967295
    ) -> int:
        """A program is run: SYSCALL, EXECVE, CWD, PATH and PROCTITLE as auditd writes them. Gives its process id."""
        time, pid = at(when), 20000 + self._serial
        self._serial += 1
        stamp = f"msg=audit({time.timestamp():.3f}:{self._serial}):"
        arguments = " ".join(f'a{index}="{word}"' for index, word in enumerate(words))
        title = "\0".join(words).encode().hex().upper()
        for kind, text in (
            ("SYSCALL", _syscall(program, pid, parent, uid, login)),
            ("EXECVE", f"argc={len(words)} {arguments}"),
            ("CWD", 'cwd="/"'),
            (
                "PATH",
                f'item=0 name="{program}" inode={number(program, 900000)} dev=fd:00 mode=0100755 ouid=0 ogid=0',
            ),
            ("PROCTITLE", f"proctitle={title}"),
        ):
            self.audit.append((time.timestamp(), f"node={self.name} type={kind} {stamp} {text}"))
        return pid

    def says(self, when: str, program: str, pid: int, text: str) -> None:
        """A line of /var/log/secure, with the time as rsyslog's own format has it."""
        time = at(when)
        stamp = f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond:06d}+00:00"
        self.secure.append((time.timestamp(), f"{stamp} {self.name} {program}[{pid}]: {text}"))

    def audit_log(self) -> str:
        """The audit log."""
        return "".join(f"{line}\n" for _, line in sorted(self.audit, key=lambda entry: entry[0]))

    def secure_log(self) -> str:
        """The log of logons."""
        return "".join(f"{line}\n" for _, line in sorted(self.secure, key=lambda entry: entry[0]))


def _syscall(program: str, pid: int, parent: int, uid: int, login: int) -> str:
    return (
        f"arch=c000003e syscall=59 success=yes exit=0 a0=55d0c4 a1=55d0c8 a2=55d0d0 a3=0 items=1 ppid={parent} "
        f"pid={pid} auid={login} uid={uid} gid={uid} euid={uid} suid={uid} fsuid={uid} egid={uid} sgid={uid} "
        f'fsgid={uid} tty=(none) ses={login} comm="{program.rsplit("/", 1)[-1]}" exe="{program}" key="exec"'
    )
