"""Putting an account's side together from its parts, wherever orders go and wherever they are kept."""

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

from engine.app.account.side import AccountSide
from engine.core.blotter import Blotter
from engine.core.risk.limits import Limits
from engine.flow.account import AccountStream
from engine.flow.account.killswitch import KillSwitch
from engine.flow.account.marks import Marks, Told
from engine.flow.desk import Desk
from engine.flow.desk.tuning import DeskTuning
from engine.flow.markets import Markets
from engine.flow.risk import Vet
from engine.model.entry import Remembered
from engine.ports import AccountFeed, Broker
from engine.ports.steps import Probe, ignore
from engine.ports.store import OrderStore


def build_side(
    *,
    markets: Markets,
    broker: Broker,
    feed: AccountFeed,
    store: OrderStore,
    remembered: Remembered,
    switch: KillSwitch,
    limits: Limits,
    strategy_limits: Mapping[str, Limits],
    random: Random,
    report: Callable[[str], None],
    probe: Probe = ignore,
    folder: Path | None = None,
    shadow: bool = False,
    tuning: DeskTuning | None = None,
    told: Told | None = None,
) -> AccountSide:
    """What decides and what sends, nothing of it running yet. ``remembered`` is what former runs left in ``store``,
    ``folder`` where that is, ``None`` where it is in memory; ``shadow``: no order is really sent; ``told``: where
    prices are heard, if that is not the markets."""
    blotter, marks = Blotter.restore(remembered), Marks(told or markets)
    vet = Vet(
        blotter=blotter,
        marks=marks,
        switch=switch,
        clock=markets.clock,
        account_limits=limits,
        strategy_limits=strategy_limits,
        standing=lambda: desk.standing,
    )
    desk = Desk(
        broker=broker,
        store=store,
        blotter=blotter,
        clock=markets.clock,
        vet=vet,
        switch=switch,
        marks=marks,
        random=random,
        report=report,
        announce=markets.announce,
        tuning=tuning or DeskTuning(),
        heard=remembered.heard,
        pending_state=lambda strategy: side.pending(strategy),
        data_missing=markets.not_live,
        probe=probe,
    )
    stream = AccountStream(
        feed=feed, listener=desk, clock=markets.clock, random=random, report=report, announce=markets.announce
    )
    desk.untold = stream.look_untold
    side = AccountSide(
        desk=desk,
        stream=stream,
        switch=switch,
        marks=marks,
        profit=vet.profit,
        markets=markets,
        folder=folder,
        report=report,
        saved=remembered.saved,
        probe=probe,
        shadow=shadow,
        pauses=vet.pauses,
    )
    return side
