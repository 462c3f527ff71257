"""A journal is whole up to its last good block, whatever was being written when the process died."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.codec.journal import EMPTY, FORMAT, Walk, decode_frames, encode_frames, pack_block
from engine.errors import Misconfigured, StoreFailed


def block(number: int) -> bytes:
    return pack_block(encode_frames([("iex", number, b"x" * number)]))


BLOCKS = [block(number) for number in (3, 0, 40)]
WHOLE = EMPTY + b"".join(BLOCKS)
ENDS = [len(EMPTY) + sum(map(len, BLOCKS[:count])) for count in range(len(BLOCKS) + 1)]


def numbers(walk: Walk) -> list[int]:
    return [frame.at_ns for payload in walk for frame in decode_frames(payload)]


def test_what_was_appended_comes_back_in_order() -> None:
    walk = Walk(WHOLE, "it")
    assert (numbers(walk), walk.end, walk.torn) == ([3, 0, 40], len(WHOLE), 0)


@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_a_file_that_is_cut_anywhere_is_whole_up_to_its_last_good_block(cut: int) -> None:
    walk = Walk(WHOLE[:cut], "it")
    told = numbers(walk)
    ends = [end for end in ENDS if end <= cut]
    assert told == [3, 0, 40][: max(0, len(ends) - 1)]
    assert walk.end == (ends[-1] if ends else 0)
    assert walk.torn == cut - walk.end


@pytest.mark.parametrize("at", range(ENDS[2], len(WHOLE)))
def test_a_last_block_with_a_wrong_byte_is_cut(at: int) -> None:
    walk = Walk(WHOLE[:at] + bytes([WHOLE[at] ^ 0xFF]) + WHOLE[at + 1 :], "it")
    assert (numbers(walk), walk.end) == ([3, 0], ENDS[2])


@pytest.mark.parametrize("at", range(ENDS[0], ENDS[1]))
def test_a_wrong_byte_with_whole_blocks_behind_it_is_damage(at: int) -> None:
    walk = Walk(WHOLE[:at] + bytes([WHOLE[at] ^ 0xFF]) + WHOLE[at + 1 :], "market.journal")
    with pytest.raises(StoreFailed, match=rf"market.journal is damaged at byte {ENDS[0]}.*byte {ENDS[1]}"):
        numbers(walk)


@given(st.binary(max_size=200))
def test_garbage_behind_the_last_block_is_cut(garbage: bytes) -> None:
    walk = Walk(WHOLE + garbage, "it")
    assert numbers(walk) == [3, 0, 40]
    assert walk.end == len(WHOLE)


def test_zeros_that_a_power_cut_left_are_no_journal_yet() -> None:
    walk = Walk(bytes(4096), "it")
    assert (numbers(walk), walk.end, walk.torn) == ([], 0, 4096)


def test_a_newer_format_is_refused() -> None:
    newer = Walk(b"gapless-journal %d\n" % (FORMAT + 1) + BLOCKS[0], "it")
    with pytest.raises(Misconfigured, match=r"it was written by a newer gapless .*update"):
        numbers(newer)


def test_another_file_is_refused() -> None:
    with pytest.raises(StoreFailed, match="it is no journal"):
        numbers(Walk(b"PAR1 and so on, quite another thing", "it"))
