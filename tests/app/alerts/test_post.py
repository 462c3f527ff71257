"""Notices arrive at real receivers by way of apprise; what does not arrive is told with a reason and no secret."""

import subprocess
import sys

import pytest
import trio

from engine.app.alerts.channels import Channel
from engine.app.alerts.post import Post, check_channels
from engine.app.secrets import Secret
from engine.core.alerts import Notice, Why
from engine.errors import Misconfigured, PartFailed
from engine.model.alert import Severity
from tests.app.alerts.receivers import HOST, DeadServer, MailServer, Webhook, receive

NOTICE = Notice(why=Why.RAISED, severity=Severity.CRITICAL, title="CRITICAL: blind", text="Nothing of SPY.\nLook.")


def channel(url: str, name: str = "one") -> Channel:
    return Channel(name, Secret(url))


async def test_a_webhook_gets_title_text_and_severity() -> None:
    async with trio.open_nursery() as nursery:
        hook = await receive(nursery, Webhook())
        with trio.fail_after(10):
            await Post("gapless on box")(channel(hook.url()), NOTICE)
        nursery.cancel_scope.cancel()
    (got,) = hook.got
    assert (got["title"], got["type"]) == ("gapless on box: CRITICAL: blind", "failure")
    assert got["message"] == "Nothing of SPY.\nLook."


async def test_a_mail_arrives() -> None:
    async with trio.open_nursery() as nursery:
        server = await receive(nursery, MailServer())
        with trio.fail_after(10):
            await Post("gapless on box")(channel(server.url()), NOTICE)
        nursery.cancel_scope.cancel()
    (mail,) = server.got
    assert mail["Subject"] == "gapless on box: CRITICAL: blind"
    assert mail["To"] == "me@gapless.test"
    body = mail.get_body()
    assert body is not None
    assert "Nothing of SPY." in body.get_content()


async def test_a_server_that_never_answers_is_given_up_and_holds_up_no_other_channel() -> None:
    async with trio.open_nursery() as nursery:
        dead, hook = await receive(nursery, DeadServer()), await receive(nursery, Webhook())
        post = Post("gapless", within_s=0.5)
        dead_channel = channel(dead.url() + "&cto=1", "dead")
        with trio.fail_after(10):
            for _ in range(2):  # the second finds its thread still busy with the first
                with pytest.raises(PartFailed, match="channel dead: no answer within"):
                    await post(dead_channel, NOTICE)
            await Post("gapless")(channel(hook.url()), NOTICE)
        nursery.cancel_scope.cancel()
    assert dead.lines == 1
    assert len(hook.got) == 1


async def test_a_refusal_is_told_with_a_reason_and_without_the_address() -> None:
    async with trio.open_nursery() as nursery:
        hook = await receive(nursery, Webhook(status=403))
        url = f"json://login-name:passw0rd@{HOST}:{hook.port}/very-secret-token?+X-Key=header-secret-1"
        with trio.fail_after(10), pytest.raises(PartFailed) as caught:
            await Post("gapless")(channel(url), NOTICE)
        nursery.cancel_scope.cancel()
    told = str(caught.value)
    assert "403" in told
    for secret in ("passw0rd", "very-secret-token", "header-secret-1", "login-name", url):
        assert secret not in told


async def test_nobody_listens_is_a_reason() -> None:
    with trio.fail_after(10), pytest.raises(PartFailed, match="alert channel one: "):
        await Post("gapless")(channel(f"json://{HOST}:9/x"), NOTICE)


def test_an_address_that_no_service_takes_is_refused_without_being_told() -> None:
    with pytest.raises(Misconfigured, match="not one that apprise knows") as caught:
        check_channels((channel("nosuch://very-secret-token"),))
    assert "very-secret-token" not in str(caught.value)


def test_a_missing_library_is_one_sentence() -> None:
    code = (
        "import sys; sys.modules['apprise'] = None\n"
        "from engine.app.alerts.post import check_channels\n"
        "from engine.app.alerts.channels import Channel\n"
        "from engine.app.secrets import Secret\n"
        "check_channels(())\n"
        "check_channels((Channel('json', Secret('json://x')),))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'gapless[alerts]'" in done.stderr.splitlines()[-1]
