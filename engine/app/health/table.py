"""The metrics: their names, kinds and labels, and what they mean. HEALTH.md shows this table, and a test compares.

By the conventions of Prometheus: base units (seconds, dollars), ``_total`` on what only grows, one meaning a name.
"""

from typing import Final, Literal, TypeAlias

from attrs import frozen

MetricKind: TypeAlias = Literal["gauge", "counter", "info"]


@frozen
class MetricRow:
    """One metric. ``name`` is as it is scraped; ``labels`` are those of every sample of it."""

    name: str
    kind: MetricKind
    labels: tuple[str, ...]
    means: str


def _gauge(name: str, means: str, *labels: str) -> MetricRow:
    return MetricRow(f"gapless_{name}", "gauge", labels, means)


def _counter(name: str, means: str, *labels: str) -> MetricRow:
    return MetricRow(f"gapless_{name}_total", "counter", labels, means)


def _fact(name: str, means: str, *labels: str) -> MetricRow:
    return MetricRow(f"gapless_{name}_info", "info", labels, means)


METRICS: Final = (
    # of the engine
    _fact("build", "always 1; what runs", "version", "python"),
    _fact("session", "always 1; which session, and where", "session", "venue"),
    _gauge("healthy", "1 while every task gets on, as `/healthz` says"),
    _gauge("ready", "1 while it can trade, as `/readyz` says"),
    _gauge("uptime_seconds", "since the session began"),
    _gauge("market_phase", "1 for the part of the trading day of US stocks", "phase"),
    _gauge("reading_age_seconds", "how old these figures are: they grow old while the loop stands still"),
    _gauge("beat_age_seconds", "since the loop last came round"),
    _gauge("loop_lag_seconds", "how much later than meant the loop gets round to a timer", "percentile"),
    _gauge("loop_standing", "1 while the loop stands still for longer than `health.frozen_after_s`"),
    _counter("loop_standstills", "how often it stood still"),
    _counter("loop_standstill_seconds", "for how long, all together"),
    # of feeds
    _gauge("feed_up", "1 while a feed is live: connected, and without an open hole", "feed"),
    _counter("feed_connects", "lines that were opened", "feed"),
    _counter("feed_restarts", "lines that ended and were tried again", "feed"),
    _counter("feed_messages", "messages that came over its lines", "feed"),
    _counter("feed_malformed", "messages that could not be read", "feed"),
    _counter("feed_unknown", "types and fields that this version does not know", "feed", "what"),
    _gauge("feed_lag_seconds", "from an event's instant at the venue to its arrival", "feed", "percentile"),
    _gauge("queue_lag_seconds", "how long events wait for a strategy to take them", "percentile"),
    _counter("gaps", "holes that stayed open, by cause", "cause"),
    _counter("gaps_recovered", "holes that history closed"),
    # of streams and channels
    _gauge("streams", "streams by what is heard of them, such as `silent`", "state"),
    _gauge("stream_age_seconds", "since a stream last spoke, in market time", "feed", "kind", "symbol"),
    _gauge("stream_limit_seconds", "how long it may be silent now", "feed", "kind", "symbol"),
    _counter("events", "events by what became of them", "strategy", "feed", "kind", "fate"),
    _gauge("events_queued", "events that wait for a strategy", "strategy", "feed", "kind"),
    _gauge("channel_waiting", "events that wait in one subscription", "strategy", "channel"),
    _gauge("channel_capacity", "how many may", "strategy", "channel"),
    # of strategies
    _gauge("strategy_up", "1 while it runs, and once it has finished by itself", "strategy"),
    _counter("strategy_restarts", "how often it was started again", "strategy"),
    _gauge("event_lag_seconds", "from an event's instant at the venue to the strategy", "strategy", "percentile"),
    _gauge("orders", "orders of this session by what became of them", "strategy", "state"),
    _counter("fills", "executions", "strategy"),
    _gauge("profit_dollars", "made today, realized or not", "strategy"),
    _gauge("position_quantity", "what it holds: shares, coins, contracts; less than 0 is short", "strategy", "symbol"),
    _gauge("position_dollars", "the same at the last price", "strategy", "symbol"),
    _gauge("position_unrealized_dollars", "its profit on paper", "strategy", "symbol"),
    # of the account and of people
    _gauge("account_up", "1 while the account stream listens"),
    _counter("account_connects", "lines of the account stream that were opened"),
    _counter("reconciliations", "how often our books were compared with the broker's"),
    _gauge("killed", "1 while the account's kill switch is tripped"),
    _gauge("alarms", "alarms that are not over", "severity", "state"),
    _gauge("series_omitted", "samples of a metric that were left out, because there are too many", "metric"),
)
BY_NAME: Final = {row.name.removeprefix("gapless_"): row for row in METRICS}
