"""``gapless report`` from flags to exit code: 0 once it is told; what keeps it from that is raised."""

import os
import sys
from pathlib import Path
from typing import Final

import msgspec

from engine.app.postmortem.flags import ReportFlags
from engine.app.postmortem.page.build import build_page
from engine.app.postmortem.story import tell_story
from engine.app.postmortem.summary import render_summary, to_json
from engine.app.postmortem.veil import veil
from engine.errors import Misconfigured
from engine.store.folder import FILE_MODE

PAGE: Final = "report.html"
"""The page's name in the session's folder."""


def report_command(flags: ReportFlags) -> int:
    """Tell a session. Raises `GaplessError` where it cannot be read, or the page not be written."""
    if flags.capital is not None and not flags.capital > 0:
        raise Misconfigured(f"--capital {flags.capital:g}: returns need an amount of dollars above 0.")
    folder = Path(flags.session)
    story = veil(tell_story(folder, tapes=flags.tape, capital=flags.capital), os.environ)
    path = flags.output or (None if flags.json else folder / PAGE)
    if path is not None:
        write_page(path, build_page(story))
    if flags.json:
        text = msgspec.json.encode(to_json(story)).decode()
    else:
        text = f"{render_summary(story)}\n\nThe page is {path}."
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return 0


def write_page(path: Path, text: str) -> None:
    """Write the page, the old one or the new one and nothing between. Raises `Misconfigured`."""
    draft = path.with_name(path.name + ".new")
    try:
        draft.touch(FILE_MODE)  # as everything of a session: it tells what somebody owns
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise Misconfigured(
            f"The page cannot be written to {path}: {error.strerror or error}; give another place with --output."
        ) from error
