"""Replays in tests, and the golden files that keep what was decided."""
