"""Law: whatever there is to show, a screen's lines are never exceeded, and what comes first is cut last."""

from hypothesis import given
from hypothesis import strategies as st

from engine.app.screen.tables import Sheet
from engine.app.top.fit import fit, lines_of

sheets = st.lists(
    st.builds(
        lambda number, more: Sheet("a", ("<b",), tuple((str(row),) for row in range(number)), more),
        st.integers(0, 60),
        st.integers(0, 3),
    ),
    max_size=9,
)


@given(sheets, st.integers(0, 120))
def test_tables_never_take_more_lines_than_there_are(given: list[Sheet], lines: int) -> None:
    shown = fit(given, lines)
    assert sum(map(lines_of, shown)) <= lines
    full = [sheet for sheet in given if sheet.rows]
    for before, after in zip(full, shown, strict=False):
        assert after.rows == before.rows[: len(after.rows)]
        assert len(after.rows) + after.more == len(before.rows) + before.more
        assert after.rows


@given(sheets)
def test_what_has_room_is_shown_whole(given: list[Sheet]) -> None:
    full = [sheet for sheet in given if sheet.rows]
    assert fit(given, sum(map(lines_of, full))) == full


@given(sheets, st.integers(0, 60))
def test_more_room_never_shows_less(given: list[Sheet], lines: int) -> None:
    fewer, more = fit(given, lines), fit(given, lines + 1)
    assert sum(len(sheet.rows) for sheet in more) >= sum(len(sheet.rows) for sheet in fewer) - 1
    assert len(more) >= len(fewer)
