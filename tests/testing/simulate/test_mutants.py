"""Every planted bug can still be planted: its text is there once, and what comes of it is Python."""

import shutil
from pathlib import Path

import pytest
from attrs import evolve

import engine
from engine.errors import Misconfigured
from engine.testing.simulate.mutants import EQUIVALENT, MUTANTS, Mutant, plant

ROOT = Path(engine.__file__).parent


def copy(mutant: Mutant, to: Path) -> Path:
    file = to / mutant.file
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / mutant.file, file)
    return file


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_applies_and_compiles(mutant: Mutant, tmp_path: Path) -> None:
    file = copy(mutant, tmp_path)
    before = file.read_text()
    plant(mutant, tmp_path)
    assert file.read_text() != before
    assert (ROOT / mutant.file).read_text() == before


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len(MUTANTS) - len(EQUIVALENT) >= 34


def test_text_that_is_not_there_once_is_refused(tmp_path: Path) -> None:
    mutant = evolve(MUTANTS[0], old="return")
    copy(mutant, tmp_path)
    with pytest.raises(Misconfigured, match="write the mutant anew"):
        plant(mutant, tmp_path)


def test_what_is_no_python_is_refused(tmp_path: Path) -> None:
    mutant = evolve(MUTANTS[0], new="return (")
    copy(mutant, tmp_path)
    with pytest.raises(Misconfigured, match="makes no Python"):
        plant(mutant, tmp_path)
