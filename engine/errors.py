"""Everything that can go wrong, classed by what to do next.

The tree (``tests/test_errors.py`` holds this drawing against the code):

    GaplessError
    ├── Retryable                    the venue or the line; a supervisor tries again
    │   ├── LineLost                 the socket ended, was reset or spoke nonsense
    │   ├── HandshakeFailed          no welcome, no answer to login, a deadline passed
    │   ├── PongLate                 the peer no longer answers pings
    │   ├── DataSilent               pongs arrive, data that history proves to exist does not
    │   ├── Overrun                  our strategies were too slow for the line for too long
    │   ├── SlowClient               the venue says that we read too slowly (407)
    │   ├── VenueBusy                the venue asked us to come back later (404, 500, HTTP 429 and 5xx)
    │   │   └── SessionHeld          another session holds the line (406), often our own ghost
    │   ├── HistoryUnavailable       a history request failed after its retries
    │   ├── ReplyMissing             a request that changes something was sent, and nobody knows what became of it
    │   ├── BrokerUnavailable        the broker could not be asked; that is not an answer
    │   │   └── MarkUnknown          it was asked to go on from a place that it does not know
    │   ├── EngineAway               there is no such engine on this machine, or it no longer answers
    │   └── PartFailed               something beside the session failed: the dashboard, the watch, an alert channel
    ├── HistoryRefused               this span of history is not for this plan; asking again will not help
    ├── HaltStrategy                 one strategy ends, its siblings do not notice
    │   ├── SubscriptionRefused      the venue refused this subscription (400, 410, 413)
    │   ├── ChannelOverflow          a channel with ``full="fail"`` was full
    │   ├── OrderRefused             an order will not be worked: the venue or a rule of it said no
    │   │   ├── LimitReached         one of our own limits said no
    │   │   ├── NotReady             the account stream or the data was not ready in time, or the order got too old
    │   │   └── KillSwitchTripped    the kill switch is tripped, until a person resets it
    │   ├── OrderEnded               an order that was waited for ended in another way
    │   ├── NotInReplay              a strategy did something that would not come out the same in another replay
    │   └── StrategyFailed           the strategy raised and its restart rule is spent
    └── AskHuman                     nothing here can mend it: the session stops with a sentence
        ├── Misconfigured            a flag, a file or a setting is wrong
        │   └── StrategyNotLoaded    a strategy could not be found, imported or was not one
        ├── KeysRefused              the venue does not know these keys (402)
        ├── PlanRefused              the plan does not hold this feed (409) or the token this scope (411)
        ├── StoreFailed              the order file cannot be read or written
        ├── ProtocolRefused          the venue will not talk to this client (408, 412, HTTP 4xx on the upgrade)
        └── BudgetSpent              a supervisor restarted its child as often as its policy allows

Each message is one sentence or two: what, where, what to do next. A message never holds a secret.
"""

from collections.abc import Mapping
from typing import ClassVar


class GaplessError(Exception):
    """The root. ``exit_code`` is what ``gapless`` exits with when this ends a session."""

    exit_code: ClassVar[int] = 1


class Retryable(GaplessError):
    """Try again, by the restart policy of whoever supervises the task."""

    exit_code = 4


class LineLost(Retryable):
    """The connection ended: closed, reset, or the peer broke the protocol."""


class HandshakeFailed(Retryable):
    """The line did not become ready within its deadline."""


class PongLate(Retryable):
    """No pong came back in time: the peer or the path is dead."""


class DataSilent(Retryable):
    """The socket lives but delivers nothing although there is something to deliver."""


class Overrun(Retryable):
    """What arrived could not be handed on within the patience of the reader."""


class SlowClient(Retryable):
    """Error 407: the venue dropped messages because this client reads too slowly."""


class VenueBusy(Retryable):
    """The venue answered that it cannot serve now.

    ``retry_after_s`` is what the venue asked for, in seconds, or ``None``.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SessionHeld(VenueBusy):
    """Error 406: the one connection this endpoint allows is taken.

    After an unclean drop the venue may keep our own dead session for about 90 seconds
    (alpaca-trade-api-csharp#558), so this is waited out and does not count against a restart budget.
    """


class HistoryUnavailable(Retryable):
    """A history request failed for a passing reason and its own retries are spent."""


class ReplyMissing(Retryable):
    """A request that changes something was sent and not answered clearly: it may or may not have been carried out."""


class BrokerUnavailable(Retryable):
    """The broker could not be asked, or answered nonsense. It says nothing about what is there."""


class MarkUnknown(BrokerUnavailable):
    """The broker does not know the place in a list from which it was to go on, as after an account was reset."""


class EngineAway(Retryable):
    """An engine that was to be looked at does not run, has ended, or does not answer."""


class PartFailed(Retryable):
    """Something that stands beside a session failed; trading goes on without it."""


class HistoryRefused(GaplessError):
    """History of this span is refused to this plan (HTTP 403, body code 42210000)."""

    exit_code = 3


class HaltStrategy(GaplessError):
    """Ends one strategy; the session and the other strategies go on."""


class SubscriptionRefused(HaltStrategy):
    """The venue refused the subscription; the message names it and the reason."""


class ChannelOverflow(HaltStrategy):
    """A channel that was opened with ``full="fail"`` had no room for the next event."""


class OrderRefused(HaltStrategy):
    """An order, a change or a cancel that will not be carried out.

    ``rule`` is the short name of what was broken (`engine.core.rules.Rule` in lower case, a limit, ``venue`` where the
    words tell no rule); ``status`` and ``code`` are HTTP's and the body's where the venue said it, else 0;
    ``client_order_id`` is empty where none was given yet. ``extra`` are further keys of the body.
    """

    def __init__(
        self,
        message: str,
        *,
        rule: str = "venue",
        status: int = 0,
        code: int = 0,
        client_order_id: str = "",
        extra: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.status = status
        self.code = code
        self.client_order_id = client_order_id
        self.extra: Mapping[str, str] = extra or {}


class LimitReached(OrderRefused):
    """One of the limits that the user set would be exceeded, or cannot be measured."""


class NotReady(OrderRefused):
    """An order that adds risk waited for the account stream, the books or the data, and was dropped."""


class KillSwitchTripped(OrderRefused):
    """The kill switch is tripped: nothing that adds risk is sent until a person resets it."""


class OrderEnded(HaltStrategy):
    """An order that was waited for was canceled, expired, was rejected or never reached the venue."""


class NotInReplay(HaltStrategy):
    """A strategy read a clock, rolled dice, opened a file or a socket of its own while it was replayed."""


class StrategyFailed(HaltStrategy):
    """A strategy raised an exception and may not be started again."""


class AskHuman(GaplessError):
    """Stops the session: a person has to change something first."""

    exit_code = 2


class Misconfigured(AskHuman):
    """A flag, an environment variable, a file or a setting is wrong."""


class StrategyNotLoaded(Misconfigured):
    """A strategy name could not be turned into a strategy."""


class KeysRefused(AskHuman):
    """Error 402 (or HTTP 401/403 on REST): the keys are not accepted here."""

    exit_code = 3


class PlanRefused(AskHuman):
    """Errors 409 and 411: the account's plan or the token's scope does not allow this feed."""

    exit_code = 3


class StoreFailed(AskHuman):
    """The file of orders cannot be opened, read or written: without it no order may be sent."""

    exit_code = 5


class ProtocolRefused(AskHuman):
    """The venue refuses this kind of client altogether (408, 412, HTTP 4xx on the upgrade)."""

    exit_code = 3


class BudgetSpent(AskHuman):
    """A restart budget is used up; the message names the child and its last error."""

    exit_code = 4
