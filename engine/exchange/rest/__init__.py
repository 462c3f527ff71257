"""The exchange over HTTP: market data (history in pages, the latest of everything) and the trading API."""

from engine.exchange.rest.server import RestServer as RestServer
