"""Flags, written down once as the fields of a frozen class, made into what click parses.

A command is a function of one such value, so a test or another program calls it without a command line. click only
parses: what it hands back is run after it has finished. It has ideas of its own about Ctrl-C, closed pipes and exit
codes, and here those are decided in one place, `engine.app.cli`.

click gives a flag one word each time. People write ``--tape A B`` too, so such words are spelt out as ``--tape A
--tape B`` before click sees them: in a command that takes no words of its own, all of them; in one that does, those
that end as the flag says (``.parquet``).
"""

import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import click
from attrs import NOTHING, AttrsInstance, fields_dict, frozen

CONTEXT: Final = {"help_option_names": ["--help", "-h"], "max_content_width": 80}
"""80 columns also where a terminal has more: longer lines are harder to read."""

Job: TypeAlias = Callable[[], int]
"""A command line that was understood: call it to run it; returns the exit code."""
FlagsT = TypeVar("FlagsT", bound=AttrsInstance)


@frozen
class Flag:
    """What a field is on the command line: ``--field-name``, or ``name`` where Python cannot call it that."""

    help: str
    metavar: str = ""
    name: str = ""
    joined: bool = False
    """A comma list: what is given again is joined to it."""
    ending: str = ""
    """Words that end like this belong to the flag before them even in a command that takes words of its own."""
    show_default: bool = False
    letter: str = ""
    """A second name of one letter, as in ``-o``."""
    bare: str = ""
    """The number that the flag means where none follows it; empty: one has to."""


@frozen
class Words:
    """A field that is no flag but the words of the command itself."""

    metavar: str
    help: str


class Moment(click.ParamType[datetime]):
    """A time in ISO 8601, with or without a zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment that was written; whether it has a zone is left to the command."""
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time in ISO 8601, such as 2026-01-05T14:30:00Z.", param, ctx)


_KINDS: Final[dict[Any, click.ParamType[Any]]] = {Path: click.Path(path_type=Path), datetime: Moment()}


class FlagOption(click.Option):
    """An option that knows which further words are its own."""

    mark: Flag

    def takes(self, word: str, *, has_rivals: bool) -> bool:
        """Whether this word, which has no flag of its own, belongs to this option (which has had one already)."""
        if not self.multiple or word.startswith("-"):
            return False
        return not has_rivals or bool(self.mark.ending and word.endswith(self.mark.ending))


class Command(click.Command):
    """A command of ours: several words after one flag, and examples printed as they are typed."""

    examples: Sequence[str] = ()
    note: str = ""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, once each value has its flag before it; an error says whose flags it is about."""
        try:
            return super().parse_args(ctx, list(self._spelt_out(ctx, args)))
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def _spelt_out(self, ctx: click.Context, args: Iterable[str]) -> Iterator[str]:
        options = {name: each for each in self.params if isinstance(each, FlagOption) for name in each.opts}
        has_rivals = any(isinstance(each, click.Argument) for each in self.params)
        last, words = None, deque(args)
        while words:
            word = words.popleft()
            name, equals, _ = word.partition("=")
            if word == "--":
                yield word
                yield from words
                return
            elif (option := options.get(name)) and not option.is_flag:
                last = option
                yield word
                if option.mark.bare and not equals and not (words and words[0].isdigit()):
                    yield option.mark.bare
                elif not equals:
                    yield _value_of(name, words, ctx)
            elif last is not None and last.takes(word, has_rivals=has_rivals):
                yield from (last.opts[0], word)
            else:
                last = None
                yield word

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, each on one line, and the note."""
        write_examples(formatter, self.examples, self.note)


def write_examples(formatter: click.HelpFormatter, examples: Sequence[str], note: str) -> None:
    """The end of every help text."""
    formatter.write("\nExamples:\n" + "".join(f"  {example}\n" for example in examples) + "\n")
    formatter.write_text(note)


def _value_of(name: str, words: deque[str], ctx: click.Context) -> str:
    """The word after a flag. Another flag is no value: in ``--tape --speed 0`` something is missing."""
    value = words.popleft() if words else "--"
    if value.startswith("--"):
        raise click.BadOptionUsage(name, f"{name} needs a value after it.", ctx)
    return value


def build_command(
    name: str, function: Callable[[FlagsT], int], help_text: str, examples: Sequence[str], note: str
) -> Command:
    """The command whose callback makes of a command line the flags of ``function``, and returns a `Job`."""
    flags: type[FlagsT] = get_type_hints(function)["flags"]
    parameters: list[click.Parameter] = []
    for field, hint in get_type_hints(flags, include_extras=True).items():
        annotation, mark = get_args(hint)
        default = fields_dict(flags)[field].default
        parameters.append(
            _argument(field, annotation, mark)
            if isinstance(mark, Words)
            else _option(field, annotation, mark, default=None if default is NOTHING else default)
        )

    def understand(**given: Any) -> Job:
        return partial(function, flags(**given))

    command = Command(name, callback=understand, params=parameters, help=help_text, short_help=help_text)
    command.examples, command.note = examples, note
    return command


def _argument(field: str, annotation: Any, mark: Words) -> click.Argument:
    several = get_origin(annotation) is tuple
    return click.Argument(
        [field], nargs=-1 if several else 1, required=not several, metavar=mark.metavar, help=mark.help
    )


def _option(field: str, annotation: Any, mark: Flag, *, default: Any) -> FlagOption:
    kind, several = _single(annotation)
    names = [f"--{mark.name or field.replace('_', '-')}", *([f"-{mark.letter}"] if mark.letter else []), field]
    if kind is bool:
        option = FlagOption(names, is_flag=True, default=default, help=mark.help)
    else:
        choices = get_args(kind) if get_origin(kind) is Literal else ()
        option = FlagOption(
            names,
            type=click.Choice(choices) if choices else _KINDS.get(kind, kind),
            multiple=several or mark.joined,
            callback=partial(_join, default) if mark.joined else None,
            default=None if mark.joined else default,
            show_default=mark.show_default,
            metavar=mark.metavar or None,
            help=f"{mark.help} One of {', '.join(choices)}." if choices else mark.help,
        )
    option.mark = mark
    return option


def _single(annotation: Any) -> tuple[Any, bool]:
    """What one value is, and whether there may be several: ``X | None`` is one X, ``tuple[X, ...]`` several."""
    if get_origin(annotation) is tuple:
        return get_args(annotation)[0], True
    if get_origin(annotation) in (Union, types.UnionType):
        return next(each for each in get_args(annotation) if each is not types.NoneType), False
    return annotation, False


def _join(default: Any, _ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> Any:
    return ",".join(value) if value else default
