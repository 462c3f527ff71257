"""Write down what quantstats says of some series of returns: `tests/core/measures/oracle.json`, which the tests hold
`engine.core.measures.returns` against.

quantstats takes a third of a gigabyte and seconds to import, so it is no dependency of anything: install it where this
runs (``pip install quantstats==0.0.86``), and run it again when a newer one should be the oracle. Series are written
with all their digits, so what is compared is arithmetic alone.

    python scripts/oracle.py
    python scripts/oracle.py --check     # hold our own measures directly against it, and write nothing
"""

import argparse
import json
import math
import sys
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
TABLE: Final = ROOT / "tests" / "core" / "measures" / "oracle.json"
PERIODS: Final = (252, 365, 98_280)


def make_series() -> dict[str, list[float]]:
    """Series of every temper, the same each time."""
    dice = Random(7)

    def walk(count: int, drift: float, spread: float, zeros: float = 0.0) -> list[float]:
        return [0.0 if dice.random() < zeros else dice.gauss(drift, spread) for _ in range(count)]

    return {
        "a good year": walk(252, 0.001, 0.01),
        "a bad year": walk(252, -0.001, 0.015),
        "mostly flat": walk(120, 0.0005, 0.008, zeros=0.7),
        "minutes of a day": walk(390, 1e-6, 4e-4, zeros=0.2),
        "a loss first": [-0.05, 0.02, 0.01, -0.01, 0.06, 0.01],
        "never down": [0.01, 0.02, 0.0, 0.005],
        "never up": [-0.01, -0.02, 0.0, -0.005],
        "two": [0.03, -0.01],
        "wild": walk(60, 0.0, 0.2),
        "tiny": walk(50, 0.0, 1e-9),
        "one trade": [0.0, 0.0, 0.013, 0.0, 0.0],
        "one loss": [0.0, 0.0, -0.013, 0.0, 0.0],
        "the same loss each day": [-0.01] * 6,
        "all is lost": [0.1, -1.0, 0.0],
        "more than all is lost": [0.1, -1.5, 0.3],
    }


def told_by_quantstats(returns: list[float]) -> dict[str, Any]:
    """Its measures by our names; what it has no number for is ``None``."""
    import pandas as pd
    from quantstats import stats

    series = pd.Series(returns, index=pd.date_range("2026-01-01", periods=len(returns), freq="D"))
    details = stats.drawdown_details(stats.to_drawdown_series(series))
    told: dict[str, Any] = {
        "total_return": stats.comp(series),
        "max_drawdown": stats.max_drawdown(series),
        "longest_drawdown": int(details["days"].max()) if len(details) else 0,
        "hit_rate": stats.win_rate(series),
        "profit_factor": stats.profit_factor(series),
        "exposure_up": stats.exposure(series),
        "deviation": stats.volatility(series, annualize=False),
    }
    for periods in PERIODS:
        for name in ("cagr", "volatility", "sharpe", "sortino", "calmar"):
            told[f"{name}@{periods}"] = getattr(stats, name)(series, periods=periods)
    return {name: _plain(value) for name, value in told.items()}


def _plain(value: Any) -> Any:
    number = value if isinstance(value, int) else float(value)
    return number if math.isfinite(number) else None


def differing(table: dict[str, Any]) -> list[str]:
    """What our own measures make otherwise of the same series, by more than a billionth."""
    sys.path.insert(0, str(ROOT))
    from engine.core.measures import returns as measures

    found = []
    for series in table["series"]:
        for name, value in series["told"].items():
            measure, _, periods = name.partition("@")
            if measure == "exposure_up" or (measure == "longest_drawdown" and series["returns"][0] < 0):
                continue  # see the tests, which say why
            ours = getattr(measures, measure)(series["returns"], *([int(periods)] if periods else []))
            if ours != value and (ours is None or value is None or not math.isclose(ours, value, rel_tol=1e-9)):
                found.append(f"{series['name']}: {name} is {ours} and not {value}")
    return found


def main() -> int:
    """Write the table, or hold our measures against it."""
    import warnings

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    table = {
        "quantstats": version("quantstats"),
        "series": [
            {"name": name, "returns": returns, "told": told_by_quantstats(returns)}
            for name, returns in make_series().items()
        ],
    }
    if asked.check:
        wrong = differing(table)
        sys.stdout.write("\n".join([*wrong, f"{len(wrong)} measures differ"]) + "\n")
        return int(bool(wrong))
    TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{TABLE.relative_to(ROOT)}: {len(table['series'])} series\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
