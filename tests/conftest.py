"""What every test may use: the folder of the project, its tracked files, and how thoroughly Hypothesis looks.

Hypothesis is derandomized in a check, so that a change is judged by the change and not by luck;
``HYPOTHESIS_PROFILE=deep`` looks further, with fresh examples each time.
"""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# No deadline: the machine is shared, and a slow moment is not a fault of the code under test.
settings.register_profile(
    "check", deadline=None, derandomize=True, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("deep", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "check"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def project_files(root: Path) -> list[Path]:
    """Every file that is, or could be, under version control; without git (an unpacked archive) the known folders."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        paths = [root / name for name in listed.stdout.split("\0") if name]
    else:
        folders = ("engine", "strategies", "tests", "scripts", ".ci")
        paths = [path for folder in folders for path in (root / folder).rglob("*") if "__pycache__" not in path.parts]
        paths += root.iterdir()
    return sorted(path for path in set(paths) if path.is_file())
