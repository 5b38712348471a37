"""Locks of the operating system on single bytes of a file; they fall with their process, however that dies."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt

    def lock(file: int, byte: int, *, shared: bool = False) -> bool:
        """Take the lock if nobody has it: whether that was so. Windows knows no shared ones."""
        os.lseek(file, byte, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def unlock(file: int, byte: int) -> None:
        """Give the lock back."""
        os.lseek(file, byte, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def lock(file: int, byte: int, *, shared: bool = False) -> bool:
        """Take the lock if nobody has it (or, shared, if nobody has it alone): whether that was so."""
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.lockf(file, kind | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def unlock(file: int, byte: int) -> None:
        """Give the lock back."""
        fcntl.lockf(file, fcntl.LOCK_UN, 1, byte)
