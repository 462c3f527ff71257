"""Half hours of trading on a bad day, each recorded, verified, and verified again with one line changed.

    python scripts/verify.py --seeds 4 --minutes 30

Virtual time, real everything else: the embedded exchange with a random script of faults, the real client, the real
journal on this disk. ``gapless verify`` has to say identical of each strategy, and to name a decision of the one whose
file was changed.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Final

import trio
from attrs import frozen
from loguru import logger
from trio.testing import MockClock

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from engine.app.live import run_live  # noqa: E402 - behind the path to it
from engine.app.options import LoadedStrategy, RunOptions, Tuning  # noqa: E402 - as above
from engine.app.plugins.params import load_strategies  # noqa: E402 - as above
from engine.app.secrets import Secret  # noqa: E402 - as above
from engine.app.verify.command import verify_session  # noqa: E402 - as above
from engine.app.verify.verification import Verification  # noqa: E402 - as above
from engine.exchange.serve import ExchangeOptions, open_exchange  # noqa: E402 - as above
from engine.flow.journal.again import Difference  # noqa: E402 - as above
from engine.model.instant import NS_PER_S  # noqa: E402 - as above
from engine.store.session import read_session  # noqa: E402 - as above
from engine.testing.chaos.day import build_faults  # noqa: E402 - as above
from engine.testing.inline import run_inline  # noqa: E402 - as above
from engine.testing.network import Network  # noqa: E402 - as above

SYMBOLS: Final = ("AAPL", "SPY", "BTC/USD")
FAULTS_MIN: Final = 30
WAS, IS = "p.qty if cross.above else 0", "0 if cross.above else p.qty"
NASTY: Final = ("nasty.py:crasher", "nasty.py:many", "nasty.py:merged", "nasty.py:batches")
RACING: Final = ("racing.py:workers", "racing.py:bell", "racing.py:shared")


@frozen(kw_only=True)
class Outcome:
    """One session. ``changed``: what was found of the strategy whose line was another one."""

    seed: int
    faults: int
    events: int
    records: int
    verification: Verification
    changed: Difference | None
    record_s: float
    verify_s: float

    @property
    def held(self) -> bool:
        """Whether it came out as it has to."""
        finished = all(one.finished for one in self.verification.strategies)
        return self.faults >= FAULTS_MIN and self.verification.identical and finished and self.changed is not None


def record(folder: Path, strategies: tuple[LoadedStrategy, ...], seed: int, minutes: float, rate: float) -> int:
    """Hold and record a session; returns how often a fault struck."""
    struck = 0

    async def hold() -> None:
        nonlocal struck
        exchange = ExchangeOptions(symbols=SYMBOLS, seed=seed, events_per_s=rate, faults=build_faults(seed))
        opened_s = trio.current_time()

        def wall_s() -> float:
            return running.market.source.start_ns / NS_PER_S + trio.current_time() - opened_s

        with Network().use(), tempfile.TemporaryDirectory() as state:
            async with open_exchange(exchange, wall_s=wall_s) as running:
                options = RunOptions(
                    strategies=strategies,
                    for_s=60 * minutes,
                    tuning=Tuning(silence_s=60),
                    key_id=Secret("PKVERIFY"),
                    secret=Secret("verify-secret"),
                    state=Path(state),
                    record_dir=folder,
                )
                await run_live(options, exchange=running, run_sync=run_inline)
                struck = sum(running.plan.summary()["hits"].values())

    trio.run(hold, clock=MockClock(autojump_threshold=0))
    return struck


def try_seed(seed: int, minutes: float, rate: float = 0.7) -> Outcome:
    """Record a session of this seed and verify it twice."""
    with tempfile.TemporaryDirectory() as home:
        file, folder = Path(home) / "trend.py", Path(home) / "session"
        source = (ROOT / "strategies" / "sma_cross.py").read_text(encoding="utf-8")
        file.write_text(source, encoding="utf-8")
        places = [str(ROOT / "tests" / "flow" / "journal" / name) for name in (*NASTY, *RACING)]
        names = (str(file), "strategies.mean_reversion", "strategies.crypto_momentum", *places)
        sets = ["sma_cross.fast=2", "sma_cross.slow=4"]
        begun = perf_counter()
        faults = record(folder, load_strategies(names, sets), seed, minutes, rate)
        recorded = perf_counter()
        verification = verify_session(folder)
        verified = perf_counter()
        assert WAS in source
        file.write_text(source.replace(WAS, IS), encoding="utf-8")
        (changed,) = verify_session(folder, ("sma_cross",)).strategies
        session = read_session(folder)
        return Outcome(
            seed=seed,
            faults=faults,
            events=sum(1 for _ in session.market()),
            records=sum(1 for _ in session.records()),
            verification=verification,
            changed=changed.difference,
            record_s=recorded - begun,
            verify_s=verified - recorded,
        )


def main() -> int:
    """Try the seeds that were asked for; 1 where one did not come out as it has to."""
    parser = argparse.ArgumentParser(description="Record sessions on bad days and verify them.")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=0.7, help="events a second of the made market")
    asked = parser.parse_args()
    logger.remove()
    failed = []
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        outcome = try_seed(seed, asked.minutes, asked.rate)
        runs = outcome.verification.strategies
        differing = ", ".join(one.strategy for one in runs if not one.identical)
        verdict = f"DIFFER: {differing}" if differing else "identical"
        print(
            f"seed {seed}: {outcome.faults} faults, {outcome.events:,} events, {outcome.records:,} records, "
            f"{len(runs)} strategies, {sum(one.calls for one in runs):,} calls, "
            f"{sum(one.decisions for one in runs):,} decisions: {verdict}; "
            f"one line changed: {outcome.changed.now if outcome.changed else 'NOTHING FOUND'}; "
            f"{outcome.record_s:.1f} s to record, {outcome.verify_s:.1f} s to verify",
            flush=True,
        )
        if not outcome.held:
            failed.append(seed)
    print(f"{asked.seeds} sessions, {len(failed)} failed" + (f": seeds {failed}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
