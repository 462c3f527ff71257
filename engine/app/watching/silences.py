"""Listening to the feeds of a session: what `engine.core.watch.listening` decides about, and what is done about it.

A look reads counters that are kept anyway: how many events each route of the fan-out has carried. The path of the data
knows nothing of this.
"""

from collections.abc import Iterator
from typing import Final

import trio
from attrs import define, field

from engine.app.beside.overview import HeardRow
from engine.codec.wire import Family
from engine.core.overflow import Overflow
from engine.core.silence import Proof
from engine.core.watch.hours import Hours, Market
from engine.core.watch.listening import FeedEars, Look, Question, is_wild
from engine.core.watch.tuning import WatchTuning
from engine.core.watch.words import find_silences
from engine.errors import GaplessError, Misconfigured
from engine.flow.channel import Channel
from engine.flow.markets import Markets
from engine.flow.stream import MarketStream
from engine.model.alert import Finding
from engine.model.instant import NS_PER_S
from engine.model.market import Kind, Status
from engine.model.stream import ANY, Stream, sequence_of
from engine.venues.alpaca.endpoints import feed_spec

STATUSES_MAX: Final = 4096
"""Statuses between two looks: more than a market-wide halt tells in a second. Beyond it the oldest are let go."""
PATIENCE_S: Final = 1.0
"""No silence shorter than this is judged, in Trio's seconds: a fast market's half minute is not enough to tell silence
from a busy machine."""

ALONG: Final = frozenset({Kind.CORRECTIONS, Kind.CANCELS})
"""What comes with trades, asked for or not, and says nothing by not coming."""
_OF_FAMILY: Final = {
    Family.STOCKS: Market.STOCKS,
    Family.CRYPTO: Market.CRYPTO,
    Family.OPTIONS: Market.OPTIONS,
    Family.NEWS: Market.NEWS,
}
_OF_FEED: Final = {"boats": Market.NIGHT, "overnight": Market.NIGHT, "test": Market.CRYPTO}


def market_of(feed: str) -> Market:
    """The market whose hours a feed keeps. One that is not Alpaca's is taken for a market that owes nothing."""
    if feed in _OF_FEED:
        return _OF_FEED[feed]
    try:
        return _OF_FAMILY[feed_spec(feed).family]
    except Misconfigured:
        return Market.NEWS


@define(eq=False)
class Silences:
    """The feeds of ``markets``, listened to. ``nursery`` is for the questions to history."""

    markets: Markets
    tuning: WatchTuning
    nursery: trio.Nursery
    feeds: dict[str, FeedEars] = field(factory=dict)
    _statuses: Channel = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._statuses = self.markets.overhear(
            "watch", (Kind.STATUSES,), Overflow(full="drop_oldest", capacity=STATUSES_MAX)
        )

    def close(self) -> None:
        """Nothing more is heard."""
        self.markets.leave(self._statuses)

    def look(self, hours: Hours) -> list[Finding]:
        """Look at each feed, ask and mend; returns the alarms that stand. A market that moves as it is read has no
        silences that a clock could measure: its feeds look after themselves."""
        self._hear_statuses()
        clock = self.markets.clock
        if clock.speed == 0:
            return []
        now_ns = clock.now_ns()
        findings: list[Finding] = []
        for name, stream in list(self.markets.streams.items()):
            if not isinstance(stream, MarketStream):  # a tape in its place
                continue
            feed = self._feed(name)
            verdict = feed.look(
                Look(
                    now_ns=now_ns,
                    counts={one: self._count(stream, one) for one in stream.acknowledged if one.kind not in ALONG},
                    live=stream.state == "live" and not clock.ended,
                    read=stream.read,
                    mutes=stream.mutes,
                    least_s=PATIENCE_S * clock.speed if clock.speed > 1 else 0.0,
                ),
                hours,
            )
            if verdict.question is not None:
                self.nursery.start_soon(self._ask, stream, feed, verdict.question)
            if verdict.recycle:
                stream.recycle(f"the watch found it silent: {verdict.recycle}")
            findings += find_silences(feed)
        return findings

    def rows(self) -> tuple[HeardRow, ...]:
        """When each stream last spoke."""
        return tuple(self._rows())

    def _rows(self) -> Iterator[HeardRow]:
        now_ns = self.markets.clock.now_ns()
        for name, feed in self.feeds.items():
            for stream, ear in sorted(feed.ears.items()):
                yield HeardRow(
                    feed=name,
                    kind=stream.kind.value,
                    symbol=stream.symbol,
                    age_s=round(max(0, now_ns - ear.heard_ns) / NS_PER_S, 3) if ear.heard_ns else None,
                    limit_s=ear.limit_s,
                    learnt_s=ear.learnt_s,
                    state=ear.state.value,
                )

    def _feed(self, name: str) -> FeedEars:
        feed = self.feeds.get(name)
        if feed is None:
            feed = self.feeds[name] = FeedEars(feed=name, market=market_of(name), tuning=self.tuning)
        return feed

    def _count(self, stream: MarketStream, one: Stream) -> int:
        """How many events of a subscription its line has brought; of one to everything, of all that it brought."""
        brought = self.markets.fanout.brought
        if one.symbol == ANY and one.kind is not Kind.NEWS:
            return sum(brought(told.stream) for told in stream.sequencer if told.stream.kind is one.kind)
        return brought(sequence_of(one))

    def _hear_statuses(self) -> None:
        while self._statuses.has_events():
            status = self._statuses.take_nowait()
            if isinstance(status, Status):
                self._feed(self.markets.feed_of(Stream(Kind.STATUSES, status.symbol))).halts.hear(status)

    async def _ask(self, stream: MarketStream, feed: FeedEars, question: Question) -> None:
        """Ask history and hand its answer on; a question that cannot be asked is answered with "unknown"."""
        whole: Proof = "unknown"
        single: dict[Stream, Proof] = {}
        try:
            if question.whole or is_wild(question):
                whole = await stream.find_missed()
                single = dict.fromkeys(question.streams, whole)
            else:
                single = dict(await stream.find_missed_of(question.streams))
        except GaplessError:  # such as keys that were withdrawn: whoever needs them says so
            pass
        feed.answer(question, whole if question.whole else single, self.markets.clock.now_ns())
