"""The trading API by REST, one desk for each part of it."""

from engine.exchange.rest.desks.counter import TradingDesk as TradingDesk
