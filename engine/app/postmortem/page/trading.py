"""The middle of the page: trades on the price charts, every trade, and how well orders were filled."""

from collections import Counter, defaultdict
from typing import Final

from engine.app.postmortem.page.charts import MARKS_MAX, charted_symbols
from engine.app.postmortem.page.html import Clock, Column, Markup, details, join, section, table, tag
from engine.app.postmortem.story import Story
from engine.app.postmortem.summary import fates
from engine.app.postmortem.units import bps, dollars, duration, milliseconds, percent, price, quantity
from engine.core.blotter.executions import symbol_of
from engine.core.measures.quality import FilledOrder, sum_up
from engine.core.measures.trips import Trip
from engine.model.instant import NS_PER_S
from engine.model.intent import Ticket

TRADES_MAX: Final = 300
"""Rows: the largest wins and losses of more, which is what is looked for; ``--json`` has them all."""
WORST_MAX: Final = 25
"""Filled orders that cost most by slippage."""
REASONS_MAX: Final = 20
OPEN_CHARTS: Final = 3
"""Price charts that are open from the start."""
_UNKNOWN: Final = "Not known: the session died, or was read, before its orders were written down."
_MARKED: Final = {
    "trades": "the last trade",
    "bars": "closes of bars",
    "quotes": "the middle of bid and ask",
    "fills": "own fills only: no market was recorded",
}


def prices(story: Story) -> Markup:
    """A price chart for each symbol, with the fills on it."""
    symbols = charted_symbols(story)
    if not symbols:
        return section("Prices", name="prices", lead="No market was recorded that could be drawn.")
    parts = [_price_chart(story, symbol, place) for place, symbol in enumerate(symbols)]
    buy, sell = tag("span", "▲", cls="buy"), tag("span", "▼", cls="sell")
    key = tag("p", buy, " buy  ", sell, " sell. Drag to zoom, double-click to go back.", cls="lead")
    return section("Prices and fills", key if story.filled else "", *parts, name="prices")


def _price_chart(story: Story, symbol: str, place: int) -> Markup:
    says = f"Price of {symbol} with the fills on it; they are in the table of trades, too"
    chart = tag("div", cls="chart", data_chart="price", data_place=place, role="img", aria_label=says)
    summary = tag("summary", tag("b", symbol), " ", tag("span", _about(story, symbol), cls="lead"))
    return tag("details", summary, tag("figure", chart), open=place < OPEN_CHARTS)


def _about(story: Story, symbol: str) -> str:
    mine = [order for order in story.filled if order.symbol == symbol]
    fills = sum(order.fills for order in mine)
    by = _MARKED.get(story.told[symbol].marked_by, "")
    if not mine:
        return f"price: {by}"
    more = f", the last {MARKS_MAX:,} are drawn" if fills > MARKS_MAX else ""
    told = f"{fills:,} fill{'' if fills == 1 else 's'} of {len(mine):,} order{'' if len(mine) == 1 else 's'}{more}"
    return f"{told}; price: {by}"


def trades(story: Story, clock: Clock) -> Markup:
    """Every trade, from flat to flat."""
    if not story.trips:
        return section("Trades", name="trades", lead=_UNKNOWN if story.orders_lost else "Nothing was bought or sold.")
    shown = sorted(story.trips, key=lambda trip: trip.opened_ns)
    lead = "From flat to flat, after fees; what is open is at the market's price at the end."
    if len(shown) > TRADES_MAX:
        shown.sort(key=lambda trip: -abs(trip.profit))
        shown = sorted(shown[:TRADES_MAX], key=lambda trip: trip.opened_ns)
        lead += f" The {TRADES_MAX:,} largest of {len(story.trips):,}."
    columns = [
        Column("opened", left=True),
        Column("held"),
        Column("strategy", left=True),
        Column("symbol", left=True),
        Column("side", left=True),
        Column("qty", tip="the most that was held at once"),
        Column("entry", tip="average price"),
        Column("exit", tip="average price; of an open trade the market's at the end"),
        Column("profit", signed=True),
        Column("gain", signed=True, tip="profit by what was put in"),
        Column("best", tip="how far the market went its way at the most"),
        Column("worst", tip="how far the market went against it at the most"),
        Column("fees"),
    ]
    rows = [_trip_row(trip, clock, story.end_ns) for trip in shown]
    return section(
        "Trades",
        table(columns, rows, "Trades", named=False, more=len(story.trips) - len(shown)),
        name="trades",
        lead=lead,
    )


def _trip_row(trip: Trip, clock: Clock, end_ns: int) -> tuple[object, ...]:
    until_ns = end_ns if trip.closed_ns is None else trip.closed_ns
    return (
        "before" if trip.carried else clock(trip.opened_ns),
        duration((until_ns - trip.opened_ns) / NS_PER_S) + ("" if trip.closed_ns is not None else ", open"),
        trip.strategy,
        trip.symbol,
        "long" if trip.long else "short",
        quantity(trip.qty),
        price(trip.entry),
        price(trip.exit),
        dollars(trip.profit, signed=True),
        percent(trip.gain, signed=True),
        percent(trip.best, signed=True),
        percent(trip.worst, signed=True),
        dollars(trip.fees),
    )


def fills(story: Story, clock: Clock) -> Markup:
    """How well orders were filled, by symbol and type, and the ones that cost most."""
    orders = [ticket for ticket in story.tickets if ticket.strategy]
    if not orders:
        return section("Orders and fills", name="fills", lead=_UNKNOWN if story.orders_lost else "No order was placed.")
    parts: list[object] = [_fates(story, orders)]
    if story.filled:
        lead = (
            "Slippage is what an order was filled at, against the middle of bid and ask (without quotes: the last "
            "price) at the instant at which the strategy decided; of an order that was to wait for its price, against "
            "its stop or limit. Above 0 it cost money. After: how far the market went the order's way in the minute "
            "after the fill."
        )
        parts += [tag("h3", "Fill quality"), tag("p", lead, cls="lead"), _quality(story), _worst(story, clock)]
    return section("Orders and fills", *parts, name="fills")


def _fates(story: Story, orders: list[Ticket]) -> Markup:
    counts = fates(story)
    told = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in counts.most_common())
    reasons = Counter(
        (ticket.strategy, symbol_of(ticket), ticket.reason) for ticket in orders if ticket.reason
    ).most_common(REASONS_MAX + 1)
    columns = [Column("strategy", left=True), Column("symbol", left=True), Column("orders"), Column("why", left=True)]
    rows = [(strategy, symbol, f"{count:,}", why) for (strategy, symbol, why), count in reasons[:REASONS_MAX]]
    why = (
        join([tag("h3", "Orders that came to nothing"), table(columns, rows, "Reasons", named=False)])
        if rows
        else Markup("")
    )
    return join([tag("p", f"{len(orders):,} orders: {told}."), why])


def _quality(story: Story) -> Markup:
    groups: dict[tuple[str, str], list[FilledOrder]] = defaultdict(list)
    for order in story.filled:
        groups[order.symbol, order.type.replace("_", " ")].append(order)
    rows = []
    for (symbol, kind), mine in [*sorted(groups.items()), (("All", ""), list(story.filled))]:
        one = sum_up(mine)
        rows.append(
            (
                tag("b", symbol),
                kind,
                f"{one.orders:,}",
                dollars(one.dollars),
                bps(one.slippage_bps),
                dollars(one.slippage, signed=True),
                bps(one.half_spread_bps),
                bps(one.after_bps),
                milliseconds(one.sent_ms),
                milliseconds(one.first_fill_ms),
            )
        )
    columns = [
        Column("symbol", left=True),
        Column("type", left=True),
        Column("orders"),
        Column("filled"),
        Column("slippage"),
        Column("in dollars"),
        Column("half spread", tip="when the strategy decided: what an order that cannot wait has to expect"),
        Column("after", tip="how far the market went the order's way in the minute after the fill"),
        Column("to request", tip="median, from the decision to the request, in market time"),
        Column("to fill", tip="median, from the decision to the first execution, in market time"),
    ]
    return table(columns, rows, "Fill quality by symbol and type")


def _worst(story: Story, clock: Clock) -> Markup:
    known = [order for order in story.filled if order.slippage is not None and order.slippage > 0]
    known.sort(key=lambda order: -(order.slippage or 0.0))
    columns = [
        Column("decided", left=True),
        Column("strategy", left=True),
        Column("symbol", left=True),
        Column("side", left=True),
        Column("type", left=True),
        Column("qty"),
        Column("filled at"),
        Column("against"),
        Column("slippage"),
        Column("in dollars"),
        Column("order", left=True),
    ]
    rows = [
        (
            clock(order.decided_ns, 3),
            order.strategy,
            order.symbol,
            "buy" if order.buy else "sell",
            order.type.replace("_", " "),
            quantity(order.qty),
            price(order.price),
            price(order.against),
            bps(order.slippage_bps),
            dollars(order.slippage, signed=True),
            tag("code", order.client_order_id),
        )
        for order in known[:WORST_MAX]
    ]
    if not rows:
        return Markup("")
    return details(
        f"The {len(rows)} orders that cost most by slippage", table(columns, rows, "Dearest orders", named=False)
    )
