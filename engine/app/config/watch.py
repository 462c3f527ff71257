"""``[watch]``: what is watched beside a session, and how closely."""

from attrs import field, frozen
from attrs.validators import gt

from engine.core.watch.tuning import WatchTuning


@frozen(kw_only=True)
class WatchSettings(WatchTuning):
    """`engine.core.watch.tuning.WatchTuning`, and what is the session's own."""

    on: bool = True
    """Whether anything is watched at all. The feeds' own silence watch goes on either way."""
    calendar_days: int = field(default=30, validator=gt(0))
    """Days ahead on which the broker's calendar is compared with ours, at the start and every six hours."""
