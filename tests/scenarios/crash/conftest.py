"""One loaded engine for all the processes of these tests."""

from collections.abc import Iterator

import pytest

from engine.testing.crash.processes import Forks, open_forks


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Makes processes: each test has some of its own, one after the other."""
    with open_forks() as opened:
        yield opened
