"""The floors hold, and would be seen to break: imports point down only, what decides does not wait, files stay small.

The import contracts are in ``setup.cfg``. A contract that cannot fail proves nothing, so the same contracts are run on
a copy of the package with one wrong import each.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import errors

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
FOLDER_MODULES_MAX = 16
"""A dozen is the aim; above this a folder has stopped being one idea."""

BANNED_FILES = {"utils", "util", "common", "helpers", "helper", "manager", "base", "types", "misc", "impl"}
BANNED_WORDS = {"Manager", "Handler", "Service", "Helper", "Util", "Utils", "Base", "Data", "Info", "Impl"}
NAMES_WITH_A_REASON = {
    "service_actions": "the name that socketserver calls: what a server does between two clients",
    "DataSilent": "an error about Alpaca's data stream: there, data is the thing that is silent",
    "DataLine": "the exchange's side of a line of Alpaca's data stream, as against its trading stream",
}
RETRIES_WITH_A_REASON = {
    "engine/flow/backfill.py": "asks for one page again, twice at most, so that a long span is not begun anew",
}

WRONG_IMPORTS = {
    "engine/errors.py": ("import engine.model.stream", "engine.errors -> engine.model.stream"),
    "engine/model/stream.py": ("import engine.core.restart", "engine.model.stream -> engine.core.restart"),
    "engine/core/restart.py": ("import trio", "engine.core.restart -> trio"),
    "engine/core/splice.py": ("import time", "engine.core.splice -> time"),
    "engine/codec/decode.py": ("import engine.core.restart", "engine.codec.decode -> engine.core.restart"),
    "engine/flow/supervisor.py": ("import engine.venues.alpaca", "engine.flow.supervisor -> engine.venues.alpaca"),
    "engine/exchange/clock.py": ("import engine.flow.clock", "engine.exchange.clock -> engine.flow.clock"),
    "engine/ports/venue.py": ("import engine.app.cli", "engine.ports.venue -> engine.app.cli"),
    "engine/app/cli.py": ("import engine.indicators", "engine.app.cli -> engine.indicators"),
    "strategies/sma_cross.py": ("import engine.flow.session", "strategies.sma_cross -> engine.flow.session"),
}

LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def contracts(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the contracts of ``setup.cfg`` on the packages in ``folder``."""
    return subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS, "--no-cache"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def modules(project_files: list[Path], root: Path) -> dict[Path, ast.Module]:
    """Every module of ours that is shipped or run, parsed."""
    shipped = (root / "engine", root / "strategies", root / "scripts")
    return {
        path: ast.parse(path.read_text(encoding="utf-8"), str(path))
        for path in project_files
        if path.suffix == ".py" and any(folder in path.parents for folder in shipped)
    }


def definitions(module: ast.Module) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every class and function of a module, nested ones too."""
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_imports_point_down_only(root: Path) -> None:
    done = contracts(root)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_each_wrong_import_is_reported(root: Path, tmp_path: Path) -> None:
    for package in ("engine", "strategies"):
        shutil.copytree(root / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "setup.cfg", tmp_path)
    for name, (statement, _) in WRONG_IMPORTS.items():
        path = tmp_path / name
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{statement}\n", encoding="utf-8")
    done = contracts(tmp_path)
    assert done.returncode != 0
    said = re.sub(r"\s+", " ", done.stdout)
    unseen = [arrow for _, arrow in WRONG_IMPORTS.values() if arrow not in said]
    assert not unseen, done.stdout


def test_nothing_inside_the_engine_imports_what_the_engine_offers(modules: dict[Path, ast.Module], root: Path) -> None:
    """``from engine import Trade`` inside the engine would be a circle through every floor."""
    packages = {path.name for path in (root / "engine").iterdir()} | {"errors"}
    wrong = [
        f"{path.relative_to(root)}:{node.lineno}"
        for path, module in modules.items()
        if root / "engine" in path.parents
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module == "engine"
        if not {alias.name for alias in node.names} <= packages
    ]
    assert not wrong


def test_every_module_says_why_it_is_there(modules: dict[Path, ast.Module], root: Path) -> None:
    silent = [str(path.relative_to(root)) for path, module in modules.items() if not ast.get_docstring(module)]
    assert not silent


def test_no_module_is_named_for_nothing(modules: dict[Path, ast.Module], root: Path) -> None:
    assert not [str(path.relative_to(root)) for path in modules if path.stem.strip("_") in BANNED_FILES]


def test_no_class_or_function_is_named_for_nothing(modules: dict[Path, ast.Module], root: Path) -> None:
    """A class is never a Manager of Data. In functions ``data`` and ``base`` may be part of what the venue calls it."""
    wrong = []
    for path, module in modules.items():
        for node in definitions(module):
            is_class = isinstance(node, ast.ClassDef)
            words = re.findall(r"[A-Z][a-z0-9]*", node.name) if is_class else node.name.title().split("_")
            banned = BANNED_WORDS if is_class else BANNED_WORDS - {"Data", "Base"}
            if banned & set(words) and node.name not in NAMES_WITH_A_REASON:
                wrong.append(f"{path.relative_to(root)}:{node.lineno} {node.name}")
    assert not wrong


def test_files_and_functions_stay_small(modules: dict[Path, ast.Module], root: Path) -> None:
    large = []
    for path, module in modules.items():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES_MAX:
            large.append(f"{path.relative_to(root)}: {lines} lines")
        for node in definitions(module):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if not isinstance(node, ast.ClassDef) and length > FUNCTION_LINES_MAX:
                large.append(f"{path.relative_to(root)}:{node.lineno} {node.name}: {length} lines")
    assert not large


def test_folders_stay_small(modules: dict[Path, ast.Module], root: Path) -> None:
    sizes: dict[Path, int] = {}
    for path in modules:
        if path.name != "__init__.py":
            sizes[path.parent] = sizes.get(path.parent, 0) + 1
    assert not {str(folder.relative_to(root)): size for folder, size in sizes.items() if size > FOLDER_MODULES_MAX}


def test_only_the_channel_module_opens_memory_channels(modules: dict[Path, ast.Module], root: Path) -> None:
    callers = {
        path.relative_to(root).as_posix()
        for path, module in modules.items()
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute | ast.Name | ast.alias)
        if "open_memory_channel" in (getattr(node, "attr", ""), getattr(node, "id", ""), getattr(node, "name", ""))
    }
    assert callers <= {"engine/flow/channel.py"}


def tries_again(loop: ast.While, retryable: set[str]) -> bool:
    """The shape of a retry loop: an ``except`` for one of our Retryables that waits, then goes round."""
    for node in ast.walk(loop):
        if not isinstance(node, ast.ExceptHandler) or node.type is None:
            continue
        caught = {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)}
        waits = any(isinstance(inner, ast.Attribute) and inner.attr.startswith("sleep") for inner in ast.walk(node))
        if waits and caught & retryable:
            return True
    return False


def test_only_the_supervisor_tries_again(modules: dict[Path, ast.Module], root: Path) -> None:
    """A second retry loop would have no budget, and would hide from the summary how often it went round."""
    classes = [cls for cls in vars(errors).values() if isinstance(cls, type)]
    retryable = {cls.__name__ for cls in classes if issubclass(cls, errors.Retryable)} | {"GaplessError", "Exception"}
    found = {
        path.relative_to(root).as_posix()
        for path, module in modules.items()
        if root / "engine" in path.parents
        for loop in ast.walk(module)
        if isinstance(loop, ast.While) and tries_again(loop, retryable)
    }
    assert found <= {"engine/flow/supervisor.py", *RETRIES_WITH_A_REASON}


def test_every_ignore_carries_a_reason(project_files: list[Path], root: Path) -> None:
    bare = []
    # Put together from parts, so that this line is not one of those it looks for.
    mark = re.compile("# " + r"(?:type: ignore|noqa|pragma)(?P<codes>[^#]*)(?P<reason>.*)")
    for path in project_files:
        if path.suffix != ".py":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = mark.search(line)
            if match and not match["reason"] and not re.search(r" - \w", match["codes"]):
                bare.append(f"{path.relative_to(root)}:{number}")
    assert not bare


def test_no_file_names_a_registry_or_a_machine(project_files: list[Path], root: Path) -> None:
    """A clone works anywhere: no package index, no home folder, no path of the machine it was written on."""
    # Put together from parts, so that this file does not contain what it looks for.
    registries = ["pypi" + ".org", "python" + "hosted", "registry." + "npmjs"]
    machines = ["/" + "work/", "/" + "home/", "/" + "root/", "/" + "tmp/", "/" + "Users/"]
    found = []
    for path in project_files:
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(root)}: {word}" for word in registries + machines if word in text]
    assert not found
