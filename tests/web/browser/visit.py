"""One browser before one dashboard, and all that it complained of."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define, field

from tests.web.browser.conftest import SHOTS, TOKEN, Stand

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

SIZES = {"desk": (1440, 900), "phone": (375, 812)}


@define(eq=False)
class Visit:
    """``complaints`` are errors and warnings of the console, ``foreign`` requests that left the dashboard."""

    stand: Stand
    context: "BrowserContext"
    page: "Page"
    size: str
    complaints: list[str] = field(factory=list)
    foreign: list[str] = field(factory=list)

    def open(self, path: str) -> None:
        """Go to a page, and wait until it is live."""
        self.page.goto(self.stand.url + path)
        self.page.locator(".pulse.live").wait_for(timeout=15_000)

    @property
    def sideways(self) -> int:
        """How much wider than its window the page is, in pixels."""
        wide: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wide

    @property
    def focus(self) -> str:
        """What has the focus, by its words."""
        words: str = self.page.evaluate("document.activeElement.textContent.trim()")
        return words

    def look(self, scheme: str) -> None:
        """See it in this colour scheme, as when the system's changes."""
        self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        self.page.locator(f"html[data-theme={scheme}]").wait_for(timeout=5000)

    def keep(self, name: str) -> None:
        """Keep what it looks like, the whole page at once."""
        width, height = SIZES[self.size]
        whole = self.page.evaluate("document.documentElement.scrollHeight")
        self.page.set_viewport_size({"width": width, "height": max(height, whole)})
        self.page.wait_for_timeout(120)
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")
        self.page.set_viewport_size({"width": width, "height": height})


@contextmanager
def visiting(
    browser: "Browser", stand: Stand, *, size: str = "desk", scheme: str = "dark", log_in: bool = True
) -> Iterator[Visit]:
    """A browser with a profile of its own, logged in by the address that the session tells."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=2 if size == "phone" else 1,
        is_mobile=size == "phone",
        has_touch=size == "phone",
    )
    visit = Visit(stand, context, context.new_page(), size)
    page = visit.page
    page.on("console", lambda told: visit.complaints.append(told.text) if told.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((stand.url, "data:")) else visit.foreign.append(asked.url),
    )
    try:
        if log_in:
            page.goto(f"{stand.url}/login#{TOKEN}")
            page.wait_for_url(f"{stand.url}/")
        yield visit
    finally:
        context.close()
