"""What ``import engine`` offers to a strategy author is exactly this list: to change it is a decision, made here."""

import subprocess
import sys

import engine

PUBLIC = """
    ANY Alarm Bar Book CallbackStrategy Cancel ChannelOverflow Connected Context ControlEvent Correction DailyBar
    EMA Fill Gap GaplessError Halted Imbalance KillSwitchTripped Kind LimitReached LiveOrder Lost Luld MarketEvent
    Misconfigured News NotReady OnExit Order OrderClass OrderEnded OrderRefused OrderScope OrderStatus OrderType
    Outcome Pricing Quote RestartPolicy Resumed SMA SavedState Side Stale Status Strategy
    StrategyPosition Stream Subscription Ticket TimeInForce Trade TradingDay UpdatedBar frozen parse_instant plug
    render_instant session_at strategy
""".split()


def test_the_public_names_are_the_listed_ones() -> None:
    assert sorted(engine.__all__) == sorted(PUBLIC)


def test_every_public_name_exists() -> None:
    missing = [name for name in engine.__all__ if not hasattr(engine, name)]
    assert not missing


def test_importing_engine_does_not_load_what_only_a_session_needs() -> None:
    """A strategy file must be quick to import: no HTTP client, no terminal, no Parquet."""
    code = "import sys, engine; print(*sorted({'httpx', 'pyarrow', 'rich', 'click'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
