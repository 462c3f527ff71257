"""``gapless run --record`` and ``gapless verify``: a session through real sockets, taken again from its folder."""

import json
from pathlib import Path

import pytest

from engine.app.cli import run_command

TRADER = """
import trio
from engine import Context, strategy


@strategy()
async def trader(ctx: Context) -> None:
    async with ctx.orders(on_exit="flatten", within=5), ctx.trades("SPY", full="latest") as trades:
        count = 0
        async for trade in trades:
            count += 1
            if count % 5 == 0:
                with trio.move_on_after(1):
                    await (await ctx.buy("SPY", QTY)).filled()
            await trio.sleep(0.02)
"""


@pytest.mark.slow
def test_a_live_session_is_identical_and_one_line_more_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, folder = tmp_path / "trader.py", tmp_path / "session"
    file.write_text(TRADER.replace("QTY", "1"), encoding="utf-8")
    line = [
        "run",
        str(file),
        "--record",
        str(folder),
        "--for",
        "1.5",
        "--symbols",
        "SPY",
        "--json",
        "--events-per-s",
        "100",
    ]
    assert run_command(line) == 0
    told = json.loads(capsys.readouterr().out)["recorded"]
    assert told["folder"] == str(folder)

    assert run_command(["verify", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("identical: ")
    assert run_command(["verify", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fingerprint"] == told["fingerprint"]

    file.write_text(TRADER.replace("QTY", "2"), encoding="utf-8")
    assert run_command(["verify", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "trader: its file is another one" in out
    assert 'now:   buy {"qty":"2","symbol":"SPY"}' in out

    file.write_text("nonsense(", encoding="utf-8")
    assert run_command(["verify", str(folder)]) == 2
    assert "could not be imported" in capsys.readouterr().err


def test_a_folder_without_a_session_is_told_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["verify", str(tmp_path)]) == 2
    assert "holds no recorded session" in capsys.readouterr().err
