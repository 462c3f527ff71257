"""Real Chromium before a real session, in real time.

Where Chromium or playwright is missing these tests skip with a sentence; ``.ci/browser`` installs Debian's.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import pytest
from attrs import define

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT: Final = Path(__file__).resolve().parents[3]
CHROMIUM: Final = Path(os.environ.get("GAPLESS_CHROMIUM", "/usr/bin/chromium"))
TOKEN: Final = "a-token-for-the-browser-tests-00"
SHOTS: Final = ROOT / ".cache" / "dashboard"
"""Where the screenshots are, for a person to look at; git ignores it."""
END_WITHIN_S: Final = 30.0
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@define(eq=False)
class Stand:
    """A session with its dashboard (`tests.web.browser.stand`), in another process."""

    process: "subprocess.Popen[str]"
    asked: IO[str]
    answered: IO[str]
    url: str = ""

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """While the block runs the session's process does nothing at all."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def do(self, command: str, argument: Any = None) -> Any:
        """Have something done there, and hear what came of it."""
        self.asked.write(json.dumps([command, argument]) + "\n")
        self.asked.flush()
        return self.hear()

    def hear(self) -> Any:
        """The next answer; fails where the session has ended."""
        line = self.answered.readline()
        assert line, "the session has ended; its last words are above"
        return json.loads(line)


@pytest.fixture(scope="session")
def chromium() -> "Iterator[Browser]":
    """A browser, or a sentence about why there is none."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("playwright is not installed: pip install 'playwright>=1.65'")
    if not CHROMIUM.is_file():
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium, or name another in GAPLESS_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def stand(chromium: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """One session for the tests of a file."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.web.browser.stand", TOKEN],
        cwd=ROOT,
        env=os.environ | {"XDG_STATE_HOME": str(tmp_path_factory.mktemp("state"))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        opened = Stand(process, process.stdin, process.stdout)
        opened.url = opened.hear()
        yield opened
        process.stdin.close()
        process.wait(END_WITHIN_S)
