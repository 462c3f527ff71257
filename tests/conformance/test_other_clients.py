"""Clients that share no code with us, in processes of their own, complete a session: subscribe, buy, fill, cancel."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CLIENTS = Path(__file__).parent / "clients"
OLDER_SDK = Path(sys.prefix) / "older-sdk"
"""Where `scripts/bootstrap.py` puts the older SDK and the versions that it needs."""


def run_client(name: str, urls: dict[str, str], path: Path | None = None) -> Any:
    """Run a client to its end; what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", CLIENTS / f"{name}.py", json.dumps(urls)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | ({"PYTHONPATH": str(path)} if path else {}),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not OLDER_SDK.is_dir(), reason="scripts/check.py installs the older SDK, into a folder of .venv")
def test_the_older_sdk_subscribes_buys_fills_and_cancels(live_exchange: Any) -> None:
    saw = run_client("older_sdk", live_exchange.urls(), OLDER_SDK)
    assert saw["trades"] > 0
    assert [tuple(update) for update in saw["updates"] if update[0] in ("fill", "canceled")] == [
        ("fill", "market"),
        ("canceled", "limit"),
    ]
    assert (saw["position"], saw["cash_spent"], sorted(saw["orders"])) == ("2", True, ["canceled", "filled"])


@pytest.mark.slow
def test_a_raw_client_subscribes_buys_fills_and_cancels(live_exchange: Any) -> None:
    saw = run_client("raw_websockets", live_exchange.urls())
    assert (saw["welcome"], saw["login"], saw["subscribed"], saw["trade"]) == (
        "connected",
        "authenticated",
        ["AAPL"],
        "t",
    )
    assert (saw["binary"], saw["authorized"], saw["listening"]) == (True, "authorized", ["trade_updates"])
    assert saw["filled"][-1] == "fill"
    assert saw["canceled"][-1] == "canceled"
    assert saw["position"] == "2"
