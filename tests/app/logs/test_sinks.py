"""Law: no configured secret and nothing shaped like one is in any finished log line, exception text included.

And every line says whose work it is of, for people and for programs."""

import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
from loguru import logger

from engine.app.config.choices import LogFormat
from engine.app.logs import configure_logs
from engine.app.logs.sinks import AGE_DAYS_MAX, FILES_MAX, TurnedFile
from engine.app.secrets import Secret
from engine.core.restart import RestartPolicy
from engine.errors import LineLost, Misconfigured
from engine.flow.supervisor import supervise

VALUE = "s3cr3t/with+signs"


@pytest.fixture
def _logs_put_back() -> Iterator[None]:
    handlers = logging.getLogger().handlers[:]
    yield
    logger.remove()
    logging.getLogger().handlers[:] = handlers


@pytest.mark.usefixtures("_logs_put_back")
def test_neither_terminal_nor_file_gets_a_secret_out_of_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "logs" / "app.log"
    configure_logs(level="info", file=file, secrets=[Secret(VALUE), None])

    def connect(secret: str) -> None:
        raise ValueError(f"refused {secret}")

    try:
        connect(VALUE)
    except ValueError:
        logger.exception("it failed with {}", VALUE)
        logging.getLogger("httpx").warning("GET %s", VALUE, exc_info=True)
    logging.getLogger("httpx").info("not told: it is below WARNING")
    logging.getLogger("stamina").warning("not told: an attempt is asked again by somebody who says so")
    for text in (capsys.readouterr().err, file.read_text()):
        assert "it failed with *******" in text
        assert "refused *******" in text
        assert "httpx: GET *******" in text
        assert VALUE not in text
        assert "not told" not in text


@pytest.mark.usefixtures("_logs_put_back")
def test_values_of_variables_are_not_in_tracebacks(tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    configure_logs(file=file)
    unconfigured = "not-a-known-secret"
    try:
        int(unconfigured[:0])
    except ValueError:
        logger.exception("failed")
    assert unconfigured not in file.read_text()


@pytest.mark.usefixtures("_logs_put_back")
def test_a_log_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be written"):
        configure_logs(file=tmp_path)


@pytest.mark.usefixtures("_logs_put_back")
async def test_every_line_says_whose_work_it_is_of_and_does_not_say_it_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "app.log"
    configure_logs(file=file)

    async def work() -> None:
        logger.warning("{}", "feed iex: down: it broke.")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(below)
            nursery.start_soon(trio.sleep, 0)
        await trio.to_thread.run_sync(logger.warning, "iex: from a thread")

    async def below() -> None:
        await trio.lowlevel.checkpoint()
        logger.warning("from a task below")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hold, work)
        nursery.start_soon(trio.sleep, 0)
    logger.warning("the end")
    told = ["feed iex: down: it broke.", "feed iex: from a task below", "feed iex: from a thread", "session: the end"]
    for text in (capsys.readouterr().err, file.read_text()):
        assert len(text.splitlines()) == len(told)
        for line, words in zip(text.splitlines(), told, strict=True):
            assert f"WARNING {words}" in line


async def hold(work: Any) -> None:
    """Run it as a feed is run."""
    policy = RestartPolicy()
    await supervise(work, policy, name="feed iex", random=Random(1), retry=LineLost, on_restart=lambda *_: None)


@pytest.mark.usefixtures("_logs_put_back")
def test_json_lines_are_one_object_each_whatever_is_in_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "app.log"
    configure_logs(file=file, log_format="json", secrets=[Secret(VALUE)])
    logger.bind(strategy="alpha").warning("two\nlines, {} and \"{{'secret': 'x'}}\"", VALUE)
    try:
        raise ValueError(VALUE)
    except ValueError:
        logger.exception("it failed")
    for text in (capsys.readouterr().err, file.read_text()):
        said, failed = (json.loads(line) for line in text.splitlines())
        assert said["message"] == "two\nlines, ******* and \"{'secret': *******}\""
        assert (said["level"], said["task"], said["strategy"]) == ("warning", "session", "alpha")
        assert "test_sinks:" in said["where"]
        assert "ValueError: *******" in failed["exception"]
        assert VALUE not in text


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.usefixtures("_logs_put_back")
def test_half_a_character_is_told_by_its_escape_and_stops_no_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], log_format: LogFormat
) -> None:
    file = tmp_path / "app.log"
    configure_logs(file=file, log_format=log_format, secrets=[Secret(VALUE)])
    logger.warning("no such file: caf\udce9, {}", VALUE)
    logger.warning("and on")
    for text, how in ((capfd.readouterr().err, "caf"), (file.read_text(), "caf\\udce9")):  # pytest's stderr writes "?"
        first, second = text.splitlines()
        assert how in (json.loads(first)["message"] if log_format == "json" else first)
        assert "*******" in first
        assert "and on" in second
        assert VALUE not in text


@pytest.mark.usefixtures("_logs_put_back")
def test_what_is_said_cannot_steer_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "app.log"
    configure_logs(file=file)
    logger.warning("{}", "venue: \x1b]0;title\x07\r\x9b2J and\ta\nsecond line")
    for text in (capsys.readouterr().err, file.read_text()):
        assert "venue: \\x1b]0;title\\x07\\x0d\\x9b2J and\ta\nsecond line" in text


@pytest.mark.usefixtures("_logs_put_back")
def test_a_library_that_logs_wrongly_or_at_a_level_of_its_own_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(secrets=[Secret(VALUE)])
    library = logging.getLogger("library")
    library.warning("%d of them", VALUE)
    logging.addLevelName(35, "NOTICE")
    library.log(35, "its own level")
    wrong, own = capsys.readouterr().err.splitlines()
    assert "WARNING session: library: %d of them ('*******',)" in wrong
    assert "WARNING session: library: its own level" in own


def test_what_was_turned_over_is_forgotten_by_number_and_by_age(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    old_s = time.time() - (AGE_DAYS_MAX + 1) * 86_400
    for number in (1, 2, 3):
        (tmp_path / f"app.log.{number}").write_text("old")
    os.utime(tmp_path / "app.log.3", (old_s, old_s))
    file = TurnedFile(path, maxBytes=100, backupCount=FILES_MAX, encoding="utf-8")
    file.forget_old()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["app.log", "app.log.1", "app.log.2"]
    for number in range(20):
        file.emit(logging.makeLogRecord({"msg": f"{number:90}"}))
    file.close()
    assert len(list(tmp_path.iterdir())) == 1 + FILES_MAX


@pytest.mark.usefixtures("_logs_put_back")
def test_a_disk_that_refuses_is_told_once_and_without_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    configure_logs(level="error", file=Path("/dev/full"), secrets=[Secret(VALUE)])
    for _ in range(3):
        logger.info("login with {}", VALUE)
    told = capsys.readouterr().err
    assert told == "gapless: the log file /dev/full cannot be written any more.\n"
