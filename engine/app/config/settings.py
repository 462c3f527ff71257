"""Settings of a session from four places: defaults, ``gapless.toml``, the environment, flags; the later one wins.

Each value keeps where it came from until it has its type, so a mistake is told as one sentence that names the file,
the variable or the flag. That is why this is cattrs and tomllib and not a settings library: the one that was tried
names its loader class instead of the variable, ignores a misspelt variable, and prints a rejected value even where it
is a secret.

Names are dotted paths (``exchange.seed``). In the file a dot is a table, in the environment two underscores
(``GAPLESS_EXCHANGE__SEED``). Keys come from ``APCA_API_KEY_ID`` and ``APCA_API_SECRET_KEY`` only, and where alerts are
sent to from ``GAPLESS_ALERT_URLS``: files are shared, copied and committed.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_type_hints

from attrs import Attribute, field, fields, frozen, has, validators

from engine.app.config.alerts import AlertSettings
from engine.app.config.choices import FeedName, LogFormat, LogLevel, OnKill, Venue, Wire
from engine.app.config.health import HealthSettings
from engine.app.config.values import structure
from engine.app.config.watch import WatchSettings
from engine.app.config.web import TOKEN_VARIABLE, WebSettings
from engine.app.options import Endpoints, ExchangeOptions, Feeds, Tuning
from engine.app.secrets import Secret
from engine.core.risk.limits import DEFAULT_ACCOUNT_LIMITS, Limits
from engine.errors import Misconfigured

FILE_NAME: Final = "gapless.toml"
PREFIX: Final = "GAPLESS_"
CONFIG_VARIABLE: Final = "GAPLESS_CONFIG"
KEY_VARIABLES: Final = {"APCA_API_KEY_ID": "key_id", "APCA_API_SECRET_KEY": "secret_key"}
ALERT_VARIABLE: Final = "GAPLESS_ALERT_URLS"
SECRET_VARIABLES: Final = {**KEY_VARIABLES, ALERT_VARIABLE: "alert_urls"}
"""Settings that only the environment gives."""

_STOCKS: Final = frozenset({"iex", "sip", "delayed_sip", "boats", "overnight", "test"})
_OPTIONS: Final = frozenset({"indicative", "opra"})


@frozen
class Settings:
    """Everything that can be set for ``gapless run``, with its default."""

    strategies: tuple[str, ...] = ()
    venue: Venue = "exchange"
    feed: tuple[FeedName, ...] = ()
    endpoints: Endpoints = field(factory=Endpoints)
    key_id: Secret[str] | None = None
    secret_key: Secret[str] | None = None
    for_s: float | None = field(default=None, validator=validators.optional(validators.gt(0)))
    until_tape_ends: bool = False
    encoding: Wire = "msgpack"
    log_level: LogLevel = "info"
    log_file: Path | None = None
    log_format: LogFormat = "text"
    state: Path | None = None
    """Where the order file is; ``None``: a folder for each account, and a throw-away one at the embedded exchange."""
    shadow: bool = False
    health: HealthSettings = field(factory=HealthSettings)
    on_kill: OnKill = "flatten"
    exchange: ExchangeOptions = field(factory=ExchangeOptions)
    tuning: Tuning = field(factory=Tuning)
    alerts: AlertSettings = field(factory=AlertSettings)
    alert_urls: Secret[str] | None = None
    """Where alerts are sent to: see `engine.app.alerts.channels`."""
    watch: WatchSettings = field(factory=WatchSettings)
    web: WebSettings = field(factory=WebSettings)
    limits: Limits = DEFAULT_ACCOUNT_LIMITS
    """Of the account."""
    strategy_limits: Mapping[str, Limits] = field(factory=dict)
    """Strategy name to limits, from ``[limits.strategies.NAME]`` tables."""
    params: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    """Strategy name to parameters, from ``[params.NAME]`` tables; typed when the strategy is loaded."""

    @property
    def feeds(self) -> Feeds:
        """The endpoint of each family: the last name of a family wins; ``crypto`` means the location ``us``."""
        chosen: dict[str, Any] = {}
        for name in self.feed:
            if name in _STOCKS:
                chosen["stocks"] = name
            elif name in _OPTIONS:
                chosen["options"] = name
            else:
                chosen["crypto"] = name.partition(":")[2] or "us"
        return Feeds(**chosen)


_BY_STRATEGY: Final = frozenset({"params", "strategy_limits"})
"""Settings that are tables by the names of strategies, and so have no names of their own."""


@frozen
class _Found:
    """A value as it was written, and where."""

    value: Any
    origin: str


def load_settings(
    *,
    file: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
    folder: Path,
    limit_flags: Sequence[tuple[str, str, str]] = (),
) -> Settings:
    """Merge the four places into one value.

    ``limit_flags`` are limits as flags give them: strategy (empty: the account), name and value.

    ``file`` is what ``--config`` named (it must exist); without one, ``GAPLESS_CONFIG`` and then ``gapless.toml`` in
    ``folder`` are tried. ``flags`` maps a dotted path to a value; ``None`` means not given. Raises `Misconfigured`.
    """
    found: dict[str, _Found] = {}
    params: Mapping[str, Mapping[str, Any]] = {}
    limits: dict[str, dict[str, _Found]] = {}
    path = _choose_file(file, environ, folder)
    if path is not None:
        document = _read(path)
        params = _named_tables(document.pop("params", {}), "params", "fast = 10", path)
        if isinstance(document.get("limits"), dict):
            named = document["limits"].pop("strategies", {})
            for name, table in _named_tables(named, "limits.strategies", "order_qty = 100", path).items():
                limits[name] = {key: _Found(value, f"{path}: limits.strategies.{name}") for key, value in table.items()}
        found.update(_from_file(document, path))
    found.update(_from_environment(environ))
    found.update((name, _Found(value, f"Flag {_flag(name)}")) for name, value in flags.items() if value is not None)
    for name, limit, value in limit_flags:
        if name:
            limits.setdefault(name, {})[limit] = _Found(value, "Flag --limit")
        else:
            _check_limit(limit, "Flag --limit")
            found[f"limits.{limit}"] = _Found(value, f"Flag --limit {limit}")
    by_strategy = {name: _limits_of(table) for name, table in limits.items()}
    settings: Settings = _build(Settings, "", found, params=params, strategy_limits=by_strategy)
    if bool(settings.key_id) != bool(settings.secret_key):
        there, missing = list(KEY_VARIABLES) if settings.key_id else list(KEY_VARIABLES)[::-1]
        raise Misconfigured(f"Environment variable {there} is set but {missing} is not: set both or neither.")
    return settings


def _choose_file(file: Path | None, environ: Mapping[str, str], folder: Path) -> Path | None:
    if file is not None:
        if not file.is_file():
            raise Misconfigured(f"Flag --config: there is no file {file}.")
        return file
    named = environ.get(CONFIG_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise Misconfigured(f"Environment variable {CONFIG_VARIABLE}: there is no file {named}.")
        return Path(named)
    default = folder / FILE_NAME
    return default if default.is_file() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{path} is not TOML: {error}.") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{path} is not UTF-8 text.") from None
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}.") from None


def _named_tables(tables: Any, name: str, line: str, path: Path) -> dict[str, Mapping[str, Any]]:
    """Tables by the names of strategies, such as ``[params.NAME]``."""
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise Misconfigured(f"{path}: {name} must be tables such as [{name}.sma_cross] with a line {line}.")
    return tables


def _check_limit(limit: str, origin: str) -> None:
    known = [attribute.name for attribute in fields(Limits)]
    if limit not in known:
        raise Misconfigured(f"{origin}: there is no limit {limit!r}{_did_you_mean(limit, known)}")


def _limits_of(table: Mapping[str, _Found]) -> Limits:
    """The limits of one strategy; raises `Misconfigured`."""
    for limit, found in table.items():
        _check_limit(limit, found.origin)
    limits: Limits = _build(Limits, "", table)
    return limits


def _from_file(document: Mapping[str, Any], path: Path) -> Iterator[tuple[str, _Found]]:
    known = _leaves(Settings)
    for written, value in _flatten(document):
        name = _ALIASES.get(written, written)
        if name in KEY_VARIABLES.values():
            raise Misconfigured(f"{path}: keys do not belong in a file; set {' and '.join(KEY_VARIABLES)} instead.")
        if name in SECRET_VARIABLES.values():
            raise Misconfigured(f"{path}: addresses of alerts are secret; set {ALERT_VARIABLE} instead.")
        if name == _TOKEN:
            raise Misconfigured(f"{path}: a token does not belong in a file; set {TOKEN_VARIABLE} instead.")
        if name not in known:
            raise Misconfigured(f"{path}: there is no setting {name!r}{_did_you_mean(name, _names())}")
        yield name, _Found(value, f"{path}: {name}")


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, _Found]]:
    by_variable = {f"{PREFIX}{name.upper().replace('.', '__')}": _ALIASES.get(name, name) for name in _names()}
    for variable, value in environ.items():
        if variable in SECRET_VARIABLES:
            if value:
                yield SECRET_VARIABLES[variable], _Found(value, f"Environment variable {variable}")
        elif variable.startswith(PREFIX) and variable != CONFIG_VARIABLE:
            if variable not in by_variable:
                hint = _did_you_mean(variable, sorted(by_variable))
                raise Misconfigured(f"Environment variable {variable}: there is no such setting{hint}")
            yield by_variable[variable], _Found(value, f"Environment variable {variable}")


def _flatten(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    tables = _tables(Settings)
    for key, value in document.items():
        name = f"{prefix}{key.replace('-', '_')}"
        if isinstance(value, dict) and name in tables:
            yield from _flatten(value, f"{name}.")
        else:
            yield name, value


def _tables(owner: type) -> set[str]:
    return {name for name, kind in get_type_hints(owner).items() if has(kind)}


def _leaves(owner: type, prefix: str = "") -> dict[str, Any]:
    """Every dotted path that can be set, with its type."""
    leaves: dict[str, Any] = {}
    for name, kind in get_type_hints(owner).items():
        if has(kind):
            leaves.update(_leaves(kind, f"{prefix}{name}."))
        elif name not in _BY_STRATEGY:
            leaves[f"{prefix}{name}"] = kind
    return leaves


# The endpoints are what people set most, so they need no table: data_url = "..." and GAPLESS_DATA_URL.
_TOKEN: Final = "web.token"
_ALIASES: Final = {
    "for": "for_s",
    "web_token": _TOKEN,
    **{attribute.name: f"endpoints.{attribute.name}" for attribute in fields(Endpoints)},
}
_SHORT: Final = {name: alias for alias, name in _ALIASES.items()}


def _names() -> list[str]:
    """What a person may write, the short name where there is one."""
    return sorted(_SHORT.get(name, name) for name in _leaves(Settings) if name not in SECRET_VARIABLES.values())


_FLAGS: Final = {"for_s": "--for", "health.port": "--health-port"}


def _flag(name: str) -> str:
    return _FLAGS.get(name, "--" + name.rpartition(".")[2].replace("_", "-"))


def _did_you_mean(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(known)}."


def _build(owner: type, prefix: str, found: Mapping[str, _Found], **given: Any) -> Any:
    """Make ``owner`` from what was found for it, one typed and checked value at a time."""
    hints = get_type_hints(owner)
    values = dict(given)
    for attribute in fields(owner):
        name, kind = f"{prefix}{attribute.name}", hints[attribute.name]
        if has(kind):
            standing = attribute.default if isinstance(attribute.default, kind) else None
            defaults = {} if standing is None else {one.name: getattr(standing, one.name) for one in fields(kind)}
            values[attribute.name] = _build(kind, f"{name}.", found, **defaults)
        elif name in found:
            values[attribute.name] = _typed(found[name], kind, attribute)
    return owner(**values)


def _typed(found: _Found, kind: Any, attribute: "Attribute[Any]") -> Any:
    try:
        value = structure(found.value, kind)
        if attribute.validator is not None:
            attribute.validator(None, attribute, value)
    except (ValueError, TypeError) as error:
        raise Misconfigured(f"{found.origin}: {error}.") from None
    return value
