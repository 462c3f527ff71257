"""A whole session that somebody looks at from outside, and what is left of that when it ends."""

from functools import partial
from pathlib import Path
from typing import Any

import trio

from engine import Context, strategy
from engine.app.beside.engine import Engine
from engine.app.beside.overview import Overview
from engine.app.beside.reading import read_overview
from engine.app.top.attach import attach_to, look_once, read_line
from engine.app.top.place import find_sockets
from engine.app.top.serve import serve_top


async def test_a_session_can_be_looked_at_while_it_runs(held: Any, tmp_path: Path) -> None:
    looks: list[tuple[Overview, Overview]] = []

    @strategy()
    async def watcher(ctx: Context) -> None:
        async with ctx.trades("SPY") as trades:
            async for _ in trades:
                pass

    async def look(engine: Engine) -> None:
        await trio.sleep(5)
        (path,) = find_sockets(tmp_path / "gapless")
        looks.append((read_line(await look_once(path)), read_overview(engine)))
        async with attach_to(path, "stream", 1.0) as attached:
            while True:
                read_line(await attached.next_line())

    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    await held.run(watcher, parts={"top": partial(serve_top, environ=environ), "look": look}, for_s=10)
    ((told, read),) = looks
    assert told.tasks == read.tasks
    assert [row.symbol for row in told.report.streams] == ["SPY"]
    assert list((tmp_path / "gapless").iterdir()) == []


async def test_where_there_is_no_place_for_a_socket_the_session_goes_on(held: Any, tmp_path: Path) -> None:
    (tmp_path / "gapless").write_text("in the way")

    @strategy()
    async def watcher(ctx: Context) -> None:
        await trio.sleep(5)

    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    report = await held.run(watcher, parts={"top": partial(serve_top, environ=environ)}, for_s=10)
    assert report.ended_by == "strategies"
    (alarm,) = held.engine.alarms.standing()
    assert alarm.finding.key == "part/top"
    assert "XDG_RUNTIME_DIR" in alarm.finding.text
