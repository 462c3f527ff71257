"""Every pain of users about orders has a test that is there: the table in ``pains.toml`` is whole, and names no ghosts.

The pains come from a study of some two hundred public threads about trading bots: what was lost, by which fault, and
what has to stay true under that fault. Four of its themes are about orders: what is true of them (A), the requests (E),
what the venue takes (G), and operations (I). The ranks are the study's own, over all of its themes, and are written
down here, so that a row cannot get lost from the table without a test failing.
"""

import ast
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from attrs import frozen

HERE = Path(__file__).parent
TABLE = "pains.toml"
RANKS = {
    "A": (1, 2, 3, 6, 7, 8, 15, 16, 18, 19, 20, 21, 22),
    "E": (5, 13, 43, 54),
    "G": (48, 51, 52, 56, 57, 58),
    "I": (17, 23, 37, 66),
}
WORDS_MIN = 8
"""An invariant is a sentence and no headline."""


@frozen
class Row:
    """A pain, what has to stay true, and the tests that hold it; ``later`` is what they do not hold yet."""

    theme: str
    rank: int
    pain: str
    invariant: str
    tests: tuple[str, ...]
    later: str = ""


def read_table() -> tuple[Row, ...]:
    """The rows as they are written; a key that is none fails here."""
    table = tomllib.loads((HERE / TABLE).read_text(encoding="utf-8"))
    return tuple(Row(**{**row, "tests": tuple(row["tests"])}) for row in table.pop("pain"))


ROWS = read_table()


def functions_in(path: Path) -> set[str]:
    """The test functions of a file, read and not run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name for node in functions if node.name.startswith("test_")}


def test_every_rank_of_the_four_themes_is_there_once() -> None:
    told = Counter((row.theme, row.rank) for row in ROWS)
    assert told == Counter((theme, rank) for theme, ranks in RANKS.items() for rank in ranks)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.theme}{row.rank}")
def test_a_row_is_a_sentence_and_names_tests_that_exist(row: Row) -> None:
    assert row.pain.strip()
    assert len(row.invariant.split()) >= WORDS_MIN
    assert row.invariant.endswith(".")
    assert row.later == row.later.strip()
    assert row.tests
    assert len(set(row.tests)) == len(row.tests)
    for test in row.tests:
        name, mark, function = test.partition("::")
        assert name.startswith("tests/")
        path = HERE.parent / name
        assert mark, f"{test} names a whole file"
        assert path.is_file(), f"{test}: there is no such file"
        assert function in functions_in(path), f"{test}: there is no such test in that file"


def test_every_scenario_of_the_pains_is_named_by_a_row() -> None:
    """A scenario that no row names is either misplaced or missing in the table."""
    named = {test for row in ROWS for test in row.tests}
    written = {
        f"{path.relative_to(HERE.parent).as_posix()}::{function}"
        for path in (HERE / "scenarios" / "pains").glob("test_*.py")
        for function in functions_in(path)
    }
    assert written - named == set()
