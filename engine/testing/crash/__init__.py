"""Processes that are killed at every named step of an order's way, and what the next process makes of it.

``python -m engine.testing.crash`` prints the table of all points with their verdicts.
"""
