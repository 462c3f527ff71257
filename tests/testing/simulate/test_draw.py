"""A seed is a plan, always the same one; all that can go wrong is drawn by some seed, and enough of it by each."""

from random import Random

import pytest

from engine.exchange.faults.script import build_fault
from engine.testing.simulate.catalogue import CHANCES, TROUBLES, fault_table
from engine.testing.simulate.draw import OPEN_S, TROUBLES_PER_H, build_plan
from engine.testing.simulate.plan import Plan

SEEDS = range(150)
PLANS = [build_plan(seed) for seed in SEEDS]
OWN = ("net_", "disk_", "kill", "power_loss", "wall_step", "sleep", "server_restart")


def test_a_seed_is_a_plan() -> None:
    assert [build_plan(seed) for seed in range(10)] == PLANS[:10]
    assert len({plan.troubles for plan in PLANS}) == len(PLANS)


def test_every_kind_is_drawn_by_some_seed() -> None:
    drawn = {trouble.kind for plan in PLANS for trouble in plan.troubles}
    assert drawn == set(TROUBLES)
    assert {name for plan in PLANS for name, _ in plan.rates} == set(CHANCES)


def test_an_hour_has_its_troubles_before_its_calm() -> None:
    for plan in PLANS:
        bad_s = plan.seconds - plan.calm_s
        assert 600 <= plan.calm_s <= 900
        assert len(plan.troubles) >= TROUBLES_PER_H[0] * 0.74
        assert all(0 <= trouble.at_s <= bad_s for trouble in plan.troubles)
        assert list(plan.troubles) == sorted(plan.troubles, key=lambda each: each.at_s)


def test_most_sessions_begin_with_the_market_and_others_see_it_open_or_close() -> None:
    early = [plan for plan in PLANS if plan.opening_s < 0]
    late = [plan for plan in PLANS if plan.opening_s > 0]
    assert early
    assert late
    assert len(early) + len(late) < len(PLANS) / 2
    assert all(plan.opening_s + plan.seconds > 0 for plan in early)
    assert all(plan.opening_s < OPEN_S < plan.opening_s + plan.seconds for plan in late)


def test_one_session_in_twenty_is_recorded_and_nothing_else_about_them_is_other() -> None:
    recorded = [plan for plan in PLANS if plan.recorded]
    assert len(PLANS) / 40 < len(recorded) < len(PLANS) / 10
    assert {player.kind for plan in recorded for player in plan.players} == {"watcher", "trader", "witness"}


def test_in_many_sessions_the_lines_end_while_history_does_not_help() -> None:
    """What history lacks just then shows whether holes are closed too early; by chance it comes in few sessions."""

    def met(plan: Plan) -> bool:
        deaf_s = [each.at_s for each in plan.troubles if each.kind in ("history_lag", "history_refused")]
        ends_s = [each.at_s for each in plan.troubles if each.kind == "server_restart"]
        return any(0 < end_s - at_s < 16 for at_s in deaf_s for end_s in ends_s)

    assert sum(map(met, PLANS)) > len(PLANS) / 2


def test_in_a_third_of_the_sessions_the_last_trouble_is_a_mute_line() -> None:
    last = [plan.troubles[-1] for plan in PLANS]
    assert len(PLANS) / 5 < sum(trouble.kind == "mute" for trouble in last) < len(PLANS) / 2


def test_somebody_watches_and_somebody_trades() -> None:
    for plan in PLANS:
        kinds = [player.kind for player in plan.players]
        assert {"watcher", "trader", "witness"} == set(kinds)
        assert kinds.count("witness") == 1
        assert 3 <= len(kinds) <= 5
        assert len({player.name for player in plan.players}) == len(kinds)
        for player in plan.players:
            assert set(dict(player.params)["symbols"]) <= set(plan.symbols)


def test_a_short_session_has_its_calm_too() -> None:
    plan = build_plan(3, hours=0.1)
    assert plan.seconds == 360
    assert 0 < plan.calm_s <= 0.3 * 360
    assert plan.troubles


@pytest.mark.parametrize("kind", [kind for kind in TROUBLES if not kind.startswith(OWN)])
def test_what_is_drawn_for_the_exchange_is_a_fault_that_it_knows(kind: str) -> None:
    for seed in range(20):
        build_fault(**fault_table(kind, TROUBLES[kind].draw(Random(seed))))


@pytest.mark.parametrize("name", list(CHANCES))
def test_what_stands_with_a_rate_is_a_fault_that_the_exchange_knows(name: str) -> None:
    assert build_fault(**CHANCES[name], p=0.5).p == 0.5
