"""Logging in with the token, and who has: bounded in number, in time, and in how often somebody may guess."""

import hmac
from collections import OrderedDict, deque
from collections.abc import Callable
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

from attrs import define, field, frozen

from engine.app.secrets import Secret

TRIES_PER_MINUTE: Final = 10
"""Logins that may fail in a minute, whoever tries: a person mistypes twice, a program that guesses gets nowhere."""
MINUTE_S: Final = 60.0
LOGINS_MAX: Final = 32
"""Browsers that are logged in; one more, and the one that was away longest is logged out."""
IDLE_S: Final = 12 * 3600.0
"""A browser that was not seen for half a day has to log in again."""
ID_BYTES: Final = 32
"""Of a random token or cookie: 256 bits cannot be guessed."""


@frozen
class Refusal:
    """Why somebody is not let in, and the HTTP status that says so."""

    status: int
    sentence: str


@define
class Login:
    """One browser. ``csrf`` is in every form it is given, ``word`` is told to it once, after it did something."""

    csrf: str
    seen_s: float
    word: str = ""


@define(eq=False)
class Logins:
    """``now_s`` is any clock that does not go backwards, in seconds."""

    token: Secret[str]
    now_s: Callable[[], float]
    _by_cookie: "OrderedDict[str, Login]" = field(factory=OrderedDict, init=False)
    _failed_s: deque[float] = field(factory=lambda: deque(maxlen=TRIES_PER_MINUTE), init=False)

    def log_in(self, given: str) -> str | Refusal:
        """The cookie of a browser that knows the token, or why it gets none."""
        now_s = self.now_s()
        if len(self._failed_s) == TRIES_PER_MINUTE and now_s - self._failed_s[0] < MINUTE_S:
            return Refusal(429, "Too many logins have failed. Wait a minute, then try again.")
        if not hmac.compare_digest(_digest(given), _digest(self.token.reveal())):
            self._failed_s.append(now_s)
            return Refusal(401, "That is not the token of this dashboard. It is told when the session starts.")
        cookie = token_urlsafe(ID_BYTES)
        self._by_cookie[_digest(cookie).hex()] = Login(token_urlsafe(ID_BYTES), now_s)
        while len(self._by_cookie) > LOGINS_MAX:
            self._by_cookie.popitem(last=False)
        return cookie

    def find(self, cookie: str) -> Login | None:
        """Who sends this cookie; ``None``: nobody who is logged in."""
        name = _digest(cookie).hex()
        login = self._by_cookie.get(name)
        if login is None:
            return None
        now_s = self.now_s()
        if now_s - login.seen_s > IDLE_S:
            del self._by_cookie[name]
            return None
        login.seen_s = now_s
        self._by_cookie.move_to_end(name)
        return login

    def log_out(self, cookie: str) -> None:
        """Forget a browser."""
        self._by_cookie.pop(_digest(cookie).hex(), None)


def matches(login: Login, csrf: str) -> bool:
    """Whether a form is one that this browser was given."""
    return hmac.compare_digest(_digest(csrf), _digest(login.csrf))


def _digest(text: str) -> bytes:
    """Of one length, so that comparing tells nothing of it."""
    return sha256(text.encode("utf-8", "replace")).digest()
