"""What a strategy prints holds no secret, however it is cut into writes."""

import io
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.app.logs.redact import Redactor
from engine.app.logs.streams import LINE_CHARS_MAX, RedactedStream, redacted_streams
from engine.app.secrets import Secret

VALUE = "canary-0123456789"
REDACT = Redactor([Secret(VALUE)])


@given(st.lists(st.sampled_from([VALUE, VALUE[:5], VALUE[5:], "\n", "a", ""]), max_size=20))
def test_all_is_written_in_order_but_secrets(pieces: list[str]) -> None:
    written = io.StringIO()
    stream = RedactedStream(written, REDACT)
    for piece in pieces:
        assert stream.write(piece) == len(piece)
    stream.flush()
    whole = "".join(pieces)
    assert written.getvalue() == "\n".join(REDACT(line) for line in whole.split("\n"))


def test_a_line_without_an_end_is_written_when_it_is_flushed_or_long() -> None:
    written = io.StringIO()
    stream = RedactedStream(written, REDACT)
    stream.write("Say the word: ")
    assert written.getvalue() == ""
    stream.flush()
    assert written.getvalue() == "Say the word: "
    stream.write("x" * (LINE_CHARS_MAX + 1))
    assert len(written.getvalue()) > LINE_CHARS_MAX


def test_print_and_tracebacks_are_caught_and_the_streams_put_back(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = sys.stdout, sys.stderr
    with redacted_streams(REDACT):
        print("it is", VALUE)
        try:
            raise ValueError(f"refused {VALUE}")
        except ValueError:
            traceback.print_exc()
        assert sys.stdout.encoding == out.encoding
    assert (sys.stdout, sys.stderr) == (out, err)
    told = capsys.readouterr()
    assert told.out == "it is *******\n"
    assert "ValueError: refused *******" in told.err
    assert VALUE not in told.err
