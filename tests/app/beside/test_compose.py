"""What stands beside a session is what its settings ask for, and what could not run is said before anything starts."""

import pytest

from engine.app.beside.compose import parts_of
from engine.app.config.settings import Settings
from engine.app.config.web import WebSettings
from engine.errors import Misconfigured


def test_a_dashboard_is_there_where_it_is_asked_for() -> None:
    assert set(parts_of(Settings(), str)) == {"moments", "watch", "health", "top"}
    assert set(parts_of(Settings(web=WebSettings(port=0)), str)) == {"moments", "watch", "health", "top", "dashboard"}


def test_a_dashboard_that_others_could_reach_without_a_token_is_refused() -> None:
    with pytest.raises(Misconfigured, match="where other machines can reach it"):
        parts_of(Settings(web=WebSettings(port=0, host="0.0.0.0")), str)
