"""What a person sees of a replay: how far it is, and at the end what came of it."""

import sys
from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Final

import msgspec

from engine.app.replay.options import Progress, Replayed
from engine.app.screen.tables import render_report
from engine.model.instant import NS_PER_S, render_instant

if TYPE_CHECKING:
    from rich.progress import Progress as Rich
    from rich.progress import TaskID

LINE_EVERY_S: Final = 5.0
"""Where lines are kept, as in the log of a server, more of them would hide the rest."""
BAR_EVERY_S: Final = 0.1


class Told:
    """Tells a replay's progress on stderr while its block is open: a bar on a terminal, else a line now and then."""

    def __init__(self, title: str, *, bar: bool, wall_s: Callable[[], float] = perf_counter) -> None:
        self._title, self._wall_s = title, wall_s
        self._begun_s = self._told_s = wall_s()
        self._bar: Rich | None = None
        self._task: TaskID | None = None
        if bar:
            from rich import progress
            from rich.console import Console

            columns = (progress.TextColumn(title), progress.BarColumn(), progress.TextColumn("{task.description}"))
            self._bar = progress.Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True)

    def __enter__(self) -> "Told":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Tell it, unless it was told just now."""
        now_s = self._wall_s()
        if now_s - self._told_s < (LINE_EVERY_S if self._bar is None else BAR_EVERY_S):
            return
        self._told_s = now_s
        passed_s = max(now_s - self._begun_s, 1e-9)
        words = f"{render_instant(progress.now_ns)[:19]}Z  {progress.events / passed_s:,.0f} events/s"
        if self._bar is None:
            sys.stderr.write(f"{self._title}: {words}, {progress.events:,} so far\n")
            return
        if self._task is None:
            self._task = self._bar.add_task("", total=max(progress.end_ns - progress.start_ns, 1))
        self._bar.update(self._task, completed=progress.now_ns - progress.start_ns, description=words)
        self._bar.refresh()


def tell(replayed: Replayed, *, as_json: bool) -> str:
    """The closing summary: tables and lines of text, or one JSON object."""
    if as_json:
        return msgspec.json.encode({**replayed.report.to_json(), "replay": figures(replayed)}).decode()
    told = figures(replayed)
    lines = [
        f"fingerprint    {replayed.fingerprint}",
        *(f"  {name:<13}{value}" for name, value in replayed.fingerprints.items()),
        f"journal        {replayed.journal_hash}",
        f"events         {replayed.events:,} in {replayed.wall_s:.2f} s, {told['events_per_s']:,.0f} a second",
        f"market time    {replayed.market_s:,.0f} s, {told['speed']:,.0f} times as fast as it was",
    ]
    return "\n" + render_report(replayed.report) + "\n\n" + "\n".join(lines)


def figures(replayed: Replayed) -> dict[str, object]:
    """What ``--json`` tells of a replay beside its session."""
    wall_s = max(replayed.wall_s, 1 / NS_PER_S)
    return {
        "fingerprint": replayed.fingerprint,
        "fingerprints": dict(replayed.fingerprints),
        "journal_hash": replayed.journal_hash,
        "decisions": len(replayed.decisions),
        "events": replayed.events,
        "events_per_s": round(replayed.events / wall_s),
        "market_s": replayed.market_s,
        "wall_s": round(replayed.wall_s, 3),
        "speed": round(replayed.market_s / wall_s),
    }
