"""A plan as a file: what failed once is kept, and played in every run of the tests from then on."""

from pathlib import Path
from typing import Any, Final

import msgspec
from attrs import evolve

from engine.errors import Misconfigured
from engine.testing.simulate.plan import Plan

FORMAT: Final = 1
"""Of the file. A plan of another format is refused: a plan that is half understood proves nothing."""


class _Kept(msgspec.Struct):
    format: int
    why: str
    plan: Plan


def render_plan(plan: Plan, why: str = "") -> str:
    """The text of the file. ``why``: what it showed when it was kept, for people."""
    body = msgspec.json.encode(_Kept(FORMAT, why, plan))
    return msgspec.json.format(body, indent=1).decode() + "\n"


def write_plan(path: Path, plan: Plan, why: str = "") -> None:
    """Keep a plan. Raises `Misconfigured` where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_plan(plan, why), encoding="utf-8")
    except OSError as error:
        raise Misconfigured(f"The plan cannot be kept in {path}: {error.strerror}. Give another folder.") from error


def read_plan(path: Path) -> Plan:
    """The plan of a file. Raises `Misconfigured` where there is none that can be played."""
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except OSError as error:
        raise Misconfigured(f"The plan {path} cannot be read: {error.strerror}.") from error
    except msgspec.MsgspecError as error:
        raise Misconfigured(
            f"{path} is not a plan: {error}. Plans are written by 'gapless simulate' when a seed fails."
        ) from error
    if kept.format != FORMAT:
        raise Misconfigured(f"{path} is a plan of format {kept.format}, and this version plays format {FORMAT}.")
    plan = kept.plan
    return evolve(
        plan,
        troubles=tuple(evolve(each, keys=_frozen(each.keys)) for each in plan.troubles),
        players=tuple(evolve(each, params=_frozen(each.params)) for each in plan.players),
    )


def _frozen(value: Any) -> Any:
    """JSON has one kind of list; a plan is made of tuples all through, so that equal plans are equal."""
    return tuple(_frozen(each) for each in value) if isinstance(value, list | tuple) else value
