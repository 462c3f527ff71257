"""What Alpaca's REST says when it says no, and which of our errors that is.

Body codes are overloaded and the same refusal has been seen with different HTTP statuses, so the message decides
first, then the body's code, then the status (alpaca-docs, "market-data-faq").

About orders there is one question before all others: is it a definite no? Only what has the venue's own envelope is
one, a body with a ``code``. What comes without (a gateway's page, a proxy's 404, HTTP 429 and 5xx) was not said by
whoever keeps the orders, so it says nothing about them.
"""

import re
from typing import Any, Final

import msgspec
from attrs import field, frozen

from engine.core.rate import Quota
from engine.core.rules import Rule
from engine.errors import (
    BrokerUnavailable,
    GaplessError,
    HistoryRefused,
    HistoryUnavailable,
    KeysRefused,
    MarkUnknown,
    OrderRefused,
    ReplyMissing,
    VenueBusy,
)
from engine.venues.alpaca.http import GuardedClient, Reply, Request
from engine.venues.alpaca.reactions import wrong_place

PLAN_PHRASE: Final = "subscription does not permit"
PLAN_CODE: Final = 42210000
"""Also used for other unprocessable requests, so it only counts together with status 403."""
GATEWAY_PHRASE: Final = "forbidden"
"""What the gateway in front of the trading API says to keys that it does not know, without a code (Alpaca-API#228)."""
NOT_FOUND_CODE: Final = 40410000
NOT_SAID_BY_THE_VENUE: Final = frozenset({408, 425, 429})
"""Below 500 and yet no answer: timed out, too early, too many."""
EXCERPT_CHARS: Final = 300
"""Enough for any sentence of Alpaca's; an HTML error page of a proxy is cut here."""
EXTRAS_MAX: Final = 16
"""Further keys of a refusal: the longest that is known has four."""
MARK: Final = "page_token"
"""The parameter that names the place in a list to go on from. The only one of ours that changes, so a list that is
refused with one was refused for it."""
BAD_REQUEST: Final = frozenset({400, 422})
UNNAMED: Final = "venue"
"""The rule of a refusal whose words belong to none that we know."""


@frozen
class _Refusal:
    """The body of an error: ``code`` 0 where it is none of the venue's."""

    code: int = 0
    message: str = ""
    extra: dict[str, str] = field(factory=dict)


def refusal_error(client: GuardedClient, path: str, reply: Reply, quota: Quota) -> GaplessError | None:
    """The error that ``reply`` means, with the venue's own sentence in it; ``None`` for a reply that is none."""
    if reply.status == 200:
        return None
    refusal = _read(client, reply.body)
    code, message = refusal.code, refusal.message
    where, told = _where(client, f"GET {path}", reply), _told(message)
    if reply.status in (403, 422) and (PLAN_PHRASE in message or (reply.status == 403 and code == PLAN_CODE)):
        return HistoryRefused(f"{where}: {told}. This plan does not include that span of that feed.")
    if reply.status in (401, 403):
        return _keys_refused(client, where, told)
    if reply.status == 429 or reply.status >= 500:
        return VenueBusy(f"{where}: {told}.", retry_after_s=quota.wait_s)
    return HistoryUnavailable(f"{where}: {told}. Asking the same again will not help.")


def order_error(client: GuardedClient, request: Request, reply: Reply, client_order_id: str = "") -> GaplessError:
    """What a reply without success means for an order, a change or a cancel: a definite no, or not knowing."""
    refusal = _read(client, reply.body)
    where, told = _where(client, request.said, reply), _told(refusal.message)
    if _is_about_keys(reply.status, refusal):
        return _keys_refused(client, where, told)
    if not refusal.code or not 400 <= reply.status < 500 or reply.status in NOT_SAID_BY_THE_VENUE:
        return ReplyMissing(
            f"{where}: {told}. That does not say whether it was carried out: the broker has to be asked."
        )
    return OrderRefused(
        f"{where}: {told}.",
        rule=rule_of(reply.status, refusal.code, refusal.message),
        status=reply.status,
        code=refusal.code,
        client_order_id=client_order_id,
        extra=refusal.extra,
    )


def question_error(client: GuardedClient, request: Request, reply: Reply) -> GaplessError | None:
    """What a reply without success means for a question; ``None``: what was asked for definitely does not exist."""
    refusal = _read(client, reply.body)
    if reply.status == 404 and refusal.code == NOT_FOUND_CODE:
        return None
    where, told = _where(client, request.said, reply), _told(refusal.message)
    if _is_about_keys(reply.status, refusal):
        return _keys_refused(client, where, told)
    if reply.status in BAD_REQUEST and MARK in request.params:
        return MarkUnknown(f"{where}: {told}. It was to go on behind {request.params[MARK]}.")
    return BrokerUnavailable(f"{where}: {told}. That says nothing about what is there.")


def rule_of(status: int, code: int, message: str) -> str:
    """The name of the rule whose words these are, in lower case, preferring one with this status and code.

    >>> rule_of(422, 42210000, 'asset "ZZZZ" not found'), rule_of(403, 40310000, "never heard of")
    ('asset_unknown', 'venue')
    """
    found = [rule for rule, words in _WORDS if words.fullmatch(message)]
    exact = [rule for rule in found if (rule.status, rule.code) == (status, code)]
    return next((rule.name.lower() for rule in (*exact, *found)), UNNAMED)


def _words_of(rule: Rule) -> "re.Pattern[str]":
    """A rule's template, with anything in the place of its values."""
    return re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(rule.message)), re.DOTALL)


_WORDS: Final = sorted(((rule, _words_of(rule)) for rule in Rule), key=lambda pair: len(pair[1].pattern), reverse=True)
"""The longest first, because the more a template says by itself, the more a match means."""


def _is_about_keys(status: int, refusal: _Refusal) -> bool:
    """Whether the gateway did not let the keys through; another 403 is about the order."""
    gateway = not refusal.code and refusal.message.lower().startswith(GATEWAY_PHRASE)
    return status == 401 or (status == 403 and gateway)


def _keys_refused(client: GuardedClient, where: str, told: str) -> KeysRefused:
    return KeysRefused(
        f"{where}: {told.rstrip('.')}. Check APCA_API_KEY_ID and APCA_API_SECRET_KEY for this endpoint"
        f"{wrong_place(client.where)}."
    )


def _where(client: GuardedClient, said: str, reply: Reply) -> str:
    return f"{said} at {client.host} was answered with HTTP {reply.status}"


def _told(message: str) -> str:
    return message.strip() or "no reason was given"


def _read(client: GuardedClient, body: bytes) -> _Refusal:
    """An error body without the keys that it may quote; one that is no such JSON is its own message."""

    def excerpt(text: str) -> str:
        return client.without_secrets(text)[:EXCERPT_CHARS]  # cut last, so that no half of a key is left

    try:
        told: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return _Refusal(message=excerpt(body.decode(errors="replace")))
    code, message = told.get("code"), told.get("message")
    rest = [(name, value) for name, value in told.items() if name not in ("code", "message")]
    return _Refusal(
        code=code if isinstance(code, int) and not isinstance(code, bool) else 0,
        message=excerpt(message) if isinstance(message, str) else "",
        extra={excerpt(name): excerpt(str(value)) for name, value in rest[:EXTRAS_MAX]},
    )
