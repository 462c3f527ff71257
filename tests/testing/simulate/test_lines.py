"""The judge sees connections that are too many, too often, dead, dropped without a cause."""

from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from engine.model.control import Lost, Stale
from engine.testing.simulate.judge.lines import DIALS_MAX
from engine.testing.simulate.outcome import Violated
from engine.testing.simulate.plan import Plan, Trouble
from tests.testing.simulate.conftest import Hand, build_plan


def broken(number: int) -> "pytest.RaisesExc[Violated]":
    return pytest.raises(Violated, check=lambda found: found.number == number)


def test_6_two_connections_to_one_endpoint(hand: Hand) -> None:
    hand.now_s = 1000
    hand.judge.line(1, "/v2/iex", is_open=True)
    hand.judge.line(2, "/v1beta3/crypto/us", is_open=True)
    with broken(6):
        hand.judge.line(3, "/v2/iex", is_open=True)


def test_6_two_connections_that_stay(hand: Hand) -> None:
    hand.judge.line(1, "/v2/iex", is_open=True)
    hand.judge.line(2, "/v2/iex", is_open=True)
    hand.now_s = 1000
    with broken(6):
        hand.judge.step()


def test_7_dialling_without_a_pause(hand: Hand) -> None:
    for number in range(DIALS_MAX):
        hand.now_s = number / 10
        hand.judge.dialed(1, "stream", "refused")
    with broken(7):
        hand.judge.dialed(1, "stream", "refused")


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(kind="half_open", at_s=10.0, keys=(("line", "data"), ("for", "120s"))),
        Trouble(kind="net_freeze", at_s=10.0, keys=(("road", "stream"), ("for_s", 110.0), ("ways", "both"))),
    ],
)
def test_17_a_dead_line_that_nobody_notices(playing: Callable[[Plan], Hand], trouble: Trouble) -> None:
    hand = playing(build_plan(trouble))
    hand.judge.line(1, "/v2/iex", is_open=True)
    hand.now_s = 10
    hand.judge.fault(trouble.kind, 10.0, "")
    hand.now_s = 20
    hand.judge.step()
    hand.now_s = 101
    with broken(17):
        hand.judge.step()


@pytest.mark.parametrize(
    ("kind", "where", "wrong"),
    [
        ("net_freeze", (("road", "stream"), ("for_s", 110.0)), False),
        ("half_open", (("line", "data"), ("for", "120s")), True),
    ],
)
def test_17_the_calm_puts_the_network_right_and_not_what_the_exchange_does(
    playing: Callable[[Plan], Hand], kind: str, where: tuple[tuple[str, object], ...], wrong: bool
) -> None:
    hand = playing(build_plan(Trouble(kind=kind, at_s=10.0, keys=where)))
    hand.judge.line(1, "/v2/iex", is_open=True)
    hand.now_s = 10
    hand.judge.fault(kind, 10.0, "")
    hand.now_s = 30
    hand.judge.calm()
    hand.now_s = 101
    with broken(17) if wrong else nullcontext():
        hand.judge.step()


def test_17_a_mute_line_cannot_die_as_well(playing: Callable[[Plan], Hand]) -> None:
    """The exchange keeps such a fault for the next line."""
    mute = Trouble(kind="mute", at_s=5.0, keys=(("line", "data"),))
    dead = Trouble(kind="half_open", at_s=10.0, keys=(("line", "data"), ("for", "120s")))
    hand = playing(build_plan(mute, dead))
    hand.judge.line(1, "/v2/iex", is_open=True)
    for trouble in (mute, dead):
        hand.now_s = trouble.at_s
        hand.judge.fault(trouble.kind, trouble.at_s, "")
    hand.now_s = 120
    hand.judge.step()


def test_17_a_dead_line_that_nobody_reads_is_noticed_when_it_is_read_again(
    playing: Callable[[Plan], Hand],
) -> None:
    """A strategy with ``full="block"`` holds up its feed, pongs and all."""
    hand = playing(build_plan(Trouble(kind="half_open", at_s=10.0, keys=(("line", "data"), ("for", "120s")))))
    slow = ["one"]
    markets = SimpleNamespace(fanout=SimpleNamespace(crowded=lambda _: slow))
    hand.life.account = SimpleNamespace(markets=markets)  # type: ignore[assignment] # as much of it as is looked at
    hand.judge.line(1, "/v2/iex", is_open=True)
    hand.now_s = 10
    hand.judge.fault("half_open", 10.0, "")
    hand.now_s = 110
    hand.judge.lines.step()
    slow.clear()
    hand.judge.lines.step()
    hand.now_s = 210
    with broken(17):
        hand.judge.lines.step()


def test_17_a_dead_line_that_is_dialled_anew_was_noticed(playing: Callable[[Plan], Hand]) -> None:
    hand = playing(build_plan(Trouble(kind="half_open", at_s=10.0, keys=(("line", "data"), ("for", "120s")))))
    hand.judge.line(1, "/v2/iex", is_open=True)
    hand.now_s = 10
    hand.judge.fault("half_open", 10.0, "")
    hand.now_s = 30
    hand.judge.dialed(1, "stream", "made")
    hand.now_s = 110
    hand.judge.step()


@pytest.mark.parametrize(("road", "outcome", "wrong"), [
    ("stream", "sat out", True), ("account", "sat out", True), ("data", "sat out", False), ("stream", "hung", False),
])  # fmt: skip
def test_17_a_connection_that_hangs_is_given_up(hand: Hand, road: str, outcome: str, wrong: bool) -> None:
    with broken(17) if wrong else nullcontext():
        hand.judge.dialed(1, road, outcome)


@pytest.mark.parametrize(
    ("told", "ended", "number"), [("", False, 28), ("iex", False, 17), ("iex", True, 0), ("crypto", False, 28)]
)
def test_28_a_mute_line_whose_silence_nobody_tells_and_17_that_nobody_gives_up(
    playing: Callable[[Plan], Hand], told: str, ended: bool, number: int
) -> None:
    hand = playing(build_plan(Trouble(kind="mute", at_s=10.0, keys=(("line", "data"),))))
    hand.judge.line(1, "/v2/iex", is_open=True)
    taking, trade = hand.open(), hand.trade(1)
    hand.publish(trade)
    hand.tell(taking, trade)
    hand.now_s = 10
    hand.judge.fault("mute", 10.0, "")
    hand.now_s = 20
    hand.publish(hand.trade(2))
    hand.now_s = 200
    if told:
        hand.judge.noticed(hand.life, "one", Stale(told, hand.now_ns, 180.0), hand.now_ns)
    if ended:
        hand.judge.line(1, "/v2/iex", is_open=False)
    hand.now_s = 600
    with broken(number) if number else nullcontext():
        hand.judge.lines.step()


def test_28_what_a_gap_names_was_not_the_mute_lines_to_bring(playing: Callable[[Plan], Hand]) -> None:
    """It was published while the line was not subscribed yet, and history did not have it."""
    hand = playing(build_plan(Trouble(kind="mute", at_s=10.0, keys=(("line", "data"),))))
    hand.judge.line(1, "/v2/iex", is_open=True)
    taking = hand.open()
    hand.now_s = 10
    hand.judge.fault("mute", 10.0, "")
    hand.now_s = 20
    hand.publish(hand.trade(2))
    hand.now_s = 80
    hand.tell(taking, hand.gap(9, 22))
    hand.now_s = 600
    hand.judge.lines.step()


def test_28_what_came_when_a_long_silence_was_half_over_is_asked_for_later(playing: Callable[[Plan], Hand]) -> None:
    """A quiet line is asked about after once, twice, four times ... its limit, here three minutes at most."""
    hand = playing(build_plan(Trouble(kind="mute", at_s=10.0, keys=(("line", "data"),))))
    hand.judge.line(1, "/v2/iex", is_open=True)
    taking, trade = hand.open(), hand.trade(1)
    hand.publish(trade)
    hand.tell(taking, trade)
    hand.now_s = 10
    hand.judge.fault("mute", 10.0, "")
    hand.now_s = 450
    hand.publish(hand.trade(2))
    hand.now_s = 850
    hand.judge.lines.step()
    hand.now_s = 1050
    with broken(28):
        hand.judge.lines.step()


def test_28_an_account_that_is_mute_while_orders_are_taken(playing: Callable[[Plan], Hand]) -> None:
    hand = playing(build_plan(Trouble(kind="mute", at_s=10.0, keys=(("line", "trading"),))))
    hand.judge.line(1, "/stream", is_open=True)
    hand.now_s = 10
    hand.judge.fault("mute", 10.0, "")
    hand.judge.orders.taken_s = 20.0
    hand.now_s = 60
    hand.judge.step()
    hand.now_s = 120
    with broken(28):
        hand.judge.step()


@pytest.mark.parametrize(("first_s", "wrong"), [(10.0, False), (None, True)])
def test_18_a_line_falls_mute_by_what_happened_while_none_told_anything(
    playing: Callable[[Plan], Hand], first_s: float | None, wrong: bool
) -> None:
    """The exchange keeps a fault for the next line that tells, of all that are opened until the calm."""
    hand = playing(build_plan(*(Trouble(kind="mute", at_s=at_s, keys=(("line", "data"),)) for at_s in (10.0, 20.0))))
    hand.judge.line(1, "/v2/iex", is_open=True)
    for at_s in () if first_s is None else (first_s, first_s + 10):
        hand.now_s = at_s
        hand.judge.lines.fault("mute", at_s, "")
    hand.now_s = 30
    for number in (1, 2):
        hand.judge.lines.line(number, "/v2/iex", is_open=False)
        hand.judge.lines.line(number + 1, "/v2/iex", is_open=True)
    hand.judge.lines.calm()
    hand.now_s = 2000
    hand.judge.lines.line(3, "/v2/iex", is_open=False)
    with broken(18) if wrong else nullcontext():
        hand.judge.lines.noticed(hand.life, "one", Lost("iex", hand.now_ns, "nothing came"), hand.now_ns)


def test_18_a_healthy_line_that_is_given_up(hand: Hand) -> None:
    hand.now_s = 1000
    with broken(18):
        hand.judge.noticed(hand.life, "one", Lost("iex", hand.now_ns, "no pong"), hand.now_ns)


def test_18_a_line_that_is_given_up_after_a_fault(hand: Hand) -> None:
    hand.now_s = 1000
    hand.judge.fault("cut", 990.0, "")
    hand.judge.noticed(hand.life, "one", Lost("iex", hand.now_ns, "no pong"), hand.now_ns)


def test_18_a_fault_that_lasts_is_a_cause_until_its_end(playing: Callable[[Plan], Hand]) -> None:
    """The exchange counts it when it begins, and what it counts says nothing of its end."""
    hand = playing(build_plan(Trouble(kind="mute", at_s=10.0, keys=(("line", "data"),))))
    hand.now_s = 10
    hand.judge.fault("mute", 10.0, "")
    hand.hits["mute"] = 1
    hand.now_s = 11
    hand.judge.step()
    hand.now_s = 400
    hand.judge.noticed(hand.life, "one", Lost("iex", hand.now_ns, "nothing for 180 s"), hand.now_ns)


def test_18_a_fault_that_touches_no_line_is_no_cause(hand: Hand) -> None:
    hand.now_s = 1000
    hand.hits["duplicate"] = 3
    hand.judge.step()
    with broken(18):
        hand.judge.noticed(hand.life, "one", Lost("iex", hand.now_ns, "no pong"), hand.now_ns)


@pytest.mark.parametrize(("feed", "wrong"), [("account", False), ("iex", True)])
def test_18_an_update_that_was_kept_from_the_line_is_a_cause_for_the_accounts_line_alone(
    hand: Hand, feed: str, wrong: bool
) -> None:
    """What the replay tells and the line does not looks like a mute line."""
    hand.now_s = 1000
    hand.hits["drop_update"] = 1
    hand.judge.step()
    with broken(18) if wrong else nullcontext():
        hand.judge.noticed(hand.life, "one", Lost(feed, hand.now_ns, "nothing came"), hand.now_ns)


@pytest.mark.parametrize(("until_s", "wrong"), [(2000, False), (1000, True)])
def test_18_a_mute_line_of_the_account_may_be_noticed_whenever_there_is_something_to_hear(
    playing: Callable[[Plan], Hand], until_s: float, wrong: bool
) -> None:
    hand = playing(build_plan(Trouble(kind="mute", at_s=10.0, keys=(("line", "trading"),))))
    hand.judge.line(1, "/stream", is_open=True)
    hand.now_s = 10
    hand.judge.fault("mute", 10.0, "")
    hand.now_s = until_s
    hand.judge.line(1, "/stream", is_open=False)
    hand.now_s = 2000
    with broken(18) if wrong else nullcontext():
        hand.judge.noticed(hand.life, "one", Lost("account", hand.now_ns, "nothing came"), hand.now_ns)


def test_19_a_connection_anew_without_a_cause(hand: Hand) -> None:
    hand.judge.line(1, "/v2/iex", is_open=True)
    hand.now_s = 1000
    hand.judge.line(1, "/v2/iex", is_open=False)
    with broken(19):
        hand.judge.line(2, "/v2/iex", is_open=True)
