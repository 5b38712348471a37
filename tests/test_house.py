"""The rules of the house, as tests. Where one has an exception, it stands here with its reason."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from kazami.cli.program import COMMANDS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "kazami"
MODULES = sorted(SOURCE.rglob("*.py"))
PYTHON = sorted(
    path
    for folder in ("src", "tests", "benchmarks", "examples", "fuzz")
    for path in (ROOT / folder).rglob("*.py")
)

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "core", "base", "manager"}
LONGEST_FILE = 500
LONGEST_FUNCTION = 80
USUAL_FUNCTION = 40  # lines, at the 95th percentile

#: Files that are empty on purpose.
EMPTY = {"src/kazami/py.typed": "PEP 561 asks for the file, not for content"}

#: Modules whose tests may be whole scans (`tests/examples/test_story.py`): they join others and decide little.
WHOLE_SCANS = (
    "src/kazami/detect/sigma/assertion.py",
    "src/kazami/detect/sigma/blind.py",
    "src/kazami/detect/sigma/profile.py",
    "src/kazami/engine/",
    "src/kazami/pipeline/",
    "src/kazami/sources/evtx",
    "src/kazami/store/seen.py",
)

#: Who may write to the standard output: those who talk to people.
TALKERS = ("src/kazami/cli/",)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions(path: Path) -> Iterator[FunctionNode]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, FunctionNode))


def lines(node: FunctionNode) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def dotted(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_imports_go_one_way() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    if not command.exists():
        pytest.skip("import-linter is not installed beside this Python")
    done = subprocess.run([str(command)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_long() -> None:
    long = {
        name(path): n for path in PYTHON if (n := len(path.read_text("utf-8").splitlines())) > LONGEST_FILE
    }
    assert long == {}


def test_no_function_is_long() -> None:
    long = {
        f"{name(path)}:{node.name}": lines(node)
        for path in MODULES
        for node in functions(path)
        if lines(node) > LONGEST_FUNCTION
    }
    assert long == {}


def test_functions_are_short_as_a_rule() -> None:
    lengths = [lines(node) for path in MODULES for node in functions(path)]
    assert statistics.quantiles(lengths, n=20)[-1] <= USUAL_FUNCTION


def test_modules_are_named_after_what_they_are() -> None:
    assert [name(path) for path in MODULES if path.stem in FORBIDDEN_NAMES] == []
    packages = {path.parent.name for path in MODULES}
    assert packages & FORBIDDEN_NAMES == set()


def test_no_error_is_swallowed() -> None:
    assert [f"{name(path)}:{line}" for path in PYTHON for line in swallowed(tree(path))] == []


def swallowed(module: ast.Module) -> Iterator[int]:
    """Lines of handlers for any error that do nothing with it."""
    for node in ast.walk(module):
        if isinstance(node, ast.ExceptHandler) and blind(node.type) and all(idle(step) for step in node.body):
            yield node.lineno
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("suppress")
            and any(map(blind, node.args))
        ):
            yield node.lineno


def blind(caught: ast.expr | None) -> bool:
    """Whether all errors are caught: no type, Exception, BaseException, or a tuple with one of them."""
    if isinstance(caught, ast.Tuple):
        return any(blind(element) for element in caught.elts)
    return caught is None or (isinstance(caught, ast.Name) and caught.id in ("Exception", "BaseException"))


def idle(step: ast.stmt) -> bool:
    """Whether a statement does nothing that anyone could notice."""
    if isinstance(step, ast.Return):
        return step.value is None or (isinstance(step.value, ast.Constant) and step.value.value is None)
    if isinstance(step, ast.Expr):
        return isinstance(step.value, ast.Constant)
    return isinstance(step, ast.Pass | ast.Continue | ast.Break)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("try:\n    f()\nexcept Exception:\n    pass", [3]),
        ("try:\n    f()\nexcept:\n    'never mind'\n    return None", [3]),
        ("for x in y:\n    try:\n        f()\n    except (OSError, Exception):\n        continue", [4]),
        ("with contextlib.suppress(Exception):\n    f()", [1]),
        ("try:\n    f()\nexcept ValueError:\n    pass", []),
        ("try:\n    f()\nexcept Exception:\n    return False", []),
        ("try:\n    f()\nexcept Exception as error:\n    note(error)", []),
        ("with contextlib.suppress(FileNotFoundError):\n    f()", []),
    ],
)
def test_swallowing_is_recognised(code: str, found: list[int]) -> None:
    assert list(swallowed(ast.parse(code))) == found


def test_only_the_faces_talk() -> None:
    talking = [
        f"{name(path)}:{node.lineno}"
        for path in MODULES
        if not name(path).startswith(TALKERS)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("print", "sys.stdout.write", "sys.stderr.write")
    ]
    assert talking == []


def test_whatever_is_public_is_described() -> None:
    assert [where for path in MODULES for where in undescribed(path)] == []


def undescribed(path: Path) -> Iterator[str]:
    """Modules, and their public functions and classes, without a docstring."""
    module = tree(path)
    if not ast.get_docstring(module) and module.body:
        yield name(path)
    for node in module.body:
        if (
            isinstance(node, FunctionNode | ast.ClassDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
        ):
            yield f"{name(path)}:{node.lineno} {node.name}"


def test_every_module_is_tested() -> None:
    """By a test that is called after it or imports it, by golden files, or through a module of its package that is tested so."""
    files = {dotted(path): path for path in MODULES}
    tests = sorted((ROOT / "tests").rglob("*.py"))
    called = {path.stem.removeprefix("test_") for path in tests}
    reached = {module for module, path in files.items() if path.stem in called} | files.keys() & set(
        imported(tests)
    )
    reached |= files.keys() & set(golden())
    reached |= {f"kazami.cli.{module}" for module, _ in COMMANDS.values()}  # loaded by name
    waiting = sorted(reached)
    while waiting:
        module = files[waiting.pop()]
        for other in set(imported([module])) & files.keys() - reached:
            if files[other].is_relative_to(module.parent):
                reached.add(other)
                waiting.append(other)
    untested = [name(path) for path in MODULES if has_code(path) and dotted(path) not in reached]
    assert [path for path in untested if not path.startswith(WHOLE_SCANS)] == []


def golden() -> Iterator[str]:
    """Modules of the analyzers that have golden files (`tests/contract/test_analyzers.py`)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for analyzer, module in project["entry-points"]["kazami.analyzers"].items():
        if any((ROOT / "tests" / "golden" / analyzer).glob("*.in")):
            yield module.split(":")[0]


def imported(paths: list[Path]) -> Iterator[str]:
    """Full names of what is imported: modules, and what comes out of them, which may be modules as well."""
    for path in paths:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def has_code(path: Path) -> bool:
    """Whether a module does anything: defines a function or a method."""
    return any(functions(path))


def test_nothing_is_empty() -> None:
    empty = [name(path) for path in tracked() if path.is_file() and not path.stat().st_size]
    assert sorted(empty) == sorted(EMPTY)
    hollow = [name(path) for path in MODULES if path.name == "__init__.py" and is_hollow(path)]
    assert hollow == []


def tracked() -> list[Path]:
    """The files of the repository; of a copy without git, everything that is not hidden or built."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return [ROOT / file for file in listed.stdout.split("\0") if file]
    return [path for folder in ("src", "tests", "docs", "examples") for path in (ROOT / folder).rglob("*")]


def is_hollow(path: Path) -> bool:
    """Whether a package has neither modules nor code nor data of its own."""
    others = [other for other in path.parent.iterdir() if other.name not in ("__init__.py", "__pycache__")]
    return not others and len(tree(path).body) <= 1


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|NotImplemented" + r"Error")
    found = [
        f"{name(path)}:{number}"
        for path in PYTHON
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if later.search(line)
    ]
    assert found == []


def test_modules_of_tests_have_names_of_their_own() -> None:
    """pytest takes two modules of one name for one, and then runs neither."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py"))
    assert [name for name, count in names.items() if count > 1 and name != "conftest.py"] == []
