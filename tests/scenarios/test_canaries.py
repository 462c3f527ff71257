"""Canary secrets: one in every setting that can hold a secret, and then everything that leaves the engine is searched.

The whole of each canary is looked for, and every eight characters in a row of it, in text, in databases, and in what is
packed. A setting that is new gets a line in `CANARIES`, and is in every test here from then on.
"""

import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from attrs import define, field, frozen

from engine.app.cli import build_app
from engine.app.config.settings import load_settings
from engine.app.logs.redact import PART_LENGTH
from engine.app.secrets import MASK, SECRET_VARIABLES
from engine.errors import Misconfigured
from engine.model.journal import HIDDEN
from engine.store.session import read_session
from engine.testing.exchange import Exchange
from engine.web.site import PAGES

GAPLESS = (sys.executable, "-m", "engine.app.cli")
WITHIN_S = 60.0
"""A session of some seconds, on a machine that runs all tests at once."""


@frozen
class Canary:
    """A secret as it is set: ``value`` holds the canaries, each of which would give it away."""

    variable: str
    value: str
    birds: tuple[str, ...]


CANARIES = (
    Canary("APCA_API_KEY_ID", "PKQX7ZJV3WK9MT5RYB2H", ("PKQX7ZJV3WK9MT5RYB2H",)),
    Canary("APCA_API_SECRET_KEY", "zR9+vLp/Wm3Kt8=Xb2Yh\"N5'cJ", ("zR9+vLp/Wm3Kt8=Xb2Yh\"N5'cJ",)),
    Canary(
        "GAPLESS_ALERT_URLS",
        "json://robot:Vq7hTz0pLr4x@127.0.0.1:9/hook-Gk2mNs8dQw ntfy://127.0.0.1:9/topic-Jf5yBc1vXo",
        ("Vq7hTz0pLr4x", "Gk2mNs8dQw", "Jf5yBc1vXo"),
    ),
    Canary("GAPLESS_WEB_TOKEN", "Ue6wPa3sDi9oFk1gHl7j", ("Ue6wPa3sDi9oFk1gHl7j",)),
)


def taken(canary: Canary) -> bool:
    """Whether there is such a setting, once the others are set."""
    keys = {one.variable: one.value for one in CANARIES[:2]}
    try:
        load_settings(file=None, environ={**keys, canary.variable: canary.value}, flags={}, folder=Path("nowhere"))
    except Misconfigured:
        return False
    return True


SET = [canary for canary in CANARIES if taken(canary)]


def test_every_secret_setting_has_a_canary_and_every_canary_a_setting() -> None:
    assert {canary.variable for canary in CANARIES} == set(SECRET_VARIABLES)
    assert {canary.variable for canary in SET} >= {"APCA_API_KEY_ID", "APCA_API_SECRET_KEY"}
    for canary in CANARIES:
        assert all(bird in canary.value and len(bird) >= PART_LENGTH for bird in canary.birds)


PARTS = {
    bird[at : at + PART_LENGTH]
    for canary in CANARIES
    for bird in canary.birds
    for at in range(len(bird) - PART_LENGTH + 1)
}


def search(where: str, text: str | bytes) -> list[str]:
    """The places where something of a canary is."""
    told = text if isinstance(text, str) else text.decode("latin-1")
    return [f"{where}: {part} in ...{told[max(0, told.find(part) - 60) :][:120]!r}" for part in PARTS if part in told]


def search_folder(folder: Path, *, but: Path) -> list[str]:
    """Search every file, unpacked, but the strategy that holds the canaries' names."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != but and not path.is_socket():
            found += search(str(path.relative_to(folder)), path.read_bytes())
            found += search(str(path.relative_to(folder)), str(path))
        if path.name == "orders.db":
            with sqlite3.connect(path) as database:
                tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
                for table in tables:
                    rows = database.execute(f'select * from "{table}"')
                    found += search(f"{table} of {path.name}", "\n".join(str(cell) for row in rows for cell in row))
        if path.name == "manifest.json":
            session = read_session(path.parent)
            for number, record in enumerate(session.records()):
                found += search(f"{path.parent.name} record {number}", str(record))
            for frame in session.frames():
                found += search(f"{path.parent.name} frame", str(frame))
    return found


LEAKY = '''
"""Does with secrets whatever a careless author may do."""

import os
import sys
import traceback

import trio
from engine import Context, strategy
from loguru import logger
import logging

NAMES = [name for name in os.environ if name.startswith(("APCA_", "GAPLESS_"))]


def connect(value: str) -> None:
    local = {"value": value}
    raise RuntimeError(f"refused {value!r} of {local}")


@strategy()
async def leaky(ctx: Context) -> None:
    seen = 0
    async with ctx.orders(on_exit="flatten", within=3), ctx.trades("SPY", gaps=True) as trades:
        async for trade in trades:
            seen += 1
            if seen == 5:
                for name in NAMES:
                    tell(ctx, name, os.environ[name])
                with trio.move_on_after(1):
                    await (await ctx.buy("SPY", 1)).filled()
            if seen > 20:
                raise RuntimeError("the keys are " + " ".join(os.environ[name] for name in NAMES))


def tell(ctx: Context, name: str, value: str) -> None:
    print(name, value, [value], value[:12], file=sys.stdout)
    sys.stderr.write("half a line with " + value[3:] + "\\n")
    ctx.log(f"{name} is {value}, as {value!r} or {value.encode()!r}")
    logger.debug("debug {}", value)
    logging.getLogger("somebody").error("by the standard library: %s", value)
    try:
        connect(value)
    except RuntimeError as error:
        traceback.print_exc()
        logger.exception("it failed: {}", error)
        ctx.log(str(error)[:30])


class Broken(BaseException):
    """Passes everything that catches."""


@strategy()
async def buggy(ctx: Context) -> None:
    async with ctx.trades("SPY") as trades:
        await anext(trades)
    raise Broken("x" * 190 + " ".join(os.environ[name] for name in NAMES))
'''
FAULTS = """
[[fault]]
kind = "cut"
every = "1s"
[[fault]]
kind = "bad_frame"
p = 0.2
[[fault]]
kind = "http_status"
status = 500
for = "2s"
every = "3s"
"""


@define
class Nest:
    """A folder that everything of a test is written to, with the canaries in the environment.

    ``hook``: where a port is listened at for notices, instead of the port that the canary names.
    """

    folder: Path
    told: list[str] = field(factory=list)
    hook: int = 9

    def environment(self) -> dict[str, str]:
        root = str(Path(__file__).resolve().parents[2])
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GAPLESS_", "APCA_"))}
        homes = {name: str(self.folder) for name in ("HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME")}
        secrets = {canary.variable: canary.value.replace("127.0.0.1:9/", f"127.0.0.1:{self.hook}/") for canary in SET}
        return {**kept, **homes, "PYTHONPATH": root, **secrets}

    def start(self, line: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*GAPLESS, *shlex.split(line)],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def ended(self, process: "subprocess.Popen[bytes]", line: str, *codes: int) -> str:
        out, err = process.communicate(timeout=WITHIN_S)
        assert process.returncode in codes, (line, process.returncode, err.decode())
        self.told += search(f"stdout of {line}", out) + search(f"stderr of {line}", err)
        return out.decode() + err.decode()

    def run(self, line: str, *codes: int) -> str:
        return self.ended(self.start(line), line, *codes)

    def leaks(self) -> list[str]:
        """Everything of a canary that was told or written."""
        return self.told + search_folder(self.folder, but=self.folder / "leaky.py")


@pytest.fixture
def nest(tmp_path: Path) -> Nest:
    (tmp_path / "leaky.py").write_text(LEAKY)
    (tmp_path / "faults.toml").write_text(FAULTS)
    return Nest(tmp_path)


def test_the_search_finds_what_is_there(nest: Nest) -> None:
    secret = CANARIES[1].value
    (nest.folder / "a.txt").write_text(f"x{secret[4:12]}x")
    with sqlite3.connect(nest.folder / "orders.db") as database:
        database.execute("create table a (b)")
        database.execute("insert into a values (?)", (secret[-8:],))
    assert {leak.partition(":")[0] for leak in nest.leaks()} == {"a.txt", "orders.db", "a of orders.db"}
    assert search("x", secret[:7] + secret[8:15]) == []
    assert HIDDEN == MASK


def test_a_session_with_everything_going_wrong_tells_no_secret(nest: Nest) -> None:
    line = (
        "run ./leaky.py:leaky --symbols SPY --events-per-s 50 --faults faults.toml --for 40 "
        "--record session raw --state state --json --log-json --log-level debug --log-file logs/all.log"
    )
    told = nest.run(line, 1)
    assert MASK in told
    assert "the keys are" in told
    for after in ("journal session --json", "verify session", "report session"):
        if after.split()[0] in build_app().commands:
            nest.run(after, 0, 1)
    assert nest.leaks() == []


def test_a_bug_and_its_traceback_tell_no_secret(nest: Nest) -> None:
    told = nest.run("run ./leaky.py:buggy --symbols SPY --for 6", 1)
    assert "This is a bug" in told
    (kept,) = nest.folder.glob("gapless-bug-*.txt")
    assert MASK in kept.read_text()
    nest.run("run ./leaky.py:buggy --symbols SPY --for 6 --debug", 1)
    assert nest.leaks() == []


@pytest.mark.exchange(keys=(("PKGOOD", "good-secret"),), symbols=("SPY",))
def test_refused_keys_are_not_repeated(nest: Nest, live_exchange: Exchange) -> None:
    urls = " ".join(f"--{name.replace('_', '-')} {url}" for name, url in live_exchange.urls().items())
    nest.run(f"run ./leaky.py:leaky --venue paper {urls} --for 5 --record session raw --log-level debug", 3)
    nest.run(f"doctor --venue paper {urls} --json", 1, 2, 3)
    nest.run(f"kill --venue paper --trading-url {live_exchange.trading_url} --state state --json", 2, 3, 4)
    assert nest.leaks() == []


@pytest.mark.exchange(symbols=("SPY",), events_per_s=50.0)
def test_looking_at_a_session_and_killing_it_tell_no_secret(nest: Nest, live_exchange: Exchange) -> None:
    urls = " ".join(f"--{name.replace('_', '-')} {url}" for name, url in live_exchange.urls().items())
    line = f"run ./leaky.py:leaky audit --set audit.symbols=SPY {urls} --state state --for 30"
    process = nest.start(line)
    try:
        listen_until(process, nest, "the keys are")
        nest.run("top --once --json", 0, 4)
        nest.run(f"kill --venue exchange --trading-url {live_exchange.trading_url} --state state --json", 0, 4)
        process.send_signal(signal.SIGINT)
        nest.ended(process, line, 130)
    finally:
        process.kill()
    assert nest.leaks() == []


@contextmanager
def receiving() -> Iterator[tuple[int, list[str]]]:
    """A webhook on a port of its own, and the bodies that it got."""
    bodies: list[str] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body.pop("topic", None)  # the address, which ntfy has there
            bodies.append(json.dumps(body, ensure_ascii=False))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port, bodies
        finally:
            server.shutdown()


def listen_until(process: "subprocess.Popen[bytes]", nest: Nest, *needles: str) -> str:
    """What a session says on stderr until each of these was said; all of it is searched."""
    assert process.stderr is not None
    said = ""
    while not all(needle in said for needle in needles):
        told = process.stderr.readline()
        assert told, f"it ended before it said all of {needles}: {said}"
        nest.told += search("stderr", told)
        said += told.decode()
    return said


def test_no_page_metric_or_notice_tells_a_secret(nest: Nest) -> None:
    line = "run ./leaky.py:leaky audit --set audit.symbols=SPY --dashboard --health-port 0 --events-per-s 50 --for 60"
    token = CANARIES[-1].value
    with receiving() as (nest.hook, notices):
        process = nest.start(line)
        try:
            said = listen_until(process, nest, "The dashboard is at", "metrics are at", "the keys are")
            health = re.search(r"Health is at (http://[^/]+)/healthz", said)
            dashboard = re.search(r"The dashboard is at (http://[^/]+)/ ", said)
            assert health is not None
            assert dashboard is not None
            pages = [f"{health[1]}/{path}" for path in ("metrics", "healthz", "readyz", "nothing")]
            pages += [f"{dashboard[1]}/{path}" for path in ("", "charts?symbol=SPY", *PAGES, "login", "nothing")]
            with httpx.Client(timeout=WITHIN_S, headers={"origin": dashboard[1]}) as browser:
                assert browser.post(f"{dashboard[1]}/login", data={"token": token}).status_code == 303
                for page in pages:
                    answer = browser.get(page)
                    assert answer.status_code in (200, 303, 404, 503), (page, answer.text)
                    nest.told += search(page, answer.text) + search(f"{page}'s head", str(answer.headers))
                with browser.stream("GET", f"{dashboard[1]}/events?page=strategies") as events:
                    nest.told += search("events", next(events.iter_text()))
                assert MASK in browser.get(f"{dashboard[1]}/strategies").text
                refused = browser.post(f"{dashboard[1]}/login", data={"token": token[:-1]})
                nest.told += search("a refused login", refused.text)
            process.send_signal(signal.SIGINT)
            nest.ended(process, line, 130)
        finally:
            process.kill()
    assert any("leaky has ended" in notice for notice in notices)
    assert [leak for notice in notices for leak in search("a notice", notice)] == []
    assert nest.leaks() == []


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.variable)
def test_a_secret_in_the_wrong_place_is_refused_and_not_repeated(tmp_path: Path, canary: Canary) -> None:
    name = canary.variable.lower().removeprefix("gapless_").removeprefix("apca_api_")
    file = tmp_path / "gapless.toml"
    file.write_text(f"{name} = '''{canary.value}'''\n")
    with pytest.raises(Misconfigured, match=re.escape(str(file))) as refused:
        load_settings(file=file, environ={}, flags={}, folder=tmp_path)
    assert search("a file", str(refused.value)) == []
    file.unlink()
    for setting in ("data_stream_url", "data_url", "trading_stream_url", "trading_url"):
        for scheme in ("ws", "http"):
            flags = {f"endpoints.{setting}": f"{scheme}://me:{canary.birds[0]}@127.0.0.1"}
            with pytest.raises(Misconfigured, match="without a login in it") as refused:
                load_settings(file=None, environ={}, flags=flags, folder=tmp_path)
            assert search("a flag", str(refused.value)) == []
