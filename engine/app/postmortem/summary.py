"""A report in plain text for a terminal, and as JSON for programs."""

from collections import Counter
from typing import Any, Final

from attrs import asdict

from engine.app.postmortem.story import Story
from engine.app.postmortem.units import bps, dollars, duration, number, percent
from engine.app.screen.tables import Sheet, count, render_plain
from engine.core.measures.quality import sum_up
from engine.core.measures.trips import Trip
from engine.model.instant import render_instant

ROWS_MAX: Final = 10_000
"""Of one list in ``--json``: a trade every three seconds of a day. Of more the last are told, and their number."""


def render_summary(story: Story) -> str:
    """What a person reads in a terminal."""
    parts = [_head(story)]
    if story.has_equity:
        parts += [_money(story), render_plain(_strategies(story))]
    else:
        events = sum(one.events for one in story.market.streams.values())
        parts.append(f"{count(events)} events of {count(len(story.market.streams))} streams; no equity to tell.")
    return "\n\n".join(parts)


def _head(story: Story) -> str:
    """Which session it is, and what to look at first."""
    manifest = story.manifest
    end = f"to {render_instant(story.end_ns)}" if manifest.finished else "and has not ended"
    where = manifest.venue or "an unknown venue"
    first = f"{story.folder}: {story.who or 'nobody'} at {where}, from {manifest.started} {end}"
    return "\n".join([first, *(f"  {finding.weight:<8} {finding.text}" for finding in story.findings)])


def _money(story: Story) -> str:
    """The figures of the whole session, a line each."""
    all_of = story.figures
    rows = [
        ("profit", dollars(all_of.profit, signed=True), percent(all_of.total_return, signed=True), "of capital"),
        ("capital", dollars(story.capital), story.capital_from),
        ("max drawdown", dollars(all_of.max_drawdown_dollars), percent(all_of.max_drawdown)),
        ("longest", duration(all_of.longest_drawdown_s), "below a former high"),
        (
            "sharpe",
            number(all_of.sharpe),
            f"a year, by {count(all_of.returns)} returns of one {story.grid.period} each",
        ),
        ("sortino", number(all_of.sortino)),
        ("volatility", percent(all_of.volatility), "a year"),
        ("trades", count(all_of.trades), f"ended, {count(all_of.open_trades)} open"),
        ("hit rate", percent(all_of.hit_rate), f"profit factor {number(all_of.profit_factor)}"),
        ("exposure", percent(all_of.exposure), f"turnover {number(all_of.turnover)}"),
        ("traded", dollars(all_of.traded), f"fees {dollars(all_of.fees)}"),
    ]
    if story.filled:
        quality = sum_up(story.filled)
        spread = f"half the spread was {bps(quality.half_spread_bps)}"
        rows.append(("slippage", dollars(quality.slippage, signed=True), bps(quality.slippage_bps), spread))
    return "\n".join(f"{name:<14}{'   '.join(told)}" for name, *told in rows)


def _strategies(story: Story) -> Sheet:
    return Sheet(
        "Strategies",
        ("<strategy", "profit", "return", "max drawdown", "trades", "hit rate", "profit factor", "fees"),
        tuple(
            (
                name,
                dollars(one.profit, signed=True),
                percent(one.total_return, signed=True),
                percent(one.max_drawdown),
                count(one.trades),
                percent(one.hit_rate),
                number(one.profit_factor),
                dollars(one.fees),
            )
            for name, one in story.by_strategy.items()
        ),
    )


def to_json(story: Story) -> dict[str, Any]:
    """Plain values: every measure, trade and filled order, what happened, and the settings."""
    manifest = story.manifest
    return {
        "folder": str(story.folder),
        "venue": manifest.venue,
        "strategies": [asdict(player) for player in manifest.strategies],
        "started": manifest.started,
        "ended": manifest.ended if manifest.finished else None,
        "finished": manifest.finished,
        "findings": [asdict(finding) for finding in story.findings],
        "capital": story.capital,
        "capital_from": story.capital_from,
        "period": story.grid.period,
        "periods_a_year": story.grid.periods,
        "measures": asdict(story.figures) if story.has_equity else None,
        "by_strategy": {name: asdict(one) for name, one in story.by_strategy.items()} if story.has_equity else {},
        "trades": [_trip(one) for one in story.trips[-ROWS_MAX:]],
        "trades_in_all": len(story.trips),
        "fills": asdict(sum_up(story.filled)),
        "filled_orders": [asdict(one) for one in story.filled[-ROWS_MAX:]],
        "filled_orders_in_all": len(story.filled),
        "orders": dict(fates(story)),
        "happenings": [asdict(one) for one in story.timeline.happenings],
        "lag_ms": {
            kind: {"events": lag.events, "p50": lag.percentile_ms(0.5), "p99": lag.percentile_ms(0.99)}
            for kind, lag in sorted(story.market.lags.items())
        },
        "streams": [asdict(one) for _, one in sorted(story.market.streams.items())][:ROWS_MAX],
        "closing": dict(story.closing) or None,
        "settings": dict(manifest.settings),
    }


def fates(story: Story) -> "Counter[str]":
    """How the orders of this session's strategies stood at the end, by the word for it."""
    return Counter(
        ticket.order.status.value if ticket.order is not None else ticket.outcome.value
        for ticket in story.tickets
        if ticket.strategy
    )


def _trip(trip: Trip) -> dict[str, Any]:
    return {**asdict(trip), "gain": trip.gain}
