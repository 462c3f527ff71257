"""Who is let in, and who may act: names, origins, logins, forms."""

from typing import Any

import httpx
import pytest
import trio

from engine.web.guard.door import BODY_MAX, FIELDS_MAX
from engine.web.guard.headers import POLICY
from engine.web.guard.logins import LOGINS_MAX, TRIES_PER_MINUTE
from engine.web.guard.names import Names, is_loopback
from tests.web.conftest import HOST, ORIGIN, TOKEN, OpenWeb, Web
from tests.web.players import holder, watcher

PAGES = ("/", "/charts", "/strategies", "/orders", "/alerts", "/kill", "/events?page=overview")


async def test_who_is_not_logged_in_sees_the_login_and_nothing_else(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web:
        for path in PAGES[:-1]:
            response = await web.stranger.get(path)
            assert (response.status_code, response.headers["location"]) == (303, "/login"), path
        assert (await web.stranger.get("/events?page=overview")).status_code == 401
        assert (await web.stranger.post("/deeds/kill", headers=ORIGIN)).status_code == 401
        assert (await web.stranger.get("/login")).status_code == 200


async def test_no_page_is_answered_under_a_name_that_nobody_gave_it(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web:
        for host in ("evil.example", "evil.example:8123", "127.0.0.1:9999", "127.0.0.1", "localhost.evil.example:8123"):
            response = await web.client.get("/", headers={"host": host})
            assert response.status_code == 421, host
            assert "SPY" not in response.text
        for host in (HOST, "localhost:8123", "[::1]:8123", "LOCALHOST:8123"):
            assert (await web.client.get("/login", headers={"host": host})).status_code in (200, 303), host


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"origin": "http://[bad"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {},
    ],
)
async def test_a_page_of_another_origin_can_do_nothing_even_with_our_cookie_and_our_form(
    open_web: OpenWeb, headers: dict[str, str]
) -> None:
    async with open_web(holder) as web:
        response = await web.client.post("/deeds/kill", data=form_of(web), headers=headers)
        assert response.status_code == 403
        assert not killed(web)


async def test_a_form_that_was_not_given_to_this_browser_does_nothing(open_web: OpenWeb) -> None:
    async with open_web(holder) as web:
        for csrf in ("", "x" * 43):
            response = await web.client.post("/deeds/kill", data={**form_of(web), "csrf": csrf}, headers=ORIGIN)
            assert response.status_code == 403
        assert not killed(web)
        response = await web.client.post("/deeds/kill", data=form_of(web), headers=ORIGIN)
        assert response.status_code == 303  # the same form, and ours: so it was only that
        assert killed(web)


async def test_guessing_is_bounded_and_the_right_token_waits_with_it(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web:
        statuses = [await log_in(web.stranger, f"guess {number}") for number in range(TRIES_PER_MINUTE + 3)]
        assert statuses == [401] * TRIES_PER_MINUTE + [429] * 3
        assert await log_in(web.stranger, TOKEN) == 429
        await trio.sleep(61)
        assert await log_in(web.stranger, TOKEN) == 303


async def test_logins_are_bounded_and_end(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web:
        for _ in range(LOGINS_MAX):
            assert await log_in(web.stranger, TOKEN) == 303
        assert (await web.client.get("/")).status_code == 303  # was away longest
        assert (await web.stranger.get("/")).status_code == 200
        login = web.site.logins.find(web.stranger.cookies[web.site.cookie])
        assert login is not None
        stolen = web.stranger.cookies[web.site.cookie]
        await web.stranger.post("/logout", data={"csrf": login.csrf}, headers=ORIGIN)
        assert web.site.logins.find(stolen) is None


async def test_the_cookie_is_for_this_site_and_no_script(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web:
        response = await web.stranger.post("/login", data={"token": TOKEN}, headers=ORIGIN)
        cookie = response.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert TOKEN not in cookie


async def test_cookies_of_others_on_this_machine_log_nobody_out(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web:
        ours = f"{web.site.cookie}={web.client.cookies[web.site.cookie]}"
        for others in ('x={"a": "b c"}; ', "a[b]=1; ", "; =; ", f"not_{web.site.cookie}=1; "):
            for cookies in (others + ours, f"{ours}; {others}"):
                response = await web.stranger.get("/", headers={"cookie": cookies})
                assert response.status_code == 200, cookies


async def test_the_token_stays_in_no_address_when_who_is_logged_in_opens_it_again(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web:
        assert (await web.client.get("/login")).headers["location"] == "/#"  # without, a browser keeps the fragment


async def test_every_answer_forbids_what_is_not_ours(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web:
        for path in (*PAGES[:-1], "/nowhere", "/static/app.css", "/static/../dashboard.py", "/login"):
            response = await web.client.get(path)
            assert response.headers["content-security-policy"] == POLICY, path
            assert response.headers["x-content-type-options"] == "nosniff"
        assert "unsafe" not in POLICY
        for path in ("/static/..%2fdashboard.py", "/static/../../web/dashboard.py", "/static/nothing.js"):
            assert (await web.client.get(path)).status_code == 404


async def test_no_page_holds_a_script_or_a_style_of_its_own_nor_an_address_elsewhere(open_web: OpenWeb) -> None:
    async with open_web(watcher, holder) as web:
        await trio.sleep(5)
        for path in PAGES[:-1]:
            text = (await web.client.get(path)).text
            assert "<script>" not in text
            assert "<style" not in text
            assert " style=" not in text
            assert " onclick=" not in text
            for piece in text.split('src="')[1:] + text.split('rel="stylesheet" href="')[1:]:
                assert piece.startswith("/static/"), piece[:80]


async def test_a_form_that_is_too_long_is_not_read_to_its_end(open_web: OpenWeb) -> None:
    chunks = 0

    async def receive() -> dict[str, Any]:
        nonlocal chunks
        await trio.lowlevel.checkpoint()
        chunks += 1
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        await trio.lowlevel.checkpoint()
        sent.append(message)

    async with open_web(watcher) as web:
        headers = [(b"host", HOST.encode()), (b"origin", ORIGIN["origin"].encode())]
        scope = {"type": "http", "method": "POST", "path": "/login", "query_string": b"", "headers": headers}
        await web.site.app(scope, receive, send)
        assert sent[0]["status"] == 413
        assert chunks == BODY_MAX // 1000 + 1
        many = {f"field{number}": "" for number in range(FIELDS_MAX + 1)}
        assert (await web.client.post("/login", data=many, headers=ORIGIN)).status_code == 413
        assert (await web.client.put("/kill")).status_code == 405


def test_names() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "[::1]", "localhost", "127.9.9.9")] == [True] * 5
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.5", "bot.example", "")] == [False] * 5
    names = Names.of("0.0.0.0", 8123, ("bot.example",))
    assert names.answers("bot.example")
    assert names.answers("BOT.example:8123")
    assert not names.answers("bot.example:81")
    assert not names.answers("")
    assert Names.of("127.0.0.1", 80, ()).answers("localhost")


def form_of(web: Web) -> dict[str, str]:
    """The form of the kill switch, as our own page has it."""
    login = web.site.logins.find(web.client.cookies[web.site.cookie])
    assert login is not None
    return {"csrf": login.csrf, "scope": "account", "confirm": "KILL"}


def killed(web: Web) -> str:
    """Why the account's switch is tripped."""
    assert web.engine.account is not None
    return web.engine.account.killed


async def log_in(client: httpx.AsyncClient, token: str) -> int:
    """The status of a try."""
    return (await client.post("/login", data={"token": token}, headers=ORIGIN)).status_code
