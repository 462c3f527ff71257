"""Runs two strategies on the embedded exchange while it cuts the line five ways, shows it, and proves the outcome.

The proof does not use the engine's own counters: the exchange's published rows are compared with the lines that the
``audit`` strategy wrote to a file. Exit code 0 if every stream is equal, 1 if not.
"""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import trio

from engine.app.demo.episode import CHANNELS, FAULTS, LENGTH_S, SPEED, SYMBOLS, Witness, build_episode
from engine.app.demo.proof import StreamProof, prove, read_audit, render_proof
from engine.app.failures import known_cause
from engine.app.logs import configure_logs
from engine.app.options import Endpoints, RunOptions, Tuning
from engine.app.plugins.params import load_strategies
from engine.app.report import SessionReport
from engine.app.screen.tables import count, law
from engine.app.screen.view import View
from engine.app.session import run_with_view
from engine.errors import GaplessError
from engine.exchange.faults import parse_faults
from engine.exchange.serve import ExchangeOptions, Running, open_exchange

SEED: Final = 7
LONGEST_S: Final = 38.0
"""The episode takes 22 s and an outage near its end some more; a demonstration that hangs would prove nothing."""
# A half-open line is found by its missing pong: the usual 10 s and 5 s would be most of the demonstration.
TUNING: Final = Tuning(ping_every_s=1.0, pong_within_s=1.0)


async def show(folder: Path, *, length_s: float = LENGTH_S, speed: float = SPEED, faults: str = FAULTS) -> int:
    """The demonstration; returns its exit code. ``length_s`` is market time."""
    out, witness = folder / "audit.jsonl", Witness()
    exchange_options = ExchangeOptions(symbols=SYMBOLS, seed=SEED, speed=speed, faults=parse_faults(faults))
    async with open_exchange(exchange_options, build_episode(SEED, length_s)) as exchange:
        exchange.market.attach(witness)
        strikes = {fault.kind for fault in exchange_options.faults if fault.triggered}
        view = View(title="gapless demo: the line is being cut", live=sys.stderr.isatty())
        report, error = await run_with_view(_plan(exchange, out, view), view)
        hits = exchange.plan.summary()["hits"]
    proofs = prove(witness.events, read_audit(out), CHANNELS)
    idle = sorted(kind for kind in strikes if not hits.get(kind))
    print(summarise(report, proofs, hits, error))
    if idle:
        print(f"But these faults never struck, so this proves less than it should: {', '.join(idle)}.")
    return 0 if proven(proofs) and error is None and not idle else 1


def _plan(exchange: Running, out: Path, view: View) -> RunOptions:
    symbols, channels = ",".join(SYMBOLS), ",".join(CHANNELS)
    sets = (f"audit.out={out}", f"audit.symbols={symbols}", f"audit.channels={channels}")
    crossing = ("sma_cross.symbol=SPY", "sma_cross.fast=2", "sma_cross.slow=4")
    return RunOptions(
        strategies=load_strategies(("audit", "sma_cross"), (*sets, *crossing)),
        endpoints=Endpoints(**exchange.urls()),
        for_s=LONGEST_S,
        until_tape_ends=True,
        tuning=TUNING,
        watcher=view.watch,
    )


def proven(proofs: list[StreamProof]) -> bool:
    """Whether every stream was told exactly, and there were any."""
    return bool(proofs) and all(proof.holds for proof in proofs)


def summarise(
    report: SessionReport, proofs: list[StreamProof], hits: Mapping[str, int], error: GaplessError | None
) -> str:
    """The closing words."""
    published, backfilled = sum(p.published for p in proofs), sum(p.backfilled for p in proofs)
    restarts = sum(row.restarts for row in report.feeds)
    still_open = sum(not gap.closed for gap in report.gaps)
    lines = [
        render_proof(proofs),
        "",
        "Faults that struck: " + ", ".join(f"{kind} {count(number)}" for kind, number in hits.items() if number) + ".",
        f"The lines were restarted {restarts} times; {count(backfilled)} rows came from history, in their place.",
        f"{count(len(report.gaps) - still_open)} holes were closed, {count(still_open)} are open.",
        f"{law(report.conservation)} (all strategies together).",
        f"Ended by {report.ended_by} after {report.duration_s:.1f} s." + (f" {error}" if error else ""),
        "",
    ]
    if proven(proofs):
        lines.append(f"PROVEN: all {count(published)} published rows arrived once, equal, in order. Nothing was lost.")
    else:
        wrong = ", ".join(str(proof.stream) for proof in proofs if not proof.holds) or "nothing was published"
        lines.append(f"NOT PROVEN: {wrong}.")
    return "\n".join(lines)


def main() -> None:
    """The entry of ``python -m engine.app.demo``."""
    configure_logs(level="info")
    try:
        with tempfile.TemporaryDirectory(prefix="gapless-demo-") as folder:
            code = trio.run(show, Path(folder))
    except* GaplessError as group:
        sys.stderr.write(f"gapless demo: {known_cause(group) or group}\n")
        code = 1
    except* KeyboardInterrupt:
        sys.stderr.write("gapless demo: stopped by Ctrl-C.\n")
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
