"""A session taken again from its journal: identical whatever happened, until a strategy decides otherwise."""

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from engine.app.options import LoadedStrategy
from engine.app.plugins.find import find_strategy
from engine.app.plugins.params import load_strategies
from engine.app.verify.command import verify_session
from engine.flow.journal.again import Verified, verify_strategy
from engine.model.journal import Answered, Asked, Cut, Ended, Took, Went, Woke
from engine.testing.chaos.gambler import Params, gambler

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SYMBOLS = ("AAPL", "SPY", "BTC/USD")


def loaded(name: str, file: str = "nasty.py") -> LoadedStrategy:
    return LoadedStrategy(find_strategy(f"{HERE / file}:{name}"), None, name)


def again(kept: Any, one: LoadedStrategy, upto: int | None = None) -> Verified:
    records = kept.records[:upto]
    return verify_strategy(
        one.name, one.strategy, one.params, records=lambda: records, market=lambda: kept.events, seed=1
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 5, 9])
def test_the_nastiest_strategies_are_identical_on_a_bad_day(play: Any, seed: int) -> None:
    strategies = [loaded(name) for name in ("crasher", "many", "merged", "batches")]
    strategies.append(LoadedStrategy(gambler, Params(symbols=SYMBOLS, seed=seed, pause_s=10, for_s=200), "gambler"))
    kept = play(strategies, seed=seed, minutes=4)
    verified = {one.name: again(kept, one) for one in strategies}
    assert {name: one.difference for name, one in verified.items() if not one.identical} == {}
    assert all(one.finished for one in verified.values())
    assert kept.faults >= 30
    assert sum(one.decisions for one in verified.values()) > 50
    kinds = {type(record) for record in kept.records}
    assert {Took, Answered, Woke, Cut, Ended} <= kinds
    calls = sum(isinstance(record, Asked) for record in kept.records)
    assert sum(one.calls for one in verified.values()) == calls


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
def test_tasks_that_race_without_a_word_are_identical_too(play: Any, seed: int) -> None:
    strategies = [loaded(name, "racing.py") for name in ("workers", "bell", "shared")]
    kept = play(strategies, seed=seed, minutes=2, rate=4.0)
    verified = {one.name: again(kept, one) for one in strategies}
    assert {name: one.difference for name, one in verified.items() if not one.identical} == {}
    assert all(one.finished and one.decisions for one in verified.values())
    assert any(isinstance(record, Went) for record in kept.records)
    told = [record for record in kept.records if not isinstance(record, Went)]
    blind = [
        verify_strategy(one.name, one.strategy, None, records=lambda: told, market=lambda: kept.events, seed=1)
        for one in strategies
    ]
    assert not all(one.identical for one in blind)  # or nothing of this would be needed


@pytest.fixture(scope="module")
def recorded(play: Any) -> tuple[Any, LoadedStrategy]:
    one = loaded("crasher")
    return play([one], seed=4, minutes=2), one


@pytest.mark.slow
def test_a_journal_that_was_cut_anywhere_is_verified_up_to_there(recorded: tuple[Any, LoadedStrategy]) -> None:
    kept, one = recorded
    for cut in range(5, len(kept.records) - 1, 7):
        verified = again(kept, one, cut)
        assert verified.identical, cut
        assert not verified.finished or isinstance(kept.records[cut - 1], Ended)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "changed", "now"),
    [
        ("count % 5 + 1", "count % 5 + 2", 'buy {"limit"'),
        ("count % 7 == 0", "count % 7 == 1", 'buy {"limit"'),
        ('on_exit="cancel", within=20', 'on_exit="cancel", within=21', 'orders {"within":21}'),
    ],
)
def test_one_line_that_is_another_is_found_where_it_first_decides(
    recorded: tuple[Any, LoadedStrategy], tmp_path: Path, line: str, changed: str, now: str
) -> None:
    kept, one = recorded
    source = (HERE / "nasty.py").read_text(encoding="utf-8")
    assert line in source
    (tmp_path / "nasty.py").write_text(source.replace(line, changed, 1), encoding="utf-8")
    other = evolve(one, strategy=find_strategy(f"{tmp_path / 'nasty.py'}:crasher"))
    verified = again(kept, other)
    assert verified.difference is not None
    assert (verified.difference.now or "").startswith(now)
    assert len(verified.difference.before) <= 10
    assert verified.difference.cause is not None


@pytest.mark.slow
def test_half_an_hour_on_the_disk_is_identical_and_a_changed_line_is_named(play: Any, tmp_path: Path) -> None:
    source = (ROOT / "strategies" / "sma_cross.py").read_text(encoding="utf-8")
    file, folder = tmp_path / "trend.py", tmp_path / "session"
    file.write_text(source, encoding="utf-8")
    references = (str(file), "strategies.mean_reversion", f"{HERE / 'nasty.py'}:many")
    strategies = load_strategies(references, ["sma_cross.fast=2", "sma_cross.slow=4"])
    kept = play(strategies, seed=7, minutes=30, rate=0.7, record=folder)
    assert kept.faults >= 30

    verification = verify_session(folder)
    assert [one.difference for one in verification.strategies] == [None, None, None]
    assert all(one.decisions for one in verification.strategies if one.strategy != "mean_reversion")

    changed = source.replace("p.qty if cross.above else 0", "0 if cross.above else p.qty")
    assert changed != source
    file.write_text(changed, encoding="utf-8")
    found = {one.strategy: one.difference for one in verify_session(folder).strategies}
    difference = found.pop("sma_cross")
    assert set(found.values()) == {None}
    assert difference is not None
    assert isinstance(difference.recorded, Asked)
    assert (difference.recorded.verb, (difference.now or "").split(" ")[0]) == ("target", "target")
    assert 0 < len(difference.before) <= 10
