"""The law of silence: a line is dropped on proof, or when nobody can prove anything and events are due."""

import pytest

from engine.core.silence import Judgement, Proof, judge_silence


@pytest.mark.parametrize(
    ("silent_s", "asked", "proof", "as_read", "expected", "judgement"),
    [
        (29, 0, "not_asked", False, True, "wait"),
        (30, 0, "not_asked", False, True, "ask"),
        (30, 0, "not_asked", False, None, "ask"),
        (30, 0, "not_asked", True, False, "mute"),
        (29, 0, "not_asked", True, False, "wait"),
        (31, 1, "missed", False, False, "mute"),
        (31, 1, "nothing_missed", False, True, "wait"),
        (60, 1, "nothing_missed", False, True, "ask"),
        (61, 2, "nothing_missed", False, True, "wait"),
        (120, 2, "nothing_missed", False, True, "ask"),
        (600, 9, "nothing_missed", False, True, "ask"),
        (59, 1, "unknown", False, True, "wait"),
        (60, 1, "unknown", False, True, "mute"),
        (600, 9, "unknown", False, False, "ask"),
        (600, 9, "unknown", False, None, "ask"),
    ],
)
def test_a_silence_is_judged_by_what_is_known(
    silent_s: float, asked: int, proof: Proof, as_read: bool, expected: bool | None, judgement: Judgement
) -> None:
    assert (
        judge_silence(silent_s=silent_s, deadline_s=30, asked=asked, proof=proof, as_read=as_read, expected=expected)
        == judgement
    )
