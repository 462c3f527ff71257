"""``report.json``: the figures with which a session ended, kept beside what it recorded.

Most of a session can be read out of its journals. What cannot, because it was counted and never written down, is here:
how each line did, what strategies ended with, what they still held. Sessions of former versions have no such file, and
one that crashed has none: then `read_closing` gives nothing, and whoever tells of it says that it was not recorded.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from engine.errors import StoreFailed
from engine.store.session.manifest import replace_file

NAME: Final = "report.json"
FORMAT: Final = 1
BYTES_MAX: Final = 16 << 20
"""What is read of such a file: some ten times the largest that is written."""
ROWS_MAX: Final = 2000
"""Rows of one list that are kept: streams and gaps can be many more, and the journals have them all."""


def write_closing(folder: Path, figures: Mapping[str, Any]) -> None:
    """Keep the figures, plain values without secrets; of long lists the last `ROWS_MAX`. Raises ``OSError``."""
    kept = {name: value[-ROWS_MAX:] if isinstance(value, list | tuple) else value for name, value in figures.items()}
    text = json.dumps({"format": FORMAT, **kept}, indent=1, ensure_ascii=False, allow_nan=False)
    replace_file(folder / NAME, f"{text}\n".encode())


def read_closing(folder: Path) -> dict[str, Any]:
    """The figures of a session's end; empty where there are none, or those of a newer format.

    Raises `StoreFailed` for a file that is none.
    """
    path = folder / NAME
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(BYTES_MAX))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StoreFailed(
            f"{path} cannot be read ({error}): take it from a copy, or remove it: the rest of the session is readable "
            "without it."
        ) from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        return {}
    return told
