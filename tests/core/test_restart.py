"""The laws of restarting: delays grow and are bounded, a streak ends by running, a budget is a budget."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from engine.core.restart import RestartPolicy, Streak, decide_restart

policies = st.builds(
    RestartPolicy,
    delay_initial_s=st.floats(0, 5),
    delay_max_s=st.floats(0, 60),
    factor=st.floats(1, 4),
    jitter=st.floats(0, 1),
    restarts_max=st.integers(0, 20),
    window_s=st.floats(1, 1000),
    healthy_after_s=st.floats(0.1, 100),
)


@given(policies, st.lists(st.tuples(st.floats(0, 200), st.booleans()), max_size=60), st.integers())
def test_a_delay_is_never_longer_than_its_maximum_nor_a_budget_exceeded(
    policy: RestartPolicy, failures: list[tuple[float, bool]], seed: int
) -> None:
    random, streak, now_s = Random(seed), Streak(), 0.0
    for ran_s, counts in failures:
        now_s += ran_s
        decision = decide_restart(policy, streak, ran_s=ran_s, now_s=now_s, random=random, counts=counts)
        if decision.delay_s is None:
            assert (counts and ran_s < policy.healthy_after_s) or policy.restarts_max == 0
            assert len(decision.streak.times_s) >= policy.restarts_max
            return
        assert 0 <= decision.delay_s <= policy.delay_max_s
        assert len(decision.streak.times_s) <= policy.restarts_max or not counts
        streak, now_s = decision.streak, now_s + decision.delay_s


def test_without_jitter_the_delay_doubles_up_to_its_maximum() -> None:
    policy, streak, delays = RestartPolicy(delay_initial_s=1, delay_max_s=8, jitter=0), Streak(), []
    for second in range(6):
        decision = decide_restart(policy, streak, ran_s=0, now_s=second, random=Random(1))
        streak = decision.streak
        delays.append(decision.delay_s)
    assert delays == [1, 2, 4, 8, 8, 8]


def test_connecting_does_not_end_a_streak_but_running_long_enough_does() -> None:
    policy = RestartPolicy(delay_initial_s=1, jitter=0, healthy_after_s=5)
    first = decide_restart(policy, Streak(), ran_s=0, now_s=0, random=Random(1))
    flapping = decide_restart(policy, first.streak, ran_s=4.9, now_s=5, random=Random(1))
    healthy = decide_restart(policy, first.streak, ran_s=5.0, now_s=5, random=Random(1))
    assert (flapping.delay_s, healthy.delay_s) == (2, 1)


def test_the_restart_after_the_budget_escalates_and_old_restarts_leave_the_window() -> None:
    policy = RestartPolicy(restarts_max=2, window_s=100, healthy_after_s=1000)
    streak = Streak(length=2, times_s=(0.0, 50.0))
    assert decide_restart(policy, streak, ran_s=1, now_s=99, random=Random(1)).delay_s is None
    assert decide_restart(policy, streak, ran_s=1, now_s=100, random=Random(1)).delay_s is not None


def test_a_delay_that_the_venue_asked_for_is_kept_and_a_held_session_costs_no_budget() -> None:
    policy = RestartPolicy(restarts_max=0, delay_max_s=1)
    decision = decide_restart(policy, Streak(), ran_s=0, now_s=0, random=Random(1), asked_delay_s=90.0, counts=False)
    assert decision.delay_s == 90.0


def test_the_same_seed_draws_the_same_delays() -> None:
    def delays(seed: int) -> list[float | None]:
        random, streak, drawn = Random(seed), Streak(), []
        for second in range(10):
            decision = decide_restart(RestartPolicy(), streak, ran_s=0, now_s=second, random=random)
            streak = decision.streak
            drawn.append(decision.delay_s)
        return drawn

    assert delays(7) == delays(7) != delays(8)
