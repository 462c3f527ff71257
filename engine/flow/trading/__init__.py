"""The strategy's side of orders: what ``ctx.buy``, ``ctx.target`` and ``ctx.orders`` do with the desk."""

from engine.flow.trading.needs import OrderDesk as OrderDesk
from engine.flow.trading.trading import Trading as Trading
