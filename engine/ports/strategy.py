"""The Strategy value: what ``@strategy`` makes of an async function so that it can be plugged in by name."""

from collections.abc import Awaitable, Callable
from inspect import cleandoc, iscoroutinefunction
from typing import Any, overload

from attrs import frozen

from engine.core.restart import RestartPolicy
from engine.errors import Misconfigured


@frozen
class Strategy:
    """A strategy as it is plugged in: an async function, its parameters' class and its restart rule.

    ``params`` is an attrs class or ``None`` for a strategy without parameters; ``restart`` is ``None`` for a strategy
    that is not started again after an exception. ``trades``: whether it places orders; ``None`` leaves that to be seen
    from its code. ``files``: whether it may open files in a replay too.
    """

    name: str
    run: Callable[..., Awaitable[None]]
    params: type[Any] | None = None
    restart: RestartPolicy | None = None
    doc: str = ""
    trades: bool | None = None
    files: bool = False


@overload
def strategy(run: Callable[..., Awaitable[None]], /) -> Strategy: ...


@overload
def strategy(
    *,
    params: type[Any] | None = None,
    restart: RestartPolicy | None = None,
    trades: bool | None = None,
    files: bool = False,
) -> Callable[[Callable[..., Awaitable[None]]], Strategy]: ...


def strategy(
    run: Callable[..., Awaitable[None]] | None = None,
    /,
    *,
    params: type[Any] | None = None,
    restart: RestartPolicy | None = None,
    trades: bool | None = None,
    files: bool = False,
) -> Strategy | Callable[[Callable[..., Awaitable[None]]], Strategy]:
    """Turn ``async def name(ctx, params)`` into a `Strategy` that ``gapless run`` can find.

    Written ``@strategy(params=Params)``, or ``@strategy`` alone for ``async def name(ctx)``.

    ``trades=False`` says that it only watches: then it takes no connection of the account; ``True`` that it places
    orders, where its code does not show it. ``files=True`` says that it writes files and decides nothing by them: a
    replay, which is to come out the same each time, refuses them to every other. Raises `Misconfigured` when it is put
    on something that is not an async function.
    """

    def mark(run: Callable[..., Awaitable[None]]) -> Strategy:
        name = getattr(run, "__name__", repr(run))
        if not iscoroutinefunction(run):
            raise Misconfigured(f"@strategy is for async functions; write 'async def {name}(ctx, params)'")
        doc = cleandoc(run.__doc__ or "")
        return Strategy(name=name, run=run, params=params, restart=restart, doc=doc, trades=trades, files=files)

    return mark if run is None else mark(run)
