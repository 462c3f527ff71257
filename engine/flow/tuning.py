"""The numbers of a market stream, each with its reason. Seconds of market time unless it says otherwise."""

from attrs import field, frozen

from engine.core.restart import RestartPolicy
from engine.core.splice import Settling
from engine.model.instant import NS_PER_S


@frozen(kw_only=True)
class StreamTuning:
    """How patient a market stream is."""

    # A liquid symbol is never silent this long in the session; a quiet one costs one history request to find out.
    silence_s: float = 30.0
    # At speed 0 a tape comes as fast as it is read: silence there is a fault. Seconds of Trio's clock.
    silence_as_read_s: float = 3.0
    # Minute bars appear in history 2-3 s after the minute, and participants may report 10 s late (forum 12024, SIP).
    settle_s: float = 15.0
    # How far before the cursor history is read again, for what the venue listed late: those ten seconds.
    overlap_s: float = 10.0
    # After this long without overlap between history and the line, the hole is declared. Both clocks must agree.
    give_up_s: float = 60.0
    give_up_wall_s: float = 10.0
    # Pauses between two readings of history while it lags, in seconds of Trio's clock: 12 requests in the first 10 s.
    poll_initial_s: float = 0.1
    poll_max_s: float = 2.0
    # Live events held during a backfill: about a minute at 4,000 a second, some 80 MB.
    hold_max: int = 262_144
    restart: RestartPolicy = field(factory=RestartPolicy)

    @property
    def settling(self) -> Settling:
        return Settling(settle_ns=int(self.settle_s * NS_PER_S), overlap_ns=int(self.overlap_s * NS_PER_S))
