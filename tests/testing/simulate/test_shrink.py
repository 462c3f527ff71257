"""A failing plan is made small: what is not needed for the failure goes, within a bounded number of runs."""

from collections.abc import Callable

import pytest
from attrs import evolve

from engine.testing.simulate.kept import read_plan, render_plan, write_plan
from engine.testing.simulate.outcome import Moment, Outcome, Violation
from engine.testing.simulate.plan import Plan, Player, Trouble
from engine.testing.simulate.shrink import RUNS_MAX, shrink
from engine.testing.simulate.timeline import tell_failure

WHOLE = Plan(
    seed=17,
    seconds=3600.0,
    symbols=("SPY", "BTC/USD"),
    events_per_s=1.0,
    troubles=tuple(
        Trouble(kind=f"kind_{number % 7}", at_s=100.0 * number, keys=(("n", number),)) for number in range(30)
    ),
    rates=tuple((f"chance_{number}", 0.01) for number in range(6)),
    players=tuple(Player(kind="watcher", name=f"player_{number}") for number in range(4)),
    calm_s=600.0,
)


def play(needs: Callable[[Plan], bool], number: int, at_s: float) -> "tuple[list[Plan], Callable[[Plan], Outcome]]":
    """What plays plans without a world: it fails where a plan has what the failure needs."""
    played: list[Plan] = []

    def run(plan: Plan) -> Outcome:
        played.append(plan)
        fails = needs(plan) and plan.seconds >= at_s
        found = (Violation(number=number, at_s=at_s, sentence="it broke"),) if fails else ()
        return Outcome(plan=plan, violations=found)

    return played, run


def numbers(plan: Plan) -> set[int]:
    return {dict(trouble.keys)["n"] for trouble in plan.troubles}


def test_two_troubles_a_rate_and_a_player_are_left_of_many() -> None:
    def needs(plan: Plan) -> bool:
        wanted = {3, 19} <= numbers(plan) and any(kind == "chance_4" for kind, _ in plan.rates)
        return wanted and any(player.name == "player_2" for player in plan.players)

    played, run = play(needs, 24, 2000.0)
    small = shrink(run(WHOLE), run)
    assert numbers(small.plan) == {3, 19}
    assert small.plan.rates == (("chance_4", 0.01),)
    assert [player.name for player in small.plan.players] == ["player_2"]
    assert small.plan.seconds == 2001 + small.plan.calm_s < WHOLE.seconds
    assert small.outcome.violations
    assert small.runs == len(played) - 1 <= RUNS_MAX


def test_what_is_seen_at_once_needs_no_calm() -> None:
    _, run = play(lambda plan: 3 in numbers(plan), 1, 305.5)
    small = shrink(run(WHOLE), run).plan
    assert (small.seconds, small.calm_s, numbers(small), small.rates) == (307.0, 0.0, {3}, ())
    assert len(small.players) == 1


def test_a_plan_that_fails_without_any_fault_loses_all_of_them() -> None:
    _, run = play(lambda _: True, 24, 3590.0)
    small = shrink(run(WHOLE), run).plan
    assert (small.troubles, small.rates, len(small.players)) == ((), (), 1)


def test_another_failure_does_not_count() -> None:
    def run(plan: Plan) -> Outcome:
        number = 1 if 3 in numbers(plan) else 24
        return Outcome(plan=plan, violations=(Violation(number=number, at_s=300.0, sentence="it broke"),))

    small = shrink(run(WHOLE), run)
    assert [each.number for each in small.outcome.violations] == [1]
    assert numbers(small.plan) == {3}


def test_the_runs_have_a_bound_and_what_is_found_by_then_is_told() -> None:
    _, run = play(lambda plan: len(plan.troubles) >= 2 and 29 in numbers(plan), 24, 3590.0)
    small = shrink(run(WHOLE), run, runs_max=7)
    assert small.runs == 7
    assert len(small.plan.troubles) < 30


def test_the_same_failure_shrinks_to_the_same_plan() -> None:
    def once() -> Plan:
        _, run = play(lambda plan: len(numbers(plan) & {1, 5, 9, 11}) >= 2, 24, 1200.0)
        return shrink(run(WHOLE), run).plan

    assert once() == once()


def test_a_plan_that_did_not_fail_is_refused() -> None:
    with pytest.raises(ValueError, match="seed 17 did not fail"):
        shrink(Outcome(plan=WHOLE, violations=()), lambda plan: Outcome(plan=plan, violations=()))


def test_a_plan_is_the_same_when_it_was_kept(tmp_path) -> None:
    plan = evolve(
        WHOLE, players=(Player(kind="watcher", name="w", params=(("symbols", ("SPY", "F")), ("slow_s", 0.5))),)
    )
    write_plan(tmp_path / "plans" / "one.json", plan, "it broke")
    assert read_plan(tmp_path / "plans" / "one.json") == plan


@pytest.mark.parametrize("text", ["", "{}", '{"format": 1}', render_plan(WHOLE).replace('"format": 1', '"format": 9')])
def test_what_is_no_plan_is_refused_with_a_sentence(tmp_path, text) -> None:
    from engine.errors import Misconfigured

    (tmp_path / "one.json").write_text(text)
    with pytest.raises(Misconfigured, match="plan"):
        read_plan(tmp_path / "one.json")


def test_a_failure_is_told_with_its_faults_its_moments_and_how_to_see_it_again(tmp_path) -> None:
    small = evolve(WHOLE, troubles=WHOLE.troubles[3:4], rates=(("chance_4", 0.01),))
    moments = tuple(Moment(at_s=float(second), who="world", text=f"moment {second}") for second in range(600))
    found = Violation(number=5, at_s=310.25, sentence="one trade is missing")
    told = tell_failure(
        Outcome(plan=small, violations=(found,), timeline=moments), whole=WHOLE, kept=tmp_path / "seed-17.json"
    )
    assert "invariant 5 (lossless) at 310.250 s: one trade is missing" in told
    assert "kind_3 n=3" in told
    assert "by chance    chance_4 0.01" in told
    assert "moment 310\n" in told
    assert "moment 280\n" not in told
    assert "gapless simulate --seeds 1 --first-seed 17" in told
    assert f"gapless simulate --plan {tmp_path / 'seed-17.json'}" in told
