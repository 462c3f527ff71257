"""What the exchange refuses by a rule about the order itself is refused here in the same words, and never sent.

By default there are orders at random in the regular session, after it and on a Saturday; ``GAPLESS_STORM=all`` adds
the other hours, and ``python scripts/storm.py rules`` plays as many as it is told to.
"""

from pathlib import Path

import pytest

from engine.testing.chosen import choose
from engine.testing.storm.table import MOMENTS, run_random, run_table

ROWS_MIN = 60
"""What the issue asks for; there are more."""
SOME = (0, 3, 5)
"""By number in `MOMENTS`."""


@pytest.mark.slow
def test_every_static_refusal_of_the_table_is_ours_too_in_the_same_words_and_unsent(root: Path) -> None:
    compared = run_table(root / "tests" / "conformance" / "refusals.toml")
    assert [each.wrong for each in compared if each.wrong] == []
    assert sum(each.static and not each.sent for each in compared) >= ROWS_MIN


@pytest.mark.slow
@pytest.mark.parametrize("seed", choose("GAPLESS_STORM", range(len(MOMENTS)), SOME))
def test_orders_at_random_meet_no_static_rule_at_the_exchange(seed: int) -> None:
    compared = run_random(seed)
    assert [each.wrong for each in compared if each.wrong] == []
    assert any(each.sent for each in compared)
    assert any(each.static for each in compared)
