"""The account that trades on the exchange's market: orders, books, and everybody who is told of them."""

from engine.exchange.trading.brokerage import Brokerage as Brokerage
