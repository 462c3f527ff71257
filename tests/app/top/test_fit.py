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
def test_more_room_never_shows_fewer_tables(given: list[Sheet], lines: int) -> None:
    assert len(fit(given, lines + 1)) >= len(fit(given, lines))


def test_the_least_important_gives_way_first_and_none_takes_more_than_half_of_the_screen() -> None:
    few, many = (Sheet("a", ("<b",), tuple((str(row),) for row in range(number))) for number in (5, 100))
    assert [len(sheet.rows) for sheet in fit([few, many], 30)] == [5, 20]
    assert [len(sheet.rows) for sheet in fit([many, few], 30)] == [20, 5]
    assert [len(sheet.rows) for sheet in fit([few, few, few], 20)] == [5, 5, 3]
    assert [len(sheet.rows) for sheet in fit([many, many, many], 20)] == [5, 3, 3]
