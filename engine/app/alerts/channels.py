"""Where notices are sent: addresses as apprise has them, from the environment, each with what it wants to hear.

The variable GAPLESS_ALERT_URLS holds addresses with blanks between them, and so do the variables that ``[alerts]
channels`` names. Before an address, or before the name of a variable, may stand what it wants::

    GAPLESS_ALERT_URLS="mailto://me:pass@example.org  critical=ntfys://my-topic"
    channels = ["critical,further=PARTNER_URL"]

A severity is the least that is sent there (else ``info``: everything); ``further`` waits until what is critical has
been unacknowledged for long. An address is a secret as a whole and in its parts: a topic or a token in it is all that
somebody needs to write there, or to read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import unquote

from attrs import field, frozen

from engine.app.config.alerts import CHANNELS_MAX, AlertSettings
from engine.app.config.settings import ALERT_VARIABLE
from engine.app.secrets import Secret
from engine.core.alerts import Notice
from engine.errors import Misconfigured
from engine.model.alert import Severity

FURTHER: Final = "further"
_ADDRESS: Final = re.compile(r"(?:(?P<wants>[a-z,]+)=)?(?P<url>(?P<scheme>[A-Za-z][A-Za-z0-9.+-]*)://\S+)", re.ASCII)
_VARIABLE: Final = re.compile(r"(?:(?P<wants>[a-z,]+)=)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_WANTS: Final = f"{', '.join(Severity)} or {FURTHER}"
_PART_MIN: Final = 8
"""Parts of an address that are shorter are taken for words, which a log may hold."""
_HOST: Final = re.compile(r"localhost|[\d.]+|\[?[0-9a-fA-F:]+\]?|[\w-]+(\.[\w-]+)+")
"""A host that is no token: it has a dot, or is an address of a network."""


@frozen
class Channel:
    """One address. ``name`` says which without giving it away: its scheme, with a number where there are several."""

    name: str
    url: Secret[str] = field(repr=False)
    least: Severity = Severity.INFO
    further: bool = False

    def wants(self, notice: Notice) -> bool:
        """Whether a notice goes there."""
        return notice.severity.rank >= self.least.rank and (notice.further or not self.further)


def channels_of(settings: AlertSettings, urls: Secret[str] | None, environ: Mapping[str, str]) -> tuple[Channel, ...]:
    """The channels that the environment and the settings name; raises `Misconfigured`, without any address in it."""
    found: list[Channel] = []
    if urls:
        found += _addresses(urls.reveal(), ALERT_VARIABLE, "")
    for text in settings.channels:
        match = _VARIABLE.fullmatch(text)
        if match is None:
            raise Misconfigured(
                "Setting alerts.channels: an address is secret and belongs in an environment variable; name that "
                'variable, as in channels = ["critical=PHONE_URL"].'
            )
        if not environ.get(match["name"]):
            raise Misconfigured(f"Setting alerts.channels: environment variable {match['name']} is not set.")
        found += _addresses(environ[match["name"]], match["name"], match["wants"] or "")
    if len(found) > CHANNELS_MAX:
        raise Misconfigured(f"{len(found)} addresses are given for alerts; {CHANNELS_MAX} are the most.")
    return tuple(_named(found))


def _addresses(text: str, variable: str, wants: str) -> Iterator[Channel]:
    for number, word in enumerate(text.split(), start=1):
        match = _ADDRESS.fullmatch(word)
        if match is None:
            raise Misconfigured(
                f"Environment variable {variable}: word {number} is not an address such as mailto://..., with "
                f"{_WANTS} and = before it where it does not want everything."
            )
        least, further = _wanted(match["wants"] or wants, variable)
        yield Channel(match["scheme"].lower(), Secret(match["url"]), least, further)


def _wanted(wants: str, variable: str) -> tuple[Severity, bool]:
    least, further = Severity.INFO, False
    for word in filter(None, wants.split(",")):
        if word == FURTHER:
            further = True
        elif word in set(Severity):
            least = Severity(word)
        else:
            raise Misconfigured(f"Address in {variable}: {word!r} before it is none of {_WANTS}.")
    return least, further


def _named(channels: Iterable[Channel]) -> Iterator[Channel]:
    seen: dict[str, int] = {}
    for one in channels:
        seen[one.name] = seen.get(one.name, 0) + 1
        number = f" {seen[one.name]}" if seen[one.name] > 1 else ""
        yield Channel(f"{one.name}{number}", one.url, one.least, one.further)


def secrets_of(channels: Iterable[Channel]) -> tuple[Secret[str], ...]:
    """The addresses, and their parts that are secrets by themselves: logins, tokens, paths and what they are asked."""
    return tuple(Secret(part) for one in channels for part in _parts(one.url.reveal()))


def secrets_in(urls: str) -> tuple[Secret[str], ...]:
    """The same of a variable's text, whether it can be read or not."""
    return tuple(Secret(part) for word in urls.split() for part in _parts(word))


def _parts(url: str) -> Iterator[str]:
    rest = url.partition("://")[2] or url
    place, _, query = rest.partition("?")
    place, *path = place.split("/")
    login, _, host = place.rpartition("@")
    user, _, password = login.partition(":")
    host, _, port = host.partition(":") if host.count(":") == 1 else (host, "", "")
    longer = [user, *path, *(pair.partition("=")[2] for pair in query.split("&"))]
    if not _HOST.fullmatch(host):
        longer.append(host)
    if not port.isdigit():  # no port, but the second half of a token
        longer.append(port)
    yield url
    for part in filter(None, (password, *(part for part in longer if len(part) >= _PART_MIN))):
        yield part
        if unquote(part) != part:
            yield unquote(part)
