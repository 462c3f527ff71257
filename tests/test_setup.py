"""A clone becomes something that runs, or says in one sentence why not; what is locked is what is declared.

Nothing here downloads anything: that a fresh clone installs is what every run of ``scripts/check.py`` in CI proves.
These are the decisions around it: when nothing needs doing, when to mend, what to refuse and in which words.
"""

import ast
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
ENTRIES = ("demo.py", "check.py")
OLD_PYTHONS = ("python2.7", "python3.6", "python3.8", "python3.10")
OWN = {"engine", "strategies"}
MODULE_OF = {"prometheus-client": "prometheus_client", "trio-websocket": "trio_websocket"}


def load(name: str) -> ModuleType:
    """Import a script the way Python does when it is started: with its folder on the path."""
    spec = spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


installing = load("installing")
bootstrap = load("bootstrap")


@pytest.fixture
def clone(root: Path, tmp_path: Path) -> Path:
    """A folder with all that the set-up reads."""
    shutil.copytree(root / "scripts" / "locks", tmp_path / "scripts" / "locks")
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def fill(clone: Path, lock: str) -> Path:
    """Make the ``.venv`` that a finished installation leaves: a Python that runs, our mark, the stamp."""
    venv = clone / ".venv"
    bootstrap.python_of(venv).parent.mkdir(parents=True)
    bootstrap.python_of(venv).symlink_to(sys.executable)
    (venv / bootstrap.OURS).touch()
    (venv / bootstrap.STAMP).write_text(json.dumps(bootstrap.wanted(clone, lock)))
    return venv


def runs(python: str) -> bool:
    """Whether this is a Python and not only its shim."""
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def pinned(lock: Path) -> dict[str, str]:
    """Names and versions of a lock."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ \\]+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_parses_on_old_pythons(entry: str) -> None:
    ast.parse((SCRIPTS / entry).read_text(), feature_version=(3, 5))


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_old_python_is_told_in_one_sentence(entry: str) -> None:
    found = [python for python in map(shutil.which, OLD_PYTHONS) if python and runs(python)]
    if not found:
        pytest.skip("there is no Python here that is too old")
    for python in found:
        done = subprocess.run([python, SCRIPTS / entry], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert re.fullmatch(r"gapless needs Python 3\.11 or newer; this is \d\.\d+: .*\.\n", done.stderr)


def test_a_finished_clone_has_nothing_to_do(clone: Path) -> None:
    fill(clone, "core")
    before = sorted(clone.rglob("*"))
    assert bootstrap.ensure(clone, "core") == bootstrap.python_of(clone / ".venv")
    assert sorted(clone.rglob("*")) == before


def test_what_a_check_needs_is_enough_for_the_demo_but_not_the_reverse(clone: Path) -> None:
    fill(clone, "dev")
    assert bootstrap.is_current(clone, "core")
    shutil.rmtree(clone / ".venv")
    fill(clone, "core")
    assert not bootstrap.is_current(clone, "dev")


@pytest.mark.parametrize("changed", ["pyproject.toml", "scripts/locks/core.txt"])
def test_a_changed_lock_or_project_is_installed_in_place(clone: Path, changed: str) -> None:
    venv = fill(clone, "core")
    with (clone / changed).open("a") as file:
        file.write("# one more line\n")
    assert not bootstrap.is_current(clone, "core")
    assert bootstrap.is_usable(venv)


def test_the_older_sdk_belongs_to_a_check_and_not_to_the_demo(clone: Path) -> None:
    for lock, stands in (("core", True), ("dev", False)):
        shutil.rmtree(clone / ".venv", ignore_errors=True)
        fill(clone, lock)
        with (clone / "scripts" / "locks" / "older.txt").open("a") as file:
            file.write("# one more line\n")
        assert bootstrap.is_current(clone, lock) is stands


def test_an_interrupted_installation_is_thrown_away(clone: Path) -> None:
    venv = fill(clone, "core")
    (venv / bootstrap.STAMP).unlink()
    assert not bootstrap.is_usable(venv)
    bootstrap.make_room(venv)
    assert not venv.exists()


@pytest.mark.parametrize("torn", ["", "{", "[]", '"text"', "{}"])
def test_a_torn_stamp_counts_as_none(clone: Path, torn: str) -> None:
    venv = fill(clone, "core")
    (venv / bootstrap.STAMP).write_text(torn)
    assert not bootstrap.is_current(clone, "core")
    assert not bootstrap.is_usable(venv)


def test_a_venv_without_its_python_is_made_again(clone: Path) -> None:
    venv = fill(clone, "core")
    bootstrap.python_of(venv).unlink()
    assert not bootstrap.is_current(clone, "core")
    assert not bootstrap.is_usable(venv)


def test_a_moved_clone_is_set_up_again(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    fill(clone, "core")
    moved = tmp_path_factory.mktemp("elsewhere") / "clone"
    shutil.copytree(clone, moved, symlinks=True)
    assert not bootstrap.is_current(moved, "core")
    assert not bootstrap.is_usable(moved / ".venv")


def test_a_venv_of_somebody_else_is_kept(clone: Path) -> None:
    for number in (1, 2):
        (clone / ".venv").mkdir()
        (clone / ".venv" / f"theirs-{number}").touch()
        bootstrap.make_room(clone / ".venv")
        assert (clone / f".venv.before-{number}" / f"theirs-{number}").exists()
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (errno.EROFS, "cannot write"),
        (errno.EACCES, "cannot write"),
        (errno.ENOSPC, "no space"),
        (errno.EIO, "failed"),
    ],
)
def test_an_operating_system_error_becomes_one_sentence(number: int, word: str) -> None:
    sentence = installing.sentence_for(OSError(number, os.strerror(number)), Path("clone"))
    assert word in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


PIP_SAID = {
    "no network": ("...NewConnectionError(': Failed to establish a new connection')\nERROR: No matching", "network"),
    "full disk": ("ERROR: Could not install: [Errno 28] No space left on device", "no space left"),
    "read-only": ("ERROR: [Errno 30] Read-only file system: 'x'", "cannot write"),
    "wrong file": ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "do not trust"),
    "anything else": ("Collecting x\nERROR: first\nERROR: second", "installing failed: second (all of it is in"),
}


@pytest.mark.parametrize("case", PIP_SAID)
def test_what_pip_said_becomes_one_sentence(case: str, tmp_path: Path) -> None:
    said, expected = PIP_SAID[case]
    log = tmp_path / ".venv" / "install.log"
    log.parent.mkdir()
    log.write_text(said)
    sentence = installing._explain(log, "installing failed")
    assert expected in sentence
    assert "\n" not in sentence


def test_the_callers_shell_cannot_redirect_an_installation() -> None:
    code = "import installing; print(*sorted(set(installing.NOT_OURS) & set(installing.clean_environment())))"
    environment = os.environ | {"PYTHONHOME_": "", "PIP_USER": "1", "PIP_TARGET": "x"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", ["core", "dev", "older"])
def test_every_pin_has_hashes(root: Path, name: str) -> None:
    text = (root / "scripts" / "locks" / f"{name}.txt").read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert not [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry]


def test_a_check_and_a_demo_can_share_one_venv(root: Path) -> None:
    locks = root / "scripts" / "locks"
    assert pinned(locks / "core.txt").items() <= pinned(locks / "dev.txt").items()


def test_every_declared_dependency_is_locked_within_its_bounds(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for name, declared in (("core", project["dependencies"]), ("dev", [*extras["dev"], *extras["tape"]])):
        versions = pinned(root / "scripts" / "locks" / f"{name}.txt")
        for requirement in map(Requirement, declared):
            assert requirement.specifier.contains(versions[requirement.name]), requirement


def test_every_import_is_declared_and_every_declared_dependency_is_imported(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    declared = {MODULE_OF.get(name, name) for name in (Requirement(line).name for line in project["dependencies"])}
    imported = set()
    for path in [*(root / "engine").rglob("*.py"), *(root / "strategies").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            imported |= {name.partition(".")[0] for name in names}
    foreign = {name for name in imported if name not in sys.stdlib_module_names} - OWN
    extras = {"anycorn", "anyio", "apprise", "pyarrow", "pytest", "pytest_trio", "starlette"}
    assert foreign - declared <= extras, "imported, but only there by accident"
    assert not declared - foreign, "declared, but nothing imports it"


def test_the_entry_points_lead_somewhere(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    targets = [*project["scripts"].values(), *project["entry-points"]["gapless.strategies"].values()]
    for target in targets:
        module, _, name = target.partition(":")
        path = root / (module.replace(".", "/") + ".py")
        names = {getattr(node, "name", "") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))}
        assert name in names, target


def test_ci_runs_the_check_and_nothing_else(root: Path) -> None:
    script = root / ".ci" / "run"
    commands = [line for line in script.read_text().splitlines() if line and not line.startswith("#")]
    assert commands == ["set -eu", 'cd "$(dirname "$0")/.."', "sh .ci/browser", "exec python3 scripts/check.py"]
    assert os.access(script, os.X_OK)
