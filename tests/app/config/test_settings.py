"""Law: flags win over the environment, it over the file, it over defaults, and a mistake names its place."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from engine.app.config.settings import Settings, load_settings
from engine.app.secrets import Secret
from engine.core.risk.limits import DEFAULT_ACCOUNT_LIMITS, Limits
from engine.errors import Misconfigured

KEYS = {"APCA_API_KEY_ID": "PKID", "APCA_API_SECRET_KEY": "hidden"}


def load(folder: Path, text: str | None = None, **more: Any) -> Settings:
    if text is not None:
        (folder / "gapless.toml").write_text(text)
    given: dict[str, Any] = {"file": None, "environ": {}, "flags": {}, "folder": folder, **more}
    return load_settings(**given)


def refusal(folder: Path, text: str | None = None, **more: Any) -> str:
    with pytest.raises(Misconfigured) as caught:
        load(folder, text, **more)
    return str(caught.value)


def test_each_place_wins_over_the_one_before(tmp_path: Path) -> None:
    text = "venue = 'paper'\n[exchange]\nspeed = 2\nseed = 2\nevents_per_s = 2\n"
    environ = {"GAPLESS_EXCHANGE__SPEED": "3", "GAPLESS_EXCHANGE__SEED": "3"}
    told = load(tmp_path, text, environ=environ, flags={"exchange.speed": 4.0, "venue": None})
    assert (told.venue, told.exchange.events_per_s, told.exchange.seed, told.exchange.speed) == ("paper", 2.0, 3, 4.0)
    assert told.tuning == Settings().tuning


def test_endpoints_need_no_table_in_file_or_environment(tmp_path: Path) -> None:
    told = load(tmp_path, "data_url = 'http://a'\n", environ={"GAPLESS_DATA_STREAM_URL": "ws://b"})
    assert (told.endpoints.data_url, told.endpoints.data_stream_url) == ("http://a", "ws://b")


def test_false_in_the_environment_is_false(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"GAPLESS_UNTIL_TAPE_ENDS": "false"}).until_tape_ends is False


def test_keys_come_from_the_environment_and_do_not_show(tmp_path: Path) -> None:
    told = load(tmp_path, environ=KEYS)
    assert told.secret_key == Secret("hidden")
    assert "hidden" not in repr(told)
    assert "PKID" not in repr(told)


def test_the_dashboards_token_comes_from_the_environment_and_does_not_show(tmp_path: Path) -> None:
    text = "[web]\nport = 8080\nhosts = ['bot.example']\n"
    told = load(tmp_path, text, environ={"GAPLESS_WEB_TOKEN": "hidden-token"}, flags={"web.port": 0})
    assert (told.web.port, told.web.host, told.web.hosts) == (0, "127.0.0.1", ("bot.example",))
    assert told.web.token == Secret("hidden-token")
    assert "hidden" not in repr(told)
    for line in ("[web]\ntoken = 'hidden-token'\n", "web_token = 'hidden-token'\n"):
        sentence = refusal(tmp_path, line)
        assert "GAPLESS_WEB_TOKEN" in sentence
        assert "hidden" not in sentence
    assert "8080 or" not in refusal(tmp_path, flags={"web.port": 70_000})


def test_parameters_are_kept_by_strategy(tmp_path: Path) -> None:
    assert load(tmp_path, "[params.sma_cross]\nfast = 5\n").params == {"sma_cross": {"fast": 5}}


def test_the_last_feed_of_a_family_serves_it(tmp_path: Path) -> None:
    feeds = load(tmp_path, flags={"feed": ("iex", "sip", "crypto:eu-1")}).feeds
    assert (feeds.stocks, feeds.crypto, feeds.options) == ("sip", "eu-1", "indicative")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("veneu = 1", ("gapless.toml", "'veneu'", "did you mean 'venue'")),
        ("[exchange]\nsede = 1", ("gapless.toml", "'exchange.sede'", "'exchange.seed'")),
        ("venue = 'prod'", ("gapless.toml: venue", "'prod' is not one of exchange, paper, live")),
        ("[exchange]\nspeed = -1", ("gapless.toml: exchange.speed", ">= 0")),
        ("[exchange]\nseed = '7x'", ("gapless.toml: exchange.seed", "not a whole number")),
        ("venue = ", ("gapless.toml", "is not TOML")),
        ("key_id = 'PK1'", ("keys do not belong in a file", "APCA_API_KEY_ID")),
        ("data_url = 'stream'", ("data_url", "http://HOST or https://HOST")),
        ("params = 3", ("[params.sma_cross]",)),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence_that_names_it(tmp_path: Path, text: str, parts: tuple[str, ...]) -> None:
    told = refusal(tmp_path, text)
    assert all(part in told for part in parts), told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("environ", "parts"),
    [
        ({"GAPLESS_VENEU": "paper"}, ("GAPLESS_VENEU", "did you mean 'GAPLESS_VENUE'")),
        ({"GAPLESS_TUNING__SILENCE_S": "soon"}, ("GAPLESS_TUNING__SILENCE_S", "'soon' is not a number")),
        ({"GAPLESS_CONFIG": "nowhere.toml"}, ("GAPLESS_CONFIG", "nowhere.toml")),
        ({"APCA_API_KEY_ID": "PK1"}, ("APCA_API_KEY_ID is set but APCA_API_SECRET_KEY is not",)),
        ({"GAPLESS_DATA_URL": "https://me:word@h"}, ("GAPLESS_DATA_URL", "without a login")),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    tmp_path: Path, environ: dict[str, str], parts: tuple[str, ...]
) -> None:
    told = refusal(tmp_path, environ=environ)
    assert all(part in told for part in parts), told
    assert "word" not in told.partition("GAPLESS_DATA_URL")[2]


def test_a_mistake_in_a_flag_names_the_flag(tmp_path: Path) -> None:
    assert refusal(tmp_path, flags={"for_s": -1.0}).startswith("Flag --for:")


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    assert "there is no file" in refusal(tmp_path, file=tmp_path / "mine.toml")


def test_a_named_file_is_read_instead_of_the_one_in_the_folder(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("venue = 'live'")
    assert load(tmp_path, "venue = 'paper'", file=other).venue == "live"


def test_limits_of_the_account_and_of_strategies_come_from_tables_and_flags(tmp_path: Path) -> None:
    text = "[limits]\norder_qty = 100\n[limits.strategies.sma_cross]\nloss_per_day = 250.5\n"
    settings = load(tmp_path, text, limit_flags=[("", "order_qty", "50"), ("sma_cross", "order_qty", "5")])
    assert settings.limits == evolve(DEFAULT_ACCOUNT_LIMITS, order_qty=Decimal(50))
    assert settings.strategy_limits == {"sma_cross": Limits(loss_per_day=Decimal("250.5"), order_qty=Decimal(5))}


@pytest.mark.parametrize(
    ("text", "flags", "said"),
    [
        ("[limits]\norder_qtty = 1\n", (), "did you mean 'limits.order_qty'"),
        ("[limits.strategies.mine]\norder_qtty = 1\n", (), "no limit 'order_qtty'; did you mean 'order_qty'"),
        ("[limits.strategies]\nmine = 1\n", (), "limits.strategies must be tables"),
        ("[limits]\norder_qty = -1\n", (), "order_qty must be a number above 0"),
        ("[limits]\norder_qty = nan\n", (), "is not"),
        ("", (("", "order_qtty", "1"),), "Flag --limit: there is no limit 'order_qtty'"),
        ("", (("mine", "order_qty", "many"),), "Flag --limit: 'many' is not a decimal number"),
    ],
)
def test_a_wrong_limit_is_one_sentence(
    tmp_path: Path, text: str, flags: tuple[tuple[str, str, str], ...], said: str
) -> None:
    assert said in refusal(tmp_path, text, limit_flags=flags)


def test_the_watch_is_set_in_its_table_and_by_its_variables(tmp_path: Path) -> None:
    text = '[watch]\ncanary = ["SPY"]\npatience = 2\nrecycle = false\nqueue_fill = 0.9\n'
    told = load(tmp_path, text, environ={"GAPLESS_WATCH__LAG_S": "2.5", "GAPLESS_WATCH__ON": "no"}).watch
    assert (told.canary, told.patience, told.recycle, told.queue_fill, told.lag_s, told.on) == (
        ("SPY",), 2.0, False, 0.9, 2.5, False
    )  # fmt: skip
    with pytest.raises(Misconfigured, match=r"gapless.toml: watch.queue_fill.*<= 1"):
        load(tmp_path, "[watch]\nqueue_fill = 2\n")
