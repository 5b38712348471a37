"""Run a command of Kazami in a virtual environment of its own, which is made and filled here, in `.venv`.

    python3 try.py kazami scan examples/intrusion
    python3 try.py --extra test pytest

It needs Python 3.11 and nothing else: not a pip that may install into the system, not the parts of Python that some
distributions leave out. Whatever comes after the command's name is the command's own.
"""

# ruff: noqa: S603, T201, UP036 - it starts programs, talks, and tells older Pythons what they are

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
PROGRAMS = ENVIRONMENT / ("Scripts" if sys.platform == "win32" else "bin")

NO_PIP = """\
This Python can neither put pip into a virtual environment (it has no ensurepip) nor has pip itself.
One package of your distribution is missing. On Debian and Ubuntu: apt install python3-venv
"""


def main() -> int:
    """Make the environment, fill it, run the command; gives the command's own exit code."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--extra", default="", help="an extra of the package to install as well (test)")
    options.add_argument("command", help="kazami, pytest or another program of the environment")
    options.add_argument("arguments", nargs=argparse.REMAINDER)
    asked = options.parse_args()
    make()
    install(f"{HERE}[{asked.extra}]" if asked.extra else str(HERE))
    return subprocess.run([str(PROGRAMS / asked.command), *asked.arguments], check=False).returncode


def make() -> None:
    """A virtual environment, with pip where this Python can put it there."""
    if python().exists():
        return
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(ENVIRONMENT)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        # Debian's Python comes without ensurepip. An environment without pip can be filled from outside.
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", "--without-pip", str(ENVIRONMENT)], check=True
        )


def install(package: str) -> None:
    """Install into the environment: by its own pip, else by the pip of this Python."""
    for pip in ([str(python()), "-m", "pip"], [sys.executable, "-m", "pip", "--python", str(python())]):
        if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode == 0:
            print(f"Installing {package}, into {ENVIRONMENT} alone ...", file=sys.stderr, flush=True)
            subprocess.run([*pip, "install", "--quiet", "--disable-pip-version-check", package], check=True)
            return
    sys.exit(NO_PIP)


def python() -> Path:
    """The environment's interpreter."""
    return PROGRAMS / ("python.exe" if sys.platform == "win32" else "python")


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        sys.exit("Kazami needs Python 3.11 or newer; this is {}.{}.".format(*sys.version_info))
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
