"""Tapes for replay: a market that happened, read from the disk in order and a window at a time."""

from engine.store.tape.open import open_tape as open_tape
