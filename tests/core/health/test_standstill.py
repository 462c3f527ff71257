"""Who is named for a frozen loop: by whose task it is, else by whose module is innermost; and where."""

from hypothesis import given
from hypothesis import strategies as st

from engine.core.health.standstill import (
    CODE_CHARS_MAX,
    Blame,
    Frame,
    Stack,
    Suspect,
    describe_standing,
    describe_stood,
    find_blame,
)

ENGINE = Frame("/lib/engine/flow/runner.py", 10, "_run_once", "await self.strategy.run(*arguments)")
TRIO = Frame("/lib/trio/_core/_run.py", 2866, "run", "msg = task.context.run(next_send_fn, next_send)")
MINE = Frame("/me/sma.py", 41, "sma", "time.sleep(10)")
OTHER = Frame("/me/other.py", 7, "other", "crunch()")
PANDAS = Frame("/lib/pandas/frame.py", 900, "apply", "for row in rows:")
NEAR = Frame("/me/pack/near.py", 3, "near", "while True:")
LIBRARIES = ("/lib/",)
SMA = Suspect(strategy="sma_cross", file="/me/sma.py")
SECOND = Suspect(strategy="second", file="/me/sma.py")
REST = Suspect(strategy="rest", file="/me/other.py")
PACKED = Suspect(strategy="packed", file="/me/pack/main.py", folder="/me/pack/")


def stack(*frames: Frame, strategy: str = "", task: str = "some.task") -> Stack:
    """A stack, the innermost first."""
    return Stack(frames=(*frames, ENGINE, TRIO), task=task, strategy=strategy, libraries=LIBRARIES)


def test_the_innermost_line_of_the_strategys_own_module_is_named_with_what_it_called() -> None:
    blame = find_blame(stack(PANDAS, MINE, strategy="sma_cross"), [REST, SMA])
    assert blame == Blame(strategy="sma_cross", task="some.task", at=MINE, inside=PANDAS)
    said = describe_standing(blame, 3.14)
    assert "3.1 s: strategy sma_cross blocks it at /me/sma.py:41 (time.sleep(10)), in /lib/pandas/frame.py:900" in said
    assert "trio.to_thread.run_sync" in said


def test_of_two_strategies_in_one_module_it_is_the_one_whose_task_it_is() -> None:
    assert find_blame(stack(MINE, strategy="second"), [SMA, SECOND]).strategy == "second"


def test_without_the_tree_of_tasks_the_module_tells_whose_it_is() -> None:
    assert find_blame(stack(OTHER), [SMA, REST]).strategy == "rest"


def test_code_of_its_package_and_then_any_code_that_is_no_library_is_where_it_is() -> None:
    assert find_blame(stack(PANDAS, NEAR, strategy="packed"), [PACKED]).at == NEAR
    assert find_blame(stack(PANDAS, OTHER, strategy="sma_cross"), [SMA]).at == OTHER


def test_what_is_nobodys_is_told_as_the_task_that_it_is() -> None:
    blame = find_blame(stack(task="engine.app.beside.read"), [SMA])
    assert blame.strategy == ""
    assert "task engine.app.beside.read blocks it at /lib/engine/flow/runner.py:10" in describe_standing(blame, 2.0)
    assert "please report it" in describe_standing(blame, 2.0)


def test_where_nothing_was_seen_nobody_is_blamed() -> None:
    blame = find_blame(Stack(frames=()), [SMA])
    assert blame == Blame()
    title, text = describe_stood(blame, 12.0)
    assert "12.0 s" in title
    assert "sma_cross" not in title + text


@given(
    st.lists(st.sampled_from([ENGINE, TRIO, MINE, OTHER, PANDAS, NEAR]), min_size=1, max_size=12),
    st.sampled_from(["", "sma_cross", "rest", "packed", "gone"]),
)
def test_a_line_of_the_stack_is_named_and_never_another_strategy_than_the_tasks(
    frames: list[Frame], strategy: str
) -> None:
    blame = find_blame(Stack(frames=tuple(frames), strategy=strategy, libraries=LIBRARIES), [SMA, REST, PACKED])
    assert blame.at in frames
    if strategy:
        assert blame.strategy == strategy
    own = {one.file: one.strategy for one in (SMA, REST)}
    if not strategy and any(frame.file in own for frame in frames):
        assert blame.at is not None
        assert blame.strategy == own[blame.at.file]


def test_a_long_line_is_cut_and_one_that_cannot_be_read_is_named_by_its_function() -> None:
    long = Frame("/me/sma.py", 1, "sma", "x = " + "y" * 500)
    assert len(long.words) <= len(long.place) + CODE_CHARS_MAX + 3
    assert Frame("<stdin>", 1, "crunch").words == "<stdin>:1 (in crunch)"
