"""Keeps secrets out of a report, whatever was recorded: by value, by shape, and by the name of a setting.

A manifest is written without secrets. But parameters of a strategy are whatever its author made of them, and errors
hold what somebody else's library put there.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar, cast

from attrs import evolve, fields, has

from engine.app.logs import Redactor
from engine.app.postmortem.story import Story
from engine.app.secrets import MASK, secrets_of

T = TypeVar("T")
_SECRET: Final = re.compile(r"(?i)(secret|token|passw|api_?key|key_?id|credential|webhook|auth(?!or))")


def veil(story: Story, environ: Mapping[str, str]) -> Story:
    """The same story without secrets in its texts; of an environment those it has a name for."""
    redact = Redactor(secrets_of(environ))
    return evolve(
        story,
        manifest=_veiled(story.manifest, redact),
        closing=_veiled(dict(story.closing), redact),
        timeline=_veiled(story.timeline, redact),
        journal=evolve(story.journal, runs=_veiled(story.journal.runs, redact)),
        findings=_veiled(story.findings, redact),
        remarks=_veiled(story.remarks, redact),
        tickets=tuple(evolve(one, reason=redact(one.reason)) if one.reason else one for one in story.tickets),
    )


def _veiled(value: T, redact: Redactor) -> T:
    told: Any = value
    if isinstance(told, str):
        told = redact(told)
    elif isinstance(told, Mapping):
        told = {
            _veiled(key, redact): MASK if _names_secret(key, each) else _veiled(each, redact)
            for key, each in told.items()
        }
    elif isinstance(told, list | tuple):
        told = type(told)(_veiled(each, redact) for each in told)
    elif has(type(told)):
        told = evolve(
            told,
            **{
                one.alias or one.name: _veiled(getattr(told, one.name), redact)
                for one in fields(type(told))
                if one.init
            },
        )
    return cast(T, told)


def _names_secret(key: object, value: object) -> bool:
    return isinstance(key, str) and isinstance(value, str) and bool(value) and bool(_SECRET.search(key))
