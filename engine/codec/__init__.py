"""Bytes to events and back, both sides of the line, without a socket in sight.

``decode`` reads what a venue sends, ``render`` writes it (for the embedded exchange) and writes what a client asks,
``pages`` does both for REST history. One module a wire family (``wire_stocks``, ``wire_crypto``, ``wire_options``,
``wire_news``; ``wire_bars`` is shared) because the same letter means different things on different streams.

The idea: a whole frame is decoded by one msgspec tagged union and turned into the model in one tight loop. Only a frame
that surprises us is taken apart message by message (``salvage``), so tolerance costs nothing while nothing is odd.
"""
