"""A session that is under way, as what stands beside it sees it."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final, TypeAlias

import trio
from attrs import define, field

from engine.app.account import AccountSide
from engine.app.beside.overview import HeardRow, MomentRow
from engine.app.figures import read_figures
from engine.app.options import RunOptions
from engine.app.report import SessionReport
from engine.app.wiring import Venue
from engine.core.histogram import Histogram
from engine.flow.markets import Markets
from engine.flow.session import Session
from engine.ports.alarms import Alarms

MOMENTS_MAX: Final = 500
"""What happened lately: more than a person scrolls through, 200 kB at most."""


@define(eq=False, kw_only=True)
class Engine:
    """The parts of a running session, and what those beside it leave here for one another.

    ``account`` is ``None`` where strategies only watch. ``report`` tells a sentence to the person who runs this.
    """

    options: RunOptions
    venue: Venue
    session: Session
    account: AccountSide | None
    report: Callable[[str], None]
    opened_s: float = field(factory=trio.current_time)
    """When the session began, by Trio's clock."""
    alarms: Alarms = field(init=False)
    """Where findings go; set by `engine.app.beside.attach` before anything else stands here."""
    heard: Callable[[], Sequence[HeardRow]] = field(default=tuple)
    """When each stream last spoke: the watch gives this."""
    loop_lag: Histogram = field(factory=Histogram)
    """How much later than meant the loop got round to a timer."""
    ticks: dict[str, float] = field(factory=dict)
    """When parts beside the session last went round, by Trio's clock: those without which the engine is not well."""
    moments: deque[MomentRow] = field(factory=lambda: deque(maxlen=MOMENTS_MAX))
    """What happened, the latest last."""

    def figures(self) -> SessionReport:
        """The figures of this moment."""
        return read_figures(self.session, self.venue, self.opened_s, account=self.account)

    @property
    def markets(self) -> Markets:
        """The market side."""
        return self.session.markets


Attached: TypeAlias = Callable[[Engine], AbstractAsyncContextManager[None]]
"""Stands beside a session from before its first event until after its last. What it raises never ends the session."""


def attach(
    options: RunOptions,
    session: Session,
    venue: Venue,
    account: AccountSide | None,
    report: Callable[[str], None],
) -> AbstractAsyncContextManager[None]:
    """What these options want beside a session, or nothing."""
    if options.attached is None:
        return nullcontext()
    return options.attached(Engine(options=options, venue=venue, session=session, account=account, report=report))
