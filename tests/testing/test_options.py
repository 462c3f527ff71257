"""What a marker says is what the exchange plays, and a word or value that means nothing is refused in a sentence."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import Misconfigured
from engine.exchange.faults.script import build_fault
from engine.exchange.serve import ExchangeOptions, build_faults
from engine.testing.options import WORDS, build_options

CUT = {"kind": "cut", "every": "90s"}


def test_nothing_said_is_the_exchange_as_it_comes() -> None:
    assert build_options({}) == ExchangeOptions()


def test_one_symbol_or_tape_may_stand_alone() -> None:
    assert build_options({"symbols": "SPY"}).symbols == build_options({"symbols": ["SPY"]}).symbols == ("SPY",)
    assert build_options({"tapes": "day.parquet"}).tapes == (Path("day.parquet"),)


@pytest.mark.parametrize(
    "faults",
    ['[[fault]]\nkind = "cut"\nevery = "90s"\n', [CUT], (build_fault(**CUT),)],
    ids=["script", "table", "value"],
)
def test_faults_may_be_written_in_three_ways(faults: Any) -> None:
    (fault,) = build_options({"faults": faults}).faults
    assert (fault.kind, fault.every_s) == ("cut", 90.0)


def test_a_bad_day_comes_from_a_number_beside_the_faults_that_are_named() -> None:
    alone = build_faults(build_options({"chaos": 7}))
    assert alone
    assert build_faults(build_options({"chaos": 7, "faults": [CUT]})) == (build_fault(**CUT), *alone)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"sybmols": "SPY"}, "no option 'sybmols'; did you mean 'symbols'"),
        ({"port": 80}, "no option 'port'"),
        ({"faults": CUT}, "is one fault: write a list"),
        ({"faults": [{"kind": "cutt"}]}, r"faults\[0\]: kind 'cutt' is not known"),
    ],
)
def test_what_means_nothing_is_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        build_options(given)


def test_every_option_of_an_exchange_can_be_given_but_where_it_listens() -> None:
    assert {"symbols", "seed", "speed", "faults", "chaos", "tapes", "start", "keys"} <= set(WORDS)
    assert not {"host", "port"} & set(WORDS)
    assert len(set(WORDS)) == len(WORDS)
