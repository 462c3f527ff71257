"""Metrics are what the table says, equal the figures that they are made of, and are bounded."""

import re
from typing import Any

import pytest
from attrs import evolve
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from engine.app.beside.overview import AlarmRow, ChannelRow, HeardRow, Overview
from engine.app.health.metrics import LABEL_CHARS_MAX, SAMPLES_MAX, render_metrics
from engine.app.health.pulse import Reading, Vitals
from engine.app.health.table import METRICS
from engine.app.report import (
    AccountRow,
    FeedRow,
    OrderRow,
    PositionRow,
    SessionReport,
    Spread,
    StrategyRow,
    StreamRow,
)
from engine.core.health.verdict import Verdict


def channel(strategy: str, name: str, waiting: int, capacity: int) -> ChannelRow:
    """One subscription."""
    return ChannelRow(strategy=strategy, name=name, waiting=waiting, capacity=capacity, full="block")


def heard_row(symbol: str, age_s: float | None, limit_s: float | None, state: str = "live") -> HeardRow:
    """One stream of trades."""
    return HeardRow(feed="iex", kind="trades", symbol=symbol, age_s=age_s, limit_s=limit_s, state=state)


def alarm(key: str, severity: str, state: str) -> AlarmRow:
    """One alarm."""
    return AlarmRow(key=key, severity=severity, title="t", text="", since="", last="", count=1, state=state)


VITALS = Vitals(
    health=Verdict.of(()), ready=Verdict.of(("no",)), beat_age_s=0.1, reading_age_s=0.2, stood=3, stood_s=12.5
)
REPORT = SessionReport(
    streams=(
        StreamRow("sma", "iex", "trades", "SPY", received=10, backfilled=2, delivered=9, dropped=1, queued=2, late=1),
        StreamRow("sma", "iex", "trades", "AAPL", received=5, delivered=5, duplicates=4),
    ),
    feeds=(FeedRow("iex", "live", 2, 3, 100, 1, 4, 5, Spread(1.5, 20.0, 300.0), Spread(0.1, 0.2, 0.3)),),
    strategies=(
        StrategyRow("sma", "running", 1, None, Spread(2.0, 25.0, 250.0)),
        StrategyRow("old", "failed"),
        StrategyRow("done", "finished"),
    ),
    account=AccountRow(
        stream="listening",
        connects=2,
        rounds=7,
        killed="by hand",
        orders=(OrderRow("sma", 9, 1, 5, 2, 1, 0, 6, "-12.5"), OrderRow("old", profit="")),
        positions=(
            PositionRow("sma", "SPY", "-3", "500", "510", "-30"),
            PositionRow("sma", "AAPL", "2", "100", "", ""),
        ),
    ),
)
OVERVIEW = Overview(
    version="0.1.0",
    pid=1,
    session="s1",
    venue="paper",
    now="2026-01-05T15:00:00Z",
    uptime_s=60.0,
    phase="core",
    loop_lag_ms=Spread(0.5, 4.0, 90.0),
    report=REPORT,
    channels=(
        channel("sma", "trades SPY", 5, 100),
        channel("sma", "trades SPY", 1, 100),
    ),
    heard=(
        heard_row("SPY", 0.5, 10.0),
        heard_row("AAPL", None, None, "waiting"),
        heard_row("TSLA", 90.0, 30.0, "silent"),
    ),
    alarms=(
        alarm("silent/iex/trades/TSLA", "critical", "open"),
        alarm("lag/iex", "warning", "over"),
    ),
)
READING = Reading(overview=OVERVIEW, gaps={"history_lags": 2}, recovered=5)


def samples(overview: Overview = OVERVIEW) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by name and labels, as a scraper reads it."""
    _, text = render_metrics(VITALS, evolve(READING, overview=overview))
    families = text_string_to_metric_families(text.decode())
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def value(told: dict[Any, float], name: str, **labels: str) -> float:
    """One of ours."""
    return told[f"gapless_{name}", frozenset(labels.items())]


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("build_info", {"version": "0.1.0"}, None),
        ("session_info", {"session": "s1", "venue": "paper"}, 1),
        ("healthy", {}, 1),
        ("ready", {}, 0),
        ("uptime_seconds", {}, 60),
        ("market_phase", {"phase": "core"}, 1),
        ("market_phase", {"phase": "closed"}, 0),
        ("reading_age_seconds", {}, 0.2),
        ("loop_lag_seconds", {"percentile": "99"}, 0.004),
        ("loop_standing", {}, 0),
        ("loop_standstills_total", {}, 3),
        ("loop_standstill_seconds_total", {}, 12.5),
        ("feed_up", {"feed": "iex"}, 1),
        ("feed_connects_total", {"feed": "iex"}, 3),
        ("feed_restarts_total", {"feed": "iex"}, 2),
        ("feed_messages_total", {"feed": "iex"}, 100),
        ("feed_malformed_total", {"feed": "iex"}, 1),
        ("feed_unknown_total", {"feed": "iex", "what": "fields"}, 5),
        ("feed_lag_seconds", {"feed": "iex", "percentile": "100"}, 0.3),
        ("queue_lag_seconds", {"percentile": "50"}, 0.0001),
        ("gaps_total", {"cause": "history_lags"}, 2),
        ("gaps_total", {"cause": "dropped"}, 0),
        ("gaps_recovered_total", {}, 5),
        ("streams", {"state": "silent"}, 1),
        ("streams", {"state": "halted"}, 0),
        ("stream_age_seconds", {"feed": "iex", "kind": "trades", "symbol": "TSLA"}, 90),
        ("stream_limit_seconds", {"feed": "iex", "kind": "trades", "symbol": "SPY"}, 10),
        ("events_total", {"strategy": "sma", "feed": "iex", "kind": "trades", "fate": "received"}, 15),
        ("events_total", {"strategy": "sma", "feed": "iex", "kind": "trades", "fate": "duplicates"}, 4),
        ("events_queued", {"strategy": "sma", "feed": "iex", "kind": "trades"}, 2),
        ("channel_waiting", {"strategy": "sma", "channel": "trades SPY"}, 6),
        ("channel_capacity", {"strategy": "sma", "channel": "trades SPY"}, 200),
        ("strategy_up", {"strategy": "sma"}, 1),
        ("strategy_up", {"strategy": "old"}, 0),
        ("strategy_up", {"strategy": "done"}, 1),
        ("strategy_restarts_total", {"strategy": "sma"}, 1),
        ("event_lag_seconds", {"strategy": "sma", "percentile": "99"}, 0.025),
        ("orders", {"strategy": "sma", "state": "filled"}, 5),
        ("fills_total", {"strategy": "sma"}, 6),
        ("profit_dollars", {"strategy": "sma"}, -12.5),
        ("position_quantity", {"strategy": "sma", "symbol": "SPY"}, -3),
        ("position_dollars", {"strategy": "sma", "symbol": "SPY"}, -1530),
        ("position_unrealized_dollars", {"strategy": "sma", "symbol": "SPY"}, -30),
        ("account_up", {}, 1),
        ("account_connects_total", {}, 2),
        ("reconciliations_total", {}, 7),
        ("killed", {}, 1),
        ("alarms", {"severity": "critical", "state": "open"}, 1),
        ("alarms", {"severity": "warning", "state": "open"}, 0),
    ],
)
def test_a_metric_is_the_figure_that_it_is_made_of(name: str, labels: dict[str, str], expected: float | None) -> None:
    told = samples()
    if expected is None:  # it also names this Python
        assert any(sample == f"gapless_{name}" and set(labels.items()) <= found for sample, found in told)
    else:
        assert value(told, name, **labels) == expected


def test_what_is_not_known_is_no_sample() -> None:
    told = samples()
    assert ("gapless_profit_dollars", frozenset({("strategy", "old")})) not in told
    assert not any(name == "gapless_position_dollars" and ("symbol", "AAPL") in labels for name, labels in told)
    assert not any(name == "gapless_stream_age_seconds" and ("symbol", "AAPL") in labels for name, labels in told)


def test_every_metric_of_the_table_is_exported_with_its_kind_and_labels_and_no_other() -> None:
    many = evolve(OVERVIEW, heard=tuple(heard_row(f"S{n}", 1.0, 2.0) for n in range(SAMPLES_MAX + 1)))
    _, text = render_metrics(VITALS, evolve(READING, overview=many))
    told = {
        f"{family.name}_total" if family.type == "counter" else family.name: (
            family.type,
            {tuple(sorted(sample.labels)) for sample in family.samples},
        )
        for family in text_string_to_metric_families(text.decode())
        if family.name.startswith("gapless_")
    }
    wanted = {
        row.name: ("counter" if row.kind == "counter" else "gauge", {tuple(sorted(row.labels))}) for row in METRICS
    }
    assert told == wanted


def test_names_follow_the_conventions() -> None:
    for row in METRICS:
        assert re.fullmatch(r"gapless_[a-z]+(_[a-z]+)*", row.name), row.name
        assert row.name.endswith("_total") == (row.kind == "counter"), row.name
        assert row.name.endswith("_info") == (row.kind == "info"), row.name
        for wrong in ("_ms", "_milliseconds", "_minutes", "_count", "_usd"):
            assert wrong not in row.name, row.name
    assert len({row.name for row in METRICS}) == len(METRICS)


def test_samples_are_bounded_the_important_ones_come_first_and_what_is_left_out_is_said() -> None:
    heard = [heard_row(f"S{number:04}", 1.0, 2.0) for number in range(1000)]
    heard[900] = evolve(heard[900], state="silent")
    positions = [PositionRow("sma", f"S{number:04}", "1", str(number), "1") for number in range(1000)]
    report = evolve(REPORT, account=AccountRow(positions=tuple(positions)))
    told = samples(evolve(OVERVIEW, heard=tuple(heard), report=report))
    ages = {dict(labels)["symbol"] for name, labels in told if name == "gapless_stream_age_seconds"}
    assert len(ages) == SAMPLES_MAX
    assert {"S0900", "S0000", "S0198"} <= ages
    assert value(told, "series_omitted", metric="gapless_stream_age_seconds") == 1000 - SAMPLES_MAX
    held = {dict(labels)["symbol"] for name, labels in told if name == "gapless_position_quantity"}
    assert len(held) == SAMPLES_MAX
    assert "S0999" in held, "what most was paid for"
    assert len(told) < 10 * SAMPLES_MAX


def test_labels_are_bounded_and_cannot_break_the_text() -> None:
    name = 'a"b\\c\nd' + "x" * 1000
    told = samples(evolve(OVERVIEW, channels=(channel("sma", name, 1, 2),)))
    (label,) = [dict(labels)["channel"] for sample, labels in told if sample == "gapless_channel_waiting"]
    assert label == name[: LABEL_CHARS_MAX - 3] + "..."


def test_names_that_are_one_when_they_are_cut_are_one_sample_and_the_other_is_counted() -> None:
    alike = "strategy_" * 20
    rows = (StrategyRow(f"{alike}1", "running"), StrategyRow(f"{alike}2", "failed"))
    _, text = render_metrics(VITALS, evolve(READING, overview=evolve(OVERVIEW, report=evolve(REPORT, strategies=rows))))
    assert len(re.findall(r"^gapless_strategy_up\{", text.decode(), re.MULTILINE)) == 1
    assert 'gapless_series_omitted{metric="gapless_strategy_up"} 1.0' in text.decode()


def test_a_contract_is_worth_a_hundred_times_its_price() -> None:
    held = PositionRow("sma", "SPY260320C00580000", "2", "4.5", "5.25", "150")
    told = samples(evolve(OVERVIEW, report=evolve(REPORT, account=AccountRow(positions=(held,)))))
    assert value(told, "position_quantity", strategy="sma", symbol=held.symbol) == 2
    assert value(told, "position_dollars", strategy="sma", symbol=held.symbol) == 1050


def test_the_text_is_openmetrics_for_who_asks_for_it() -> None:
    content_type, text = render_metrics(VITALS, READING, "application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    families = parse_openmetrics(text.decode())  # type: ignore[no-untyped-call] # it has no types
    assert {family.name for family in families} >= {"gapless_feed_up", "gapless_events"}


def test_before_the_first_figures_there_are_the_vitals() -> None:
    _, text = render_metrics(VITALS, None)
    assert b"\ngapless_healthy 1.0\n" in text
    assert b"gapless_feed_up" not in text
