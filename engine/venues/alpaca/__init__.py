"""Alpaca's market data, from the client's side: the live line and the history behind it.

``endpoints``  which URL, which path, which feed carries a symbol        (pure)
``reactions``  what each error of the venue means and what to do next   (pure)
``protocol``   welcome, login, subscribe, acknowledge                   (pure: no sockets, no time)
``frames``     WebSocket frames out of a stream of bytes                (pure)
``tap``        takes data frames past trio-websocket, which keeps everything else
``socket``     one WebSocket connection: connect, keep alive, close, and every failure as one of our errors
``feed``       `AlpacaFeed` and its line: the above put together behind `engine.ports.Feed`

`AlpacaFeed` is what the rest of the engine uses; ``http``, ``history`` and ``clock`` read the past over REST.
"""
