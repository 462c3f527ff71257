"""Bugs of the lines: connecting, staying connected, noticing that one is not, asking no more often than is allowed."""

from typing import Final

from engine.testing.simulate.mutants.mutant import Mutant

LINES: Final = (
    Mutant(
        name="no_ping",
        file="venues/alpaca/socket.py",
        old="                    socket_nursery.start_soon(self._keep_alive, ws, tap)\n",
        new="",
        breaks="a dead peer is noticed by nobody",
    ),
    Mutant(
        name="held_is_fatal",
        file="venues/alpaca/reactions.py",
        old='            "died uncleanly frees itself within about 90 s",\n            SessionHeld,',
        new='            "died uncleanly frees itself within about 90 s",\n            ProtocolRefused,',
        breaks="the ghost of one's own session ends the engine",
    ),
    Mutant(
        name="no_resubscribe",
        file="flow/stream.py",
        old="        asked: frozenset[Stream] | None = None\n",
        new="        asked: frozenset[Stream] | None = self.wanted() if self.connects > 1 else None\n",
        breaks="after a reconnect nothing is subscribed",
    ),
    Mutant(
        name="no_silence_watch",
        file="core/silence.py",
        old='    if proof == "missed":\n        return "mute"\n    if silent_s < deadline_s:\n        return "wait"',
        new='    if silent_s >= 0:\n        return "wait"',
        breaks="a line that answers pings and tells nothing stays so for ever",
    ),
    Mutant(
        name="silence_is_death",
        file="core/silence.py",
        old='    if as_read:\n        return "mute"\n    if proof',
        new='    if as_read or silent_s >= deadline_s:\n        return "mute"\n    if proof',
        breaks="a quiet market is taken for a dead line",
    ),
    Mutant(
        name="no_handshake_deadline",
        file="venues/alpaca/socket.py",
        old="            with trio.fail_after(limit_s):\n                await line_nursery.start(self.serve)",
        new="            with trio.fail_after(1e6):\n                await line_nursery.start(self.serve)",
        breaks="a venue that accepts and says nothing holds the feed for ever",
    ),
    Mutant(
        name="no_acknowledgement_deadline",
        file="venues/alpaca/feed.py",
        old="            deadline = self._acknowledge_by if self._protocol.awaiting else math.inf",
        new="            deadline = math.inf",
        breaks="a subscription whose answer is lost is waited for until the line ends",
        hidden="an answer is lost only with its line, whose end is noticed; tests/venues/alpaca/test_feed.py holds it",
    ),
    Mutant(
        name="no_backoff",
        file="core/restart.py",
        old="    return Decision(Streak(streak.length + 1, recent), max(delay_s, asked_delay_s or 0.0))",
        new="    return Decision(Streak(0, ()), 0.0)",
        breaks="a venue that refuses is dialled without a pause",
    ),
    Mutant(
        name="retry_after_ignored",
        file="core/rate.py",
        old="        if quota.wait_s is not None:\n            self._quiet_until_s, self._spent =",
        new="        if quota.wait_s is not None and quota.wait_s > 1e6:\n"
        "            self._quiet_until_s, self._spent =",
        breaks="the venue's wish for quiet is not respected",
    ),
    Mutant(
        name="error_ends_all",
        file="flow/supervisor.py",
        old="            if not isinstance(failure, retry):\n                raise failure from None",
        new="            if not isinstance(failure, retry) or isinstance(failure, VenueBusy):\n"
        "                raise failure from None",
        breaks="a busy venue ends the engine",
    ),
    Mutant(
        name="pong_is_enough",
        file="flow/probe.py",
        old="            if splice is None:\n                continue\n",
        new="            if splice is None:\n                continue\n            return False\n",
        breaks="history is asked whether the line is mute, and its answer not looked at",
    ),
    Mutant(
        name="wall_for_market",
        file="flow/clock.py",
        old="        if self._pace is _Pace.WALL:\n            told_ns",
        new="        if self._pace is not _Pace.AS_READ:\n            told_ns",
        breaks="the machine's clock is taken for the market's",
    ),
    Mutant(
        name="secret_in_log",
        file="venues/alpaca/http/client.py",
        old='        why = self.without_secrets(str(error)) or "no reason was given"',
        new='        why = f"{error} {self._headers}"',
        breaks="the secret stands in what is said of a request that failed",
    ),
    Mutant(
        name="socket_left",
        file="venues/alpaca/socket.py",
        old="        finally:\n            await trio.aclose_forcefully(stream)",
        new="        finally:\n            await trio.lowlevel.checkpoint()",
        breaks="the connection of a line that ended stays open",
    ),
)
