"""The command line: it parses, calls, prints. Standard output is data, standard error is talk.

0    done
1    done, and there are findings at or above ``--fail-on``; of ``rules check`` and ``rules test``: a rule failed
2    what was asked for cannot be done: wrong words, a case that cannot be opened or written
3    evidence could not be read: a file, a part of an archive, or more records than ``--reject-limit`` allows
4    an error inside Kazami
130  stopped by Ctrl-C; the same command goes on from there
"""

from __future__ import annotations

import gc
import sys

from kazami.cli.exit_code import STOPPED


def main() -> None:
    """The program; ends with an exit code of this module's list.

    What was imported, and what is left at the end, is not searched for cyclic garbage: a tenth of a second each.
    """
    gc.disable()
    code = run(sys.argv[1:])
    gc.freeze()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Carry out a command line; errors are said on standard error, in one line that names the file."""
    try:
        from kazami.cli import program  # here, because Ctrl-C may come as early as that

        gc.freeze()
        gc.enable()
        return program.run(arguments)
    except KeyboardInterrupt:
        return STOPPED
