"""Decisions without waiting: sequencing, splicing, restarts, limits. Values in, values out; ``now`` is an argument."""
