"""Sessions that run from a tape, in market time."""
