"""``ctx.state`` of a strategy whose session is recorded."""

from collections.abc import Mapping

from attrs import define

from engine.flow.journal.orders import Crossing
from engine.ports import SavedState


@define(eq=False)
class JournaledState:
    """``ctx.state``: what is read and set stays between the strategy and itself; saving is a call."""

    _inner: SavedState
    _crossing: Crossing

    def __getitem__(self, name: str) -> object:
        return self._inner[name]

    def __setitem__(self, name: str, value: object) -> None:
        self._inner[name] = value

    def __delitem__(self, name: str) -> None:
        del self._inner[name]

    def __contains__(self, name: object) -> bool:
        return name in self._inner

    def get(self, name: str, default: object = None) -> object:
        """What is kept under this name, or ``default``."""
        return self._inner.get(name, default)

    def snapshot(self) -> Mapping[str, object]:
        """All of it, copied."""
        return self._inner.snapshot()

    async def save(self) -> None:
        """Wait until everything set so far is on disk."""
        await self._crossing.ask("save", {}, self._inner.save)
