"""What became of option contracts without an order: exercised, assigned, or expired worthless.

The venue tells of it in the account's activities and nowhere else, so it is no update of an order, but a value of its
own. In the books it is one fill or two, so that what must hold after every fill holds here too.
"""

from collections.abc import Iterator
from enum import StrEnum

from attrs import frozen

from engine.model.order import Fill


class SettlementKind(StrEnum):
    """Alpaca's ``activity_type`` of it (its docs, "Non-Trade Activities for Option Events")."""

    EXPIRED = "OPEXP"
    EXERCISED = "OPEXC"
    ASSIGNED = "OPASN"


@frozen(kw_only=True)
class Settlement:
    """The end of contracts of one symbol. ``contract`` takes them out of the account, at nothing; ``shares`` is what
    they bring or take of ``underlying``, at the strike, ``None`` where they are worthless. ``event_id`` sorts among
    those of the updates of orders."""

    kind: SettlementKind
    underlying: str
    contract: Fill
    shares: Fill | None
    event_id: str

    @property
    def fills(self) -> Iterator[Fill]:
        """What was booked."""
        yield self.contract
        if self.shares is not None:
            yield self.shares
