"""Doing it: the latch, then cancels and closing orders straight at the broker, until two looks agree.

The latch comes first and its failure stops nothing: a full disk is no reason to stay in a position.
"""

from functools import partial
from pathlib import Path
from time import time_ns

import trio

from engine.app.kill.aim import Aim, KillReport
from engine.app.kill.ending import LAND_S, Ending, Look
from engine.app.kill.holdings import Survey, read_account
from engine.app.kill.place import Place, Reach, find_folder, open_reach, own_folder, set_clock
from engine.errors import BrokerUnavailable, GaplessError, Misconfigured
from engine.flow.account.killswitch import OUTSIDE
from engine.store import Latches


async def kill(place: Place, aim: Aim) -> KillReport:
    """Latch, cancel and close; returns within ``aim.within_s`` and some. Raises `Misconfigured` and `KeysRefused`."""
    began_s = trio.current_time()
    report = KillReport(cancel_only=aim.cancel_only)
    async with open_reach(place) as reach:
        folder = await _find_folder(place, reach, aim, report)
        report.latched = _latch(folder, aim, report)
        with trio.move_on_after(aim.within_s - (trio.current_time() - began_s)):
            await set_clock(reach)
            if report.latched:
                await trio.sleep(LAND_S)
            await Ending(reach=reach, aim=aim, report=report, look=_look(reach, folder, aim)).run()
        report.took_s = round(trio.current_time() - began_s, 3)
    if not report.done:
        why = f" {report.trouble}" if report.trouble else ""
        report.warnings.append(f"It was not over within {aim.within_s:g} s: run it again.{why}")
    return report


async def _find_folder(place: Place, reach: Reach, aim: Aim, report: KillReport) -> Path | None:
    """The state folder; one is made for ``--all``, so that an engine which is started later finds the latch."""
    try:
        folder = await find_folder(place, reach)
        if folder is None and aim.everything:
            return await own_folder(place, reach)
    except BrokerUnavailable as error:
        if not aim.everything:
            raise
        report.warnings.append(f"{error} Nothing is latched: an engine that runs is not stopped.")
        return None
    if folder is None:
        raise Misconfigured(
            "There is no state folder of this account, so nobody knows what belongs to strategies. Name it by "
            "--state, or end everything on the account with --all."
        )
    return folder


def _latch(folder: Path | None, aim: Aim, report: KillReport) -> tuple[str, ...]:
    if folder is None:
        return ()
    latched = []
    for scope in aim.scopes:
        try:
            Latches(folder).trip(scope, OUTSIDE + aim.reason, aim.by, time_ns())
            latched.append(scope)
        except GaplessError as error:
            report.warnings.append(f"{error} An engine that runs is not stopped by it.")
    return tuple(latched)


def _look(reach: Reach, folder: Path | None, aim: Aim) -> Look:
    if folder is None or aim.everything:
        return partial(read_account, reach.broker)
    return Survey(folder=folder, broker=reach.broker, clock=reach.clock, strategies=aim.strategies).look
