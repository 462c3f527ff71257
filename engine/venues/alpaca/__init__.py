"""Alpaca from the client's side: market data, its history, the account's events, and orders.

Market data
    ``endpoints``  which URL, which path, which feed carries a symbol        (pure)
    ``reactions``  what each error of the venue means and what to do next   (pure)
    ``protocol``   welcome, login, subscribe, acknowledge                   (pure: no sockets, no time)
    ``frames``     WebSocket frames out of a stream of bytes                (pure)
    ``tap``        takes data frames past trio-websocket, which keeps everything else
    ``socket``     one WebSocket connection: connect, keep alive, close, and every failure as one of our errors
    ``feed``       `AlpacaFeed` and its line: the above put together behind `engine.ports.Feed`
    ``history``, ``clock``  the past, and what time the venue has

The account
    ``account_protocol``  login and listening of the trading stream         (pure)
    ``account_line``      `AlpacaAccountFeed`: the trading stream behind `engine.ports.AccountFeed`
    ``account_events``    the same events once more, replayed over SSE
    ``broker``            `AlpacaBroker`: each request once, three kinds of answer
    ``refusals``          which of our errors a reply of REST is            (pure)

For all of REST
    ``http``    the guard around httpx
    ``rate``    the account's budget of requests, with a lane kept free for cancels and exits
    ``calls``   one request under budget and deadline, and what its reply means
"""
