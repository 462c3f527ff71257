"""Limits on what is measured beside silence: each check is given a measure and its limit, and finds something or not.

Keys are stable, so what is found again and again is one alarm; titles hold no figure that changes from second to
second, which would make one alarm look like many.
"""

from collections.abc import Iterable
from typing import Final

from engine.core.histogram import Histogram
from engine.model.alert import TITLE_CHARS_MAX, Finding, Severity
from engine.model.control import Gap
from engine.model.instant import NS_PER_S, render_instant

LAGGED_MIN: Final = 20
"""Events that a p99 is judged by; of fewer it would be their maximum."""
FROZEN_S: Final = 5.0
"""A loop that stood for so long misses pongs and deadlines."""
POLLS_MISSED: Final = 3
"""Readings of the venue's clock that failed in a row: three minutes at Alpaca."""
CRITICAL_SHARE: Final = 5
"""A fifth of the space that is asked for is critical."""
_MB: Final = 1_000_000


def _find(holds: bool, key: str, severity: Severity, title: str, text: str, at_ns: int) -> list[Finding]:
    if not holds:
        return []
    return [Finding(key=key, severity=severity, title=_line(title), text=text, at_ns=at_ns)]


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_CHARS_MAX else line[: TITLE_CHARS_MAX - 1] + "…"


# -- market data


def find_lag(name: str, recent: Histogram, limit_s: float, speed: float, at_ns: int) -> list[Finding]:
    """Events of a feed (``feed/iex``), or handed to a strategy (``strategy/x``), came late; ``speed``: the market's."""
    p99_s = recent.p99_ns / NS_PER_S / max(speed, 1.0)
    kind, _, who = name.partition("/")
    if kind == "feed":
        title = f"{who}: events arrive late"
        text = (
            f"p99 from an event's instant to its arrival is {p99_s:.1f} s, over {limit_s:g} s. Set this machine's "
            "clock if it is off, look at the network, and subscribe to less if the line is full."
        )
    else:
        title = f"Strategy {who} gets events late"
        text = (
            f"p99 from an event's instant to its delivery is {p99_s:.1f} s, over {limit_s:g} s. If its feed is on "
            "time, the strategy is too slow: open its subscriptions with full='latest', or do less for each event."
        )
    late = recent.count >= LAGGED_MIN and p99_s > limit_s
    return _find(late, f"lag/{who}" if kind == "feed" else f"lag/{name}", Severity.WARNING, title, text, at_ns)


def find_queue(strategy: str, name: str, waiting: int, capacity: int, fill: float, at_ns: int) -> list[Finding]:
    """The queue of a subscription that blocks or fails when it is full is filling up."""
    return _find(
        capacity > 0 and waiting >= fill * capacity,
        f"queue/{strategy}/{name}",
        Severity.WARNING,
        f"Strategy {strategy} falls behind on {name}",
        f"{waiting:,} of {capacity:,} events wait. Full, it holds up its feed or ends: make the strategy faster, or "
        "open the subscription with full='latest' or 'drop_oldest'.",
        at_ns,
    )


def find_drops(strategy: str, name: str, dropped: int, at_ns: int) -> list[Finding]:
    """Events of a subscription were dropped lately."""
    return _find(
        dropped > 0,
        f"drops/{strategy}/{name}",
        Severity.WARNING,
        f"Strategy {strategy} was too slow for {name}, which drops",
        f"{dropped:,} events were dropped lately, and told to it as gaps. Make it faster, or open the subscription "
        "with full='latest' if only the newest matters.",
        at_ns,
    )


def find_down(feed: str, state: str, for_s: float, limit_s: float, reason: str, at_ns: int) -> list[Finding]:
    """A feed that is due is not live. ``reason``: what its line ended with last."""
    why = f" Its last line ended with: {reason}" if reason else ""
    return _find(
        for_s > limit_s,
        f"down/{feed}",
        Severity.CRITICAL,
        f"{feed} has not been live for more than {limit_s:g} s",
        f"It is {state}, for {for_s:.0f} s now; strategies see no new events of it and open nothing by them.{why} It "
        "is tried again by its restart policy. Look at the venue's status page, this machine's network, and the keys.",
        at_ns,
    )


def find_flapping(what: str, restarts: int, limit: int, window_s: float, at_ns: int) -> list[Finding]:
    """Something is started again and again: ``feed/iex`` or ``strategy/x``."""
    return _find(
        restarts >= limit,
        f"flapping/{what}",
        Severity.WARNING,
        f"{what.replace('/', ' ')} is restarted again and again",
        f"{restarts} times within {window_s / 60:.0f} minutes. Each time is told in the log with its reason. A feed: "
        "look at the network, and whether another program uses these keys. A strategy: mend what it raises.",
        at_ns,
    )


def find_gap(gap: Gap) -> Finding:
    """A hole of a stream that history did not fill: an occurrence."""
    missing = "" if gap.count is None else f"{gap.count:,} events, "
    return Finding(
        key=f"gap/{gap.feed}/{gap.stream.kind}/{gap.stream.symbol}",
        severity=Severity.WARNING,
        title=_line(f"{gap.feed}: a hole in {gap.stream} stays open ({gap.cause})"),
        text=f"{missing}{render_instant(gap.start_ns)} to {render_instant(gap.end_ns)}; history gave {gap.recovered:,} "
        "rows of it. Strategies were told a gap. What they compute over this span may be wrong: look at it, or start "
        "them again with a warm-up.",
        at_ns=gap.at_ns,
    )


# -- orders


def find_account_down(state: str, for_s: float, limit_s: float, at_ns: int) -> list[Finding]:
    """The account's stream is not there."""
    return _find(
        for_s > limit_s,
        "account/down",
        Severity.CRITICAL,
        f"The account's stream has not been connected for more than {limit_s:g} s",
        f"It is {state}, for {for_s:.0f} s now. No position is opened meanwhile; exits go, and fills are found by "
        "comparing the books. Look at the venue's status page and the network.",
        at_ns,
    )


def find_books(halted: str, doubtful: int, limit: int, at_ns: int) -> list[Finding]:
    """Our books and the broker's differ. ``doubtful``: comparisons in a row that left a difference."""
    if halted:
        return _find(
            True,
            "books",
            Severity.CRITICAL,
            "Our books and the broker's cannot be brought together",
            f"{halted}. The kill switch is tripped. Compare the broker's positions and orders with the session's, then "
            "'gapless kill --reset'; it goes on once they agree.",
            at_ns,
        )
    return _find(
        doubtful >= limit,
        "books",
        Severity.WARNING,
        "Our books and the broker's differ",
        f"{doubtful} comparisons in a row left a difference. They go on; if they cannot be brought together the kill "
        "switch is tripped. Look whether somebody trades this account by hand.",
        at_ns,
    )


def find_unreachable(reason: str, for_s: float, limit_s: float, at_ns: int) -> list[Finding]:
    """The broker's books cannot be read. ``reason`` is empty while they can."""
    return _find(
        for_s > limit_s,
        "books/unread",
        Severity.CRITICAL,
        "The broker's books cannot be read",
        f"For {for_s:.0f} s now: {reason} It is tried until they can. A fill that the stream did not tell is not seen.",
        at_ns,
    )


def find_unknown(orders: Iterable[str], for_s: float, limit_s: float, at_ns: int) -> list[Finding]:
    """Orders of which nobody knows whether the venue has them."""
    names = sorted(orders)
    return _find(
        bool(names) and for_s > limit_s,
        "orders/unknown",
        Severity.CRITICAL,
        "What became of an order is not known",
        f"For {for_s:.0f} s now: {', '.join(names[:5])}{' and others' if len(names) > 5 else ''}. The broker is asked "
        "until it answers; the order counts as open until then. Look for it in the broker's own list.",
        at_ns,
    )


# -- this machine


def find_skew(skewed: bool, skew_s: float | None, at_ns: int) -> list[Finding]:
    """This machine's clock differs from the venue's."""
    return _find(
        skewed,
        "clock/skew",
        Severity.WARNING,
        "This machine's clock differs from the venue's",
        f"By {abs(skew_s or 0.0):.1f} s: lags, timers and history's bounds are wrong by as much. Set it, with NTP.",
        at_ns,
    )


def find_clock_unread(missed: int, at_ns: int) -> list[Finding]:
    """The venue's clock cannot be read."""
    return _find(
        missed >= POLLS_MISSED,
        "clock/unread",
        Severity.WARNING,
        "The venue's clock cannot be read",
        f"{missed} readings in a row failed. Market time goes on by this machine's clock; the trading API may be away.",
        at_ns,
    )


def find_loop_lag(recent: Histogram, limit_s: float, at_ns: int) -> list[Finding]:
    """The loop that all of the engine runs on stood still lately."""
    worst_s = recent.max_ns / NS_PER_S
    return _find(
        worst_s > limit_s,
        "loop",
        Severity.CRITICAL if worst_s > FROZEN_S else Severity.WARNING,
        "The engine's loop stood still",
        f"For {worst_s:.1f} s in the last minute, over {limit_s:g} s: nothing was read or sent meanwhile. A strategy "
        "computes without a pause, or this machine is overloaded: do heavy work in trio.to_thread.run_sync.",
        at_ns,
    )


def find_disk(folder: str, free_bytes: int, limit_mb: int, at_ns: int) -> list[Finding]:
    """Little space is left where orders or the session are written."""
    critical = free_bytes * CRITICAL_SHARE < limit_mb * _MB
    return _find(
        free_bytes < limit_mb * _MB,
        f"disk/{folder}",
        Severity.CRITICAL if critical else Severity.WARNING,
        f"The disk of {folder} is nearly full",
        f"{free_bytes // _MB:,} MB are free, {limit_mb:,} are asked for. Without space no order is sent and nothing is "
        "recorded: make room.",
        at_ns,
    )
