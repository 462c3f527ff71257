"""``gapless list``: every strategy that a short name can mean, with its parameters, also those that do not load."""

from typing import Any

import msgspec
from attrs import asdict, frozen

from engine.app.plugins.find import all_names, find_strategy
from engine.app.plugins.params import Parameter, parameters
from engine.app.screen.tables import Sheet, render_plain
from engine.errors import Misconfigured


@frozen
class Entry:
    """One strategy; ``error`` says why it cannot be loaded, and then the rest is empty."""

    name: str
    summary: str = ""
    doc: str = ""
    parameters: tuple[Parameter, ...] = ()
    error: str | None = None


def catalogue() -> tuple[Entry, ...]:
    """Look at every strategy by name. One that is broken is listed with its sentence; it does not hide the others."""
    return tuple(_entry(name) for name in all_names())


def list_all(*, as_json: bool) -> int:
    """Print the catalogue; the exit code is 0 unless something in it does not load."""
    entries = catalogue()
    if as_json:
        print(msgspec.json.encode([_plain(entry) for entry in entries]).decode())
    elif not entries:
        print("There are no strategies yet; write one with: gapless new my_strategy")
    else:
        print(render_plain(_sheet(entries)))
        print("\nRun one with: gapless run NAME --set PARAMETER=VALUE")
    return 1 if any(entry.error for entry in entries) else 0


def _entry(name: str) -> Entry:
    try:
        strategy = find_strategy(name)
        doc = strategy.doc or ""
        return Entry(name, doc.partition("\n")[0], doc, parameters(strategy))
    except Misconfigured as error:
        return Entry(name, error=str(error))


def _plain(entry: Entry) -> dict[str, Any]:
    return asdict(entry)


def _sheet(entries: tuple[Entry, ...]) -> Sheet:
    rows: list[tuple[str, ...]] = []
    for entry in entries:
        rows.append((entry.name, entry.error or entry.summary))
        for parameter in entry.parameters:
            default = "required" if parameter.default is None else f"default {parameter.default or 'empty'}"
            rows.append((f"  --set {parameter.name}=", f"{parameter.takes}; {default}"))
    return Sheet("Strategies", ("<name", "<what it does"), tuple(rows))
