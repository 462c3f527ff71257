"""Law: no configured secret and nothing shaped like one is in any finished log line, exception text included."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from engine.app.logs import Redactor, configure_logs
from engine.app.secrets import Secret
from engine.errors import Misconfigured

KEY_ID = "PK" + "A1B2C3D4E5F6G7H8J9"
VALUE = "s3cr3t/with+signs"


@pytest.fixture
def _logs_put_back() -> Iterator[None]:
    handlers = logging.getLogger().handlers[:]
    yield
    logger.remove()
    logging.getLogger().handlers[:] = handlers


@pytest.mark.parametrize(
    "text",
    [
        f"login with {VALUE}",
        f"key {KEY_ID} was refused",
        f"{{'APCA-API-SECRET-KEY': '{VALUE[:3]}x'}}",
        "Authorization: Bearer abc.def.ghi",
        '{"action":"auth","key":"abc","secret":"def"}',
        "[(b'apca-api-key-id', b'XYZ')]",
        "https://me:pass@host/path",
        "secret_key='abcdef'",
    ],
)
def test_a_secret_is_removed_by_value_or_by_shape(text: str) -> None:
    told = Redactor([Secret(VALUE)])(text)
    assert "*******" in told
    for leaked in (VALUE, KEY_ID, "abc", "def", "XYZ", "pass@", f"{VALUE[:3]}x"):
        assert leaked not in told.replace("APCA-API-SECRET-KEY", "")


@pytest.mark.parametrize(
    "text", ["price=101.5 key levels", "the secret: patience", "wss://host/v2/iex", "Secret('***')"]
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert Redactor([Secret("ab")])(text) == text


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
