"""Once the kill switch has tripped, no request that adds risk reaches the exchange, the account is flat within ten
seconds, and a restart does not undo it; whatever tripped it, and whatever fails meanwhile.

By default each trigger has one storm, but for the signal, behind which nothing differs from the file.
``GAPLESS_STORM=all`` plays that and other seeds too, and ``python scripts/storm.py kill`` as many as it is told to.
"""

from pathlib import Path

import pytest

from engine.testing.chosen import choose
from engine.testing.storm.kill import TRIGGERS, Storm, run_storm
from engine.testing.storm.processes import show_kill
from engine.testing.storm.traders import AT_ONCE

STORMS = [Storm(seed=seed, trigger=trigger) for trigger in TRIGGERS for seed in (2, 3)]
SOME = [Storm(seed=3 if trigger == "rejects" else 2, trigger=trigger) for trigger in TRIGGERS if trigger != "signal"]


@pytest.mark.slow
@pytest.mark.parametrize("storm", choose("GAPLESS_STORM", STORMS, SOME), ids=lambda one: f"{one.trigger}-{one.seed}")
def test_nothing_that_adds_risk_is_sent_after_the_trip_and_the_account_gets_flat(storm: Storm) -> None:
    came = run_storm(storm)
    assert came.wrong() == []
    assert came.before > AT_ONCE / 2
    assert came.in_flight >= AT_ONCE or storm.trigger in ("rejects", "loss")


@pytest.mark.slow
def test_gapless_kill_ends_what_a_stopped_engine_holds_and_holds_after_a_restart(tmp_path: Path) -> None:
    shown = show_kill(tmp_path, stopped=True)
    assert list(shown.wrong) == [], "\n".join(shown.lines)
