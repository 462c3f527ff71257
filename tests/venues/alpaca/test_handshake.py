"""Law: the handshake ends in a line or in one of our errors, within its deadline, whoever is at the other end."""

import socket
import ssl

import pytest
import trio
import trustme
from trio_websocket import serve_websocket

from engine.errors import HandshakeFailed, KeysRefused, LineLost, Misconfigured, ProtocolRefused, VenueBusy


async def silent(stream, _):
    await trio.sleep_forever()


async def half_an_answer(stream, _):
    await stream.receive_some()
    await stream.send_all(b"HTTP/1.1 101 Switching Prot")
    await trio.sleep_forever()


async def welcomes_and_is_silent(stream, loopback):
    await loopback.talk_until_welcome(stream)
    await trio.sleep_forever()


@pytest.mark.parametrize(
    ("talk", "phase"), [(silent, "upgrade"), (half_an_answer, "upgrade"), (welcomes_and_is_silent, "the login")]
)
async def test_the_whole_handshake_has_one_deadline_and_the_error_names_the_phase(
    talk, phase, loopback, autojump_clock
):
    async with loopback.open_peer(lambda stream: talk(stream, loopback)) as url:
        with pytest.raises(HandshakeFailed, match=phase):
            async with loopback.make_feed(url).open_line():
                pytest.fail("it must not open")
        assert 10 <= trio.current_time() <= 11.5


async def closes_at_once(stream):
    await stream.receive_some()


async def speaks_another_protocol(stream):
    await stream.receive_some()
    await stream.send_all(b"220 mail.example ESMTP\r\n\r\n")
    await trio.sleep_forever()


async def answers_the_upgrade_wrongly(stream):
    await stream.receive_some()
    await stream.send_all(b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    await trio.sleep_forever()


@pytest.mark.parametrize("talk", [closes_at_once, speaks_another_protocol, answers_the_upgrade_wrongly])
async def test_a_broken_handshake_is_a_lost_line_at_once(talk, loopback, autojump_clock):
    async with loopback.open_peer(talk) as url:
        with pytest.raises(LineLost):
            async with loopback.make_feed(url).open_line():
                pytest.fail("it must not open")
        assert trio.current_time() < 10


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, KeysRefused), (404, ProtocolRefused), (418, ProtocolRefused), (429, VenueBusy), (503, VenueBusy)],
)
async def test_a_refused_upgrade_is_told_by_its_status(status, error, loopback, autojump_clock):
    async def talk(stream):
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 %d No\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\nno" % status)
        await trio.sleep_forever()

    async with loopback.open_peer(talk) as url:
        with pytest.raises(error) as caught:
            async with loopback.make_feed(url).open_line():
                pytest.fail("it must not open")
        if isinstance(caught.value, VenueBusy):
            assert caught.value.retry_after_s == 3.0


class NoSuchHost(trio.abc.HostnameResolver):
    """A resolver that knows nobody; a thread that asked a real one would run beside the mock clock."""

    async def getaddrinfo(self, *_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def getnameinfo(self, *_, **__):
        raise NotImplementedError


async def test_no_such_host_is_a_lost_line_that_names_it(loopback):
    trio.socket.set_custom_hostname_resolver(NoSuchHost())
    with pytest.raises(LineLost, match=r"no connection to nowhere\.example:1 .*Name or service not known"):
        async with loopback.make_feed("ws://nowhere.example:1/v2/iex").open_line():
            pytest.fail("it must not open")


async def test_nobody_listening_is_a_lost_line_that_names_the_host(loopback):
    with trio.socket.socket() as unused:
        await unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(LineLost, match=f"no connection to 127.0.0.1:{port}"):
            async with loopback.make_feed(f"ws://127.0.0.1:{port}/v2/iex").open_line():
                pytest.fail("it must not open")


@pytest.mark.parametrize("url", ["http://host/x", "ws://", "ws://host:port/", "host"])
async def test_a_wrong_url_is_misconfigured(url, loopback):
    with pytest.raises(Misconfigured):
        async with loopback.make_feed(url).open_line():
            pytest.fail("it must not open")


async def test_tls_is_spoken_and_a_certificate_nobody_trusts_is_said_so(loopback, autojump_clock):
    authority = trustme.CA()
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_context)

    async def answer(request):
        ws = await request.accept()
        await loopback.welcome(ws)
        await loopback.tell(ws, *[loopback.trade(n) for n in range(500)])
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, answer, "127.0.0.1", 0, server_context)
        feed = loopback.make_feed(f"wss://127.0.0.1:{server.listeners[0].port}/v2/iex")
        with pytest.raises(LineLost, match="CERTIFICATE_VERIFY_FAILED"):
            async with feed.open_line():
                pytest.fail("it must not open")
        feed.tls_context = ssl.create_default_context()
        authority.configure_trust(feed.tls_context)
        async with feed.open_line() as line:
            assert await loopback.ids_of(line, 500) == list(range(500))
        nursery.cancel_scope.cancel()


async def test_a_cancelled_opening_is_left_at_once(loopback, autojump_clock):
    async with loopback.open_peer(lambda stream: silent(stream, loopback)) as url:
        with trio.move_on_after(1) as scope:
            async with loopback.make_feed(url).open_line():
                pytest.fail("it must not open")
        assert scope.cancelled_caught
        assert trio.current_time() == pytest.approx(1, abs=0.1)
