"""Strategies from outside: found by name, imported, and given their parameters."""
