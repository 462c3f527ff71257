"""The proof: what the exchange published against what a strategy wrote down, row for row.

For each stream every published row must have been delivered exactly once, with every field equal, and nothing else.
Order: delivered rows keep the order of publication, except that what came from history comes in the order of its
time, which differs where the venue told a trade late.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
from attrs import frozen

from engine.app.screen.tables import Sheet, count, render_plain
from engine.model.market import Kind, MarketEvent
from engine.model.stream import Stream

Row: TypeAlias = tuple[tuple[str, Any], ...]

_ON_THE_WAY: Final = frozenset({"received_ns", "delivered_ns", "venue_ns", "origin", "seq", "type", "revision"})
"""Fields that are filled in on the way, or that only one of the two ways tells."""
_KIND_OF: Final = {"trade": Kind.TRADES, "quote": Kind.QUOTES, "bar": Kind.BARS}


@frozen
class StreamProof:
    """One stream: ``lost``, ``twice``, ``foreign`` (never published) and ``misplaced`` count rows; a proof has none."""

    stream: Stream
    published: int
    live: int
    backfilled: int
    lost: int
    twice: int
    foreign: int
    misplaced: int

    @property
    def holds(self) -> bool:
        """Whether this stream was told exactly."""
        return not (self.lost or self.twice or self.foreign or self.misplaced)


def read_audit(path: Path) -> dict[Stream, list[dict[str, Any]]]:
    """What the ``audit`` strategy wrote, by stream, in order; gaps are under the stream they are of."""
    told: dict[Stream, list[dict[str, Any]]] = defaultdict(list)
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with path.open("rb") as file:
        for line in file:
            fields = decode(line)
            kind = Kind(fields["channel"]) if fields["type"] == "gap" else _KIND_OF[fields["type"]]
            told[Stream(kind, fields["symbol"])].append(fields)
    return told


def prove(
    published: Iterable[MarketEvent], told: Mapping[Stream, list[dict[str, Any]]], kinds: Iterable[Kind]
) -> list[StreamProof]:
    """Compare stream by stream, for all streams of these kinds that published or told anything."""
    wanted = set(kinds)
    truth: dict[Stream, list[Row]] = defaultdict(list)
    for event in published:
        if event.kind in wanted:
            # By way of JSON, as the other side came, so that equal means equal as text.
            fields = msgspec.json.decode(msgspec.json.encode(event), type=dict[str, Any])
            truth[Stream(event.kind, event.symbol)].append(_row(fields))
    streams = sorted(truth.keys() | told.keys())
    return [_prove_stream(stream, truth[stream], told.get(stream, [])) for stream in streams]


def _row(fields: Mapping[str, Any]) -> Row:
    return tuple(
        (name, tuple(value) if isinstance(value, list) else value)
        for name, value in fields.items()
        if name not in _ON_THE_WAY
    )


def _prove_stream(stream: Stream, truth: list[Row], told: list[dict[str, Any]]) -> StreamProof:
    events = [fields for fields in told if fields["type"] != "gap"]
    rows = [_row(fields) for fields in events]
    wanted, got = Counter(truth), Counter(rows)
    lost = sum((wanted - got).values())
    return StreamProof(
        stream=stream,
        published=len(truth),
        live=sum(fields["origin"] == "live" for fields in events),
        backfilled=sum(fields["origin"] == "backfill" for fields in events),
        lost=lost,
        twice=sum((Counter({row: number for row, number in got.items() if row in wanted}) - wanted).values()),
        foreign=sum(number for row, number in got.items() if row not in wanted),
        misplaced=_misplaced(truth, rows) if not lost else 0,  # where rows are lost there is no order to prove
    )


def _misplaced(truth: list[Row], rows: list[Row]) -> int:
    """Rows told after one that was published later and also happened later: neither order allows that."""
    places: dict[Row, deque[int]] = defaultdict(deque)
    for place, row in enumerate(truth):
        places[row].append(place)
    # What was told ahead of its turn: (place, time). It is short, because a turn comes as soon as nothing is missing.
    ahead: dict[int, int] = {}
    turn = wrong = 0
    for row in rows:
        if not places[row]:
            continue  # told twice, or foreign: counted elsewhere
        place, ts_ns = places[row].popleft(), dict(row)["ts_ns"]
        wrong += any(other > place and other_ns > ts_ns for other, other_ns in ahead.items())
        ahead[place] = ts_ns
        while turn in ahead:
            del ahead[turn]
            turn += 1
    return wrong


def render_proof(proofs: Iterable[StreamProof]) -> str:
    """A table with a line for each stream."""
    rows = tuple(
        (
            str(proof.stream),
            *map(count, (proof.published, proof.live, proof.backfilled, proof.lost, proof.twice, proof.foreign)),
            count(proof.misplaced),
            "equal" if proof.holds else "DIFFERS",
        )
        for proof in proofs
    )
    titles = ("<stream", "published", "live", "from history", "lost", "twice", "foreign", "misplaced", "<verdict")
    return render_plain(Sheet("What the exchange published against what a strategy got", titles, rows))
