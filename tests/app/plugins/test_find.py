"""Law: a name means one strategy, or fails in its own sentence: not found, raised, none in it, several."""

import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from textwrap import dedent

import pytest
from attrs import evolve

from engine import Strategy
from engine.app.plugins.find import all_names, find_strategy, unique_names
from engine.errors import Misconfigured, StrategyNotLoaded

ONE = """
    from engine import Context, strategy

    @strategy()
    async def trend(ctx: Context) -> None:
        "Follow it."
"""
TWO = (
    ONE
    + """
    @strategy()
    async def revert(ctx: Context) -> None:
        "Do not."
"""
)
CLASS = """
    from engine import CallbackStrategy

    class Watcher(CallbackStrategy):
        symbols = ("SPY",)

        def on_trade(self, trade):
            pass
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder to call the command from; what was imported from it is forgotten again."""
    before, path = set(sys.modules), sys.path[:]
    with chdir(tmp_path):
        yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))


def refusal(name: str) -> str:
    with pytest.raises(StrategyNotLoaded) as caught:
        find_strategy(name)
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["./mine.py", "mine.py:trend", "mine", "mine:trend"])
def test_a_strategy_is_found_by_file_and_by_module(folder: Path, name: str) -> None:
    write(folder, "mine.py", ONE)
    found = find_strategy(name)
    assert isinstance(found, Strategy)
    assert (found.name, found.doc) == ("trend", "Follow it.")


def test_a_module_of_a_package_is_found_by_its_dotted_path(folder: Path) -> None:
    write(folder, "desk/__init__.py", "")
    write(folder, "desk/ideas.py", TWO)
    assert find_strategy("desk.ideas:revert").name == "revert"


@pytest.mark.parametrize("name", ["audit", "strategies.audit", "strategies.audit:audit"])
def test_a_strategy_that_comes_with_the_engine_has_a_short_name(name: str) -> None:
    assert find_strategy(name).name == "audit"


def test_of_several_the_one_called_like_the_module_is_meant(folder: Path) -> None:
    write(folder, "revert.py", TWO)
    assert find_strategy("./revert.py").name == "revert"


def test_a_callback_class_is_a_strategy_too(folder: Path) -> None:
    write(folder, "calls.py", CLASS)
    assert find_strategy("./calls.py").name == "Watcher"


def test_a_decorator_without_brackets_is_enough_for_a_strategy_without_parameters(folder: Path) -> None:
    write(folder, "mine.py", "from engine import strategy\n@strategy\nasync def plain(ctx):\n    'Watches.'\n")
    found = find_strategy("./mine.py")
    assert (found.name, found.params, found.doc) == ("plain", None, "Watches.")


def test_an_imported_strategy_does_not_hide_the_one_of_the_file(folder: Path) -> None:
    write(folder, "mine.py", "from strategies.audit import audit\n" + dedent(ONE))
    assert find_strategy("./mine.py").name == "trend"


@pytest.mark.parametrize("name", ["nowhere", "no.where", "./nowhere.py", "desk.nothing:x", "not-a-name"])
def test_not_found_says_where_it_was_looked_for(folder: Path, name: str) -> None:
    told = refusal(name)
    assert "was not found" in told
    assert str(folder) in told


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("x = 1\ny = 1 / 0\n", ("ZeroDivisionError", "broken.py:2", "division by zero")),
        ("import no_such_library\n", ("ModuleNotFoundError", "broken.py:1", "no_such_library")),
        ("def f(:\n", ("SyntaxError", "broken.py:1")),
        ("import sys\nsys.exit('bye')\n", ("SystemExit", "broken.py:2", "bye")),
        (
            "from engine import strategy\n@strategy()\ndef f(ctx): ...\n",
            ("Misconfigured", "broken.py:2", "async"),
        ),
        (
            "from engine import strategy\n@strategy\ndef f(ctx): ...\n",
            ("Misconfigured", "broken.py:2", "async"),
        ),
    ],
)
@pytest.mark.parametrize("name", ["broken", "./broken.py"])
def test_an_import_that_raises_says_what_and_at_which_line(
    folder: Path, name: str, text: str, parts: tuple[str, ...]
) -> None:
    write(folder, "broken.py", text)
    told = refusal(name)
    assert "could not be imported" in told
    assert all(part in told for part in parts), told


def test_a_module_without_a_strategy_says_what_is_there(folder: Path) -> None:
    write(folder, "plain.py", "def trend(ctx): ...\n")
    told = refusal("./plain.py")
    assert "holds no strategy (it holds trend)" in told
    assert "@strategy()" in told


def test_several_and_none_chosen_lists_them(folder: Path) -> None:
    write(folder, "many.py", TWO)
    told = refusal("./many.py")
    assert "choose one, as ./many.py:trend; there are trend, revert" in told


def test_a_chosen_name_that_is_not_there_lists_what_is(folder: Path) -> None:
    write(folder, "many.py", TWO)
    assert "has nothing called 'trendy'" in refusal("./many.py:trendy")
    assert "it holds trend, revert" in refusal("./many.py:trendy")


def test_the_same_strategy_twice_gets_two_names() -> None:
    audit = find_strategy("audit")
    assert unique_names([audit, audit, audit]) == ["audit", "audit_2", "audit_3"]


@pytest.mark.parametrize("name", ["", "account"])
def test_a_name_that_stands_for_something_else_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(Misconfigured, match=r"cannot be called .*; rename its function") as refused:
        unique_names([find_strategy("audit"), evolve(find_strategy("audit"), name=name)])
    assert "\n" not in str(refused.value)


def test_every_listed_name_can_be_loaded() -> None:
    names = all_names()
    assert {find_strategy(name).name for name in names} >= {"audit", "print_events", "sma_cross"}


def test_a_failure_to_load_is_a_wrong_setting() -> None:
    assert issubclass(StrategyNotLoaded, Misconfigured)
