"""A fill model says in one line what the results rest on."""

from attrs import evolve

from engine.core.matching.models import MODELS, Rule


def test_there_are_four_models_and_touch_comes_first() -> None:
    assert list(MODELS) == ["touch", "queue", "through", "paper"]
    assert all(name == model.name for name, model in MODELS.items())


def test_a_model_names_its_rule_its_sizes_its_latency_and_its_fees() -> None:
    assert MODELS["touch"].describe() == (
        "touch: a resting order fills when the market touches its price, as if it were first in line; at most the size "
        f"shown; 0 ms to the market, 0 ms to cancel; fees: {MODELS['touch'].fees.name}"
    )
    paper = MODELS["paper"].describe()
    assert "whatever the size shown, 10% of fills partial at random; 3.5 ms to the market" in paper


def test_a_varied_model_says_so() -> None:
    slow = evolve(MODELS["queue"], name="queue, slow", latency_ns=50_000_000)
    assert slow.rule is Rule.QUEUE
    assert slow.describe().startswith("queue, slow: ")
    assert "50 ms to the market" in slow.describe()


def test_only_paper_ignores_sizes_and_throws_dice() -> None:
    assert [name for name, model in MODELS.items() if not model.sized] == ["paper"]
    assert [name for name, model in MODELS.items() if model.partial_share] == ["paper"]
