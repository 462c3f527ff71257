"""An overview as Prometheus reads it.

There are no counters in the engine's hot paths: what it counts anyway is read when somebody scrapes, and written down
in the scraping thread. How many samples a metric may have is bounded, and what was left out is a metric as well.
"""

import platform
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, get_args

from attrs import define, field

from engine.app.beside.overview import HeardRow, Overview
from engine.app.health.pulse import Reading, Vitals
from engine.app.health.table import BY_NAME, METRICS, MetricRow
from engine.app.report import PositionRow, Spread
from engine.flow.risk.exposure import units_of
from engine.model.alert import Severity
from engine.model.control import GapCause

if TYPE_CHECKING:
    from prometheus_client import Metric

SAMPLES_MAX: Final = 200
"""Of one metric: a few thousand in all, some hundred kilobytes and 50 ms of a thread for each scrape."""
LABEL_CHARS_MAX: Final = 80
"""Of one label: a subscription to hundreds of symbols has a name of thousands of letters."""
MS_PER_S: Final = 1000.0

_PHASES: Final = ("pre", "core", "post", "overnight", "closed")
_FATES: Final = ("received", "backfilled", "delivered", "duplicates", "conflated", "dropped", "late")
_ORDER_STATES: Final = ("open", "filled", "canceled", "refused", "unknown")
_HEARD_STATES: Final = ("live", "waiting", "quiet", "silent", "halted", "closed")
_ALARM_STATES: Final = ("open", "acknowledged")


@define(eq=False)
class _Samples:
    """The samples of each metric, and how many found no room. The first come first, so the important ones go first."""

    kept: dict[str, dict[tuple[str, ...], float]] = field(factory=dict)
    omitted: Counter[str] = field(factory=Counter)

    def add(self, name: str, value: float | None, *labels: str) -> None:
        """A sample of ``gapless_<name>``; one without a value is none."""
        row = BY_NAME[name]
        assert len(labels) == len(row.labels), f"{name} has the labels {row.labels}"
        if value is None:
            return
        kept, shown = self.kept.setdefault(name, {}), tuple(map(_short, labels))
        # Two long names may be one when they are cut, and Prometheus refuses all of a text with one sample twice.
        if len(kept) < SAMPLES_MAX and shown not in kept:
            kept[shown] = value
        else:
            self.omitted[row.name] += 1

    def spread(self, name: str, spread: Spread, *labels: str) -> None:
        """Three percentiles in seconds; 100 is the longest."""
        for quantile, value_ms in (("50", spread.p50), ("99", spread.p99), ("100", spread.max)):
            self.add(name, value_ms / MS_PER_S, *labels, quantile)


@define(eq=False)
class OverviewCollector:
    """What prometheus-client asks for samples. Before the first reading there are those of the vitals alone."""

    vitals: Vitals
    reading: Reading | None

    def collect(self) -> "Iterator[Metric]":
        """Every metric that has samples, in the order of the table."""
        samples = _Samples()
        _add_vitals(samples, self.vitals)
        if self.reading is not None:
            _add_engine(samples, self.reading)
            _add_feeds(samples, self.reading.overview)
            _add_streams(samples, self.reading.overview)
            _add_strategies(samples, self.reading.overview)
            _add_account(samples, self.reading.overview)
        for name, count in sorted(samples.omitted.items()):
            samples.add("series_omitted", count, name)
        for row in METRICS:
            kept = samples.kept.get(row.name.removeprefix("gapless_"))
            if kept:
                yield _family(row, kept.items())


def render_metrics(vitals: Vitals, reading: Reading | None, accept: str = "") -> tuple[str, bytes]:
    """The content type and the text, in the format that ``accept`` asks for. Blocks for some ten milliseconds."""
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry(auto_describe=False)
    registry.register(OverviewCollector(vitals, reading))
    ProcessCollector(registry=registry)
    encode, content_type = choose_encoder(accept)
    return content_type, encode(registry)


def _family(row: MetricRow, kept: Iterable[tuple[tuple[str, ...], float]]) -> "Metric":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    # Info is a gauge here: its own kind is one of OpenMetrics only, and the text of old would call it a gauge as well.
    make = CounterMetricFamily if row.kind == "counter" else GaugeMetricFamily
    family = make(row.name, row.means.replace("`", ""), labels=row.labels)
    for labels, value in kept:
        family.add_metric(labels, value)
    return family


def _short(label: str) -> str:
    return label if len(label) <= LABEL_CHARS_MAX else label[: LABEL_CHARS_MAX - 3] + "..."


def _number(text: str) -> float | None:
    """Exact numbers are text; where none is known it is empty."""
    return float(text) if text else None


def _add_vitals(samples: _Samples, vitals: Vitals) -> None:
    samples.add("healthy", vitals.health.ok)
    samples.add("ready", vitals.ready.ok)
    samples.add("beat_age_seconds", vitals.beat_age_s)
    samples.add("reading_age_seconds", vitals.reading_age_s)
    samples.add("loop_standing", vitals.standing)
    samples.add("loop_standstills_total", vitals.stood)
    samples.add("loop_standstill_seconds_total", vitals.stood_s)


def _add_engine(samples: _Samples, reading: Reading) -> None:
    overview = reading.overview
    samples.add("build_info", 1, overview.version, platform.python_version())
    samples.add("session_info", 1, overview.session, overview.venue)
    samples.add("uptime_seconds", overview.uptime_s)
    for phase in _PHASES:
        samples.add("market_phase", phase == overview.phase, phase)
    samples.spread("loop_lag_seconds", overview.loop_lag_ms)
    for cause in dict.fromkeys((*get_args(GapCause), *reading.gaps)):  # from 0 on: else the first would be no increase
        samples.add("gaps_total", reading.gaps.get(cause, 0), cause)
    samples.add("gaps_recovered_total", reading.recovered)
    alarms = Counter((row.severity, row.state) for row in overview.alarms)
    for severity in Severity:
        for state in _ALARM_STATES:
            samples.add("alarms", alarms[severity.value, state], severity.value, state)


def _add_feeds(samples: _Samples, overview: Overview) -> None:
    for row in overview.report.feeds:
        samples.add("feed_up", row.state == "live", row.feed)
        samples.add("feed_connects_total", row.connects, row.feed)
        samples.add("feed_restarts_total", row.restarts, row.feed)
        samples.add("feed_messages_total", row.messages, row.feed)
        samples.add("feed_malformed_total", row.malformed, row.feed)
        samples.add("feed_unknown_total", row.unknown_types, row.feed, "types")
        samples.add("feed_unknown_total", row.unknown_fields, row.feed, "fields")
        samples.spread("feed_lag_seconds", row.lag_ms, row.feed)
    if overview.report.feeds:  # it is that of all feeds together
        samples.spread("queue_lag_seconds", overview.report.feeds[0].queue_ms)


def _add_streams(samples: _Samples, overview: Overview) -> None:
    states = Counter(row.state for row in overview.heard)
    for state in dict.fromkeys((*_HEARD_STATES, *states)):
        samples.add("streams", states[state], state)
    for heard in sorted(overview.heard, key=_importance):
        samples.add("stream_age_seconds", heard.age_s, heard.feed, heard.kind, heard.symbol)
        samples.add("stream_limit_seconds", heard.limit_s, heard.feed, heard.kind, heard.symbol)
    fates: Counter[tuple[str, str, str, str]] = Counter()
    queued: Counter[tuple[str, str, str]] = Counter()
    for row in overview.report.streams:
        for fate in _FATES:
            fates[row.strategy, row.feed, row.kind, fate] += getattr(row, fate)
        queued[row.strategy, row.feed, row.kind] += row.queued
    for labels, count in sorted(fates.items()):
        samples.add("events_total", count, *labels)
    for where, count in sorted(queued.items()):
        samples.add("events_queued", count, *where)
    channels: dict[tuple[str, str], list[int]] = {}
    for channel in overview.channels:
        held = channels.setdefault((channel.strategy, _short(channel.name)), [0, 0])
        held[0] += channel.waiting
        held[1] += channel.capacity
    for (strategy, name), (waiting, capacity) in sorted(channels.items()):
        samples.add("channel_waiting", waiting, strategy, name)
        samples.add("channel_capacity", capacity, strategy, name)


def _importance(heard: HeardRow) -> tuple[bool, str, str, str]:
    """Those that somebody has to look at, and then always the same ones."""
    return heard.state != "silent", heard.feed, heard.kind, heard.symbol


def _add_strategies(samples: _Samples, overview: Overview) -> None:
    for row in overview.report.strategies:
        samples.add("strategy_up", row.state in ("running", "finished"), row.name)
        samples.add("strategy_restarts_total", row.restarts, row.name)
        samples.spread("event_lag_seconds", row.lag_ms, row.name)
    account = overview.report.account
    if account is None:
        return
    for orders in account.orders:
        for state in _ORDER_STATES:
            samples.add("orders", getattr(orders, state), orders.strategy, state)
        samples.add("fills_total", orders.fills, orders.strategy)
        samples.add("profit_dollars", _number(orders.profit), orders.strategy)
    for held in sorted(account.positions, key=_weight):
        price = _number(held.price)
        samples.add("position_quantity", float(held.qty), held.strategy, held.symbol)
        samples.add("position_dollars", None if price is None else _units(held) * price, held.strategy, held.symbol)
        samples.add("position_unrealized_dollars", _number(held.unrealized), held.strategy, held.symbol)


def _weight(held: PositionRow) -> tuple[float, str, str]:
    """The heaviest first, by what was paid for it."""
    return -abs(_units(held) * float(held.entry_price or 0)), held.strategy, held.symbol


def _units(held: PositionRow) -> float:
    """Shares or coins, of contracts those that they stand for: what a price is of."""
    return float(held.qty) * float(units_of(held.symbol))


def _add_account(samples: _Samples, overview: Overview) -> None:
    account = overview.report.account
    if account is None:
        return
    samples.add("account_up", account.stream == "listening")
    samples.add("account_connects_total", account.connects)
    samples.add("reconciliations_total", account.rounds)
    samples.add("killed", bool(account.killed))
