"""Reading a fault script: TOML, one ``[[fault]]`` table per fault.

    [[fault]]
    kind = "cut_without_close"
    every = "90s"              # or after_events = 5000, or at = "14:30:00" (UTC) or "09:30:00 ET"
    times = 3

A script is written by hand, often in a hurry, so each mistake is one sentence that names the file, the table, the key
and what may stand there.
"""

import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Never

from attrs import evolve

from engine.errors import Misconfigured
from engine.exchange.faults.kinds import KINDS, LINES, PHASES, STAGES, Fault, KindRow, TimeOfDay

_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
DURATION_MAX_S: Final = 31 * 86_400.0
"""Longer than any run; without a bound there would be durations that no clock can add up."""
_TIME_OF_DAY: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)( ET)?")

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_TEXT: Final = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")
_FRAMING: Final = frozenset({"connection", "content-length", "transfer-encoding", "upgrade"})
"""Headers that say where a reply ends: with another value there, what comes next could not be read."""

METHODS: Final = ("GET", "POST", "PATCH", "PUT", "DELETE")
_FAULTS_MAX: Final = 1000
"""Tables in one script: each is looked at whenever events are published."""


def parse_duration(value: object) -> float:
    """Seconds of a text such as ``90s``, ``250ms``, ``15m`` or ``1h``; raises ``ValueError``."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    seconds = math.inf if match is None else float(match[1]) * _UNITS_S[match[2]]
    if seconds > DURATION_MAX_S:
        raise ValueError('a duration such as "90s", "250ms", "15m" or "1h", of a month at most')
    return seconds


def parse_time_of_day(value: object) -> TimeOfDay:
    """A moment of the day such as ``14:30:00`` (UTC) or ``09:30:00 ET``; raises ``ValueError``."""
    match = _TIME_OF_DAY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a time of day such as "14:30:00" (UTC) or "09:30:00 ET" (New York)')
    return TimeOfDay(int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]), match[4] is not None)


def _whole(low: int, high: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return parse


def _rate(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1:
        raise ValueError("a rate above 0 and up to 1")
    return float(value)


def _every(value: object) -> float:
    seconds = parse_duration(value)
    if seconds <= 0:
        raise ValueError("a duration above 0")
    return seconds


def _one_of(allowed: Sequence[str]) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if value not in allowed:
            raise ValueError("one of " + ", ".join(allowed))
        return str(value)

    return parse


def _path(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError('the beginning of a path such as "/v2/orders"')
    return value


def _symbol(value: object) -> str:
    if not isinstance(value, str) or not value or " " in value:
        raise ValueError('a symbol such as "SPY" or "BTC/USD"')
    return value


def _headers(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(_is_header(name, text) for name, text in value.items()):
        raise ValueError("a table of header names and texts, in plain ASCII, none about the length of the body")
    return value


def _is_header(name: object, text: object) -> bool:
    plain = isinstance(name, str) and isinstance(text, str) and _HEADER_NAME.fullmatch(name) and _TEXT.fullmatch(text)
    return bool(plain) and str(name).lower() not in _FRAMING


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


# What each key is called in `Fault`, and how it is read. Ten million events or calls are more than any tape here has.
_KEYS: Final[Mapping[str, tuple[str, Callable[[object], Any]]]] = {
    "after_events": ("after_events", _whole(0, 1_000_000_000)),
    "at": ("at", parse_time_of_day),
    "every": ("every_s", _every),
    "times": ("times", _whole(1, 10_000_000)),
    "for": ("for_s", parse_duration),
    "next": ("uses", _whole(1, 10_000_000)),
    "p": ("p", _rate),
    "code": ("code", _whole(400, 4999)),
    "phase": ("phase", _one_of(PHASES)),
    "status": ("status", _whole(400, 599)),
    "headers": ("headers", _headers),
    "events": ("events", _whole(0, 10_000_000)),
    "lag": ("lag_s", parse_duration),
    "younger": ("younger_s", parse_duration),
    "limit": ("limit", _whole(0, 1_000_000)),
    "cut": ("cut", _flag),
    "line": ("line", _one_of(LINES)),
    "stage": ("stage", _one_of(STAGES)),
    "method": ("method", _one_of(METHODS)),
    "path": ("path", _path),
    "symbol": ("symbol", _symbol),
    "bare": ("bare", _flag),
}
_MOMENTS: Final = ("after_events", "at", "every")
_ONE_USE: Final = frozenset(
    {
        "stall_handshake", "stall_login", "upgrade_status", "http_status", "cut_body", "late_status", "lost_reply",
        "black_hole", "empty_snapshot", "cancel_loses", "reject_late", "drop_update", "duplicate_update",
        "delay_update", "swap_updates", "null_update", "unknown_update",
    }
)  # fmt: skip
"""Kinds of which a moment means one connection, call or update, unless `for` or `next` says otherwise."""
REFUSE_DEFAULT_S: Final = 5.0
"""A server that restarts is back within seconds; a client's second or third try should meet it again."""


def load_faults(path: Path) -> tuple[Fault, ...]:
    """Read a script from a file; raises `Misconfigured` naming it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Misconfigured(f"The fault script {path} cannot be read: {reason}. Check its name.") from None
    return parse_faults(text, source=str(path))


def parse_faults(text: str, *, source: str = "the fault script") -> tuple[Fault, ...]:
    """Read a script; raises `Misconfigured` with one sentence about its first mistake."""
    try:
        script = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{source} is not TOML: {error}. Each fault is a [[fault]] table.") from None
    tables = script.pop("fault", [])
    if script:
        raise Misconfigured(f"{source} has {min(script)!r} outside of a fault: put all of it in [[fault]] tables.")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise Misconfigured(f"{source} has a [fault] table: write [[fault]], with two brackets, for each fault.")
    if len(tables) > _FAULTS_MAX:
        raise Misconfigured(f"{source} has {len(tables)} faults: {_FAULTS_MAX} are allowed. Use `every` or `times`.")
    return tuple(_parse_table(table, number, source) for number, table in enumerate(tables, 1))


def build_fault(**table: object) -> Fault:
    """A fault from the keys of a script, for tests and for injecting by hand; ``for_`` stands for ``for``.

    Raises `Misconfigured`. Without a moment it happens when it is injected.
    """
    return parse_fault({key.rstrip("_"): value for key, value in table.items()}, source="this call")


def parse_fault(table: Mapping[str, object], *, source: str) -> Fault:
    """One fault that is injected by hand, which needs no moment; raises `Misconfigured` naming ``source``."""
    return _parse_table(table, 0, source)


def _parse_table(table: Mapping[str, object], number: int, source: str) -> Fault:
    where = f"{source}, fault {number}" if number else source
    kind = str(table.get("kind", "")).replace("-", "_")
    if kind not in KINDS:
        asked = f"kind {table['kind']!r} is not known" if "kind" in table else "there is no kind"
        raise Misconfigured(f"{where}: {asked}. The kinds are {', '.join(sorted(KINDS))}.")
    row = KINDS[kind]
    allowed = row.options | {"kind", "times", *_MOMENTS}
    values: dict[str, Any] = dict(row.defaults)
    for key, value in table.items():
        if key not in allowed:
            raise Misconfigured(f"{where} ({kind}): key {key!r} is not allowed. Allowed: {', '.join(sorted(allowed))}.")
        if key != "kind":
            name, parse = _KEYS[key]
            try:
                values[name] = parse(value)
            except ValueError as error:
                raise Misconfigured(f"{where} ({kind}): {key} = {value!r} must be {error}.") from None
    _check(kind, row, table, f"{where} ({kind})", by_hand=not number)
    return _complete(Fault(kind=kind, table=number, **values), where)


def _check(kind: str, row: KindRow, table: Mapping[str, object], where: str, *, by_hand: bool) -> None:
    """The rules that hold between keys."""
    moments = [key for key in _MOMENTS if key in table]
    if len(moments) > 1:
        _refuse(where, f"{' and '.join(moments)} are given together; choose one moment")
    live = kind == "error" and table.get("phase", "live") == "live"
    if not moments and not by_hand and (live or (row.strike and not row.window)):
        _refuse(where, f"it needs a moment: one of {', '.join(_MOMENTS)}")
    if "symbol" in table and table.get("line") == "trading":
        _refuse(where, "a symbol is one of market data: leave the line away")
    for key in row.needs:
        if key not in table:
            _refuse(where, f"it needs the key {key!r}")


def _refuse(where: str, why: str) -> Never:
    raise Misconfigured(f"{where}: {why}.")


def _complete(fault: Fault, where: str) -> Fault:
    """What depends on more than the kind: phases, and how long a window stands that was opened by a moment."""
    if fault.kind == "error":
        fault = evolve(fault, phase=fault.phase or "live")
    if fault.kind == "stall_login":
        fault = evolve(fault, phase=fault.phase or "auth")
        if fault.phase not in ("connect", "auth"):
            _refuse(where, "the phase of stall_login is connect or auth")
    if not fault.triggered or fault.for_s is not None or fault.uses is not None:
        return fault
    if fault.kind == "refuse":
        return evolve(fault, for_s=REFUSE_DEFAULT_S)
    if fault.kind in _ONE_USE or (fault.kind == "error" and fault.phase != "live"):
        return evolve(fault, uses=1)
    return fault
