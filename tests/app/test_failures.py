"""Law: what ends a command is told as the one error of ours that asks most, and a bug among errors stays a bug."""

import pytest

from engine.app.failures import bug_sentence, interrupted, keep_traceback, known_cause
from engine.app.logs import Redactor
from engine.app.secrets import Secret
from engine.errors import KeysRefused, LineLost

LOST, REFUSED, BUG = LineLost("the line is lost"), KeysRefused("these keys are not known"), ZeroDivisionError("x")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (LOST, LOST),
        (ExceptionGroup("", [LOST, ExceptionGroup("", [REFUSED])]), REFUSED),
        (ExceptionGroup("", [REFUSED, BUG]), None),
        (BUG, None),
    ],
)
def test_the_error_to_tell_is_found_in_a_group(error: Exception, cause: Exception | None) -> None:
    assert known_cause(error) is cause


def test_ctrl_c_is_seen_inside_a_group() -> None:
    assert interrupted(BaseExceptionGroup("", [LOST, KeyboardInterrupt()]))
    assert not interrupted(LOST)


def test_a_bug_is_one_sentence_and_its_traceback_is_kept_without_secrets() -> None:
    try:
        raise ValueError("no such key hunter2\nand more")
    except ValueError as error:
        redact = Redactor([Secret("hunter2")])
        kept = keep_traceback(error, redact)
        assert kept is not None
        sentence = bug_sentence(error, kept, redact)
    text = kept.read_text()
    kept.unlink()
    assert "\n" not in sentence
    assert str(kept) in sentence
    assert "Traceback" in text
    assert "hunter2" not in text
