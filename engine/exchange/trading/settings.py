"""What the account's user can set, as ``/v2/account/configurations`` has it, and what follows from it."""

from decimal import Decimal
from typing import Final, Literal

from attrs import evolve
from msgspec import Struct

from engine.core.matching.ledger import AccountTerms

OPTIONS_LEVEL_MAX: Final = 3


class Settings(Struct, frozen=True, kw_only=True):
    """The settings, by their names on the wire.

    Those about pattern day trading, fractions, partnerships and e-mail are taken and change nothing here.
    """

    dtbp_check: Literal["both", "entry", "exit"] = "entry"
    fractional_trading: bool = True
    max_margin_multiplier: Literal["1", "2", "4"] = "4"
    max_options_trading_level: Literal[0, 1, 2, 3] | None = None
    no_shorting: bool = False
    pdt_check: Literal["both", "entry", "exit"] = "entry"
    ptp_no_exception_entry: bool = False
    suspend_trade: bool = False
    trade_confirm_email: Literal["all", "none"] = "all"

    def apply(self, terms: AccountTerms) -> AccountTerms:
        """The terms of an account with these settings: never more than ``terms`` allow."""
        level = OPTIONS_LEVEL_MAX if self.max_options_trading_level is None else self.max_options_trading_level
        return evolve(
            terms,
            multiplier=min(terms.multiplier, Decimal(self.max_margin_multiplier)),
            shorting_enabled=terms.shorting_enabled and not self.no_shorting,
            options_level=min(terms.options_level, level),
        )
