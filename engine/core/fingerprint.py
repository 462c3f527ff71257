"""A hash of what strategies decided: equal hashes, equal decisions, whatever ran beside them and on which machine.

One decision is one line: market time, verb, words. The decisions of one instant are put in the order of their lines,
because which of two tasks of a strategy runs first at one instant is nobody's decision. Each strategy has a
fingerprint of its own, and that of a session is made from theirs.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from engine.model.instant import render_instant
from engine.model.journal import DECISIVE, Asked, JournalRecord

LENGTH: Final = 16
"""Hexadecimal digits that are shown: 64 bits, which no two sessions of a lifetime share by chance."""


def decisions_of(records: Iterable[JournalRecord]) -> list[Asked]:
    """The decisions among these records: by strategy, then by time, then by their lines."""
    asked = [record for record in records if isinstance(record, Asked) and record.verb in DECISIVE]
    return sorted(asked, key=lambda one: (one.strategy, one.at_ns, render_decision(one)))


def render_decision(asked: Asked) -> str:
    """One line for people and for the hash.

    >>> render_decision(Asked(7, 1772461867500000000, "trend", 3, "buy", '{"qty":"10","symbol":"SPY"}'))
    '2026-03-02T14:31:07.5Z buy {"qty":"10","symbol":"SPY"}'
    """
    return f"{render_instant(asked.at_ns)} {asked.verb} {asked.words}"


def fingerprints(decisions: Iterable[Asked]) -> dict[str, str]:
    """The fingerprint of each strategy that decided anything. ``decisions``: as `decisions_of` orders them."""
    hashes: dict[str, hashlib._Hash] = {}
    for asked in decisions:
        one = hashes.setdefault(asked.strategy, hashlib.sha256())
        one.update(render_decision(asked).encode() + b"\n")
    return {name: one.hexdigest()[:LENGTH] for name, one in sorted(hashes.items())}


def fingerprint(by_strategy: Mapping[str, str]) -> str:
    """The fingerprint of a whole session, made of those of its strategies."""
    text = "".join(f"{name} {value}\n" for name, value in sorted(by_strategy.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
