"""What a strategy sets is on its way to disk at once, and can only be changed by setting it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from engine.flow.account.state import DEPTH_MAX, SIZE_MAX, StrategyState
from engine.model.entry import Entry, Saved
from engine.ports import SavedState


@define
class Notebook:
    """A store that remembers what it was told."""

    written: list[Entry] = field(factory=list)
    soon: list[Entry] = field(factory=list)

    async def write(self, *entries: Entry) -> None:
        self.written += entries

    def write_soon(self, *entries: Entry) -> None:
        self.soon += entries


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def state(notebook: Notebook) -> StrategyState:
    return StrategyState("s", notebook, {"kept": [1, 2]})


def test_it_is_what_the_context_offers(state: StrategyState) -> None:
    offered: SavedState = state
    assert offered.get("kept") == [1, 2]


def test_it_is_used_like_a_dictionary(state: StrategyState) -> None:
    state["a"] = {"b": (1, 2.5, None, True), "c": "x"}
    assert state["a"] == {"b": [1, 2.5, None, True], "c": "x"}
    assert ("a" in state, "b" in state, state.get("b"), state.get("b", 3)) == (True, False, None, 3)
    del state["kept"]
    assert state.snapshot() == {"a": {"b": [1, 2.5, None, True], "c": "x"}}
    with pytest.raises(KeyError):
        state["kept"]
    with pytest.raises(KeyError):
        del state["kept"]


def test_what_was_set_goes_to_the_store_at_once_and_with_the_next_intent_once(
    state: StrategyState, notebook: Notebook
) -> None:
    assert state.pending() is None
    state["a"] = 1
    state["b"] = 2
    saved = Saved(strategy="s", values={"kept": [1, 2], "a": 1, "b": 2})
    assert notebook.soon == [Saved(strategy="s", values={"kept": [1, 2], "a": 1}), saved]
    assert (state.pending(), state.pending()) == (saved, None)
    del state["a"]
    assert state.pending() == Saved(strategy="s", values={"kept": [1, 2], "b": 2})


async def test_saving_waits_for_the_disk(state: StrategyState, notebook: Notebook) -> None:
    state["a"] = 1
    await state.save()
    assert notebook.written == [Saved(strategy="s", values={"kept": [1, 2], "a": 1})]
    assert state.pending() is None


def test_nothing_changes_but_by_setting_it(state: StrategyState, notebook: Notebook) -> None:
    mine = [1]
    state["a"] = mine
    mine.append(2)
    copies: list[Any] = [state["a"], state["kept"], state.get("a"), state.snapshot()["a"]]
    for copy in copies:
        copy.append(9)
    assert state.snapshot() == {"a": [1], "kept": [1, 2]}
    assert notebook.soon == [Saved(strategy="s", values={"a": [1], "kept": [1, 2]})]


def test_what_it_began_with_is_its_own() -> None:
    before: dict[str, object] = {"a": [1]}
    state = StrategyState("s", Notebook(), before)
    state["a"] = 2
    assert before == {"a": [1]}


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "ctx.state['x'] is nan"),
        (float("inf"), "ctx.state['x'] is inf"),
        ({"a": [1, Path("/")]}, "ctx.state['x']['a'][1] is PosixPath('/')"),
        ({1: 2}, "ctx.state['x'] is {1: 2}"),
        ({1, 2}, "ctx.state['x'] is {1, 2}"),
        (b"x", "ctx.state['x'] is b'x'"),
        (nested(DEPTH_MAX), "is nested more than 50 deep"),
    ],
)
def test_what_json_has_no_word_for_is_refused_with_its_place(state: StrategyState, value: object, said: str) -> None:
    with pytest.raises(TypeError) as caught:
        state["x"] = value
    assert f"s: {said}" in str(caught.value) or said in str(caught.value)
    assert ("x" in state, state.pending()) == (False, None)


def test_a_name_is_text(state: StrategyState) -> None:
    set_any: Callable[[Any, object], None] = state.__setitem__
    with pytest.raises(TypeError, match=r"names in ctx\.state are text, and 3 is not"):
        set_any(3, 1)


def test_it_is_bounded_as_a_whole(state: StrategyState) -> None:
    state["a"] = "x" * (SIZE_MAX // 2)
    state["a"] = "x" * (SIZE_MAX // 2)  # instead of the first one
    with pytest.raises(ValueError, match=r"ctx.state has 1,\d\d\d,\d\d\d bytes, more than 1,000,000"):
        state["b"] = "x" * (SIZE_MAX // 2)
    del state["a"]
    state["b"] = "x" * (SIZE_MAX // 2)
