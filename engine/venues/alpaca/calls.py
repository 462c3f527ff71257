"""One call of the trading API: its turn in the budget, its deadline, and which kind of answer came of it.

Two sorts of call, and no third: `write` changes something and is either answered, refused or nobody knows; `find` only
asks, so its failure changes nothing. Each is sent once; whether to ask again is for the caller to decide.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import trio
from attrs import frozen

from engine.codec.parse_orders import Unreadable, parse_order, read_json
from engine.errors import BrokerUnavailable, LineLost, NotReady, ReplyMissing, VenueBusy
from engine.model.order import Order
from engine.venues.alpaca.http import GuardedClient, Params, Reply, Request
from engine.venues.alpaca.rate import PATIENCE_S, Throttle
from engine.venues.alpaca.refusals import order_error, question_error

READ_MAX_S: Final = 15.0
"""A page of 500 orders is 500 kB; longer than a write may take, because nothing hangs in the air meanwhile."""
TURN_MAX_S: Final = 5.0
"""How long a write waits for its turn in the budget: behind that its price is of another time, and it was not sent."""

T = TypeVar("T")


@frozen(eq=False)
class Calls:
    """Calls to one trading host, at the pace that its account is allowed."""

    client: GuardedClient
    _throttle: Throttle

    async def write_order(self, asking: Request, client_order_id: str) -> tuple[Order, ...]:
        """Send what is answered with an order. Raises as `write`, and `ReplyMissing` for any other answer."""
        reply = await self.write(asking, client_order_id)
        try:
            told = parse_order(read_json(reply.body))
        except Unreadable as error:
            raise ReplyMissing(self._unreadable(asking, error)) from error
        if client_order_id and told[0].client_order_id != client_order_id:
            raise ReplyMissing(f"{asking.said} at {self.client.host} was answered with another order than was sent.")
        return told

    async def write(self, asking: Request, client_order_id: str = "") -> Reply:
        """Send something once. Raises `OrderRefused`, `ReplyMissing`, `KeysRefused`.

        `NotReady`, a kind of `OrderRefused`: it had no turn in the budget within `TURN_MAX_S`, and was not sent. What
        ``asking.go`` raises withheld it, too.
        """
        try:
            await self._turn(asking, TURN_MAX_S)
        except (VenueBusy, trio.TooSlowError) as error:
            raise NotReady(
                f"{asking.said} at {self.client.host} was not sent: the account's requests of this minute are used "
                "up. Ask less often, or for fewer orders at once.",
                rule="request_budget",
                client_order_id=client_order_id,
            ) from error
        try:
            reply = await self.client.send(asking)
        except LineLost as error:
            raise ReplyMissing(f"{error} Whether it was carried out is not known: ask the broker.") from error
        self._throttle.learn(reply.headers, refused=reply.status == 429)
        if not 200 <= reply.status < 300:
            raise order_error(self.client, asking, reply, client_order_id)
        return reply

    async def find(self, path: str, params: Params, parse: Callable[[Any], T]) -> T | None:
        """Ask for something that may not exist; ``None`` when it definitely does not.

        Raises `BrokerUnavailable`, `KeysRefused`.
        """
        asking = Request(path=path, params=params, within_s=READ_MAX_S)
        try:
            await self._turn(asking, PATIENCE_S)
        except (VenueBusy, trio.TooSlowError) as error:
            raise BrokerUnavailable(
                f"{asking.said} at {self.client.host} was not asked: the account's requests are used up. "
                "Is another program using these keys?"
            ) from error
        try:
            reply = await self.client.send(asking)
        except LineLost as error:
            raise BrokerUnavailable(f"The broker could not be asked: {error}") from error
        self._throttle.learn(reply.headers, refused=reply.status == 429)
        if reply.status != 200:
            failure = question_error(self.client, asking, reply)
            if failure is not None:
                raise failure
            return None
        try:
            return parse(read_json(reply.body))
        except Unreadable as error:
            raise BrokerUnavailable(self._unreadable(asking, error)) from error

    async def read(self, path: str, params: Params, parse: Callable[[Any], T]) -> T:
        """Ask for something that every account has. Raises as `find`."""
        found = await self.find(path, params, parse)
        if found is None:
            raise BrokerUnavailable(f"GET {path} at {self.client.host} says that there is no such thing.")
        return found

    async def _turn(self, asking: Request, within_s: float) -> None:
        """Wait for a turn in the budget. Raises ``TooSlowError`` and `VenueBusy`: then nothing was sent."""
        with trio.fail_after(within_s):
            await self._throttle.turn(urgent=asking.urgent)

    def _unreadable(self, asking: Request, error: Unreadable) -> str:
        why = self.client.without_secrets(str(error))
        return f"{asking.said} at {self.client.host} was answered with something that cannot be read: {why}."
