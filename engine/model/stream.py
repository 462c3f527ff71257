"""The name of a stream: one kind of one symbol, one ordered sequence of events.

News is the exception. An article belongs to several symbols and comes once, so all the news of a feed is one sequence,
`ARTICLES`, of which a subscription to a symbol takes a part.
"""

from typing import Final, NamedTuple

from engine.model.market import Kind

ANY = "*"
"""The symbol that stands for all symbols of a feed in a subscription."""


class Stream(NamedTuple):
    """One ordered sequence of events at a venue, such as the trades of SPY."""

    kind: Kind
    symbol: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.symbol}"


ARTICLES: Final = Stream(Kind.NEWS, "")
"""All the news of a feed, in the order in which it came: the stream of every article, and of a gap in any news."""


def sequence_of(stream: Stream) -> Stream:
    """The ordered sequence that brings the events of a subscription.

    >>> sequence_of(Stream(Kind.NEWS, "SPY")) == sequence_of(Stream(Kind.NEWS, ANY)) == ARTICLES
    True
    >>> str(sequence_of(Stream(Kind.TRADES, "SPY")))
    'trades:SPY'
    """
    return ARTICLES if stream.kind is Kind.NEWS else stream
