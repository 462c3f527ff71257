"""From one numbered order to every strategy that asked: the journal line and the routes behind it.

Every event of every feed passes `Fanout.publish` in one step and is given its number there, so that "before" and
"after" mean the same to all strategies. A route is the list of channels that want one stream; an arrival is cut into
one list per channel and handed over whole, because the arrival, not the event, is the unit of work.

An article of news has many symbols and one place in the order. It goes to each channel that wants any of them, once;
what a channel got of it is counted on a route of its own, since no two need have got the same.
"""

from collections.abc import Callable, Iterator, Sequence

from attrs import define, field
from msgspec.structs import force_setattr

from engine.flow.channel import Channel, Waker
from engine.model.control import Gap
from engine.model.market import EVENT_TYPES, Kind, MarketEvent, News
from engine.model.stream import ANY, ARTICLES, Stream
from engine.ports.journal import Journal


@define(eq=False)
class Route:
    """One stream's way to its channels, and how many events went it."""

    stream: Stream
    channels: list[Channel] = field(factory=list)
    appends: list[Callable[[MarketEvent], None]] = field(factory=list)
    live: int = 0
    backfilled: int = 0

    def add(self, channel: Channel) -> None:
        """This channel wants the stream."""
        self.channels.append(channel)
        self.appends.append(channel.arrival.append)

    def carry(self, event: MarketEvent) -> None:
        """Hand an event to all of them (`Fanout.publish` does the same without a call for each event)."""
        if event.origin != "backfill":
            self.live += 1
        else:
            self.backfilled += 1
        for append in self.appends:
            append(event)

    def remove(self, channel: Channel) -> None:
        """It does not any more."""
        place = self.channels.index(channel)
        del self.channels[place], self.appends[place]


@define(eq=False)
class Row:
    """One channel's share of one stream: the route's counts when the channel joined and when it left."""

    route: Route
    live_from: int
    backfilled_from: int
    live_to: int | None = None
    backfilled_to: int | None = None
    warmup: int = 0

    @property
    def received(self) -> int:
        return (self.route.live if self.live_to is None else self.live_to) - self.live_from

    @property
    def backfilled(self) -> int:
        now = self.route.backfilled if self.backfilled_to is None else self.backfilled_to
        return now - self.backfilled_from + self.warmup


@define(eq=False)
class Fanout:
    """The routes of a session. ``seq`` is the number of the last event."""

    seq: int = 0
    changed: Waker = field(factory=Waker)
    """Woken when the set of wanted streams may have changed."""
    journal: Journal | None = None
    """Told everything that is published, numbered, before any strategy can act on it."""
    _tables: dict[type, dict[str, Route]] = field(factory=dict)
    _rows: dict[Channel, dict[Stream, Row]] = field(factory=dict)
    _open: list[Channel] = field(factory=list)
    _readers: dict[Channel, tuple[frozenset[str], Route]] = field(factory=dict)
    """Who reads news: the names wanted, and the way there."""

    # -- subscriptions

    def attach(self, channel: Channel) -> None:
        """From now on this channel is told the events of its streams."""
        rows = self._rows[channel] = {}
        self._open.append(channel)
        for stream in channel.streams:
            if stream.kind is Kind.NEWS:
                self._join_readers(channel, rows)
                continue
            if stream.symbol == ANY:
                for route in list(self._table(stream.kind).values()):
                    self._join(route, channel, rows)
            self._join(self._route(stream), channel, rows)
        self.changed.wake()

    def detach(self, channel: Channel) -> None:
        """No more events for this channel; its counts stay."""
        if channel in self._open:
            self._open.remove(channel)
        for row in self._rows.get(channel, {}).values():
            if channel in row.route.channels:
                row.route.remove(channel)
                row.live_to, row.backfilled_to = row.route.live, row.route.backfilled
        if self._readers.pop(channel, None) is not None:
            self._route(ARTICLES).channels.remove(channel)
        self.changed.wake()

    def _join(self, route: Route, channel: Channel, rows: dict[Stream, Row]) -> None:
        if channel not in route.channels:
            route.add(channel)
            rows[route.stream] = Row(route, route.live, route.backfilled)

    def _join_readers(self, channel: Channel, rows: dict[Stream, Row]) -> None:
        if ARTICLES in rows:
            return
        # A pair is BTC/USD in a subscription and BTCUSD in an article.
        names = frozenset(one.symbol.replace("/", "") for one in channel.streams if one.kind is Kind.NEWS)
        own = Route(ARTICLES)
        own.add(channel)
        rows[ARTICLES] = Row(own, 0, 0)
        self._readers[channel] = names, own
        everything = self._route(ARTICLES)
        everything.channels.append(channel)
        everything.appends[:] = [self._hand_out]

    def _hand_out(self, article: MarketEvent) -> None:
        assert isinstance(article, News)
        for names, own in self._readers.values():
            if ANY in names or not names.isdisjoint(article.symbols):
                own.carry(article)

    def _table(self, kind: Kind) -> dict[str, Route]:
        return self._tables.setdefault(EVENT_TYPES[kind], {})

    def _route(self, stream: Stream) -> Route:
        table = self._table(stream.kind)
        route = table.get(stream.symbol)
        if route is None:
            route = table[stream.symbol] = Route(stream)
            everything = table.get(ANY)
            if everything is not None and stream.symbol != ANY:
                for channel in everything.channels:
                    self._join(route, channel, self._rows[channel])
        return route

    def wanted(self) -> frozenset[Stream]:
        """The streams that at least one channel asks for."""
        return frozenset(stream for channel in self._open if channel.asks for stream in channel.streams)

    def rows(self, channel: Channel) -> dict[Stream, Row]:
        """What each stream put into this channel."""
        return self._rows[channel]

    def forget(self, channel: Channel) -> dict[Stream, Row]:
        """A channel that is detached for good; returns its rows."""
        return self._rows.pop(channel)

    def channels(self) -> Iterator[tuple[Channel, dict[Stream, Row]]]:
        """Every channel that is not forgotten, in the order of opening, with its rows."""
        return iter(list(self._rows.items()))

    # -- events

    def publish(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """Number these events and hand them to the channels that want them, in one step."""
        tables = self._tables
        seq = self.seq
        for event in events:
            seq += 1
            force_setattr(event, "seq", seq)
            try:
                route = tables[type(event)][event.symbol]
            except KeyError:
                route = self._route(Stream(event.kind, event.symbol))
            if event.origin != "backfill":
                route.live += 1
            else:
                route.backfilled += 1
            for append in route.appends:
                append(event)
        self.seq = seq
        if self.journal is not None:
            self.journal.tell(events, now_ns)
        for channel in list(self._open):
            if channel.arrival:
                channel.put(channel.arrival, now_ns)
                channel.arrival.clear()
                if channel.closed:
                    self.detach(channel)

    def publish_gap(self, gap: Gap) -> None:
        """A hole takes its place in the channels of its stream."""
        route = self._route(gap.stream)
        for channel in route.channels:
            channel.put_gap(gap)

    def listened(self, stream: Stream) -> bool:
        """Whether any channel is open for a stream."""
        route = self._tables.get(EVENT_TYPES[stream.kind], {}).get(stream.symbol)
        return route is not None and bool(route.channels)

    def brought(self, stream: Stream) -> int:
        """How many events of a sequence its line has brought, ever; what history gave is not counted."""
        route = self._tables.get(EVENT_TYPES[stream.kind], {}).get(stream.symbol)
        return 0 if route is None else route.live

    def crowded(self, feed: str) -> list[str]:
        """The strategies that hold up this feed."""
        return sorted({channel.strategy for channel in self._open if feed in channel.feeds and channel.crowded})

    async def room(self, feed: str) -> None:  # noqa: ASYNC910 - asked once an arrival, and receiving is a checkpoint
        """Wait until no channel holds up this feed."""
        while crowded := [channel for channel in self._open if feed in channel.feeds and channel.crowded]:
            await crowded[0].room()
