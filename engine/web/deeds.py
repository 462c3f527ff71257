"""What a person can do from the dashboard, each checked against what there is, and told to the person who runs this."""

from typing import Final

from attrs import define

from engine.app.beside.engine import Engine
from engine.web.guard.logins import Refusal
from engine.web.looks.kill import WORD
from engine.web.looks.orders import WATCHING
from engine.web.scene.scene import ACCOUNT

BY: Final = "the dashboard"
"""Who did it, in latches, in alarms and in the log."""


@define(eq=False)
class Deeds:
    """Each returns what to tell, or why it was not done."""

    engine: Engine

    async def kill(self, scope: str, confirm: str) -> str | Refusal:
        """Trip the kill switch of a strategy or of all. On return it is on disk."""
        if self.engine.account is None:
            return Refusal(409, WATCHING)
        if confirm != WORD:
            return Refusal(400, f"Nothing was done: to trip the kill switch, type {WORD} in capitals.")
        if scope != ACCOUNT and scope not in self._names():
            return Refusal(400, f"Nothing was done: there is no strategy {scope!r} in this session.")
        await self.engine.account.switch.trip(scope, "Somebody tripped it on the dashboard.", BY)
        return f"The kill switch of {'all strategies' if scope == ACCOUNT else scope} is tripped."

    def pause(self, strategy: str) -> str | Refusal:
        """The strategy may not add risk until it is resumed or the session ends."""
        if (refusal := self._no_such(strategy)) is not None:
            return refusal
        assert self.engine.account is not None
        self.engine.account.pauses.pause(strategy, BY)
        return self._told(f"Strategy {strategy} is paused by {BY}: orders that add risk are refused.")

    def resume(self, strategy: str) -> str | Refusal:
        """It may again."""
        if (refusal := self._no_such(strategy)) is not None:
            return refusal
        assert self.engine.account is not None
        if not self.engine.account.pauses.resume(strategy):
            return f"Strategy {strategy} was not paused."
        return self._told(f"Strategy {strategy} is resumed by {BY}: it may place orders again.")

    def acknowledge(self, key: str) -> str | Refusal:
        """Somebody takes care of an alarm."""
        if not self.engine.alarms.acknowledge(key, BY):
            return Refusal(409, "Nothing was done: that alert does not stand any more.")
        return "Acknowledged: there will be no more reminders of it."

    def _names(self) -> set[str]:
        return {run.name for run in self.engine.session.runs}

    def _no_such(self, strategy: str) -> Refusal | None:
        if self.engine.account is None:
            return Refusal(409, WATCHING)
        if strategy not in self._names():
            return Refusal(400, f"Nothing was done: there is no strategy {strategy!r} in this session.")
        return None

    def _told(self, sentence: str) -> str:
        self.engine.report(sentence)
        return sentence
