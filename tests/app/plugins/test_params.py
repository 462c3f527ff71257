"""Law: a parameter has the type its strategy declares and reaches the strategy it was meant for, or it is refused."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen

from engine.app.plugins.params import load_strategies, parameters
from engine.errors import Misconfigured
from engine.ports import Context, Strategy, strategy


@frozen
class Params:
    symbol: str
    fast: int = 10
    qty: Decimal = Decimal(10)
    live: bool = False
    symbols: tuple[str, ...] = ("SPY", "QQQ")
    out: Path = Path("out.txt")
    weights: tuple[float, ...] = field(factory=tuple)


@strategy(params=Params)
async def demo(ctx: Context, p: Params) -> None:
    """Nothing."""


def told(names: list[str], *sets: str, tables: dict[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    return {loaded.name: loaded.params for loaded in load_strategies(names, sets, tables)}


def refusal(names: list[str], *sets: str, tables: dict[str, dict[str, Any]] | None = None) -> str:
    with pytest.raises(Misconfigured) as caught:
        load_strategies(names, sets, tables)
    return str(caught.value)


def test_values_get_the_types_of_the_params_class() -> None:
    params = told(["audit"], "symbols=AAPL,BTC/USD", "out=x/a.jsonl", "channels=trades")["audit"]
    assert params.symbols == ("AAPL", "BTC/USD")
    assert params.out == Path("x/a.jsonl")


def test_a_name_without_a_strategy_goes_wherever_there_is_such_a_parameter() -> None:
    params = told(["audit", "sma_cross", "print_events"], "symbols=A", "fast=3", "audit.symbols=B")
    assert (params["audit"].symbols, params["print_events"].symbols, params["sma_cross"].fast) == (("B",), ("A",), 3)


def test_two_of_one_strategy_are_told_apart_by_number() -> None:
    params = told(["audit", "audit"], "audit.out=one", "audit_2.out=two")
    assert [params["audit"].out, params["audit_2"].out] == [Path("one"), Path("two")]


def test_a_flag_wins_over_the_settings_file() -> None:
    tables = {"sma_cross": {"fast": 4, "slow": 9}, "not_running_today": {"x": 1}}
    params = told(["sma_cross"], "fast=5", tables=tables)["sma_cross"]
    assert (params.fast, params.slow) == (5, 9)


@pytest.mark.parametrize(
    ("sets", "parts"),
    [
        (("fsat=5",), ("--set fsat", "no parameter 'fsat'", "did you mean 'fast', of fast, qty, slow, symbol")),
        (("fast=ten",), ("--set fast", "'ten' is not a whole number")),
        (("fast",), ("NAME=VALUE",)),
        (("other.fast=1",), ("no strategy called 'other'", "sma_cross")),
        (("fast=50",), ("refuses its parameters", "below slow")),
    ],
)
def test_a_wrong_parameter_is_one_sentence(sets: tuple[str, ...], parts: tuple[str, ...]) -> None:
    sentence = refusal(["sma_cross"], *sets)
    assert all(part in sentence for part in parts), sentence


def test_a_wrong_table_of_the_file_is_named() -> None:
    assert "params.sma_cross.fats" in refusal(["sma_cross"], tables={"sma_cross": {"fats": 1}})


def test_what_can_be_set_is_described_for_people() -> None:
    described = {parameter.name: (parameter.takes, parameter.default) for parameter in parameters(demo)}
    assert described["symbol"] == ("text", None)
    assert described["fast"] == ("a whole number", "10")
    assert described["live"] == ("true or false", "false")
    assert described["symbols"] == ("a list such as A,B", "SPY,QQQ")
    assert described["weights"][1] == ""


def test_a_params_class_that_is_not_attrs_is_refused() -> None:
    class Loose:
        pass

    with pytest.raises(Misconfigured, match="attrs class"):
        parameters(Strategy(name="loose", run=demo.run, params=Loose))
