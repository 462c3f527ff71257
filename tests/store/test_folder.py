"""Each account has a folder of its own, where the XDG specification wants it."""

from pathlib import Path

import pytest

from engine.errors import Misconfigured
from engine.store import state_folder

HOME = {"HOME": "/house/me"}


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        (HOME, "/house/me/.local/state/gapless/paper-PA3X"),
        (HOME | {"XDG_STATE_HOME": ""}, "/house/me/.local/state/gapless/paper-PA3X"),
        (HOME | {"XDG_STATE_HOME": "not/absolute"}, "/house/me/.local/state/gapless/paper-PA3X"),
        (HOME | {"XDG_STATE_HOME": "/var/state"}, "/var/state/gapless/paper-PA3X"),
    ],
)
def test_the_environment_says_where_states_are(environ: dict[str, str], folder: str) -> None:
    assert state_folder("paper", "PA3X", None, environ) == Path(folder)


def test_a_folder_that_was_named_still_holds_one_for_each_account() -> None:
    folders = {state_folder(venue, number, Path("/s"), {}) for venue in ("paper", "live") for number in ("1", "2")}
    assert folders == {Path("/s/paper-1"), Path("/s/paper-2"), Path("/s/live-1"), Path("/s/live-2")}


def test_without_a_home_it_says_what_to_set() -> None:
    with pytest.raises(Misconfigured, match="set XDG_STATE_HOME or HOME, or name one by --state"):
        state_folder("paper", "PA3X", None, {})


@pytest.mark.parametrize("number", ["", "..", "a/b", "a-b", "a\n"])
def test_a_number_that_could_lead_elsewhere_is_refused(number: str) -> None:
    with pytest.raises(Misconfigured, match="cannot get a folder"):
        state_folder("paper", number, None, HOME)
