"""``/v2/account``: what the account is worth, and what its user has set."""

from typing import Any, Final

import msgspec

from engine.codec.account import render_account
from engine.core.calendar import previous_trading_day
from engine.exchange.clock import new_york
from engine.exchange.rest.data.asking import BadRequest
from engine.exchange.rest.desks.replies import Calls, reply
from engine.exchange.rest.http import Request, Response
from engine.exchange.trading.brokerage import Brokerage
from engine.exchange.trading.settings import Settings

ACCOUNT_ID: Final = "7c1e2a10-0000-4000-8000-000000000001"
ACCOUNT_NUMBER: Final = "PA3EXAMPLE01"
CREATED_AT: Final = "2026-01-02T00:00:00Z"


class AccountDesk:
    """Shows the account and changes its settings."""

    def __init__(self, brokerage: Brokerage) -> None:
        self._brokerage = brokerage

    def calls(self, steps: list[str]) -> Calls | None:
        """What can be done with a path."""
        match steps:
            case ["v2", "account"]:
                return {"GET": self._show}
            case ["v2", "account", "configurations"]:
                return {"GET": self._show_settings, "PATCH": self._change_settings}
        return None

    def _show(self, _: Request) -> Response:
        brokerage = self._brokerage
        return reply(
            render_account(
                brokerage.books.account(),
                account_id=ACCOUNT_ID,
                account_number=ACCOUNT_NUMBER,
                created_at=CREATED_AT,
                as_of=previous_trading_day(new_york(brokerage.now_ns()).date()).date,
                options_level=brokerage.ledger.terms.options_level,
                suspended=brokerage.settings.suspend_trade,
            )
        )

    def _show_settings(self, _: Request) -> Response:
        return reply(self._brokerage.settings)

    def _change_settings(self, request: Request) -> Response:
        told: dict[str, Any] = msgspec.to_builtins(self._brokerage.settings)
        try:
            asked = msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
            changed = {name: value for name, value in asked.items() if value is not None}
            self._brokerage.change(msgspec.convert(told | changed, Settings))
        except (ValueError, RecursionError) as error:
            raise BadRequest(f"invalid configuration: {error}") from None
        return self._show_settings(request)
