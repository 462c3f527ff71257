"""What an indicator costs: nanoseconds an update, against the same value from another library, bar by bar.

The other library is talipp (incremental too) where it is installed, else TA-Lib's stream functions, which compute the
newest value from the last four windows: what a live strategy would do with TA-Lib. Two lengths of window show that our
cost does not depend on it, `CCI` aside.

    python scripts/bench/indicators.py                 # a table, about half a minute
    python scripts/bench/indicators.py --json

``ours`` and ``theirs`` are the best of the rounds; ``ratio`` is theirs over ours: above 1, ours is the faster one.
"""

import argparse
import importlib
import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from engine.indicators import (  # noqa: E402 - a checkout need not be installed
    ADX,
    ATR,
    CCI,
    EMA,
    MACD,
    RSI,
    SMA,
    TEMA,
    WMA,
    Bollinger,
    Donchian,
    Highest,
    Indicator,
    LinRegSlope,
    StdDev,
    Stochastic,
)
from engine.model.market import Bar  # noqa: E402 - as above

UPDATES = 20_000
ROUNDS = 5
LENGTHS = (14, 200)

ON_VALUES: dict[str, Callable[[int], Indicator[float]]] = {
    "SMA": SMA,
    "EMA": EMA,
    "WMA": WMA,
    "TEMA": TEMA,
    "RSI": RSI,
    "MACD": lambda length: MACD(length, 2 * length, 9),
    "StdDev": StdDev,
    "Bollinger": Bollinger,
    "Highest": Highest,
    "LinRegSlope": LinRegSlope,
}
ON_BARS: dict[str, Callable[[int], Indicator[Bar]]] = {
    "ATR": ATR,
    "Donchian": Donchian,
    "Stochastic": Stochastic,
    "ADX": ADX,
    "CCI": CCI,
}


def make_bars(count: int) -> list[Bar]:
    """A random walk, the same on every run."""
    dice, close, bars = random.Random(1), 100.0, []
    for minute in range(count):
        before, close = close, max(1.0, close + dice.gauss(0.0, 0.1))
        high, low = max(before, close) + dice.random() / 10, min(before, close) - dice.random() / 10
        bars.append(Bar("SPY", minute * 60 * 10**9, before, high, low, close, 100.0 + minute % 7))
    return bars


def best_ns(run: Callable[[], float], updates: int) -> float:
    """Nanoseconds an update, the best of the rounds: what disturbs a round only ever adds."""
    return min(run() for _ in range(ROUNDS)) * 1e9 / updates


def time_ours(indicator: Indicator[Any], inputs: Sequence[Any]) -> float:
    """Seconds for all updates, each followed by a look at the value."""
    update = indicator.update
    begun = time.perf_counter()
    for x in inputs:
        update(x)
        indicator.value  # noqa: B018 - reading it is part of the price
    return time.perf_counter() - begun


def stream_calls(talib: Any, bars: Sequence[Bar]) -> dict[str, Callable[[int, int, int], Any]]:
    """For each indicator TA-Lib's stream function on the inputs from ``begin`` to ``end``."""
    import numpy as np

    high, low, close = (np.array([getattr(bar, name) for bar in bars]) for name in ("high", "low", "close"))
    s = talib.stream
    one: dict[str, Any] = {"SMA": s.SMA, "EMA": s.EMA, "WMA": s.WMA, "TEMA": s.TEMA, "RSI": s.RSI, "StdDev": s.STDDEV}
    one |= {"Bollinger": s.BBANDS, "Highest": s.MAX, "LinRegSlope": s.LINEARREG_SLOPE}
    three: dict[str, Any] = {"ATR": s.ATR, "ADX": s.ADX, "CCI": s.CCI}

    def on_closes(call: Any) -> Callable[[int, int, int], Any]:
        return lambda n, begin, end: call(close[begin:end], n)

    def on_bars(call: Any) -> Callable[[int, int, int], Any]:
        return lambda n, begin, end: call(high[begin:end], low[begin:end], close[begin:end], n)

    calls = {name: on_closes(call) for name, call in one.items()}
    calls |= {name: on_bars(call) for name, call in three.items()}
    calls["MACD"] = lambda n, begin, end: s.MACD(close[begin:end], n, 2 * n, 9)
    calls["Donchian"] = lambda n, begin, end: s.DONCHIAN(high[begin:end], low[begin:end], n)
    calls["Stochastic"] = lambda n, begin, end: s.STOCH(
        high[begin:end], low[begin:end], close[begin:end], n, 3, 0, 3, 0
    )
    return calls


def time_stream(call: Callable[[int, int, int], Any], length: int, count: int) -> float:
    """Seconds for a value at each bar, from the four windows before it."""
    reach = 4 * length + 10
    begun = time.perf_counter()
    for end in range(reach, count):
        call(length, end - reach, end)
    return (time.perf_counter() - begun) * count / (count - reach)


TALIPP = {
    "SMA": "SMA", "EMA": "EMA", "WMA": "WMA", "TEMA": "TEMA", "RSI": "RSI", "StdDev": "StdDev", "Bollinger": "BB",
    "ATR": "ATR", "Donchian": "DonchianChannels", "ADX": "ADX", "CCI": "CCI",
}  # fmt: skip
TALIPP_MORE: dict[str, Callable[[int], tuple[Any, ...]]] = {
    "Bollinger": lambda length: (length, 2.0),
    "ADX": lambda length: (length, length),
}


def time_talipp(name: str, length: int, bars: Sequence[Bar]) -> float | None:
    """Seconds for all updates, or ``None`` where it has no such indicator."""
    if name not in TALIPP:
        return None
    build = getattr(importlib.import_module("talipp.indicators"), TALIPP[name])
    candle = importlib.import_module("talipp.ohlcv").OHLCV
    of_bars = name in ON_BARS
    inputs = [candle(b.open, b.high, b.low, b.close, b.volume) if of_bars else b.close for b in bars]
    more = TALIPP_MORE.get(name)
    theirs = build(*(more(length) if more else (length,)))
    begun = time.perf_counter()
    for x in inputs:
        theirs.add(x)
    return time.perf_counter() - begun


def find_other() -> str:
    """The library to compare with, or nothing."""
    for name in ("talipp", "talib"):
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        return name
    return ""


def measure(other: str) -> Iterator[dict[str, Any]]:
    """One row for each indicator and length."""
    bars = make_bars(UPDATES)
    closes = [bar.close for bar in bars]
    calls = stream_calls(importlib.import_module("talib"), bars) if other == "talib" else {}
    builds: dict[str, Callable[[int], Indicator[Any]]] = {**ON_VALUES, **ON_BARS}
    for name, build in builds.items():
        inputs: Sequence[Any] = bars if name in ON_BARS else closes
        for length in LENGTHS:
            ours = best_ns(lambda: time_ours(build(length), inputs), UPDATES)  # noqa: B023 - called at once
            theirs: float | None = None
            if other == "talib":
                theirs = best_ns(lambda: time_stream(calls[name], length, UPDATES), UPDATES)  # noqa: B023 - as above
            elif other == "talipp" and name in TALIPP:
                theirs = best_ns(lambda: time_talipp(name, length, bars) or math.nan, UPDATES)  # noqa: B023 - as above
            yield {"indicator": name, "length": length, "ours_ns": round(ours), "theirs_ns": theirs and round(theirs)}


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON document in place of the table")
    asked = parser.parse_args()
    other = find_other()
    rows = list(measure(other))
    if asked.json:
        print(json.dumps({"other": other, "updates": UPDATES, "rows": rows}))
        return
    print(f"{'indicator':12} {'length':>6} {'ours ns':>8} {(other or 'nothing') + ' ns':>10} {'ratio':>6}")
    for row in rows:
        theirs = row["theirs_ns"]
        told = f"{theirs:>10} {theirs / row['ours_ns']:>6.1f}" if theirs else f"{'-':>10} {'-':>6}"
        print(f"{row['indicator']:12} {row['length']:>6} {row['ours_ns']:>8} {told}")


if __name__ == "__main__":
    main()
