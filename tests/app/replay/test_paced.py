"""Market time at a pace."""

from engine.app.replay.paced import PacedClock

NS = 1_000_000_000


def test_a_paced_clock_waits_for_the_wall_and_a_hurried_one_does_not() -> None:
    wall = [100.0]
    clock = PacedClock(5 * NS, 10.0, wall_s=lambda: wall[0], pause=lambda s: wall.__setitem__(0, wall[0] + s))
    clock.move(25 * NS)
    assert round(wall[0], 6) == 102.0
    assert clock.now_ns() == 25 * NS
    clock.hurried = True
    clock.move(500 * NS)
    assert round(wall[0], 6) == 102.0
    assert clock.now_ns() == 500 * NS
