"""The manifest comes back as it was written, and others are refused in words."""

from pathlib import Path

import pytest

from engine.errors import Misconfigured, StoreFailed
from engine.store.session.manifest import (
    Manifest,
    Player,
    Run,
    parse_manifest,
    read_manifest,
    render_manifest,
    write_manifest,
)

FULL = Manifest(
    started_ns=1,
    started="1970-01-01T00:00:00.000000001Z",
    strategies=(Player(name="trend", source="mine:trend", params={"qty": "10", "fast": 5}, trades=True),),
    settings={"venue": "exchange", "tape": ["a.parquet"], "for_s": None, "speed": 1.5},
    seeds={"session": 1},
    feeds={"stocks": "iex"},
    runs=(Run(started_ns=1, torn=3, ended_ns=9), Run(started_ns=10, failure="full")),
    ended_ns=12,
    compacted=True,
    files={"decisions.journal": "ab"},
)


@pytest.mark.parametrize("manifest", [Manifest(started_ns=1), FULL])
def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path, manifest: Manifest) -> None:
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_a_manifest_of_a_newer_gapless_is_refused() -> None:
    text = render_manifest(FULL).replace('"format": 1', '"format": 2')
    with pytest.raises(Misconfigured, match="newer gapless"):
        parse_manifest(text, "it")


def test_what_a_later_version_added_is_skipped() -> None:
    assert parse_manifest(render_manifest(FULL).replace("{", '{"mood": "good",', 1), "it") == FULL


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"started_ns": "x"}', "null"])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(StoreFailed, match="it is no manifest"):
        parse_manifest(text, "it")


def test_the_declared_window_is_shorter_than_a_second() -> None:
    assert FULL.window_s < 1
