"""The tree drawn in ``engine/errors.py`` is the tree of its classes, and each class says what it is for."""

import inspect
import re

import pytest

from engine import errors
from engine.errors import GaplessError


def drawn_tree(docstring: str) -> dict[str, str]:
    """Read the drawing: each name and the name it hangs from."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in docstring.splitlines():
        match = re.match(r"    ((?:│   |    )*)(├── |└── )?([A-Z]\w+)(?:\s|$)", line)
        if match is None:
            continue
        depth = len(match[1]) // 4 + bool(match[2])
        path[depth:] = [match[3]]
        parents[match[3]] = path[depth - 1] if depth else "Exception"
    return parents


def class_tree() -> dict[str, str]:
    """The same from the classes."""
    return {
        cls.__name__: cls.__bases__[0].__name__
        for _, cls in inspect.getmembers(errors, inspect.isclass)
        if cls.__module__ == errors.__name__
    }


ERRORS = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__]


def test_the_drawing_is_the_class_tree() -> None:
    assert drawn_tree(errors.__doc__ or "") == class_tree()


def test_a_class_missing_from_the_drawing_would_be_seen() -> None:
    doc = errors.__doc__ or ""
    without = "\n".join(line for line in doc.splitlines() if "LineLost" not in line)
    assert "LineLost" in drawn_tree(doc)
    assert drawn_tree(without) != class_tree()


@pytest.mark.parametrize("error", ERRORS, ids=lambda cls: cls.__name__)
def test_every_error_has_one_parent_a_docstring_and_an_exit_code_that_is_not_success(error: type[GaplessError]) -> None:
    assert len(error.__bases__) == 1
    assert error.__doc__
    assert issubclass(error, GaplessError)
    assert 0 < error.exit_code < 128, "128 and above mean signals to a shell"
