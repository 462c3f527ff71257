"""Test a strategy, or any Alpaca client, against a market with bad days: a pytest plug-in, and what it is made of.

The fixtures are in `engine.testing.plugin`, which pytest finds by itself where gapless is installed; ``TESTING.md`` is
the page to begin with, and ``REPLAY.md`` for `replay`. Nothing else of the engine imports this package.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.testing.golden.replaying import replay as replay
    from engine.testing.golden.replaying import replay_async as replay_async

__all__ = ["replay", "replay_async"]


def __getattr__(name: str) -> Any:
    """What a test imports from here, loaded when it does: pytest loads this package in every project."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import engine.testing.golden.replaying as module

    return getattr(module, name)
