"""The numbers of the desk, each with its reason. Seconds of Trio's clock, unless it says market time."""

from attrs import field, frozen

from engine.core.restart import RestartPolicy


def _asking() -> RestartPolicy:
    # Asking is harmless and the answer is worth money, so it is asked often: the budget is more than the longest
    # delay ever lets happen in its window, which means for ever, since ignorance must not become an answer.
    return RestartPolicy(delay_initial_s=0.25, delay_max_s=5.0, restarts_max=600, window_s=60.0)


@frozen(kw_only=True)
class DeskTuning:
    """How patient the desk is."""

    # How long an entry may be on its way, market time: a decision older than ten seconds was made about another market.
    entry_within_s: float = 10.0
    # An exit is still wanted a minute later: what it is to protect is still there.
    exit_within_s: float = 60.0
    # The most that the price may have moved since an entry was asked for, as a share of it: half a percent is several
    # spreads of anything liquid, and less than what a strategy usually lives from.
    slip_max: float = 0.005
    # While an entry waits for data to be live, how often it is looked at: nobody tells when a splice closes.
    look_again_s: float = 0.25
    # An exit waits this long at the start for the answers about what a former run sent: sending it beside an exit of
    # that run would cross zero. After that it goes, since being in the market blind is worse.
    start_wait_s: float = 10.0
    # How long a price is looked for that no stream tells and a limit needs: one request and its retry.
    look_up_s: float = 3.0
    # How long an order waits for one of our own that it would trade with: the cancel of that takes a second or so.
    clash_wait_s: float = 5.0

    # The most times that one order is sent; a venue that loses it three times is not there.
    sends_max: int = 3
    # A definite "no such order" counts when it was asked this long after the last send: more than a proxy holds a
    # request back, and more than reads were seen to trail writes.
    settle_s: float = 5.0
    # And it has to be said this often, so long apart: one replica can be wrong.
    absences_min: int = 2
    absence_apart_s: float = 1.0
    asking: RestartPolicy = field(factory=_asking)
    # Questions about orders at once: an outage leaves many, and the budget of requests is for sending too.
    asks_max: int = 4
    # From the intent to what is written of the answer: the broker gives a submit 5 s for its turn and 10 s for its
    # reply, and a disk that needs more than the rest is broken. Shielded against cancellation for so long, no longer.
    send_shield_s: float = 18.0
    # A cancel or a change that was taken and whose end nobody told is asked after this often.
    look_after_s: float = 2.0
    # And a person is told once it takes this long.
    stuck_s: float = 30.0

    # Books are compared this often when nothing happens: a lost fill is a position nobody guards.
    reconcile_every_s: float = 60.0
    # A doubt is often gone with the next message, so this is waited first ...
    doubt_after_s: float = 1.0
    # ... and rounds out of doubt keep this apart: a round costs half a dozen of two hundred requests a minute.
    doubt_every_s: float = 10.0
    # A difference counts when two rounds saw it with nothing between them, so the second begins behind the fence of
    # the first: `fence_s`, the second between two fences, and a little.
    again_after_s: float = 4.5
    # Consecutive rounds that end in doubt before it is said that the books cannot be brought together: two minutes,
    # more than lists were seen to lag, since what follows is for a person to undo.
    rounds_max: int = 12
    # Within a round: how often the positions are read again because they moved while it went on.
    readings_max: int = 4
    # What REST tells may be this old: what changed later than so long before a round is not judged by it.
    fence_s: float = 3.0
    # After a round that ended in doubt executions are read again from this long ago, market time: lists of them may
    # grow in the middle, and an hour of them is a page or two.
    fills_again_s: float = 3600.0
    # Executions are read from this long before the moment they are needed from, market time: both clocks are off.
    fills_overlap_s: float = 60.0
    # Fees are listed by the day, so without a trade they are asked for this often, and then those of the last days
    # again: Alpaca charges after the day is over, and over a long weekend that is four days. One request of a round's
    # half dozen, every tenth round.
    fees_every_s: float = 600.0
    fees_late_s: float = 4 * 86_400.0
    # Pages of executions in one round, 100 each: a busy day of one account. More is a mark that does not move.
    pages_max: int = 200
    reconciling: RestartPolicy = field(factory=_asking)

    # Losses are measured, and fences set, this often.
    tick_s: float = 1.0

    # Messages that wait to be taken: some ten minutes of a storm. When it is full they are let go, and the books
    # are compared instead.
    messages_max: int = 10_000
    # Orders that are open at once. Alpaca lists 500 a page; ten pages are read in a second or two.
    open_max: int = 5_000
    # Placements that wait at the gate or for a clash: more than a session's strategies can mean to do at once.
    waiting_max: int = 1_000
