"""The gate that orders which add risk have to pass: nobody opens a position blind.

REST alone would take an order while the account stream is down, and its fill would be seen by nobody (several engines
were mended for just that). So an entry waits, bounded by its caller, until the account stream is logged in and
listening, the books were compared since, what a former run left unclear is cleared up, and the strategy's data is
live. Exits and kills do not wait here: being in the market blind is worse than leaving it blind.
"""

from collections.abc import Callable

import trio
from attrs import define, field

from engine.flow.channel import Waker


def always_live(_: str) -> str:
    """The data of a session that has none to wait for."""
    return ""


@define(eq=False, kw_only=True)
class Gate:
    """Whether entries may go. ``data_missing`` says what of a strategy's data is not live, empty when all of it is."""

    data_missing: Callable[[str], str]
    look_again_s: float
    connected: bool = False
    lost: str = "it has not been connected yet"
    """Why the account stream is not there."""
    reconciled: bool = False
    """Whether the books were compared with the broker's since the account stream connected."""
    compared: bool = False
    """Whether a comparison of this run has ever ended without doubt: before that, what strategies hold is hearsay."""
    halted: str = ""
    """Why nothing may be opened until a person has looked and the books agree."""
    inherited: set[str] = field(factory=set)
    """Orders of a former run of which it is not known yet whether they were sent."""
    lines: int = 0
    """Counts each coming and going of the account stream, so that an answer is not taken for a later line's."""
    _changed: Waker = field(factory=Waker)

    def connect(self) -> None:
        """The account stream listens; what was before has to be compared."""
        self.connected, self.reconciled, self.lost = True, False, ""
        self.lines += 1
        self._changed.wake()

    def lose(self, reason: str) -> None:
        """The account stream is down."""
        self.connected, self.reconciled, self.lost = False, False, reason
        self.lines += 1

    def confirm(self, line: int) -> None:
        """The books were compared; ``line`` is what `lines` was when that began."""
        self.compared = True
        if self.connected and line == self.lines:
            self.reconciled = True
        self._changed.wake()

    def clear(self, client_order_id: str) -> None:
        """It is known what became of an order of a former run."""
        self.inherited.discard(client_order_id)
        self._changed.wake()

    @property
    def account_blocked(self) -> str:
        """Why the account is not ready; empty when it is."""
        if self.halted:
            return self.halted
        if not self.connected:
            return f"the account stream is not listening ({self.lost})"
        return "" if self.reconciled else "the books have not been compared with the broker's since it connected"

    def blocked(self, strategy: str, *, late_ok: bool) -> str:
        """Why an entry of this strategy may not go now; empty when it may."""
        if self.account_blocked:
            return self.account_blocked
        if self.inherited:
            return f"it is not known yet what became of {len(self.inherited)} orders of the former run"
        return "" if late_ok else self.data_missing(strategy)

    async def wait_open(self, strategy: str, *, late_ok: bool) -> None:
        """Until `blocked` says nothing. The caller bounds it."""
        await trio.lowlevel.checkpoint()
        while self.blocked(strategy, late_ok=late_ok):
            with trio.move_on_after(self.look_again_s):
                await self._changed.wait()

    async def wait_account(self) -> None:
        """Until `account_blocked` says nothing. The caller bounds it."""
        await trio.lowlevel.checkpoint()
        while self.account_blocked:
            await self._changed.wait()

    async def wait_inherited(self) -> None:
        """Until it is known what a former run sent, and what is left of what it held: somebody may have closed that
        meanwhile (``gapless kill``), and an exit would open the other side. The caller bounds it."""
        await trio.lowlevel.checkpoint()
        while self.inherited or not self.compared:
            await self._changed.wait()
