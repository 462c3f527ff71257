"""Which rows a screen has room for: the least important tables give way first, then go as a whole."""

from collections.abc import Sequence
from typing import Final

from attrs import evolve

from engine.app.screen.tables import Sheet

FRAME_LINES: Final = 2
"""A title and the names of the columns."""
ROWS_MIN: Final = 3
"""A table with fewer rows than this says little: rather one table less."""


def lines_of(sheet: Sheet) -> int:
    """How many lines a sheet takes on a screen."""
    return FRAME_LINES + len(sheet.rows) + bool(sheet.more)


def fit(sheets: Sequence[Sheet], lines: int) -> list[Sheet]:
    """The sheets, cut so that they take at most so many lines; the most important come first, in both ways.

    No table takes more than half the screen from others that need it. As many tables as have room for a few rows each
    are shown, and then rows are taken from the last ones first.
    """
    shown = [sheet for sheet in sheets if sheet.rows]
    while shown and sum(lines_of(_cut(sheet, ROWS_MIN)) for sheet in shown) > lines:
        shown.pop()
    for rows in (max(ROWS_MIN, lines // 2), ROWS_MIN):
        for place in reversed(range(len(shown))):
            excess = sum(map(lines_of, shown)) - lines
            if excess > 0:  # a line of what is cut says how many rows are missing
                kept = len(shown[place].rows) - excess - (not shown[place].more)
                shown[place] = _cut(shown[place], max(rows, kept))
    return shown


def _cut(sheet: Sheet, rows: int) -> Sheet:
    """At most so many rows."""
    missing = max(0, len(sheet.rows) - rows)
    return evolve(sheet, rows=sheet.rows[:rows], more=sheet.more + missing) if missing else sheet
