"""What happened to a session, as findings: strategies that ended, alarms of the line and the desk, the kill switch.

They are found here and not by the watch: they are no matter of a limit, and are told also where the watch is off.
"""

import re
from typing import Final

import trio

from engine.app.beside.engine import Engine
from engine.errors import GaplessError, Misconfigured
from engine.flow.account.killswitch import ACCOUNT, WATCH_EVERY_S
from engine.flow.desk.record import SOURCE as ACCOUNT_SIDE
from engine.flow.notices import Notices
from engine.model.alert import TITLE_CHARS_MAX, Finding, Severity
from engine.model.control import Alarm, ControlEvent, Halted

HALTED: Final = "halted"
SESSION: Final = "session"
SAID: Final = (f"{SESSION}/",)
"""Keys of what the terminal has in the words of whatever it happened to."""
GOING_ON: Final = frozenset({"waiting", "running", "restarting"})
"""States of a strategy that is not over."""
NOTICES_MAX: Final = 1000
"""Events that wait to be looked at; they are looked at whenever the loop gets round to it."""
KEY_CHARS_MAX: Final = 60
"""Of a message that makes a key: enough to tell two kinds of trouble apart."""


def headline(text: str) -> str:
    """Text as the one line of a title."""
    line = " ".join(text.split())
    return line if len(line) <= TITLE_CHARS_MAX else line[: TITLE_CHARS_MAX - 1] + "…"


def _whole(reason: str, advice: str = "") -> str:
    """The advice, after the reason where a title is too short for that."""
    return "\n".join(filter(None, (reason if len(reason) > TITLE_CHARS_MAX // 2 else "", advice)))


def finding_of(event: ControlEvent, *, under: str = HALTED) -> Finding | None:
    """What a person should know of a control event; ``None`` for what the watch judges by its duration.

    ``under``: what the key of a strategy's end begins with.
    """
    if isinstance(event, Halted):
        return halted(event.strategy, event.reason, event.at_ns, under=under)
    if isinstance(event, Alarm):
        return Finding(
            key=f"alarm/{event.feed}/{_kind(event.message)}",
            severity=Severity.CRITICAL if event.feed == ACCOUNT_SIDE else Severity.WARNING,
            title=headline(f"{event.feed}: {event.message}"),
            text=_whole(event.message),
            at_ns=event.at_ns,
        )
    return None


def halted(strategy: str, reason: str, at_ns: int, *, under: str) -> Finding:
    """A strategy was ended by the engine or by its own exception."""
    return Finding(
        key=f"{under}/{strategy}",
        severity=Severity.CRITICAL,
        title=headline(f"Strategy {strategy} has ended: {reason}"),
        text=_whole(reason, "It does not run any more; the others go on. Look at its positions and open orders."),
        at_ns=at_ns,
    )


def ended_badly(reason: str, at_ns: int) -> Finding:
    """The session is over, and nobody asked for that."""
    return Finding(
        key=f"{SESSION}/ended",
        severity=Severity.CRITICAL,
        title=headline(f"The session has ended by an error: {reason}"),
        text=_whole(reason, "Nothing is traded or watched any more until it is started again."),
        at_ns=at_ns,
    )


def _kind(message: str) -> str:
    """What a message is about: its first words without its figures, so that the same trouble has the same key."""
    return "-".join(re.findall(r"[a-z]+", message.lower()))[:KEY_CHARS_MAX]


class Heard(Notices):
    """Notices that go on when a session closes its channels: what strategies leave behind is told after that."""

    def close(self) -> None:
        """More may come."""


def listen(engine: Engine) -> Notices:
    """From now on hear what happens to the lines and the strategies."""
    notices = Heard(capacity=NOTICES_MAX)
    engine.markets.listen(notices)
    return notices


async def tell_events(engine: Engine, notices: Notices) -> None:
    """Tell what is heard, until cancelled."""
    async for event in notices:
        _tell(engine, event)


def tell_left(engine: Engine, notices: Notices) -> None:
    """Tell what was heard and not told yet."""
    while notices.has_events():
        _tell(engine, notices.take_nowait())


def _tell(engine: Engine, event: ControlEvent) -> None:
    under = _under(engine, event.strategy) if isinstance(event, Halted) else HALTED
    found = finding_of(event, under=under)
    if found is not None:
        engine.alarms.tell(found)


def tell_ending(engine: Engine, error: BaseException | None) -> None:
    """What the end of a session leaves to be told: what ended it, and strategies that failed on their way out."""
    now_ns = engine.markets.clock.now_ns()
    for run in engine.session.runs:
        if run.failure is not None:
            found = halted(run.name, run.error or str(run.failure), now_ns, under=_under(engine, run.name))
            if all(alarm.finding.key != found.key for alarm in engine.alarms.standing()):
                engine.alarms.tell(found)
    failure = error if engine.session.failure is None else engine.session.failure
    if failure is not None:
        ours = isinstance(failure, GaplessError)
        engine.alarms.tell(ended_badly(str(failure) if ours else f"a bug: {_first(failure)!r}", now_ns))


def _under(engine: Engine, strategy: str) -> str:
    """What the key of a strategy's end begins with: a setting that it cannot use, where nothing else runs, is what the
    session ends with, and the terminal has it in those words."""
    runs = engine.session.runs
    refused = any(run.name == strategy and isinstance(run.failure, Misconfigured) for run in runs)
    return SESSION if refused and not any(run.state in GOING_ON for run in runs) else HALTED


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def watch_killswitch(engine: Engine) -> None:
    """Hold that the kill switch is tripped for as long as it is."""
    account = engine.account
    while account is not None:
        scopes = [ACCOUNT] if account.killed else [run.name for run in engine.session.runs]
        reasons = {scope: account.switch.tripped(scope) for scope in scopes}
        engine.alarms.hold(
            "killswitch",
            [
                Finding(
                    key=f"killswitch/{scope}",
                    severity=Severity.CRITICAL,
                    title=headline(f"The kill switch of {scope} is tripped: {reason}"),
                    text=_whole(reason, "Nothing that adds risk is sent until 'gapless kill --reset'."),
                    at_ns=engine.markets.clock.now_ns(),
                )
                for scope, reason in reasons.items()
                if reason
            ],
        )
        await trio.sleep(WATCH_EVERY_S)
