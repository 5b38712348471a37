"""speakeasy, imported where its own dependencies would not be."""

from __future__ import annotations

import sys
import sysconfig
import warnings
from pathlib import Path
from types import ModuleType

#: What unicorn 1.0.2, which speakeasy pins, imports for want of something better, and uses once each: a path.
_GONE = ("pkg_resources", "distutils", "distutils.sysconfig")


def load() -> ModuleType:
    """The package. Raises ImportError where it, or something that it needs, is not installed."""
    made = [name for name in _GONE if name not in sys.modules]
    stand_ins = {name: ModuleType(name) for name in _GONE}
    stand_ins["pkg_resources"].resource_filename = _beside  # type: ignore[attr-defined]
    stand_ins["distutils"].sysconfig = stand_ins["distutils.sysconfig"]  # type: ignore[attr-defined]
    stand_ins["distutils.sysconfig"].get_python_lib = lambda: sysconfig.get_path("purelib")  # type: ignore[attr-defined]
    sys.modules.update({name: stand_ins[name] for name in made})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own strings, written for older Pythons
            import speakeasy

            return speakeasy  # type: ignore[no-any-return]
    finally:
        for name in made:
            sys.modules.pop(name, None)


def _beside(package: str, name: str) -> str:
    file = sys.modules[package].__file__ or ""
    return str(Path(file).parent / name)
