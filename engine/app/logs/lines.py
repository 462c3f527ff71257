"""A log line as people read it, and as programs do: when, how bad, whose work it was, and what there is to say."""

import traceback
from typing import TYPE_CHECKING, Final

import msgspec

from engine.app.logs.redact import Redactor
from engine.flow.supervisor import WORK
from engine.model.journal import writable

if TYPE_CHECKING:
    from loguru import Record

TERMINAL: Final = (
    "<dim>{time:HH:mm:ss.SSS}</dim> <level>{level: <7}</level> <cyan>{extra[task]}</cyan>: <level>{extra[text]}</level>"
)
FILE: Final = "{time:YYYY-MM-DDTHH:mm:ss.SSSZZ} {level: <7} {extra[task]}: {extra[text]} [{name}:{line}]"

_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
"""What a venue or a strategy says may move nobody's cursor and set no title of a terminal: as in the tables."""


def add_task(record: "Record") -> None:
    """A patcher: whose work this line is of, and what it says without saying that again."""
    work = WORK.get()
    record["extra"]["task"] = work
    record["extra"]["text"] = without_name(record["message"], work).translate(_CONTROLS)


def without_name(message: str, work: str) -> str:
    """A sentence that has to stand alone elsewhere begins with what it is about; here that stands before it."""
    for name in (work, work.partition(" ")[2]):
        if name and message.startswith(f"{name}: "):
            return message[len(name) + 2 :]
    return message


def render_json(record: "Record", redact: Redactor) -> str:
    """The line as one JSON object. ``at`` is RFC 3339 with this machine's offset from UTC."""
    line: dict[str, str] = {
        "at": record["time"].isoformat(timespec="milliseconds"),
        "level": record["level"].name.lower(),
        "task": redact(record["extra"]["task"]),
        "message": redact(record["extra"]["text"]),
        "where": f"{record['name']}:{record['line']}",
    }
    raised = record["exception"]
    if raised is not None:
        told = traceback.format_exception(raised.type, raised.value, raised.traceback)
        line["exception"] = redact("".join(told))
    more = {name: redact(str(value)) for name, value in record["extra"].items() if name not in ("task", "text")}
    return msgspec.json.encode({name: writable(text) for name, text in (line | more).items()}).decode()
