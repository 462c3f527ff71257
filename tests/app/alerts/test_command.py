"""``gapless alert test`` and ``gapless run`` as their user has them: real processes, real receivers, no secret told."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio

from tests.app.alerts.receivers import HOST, DeadServer, MailServer, Webhook, receive

ROOT = str(Path(__file__).resolve().parents[3])
CRASH = """
from engine import Context, strategy

@strategy()
async def crash(ctx: Context) -> None:
    raise ValueError("boom")
"""


async def gapless(folder: Path, environ: Mapping[str, str], *words: str) -> tuple[int, str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GAPLESS_", "APCA_"))}
    done = await trio.run_process(
        [sys.executable, "-m", "engine.app.cli", *words],
        env={**kept, "PYTHONPATH": ROOT, **environ},
        cwd=folder,
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


async def test_every_channel_is_tried_and_what_became_of_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "gapless.toml").write_text('[alerts]\nchannels = ["critical,further=PARTNER"]\n')
    async with trio.open_nursery() as nursery:
        hook, mail = await receive(nursery, Webhook()), await receive(nursery, MailServer())
        environ = {"GAPLESS_ALERT_URLS": f"{hook.url()} {mail.url()}", "PARTNER": hook.url("partners-own-token")}
        with trio.fail_after(60):
            code, out, err = await gapless(tmp_path, environ, "alert", "test", "--json")
        nursery.cancel_scope.cancel()
    told = json.loads(out)
    assert (code, told["taken"]) == (0, True)
    assert [(one["channel"], one["taken"]) for one in told["channels"]] == [
        ("json", True),
        ("mailto", True),
        ("json 2", True),
    ]
    assert len(hook.got) == 2
    assert len(mail.got) == 1
    assert "partners-own-token" not in out + err


async def test_a_channel_that_does_not_take_it_is_named_and_the_exit_code_says_so(tmp_path: Path) -> None:
    async with trio.open_nursery() as nursery:
        hook = await receive(nursery, Webhook())
        environ = {"GAPLESS_ALERT_URLS": f"{hook.url()} json://user:canary-password@{HOST}:9/canary-token-1"}
        with trio.fail_after(60):
            code, out, err = await gapless(tmp_path, environ, "alert", "test")
        nursery.cancel_scope.cancel()
    assert code == 4
    assert "json (info and worse): taken in " in out
    assert "json 2 (info and worse): NOT TAKEN: " in out
    assert "canary" not in out + err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("alert", "test"), "No alert channel is set: put addresses into GAPLESS_ALERT_URLS"),
        (("alert", "frobnicate"), "there is 'gapless alert test'"),
        (("alert",), "Missing argument"),
    ],
)
async def test_what_cannot_be_tested_is_one_sentence(tmp_path: Path, words: tuple[str, ...], part: str) -> None:
    code, out, err = await gapless(tmp_path, {}, *words)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert part in err


async def test_a_session_that_failed_is_told_although_a_mail_server_is_dead(tmp_path: Path) -> None:
    (tmp_path / "crash.py").write_text(CRASH)
    async with trio.open_nursery() as nursery:
        hook, dead = await receive(nursery, Webhook()), await receive(nursery, DeadServer())
        environ = {"GAPLESS_ALERT_URLS": f"{dead.url()} {hook.url()}", "XDG_STATE_HOME": str(tmp_path)}
        with trio.fail_after(60):
            code, out, err = await gapless(tmp_path, environ, "run", "./crash.py:crash", "--for", "1", "--json")
        nursery.cancel_scope.cancel()
    assert code == 1
    assert dead.lines == 1
    assert "(crash): CRITICAL: Strategy crash has ended: ValueError: boom" in hook.got[0]["title"]
    assert err.count("raised ValueError: boom") == 1
    assert err.count("CRITICAL") == err.count("Alarm, critical: Strategy crash has ended") == 1
    assert "Notices that were not taken: 1 by mailto" in err
    assert json.loads(out)["ended_by"] == "strategies"
    assert "dead-mail-password" not in out + err


async def test_a_bad_address_ends_a_run_before_it_starts(tmp_path: Path) -> None:
    environ = {"GAPLESS_ALERT_URLS": "slakc://canary-token-1"}
    code, out, err = await gapless(tmp_path, environ, "run", "audit", "--for", "1")
    assert (code, out) == (2, "")
    assert "channel 'slakc' is not one that apprise knows" in err
    assert "canary" not in err
