"""The figures of a session's end, kept in its folder: see `engine.store.session.closing`."""

from collections.abc import Callable

import trio

from engine.app.account import AccountSide
from engine.app.logs import redacting
from engine.app.options import RunOptions
from engine.app.record.describe import plain_value
from engine.app.report import SessionReport
from engine.store.session import write_closing
from engine.store.session.manifest import NAME
from engine.store.sqlite import RunSync


async def keep_figures(
    options: RunOptions,
    figures: SessionReport,
    account: AccountSide | None,
    report: Callable[[str], None],
    *,
    run_sync: RunSync = trio.to_thread.run_sync,
) -> None:
    """Keep what a recorded session ended with. Where that cannot be written it is told, and no more comes of it."""
    folder = options.record_dir
    if folder is None:
        return
    redact = redacting(options.key_id, options.secret)
    told = {**plain_value(figures.to_json(), redact), **_equity(account)}

    def write() -> None:
        if (folder / NAME).exists():  # a recording that never began has no folder to keep anything in
            write_closing(folder, told)

    try:
        await run_sync(write)
    except OSError as error:
        report(f"The figures of the end cannot be kept in {folder}: {error.strerror or error}; they were told here.")


def _equity(account: AccountSide | None) -> dict[str, str | int]:
    """The account's equity as the broker told it last (each minute), exact, as text, and when that was."""
    books = None if account is None else account.desk.snapshot
    if books is None or books.account is None:
        return {}
    return {"equity": f"{books.account.equity:f}", "equity_at_ns": books.told_ns}
