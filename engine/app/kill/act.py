"""Doing it: the latch, then cancels and closing orders straight at the broker, then one more look.

The latch comes first and its failure stops nothing: a full disk is no reason to stay in a position. What the broker
does not answer is asked again until the time is over, because this is the last way out that there is.
"""

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from time import time_ns
from typing import Final

import stamina
import trio
from attrs import define, evolve, field, frozen

from engine.app.kill.hands import ApartHands
from engine.app.kill.holdings import Holdings, read_account, read_strategies
from engine.app.kill.place import Place, Reach, find_folder, open_reach, own_folder, set_clock
from engine.errors import BrokerUnavailable, GaplessError, Misconfigured, OrderRefused, ReplyMissing
from engine.flow.account.killswitch import ACCOUNT, OUTSIDE
from engine.flow.flatten import BrokerHands, Flattened, run_flatten
from engine.model.order import ZERO
from engine.ports import Broker
from engine.store import Latches

AGAIN_FIRST_S: Final = 0.25
AGAIN_MAX_S: Final = 1.0
ASKS_MAX: Final = 1_000
"""Far beyond any time that is given: the time is what ends the asking."""
LAND_S: Final = 0.5
"""For what an engine that still lives had sent in the instant before the latch: a request takes some 50 ms."""
ROUNDS_MAX: Final = 5
"""Looks at the whole account, each of which ends what the one before did not show."""


@frozen(kw_only=True)
class Aim:
    """What to end, and how it is told to whoever resets the switch. No ``strategies``: all of them."""

    reason: str
    by: str
    within_s: float
    strategies: tuple[str, ...] = ()
    everything: bool = False
    cancel_only: bool = False

    @property
    def scopes(self) -> tuple[str, ...]:
        """What is latched."""
        return self.strategies or (ACCOUNT,)


@define(kw_only=True)
class KillReport:
    """How it went. ``warnings`` are sentences about what could not be done beside the main thing, ``trouble`` is why
    the broker could not be asked when it was last tried, empty where it could."""

    latched: tuple[str, ...] = ()
    cancel_only: bool = False
    symbols: list[Flattened] = field(factory=list)
    warnings: list[str] = field(factory=list)
    trouble: str = ""
    done: bool = False
    took_s: float = 0.0

    @property
    def flat(self) -> bool:
        """Whether all that was to go is known to be gone."""
        return self.done and all(self.is_over(one) for one in self.symbols)

    def is_over(self, one: Flattened) -> bool:
        """Whether this symbol is as it was to be."""
        return one.orders == 0 and one.left is not None if self.cancel_only else one.flat


async def kill(place: Place, aim: Aim) -> KillReport:
    """Latch, cancel and close; returns within ``aim.within_s`` and some. Raises `Misconfigured` and `KeysRefused`."""
    began_s = trio.current_time()
    report = KillReport(cancel_only=aim.cancel_only)
    async with open_reach(place) as reach:
        folder = await _find_folder(place, reach, aim, report)
        report.latched = _latch(folder, aim, report)
        with trio.move_on_after(aim.within_s - (trio.current_time() - began_s)):
            await set_clock(reach)
            if report.latched:
                await trio.sleep(LAND_S)
            await _end_all(reach, folder, aim, report)
        report.took_s = round(trio.current_time() - began_s, 3)
    if not report.done:
        why = f" {report.trouble}" if report.trouble else ""
        report.warnings.append(f"It was not over within {aim.within_s:g} s: run it again.{why}")
    return report


async def _find_folder(place: Place, reach: Reach, aim: Aim, report: KillReport) -> Path | None:
    """The state folder; one is made for ``--all``, so that an engine which is started later finds the latch."""
    try:
        folder = await find_folder(place, reach)
        if folder is None and aim.everything:
            return await own_folder(place, reach)
    except BrokerUnavailable as error:
        if not aim.everything:
            raise
        report.warnings.append(f"{error} Nothing is latched: an engine that runs is not stopped.")
        return None
    if folder is None:
        raise Misconfigured(
            "There is no state folder of this account, so nobody knows what belongs to strategies. Name it by "
            "--state, or end everything on the account with --all."
        )
    return folder


def _latch(folder: Path | None, aim: Aim, report: KillReport) -> tuple[str, ...]:
    if folder is None:
        return ()
    latched = []
    for scope in aim.scopes:
        try:
            Latches(folder).trip(scope, OUTSIDE + aim.reason, aim.by, time_ns())
            latched.append(scope)
        except GaplessError as error:
            report.warnings.append(f"{error} An engine that runs is not stopped by it.")
    return tuple(latched)


async def _end_all(reach: Reach, folder: Path | None, aim: Aim, report: KillReport) -> None:
    broker = reach.broker

    async def survey() -> Holdings:
        if folder is None or aim.everything:
            return await read_account(broker)
        return await read_strategies(folder, broker, reach.clock, aim.strategies)

    async def read_left() -> Holdings:
        if aim.everything and not aim.cancel_only:
            return await read_account(broker)
        return await _read_orders(broker, holdings)

    holdings = await _insist(survey, report)
    prefix = f"kill-{time_ns()}-{os.getpid()}"
    await _end(reach, holdings, aim, prefix, report)
    for number in range(ROUNDS_MAX):
        left = await _insist(read_left, report)
        if not left.shares and not left.parents:
            break
        await _end(reach, left, aim, f"{prefix}.{number}", report)
    report.done = True


async def _read_orders(broker: Broker, holdings: Holdings) -> Holdings:
    """The orders that are there after all. Of strategies no more than that: their shares have been closed by then."""
    orders = [order for order in await broker.open_orders() if holdings.concerns(order)]
    return evolve(
        holdings,
        shares={order.symbol: ZERO for order in orders if order.symbol},
        parents=tuple(order.id for order in orders if not order.symbol),
    )


async def _end(reach: Reach, holdings: Holdings, aim: Aim, prefix: str, report: KillReport) -> None:
    """End all symbols at once; what is not over when the time is stands in the report as such."""
    before = {one.symbol: one for one in report.symbols}
    results = dict(before)

    async def end(symbol: str) -> None:
        hands = BrokerHands(
            broker=reach.broker,
            symbol=symbol,
            clock=reach.clock,
            prefix=prefix,
            concerns=holdings.concerns,
            share=holdings.shares[symbol],
        )
        apart = ApartHands(hands)
        ended = await (_cancel(hands) if aim.cancel_only else run_flatten(apart))
        report.warnings += apart.moved
        # A later round that had only orders to cancel says nothing of a share that could not be closed before.
        if symbol not in before or holdings.shares[symbol] != ZERO or report.is_over(before[symbol]):
            results[symbol] = ended

    try:
        for order_id in holdings.parents:
            with suppress(OrderRefused, ReplyMissing):  # it is over already, or the next look tells
                await reach.broker.cancel(order_id)
        async with trio.open_nursery() as nursery:
            for symbol in holdings.shares:
                if symbol not in results:
                    sentence = f"{symbol}: the time was over before it was known to be flat"
                    results[symbol] = Flattened(symbol=symbol, flat=False, sentence=sentence)
                nursery.start_soon(end, symbol)
    finally:
        report.symbols = [results[symbol] for symbol in sorted(results)]


async def _cancel(hands: BrokerHands) -> Flattened:
    try:
        await hands.cancel()
        seen = await hands.look()
    except (BrokerUnavailable, OrderRefused) as error:
        return Flattened(symbol=hands.symbol, flat=False, sentence=str(error))
    sentence = f"{hands.symbol}: {seen.orders} orders are still open" if seen.orders else ""
    return Flattened(
        symbol=hands.symbol, flat=not seen.account, left=seen.account, orders=seen.orders, sentence=sentence
    )


async def _insist(ask: Callable[[], Awaitable[Holdings]], report: KillReport) -> Holdings:
    """Ask until the broker answers; the time that was given ends it."""
    async for attempt in stamina.retry_context(
        on=BrokerUnavailable,
        attempts=ASKS_MAX,
        timeout=None,
        wait_initial=AGAIN_FIRST_S,
        wait_max=AGAIN_MAX_S,
        wait_jitter=0.0,
    ):
        with attempt:
            try:
                holdings = await ask()
            except BrokerUnavailable as error:
                report.trouble = str(error)
                raise
            report.trouble = ""
            return holdings
    raise AssertionError("stamina either returns from an attempt or raises")
