"""Test a strategy, or any Alpaca client, against a market with bad days: a pytest plug-in, and what it is made of.

The fixtures are in `engine.testing.plugin`, which pytest finds by itself where gapless is installed; ``TESTING.md`` is
the page to begin with. Nothing else of the engine imports this package.
"""
