"""Law: the doctor finds what is wrong, names it, and says what to do; on a healthy exchange all is fine."""

from pathlib import Path

import pytest
import trio

from engine.app.config.settings import load_settings
from engine.app.doctor import Check, build_patient, check_keys, render_checks, run_checks
from engine.errors import Misconfigured
from engine.exchange.faults import parse_faults
from engine.exchange.serve import ExchangeOptions, open_exchange

KEYS = {"APCA_API_KEY_ID": "PKID", "APCA_API_SECRET_KEY": "hidden"}
NOWHERE = {
    "data_stream_url": "ws://127.0.0.1:1",
    "data_url": "http://127.0.0.1:1",
    "trading_stream_url": "ws://127.0.0.1:1",
    "trading_url": "http://127.0.0.1:1",
}


async def examined(urls: dict[str, str], environ: dict[str, str] | None = None) -> dict[str, Check]:
    flags = {f"endpoints.{name}": url for name, url in urls.items()}
    settings = load_settings(file=None, environ=environ or {}, flags=flags, folder=Path("/"))
    with trio.fail_after(20):
        return {check.name: check for check in await run_checks(build_patient(settings, asked=False))}


def verdicts(checks: dict[str, Check]) -> dict[str, str]:
    return {name: check.verdict for name, check in checks.items()}


async def test_a_healthy_exchange_is_all_fine() -> None:
    async with open_exchange(ExchangeOptions()) as exchange:
        checks = await examined(exchange.urls(), KEYS)
    assert verdicts(checks) == dict.fromkeys(("keys", "account", "clock", "feed", "line"), "ok"), checks
    assert render_checks(list(checks.values())).endswith("All fine.")


async def test_keys_that_are_not_known_are_found_on_both_doors() -> None:
    options = ExchangeOptions(keys=frozenset({("PKOTHER", "word")}))
    async with open_exchange(options) as exchange:
        checks = await examined(exchange.urls(), KEYS)
    assert verdicts(checks) == {"keys": "ok", "account": "fail", "clock": "fail", "feed": "fail", "line": "skip"}
    assert "APCA_API_KEY_ID" in checks["account"].advice
    assert "hidden" not in render_checks(list(checks.values()))


async def test_a_feed_that_the_plan_does_not_hold_is_found_at_the_login() -> None:
    script = '[[fault]]\nkind = "error"\ncode = 409\nphase = "auth"\n'
    async with open_exchange(ExchangeOptions(faults=parse_faults(script))) as exchange:
        checks = await examined(exchange.urls(), KEYS)
    assert checks["feed"].verdict == "fail"
    assert "--feed iex" in checks["feed"].advice
    assert checks["account"].verdict == "ok"


async def test_nobody_there_is_told_for_every_address() -> None:
    checks = await examined(NOWHERE, KEYS)
    assert verdicts(checks) == {"keys": "ok", "account": "fail", "clock": "fail", "feed": "fail", "line": "skip"}


async def test_without_keys_nothing_is_asked() -> None:
    checks = await examined({})
    assert verdicts(checks) == {"keys": "fail"}
    assert "APCA_API_SECRET_KEY" in checks["keys"].advice


@pytest.mark.parametrize(
    ("venue", "key", "verdict"), [("paper", "PK", "ok"), ("live", "AK", "ok"), ("live", "PK", "fail")]
)
def test_keys_are_held_against_the_endpoint_by_their_first_letters(venue: str, key: str, verdict: str) -> None:
    environ = {**KEYS, "APCA_API_KEY_ID": f"{key}123"}
    settings = load_settings(file=None, environ=environ, flags={"venue": venue}, folder=Path("/"))
    check = check_keys(build_patient(settings, asked=True))
    assert check.verdict == verdict
    if verdict == "fail":
        assert "--venue paper" in check.advice


def test_an_exchange_with_half_its_addresses_is_refused() -> None:
    settings = load_settings(
        file=None, environ={}, flags={"endpoints.data_url": "http://127.0.0.1:1"}, folder=Path("/")
    )
    with pytest.raises(Misconfigured, match="--data-stream-url"):
        build_patient(settings, asked=False)
