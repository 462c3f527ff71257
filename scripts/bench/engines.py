"""The engines that `replay.py` compares, each with the same strategy; run as a program, this is one of them.

Each is used in the fastest way that its users would use it, with one Python call for each event.
"""

import argparse
import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
SYMBOL = "AAPL"
FAST, SLOW = 10, 30
MODULES = {"nautilus": "nautilus_trader", "backtesting": "backtesting", "backtrader": "backtrader"}
"""The peers, and what they are called when they are imported."""


class Cross:
    """The strategy of all engines: how often the fast average crosses the slow one."""

    def __init__(self) -> None:
        self.fast: deque[float] = deque()
        self.slow: deque[float] = deque()
        self.fast_sum = self.slow_sum = 0.0
        self.above = False
        self.crossings = self.events = 0

    def take(self, price: float) -> None:
        """One price."""
        self.events += 1
        self.fast.append(price)
        self.slow.append(price)
        self.fast_sum += price
        self.slow_sum += price
        if len(self.slow) <= SLOW:
            if len(self.fast) > FAST:
                self.fast_sum -= self.fast.popleft()
            return
        self.fast_sum -= self.fast.popleft()
        self.slow_sum -= self.slow.popleft()
        above = self.fast_sum * SLOW > self.slow_sum * FAST
        if above != self.above:
            self.above = above
            self.crossings += 1


def reader(path: Path, kind: str, cross: Cross) -> None:
    """The tape and a function for each event."""
    for events in _windows(path, kind):
        if kind == "trades":
            for event in events:
                cross.take(event.price)
        else:
            for event in events:
                cross.take(event.close)


class _Told:
    """Events one by one to an ``async for``, which never waits."""

    def __init__(self, windows: Iterator[list[Any]]) -> None:
        self._next = chain.from_iterable(windows).__next__

    def __aiter__(self) -> "_Told":
        return self

    async def __anext__(self) -> Any:
        try:
            return self._next()
        except StopIteration:
            raise StopAsyncIteration from None


def loop(path: Path, kind: str, cross: Cross) -> None:
    """The tape through an ``async for`` that never waits."""
    import trio

    async def main() -> None:
        if kind == "trades":
            async for event in _Told(_windows(path, kind)):
                cross.take(event.price)
        else:
            async for event in _Told(_windows(path, kind)):
                cross.take(event.close)

    trio.run(main)


def _windows(path: Path, kind: str) -> Iterator[list[Any]]:
    from engine.model.market import Kind
    from engine.model.stream import ANY, Stream
    from engine.store.tape import open_tape

    tape = open_tape([path])
    tape.want({Stream(Kind(kind), ANY)})
    while (window := tape.window()) is not None:
        yield window.events
        tape.advance(len(window.events))


def gapless(path: Path, kind: str, cross: Cross) -> None:
    """A whole replay: virtual time, the account, channels, and a strategy with a call-back."""
    from engine import CallbackStrategy, plug
    from engine.app.options import LoadedStrategy
    from engine.app.replay.options import ReplayOptions
    from engine.app.replay.run import replay

    class Count(CallbackStrategy):
        symbols = (SYMBOL,)

    class CountTrades(Count):
        def on_trade(self, trade: Any) -> None:
            cross.take(trade.price)

    class CountBars(Count):
        def on_bar(self, bar: Any) -> None:
            cross.take(bar.close)

    strategy = plug(CountTrades if kind == "trades" else CountBars)
    replay(ReplayOptions(strategies=(LoadedStrategy(strategy, None, "count"),), tapes=(path,)))


def nautilus(path: Path, kind: str, cross: Cross) -> None:
    """NautilusTrader's BacktestEngine on what its wranglers make, without logs, analysis and filling on bars."""
    import pandas as pd
    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.config import LoggingConfig
    from nautilus_trader.model.currencies import USD
    from nautilus_trader.model.data import BarType
    from nautilus_trader.model.enums import AccountType, OmsType
    from nautilus_trader.model.identifiers import Venue
    from nautilus_trader.model.objects import Money
    from nautilus_trader.persistence.wranglers import BarDataWrangler, TradeTickDataWrangler
    from nautilus_trader.test_kit.providers import TestInstrumentProvider
    from nautilus_trader.trading.strategy import Strategy

    instrument = TestInstrumentProvider.equity(SYMBOL, "SIM")
    bar_type = BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL")
    frame = pd.read_parquet(path)
    frame.index = pd.to_datetime(frame.pop("ts_ns"), unit="ns", utc=True)

    class Count(Strategy):  # type: ignore[misc]  # has no types
        def on_start(self) -> None:
            if kind == "trades":
                self.subscribe_trade_ticks(instrument.id)
            else:
                self.subscribe_bars(bar_type)

        def on_trade_tick(self, tick: Any) -> None:
            cross.take(tick.price.as_double())

        def on_bar(self, bar: Any) -> None:
            cross.take(bar.close.as_double())

    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False))
    venue = Venue("SIM")
    engine.add_venue(venue, OmsType.NETTING, AccountType.CASH, [Money(1_000_000, USD)], USD, bar_execution=False)
    engine.add_instrument(instrument)
    if kind == "trades":
        columns = {"size": "quantity", "id": "trade_id"}
        engine.add_data(TradeTickDataWrangler(instrument).process(frame.rename(columns=columns)))
    else:
        wanted = frame[["open", "high", "low", "close", "volume"]]
        engine.add_data(BarDataWrangler(bar_type, instrument).process(wanted))
    engine.add_strategy(Count())
    engine.run()


def backtesting(path: Path, _kind: str, cross: Cross) -> None:
    """backtesting.py: ``next`` once a bar."""
    import pandas as pd
    from backtesting import Backtest, Strategy

    frame = pd.read_parquet(path)
    frame.index = pd.to_datetime(frame["ts_ns"])
    frame = frame.rename(columns=str.capitalize)[["Open", "High", "Low", "Close", "Volume"]]
    cross.take(float(frame["Close"].iloc[0]))  # it begins with the second bar

    class Count(Strategy):  # type: ignore[misc]  # has no types
        def init(self) -> None:
            pass

        def next(self) -> None:
            cross.take(float(self.data.Close[-1]))

    Backtest(frame, Count).run()


def backtrader(path: Path, _kind: str, cross: Cross) -> None:
    """backtrader: ``next`` once a bar, without observers."""
    import backtrader as bt
    import pandas as pd

    frame = pd.read_parquet(path)
    frame.index = pd.to_datetime(frame.pop("ts_ns"))

    class Count(bt.Strategy):  # type: ignore[misc]  # has no types
        def next(self) -> None:
            cross.take(self.data.close[0])

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame[["open", "high", "low", "close", "volume"]]))
    cerebro.addstrategy(Count)
    cerebro.run()


WORKERS: dict[str, Callable[[Path, str, Cross], None]] = {
    "reader": reader, "loop": loop, "gapless": gapless,
    "nautilus": nautilus, "backtesting": backtesting, "backtrader": backtrader,
}  # fmt: skip


def work(engine: str, path: Path, kind: str) -> None:
    """Be one engine, and tell the parent process on the last line of what this one prints."""
    warm(engine)
    cross = Cross()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    WORKERS[engine](path, kind, cross)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    found = {
        "events": cross.events,
        "crossings": cross.crossings,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "peak_mib": peak_mib(),
    }
    print(json.dumps(found), flush=True)


def warm(engine: str) -> None:
    """Import what the engine needs: starting up is not what is measured."""
    if engine in MODULES:
        import_module("pandas")  # every peer is given a frame
        import_module(MODULES[engine])
        return
    names = ["pyarrow.compute", "pyarrow.parquet", "engine.store.tape"]
    for name in [*names, "engine.app.replay.run"] if engine == "gapless" else names:
        import_module(name)


def peak_mib() -> float:
    """The most memory that this process ever had."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage tells there is also of whoever started this process
        told = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(told["VmHWM"].split()[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)


def main() -> None:
    """Be one engine over one tape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=WORKERS)
    parser.add_argument("kind", choices=("trades", "bars"))
    parser.add_argument("tape", type=Path)
    arguments = parser.parse_args()
    # The folder of this file has names that others may want to import.
    sys.path[:] = [
        str(ROOT),
        *(each for each in sys.path if Path(each or os.curdir).resolve() != ROOT / "scripts/bench"),
    ]
    work(arguments.engine, arguments.tape, arguments.kind)


if __name__ == "__main__":
    main()
