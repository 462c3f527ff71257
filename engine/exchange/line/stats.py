"""What the exchange counted: the other side of a client's own figures, and the proof that faults really happened."""

from collections import Counter
from typing import Any

from attrs import asdict, define, field


@define
class Stats:
    """Counters of one exchange since it was opened. Delays are seconds of Trio's clock."""

    connections: int = 0
    turned_away: int = 0
    """Connections beyond the number allowed at once, or to a path that does not exist."""
    logins: int = 0
    subscriptions: int = 0
    frames_sent: int = 0
    events_sent: int = 0
    bytes_sent: int = 0
    errors_sent: Counter[int] = field(factory=Counter)
    closed_clean: int = 0
    closed_unclean: int = 0
    broken: Counter[str] = field(factory=Counter)
    """Connections that ended with an error of the network or of the peer's protocol, by its name."""
    queued_max: int = 0
    """The most events that ever waited for one connection."""
    pings: int = 0
    pongs_late: int = 0
    pong_late_max_s: float = 0.0
    """The longest a client took to answer a ping."""

    def pong(self, delay_s: float) -> None:
        """A client answered a ping after so long."""
        self.pong_late_max_s = max(self.pong_late_max_s, delay_s)

    def summary(self) -> dict[str, Any]:
        """The counters as plain values, for JSON."""
        told = asdict(self)
        told["errors_sent"] = {str(code): count for code, count in sorted(self.errors_sent.items())}
        told["broken"] = dict(sorted(self.broken.items()))
        return told
