"""The embedded Alpaca, server side: a market, its history, and the wire that tells them, with faults on demand.

It exists so that everything above can be proved without keys, without a network and without waiting for the market to
open: the same bytes, codes and oddities as the venue, on loopback, from a seed or from a recorded tape.
"""
