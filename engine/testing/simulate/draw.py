"""A plan from a number: which kinds of trouble are switched on, how often, in which market, and who plays.

Swarm testing: a session in which everything goes wrong a little hides what happens when one thing goes wrong a lot, so
each seed switches on a random part of the kinds with random weights. Every draw comes from dice of its own name, so one
more draw in one place does not change the rest of the plan.
"""

from random import Random
from typing import Any, Final

from engine.testing.simulate.catalogue import CHANCES, STREAMS, TROUBLES
from engine.testing.simulate.plan import Plan, Player, Trouble

HOUR_S: Final = 3600.0
STOCKS: Final = ("AAPL", "SPY", "TSLA", "QQQ", "F")
COINS: Final = ("BTC/USD", "ETH/USD")
TROUBLES_PER_H: Final = (36, 60)
"""Drawn for each hour of bad time; some find nobody to happen to, and twenty are to happen."""
TROUBLES_MIN: Final = 3
SHARE: Final = (0.2, 0.8)
"""Of the kinds that are on."""
CHANCE_SHARE: Final = (0.0, 0.5)
RATE: Final = (0.002, 0.06)
"""Of calls, frames, updates touched: log-uniform."""
CALM_S: Final = (600.0, 900.0)
CALM_SHARE: Final = 0.3
"""At most this much of a short session is calm."""
EVENTS_PER_S: Final = (0.05, 0.3)
"""Log-uniform: faults are what is looked at, and more events cost more than they show."""
BUSY: Final = 1 / 5
"""Of the sessions: a market and traders that never rest, for what needs many events, or orders that stand at once."""
BUSY_EVENTS_PER_S: Final = (0.4, 1.2)
PAUSE_S: Final = (30.0, 300.0)
BUSY_PAUSE_S: Final = (5.0, 40.0)
"""Between two rounds of a trader; log-uniform."""
PLAYERS: Final = (2, 4)
EARLY: Final = 0.12
LATE: Final = 0.12
"""Shares of the sessions that begin before the market opens, or end after it has closed: orders wait or are refused,
streams are quiet."""
MIDDLE: Final = (0.1, 0.9)
"""Where in such a session the market opens or closes."""
OPEN_S: Final = 6.5 * HOUR_S
"""From the opening to the close."""
RECORDED: Final = 1 / 20
"""Of the sessions; one that is recorded takes half as long again as it would."""
MEETINGS_PER_H: Final = (0.0, 3.0)
"""Of an end of lines with what keeps them from being had again: dice alone bring the two together in few sessions."""
MEETING_S: Final = 60.0
"""Before the calm: what begins later is put right before anything comes of it."""
NO_PAST: Final = 1 / 5
"""Of the sessions: history cannot be had for longer than a hole is kept open, so that there are gaps to be declared."""
NO_PAST_S: Final = (140.0, 200.0)
MUTE_END: Final = 1 / 3
"""Of the sessions; in their last moment before the calm a line falls mute. One that does so earlier ends by another
trouble mostly, before its silence is over."""
NO_REPLAY: Final = 1 / 2
"""Of the sessions; from their beginning on."""
START_S: Final = 5.0
"""The first seconds are quiet in three sessions of four: most faults need a line to happen to."""


def build_plan(seed: int, hours: float = 1.0) -> Plan:
    """The plan of a seed: the same one on every machine. ``hours`` is its length, above 0."""
    seconds = hours * HOUR_S
    calm_s = min(Random(f"{seed}/calm").uniform(*CALM_S), seconds * CALM_SHARE)
    market = Random(f"{seed}/market")
    symbols = _symbols(market)
    busy = Random(f"{seed}/busy").random() < BUSY
    return Plan(
        seed=seed,
        seconds=seconds,
        symbols=symbols,
        events_per_s=round(_log_uniform(market, *(BUSY_EVENTS_PER_S if busy else EVENTS_PER_S)), 3),
        troubles=_in_order(
            *_troubles(Random(f"{seed}/troubles"), seconds - calm_s),
            *_meetings(Random(f"{seed}/meetings"), seconds - calm_s),
            *_no_past(Random(f"{seed}/past"), seconds - calm_s),
            *_no_replay(Random(f"{seed}/replay")),
        ),
        rates=_rates(Random(f"{seed}/rates")),
        players=_players(Random(f"{seed}/players"), symbols, BUSY_PAUSE_S if busy else PAUSE_S),
        calm_s=round(calm_s, 3),
        opening_s=_opening_s(Random(f"{seed}/opening"), seconds),
        recorded=Random(f"{seed}/recorded").random() < RECORDED,
    )


def _opening_s(dice: Random, seconds: float) -> float:
    """When it begins: mostly with the market, else so that the opening, or the close, comes in the middle of it."""
    kind, behind_s = dice.random(), dice.uniform(*MIDDLE) * seconds
    if kind < EARLY:
        return round(-behind_s, 3)
    return round(OPEN_S - behind_s, 3) if kind < EARLY + LATE else 0.0


def _symbols(dice: Random) -> tuple[str, ...]:
    stocks = dice.sample(STOCKS, dice.randint(0, 3))
    coins = dice.sample(COINS, dice.randint(0 if stocks else 1, 2))
    return tuple(sorted((*stocks, *coins)))


def _troubles(dice: Random, bad_s: float) -> tuple[Trouble, ...]:
    share = dice.uniform(*SHARE)
    drawable = [kind for kind, row in TROUBLES.items() if row.weight]
    kinds = [kind for kind in drawable if dice.random() < share] or drawable
    weights = [TROUBLES[kind].weight * dice.expovariate(1.0) for kind in kinds]
    count = max(round(dice.uniform(*TROUBLES_PER_H) * bad_s / HOUR_S), TROUBLES_MIN)
    first_s = 0.0 if dice.random() < 0.25 else min(START_S, bad_s / 2)
    drawn = [
        Trouble(kind=kind, at_s=round(dice.uniform(first_s, bad_s), 3), keys=_keys(TROUBLES[kind].draw(dice)))
        for kind in dice.choices(kinds, weights, k=count)
    ]
    return tuple(drawn)


def _meetings(dice: Random, bad_s: float) -> tuple[Trouble, ...]:
    """Troubles that meet: history trails or is refused, or whoever connects hangs, and then the lines end."""
    drawn: list[Trouble] = []
    for _ in range(round(dice.uniform(*MEETINGS_PER_H) * bad_s / HOUR_S)):
        at_s, long_s = dice.uniform(0.0, max(bad_s - MEETING_S, 0.0)), dice.randint(60, 120)
        keys: dict[str, Any]
        end, ends = "server_restart", {"for": f"{dice.randint(4, 20)}s"}
        match dice.choice(("history_lag", "history_lag", "history_refused", "net_hang")):
            case "history_lag" as kind:
                keys = {"lag": f"{dice.randint(5, 14)}s", "for": f"{long_s}s"}
            case "history_refused" as kind:
                keys = {"younger": f"{dice.randint(120, 900)}s", "for": f"{long_s}s"}
            case kind:
                end, ends = "net_fin", {"road": dice.choice(STREAMS)}
                keys = {**ends, "for_s": float(long_s)}
        drawn.append(Trouble(kind=kind, at_s=round(at_s, 3), keys=_keys(keys)))
        drawn.append(Trouble(kind=end, at_s=round(at_s + dice.uniform(1, 15), 3), keys=_keys(ends)))
    if dice.random() < MUTE_END:
        at_s = max(bad_s - dice.uniform(0.5, 3.0), 0.0)
        drawn.append(Trouble(kind="mute", at_s=round(at_s, 3), keys=_keys({"line": "data"})))
    return tuple(drawn)


def _no_past(dice: Random, bad_s: float) -> tuple[Trouble, ...]:
    """Nobody reaches history, and meanwhile the lines end and come back."""
    at_s, for_s = dice.uniform(0.0, max(bad_s - NO_PAST_S[1], 0.0)), round(dice.uniform(*NO_PAST_S), 3)
    restart_s, away_s = dice.uniform(1, 15), dice.randint(4, 20)
    if dice.random() >= NO_PAST:
        return ()
    return (
        Trouble(kind="net_hang", at_s=round(at_s, 3), keys=_keys({"road": "data", "for_s": for_s})),
        Trouble(kind="net_fin", at_s=round(at_s + 0.5, 3), keys=_keys({"road": "data"})),
        Trouble(kind="server_restart", at_s=round(at_s + restart_s, 3), keys=_keys({"for": f"{away_s}s"})),
    )


def _no_replay(dice: Random) -> tuple[Trouble, ...]:
    """What the account's line does not tell is told by nobody else."""
    if dice.random() >= NO_REPLAY:
        return ()
    return (Trouble(kind="no_replay", at_s=0.0, keys=_keys(TROUBLES["no_replay"].draw(dice))),)


def _in_order(*troubles: Trouble) -> tuple[Trouble, ...]:
    return tuple(sorted(troubles, key=lambda trouble: (trouble.at_s, trouble.kind)))


def _rates(dice: Random) -> tuple[tuple[str, float], ...]:
    share = dice.uniform(*CHANCE_SHARE)
    return tuple((kind, round(_log_uniform(dice, *RATE), 5)) for kind in CHANCES if dice.random() < share)


def _players(dice: Random, symbols: tuple[str, ...], pause_s: tuple[float, float]) -> tuple[Player, ...]:
    """At least one who watches and one who trades, and one to whom everything is told."""
    count = dice.randint(*PLAYERS)
    kinds = ["watcher", "trader", *(dice.choice(("watcher", "trader")) for _ in range(count - 2))]
    drawn = (
        Player(
            kind=kind,
            name=f"{kind}_{number}",
            params=_keys(_watcher(dice, symbols) if kind == "watcher" else _trader(dice, symbols, pause_s)),
        )
        for number, kind in enumerate(kinds, 1)
    )
    return (*drawn, Player(kind="witness", name="witness", params=(("symbols", symbols),)))


def _watcher(dice: Random, symbols: tuple[str, ...]) -> dict[str, Any]:
    return {
        "symbols": tuple(dice.sample(symbols, dice.randint(1, len(symbols)))),
        "takes": dice.randint(1, 3),
        "stay_s": round(_log_uniform(dice, 20, 1500), 1),
        "slow_s": round(dice.choice((0.0, 0.0, dice.uniform(0.1, 20.0))), 2),
        "raise_every_s": round(dice.choice((0.0, 0.0, dice.uniform(60, 900))), 1),
        "gaps": dice.random() < 0.9,
    }


def _trader(dice: Random, symbols: tuple[str, ...], pause_s: tuple[float, float]) -> dict[str, Any]:
    return {
        "symbols": tuple(dice.sample(symbols, dice.randint(1, len(symbols)))),
        "pause_s": round(_log_uniform(dice, *pause_s), 1),
        "on_exit": dice.choice(("cancel", "flatten", "leave")),
        "rounds": dice.randint(1, 4),
    }


def _keys(keys: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(keys.items())


def _log_uniform(dice: Random, low: float, high: float) -> float:
    return float(low * (high / low) ** dice.random())
