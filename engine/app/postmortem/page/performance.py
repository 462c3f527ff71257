"""The upper part of the page: what to look at first, the figures, equity, and the strategies."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from engine.app.postmortem.figures import GROWTH_DAYS_MIN, Figures
from engine.app.postmortem.page.html import Clock, Column, Markup, details, section, table, tag
from engine.app.postmortem.story import Story
from engine.app.postmortem.units import NOTHING, bps, dollars, duration, number, percent, times
from engine.core.measures.quality import sum_up
from engine.model.instant import NS_PER_S

ROWS_MAX: Final = 48
"""Rows of the table beside the equity chart: half-hours of a day."""
BESIDE_MAX: Final = 3
"""Columns of figures with which two tables of measures stand side by side."""
_RISK: Final = 10
"""Measures of the first of those tables."""
_DAY_NS: Final = 86_400 * NS_PER_S
_GROWTH: Final = f"Not shown below {GROWTH_DAYS_MIN} days, where it is a number and no statement; --json has it."
_How: TypeAlias = Callable[[Figures], str]
_WEIGHTS: Final = {"bad": "Look at this", "warning": "Careful", "note": "Note"}


def findings(story: Story) -> Markup:
    """What to look at first."""
    if not story.findings:
        return tag("p", "Nothing out of order was recorded.", cls="fine")
    rows = (
        tag("li", tag("b", _WEIGHTS[one.weight]), " ", one.text, cls=f"finding {one.weight}") for one in story.findings
    )
    return tag("ul", *rows, cls="findings", aria_label="What to look at first")


def key_figures(story: Story) -> Markup:
    """The figures that are looked at first, large."""
    one = story.figures
    if not story.has_equity:
        return Markup("")
    slipped = sum_up(story.filled)
    cards = [
        ("Profit", dollars(one.profit, signed=True), f"{percent(one.total_return, signed=True)} of capital"),
        ("Max drawdown", percent(one.max_drawdown), dollars(one.max_drawdown_dollars)),
        ("Trades", f"{one.trades:,}", f"{one.open_trades:,} still open" if one.open_trades else "all closed"),
        ("Hit rate", percent(one.hit_rate), f"profit factor {number(one.profit_factor)}"),
        ("Slippage", bps(slipped.slippage_bps), f"{dollars(slipped.slippage, signed=True)} in all"),
        ("Fees", dollars(one.fees), f"on {dollars(one.traded)} traded"),
    ]
    return tag("div", *(_card(*card) for card in cards), cls="cards")


def _card(name: str, value: str, below: str) -> Markup:
    mark = {"+": " up", "-": " down"}.get(value[:1], "") if name == "Profit" else ""
    return tag(
        "div", tag("div", name, cls="name"), tag("div", value, cls=f"value{mark}"), tag("div", below, cls="below"),
        cls="card",
    )  # fmt: skip


def equity(story: Story, clock: Clock) -> Markup:
    """The equity curve with its drawdown, and the same as a table."""
    if not story.has_equity:
        lead = "No strategy of this session trades: there is no equity to draw."
        if story.orders_lost:
            lead = "The orders of this session are not in its folder, so its equity is not known."
        return section("Equity", name="equity", lead=lead)
    often = "minute or hour" if story.grid.daily else story.grid.period
    lead = (
        f"Read each {often}, what is held at the market's price. Capital {dollars(story.capital)}: "
        f"{story.capital_from}."
    )
    charts = [
        _chart("equity", "Equity in dollars, and what holding the same symbols would have made"),
        _chart("falls", "Drawdown from the highest equity so far, in percent", small=True),
    ]
    if len(story.curve.profits) > 1:
        charts.append(_chart("by", "Profit of each strategy in dollars", small=True))
    step = max(1, -(-len(story.equity) // ROWS_MAX))
    places = [*range(0, len(story.equity) - 1, step), len(story.equity) - 1]
    rows = [
        (
            clock(story.curve.at_ns[place]),
            dollars(story.equity[place]),
            dollars(story.equity[place] - story.capital, signed=True),
            dollars(story.curve.gross[place]),
        )
        for place in places
    ]
    columns = [Column("time", left=True), Column("equity"), Column("profit", signed=True), Column("held")]
    beside = details("The same as a table", table(columns, rows, "Equity by time", named=False))
    return section("Equity", *charts, beside, name="equity", lead=lead)


def _chart(name: str, says: str, *, small: bool = False) -> Markup:
    return tag(
        "figure",
        tag("figcaption", says),
        tag("div", cls=f"chart{' small' if small else ''}", data_chart=name, role="img", aria_label=says),
    )


def measures(story: Story) -> Markup:
    """All measures, of the whole and of each strategy."""
    if not story.has_equity:
        return Markup("")
    known = [("All", story.figures), *story.by_strategy.items()]
    if len(story.by_strategy) == 1:
        known = known[1:]
    days = (story.end_ns - story.start_ns) / _DAY_NS
    rows = [(_tipped(name, tip), *(how(one) for _, one in known)) for name, tip, how in _measures(days)]
    columns = [Column("measure", left=True), *(Column(name, signed=True) for name, _ in known)]
    source = "day" if story.grid.daily else story.grid.period
    lead = (
        f"Risk is measured by {story.figures.returns:,} returns of one {source} each, of which a year is taken to have "
        f"{story.grid.periods:,.0f}. "
        + ("" if story.grid.daily else "Out of so little time a year's ratio is no forecast; compare like with like.")
    )
    if story.manifest.venue == "replay":
        lead += " Fills are those of a model, and not of a market."
    if len(known) > BESIDE_MAX:
        return section("Measures", table(columns, rows, "Measures", named=False), name="measures", lead=lead)
    risk, activity = (
        table(columns, rows[:_RISK], "Profit and risk"),
        table(columns, rows[_RISK:], "Trades and activity"),
    )
    return section("Measures", tag("div", risk, activity, cls="beside"), name="measures", lead=lead)


def _tipped(name: str, tip: str) -> Markup:
    return tag("span", name, title=tip or None)


def _growth(how: _How, days: float) -> _How:
    return how if days >= GROWTH_DAYS_MIN else lambda _: NOTHING


def _measures(days: float) -> Sequence[tuple[str, str, _How]]:
    """Name, what it is, and how it is written."""
    profit = "dollars, fees taken off; what is open is at the market's price"
    spread = "standard deviation of returns, times the root of the periods of a year"
    sharpe = "mean return by the standard deviation of returns, for a year; no interest is taken off"
    calmar = f"growth a year by the deepest drawdown. {_GROWTH}"
    hits = "share of trades that won; those that made nothing are left out"
    return (
        ("Profit", profit, lambda one: dollars(one.profit, signed=True)),
        ("Return", "profit by capital", lambda one: percent(one.total_return, signed=True)),
        ("Growth a year (CAGR)", _GROWTH, _growth(lambda one: percent(one.cagr, signed=True), days)),
        ("Volatility a year", spread, lambda one: percent(one.volatility)),
        ("Sharpe", sharpe, lambda one: number(one.sharpe)),
        ("Sortino", "as Sharpe, but only losses count as risk", lambda one: number(one.sortino)),
        ("Calmar", calmar, _growth(lambda one: number(one.calmar), days)),
        ("Max drawdown", "the deepest fall from a high", lambda one: percent(one.max_drawdown)),
        ("Max drawdown in dollars", "", lambda one: dollars(one.max_drawdown_dollars)),
        ("Longest drawdown", "the longest time below a former high", lambda one: duration(one.longest_drawdown_s)),
        ("Exposure", "share of the time in which something was held", lambda one: percent(one.exposure)),
        ("Turnover", "dollars bought and sold by the mean equity", lambda one: number(one.turnover)),
        ("Traded", "dollars bought and sold", lambda one: dollars(one.traded)),
        ("Fees", "", lambda one: dollars(one.fees)),
        ("Trades", "from flat to flat", lambda one: f"{one.trades:,}"),
        ("Hit rate", hits, lambda one: percent(one.hit_rate)),
        ("Profit factor", "what winning trades won by what losing ones lost", lambda one: number(one.profit_factor)),
        ("Average win", "", lambda one: dollars(one.average_win, signed=True)),
        ("Average loss", "", lambda one: dollars(one.average_loss, signed=True)),
        ("Best trade", "", lambda one: dollars(one.best_trade, signed=True)),
        ("Worst trade", "", lambda one: dollars(one.worst_trade, signed=True)),
        ("Average time held", "", lambda one: duration(one.average_held_s)),
    )


def strategies(story: Story) -> Markup:
    """Who took part, with what parameters, and what each did."""
    decisions, runs = story.journal.decisions, story.journal.runs
    rows = []
    for player in story.manifest.strategies:
        mine = story.by_strategy.get(player.name)
        own = [run for run in runs if run.strategy == player.name]
        failed = [run for run in own if run.how == "failed"]
        how = (own[-1].how if own else "") or "not recorded"
        if failed:
            how = f"{how}; failed {times(len(failed))}, the last: {failed[-1].error}"
        params = ", ".join(f"{name}={value}" for name, value in player.params.items())
        rows.append(
            (
                tag("b", player.name),
                "not known" if story.orders_lost else dollars(mine.profit, signed=True) if mine else "only watches",
                f"{mine.trades + mine.open_trades:,}" if mine and not story.orders_lost else "",
                f"{decisions[player.name]:,}",
                f"{len(own):,}",
                how,
                tag("code", params or "none"),
                tag("code", player.source),
            )
        )
    columns = [
        Column("strategy", left=True),
        Column("profit", signed=True),
        Column("trades"),
        Column("decisions", tip="calls that ask for something to be done with orders"),
        Column("runs", tip="one more for each restart"),
        Column("ended", left=True),
        Column("parameters", left=True),
        Column("from", left=True),
    ]
    return section("Strategies", table(columns, rows, "Strategies", named=False), name="strategies")
