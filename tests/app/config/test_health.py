"""Settings of ``[health]``: nothing is served unless asked for, and to nobody else unless that is meant."""

from pathlib import Path
from typing import Any

import pytest

from engine.app.config.health import HealthSettings
from engine.app.config.settings import Settings, load_settings
from engine.errors import Misconfigured


def load(folder: Path, text: str = "", **more: Any) -> Settings:
    (folder / "gapless.toml").write_text(text)
    given: dict[str, Any] = {"file": None, "environ": {}, "flags": {}, "folder": folder, **more}
    return load_settings(**given)


def test_nothing_is_served_unless_asked_for(tmp_path: Path) -> None:
    assert load(tmp_path).health == HealthSettings()
    assert HealthSettings().port is None


def test_a_port_comes_from_the_file_the_environment_or_a_flag(tmp_path: Path) -> None:
    text = "[health]\nport = 1\n"
    assert load(tmp_path, text).health.port == 1
    assert load(tmp_path, text, environ={"GAPLESS_HEALTH__PORT": "2"}).health.port == 2
    assert load(tmp_path, text, flags={"health.port": 3}).health.port == 3
    with pytest.raises(Misconfigured, match=r"^Flag --health-port: "):
        load(tmp_path, flags={"health.port": 70_000})


def test_other_machines_are_let_in_only_if_that_is_said(tmp_path: Path) -> None:
    text = '[health]\nport = 9464\nhost = "0.0.0.0"\n'
    with pytest.raises(Misconfigured, match=r"health\.host is 0\.0\.0\.0.*positions and profit.*health\.expose = true"):
        load(tmp_path, text)
    assert load(tmp_path, text + "expose = true\n").health.host == "0.0.0.0"
    assert load(tmp_path, '[health]\nhost = "::1"\n').health.host == "::1"


@pytest.mark.parametrize("limit_s", ["0.1", "1e12"])
def test_a_limit_below_the_beat_or_without_end_is_refused(tmp_path: Path, limit_s: str) -> None:
    with pytest.raises(Misconfigured, match=r"frozen_after_s"):
        load(tmp_path, f"[health]\nfrozen_after_s = {limit_s}\n")
