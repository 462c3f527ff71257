"""Everything that is watched beside silence: measures are read where they are kept, and held against their limits."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import trio
from attrs import define, evolve, field

from engine.app.beside.engine import Engine
from engine.app.watching.silences import market_of
from engine.core.watch import checks
from engine.core.watch.hours import EXPECTED, Hours, Market
from engine.core.watch.tuning import WatchTuning
from engine.core.watch.windows import Growth, Lasting, Recent
from engine.flow.markets import NOBODY
from engine.model.alert import Finding
from engine.model.instant import NS_PER_S

WINDOW_S: Final = 60.0
"""Lags are judged over a minute, in Trio's seconds."""
FLAPPING_S: Final = 600.0
"""Restarts are counted over ten minutes, as restart policies do."""
DISK_EVERY_S: Final = 30.0
"""A disk that fills up within half a minute is noticed by who writes to it."""
READY_NS: Final = 15 * 60 * NS_PER_S
"""A feed has to be there this long before its market opens."""
DELAYED_S: Final = {"delayed_sip": 900.0, "indicative": 900.0}
"""Feeds that are late by what is paid for: a quarter of an hour, of the second its trades."""
DOWN: Final = frozenset({"connecting", "resuming", "lost"})


@define(eq=False)
class Measures:
    """What is measured of one session. ``reasons``: what the line of each feed ended with last."""

    engine: Engine
    tuning: WatchTuning
    reasons: dict[str, str] = field(factory=dict)
    _lags: dict[str, Recent] = field(factory=dict)
    _growths: dict[str, Growth] = field(factory=dict)
    _lasting: dict[str, Lasting] = field(factory=dict)
    _away_s: dict[str, float] = field(factory=dict)
    """For each strategy, when a feed of it was last seen not live."""
    _since_ns: dict[str, int] = field(factory=dict)
    """Since when each finding holds."""
    _loop: Recent = field(factory=lambda: Recent(WINDOW_S))
    _disk: list[Finding] = field(factory=list)
    _disk_s: float = float("-inf")

    def look(self, hours: Hours) -> list[Finding]:
        """All that holds now."""
        at_ns = self.engine.markets.clock.now_ns()
        now_s = trio.current_time()
        findings = [
            *self._feeds(hours, at_ns, now_s),
            *self._strategies(at_ns, now_s),
            *self._channels(at_ns, now_s),
            *self._account(at_ns, now_s),
            *self._machine(at_ns, now_s),
        ]
        self._since_ns = {finding.key: self._since_ns.get(finding.key, at_ns) for finding in findings}
        return [evolve(finding, at_ns=self._since_ns[finding.key]) for finding in findings]

    def _lag(self, name: str) -> Recent:
        return self._lags.setdefault(name, Recent(WINDOW_S))

    def _growth(self, name: str, window_s: float) -> Growth:
        return self._growths.setdefault(name, Growth(window_s))

    def _holding(self, name: str) -> Lasting:
        return self._lasting.setdefault(name, Lasting())

    # -- market data

    def _feeds(self, hours: Hours, at_ns: int, now_s: float) -> Iterator[Finding]:
        speed = self.engine.markets.clock.speed
        for name, stream in self.engine.markets.streams.items():
            recent = self._lag(f"feed/{name}").read(stream.lag, now_s)
            lag_s = self.tuning.lag_s + DELAYED_S.get(name, 0.0)
            yield from checks.find_lag(f"feed/{name}", recent, lag_s, speed, at_ns)
            down = stream.state in DOWN and self._is_due(name, hours, at_ns)
            for_s = self._holding(f"down/{name}").read(down, now_s)
            yield from checks.find_down(
                name, stream.state, for_s, self.tuning.not_live_s, self.reasons.get(name, ""), at_ns
            )
            # Lines opened again, and not tries to: an outage of three seconds is five of those, and no flapping.
            yield from self._flapping(f"feed/{name}", max(0, stream.connects - 1), at_ns, now_s)

    def _flapping(self, what: str, count: int, at_ns: int, now_s: float) -> list[Finding]:
        restarts = self._growth(f"restarts/{what}", FLAPPING_S).read(count, now_s)
        return checks.find_flapping(what, restarts, self.tuning.flapping, FLAPPING_S, at_ns)

    @staticmethod
    def _is_due(feed: str, hours: Hours, at_ns: int) -> bool:
        """Whether anybody is to be woken because this feed is not there: in its regular hours, and just before."""
        market = market_of(feed)
        if market is Market.NEWS:
            return True
        return EXPECTED[market] in (hours.part_at(market, at_ns), hours.part_at(market, at_ns + READY_NS))

    # -- strategies

    def _strategies(self, at_ns: int, now_s: float) -> Iterator[Finding]:
        speed = self.engine.markets.clock.speed
        for run in self.engine.session.runs:
            recent = self._lag(f"strategy/{run.name}").read(run.context.lag, now_s)
            if self._is_steady(run.name, now_s):
                lag_s = self.tuning.lag_s + self._delayed_s(run.name)
                yield from checks.find_lag(f"strategy/{run.name}", recent, lag_s, speed, at_ns)
            yield from self._flapping(f"strategy/{run.name}", run.restarts, at_ns, now_s)

    def _delayed_s(self, strategy: str) -> float:
        """How late the events of its latest feed are meant to be."""
        channels = self.engine.markets.fanout.channels()
        feeds = {name for channel, _ in channels if channel.strategy == strategy for name in channel.feeds}
        return max((DELAYED_S.get(name, 0.0) for name in feeds), default=0.0)

    def _is_steady(self, strategy: str, now_s: float) -> bool:
        """Whether its feeds have been live throughout the last window: what was held while a hole was closed is told
        late, and that is no news."""
        if not self.engine.markets.not_live(strategy):
            self._away_s.setdefault(strategy, float("-inf"))
        elif strategy in self._away_s:  # it was live before
            self._away_s[strategy] = now_s
        return now_s - self._away_s.get(strategy, float("-inf")) >= 2 * WINDOW_S

    def _channels(self, at_ns: int, now_s: float) -> Iterator[Finding]:
        dropped: dict[str, Growth] = {}
        for channel, _ in self.engine.markets.fanout.channels():
            if channel.strategy == NOBODY or channel.closed:
                continue
            strategy, name, queue = channel.strategy, channel.name, channel.queue
            if queue.full in ("block", "fail"):
                yield from checks.find_queue(strategy, name, len(queue), queue.capacity, self.tuning.queue_fill, at_ns)
            key = f"drops/{strategy}/{name}"
            dropped[key] = self._growth(key, self.tuning.hold_s)
            lately = dropped[key].read(queue.dropped.total(), now_s)
            yield from checks.find_drops(strategy, name, lately, at_ns)
        for key in [key for key in self._growths if key.startswith("drops/") and key not in dropped]:
            del self._growths[key]  # a subscription that was left

    # -- orders

    def _account(self, at_ns: int, now_s: float) -> Iterator[Finding]:
        account = self.engine.account
        if account is None:
            return
        state = account.stream.state
        away_s = self._holding("account").read(state != "listening", now_s)
        yield from checks.find_account_down(state, away_s, self.tuning.account_s, at_ns)
        comparing = account.desk.comparing
        yield from checks.find_books(account.desk.gate.halted, comparing.unsettled, self.tuning.doubts, at_ns)
        unread_s = self._holding("books").read(bool(comparing.failing), now_s)
        yield from checks.find_unreachable(comparing.failing, unread_s, self.tuning.unknown_s, at_ns)
        unknown = [ticket.client_order_id for ticket in account.desk.blotter.unresolved()]
        unknown_s = self._holding("orders").read(bool(unknown), now_s)
        yield from checks.find_unknown(unknown, unknown_s, self.tuning.unknown_s, at_ns)

    # -- this machine

    def _machine(self, at_ns: int, now_s: float) -> Iterator[Finding]:
        clock = self.engine.venue.clock
        yield from checks.find_skew(clock.skewed, clock.skew_s, at_ns)
        yield from checks.find_clock_unread(clock.polls_missed, at_ns)
        yield from checks.find_loop_lag(self._loop.read(self.engine.loop_lag, now_s), self.tuning.loop_lag_s, at_ns)
        if now_s - self._disk_s >= DISK_EVERY_S:
            self._disk_s = now_s
            self._disk = [finding for folder in self._folders() for finding in self._look_at_disk(folder, at_ns)]
        yield from self._disk

    def _folders(self) -> list[Path]:
        account = self.engine.account
        folders = (self.engine.options.record_dir, None if account is None else account.folder)
        return [folder for folder in folders if folder is not None]

    def _look_at_disk(self, folder: Path, at_ns: int) -> list[Finding]:
        # In place: it is some microseconds on a disk that the engine's sign of life is written to each second anyway.
        try:
            free_bytes = shutil.disk_usage(folder).free
        except OSError:  # whoever writes there says so
            return []
        return checks.find_disk(str(folder), free_bytes, self.tuning.disk_free_mb, at_ns)
