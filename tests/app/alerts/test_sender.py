"""Laws of sending: what one channel does not take is tried again and told by the others, and nothing is waited for."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define, field

from engine.app.alerts.channels import Channel
from engine.app.alerts.live import LiveAlarms
from engine.app.alerts.outbox import WAITING_MAX, Outbox
from engine.app.alerts.sender import CLOSE_WITHIN_S, Sender
from engine.app.secrets import Secret
from engine.core.alerts import AlertPolicy, Book, Notice, QuietHours, Why, parse_quiet
from engine.errors import PartFailed
from engine.model.alert import Finding, Severity

EPOCH_NS = 1_772_625_600_000_000_000
"""2026-03-04T12:00:00Z."""
MAIL = Channel("mail", Secret("json://a"))
PHONE = Channel("phone", Secret("json://b"), Severity.CRITICAL)
PARTNER = Channel("partner", Secret("json://c"), Severity.INFO, further=True)


def finding(key: str, severity: Severity = Severity.CRITICAL) -> Finding:
    return Finding(key=key, severity=severity, title=f"{key} is wrong", text="Do something.")


@define
class Post:
    """Takes notices; ``fails`` says which channels do not take theirs now, ``hangs`` which never answer."""

    fails: set[str] = field(factory=set)
    hangs: set[str] = field(factory=set)
    took: list[tuple[str, float, Notice]] = field(factory=list)
    tries: int = 0

    async def __call__(self, channel: Channel, notice: Notice) -> None:
        self.tries += 1
        if channel.name in self.hangs:
            await trio.sleep(10)
            raise PartFailed(f"alert channel {channel.name}: no answer within 10 s")
        await trio.sleep(0.1)
        if channel.name in self.fails:
            raise PartFailed(f"alert channel {channel.name}: refused")
        self.took.append((channel.name, trio.current_time(), notice))

    def of(self, name: str) -> list[str]:
        return [notice.title for channel, _, notice in self.took if channel == name]


@pytest.fixture
def post() -> Post:
    return Post()


Opened = Callable[..., "object"]


@asynccontextmanager
async def sending(post: Post, *channels: Channel, policy: AlertPolicy | None = None) -> AsyncIterator[Sender]:
    began_s = trio.current_time()
    alarms = LiveAlarms(
        book=Book(policy or AlertPolicy()),
        wall_ns=lambda: EPOCH_NS + round((trio.current_time() - began_s) * 1e9),
    )
    sender = Sender(alarms, channels, post, well=lambda: "Up for a while.")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sender.run)
        try:
            yield sender
        finally:
            await sender.close()  # noqa: ASYNC102 - shielded and bounded inside
            nursery.cancel_scope.cancel()


async def test_a_notice_is_sent_at_once_to_whom_it_concerns(post: Post, autojump_clock: trio.abc.Clock) -> None:
    async with sending(post, MAIL, PHONE, PARTNER) as sender:
        await trio.sleep(100)
        sender.alarms.tell(finding("slow", Severity.WARNING))
        sender.alarms.hold("watch", [finding("blind")])
        await trio.sleep(1)
        assert sorted(post.of("mail")) == ["CRITICAL: blind is wrong", "WARNING: slow is wrong"]
        assert post.of("phone") == ["CRITICAL: blind is wrong"]
        assert all(at_s < 101 for _, at_s, _ in post.took)
        await trio.sleep(700)
        assert post.of("partner") == ["STILL CRITICAL: blind is wrong"]
        sender.alarms.acknowledge("blind", "ann")
        sender.alarms.hold("watch", [])
        await trio.sleep(4000)
        assert post.of("partner")[1:] == ["OVER: blind is wrong"]


async def test_a_failing_channel_is_an_alarm_on_the_others_until_it_works_again(
    post: Post, autojump_clock: trio.abc.Clock
) -> None:
    post.fails.add("mail")
    async with sending(post, MAIL, PHONE, Channel("chat", Secret("json://d"))) as sender:
        sender.alarms.tell(finding("slow", Severity.WARNING))
        await trio.sleep(30)
        assert post.of("chat") == ["WARNING: slow is wrong", "WARNING: Alert channel mail fails"]
        assert post.of("mail") == []
        (alarm,) = (one for one in sender.alarms.standing() if one.finding.key == "alerts/channel/mail")
        assert "refused" in alarm.finding.text
        post.fails.clear()
        await trio.sleep(700)
        assert post.of("mail") == ["WARNING: slow is wrong"]  # it was not lost
        assert post.of("chat")[2:] == ["OVER: Alert channel mail fails"]


async def test_a_channel_that_never_answers_delays_no_other(post: Post, autojump_clock: trio.abc.Clock) -> None:
    post.hangs.add("mail")
    async with sending(post, MAIL, PHONE) as sender:
        for number in range(5):
            sender.alarms.tell(finding(f"wrong/{number}"))
        began_s = trio.current_time()
        await trio.sleep(2)
        assert len(post.of("phone")) == 5
        assert max(at_s for _, at_s, _ in post.took) - began_s < 1


async def test_telling_and_holding_never_wait(post: Post, autojump_clock: trio.abc.Clock) -> None:
    post.hangs.add("mail")
    async with sending(post, MAIL) as sender:
        before_s = trio.current_time()
        for number in range(10_000):
            sender.alarms.tell(finding(f"wrong/{number % 300}"))
        assert trio.current_time() == before_s
        assert len(sender.alarms.standing()) == 300


async def test_ten_thousand_alarms_in_a_minute_are_at_most_the_declared_number_of_notices(
    post: Post, autojump_clock: trio.abc.Clock
) -> None:
    async with sending(post, MAIL) as sender:
        for number in range(10_000):
            sender.alarms.tell(
                finding(f"wrong/{number % 400}", Severity.CRITICAL if number % 50 == 0 else Severity.WARNING)
            )
            if number % 100 == 0:
                await trio.sleep(0.6)
        await trio.sleep(540)
        assert len(post.took) <= sender.alarms.book.policy.notices_max
        assert len(sender.alarms.standing()) == 400
    assert {key for _, _, notice in post.took for key in notice.keys} == {f"wrong/{number}" for number in range(400)}


async def test_a_channel_that_stays_away_is_tried_for_an_hour_and_its_queue_is_bounded(
    post: Post, autojump_clock: trio.abc.Clock
) -> None:
    post.fails.add("mail")
    box = Outbox(MAIL, post, lambda: None)
    for number in range(WAITING_MAX + 10):
        severity = Severity.WARNING if number % 2 else Severity.CRITICAL
        box.put(Notice(why=Why.RAISED, severity=severity, title=str(number)))
    assert (box.left, box.lost) == (WAITING_MAX, 10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.run)
        await trio.sleep(3600)
        assert 14 <= post.tries <= 40
        assert box.failure
        post.fails.clear()
        await trio.sleep(400)
        assert box.left == 0
        nursery.cancel_scope.cancel()
    criticals = {title for title in post.of("mail") if int(title) % 2 == 0}
    assert len(criticals) >= WAITING_MAX // 2 - 1  # the mild ones made room


@pytest.mark.parametrize("after_s", [0.05, 1000.0])
async def test_what_is_critical_does_not_wait_out_the_pauses_of_a_warning(
    post: Post, autojump_clock: trio.abc.Clock, after_s: float
) -> None:
    """It comes while the warning is tried for the first time, which takes 0.1 s, or in one of its long pauses."""
    post.fails.add("mail")
    box = Outbox(MAIL, post, lambda: None)
    box.put(Notice(why=Why.RAISED, severity=Severity.WARNING, title="slow"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.run)
        await trio.sleep(after_s)
        box.put(Notice(why=Why.RAISED, severity=Severity.CRITICAL, title="blind"))
        await trio.sleep(0.07)
        post.fails.clear()
        await trio.sleep(1)
        assert post.of("mail") == ["blind", "slow"]
        assert (box.left, box.lost) == (0, 0)
        nursery.cancel_scope.cancel()


async def test_the_end_is_told_and_takes_seconds_however_slow_a_channel_is(
    post: Post, autojump_clock: trio.abc.Clock
) -> None:
    post.hangs.add("mail")
    async with sending(post, MAIL, PHONE) as sender:
        await trio.sleep(1)
        ended_s = trio.current_time()
        sender.alarms.tell(finding("session/ended"))
    assert post.of("phone") == ["CRITICAL: session/ended is wrong"]
    assert trio.current_time() - ended_s == pytest.approx(CLOSE_WITHIN_S, abs=0.1)


async def test_the_end_is_told_also_when_the_session_is_cancelled(post: Post, autojump_clock: trio.abc.Clock) -> None:
    with trio.move_on_after(10):
        async with sending(post, PHONE) as sender:
            sender.alarms.hold("watch", [finding("blind")])
            await trio.sleep(5)
            sender.alarms.tell(finding("session/ended"))
            await trio.sleep_forever()
    assert len(post.of("phone")) == 2
    with trio.CancelScope() as scope:
        scope.cancel()
        async with sending(post, PHONE) as sender:
            sender.alarms.tell(finding("session/ended"))
            await trio.sleep_forever()
    assert len(post.of("phone")) == 3


async def test_a_channel_that_waits_to_be_tried_again_is_tried_once_more_at_the_end(
    post: Post, autojump_clock: trio.abc.Clock
) -> None:
    post.fails.add("phone")
    async with sending(post, PHONE) as sender:
        sender.alarms.tell(finding("blind"))
        await trio.sleep(200)
        post.fails.clear()
        ended_s = trio.current_time()
    assert post.of("phone") == ["CRITICAL: blind is wrong"]
    assert trio.current_time() - ended_s < 1


async def test_without_a_channel_alarms_stand_and_nothing_is_sent(post: Post, autojump_clock: trio.abc.Clock) -> None:
    async with sending(post) as sender:
        sender.alarms.tell(finding("blind"))
        await trio.sleep(10)
        assert [alarm.finding.key for alarm in sender.alarms.standing()] == ["blind"]
    assert post.tries == 0


async def test_the_heartbeat_says_how_the_engine_is(post: Post, autojump_clock: trio.abc.Clock) -> None:
    from engine.core.alerts import parse_moment

    async with sending(post, MAIL, policy=AlertPolicy(heartbeat_at=parse_moment("23:59"))):
        await trio.sleep(2 * 86_400)
    texts = [notice.text for _, _, notice in post.took]
    assert texts == ["Up for a while."] * 2


async def test_a_simulated_day_of_quiet_hours_loses_nothing(post: Post, autojump_clock: trio.abc.Clock) -> None:
    quiet: QuietHours = parse_quiet("00:00-23:59")  # whatever the zone of this machine, nearly all day
    async with sending(post, MAIL, policy=AlertPolicy(quiet=quiet)) as sender:
        for number in range(20):
            sender.alarms.tell(finding(f"wrong/{number}", Severity.INFO))
            await trio.sleep(4000)
    assert {key for _, _, notice in post.took for key in notice.keys} == {f"wrong/{number}" for number in range(20)}
    assert len(post.took) <= 3
