"""Page tokens of history: where a page ended, written so that the next one goes on exactly behind it.

Alpaca's tokens are Base64 of a readable key of the last row returned, and stateless: rows that appear before the key
later on are not told any more. Ours have the same shapes. The weakness of a key is that rows can share it, since a
quote may be repeated to the last digit; so a page never ends where a later row has the same key (`cut_page`), and a
token then stands for the last row that has it. With that, pages put together are always the whole.
"""

import base64
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from engine.core.bars import is_crypto
from engine.exchange.contracts import is_contract
from engine.model.instant import NS_PER_S, parse_instant, render_instant
from engine.model.market import Bar, MarketEvent, Quote, Trade

ID_OFFSET: Final = 1 << 63
"""Added to a trade id, so that the text of signed ids sorts as the ids do."""
NS_INVERTED: Final = (1 << 63) - 1
"""Bars and quotes read newest first are keyed by this minus their time; option trades are not."""
TOKEN_CHARS_MAX: Final = 512
"""No key of ours is longer than about 200 characters."""


def encode_token(text: str) -> str:
    """A readable key as a token."""
    return base64.b64encode(text.encode()).decode()


def decode_token(token: str) -> str:
    """The readable key in a token; raises ``ValueError`` when it is none."""
    if len(token) > TOKEN_CHARS_MAX:
        raise ValueError("invalid page_token")
    try:
        return base64.b64decode(token, validate=True).decode()
    except ValueError:  # of Base64, of UTF-8, or of text that is not even ASCII
        raise ValueError("invalid page_token") from None


def parse_token(token: str) -> tuple[str, str]:
    """The symbol and the rest of the key in a token; raises ``ValueError`` when it is none."""
    symbol, bar, key = decode_token(token).partition("|")
    if not (symbol and bar and key):
        raise ValueError("invalid page_token")
    return symbol, key


def _nine_digits(ts_ns: int) -> str:
    return f"{render_instant(ts_ns - ts_ns % NS_PER_S)[:-1]}.{ts_ns % NS_PER_S:09d}Z"


@frozen
class Keyset:
    """How the rows of one query are keyed: the order of reading, and what the rows are.

    ``span`` is the letter of bars, ``M`` for minutes and hours, ``D`` for days and more. ``auctions``: trades stand for
    the prints of auctions.
    """

    descending: bool = False
    span: str = "M"
    auctions: bool = False

    def key(self, row: MarketEvent) -> str:
        """The part of a token that follows the symbol."""
        ts_ns = NS_INVERTED - row.ts_ns if self.descending else row.ts_ns
        match row:
            case Trade() if self.auctions:
                return f"{_nine_digits(row.ts_ns)}|{row.exchange}|{row.tape}{''.join(row.conditions)}|{row.price!r}"
            case Trade() if is_contract(row.symbol):
                return f"{row.ts_ns}|{row.exchange}"
            case Trade():
                exchange = () if is_crypto(row.symbol) else (row.exchange,)
                return "|".join((_nine_digits(row.ts_ns), *exchange, f"{ID_OFFSET + (row.id or 0):020d}"))
            case Quote() if is_crypto(row.symbol):
                return f"{ts_ns}|{row.bid_price!r}|{row.bid_size!r}|{row.ask_price!r}|{row.ask_size!r}"
            case Quote():
                bid = f"{row.bid_exchange}|{row.bid_price!r}|{row.bid_size!r}"
                ask = f"{row.ask_exchange}|{row.ask_price!r}|{row.ask_size!r}"
                return f"{ts_ns}|{bid}|{ask}|{','.join(row.conditions)}"
            case Bar():
                return f"{self.span}|{ts_ns}"
        raise TypeError(f"{row.kind} has no pages")

    def render(self, row: MarketEvent) -> str:
        """The token of a page that ends with this row.

        >>> Keyset().render(Trade("AAPL", 1772461867123456789, 1.0, 1.0, 4021, "V"))
        'QUFQTHwyMDI2LTAzLTAyVDE0OjMxOjA3LjEyMzQ1Njc4OVp8VnwwOTIyMzM3MjAzNjg1NDc3OTgyOQ=='
        """
        return encode_token(f"{row.symbol}|{self.key(row)}")

    def instant(self, key: str, row: MarketEvent) -> int:
        """The time in a key that was made for rows such as this one; raises ``ValueError`` when it cannot be one."""
        fields = key.split("|")
        option = isinstance(row, Trade) and is_contract(row.symbol)
        if isinstance(row, Trade) and not option:
            return parse_instant(fields[0])
        text = fields[1] if isinstance(row, Bar) and len(fields) > 1 else fields[0]
        if not (text.isascii() and text.isdigit()):
            raise ValueError("invalid page_token")
        return NS_INVERTED - int(text) if self.descending and not option else int(text)

    def resume(self, rows: Sequence[MarketEvent], key: str) -> int:
        """The index of the first row behind the key; ``rows`` are one symbol's in the order of reading.

        A key whose row is gone resumes at its instant: telling a row twice is mended by the reader, leaving one out is
        not. Raises ``ValueError`` when the key cannot be one of such rows.
        """
        if not rows:
            return 0
        ts_ns = self.instant(key, rows[0])
        place = found = self._first_at(rows, ts_ns)
        while place < len(rows) and (row := rows[place]).ts_ns == ts_ns:
            place += 1
            if self.key(row) == key:
                found = place
        return found

    def _first_at(self, rows: Sequence[MarketEvent], ts_ns: int) -> int:
        """The first index whose time is not before ``ts_ns`` in the order of reading."""
        low, high = 0, len(rows)
        while low < high:
            middle = (low + high) // 2
            row_ns = rows[middle].ts_ns
            if row_ns > ts_ns if self.descending else row_ns < ts_ns:
                low = middle + 1
            else:
                high = middle
        return low

    def cut_page(self, rows: Sequence[MarketEvent], first: int, rows_max: int) -> int:
        """The index behind the last row of a page that starts at ``first`` and should hold ``rows_max`` rows.

        The page is shorter where its end would fall between two rows of one key, and longer only where it would be
        empty.
        """
        end = first + rows_max
        if end >= len(rows):
            return len(rows)
        ts_ns = rows[end - 1].ts_ns
        start_of_ties = self._first_at(rows, ts_ns)
        end_of_ties = end
        while end_of_ties < len(rows) and rows[end_of_ties].ts_ns == ts_ns:
            end_of_ties += 1
        keys = [self.key(rows[place]) for place in range(start_of_ties, end_of_ties)]
        last_of_key = {key: start_of_ties + place for place, key in enumerate(keys)}
        good = [
            place + 1
            for place in range(max(start_of_ties, first), end_of_ties)
            if last_of_key[keys[place - start_of_ties]] == place
        ]
        short = [place for place in good if place <= end]
        if short:
            return short[-1]
        return start_of_ties if start_of_ties > first else good[0]
