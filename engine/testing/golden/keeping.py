"""The fixture ``golden`` from inside: which file is whose, which were written, and which belong to nobody any more."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from engine.testing.golden.file import ENDING, FOLDER, UPDATE, Golden, compare, name_of

WRITTEN: Final = "golden written"
"""What a test tells of a file that it wrote: a property of its report, which xdist brings to the main process."""
UNUSED_MAX: Final = 20
"""Files that are told; a folder with more has been moved, and the first of them show it."""


class GoldenFixture:
    """What a test calls with what came of a replay; a second call in one test has a file of its own."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._node = request.node
        self._update = bool(request.config.getoption(UPDATE))
        self._calls = 0

    def __call__(self, replayed: Any) -> None:
        """Fail unless these are the decisions of the golden file; with ``--update-golden`` write it."""
        __tracebackhide__ = True
        self._calls += 1
        test = _short(self._node) + (f"-{self._calls}" if self._calls > 1 else "")
        path = folder_of(self._node) / name_of(test)
        now = Golden.of(f"{self._node.path.name}::{test}", replayed)
        wrong = compare(_near(path), now, f"pytest {shlex.quote(_near_id(self._node))} {UPDATE}")
        if not wrong:
            return
        if not self._update or "would use it too" in wrong:
            pytest.fail(wrong, pytrace=False)
        path.parent.mkdir(exist_ok=True)
        path.write_text(now.render(), encoding="utf-8")
        self._node.user_properties.append((WRITTEN, str(_near(path))))


def folder_of(node: Any) -> Path:
    """Where the golden files of a test are."""
    folder: Path = node.path.parent / FOLDER
    return folder


def unused(items: Iterable[Any]) -> list[str]:
    """The golden files beside the test files of these tests that belong to none of them."""
    known: dict[Path, set[str]] = {}
    for item in items:
        files = known.setdefault(folder_of(item), set())
        if "golden" in getattr(item, "fixturenames", ()):
            files.add(name_of(_short(item)).removesuffix(ENDING))
    found = []
    for folder, stems in known.items():
        for path in sorted(folder.glob(f"*{ENDING}")):
            first, _, number = path.stem.rpartition("-")
            if path.stem not in stems and not (number.isdecimal() and first in stems):
                found.append(str(_near(path)))
    return sorted(found)


def whole_run(config: pytest.Config) -> bool:
    """Whether all tests of what was named run: only then a file that no test used is nobody's."""
    option = config.option
    chosen = any(getattr(option, name, None) for name in ("keyword", "markexpr", "lf", "deselect", "last_failed"))
    return not chosen and not any("::" in str(argument) for argument in config.args)


def tell(write: Any, written: Sequence[str], nobodys: Sequence[str]) -> None:
    """The lines at the end of a run. ``write`` is pytest's terminal."""
    if not written and not nobodys:
        return
    write.section("golden files")
    for path in written:
        write.line(f"wrote {path}")
    for path in nobodys[:UNUSED_MAX]:
        write.line(f"no test uses {path}: delete it, or find the test that was renamed")
    if len(nobodys) > UNUSED_MAX:
        write.line(f"... and {len(nobodys) - UNUSED_MAX} more")


def _short(node: Any) -> str:
    """The name of a test in its file, with its class."""
    return "::".join(node.nodeid.split("::")[1:]).replace("::", ".")


def _near(path: Path) -> Path:
    """As it is seen from here, if it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _near_id(node: Any) -> str:
    return f"{_near(node.path)}::{'::'.join(node.nodeid.split('::')[1:])}"
