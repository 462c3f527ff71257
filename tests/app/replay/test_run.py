"""A replay is a session like any other: orders are matched, limits hold, deadlines pass, and nobody sees the future."""

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import trio
from attrs import evolve

from engine import Context, KillSwitchTripped, Kind, OrderRefused, strategy
from engine.app.options import LoadedStrategy
from engine.app.replay.counted import CountedTape
from engine.app.replay.hold import hold
from engine.app.replay.keeper import Keeper
from engine.app.replay.options import Progress, Replayed, ReplayOptions
from engine.app.replay.run import replay
from engine.core.risk.limits import Limits
from engine.flow.replay.clock import ReplayClock
from engine.flow.replay.scheduler import sealed_scheduling
from engine.model.market import Bar, MarketEvent, Quote
from engine.ports import Strategy
from tests.app.replay import made

EVENTS = made.make_events(7, 300)


def run(*strategies: Strategy, events: Any = EVENTS, **options: Any) -> Replayed:
    """Replay these, each with its parameters' defaults."""
    loaded = tuple(LoadedStrategy(one, one.params() if one.params else None, one.name) for one in strategies)
    return replay(ReplayOptions(strategies=loaded, tapes=(), **options), made.MemoryTape(events))


def quotes(*prices: tuple[float, float]) -> list[MarketEvent]:
    """A quote a second: seconds from the opening, and the bid; a cent of spread."""
    return [
        Quote(
            "SPY", made.START_NS + round(at * made.NS), bid, 9.0, bid + 0.01, 9.0,
            received_ns=made.START_NS + round(at * made.NS), origin="replay",
        )
        for at, bid in prices
    ]  # fmt: skip


def row_of(replayed: Replayed, name: str) -> Any:
    return next(row for row in replayed.report.strategies if row.name == name)


def test_events_come_in_order_each_once_and_the_figures_say_so() -> None:
    got: list[MarketEvent] = []

    @strategy()
    async def reader(ctx: Context) -> None:
        async with ctx.trades("SPY") as trades:
            async for trade in trades:
                assert ctx.now_ns() == trade.received_ns
                got.append(trade)

    replayed = run(reader)
    told = [event for event in EVENTS if event.symbol == "SPY" and event.kind is Kind.TRADES]
    assert [event.id for event in got] == [event.id for event in told]  # type: ignore[union-attr] # all are trades
    assert [event.seq for event in got] == list(range(1, len(told) + 1))
    (row,) = replayed.report.streams
    assert (row.received, row.delivered, replayed.events) == (len(told), len(told), len(told))
    assert replayed.report.ended_by == "tape"
    assert replayed.report.account is None
    assert replayed.report.conservation.holds


def test_an_order_meets_the_market_and_its_fill_is_known_before_the_next_event() -> None:
    seen: list[tuple[float, Decimal]] = []

    @strategy()
    async def buyer(ctx: Context) -> None:
        async with ctx.quotes("SPY") as told:
            async for quote in told:
                seen.append((quote.bid_price, ctx.position("SPY")))
                if quote.bid_price == 100.0:
                    await ctx.buy("SPY", 2, limit=99.5)

    replayed = run(buyer, events=quotes((0, 100.0), (1, 99.8), (2, 99.4), (3, 99.9)))
    assert seen == [(100.0, 0), (99.8, 0), (99.4, 2), (99.9, 2)]
    assert replayed.report.account is not None
    (orders,) = replayed.report.account.orders
    assert (orders.orders, orders.filled, orders.open) == (1, 1, 0)
    assert replayed.report.account.shadow


def test_sleeps_and_deadlines_are_market_time() -> None:
    at: list[float] = []

    @strategy()
    async def sleeper(ctx: Context) -> None:
        begun = trio.current_time()
        async with ctx.quotes("SPY"):
            await trio.sleep(1.5)
            at.append(trio.current_time() - begun)
            with trio.move_on_after(10):
                await trio.sleep_forever()
            at.append(trio.current_time() - begun)
            await ctx.at(made.START_NS + 20 * made.NS)
            at.append((ctx.now_ns() - made.START_NS) / made.NS)

    run(sleeper, events=quotes(*((second, 100.0) for second in range(30))))
    assert at == [1.5, 11.5, 20.0]


def test_history_ends_at_now_by_every_door() -> None:
    latest: list[int] = []

    @strategy()
    async def prophet(ctx: Context) -> None:
        async with ctx.bars("SPY", warmup=2) as bars:
            async for bar in bars:
                now_ns = ctx.now_ns()
                assert bar.ts_ns + made.MINUTE_NS <= now_ns
                for kind in (Kind.TRADES, Kind.QUOTES, Kind.BARS):
                    for end_ns in (None, now_ns + made.NS, now_ns + 10**15):
                        rows = await ctx.history(kind, "SPY", 0, end_ns)
                        ends = [row.ts_ns + (made.MINUTE_NS if isinstance(row, Bar) else 0) for row in rows]
                        assert max(ends) <= now_ns
                        latest.append(max(ends))

    replayed = run(prophet)
    assert row_of(replayed, "prophet").error is None
    assert latest


def test_a_day_s_loss_trips_the_switch_and_flattens() -> None:
    refused: list[type] = []

    @strategy()
    async def loser(ctx: Context) -> None:
        async with ctx.quotes("SPY") as told:
            await ctx.buy("SPY", 100)
            async for _ in told:
                if ctx.now_ns() > made.START_NS + 20 * made.NS:
                    try:
                        await ctx.buy("SPY", 1)
                    except OrderRefused as no:
                        refused.append(type(no))

    falling = quotes(*((second, 100.0 - max(0, second - 5) * 0.2) for second in range(30)))
    replayed = run(loser, events=falling, limits=Limits(loss_per_day=Decimal(50)))
    assert replayed.report.account is not None
    assert replayed.report.account.killed
    assert replayed.report.account.positions == ()
    assert set(refused) == {KillSwitchTripped}


def test_a_losing_position_is_looked_at_although_the_market_is_silent() -> None:
    """The second at which losses are measured is the account's own; no event has to bring it."""

    @strategy()
    async def holder(ctx: Context) -> None:
        async with ctx.quotes("SPY") as told:
            await ctx.buy("SPY", 100)
            async for _ in told:
                pass

    fallen = quotes((0, 100.0), (1, 100.0), (1.2, 90.0), (40, 90.0))
    replayed = run(holder, events=fallen, limits=Limits(loss_per_day=Decimal(50)))
    assert replayed.report.account is not None
    assert replayed.report.account.killed


def test_what_does_not_belong_into_a_replay_ends_its_strategy_alone() -> None:
    @strategy()
    async def looker(ctx: Context) -> None:
        async with ctx.quotes("SPY") as told:
            async for _ in told:
                ctx.log(str(time.time()))

    @strategy()
    async def quiet(ctx: Context) -> None:
        async with ctx.quotes("SPY") as told:
            async for _ in told:
                pass

    replayed = run(looker, quiet)
    assert row_of(replayed, "looker").state == "failed"
    error = row_of(replayed, "looker").error
    assert error.startswith(f"NotInReplay: strategy looker called time.time() at {__file__}:")
    assert "/seal/" not in error
    assert row_of(replayed, "quiet").state == "finished"
    free = run(looker, sealed=False)
    assert row_of(free, "looker").error is None


def test_dice_of_the_context_fall_the_same_for_one_seed_and_strategy() -> None:
    @strategy()
    async def roller(ctx: Context) -> None:
        ctx.log(str([ctx.random.randrange(1000) for _ in range(5)]))
        await trio.sleep(1)

    other = evolve(roller, name="other")
    first = run(roller, other).said
    assert first == run(roller, other).said
    assert first[0].partition(": ")[2] != first[1].partition(": ")[2]
    assert first != run(roller, other, seed=2).said


class CountingClock(ReplayClock):
    """Counts how often time moved: each is a trip through the scheduler."""

    moves = 0

    def move(self, now_ns: int) -> None:
        self.moves += 1
        super().move(now_ns)


def test_a_quiet_day_costs_next_to_nothing() -> None:
    """23,400 seconds in which a trading session has nothing to do: no timer of the account runs through them."""

    @strategy()
    async def waiter(ctx: Context) -> None:
        async with ctx.quotes("SPY") as told:
            await ctx.target("SPY", 1)
            await ctx.target("SPY", 0)
            async for _ in told:
                pass

    tape = made.MemoryTape(quotes((0, 100.0), (1, 100.0), (2, 100.0), (23_400, 100.0)))
    clock = CountingClock(tape.start_ns)
    counted = CountedTape(tape, now_ns=clock.now_ns, end_ns=tape.end_ns)
    options = ReplayOptions(strategies=(LoadedStrategy(waiter, None, "waiter"),), tapes=())
    with sealed_scheduling(0):
        held = trio.run(hold, options, counted, clock, Keeper(), clock=clock)
    assert held.report.account is not None
    assert held.report.account.orders[0].filled == 2
    assert clock.now_ns() >= tape.end_ns
    assert clock.moves < 100


def test_progress_is_told_and_ends_inside_the_span() -> None:
    told: list[Progress] = []
    run(made.holder, progress=told.append, events=made.make_events(3, 1200))
    assert told
    assert all(one.start_ns <= one.now_ns <= one.end_ns for one in told)
    assert [one.events for one in told] == sorted(one.events for one in told)


def test_a_replay_runs_in_a_worker_thread_of_a_trio_program() -> None:
    async def program() -> Replayed:
        return await trio.to_thread.run_sync(lambda: run(made.holder))

    assert trio.run(program).journal_hash == run(made.holder).journal_hash


def test_a_strategy_that_declares_files_may_write_them(tmp_path: Path) -> None:
    from strategies.audit import audit

    out = tmp_path / "audit.jsonl"
    params = audit.params(symbols=("SPY",), channels=("trades",), out=out)  # type: ignore[misc] # it has parameters
    options = ReplayOptions(strategies=(LoadedStrategy(audit, params, "audit"),), tapes=())
    replayed = replay(options, made.MemoryTape(EVENTS))
    assert row_of(replayed, "audit").error is None
    assert len(out.read_text().splitlines()) == replayed.events > 0
