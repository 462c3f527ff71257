"""What a kill tells: a table for a person, one JSON object for a program, and the exit code that says it all."""

import sys
from typing import Any, Final

import msgspec

from engine.app.kill.aim import KillReport
from engine.app.screen.tables import Sheet, render_plain, to_rich
from engine.core.flatten import Flattened
from engine.core.rules import plain

FLAT: Final = 0
NOT_FLAT: Final = 4
"""Something is left, or nobody knows."""


def tell(report: KillReport, *, as_json: bool) -> int:
    """Print the report; returns the exit code."""
    if as_json:
        print(msgspec.json.encode(to_json(report)).decode(), flush=True)
    else:
        _print_sheet(sheet_of(report))
        print(closing_words(report), flush=True)
    return FLAT if report.flat else NOT_FLAT


def to_json(report: KillReport) -> dict[str, Any]:
    """Plain values; quantities as text, as the venue writes them."""
    return {
        "flat": report.flat,
        "cancel_only": report.cancel_only,
        "latched": list(report.latched),
        "took_s": report.took_s,
        "symbols": [
            {
                "symbol": one.symbol,
                "over": report.is_over(one),
                "left": None if one.left is None else plain(one.left),
                "open_orders": one.orders,
                "sentence": one.sentence,
            }
            for one in report.symbols
        ],
        "warnings": report.warnings,
    }


def sheet_of(report: KillReport) -> Sheet:
    """One line a symbol."""
    columns = ("<symbol", "<state", "left", "open orders", "<note")
    return Sheet("Kill", columns, tuple(_row(report, one) for one in report.symbols))


def _row(report: KillReport, one: Flattened) -> tuple[str, ...]:
    over = "canceled" if report.cancel_only else "flat"
    left = "?" if one.left is None else plain(one.left)
    return (one.symbol, over if report.is_over(one) else "NOT OVER", left, str(one.orders), one.sentence)


def closing_words(report: KillReport) -> str:
    """The last lines: whether it is over, what is latched, and what to do next."""
    goal = "No order is open" if report.cancel_only else "Flat, and no order is open"
    head = f"{goal}, after {report.took_s:.1f} s." if report.flat else f"NOT OVER after {report.took_s:.1f} s."
    latched = ", ".join(report.latched)
    lines = [
        head,
        *([f"Nothing that adds risk is sent for: {latched}. 'gapless kill --reset' ends that."] if latched else []),
        *report.warnings,
    ]
    if not report.flat:
        lines.append("Run it again, or close what is left at the venue's own site.")
    return "\n".join(lines)


def _print_sheet(sheet: Sheet) -> None:
    if not sheet.rows:
        return
    if sys.stdout.isatty():
        from rich.console import Console  # only for terminals, as in `engine.app.screen.tables`

        Console().print(to_rich(sheet))
    else:
        print(render_plain(sheet))
