"""The words a person may choose from. They stand alone so that ``gapless --help`` need not import what they steer."""

from typing import Literal, TypeAlias

Venue: TypeAlias = Literal["exchange", "paper", "live"]
Wire: TypeAlias = Literal["msgpack", "json"]
StockFeed: TypeAlias = Literal["iex", "sip", "delayed_sip", "boats", "overnight", "test"]
CryptoFeed: TypeAlias = Literal["us", "us-1", "eu-1"]
OptionFeed: TypeAlias = Literal["indicative", "opra"]
FeedName: TypeAlias = Literal[
    "iex", "sip", "delayed_sip", "boats", "overnight", "test",
    "crypto", "crypto:us-1", "crypto:eu-1", "indicative", "opra",
]  # fmt: skip
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]
FillName: TypeAlias = Literal["touch", "queue", "through", "paper"]
"""The fill models of `engine.core.matching.models`, which a test holds this list against."""
PlanName: TypeAlias = Literal["free", "plus"]
"""What an account pays for; `engine.exchange.tiers` says what that means."""
OnKill: TypeAlias = Literal["flatten", "cancel"]
"""What a tripped kill switch does beside refusing orders: cancel and close what strategies hold, or cancel alone."""
LogFormat: TypeAlias = Literal["text", "json"]
"""Log lines for people, or one JSON object a line."""
