"""What a person does with the dashboard in real Chromium: watches a fill arrive, and trips the switch, which takes a
word, and which no other origin can do."""

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.web.browser.conftest import Stand
from tests.web.browser.visit import visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAINTED = """() => {
  const root = getComputedStyle(document.documentElement), probe = document.createElement('canvas').getContext('2d');
  const rgb = (name) => {
    probe.fillStyle = root.getPropertyValue(name).trim(); probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data];
  };
  const wanted = [rgb('--up'), rgb('--down')], counts = [0, 0];
  for (const canvas of document.querySelectorAll('#candles canvas')) {
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    for (let at = 0; at < pixels.length; at += 4) {
      const [r, g, b] = [pixels[at], pixels[at + 1], pixels[at + 2]];
      wanted.forEach((one, n) => { if (one[0] === r && one[1] === g && one[2] === b) counts[n]++; });
    }
  }
  return counts;
}"""
NOTE_FILLS = """() => {
  const place = document.getElementById('candles');
  window.seen = {};
  new MutationObserver(() => { window.seen[place.dataset.fills] ??= Date.now(); })
    .observe(place, {attributes: true, attributeFilter: ['data-fills']});
}"""
OLD_FILL = """() => window.dispatchEvent(new CustomEvent('news', {detail: {marks: {lines: [], held: '5', fills: [
  {time: 60, buy: true, text: 'B 1 @ 1'}, {time: 2e9, buy: true, text: 'B 5 @ 2'}]}}}))"""
"""One from before the first candle, which has no place on the chart, and one whose candle is about to come."""
WITHIN_S = 1.0


def test_a_chart_paints_candles_and_a_fill_is_on_it_within_a_second(chromium: "Browser", stand: Stand) -> None:
    with visiting(chromium, stand) as visit:
        visit.open("/charts?symbol=SPY")
        visit.page.locator("#candles[data-candles]").wait_for(timeout=15_000)
        deadline = time.monotonic() + 30
        while int(visit.page.get_attribute("#candles", "data-candles") or 0) < 4:
            assert time.monotonic() < deadline, "no four minutes in thirty seconds"
            visit.page.wait_for_timeout(200)
        assert visit.complaints == []
        up, down = visit.page.evaluate(PAINTED)
        visit.complaints.clear()  # the browser would have the reading of pixels done in another way
        assert up + down > 200, (up, down)
        visit.page.evaluate(NOTE_FILLS)
        filled_s = stand.do("buy")
        visit.page.locator("#candles[data-fills='1']").wait_for(timeout=15_000)
        seen_s = visit.page.evaluate("window.seen['1']") / 1000
        assert 0 <= seen_s - filled_s < WITHIN_S, f"{seen_s - filled_s:.3f} s"
        visit.page.locator("#fills").get_by_text("buy").first.wait_for(timeout=5000)
        visit.page.locator("#orders").get_by_text("200.00").first.wait_for(timeout=5000)
        visit.keep("charts-with-a-fill-desk-dark")
        visit.page.evaluate(OLD_FILL)
        assert visit.page.get_attribute("#candles", "data-fills") == "1"
        assert visit.complaints == []


def test_pausing_takes_two_steps_and_resuming_too(chromium: "Browser", stand: Stand) -> None:
    with visiting(chromium, stand) as visit:
        visit.open("/strategies")
        visit.page.get_by_text("Pause …").click()
        assert stand.do("paused") == ""
        visit.page.get_by_role("button", name="Yes, pause trader").click()
        visit.page.get_by_text("is paused by the dashboard").first.wait_for()
        assert stand.do("paused") == "the dashboard"
        visit.keep("strategies-paused-desk-dark")
        visit.page.get_by_text("Resume …").click()
        visit.page.get_by_role("button", name="Yes, resume trader").click()
        visit.page.get_by_text("is resumed").wait_for()
        assert stand.do("paused") == ""
        assert visit.complaints == []


def test_a_second_origin_cannot_trip_the_kill_switch_though_the_browser_is_logged_in(
    chromium: "Browser", stand: Stand
) -> None:
    with visiting(chromium, stand) as visit, foreign_site(stand.url) as evil:
        page = visit.context.new_page()
        answers: list[int] = []
        page.on("response", lambda answer: answers.append(answer.status) if "/deeds/kill" in answer.url else None)
        page.goto(f"{evil}/fetch")
        page.locator("#done").wait_for(timeout=10_000)
        page.goto(f"{evil}/form")
        page.wait_for_url(f"{stand.url}/deeds/kill", timeout=10_000)
        assert answers
        assert set(answers) == {403}
        assert stand.do("killed") == ""
        page.goto(f"{evil}/frame")
        page.locator("#done").wait_for(timeout=10_000)
        framed = [
            frame for frame in page.frames if frame.url.startswith(stand.url) and frame.query_selector("#trip-title")
        ]
        assert framed == []  # no page of ours is shown in another's


def test_the_kill_switch_needs_its_word_and_works(chromium: "Browser", stand: Stand) -> None:
    with visiting(chromium, stand) as visit:
        visit.open("/kill")
        visit.page.get_by_role("button", name="Trip the kill switch").click()
        assert stand.do("killed") == ""  # the browser asks for the word
        visit.page.fill("#confirm", "kill")
        visit.page.get_by_role("button", name="Trip the kill switch").click()
        visit.page.wait_for_timeout(300)
        assert stand.do("killed") == ""
        visit.page.fill("#confirm", "KILL")
        visit.page.get_by_role("button", name="Trip the kill switch").click()
        visit.page.get_by_role("heading", name="Tripped").wait_for(timeout=10_000)
        assert "on the dashboard" in stand.do("killed")
        visit.keep("kill-tripped-desk-dark")
        visit.open("/orders")
        visit.page.get_by_text("Nothing is held.").wait_for(timeout=20_000)  # it flattened
        assert visit.complaints == []


@contextmanager
def foreign_site(target: str) -> Iterator[str]:
    """A site of somebody else's on this machine: of the same host, so the browser sends our cookie along."""
    fields = "scope=account&confirm=KILL&csrf="
    pages = {
        "/fetch": f"""<script>fetch("{target}/deeds/kill", {{method: "POST", mode: "no-cors", credentials: "include",
            headers: {{"content-type": "application/x-www-form-urlencoded"}}, body: "{fields}"}})
            .finally(() => {{ document.body.innerHTML = "<p id=done>done</p>"; }});</script><body>""",
        "/form": f"""<body><form method="post" action="{target}/deeds/kill"><input name="scope" value="account">
            <input name="confirm" value="KILL"><input name="csrf" value=""></form>
            <script>document.forms[0].submit();</script>""",
        "/frame": f"""<body><iframe src="{target}/kill" onload="document.getElementById('wait').id='done'"></iframe>
            <p id="wait">x</p>""",
    }

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = pages.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


pytestmark = pytest.mark.slow
