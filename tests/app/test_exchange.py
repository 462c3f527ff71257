"""``gapless exchange`` says where it is in its first line, refuses bad flags in one sentence, and stops when asked."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
import trio
import trio.testing

from engine.app.config.choices import FillName, PlanName
from engine.app.exchange import plan_exchange, serve_command
from engine.app.flags import ExchangeFlags
from engine.core.matching.models import MODELS
from engine.errors import Misconfigured
from engine.exchange.tiers import TIERS
from engine.testing.network import Network


def test_flags_become_options(tmp_path: Path) -> None:
    script = tmp_path / "faults.toml"
    script.write_text('[[fault]]\nkind = "cut"\nevery = "90s"\n')
    options = plan_exchange(
        ExchangeFlags(
            port=0, symbols="A, B,", faults=script, seed=4, keys=("K:a:b",), start=datetime(2026, 1, 5), speed=0.0  # noqa: DTZ001  # what a person types has no zone
        )
    )  # fmt: skip
    assert (options.symbols, options.seed, options.speed) == (("A", "B"), 4, 0.0)
    assert options.keys == {("K", "a:b")}
    assert options.start == datetime(2026, 1, 5, tzinfo=UTC)
    assert [fault.kind for fault in options.faults] == ["cut"]


def test_what_can_be_chosen_is_what_there_is() -> None:
    assert get_args(FillName) == tuple(MODELS)
    assert get_args(PlanName) == tuple(TIERS)
    options = plan_exchange(ExchangeFlags(chaos=5, fills="through", cash=5000, plan="free"))
    assert (options.chaos, options.fills.name, options.terms.cash, options.line.tier.name) == (
        5,
        "through",
        5000,
        "free",
    )


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (ExchangeFlags(port=70_000), "--port 70000"),
        (ExchangeFlags(speed=-1.0), "--speed -1"),
        (ExchangeFlags(keys=("nocolon",)), "--keys takes KEY:SECRET"),
        (ExchangeFlags(faults=Path("absent.toml")), "absent.toml cannot be read"),
        (ExchangeFlags(cash=0), "--cash 0"),
        (ExchangeFlags(frame_events=0), "--frame-events 0"),
        (ExchangeFlags(ping_every=0.0), "--ping-every 0"),
    ],
)
def test_a_bad_flag_is_one_sentence_that_names_it(flags: ExchangeFlags, says: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        plan_exchange(flags)
    assert says in str(caught.value)
    assert "nocolon" not in str(caught.value)


@pytest.mark.parametrize(("host", "local"), [(ExchangeFlags().host, True), ("localhost", True), ("0.0.0.0", False)])
async def test_it_says_who_can_connect(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str], host: str, local: bool
) -> None:
    options = plan_exchange(ExchangeFlags(host=host, port=0, symbols="A"))
    with Network().use():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(serve_command, options, as_json=False))
            await trio.sleep(5)
            signal.raise_signal(signal.SIGTERM)
    out, err = capsys.readouterr()
    assert ("Only this machine can connect." in out) is local
    assert ("other machines can connect" in err) is not local


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_command_tells_its_addresses_and_stops_when_asked(root: Path, stop: signal.Signals) -> None:
    command = [sys.executable, "-m", "engine.app.cli", "exchange", "--port", "0", "--json", "--symbols", "A,BTC/USD"]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        urls = json.loads(process.stdout.readline())
        assert set(urls) == {"data_stream_url", "data_url", "trading_stream_url", "trading_url"}
        process.send_signal(stop)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out) == (0, "")
        assert '"published"' in err
