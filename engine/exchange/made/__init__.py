"""When and how often a made market's symbols trade: the trading day of stocks, the week of crypto, and what goes wrong.

`engine.exchange.symbol_market` makes the events; the players here decide their moments, a second or less at a time.
"""
