"""The laws of health and readiness: a task is named if it is late, and a loop that stands is named alone."""

from hypothesis import given
from hypothesis import strategies as st

from engine.core.health.verdict import REASONS_MAX, Movement, Progress, Sign, Verdict, judge_health, judge_ready

seconds = st.floats(min_value=0, max_value=1e6, allow_nan=False)
signs = st.lists(
    st.builds(
        Sign, task=st.text("abc: ", min_size=1, max_size=8), at_s=seconds, within_s=seconds, doing=st.just("connecting")
    ),
    max_size=40,
).map(tuple)


@given(signs, seconds)
def test_health_is_red_if_and_only_if_a_sign_is_late(given_signs: tuple[Sign, ...], now_s: float) -> None:
    progress = Progress(at_s=now_s, signs=given_signs)
    verdict = judge_health(progress, beat_age_s=0.0, frozen_after_s=2.0)
    late = [sign for sign in given_signs if now_s - sign.at_s > sign.within_s]
    assert [task for task, _ in progress.late()] == [sign.task for sign in late]
    assert verdict.ok == (not late)
    assert len(verdict.reasons) == min(len(late), REASONS_MAX + 1)
    for sign, reason in zip(late, verdict.reasons[:REASONS_MAX], strict=False):
        assert reason.startswith(f"{sign.task}: ")


@given(signs, seconds, seconds, st.floats(min_value=0.1, max_value=100))
def test_while_the_loop_stands_still_it_alone_is_named(
    given_signs: tuple[Sign, ...], now_s: float, age_s: float, limit_s: float
) -> None:
    verdict = judge_health(Progress(at_s=now_s, signs=given_signs), beat_age_s=age_s, frozen_after_s=limit_s)
    if age_s > limit_s:
        assert not verdict.ok
        assert [reason.partition(":")[0] for reason in verdict.reasons] == ["loop"]
    else:
        assert not any("stood still" in reason for reason in verdict.reasons)


def test_before_the_first_sign_nothing_is_well() -> None:
    assert not judge_health(None, beat_age_s=0.0, frozen_after_s=2.0).ok


@given(signs, seconds, st.lists(st.text(min_size=1), max_size=30).map(tuple))
def test_what_is_ill_is_not_ready_and_what_is_missing_is_no_illness(
    given_signs: tuple[Sign, ...], now_s: float, missing: tuple[str, ...]
) -> None:
    progress = Progress(at_s=now_s, signs=given_signs, missing=missing)
    health = judge_health(progress, beat_age_s=0.0, frozen_after_s=2.0)
    ready = judge_ready(progress, health)
    assert ready.ok == (health.ok and not missing)
    assert ready.ok == (not ready.reasons)
    assert health == judge_health(Progress(at_s=now_s, signs=given_signs), beat_age_s=0.0, frozen_after_s=2.0)


def test_of_many_reasons_the_first_are_told_and_how_many_more_there_are() -> None:
    verdict = Verdict.of(tuple(str(number) for number in range(100)))
    assert verdict.reasons[0] == "0"
    assert verdict.reasons[-1] == f"and {100 - REASONS_MAX} more"


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 1)), max_size=30))
def test_a_thing_has_been_in_its_state_since_it_came_into_it(looks: list[tuple[str, int]]) -> None:
    """Each look is a round of its own with all things in it, one of which may have changed."""
    movement, states, since = Movement(), dict.fromkeys("xyz", 0), dict.fromkeys("xyz", 0.0)
    for name in "xyz":
        movement.since(name, 0, 0.0)
    movement.end_round()
    for number, (changed, state) in enumerate(looks, 1):
        if states[changed] != state:
            states[changed], since[changed] = state, float(number)
        for name in "xyz":
            assert movement.since(name, states[name], float(number)) == since[name]
        movement.end_round()


def test_what_is_not_looked_at_is_forgotten() -> None:
    movement = Movement()
    movement.since("feed", "lost", 1.0)
    movement.end_round()
    movement.end_round()
    assert movement.since("feed", "lost", 3.0) == 3.0
