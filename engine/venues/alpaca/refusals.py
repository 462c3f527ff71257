"""What Alpaca's REST says when it says no, and which of our errors that is.

Body codes are overloaded and the same refusal has been seen with different HTTP statuses, so the message decides
first, then the body's code, then the status (alpaca-docs, "market-data-faq").
"""

from typing import Final

import msgspec

from engine.core.rate import Quota
from engine.errors import GaplessError, HistoryRefused, HistoryUnavailable, KeysRefused, VenueBusy
from engine.venues.alpaca.http import GuardedClient, Reply
from engine.venues.alpaca.reactions import wrong_place

PLAN_PHRASE: Final = "subscription does not permit"
PLAN_CODE: Final = 42210000
"""Also used for other unprocessable requests, so it only counts together with status 403."""
EXCERPT_CHARS: Final = 300
"""Enough for any sentence of Alpaca's; an HTML error page of a proxy is cut here."""


class _Refusal(msgspec.Struct):
    code: int = 0
    message: str = ""


def refusal_error(client: GuardedClient, path: str, reply: Reply, quota: Quota) -> GaplessError | None:
    """The error that ``reply`` means, with the venue's own sentence in it; ``None`` for a reply that is none."""
    if reply.status == 200:
        return None
    code, message = _read(reply.body)
    told = client.without_secrets(message).strip() or "no reason was given"
    where = f"GET {path} at {client.host} was answered with HTTP {reply.status}"
    if reply.status in (403, 422) and (PLAN_PHRASE in message or (reply.status == 403 and code == PLAN_CODE)):
        return HistoryRefused(f"{where}: {told}. This plan does not include that span of that feed.")
    if reply.status in (401, 403):
        return KeysRefused(
            f"{where}: {told.rstrip('.')}. Check APCA_API_KEY_ID and APCA_API_SECRET_KEY for this endpoint"
            f"{wrong_place(client.where)}."
        )
    if reply.status == 429 or reply.status >= 500:
        return VenueBusy(f"{where}: {told}.", retry_after_s=quota.wait_s)
    return HistoryUnavailable(f"{where}: {told}. Asking the same again will not help.")


def _read(body: bytes) -> tuple[int, str]:
    """Code and message of an error body; a body that is no such JSON is its own message."""
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except ValueError:
        return 0, body[:EXCERPT_CHARS].decode(errors="replace")
    return refusal.code, refusal.message[:EXCERPT_CHARS]
