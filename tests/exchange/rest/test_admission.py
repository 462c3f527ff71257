"""A request passes with good keys in any of the venue's ways, and while its minute holds."""

import base64

import pytest
import trio
import trio.testing

from engine.exchange.rest.admission import Budget, Gate


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"apca-api-key-id": "PK", "apca-api-secret-key": "SK"}, 200),
        ({"apca-api-key-id": "PK", "apca-api-secret-key": "no"}, 403),
        ({"apca-api-key-id": "PK"}, 401),
        ({}, 401),
        ({"authorization": "Bearer SK"}, 200),
        ({"authorization": "bearer no"}, 403),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": basic("PK:SK")}, 200),
        ({"authorization": basic("PK:no")}, 403),
        ({"authorization": "Basic ?"}, 401),
        ({"authorization": basic("PK")}, 401),
    ],
)
def test_keys_are_taken_in_headers_as_a_token_or_as_basic(headers: dict[str, str], status: int) -> None:
    assert Gate({"PK": "SK"}).status(headers) == status
    assert Gate(None).status(headers) == (401 if status == 401 else 200)


async def test_a_budget_is_told_spent_and_full_again_after_a_minute(autojump_clock: trio.testing.MockClock) -> None:
    budget = Budget(2, lambda: 1000.0)
    assert budget.spend() == (
        True,
        (("X-RateLimit-Limit", "2"), ("X-RateLimit-Remaining", "1"), ("X-RateLimit-Reset", "1061")),
    )
    assert budget.spend()[0]
    allowed, told = budget.spend()
    assert (allowed, told[1]) == (False, ("X-RateLimit-Remaining", "0"))
    await trio.sleep(60)
    assert budget.spend()[0]
