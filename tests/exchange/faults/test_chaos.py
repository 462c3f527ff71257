"""A seed is a script: the same one each time, another one for another seed, and every kind comes up in some seed."""

from engine.exchange.faults import KINDS
from engine.exchange.faults.chaos import build_chaos

NOT_DRAWN = {"history_refused", "symbol_limit", "slow_pages", "delay", "reject_late", "nan_prices"}
"""A plan's limits are not weather; the others change how long a test takes, end an order that a client wanted, or tell
what a client that compares streams cannot compare: NaN is not equal to itself."""


def test_a_seed_gives_one_script() -> None:
    assert build_chaos(7) == build_chaos(7)
    assert len({str(build_chaos(seed)) for seed in range(50)}) == 50


def test_every_kind_that_a_client_should_survive_comes_up() -> None:
    drawn = {fault.kind for seed in range(200) for fault in build_chaos(seed)}
    assert drawn == set(KINDS) - NOT_DRAWN


def test_no_seed_shuts_a_client_out_for_good() -> None:
    fatal = {402, 408, 409, 411}
    faults = [fault for seed in range(200) for fault in build_chaos(seed)]
    assert not [fault for fault in faults if fault.code in fatal]
    assert not [fault for fault in faults if fault.kind in {"refuse", "stall_login"} and fault.for_s is None]
