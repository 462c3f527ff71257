"""Pin every package, by version and hash, for all Pythons and systems that gapless runs on.

Run this after changing what ``pyproject.toml`` depends on, or to move to newer versions (``--upgrade``). It needs
``uv`` on the path, which is a maintainer's tool and in no lock: only uv resolves one file for all platforms at once.
``dev.txt`` is made under the versions of ``core.txt``, so that a check and a demo can share one ``.venv``.

Hashes are those of the files, not of the place they came from, and no such place is named: the locks work with any
registry or mirror that serves the same files.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = Path("scripts") / "locks"
OLDEST = "3.11"


def main() -> None:
    """Write all locks; arguments such as ``--upgrade`` or ``--upgrade-package NAME`` go to uv."""
    core, dev = LOCKS / "core.txt", LOCKS / "dev.txt"
    ours = ["pyproject.toml", str(LOCKS / "build.in")]
    _compile(core, [*ours, *sys.argv[1:]])
    _compile(dev, [*ours, "--extra", "dev", "--constraint", str(core), *sys.argv[1:]])
    _compile(LOCKS / "older.txt", [str(LOCKS / "older.in"), "--no-deps", *sys.argv[1:]])


def _compile(lock: Path, arguments: list[str]) -> None:
    command = ["uv", "pip", "compile", "--output-file", str(lock), "--quiet"]
    command += ["--universal", "--python-version", OLDEST, "--fork-strategy", "fewest", "--generate-hashes"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", *arguments]
    try:
        subprocess.run(command, cwd=ROOT, check=True)
    except FileNotFoundError:
        sys.exit("gapless: making locks needs uv: install it (pipx install uv) and start again.")
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


if __name__ == "__main__":
    main()
