"""A strategy decides the same whoever is beside it, on either road, under every schedule: random ones, and by hand."""

from decimal import Decimal
from random import Random

import pytest
from attrs import evolve

from engine import Context, GaplessError, Kind, strategy
from engine.app.options import LoadedStrategy
from engine.app.replay.options import Replayed, ReplayOptions
from engine.app.replay.run import replay
from engine.core.risk.limits import Limits
from engine.model.journal import Asked
from engine.model.market import Bar, MarketEvent, Quote, Trade
from tests.app.replay import made
from tests.app.replay.programs import Program, make_program, make_tape, strategy_of

SEEDS = range(12)


def play(*players: LoadedStrategy, events: list[MarketEvent], size: int = 500, **options: object) -> Replayed:
    return replay(ReplayOptions(strategies=players, tapes=(), **options), made.MemoryTape(events, size=size))  # type: ignore[arg-type] # options by name


def cast(dice: Random, *, sharing: bool) -> tuple[LoadedStrategy, ...]:
    """One to three random strategies."""
    return tuple(
        LoadedStrategy(strategy_of(restarts=number % 2), Program(make_program(dice, sharing=sharing)), f"s{number}")
        for number in range(dice.randint(1, 3))
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_random_strategies_have_one_journal_on_both_roads_and_decide_the_same_alone(seed: int) -> None:
    dice = Random(seed)
    events, players = make_tape(dice, 150), cast(dice, sharing=True)
    fast = play(*players, events=events, schedule=seed % 3)
    plain = play(*players, events=events, schedule=seed % 3, fast=False, size=7)
    assert fast.records == plain.records
    assert fast.journal_hash == plain.journal_hash
    assert (fast.report.streams, fast.report.account, fast.events) == (
        plain.report.streams, plain.report.account, plain.events
    )  # fmt: skip
    for player in players:
        alone = play(player, events=events, schedule=seed % 3)
        assert alone.fingerprints.get(player.name) == fast.fingerprints.get(player.name)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_random_strategies_whose_tasks_share_nothing_decide_the_same_under_every_schedule(seed: int) -> None:
    dice = Random(100 + seed)
    events, players = make_tape(dice, 150), cast(dice, sharing=False)
    assert len({play(*players, events=events, schedule=schedule).fingerprint for schedule in (0, 5, 6)}) == 1


@pytest.mark.slow
def test_six_strategies_on_one_symbol_decide_as_each_does_alone() -> None:
    events = made.make_events(1, 180, ("SPY",))
    players = [LoadedStrategy(one, made.Params("SPY"), one.name) for one in made.SIX]
    together = play(*players, events=events)
    for player in players:
        alone = play(player, events=events)
        mine = [one for one in together.decisions if one.strategy == player.name]
        assert list(map(what, alone.decisions)) == list(map(what, mine))


def what(asked: Asked) -> tuple[int, str, str]:
    """All but its place in the session."""
    return asked.at_ns, asked.verb, asked.words


def quote(at_s: float, bid: float, symbol: str = "A") -> Quote:
    at_ns = made.START_NS + round(at_s * made.NS)
    return Quote(symbol, at_ns, float(bid), 950.0, bid + 0.01, 950.0, received_ns=at_ns, origin="replay")


def trade(at_s: float, price: float, number: int = 0, symbol: str = "A") -> Trade:
    at_ns = made.START_NS + round(at_s * made.NS)
    return Trade(symbol, at_ns, float(price), 100.0, number, "V", received_ns=at_ns, origin="replay")


@strategy()
async def reads_all(ctx: Context) -> None:
    """Hears everything there is."""
    async with ctx.quotes("*") as quotes, ctx.trades("*") as trades, ctx.merge(quotes, trades) as merged:
        async for _ in merged:
            pass


@strategy()
async def spends_all(ctx: Context) -> None:
    """Buys for all the cash there is, and loses the day's allowance."""
    async with ctx.quotes("A") as quotes:
        async for _ in quotes:
            if not ctx.position("A") and not ctx.open_orders():
                await ctx.buy("A", 900)


def test_an_order_meets_what_its_own_strategy_is_told() -> None:
    filled: list[Decimal] = []

    @strategy()
    async def on_trades(ctx: Context) -> None:
        async with ctx.trades("A") as trades:
            async for told in trades:
                if told.id == 1:
                    await ctx.buy("A", 1, limit=99.5)
                filled.append(ctx.position("A"))

    events = [quote(0, 100), trade(1, 100, 1), quote(2, 99.4), quote(3, 99.4), trade(4, 100, 2)]
    alone = play(LoadedStrategy(on_trades, None, "t"), events=events)
    beside = play(LoadedStrategy(on_trades, None, "t"), LoadedStrategy(reads_all, None, "all"), events=events)
    assert filled == [0, 0, 0, 0]  # the quotes that would fill it are somebody else's
    assert alone.fingerprints["t"] == beside.fingerprints["t"]


def test_cash_limits_and_the_kill_switch_are_each_strategy_s_own() -> None:
    held: list[Decimal] = []

    @strategy()
    async def modest(ctx: Context) -> None:
        async with ctx.quotes("A") as quotes:
            async for _ in quotes:
                try:
                    await ctx.buy("A", 10)
                except GaplessError as error:
                    ctx.log(type(error).__name__)
                held.append(ctx.position("A"))

    events: list[MarketEvent] = [quote(second, 100 - second / 10) for second in range(9)]
    players = (LoadedStrategy(spends_all, None, "greedy"), LoadedStrategy(modest, None, "modest"))
    together = play(*players, events=events, limits=Limits(loss_per_day=Decimal(300)))
    assert held[-1] == 10 * len(events)
    assert together.report.account is not None
    assert together.report.account.killed.startswith("greedy: ")
    assert "modest" not in together.report.account.killed
    assert [row.strategy for row in together.report.account.orders] == ["greedy", "modest"]


def test_the_past_ends_before_what_is_still_to_be_told_at_this_instant() -> None:
    """A tick comes before the events of its instant: an order by what they tell would be matched by them."""
    ends: list[tuple[str, int]] = []

    @strategy()
    async def ticking(ctx: Context) -> None:
        async with ctx.every(1) as ticks, ctx.trades("A") as trades, ctx.merge(ticks, trades) as both:
            async for told in both:
                rows = await ctx.history(Kind.TRADES, "A", made.START_NS)
                ends.append(("event" if isinstance(told, Trade) else "tick", len(rows)))

    events: list[MarketEvent] = [trade(second / 2, 100, second) for second in range(5)]
    play(LoadedStrategy(ticking, None, "ticking"), events=events)
    assert ends[:7] == [
        ("event", 1), ("event", 2), ("tick", 2), ("event", 3), ("event", 4), ("tick", 4), ("event", 5)
    ]  # fmt: skip


@pytest.mark.parametrize("fast", [True, False])
def test_a_warm_up_at_the_end_of_a_minute_and_the_bar_of_it_are_no_bar_twice(*, fast: bool) -> None:
    starts: list[tuple[str, int]] = []

    @strategy()
    async def late(ctx: Context) -> None:
        await ctx.at(made.START_NS + 3 * made.MINUTE_NS)
        async with ctx.bars("A", warmup=5) as bars:
            async for bar in bars:
                starts.append((bar.origin, (bar.ts_ns - made.START_NS) // made.MINUTE_NS))  # noqa: PERF401 - as told

    def bar(minute: int) -> Bar:
        at_ns = made.START_NS + minute * made.MINUTE_NS
        return Bar("A", at_ns, 1.0, 1.0, 1.0, 1.0, 9.0, received_ns=at_ns + made.MINUTE_NS, origin="replay")

    events: list[MarketEvent] = [bar(minute) for minute in range(5)]
    play(LoadedStrategy(late, None, "late"), events=events, fast=fast)
    assert starts == [("backfill", 0), ("backfill", 1), ("replay", 2), ("replay", 3), ("replay", 4)]


def test_a_subscription_in_the_middle_of_an_instant_begins_behind_it_also_beside_somebody_who_reads_it() -> None:
    got: list[int | None] = []

    @strategy()
    async def joins(ctx: Context) -> None:
        async with ctx.trades("A") as first:
            await first.__anext__()
            async with ctx.trades("B") as others:
                async for told in others:
                    got.append(told.id)
                    await ctx.buy("B", told.id or 1)

    events: list[MarketEvent] = [
        trade(0, 100, 1), trade(0, 100, 2, "B"), trade(0, 100, 3, "B"), trade(1, 100, 4, "B"), trade(1, 100, 5),
    ]  # fmt: skip
    player = LoadedStrategy(joins, None, "joins")
    alone = play(player, events=events)
    beside = play(player, LoadedStrategy(evolve(reads_all, name="all"), None, "all"), events=events)
    assert got == [4, 4]
    assert alone.fingerprints["joins"] == beside.fingerprints["joins"]
    assert beside.report.conservation.holds


@pytest.mark.parametrize("how", ["one", "batch"])
@pytest.mark.parametrize("full", ["block", "latest"])
def test_what_was_taken_is_noted_before_what_is_said_on_both_roads(how: str, full: str) -> None:
    @strategy()
    async def says(ctx: Context) -> None:
        async with ctx.trades("A", full=full) as trades:  # type: ignore[arg-type] # one of the two above
            for number in range(60):
                await (trades.__anext__() if how == "one" else trades.batch())
                if number % 20 == 7:
                    ctx.log(str(number))

    events: list[MarketEvent] = [trade(second, 100, second) for second in range(60)]
    fast, plain = (play(LoadedStrategy(says, None, "says"), events=events, fast=road) for road in (True, False))
    assert fast.records == plain.records
