"""Which rows a screen has room for: the longest tables give way first, and the least important go as a whole."""

from collections.abc import Sequence

from attrs import evolve

from engine.app.screen.tables import Sheet

FRAME_LINES = 2
"""A title and the names of the columns."""


def lines_of(sheet: Sheet) -> int:
    """How many lines a sheet takes on a screen."""
    return FRAME_LINES + len(sheet.rows) + bool(sheet.more)


def fit(sheets: Sequence[Sheet], lines: int) -> list[Sheet]:
    """The sheets, cut so that they take at most so many lines; the most important come first, in both ways.

    Rows are taken from whichever sheet shows most; where one row each is too much still, the last sheets go.
    """
    shown = [sheet for sheet in sheets if sheet.rows]
    while shown and sum(map(_least, shown)) > lines:
        shown.pop()
    while sum(map(lines_of, shown)) > lines:
        place = max(range(len(shown)), key=lambda at: (len(shown[at].rows), at))
        shown[place] = _shorter(shown[place])
    return shown


def _least(sheet: Sheet) -> int:
    """The lines of a sheet that is cut to one row."""
    return FRAME_LINES + 1 + (len(sheet.rows) > 1 or bool(sheet.more))


def _shorter(sheet: Sheet) -> Sheet:
    """One line less: the first cut takes a row more, for the line that says how many are missing."""
    cut = 1 if sheet.more else 2
    kept = max(1, len(sheet.rows) - cut)
    return evolve(sheet, rows=sheet.rows[:kept], more=sheet.more + len(sheet.rows) - kept)
