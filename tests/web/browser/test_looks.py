"""Every page in real Chromium, on a desk and on a telephone, dark and light: no errors, nothing from elsewhere, nothing
that axe calls serious. What it looked like is kept for a person to look at."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import asdict

from engine.model.alert import Finding, Severity
from tests.web.browser.conftest import SHOTS, TOKEN, Stand
from tests.web.browser.visit import Visit, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser

AXE = Path(__file__).resolve().parent.parent / "vendor" / "axe.min.js"
DRAWN = {"/": "#lag canvas", "/charts?symbol=SPY": "#candles[data-candles]"}
"""What a page draws itself, once there is something to draw."""
PAGES = ("/", "/charts?symbol=SPY", "/strategies", "/orders", "/alerts", "/kill")
FINDINGS = (
    Finding(
        key="silent/iex/trades/AAPL",
        severity=Severity.CRITICAL,
        title="AAPL trades on iex have been silent for 42 s, four times as long as learnt",
        text="No halt is known and the canary SPY goes on: the line may be blind for AAPL. It is being opened again.",
    ),
    Finding(
        key="disk/sessions", severity=Severity.WARNING, title="The disk has 1.2 GB left", text="Three days' worth."
    ),
    Finding(key="daily", severity=Severity.INFO, title="All well at 09:30", text="Two strategies, one feed, no gap."),
)


@pytest.mark.parametrize(("size", "schemes"), [("desk", ("light", "dark")), ("phone", ("dark", "light"))])
def test_every_page_is_sound_and_is_kept_to_be_looked_at(
    chromium: "Browser", stand: Stand, size: str, schemes: tuple[str, str]
) -> None:
    for finding in FINDINGS:
        stand.do("tell", asdict(finding))
    stand.do("acknowledge", "disk/sessions")
    with visiting(chromium, stand, size=size) as visit:
        for path in PAGES:
            visit.open(path)
            if drawn := DRAWN.get(path):
                visit.page.locator(drawn).first.wait_for(timeout=15_000)
            name = path.strip("/").partition("?")[0] or "overview"
            for scheme in schemes:
                visit.look(scheme)
                visit.keep(f"{name}-{size}-{scheme}")
            assert visit.sideways == 0, f"{path} is wider than its window"
            assert look_with_axe(visit) == [], path  # in the last scheme: each is looked at in one size
        assert visit.complaints == []
        assert visit.foreign == []
    print(f"Screenshots are in {SHOTS}")


def test_the_login_is_sound_and_an_address_with_the_token_logs_in(chromium: "Browser", stand: Stand) -> None:
    with visiting(chromium, stand, log_in=False) as visit:
        visit.page.goto(f"{stand.url}/login")
        assert look_with_axe(visit) == []
        visit.keep("login-desk-dark")
        visit.page.fill("#token", "not the token at all")
        visit.page.click("button[type=submit]")
        assert "not the token" in visit.page.inner_text(".error")
        visit.complaints.clear()  # the browser tells every 401
    with visiting(chromium, stand) as visit:  # by the fragment of the address
        assert visit.page.url == f"{stand.url}/"
        visit.page.goto(f"{stand.url}/login#{TOKEN}")  # again, logged in
        visit.page.wait_for_url(f"{stand.url}/#")
        assert "token" not in visit.page.evaluate("history.length + location.href")


def test_all_can_be_reached_with_the_keyboard_and_the_focus_is_seen_and_stays(
    chromium: "Browser", stand: Stand
) -> None:
    with visiting(chromium, stand) as visit:
        visit.open("/strategies")
        visit.page.keyboard.press("Tab")
        assert visit.focus == "Skip to the content"
        visit.page.keyboard.press("Enter")
        reached = []
        for _ in range(12):
            visit.page.keyboard.press("Tab")
            reached.append(visit.focus)
            if visit.focus == "Pause …":
                break
        assert reached[-1] == "Pause …", reached
        outline = visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_timeout(1200)  # three beats change the page around it
        assert visit.focus == "Pause …"
        visit.page.keyboard.press("Tab")
        assert visit.focus == "Yes, pause trader"


def test_the_theme_can_be_chosen_and_is_remembered(chromium: "Browser", stand: Stand) -> None:
    with visiting(chromium, stand, scheme="dark") as visit:
        visit.open("/orders")
        visit.page.click("#theme")
        visit.open("/kill")
        assert visit.page.evaluate("document.documentElement.dataset.theme") == "light"


def test_a_page_whose_engine_does_nothing_any_more_says_that_it_is_old(chromium: "Browser", stand: Stand) -> None:
    with visiting(chromium, stand) as visit:
        visit.open("/kill")
        with stand.frozen():
            visit.page.locator(".pulse.stale").wait_for(timeout=10_000)
            assert "nothing heard since" in visit.page.inner_text("#pulse")
        visit.page.locator(".pulse.live").wait_for(timeout=10_000)


def test_who_is_refused_the_news_asks_again_later_and_does_not_load_its_page_over_and_over(
    chromium: "Browser", stand: Stand
) -> None:
    with visiting(chromium, stand) as visit:
        visit.page.route("**/events?*", lambda route: route.fulfill(status=503))
        asked: list[str] = []
        visit.page.on("request", lambda request: asked.append(request.url))
        visit.page.goto(f"{stand.url}/charts?symbol=")
        visit.page.locator(".pulse.stale").wait_for(timeout=10_000)
        assert "too many pages" in visit.page.inner_text("#pulse")
        visit.page.unroute("**/events?*")
        visit.page.locator(".pulse.live").wait_for(timeout=10_000)
        assert asked.count(f"{stand.url}/charts?symbol=") == 1
        visit.page.locator("#symbols a").first.click()
        visit.page.locator("#candles").wait_for(timeout=5000)


def test_a_button_stays_that_of_its_alert_when_a_worse_one_comes_before_it(chromium: "Browser", stand: Stand) -> None:
    with visiting(chromium, stand) as visit:
        stand.do("tell", {"key": "first/b c", "severity": "info", "title": "The first", "text": "It came first."})
        visit.open("/alerts")
        button = visit.page.get_by_role("button", name="Acknowledge The first").element_handle()
        assert button is not None
        button.focus()
        stand.do("tell", {"key": "second", "severity": "critical", "title": "The second", "text": "It is worse."})
        visit.page.get_by_role("button", name="Acknowledge The second").wait_for(timeout=5000)
        assert button.get_attribute("value") == "first/b c"
        assert visit.focus == "Acknowledge The first"
        assert visit.complaints == []


def look_with_axe(visit: Visit) -> list[str]:
    """What axe finds serious or worse, one line each."""
    visit.page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = visit.page.evaluate(
        "axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})"
    )
    return [
        f"{one['impact']}: {one['id']}: {one['help']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
