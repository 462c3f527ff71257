"""What stands beside a session, put together: each part in a barrier of its own.

Nothing here may end or delay trading: a part that raises is told of, started again by its policy, and given up after a
few times, while the session and the other parts go on.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Final

import trio
from loguru import logger

from engine.app.beside.engine import Engine
from engine.core.restart import RestartPolicy
from engine.errors import BudgetSpent, GaplessError, PartFailed
from engine.flow.supervisor import supervise
from engine.model.alert import Finding, Severity

Part = Callable[[Engine], Awaitable[None]]
RESTARTS: Final = RestartPolicy(delay_initial_s=1.0, delay_max_s=60.0, restarts_max=10, window_s=3600.0)
"""A part that fails ten times in an hour will fail again; what it would have shown is in the log meanwhile."""


@asynccontextmanager
async def stand_beside(engine: Engine, parts: dict[str, Part]) -> AsyncIterator[None]:
    """Run parts by name for as long as the block; they end with it."""
    async with trio.open_nursery() as nursery:
        for name, part in parts.items():
            nursery.start_soon(keep_apart, name, part, engine)
        yield
        nursery.cancel_scope.cancel()


async def keep_apart(name: str, part: Part, engine: Engine) -> None:
    """Run one part; whatever it raises is told, and ends nothing but this part."""

    async def once() -> None:
        try:
            await part(engine)
        except GaplessError:
            raise
        except (Exception, BaseExceptionGroup) as error:
            if isinstance(error, BaseExceptionGroup) and error.split(trio.Cancelled)[0] is not None:
                raise
            first = error
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            if isinstance(first, GaplessError):
                raise first from None  # noqa: ASYNC123 - a sentence of ours, which says all
            logger.opt(exception=error).debug("{} failed", name)
            raise PartFailed(f"{name}: {type(first).__name__}: {first}") from error

    def tell(failure: GaplessError, delay_s: float) -> None:
        engine.report(f"{failure}; trading goes on without it, it is started again in {delay_s:.0f} s")

    try:
        await supervise(once, RESTARTS, name=name, random=Random(f"part/{name}"), retry=PartFailed, on_restart=tell)
    except GaplessError as failure:
        spent = isinstance(failure, BudgetSpent)
        title = f"{name} {'keeps failing and is given up' if spent else 'cannot run'}; trading goes on without it"
        engine.report(f"{title}: {failure}")
        engine.alarms.tell(
            Finding(
                key=f"part/{name}",
                severity=Severity.WARNING,
                title=title,
                text=str(failure),
                at_ns=engine.markets.clock.now_ns(),
            )
        )
