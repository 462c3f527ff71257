"""The numbers of the watch, each with its reason. Seconds of market time unless it says otherwise."""

from attrs import field, frozen
from attrs.validators import and_, ge, gt, le


@frozen(kw_only=True)
class WatchTuning:
    """When something is worth an alarm."""

    margin: float = field(default=3.0, validator=ge(1))
    """A stream may be silent for this many times the gap that it was learnt to exceed seldom: at random moments a gap
    so long comes once in a million."""
    patience: float = field(default=1.0, validator=and_(gt(0), le(100)))
    """All floors and ceilings times this."""
    grace_s: float = field(default=30.0, validator=ge(0))
    """After the beginning of each part of the day, before silence is counted: auctions take a while."""
    confirm_s: float = field(default=3.0, validator=ge(0))
    """A stream that history says was missed has this long to arrive after all, from when history was read."""
    unproved_factor: float = field(default=3.0, validator=ge(1))
    """Where history cannot say, a silence is an alarm at this many times its limit, in regular hours only."""
    canary: tuple[str, ...] = ()
    """Symbols whose silence is the line's, such as SPY; empty: the stream of each feed that was learnt to be fastest.
    Where none of them is subscribed to on a feed, the fastest is taken there, too."""
    recycle: bool = True
    """Whether the line of a silent feed, or of a stream that is missing, is closed and opened again."""
    recycles_max: int = field(default=3, validator=ge(0))
    """Lines of one feed opened again for that in an hour. A stream that stays silent after three will after thirty,
    and each costs the other streams of its feed a second."""
    not_live_s: float = field(default=30.0, validator=gt(0))
    """A feed that should be live and is not, for so long: a cut and its restart take a second or two. Trio's clock."""
    lag_s: float = field(default=5.0, validator=gt(0))
    """p99 from an event's instant to its delivery, over a minute; by the line and by each strategy."""
    queue_fill: float = field(default=0.5, validator=and_(gt(0), le(1)))
    """The share of a subscription's queue that may wait, where a full one blocks or fails."""
    flapping: int = field(default=5, validator=gt(0))
    """Lines of a feed that were opened again, or restarts of a strategy, within ten minutes."""
    account_s: float = field(default=30.0, validator=gt(0))
    """The account's stream not connected for so long: fills come by comparing books only. Trio's clock."""
    doubts: int = field(default=3, validator=gt(0))
    """Comparisons of our books with the broker's in a row that left a difference."""
    unknown_s: float = field(default=30.0, validator=gt(0))
    """An order's outcome unknown, or the broker's books not to be read, for so long. Trio's clock."""
    loop_lag_s: float = field(default=0.5, validator=gt(0))
    """The longest that the loop came too late to a timer, over a minute: a strategy computed for so long."""
    disk_free_mb: int = field(default=500, validator=ge(0))
    """Free on the disk of the order file or of the recording; a fifth of it is critical."""
    hold_s: float = field(default=600.0, validator=gt(0))
    """Dropped events stand as an alarm for this long after the last of them. Trio's clock."""
