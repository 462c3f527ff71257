"""Invariant 29: no secret in anything that the engine says or writes. The keys of a session are canaries."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from attrs import define

from engine.ports.context import Event
from engine.testing.simulate.judge.ground import Ground, broken
from engine.testing.simulate.watch import Ended, Life, Watch

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of one file that is looked through; none of a simulated session is larger."""


@define(eq=False)
class Secrets(Watch):
    """``canaries`` must not be found anywhere."""

    ground: Ground
    canaries: tuple[str, ...] = ()

    def said(self, text: str) -> None:
        """A line of the log."""
        self.check(text, "the log")

    def noticed(self, life: Life, strategy: str, notice: Event, now_ns: int) -> None:
        """What strategies are told."""
        del life, now_ns
        self.check(repr(notice), f"a notice to {strategy}")

    def engine_ended(self, life: Life, how: Ended) -> None:
        """What ended it, and what it left on disk."""
        del how
        if life.failure is not None:
            self.check(f"{life.failure!r} {life.failure.__cause__!r}", "an error")
        if life.report is not None:
            self.check(repr(life.report), "a report")
        self.check_files(life.folder.rglob("*") if life.folder.is_dir() else ())

    def check_files(self, paths: Iterable[Path]) -> None:
        """Files of a state folder, or of a session's."""
        for path in sorted(paths):
            if path.is_file() and path.stat().st_size <= FILE_BYTES_MAX:
                body = path.read_bytes()
                for canary in self.canaries:
                    if canary.encode() in body:
                        broken(29, f"the file {path.name} holds a secret")

    def check(self, text: str, where: str) -> None:
        """One text."""
        for canary in self.canaries:
            if canary in text:
                broken(29, f"{where} holds a secret: {text.replace(canary, '***')[:200]}")
