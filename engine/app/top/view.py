"""The live view of ``gapless top``: the terminal is drawn four times a second from the last overview that came.

What comes is read by a task and drawn by rich's own thread, so a slow terminal delays nobody. The screen is put back
and the keyboard too, however this ends.
"""

import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio
from attrs import define

from engine.app.beside.overview import Overview
from engine.app.screen.view import REFRESHES_PER_S
from engine.app.top.attach import Attached, attach_to, read_line, unanswered
from engine.app.top.draw import render_rich

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

NOTICE_S: Final = 2.0
"""Silence this long is shown: an engine that is well answers eight times in it."""
PATIENCE_S: Final = 60.0
"""An engine that hangs is looked at for so long: whoever looks wants to see whether it comes back."""
LEAVES: Final = frozenset(b"qQ\x03\x04")
"""q, and what a terminal in raw mode sends for Ctrl-C and Ctrl-D."""
KEYS_MAX: Final = 64


@define(eq=False)
class TopView:
    """What is drawn: the last overview, and when it came by Trio's clock."""

    console: "Console"
    latest: Overview | None = None
    silent_s: float = 0.0

    def render(self) -> "RenderableType":
        """Called by rich's thread."""
        from rich.text import Text

        if self.latest is None:
            return Text("Waiting for the engine's first word ... (q leaves)")
        silent_s = self.silent_s if self.silent_s >= NOTICE_S else 0.0
        return render_rich(self.latest, self.console.height, silent_s)

    async def follow(self, attached: Attached) -> None:
        """Read overviews until the engine ends, or has said nothing for `PATIENCE_S`. Raises `EngineAway`."""
        heard_s = trio.current_time()
        while True:
            line = None
            with trio.move_on_after(NOTICE_S / 2):
                line = await attached.next_line()
            if line is not None:
                self.latest, heard_s = read_line(line), trio.current_time()
            self.silent_s = trio.current_time() - heard_s
            if self.silent_s > PATIENCE_S:
                raise unanswered(attached.path, self.silent_s)


async def show_live(path: Path) -> None:
    """Draw an engine until somebody leaves. Raises `EngineAway` when the engine does."""
    from rich.console import Console
    from rich.live import Live

    view = TopView(Console())
    async with attach_to(path, "stream", 1 / REFRESHES_PER_S) as attached:
        with (
            _keys(sys.stdin.fileno()) as keyboard,
            Live(console=view.console, screen=True, refresh_per_second=REFRESHES_PER_S, get_renderable=view.render),
        ):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(view.follow, attached)
                nursery.start_soon(_wait_signal, nursery.cancel_scope)
                if keyboard is not None:
                    nursery.start_soon(_wait_key, keyboard, nursery.cancel_scope)


@contextmanager
def _keys(descriptor: int) -> Iterator[int | None]:
    """Keys one by one and unseen while the block runs; ``None`` where nobody sits at a terminal."""
    if not os.isatty(descriptor):
        yield None
        return
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield descriptor
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


async def _wait_key(descriptor: int, scope: trio.CancelScope) -> None:
    """Until somebody wants to leave, or the terminal is gone."""
    while True:
        await trio.lowlevel.wait_readable(descriptor)
        typed = os.read(descriptor, KEYS_MAX)
        if not typed or not LEAVES.isdisjoint(typed):
            scope.cancel()
            return


async def _wait_signal(scope: trio.CancelScope) -> None:
    """Ctrl-C is how people leave: no failure, and the screen is put back first."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        await anext(signals)
        scope.cancel()
