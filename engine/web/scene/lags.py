"""How long events were on their way lately, sampled while the dashboard runs, so that the line is there when somebody
looks."""

from collections import deque
from typing import Any, Final

import trio
from attrs import define, field

from engine.flow.markets import Markets
from engine.model.instant import NS_PER_S

EVERY_S: Final = 2.0
SAMPLES_MAX: Final = 450
"""A quarter of an hour of them: 20 kB for a browser."""
FEEDS_MAX: Final = 4
"""Lines that can be told apart on one chart."""
_NS_PER_MS: Final = 1_000_000


@define(eq=False)
class Lags:
    """p50 and p99 of each feed in windows of `EVERY_S`, in milliseconds; ``None`` where nothing was told."""

    markets: Markets
    _at: deque[float] = field(factory=lambda: deque(maxlen=SAMPLES_MAX), init=False)
    _lines: dict[str, tuple[deque[float | None], deque[float | None]]] = field(factory=dict, init=False)
    _seen: dict[str, list[int]] = field(factory=dict, init=False)

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            await trio.sleep(EVERY_S)
            self.sample()

    def sample(self) -> None:
        """Take one sample of every feed."""
        self._at.append(self.markets.clock.now_ns() / NS_PER_S)
        for name, stream in list(self.markets.streams.items())[:FEEDS_MAX]:
            if name not in self._lines:
                blank = [None] * (len(self._at) - 1)
                self._lines[name] = (deque(blank, maxlen=SAMPLES_MAX), deque(blank, maxlen=SAMPLES_MAX))
            window = stream.lag.since(self._seen.get(name, [0] * len(stream.lag.counts)))
            self._seen[name] = list(stream.lag.counts)
            for line, share in zip(self._lines[name], (0.5, 0.99), strict=True):
                line.append(round(window.percentile_ns(share) / _NS_PER_MS, 3) if window.count else None)

    def read(self) -> dict[str, Any]:
        """As the browser draws it."""
        return {
            "at": [round(at, 1) for at in self._at],
            "feeds": [{"name": name, "p50": list(p50), "p99": list(p99)} for name, (p50, p99) in self._lines.items()],
        }
