"""Law: addresses come from the environment alone, each with what it wants, and no part that is secret is told."""

from pathlib import Path

import pytest

from engine.app.alerts.channels import channels_of, secrets_of
from engine.app.config.alerts import CHANNELS_MAX, AlertSettings
from engine.app.config.settings import load_settings
from engine.app.logs import Redactor
from engine.app.secrets import Secret
from engine.core.alerts import Notice, Why
from engine.errors import Misconfigured
from engine.model.alert import Severity

URLS = "mailto://me:hush-hush@example.org?to=me@elsewhere.net  critical=tgram://12345:AAbbCCddEEff/987654321\nntfys://my-secret-topic"


def test_an_address_has_what_it_wants_before_it() -> None:
    environ = {"PHONE": "pover://user@token json://a/b", "PARTNER": "json://c", "MIXED": "info=json://d"}
    settings = AlertSettings(channels=("critical=PHONE", "critical,further=PARTNER", "warning=MIXED"))
    channels = channels_of(settings, Secret(URLS), environ)
    assert [(one.name, one.least.value, one.further) for one in channels] == [
        ("mailto", "info", False),
        ("tgram", "critical", False),
        ("ntfys", "info", False),
        ("pover", "critical", False),
        ("json", "critical", False),
        ("json 2", "critical", True),
        ("json 3", "info", False),
    ]


def test_a_channel_wants_what_is_bad_enough_and_a_further_one_waits() -> None:
    def notice(severity: Severity, *, further: bool = False) -> Notice:
        return Notice(why=Why.RAISED, severity=severity, title="x", further=further)

    environ = {"A": "json://a", "B": "json://b"}
    first, further = channels_of(AlertSettings(channels=("warning=A", "further=B")), None, environ)
    assert [first.wants(notice(severity)) for severity in Severity] == [False, True, True]
    assert not further.wants(notice(Severity.CRITICAL))
    assert further.wants(notice(Severity.CRITICAL, further=True))


@pytest.mark.parametrize(
    ("urls", "channels", "part"),
    [
        ("my-secret-token", (), "word 1 is not an address"),
        ("json://a urgent=json://my-secret-token", (), "'urgent' before it is none of"),
        ("", ("json://my-secret-token",), "belongs in an environment variable"),
        ("", ("MISSING",), "MISSING is not set"),
        (" ".join(["json://my-secret-token"] * (CHANNELS_MAX + 1)), (), "are the most"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_without_the_address(
    urls: str, channels: tuple[str, ...], part: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        channels_of(AlertSettings(channels=channels), Secret(urls), {})
    assert part in str(caught.value)
    assert "my-secret-token" not in str(caught.value)


def test_parts_of_addresses_are_removed_from_what_people_read_and_words_are_not() -> None:
    channels = channels_of(AlertSettings(), Secret(URLS), {})
    redact = Redactor(secrets_of(channels))
    for part in ("hush-hush", "AAbbCCddEEff", "987654321", "my-secret-topic", *URLS.split()):
        assert part.partition("=")[2] not in redact(f"it said {part}!") or "=" not in part
        assert "*******" in redact(f"it said {part}!")
    assert redact("example.org did not answer") == "example.org did not answer"
    assert "hush" not in repr(channels)


def test_no_file_holds_an_address(tmp_path: Path) -> None:
    (tmp_path / "gapless.toml").write_text('alert_urls = "json://my-secret-token"\n')
    with pytest.raises(Misconfigured, match="set GAPLESS_ALERT_URLS instead"):
        load_settings(file=None, environ={}, flags={}, folder=tmp_path)
    (tmp_path / "gapless.toml").write_text("")
    told = load_settings(file=None, environ={"GAPLESS_ALERT_URLS": "json://t"}, flags={}, folder=tmp_path)
    assert told.alert_urls == Secret("json://t")


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ('quiet_hours = "10pm"', "not a part of the day"),
        ('quiet_hours = "07:00-07:00"', "at the same time"),
        ('heartbeat_at = "25:00"', "not a time of the day"),
        ('timezone = "Berlin"', "not a time zone"),
        ("notices_max = 4", "notices_max"),
    ],
)
def test_a_setting_that_makes_no_sense_names_its_place(tmp_path: Path, line: str, part: str) -> None:
    (tmp_path / "gapless.toml").write_text(f"[alerts]\n{line}\n")
    with pytest.raises(Misconfigured, match="alerts") as caught:
        load_settings(file=None, environ={}, flags={}, folder=tmp_path)
    assert part in str(caught.value)


def test_a_heartbeat_in_the_quiet_hours_is_refused() -> None:
    AlertSettings(quiet_hours="22:00-07:00", heartbeat_at="07:00").policy()
    with pytest.raises(Misconfigured, match="choose another"):
        AlertSettings(quiet_hours="22:00-07:00", heartbeat_at="6:59").policy()
