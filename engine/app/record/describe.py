"""What a session is, as its manifest tells it: never a secret, always enough to make the session again."""

import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Final

from attrs import fields, has

from engine.app.logs import redacting
from engine.app.options import LoadedStrategy, RunOptions
from engine.app.plugins.params import written
from engine.app.plugins.trading import may_trade
from engine.app.replay.seal.callers import modules_of
from engine.store.session import Manifest, Player

_NOT_TOLD: Final = frozenset({"strategies", "key_id", "secret", "watcher", "attached"})
"""Options that are told elsewhere, are nobody's business, or are no values."""


def describe_live(options: RunOptions, now_ns: int) -> Manifest:
    """The manifest of a session that begins now (market time)."""
    redact = redacting(options.key_id, options.secret)
    settings = {
        attribute.name: plain_value(getattr(options, attribute.name), redact)
        for attribute in fields(RunOptions)
        if attribute.name not in _NOT_TOLD
    }
    return Manifest(
        started_ns=now_ns,
        venue=options.venue,
        strategies=tuple(describe_strategy(loaded) for loaded in options.strategies),
        settings=settings,
        seeds={"session": options.exchange.seed},
        feeds={attribute.name: getattr(options.feeds, attribute.name) for attribute in fields(type(options.feeds))},
    )


def describe_strategy(loaded: LoadedStrategy) -> Player:
    """Which strategy took part, with what parameters, and a hash of the file that it is in."""
    strategy, params = loaded.strategy, loaded.params
    homes = [file for module in modules_of((strategy,)) if (file := getattr(module, "__file__", None))]
    file = homes[0] if homes else ""
    return Player(
        name=loaded.name or strategy.name,
        source=loaded.reference or f"{strategy.run.__module__}:{getattr(strategy.run, '__name__', '')}",
        file=file,
        sha256=hashlib.sha256(Path(file).read_bytes()).hexdigest() if file and Path(file).is_file() else "",
        params={one.name: written(getattr(params, one.name)) for one in fields(type(params)) if one.init}
        if has(type(params))
        else {},
        trades=may_trade(strategy),
    )


def plain_value(value: Any, redact: Callable[[str], str]) -> Any:
    """A value as JSON has it; what it has no word for becomes text, and no text has a secret in it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if has(type(value)):
        return {one.name: plain_value(getattr(value, one.name), redact) for one in fields(type(value))}
    if isinstance(value, Mapping):
        return {str(name): plain_value(each, redact) for name, each in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain_value(each, redact) for each in value]
    if isinstance(value, Enum):
        return plain_value(value.value, redact)
    return redact(str(value) if not isinstance(value, Decimal) else f"{value:f}")
