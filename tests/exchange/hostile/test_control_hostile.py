"""Whatever ``/_exchange`` is told, it refuses or does, and the exchange is as it was once all of it is taken back."""

from random import Random
from typing import Any, Final

import h11
import pytest
import trio
from attrs import define, field

from engine.exchange.faults.kinds import KINDS, LINES, PHASES, STAGES
from engine.exchange.rest.control import FAULTS_MAX, STANDING_MAX

SHARE: Final = 0.15

GOOD: Final[dict[str, tuple[Any, ...]]] = {
    "after_events": (0, 1, 10**9),
    "at": ("09:30:00 ET", "23:59:59"),
    "every": ("1s", "250ms", "1h"),
    "times": (1, 10_000_000),
    "for": ("0s", "1s", "10m", "1" * 400 + "s"),
    "next": (1, 5),
    "p": (0.5, 1, 1e-9),
    "code": (400, 406, 1001, 4999, 1005),
    "phase": PHASES,
    "status": (400, 429, 500, 503, 599),
    "headers": ({}, {"Retry-After": "1"}, {"é": "x"}, {"a b": "c"}, {"X": "a\r\nY: b"}, {"Content-Length": "0"}),
    "events": (0, 5),
    "lag": ("1s", "0s", "9" * 400 + "h", "1" * 300 + "s", "99999999h"),
    "younger": ("15m", "9" * 400 + "h"),
    "limit": (0, 1, 30),
    "cut": (True, False),
    "line": LINES,
    "stage": STAGES,
    "method": ("GET", "POST"),
    "path": ("/", "/v2/orders"),
    "bare": (True, False),
    "symbol": ("SPY", "BTC/USD", "NOSUCH"),
}
CALLS: Final = (
    ("GET", b"/v2/clock", b""),
    ("GET", b"/v2/orders", b""),
    ("GET", b"/v2/positions", b""),
    ("GET", b"/v2/account", b""),
    ("GET", b"/v2/stocks/SPY/trades?start=2026-03-02&limit=10", b""),
    ("POST", b"/v2/orders", b'{"symbol":"BTC/USD","qty":"0.01","side":"buy","type":"market","time_in_force":"gtc"}'),
    ("DELETE", b"/v2/orders", b""),
)


@define
class Control:
    """Breaks the exchange in any way that can be said, and then asks it something."""

    storm: Any
    oddities: Any
    met: dict[int, int] = field(factory=dict)

    async def case(self, dice: Random) -> None:
        """One request to the control desk; perhaps a call while what it asked for stands; and the end of that."""
        odd, caller = self.oddities(dice), self.storm.caller
        if dice.random() < 0.1:
            path = b"/_exchange" + odd.text().encode("ascii", "ignore").split(b"\r")[0].replace(b" ", b"").strip(
                b"\x00"
            )
            reply = await caller.call(dice.choice(("GET", "PUT", "POST", "DELETE")), path, odd.json(odd.value()))
        else:
            tables = [self.table(dice, odd) for _ in range(dice.choice((1, 1, 1, 2, 5, FAULTS_MAX + 1)))]
            body = odd.json(tables if len(tables) > 1 else tables[0])
            reply = await caller.call("POST", b"/_exchange/faults", b"[" * 100_000 if dice.random() < 0.02 else body)
        self.met[reply.status] = self.met.get(reply.status, 0) + 1
        reply.check()
        if dice.random() < 0.6:
            await self.suffer(dice.choice(CALLS))
        if dice.random() < 0.5:
            (await caller.call("DELETE", b"/_exchange/faults")).check()

    def table(self, dice: Random, odd: Any) -> dict[str, Any]:
        """One fault: often a good one, with any of the keys that its kind takes."""
        kind = dice.choice([*KINDS])
        allowed = sorted(KINDS[kind].options | {"times", "after_events", "at", "every"})
        keys = [key for key in allowed if dice.random() < 0.3 or key in KINDS[kind].needs]
        table = {"kind": kind, **{key: dice.choice(GOOD[key]) for key in keys}}
        return table if dice.random() < 0.7 else dict(odd.spoiled(table))

    async def suffer(self, call: tuple[str, bytes, bytes]) -> None:
        """A call that may be answered with anything or not at all, because it was asked for."""
        with trio.move_on_after(20):
            try:
                await self.storm.caller.call(*call)
            except (trio.BrokenResourceError, h11.RemoteProtocolError, AssertionError):
                await trio.lowlevel.checkpoint()  # no answer, or half of one: as ordered
        await self.storm.caller.close()


@pytest.mark.slow
async def test_whatever_goes_wrong_on_purpose_can_be_ended_again(storm: Any, oddities: Any) -> None:
    control = Control(storm, oddities)
    await storm.rage("control", SHARE, control.case)
    assert {200, 400} <= set(control.met)


async def test_only_so_many_faults_can_stand(storm: Any) -> None:
    many = b"[" + b",".join([b'{"kind":"stale_reads"}'] * FAULTS_MAX) + b"]"
    for _ in range(STANDING_MAX // FAULTS_MAX):
        assert (await storm.caller.call("POST", b"/_exchange/faults", many)).status == 200
    refused = await storm.caller.call("POST", b"/_exchange/faults", b'{"kind":"stale_reads"}')
    refused.check()
    assert refused.status == 422
    await storm.look()
