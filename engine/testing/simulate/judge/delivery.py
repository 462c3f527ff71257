"""Invariants 1 to 5, 12, 27 and 28: what each subscription was told, held against what the exchange published.

A subscription owes what was published between its first event and its end, each once, but for what a `Gap` names. What
its own slowness drops is named by a gap too, or, where only the newest is wanted, not owed at all.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import define, field

from engine.model.control import Gap, Lost
from engine.model.instant import NS_PER_S
from engine.model.market import Bar, Book, Kind, MarketEvent, Quote, Trade
from engine.model.stream import ANY, Stream
from engine.ports.context import Event
from engine.testing.simulate.judge.ground import NEVER_S, SHADOW_S, Ground, broken
from engine.testing.simulate.judge.truth import Key, Name, Told, Truth, content
from engine.testing.simulate.watch import Life, Scene, Taking, Watch

AHEAD_NS: Final = 50_000_000
"""Our clock reads the venue's over a network, so it may be ahead of it by some milliseconds; simulated, by less."""
LATE_NS: Final = 10 * NS_PER_S
"""On a healthy line an event takes milliseconds. What a feed's splice holds back has a cause, and so is not meant."""
TAIL_S: Final = 60.0
"""What was published in the last minute before a session's end may still be on its way."""
BEFORE_NS: Final = 20 * NS_PER_S
"""Trades are told up to ten seconds late, and history trails: so far around a hole's bounds its cause may lie."""
DEAF_S: Final = 270.0
"""The longest silence before a feed is asked about (three minutes), a quarter of it between two looks, and some."""
LOOK_EVERY_S: Final = 10.0
"""How often deafness is looked for: it lasts."""
CAUSED: Final = frozenset({"dropped", "restarted"})
"""Gaps whose cause is the strategy itself."""
OWING: Final = frozenset({Kind.TRADES, Kind.QUOTES, Kind.BARS})
"""Kinds that have a history, so that nothing of them may be missing without a word."""


@define(eq=False)
class Row:
    """One stream of a subscription."""

    first_ns: int = 0
    """The instant of the first event told that was published in this session, and when it was published."""
    first_published_ns: int = 0
    last_ns: int = 0
    newest_published_ns: int = 0
    seen: Counter[Key] = field(factory=Counter)


@define(eq=False)
class Got:
    """One subscription as its player saw it."""

    taking: Taking
    rows: dict[Name, Row] = field(factory=dict)
    gaps: list[Gap] = field(factory=list)
    delivered: int = 0
    heard_s: dict[bool, float] = field(factory=dict)
    """When it last heard anything of the feed of coins, and of that of stocks: a subscription may be to both."""


@define(eq=False)
class Delivery(Watch):
    """``got`` are the subscriptions that are open, by their number."""

    ground: Ground
    truth: Truth = field(factory=Truth)
    got: dict[int, Got] = field(factory=dict)
    delivered_by: Counter[tuple[int, str, Name]] = field(factory=Counter)
    """How many events each strategy of each life was handed, by stream: for the conservation law."""
    _look_s: float = 0.0
    gaps: list[tuple[int, Gap]] = field(factory=list)
    """Every gap told, with the life it was told in."""
    mute_s: dict[str, float] = field(factory=dict)
    """Since when the line of a path has been mute; whether that is noticed in time is the law of lines."""
    _lost_s: dict[str, float] = field(factory=dict)
    """When the line of each feed was last told to be lost; that there was a reason to is the law of lines."""

    # -- what is told

    def started(self, scene: Scene) -> None:
        """History of before is not ours to judge."""
        self.truth.start_ns = scene.running.market.source.start_ns

    def published(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """The truth grows."""
        self.truth.add(events, now_ns)

    def opened(self, taking: Taking) -> None:
        """A subscription begins."""
        self.got[taking.number] = Got(taking, heard_s=dict.fromkeys((False, True), self.ground.now_s))

    def closed(self, taking: Taking) -> None:
        """It ends: what it owes up to its last event is due now."""
        got = self.got.pop(taking.number, None)
        if got is not None:
            for name, row in got.rows.items():
                self.check_owed(got, name, row, until_ns=row.newest_published_ns, read_ns=row.last_ns)

    def noticed(self, life: Life, strategy: str, notice: Event, now_ns: int) -> None:
        """Gaps are told on the lifecycle too."""
        del strategy
        if isinstance(notice, Lost):
            self._lost_s[notice.feed] = self.ground.now_s
        if isinstance(notice, Gap):
            self.check_gap(notice, now_ns)
            self.gaps.append((life.number, notice))

    def delivered(self, taking: Taking, events: Sequence[Event], now_ns: int) -> None:
        """A player was handed these."""
        got = self.got.get(taking.number)
        if got is None:
            got = self.got[taking.number] = Got(taking)
        for event in events:
            if isinstance(event, Gap):
                got.heard_s["/" in event.stream.symbol] = self.ground.now_s
                self.check_gap(event, now_ns)
                got.gaps.append(event)
                self.gaps.append((taking.life.number, event))
            elif isinstance(event, MarketEvent):
                got.heard_s["/" in event.symbol] = self.ground.now_s
                got.delivered += 1
                self.delivered_by[taking.life.number, taking.strategy, (event.kind, event.symbol)] += 1
                self.check(got, event, now_ns)

    def step(self) -> None:
        """A subscription that hears nothing although there is something to hear, while nothing goes wrong."""
        if self.ground.slow or self.ground.quiet_s() < SHADOW_S or self.ground.now_s < self._look_s:
            return
        self._look_s = self.ground.now_s + LOOK_EVERY_S
        until_ns = self._market_ns(self.ground.now_s - DEAF_S)
        for got in self.got.values():
            if not got.taking.life.alive or got.taking.full == "fail":
                continue
            for name in self._names(got):
                row = got.rows.get(name, Row())
                published = self.truth.of(*name).between(max(row.newest_published_ns + 1, self._quiet_ns()), until_ns)
                if not published or published[0].published_ns <= got.taking.opened_ns:
                    continue
                told_s = (published[0].published_ns - self.truth.start_ns) / NS_PER_S
                if any(
                    ("crypto" in feed) is ("/" in name[1]) and lost_s > told_s for feed, lost_s in self._lost_s.items()
                ):
                    continue  # somebody noticed, and it will be read from history
                deaf_s = self.ground.now_s - told_s
                if deaf_s > DEAF_S + self._silent_s(name, told_s):
                    broken(
                        28, f"{_who(got)} hears nothing of {name[0]} {name[1]} for {deaf_s:.0f} s, and nobody noticed"
                    )

    def _silent_s(self, name: Name, at_s: float) -> float:
        """For how long nobody had heard anything of a feed then: a quiet one is asked about less and less often, when
        its silence is twice as long as the last time."""
        heard_s = self._heard_s("/" in name[1])
        return max(at_s - heard_s, 0.0) if heard_s != NEVER_S else 0.0

    def unheard(self, path: str, since_s: float, until_s: float) -> bool:
        """Whether the line of this path should have brought something meanwhile that a subscription waits for."""
        start_ns, end_ns = self._market_ns(since_s + 1.0), self._market_ns(until_s)
        for got in self.got.values():
            if self.ground.slow or not got.taking.life.alive or got.taking.opened_ns > start_ns:
                continue
            for name in self._names(got):
                ours = ("crypto" in path) is ("/" in name[1])
                newest_ns = got.rows.get(name, Row()).newest_published_ns
                if not ours or newest_ns >= start_ns:
                    continue
                if any(not self._excused(got, name, told) for told in self.truth.of(*name).between(start_ns, end_ns)):
                    return True
        return False

    def last_published_s(self, path: str, until_s: float) -> float:
        """When the line of this path last had something to bring, seconds from the start; before it for never."""
        until_ns = self._market_ns(until_s)
        ours = [name for name in self.truth.streams if name[0] in OWING and ("crypto" in path) is ("/" in name[1])]
        last_ns = [rows[-1].published_ns for name in ours if (rows := self.truth.of(*name).between(0, until_ns))]
        return (max(last_ns) - self.truth.start_ns) / NS_PER_S if last_ns else -1.0

    def _quiet_ns(self) -> int:
        """Since when nothing has gone wrong any more, and what did is over."""
        return self._market_ns(self.ground.now_s - self.ground.quiet_s() + SHADOW_S)

    # -- one event

    def check(self, got: Got, event: MarketEvent, now_ns: int) -> None:
        """Everything that can be said of one event alone."""
        if event.ts_ns > now_ns + AHEAD_NS:
            ahead_s = (event.ts_ns - now_ns) / NS_PER_S
            broken(12, f"{_who(got)} was told {_name(event)} {ahead_s:.3f} s before its time")
        if event.ts_ns <= self.truth.start_ns or (isinstance(event, Book) and event.reset):
            return  # the year before, or the whole book for a new subscriber: made when it is asked for
        published_ns = self._published_ns(got, event)
        row = got.rows.setdefault((event.kind, event.symbol), Row())
        self._check_once(got, row, event)
        self._check_order(got, row, event)
        self._check_late(got, event, published_ns, now_ns)
        if not row.seen:
            row.first_ns, row.first_published_ns = event.ts_ns, published_ns or 0
        row.seen[content(event)] += 1
        row.last_ns = max(row.last_ns, event.ts_ns)
        row.newest_published_ns = max(row.newest_published_ns, published_ns or 0)

    def _published_ns(self, got: Got, event: MarketEvent) -> int | None:
        published_ns = self.truth.published_ns(event)
        if published_ns is None and not _revised(event):
            broken(3, f"{_who(got)} was told {_name(event)}, which was never published: {event!r}")
        return published_ns

    def _check_once(self, got: Got, row: Row, event: MarketEvent) -> None:
        before = row.seen[content(event)]
        if not before or isinstance(event, Quote):
            return  # a quote told twice harms nobody, and nothing shows that it is the same one
        if before >= max(1, self.truth.times(event)):
            broken(1, f"{_who(got)} was told {_name(event)} {before + 1} times")

    def _check_order(self, got: Got, row: Row, event: MarketEvent) -> None:
        if event.ts_ns >= row.last_ns or isinstance(event, Bar):
            return  # a bar may be told again
        stream = self.truth.of(event.kind, event.symbol)
        key = content(event)
        late = _revised(event) or any(told.late for told in reversed(stream.rows) if told.key == key)
        if not late and not self.ground.hits("reorder", "swap", "duplicate"):
            back_s = (row.last_ns - event.ts_ns) / NS_PER_S
            broken(2, f"{_who(got)} was told {_name(event)} {back_s:.3f} s behind what it follows, which has no cause")

    def _check_late(self, got: Got, event: MarketEvent, published_ns: int | None, now_ns: int) -> None:
        if published_ns is None or event.origin != "live" or self.ground.quiet_s() < SHADOW_S or self.ground.slow:
            return
        if now_ns - published_ns > LATE_NS and published_ns > got.taking.opened_ns:
            late_s = (now_ns - published_ns) / NS_PER_S
            broken(4, f"{_who(got)} was told {_name(event)} {late_s:.1f} s late, and nothing had gone wrong")

    # -- what is owed

    def check_rest(self, now_ns: int) -> None:
        """At rest every open subscription owes all but the last minute, and what a line that is mute still keeps."""
        for got in self.got.values():
            if not got.taking.life.alive:
                continue
            for name in self._names(got):
                row = got.rows.get(name, Row())
                until_ns = min([now_ns - int(TAIL_S * NS_PER_S), *map(self._market_ns, self._mute_since(name))])
                if self.ground.slow:  # the rest may wait for its player
                    behind_ns = min(until_ns, row.newest_published_ns)
                    self.check_owed(got, name, row, until_ns=behind_ns, read_ns=row.last_ns)
                else:
                    self.check_owed(got, name, row, until_ns=until_ns)

    def _mute_since(self, name: Name) -> list[float]:
        """Since when the line of a stream is mute; a suspect that somebody has heard of since is none."""
        crypto = "/" in name[1]
        heard_s = self._heard_s(crypto)
        return [
            at_s for path, at_s in self.mute_s.items() if ("crypto" in path) is crypto and heard_s < at_s + SHADOW_S
        ]

    def _heard_s(self, crypto: bool) -> float:
        """When anybody heard anything of the feed of coins, or of that of stocks."""
        heard_s = [
            got.heard_s.get(crypto, NEVER_S)
            for got in self.got.values()
            if got.taking.life.alive and any(("/" in symbol) is crypto for _, symbol in self._names(got))
        ]
        return max(heard_s, default=NEVER_S)

    def _names(self, got: Got) -> Iterator[Name]:
        """The streams it is owed: all that it asked for, and with a wildcard all that there are."""
        for stream in got.taking.streams:
            if stream.kind in OWING and stream.symbol != ANY:
                yield stream.kind, stream.symbol
            elif stream.kind in OWING:
                yield from sorted(name for name in self.truth.streams if name[0] is stream.kind)

    def check_owed(self, got: Got, name: Name, row: Row, *, until_ns: int, read_ns: int | None = None) -> None:
        """That nothing is missing of one stream, of what was published behind its first event, up to then.

        ``read_ns``: the player has read so far and no further. What is younger may wait for it, even where a straggler
        that it has read was published behind it: an arrival is put in order.
        """
        if got.taking.full == "fail" or name[0] not in OWING:
            return
        if got.taking.full == "latest":
            self.check_newest(got, name, row, until_ns=until_ns)
            return
        calm_s = self.ground.calm_s
        if not row.seen:
            if calm_s is None:
                return  # it may never have been acknowledged
            from_ns = max(got.taking.opened_ns, self._market_ns(calm_s)) + int(SHADOW_S * NS_PER_S)
        else:
            from_ns = row.first_published_ns
        owed = self._owed(name, row, from_ns, until_ns)
        missing = [
            told for told in owed if (read_ns is None or told.ts_ns <= read_ns) and not self._excused(got, name, told)
        ]
        if missing and not self.ground.hits("nan_prices"):
            first = missing[0]
            broken(
                5,
                f"{_who(got)} is owed {len(missing)} of {name[0]} {name[1]}, the first published at "
                f"{first.published_ns} of {first.ts_ns}, and no gap was declared",
            )

    def check_newest(self, got: Got, name: Name, row: Row, *, until_ns: int) -> None:
        """That the newest was told where only the newest is wanted: what came behind it would be told too."""
        rows = self.truth.of(*name).between(got.taking.opened_ns, until_ns)
        newest = max(rows, key=lambda told: told.ts_ns, default=None)
        if newest is None or not row.seen or row.last_ns >= newest.ts_ns or self._excused(got, name, newest):
            return
        broken(5, f"{_who(got)} was never told the newest of {name[0]} {name[1]}, of {newest.ts_ns}")

    def _market_ns(self, at_s: float) -> int:
        return self.truth.start_ns + int(at_s * NS_PER_S)

    def _owed(self, name: Name, row: Row, from_ns: int, until_ns: int) -> Iterator[Told]:
        seen: Counter[Key] = Counter()
        for told in self.truth.of(*name).between(from_ns, until_ns):
            if told.ts_ns < row.first_ns or (told.ts_ns == row.first_ns and not row.seen[told.key]):
                continue  # at the very instant of the first event some may have been before it
            seen[told.key] += 1
            if row.seen[told.key] < seen[told.key] and not (name[0] is Kind.BARS and self._told_again(name, told, row)):
                yield told

    def _told_again(self, name: Name, told: Told, row: Row) -> bool:
        """Whether the bar of that minute was told with its later values: history holds one bar a minute."""
        del name
        return any(key[1] == told.ts_ns for key in row.seen)

    def _excused(self, got: Got, name: Name, told: Told) -> bool:
        """Whether a gap names it. A drop is told to its own subscription alone, every other hole to all."""
        if self.ground.withheld((told.published_ns - self.truth.start_ns) / NS_PER_S):
            return True
        life = got.taking.life.number
        everybody = (gap for number, gap in self.gaps if number == life)
        return any(_covers(gap, name, told) for gap in (*got.gaps, *everybody))

    # -- gaps

    def check_gap(self, gap: Gap, now_ns: int) -> None:
        """That a hole was there: something was published in it, or something had gone wrong around it."""
        if gap.start_ns > gap.end_ns or gap.end_ns > now_ns + AHEAD_NS:
            broken(27, f"a gap from {gap.start_ns} to {gap.end_ns} at {now_ns}: that is no span of the past ({gap})")
        stream = self.truth.of(gap.stream.kind, gap.stream.symbol)
        if gap.cause == "dropped":
            if gap.stream.symbol != ANY and not _within(stream.rows, gap.start_ns, gap.end_ns):
                broken(27, f"a gap of {gap.stream} says that events were dropped, and none was published there: {gap}")
        elif self._lost_s.get(gap.feed, NEVER_S) >= (gap.start_ns - self.truth.start_ns) / NS_PER_S:
            pass  # the line ended meanwhile
        elif gap.cause not in CAUSED and self.ground.quiet_s() > SHADOW_S + (now_ns - gap.start_ns) / NS_PER_S:
            broken(27, f"a gap of {gap.stream} was declared, and nothing had gone wrong: {gap}")


def _covers(gap: Gap, name: Name, told: Told) -> bool:
    return gap.stream in (Stream(*name), Stream(name[0], ANY)) and gap.start_ns <= told.ts_ns <= gap.end_ns


def _within(rows: Sequence[Told], start_ns: int, end_ns: int) -> bool:
    return any(start_ns <= told.ts_ns <= end_ns for told in reversed(rows))


def _revised(event: MarketEvent) -> bool:
    """History tells a corrected trade anew: it was never on the stream as such."""
    return isinstance(event, Trade) and bool(event.revision)


def _who(got: Got) -> str:
    return f"{got.taking.strategy} (life {got.taking.life.number}, subscription {got.taking.number})"


def _name(event: MarketEvent) -> str:
    number = f" {event.id}" if isinstance(event, Trade) else ""
    return f"{event.kind} {event.symbol}{number} of {event.ts_ns}"
