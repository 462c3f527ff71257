"""Law: nothing is sent that the account certainly cannot do, and where that is not certain the venue decides."""

from decimal import Decimal
from typing import Any

import pytest
from attrs import define, field

from engine import Context, OrderRefused, strategy
from engine.testing.simulated import SimulatedExchange

pytestmark = pytest.mark.exchange(symbols=("SPY", "BTC/USD"), events_per_s=2, seed=3)


@define
class Sent:
    """What a strategy asked for in turn, and what became of each: the rule, or "sent"."""

    asked: tuple[tuple[str, str, str, dict[str, Any]], ...]
    became: list[str] = field(factory=list)
    sentences: list[str] = field(factory=list)


async def ask(exchange: SimulatedExchange, *asked: tuple[str, str, str, dict[str, Any]]) -> Sent:
    sent = Sent(asked)

    @strategy(trades=True)
    async def trader(ctx: Context) -> None:
        async with ctx.trades("SPY") as trades:
            await anext(aiter(trades))
            for side, symbol, qty, how in sent.asked:
                try:
                    order = await getattr(ctx, side)(symbol, qty, **how)
                    await order.accepted()
                    sent.became.append("sent")
                except OrderRefused as refused:
                    sent.became.append(refused.rule)
                    sent.sentences.append(str(refused))

    await exchange.run(trader, for_s=60)
    return sent


async def test_what_is_beyond_the_account_is_refused_here_with_the_numbers(exchange: SimulatedExchange) -> None:
    far = {"limit": Decimal(100)}
    sent = await ask(exchange, ("buy", "SPY", "5000", far), ("buy", "SPY", "4000", far))
    assert sent.became == ["buying_power", "sent"]
    assert "insufficient buying power" in sent.sentences[0] and "not sent" in sent.sentences[0]
    assert "buying power 400000" in sent.sentences[0] and "cost basis 500000" in sent.sentences[0]
    assert len(tuple(exchange.running.brokerage.books.orders())) == 1


async def test_what_cannot_be_sold_short_is_refused_here(exchange: SimulatedExchange) -> None:
    sent = await ask(exchange, ("sell", "NSHT", "5", {}), ("sell", "BTC/USD", "0.1", {}), ("sell", "SPY", "5", {}))
    assert sent.became == ["not_shortable", "balance", "sent"]
    assert all("not sent" in sentence for sentence in sent.sentences)


async def test_with_an_order_open_only_gross_mistakes_are_caught_here(exchange: SimulatedExchange) -> None:
    far = {"limit": Decimal(100)}
    sent = await ask(exchange, ("buy", "SPY", "10", far), ("buy", "SPY", "5000", far), ("buy", "SPY", "9000", far))
    assert sent.became == ["sent", "buying_power", "buying_power"]
    assert ["not sent" in sentence for sentence in sent.sentences] == [False, True]
