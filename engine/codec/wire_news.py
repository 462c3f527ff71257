"""The one message of the news stream, and both ways between it and the event.

An article is ordered by ``updated_at``: the same ``id`` comes again when it is revised. REST adds ``images``, which
nobody trades on; they are known here so that they are not counted as news about the protocol.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct, field

from engine.codec.wire import ABSENT
from engine.model.market import MarketEvent, News

I = TypeVar("I")  # noqa: E741 - how an instant travels: Ext in MessagePack, str in JSON


class WireNews(Struct, Generic[I], tag_field="T", tag="n", gc=False, forbid_unknown_fields=True, kw_only=True):
    """``n``: an article; ``url`` is documented as nullable, the rest may be."""

    id: int
    headline: str
    summary: str | None = ""
    author: str | None = ""
    created: I | None = field(name="created_at", default=None)
    stamp: I = field(name="updated_at")
    url: str | None = ""
    content: str | None = ""
    symbols: tuple[str, ...] | None = ()
    source: str | None = ""
    images: object = ABSENT


NEWS_WIRES: Final[tuple[type[Struct], ...]] = (WireNews,)


def news_events(
    wires: list[WireNews[I]], instants: list[int], parse: Callable[[I], int], received_ns: int
) -> list[MarketEvent]:
    """The articles of one frame, in its order; raises ``ValueError`` where ``created_at`` is no instant."""
    return [
        News(
            "", instant_ns, w.id, w.headline, w.summary or "", w.author or "", w.content or "", w.url or "",
            parse(w.created) if w.created else 0, w.symbols or (), w.source or "", received_ns,
        )
        for w, instant_ns in zip(wires, instants, strict=True)
    ]  # fmt: skip


def _write_news(e: News, stamp: Callable[[int], I]) -> WireNews[I]:
    return WireNews(
        id=e.id,
        headline=e.headline,
        summary=e.summary,
        author=e.author,
        created=stamp(e.created_ns) if e.created_ns else ABSENT,
        stamp=stamp(e.ts_ns),
        url=e.url,
        content=e.content,
        symbols=e.symbols,
        source=e.source,
    )


NEWS_WRITERS: Final[Mapping[type, Callable[[Any, Callable[[int], Any]], Struct]]] = {News: _write_news}
