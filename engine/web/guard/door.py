"""In front of every page: is this request for us, from a page of ours, and from somebody who is logged in?

The order matters. A foreign name is refused before anything is read, a foreign origin before anything is done, and who
is not logged in learns nothing but that.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qs

from attrs import define

from engine.web.guard.headers import HEADERS
from engine.web.guard.logins import Login, Logins, matches
from engine.web.guard.names import Names

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_MAX: Final = 8192
"""Bytes of a form: the longest is the key of an alarm."""
FIELDS_MAX: Final = 20
"""Of a form: the longest has four."""
PUBLIC: Final = ("/login", "/static/")
"""What somebody who is not logged in may ask for."""


class BodyTooLong(Exception):
    """A form that is none of ours: too many bytes, or too many fields."""


@define(eq=False)
class Door:
    """``refuse`` makes the page of a refusal: status, title, sentence. ``cookie`` is the name of ours."""

    app: App
    names: Names
    logins: Logins
    cookie: str
    refuse: Callable[[int, str, str], App]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] != "http":  # there are no WebSockets here, and nothing to start up
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        app = self.app
        try:
            refusal = await self._judge(scope, receive)
        except BodyTooLong:
            refusal = self.refuse(413, "Too long", "No form of this dashboard is as long as that.")
        await (refusal or app)(scope, receive, guarded)

    async def _judge(self, scope: Scope, receive: Receive) -> App | None:
        """Who refuses this request; ``None``: it may come in."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not self.names.answers(headers.get("host", "")):
            return self.refuse(421, "Not here", _FOREIGN_NAME)
        method, path = scope["method"], scope["path"]
        if method not in ("GET", "HEAD", "POST"):
            return self.refuse(405, "Not that way", "Pages are read with GET, and forms are sent with POST.")
        login = self.logins.find(cookie_of(headers.get("cookie", ""), self.cookie))
        scope["login"], scope["form"] = login, {}
        if method == "POST":
            if not self.names.same_origin(headers):
                return self.refuse(403, "Not from there", _FOREIGN_PAGE)
            scope["form"] = await read_form(receive)
        if path == "/login" or path.startswith(PUBLIC[1]):
            return None
        if login is None:
            return self.refuse(401, "Log in", "")
        if method == "POST" and not matches(login, scope["form"].get("csrf", "")):
            return self.refuse(403, "Not from there", _FOREIGN_FORM)
        return None


_FOREIGN_NAME: Final = (
    "The dashboard does not answer to this name. Use the address that it told when it started; a name of your own, "
    "such as that of a proxy, belongs into the setting web.hosts."
)
_FOREIGN_PAGE: Final = "Nothing was done: this was asked by a page of another origin."
_FOREIGN_FORM: Final = (
    "Nothing was done: this form is not one that the dashboard gave to this browser. Reload the page."
)


def login_of(scope: Scope) -> Login:
    """Who asks, behind the door of a page that is not public."""
    login = scope["login"]
    assert isinstance(login, Login)
    return login


async def read_form(receive: Receive) -> dict[str, str]:
    """The fields of a form; raises `BodyTooLong`."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return {}
        body += message.get("body", b"")
        if len(body) > BODY_MAX:
            raise BodyTooLong
        if not message.get("more_body"):
            break
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise BodyTooLong from None
    return {name: values[0] for name, values in fields.items()}


def cookie_of(told: str, name: str) -> str:
    """The value of a cookie, empty where there is none.

    Cookies know hosts and not ports: whatever else runs on this machine puts its own into the same header, in forms at
    which the standard library's parser gives up. Ours is of letters and digits, so nothing has to be understood.
    """
    for part in told.split(";"):
        key, _, value = part.partition("=")
        if key.strip() == name:
            return value.strip()
    return ""
