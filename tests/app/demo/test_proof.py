"""Law: the proof holds only if every published row was told once, equal and in an order that is allowed."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine import Bar, Gap, Kind, Quote, Stream, Trade
from engine.app.demo.proof import StreamProof, prove, read_audit, render_proof
from engine.model.market import MarketEvent
from strategies.audit import render_lines

TRADES: list[MarketEvent] = [Trade("SPY", 1000 + n, 100.5, 10.0, id=n, conditions=("@",)) for n in range(6)]
OTHERS: list[MarketEvent] = [Quote("SPY", 5, 1.0, 2.0, 3.0, 4.0), Bar("QQQ", 6, 1.0, 2.0, 0.5, 1.5, 10.0, 3, 1.2)]


def proofs(tmp_path: Path, published: list[MarketEvent], told: list[Any]) -> list[StreamProof]:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(render_lines(told, 7))
    return prove(published, read_audit(path), (Kind.TRADES, Kind.QUOTES, Kind.BARS))


def trades_proof(tmp_path: Path, told: list[Any]) -> StreamProof:
    (proof,) = proofs(tmp_path, TRADES, told)
    return proof


def test_equal_rows_are_a_proof_whichever_way_they_came(tmp_path: Path) -> None:
    told = [replace(event, seq=n, received_ns=9, origin="backfill") for n, event in enumerate(TRADES + OTHERS)]
    found = proofs(tmp_path, TRADES + OTHERS, told)
    assert [str(proof.stream) for proof in found] == ["bars:QQQ", "quotes:SPY", "trades:SPY"]
    assert all(proof.holds and proof.backfilled == proof.published for proof in found)


@pytest.mark.parametrize(
    ("told", "figures"),
    [
        (TRADES[:-1], {"lost": 1}),
        ([*TRADES, TRADES[2]], {"twice": 1}),
        ([*TRADES, Trade("SPY", 9, 1.0, 1.0)], {"foreign": 1}),
        ([*TRADES[:-1], replace(TRADES[-1], price=100.51)], {"lost": 1, "foreign": 1}),
        ([TRADES[1], TRADES[0], *TRADES[2:]], {"misplaced": 1}),
        ([TRADES[5], *TRADES[:5]], {"misplaced": 5}),
        ([], {"lost": 6}),
    ],
)
def test_every_kind_of_difference_is_found(tmp_path: Path, told: list[Any], figures: dict[str, int]) -> None:
    proof = trades_proof(tmp_path, told)
    assert not proof.holds
    assert {
        name: getattr(proof, name) for name in ("lost", "twice", "foreign", "misplaced") if getattr(proof, name)
    } == figures


def test_history_may_tell_a_late_trade_in_the_order_of_its_time(tmp_path: Path) -> None:
    late = Trade("SPY", 1001, 99.0, 1.0, id=99)
    published: list[MarketEvent] = [*TRADES[:4], late, *TRADES[4:]]
    (proof,) = proofs(tmp_path, published, [*TRADES[:2], late, *TRADES[2:]])
    assert proof.holds


def test_a_gap_in_the_file_is_no_event(tmp_path: Path) -> None:
    gap = Gap("iex", Stream(Kind.TRADES, "SPY"), 1, 2, "no_history", 3)
    assert trades_proof(tmp_path, [*TRADES[:3], gap, *TRADES[3:]]).holds


def test_the_table_names_what_differs(tmp_path: Path) -> None:
    assert "DIFFERS" in render_proof([trades_proof(tmp_path, TRADES[1:])])


def test_the_lines_of_the_file_are_json_with_the_own_fields_first(tmp_path: Path) -> None:
    line = json.loads(render_lines([TRADES[1]], 7))
    assert list(line)[:4] == ["type", "symbol", "ts_ns", "price"]
    assert list(line)[-1] == "delivered_ns"
