"""Removing secrets from finished text: by value, whole or in parts and however it was written, and by shape.

A patcher cannot reach the text of an exception, and whoever cuts a message to a length does not know what is in it. So
this is applied where text leaves the process, and it knows a secret also by any eight characters of it, and as JSON,
an address, Python's ``repr`` and base64 write it.
"""

import base64
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus, unquote

from attrs import define

from engine.app.secrets import MASK, Secret, secrets_of

SECRET_LENGTH_MIN: Final = 4
"""Shorter texts are not removed by value: masking every "a" would leave no log to read."""
PART_LENGTH: Final = 8
"""So many characters in a row of a secret give some of it away. Chance does not make them: but words do, so a secret
that is an address is taken apart first, and its scheme and host are none."""
CACHED: Final = 512
"""Finished short texts that are asked for again and again, as a view does four times a second."""
CACHED_CHARS_MAX: Final = 2000

_SHAPES: Final = (
    # Authorization: Bearer xyz, APCA-API-SECRET-KEY: xyz, and the same in a dict's repr or in JSON
    re.compile(
        r"(?i)((?:authorization|apca-api-(?:key-id|secret-key))['\"]?\s*[:=,]\s*)(?:b?['\"])?(?:(?:bearer|basic)\s+)?[^\s'\",}\]]+"
    ),
    # {"action":"auth","key":"...","secret":"..."}, key_id=..., secret_key='...'
    re.compile(r"(?i)(['\"](?:key|secret|key_id|secret_key|token|password)['\"]\s*:\s*)['\"][^'\"]*['\"]"),
    re.compile(r"(?i)(\b(?:secret|key_id|secret_key|token|password)=)(?!Secret\()['\"]?[^\s'\",)}\]]+"),
    re.compile(r"()\b[PAC]K[A-Z0-9]{16,24}\b"),  # a key id of Alpaca: paper, live, broker
    # a login in an address; bounded, or a long word without one takes quadratic time
    re.compile(r"(\b\w{1,20}://)[^\s/@:]{1,500}:[^\s/@]{1,500}(?=@)"),
)
_ADDRESS: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://(?:(?P<login>[^/@\s]*)@)?(?P<host>[^/?#\s]*)(?P<rest>.*)", re.DOTALL
)
_WANTED: Final = re.compile(r"[a-z,]+=(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_SEPARATORS: Final = re.compile(r"[/:@?&=,;#\s]+")


class Redactor:
    """Removes secrets from finished text, by value and by shape."""

    def __init__(self, secrets: Iterable[Secret[str] | None] = ()) -> None:
        whole = {secret.reveal() for secret in secrets if secret}
        # Several addresses may be one setting, each with what it wants before it: critical=ntfys://my-topic
        words = (_WANTED.sub("", word) for value in whole for word in value.split() if "://" in word)
        values = {*whole, *words}
        # The longest first, so that a secret that contains another is removed whole.
        forms = {form for value in values if len(value) >= SECRET_LENGTH_MIN for form in _forms(value)}
        self._values = sorted(forms, key=len, reverse=True)
        parts = {form for value in values for part in _parts(value) for form in _forms(part)}
        grams = sorted({part[at : at + PART_LENGTH] for part in parts for at in range(len(part) - PART_LENGTH + 1)})
        any_of = "|".join(map(re.escape, grams))
        self._gram = re.compile(any_of) if grams else None
        # One or more in a row, overlapping or not, are one: a lookahead finds where each begins, and is slower.
        self._each = re.compile(f"(?=({any_of}))")
        self._cached = lru_cache(maxsize=CACHED)(self._redact)

    def __call__(self, text: str) -> str:
        return self._cached(text) if len(text) <= CACHED_CHARS_MAX else self._redact(text)

    def _redact(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, MASK)
        if self._gram is not None and self._gram.search(text):
            text = _masked(text, (match.start(1) for match in self._each.finditer(text)))
        for shape in _SHAPES:
            text = shape.sub(rf"\g<1>{MASK}", text)
        return text


@define
class _Standing:
    """The redactor of this process."""

    redact: Redactor | None = None


_STANDING: Final = _Standing()


def stand(redact: Redactor) -> None:
    """From now on this is the redactor of `redacted`."""
    _STANDING.redact = redact


def redacted(text: str) -> str:
    """The text without the secrets of this process: those that logs were configured with, else the environment's.

    For what leaves the process by other ways than the log.
    """
    if _STANDING.redact is None:
        _STANDING.redact = Redactor(secrets_of(os.environ))
    return _STANDING.redact(text)


def redacting(*secrets: Secret[str] | None) -> Callable[[str], str]:
    """Removes these secrets and those of this process."""
    own = Redactor(secrets)
    return lambda text: redacted(own(text))


def _masked(text: str, starts: Iterable[int]) -> str:
    """The text with a mask in place of each stretch of parts of a secret."""
    out: list[str] = []
    done = 0
    for start in starts:
        if start >= done:
            out += [text[done:start], MASK]
        done = start + PART_LENGTH
    return "".join([*out, text[done:]])


def _parts(value: str) -> Iterator[str]:
    """What of a secret gives it away: the whole, or of an address its login, its path and its words."""
    if "://" in value and (len(value.split()) > 1 or _WANTED.match(value)):
        return  # addresses, each of which is a value of its own
    address = _ADDRESS.fullmatch(value)
    if address is None:
        yield value
        return
    for piece in (address["login"] or "", address["rest"]):
        for word in _SEPARATORS.split(piece):
            yield word
            yield unquote(word)
    if address["login"] is None:  # apprise writes tokens where a host would be: tgram://TOKEN/CHAT
        yield from (word for word in _SEPARATORS.split(address["host"]) if "." not in word)


def _forms(value: str) -> Iterator[str]:
    """The same text as it is written in JSON, in an address, in Python, and in a login header."""
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    raw = value.encode("utf-8", "surrogateescape")  # what the environment holds need not be UTF-8
    yield quote(raw)
    yield quote(raw, safe="")
    yield quote_plus(raw)
    yield repr(value)[1:-1]
    yield base64.b64encode(raw).decode().rstrip("=")
