"""The exchange over HTTP: history in pages, the latest of everything, and the market's clock."""

from engine.exchange.rest.server import RestServer as RestServer
