"""Which names the dashboard answers to, and which pages may ask it to act.

A page of somebody else's can point a name of its own at this machine (DNS rebinding), and then its scripts are of one
origin with whatever answers. So nothing is answered under a name that nobody gave it.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
"""What a browser on this machine calls it."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address to listen on."""
    from ipaddress import ip_address

    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False  # a name may lead anywhere


@frozen
class Names:
    """The names, each as browsers send it in ``Host``: with the port, where that is not the scheme's own."""

    allowed: frozenset[str]

    @classmethod
    def of(cls, host: str, port: int, further: Iterable[str]) -> "Names":
        """Those of an address that is listened on. ``further`` without a port also stand for themselves."""
        own = {host} if ":" not in host or host.startswith("[") else {f"[{host}]"}
        plain = {name.lower() for name in (*LOOPBACK, *own, *further)}
        return cls(frozenset(plain | {f"{name}:{port}" for name in plain}) - _portless(port, further))

    def answers(self, host: str) -> bool:
        """Whether a request with this ``Host`` is for us."""
        return host.lower() in self.allowed

    def same_origin(self, headers: Mapping[str, str]) -> bool:
        """Whether what asks us to act is a page of ours: by ``Origin``, else by ``Sec-Fetch-Site``.

        A browser sends at least one of them with every form; what sends neither is no browser, and is refused too.
        """
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") == "same-origin"
        try:
            parts = urlsplit(origin)
        except ValueError:  # half of an IPv6 address
            return False
        return parts.scheme in ("http", "https") and parts.netloc.lower() == headers.get("host", "").lower()


def _portless(port: int, further: Iterable[str]) -> set[str]:
    """Loopback without a port means port 80, which is another server, unless we are that."""
    return set() if port == 80 else set(LOOPBACK) - {name.lower() for name in further}
